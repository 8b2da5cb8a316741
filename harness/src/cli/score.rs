//! `failover score`: would these scenarios notice if the model were wrong?

use std::path::PathBuf;

use clap::Args;

use super::CommandError;

#[derive(Debug, Args)]
pub(super) struct ScoreArguments {
    /// Scenario files, folders of them, or names of standard scenarios; all standard scenarios if there is none.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The seed of every random value.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[cfg(feature = "planted")]
pub(super) fn score(arguments: &ScoreArguments) -> Result<u8, CommandError> {
    use crate::plan::Overrides;
    use crate::report::Live;
    use crate::scenario::load;
    use crate::score::Score;

    let plans = load(&arguments.paths, arguments.seed, &Overrides::default())?;
    let live = Live::begin(plans.len());
    let score = Score::of(&plans, |defect| live.runs(defect.word()));
    drop(live);
    super::print(&score.text())?;
    let is_whole = score.missed().next().is_none() && score.unfit.is_empty();
    Ok(u8::from(!is_whole))
}

#[cfg(not(feature = "planted"))]
pub(super) fn score(arguments: &ScoreArguments) -> Result<u8, CommandError> {
    let ScoreArguments { paths, seed: _ } = arguments;
    let mut line = "cargo run --release -p failover-harness --features planted -- score".to_owned();
    for path in paths {
        line.push(' ');
        line.push_str(&crate::plan::quoted(&path.display().to_string()));
    }
    Err(CommandError::Surroundings(format!("this program was built without defects to plant\nhint: {line}")))
}

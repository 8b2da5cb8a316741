//! `failover judge`: what is the verdict on a stored history?

use std::time::Instant;

use failover_sim::observe::Sink;
use failover_sim::time::Time;

use crate::backend::BackendKind;
use crate::history::{HistoryError, read_header, read_records};
use crate::judge::Judge;
use crate::plan::{VERSION, path_text};
use crate::report::{RunReport, RunResult, ScenarioReport};
use crate::scenario::{LoadError, plan};

use super::files::{Expected, text_of, unfit};
use super::run::{profiles, show};
use super::{CommandError, JudgeArguments};

pub(super) fn judge(arguments: &JudgeArguments) -> Result<u8, CommandError> {
    let started = Instant::now();
    let file = path_text(&arguments.file);
    let text = text_of(&arguments.file, Expected::History)?;
    let wrong = |error: HistoryError| unfit(&arguments.file, error, Expected::History);
    let header = read_header(&text).map_err(wrong)?;
    let plan = plan(&header.name, &header.origin(), header.seed)
        .map_err(|mistakes| CommandError::Load(LoadError::Mistakes(mistakes)))?;
    let digest = plan.digest().to_string();
    if digest != header.plan {
        let hint = if header.version == VERSION {
            "its texts were changed after the run, or another build of this version wrote it: run it again"
                .to_owned()
        } else {
            format!("judge it with version {}", header.version)
        };
        return Err(CommandError::Input(format!(
            "`{file}` is of another plan: version {} made {}, this version makes {digest} of the same files\nhint: {hint}",
            header.version, header.plan
        )));
    }
    let backend = [BackendKind::Sim, BackendKind::Loopback, BackendKind::Lab]
        .into_iter()
        .find(|kind| kind.word() == header.backend)
        .ok_or_else(|| {
            unfit(&arguments.file, format!("there is no backend `{}`", header.backend), Expected::History)
        })?;
    let mut judge = Judge::new(&plan);
    let mut end = Time::ZERO;
    for record in read_records(&text, &plan).map_err(wrong)? {
        judge.record(&record);
        end = end.max(record.latest);
    }
    let judgement = judge.judge(end, None);
    let scenario = ScenarioReport {
        name: plan.name.clone(),
        file: plan.origin.scenario_file.clone(),
        proves: plan.proves.clone(),
        result: RunResult::Judged(judgement.outcome),
        judgement: Some(judgement),
        unknowns: Vec::new(),
        replay: plan.replay(backend.word()),
        promise: plan.topology.promises.reconnect_within,
        plan: digest,
        elapsed: started.elapsed(),
    };
    let report = RunReport {
        backend,
        profile: profiles(std::slice::from_ref(&plan)),
        seed: plan.seed,
        remarks: Vec::new(),
        topologies: 1,
        scenarios: vec![scenario],
        elapsed: started.elapsed(),
    };
    show(&report, arguments.format)?;
    Ok(report.exit_code())
}

//! `failover demo`: what does a broken cluster look like, and what does the program say of it?

use std::time::Instant;

use crate::backend::{BackendKind, SimBackend};
use crate::plan::{Origin, Overrides};
use crate::report::{self, RunReport, Timeline};
use crate::runner::run_scenario;
use crate::scenario::{LoadError, plan, standard};

use super::run::profiles;
use super::{CommandError, print};

pub(super) fn demo() -> Result<u8, CommandError> {
    let started = Instant::now();
    let topology = standard::topology("two_node_fci").expect("a standard topology");
    let origin = Origin {
        scenario_file: "demo".to_owned(),
        scenario_text: SCENARIO.to_owned(),
        topology_file: topology.name.to_owned(),
        topology_text: topology.text.to_owned(),
        base: None,
        files: Default::default(),
        overrides: Overrides::default(),
    };
    let plan = plan("demo", &origin, 1).map_err(|found| CommandError::Load(LoadError::Mistakes(found)))?;
    let mut timeline = Timeline::new(&plan);
    let mut scenario = run_scenario(&plan, &mut SimBackend::default(), &mut timeline);
    "failover demo".clone_into(&mut scenario.replay);
    let report = RunReport {
        backend: BackendKind::Sim,
        profile: profiles(std::slice::from_ref(&plan)),
        seed: plan.seed,
        remarks: Vec::new(),
        topologies: 1,
        scenarios: vec![scenario],
        elapsed: started.elapsed(),
    };
    let story = timeline.text();
    let (lines, verdict) = (shortened(&story), report::human(&report));
    // The last line counts scenarios and names an exit code, of which there is none here.
    let verdict = verdict.trim_end().rsplit_once('\n').map_or("", |(verdict, _)| verdict);
    print(&format!("{BEFORE}{}\n{BETWEEN}{lines}\n{WHAT}{verdict}\n\n{AFTER}", indented(SCENARIO)))?;
    Ok(0)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// The beginning of a story, until nothing but the same attempts would follow.
fn shortened(story: &str) -> String {
    let total = story.lines().count();
    let mut lines: String = story.lines().take(LINES).map(|line| format!("{line}\n")).collect();
    if total > LINES {
        lines.push_str(&format!("              and {} lines more\n", total - LINES));
    }
    lines
}

/// Lines of the story that are shown: enough to see the workers refused.
const LINES: usize = 60;
const SCENARIO: &str = include_str!("demo.yaml");
const BEFORE: &str = "\
A cluster of two nodes, set up by the eight steps of Microsoft's guide with one mistake: the second node kept the
certificate that its own setup made. As long as the first node owns the role, nobody notices. This scenario moves it:

";
const BETWEEN: &str = "What happens in the simulator, in the time of the cluster:\n\n";
const WHAT: &str = "What `failover run` says of it:\n\n";
const AFTER: &str = "\
What to do next:
  failover run                       all standard scenarios, on standard topologies
  failover explain step 4            what the guide asks for here
  failover list                      what else can be run and explained
  failover new my-cluster            a topology of your own to start from, with CI files
";

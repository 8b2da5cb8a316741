//! Does every scenario still happen as its golden timeline beside it says?

use std::path::Path;

use failover_harness::backend::SimBackend;
use failover_harness::check::Outcome;
use failover_harness::plan::Overrides;
use failover_harness::report::RunResult;
use failover_harness::scenario::load;
use failover_tests::{compare_with_file, files_below, first_difference, root, run};

#[test]
fn every_scenario_happens_twice_as_its_golden_timeline_says() {
    let folder = root().join("scenarios");
    let plans =
        load(std::slice::from_ref(&folder), 1, &Overrides::default()).expect("no mistake in any scenario");
    assert!(!plans.is_empty());
    let mut complaints = Vec::new();
    for plan in &plans {
        let (first, second) = (run(plan, &mut SimBackend::default()), run(plan, &mut SimBackend::default()));
        if let Some(difference) = first_difference(&first.timeline, &second.timeline) {
            complaints.push(format!("{} happens otherwise the second time: {difference}", plan.name));
        }
        let file = Path::new(&plan.origin.scenario_file).with_extension("timeline");
        complaints.extend(compare_with_file(&file, &first.timeline, "golden_timelines").err());
        if first.report.result != RunResult::Judged(Outcome::Pass) {
            complaints.push(format!("{} does not pass: {:?}", plan.name, first.report.result));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn no_timeline_is_left_without_its_scenario() {
    for timeline in files_below(&root().join("scenarios"), "timeline") {
        let scenario = timeline.with_extension("yaml");
        assert!(scenario.is_file(), "`{}` has no scenario beside it", timeline.display());
    }
}

//! Does every scenario tell the story that lies beside it?

use std::path::Path;

use failover_harness::backend::SimBackend;
use failover_harness::check::Outcome;
use failover_harness::director;
use failover_harness::plan::Plan;
use failover_harness::report::Timeline;

fn timeline(plan: &Plan) -> (String, Outcome) {
    let mut timeline = Timeline::new(plan);
    let judgement = director::run(plan, &mut SimBackend::default(), &mut timeline);
    (timeline.text(), judgement.outcome)
}

#[test]
fn every_scenario_tells_the_story_beside_it() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for plan in failover_tests::plans(1) {
        let (text, outcome) = timeline(&plan);
        assert_eq!(outcome, Outcome::Pass, "{}", plan.name);
        assert_eq!(timeline(&plan).0, text, "{} tells another story the second time", plan.name);
        let case = plan.origin.overrides.case.as_ref();
        let extension = case.map_or("timeline".to_owned(), |case| format!("{case}.timeline"));
        let file = Path::new(&plan.origin.scenario_file).with_extension(extension);
        if update {
            std::fs::write(&file, &text).expect("the repository can be written to");
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(difference) = difference(&golden, &text) {
            wrong.push(format!("{}: {difference}", plan.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nif the stories should differ: UPDATE_GOLDEN=1 cargo test -p failover-tests --test golden_timelines",
        wrong.join("\n")
    );
}

fn difference(golden: &str, text: &str) -> Option<String> {
    if golden == text {
        return None;
    }
    let line = golden.lines().zip(text.lines()).position(|(golden, text)| golden != text);
    let line = line.unwrap_or_else(|| golden.lines().count().min(text.lines().count()));
    let show = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
    Some(format!("line {} was\n  {}\nand is\n  {}", line + 1, show(golden), show(text)))
}

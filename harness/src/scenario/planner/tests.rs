//! Do scenarios become the plans that they describe, and is what is wrong in them told?

use std::time::Duration;

use failover_sim::names::StepNo;

use super::*;
use crate::check::{Claim, ReconnectTime};
use crate::scenario::tests_support::{mistakes_of, origin_of, plan_of};

const CASES: &str = "- move_role: { to: standby }
cases:
  - case: early
    assume: { first_sweep: before_serving }
    then: [ { expect: { within: 5m, role: { state: online } } } ]
  - case: late
    assume: { first_sweep: after_one_interval }
    breaks: [ workers_reconnect ]";

#[test]
fn each_case_is_a_plan_of_its_own_that_can_be_replayed() {
    let plans = plans("tests/own", &origin_of(CASES), 1).expect("right");
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!(names, ["tests/own[early]", "tests/own[late]"]);
    assert_eq!(plans.iter().map(|plan| plan.steps.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(plans[1].breaks, [Claim::WorkersReconnect]);
    assert_ne!(plans[0].assumptions, plans[1].assumptions);
    assert_eq!(plans[1].replay("sim"), "failover run own.yaml --seed 1 --case late");
    // What a replay line or the header of a history names is the same plan again.
    let again = plan(plans[1].scenario_name(), &plans[1].origin, 1).expect("right");
    assert_eq!((again.name.as_str(), again.digest()), (plans[1].name.as_str(), plans[1].digest()));
}

#[test]
fn wrong_cases_are_shown_each_at_its_place() {
    let steps = "- move_role: { to: standby }
cases:
  - { case: Early }
  - { case: twice, breaks: [ reconnect_time ] }
  - { case: twice, breaks: [ no_task_runs_twice_at_once ], assume: { first_sweep: never } }
";
    let shown = mistakes_of(steps);
    for told in [
        "`Early` cannot be the name of a case",
        "the case `twice` is there twice",
        "`reconnect_time` is not judged in this scenario",
        "not among its `claims`",
        "`no_task_runs_twice_at_once` is not judged in this scenario",
        "no executions are started",
        "`never` is no answer to `first_sweep`",
    ] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
}

#[test]
fn a_claim_with_a_limit_is_judged_besides_the_others() {
    let plan = plan_of(
        "- move_role: { to: standby }
claims:
  - reconnect_time: { percentile: 95, at_most: 90s }",
    );
    let limit = ReconnectTime { percentile: 95, at_most: Duration::from_secs(90) };
    assert_eq!(plan.claims.last(), Some(&Claim::ReconnectTime(limit)));
    assert!(!plan.claims.contains(&Claim::NoTaskRunsTwice));
    let shown = mistakes_of(
        "- move_role: { to: standby }
claims:
  - reconnect_time: { percentile: 101, at_most: 0s }",
    );
    assert!(shown.contains("expected a whole number from 1 to 100, found the number 101"), "{shown}");
    assert!(shown.contains("no outage is over at once"), "{shown}");
}

#[test]
fn a_hold_spans_the_steps_inside_it() {
    let plan = plan_of(
        "- power_off: { node: standby }
- hold:
    role: { state: online }
    while:
      - expect: { within: 1m, node: { name: first_standby, state: down } }
      - pause: { for: 1m, because: tests need pauses }
- power_on: { node: first_standby }",
    );
    assert_eq!(plan.steps.len(), 4);
    assert_eq!((plan.holds[0].first, plan.holds[0].last), (StepNo(1), StepNo(2)));
    for wrong in
        ["- hold: { role: { state: online } }", "- hold: { for: 1m, while: [], role: { state: online } }"]
    {
        let shown = mistakes_of(wrong);
        assert!(shown.contains("`hold` needs either `for` or `while`"), "{shown}");
    }
    let shown = mistakes_of("- hold: { while: [], role: { state: online } }");
    assert!(shown.contains("no step runs while this holds"), "{shown}");
}

#[test]
fn pauses_are_warned_of_once() {
    let warned = |steps: &str| {
        warnings("own.yaml", &origin_of(steps).scenario_text)
            .render_warnings(crate::scenario::diagnostic::Paint::Plain)
    };
    let one = "- hold: { role: { state: online }, while: [ { pause: { for: 1m, because: so } } ] }";
    let shown = warned(one);
    assert!(shown.starts_with("warning: `pause` waits without looking\n  --> own.yaml:4:"), "{shown}");
    let pause = "{ pause: { for: 1m, because: so } }";
    let shown = warned(&one.replace(pause, &format!("{pause}, {pause}")));
    assert!(shown.contains("looking, 2 times in this file\n  --> own.yaml:4:"), "{shown}");
    assert_eq!(shown.matches("warning:").count(), 1, "{shown}");
}

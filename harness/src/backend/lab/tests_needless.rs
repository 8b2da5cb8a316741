//! Is what everything is like already never done to a lab, and never taken for a proof?

use super::journal::{State, Undo};
use super::tests_parts::{problem, run_on};
use crate::check::Outcome;

/// What came of the last of these steps, the problem that ended the run, and what was done to the lab.
fn outcome(topology: &str, steps: &[&str]) -> (Outcome, String, Vec<(Undo, State)>) {
    let steps: String = steps.iter().map(|step| format!("- {step}\n")).collect();
    let (judgement, states) = run_on(topology, &steps, Vec::new());
    let problem =
        if judgement.outcome == Outcome::Pass { String::new() } else { problem(&judgement).to_owned() };
    (judgement.outcome, problem, states)
}

fn needless(step: &str, line: usize) -> String {
    let verb = step.split(':').next().expect("a verb");
    format!("{verb} (line {line}) changes nothing: everything is as it would have it")
}

#[test]
fn a_step_that_is_there_already_is_not_done_and_proves_nothing() {
    for step in [
        "heal: { node: standby, from: other_nodes }",
        "heal: { node: owner, from: clients }",
        "heal: { node: standby, from: witness }",
        "restore_dns: {}",
        "restore_witness: {}",
        "enable_service: { node: owner, service: master }",
        "enable_adapter: { node: owner }",
        "enable_worker: { worker: w1 }",
        "start_worker: { worker: w1 }",
        "resume_node: { node: standby }",
        "restore_possible_owner: { node: standby }",
        "change_node: { node: owner, https_binding: present }",
        "change_node: { node: owner, root_store: clean }",
        "change_node: { node: owner, master_port: open }",
        "set_cluster: { SameSubnetDelay: 1s }",
    ] {
        let (outcome, problem, states) = outcome("witness_on_a_share", &[step]);
        assert_eq!((outcome, problem), (Outcome::Inconclusive, needless(step, 4)), "{step}");
        assert_eq!(states, [], "{step}");
    }
}

#[test]
fn a_fault_that_is_there_already_is_not_caused_again() {
    for step in [
        "cut: { node: first_standby, from: other_nodes }",
        "cut: { node: first_standby, from: witness }",
        "fail_dns: {}",
        "fail_witness: {}",
        "disable_adapter: { node: first_standby }",
        "disable_service: { node: first_standby, service: master }",
        "disable_worker: { worker: w1 }",
        "stop_worker: { worker: w1 }",
        "remove_possible_owner: { node: first_standby }",
        "change_node: { node: first_standby, https_binding: missing }",
        "change_node: { node: first_standby, root_store: junk }",
        "set_cluster: { SameSubnetDelay: 2s }",
        "set_workers: { which: every, MaxTaskCount: 3 }",
    ] {
        let (_, problem, _) = outcome("witness_on_a_share", &[step]);
        assert_ne!(problem, needless(step, 4), "{step}");
        let (outcome, problem, states) = outcome("witness_on_a_share", &[step, step]);
        assert_eq!((outcome, problem), (Outcome::Inconclusive, needless(step, 5)), "{step}");
        assert!(states.iter().all(|(_, state)| *state == State::Undone), "{step}: {states:?}");
    }
}

#[test]
fn what_ends_a_fault_is_needed() {
    for steps in [
        &["fail_dns: {}", "restore_dns: {}"][..],
        &["fail_witness: {}", "restore_witness: {}"],
        &[
            "pause_node: { node: first_standby, roles: stay }",
            "expect: { within: 1m, node: { name: first_standby, state: paused } }",
            "resume_node: { node: first_standby }",
            "expect: { within: 1m, node: { name: first_standby, state: up } }",
        ],
        &["disable_worker: { worker: w1 }", "enable_worker: { worker: w1 }"],
        &["cut: { node: standby, from: witness }", "heal: { node: standby, from: witness }"],
        &["disable_adapter: { node: first_standby }", "enable_adapter: { node: first_standby }"],
        &["set_cluster: { SameSubnetDelay: 2s }", "set_cluster: { SameSubnetDelay: 1s }"],
        &[
            "change_node: { node: first_standby, https_binding: missing }",
            "change_node: { node: first_standby, https_binding: present }",
        ],
    ] {
        let (outcome, problem, _) = outcome("witness_on_a_share", steps);
        assert_eq!((outcome, problem.as_str()), (Outcome::Pass, ""), "{steps:?}");
    }
}

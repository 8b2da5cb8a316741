//! Is what a report says of the reasons true, and does it say enough?
//!
//! Each scenario is run as `failover run` runs it, and its report read.

use failover_harness::backend::{Abilities, Applied, Backend, BackendError, BackendKind, SimBackend, Stop};
use failover_harness::check::Outcome;
use failover_harness::director;
use failover_harness::judge::Judgement;
use failover_harness::plan::Plan;
use failover_harness::runner::Nowhere;
use failover_sim::action::ResolvedAction;
use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, NodeId};
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_tests::{failover, plan_of, two_node_fci};

/// What is said of `workers_reconnect` after these steps: evidence, and hints.
fn told(topology: &str, given: &str, steps: &str) -> (Vec<String>, Vec<String>) {
    told_of(judged(topology, given, steps))
}

fn told_of(judgement: Judgement) -> (Vec<String>, Vec<String>) {
    let claim = judgement.claims.into_iter().find(|claim| claim.claim.word() == "workers_reconnect");
    let verdict = claim.expect("it is always judged").verdict;
    assert_eq!(verdict.outcome, Outcome::Fail, "{verdict:#?}");
    (verdict.evidence, verdict.hints)
}

fn judged(topology: &str, given: &str, steps: &str) -> Judgement {
    run(&planned(topology, given, steps))
}

fn planned(topology: &str, given: &str, steps: &str) -> Plan {
    let given = if given.is_empty() { String::new() } else { format!("given:\n{given}") };
    plan_of(&format!("proves: x\nabout: {{ topology: two_node_fci }}\n{given}steps:\n{steps}"), topology, 1)
}

fn run(plan: &Plan) -> Judgement {
    director::run(plan, &mut SimBackend::default(), &mut Nowhere)
}

const MOVED: &str = "  - move_role: { to: standby }
  - expect: { within: 6m, workers: { which: every, state: connected, served_by: first_standby } }
";

#[track_caller]
fn says((evidence, hints): &(Vec<String>, Vec<String>), seen: &str, hint: &str) {
    assert!(evidence.iter().any(|line| line.contains(seen)), "{seen}: {evidence:#?}");
    assert!(hints.iter().any(|line| line.contains(hint)), "{hint}: {hints:#?}");
    assert_eq!(hints.len(), 1, "{hints:#?}");
}

#[test]
fn a_certificate_that_is_there_is_not_said_to_be_missing() {
    let junk = told(&two_node_fci(), "  - change_node: { node: standby, root_store: junk }\n", MOVED);
    says(&junk, "LocalMachine\\Root of NODE2 has `w1` (", "certificates that are not self-signed");
    assert!(junk.1[0].contains("SendTrustedIssuerList to 0"), "{junk:#?}");
    let gone =
        told(&two_node_fci(), "  - change_node: { node: standby, worker_certificates: missing }\n", MOVED);
    says(&gone, "LocalMachine\\Root of NODE2 does not have `w1` (", "step 8 of the guide");
}

#[test]
fn the_names_that_were_compared_are_the_names_that_are_listed() {
    let names = "  master: { common_names: [ NODE1, 10.0.0.11, SQLFCI ], alternative_names: [ NODE1 ] }";
    let line = two_node_fci().lines().find(|line| line.starts_with("  master: {")).map(str::to_owned);
    let topology = two_node_fci().replace(&line.expect("it has a master certificate"), names);
    let told = judged(&topology, "", MOVED).findings;
    let finding = told.first().expect("the cluster does not come to rest");
    let told = (finding.evidence.clone(), finding.hints.clone());
    let seen = "which does not name `sqlfci`: the subject alternative names are node1";
    assert!(told.0.iter().any(|line| line.ends_with(seen)), "{told:#?}");
    says(&told, seen, "add the SQL network name to the subject alternative names of the master certificate");
}

#[test]
fn a_certificate_with_the_network_name_is_not_to_be_made_anew_for_another_one() {
    let by_address = two_node_fci().replace("https://SQLFCI:8391", "https://10.0.0.100:8391");
    let told = judged(&by_address, "", MOVED).findings;
    let finding = told.first().expect("the cluster does not come to rest");
    let told = (finding.evidence.clone(), finding.hints.clone());
    says(
        &told,
        "which does not name `10.0.0.100`: the CNs are node1, 10.0.0.11, sqlfci",
        "step 7 of the guide",
    );
}

#[test]
fn a_role_that_is_nowhere_is_said_to_be_so_with_the_reason() {
    let off = "  - power_off: { node: NODE1 }
  - power_off: { node: NODE2 }
  - pause: { for: 8m, because: waits }
";
    says(
        &told(&two_node_fci(), "", off),
        "NODE1 has no power, NODE2 has no power",
        "no node runs: start one",
    );
    let lost = "  - fail_witness: {}
  - pause: { for: 2m, because: votes }
  - power_off: { node: owner }
  - pause: { for: 8m, because: waits }
";
    let on_a_share = two_node_fci().replace("witness: disk", "witness: file_share");
    let lost = told(&on_a_share, "", lost);
    says(&lost, "NODE1 has no power, NODE2 is no member of the cluster", "step 1 of the guide");
    let stopped = "  - stop_resource: { resource: SQL Server }
  - pause: { for: 8m, because: waits }
";
    let stopped = told(&two_node_fci(), "", stopped);
    says(
        &stopped,
        "role `SQL Server (MSSQLSERVER)` is partial_online on NODE1: `SQL Server` offline",
        "bring the role online",
    );
}

#[test]
fn what_a_client_meets_at_the_endpoint_says_where_to_look() {
    let blocked = told(&two_node_fci(), "  - change_node: { node: standby, master_port: blocked }\n", MOVED);
    says(&blocked, "nothing comes back from its port 8391", "through the firewall of NODE2");
    let mut plan =
        planned(&two_node_fci(), "  - change_node: { node: standby, sql_login: refused }\n", MOVED);
    let mut answers = Assumption::MasterWithoutSsisdb.question().values.iter();
    let keeps_trying = answers.position(|value| value.word == "keeps_trying").expect("an answer");
    plan.assumptions = plan.assumptions.with(Assumption::MasterWithoutSsisdb, keeps_trying);
    let refused = told_of(run(&plan));
    says(&refused, "NODE2, which refuses connections to port 8391", "the master's log on NODE2");
    let node = two_node_fci().replace("https://SQLFCI:8391", "https://NODE1:8391");
    let node = told(&node, "", MOVED);
    says(&node, "MasterEndpoint names `node1`; the network name is `sqlfci`", "step 7 of the guide");
}

#[test]
fn a_worker_that_is_late_is_told_with_how_late() {
    let topology = two_node_fci().replace("workers_reconnect: 5m", "workers_reconnect: 10s");
    let (evidence, _) = told(&topology, "", MOVED);
    assert!(evidence[0].starts_with("worker `w"), "{evidence:#?}");
    assert!(evidence[0].contains(" was back, but later than promised: after "), "{evidence:#?}");
    assert_eq!(evidence.len(), 1, "{evidence:#?}");
}

#[test]
fn an_action_that_is_not_possible_is_named_with_its_node_and_its_line() {
    let twice = "  - power_off: { node: NODE1 }\n  - power_off: { node: NODE1 }\n";
    let judgement = judged(&two_node_fci(), "", twice);
    let line = &judgement.findings[0].evidence[0];
    assert_eq!(line, "cannot carry out power_off of NODE1 (line 5): the machine is off");
    // Whoever drives a backend without a scenario, as the prediction does, is told the verb.
    let plan = plan_of(
        "proves: x\nabout: { topology: two_node_fci }\nsteps:\n  - move_role: { to: standby }\n",
        &two_node_fci(),
        1,
    );
    let mut backend = SimBackend::default();
    backend.start(&plan).expect("a simulation starts");
    let on = backend.apply(ActionNo(0), ResolvedAction::PowerOn { node: NodeId(0) });
    let error: BackendError = on.expect_err("it is on");
    assert_eq!(error.to_string(), "cannot carry out power_on: the machine is on");
}

#[test]
fn what_was_not_done_is_told_beside_what_failed() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = "proves: x\nabout: { topology: two_node_fci }\nsteps:\n  - move_role: { to: owner }\n  \
                    - expect: { within: 1m, role: { state: online, owner: NODE2 } }\n";
    std::fs::write(folder.path().join("own.yaml"), scenario).expect("the folder is ours");
    let answer = failover(env!("CARGO_BIN_EXE_failover-copy"), folder.path(), &["run", "own.yaml"]);
    assert_eq!(answer.code, 1, "{answer:#?}");
    let told = "  also: every action takes effect (inconclusive)\n  move_role of NODE1 at +0.000s (line 4) was not seen";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
}

/// The simulator, where a program in a worker's place is said to have ended.
struct WithEndedProgram(SimBackend);

impl Backend for WithEndedProgram {
    fn kind(&self) -> BackendKind {
        self.0.kind()
    }

    fn abilities(&self, plan: &Plan) -> Abilities {
        self.0.abilities(plan)
    }

    fn start(&mut self, plan: &Plan) -> Result<(), BackendError> {
        self.0.start(plan)
    }

    fn now(&self) -> Time {
        self.0.now()
    }

    fn apply(&mut self, number: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError> {
        self.0.apply(number, action)
    }

    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError> {
        self.0.advance(until, sink)
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        self.0.finish()
    }

    fn ended_programs(&self) -> Vec<String> {
        vec!["the program of `own` ended by itself".to_owned()]
    }

    fn consulted(&self) -> Vec<Assumption> {
        self.0.consulted()
    }
}

#[test]
fn a_program_that_ended_while_steps_ran_is_told_beside_what_failed_and_never_beside_a_pass() {
    let of = |given: &str| {
        let plan = planned(&two_node_fci(), given, MOVED);
        director::run(&plan, &mut WithEndedProgram(SimBackend::default()), &mut Nowhere)
    };
    let failed = of("  - change_node: { node: standby, master_port: blocked }\n");
    assert_eq!(failed.outcome, Outcome::Fail, "{failed:#?}");
    assert_eq!(failed.findings[0].evidence, ["the program of `own` ended by itself"]);
    let passed = of("");
    assert_eq!((passed.outcome, passed.findings.len()), (Outcome::Pass, 0), "{passed:#?}");
}

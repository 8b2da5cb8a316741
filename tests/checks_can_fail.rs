//! Can every check fail, and can it say that it does not know?
//!
//! Each test takes the history of a run that passes and changes what was seen in it.

use std::time::Duration;

use failover_harness::backend::SimBackend;
use failover_harness::check::{Claim, Outcome};
use failover_harness::director;
use failover_harness::judge::{Judge, Judgement};
use failover_harness::plan::Plan;
use failover_harness::report::Timeline;
use failover_sim::names::{CertificateId, HostId, NodeId, ResourceId, WorkerId};
use failover_sim::observe::{
    AgentRow, Fact, NodeState, Record, ResourceState, Sink, Source, TaskState, Watch, WorkerState,
};
use failover_sim::time::Time;

const NODE1: NodeId = NodeId(0);
const W1: WorkerId = WorkerId(0);

/// A plan and what was seen when it ran and passed.
fn passed(name: &str) -> (Plan, Vec<Record>) {
    let plan = failover_tests::plan(name, 1);
    let mut timeline = Timeline::new(&plan);
    let judgement = director::run(&plan, &mut SimBackend::default(), &mut timeline);
    assert_eq!(judgement.outcome, Outcome::Pass);
    let records = timeline.records().to_vec();
    (plan, records)
}

fn power_off() -> (Plan, Vec<Record>) {
    passed("cluster/owner_power_off")
}

fn judge(plan: &Plan, records: &[Record], later: Duration) -> Judgement {
    let mut judge = Judge::new(plan);
    let mut end = Time::ZERO;
    for record in records {
        judge.record(record);
        end = end.max(record.latest);
    }
    judge.judge(end + later, None)
}

/// What is said of a claim, and of the run.
#[track_caller]
fn check(claim: Claim, plan: &Plan, records: &[Record], later: Duration, expected: Outcome) -> Judgement {
    let judgement = judge(plan, records, later);
    let result = judgement.claims.iter().find(|result| result.claim == claim).expect("it is always judged");
    assert_eq!(result.verdict.outcome, expected, "{:?}", result.verdict);
    assert_eq!(judgement.outcome, expected, "{judgement:#?}");
    judgement
}

const NO_LATER: Duration = Duration::ZERO;

fn begun(records: &[Record]) -> usize {
    records.iter().position(|record| record.fact == Fact::StepsBegan).expect("the steps begin")
}

/// The last record that shows this worker connected.
fn last_connected(records: &[Record], worker: WorkerId) -> usize {
    let shows = |record: &Record| matches!(record.fact, Fact::Worker { worker: id, state: WorkerState::Connected { .. } } if id == worker);
    records.iter().rposition(shows).expect("it is connected")
}

#[test]
fn two_nodes_that_serve_at_once_are_seen() {
    let (plan, mut records) = power_off();
    check(Claim::OneNodeServes, &plan, &records, NO_LATER, Outcome::Pass);
    // The machine that lost its power is never seen without it: its services go on beside those of the other node.
    records.retain(|record| !matches!(record.fact, Fact::Machine { .. }));
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.claims[0].claim, Claim::OneNodeServes);
    assert_eq!(judgement.claims[0].verdict.outcome, Outcome::Fail);
    assert!(judgement.claims[0].verdict.evidence[0].contains("NODE1 and NODE2 both serve"), "{judgement:#?}");
}

#[test]
fn a_node_that_nobody_looked_at_may_have_served() {
    let (plan, mut records) = power_off();
    let looks = |record: &Record| matches!(record.fact, Fact::Watching { what: Watch::Node(NodeId(1)), .. });
    records.retain(|record| !looks(record));
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.claims[0].verdict.outcome, Outcome::Inconclusive);
    assert_ne!(judgement.outcome, Outcome::Pass);
}

#[test]
fn a_worker_that_stays_away_fails_the_run_once_its_time_is_over() {
    let (plan, mut records) = power_off();
    check(Claim::WorkersReconnect, &plan, &records, NO_LATER, Outcome::Pass);
    records.remove(last_connected(&records, W1));
    let long = plan.topology.promises.reconnect_within;
    let judgement = judge(&plan, &records, long);
    let reconnect = &judgement.claims[1];
    assert_eq!((reconnect.claim, reconnect.verdict.outcome), (Claim::WorkersReconnect, Outcome::Fail));
    assert!(reconnect.verdict.evidence[0].starts_with("2 of 3 workers are connected"), "{reconnect:#?}");
    // Before its time is over nobody knows.
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.claims[1].verdict.outcome, Outcome::Inconclusive);
}

/// The history in which the first worker is cut off and back between these seconds after the steps began.
fn away_between(cut: (u64, u64), back: (u64, u64)) -> (Plan, Outcome) {
    let (plan, mut records) = power_off();
    let from = begun(&records);
    let start = records[from].latest;
    let at = |secs: u64| start + Duration::from_secs(secs);
    let of_first = |record: &&mut Record| matches!(record.fact, Fact::Worker { worker: W1, .. });
    let last = last_connected(&records, W1);
    let mut own: Vec<&mut Record> = records[from..].iter_mut().filter(of_first).collect();
    (own[0].earliest, own[0].latest) = (at(cut.0), at(cut.1));
    let _ = own;
    (records[last].earliest, records[last].latest) = (at(back.0), at(back.1));
    let judgement = judge(&plan, &records, NO_LATER);
    let outcome = judgement.claims[1].verdict.outcome;
    (plan, outcome)
}

#[test]
fn a_time_between_two_looks_is_late_only_if_it_certainly_is() {
    // The promise is five minutes.
    assert_eq!(away_between((10, 11), (308, 310)).1, Outcome::Pass, "300 s at the most");
    assert_eq!(away_between((10, 12), (313, 320)).1, Outcome::Fail, "301 s at the least");
    assert_eq!(away_between((10, 12), (311, 313)).1, Outcome::Inconclusive, "299 to 303 s");
}

#[test]
fn a_connection_to_another_certificate_than_the_pinned_one_is_seen() {
    let (plan, mut records) = power_off();
    let last = last_connected(&records, W1);
    let Fact::Worker { worker, state: WorkerState::Connected { through, served_by, .. } } =
        records[last].fact
    else {
        unreachable!("it was found as such")
    };
    // Certificates are numbered by name: `made_by_setup` comes before `master`.
    let presented = CertificateId(0);
    records[last].fact =
        Fact::Worker { worker, state: WorkerState::Connected { through, served_by, presented } };
    check(Claim::TrustedConnectionsOnly, &plan, &records, NO_LATER, Outcome::Fail);
}

#[test]
fn without_any_connection_nothing_is_known_of_trust() {
    let (plan, mut records) = power_off();
    records
        .retain(|record| !matches!(record.fact, Fact::Worker { state: WorkerState::Connected { .. }, .. }));
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.claims[2].claim, Claim::TrustedConnectionsOnly);
    assert_eq!(judgement.claims[2].verdict.outcome, Outcome::Inconclusive);
}

#[test]
fn a_connection_through_a_node_name_is_seen() {
    let (plan, mut records) = power_off();
    let node = HostId(plan.names.hosts.iter().position(|host| host == "node2").expect("a host") as u16);
    let last = last_connected(&records, W1);
    let Fact::Worker { worker, state: WorkerState::Connected { served_by, presented, .. } } =
        records[last].fact
    else {
        unreachable!("it was found as such")
    };
    let state = WorkerState::Connected { through: node, served_by, presented };
    records[last].fact = Fact::Worker { worker, state };
    let judgement = judge(&plan, &records, NO_LATER);
    let claim = judgement.claims.iter().find(|result| result.claim == Claim::NetworkNameUsed);
    let verdict = &claim.expect("it is always judged").verdict;
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(verdict.evidence[0].starts_with("worker `w1` is connected through `node2`"), "{verdict:?}");
    // Nobody looked at the workers for a while.
    let (plan, mut records) = power_off();
    let (earliest, latest) = (records[last].earliest, records[last].latest);
    let fact = Fact::Unwatched(Watch::Workers);
    records.insert(last, Record { seq: 0, earliest, latest, source: Source::Run, fact });
    let judgement = judge(&plan, &records, NO_LATER);
    let claim = judgement.claims.iter().find(|result| result.claim == Claim::NetworkNameUsed);
    assert_eq!(claim.expect("it is always judged").verdict.outcome, Outcome::Inconclusive);
}

#[test]
fn a_worker_that_comes_back_as_a_new_one_is_seen() {
    let (plan, mut records) = passed("cluster/task_outlives_the_owner");
    let claim = Claim::NoWorkerEnabledAgain;
    check(claim, &plan, &records, NO_LATER, Outcome::Pass);
    let begun = begun(&records);
    let said = |row| {
        let fact = Fact::WorkerAgent { worker: WorkerId(0), row };
        Record { fact, source: Source::Ssisdb, ..records[begun] }
    };
    let [missing, disabled] = [AgentRow::Missing, AgentRow::Disabled].map(said);
    // Somebody disabled it: it is no new one.
    records.insert(begun + 1, disabled);
    check(claim, &plan, &records, NO_LATER, Outcome::Pass);
    records.insert(begun + 1, missing);
    check(claim, &plan, &records, NO_LATER, Outcome::Fail);
    let looks = |record: &Record| matches!(record.fact, Fact::Watching { what: Watch::Ssisdb, .. });
    records.retain(|record| !looks(record) && !matches!(record.fact, Fact::WorkerAgent { .. }));
    check(claim, &plan, &records, NO_LATER, Outcome::Inconclusive);
}

#[test]
fn a_task_that_is_given_up_is_seen() {
    let (plan, mut records) = passed("cluster/task_outlives_the_owner");
    let lost = |records: &[Record]| {
        let judgement = judge(&plan, records, NO_LATER);
        let claim = judgement.claims.into_iter().find(|result| result.claim == Claim::NoTaskLost);
        claim.expect("it is judged where executions are started").verdict.outcome
    };
    assert_eq!(lost(&records), Outcome::Pass);
    let ends = |record: &Record| matches!(record.fact, Fact::Task { state: TaskState::Succeeded, .. });
    let end = records.iter().position(ends).expect("a task succeeds");
    let Fact::Task { state, .. } = &mut records[end].fact else { unreachable!("it was found as such") };
    *state = TaskState::Failed;
    assert_eq!(lost(&records), Outcome::Fail);
    records.retain(|record| !matches!(record.fact, Fact::Task { .. }));
    assert_eq!(lost(&records), Outcome::Inconclusive);
}

/// A plan that asks for a claim besides what it says, and what was seen when it ran.
fn asked(mut plan: Plan, claim: Claim) -> (Plan, Vec<Record>) {
    plan.claims.push(claim);
    let mut timeline = Timeline::new(&plan);
    let _ = director::run(&plan, &mut SimBackend::default(), &mut timeline);
    let records = timeline.records().to_vec();
    (plan, records)
}

/// What is said of a claim that was asked for.
fn said_of(claim: Claim, plan: &Plan, records: &[Record]) -> Outcome {
    let judgement = judge(plan, records, NO_LATER);
    let result = judgement.claims.into_iter().find(|result| result.claim == claim);
    result.expect("it was asked for").verdict.outcome
}

/// The scenario of this name, with a claim that holds in it.
#[track_caller]
fn holds(name: &str, claim: Claim) -> (Plan, Vec<Record>) {
    let (plan, records) = asked(failover_tests::plan(name, 1), claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Pass, "{name}");
    (plan, records)
}

/// A claim is not put to the test where an owner loses its power and nothing else happens.
#[track_caller]
fn is_not_tested(claim: Claim) {
    let (plan, records) = asked(failover_tests::plan("cluster/owner_power_off", 1), claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Inconclusive);
}

/// Something more that was seen, at the moment of the record at `index` and right after it.
fn add(records: &mut Vec<Record>, index: usize, source: Source, fact: Fact) {
    records.insert(index + 1, Record { source, fact, ..records[index] });
}

/// The last record before the run is over.
fn last(records: &[Record]) -> usize {
    records.iter().rposition(|record| record.fact == Fact::StepsEnded).expect("the steps end") - 1
}

fn resource(plan: &Plan, name: &str) -> ResourceId {
    let known = (0..plan.topology.cluster.resources.len()).map(|index| ResourceId(index as u16));
    known.into_iter().find(|id| plan.names.resource(*id) == name).expect("it is in the topology")
}

#[test]
fn a_role_that_fails_over_too_often_is_seen() {
    let claim = Claim::FailoversWithinThreshold;
    let (plan, mut records) = holds("model/master_disabled_on_both_nodes", claim);
    let master = plan.master;
    for (node, other) in [(0, 1), (1, 0), (0, 1)] {
        let source = Source::Node(NodeId(node));
        for fact in [
            Fact::OwnerNode { role: plan.role, owner: NodeId(node) },
            Fact::ResourceState { resource: master, state: ResourceState::Failed },
            Fact::OwnerNode { role: plan.role, owner: NodeId(other) },
        ] {
            let end = last(&records);
            add(&mut records, end, source, fact);
        }
    }
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

#[test]
fn a_paused_node_that_gets_a_role_is_seen() {
    let claim = Claim::PausedNodesGetNoRole;
    let (plan, mut records) = holds("model/paused_standby_takes_no_role", claim);
    let end = last(&records);
    let gets = Fact::OwnerNode { role: plan.role, owner: NodeId(1) };
    add(&mut records, end, Source::Node(NodeId(1)), gets);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

const LOST_THREE_TIMES: &str = "\
proves: nothing
about: { topology: two_node_fci }
given:
  - set_cluster: { QuarantineDuration: 2h }
steps:
  - kill_cluster_service: { node: NODE2 }
  - pause: { for: 5m, because: it comes back }
  - kill_cluster_service: { node: NODE2 }
  - pause: { for: 5m, because: it comes back }
  - kill_cluster_service: { node: NODE2 }
  - expect: { within: 1m, node: { name: NODE2, status: quarantined } }
  - pause: { for: 5m, because: it does not come back }
";

#[test]
fn a_node_that_joins_in_spite_of_its_losses_is_seen() {
    let claim = Claim::LostNodesAreQuarantined;
    let set = "given:\n  - set_cluster: { QuarantineDuration: 2h }\n";
    let open = LOST_THREE_TIMES.replace(set, "");
    let granted = open.replace("two_node_fci }", "two_node_fci, assume: { quarantine_duration: 2h } }");
    for scenario in [LOST_THREE_TIMES, &granted] {
        let plan = failover_tests::plan_of(scenario, &failover_tests::two_node_fci(), 1);
        let (plan, mut records) = asked(plan, claim);
        assert_eq!(said_of(claim, &plan, &records), Outcome::Pass, "{scenario}");
        let end = last(&records);
        let joins = Fact::NodeState { node: NodeId(1), state: NodeState::Up };
        add(&mut records, end, Source::Node(NODE1), joins);
        assert_eq!(said_of(claim, &plan, &records), Outcome::Fail, "{scenario}");
    }
    // Where nobody has set how long a quarantine lasts, or takes it for granted, nobody knows.
    let plan = failover_tests::plan_of(&open, &failover_tests::two_node_fci(), 1);
    let (plan, records) = asked(plan, claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Inconclusive);
}

#[test]
fn a_resource_that_stays_online_without_what_it_needs_is_seen() {
    let claim = Claim::DependentsGoDown;
    let (plan, mut records) = holds("model/sql_server_killed", claim);
    let master = plan.master;
    let goes_down = |record: &Record| matches!(record.fact, Fact::ResourceState { resource, state } if resource == master && state != ResourceState::Online);
    records.retain(|record| !goes_down(record));
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    let (plan, records) = asked(failover_tests::plan("model/disabled_worker_gets_no_task", 1), claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Inconclusive);
}

#[test]
fn a_node_without_a_vote_that_serves_alone_is_seen() {
    let claim = Claim::VotesDecide;
    let (plan, mut records) = holds("model/vote_taken_from_second_node", claim);
    let alone = |record: &Record| record.fact == Fact::NodeState { node: NodeId(1), state: NodeState::Down };
    let own = |record: &Record| record.source == Source::Node(NodeId(1));
    let index = records.iter().rposition(|record| alone(record) && own(record)).expect("it goes down");
    let keeps = Fact::ResourceState { resource: plan.master, state: ResourceState::Online };
    add(&mut records, index, Source::Node(NodeId(1)), keeps);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

#[test]
fn a_replica_that_serves_without_what_it_missed_is_seen() {
    let claim = Claim::ReplicasLeftBehind;
    let (plan, mut records) = holds("model/availability_group_loses_its_primary", claim);
    let end = last(&records);
    let group = resource(&plan, "SSISAG");
    let serves = Fact::ResourceState { resource: group, state: ResourceState::Online };
    add(&mut records, end, Source::Node(NODE1), serves);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

#[test]
fn a_task_that_is_tried_too_often_is_seen() {
    let claim = Claim::TasksWithinRetries;
    let (plan, mut records) = holds("model/task_without_retries_is_given_up", claim);
    let again = |record: &&mut Record| matches!(record.fact, Fact::Task { state: TaskState::HandedOut, .. });
    let handed_out = records.iter_mut().find(again).expect("a task is handed out");
    let Fact::Task { executed_count, .. } = &mut handed_out.fact else { unreachable!("it is about a task") };
    *executed_count = 2;
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

#[test]
fn a_disabled_worker_that_gets_a_task_is_seen() {
    let claim = Claim::DisabledWorkersGetNoTask;
    let (plan, mut records) = holds("model/disabled_worker_gets_no_task", claim);
    let workers = &plan.topology.workers;
    let disabled = workers.iter().position(|worker| !worker.enabled).expect("one is disabled");
    let waits =
        records.iter().rfind(|record| matches!(record.fact, Fact::Task { state: TaskState::Ready, .. }));
    let Fact::Task { task, load, execution, .. } = waits.expect("a task waits").fact else {
        unreachable!("it is about a task")
    };
    let worker = Some(WorkerId(disabled as u32));
    let state = TaskState::HandedOut;
    let end = last(&records);
    let gets = Fact::Task { task, load, state, worker, executed_count: 1, execution };
    add(&mut records, end, Source::Ssisdb, gets);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    is_not_tested(claim);
}

const SSISDB_AWAY: &str = "\
proves: nothing
about: { topology: master_in_its_own_role }
steps:
  - stop_resource: { resource: SQL Server }
  - pause: { for: 2m, because: the workers look for a master }
  - move_role: { to: standby }
  - pause: { for: 5m, because: the workers look for a master }
";

#[test]
fn a_master_that_does_without_ssisdb_is_seen() {
    let claim = Claim::NobodyWorksWithoutSsisdb;
    let file = failover_tests::root().join("scenarios/topologies/master_in_its_own_role.yaml");
    let topology = std::fs::read_to_string(file).expect("a file of the repository");
    let plan = failover_tests::plan_of(SSISDB_AWAY, &topology, 1);
    let (plan, mut records) = asked(plan, claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Pass);
    let end = last(&records);
    let connected = records[last_connected(&records, W1)].fact;
    add(&mut records, end, Source::Worker(W1), connected);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Fail);
    let (plan, records) = asked(failover_tests::plan("model/disabled_worker_gets_no_task", 1), claim);
    assert_eq!(said_of(claim, &plan, &records), Outcome::Inconclusive);
}

#[test]
fn an_expectation_that_does_not_come_true_fails_the_run() {
    let (plan, mut records) = power_off();
    let moved = |record: &Record| {
        record.source == Source::Node(NodeId(1)) && matches!(record.fact, Fact::OwnerNode { .. })
    };
    let from = begun(&records);
    let kept: Vec<Record> = records.drain(from..).filter(|record| !moved(record)).collect();
    records.extend(kept);
    // The last step is over when its time is.
    for record in records.iter_mut().filter(|record| matches!(record.fact, Fact::StepsEnded | Fact::RunEnded))
    {
        record.earliest = record.earliest + Duration::from_secs(600);
        record.latest = record.earliest;
    }
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.outcome, Outcome::Fail, "{judgement:#?}");
    assert!(judgement.findings.iter().any(|finding| finding.what.starts_with("expect within 5m")));
}

#[test]
fn an_expectation_about_what_nobody_looks_at_is_inconclusive() {
    let (plan, mut records) = power_off();
    records.retain(|record| !matches!(record.fact, Fact::Watching { what: Watch::Workers, .. }));
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
}

#[test]
fn a_fault_that_was_not_seen_to_bite_is_inconclusive() {
    let (plan, mut records) = passed("model/common_workload");
    let down = |record: &Record| {
        let Fact::NodeState { node, state: NodeState::Down } = record.fact else { return false };
        node == NODE1 && record.source != Source::Node(NODE1)
    };
    records.retain(|record| !down(record));
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
    let evidence = &judgement.findings[0].evidence[0];
    assert!(evidence.starts_with("kill_cluster_service of NODE1 at +"), "{evidence}");
    assert!(evidence.ends_with("was not seen to take effect"), "{evidence}");
}

#[test]
fn an_action_that_changes_nothing_is_inconclusive() {
    for step in [
        "heal: { node: owner, from: clients }",
        "restore_dns: {}",
        "accept_dns_updates: {}",
        "restore_witness: {}",
        "restore_directory: {}",
        "heed_announcements: {}",
        "enable_service: { node: owner, service: master }",
        "enable_adapter: { node: owner }",
        "enable_worker: { worker: w1 }",
        "resume_node: { node: standby }",
        "restore_possible_owner: { node: standby }",
        "free_address: { resource: SQL IP Address 1 }",
        "change_node: { node: owner, https_binding: present }",
        "change_node: { node: owner, root_store: clean }",
        "set_cluster: { SameSubnetDelay: 1s }",
    ] {
        let judgement = run_steps(&[step]);
        assert_eq!(judgement.outcome, Outcome::Inconclusive, "{step}: {judgement:#?}");
        let told: Vec<&String> = judgement.findings.iter().flat_map(|finding| &finding.evidence).collect();
        let verb = step.split(':').next().expect("a verb");
        let reason = format!("{verb} (line 4) changes nothing: everything is as it would have it");
        assert!(told.contains(&&reason), "{step}: {told:?}");
    }
    // The same does something after its fault.
    for steps in [
        ["fail_dns: {}", "restore_dns: {}"],
        ["pause_node: { node: first_standby, roles: stay }", "resume_node: { node: first_standby }"],
        ["disable_worker: { worker: w1 }", "enable_worker: { worker: w1 }"],
        ["cut: { node: standby, from: witness }", "heal: { node: standby, from: witness }"],
        ["set_cluster: { SameSubnetDelay: 2s }", "set_cluster: { SameSubnetDelay: 1s }"],
    ] {
        let judgement = run_steps(&steps);
        assert_eq!(judgement.outcome, Outcome::Pass, "{steps:?}: {judgement:#?}");
    }
}

fn run_steps(steps: &[&str]) -> Judgement {
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let scenario = format!("proves: nothing\nabout: {{ topology: two_node_fci }}\nsteps:\n{steps}");
    let file = failover_tests::root().join("scenarios/topologies/two_node_fci.yaml");
    let topology = std::fs::read_to_string(file).expect("a topology");
    let plan = failover_tests::plan_of(&scenario, &topology, 1);
    director::run(&plan, &mut SimBackend::default(), &mut Timeline::new(&plan))
}

#[test]
fn a_history_that_breaks_off_is_inconclusive() {
    let (plan, records) = power_off();
    let half = begun(&records) + 6;
    let judgement = judge(&plan, &records[..half], NO_LATER);
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
}

#[test]
fn a_claim_that_must_break_and_holds_fails_the_run() {
    let (mut plan, records) = power_off();
    plan.breaks = vec![Claim::WorkersReconnect];
    let judgement = judge(&plan, &records, NO_LATER);
    assert_eq!(judgement.outcome, Outcome::Fail);
    assert_eq!(judgement.claims[1].verdict.outcome, Outcome::Pass, "the claim itself holds");
}

#[test]
fn a_stored_history_comes_to_the_verdict_of_the_run() {
    for name in
        ["cluster/owner_power_off", "model/second_node_with_its_own_certificate", "model/common_workload"]
    {
        let plan = failover_tests::plan(name, 3);
        let (text, live) = failover_tests::history(&plan, &mut SimBackend::default());
        let records = failover_harness::history::read_records(&text, &plan).expect("it was just written");
        assert_eq!(judge(&plan, &records, NO_LATER), live, "{name}");
    }
}

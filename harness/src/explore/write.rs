//! How is a story written down as a scenario?

use std::fmt::Write as _;
use std::time::Duration;

use failover_sim::action::{
    Action, ClusterProperty, Drain, LinkEnd, LinkQuality, LoadWorkers, NodeChange, Part, Service,
    StartQuorum, Ways, WorkerSetting,
};
use failover_sim::assumption::Assumption;

use crate::check::Claim;
use crate::plan::{Clause, NodeWord, Plan, StepKind, Through, WorkerClause};
use crate::scenario::length::Length;
use crate::words;

/// The text of a scenario that does what this plan does, which tells a story: `proves` says why, `topology` is the name by
/// which it asks for its topology, and what was consulted is taken for granted.
pub(super) fn scenario(plan: &Plan, topology: &str, proves: &str, consulted: &[Assumption]) -> String {
    let mut text = format!("proves: {}\n", quoted(proves));
    let answers: Vec<String> = consulted
        .iter()
        .map(|assumption| {
            format!("{}: {}", assumption.question().id, quoted(plan.assumptions.word(*assumption)))
        })
        .collect();
    let _ = write!(text, "about:\n  topology: {}\n", quoted(topology));
    if !answers.is_empty() {
        let _ = writeln!(text, "  assume: {{ {} }}", answers.join(", "));
    }
    if plan.given > 0 {
        text.push_str("given:\n");
        for planned in &plan.actions[..plan.given] {
            let _ = writeln!(text, "  - {}", action(&planned.action, plan));
        }
    }
    text.push_str("steps:\n");
    for (index, step) in plan.steps.iter().enumerate() {
        let is_last = plan.faults_over.is_some_and(|step| step.index() == index);
        match &step.kind {
            StepKind::Act(number) => {
                let _ = writeln!(text, "  - {}", action(&plan.action(*number).action, plan));
            }
            StepKind::Pause(time) => {
                let _ = writeln!(text, "  - pause: {{ for: {}, because: {BECAUSE} }}", length(*time));
            }
            StepKind::Expect { within, clauses } => {
                let after = if is_last { "      after: faults\n" } else { "" };
                let _ = write!(text, "  - expect:\n{after}      within: {}\n", length(*within));
                for line in lines(clauses, plan) {
                    let _ = writeln!(text, "      {line}");
                }
            }
            // No story has one.
            StepKind::Hold { .. } => {}
        }
    }
    let asked: Vec<&Claim> = plan.claims.iter().filter(|claim| Claim::ASKED_FOR.contains(claim)).collect();
    if !asked.is_empty() {
        text.push_str("claims:\n");
        for claim in asked {
            let _ = writeln!(text, "  - {}: {{}}", claim.word());
        }
    }
    text
}

/// An action as a scenario says it.
pub(super) fn action(action: &Action<NodeWord>, plan: &Plan) -> String {
    let names = &plan.names;
    let node = |word: &NodeWord| node(*word, plan);
    let on = |word: &NodeWord| format!("{{ node: {} }}", node(word));
    let resource = |resource| format!("{{ resource: {} }}", quoted(names.resource(resource)));
    let inside = match action {
        Action::MoveRole { role, to } if *role == plan.role => format!("{{ to: {} }}", node(to)),
        Action::MoveRole { role, to } => {
            format!("{{ role: {}, to: {} }}", quoted(names.role(*role)), node(to))
        }
        Action::PowerOff { node }
        | Action::PowerOn { node }
        | Action::KillClusterService { node }
        | Action::Freeze { node }
        | Action::Thaw { node }
        | Action::StopClusterService { node }
        | Action::ShutDown { node }
        | Action::RestartNode { node }
        | Action::ResumeNode { node }
        | Action::Surroundings { part: Part::Adapter(node), .. } => on(node),
        Action::StartClusterService { node: on, quorum, clear_quarantine } => {
            let quorum = match quorum {
                StartQuorum::Normal => "",
                StartQuorum::Force => ", quorum: force",
                StartQuorum::Prevent => ", quorum: prevent",
            };
            let quarantine = if *clear_quarantine { ", quarantine: cleared" } else { "" };
            format!("{{ node: {}{quorum}{quarantine} }}", node(on))
        }
        Action::Role { .. }
        | Action::Surroundings {
            part: Part::Witness | Part::Dns | Part::DnsUpdates | Part::Directory | Part::Announcements,
            ..
        } => "{}".to_owned(),
        Action::Surroundings { part: Part::ServiceStart { node: on, service }, .. }
        | Action::Service { node: on, service, .. } => {
            format!("{{ node: {}, service: {} }}", node(on), service_word(*service))
        }
        Action::Surroundings { part: Part::Address(address), .. } => resource(*address),
        Action::WorkerService { worker, .. } | Action::WorkerAgent { worker, .. } => {
            format!("{{ worker: {} }}", quoted(names.worker(*worker)))
        }
        Action::PossibleOwner { role, node: of, .. } if *role == plan.role => on(of),
        Action::PossibleOwner { role, node: of, .. } => {
            format!("{{ node: {}, role: {} }}", node(of), quoted(names.role(*role)))
        }
        Action::PauseNode { node: on, drain } => {
            let roles = match drain {
                Drain::Stay => "stay",
                Drain::Move => "move_away",
            };
            format!("{{ node: {}, roles: {roles} }}", node(on))
        }
        Action::Degrade { node: on, quality: LinkQuality { delay, loss } } => {
            let delay = if delay.is_zero() { String::new() } else { format!(", delay: {}", length(*delay)) };
            let loss = if *loss == 0 { String::new() } else { format!(", loss: {loss}") };
            format!("{{ node: {}{delay}{loss} }}", node(on))
        }
        Action::Link { node: one, to, ways, .. } => {
            let from = match to {
                LinkEnd::Node(other) => node(other),
                LinkEnd::OtherNodes => "other_nodes".to_owned(),
                LinkEnd::Clients => "clients".to_owned(),
                LinkEnd::Disk => "disk".to_owned(),
                LinkEnd::Witness => "witness".to_owned(),
            };
            let ways = match ways {
                Ways::Both => "",
                Ways::Out => ", ways: out",
                Ways::In => ", ways: in",
            };
            format!("{{ node: {}, from: {from}{ways} }}", node(one))
        }
        Action::FailResource { resource: of }
        | Action::DeadlockResource { resource: of }
        | Action::Resource { resource: of, .. } => resource(*of),
        Action::ReplaceMasterCertificate { node: on, with } => {
            format!("{{ node: {}, with: {} }}", node(on), quoted(names.certificate(*with)))
        }
        Action::ChangeNode { node: on, change } => {
            format!("{{ node: {}, {} }}", node(on), change_text(*change))
        }
        Action::SetCluster(property) => format!("{{ {} }}", property_text(*property)),
        Action::SetWorkers(setting) => format!("{{ which: every, {} }}", setting_text(*setting)),
        Action::StartExecutions(load) => {
            let asked = &plan.loads[load.index()];
            let name = quoted(&names.loads[load.index()]);
            let mut inside = format!(
                "as: {name}, count: {}, duration: {}, retry_count: {}",
                asked.count,
                length(asked.duration),
                asked.retry_count
            );
            if asked.workers == LoadWorkers::EachNamed {
                inside.push_str(", workers: each_named");
            }
            if asked.rounds > 1 {
                let _ = write!(inside, ", rounds: {}, every: {}", asked.rounds, length(asked.every));
            }
            format!("{{ {inside} }}")
        }
    };
    format!("{}: {inside}", action.verb().word())
}

fn node(word: NodeWord, plan: &Plan) -> String {
    match word {
        NodeWord::Named(node) => quoted(plan.names.node(node)),
        NodeWord::Owner => "owner".to_owned(),
        NodeWord::Standby => "standby".to_owned(),
        NodeWord::FirstOwner => "first_owner".to_owned(),
        NodeWord::FirstStandby => "first_standby".to_owned(),
    }
}

const fn service_word(service: Service) -> &'static str {
    match service {
        Service::Master => "master",
        Service::SqlServer => "sql_server",
    }
}

fn change_text(change: NodeChange) -> String {
    let said = |key: &str, is_right: bool, right: &str, wrong: &str| {
        format!("{key}: {}", if is_right { right } else { wrong })
    };
    match change {
        NodeChange::HttpsBinding(is) => said("https_binding", is, "present", "missing"),
        NodeChange::PrivateKey(is) => said("private_key", is, "present", "missing"),
        NodeChange::WorkerCertificates(is) => said("worker_certificates", is, "present", "missing"),
        NodeChange::RootStore(is) => said("root_store", is, "clean", "junk"),
        NodeChange::MasterPort(is) => said("master_port", is, "open", "blocked"),
        NodeChange::MasterService(is) => said("master_service", is, "installed", "not_installed"),
        NodeChange::SqlLogin(is) => said("sql_login", is, "accepted", "refused"),
        NodeChange::PortNumber(number) => format!("PortNumber: {number}"),
    }
}

fn property_text(property: ClusterProperty) -> String {
    match property {
        ClusterProperty::SameSubnetThreshold(count) => format!("SameSubnetThreshold: {count}"),
        ClusterProperty::CrossSubnetThreshold(count) => format!("CrossSubnetThreshold: {count}"),
        ClusterProperty::SameSubnetDelay(time) => format!("SameSubnetDelay: {}", length(time)),
        ClusterProperty::CrossSubnetDelay(time) => format!("CrossSubnetDelay: {}", length(time)),
        ClusterProperty::QuarantineThreshold(count) => format!("QuarantineThreshold: {count}"),
        ClusterProperty::QuarantineDuration(time) => format!("QuarantineDuration: {}", length(time)),
        ClusterProperty::ResiliencyLevel(level) => format!("ResiliencyLevel: {level:?}"),
        ClusterProperty::ResiliencyDefaultPeriod(time) => {
            format!("ResiliencyDefaultPeriod: {}", length(time))
        }
    }
}

fn setting_text(setting: WorkerSetting) -> String {
    match setting {
        WorkerSetting::MaxTaskCount(count) => format!("MaxTaskCount: {count}"),
        WorkerSetting::AgentHeartbeatInterval(time) => format!("AgentHeartbeatInterval: {}", length(time)),
        WorkerSetting::TaskHeartbeatInterval(time) => format!("TaskHeartbeatInterval: {}", length(time)),
    }
}

fn length(time: Duration) -> String {
    Length(time).to_string()
}

/// What a story expects at its end, one subject a line.
fn lines<'c>(clauses: &'c [Clause], plan: &'c Plan) -> impl Iterator<Item = String> + 'c {
    clauses.iter().filter_map(|clause| match clause {
        Clause::Role { role, state: Some(state), owner: None } if *role == plan.role => {
            Some(format!("role: {{ state: {} }}", words::role_state(*state)))
        }
        Clause::Nodes { which, state } => {
            let (which, state) = (words::which(*which), words::node_state(*state));
            Some(format!("nodes: {{ which: {which}, state: {state} }}"))
        }
        Clause::Workers {
            which,
            state: WorkerClause::Connected { through: Some(Through::NetworkName), served_by: None },
        } => {
            let which = words::which(*which);
            Some(format!("workers: {{ which: {which}, state: connected, through: network_name }}"))
        }
        Clause::Tasks {
            of,
            which,
            state: Some(state),
            executed_count: None,
            execution: None,
            messages: None,
        } => {
            let (of, which) = (quoted(plan.names.load(*of)), words::which(*which));
            Some(format!("tasks: {{ of: {of}, which: {which}, state: {} }}", words::task_state(*state)))
        }
        // No story expects it.
        Clause::Role { .. }
        | Clause::Node { .. }
        | Clause::Endpoint { .. }
        | Clause::Workers { .. }
        | Clause::Tasks { .. }
        | Clause::Reports { .. } => None,
    })
}

/// A text as YAML takes it in a flow: plain where it is plain, else as JSON writes it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_word = text.chars().all(is_plain) && text.starts_with(|c: char| c.is_ascii_alphabetic());
    let has_meaning = ["true", "false", "null", "yes", "no", "on", "off", "any"];
    if is_word && !has_meaning.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// Why time passes: prose that nobody reads but people.
const BECAUSE: &str = "this is the moment that was found";

#[cfg(test)]
mod tests {
    use failover_sim::action::Verb;

    use super::*;
    use crate::scenario::tests_support::plan_of;

    const EVERYTHING: &str = "- move_role: { to: standby }
- power_off: { node: owner }
- power_on: { node: NODE1 }
- kill_cluster_service: { node: first_owner }
- freeze: { node: first_standby }
- thaw: { node: NODE2 }
- stop_cluster_service: { node: NODE1 }
- start_cluster_service: { node: NODE1, quorum: force, quarantine: cleared }
- shut_down: { node: NODE1 }
- restart_node: { node: NODE1 }
- stop_resource: { resource: Scale Out Master }
- start_resource: { resource: Scale Out Master }
- stop_role: {}
- start_role: {}
- fail_witness: {}
- restore_witness: {}
- disable_service: { node: NODE1, service: master }
- enable_service: { node: NODE1, service: sql_server }
- disable_adapter: { node: NODE1 }
- enable_adapter: { node: NODE1 }
- duplicate_address: { resource: SQL IP Address 1 }
- free_address: { resource: SQL IP Address 1 }
- fail_dns: {}
- restore_dns: {}
- refuse_dns_updates: {}
- accept_dns_updates: {}
- fail_directory: {}
- restore_directory: {}
- ignore_announcements: {}
- heed_announcements: {}
- pause_node: { node: NODE1, roles: move_away }
- resume_node: { node: NODE1 }
- remove_possible_owner: { node: NODE2 }
- restore_possible_owner: { node: NODE2 }
- kill_service: { node: NODE1, service: master }
- hang_service: { node: NODE1, service: sql_server }
- stop_service: { node: NODE1, service: sql_server }
- start_service: { node: NODE2, service: master }
- kill_worker: { worker: w1 }
- hang_worker: { worker: w2 }
- stop_worker: { worker: w3 }
- start_worker: { worker: w3 }
- enable_worker: { worker: w3 }
- disable_worker: { worker: w2 }
- delete_worker: { worker: w1 }
- cut: { node: NODE1, from: other_nodes, ways: out }
- heal: { node: NODE1, from: NODE2, ways: in }
- degrade: { node: NODE2, delay: 200ms, loss: 5 }
- degrade: { node: NODE1, loss: 30 }
- fail_resource: { resource: SQL Server }
- deadlock_resource: { resource: Scale Out Master }
- replace_master_certificate: { node: NODE2, with: made_by_setup }
- change_node: { node: NODE2, https_binding: missing, private_key: present, worker_certificates: missing,
    root_store: junk, master_port: blocked, master_service: not_installed, sql_login: refused, PortNumber: 9999 }
- set_cluster: { SameSubnetThreshold: 20, CrossSubnetDelay: 2s, QuarantineThreshold: 5, QuarantineDuration: 1h }
- set_workers: { which: every, MaxTaskCount: 3, TaskHeartbeatInterval: 5s }
- start_executions: { as: long, count: 2, duration: 90s, retry_count: 1, workers: each_named, rounds: 2, every: 1m }";

    #[test]
    fn every_action_is_read_as_it_was_written() {
        let plan = plan_of(EVERYTHING);
        let missing: Vec<Verb> = Verb::ALL.into_iter().filter(|verb| !plan.verbs().contains(verb)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let written: Vec<String> =
            plan.actions.iter().map(|planned| format!("- {}", action(&planned.action, &plan))).collect();
        let again = plan_of(&written.join("\n"));
        let actions = |plan: &Plan| plan.actions.iter().map(|planned| planned.action).collect::<Vec<_>>();
        assert_eq!(actions(&again), actions(&plan), "{}", written.join("\n"));
        assert_eq!(again.loads, plan.loads);
    }
}

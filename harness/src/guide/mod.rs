//! Which step of Microsoft's guide does a symptom point to?
//!
//! The eight steps: scale-out-failover-cluster-instance (documented). What each mistake looks like is documented by
//! troubleshooting-scale-out where it concerns a single master; that it shows only after a failover is inferred.

pub mod anonymise;
pub mod collect;
pub mod example;
pub mod predict;
pub mod preflight;
pub mod snapshot;
mod steps;

use std::collections::BTreeMap;

use failover_sim::names::{CertificateId, HostId, NodeId, WorkerId};
use failover_sim::observe::{ErrorFamily, Loss, WorkerState};

use crate::plan::Plan;
use crate::words;

pub use steps::STEPS;

/// Why a worker is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The reason in the words of its log.
    pub reason: String,
    /// What was seen that led to it.
    pub details: Vec<String>,
    /// What to do about it, and which step of the guide says so.
    pub hints: Vec<String>,
}

/// Explains a worker's state by what was seen and by what the topology says.
pub fn explain(plan: &Plan, worker: WorkerId, state: WorkerState) -> Why {
    let names = &plan.names;
    let plain = |reason: &str| Why { reason: reason.to_owned(), details: Vec::new(), hints: Vec::new() };
    match state {
        WorkerState::Starting => plain("has not reached a master yet"),
        WorkerState::Connected { through, .. } => Why {
            reason: format!("is connected through `{}`", names.host(through)),
            details: Vec::new(),
            hints: vec![format!(
                "step 7 of the guide: name `{}` as the host of MasterEndpoint and restart the worker",
                names.host(plan.topology.endpoint)
            )],
        },
        WorkerState::Disconnected(loss) => plain(match loss {
            Loss::Closed => "disconnected: the service closed the connection",
            Loss::Reset => "disconnected: the connection was reset",
            Loss::TimedOut => "disconnected: no answer in time",
            Loss::Unserved => "the master answers, but cannot reach SSISDB",
        }),
        WorkerState::Refused { error, by, presented } => {
            let reason = format!("refused: {}", words::error_text(error));
            let (details, hints) = match error {
                ErrorFamily::TrustRelationship => distrust(plan, worker, by, presented),
                ErrorFamily::Forbidden => forbidden(plan, worker, by),
                ErrorFamily::HttpRequest => broken_binding(plan, by),
                ErrorFamily::SecureChannel => (
                    Vec::new(),
                    vec![
                        "grant the worker's service account access to the private key of its certificate"
                            .to_owned(),
                    ],
                ),
                ErrorFamily::EndpointNotFound => nobody_listens(plan, worker),
            };
            Why { reason, details, hints }
        }
    }
}

/// Explains why these workers are away: one line for each kind of reason with what was seen, and what to do about it.
pub(crate) fn explain_all(
    plan: &Plan,
    away: impl Iterator<Item = (WorkerId, WorkerState)>,
) -> (Vec<String>, Vec<String>) {
    let (mut evidence, mut hints) = (Vec::new(), Vec::new());
    let mut kinds: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for (worker, state) in away {
        let why = explain(plan, worker, state);
        let entry = kinds.entry(why.reason).or_insert_with(|| (0, why.details));
        entry.0 += 1;
        for hint in why.hints {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    for (reason, (count, details)) in kinds {
        evidence.push(format!("{}: {reason}", words::counted(count, "worker")));
        evidence.extend(details);
    }
    (evidence, hints)
}

fn distrust(
    plan: &Plan,
    worker: WorkerId,
    by: Option<NodeId>,
    presented: Option<CertificateId>,
) -> (Vec<String>, Vec<String>) {
    let names = &plan.names;
    let machine = &plan.topology.workers[worker.index()];
    let (Some(by), Some(presented)) = (by, presented) else { return (Vec::new(), Vec::new()) };
    let certificate = &plan.topology.certificates[presented.index()];
    let node = names.node(by);
    let shown = show(plan, presented);
    let endpoint: HostId = machine.settings.endpoint_host;
    if machine.pin != Some(presented) {
        let pin = machine.pin.map_or_else(|| "nothing known".to_owned(), |pin| show(plan, pin));
        let everywhere = plan.topology.nodes.iter().all(|other| other.binding == Some(presented));
        let hint = if everywhere {
            format!(
                "every node has {shown}: set MasterHttpsCertThumbprint in WorkerSettings.config of the worker to its \
                 thumbprint, and restart the worker"
            )
        } else {
            format!(
                "step 4 of the guide: install the pinned certificate with its private key in \
                 LocalMachine\\Root of {node}, bind it to the master's port, and set SSLCertThumbprint there"
            )
        };
        return (vec![format!("{node} presents {shown}; the worker pins {pin}")], vec![hint]);
    }
    if !certificate.names(endpoint) {
        let listed: Vec<&str> = certificate.common_names.iter().map(|&name| names.host(name)).collect();
        return (
            vec![format!(
                "{node} presents {shown}, which does not name `{}`: it names {}",
                names.host(endpoint),
                listed.join(", ")
            )],
            vec![
                "step 3 of the guide: add the SQL network name to the CNs of the master certificate, and \
                  install the same certificate on every node (step 4)"
                    .to_owned(),
            ],
        );
    }
    if !machine.root.contains(&presented) {
        return (
            vec![format!("{shown} is not in LocalMachine\\Root of worker `{}`", names.worker(worker))],
            vec![
                "step 7 of the guide: install the master certificate in LocalMachine\\Root of every worker"
                    .to_owned(),
            ],
        );
    }
    (
        vec![format!("{node} presents {shown}, which has expired")],
        vec!["renew the master certificate".to_owned()],
    )
}

/// Nodes may listen on another port than the one that the worker asks for.
fn nobody_listens(plan: &Plan, worker: WorkerId) -> (Vec<String>, Vec<String>) {
    let asked = plan.topology.workers[worker.index()].settings.endpoint_port;
    let nodes = plan.topology.nodes.iter().enumerate();
    let others: Vec<(&str, u16)> = nodes
        .map(|(index, node)| (plan.names.node(NodeId(index as u8)), node.master_settings.port))
        .filter(|(_, port)| *port != asked)
        .collect();
    let named: Vec<&str> = others.iter().map(|(name, _)| *name).collect();
    let hint = if others.is_empty() {
        "step 6 of the guide: the master is a Generic Service in the role of the network name; step 7: MasterEndpoint \
         names that network name and the master's port"
            .to_owned()
    } else {
        let named = named.join(", ");
        format!("set PortNumber in MasterSettings.config of {named} to the port that MasterEndpoint names")
    };
    let detail = |(name, port)| format!("PortNumber of {name} is {port}; the worker asks for port {asked}");
    (others.into_iter().map(detail).collect(), vec![hint])
}

fn forbidden(plan: &Plan, worker: WorkerId, by: Option<NodeId>) -> (Vec<String>, Vec<String>) {
    let Some(by) = by else { return (Vec::new(), Vec::new()) };
    let node = plan.names.node(by);
    let own = plan.topology.workers[worker.index()].own;
    let own = own.map_or_else(|| "its certificate".to_owned(), |own| show(plan, own));
    (
        vec![format!("LocalMachine\\Root of {node} does not have {own}")],
        vec![format!(
            "step 8 of the guide: install every worker's certificate in LocalMachine\\Root of {node}"
        )],
    )
}

fn broken_binding(plan: &Plan, by: Option<NodeId>) -> (Vec<String>, Vec<String>) {
    let node = by.map_or("the owner node", |by| plan.names.node(by));
    (
        vec![format!("{node} breaks the TLS handshake")],
        vec![format!(
            "step 4 of the guide: the HTTP.SYS binding of {node} needs the master certificate together with \
             its private key"
        )],
    )
}

/// A certificate by its name and the ends of its thumbprint.
fn show(plan: &Plan, certificate: CertificateId) -> String {
    let print = plan.topology.certificates[certificate.index()].thumbprint.to_string();
    format!("`{}` ({}..{})", plan.names.certificate(certificate), &print[..4], &print[38..])
}

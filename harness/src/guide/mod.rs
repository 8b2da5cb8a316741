//! Which step of Microsoft's guide does a symptom point to?
//!
//! The eight steps: scale-out-failover-cluster-instance (documented). What each mistake looks like is documented by
//! troubleshooting-scale-out where it concerns a single master; that it shows only after a failover is inferred.

pub mod anonymise;
pub mod collect;
pub mod example;
mod nobody;
pub mod predict;
pub mod preflight;
pub mod snapshot;
mod steps;

use std::collections::BTreeMap;

use failover_sim::action::{Action, NodeChange};
use failover_sim::names::{CertificateId, HostId, NodeId, WorkerId};
use failover_sim::observe::{ErrorFamily, Loss, WorkerState};

use crate::picture::Picture;
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

/// Explains a worker's state by what the topology says.
pub fn explain(plan: &Plan, worker: WorkerId, state: WorkerState) -> Why {
    explain_by(plan, worker, state, None)
}

/// The same, by what was seen of the cluster as well, if anything was.
fn explain_by(plan: &Plan, worker: WorkerId, state: WorkerState, picture: Option<&Picture<'_>>) -> Why {
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
                ErrorFamily::EndpointNotFound => nobody::nobody_listens(plan, worker, picture),
            };
            Why { reason, details, hints }
        }
    }
}

/// Explains why these workers are away: one line for each kind of reason with what was seen, and what to do about it.
pub(crate) fn explain_all(
    picture: &Picture<'_>,
    away: impl Iterator<Item = (WorkerId, WorkerState)>,
) -> (Vec<String>, Vec<String>) {
    let (mut evidence, mut hints) = (Vec::new(), Vec::new());
    let mut kinds: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for (worker, state) in away {
        let why = explain_by(picture.plan(), worker, state, Some(picture));
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
        return unnamed(plan, node, presented, endpoint);
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
    if certificate.expires_after_secs.is_none() {
        return (
            vec![format!("{node} presents {shown}, and the topology has nothing against it")],
            vec![
                "see whether it has expired, whether its names are those of the topology, and whether \
                 LocalMachine\\Root of the worker has it"
                    .to_owned(),
            ],
        );
    }
    (
        vec![format!("{node} presents {shown}, which has expired")],
        vec!["renew the master certificate".to_owned()],
    )
}

/// The certificate does not have the name that the worker asks for: of its names those are told that count.
fn unnamed(plan: &Plan, node: &str, presented: CertificateId, asked: HostId) -> (Vec<String>, Vec<String>) {
    let names = &plan.names;
    let certificate = &plan.topology.certificates[presented.index()];
    let (kind, compared) = match &certificate.alternative_names {
        Some(alternative) => ("the subject alternative names", alternative),
        None => ("the CNs", &certificate.common_names),
    };
    let listed: Vec<&str> = compared.iter().map(|&name| names.host(name)).collect();
    let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
    let (asked_for, shown) = (names.host(asked), show(plan, presented));
    let hint = if certificate.names(plan.topology.endpoint) {
        "step 7 of the guide: name the SQL network name in MasterEndpoint, and restart the worker".to_owned()
    } else {
        format!(
            "step 3 of the guide: add the SQL network name to {kind} of the master certificate, and install the same \
             certificate on every node (step 4)"
        )
    };
    (
        vec![format!("{node} presents {shown}, which does not name `{asked_for}`: {kind} are {listed}")],
        vec![hint],
    )
}

/// The worker's certificate is not in the node's Root, or something else in there spoils it: certificates that are not
/// self-signed, or a list of issuers that is too long (troubleshooting-scale-out, documented).
fn forbidden(plan: &Plan, worker: WorkerId, by: Option<NodeId>) -> (Vec<String>, Vec<String>) {
    let Some(by) = by else { return (Vec::new(), Vec::new()) };
    let node = plan.names.node(by);
    let own = plan.topology.workers[worker.index()].own;
    let shown = own.map_or_else(|| "its certificate".to_owned(), |own| show(plan, own));
    let is_told = own.is_some_and(|own| plan.topology.nodes[by.index()].root.contains(&own));
    let is_taken_away = plan.actions.iter().any(|planned| {
        matches!(planned.action, Action::ChangeNode { change: NodeChange::WorkerCertificates(false), .. })
    });
    if is_told && !is_taken_away {
        return (
            vec![format!("LocalMachine\\Root of {node} has {shown}, and something else keeps it out")],
            vec![format!(
                "take certificates that are not self-signed out of LocalMachine\\Root of {node}; if that is not \
                 enough, set SendTrustedIssuerList to 0 and then ClientAuthTrustMode to 2 there, under \
                 HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"
            )],
        );
    }
    (
        vec![format!("LocalMachine\\Root of {node} does not have {shown}")],
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

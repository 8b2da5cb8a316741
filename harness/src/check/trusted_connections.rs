//! Claim: a connection is accepted only with a trusted worker certificate and the pinned master certificate.
//!
//! Judged from what was seen of each connection and from what the topology says of stores and pins; shares no code
//! with the model's own verdict on a connection.

use failover_sim::names::{CertificateId, HostId, NodeId, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, WorkerState};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::workers_watched::WorkersWatched;
use super::{Check, Verdict, Window};

pub(crate) struct TrustedConnectionsOnly {
    judged: u64,
    watched: WorkersWatched,
    /// What each worker pins.
    pins: Vec<Option<CertificateId>>,
    /// For each node, which workers' certificates it trusts, in ascending order of workers.
    trusted: Vec<Vec<WorkerId>>,
    /// For each certificate, the host names in it.
    names: Vec<Vec<HostId>>,
    first: Option<(Time, WorkerId, NodeId, Complaint)>,
}

#[derive(Clone, Copy, Debug)]
enum Complaint {
    NotPinned(CertificateId),
    NotNamed(CertificateId, HostId),
    WorkerNotTrusted,
}

impl TrustedConnectionsOnly {
    pub(crate) fn new(plan: &Plan) -> Self {
        let topology = &plan.topology;
        let trusts = |root: &[CertificateId]| {
            let mut trusted = Vec::new();
            for (index, worker) in topology.workers.iter().enumerate() {
                if worker.own.is_some_and(|own| root.contains(&own)) {
                    trusted.push(WorkerId(index as u32));
                }
            }
            trusted
        };
        Self {
            judged: 0,
            watched: WorkersWatched::default(),
            pins: topology.workers.iter().map(|worker| worker.pin).collect(),
            trusted: topology.nodes.iter().map(|node| trusts(&node.root)).collect(),
            names: topology
                .certificates
                .iter()
                .map(|certificate| {
                    certificate.alternative_names.as_ref().unwrap_or(&certificate.common_names).clone()
                })
                .collect(),
            first: None,
        }
    }
}

impl Check for TrustedConnectionsOnly {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Connections | Topic::Looks)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        let Fact::Worker { worker, state: WorkerState::Connected { through, served_by, presented } } =
            record.fact
        else {
            return;
        };
        self.judged += 1;
        let complaint = if self.pins[worker.index()] != Some(presented) {
            Some(Complaint::NotPinned(presented))
        } else if !self.names[presented.index()].contains(&through) {
            Some(Complaint::NotNamed(presented, through))
        } else if self.trusted[served_by.index()].binary_search(&worker).is_err() {
            Some(Complaint::WorkerNotTrusted)
        } else {
            None
        };
        if let (Some(complaint), None) = (complaint, self.first) {
            self.first = Some((record.latest, worker, served_by, complaint));
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        let names = &plan.names;
        let Some((at, worker, node, complaint)) = self.first else {
            return self.watched.verdict(self.judged);
        };
        let who = format!("worker `{}` is connected to {}", names.worker(worker), names.node(node));
        let line = match complaint {
            Complaint::NotPinned(certificate) => {
                format!("{who}, which presents `{}`: not what it pins", names.certificate(certificate))
            }
            Complaint::NotNamed(certificate, host) => format!(
                "{who} as `{}`, which is not named by `{}`",
                names.host(host),
                names.certificate(certificate)
            ),
            Complaint::WorkerNotTrusted => {
                format!("{who}, whose Root store does not have the worker's certificate")
            }
        };
        Verdict::fail(self.judged, at, vec![line], Vec::new())
    }
}

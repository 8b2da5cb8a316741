//! How is a lab reached: its hosts, its endpoint, its clock?

use std::io;
use std::time::Duration;

use failover_sim::assumption::Assumption;
use failover_sim::names::{CertificateId, NodeId, WorkerId};
use failover_sim::observe::Answer;

use crate::plan::Plan;

use super::clock::Clock;
use super::session::{Connection, Needs};
use super::watch::Rhythm;

/// A host that sessions are held with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Whoever controls the machines: the hypervisor or the lab's own command, run where the harness runs.
    Control,
    /// A node of the cluster.
    Node(NodeId),
    /// A worker's machine.
    Worker(WorkerId),
}

/// What a session is for: who looks never waits for who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// It looks, again and again.
    Observe,
    /// It changes something.
    Act,
}

impl Host {
    /// What the host must have for this purpose.
    pub const fn needs(self, purpose: Purpose) -> Needs {
        match (self, purpose) {
            (Self::Control, _) => Needs { module: false, elevation: false, credentials: true },
            (Self::Node(_), Purpose::Observe) => Needs { module: true, elevation: false, credentials: false },
            (Self::Node(_), Purpose::Act) => Needs { module: true, elevation: true, credentials: false },
            (Self::Worker(_), Purpose::Observe) => {
                Needs { module: false, elevation: false, credentials: false }
            }
            (Self::Worker(_), Purpose::Act) => Needs { module: false, elevation: true, credentials: false },
        }
    }
}

/// What a client outside the cluster meets under the network name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Nothing comes back.
    Silent,
    /// Nobody listens.
    Refused,
    /// Somebody is there, and the handshake breaks off.
    NoHandshake {
        /// Who, if the client can tell.
        by: Option<NodeId>,
    },
    /// The handshake is finished.
    Served {
        /// By whom, if the client can tell: nodes that have the same certificate look alike.
        by: Option<NodeId>,
        /// The certificate that was presented.
        certificate: CertificateId,
    },
}

impl Met {
    /// The same as an answer, with the node that is known to have the address where the client cannot tell.
    pub fn answer(self, owner: Option<NodeId>) -> Option<Answer> {
        Some(match self {
            Self::Silent => Answer::Silent,
            Self::Refused => Answer::Refused,
            Self::NoHandshake { by } => Answer::NoHandshake(by.or(owner)?),
            Self::Served { by, certificate } => Answer::Served { by: by.or(owner)?, certificate },
        })
    }
}

impl From<Answer> for Met {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Silent => Self::Silent,
            Answer::Refused => Self::Refused,
            Answer::NoHandshake(by) => Self::NoHandshake { by: Some(by) },
            Answer::Served { by, certificate } => Self::Served { by: Some(by), certificate },
        }
    }
}

/// A look at the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What was met.
    pub met: Met,
    /// How long ago the look began.
    pub ago: Duration,
}

/// A client outside the cluster that connects to the endpoint under the network name.
pub trait Probe {
    /// What it met last; nothing as long as its first look is not over.
    ///
    /// # Errors
    /// If the client itself fails: that says nothing about the endpoint.
    fn look(&mut self) -> io::Result<Option<Looked>>;
}

/// Everything that lies between the backend and a lab.
pub trait Lab {
    /// Makes the lab ready for a plan; its clock begins at zero.
    ///
    /// # Errors
    /// If it cannot be what the plan needs.
    fn begin(&mut self, plan: &Plan) -> io::Result<()>;

    /// The clock of the run.
    fn clock(&self) -> &dyn Clock;

    /// Opens a session with a host. That the host is there shows only when it answers.
    ///
    /// # Errors
    /// If no session can be had.
    fn open(&mut self, host: Host, purpose: Purpose) -> io::Result<Connection>;

    /// How often the lab can be looked at.
    fn rhythm(&self) -> Rhythm {
        Rhythm::default()
    }

    /// The probe of the endpoint.
    fn probe(&mut self) -> &mut dyn Probe;

    /// The assumptions that the run has rested on so far: a real lab rests on none.
    fn consulted(&self) -> Vec<Assumption> {
        Vec::new()
    }

    /// Whether what its hosts show is evidence: the model proves nothing by itself.
    fn is_real(&self) -> bool {
        true
    }

    /// What the command line has to say so that the same lab is used again.
    fn options(&self) -> String {
        String::new()
    }

    /// What a reader of a report must know of this lab.
    fn remark(&self) -> String;
}

impl<L: Lab + ?Sized> Lab for Box<L> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        (**self).begin(plan)
    }

    fn clock(&self) -> &dyn Clock {
        (**self).clock()
    }

    fn open(&mut self, host: Host, purpose: Purpose) -> io::Result<Connection> {
        (**self).open(host, purpose)
    }

    fn rhythm(&self) -> Rhythm {
        (**self).rhythm()
    }

    fn probe(&mut self) -> &mut dyn Probe {
        (**self).probe()
    }

    fn is_real(&self) -> bool {
        (**self).is_real()
    }

    fn consulted(&self) -> Vec<Assumption> {
        (**self).consulted()
    }

    fn options(&self) -> String {
        (**self).options()
    }

    fn remark(&self) -> String {
        (**self).remark()
    }
}

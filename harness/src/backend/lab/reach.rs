//! How is a lab reached: its hosts, its endpoint, its clock?

use std::io;

use failover_sim::assumption::Assumption;
use failover_sim::names::{NodeId, WorkerId};
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
            (Self::Worker(_), _) => Needs { module: false, elevation: false, credentials: false },
        }
    }
}

/// A client outside the cluster that connects to the endpoint under the network name.
pub trait Probe {
    /// What it meets at this moment.
    ///
    /// # Errors
    /// If the client itself fails: that says nothing about the endpoint.
    fn look(&mut self) -> io::Result<Answer>;
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

    /// What the command line has to say so that the same lab is used again.
    fn options(&self) -> &'static str {
        ""
    }
}

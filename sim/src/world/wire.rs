//! Where do requests and answers travel: through the model, or through somebody else's sockets?
//!
//! Everything but the wire is the same either way: the cluster, the services, SSISDB and the machines of master and
//! worker. With an outside wire the world says what is to be done with sockets, and is told what came of it.

use crate::action::LinkQuality;
use crate::names::{AddressId, CertificateId, HostId, NodeId, WorkerId};
use crate::net::Destination;
use crate::observe::{ErrorFamily, Loss};
use crate::scaleout::{Request, Response};
use crate::topology::Target;

/// Something to be done with sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireCommand {
    /// A worker opens a connection.
    Connect {
        /// Who.
        worker: WorkerId,
        /// The number of the attempt: to be named in what came of it.
        connection: u32,
        /// Under which host name.
        host: HostId,
        /// To which machine or address; `None` if the name does not resolve.
        to: Option<Target>,
    },
    /// A worker sends a request on its connection.
    Send {
        /// Who.
        worker: WorkerId,
        /// On which connection.
        connection: u32,
        /// What.
        request: Request,
    },
    /// A worker gives up its connection or its attempt.
    Drop {
        /// Who.
        worker: WorkerId,
        /// Which one.
        connection: u32,
    },
    /// The program starts that takes the place of a worker's service.
    StartProgram {
        /// Whose.
        worker: WorkerId,
    },
    /// That program ends.
    EndProgram {
        /// Whose.
        worker: WorkerId,
        /// It has no moment to end by itself.
        kill: bool,
    },
    /// A master answers the request that waits under this worker's name.
    Respond {
        /// Which master.
        node: NodeId,
        /// To whom.
        to: WorkerId,
        /// What.
        response: Response,
    },
    /// A master's service starts: if somebody keeps its files, this is when it reads them
    /// ([`master_reads`](super::World::master_reads)).
    StartMaster {
        /// Which one.
        node: NodeId,
    },
    /// A master opens its endpoint on its node.
    Listen {
        /// Which one.
        node: NodeId,
    },
    /// A master's endpoint is closed, and every connection to it ends like this.
    Close {
        /// Which one.
        node: NodeId,
        /// How its peers see it.
        loss: Loss,
    },
    /// What clients send to an address goes elsewhere.
    MoveAddress {
        /// Which one.
        address: AddressId,
        /// Where to.
        leads_to: Destination,
    },
    /// A node falls silent: whatever is sent to it is swallowed.
    Silence {
        /// Which one.
        node: NodeId,
    },
    /// What a node and its clients send to each other takes longer, or gets lost and is sent again.
    Degrade {
        /// Which one.
        node: NodeId,
        /// How good the way is from here on.
        quality: LinkQuality,
    },
    /// A node is there again, with nothing of what it knew: what reaches it is answered or refused.
    Wake {
        /// Which one.
        node: NodeId,
    },
    /// What a node holds that decides about trust has changed: stores, the binding and its certificate.
    Rebind {
        /// Which one.
        node: NodeId,
    },
}

/// What came of a command, or came in by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireEvent {
    /// A worker's handshake is finished.
    Connected {
        /// Whose.
        worker: WorkerId,
        /// Which attempt.
        connection: u32,
        /// The node that answered.
        by: NodeId,
        /// The certificate that it presented.
        presented: CertificateId,
    },
    /// A worker's connection is accepted, and the handshake begins. Told only if attempts are kept.
    Accepted {
        /// Whose.
        worker: WorkerId,
        /// Which attempt.
        connection: u32,
    },
    /// A worker's attempt failed.
    ConnectFailed {
        /// Whose.
        worker: WorkerId,
        /// Which attempt.
        connection: u32,
        /// The error in its log.
        error: ErrorFamily,
        /// The node that it reached, if it could tell.
        by: Option<NodeId>,
        /// The certificate that it was shown, if any.
        presented: Option<CertificateId>,
    },
    /// A worker's connection broke.
    Lost {
        /// Whose.
        worker: WorkerId,
        /// Which one.
        connection: u32,
        /// How.
        loss: Loss,
    },
    /// A worker's request is answered.
    Answered {
        /// Whose.
        worker: WorkerId,
        /// On which connection.
        connection: u32,
        /// With what.
        response: Response,
    },
    /// A node has answered a worker's request with 403, on account of its certificate.
    Forbidden {
        /// Which node.
        node: NodeId,
        /// Whose request, by its certificate.
        from: WorkerId,
        /// The host name under which it was asked.
        through: HostId,
    },
    /// A request has come in at a master.
    RequestArrived {
        /// At which node.
        node: NodeId,
        /// From whom, by its certificate.
        from: WorkerId,
        /// What.
        request: Request,
        /// The host name under which it was asked.
        through: HostId,
    },
}

/// Who carries requests and answers.
#[derive(Clone, Debug)]
pub(super) enum Wire {
    /// The model of this crate.
    Modelled,
    /// Somebody who takes commands.
    Outside(Vec<WireCommand>),
}

impl Wire {
    /// Forgets commands that nobody has taken.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Modelled => {}
            Self::Outside(commands) => commands.clear(),
        }
    }

    /// Passes on a command, if somebody takes commands; says whether somebody does.
    pub(super) fn command(&mut self, command: WireCommand) -> bool {
        match self {
            Self::Modelled => false,
            Self::Outside(commands) => {
                commands.push(command);
                true
            }
        }
    }
}

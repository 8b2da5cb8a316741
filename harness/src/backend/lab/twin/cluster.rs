//! What stands behind the hosts of a twin: the model alone, or the model behind real sockets?

use failover_sim::action::ResolvedAction;
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_sim::twin;
use failover_sim::world::World;

/// A cluster that hosts can be asked about.
pub(super) enum Cluster {
    /// In virtual time, or in real time that is multiplied.
    Model(Box<World>),
    /// Behind real HTTPS on loopback, so that a probe meets it. Its time is real.
    Sockets(Box<twin::Twin>),
}

impl Cluster {
    pub(super) fn world(&self) -> &World {
        match self {
            Self::Model(world) => world,
            Self::Sockets(twin) => twin.world(),
        }
    }

    /// Says whether the action was possible.
    pub(super) fn apply(&mut self, action: ResolvedAction) -> bool {
        match self {
            Self::Model(world) => world.apply(action).is_ok(),
            Self::Sockets(twin) => twin.apply(action).is_ok(),
        }
    }

    /// Lets time pass up to this moment. Sockets are driven by whoever began them, in small steps.
    pub(super) fn advance(&mut self, until: Time, sink: &mut impl Sink) {
        if let Self::Model(world) = self {
            let until = until.max(world.now());
            world.advance(until, sink);
        }
    }
}

//! What stands behind the hosts of a twin: the model alone, or the model behind real sockets?

use failover_sim::action::{Load, ResolvedAction, WorkerSetting};
use failover_sim::names::{LoadId, WorkerId};
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_sim::twin;
use failover_sim::world::World;

use super::super::clock::{Clock as _, WallClock};
use super::super::protocol::Ticks;
use super::answers::ticks;

/// A cluster that hosts can be asked about.
pub(super) enum Cluster {
    /// In virtual time, or in real time that is multiplied.
    Model(Box<World>),
    /// Behind real HTTPS on loopback, so that a probe meets it. Its time is real.
    Sockets(Box<twin::Twin>),
}

/// Where the hosts of a twin have the date from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Date {
    /// The world counts it.
    OfTheWorld,
    /// Where sockets are real, so is the date.
    OfThisMachine,
}

impl Date {
    /// The date at a moment of the world; on this machine it is the present.
    pub(super) fn at(self, moment: Time) -> Ticks {
        match self {
            Self::OfTheWorld => ticks(moment),
            Self::OfThisMachine => WallClock::begin().utc(),
        }
    }
}

impl Cluster {
    pub(super) fn world(&self) -> &World {
        match self {
            Self::Model(world) => world,
            Self::Sockets(twin) => twin.world(),
        }
    }

    /// Where its hosts have the date from.
    pub(super) const fn date(&self) -> Date {
        match self {
            Self::Model(_) => Date::OfTheWorld,
            Self::Sockets(_) => Date::OfThisMachine,
        }
    }

    /// What the clock of every host shows.
    pub(super) fn clock(&self) -> Ticks {
        self.date().at(self.world().now())
    }

    /// Whether SSISDB takes a transaction in.
    pub(super) fn commits(&mut self) -> bool {
        match self {
            Self::Model(world) => world.ssisdb_commits(),
            Self::Sockets(twin) => twin.ssisdb_commits(),
        }
    }

    /// One more set of executions that an action can name.
    pub(super) fn add_load(&mut self, load: Load) -> LoadId {
        match self {
            Self::Model(world) => world.add_load(load),
            Self::Sockets(twin) => twin.add_load(load),
        }
    }

    /// Sets a setting of a worker, and restarts its service; says whether that was possible.
    pub(super) fn set_worker(&mut self, worker: WorkerId, setting: WorkerSetting) -> bool {
        match self {
            Self::Model(world) => {
                world.set_worker(worker, setting);
                true
            }
            Self::Sockets(twin) => twin.set_worker(worker, setting).is_ok(),
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

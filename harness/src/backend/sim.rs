//! How does a plan run in the model?

use failover_sim::action::ResolvedAction;
use failover_sim::assumption::Assumption;
use failover_sim::mark::Marks;
use failover_sim::names::{ActionNo, WorkerId};
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_sim::world::{Attempted, Counters, Stop, World};

use crate::plan::Plan;

use super::{Abilities, Applied, Backend, BackendError, BackendKind, Impossible};

/// The model in virtual time. One value can run many plans, one after the other.
#[derive(Debug, Default)]
pub struct SimBackend {
    world: Option<World>,
    keeps_attempts: bool,
}

impl SimBackend {
    /// One that keeps the workers' attempts to connect.
    pub fn keeping_attempts() -> Self {
        Self { keeps_attempts: true, ..Self::default() }
    }

    /// What was counted in the last run.
    pub fn counters(&self) -> Counters {
        self.world.as_ref().map(World::counters).unwrap_or_default()
    }

    /// The rare moments that the last run went through.
    pub fn marks(&self) -> Marks {
        self.world.as_ref().map(World::marks).unwrap_or_default()
    }

    fn world(&mut self) -> &mut World {
        self.world.as_mut().expect("a backend is started before it is used")
    }
}

impl Backend for SimBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Sim
    }

    fn abilities(&self, plan: &Plan) -> Abilities {
        Abilities { program: plan.program().map(str::to_owned), ..Abilities::default() }
    }

    fn start(&mut self, plan: &Plan) -> Result<(), BackendError> {
        match &mut self.world {
            Some(world) if world.is_of(&plan.topology, &plan.loads) => world.reset(plan.choices()),
            Some(_) | None => {
                if let Some(worker) = plan.program() {
                    return Err(BackendError::Program(worker.to_owned()));
                }
                let mut world = World::new(&plan.topology, &plan.loads, plan.choices());
                if self.keeps_attempts {
                    world.keep_attempts();
                }
                self.world = Some(world);
            }
        }
        Ok(())
    }

    fn now(&self) -> Time {
        self.world.as_ref().map(World::now).unwrap_or_default()
    }

    fn apply(&mut self, _: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError> {
        let world = self.world();
        if world.changes_nothing(action) {
            return Ok(Applied::Needless);
        }
        world.apply(action).map_err(Impossible::refused(action.verb()))?;
        Ok(Applied::Done)
    }

    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError> {
        Ok(self.world().advance(until, sink))
    }

    fn attempted(&self, worker: WorkerId) -> Option<Attempted> {
        self.world.as_ref()?.attempted(worker)
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    fn consulted(&self) -> Vec<Assumption> {
        self.world.as_ref().map(|world| world.choices().consulted().collect()).unwrap_or_default()
    }
}

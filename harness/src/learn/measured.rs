//! What does a measurement say about what nobody knows?

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::BackendKind;
use crate::latency::{Fault, Order, Saved, plan_of};
use crate::plan::{Overrides, Plan};

use super::seen::Sighting;
use super::weigh::{Unweighed, Weighed, weigh};

/// What the failovers of a measurement say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voice {
    /// How many of them were held against the simulator.
    pub failovers: usize,
    /// For each question that all of them ask, the answers that fit every one of them.
    pub weighed: Vec<Weighed>,
    /// How many say nothing, and why.
    pub unknown: BTreeMap<String, usize>,
}

/// Why a measurement says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mute {
    /// What was measured cannot be run in the simulator: its topology is not here, or is another by now.
    #[error("`{0}` is not here as it was when it was measured")]
    Topology(String),
}

/// Holds the times of some failovers against the simulator.
///
/// # Errors
/// If what was measured cannot be run again.
pub fn of_measurement(saved: &Saved) -> Result<Voice, Mute> {
    let gone = || Mute::Topology(saved.topology.clone());
    let order = order_of(saved).ok_or_else(gone)?;
    let mut voice = Voice::default();
    for failover in saved.failovers.iter().take(MOST) {
        let plan =
            plan_of(&order, failover.seed, Duration::from_millis(failover.swept_ms)).map_err(|_| gone())?;
        voice.failovers += 1;
        match weigh(&plan, &Sighting::of_failover(saved, failover), &plan.settled) {
            Ok(weighed) => voice.hear(weighed),
            Err(why @ (Unweighed::Nothing | Unweighed::Unknown(_) | Unweighed::TooMany(_))) => {
                *voice.unknown.entry(why.to_string()).or_default() += 1;
            }
        }
    }
    Ok(voice)
}

impl Voice {
    fn hear(&mut self, weighed: Vec<Weighed>) {
        for one in weighed {
            let Some(known) = self.weighed.iter_mut().find(|known| known.assumption == one.assumption) else {
                self.weighed.push(one);
                continue;
            };
            known.fitting.retain(|value| one.fitting.contains(value));
            let is_new =
                |(value, _): &(usize, String)| !known.against.iter().any(|(other, _)| other == value);
            let more: Vec<(usize, String)> = one.against.into_iter().filter(is_new).collect();
            known.against.extend(more);
        }
        self.weighed.sort_by_key(|one| one.assumption);
    }
}

/// The order that was measured, on the simulator; nothing if it would measure something else.
fn order_of(saved: &Saved) -> Option<Order> {
    let fault = Fault::by_word(&saved.fault)?;
    // How many workers were asked for is not kept: the topology's own number, or as many as there were.
    [None, u32::try_from(saved.workers).ok()].into_iter().find_map(|workers| {
        let overrides = Overrides {
            workers,
            assume: saved.assume.iter().cloned().collect(),
            set: saved.set.iter().cloned().collect(),
            ..Overrides::default()
        };
        let order = Order {
            backend: BackendKind::Sim,
            topology: saved.topology.clone(),
            overrides,
            fault,
            failovers: 1,
            seed: saved.failovers.first()?.seed,
            jobs: 1,
        };
        let is_same = |plan: Plan| plan.digest().to_string() == saved.plan;
        plan_of(&order, order.seed, Duration::ZERO).is_ok_and(is_same).then_some(order)
    })
}

/// So many failovers are held against the simulator.
const MOST: usize = 8;

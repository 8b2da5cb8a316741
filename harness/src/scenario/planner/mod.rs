//! How do a scenario file and a topology file become a plan?
//!
//! Parse, don't validate: after this no name is unknown and no value out of range. All mistakes of both files come back
//! at once.

mod about;
mod actions;
mod claims;
mod clauses;
mod family;
mod named;
mod steps;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeMap;
use std::path::Path;

use failover_sim::action::Load;
use failover_sim::names::{NodeId, StepNo};
use failover_sim::step::Shared;
use failover_sim::topology::{Program, Topology};

use crate::plan::{HoldWhile, Origin, Plan, PlannedAction, StepKind};

use super::based_on::{first_of_base, told_apart, whole};
use super::diagnostic::{Diagnostics, Fault, Place};
use super::document::{About, CaseDocument, ClaimDocument, ClaimWord, ExploreDocument, PARTS, StepDocument};
use super::files::fill;
use super::read::At;
use super::sections::split;
use super::topology::{ResolvedTopology, resolve};
use super::tree::{Span, parse_one};

pub use warnings::warnings;

/// The topology that a scenario asks for: its name, and where that is written.
///
/// # Errors
/// Every mistake that keeps the name from being found.
pub fn topology_of(file: &str, text: &str) -> Result<At<String>, Diagnostics> {
    let mut faults = Vec::new();
    match Parts::read(text, &mut faults) {
        // Other mistakes are told by those who plan it.
        Some(Parts { about: Some(About { topology, .. }), unread, .. })
            if !unread.contains(&topology.span) =>
        {
            Ok(topology)
        }
        Some(_) | None => Err(Diagnostics::new(file, text, faults)),
    }
}

/// Everything that is wrong in a scenario whose topology nobody knows, as far as that can be told without it.
pub(super) fn mistakes_without_topology(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    Parts::read(text, &mut faults);
    faults
}

/// Makes a plan, or shows everything that is wrong in the scenario and in the topology. Of a scenario with cases it is
/// the one that `origin` names, or the first.
///
/// # Errors
/// The mistakes, file by file.
pub fn plan(name: &str, origin: &Origin, seed: u64) -> Result<Plan, Vec<Diagnostics>> {
    let plans = plans(name, origin, seed)?;
    let case = &origin.overrides.case;
    let found = plans.into_iter().find(|plan| case.is_none() || plan.origin.overrides.case == *case);
    found.ok_or_else(|| {
        let case = case.as_deref().unwrap_or_default();
        let fault = Fault::new(format!("there is no case `{case}`"), Span::default());
        vec![Diagnostics::new(&origin.scenario_file, &origin.scenario_text, vec![fault])]
    })
}

/// Makes one plan for each case of a scenario, or the only one, or shows everything that is wrong in the scenario and in
/// the topology.
///
/// # Errors
/// The mistakes, file by file.
pub fn plans(name: &str, origin: &Origin, seed: u64) -> Result<Vec<Plan>, Vec<Diagnostics>> {
    let mut topology_faults = Vec::new();
    let mut topology = || {
        whole(origin)
            .map_err(|found| topology_faults.extend(found))
            .ok()
            .and_then(|mut tree| {
                fill(&mut tree, &origin.files, first_of_base(&origin.topology_text), &mut topology_faults);
                resolve(&tree, &origin.overrides, &mut topology_faults)
            })
            .map(|mut resolved| {
                start_in(&mut resolved.topology, &origin.topology_file);
                resolved
            })
    };
    let mut faults = Vec::new();
    let plans = scenario(name, origin, seed, &mut topology, &mut faults);
    if let Some(mut plans) = plans.filter(|_| faults.is_empty() && topology_faults.is_empty()) {
        if let Some(patience) = origin.overrides.patience {
            plans.iter_mut().for_each(|plan| be_patient(plan, patience));
        }
        return Ok(plans);
    }
    let own =
        (!faults.is_empty()).then(|| Diagnostics::new(&origin.scenario_file, &origin.scenario_text, faults));
    Err(own.into_iter().chain(told_apart(origin, topology_faults)).collect())
}

/// Gives every step more time; no claim.
fn be_patient(plan: &mut Plan, patience: u32) {
    for step in &mut plan.steps {
        if let StepKind::Expect { within, .. } = &mut step.kind {
            *within *= patience;
        }
    }
}

/// Programs of workers are started in the folder of their topology.
fn start_in(topology: &mut Topology, file: &str) {
    let folder = Path::new(file).parent().unwrap_or_else(|| Path::new(""));
    for program in topology.workers.iter_mut().filter_map(|worker| worker.program.as_mut()) {
        *program = Shared::new(Program { command: program.command.clone(), folder: folder.to_owned() });
    }
}

/// The parts of a scenario, as far as they can be read.
struct Parts {
    proves: String,
    about: Option<About>,
    given: Vec<At<StepDocument>>,
    steps: Vec<At<StepDocument>>,
    cases: Vec<At<CaseDocument>>,
    claims: Vec<At<ClaimDocument>>,
    breaks: Vec<At<ClaimWord>>,
    explore: Option<ExploreDocument>,
    /// The places of mistakes behind which they were read.
    unread: Vec<Span>,
}

impl Parts {
    fn read(text: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        let tree = parse_one(text).map_err(|found| faults.extend(found)).ok()?;
        let parts = split(&tree, PARTS, faults);
        let proves = parts.require::<String>("proves", faults).map(|proves| proves.value).unwrap_or_default();
        parts.must_have("about", faults);
        let about = parts.read_mended::<About>("about", faults).map(|about| about.value);
        let given = parts.read_each_mended::<StepDocument>("given", faults);
        let before = faults.len();
        parts.must_have("steps", faults);
        let steps = parts.read_each_mended::<StepDocument>("steps", faults);
        if let Some(section) = parts.get("steps").filter(|_| steps.is_empty() && faults.len() == before) {
            let fault = Fault::new("a scenario without steps proves nothing", section.key.span);
            faults.push(fault.with_label("expected at least one"));
        }
        let cases = parts.read_each_mended::<CaseDocument>("cases", faults);
        let claims = parts.read_each_mended::<ClaimDocument>("claims", faults);
        let breaks = parts.read_each::<ClaimWord>("breaks", faults);
        let explore = parts.read_mended::<ExploreDocument>("explore", faults).map(|explore| explore.value);
        let unread = faults.iter().map(|fault| fault.span).collect();
        Some(Self { proves, about, given, steps, cases, claims, breaks, explore, unread })
    }
}

fn scenario(
    name: &str,
    origin: &Origin,
    seed: u64,
    topology: &mut dyn FnMut() -> Option<ResolvedTopology>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Plan>> {
    let found = topology();
    let parts = Parts::read(&origin.scenario_text, faults)?;
    refuse_bad_cases(&parts, faults);
    let mut found = Some(found?);
    let about = parts.about.as_ref()?;
    // One plan without a case, or one for each case.
    let cases: Vec<Option<&CaseDocument>> = match &parts.cases[..] {
        [] => vec![None],
        cases => cases.iter().map(|case| Some(&case.value)).collect(),
    };
    let mut plans = Vec::with_capacity(cases.len());
    for case in cases {
        let topology = found.take().or_else(&mut *topology)?;
        plans.push(one_plan(name, origin, seed, topology, (about, &parts), case, faults));
    }
    Some(plans)
}

fn one_plan(
    name: &str,
    origin: &Origin,
    seed: u64,
    topology: ResolvedTopology,
    (about, parts): (&About, &Parts),
    case: Option<&CaseDocument>,
    faults: &mut Vec<Fault>,
) -> Plan {
    let mut planner = Planner {
        text: &origin.scenario_text,
        topology: &topology,
        faults,
        actions: Vec::new(),
        loads: Vec::new(),
        load_names: Vec::new(),
        holds: Vec::new(),
        faults_over: None,
        any: None,
        said_any: false,
        unread: &parts.unread,
    };
    planner.check_needs(about);
    let (assumptions, settled, possible) = planner.assumptions(about, case, origin);
    planner.given(&parts.given);
    let given = planner.actions.len();
    let mut steps = Vec::new();
    planner.steps(&parts.steps, &mut steps);
    planner.steps(case.map_or(&[], |case| &case.then), &mut steps);
    let claims = planner.claims(&parts.claims);
    let of_case = case.map_or(&[][..], |case| &case.breaks);
    let breaks = planner.breaks(parts.breaks.iter().chain(of_case), &claims);
    let family = parts.explore.as_ref().map(|explore| planner.family(explore));
    let Planner { actions, loads, load_names, holds, faults_over, .. } = planner;
    let ResolvedTopology { topology, mut names, role, master, network_name } = topology;
    names.loads = load_names;
    let mut origin = origin.clone();
    origin.overrides.case = case.map(|case| case.case.value.clone());
    Plan {
        name: case.map_or_else(|| name.to_owned(), |case| format!("{name}[{}]", case.case.value)),
        origin,
        proves: parts.proves.clone(),
        guide: about.guide.iter().map(|step| step.value).collect(),
        seed,
        fixed: BTreeMap::new(),
        assumptions,
        settled,
        possible,
        names,
        topology: Shared::new(topology),
        role,
        master,
        network_name,
        loads,
        actions,
        given,
        steps,
        holds,
        claims,
        breaks,
        faults_over,
        family,
    }
}

fn refuse_bad_cases(parts: &Parts, faults: &mut Vec<Fault>) {
    let names = parts.cases.iter().map(|case| &case.value.case);
    let names: Vec<&At<String>> = names.filter(|name| !parts.unread.contains(&name.span)).collect();
    for (index, name) in names.iter().enumerate() {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.value.is_empty() || !name.value.chars().all(is_plain) {
            let message = format!("`{}` cannot be the name of a case", name.value);
            faults.push(Fault::new(message, name.span).with_label("expected small letters, digits and `_`"));
        }
        if let Some(first) = names[..index].iter().find(|other| other.value == name.value) {
            let message = format!("the case `{}` is there twice", name.value);
            let fault = Fault::new(message, name.span).with_label("the second");
            faults.push(fault.with_also(first.span, "the first"));
        }
    }
}

struct Planner<'a> {
    text: &'a str,
    topology: &'a ResolvedTopology,
    faults: &'a mut Vec<Fault>,
    actions: Vec<PlannedAction>,
    loads: Vec<Load>,
    load_names: Vec<String>,
    holds: Vec<HoldWhile>,
    faults_over: Option<StepNo>,
    /// The node that `any` stands for, where it may stand.
    any: Option<NodeId>,
    said_any: bool,
    /// The places of mistakes that are known: there stand-ins were read.
    unread: &'a [Span],
}

impl Planner<'_> {
    fn line(&self, span: Span) -> u32 {
        Place::of(self.text, span.start).line as u32
    }

    /// Adds a fault; but what encloses a mistake that is known may follow from that.
    fn fault(&mut self, fault: Fault) {
        if !self.unread.iter().any(|&known| fault.span.encloses(known)) {
            self.faults.push(fault);
        }
    }

    fn is_unread(&self, place: Span) -> bool {
        self.unread.contains(&place)
    }
}

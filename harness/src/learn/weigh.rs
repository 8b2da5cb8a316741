//! Which answers fit what was seen?

use std::collections::HashMap;
use std::rc::Rc;

use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::time::Time;

use crate::check::Outcome;
use crate::phase::PHASES;
use crate::plan::Plan;

use super::foretell::{FIRST, FURTHER, Foretold, Misfit, Oracle};
use super::seen::{Lapse, Sighting, Subject};

/// What a run says about one open question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Which one.
    pub assumption: Assumption,
    /// The numbers of the answers with which it could have been seen, whatever the other answers are.
    pub fitting: Vec<usize>,
    /// Why the others do not fit, by their numbers: with answers to the other questions that do.
    pub against: Vec<(usize, String)>,
}

/// Why nothing can be said of the open questions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unweighed {
    /// The run came to no verdict, or showed nothing.
    #[error("the run shows too little")]
    Nothing,
    /// What was seen fits no answer: the simulator does not know it.
    #[error("it is nothing that the simulator gives, whatever the answers are: {0}")]
    Unknown(String),
    /// They are too many to be tried together.
    #[error("its open questions have {0} answers together, more than are tried")]
    TooMany(usize),
}

impl Weighed {
    /// The only answer that fits, if there is just one.
    pub fn answer(&self) -> Option<usize> {
        match self.fitting[..] {
            [answer] => Some(answer),
            _ => None,
        }
    }

    /// Whether it says anything: some answer does not fit.
    pub fn speaks(&self) -> bool {
        self.fitting.len() < self.assumption.question().values.len()
    }
}

/// Holds what was seen against every answer to every question that the run asks and that is not `taken` for granted, each
/// together with all answers to the others.
///
/// # Errors
/// If that says nothing.
pub fn weigh(plan: &Plan, seen: &Sighting, taken: &[Assumption]) -> Result<Vec<Weighed>, Unweighed> {
    if seen.is_empty() {
        return Err(Unweighed::Nothing);
    }
    let mut weigher = Weigher { oracle: Oracle::new(plan), seen, known: HashMap::new() };
    let asked = weigher.asked(plan.assumptions, taken);
    let open = weigher.relevant(plan.assumptions, &asked);
    let together: usize = open.iter().map(|one| one.question().values.len()).product();
    if together > MOST {
        return Err(Unweighed::TooMany(together));
    }
    let mut fits: Vec<Vec<bool>> = open.iter().map(|one| vec![false; one.question().values.len()]).collect();
    let (mut usual_misfit, mut fitting_answers) = (None, None);
    for answers in combinations(plan.assumptions, &open) {
        // A combination is of use only if it could show that one of its answers fits.
        if open.iter().zip(&fits).all(|(one, fit)| fit[answers.value(*one)]) {
            continue;
        }
        match weigher.misfit(answers) {
            None => {
                fitting_answers = fitting_answers.or(Some(answers));
                for (one, fit) in open.iter().zip(&mut fits) {
                    fit[answers.value(*one)] = true;
                }
            }
            Some(misfit) => usual_misfit = usual_misfit.or(Some(misfit)),
        }
    }
    // A few seeds do not show everything: nothing is learned from what more of them do not confirm.
    for answers in combinations(plan.assumptions, &open) {
        let would_settle =
            |fit: &Vec<bool>, value: usize| !fit[value] && fit.iter().filter(|fits| **fits).count() == 1;
        let is_needed = open.iter().zip(&fits).any(|(one, fit)| would_settle(fit, answers.value(*one)));
        if is_needed && weigher.fits_at_length(answers) {
            for (one, fit) in open.iter().zip(&mut fits) {
                fit[answers.value(*one)] = true;
            }
        }
    }
    if let Some(misfit) = usual_misfit.filter(|_| fits.iter().any(|fit| !fit.contains(&true))) {
        return Err(Unweighed::Unknown(told(plan, misfit)));
    }
    let others_fit = fitting_answers.unwrap_or(plan.assumptions);
    let mut all = Vec::with_capacity(asked.len());
    for (&assumption, fit) in open.iter().zip(&fits) {
        let (fitting, others): (Vec<usize>, Vec<usize>) = (0..fit.len()).partition(|&value| fit[value]);
        let mut against = Vec::with_capacity(others.len());
        for value in others {
            let misfit = weigher.misfit(others_fit.with(assumption, value));
            against.push((value, misfit.map(|misfit| told(plan, misfit)).unwrap_or_default()));
        }
        all.push(Weighed { assumption, fitting, against });
    }
    for assumption in asked.into_iter().filter(|assumption| !open.contains(assumption)) {
        let fitting = (0..assumption.question().values.len()).collect();
        all.push(Weighed { assumption, fitting, against: Vec::new() });
    }
    all.sort_by_key(|weighed| weighed.assumption);
    Ok(all)
}

struct Weigher<'s> {
    oracle: Oracle,
    seen: &'s Sighting,
    /// What is foretold at one pace.
    known: HashMap<(usize, Assumptions), Rc<Foretold>>,
}

impl Weigher<'_> {
    /// The questions that some run asks, whatever the answer to one of them is.
    fn asked(&mut self, usual: Assumptions, taken: &[Assumption]) -> Vec<Assumption> {
        let mut asked: Vec<Assumption> = Vec::new();
        let mut untried: Vec<Assumptions> = vec![usual];
        while let Some(answers) = untried.pop() {
            for assumption in self.oracle.run(0, FIRST, answers, &mut Foretold::default()) {
                if !taken.contains(&assumption) && !asked.contains(&assumption) {
                    asked.push(assumption);
                    untried.extend(others(usual, assumption));
                }
            }
        }
        asked.sort_unstable();
        asked
    }

    /// Those of them whose answer changes something that can be seen: with the usual answers to all others at any pace, with
    /// another answer to one other question, or with any answers to those that matter already.
    fn relevant(&mut self, usual: Assumptions, asked: &[Assumption]) -> Vec<Assumption> {
        let mut relevant = Vec::new();
        for &assumption in asked {
            let matters = (0..self.oracle.paces()).any(|pace| self.matters(pace, usual, assumption));
            let other_ones = asked.iter().filter(|&&other| other != assumption);
            let mut bases = other_ones.flat_map(|&other| others(usual, other));
            if matters || bases.any(|base| self.matters(0, base, assumption)) {
                relevant.push(assumption);
            }
        }
        while let Some(more) = self.one_more(usual, asked, &relevant) {
            relevant.push(more);
        }
        relevant.sort_unstable();
        relevant
    }

    /// A question that matters with some answers to those that matter already.
    fn one_more(
        &mut self,
        usual: Assumptions,
        asked: &[Assumption],
        relevant: &[Assumption],
    ) -> Option<Assumption> {
        let bases = combinations(usual, relevant);
        let mut rest = asked.iter().copied().filter(|one| !relevant.contains(one) && bases.len() <= MOST);
        rest.find(|&assumption| bases.iter().any(|&base| self.matters(0, base, assumption)))
    }

    /// Whether another answer to a question changes what can be seen.
    fn matters(&mut self, pace: usize, base: Assumptions, assumption: Assumption) -> bool {
        let usual = self.foretold(pace, base);
        others(base, assumption).any(|answers| self.foretold(pace, answers) != usual)
    }

    fn foretold(&mut self, pace: usize, answers: Assumptions) -> Rc<Foretold> {
        if let Some(known) = self.known.get(&(pace, answers)) {
            return Rc::clone(known);
        }
        let mut foretold = Foretold::default();
        self.oracle.run(pace, FIRST, answers, &mut foretold);
        let foretold = Rc::new(foretold);
        self.known.insert((pace, answers), Rc::clone(&foretold));
        foretold
    }

    /// Why it cannot be seen with these answers, if it cannot.
    fn misfit(&mut self, answers: Assumptions) -> Option<Misfit> {
        let mut foretold = Foretold::default();
        let mut misfit = None;
        for pace in 0..self.oracle.paces() {
            self.oracle.run(pace, FIRST, answers, &mut foretold);
            misfit = Some(foretold.fits(self.seen).err()?);
        }
        misfit
    }

    /// Whether it can be seen with these answers after all, by many more runs.
    fn fits_at_length(&mut self, answers: Assumptions) -> bool {
        let mut foretold = Foretold::default();
        (0..self.oracle.paces()).any(|pace| {
            self.oracle.run(pace, FIRST, answers, &mut foretold);
            self.oracle.run(pace, FURTHER, answers, &mut foretold);
            foretold.fits(self.seen).is_ok()
        })
    }
}

/// The same answers but to one question.
fn others(answers: Assumptions, assumption: Assumption) -> impl Iterator<Item = Assumptions> {
    let own = answers.value(assumption);
    (0..assumption.question().values.len())
        .filter(move |&value| value != own)
        .map(move |value| answers.with(assumption, value))
}

/// All answers to these questions together, the usual ones first.
fn combinations(usual: Assumptions, open: &[Assumption]) -> Vec<Assumptions> {
    let mut all = vec![usual];
    for &assumption in open {
        let more: Vec<Assumptions> = all.iter().flat_map(|&answers| others(answers, assumption)).collect();
        all.extend(more);
    }
    all
}

fn told(plan: &Plan, misfit: Misfit) -> String {
    let names = &plan.names;
    let time = |micros: i64| Time::from_micros(micros.unsigned_abs()).to_string();
    let bounds = |(least, most): (i64, i64)| format!("{} to {}", time(least.max(0)), time(most.max(0)));
    match misfit {
        Misfit::Outcome(Outcome::Pass) => "the run passes, and never does with it".to_owned(),
        Misfit::Outcome(_) => "the run fails, and never does with it".to_owned(),
        Misfit::States(subject) => {
            let whose = match subject {
                Subject::Worker(worker) => format!("worker `{}`", names.worker(worker)),
                Subject::Endpoint => "the endpoint".to_owned(),
                Subject::Node { seen_by, node } => {
                    format!("node `{}`, as `{}` sees it,", names.node(node), names.node(seen_by))
                }
                Subject::Status { seen_by, node } => {
                    format!("the status of `{}`, as `{}` sees it,", names.node(node), names.node(seen_by))
                }
                Subject::Resource { seen_by, resource } => {
                    format!("resource `{}`, as `{}` sees it,", names.resource(resource), names.node(seen_by))
                }
                Subject::Owner { seen_by, role } => {
                    format!("the owner node of `{}`, as `{}` sees it,", names.role(role), names.node(seen_by))
                }
            };
            format!("{whose} goes through other states with it")
        }
        Misfit::Lapse { lapse, seen, foretold } => {
            let what = match lapse {
                Lapse::Phase(phase) => PHASES[phase].0,
                Lapse::Noticed => "worker_noticed",
                Lapse::Return => "a worker's return after endpoint_answering",
            };
            match foretold {
                Some(foretold) => {
                    format!("{what} took {}, and takes {} with it", bounds(seen), bounds(foretold))
                }
                None => format!("{what} took {}, and never comes with it", bounds(seen)),
            }
        }
    }
}

/// So many combinations of answers are tried at most.
const MOST: usize = 768;

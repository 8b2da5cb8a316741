//! What does a person read of an exploration?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use failover_sim::assumption::Assumption;

use crate::plan::Sometimes;
use crate::scenario::standard;
use crate::words::{counted, moment};

use super::coverage::{Role, Workers};
use super::tally::{FindingTally, ReasonTally, Tally};

/// A report of one scenario's exploration as text, understandable without colour.
pub fn tell(name: &str, tally: &Tally) -> String {
    let mut text = String::new();
    for (key, finding) in &tally.findings {
        told_finding(&mut text, name, tally, key, finding);
    }
    for (assumption, answers) in tally.depends_on() {
        let question = assumption.question();
        let _ = writeln!(text, "UNKNOWN {name}: whether it fails depends on `{}`", question.id);
        for (word, runs, failed) in answers {
            let _ = writeln!(text, "  {word}: {failed} of {} failed", counted(runs as usize, "run"));
        }
        let _ = writeln!(text, "  settled by: {}", question.settled_by);
        if let Some(scenario) = standard::settles(question.id) {
            let _ = writeln!(text, "  in a lab: failover run {scenario} --backend lab --lab lab.yaml");
        }
    }
    coverage(&mut text, tally);
    outages(&mut text, tally);
    for moment in Sometimes::ALL {
        let met = tally.sometimes.get(moment.word()).copied().unwrap_or_default();
        let _ = writeln!(text, "sometimes {:<25} in {}", moment.word(), counted(met as usize, "run"));
    }
    for ReasonTally { runs, seed, reason } in tally.reasons.values() {
        let runs = counted(*runs as usize, "run");
        let _ = writeln!(text, "UNDECIDED {name}: {runs}, first with seed {seed}: {reason}");
    }
    for moment in tally.not_met() {
        let _ = writeln!(text, "WEAK {name}: no run met `{moment}`");
    }
    let _ = writeln!(
        text,
        "{name}: {}: {} passed, {} unsafe, {} not back after healing, {} undecided",
        counted(tally.runs as usize, "run"),
        tally.passed,
        tally.unsafe_runs,
        tally.stuck_runs,
        tally.undecided,
    );
    let _ = writeln!(
        text,
        "  {}, {} left out as not possible or not needed; in {} one did not bite",
        counted(tally.actions as usize, "action"),
        tally.left_out,
        counted(tally.not_bitten as usize, "run"),
    );
    let _ = writeln!(
        text,
        "  {} of state and event, the last of them {} ago",
        counted(tally.pairs.len(), "pair"),
        counted(tally.runs_since_last_pair as usize, "run"),
    );
    text
}

/// What searches one seed again, by what searched it.
pub fn again(command: &str, seed: u64) -> String {
    format!("{command} --seeds {seed}..{}", seed + 1)
}

fn told_finding(text: &mut String, name: &str, tally: &Tally, key: &str, finding: &FindingTally) {
    let kind = if finding.is_safety { "UNSAFE" } else { "NOT BACK" };
    let (runs, seed) = (counted(finding.runs as usize, "run"), finding.seed);
    let depends_on: Vec<_> = finding.depends_on().collect();
    if depends_on.is_empty() {
        let _ = writeln!(text, "{kind} {name}: {runs}, first with seed {seed}");
    } else {
        let answers: Vec<_> =
            depends_on.iter().map(|(unknown, answer)| format!("`{unknown}: {answer}`")).collect();
        let answers = answers.join(" and ");
        let _ =
            writeln!(text, "INCONCLUSIVE {name}: {kind} with {answers} only: {runs}, first with seed {seed}");
    }
    let again = again(&tally.command, seed);
    let Some(story) = &finding.story else {
        let _ = writeln!(text, "  {key}\n  replay: {again}");
        return;
    };
    let _ = writeln!(text, "  {}", story.cause);
    for hint in &story.hints {
        let _ = writeln!(text, "  hint: {hint}");
    }
    // What shows in all runs together is told below, with the numbers of runs.
    let told_below: Vec<_> = tally.depends_on().into_iter().map(|(assumption, _)| assumption).collect();
    for assumption in Assumption::ALL {
        let question = assumption.question();
        let matters = depends_on.iter().any(|(unknown, _)| *unknown == question.id);
        if matters && !told_below.contains(&assumption) {
            let _ = writeln!(text, "  `{}` is settled by: {}", question.id, question.settled_by);
            if let Some(scenario) = standard::settles(question.id) {
                let _ = writeln!(text, "  in a lab: failover run {scenario} --backend lab --lab lab.yaml");
            }
        }
    }
    let _ = writeln!(text, "  {} left", counted(story.actions, "action"));
    if story.is_confirmed {
        let _ = writeln!(text, "  replay: {}", story.replay);
    } else {
        let _ = writeln!(text, "  replay: {again} (what was written fails in another way)");
    }
}

/// How often each fault met the role and the workers in each state; a dot is a state that it never met.
fn coverage(text: &mut String, tally: &Tally) {
    let met = tally.coverage.keys().filter_map(|place| place.split('|').next());
    let verbs: BTreeSet<&str> = met.chain(tally.verbs.iter().map(String::as_str)).collect();
    if verbs.is_empty() {
        return;
    }
    let _ = write!(text, "{:<24}", "fault while the role is");
    for role in Role::ALL {
        let _ = write!(text, " {:>17}", role.words());
    }
    let _ =
        writeln!(text, "\n{:<24}{}", "", format!(" {:>17}", "all/some/no worker").repeat(Role::ALL.len()));
    for verb in verbs {
        let _ = write!(text, "  {verb:<22}");
        for role in Role::ALL {
            let counts = Workers::ALL.map(|workers| {
                let place = format!("{verb}|{}|{}", role.words(), workers.words());
                tally.coverage.get(&place).map_or_else(|| "·".to_owned(), u64::to_string)
            });
            let _ = write!(text, " {:>18}", counts.join("/"));
        }
        text.push('\n');
    }
}

fn outages(text: &mut String, tally: &Tally) {
    let outages = &tally.outages;
    let (ended, open) = (outages.ended(), outages.open());
    let _ = writeln!(
        text,
        "{} over, {open} still open at the next fault or at the end",
        counted(ended as usize, "outage"),
    );
    for percent in [50, 95, 99] {
        let Some(value) = outages.percentile(percent) else { continue };
        let _ = writeln!(
            text,
            "  p{percent} {:>10}   95 % between {} and {}",
            moment(value.millis),
            moment(value.least),
            moment(value.most)
        );
    }
    if let Some(longest) = outages.longest() {
        let _ = writeln!(text, "  max {:>10}", moment(longest));
    }
}

//! How is a preflight told?

use std::fmt::Write as _;

use serde::Serialize;

use crate::guide::STEPS;
use crate::guide::snapshot::Snapshot;
use crate::words::counted;

use super::{Answer, Finding, Fix, Preflight, RULES, Rule, Step};

/// For people: step by step, what is wrong with evidence, symptom and fix; what nobody could look at, each reason once.
pub fn human(preflight: &Preflight, snapshot: &Snapshot) -> String {
    // Writing to a string cannot fail.
    let mut text = String::new();
    let (nodes, workers) = (counted(snapshot.nodes.len(), "node"), counted(snapshot.workers.len(), "worker"));
    let _ = writeln!(
        text,
        "snapshot of {} by {}: {nodes}, {workers}",
        snapshot.collected_at,
        super::plain(&snapshot.collected_by)
    );
    for (step, heading, what) in chapters() {
        let of_step: Vec<&Finding> =
            preflight.findings.iter().filter(|finding| finding.rule.step == step).collect();
        let count = |is: fn(&Answer) -> bool| of_step.iter().filter(|finding| is(&finding.answer)).count();
        let _ = writeln!(
            text,
            "{heading}: {}",
            totals(
                count(|answer| matches!(answer, Answer::Right(_))),
                count(|answer| matches!(answer, Answer::Wrong { .. })),
                count(|answer| matches!(answer, Answer::CouldNotLook(_))),
            )
        );
        if of_step.iter().any(|finding| !matches!(finding.answer, Answer::Right(_))) {
            let _ = writeln!(text, "  {what}");
        }
        for rule in RULES.iter().filter(|rule| rule.step == step) {
            tell_wrong(&mut text, rule, &of_step);
        }
        tell_not_seen(&mut text, &of_step);
    }
    let wrong = preflight.wrong().count();
    let not_seen = preflight.not_seen().count();
    let right = preflight.findings.len() - wrong - not_seen;
    let _ = writeln!(text, "{}   exit {}", totals(right, wrong, not_seen), preflight.exit_code());
    text
}

/// What one rule found wrong, then what it looks like.
fn tell_wrong(text: &mut String, rule: &Rule, findings: &[&Finding]) {
    let mut was_wrong = false;
    for finding in findings.iter().filter(|finding| finding.rule.name == rule.name) {
        if let Answer::Wrong { seen, fix } = &finding.answer {
            let _ = writeln!(text, "  WRONG {} on {}: {seen}", rule.name, finding.subject);
            tell_fix(text, fix);
            was_wrong = true;
        }
    }
    if was_wrong {
        let _ = writeln!(text, "    before a failover: {}", rule.before);
        let _ = writeln!(text, "    after a failover: {}", rule.after);
        let _ = writeln!(text, "    source: {}", rule.source);
    }
}

/// The commands, machine by machine, then what no command does.
fn tell_fix(text: &mut String, fix: &Fix) {
    for Step { on, commands } in &fix.steps {
        let _ = writeln!(text, "    fix, on {on}:");
        for command in commands {
            let _ = writeln!(text, "      {command}");
        }
    }
    if let Some(what) = &fix.by_hand {
        let heading = if fix.steps.is_empty() { "fix, by hand" } else { "besides" };
        let _ = writeln!(text, "    {heading}: {what}");
    }
}

/// A rule, and the subjects on which nobody could look.
type Unseen<'f> = (&'static str, Vec<&'f str>);

/// What nobody could look at, each reason once.
fn tell_not_seen(text: &mut String, findings: &[&Finding]) {
    let mut reasons: Vec<(&str, Vec<Unseen<'_>>)> = Vec::new();
    for finding in findings {
        let Answer::CouldNotLook(why) = &finding.answer else { continue };
        let index = reasons.iter().position(|(known, _)| known == why).unwrap_or_else(|| {
            reasons.push((why, Vec::new()));
            reasons.len() - 1
        });
        let rules = &mut reasons[index].1;
        match rules.last_mut() {
            Some((rule, subjects)) if *rule == finding.rule.name => subjects.push(&finding.subject),
            Some(_) | None => rules.push((finding.rule.name, vec![&finding.subject])),
        }
    }
    for (why, rules) in reasons {
        let _ = writeln!(text, "  COULD NOT LOOK: {why}");
        for (rule, subjects) in rules {
            let _ = writeln!(text, "    {rule} on {}", subjects.join(", "));
        }
    }
}

/// The steps of the guide, and what it does not speak of: number, heading, what is to be done.
fn chapters() -> impl Iterator<Item = (Option<u8>, String, &'static str)> {
    let steps =
        STEPS.iter().zip(1..).map(|((what, _), number)| (Some(number), format!("step {number}"), *what));
    steps.chain([(
        None,
        "besides the guide".to_owned(),
        "what the guide forgets, and what bites in practice",
    )])
}

fn totals(right: usize, wrong: usize, not_seen: usize) -> String {
    format!("{right} right, {wrong} wrong, {not_seen} could not look")
}

#[derive(Serialize)]
struct Document<'p> {
    version: &'static str,
    collected_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<i64>,
    totals: Totals,
    exit_code: u8,
    findings: Vec<Item<'p>>,
}

#[derive(Serialize)]
struct Totals {
    right: usize,
    wrong: usize,
    could_not_look: usize,
}

#[derive(Serialize)]
struct Item<'p> {
    rule: &'static str,
    step: Option<u8>,
    mistake: Option<u8>,
    subject: &'p str,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixItem<'p>>,
    before: &'static str,
    after: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
struct FixItem<'p> {
    steps: Vec<StepItem<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<&'p str>,
}

#[derive(Serialize)]
struct StepItem<'p> {
    on: &'p str,
    commands: &'p [String],
}

fn fix_item(fix: &Fix) -> FixItem<'_> {
    let steps = fix.steps.iter().map(|Step { on, commands }| StepItem { on, commands }).collect();
    FixItem { steps, by_hand: fix.by_hand.as_deref() }
}

/// For programs: every finding, right ones too. The age of the snapshot is told where somebody knows it; it is negative for
/// one of a day to come.
pub fn json(preflight: &Preflight, snapshot: &Snapshot, age_days: Option<i64>) -> String {
    let (wrong, could_not_look) = (preflight.wrong().count(), preflight.not_seen().count());
    let document = Document {
        version: crate::plan::VERSION,
        collected_at: snapshot.collected_at.to_string(),
        age_days,
        totals: Totals { right: preflight.findings.len() - wrong - could_not_look, wrong, could_not_look },
        exit_code: preflight.exit_code(),
        findings: preflight.findings.iter().map(item).collect(),
    };
    // Texts and numbers: serde_json cannot fail on them.
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}

fn item(finding: &Finding) -> Item<'_> {
    let (answer, seen, why, fix) = match &finding.answer {
        Answer::Right(seen) => ("right", Some(seen.as_str()), None, None),
        Answer::Wrong { seen, fix } => ("wrong", Some(seen.as_str()), None, Some(fix_item(fix))),
        Answer::CouldNotLook(why) => ("could_not_look", None, Some(why.as_str()), None),
    };
    let rule = finding.rule;
    Item {
        rule: rule.name,
        step: rule.step,
        mistake: rule.mistake,
        subject: &finding.subject,
        answer,
        seen,
        why,
        fix,
        before: rule.before,
        after: rule.after,
        source: rule.source,
    }
}

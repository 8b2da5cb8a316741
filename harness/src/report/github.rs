//! What does GitHub show beside the lines of a scenario?
//!
//! Workflow commands (GitHub's documentation, "Workflow commands for GitHub Actions"): one line each. GitHub reads them
//! from the log of a step, so the text has to be printed there.

use std::fmt::Write;

use crate::check::Outcome;

use super::cause::reasons_of;
use super::{RunReport, RunResult, ScenarioReport};

/// The report as workflow commands: a fail is an error, inconclusive a warning, skipped a notice.
pub fn github(report: &RunReport) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        match &scenario.result {
            RunResult::Judged(Outcome::Pass) => {}
            RunResult::Judged(outcome @ Outcome::Fail) => command(&mut text, "error", scenario, *outcome),
            RunResult::Judged(outcome @ Outcome::Inconclusive) => {
                command(&mut text, "warning", scenario, *outcome);
            }
            RunResult::Skipped(reason) => {
                let (file, title) =
                    (property(&scenario.file), property(&format!("SKIPPED {}", scenario.name)));
                let _ = writeln!(text, "::notice file={file},title={title}::{}", message(reason));
            }
        }
    }
    text
}

fn command(text: &mut String, kind: &str, scenario: &ScenarioReport, outcome: Outcome) {
    let reasons = reasons_of(scenario, outcome);
    let mut lines = Vec::new();
    for reason in &reasons {
        lines.push(reason.head.clone());
        lines.extend(reason.evidence.iter().cloned());
        lines.extend(reason.hints.iter().map(|hint| format!("hint: {hint}")));
    }
    lines.push(format!("replay: {}", scenario.replay));
    let place = lines.iter().find_map(|line| line_number(line));
    let place = place.map(|line| format!(",line={line}")).unwrap_or_default();
    let title = format!("{} {}", outcome.word().to_uppercase(), scenario.name);
    let _ = writeln!(
        text,
        "::{kind} file={}{place},title={}::{}",
        property(&scenario.file),
        property(&title),
        message(&lines.join("\n"))
    );
}

/// The line of the scenario that a finding names: `expect within 5m (line 9)`, `steps from line 9 on`.
fn line_number(finding: &str) -> Option<u32> {
    let after = finding.split("line ").skip(1);
    after.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).next()
}

/// The message of a command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{nasty, nothing};

    #[test]
    fn what_ends_a_command_is_written_otherwise() {
        assert_eq!(message("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("C:\\a,b::c"), "C%3A\\a%2Cb%3A%3Ac");
    }

    #[test]
    fn the_line_of_a_finding_is_found() {
        assert_eq!(line_number("expect within 5m (line 9)"), Some(9));
        assert_eq!(line_number("steps from line 12 on"), Some(12));
        assert_eq!(line_number("every line counts"), None);
    }

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(
            github(&nasty()),
            "::error file=a|b.yaml,title=FAIL model/a|b::workers_reconnect within 1m30s (judged 3 times, since \
             +1.000s)%0Aw1 says <no> & \"never\"%0A::error::not a command%0Ahint: step 4: 100%25 of it%0Areplay: \
             failover run 'a|b.yaml' --seed 1\n"
        );
        assert_eq!(github(&nothing()), "");
    }
}

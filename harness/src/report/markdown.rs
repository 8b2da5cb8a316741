//! What does the summary page of a CI run show?

use std::fmt::Write;

use crate::check::Outcome;
use crate::phase::PHASES;
use crate::plan::VERSION;

use super::cause::{Cause, causes};
use super::{NOT_OBSERVED, RunReport, RunResult, ScenarioReport};
use crate::words::{counted, moment, plain_lines};

/// The report as GitHub-flavoured Markdown: a table of all scenarios, and a section for each cause of a verdict that
/// is not a pass.
pub fn markdown(report: &RunReport) -> String {
    let totals = report.totals();
    let mut text = format!(
        "## failover: {} passed, {} failed, {} inconclusive, {} skipped\n\n",
        totals.passed, totals.failed, totals.inconclusive, totals.skipped
    );
    let _ = writeln!(
        text,
        "failover {VERSION}, {} {}, seed {}, {} on {}, {:.2} s\n",
        report.backend,
        escaped(&report.profile),
        report.seed,
        counted(totals.scenarios, "scenario"),
        counted(report.topologies, "topology"),
        report.elapsed.as_secs_f64(),
    );
    for remark in &report.remarks {
        let _ = writeln!(text, "> {}\n", escaped(remark));
    }
    text.push_str("| verdict | scenario | proves |\n| --- | --- | --- |\n");
    for scenario in &report.scenarios {
        let verdict = match &scenario.result {
            RunResult::Judged(Outcome::Pass) => "pass".to_owned(),
            RunResult::Judged(Outcome::Fail) => "**FAIL**".to_owned(),
            RunResult::Judged(Outcome::Inconclusive) => "**INCONCLUSIVE**".to_owned(),
            RunResult::Skipped(reason) => format!("skipped: {}", escaped(reason)),
        };
        let (name, proves) = (escaped(&scenario.name), escaped(&scenario.proves));
        let _ = writeln!(text, "| {verdict} | {name} | {proves} |");
    }
    latency(&mut text, report);
    for cause in causes(report) {
        section(&mut text, &cause);
    }
    plain_lines(&text)
}

fn latency(text: &mut String, report: &RunReport) {
    let latency = report.latency();
    if latency.outages == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "\n### Time after the fault, over {}\n\n{} never ended.{}\n",
        counted(latency.outages, "outage"),
        latency.never_ended,
        match latency.unnoticed {
            0 => String::new(),
            count => format!(" {} cut no worker off.", counted(count, "more fault")),
        },
    );
    let has_looks = report.has_looks();
    let (known_to, line) = if has_looks { (" known to |", " ---: |") } else { ("", "") };
    let _ = writeln!(text, "| phase | outages | p50 | p95 | max | assumed |{known_to}");
    let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |{line}");
    for ((name, _), spread) in PHASES.iter().zip(latency.phases) {
        let name = escaped(name);
        let Some(spread) = spread else {
            if has_looks {
                let _ = writeln!(text, "| {name} | 0 | | | | | {NOT_OBSERVED} |");
            }
            continue;
        };
        let (p50, p95, max) = (moment(spread.p50), moment(spread.p95), moment(spread.max));
        let (count, assumed) = (spread.count, spread.assumed);
        let known_to = if has_looks { format!(" {} ms |", spread.unseen) } else { String::new() };
        let _ = writeln!(text, "| {name} | {count} | {p50} | {p95} | {max} | {assumed} % |{known_to}");
    }
}

fn section(text: &mut String, cause: &Cause<'_>) {
    let names: Vec<String> = cause.scenarios.iter().map(|scenario| escaped(&scenario.name)).collect();
    let _ = writeln!(text, "\n### {} {}\n", cause.outcome.word().to_uppercase(), names.join(", "));
    for reason in &cause.reasons {
        let _ = writeln!(text, "**{}**\n", escaped(&reason.head));
        if !reason.evidence.is_empty() {
            fenced(text, &reason.evidence.join("\n"));
        }
        for hint in &reason.hints {
            let _ = writeln!(text, "> hint: {}\n", escaped(hint));
        }
    }
    let replays: Vec<&str> =
        cause.scenarios.iter().map(|scenario: &&ScenarioReport| &*scenario.replay).collect();
    text.push_str("replay:\n\n");
    fenced(text, &replays.join("\n"));
}

/// A block of text as it is, whatever it contains: the fence is longer than any in the text.
fn fenced(text: &mut String, content: &str) {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(text, "{fence}text\n{content}\n{fence}\n");
}

/// Text that Markdown shows as it is, in a paragraph and in a cell of a table.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // A mention or a link to an issue or a site would notify people.
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{nasty, nothing};

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<b>a|b</b> & `c` *d* [e](f)\ng_h @i #1"),
            "&lt;b&gt;a\\|b&lt;/b&gt; &amp; \\`c\\` \\*d\\* \\[e\\](f) g\\_h &#64;i \\#1"
        );
    }

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        let mut text = String::new();
        fenced(&mut text, "a\n````\nb");
        assert_eq!(text, "`````text\na\n````\nb\n`````\n\n");
    }

    #[test]
    fn a_failure_has_a_row_and_a_section() {
        let expected = "\
## failover: 0 passed, 1 failed, 0 inconclusive, 0 skipped

failover 0.1.0, sim windows\\_2019, seed 1, 1 scenario on 1 topology, 0.00 s

| verdict | scenario | proves |
| --- | --- | --- |
| **FAIL** | model/a\\|b | a &lt;script&gt; &amp; \"quotes\" survive |

### FAIL model/a\\|b

**workers\\_reconnect within 1m30s (judged 3 times, since +1.000s)**

```text
w1 says <no> & \"never\"
::error::not a command
```

> hint: step 4: 100% of it

replay:

```text
failover run 'a|b.yaml' --seed 1
```

";
        assert_eq!(markdown(&nasty()), expected);
    }

    #[test]
    fn a_run_of_nothing_has_an_empty_table() {
        assert!(markdown(&nothing()).ends_with("| --- | --- | --- |\n"));
    }
}

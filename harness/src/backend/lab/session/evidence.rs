//! What is kept of lines that are no answers?

use super::super::protocol::Line;

/// Lines that were no answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The first of them, each cut to [`EVIDENCE_CHARS`].
    pub lines: Vec<String>,
    /// How many more there were.
    pub dropped: u64,
}

impl Evidence {
    pub(super) fn keep_line(&mut self, line: Line) {
        match line {
            Line::Text(text) if text.is_empty() => {}
            Line::Text(text) => self.keep(&text),
            Line::Oversized => self.dropped += 1,
        }
    }

    pub(super) fn keep(&mut self, line: &str) {
        if self.lines.len() < EVIDENCE_LINES {
            self.lines.push(beginning(line));
        } else {
            self.dropped += 1;
        }
    }
}

pub(super) fn beginning(line: &str) -> String {
    line.chars().take(EVIDENCE_CHARS).collect()
}

/// More lines that are no answers are counted, not kept.
pub const EVIDENCE_LINES: usize = 200;
/// Longer lines are cut.
pub const EVIDENCE_CHARS: usize = 200;

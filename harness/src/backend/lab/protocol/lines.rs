//! How do bytes become lines?
//!
//! A byte order mark before the first line and a carriage return before a line's end belong to the host, not to the
//! line. A line that is longer than the limit is given up as soon as that is clear.

/// Longer lines are given up: 1 MiB.
pub const LINE_LIMIT: usize = 1 << 20;

/// Takes bytes in as they come and gives lines out.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the search for an end goes on.
    searched: usize,
    has_begun: bool,
    /// The rest of a line that was given up is thrown away.
    skips: bool,
}

/// A line as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Its text; what is not UTF-8 is replaced by U+FFFD.
    Text(String),
    /// It is longer than [`LINE_LIMIT`].
    Oversized,
}

impl Lines {
    /// Takes in some bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes out the next line, if it is complete.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let end = self.bytes[self.searched..].iter().position(|&byte| byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.bytes.len();
                return self.give_up_what_is_too_long();
            };
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            self.searched = 0;
            if !std::mem::take(&mut self.skips) {
                return Some(self.line(&line[..end]));
            }
        }
    }

    /// What is left without an end of line: the host stopped in the middle of it.
    pub fn rest(&mut self) -> Option<Line> {
        let rest = std::mem::take(&mut self.bytes);
        self.searched = 0;
        (!rest.is_empty() && !self.skips).then(|| self.line(&rest))
    }

    fn line(&mut self, bytes: &[u8]) -> Line {
        let bytes = if std::mem::replace(&mut self.has_begun, true) {
            bytes
        } else {
            bytes.strip_prefix(&BYTE_ORDER_MARK).unwrap_or(bytes)
        };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() > LINE_LIMIT {
            return Line::Oversized;
        }
        Line::Text(String::from_utf8_lossy(bytes).into_owned())
    }

    fn give_up_what_is_too_long(&mut self) -> Option<Line> {
        if self.skips {
            self.bytes.clear();
            self.searched = 0;
            return None;
        }
        // A byte order mark and a carriage return may come on top.
        if self.bytes.len() <= LINE_LIMIT + BYTE_ORDER_MARK.len() + 1 {
            return None;
        }
        self.bytes.clear();
        self.searched = 0;
        self.skips = true;
        self.has_begun = true;
        Some(Line::Oversized)
    }
}

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lines: &mut Lines) -> Vec<Line> {
        std::iter::from_fn(|| lines.next_line()).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn marks_and_returns_are_not_part_of_a_line() {
        let mut lines = Lines::default();
        lines.push(b"\xef\xbb\xbfone\r\ntwo\n\xef\xbb\xbfthree\nfo");
        assert_eq!(all(&mut lines), [text("one"), text("two"), text("\u{feff}three")]);
        assert_eq!(lines.rest(), Some(text("fo")));
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn a_line_without_end_is_given_up_once() {
        let mut lines = Lines::default();
        for _ in 0..40 {
            lines.push(&vec![b'x'; 1 << 16]);
            let _ = lines.next_line().is_some_and(|line| {
                assert_eq!(line, Line::Oversized);
                true
            });
        }
        assert!(lines.bytes.len() <= LINE_LIMIT);
        lines.push(b"x\nnext\n");
        assert_eq!(all(&mut lines), [text("next")]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1_usize..40) {
            let (mut whole, mut pieces) = (Lines::default(), Lines::default());
            whole.push(&bytes);
            let expected = all(&mut whole);
            let mut found = Vec::new();
            for piece in bytes.chunks(piece) {
                pieces.push(piece);
                found.extend(all(&mut pieces));
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(pieces.rest(), whole.rest());
        }
    }
}

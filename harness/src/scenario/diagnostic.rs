//! How is a person shown what is wrong in a file, and where?

use std::fmt::Write as _;

use annotate_snippets::renderer::{
    DEFAULT_ERROR_STYLE, DEFAULT_HELP_STYLE, DEFAULT_LINE_NUM_STYLE, DEFAULT_WARNING_STYLE, Style,
};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use super::tree::{Span, offset};

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong: one sentence without a stop, names between backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write under the underlined text; may be empty.
    pub label: String,
    /// Advice.
    pub hint: Option<String>,
    /// Other places that have to do with it, and what they are.
    pub also: Vec<(Span, String)>,
}

impl Fault {
    /// A mistake without label, hint and other places.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        Self { message: message.into(), span, label: String::new(), hint: None, also: Vec::new() }
    }

    /// The same with this text under the underlined text.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The same with this advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same with one more place.
    #[must_use]
    pub fn with_also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }
}

/// A place as editors count it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line; `\n`, `\r\n` and a `\r` alone end one.
    pub line: usize,
    /// The column; a byte-order mark does not count.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    pub fn of(text: &str, at: u32) -> Self {
        let before = &text[..settle(text, at)];
        let ended = |(index, c): (usize, char)| match c {
            '\n' => true,
            '\r' => !before[index + 1..].starts_with('\n'),
            _ => false,
        };
        let line = before.char_indices().filter(|&part| ended(part)).count() + 1;
        Self { line, column: before[line_start(before)..].chars().count() + 1 }
    }
}

/// Everything that is wrong in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The name of the file, as it is shown.
    pub file: String,
    /// What the file says.
    pub text: String,
    /// The mistakes, in the order of their places.
    pub faults: Vec<Fault>,
}

/// Whether text carries the codes that colour it on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Text alone.
    Plain,
    /// Text with ANSI codes.
    Coloured,
}

impl Diagnostics {
    /// Puts the mistakes in order; what is said twice of one place is kept once.
    pub fn new(file: impl Into<String>, text: impl Into<String>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span);
        faults.dedup();
        Self { file: file.into(), text: text.into(), faults }
    }

    /// All mistakes with their lines, and how many there are if several; every line ends with a line break.
    ///
    /// Empty if there are none. Of more than 100 mistakes, 100 are shown.
    pub fn render(&self, paint: Paint) -> String {
        self.render_as(Weight::Error, paint)
    }

    /// The same for warnings: nothing is wrong, but something could be better.
    pub fn render_warnings(&self, paint: Paint) -> String {
        self.render_as(Weight::Warning, paint)
    }

    fn render_as(&self, weight: Weight, paint: Paint) -> String {
        let mut shown = String::new();
        for (number, fault) in self.faults.iter().take(MOST_SHOWN).enumerate() {
            if number > 0 {
                shown.push('\n');
            }
            self.render_one(fault, weight, paint, &mut shown);
        }
        let (file, weight) = (printable(&self.file), weight.word());
        let count = self.faults.len();
        let summary = match count {
            0 | 1 => return shown,
            ..=MOST_SHOWN => format!("\n{count} {weight}s in {file}\n"),
            _ => format!("\n{count} {weight}s in {file} (the first {MOST_SHOWN} are shown)\n"),
        };
        shown + &summary
    }

    fn render_one(&self, fault: &Fault, weight: Weight, paint: Paint, shown: &mut String) {
        let styled = |style: Style| if paint == Paint::Coloured { style } else { Style::new() };
        let [error, bold, arrow, hint] =
            [weight.style(), Style::new().bold(), DEFAULT_LINE_NUM_STYLE, DEFAULT_HELP_STYLE].map(styled);
        let span = self.visible(fault.span);
        let Place { line, column } = Place::of(&self.text, span.start);
        let message = printable(&fault.message);
        let file = printable(&self.file);
        // Writing to a string cannot fail.
        let _ = writeln!(shown, "{error}{}{error:#}{bold}: {message}{bold:#}", weight.word());
        let _ = writeln!(shown, "  {arrow}-->{arrow:#} {file}:{line}:{column}");
        self.draw(fault, paint, shown);
        if let Some(advice) = &fault.hint {
            let _ = writeln!(shown, "{hint}hint{hint:#}: {}", printable(advice));
        }
    }

    /// The lines of a fault, with what is underlined in them. Places far apart are drawn apart.
    fn draw(&self, fault: &Fault, paint: Paint, shown: &mut String) {
        let primary = (fault.span, fault.label.as_str(), AnnotationKind::Primary);
        let also = fault.also.iter().map(|(span, label)| (*span, label.as_str(), AnnotationKind::Context));
        let mut marks: Vec<Mark<'_>> = std::iter::once(primary)
            .chain(also)
            .map(|(span, label, kind)| Mark { span: self.visible(span), label, kind })
            .collect();
        marks.sort_by_key(|mark| mark.span);
        let near = marks.chunk_by(|first, second| second.span.start - first.span.start < offset(REACH));
        for (number, near) in near.enumerate() {
            if number > 0 {
                shown.push_str("  ...\n");
            }
            self.draw_near(near, paint, shown);
        }
    }

    /// Draws marks that lie near each other. They are in order.
    fn draw_near(&self, marks: &[Mark<'_>], paint: Paint, shown: &mut String) {
        let text = self.text.as_str();
        let (Some(first), Some(end)) = (marks.first(), marks.iter().map(|mark| mark.span.end as usize).max())
        else {
            return;
        };
        let start = first.span.start as usize;
        let from = line_start(&text[..start]).max(text.ceil_char_boundary(start.saturating_sub(REACH)));
        let line_end = text[end..].find(['\n', '\r']).map_or(text.len(), |length| end + length);
        let to = line_end.min(text.floor_char_boundary(end + REACH));
        let lines = drawable(&text[from..to]);
        let annotations = marks.iter().map(|mark| {
            let (start, end) = (mark.span.start as usize, mark.span.end as usize);
            let label = Some(mark.label).filter(|label| !label.is_empty()).map(printable);
            mark.kind.span(start - from..end - from).label(label)
        });
        let line = Place::of(text, offset(from)).line;
        let snippet = Snippet::source(lines).line_start(line).annotations(annotations);
        let renderer =
            if paint == Paint::Coloured { Renderer::styled().hyperlink(false) } else { Renderer::plain() };
        let picture = renderer.term_width(WIDTH).render(&[Group::with_level(Level::ERROR).element(snippet)]);
        // The first line of the picture is a bar under which nothing stands: it shows how wide the numbers are.
        let mut drawn = picture.lines();
        let bar = drawn.next().unwrap_or_default();
        let width = bar.len() - bar.trim_start_matches(' ').len();
        for line in drawn {
            let _ =
                writeln!(shown, "{:pad$}{}", "", line.trim_end(), pad = (GUTTER + 1).saturating_sub(width));
        }
    }

    /// The part of a span that is underlined: what of it lies on its first line, up to a limit.
    ///
    /// A span that is empty and behind all text is moved to the end of the text.
    fn visible(&self, span: Span) -> Span {
        let text = self.text.as_str();
        let start = settle(text, span.start);
        let mut line = text[start..].split(['\n', '\r']).next().unwrap_or_default().char_indices();
        let longest = line.nth(LONGEST_UNDERLINE).map_or_else(|| line.offset(), |(length, _)| length);
        let end = settle(text, span.end).clamp(start, start + longest);
        let text_end = settle(text, offset(text.trim_end().len()));
        if start == end && start > text_end {
            return Span::new(offset(text_end), offset(text_end));
        }
        Span::new(offset(start), offset(end))
    }
}

/// How bad a fault is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Error,
    Warning,
}

impl Weight {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Error => DEFAULT_ERROR_STYLE,
            Self::Warning => DEFAULT_WARNING_STYLE,
        }
    }
}

/// A piece of text that is underlined.
struct Mark<'f> {
    span: Span,
    label: &'f str,
    kind: AnnotationKind,
}

/// An offset as a place where a picture can begin: on a whole character, not within `\r\n`, not before the byte-order
/// mark.
fn settle(text: &str, at: u32) -> usize {
    let at = text.floor_char_boundary(at as usize);
    let within_break = text[..at].ends_with('\r') && text[at..].starts_with('\n');
    let first = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    (at - usize::from(within_break)).max(first)
}

/// Where the last line of a text begins; a byte-order mark does not belong to it.
fn line_start(text: &str) -> usize {
    let start = text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    if start == 0 && text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { start }
}

/// A text of the same length in bytes, in which `\n` stands for a `\r` alone, and nothing commands a terminal.
fn drawable(text: &str) -> String {
    let mut rest = text.chars().peekable();
    let mut same = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        same.push(match c {
            '\r' if rest.peek() != Some(&'\n') => '\n',
            '\u{80}'..='\u{9f}' => '¿',
            other => other,
        });
    }
    same
}

/// A text of a message in which nothing commands a terminal.
fn printable(text: &str) -> String {
    normalize_untrusted_str(&drawable(text))
}

const BYTE_ORDER_MARK: char = '\u{feff}';
/// Mistakes of one file that are drawn.
const MOST_SHOWN: usize = 100;
/// Columns of a picture; a longer line is cut.
const WIDTH: usize = 100;
/// Characters that are underlined at most.
const LONGEST_UNDERLINE: usize = 80;
/// Columns left of the bar, for the number of the line.
const GUTTER: usize = 4;
/// Bytes before and behind a mark that can show in a picture; far more than [`WIDTH`], so that a cut line looks cut.
const REACH: usize = 2000;

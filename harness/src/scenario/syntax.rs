//! What is wrong where the text is not YAML, in words for somebody who does not know the grammar?

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's, not ours: open, with a hundred kinds of error"
)]

use granit_parser::{ErrorKind, ScanError};

use super::diagnostic::Fault;
use super::tree::{Span, offset};

/// What the parser found, at the place where it found it.
pub(super) fn fault(text: &str, error: &ScanError) -> Fault {
    let mark = text.floor_char_boundary(error.marker().byte_offset().unwrap_or_default());
    let at = mistake(text, mark, error.kind());
    let rest = &text[at..];
    let one = rest.chars().next().filter(|c| !is_break(*c)).map_or(0, char::len_utf8);
    let line = rest.split(is_break).next().unwrap_or_default().trim_end().len();
    let [one, line] = [one, line].map(|length| Span::new(offset(at), offset(at + length)));
    brackets_and_quotes(error.kind(), one)
        .or_else(|| colons_and_commas(error.kind(), one, line))
        .or_else(|| indentation(error.kind(), one))
        .unwrap_or_else(|| others(error.kind(), one))
}

/// Where the mistake itself is: the parser marks the start of a text and not the escape in it, and the text beside a
/// tab and not the tab.
fn mistake(text: &str, mark: usize, kind: &ErrorKind) -> usize {
    let found = match kind {
        ErrorKind::UnknownQuotedScalarEscape => {
            let mut after_backslash = false;
            text[mark..]
                .find(|c| {
                    let wrong = after_backslash && !ESCAPES.contains(c);
                    after_backslash = c == '\\' && !after_backslash;
                    wrong
                })
                .map(|escaped| mark + escaped - 1)
        }
        kind if is_tab(kind) => {
            let first = text[..mark].rfind(is_break).map_or(0, |before| before + 1);
            let lines = text[first..].split_inclusive(is_break).take(NEAR);
            let starts = lines.scan(first, |end, line| {
                let start = *end;
                *end += line.len();
                Some((start, line))
            });
            let indents = starts.map(|(start, line)| (start, &line[..line.len() - line.trim_start().len()]));
            indents.filter_map(|(start, indent)| indent.find('\t').map(|tab| start + tab)).next()
        }
        _ => None,
    };
    found.unwrap_or(mark)
}

/// Lists and mappings lie in each other beyond the limit.
pub(super) fn too_deep(span: Span) -> Fault {
    Fault::new("lists and mappings are nested too deeply", span).with_label("the limit is 128 levels")
}

fn brackets_and_quotes(kind: &ErrorKind, at: Span) -> Option<Fault> {
    let fault = match kind {
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = if *open == '[' { ']' } else { '}' };
            Fault::new(format!("`{open}` is never closed"), at)
                .with_label(format!("no `{close}` belongs to it"))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            Fault::new(format!("`{open}` is closed by `{close}`"), at)
        }
        ErrorKind::MisplacedFlowCollectionEnd => Fault::new("a bracket closes what was not opened", at)
            .with_hint("a text with brackets goes in quotes"),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            Fault::new("a quoted text does not end", at)
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            Fault::new("there is more text after the closing quote", at)
                .with_hint("put the whole text in quotes; in single quotes, `''` stands for one `'`")
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => {
            Fault::new("in double quotes `\\` begins an escape, and this is none", at)
                .with_hint("write Windows paths in single quotes, where `\\` means itself")
        }
        _ => return None,
    };
    Some(fault)
}

fn colons_and_commas(kind: &ErrorKind, at: Span, line: Span) -> Option<Fault> {
    let fault = match kind {
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            Fault::new("expected a key with `:` after it", line)
                .with_hint("an entry reads `key: value`, with a space after the colon")
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::FlowMappingValueAdjacentCollection => Fault::new("a key cannot end here", at)
            .with_label("this `:` makes a key of the words before it")
            .with_hint(HINT_OF_COLON),
        ErrorKind::ExpectedFlowMappingSeparator => Fault::new("expected `,` or `}`", at),
        ErrorKind::ExpectedFlowSequenceSeparator => Fault::new("expected `,` or `]`", at),
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedNodeContent => Fault::new("expected a value", at),
        ErrorKind::UnexpectedCharacter { character } => {
            Fault::new(format!("a text cannot begin with `{}`", character.escape_default()), at)
                .with_hint("put the text in quotes")
        }
        ErrorKind::MissingAnchorOrAliasName => {
            Fault::new("a text cannot begin with `*` or `&`", at).with_hint("put the text in quotes")
        }
        ErrorKind::CommentNotSeparated => Fault::new("a comment needs a space before its `#`", at)
            .with_hint("a text with `#` in it goes in quotes"),
        _ => return None,
    };
    Some(fault)
}

fn indentation(kind: &ErrorKind, at: Span) -> Option<Fault> {
    let fault = match kind {
        kind if is_tab(kind) => Fault::new("a tab cannot indent a line", at).with_hint("indent with spaces"),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidBlockScalarIndent => Fault::new("this line does not fit the lines above it", at)
            .with_hint("entries of one list or mapping begin in the same column, and a list's with `- `"),
        ErrorKind::RecursionLimitExceeded => too_deep(at),
        _ => return None,
    };
    Some(fault)
}

fn others(kind: &ErrorKind, at: Span) -> Fault {
    match kind {
        ErrorKind::DirectiveDisallowed => {
            Fault::new("directives are not allowed", at).with_hint("leave out the line that begins with `%`")
        }
        ErrorKind::BomInsideDocument => Fault::new("a byte-order mark stands inside the text", at),
        other => Fault::new(format!("this is not YAML: {other}"), at),
    }
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

const HINT_OF_COLON: &str = "a line above may lack the space after its `:`, or the end of its bracket or quote; \
    a text with `: ` in it goes in quotes";
/// Lines after the parser's mark in which a tab may be the one that it means.
const NEAR: usize = 100;
/// What may follow a backslash in double quotes. Source: <https://yaml.org/spec/1.2.2/#57-escaped-characters>.
const ESCAPES: &str = "0abt\tnvfre \"/\\N_LPxuU\r\n";

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
    let at = text.floor_char_boundary(error.marker().byte_offset().unwrap_or_default());
    let rest = &text[at..];
    let one = Span::new(
        offset(at),
        offset(at + rest.chars().next().filter(|c| !is_break(*c)).map_or(0, char::len_utf8)),
    );
    let line =
        Span::new(offset(at), offset(at + rest.split(is_break).next().unwrap_or_default().trim_end().len()));
    brackets_and_quotes(error.kind(), one)
        .or_else(|| colons_and_commas(error.kind(), one, line))
        .or_else(|| indentation(error.kind(), one))
        .unwrap_or_else(|| others(error.kind(), one))
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
        | ErrorKind::FlowMappingValueAdjacentCollection => Fault::new("a key cannot stand here", at)
            .with_hint("an entry begins on its own line, below its neighbours; a text with `: ` in it goes in quotes"),
        ErrorKind::ExpectedFlowMappingSeparator => Fault::new("expected `,` or `}`", at),
        ErrorKind::ExpectedFlowSequenceSeparator => Fault::new("expected `,` or `]`", at),
        ErrorKind::UnexpectedCharacter { character } => {
            Fault::new(format!("a text cannot begin with `{}`", character.escape_default()), at)
                .with_hint("put the text in quotes")
        }
        ErrorKind::MissingAnchorOrAliasName => {
            Fault::new("a text cannot begin with `*` or `&`", at).with_hint("put the text in quotes")
        }
        ErrorKind::CommentNotSeparated => {
            Fault::new("a comment needs a space before its `#`", at).with_hint("a text with `#` in it goes in quotes")
        }
        _ => return None,
    };
    Some(fault)
}

fn indentation(kind: &ErrorKind, at: Span) -> Option<Fault> {
    let fault = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            Fault::new("a tab cannot indent a line", at).with_hint("indent with spaces")
        }
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
        ErrorKind::DirectiveDisallowed => Fault::new("there are no directives here", at)
            .with_hint("leave out the line that begins with `%`"),
        ErrorKind::BomInsideDocument => Fault::new("a byte-order mark stands inside the text", at),
        other => Fault::new(format!("this is not YAML: {other}"), at),
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

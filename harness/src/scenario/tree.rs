//! What does a YAML text say, and where does each part of it stand?
//!
//! Scalars are resolved by the core schema of YAML 1.2: only `true` and `false` are booleans, so that `on`, `off`,
//! `yes` and `no` are text. Tags, anchors, aliases and directives are refused: a scenario says everything once, in one
//! spelling. Source: <https://yaml.org/spec/1.2.2/#103-core-schema>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, Span as Marks, StructureStyle};

use super::diagnostic::Fault;
use super::{scalar, syntax};

/// A piece of a text, in bytes: `start` belongs to it, `end` does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: u32,
    /// Where it has ended.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Whether it covers nothing, as the span of a value that was left out does.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether another one lies in it.
    pub(super) const fn encloses(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// What the text says there; empty if the span does not lie in it on character boundaries.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A value with the place where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// From its first to its last character; empty where a value was left out.
    pub span: Span,
    /// What it says.
    pub value: Value,
}

impl Tree {
    /// Whether a value is missing here, as after `key:` with nothing behind it.
    ///
    /// A written `null` or `~` is not blank.
    pub fn is_blank(&self) -> bool {
        self.value == Value::Null && self.span.is_empty()
    }

    /// Where to show what is wrong with the whole: the first key of a mapping, and all of anything else.
    pub(super) fn first_place(&self) -> Span {
        match &self.value {
            Value::Mapping(entries) => entries.first().map_or(self.span, |(key, _)| key.span),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Sequence(_) => self.span,
        }
    }

    /// The name that this tree has as a key of a mapping; none for lists and mappings.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Null => Some(Cow::Borrowed("null")),
            Value::Bool(true) => Some(Cow::Borrowed("true")),
            Value::Bool(false) => Some(Cow::Borrowed("false")),
            Value::Integer(number) => Some(Cow::Owned(number.to_string())),
            Value::Float(number) => Some(Cow::Owned(number.to_string())),
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }
}

/// What a [`Tree`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Digits, or digits after `0x` or `0o`; what does not fit is [`Value::Text`].
    Integer(i128),
    /// A number with a point or an exponent; what does not fit is [`Value::Text`].
    Float(f64),
    /// Anything in quotes, and any other word.
    Text(String),
    /// A list.
    Sequence(Vec<Tree>),
    /// Keys and values in the order of the text; no key is there twice, and none is a list or a mapping.
    Mapping(Vec<(Tree, Tree)>),
}

/// The documents of a text, in order.
///
/// # Errors
///
/// Everything that [`survey`] finds.
pub fn parse(text: &str) -> Result<Vec<Tree>, Vec<Fault>> {
    let (documents, faults) = survey(text);
    if faults.is_empty() { Ok(documents) } else { Err(faults) }
}

/// The document of a text that must hold exactly one.
///
/// # Errors
///
/// Everything that [`survey`] finds, a text without a document, and a second document.
pub fn parse_one(text: &str) -> Result<Tree, Vec<Fault>> {
    let mut documents = parse(text)?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(vec![Fault::new("the file is empty", Span::default())]),
        (Some(_), Some(second)) => {
            let place = separator(text, second.span);
            let mark = &text[place.start as usize..place.end as usize];
            let fault = Fault::new("expected one document, found a second", place);
            Err(vec![fault.with_label("ends the first document").with_hint(format!(
                "take `{mark}` away and what stands behind it, or put that into a file of its own"
            ))])
        }
    }
}

/// The `---` or `...` before a document that is not the first.
fn separator(text: &str, second: Span) -> Span {
    let before = &text[..second.start as usize];
    let begins = |mark: &str| before.rfind(&format!("\n{mark}")).map(|at| at + 1);
    let last = ["---", "..."].into_iter().filter_map(begins).max();
    last.map_or(second, |at| Span::new(offset(at), offset(at + 3)))
}

/// The documents that can be read, and everything that is wrong with the text.
///
/// A document with a mistake in its syntax, an alias, or a key that is no name is left out; the documents after it are
/// read. Where there is a fault of another kind (a key given twice, a tag), the rest of the document is in the tree.
/// Limits: 1 MiB, 128 levels, 1000 faults.
pub fn survey(text: &str) -> (Vec<Tree>, Vec<Fault>) {
    let unreadable = unreadable(text);
    if !unreadable.is_empty() {
        return (Vec::new(), unreadable);
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_anchor_events: true,
        emit_comments: false,
        emit_unresolved_aliases: true,
        block_nesting_limit: DEEPEST,
        flow_nesting_limit: DEEPEST,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { text, ..Builder::default() };
    while builder.faults.len() < MOST_FAULTS {
        let failed = match parser.next() {
            None => break,
            Some(Ok((event, marks))) => builder.take(&event, marks).err(),
            Some(Err(error)) => Some(builder.with_bracket(syntax::fault(text, &error))),
        };
        let Some(fault) = failed else { continue };
        builder.faults.push(fault);
        builder.open.clear();
        builder.root = None;
        builder.spoiled = false;
        if !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    (builder.documents, builder.faults)
}

/// What forbids even to begin: the size of the text, and characters that YAML does not have.
fn unreadable(text: &str) -> Vec<Fault> {
    if text.len() > LARGEST {
        let message = format!("the file is too large: {} bytes, at most {LARGEST}", text.len());
        return vec![Fault::new(message, Span::default())];
    }
    if let Some(at) = text.find('\0') {
        let place = Span::new(offset(at), offset(at + 1));
        return vec![
            Fault::new("the file holds zero bytes", place).with_hint("is it in UTF-16? save it as UTF-8"),
        ];
    }
    let forbidden = |&(_, c): &(usize, char)| {
        c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let fault = |(at, c): (usize, char)| {
        let code = u32::from(c);
        let escape = if code < 0x100 { format!("\\x{code:02X}") } else { format!("\\u{code:04X}") };
        let place = Span::new(offset(at), offset(at + c.len_utf8()));
        Fault::new(format!("the file holds the control character U+{code:04X}"), place)
            .with_hint(format!("in double quotes it can be written as `{escape}`"))
    };
    text.char_indices().filter(forbidden).take(MOST_FAULTS).map(fault).collect()
}

/// A tree in the making, fed with one event after the other.
#[derive(Default)]
struct Builder<'t> {
    text: &'t str,
    documents: Vec<Tree>,
    faults: Vec<Fault>,
    open: Vec<Open>,
    /// The whole of a document whose end has not been seen.
    root: Option<Tree>,
    /// A part of the document was refused, so that nobody can say what the rest means.
    spoiled: bool,
}

/// A list or a mapping that has not ended.
struct Open {
    start: u32,
    /// Whether it began with a bracket.
    bracket: bool,
    content: Content,
}

enum Content {
    Sequence(Vec<Tree>),
    Mapping { entries: Vec<(Tree, Tree)>, key: Option<Key>, seen: BTreeMap<String, Span> },
}

/// A key that waits for its value.
enum Key {
    Good(Tree),
    /// It is there already: this value has no place in the tree.
    Again,
    /// It is no key.
    Refused,
}

impl Builder<'_> {
    /// Takes the next event. An error ends the document.
    fn take(&mut self, event: &Event<'_>, marks: Marks) -> Result<(), Fault> {
        if event.tag().is_some() {
            let place = marks.tag_span().map_or_else(|| self.span(marks), |tag| self.span(tag));
            self.faults.push(
                Fault::new(format!("tags are not allowed: {}", quoted(place.of(self.text))), place)
                    .with_hint("leave the tag out; what must be text goes in quotes"),
            );
        }
        let span = self.span(marks);
        match event {
            Event::Scalar(text, style, ..) => self.place(scalar::read(self.text, text, *style, span)),
            Event::SequenceStart(style, ..) => self.begin(span, *style, Content::Sequence(Vec::new()))?,
            Event::MappingStart(style, ..) => {
                let content = Content::Mapping { entries: Vec::new(), key: None, seen: BTreeMap::new() };
                self.begin(span, *style, content)?;
            }
            Event::DocumentEnd => {
                let root = self.root.take().filter(|_| !self.spoiled);
                self.documents.extend(root);
                self.spoiled = false;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.faults.push(no_anchors("alias", span.of(self.text), span));
                self.spoiled = true;
                self.place(Tree { span, value: Value::Text(span.of(self.text).to_owned()) });
            }
            Event::Anchor(..) => self.faults.push(no_anchors("anchor", span.of(self.text), span)),
            // An event of a later parser would be metadata, as comments are.
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, style: StructureStyle, content: Content) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(syntax::too_deep(span));
        }
        let start = match (style, &content) {
            (StructureStyle::Block, Content::Sequence(_)) => self.dash_before(span.start),
            (StructureStyle::Block | StructureStyle::Flow, _) => span.start,
        };
        let bracket = matches!(span.of(self.text), "[" | "{");
        self.open.push(Open { start, bracket, content });
        Ok(())
    }

    /// Ends the innermost list or mapping. The end of a block has no character of its own: it is that of its last part.
    fn end(&mut self, mark: Span) {
        let Some(Open { start, content, .. }) = self.open.pop() else { return };
        let (last, value) = match content {
            Content::Sequence(items) => (items.last().map(|item| item.span.end), Value::Sequence(items)),
            Content::Mapping { entries, .. } => {
                (entries.last().map(|(key, value)| key.span.end.max(value.span.end)), Value::Mapping(entries))
            }
        };
        let end = if mark.is_empty() { last.unwrap_or(start).max(start) } else { mark.end };
        self.place(Tree { span: Span::new(start, end), value });
    }

    /// Puts a finished part where it belongs.
    fn place(&mut self, tree: Tree) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(tree);
            return;
        };
        match &mut open.content {
            Content::Sequence(items) => items.push(tree),
            Content::Mapping { entries, key, seen } => match key.take() {
                None => {
                    let read = as_key(tree, seen, &mut self.faults);
                    self.spoiled |= matches!(read, Key::Refused);
                    *key = Some(read);
                }
                Some(Key::Refused | Key::Again) => {}
                Some(Key::Good(key)) => entries.push((key, tree)),
            },
        }
    }

    /// A fault of the syntax that tells, too, of the innermost bracket that is open, if that is on a line above.
    fn with_bracket(&self, fault: Fault) -> Fault {
        let Some(open) = self.open.iter().rfind(|open| open.bracket) else { return fault };
        let between = Span::new(open.start, fault.span.start).of(self.text);
        if !between.contains(['\n', '\r']) {
            return fault;
        }
        fault.with_also(Span::new(open.start, open.start + 1), "this is still open")
    }

    /// The place of an event, cut to whole characters of the text.
    fn span(&self, marks: Marks) -> Span {
        let range = marks.byte_range().unwrap_or_default();
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.floor_char_boundary(range.end).max(start);
        Span::new(offset(start), offset(end))
    }

    /// The start of a block list: the parser gives the first item where the list is not indented.
    fn dash_before(&self, start: u32) -> u32 {
        let (before, after) = self.text.split_at(start as usize);
        match before.trim_end().strip_suffix('-') {
            Some(rest) if !after.starts_with('-') => offset(rest.len()),
            Some(_) | None => start,
        }
    }
}

/// Checks a key: it must be one word, and not be there already.
fn as_key(tree: Tree, seen: &mut BTreeMap<String, Span>, faults: &mut Vec<Fault>) -> Key {
    let name = match &tree.value {
        Value::Null => {
            faults.push(Fault::new("a key is missing", tree.span).with_label("expected a name before `:`"));
            return Key::Refused;
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            let kind = if matches!(tree.value, Value::Mapping(_)) { "mapping" } else { "list" };
            faults.push(
                Fault::new(format!("a {kind} cannot be a key"), tree.span).with_label("expected a name"),
            );
            return Key::Refused;
        }
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {
            tree.name().unwrap_or_default()
        }
    };
    if let Some(&first) = seen.get(name.as_ref()) {
        faults.push(
            Fault::new(format!("the key {} is there twice", quoted(&name)), tree.span)
                .with_label("the second")
                .with_also(first, "the first"),
        );
        return Key::Again;
    }
    seen.insert(name.into_owned(), tree.span);
    Key::Good(tree)
}

fn no_anchors(kind: &str, written: &str, span: Span) -> Fault {
    Fault::new(format!("anchors and aliases are not allowed: {}", quoted(written)), span)
        .with_label(format!("read as an {kind}"))
        .with_hint("write the value out where it is used; a text that begins with `&` or `*` goes in quotes")
}

/// A word of a file between backticks, short enough for a message and on one line.
pub(super) fn quoted(word: &str) -> String {
    let mut shown: String = word.chars().take(LONGEST_SHOWN).flat_map(escaped).collect();
    if word.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Characters that would break a line or be invisible, as their escapes.
fn escaped(c: char) -> impl Iterator<Item = char> {
    let as_is = (!c.is_control() && c != '\u{feff}').then_some(c);
    let escape = as_is.is_none().then(|| c.escape_default());
    as_is.into_iter().chain(escape.into_iter().flatten())
}

/// An offset into a text. [`LARGEST`] keeps every offset far below the greatest.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Bytes that a file may have.
const LARGEST: usize = 1 << 20;
/// Levels of lists and mappings that may lie in each other.
const DEEPEST: usize = 128;
/// Faults after which reading stops.
const MOST_FAULTS: usize = 1000;
/// Characters of a word of the file that a message repeats.
const LONGEST_SHOWN: usize = 40;

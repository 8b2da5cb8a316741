//! What does a topology say that is based on another one?
//!
//! It says what differs. Mappings are joined key by key, lists of named things by their names, and everything else
//! takes the place of what the other one says. Nothing is taken away.

use crate::plan::{Base, Origin};

use super::diagnostic::{Diagnostics, Fault};
use super::read::At;
use super::sections::split;
use super::topology_document::PARTS;
use super::tree::{Span, Tree, Value, parse_one};

/// The name of the topology that this one is based on, if it is; mistakes are left to those who read all of it.
pub(super) fn base_of(text: &str) -> Option<At<String>> {
    let tree = parse_one(text).ok()?;
    split(&tree, PARTS, &mut Vec::new()).read("based_on", &mut Vec::new())
}

/// The whole topology. Places in the text of the base lie behind those of the own text: [`told_apart`].
pub(super) fn whole(origin: &Origin) -> Result<Tree, Vec<Fault>> {
    let own = parse_one(&origin.topology_text);
    let Some(base) = &origin.base else { return own };
    let from = first_of_base(&origin.topology_text);
    let moved =
        |faults: Vec<Fault>| faults.into_iter().map(|fault| fault_moved(fault, &|at| at + from)).collect();
    match (own, parse_one(&base.text).map_err(moved)) {
        (Ok(own), Ok(mut base)) => {
            shift(&mut base, from);
            Ok(joined(base, own))
        }
        (own, base) => Err([own.err(), base.err()].into_iter().flatten().flatten().collect()),
    }
}

/// The mistakes of a topology, by the file in which each stands.
pub(super) fn told_apart(origin: &Origin, faults: Vec<Fault>) -> Vec<Diagnostics> {
    let from = first_of_base(&origin.topology_text);
    let is_own = |fault: &Fault| origin.base.is_none() || fault.span.start < from;
    let (own, of_base): (Vec<Fault>, Vec<Fault>) = faults.into_iter().partition(is_own);
    let own = own.into_iter().map(|fault| without(fault, |span| span.start < from || origin.base.is_none()));
    let of_base = of_base.into_iter().map(|fault| {
        let fault = without(fault, |span| span.start >= from);
        fault_moved(fault, &|at| at - from)
    });
    let told = |file: &str, text: &str, faults: Vec<Fault>| {
        (!faults.is_empty()).then(|| Diagnostics::new(file, text, faults))
    };
    let base = origin.base.as_ref();
    let of_base = base.and_then(|Base { file, text }| told(file, text, of_base.collect()));
    told(&origin.topology_file, &origin.topology_text, own.collect()).into_iter().chain(of_base).collect()
}

/// The first place that belongs to the base: one that the own text does not have.
pub(super) fn first_of_base(own: &str) -> u32 {
    own.len() as u32 + 1
}

/// A place in another file cannot be shown beside the mistake.
fn without(mut fault: Fault, is_here: impl Fn(&Span) -> bool) -> Fault {
    fault.also.retain(|(span, _)| is_here(span));
    fault
}

fn fault_moved(mut fault: Fault, to: &impl Fn(u32) -> u32) -> Fault {
    let moved = |span: Span| Span::new(to(span.start), to(span.end));
    fault.span = moved(fault.span);
    for (span, _) in &mut fault.also {
        *span = moved(*span);
    }
    fault
}

fn shift(tree: &mut Tree, by: u32) {
    tree.span = Span::new(tree.span.start + by, tree.span.end + by);
    match &mut tree.value {
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {}
        Value::Sequence(elements) => elements.iter_mut().for_each(|element| shift(element, by)),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                shift(key, by);
                shift(value, by);
            }
        }
    }
}

fn joined(base: Tree, own: Tree) -> Tree {
    let span = own.span;
    let value = match (base.value, own.value) {
        (Value::Mapping(base), Value::Mapping(own)) => Value::Mapping(joined_mappings(base, own)),
        (Value::Sequence(base), Value::Sequence(own)) if all_named(&base) && all_named(&own) => {
            Value::Sequence(joined_lists(base, own))
        }
        (_, own) => own,
    };
    Tree { span, value }
}

/// Own keys come first: what is wrong with the whole is shown at the first.
fn joined_mappings(base: Vec<(Tree, Tree)>, own: Vec<(Tree, Tree)>) -> Vec<(Tree, Tree)> {
    let mut rest = base;
    let mut all: Vec<(Tree, Tree)> = Vec::with_capacity(rest.len() + own.len());
    for (key, value) in own {
        let same = rest.iter().position(|(other, _)| other.name() == key.name());
        let value = match same {
            Some(place) => joined(rest.remove(place).1, value),
            None => value,
        };
        all.push((key, value));
    }
    all.extend(rest);
    all
}

/// The order of the base stays: it is the order of nodes and resources.
fn joined_lists(mut base: Vec<Tree>, own: Vec<Tree>) -> Vec<Tree> {
    for element in own {
        let same = base.iter().position(|other| name_of(other) == name_of(&element));
        match same {
            Some(place) => {
                let blank = Tree { span: element.span, value: Value::Null };
                let other = std::mem::replace(&mut base[place], blank);
                base[place] = joined(other, element);
            }
            None => base.push(element),
        }
    }
    base
}

fn all_named(elements: &[Tree]) -> bool {
    elements.iter().all(|element| name_of(element).is_some())
}

fn name_of(element: &Tree) -> Option<&str> {
    let Value::Mapping(entries) = &element.value else { return None };
    let (_, name) = entries.iter().find(|(key, _)| key.name().as_deref() == Some("name"))?;
    match &name.value {
        Value::Text(name) => Some(name),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Sequence(_)
        | Value::Mapping(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Overrides;

    fn origin(own: &str, base: &str) -> Origin {
        Origin {
            scenario_file: String::new(),
            scenario_text: String::new(),
            topology_file: "own".to_owned(),
            topology_text: own.to_owned(),
            base: Some(Base { file: "base".to_owned(), text: base.to_owned() }),
            files: Default::default(),
            overrides: Overrides::default(),
        }
    }

    /// A tree without its places, as text.
    fn told(tree: &Tree) -> String {
        match &tree.value {
            Value::Sequence(elements) => {
                format!("[{}]", elements.iter().map(told).collect::<Vec<_>>().join(", "))
            }
            Value::Mapping(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{}: {}", told(key), told(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {
                tree.name().unwrap_or_default().into_owned()
            }
        }
    }

    #[test]
    fn mappings_are_joined_by_key_lists_of_named_things_by_name_and_the_rest_is_replaced() {
        let base = "a: 1\nnodes:\n- { name: N1, root: [x, y] }\n- { name: N2, root: [x] }\n";
        let own = "nodes:\n- { name: N2, root: [z] }\n- { name: N3, root: [] }\nb: { c: 2 }\n";
        let whole = whole(&origin(own, base)).expect("no mistake");
        let expected = "{nodes: [{name: N1, root: [x, y]}, {name: N2, root: [z]}, {name: N3, root: []}], \
                        b: {c: 2}, a: 1}";
        assert_eq!(told(&whole), expected);
    }

    #[test]
    fn a_mistake_is_shown_in_the_file_that_makes_it() {
        let origin = origin("a: [1\n", "b: 'x\n");
        let faults = whole(&origin).expect_err("both are wrong");
        let files: Vec<Diagnostics> = told_apart(&origin, faults);
        let names: Vec<&str> = files.iter().map(|file| file.file.as_str()).collect();
        assert_eq!(names, ["own", "base"]);
        assert!(files[1].faults.iter().all(|fault| fault.span.end <= 6), "{:?}", files[1].faults);
    }
}

//! What does a word mean?
//!
//! One table for each kind of word. Those of the language are the document types themselves, read through their schema,
//! so that what is explained is what is read; `docs/language.md` is made from the same.

use std::fmt::Write as _;

use failover_sim::action::{Reversibility, Verb};
use failover_sim::assumption::Assumption;
use serde_json::Value;

use crate::guide::STEPS;
use crate::guide::preflight::{RULES, Rule};
use crate::phase::PHASES;
use crate::scenario::nearest;
use crate::scenario::{CERTIFICATE_WORDS, LINK_WORDS, NODE_WORDS, scenario_schema};

/// Something that can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it means, in a sentence or two.
    pub says: String,
    /// What may lie inside it.
    pub fields: Vec<Field>,
    /// What else there is to know, one line each.
    pub notes: Vec<String>,
}

/// A field of something, or a value that it can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it takes; empty for a value.
    pub takes: String,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub says: String,
}

/// The kinds of things that can be explained, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A part of a scenario file.
    Part,
    /// A verb that does something.
    Action,
    /// A verb that waits.
    Wait,
    /// What an expectation is about.
    Subject,
    /// Something that is claimed of a whole run.
    Claim,
    /// A reserved word.
    Word,
    /// A family of errors in a worker's log.
    ErrorFamily,
    /// What nobody knows about the product.
    Assumption,
    /// A step of Microsoft's guide.
    GuideStep,
    /// A phase of an outage.
    Phase,
    /// What preflight asks of a cluster.
    Rule,
    /// What the program ends with.
    ExitCode,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Part,
        Self::Action,
        Self::Wait,
        Self::Subject,
        Self::Claim,
        Self::Word,
        Self::ErrorFamily,
        Self::Assumption,
        Self::GuideStep,
        Self::Phase,
        Self::Rule,
        Self::ExitCode,
    ];

    /// One of them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Part => "part of a scenario",
            Self::Action => "action",
            Self::Wait => "verb that waits",
            Self::Subject => "subject of expect and hold",
            Self::Claim => "claim",
            Self::Word => "word",
            Self::ErrorFamily => "error of a worker",
            Self::Assumption => "assumption",
            Self::GuideStep => "step of the guide",
            Self::Phase => "phase of an outage",
            Self::Rule => "rule of preflight",
            Self::ExitCode => "exit code",
        }
    }

    /// Several of them, as a heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Part => "Parts of a scenario",
            Self::Action => "Actions",
            Self::Wait => "Verbs that wait",
            Self::Subject => "Subjects of expect and hold",
            Self::Claim => "Claims",
            Self::Word => "Words for nodes, links and certificates",
            Self::ErrorFamily => "Errors of a worker",
            Self::Assumption => "Assumptions",
            Self::GuideStep => "Steps of the guide",
            Self::Phase => "Phases of an outage",
            Self::Rule => "Rules of preflight",
            Self::ExitCode => "Exit codes",
        }
    }
}

/// The exit codes and what they mean.
pub const EXIT_CODES: [(u8, &str); 6] = [
    (0, "everything passed"),
    (1, "something failed: the system under test does not do what it should"),
    (2, "the input is wrong; every mistake is shown with its place"),
    (3, "something is inconclusive, nothing was judged, or the surroundings failed"),
    (4, "the lab is not as it was found: something could not be taken back"),
    (101, "a bug of ours"),
];

/// Everything that can be explained, kind by kind.
pub fn topics() -> Vec<Topic> {
    let schema = Schema(scenario_schema());
    let mut topics = Vec::new();
    for part in schema.fields(&schema.0) {
        let inside = schema.below(&schema.0, &part.name);
        let fields = inside.map(|inside| schema.fields(inside)).unwrap_or_default();
        // The elements of lists have tables of their own.
        let notes =
            vec![format!("takes {}{}", part.takes, if part.required { "; must be there" } else { "" })];
        topics.push(Topic { kind: Kind::Part, name: part.name, says: part.says, fields, notes });
    }
    let step = schema.definition("StepDocument");
    for verb in schema.fields(step) {
        let known = Verb::ALL.into_iter().find(|known| known.word() == verb.name);
        let notes = known.map(|verb| taken_back(verb).to_owned());
        let fields = schema.below(step, &verb.name).map(|inside| schema.fields(inside)).unwrap_or_default();
        let kind = if known.is_some() { Kind::Action } else { Kind::Wait };
        let notes = notes.into_iter().collect();
        topics.push(Topic { kind, name: verb.name, says: verb.says, fields, notes });
    }
    let expect = schema.definition("Expect");
    for subject in schema.fields(expect).into_iter().filter(|field| field.name != "within") {
        let fields =
            schema.below(expect, &subject.name).map(|inside| schema.fields(inside)).unwrap_or_default();
        topics.push(Topic {
            kind: Kind::Subject,
            name: subject.name,
            says: subject.says,
            fields,
            notes: Vec::new(),
        });
    }
    let limits = schema.definition("ClaimDocument");
    for claim in schema.values(schema.definition("ClaimWord")) {
        let fields =
            schema.below(limits, &claim.name).map(|inside| schema.fields(inside)).unwrap_or_default();
        topics.push(Topic {
            kind: Kind::Claim,
            name: claim.name,
            says: claim.says,
            fields,
            notes: Vec::new(),
        });
    }
    for (word, says) in NODE_WORDS.iter().chain(&LINK_WORDS).chain(&CERTIFICATE_WORDS) {
        topics.push(plain(Kind::Word, word, &sentence(says)));
    }
    for error in schema.values(schema.definition("ErrorWord")) {
        topics.push(plain(Kind::ErrorFamily, &error.name, &error.says));
    }
    topics.extend(Assumption::ALL.map(assumption));
    for (number, (asks, otherwise)) in STEPS.iter().enumerate() {
        let mut topic = plain(Kind::GuideStep, &format!("step {}", number + 1), &sentence(asks));
        topic.notes.push(format!("done wrong: {otherwise}"));
        topics.push(topic);
    }
    topics.extend(PHASES.map(|(phase, says)| plain(Kind::Phase, phase, &sentence(says))));
    topics.extend(RULES.iter().map(rule));
    topics.extend(
        EXIT_CODES.map(|(code, says)| plain(Kind::ExitCode, &format!("exit {code}"), &sentence(says))),
    );
    topics.sort_by_key(|topic| topic.kind);
    topics
}

fn plain(kind: Kind, name: &str, says: &str) -> Topic {
    Topic { kind, name: name.to_owned(), says: says.to_owned(), fields: Vec::new(), notes: Vec::new() }
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn assumption(assumption: Assumption) -> Topic {
    let question = assumption.question();
    let fields = question.values.iter().map(|value| Field {
        name: value.word.to_owned(),
        takes: String::new(),
        required: false,
        says: value.source.to_owned(),
    });
    let notes = vec![
        format!("a run takes `{}` unless told otherwise, and tries the others", question.values[0].word),
        format!("settled in a lab by {}", question.settled_by),
        format!("--assume {}={}", question.id, question.values[0].word),
    ];
    Topic {
        kind: Kind::Assumption,
        name: question.id.to_owned(),
        says: question.question.to_owned(),
        fields: fields.collect(),
        notes,
    }
}

fn rule(rule: &Rule) -> Topic {
    let asks = match rule.step {
        Some(step) => format!("step {step} of the guide asks for it"),
        None => "the guide does not speak of it".to_owned(),
    };
    let mut topic = plain(Kind::Rule, rule.name, &sentence(&asks));
    topic.notes = vec![
        format!("where it is not so, before a failover: {}", rule.before),
        format!("after one: {}", rule.after),
        format!("source: {}", rule.source),
    ];
    topic
}

const fn taken_back(verb: Verb) -> &'static str {
    match verb.reversibility() {
        Reversibility::Reversible => "reversible: another action restores what was",
        Reversibility::Compensable => {
            "compensable: what follows can be made good, what was cannot be restored"
        }
        Reversibility::Irreversible => "irreversible: what was cannot be restored",
    }
}

/// The topics that a person means by a word, or the hint that leads on.
///
/// # Errors
/// In one sentence, with a hint, if nothing is called so.
pub fn find(name: &str) -> Result<Vec<Topic>, String> {
    let topics = topics();
    let wanted = name.to_lowercase().replace('-', "_");
    let means = |topic: &&Topic| {
        let short = topic.name.strip_prefix("step ").or_else(|| topic.name.strip_prefix("exit "));
        topic.name == wanted || short == Some(&wanted) || topic.name.replace(' ', "_") == wanted
    };
    let found: Vec<Topic> = topics.iter().filter(means).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let hint = nearest::nearest(&wanted, topics.iter().map(|topic| topic.name.as_str()));
    let hint = hint.map_or_else(
        || "`failover list` lists everything that can be explained".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    Err(format!("nothing is called `{name}`\nhint: {hint}"))
}

/// A topic as a person reads it at the terminal.
pub fn text(topic: &Topic) -> String {
    let mut text = format!("{} ({})\n  {}\n", topic.name, topic.kind.word(), topic.says);
    let width = topic.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for field in &topic.fields {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:width$}  {}", field.name, of_field(field, &field.says));
    }
    for note in &topic.notes {
        let _ = writeln!(text, "  {note}");
    }
    text
}

fn of_field(field: &Field, says: &str) -> String {
    match (field.takes.as_str(), field.required) {
        ("", _) => says.to_owned(),
        (takes, true) => format!("{says} Takes {takes}; must be there."),
        (takes, false) => format!("{says} Takes {takes}."),
    }
}

/// The page on the language.
pub fn markdown() -> String {
    let mut page = include_str!("rules.md").to_owned();
    let topics = topics();
    for kind in Kind::ALL {
        let _ = write!(page, "\n## {}\n", kind.heading());
        let of_kind = || topics.iter().filter(move |topic| topic.kind == kind);
        let is_plain = of_kind().all(|topic| topic.fields.is_empty());
        if is_plain {
            let _ = write!(page, "\n| {} | what it means |\n|---|---|\n", kind.word());
        }
        for topic in of_kind() {
            let notes: String = topic.notes.iter().map(|note| format!(" {}", sentence(note))).collect();
            if is_plain {
                let _ = writeln!(page, "| `{}` | {}{notes} |", topic.name, topic.says);
                continue;
            }
            let _ = write!(page, "\n### `{}`\n\n{}{notes}\n", topic.name, topic.says);
            if topic.fields.is_empty() {
                continue;
            }
            let is_values = topic.fields.iter().all(|field| field.takes.is_empty());
            page.push_str(if is_values {
                "\n| answer | what speaks for it |\n|---|---|\n"
            } else {
                "\n| field | takes | |\n|---|---|---|\n"
            });
            for field in &topic.fields {
                let must = if field.required { " Must be there." } else { "" };
                let _ = if is_values {
                    writeln!(page, "| `{}` | {} |", field.name, field.says)
                } else {
                    writeln!(page, "| `{}` | {} | {}{must} |", field.name, field.takes, field.says)
                };
            }
        }
    }
    page
}

/// A JSON Schema, asked for what people want to know.
struct Schema(Value);

impl Schema {
    fn definition(&self, name: &str) -> &Value {
        &self.0["definitions"][name]
    }

    /// The schema itself where another only refers to it.
    fn behind<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").or_else(|| schema["allOf"][0].get("$ref"));
        match reference.and_then(Value::as_str).and_then(|name| name.strip_prefix("#/definitions/")) {
            Some(name) => self.definition(name),
            None => schema,
        }
    }

    /// What lies inside a field, if fields do.
    fn below<'s>(&'s self, schema: &'s Value, field: &str) -> Option<&'s Value> {
        let inside = self.behind(schema["properties"].get(field)?);
        inside.get("properties").map(|_| inside)
    }

    fn fields(&self, schema: &Value) -> Vec<Field> {
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .map(|(name, property)| Field {
                name: name.clone(),
                takes: self.takes(property),
                required: required(name),
                says: self.says(property),
            })
            .collect()
    }

    /// The words that a value can be, each as a field.
    fn values(&self, schema: &Value) -> Vec<Field> {
        let branches = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
        let word = |branch: &Value| {
            let name = branch["const"].as_str()?.to_owned();
            Some(Field { name, takes: String::new(), required: false, says: self.says(branch) })
        };
        branches.into_iter().flatten().filter_map(word).collect()
    }

    fn says(&self, schema: &Value) -> String {
        let own = schema["description"].as_str();
        let says = own.or_else(|| self.behind(schema)["description"].as_str()).unwrap_or_default();
        let one_line = says.split_whitespace().collect::<Vec<_>>().join(" ");
        if one_line.is_empty() || one_line.ends_with('.') { one_line } else { one_line + "." }
    }

    fn takes(&self, schema: &Value) -> String {
        let behind = self.behind(schema);
        let words = self.values(behind);
        let listed = nearest::list(words.iter().map(|word| word.name.as_str()));
        if !words.is_empty() {
            let name = behind["anyOf"].as_array().into_iter().flatten();
            let name =
                name.filter(|branch| branch.get("const").is_none()).map(|branch| &branch["description"]);
            return match name.filter_map(Value::as_str).next() {
                Some(name) => format!("{listed}, or {name}"),
                None => listed,
            };
        }
        if let Some(words) = behind["enum"].as_array() {
            return nearest::list(words.iter().filter_map(Value::as_str));
        }
        match (behind["type"].as_str(), behind.get("pattern").is_some()) {
            (Some("string"), true) if behind["pattern"].as_str().is_some_and(|form| form.contains("ms")) => {
                "a duration".to_owned()
            }
            (Some("string"), _) => "a text".to_owned(),
            (Some("integer"), _) => match (behind["minimum"].as_u64(), behind["maximum"].as_u64()) {
                (Some(least), Some(most)) => format!("a number from {least} to {most}"),
                (Some(_) | None, _) => "a number".to_owned(),
            },
            (Some("array"), _) => match self.behind(&behind["items"])["title"].as_str() {
                Some(name) => format!("a list of {name}"),
                None if behind["items"]["$ref"] == "#/definitions/StepDocument" => {
                    "a list of steps".to_owned()
                }
                None => format!("a list of {}", plural(&self.takes(&behind["items"]))),
            },
            (Some("object"), _) => "a mapping".to_owned(),
            (Some(_) | None, _) => "a value".to_owned(),
        }
    }
}

/// Several of what one field takes.
fn plural(takes: &str) -> String {
    match takes.strip_prefix("a ") {
        Some("number") => "numbers".to_owned(),
        Some(rest) if rest.starts_with("number ") => rest.replacen("number", "numbers", 1),
        Some(noun) => format!("{noun}s"),
        None => takes.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Claim;
    use crate::words;

    fn names(kind: Kind) -> Vec<String> {
        topics().into_iter().filter(|topic| topic.kind == kind).map(|topic| topic.name).collect()
    }

    #[test]
    fn every_word_of_the_program_is_explained() {
        assert_eq!(names(Kind::Action), Verb::ALL.map(|verb| verb.word().to_owned()));
        assert_eq!(names(Kind::Wait), ["expect", "hold", "pause"]);
        assert_eq!(names(Kind::ErrorFamily), words::ERROR_FAMILIES);
        let claims = names(Kind::Claim);
        assert!(Claim::ALL.iter().all(|claim| claims.iter().any(|name| name == claim.word())), "{claims:?}");
        assert_eq!(names(Kind::GuideStep).len(), 8);
        for topic in topics() {
            assert!(topic.says.ends_with(['.', '?']), "{topic:?}");
            assert!(topic.fields.iter().all(|field| !field.says.is_empty()), "{topic:?}");
        }
    }

    #[test]
    fn a_word_is_found_as_people_say_it_and_a_misspelt_one_is_hinted() {
        for (name, count) in [
            ("power_off", 1),
            ("Power-Off", 1),
            ("step 4", 1),
            ("step_4", 1),
            ("4", 2),
            ("exit 3", 1),
            ("first_sweep", 1),
        ] {
            assert_eq!(find(name).map(|found| found.len()), Ok(count), "{name}");
        }
        assert_eq!(
            find("power_of").expect_err("unknown"),
            "nothing is called `power_of`\nhint: did you mean `power_off`?"
        );
    }

    #[test]
    fn the_page_on_the_language_is_what_the_tables_say() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/language.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(file, markdown()).expect("the repository can be written to");
        }
        let page = std::fs::read_to_string(file).expect("the page is there");
        assert!(
            page == markdown(),
            "docs/language.md is old: failover explain --markdown > docs/language.md"
        );
    }
}

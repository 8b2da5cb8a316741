//! What is the JSON Schema of the files?
//!
//! It is made from the types that read them; here stands what those types cannot say: words beside names, one key a
//! step, no blank values. Draft 7, which every editor knows.

use std::borrow::Cow;

use failover_sim::assumption::Assumption;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::document::ScenarioFile;
use super::length::Length;
use super::read::At;
use super::topology_document::TopologyFile;

/// The JSON Schema of a scenario.
pub fn scenario_schema() -> Value {
    schema_of::<ScenarioFile>()
}

/// The JSON Schema of a topology.
pub fn topology_schema() -> Value {
    let mut schema = schema_of::<TopologyFile>();
    // What a topology is based on can say the rest; a name it must have to be found there.
    if let Some(Value::Object(definitions)) = schema.get_mut("definitions") {
        for definition in definitions.values_mut() {
            if let Some(Value::Array(required)) = definition.get_mut("required") {
                required.retain(|field| field == "name");
            }
        }
    }
    schema
}

/// The JSON Schema of a document of ours.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with_transform(refuse_blank);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A key with nothing behind it is a mistake: what may be left out is never `null`.
fn refuse_blank(schema: &mut Schema) {
    transform_subschemas(&mut refuse_blank, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    let is_null = |branch: &Value| branch.get("type").is_some_and(|name| name == "null");
    if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| !is_null(branch));
        if let [only] = &branches[..] {
            let only = only.clone();
            object.remove("anyOf");
            if only.get("$ref").is_some() {
                object.insert("allOf".to_owned(), json!([only]));
            } else if let Value::Object(inline) = only {
                for (key, value) in inline {
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
}

/// An enum whose variants are maps with one key becomes one object with all keys, of which exactly one is there: editors
/// complete it better, and complain of what is wrong inside.
pub(super) fn one_key(schema: &mut Schema) {
    let Some(Value::Array(branches)) = schema.remove("oneOf") else { return };
    let mut properties = Map::new();
    for branch in branches {
        let description = branch.get("description").cloned();
        let Some(Value::Object(own)) = branch.get("properties") else { continue };
        for (name, property) in own {
            let mut property = property.clone();
            if let (Value::Object(property), Some(description)) = (&mut property, &description) {
                property.insert("description".to_owned(), description.clone());
            }
            properties.insert(name.clone(), property);
        }
    }
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("minProperties".to_owned(), json!(1));
    schema.insert("maxProperties".to_owned(), json!(1));
    schema.insert("additionalProperties".to_owned(), json!(false));
}

/// `hold` has a time or steps, and never both.
pub(super) fn for_or_while(schema: &mut Schema) {
    schema.insert("minProperties".to_owned(), json!(2));
    schema.insert("oneOf".to_owned(), json!([{ "required": ["for"] }, { "required": ["while"] }]));
}

/// A topology has all its parts, or is based on another one.
pub(super) fn whole_or_based_on(schema: &mut Schema) {
    if let Some(required) = schema.remove("required") {
        let whole = json!({ "required": required });
        schema.insert("anyOf".to_owned(), json!([{ "required": ["based_on"] }, whole]));
    }
}

/// `assume`: each assumption with its answers.
pub(super) fn assume(_: &mut SchemaGenerator) -> Schema {
    let properties: Map<String, Value> = Assumption::ALL
        .into_iter()
        .map(|assumption| {
            let question = assumption.question();
            let words: Vec<Value> = question
                .values
                .iter()
                .map(|value| json!({ "const": value.word, "description": value.source }))
                .collect();
            (question.id.to_owned(), json!({ "description": question.question, "oneOf": words }))
        })
        .collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for Length {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(h([0-9]+m)?([0-9]+s)?([0-9]+ms)?|m([0-9]+s)?([0-9]+ms)?|s([0-9]+ms)?|ms)$"
        })
    }
}

/// The words for nodes, and what each stands for.
pub(crate) const NODE_WORDS: [(&str, &str); 4] = [
    ("owner", "the owner of the master's role at this moment"),
    ("standby", "the one node that is Up at this moment, may own the master's role and does not"),
    ("first_owner", "the owner when the steps began"),
    ("first_standby", "the standby when the steps began"),
];

/// The other ends of a link.
pub(crate) const LINK_WORDS: [(&str, &str); 4] = [
    ("other_nodes", "every other node of the cluster"),
    ("clients", "whoever is outside the cluster, the workers among them"),
    ("disk", "the shared disk"),
    ("witness", "the witness"),
];

/// The words for certificates.
pub(crate) const CERTIFICATE_WORDS: [(&str, &str); 2] =
    [("pinned", "the one that the workers pin"), ("not_pinned", "any other than the workers pin")];

fn words_or(groups: &[&[(&str, &str)]], name: &str) -> Schema {
    let words = groups.iter().copied().flatten();
    let mut branches: Vec<Value> =
        words.map(|(word, says)| json!({ "const": word, "description": says })).collect();
    branches.push(json!({ "type": "string", "minLength": 1, "description": name }));
    json_schema!({ "anyOf": branches })
}

/// A type that stands for a schema alone.
macro_rules! schema_only {
    ($($(#[$doc:meta])* $name:ident => $schema:expr;)+) => { $(
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+ };
}

schema_only! {
    /// A node.
    NodeText => words_or(&[&NODE_WORDS], "a node of the topology");
    /// The other end of a link.
    LinkText => words_or(&[&LINK_WORDS, &NODE_WORDS], "a node of the topology");
    /// A certificate that is presented.
    PresentedText => words_or(&[&CERTIFICATE_WORDS], "a certificate of the topology");
    /// A step of Microsoft's guide.
    GuideStep => json_schema!({ "type": "integer", "minimum": 1, "maximum": 8 });
    /// A row of the table of mistakes.
    MistakeRow => json_schema!({ "type": "integer", "minimum": 1, "maximum": 27 });
    /// The name of a case.
    CaseText => json_schema!({ "type": "string", "pattern": "^[a-z0-9_]+$" });
}

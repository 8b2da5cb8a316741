//! `failover list`, `failover explain` and `failover schema`: what is there, and what does it mean?

use std::fmt::Write as _;

use crate::backend::lab::file::lab_schema;
use crate::explain::{self, Kind};
use crate::guide::example;
use crate::learn::learned_schema;
use crate::scenario::standard;
use crate::scenario::{scenario_schema, topology_schema};
use crate::words::counted;

use super::{CommandError, ExplainArguments, SchemaArguments, SchemaKind, print};

pub(super) fn list() -> Result<u8, CommandError> {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for suite in standard::suites() {
        let files = standard::below(suite);
        let _ = writeln!(text, "{suite}: {}", counted(files.len(), "scenario"));
        for file in files {
            let _ = writeln!(text, "  {}\n    {}", file.name, first_line(file.text, "proves:"));
        }
    }
    let _ = writeln!(text, "topologies");
    for file in standard::topologies() {
        let _ = writeln!(text, "  {}\n    {}", file.name, first_line(file.text, "about:"));
    }
    let rights = example::RIGHT.iter().map(|(name, _)| (*name, "nothing is wrong"));
    let mistakes = example::MISTAKES.iter().map(|mistake| (mistake.name, mistake.rule));
    let _ = writeln!(text, "examples of snapshots, for --example; behind each what preflight finds");
    for (name, found) in rights.chain(mistakes) {
        let _ = writeln!(text, "  {name}: {found}");
    }
    let topics = explain::topics();
    for kind in Kind::ALL {
        let names: Vec<&str> =
            topics.iter().filter(|topic| topic.kind == kind).map(|topic| topic.name.as_str()).collect();
        let _ = writeln!(text, "{}\n  {}", kind.heading().to_lowercase(), names.join(", "));
    }
    text.push_str("failover run NAME runs a scenario, failover explain NAME explains the rest\n");
    print(&text)?;
    Ok(0)
}

/// What a file says of itself behind this key, on the line of the key.
fn first_line<'t>(text: &'t str, key: &str) -> &'t str {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim()
}

pub(super) fn explain(arguments: &ExplainArguments) -> Result<u8, CommandError> {
    if arguments.markdown {
        print(&explain::markdown())?;
        return Ok(0);
    }
    let found = explain::find(&arguments.name.join(" ")).map_err(CommandError::Input)?;
    let texts: Vec<String> = found.iter().map(explain::text).collect();
    print(&texts.join("\n"))?;
    Ok(0)
}

pub(super) fn schema(arguments: &SchemaArguments) -> Result<u8, CommandError> {
    let schema = match arguments.kind {
        SchemaKind::Scenario => scenario_schema(),
        SchemaKind::Topology => topology_schema(),
        SchemaKind::Lab => lab_schema(),
        SchemaKind::Learned => learned_schema(),
    };
    print(&format!("{schema:#}\n"))?;
    Ok(0)
}

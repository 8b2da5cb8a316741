//! What does a person write, and what does it mean?
//!
//! Text becomes trees that know their places ([`tree`]), trees become typed documents part by part ([`read`]), and
//! documents become a plan (the planner). Every mistake is shown at its place, all of a file at once ([`diagnostic`]).

pub mod answer;
mod based_on;
pub mod diagnostic;
mod document;
mod files;
pub mod length;
mod load;
mod mend;
pub mod nearest;
mod node_changes;
mod percentage;
mod planner;
pub mod read;
mod resource_policy;
mod scalar;
mod schema;
pub mod sections;
pub(crate) mod setting;
mod stand_in;
pub mod standard;
mod syntax;
mod topology;
mod topology_document;
pub mod tree;
pub mod unfit;
mod validate;
mod walk;

pub use load::{LoadError, Loaded, Misfit, load, load_fitting, origin_on};
pub use planner::{plan, plans, topology_of, warnings};
pub(crate) use schema::{CERTIFICATE_WORDS, LINK_WORDS, NODE_WORDS, schema_of};
pub use schema::{scenario_schema, topology_schema};
pub use validate::{Validated, validate};
pub use walk::FINDINGS;

/// What tests of this crate need of scenarios.
#[cfg(test)]
pub(crate) mod tests_support {
    use crate::plan::{Origin, Overrides, Plan};

    /// Where a scenario with these steps comes from, and whatever follows them, on the topology of the guide.
    pub(crate) fn origin_of(steps: &str) -> Origin {
        Origin {
            scenario_file: "own.yaml".to_owned(),
            scenario_text: format!("proves: nothing\nabout: {{ topology: two_node_fci }}\nsteps:\n{steps}\n"),
            topology_file: "topologies/two_node_fci".to_owned(),
            topology_text: super::standard::topology("two_node_fci").expect("it is carried").text.to_owned(),
            base: None,
            files: Default::default(),
            overrides: Overrides::default(),
        }
    }

    /// The plan of these steps.
    pub(crate) fn plan_of(steps: &str) -> Plan {
        super::plan("tests/own", &origin_of(steps), 1).expect("no mistake in a test's own scenario")
    }

    /// The plan of these steps on a topology that the program carries.
    pub(crate) fn plan_on(topology: &str, steps: &str) -> Plan {
        let text = format!("proves: nothing\nabout: {{ topology: {topology} }}\nsteps:\n{steps}\n");
        let origin = super::origin_on(topology, Overrides::default(), &text).expect("it is carried");
        super::plan("tests/own", &origin, 1).expect("no mistake in a test's own scenario")
    }

    /// Everything that is said of a wrong scenario.
    pub(crate) fn mistakes_of(steps: &str) -> String {
        let mistakes = super::plans("tests/own", &origin_of(steps), 1).expect_err("it is wrong");
        mistakes.iter().map(|file| file.render(super::diagnostic::Paint::Plain)).collect()
    }
}

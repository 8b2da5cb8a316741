//! Which scenarios and topologies does the program carry?
//!
//! Those of the repository's folder `scenarios`, as they were when it was built. They have names and no files:
//! `cluster/owner_power_off`, `topologies/two_node_fci`.

/// A file that the program carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardFile {
    /// Its path below the folder, without its ending.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// All scenarios, in the order of their names.
pub fn scenarios() -> impl Iterator<Item = StandardFile> {
    all().filter(|file| !file.name.starts_with(TOPOLOGIES))
}

/// All topologies, in the order of their names.
pub fn topologies() -> impl Iterator<Item = StandardFile> {
    all().filter(|file| file.name.starts_with(TOPOLOGIES))
}

/// The topology that scenarios call so.
pub fn topology(name: &str) -> Option<StandardFile> {
    topologies().find(|file| file.name.strip_prefix(TOPOLOGIES) == Some(name))
}

/// The scenario whose cases tell the answers to this question apart: in a lab one of them fits.
pub fn settles(question: &str) -> Option<&'static str> {
    let asks = format!("{question}: ");
    let tells = |file: &StandardFile| {
        let cases = file.text.split_once("\ncases:\n").map_or("", |(_, cases)| cases);
        let lines =
            cases.lines().filter_map(|line| line.trim().strip_prefix("assume: { ")?.strip_suffix(" }"));
        let mut answers = lines.flat_map(|line| line.split(", ")).filter(|answer| answer.starts_with(&asks));
        let first = answers.next();
        answers.any(|answer| Some(answer) != first)
    };
    scenarios().find(tells).map(|file| file.name)
}

/// The scenarios of a folder, or the one scenario, of this name; with or without an ending.
pub fn below(name: &str) -> Vec<StandardFile> {
    let name = name.trim_end_matches('/');
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let name = if name == FIRST.0 { FIRST.1 } else { name };
    let is_below = |file: &StandardFile| {
        file.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    scenarios().filter(is_below).collect()
}

/// The suite with which somebody begins in a lab: one planned move there and back.
pub const FIRST: (&str, &str) = ("first", "cluster/planned_move_there_and_back");

/// The folders of scenarios: what `--suite` takes besides [`FIRST`].
pub fn suites() -> Vec<&'static str> {
    let mut suites: Vec<_> = scenarios().filter_map(|file| file.name.split('/').next()).collect();
    suites.dedup();
    suites
}

fn all() -> impl Iterator<Item = StandardFile> {
    FILES.iter().map(|&(name, text)| StandardFile { name, text })
}

const TOPOLOGIES: &str = "topologies/";
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/standard_files.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_settled_by_a_scenario_with_a_case_for_each_answer() {
        assert_eq!(settles("first_sweep"), Some("model/lease_against_sweep"));
        assert_eq!(settles("moves_count"), Some("model/move_counted_as_a_failover"));
        assert_eq!(settles("packages_without_sql"), Some("model/packages_and_sql_server"));
        assert_eq!(settles("worker_retry"), None);
    }

    #[test]
    fn files_are_found_by_name_and_by_folder() {
        assert_eq!(suites(), ["cluster", "model"]);
        assert_eq!(below(FIRST.0).len(), 1);
        assert_eq!(below("cluster/owner_power_off").len(), 1);
        assert_eq!(below("cluster/owner_power_off.yaml").len(), 1);
        assert!(below("cluster/").len() > 1);
        assert!(below("cluster/owner").is_empty() && below("topologies").is_empty());
        assert!(topology("two_node_fci").is_some() && topology("owner_power_off").is_none());
    }
}

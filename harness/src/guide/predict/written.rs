//! What does the file of a topology say of what it does not hold?

use crate::words::plain;

use super::{Predicted, Prediction};

impl Predicted {
    /// The topology file: above the topology stands what it does not hold of the cluster.
    pub fn file(&self) -> String {
        let told: Vec<String> = self.not_held.iter().map(|one| one.told.clone()).collect();
        let given = if self.starts_there() { Vec::new() } else { self.given() };
        written(&self.topology, &given, &told)
    }
}

impl Prediction {
    /// What the topology file does not hold of the cluster.
    pub fn beyond_the_file(&self) -> Vec<String> {
        let wrong =
            self.not_in_the_model.iter().map(|finding| format!("wrong, and not in the model: {finding}"));
        let state = self.not_predicted.iter().cloned();
        self.not_held.iter().cloned().chain(wrong).chain(state).collect()
    }

    /// The topology file: above the topology stands what it does not hold of the cluster.
    pub fn file(&self) -> String {
        written(&self.topology, &self.given, &self.beyond_the_file())
    }
}

fn written(topology: &str, given: &[String], beyond: &[String]) -> String {
    let mut text = String::new();
    if !beyond.is_empty() {
        text.push_str("# Not in this topology:\n");
        beyond.iter().for_each(|told| text.push_str(&format!("# - {}\n", plain(told))));
    }
    if !given.is_empty() {
        text.push_str("# The cluster is as in the snapshot after these steps: a scenario on this topology needs them.\n# given:\n");
        given.iter().for_each(|step| text.push_str(&format!("#   - {}\n", plain(step))));
    }
    match topology.split_once('\n') {
        Some((made, rest)) => format!("{made}\n{text}{rest}"),
        None => format!("{topology}{text}"),
    }
}

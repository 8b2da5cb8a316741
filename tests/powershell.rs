//! What is in a PowerShell script, by a grammar: nobody has PowerShell here.

use std::collections::{BTreeMap, BTreeSet};

use failover_harness::guide::collect::Command;
use tree_sitter::{Node, Parser, Tree};

pub(crate) fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_pwsh::LANGUAGE.into()).expect("the grammar fits the parser");
    parser.parse(text, None).expect("no limit of time is set")
}

fn visit<'t>(node: Node<'t>, look: &mut dyn FnMut(Node<'t>)) {
    look(node);
    for index in 0..node.child_count() {
        if let Some(child) = node.child(index) {
            visit(child, look);
        }
    }
}

/// Every command that a script calls, with the parameters that it gives it; `&` stands for a block of its own.
pub(crate) fn commands(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let tree = parse(text);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let said = |node: Node<'_>| text[node.byte_range()].to_owned();
    visit(tree.root_node(), &mut |node| {
        if node.kind() != "command" {
            return;
        }
        let mut name = "&".to_owned();
        let mut parameters = BTreeSet::new();
        for index in 0..node.child_count() {
            let Some(child) = node.child(index) else { continue };
            if child.kind() == "command_name" {
                name = said(child);
            }
            for index in 0..child.child_count() {
                let part = child.child(index).filter(|part| part.kind() == "command_parameter");
                parameters.extend(part.map(|part| said(part).trim_matches(['-', ':']).to_owned()));
            }
        }
        found.entry(name).or_default().extend(parameters);
    });
    found
}

/// The functions that a script defines.
pub(crate) fn functions(text: &str) -> BTreeSet<String> {
    let tree = parse(text);
    let mut found = BTreeSet::new();
    visit(tree.root_node(), &mut |node| {
        if node.kind() == "function_name" {
            found.insert(text[node.byte_range()].to_owned());
        }
    });
    found
}

/// Members of .NET's classes that are called: behind `::`, and behind a dot with a bracket after it.
pub(crate) fn members(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for (at, _) in line.match_indices("::") {
            let word: String = line[at + 2..].chars().take_while(|&letter| is_word(letter)).collect();
            // `Registry::HKEY_USERS` and `Cert::` name places, not classes.
            if line[..at].ends_with(']') {
                found.insert(word);
            }
        }
        for (at, _) in line.match_indices('.') {
            let word: String = line[at + 1..].chars().take_while(|&letter| is_word(letter)).collect();
            if !word.is_empty() && line[at + 1 + word.len()..].starts_with('(') {
                found.insert(word);
            }
        }
    }
    found
}

/// Where a script is no PowerShell.
pub(crate) fn faults(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    visit(parse(text).root_node(), &mut |node| {
        if node.is_error() || node.is_missing() {
            wrong.push(format!("line {}", node.start_position().row + 1));
        }
    });
    wrong
}

/// What a script calls beyond tables of commands and members.
pub(crate) fn beyond(text: &str, tables: &[Command], known_members: &[&str]) -> Vec<String> {
    let own = functions(text);
    let mut wrong = Vec::new();
    for (name, parameters) in commands(text) {
        let known = tables.iter().find(|command| command.name == name);
        match known {
            None if own.contains(&name) || name == "&" => {}
            None => wrong.push(name),
            Some(command) => wrong.extend(
                parameters
                    .iter()
                    .filter(|parameter| !command.parameters.contains(&parameter.as_str()))
                    .map(|parameter| format!("{name} -{parameter}")),
            ),
        }
    }
    wrong.extend(members(text).into_iter().filter(|member| !known_members.contains(&member.as_str())));
    wrong
}

/// The output of a real PowerShell; `None` if there is none, or one that says nothing (Wine's).
pub(crate) fn run_real(arguments: &[&str]) -> Option<String> {
    let output = std::process::Command::new("pwsh")
        .args(["-NoProfile", "-NonInteractive"])
        .args(arguments)
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

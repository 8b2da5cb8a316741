//! Is the script that makes a snapshot sound PowerShell, does it only read, and does it write the format that is read?

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use failover_harness::guide::collect::{COMMANDS, MEMBERS, SCRIPT};
use failover_harness::guide::example;
use failover_harness::guide::snapshot::{Look, Snapshot};
use failover_tests::{Answer, failover, root};
use tree_sitter::{Node, Parser, Tree};

fn parse(text: &str) -> Tree {
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
fn commands(text: &str) -> BTreeMap<String, BTreeSet<String>> {
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
                parameters.extend(part.map(|part| said(part).trim_start_matches('-').to_owned()));
            }
        }
        found.entry(name).or_default().extend(parameters);
    });
    found
}

/// The functions that a script defines.
fn functions(text: &str) -> BTreeSet<String> {
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
fn members(text: &str) -> BTreeSet<String> {
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

#[test]
fn the_script_is_ascii_and_sound() {
    assert!(SCRIPT.is_ascii() && !SCRIPT.contains(['\t', '\r']));
    let long: Vec<&str> = SCRIPT.lines().filter(|line| line.len() > 120).collect();
    assert!(long.is_empty(), "{long:#?}");
    let mut wrong = Vec::new();
    visit(parse(SCRIPT).root_node(), &mut |node| {
        if node.is_error() || node.is_missing() {
            wrong.push(format!("line {}", node.start_position().row + 1));
        }
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_script_with_a_fault_is_not_sound() {
    for (from, to) in [
        ("$nodeItems = ", "$nodeItems = (("),
        ("    function Schannel {", "    function Schannel "),
        ("-join ','", "-join '"),
        ("catch { [ordered]@{", "catch { [ordered]@"),
    ] {
        assert!(SCRIPT.contains(from), "{from}");
        assert!(parse(&SCRIPT.replacen(from, to, 1)).root_node().has_error(), "{from} -> {to}");
    }
}

/// What a script calls beyond its tables.
fn beyond_the_tables(text: &str) -> Vec<String> {
    let own = functions(text);
    let mut wrong = Vec::new();
    for (name, parameters) in commands(text) {
        let known = COMMANDS.iter().find(|command| command.name == name);
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
    wrong.extend(members(text).into_iter().filter(|member| !MEMBERS.contains(&member.as_str())));
    wrong
}

#[test]
fn the_script_calls_only_what_stands_in_its_tables_and_all_of_it() {
    assert_eq!(beyond_the_tables(SCRIPT), Vec::<String>::new());
    let called = commands(SCRIPT);
    for command in COMMANDS {
        let parameters = called.get(command.name).unwrap_or_else(|| panic!("{} is not called", command.name));
        let listed: BTreeSet<String> = command.parameters.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(*parameters, listed, "{}", command.name);
        assert!(!command.source.is_empty());
    }
    assert_eq!(members(SCRIPT), MEMBERS.iter().map(|&name| name.to_owned()).collect());
    let verbs: BTreeSet<&str> =
        COMMANDS.iter().filter_map(|command| command.name.split_once('-')).map(|(verb, _)| verb).collect();
    let reading = [
        "ConvertFrom",
        "ForEach",
        "Get",
        "Invoke",
        "Join",
        "New",
        "Resolve",
        "Select",
        "Set",
        "Sort",
        "Split",
        "Test",
        "Where",
    ];
    assert_eq!(
        verbs,
        BTreeSet::from(reading),
        "`Set` is Set-StrictMode, `New` is New-Object, `Invoke` is Invoke-Command"
    );
}

#[test]
fn a_script_that_would_change_something_is_noticed() {
    for (added, noticed) in [
        ("Restart-Service -Name x", "Restart-Service"),
        ("Set-ItemProperty -LiteralPath x -Name y -Value 1", "Set-ItemProperty"),
        ("Get-ClusterResource -Cluster x | Stop-ClusterResource", "Stop-ClusterResource"),
        ("Get-Process -Id 1 -IncludeUserName", "Get-Process -IncludeUserName"),
        ("$x.Delete()", "Delete"),
        ("[System.IO.File]::Move('a', 'b')", "Move"),
        ("Get-ClusterNod -Cluster x", "Get-ClusterNod"),
    ] {
        let wrong = beyond_the_tables(&format!("{SCRIPT}\n{added}\n"));
        assert!(wrong.iter().any(|wrong| wrong == noticed), "{added}: {wrong:?}");
    }
}

#[test]
fn netsh_only_shows_and_sql_only_selects() {
    let lines = SCRIPT.lines().filter(|line| line.contains("netsh.exe"));
    assert_eq!(lines.map(str::trim).collect::<Vec<_>>(), ["$lines = @(netsh.exe http show $What)"]);
    assert!(SCRIPT.contains("HttpSys 'sslcert'") && SCRIPT.contains("HttpSys 'urlacl'"));
    let queries =
        SCRIPT.split("$queries = @{").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the queries");
    for word in ["INSERT", "UPDATE", "DELETE", "EXEC", "MERGE", "ALTER", "DROP", "GRANT", "INTO", ";"] {
        assert!(!queries.to_ascii_uppercase().contains(word), "{word}");
    }
    let names: Vec<&str> = queries
        .lines()
        .filter_map(|line| line.split_once(" = \"SELECT"))
        .map(|(name, _)| name.trim())
        .collect();
    assert_eq!(names, ["mode", "properties", "workers", "admins"]);
    for secret in ["CLUSTER_LOGDB", "PasswordHash", "-Credential", "Export-", "AsPlainText"] {
        assert!(!SCRIPT.contains(secret), "{secret}");
    }
}

/// The keys of every object below a value.
fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                found.insert(key.clone());
                // Keys of these are names that Windows gives, not words of the format.
                if !["properties", "parameters", "schannel", "master_properties"].contains(&key.as_str()) {
                    keys(value, found);
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

#[test]
fn the_script_writes_every_key_of_the_format() {
    let mut snapshot = example::by_name("password_wrong_on_second_node").expect("an example");
    snapshot.cluster.properties = Look::CouldNotLook("its keys are names of Windows".to_owned());
    let document: serde_json::Value = serde_json::from_str(&snapshot.text()).expect("a document");
    let mut expected = BTreeSet::new();
    keys(&document, &mut expected);
    let missing: Vec<String> = expected
        .into_iter()
        .filter(|key| !SCRIPT.contains(&format!("{key} = ")) && !SCRIPT.contains(&format!("\"{key}\":")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let items = |name: &str| {
        let list = SCRIPT.split(&format!("${name} = ")).nth(1).and_then(|rest| rest.split("\n\n").next());
        let words = list.expect("a list").split('\'').skip(1).step_by(2);
        words.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    for (name, part) in [("nodeItems", &document["nodes"][0]), ("workerItems", &document["workers"][0])] {
        let own = part.as_object().expect("an object").keys().filter(|key| *key != "name").cloned();
        assert_eq!(items(name), own.collect(), "what cannot be asked tells why for each item");
    }
}

fn run(arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), arguments)
}

#[test]
fn the_command_prints_the_script_or_writes_it_to_a_file_that_does_not_exist() {
    let printed = run(&["collect"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    assert_eq!(printed.stdout, SCRIPT);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("collect.ps1");
    let shown = file.to_str().expect("a path of text");
    let written = run(&["collect", "--write", shown]);
    assert_eq!(written, Answer { code: 0, stdout: String::new(), stderr: String::new() });
    assert_eq!(std::fs::read_to_string(&file).expect("it was written"), SCRIPT);
    let again = run(&["collect", "--write", shown]);
    assert_eq!(again.code, 3);
    assert!(again.stderr.starts_with("error: cannot write `"), "{}", again.stderr);
}

/// The output of a real PowerShell; `None` if there is none, or one that says nothing (Wine's).
fn power_shell(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("pwsh").args(["-NoProfile", "-NonInteractive"]).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_real_powershell_makes_a_snapshot_where_one_is_found() {
    if power_shell(&["-Command", "'here: ' + (1 + 1)"]).is_none_or(|said| said.trim() != "here: 2") {
        println!("skipped: no PowerShell was found that answers");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (script, file) = (folder.path().join("stubbed.ps1"), folder.path().join("cluster.json"));
    let stubs: String = COMMANDS
        .iter()
        .filter(|command| command.name.starts_with("Get-Cluster"))
        .map(|command| format!("function global:{} {{ throw 'no cluster here' }}\n", command.name))
        .collect();
    std::fs::write(folder.path().join("collect.ps1"), SCRIPT).expect("a file");
    let call = format!("{stubs}& (Join-Path $PSScriptRoot 'collect.ps1') -OutFile '{}'\n", file.display());
    std::fs::write(&script, call).expect("a file");
    let said = power_shell(&["-File", script.to_str().expect("a path of text")]);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}\n{said:?}"));
    let snapshot = Snapshot::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(snapshot.cluster.nodes, Look::CouldNotLook("no cluster here".to_owned()));
}

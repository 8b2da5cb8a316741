//! Can every fix that preflight prints be run as it stands?

use std::collections::{BTreeMap, BTreeSet};

use failover_harness::guide::example;
use failover_harness::guide::preflight::{self, Answer, FIX_COMMANDS, Fix};
use failover_harness::guide::snapshot::Snapshot;

#[path = "powershell.rs"]
mod powershell;

use powershell::{beyond, commands, faults, run_real};

/// Every fix that is printed for an example, with the example's name.
fn fixes() -> Vec<(&'static str, Fix)> {
    fixes_of(|snapshot| snapshot)
}

fn fixes_of(change: impl Fn(Snapshot) -> Snapshot) -> Vec<(&'static str, Fix)> {
    let mut fixes = Vec::new();
    for name in example::names() {
        let found = preflight::inspect(&change(example::by_name(name).expect("an example")));
        fixes.extend(found.findings.into_iter().filter_map(|finding| match finding.answer {
            Answer::Wrong { fix, .. } => Some((name, fix)),
            Answer::Right(_) | Answer::CouldNotLook(_) => None,
        }));
    }
    fixes
}

/// What of a fix is no PowerShell, or calls what is in no table.
fn wrong_with(name: &str, fix: &Fix) -> Vec<String> {
    let mut told = Vec::new();
    for step in &fix.steps {
        let text = step.commands.join("\n");
        told.extend(faults(&text).into_iter().map(|fault| format!("{name}: {fault}\n{text}")));
        let beyond = beyond(&text, FIX_COMMANDS, FIX_MEMBERS);
        told.extend(beyond.into_iter().map(|what| format!("{name}: {what}\n{text}")));
    }
    told
}

#[test]
fn names_that_are_code_elsewhere_are_names_in_a_fix() {
    for hostile in [
        "NO'DE; Stop-Computer #",
        "NO$(Stop-Computer)DE",
        "NO\u{2019}; Stop-Computer #",
        "NO`\"DE' | Stop-Computer",
    ] {
        let named = |snapshot: Snapshot| {
            let name = serde_json::to_string(hostile).expect("a text");
            let name = &name[1..name.len() - 1];
            // Names of services stay: by these a master is known.
            let text =
                ["NODE2", "w3", "svc-scaleout", "Cluster Disk 1", "Scale Out Master\"", "Program Files"]
                    .iter()
                    .fold(snapshot.text(), |text, old| {
                        let behind = if old.ends_with('"') { "\"" } else { "" };
                        text.replace(old, &format!("{name}{behind}"))
                    });
            Snapshot::read(&text).expect("a snapshot")
        };
        let mut told = Vec::new();
        let mut commands = 0;
        for (name, fix) in fixes_of(named) {
            commands += fix.steps.len();
            told.extend(wrong_with(name, &fix));
        }
        assert!(commands > 50, "{commands}");
        assert!(told.is_empty(), "{hostile}\n{}", told.join("\n"));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_real_powershell_takes_every_fix_where_one_is_found() {
    if run_real(&["-Command", "'here: ' + (1 + 1)"]).is_none_or(|said| said.trim() != "here: 2") {
        println!("skipped: no PowerShell was found that answers");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, fix) in fixes() {
        for step in &fix.steps {
            let file = folder.path().join("fix.ps1");
            std::fs::write(&file, step.commands.join("\n")).expect("a file");
            let parse = format!(
                "$faults = $null; [void] [System.Management.Automation.Language.Parser]::ParseFile('{}', [ref] $null, [ref] $faults); \
                 'faults: ' + $faults.Count",
                file.display()
            );
            let said = run_real(&["-Command", &parse]);
            assert_eq!(said.as_deref().map(str::trim), Some("faults: 0"), "{name}: {:?}", step.commands);
        }
    }
}

#[test]
fn every_fix_is_commands_that_powershell_knows_and_all_of_the_table_are_used() {
    let mut told = Vec::new();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, fix) in fixes() {
        for step in &fix.steps {
            let text = step.commands.join("\n");
            // A variable comes from a command on the same machine.
            told.extend(
                undefined(&text)
                    .into_iter()
                    .map(|variable| format!("{name}: nobody sets {variable}\n{text}")),
            );
            told.extend(faults(&text).into_iter().map(|fault| format!("{name}: {fault}\n{text}")));
            told.extend(
                beyond(&text, FIX_COMMANDS, FIX_MEMBERS)
                    .into_iter()
                    .map(|what| format!("{name}: {what}\n{text}")),
            );
            for (command, parameters) in commands(&text) {
                used.entry(command).or_default().extend(parameters);
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    for command in FIX_COMMANDS {
        let listed: BTreeSet<String> = command.parameters.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(used.get(command.name), Some(&listed), "{}", command.name);
        assert!(!command.source.is_empty());
    }
}

/// Variables that a text reads and does not set: those of PowerShell itself are known.
fn undefined(text: &str) -> BTreeSet<String> {
    let names = |text: &str| -> BTreeSet<String> {
        let parts = text.split('$').skip(1);
        let word = |part: &str| {
            part.chars().take_while(|letter| letter.is_ascii_alphabetic() || *letter == ':').collect()
        };
        parts.map(word).filter(|word: &String| word.len() > 1 && !word.starts_with("env:")).collect()
    };
    let starts = text.split(['\n', '{', ';']).map(str::trim_start);
    let mut set: BTreeSet<String> = starts
        .filter_map(|statement| statement.strip_prefix('$')?.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .collect();
    // What a block is called with.
    set.insert("args".to_owned());
    // `MSSQL$NAME` is one word in a text in single quotes.
    names(text).difference(&set).cloned().collect()
}

/// Members of .NET's classes that fixes call.
const FIX_MEMBERS: &[&str] = &[
    "AddYears",
    "CreateCommand",
    "Dispose",
    "ExecuteScalar",
    "GetNetworkCredential",
    "GetRSAPrivateKey",
    "Open",
    "ReadAllText",
    "Replace",
    "Translate",
    "Trim",
    "WriteAllText",
];

/// Lines that hand a program what somebody typed in as a password: everybody on the machine can read its command line.
fn passwords_on_a_command_line(text: &str) -> Vec<&str> {
    let asks =
        |line: &str| ["Get-Credential", "Read-Host", "Password"].iter().any(|word| line.contains(word));
    let secrets: Vec<String> = text
        .lines()
        .filter(|line| asks(line))
        .filter_map(|line| line.strip_prefix('$')?.split_once(" = "))
        .map(|(name, _)| format!("${name}"))
        .collect();
    let tells = |line: &&str| {
        line.contains(".exe ")
            && (secrets.iter().any(|secret| line.contains(secret.as_str()))
                || ["password", "pwd", "/p:", " -p ", " -P "]
                    .iter()
                    .any(|word| line.to_ascii_lowercase().contains(word)))
    };
    text.lines().filter(tells).collect()
}

#[test]
fn no_fix_hands_a_password_to_a_program_as_an_argument() {
    let mut asked = 0;
    for (name, fix) in fixes() {
        for step in &fix.steps {
            let text = step.commands.join("\n");
            asked += usize::from(text.contains("Get-Credential") || text.contains("Read-Host"));
            assert_eq!(passwords_on_a_command_line(&text), Vec::<&str>::new(), "{name}\n{text}");
        }
    }
    assert!(asked > 5, "{asked}");
    for bad in [
        "$secret = (Get-Credential -Message 'x').GetNetworkCredential()\nsqlcmd.exe -E -Q ('A' -replace 'B', $secret)",
        "sqlcmd.exe -U sa -P x",
        "sqlcmd.exe -E -Q 'ALTER LOGIN a WITH PASSWORD = 1'",
    ] {
        assert_eq!(passwords_on_a_command_line(bad).len(), 1, "{bad}");
    }
}

#[test]
fn what_no_command_does_is_said_in_words_and_nothing_is_left_out() {
    let mut by_hand_alone = BTreeSet::new();
    for (name, fix) in fixes() {
        assert!(!fix.steps.is_empty() || fix.by_hand.is_some(), "{name}: nothing is said");
        if fix.steps.is_empty() {
            by_hand_alone.insert(name);
        }
        for word in ["FILE", "{GUID}", "NAME ", "NODE ", "SQL-NETWORK-NAME", "INSTANCE "] {
            let commands = fix.steps.iter().flat_map(|step| &step.commands);
            assert!(
                commands.clone().all(|command| !command.contains(word)),
                "{name}: {word} is to be filled in"
            );
        }
    }
    // Setup needs the installation media, and updates need theirs; what is no JSON is somebody's to read.
    let expected = BTreeSet::from([
        "availability_group_without_a_listener",
        "instance_on_one_node",
        "master_not_installed_on_second_node",
        "master_of_another_version_on_second_node",
        "nodes_of_two_builds",
        "worker_settings_are_no_json",
    ]);
    assert_eq!(by_hand_alone, expected);
}

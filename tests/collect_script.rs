//! Is the script that makes a snapshot sound PowerShell, does it only read, and does it write the format that is read?

use std::collections::BTreeSet;

use failover_harness::backend::lab::live;
use failover_harness::guide::collect::{COMMANDS, MEMBERS, SCRIPT};
use failover_harness::guide::example;
use failover_harness::guide::snapshot::{Look, Snapshot};
use failover_tests::{Answer, failover, root};

#[path = "powershell.rs"]
mod powershell;

use powershell::{beyond, commands, faults, members, parse, run_real};

#[test]
fn the_script_is_ascii_and_sound() {
    assert!(SCRIPT.is_ascii() && !SCRIPT.contains(['\t', '\r']));
    let long: Vec<&str> = SCRIPT.lines().filter(|line| line.len() > 120).collect();
    assert!(long.is_empty(), "{long:#?}");
    assert_eq!(faults(SCRIPT), Vec::<String>::new());
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

fn beyond_the_tables(text: &str) -> Vec<String> {
    beyond(text, COMMANDS, MEMBERS)
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
    for secret in ["CONNECTIONSTRING", "PasswordHash", "-Credential", "Export-", "AsPlainText"] {
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
    let mut expected = BTreeSet::new();
    let mut document = serde_json::Value::Null;
    for name in ["password_wrong_on_second_node", "firewall_rule_blocks_on_second_node", "proxy_of_a_worker"]
    {
        let mut snapshot = example::by_name(name).expect("an example");
        snapshot.cluster.properties = Look::CouldNotLook("its keys are names of Windows".to_owned());
        document = serde_json::from_str(&snapshot.text()).expect("a document");
        keys(&document, &mut expected);
    }
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

#[test]
fn the_script_asks_for_every_property_that_an_example_has() {
    for name in ["right", "right_with_an_availability_group", "master_is_never_started_again"] {
        let cluster = example::by_name(name).expect("an example").cluster;
        let resources = cluster.resources.seen().expect("they were seen").iter();
        let of_resources = resources.flat_map(|one| one.properties.keys().chain(one.parameters.keys()));
        let of_roles =
            cluster.roles.seen().expect("they were seen").iter().flat_map(|one| one.properties.keys());
        for key in of_resources.chain(of_roles) {
            assert!(SCRIPT.contains(&format!("'{key}'")), "{key}");
        }
    }
    assert!(SCRIPT.contains("'ResiliencyLevel'") && SCRIPT.contains("'RestartPeriod'"));
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
    assert_eq!(again.code, 2);
    assert!(again.stderr.starts_with("error: cannot write `"), "{}", again.stderr);
}

#[test]
fn what_is_handed_over_is_the_same_script_and_three_lines_that_read_its_input() {
    let script = live::script();
    assert!(script.is_ascii());
    assert_eq!(faults(&script), Vec::<String>::new());
    // `System.IO.MemoryStream` takes in the bytes of one line.
    let mut beyond = beyond_the_tables(&script);
    beyond.sort();
    assert_eq!(beyond, ["GetString", "ReadByte", "ToArray", "WriteByte"]);
}

#[cfg(unix)]
#[test]
fn a_cluster_is_looked_at_through_a_program() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is ours");
        std::fs::write(&file, text).expect("the folder is ours");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    };
    let snapshot = serde_json::to_string(&example::by_name("right").expect("an example")).expect("JSON");
    write("snapshot.json", &snapshot);
    // What was handed over, and how it was called, are kept.
    let program = "#!/bin/sh\necho \"$0 $1 $2 $3 $4\" > called\ncat > handed\necho WARNING: a module is old\ncat snapshot.json\n";
    write("bin/powershell.exe", program);
    write("bin/ssh", program);
    write(
        "lab.yaml",
        "cluster: SQLCLUS\nid: 7d1f0a52-0000-4000-8000-000000000001\ntransport: ssh\nhosts: { NODE1: sqln1.example }\n",
    );
    let run = |arguments: &[&str]| {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_failover-copy"))
            .args(arguments)
            .current_dir(folder.path())
            .env("PATH", format!("{}:{path}", folder.path().join("bin").display()))
            .output()
            .expect("the program was built for this test");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let kept = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was kept");
    let by_example = run(&["preflight", "--example", "right"]);
    assert_eq!(run(&["preflight", "--live", "here"]), by_example);
    assert!(kept("called").contains("powershell.exe -NoLogo"), "{}", kept("called"));
    assert!(kept("handed").contains(&live::script()) && kept("handed").ends_with("{\"cluster\":\".\"}\n"));
    assert_eq!(run(&["preflight", "--lab", "lab.yaml"]), by_example);
    assert!(kept("called").contains("ssh -T -o BatchMode=yes"), "{}", kept("called"));
    assert!(kept("handed").ends_with("{\"cluster\":\"SQLCLUS\"}\n"));
    let (code, text) =
        run(&["lab", "init", "--cluster", "OWN", "--live", "ssh=sqln1.example", "--folder", "new"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(kept("handed").ends_with("{\"cluster\":\"OWN\"}\n"));
    assert!(kept("new/lab.yaml").contains("cluster: OWN\n"));
    let (code, text) = run(&["preflight", "--live", "over there"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("expected `here` or `ssh=NODE`"), "{text}");
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_real_powershell_makes_a_snapshot_where_one_is_found() {
    if run_real(&["-Command", "'here: ' + (1 + 1)"]).is_none_or(|said| said.trim() != "here: 2") {
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
    let said = run_real(&["-File", script.to_str().expect("a path of text")]);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}\n{said:?}"));
    let snapshot = Snapshot::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(snapshot.cluster.nodes, Look::CouldNotLook("no cluster here".to_owned()));
}

//! Is the script of a session sound PowerShell, does it call only what stands in its tables, and does it answer every verb?

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use failover_harness::backend::lab::protocol::{CHANNELS, channel_name};
use failover_harness::backend::lab::script::{
    ARGUMENTS, BOOTSTRAP, COMMANDS, MEMBERS, PROCEDURES, SCRIPT, STATEMENTS, bootstrap, opening,
};

#[path = "powershell.rs"]
mod powershell;

use powershell::{beyond, commands, faults, functions, members, parse, run_real};

/// Both texts that a host runs.
fn both() -> String {
    format!("{SCRIPT}\n{BOOTSTRAP}")
}

#[test]
fn script_and_bootstrap_are_ascii_and_sound() {
    for text in [SCRIPT, BOOTSTRAP] {
        assert!(text.is_ascii() && !text.contains(['\t', '\r']));
        let long: Vec<&str> = text.lines().filter(|line| line.len() > 120).collect();
        assert!(long.is_empty(), "{long:#?}");
        assert_eq!(faults(text), Vec::<String>::new());
    }
    for (from, to) in
        [("catch { GiveUp $_ }", "catch { GiveUp $_ "), ("param([string] $Line)", "param([string] $Line")]
    {
        assert!(SCRIPT.contains(from), "{from}");
        assert!(parse(&SCRIPT.replacen(from, to, 1)).root_node().has_error(), "{from} -> {to}");
    }
}

#[test]
fn they_call_only_what_stands_in_the_tables_and_all_of_it() {
    assert_eq!(beyond(&both(), COMMANDS, MEMBERS), Vec::<String>::new());
    let called = commands(&both());
    for command in COMMANDS {
        let parameters = called.get(command.name).unwrap_or_else(|| panic!("{} is not called", command.name));
        let listed: BTreeSet<String> = command.parameters.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(*parameters, listed, "{}", command.name);
        assert!(!command.source.is_empty());
    }
    assert_eq!(members(&both()), MEMBERS.iter().map(|&name| name.to_owned()).collect());
}

#[test]
fn the_statements_are_those_of_the_table_and_only_read() {
    let told = SCRIPT.split("FailoverStatements = @{").nth(1).and_then(|rest| rest.split("\n    }").next());
    let told = told.expect("the statements").replace("\" +\n            \"", "");
    let told: Vec<(&str, &str)> = told
        .lines()
        .filter_map(|line| line.trim().split_once(" = "))
        .map(|(name, text)| (name, text.trim_matches('"')))
        .collect();
    let listed: Vec<(&str, &str)> =
        STATEMENTS.iter().map(|statement| (statement.name, statement.text)).collect();
    assert_eq!(told, listed);
    for statement in STATEMENTS {
        assert!(statement.text.starts_with("SELECT ") && !statement.text.contains(';'), "{}", statement.text);
        assert!(!statement.source.is_empty());
        let is_asked = ["server", "Server"]
            .iter()
            .any(|server| SCRIPT.contains(&format!("Query ${server} '{}'", statement.name)));
        assert!(is_asked, "{}", statement.name);
    }
}

#[test]
fn procedures_are_those_of_the_table_and_their_parameters_are_typed() {
    let told = SCRIPT.split("FailoverProcedures = ").nth(1).and_then(|rest| rest.split("\n\n").next());
    let told: Vec<&str> = told.expect("the procedures").split('\'').skip(1).step_by(2).collect();
    assert_eq!(told, PROCEDURES.iter().map(|procedure| procedure.name).collect::<Vec<_>>());
    let types = ["NVarChar", "Bit", "BigInt", "SmallInt", "Variant", "UniqueIdentifier", "Int"];
    let typed: BTreeSet<&str> = SCRIPT
        .split("@('@")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("', '").expect("a name, then a type");
            assert!(types.contains(&rest.split('\'').next().expect("it ends")), "{name}");
            name
        })
        .collect();
    let listed = PROCEDURES.iter().flat_map(|procedure| procedure.parameters.iter().copied());
    // Those of statements.
    assert_eq!(typed, listed.chain(["from", "machine"]).collect());
    for procedure in PROCEDURES {
        assert!(SCRIPT.contains(&format!(" '{}' @(", procedure.name)), "{}", procedure.name);
        assert!(!procedure.source.is_empty());
    }
    // A statement or a procedure with text of a request in it would be one of another text.
    assert_eq!(SCRIPT.matches("CommandText = ").count(), 2);
}

#[test]
fn what_is_beyond_the_tables_is_noticed() {
    for (added, noticed) in [
        ("Restart-Service -Name x", "Restart-Service"),
        ("Get-VM -Name x", "Get-VM -Name"),
        ("Move-ClusterGroup -InputObject x -IgnoreLocked", "Move-ClusterGroup -IgnoreLocked"),
        ("[System.IO.File]::Move('a', 'b')", "Move"),
        ("Invoke-Expression 'x'", "Invoke-Expression"),
    ] {
        let wrong = beyond(&format!("{SCRIPT}\n{added}\n"), COMMANDS, MEMBERS);
        assert!(wrong.iter().any(|wrong| wrong == noticed), "{added}: {wrong:?}");
    }
}

#[test]
fn every_verb_is_answered_by_a_function_of_its_name() {
    let defined = functions(SCRIPT);
    let cases = SCRIPT
        .split("switch -CaseSensitive ($Verb) {")
        .nth(1)
        .and_then(|rest| rest.split("\n        }").next());
    let answered: BTreeSet<&str> = cases
        .expect("the verbs")
        .lines()
        .filter_map(|line| {
            let (verb, does) = line.trim().strip_prefix('\'')?.split_once("' { return ")?;
            let function: String =
                verb.split('_').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
            assert_eq!(does.trim_end_matches(" }").trim_end_matches(" $With"), function);
            assert!(defined.contains(&function), "{function}");
            Some(verb)
        })
        .collect();
    assert_eq!(answered, failover_harness::backend::lab::protocol::VERBS.into_iter().collect());
}

#[test]
fn whatever_changes_something_stands_in_the_event_log_before_it_is_done() {
    let perform = SCRIPT.split("function Perform(").nth(1).expect("it carries out verbs");
    let (announced, verbs) = perform.split_once("switch -CaseSensitive").expect("the verbs");
    let condition = "if ('hello', 'reach' -cnotcontains $Verb -and -not $Verb.StartsWith('read_')) { Announce $Verb $With }";
    assert!(announced.contains(condition), "{announced}");
    // What only looks has a name that says so, and calls nothing that changes anything.
    let changes = [
        "Move-",
        "Stop-",
        "Start-",
        "Suspend-",
        "Resume-",
        "Test-ClusterResourceFailure",
        "SetService ",
        "StartHere ",
        "Netsh",
        "WriteAllText",
        "$store.Add",
        "WriteEntry",
        "Procedure ",
        "StartExecution $",
    ];
    let functions: Vec<&str> = SCRIPT.split("\n    function ").collect();
    let does = |name: &str| {
        let starts = |text: &&&str| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', ' ']));
        let text = functions.iter().find(starts).unwrap_or_else(|| panic!("{name} is not there"));
        changes.iter().any(|change| text.contains(change))
    };
    for line in verbs.lines().filter_map(|line| line.trim().strip_prefix('\'')) {
        let (verb, function) = line.split_once("' { return ").unwrap_or((line, ""));
        let Some(function) = function.split([' ', '}']).next().filter(|name| !name.is_empty()) else {
            continue;
        };
        let is_look = matches!(verb, "hello" | "reach") || verb.starts_with("read_");
        assert_eq!(does(function), !is_look, "{verb}");
    }
    // Where it cannot be written, the change is made all the same, and a line without the marker says so.
    let announce = functions.iter().find(|text| text.starts_with("Announce(")).expect("it announces");
    assert!(announce.contains("catch {") && announce.contains("$global:FailoverNotes +="), "{announce}");
    let answer = functions.iter().find(|text| text.starts_with("Answer(")).expect("it answers");
    let at = |text: &str| answer.find(text).unwrap_or_else(|| panic!("{text}: {answer}"));
    assert!(at("\n        $global:FailoverNotes\n") < at("$global:FailoverMarker + '{'"), "{answer}");
}

#[test]
fn an_empty_log_is_recognised_by_the_id_of_the_error_and_no_message_is_read() {
    assert!(SCRIPT.contains("$_.FullyQualifiedErrorId).StartsWith('NoMatchingEventsFound,')"));
    for message in [".Message", ".FormatDescription(", ".LevelDisplayName", ".TaskDisplayName"] {
        assert!(!SCRIPT.contains(message), "{message}");
    }
    for channel in CHANNELS {
        assert!(SCRIPT.contains(&format!("'{}'", channel_name(channel))), "{channel:?}");
    }
}

#[test]
fn nothing_that_a_request_brings_becomes_part_of_a_command() {
    // Text is put into text in these places alone, and never a name or a value of a request but the thumbprint, which is
    // 40 digits by then.
    let quoted = SCRIPT.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains("$With"));
    for line in quoted {
        assert!(!line.contains("\"$With") && !line.contains("$($With"), "{line}");
    }
    for word in
        ["Invoke-Expression", "iex", "ExecutionPolicy", "$input", "-Credential", "AsPlainText", "CredSSP"]
    {
        assert!(!both().contains(word), "{word}");
    }
    let blocks: Vec<&str> =
        [SCRIPT, BOOTSTRAP].into_iter().filter(|text| text.contains("[scriptblock]::Create")).collect();
    assert_eq!(blocks, [BOOTSTRAP], "only the script itself is made from text");
}

#[test]
fn the_command_line_is_short_and_of_plain_letters() {
    let words = [&ARGUMENTS[..], &[bootstrap()]].concat().join(" ");
    // cmd.exe, the default shell of sshd on Windows, takes 8191 characters (documented).
    assert!(words.len() < 8_000, "{}", words.len());
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '+' | '/' | '=');
    assert!(words.chars().all(plain), "{words}");
}

#[test]
fn what_is_particular_to_a_session_travels_as_data() {
    let target = "NODE1'; exit; '\u{2019}\n";
    let bytes = opening(Some(target));
    let text = String::from_utf8(bytes).expect("ASCII");
    let (length, rest) = text.split_once('\n').expect("a length");
    let (script, session) = rest.split_at(length.parse().expect("a number"));
    assert_eq!((script, session.lines().count()), (SCRIPT, 1));
    let session: serde_json::Value = serde_json::from_str(session).expect("JSON");
    assert_eq!(session, serde_json::json!({ "target": target }));
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_real_powershell_answers_where_one_is_found() {
    if run_real(&["-Command", "'here: ' + (1 + 1)"]).is_none_or(|said| said.trim() != "here: 2") {
        println!("skipped: no PowerShell was found that answers");
        return;
    }
    // Stub cmdlets stand before the script's own text; their names are hostile.
    let hostile = "'; exit 1; \"$(exit 1)`n\u{2019}\n\u{f6}";
    let stubs = r#"
        $name = "'; exit 1; `"`$(exit 1)``n" + [char] 0x2019 + "`n" + [char] 0xf6
        function global:Get-Service { [pscustomobject] @{ Status = 4 } }
        function global:Get-ClusterNode { [pscustomobject] @{ Name = $name; State = 0; StatusInformation = 0; DynamicWeight = 1 } }
        function global:Get-ClusterGroup { [pscustomobject] @{ Name = $name; State = 0; OwnerNode = (Get-ClusterNode) } }
        function global:Get-ClusterResource { }
        function global:Get-WinEvent {
            param($LogName, $FilterXPath, $MaxEvents, [switch] $Oldest)
            if ($LogName -eq 'System' -and $FilterXPath -ne '*') {
                $none = New-Object System.Management.Automation.ErrorRecord (New-Object Exception 'keine'), 'NoMatchingEventsFound,Microsoft.PowerShell.Commands.GetWinEventCommand', 'ObjectNotFound', $null
                throw $none
            }
            $event = [pscustomobject] @{ RecordId = [long] 7; Id = 1135; TimeCreated = [datetime]::new(2025, 1, 6, 0, 0, 0, 'Utc') }
            $event | Add-Member ScriptMethod ToXml { '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><EventData><Data Name="NodeName">N&#246;DE1</Data></EventData></Event>' } -PassThru
        }
        function global:Move-ClusterGroup { param($InputObject, $Node, $Wait) if ($Node -cne $name) { throw 'another node' } }
    "#;
    let script = format!(
        "param([System.IO.Stream] $In)\n{stubs}\n{}",
        SCRIPT.replacen("param([System.IO.Stream] $In)", "", 1)
    );
    let mut child = Command::new("pwsh")
        .args(["-NoProfile", "-NonInteractive", "-EncodedCommand", bootstrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was there a moment ago");
    let requests = [
        serde_json::json!({ "id": 1, "verb": "read_cluster", "limit_ms": 1000, "parameters": {} }),
        serde_json::json!({ "id": 2, "verb": "move_role", "limit_ms": 1000, "parameters": { "group": hostile, "node": hostile } }),
        serde_json::json!({ "id": 3, "verb": "move_role", "limit_ms": 1000, "parameters": { "group": "*", "node": hostile } }),
        serde_json::json!({ "id": 4, "verb": "nothing", "limit_ms": 1000, "parameters": {} }),
        serde_json::json!({ "id": 5, "verb": "read_events", "limit_ms": 1000,
            "parameters": { "channel": channel_name(CHANNELS[0]), "after": 3, "within_ms": 60_000, "most": 5 } }),
        serde_json::json!({ "id": 6, "verb": "read_events", "limit_ms": 1000,
            "parameters": { "channel": channel_name(CHANNELS[1]), "after": 3, "most": 5 } }),
    ];
    let mut input = format!("{}\n{script}{{}}\n", script.len());
    for request in requests {
        input += &ascii(&request);
        input.push('\n');
    }
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends with its input");
    let said = String::from_utf8_lossy(&output.stdout);
    // Beyond Windows there is no event log to write into.
    let notes: Vec<&str> = said.lines().filter(|line| !line.starts_with('{')).collect();
    assert!(notes.iter().all(|note| note.starts_with("nothing written into the event log: ")), "{notes:?}");
    let answers: Vec<serde_json::Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {said}")))
        .collect();
    assert_eq!(answers[0]["node_names"], serde_json::json!([hostile]));
    assert_eq!(answers[0]["resource_names"], serde_json::json!([]));
    assert_eq!(answers[1], serde_json::json!({ "id": 2, "ok": true }));
    assert_eq!(answers[2]["error_id"], "GroupNotFound");
    assert_eq!(answers[3]["error_id"], "VerbNotKnown");
    assert_eq!(answers[4]["newest_record"], 7);
    assert_eq!(answers[4]["event_records"], serde_json::json!([]));
    assert_eq!(answers[5]["event_ticks"], serde_json::json!([638_717_184_000_000_000_i64]));
    assert_eq!(answers[5]["data_records"], serde_json::json!([7]));
    assert_eq!(answers[5]["data_names"], serde_json::json!(["NodeName"]));
    assert_eq!(answers[5]["data_values"], serde_json::json!(["N\u{f6}DE1"]));
}

/// A value as JSON in ASCII.
fn ascii(value: &serde_json::Value) -> String {
    let escape = |letter: char| {
        if letter.is_ascii() {
            return letter.to_string();
        }
        let mut units = [0; 2];
        letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    value.to_string().chars().map(escape).collect()
}

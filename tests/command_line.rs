//! What does a person at the command line see, for success, for a failed verdict and for each kind of mistake?

use std::fs;
use std::path::Path;

use failover_tests::{Answer, failover, root, without_times};

fn run(folder: &Path, arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), folder, arguments)
}

/// A folder with the topologies of the repository and one scenario of this text, `cluster/case.yaml`.
fn folder_with(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let topologies = folder.path().join("topologies");
    fs::create_dir_all(&topologies).expect("a folder");
    fs::create_dir_all(folder.path().join("cluster")).expect("a folder");
    for entry in fs::read_dir(root().join("scenarios/topologies")).expect("topologies") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), topologies.join(entry.file_name())).expect("a copy");
    }
    fs::write(folder.path().join("cluster/case.yaml"), scenario).expect("a scenario");
    folder
}

const FORGOTTEN: &str = "\
proves: the second node kept its own certificate, and nobody said so
about: { topology: two_node_fci, guide: [ 4 ] }
given:
  - replace_master_certificate: { node: standby, with: made_by_setup }
steps:
  - move_role: { to: standby }
";

const DEPENDS: &str = "\
proves: whether the worker is back within a minute depends on what nobody knows
about: { topology: two_node_fci }
steps:
  - kill_cluster_service: { node: owner }
  - expect: { within: 65s, workers: { which: every, state: connected, served_by: first_standby } }
";

const WRONG_OWNER: &str = "\
proves: nothing, since what it expects is wrong
about: { topology: two_node_fci }
breaks: [ workers_reconnect ]
given:
  - replace_master_certificate: { node: standby, with: made_by_setup }
steps:
  - move_role: { to: standby }
  - pause: { for: 2m, because: the role moves first }
  - expect: { within: 2m, role: { owner: first_owner }, workers: { which: every, state: connected } }
";

const NOT_STEADY: &str = "\
proves: a word that fits no node ends the run without a verdict
about: { topology: two_node_fci }
steps:
  - power_off: { node: standby }
  - expect: { within: 1m, node: { name: first_standby, state: down } }
  - move_role: { to: standby }
";

#[test]
fn the_main_job_passes() {
    let answer = run(&root(), &["run", "scenarios"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let all = failover_tests::plans(1).len();
    let totals =
        format!("{all} scenarios: {all} passed, 0 failed, 0 inconclusive, 0 skipped   [time] s   exit 0");
    assert_eq!(answer.stdout.lines().last(), Some(totals.as_str()));
    let readme = fs::read_to_string(root().join("README.md")).expect("the repository has a README");
    assert!(
        without_times(&readme).contains(&answer.stdout),
        "the README shows another run:\n{}",
        answer.stdout
    );
}

#[test]
fn the_failure_in_the_readme_is_what_its_command_prints() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the repository has a README");
    let command =
        readme.lines().find_map(|line| line.strip_prefix("failover run cluster/planned_move --topology "));
    let topology = command.expect("the README shows a command that fails");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let answer = run(folder.path(), &["run", "cluster/planned_move", "--topology", topology]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let block = &answer.stdout[answer.stdout.find("FAIL ").expect("a failure")..];
    let replay = block.find("  replay: ").expect("a line that replays it");
    let end = replay + block[replay..].find('\n').expect("lines end") + 1;
    assert!(readme.contains(&format!("```text\n{}```\n", &block[..end])), "{block}");
}

#[test]
fn a_failed_verdict_is_told_with_evidence_hint_and_replay_line() {
    let folder = folder_with(FORGOTTEN);
    let answer = run(folder.path(), &["run", "cluster"]);
    let expected = "\
failover 0.1.0  sim windows_2019 seed 1  1 scenario on 1 topology
sim: `cluster` is the folder `cluster` here; what the program carries under this name is `standard:cluster`
FAIL cluster/case: workers_reconnect within 5m (judged 3 times, since +0.695s)
  0 of 3 workers are connected at +5m05.000s
  3 workers: refused: could not establish trust relationship
  NODE2 presents `made_by_setup` (c699..c0); the worker pins `master` (b375..d0)
  hint: step 4 of the guide: install the pinned certificate with its private key in LocalMachine\\Root of NODE2, bind it to the master's port, and set SSLCertThumbprint there
  replay: failover run cluster/case.yaml --seed 1
time after the fault            p50        p95        max  assumed   1 outage, 1 never ended
  detected                      0ms        0ms        0ms       0%
  role_moved                20.579s    20.579s    20.579s     100%
  name_online               27.132s    27.132s    27.132s     100%
  endpoint_answering      1m17.578s  1m17.578s  1m17.578s     100%
unknowns met: 5; every verdict holds for all of their values
1 scenario: 0 passed, 1 failed, 0 inconclusive, 0 skipped   [time] s   exit 1
";
    assert_eq!(answer, Answer { code: 1, stdout: expected.to_owned(), stderr: String::new() });
}

/// The lines of a report that tell of failures; the replay line is one of them.
fn blocks(answer: &Answer) -> Vec<&str> {
    let told = answer.stdout.lines().filter(|line| line.starts_with(' ') || line.contains(": "));
    // How files were named may differ.
    told.filter(|line| !line.starts_with("sim: ")).collect()
}

#[test]
fn the_replay_line_gives_the_same_verdict_for_each_kind_of_failure() {
    for (scenario, code) in [(FORGOTTEN, 1), (NOT_STEADY, 3)] {
        let folder = folder_with(scenario);
        let first = run(folder.path(), &["run", "cluster", "--seed", "9", "--workers", "4"]);
        assert_eq!(first.code, code, "{first:?}");
        let replay = first.stdout.lines().find_map(|line| line.strip_prefix("  replay: failover "));
        let words: Vec<&str> = replay.expect("a replay line").split(' ').collect();
        assert_eq!(words, ["run", "cluster/case.yaml", "--seed", "9", "--workers", "4"]);
        let again = run(folder.path(), &words);
        assert_eq!((again.code, blocks(&again)), (first.code, blocks(&first)));
    }
}

#[test]
fn a_verdict_that_depends_on_what_nobody_knows_is_inconclusive_and_says_so() {
    let folder = folder_with(DEPENDS);
    let answer = run(folder.path(), &["run", "cluster"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    for told in [
        "INCONCLUSIVE cluster/case: the verdict depends on `",
        "holds if it is `",
        "fails if it is `",
        "hint: settled in a lab by ",
        "hint: or take an answer for granted: --assume ",
    ] {
        assert!(answer.stdout.contains(told), "{told}\n{}", answer.stdout);
    }
}

#[test]
fn a_failed_expectation_tells_what_was_wanted_and_what_was_found() {
    let folder = folder_with(WRONG_OWNER);
    let answer = run(folder.path(), &["run", "cluster", "--report", "junit=junit.xml"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let junit = fs::read_to_string(folder.path().join("junit.xml")).expect("a report");
    for told in [
        "wanted: owner NODE1; found: online on NODE2",
        "wanted: every worker connected; found: 0 of 3, w1, w2, w3 refused by NODE2: trust_relationship",
    ] {
        assert!(answer.stdout.contains(told), "{told}\n{}", answer.stdout);
        assert!(junit.contains(told), "{told}\n{junit}");
    }
}

#[test]
fn a_word_that_fits_no_node_ends_the_run_without_a_verdict() {
    let folder = folder_with(NOT_STEADY);
    let answer = run(folder.path(), &["run", "cluster"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stdout.contains("`standby` (line 6) fits no node at this moment"), "{}", answer.stdout);
}

#[test]
fn json_and_jsonl_say_the_same_in_their_documented_form() {
    let text = run(&root(), &["run", "scenarios", "--format", "json"]).stdout;
    let whole: serde_json::Value = serde_json::from_str(&text).expect("one document");
    for key in ["version", "backend", "seed", "totals", "scenarios"] {
        assert!(whole.get(key).is_some(), "{key}");
    }
    let all = failover_tests::plans(1).len();
    assert_eq!(whole["totals"]["scenarios"], all);
    assert_eq!(whole["totals"]["passed"], all);
    for scenario in whole["scenarios"].as_array().expect("a list") {
        for key in ["name", "file", "verdict", "checks", "outages", "replay"] {
            assert!(scenario.get(key).is_some(), "{key}");
        }
    }
    let phases = &whole["scenarios"][0]["outages"][0]["phases_ms"];
    assert!(phases["detected"].as_u64() < phases["last_worker_back"].as_u64(), "{phases}");
    let lines = run(&root(), &["run", "scenarios", "--format", "jsonl"]).stdout;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
    assert_eq!(lines.len(), all + 1);
    assert_eq!(Some(&lines[..all]), whole["scenarios"].as_array().map(Vec::as_slice));
    assert_eq!(lines[all]["totals"], whole["totals"]);
}

#[test]
fn junit_has_a_failure_for_a_fail_and_an_error_for_what_is_inconclusive() {
    for (scenario, element) in
        [(FORGOTTEN, "<failure message=\"workers_reconnect within 5m"), (NOT_STEADY, "<error message=")]
    {
        let folder = folder_with(scenario);
        run(folder.path(), &["run", "cluster", "--report", "junit=report.xml"]);
        let xml = fs::read_to_string(folder.path().join("report.xml")).expect("a report");
        assert!(xml.contains("<testcase name=\"cluster/case\" classname=\"cluster\""), "{xml}");
        refuse_what_junit_does_not_have(&xml);
        assert!(xml.contains(element), "{xml}");
        assert!(xml.contains("replay: failover run cluster/case.yaml --seed 1"), "{xml}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("report.xml");
    let option = format!("junit={}", file.display());
    let scenarios = ["scenarios/cluster/planned_move.yaml", "scenarios/cluster/owner_restarted.yaml"];
    let lab = ["--backend", "lab", "--lab", "twin", "--report", &option];
    run(&root(), &[&["run"], &scenarios[..], &lab].concat());
    let xml = fs::read_to_string(file).expect("a report");
    assert!(xml.contains("<skipped message=\"lab cannot "), "{xml}");
    refuse_what_junit_does_not_have(&xml);
}

/// What the schema that CI servers share (junit-10.xsd of Jenkins) allows of what we write: the attributes of each
/// element, those that must be there first and counted, and what may lie inside.
const JUNIT: [(&str, usize, &[&str], &[&str]); 6] = [
    ("testsuites", 0, &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    ("testsuite", 4, &["name", "tests", "failures", "errors", "time", "skipped", "timestamp"], &["testcase"]),
    ("testcase", 1, &["name", "time", "classname", "group"], &["skipped", "error", "failure"]),
    ("skipped", 0, &["type", "message"], &[]),
    ("error", 0, &["type", "message"], &[]),
    ("failure", 0, &["type", "message"], &[]),
];

fn refuse_what_junit_does_not_have(xml: &str) {
    let document = roxmltree::Document::parse(xml).expect("XML");
    assert_eq!(document.root_element().tag_name().name(), "testsuites");
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name();
        let rule = JUNIT.iter().find(|(known, ..)| *known == name);
        let (_, needed, attributes, children) = rule.unwrap_or_else(|| panic!("there is no `{name}`"));
        for attribute in element.attributes() {
            assert!(attributes.contains(&attribute.name()), "`{name}` has no `{}`", attribute.name());
        }
        assert!(attributes[..*needed].iter().all(|needed| element.has_attribute(*needed)), "{element:?}");
        for child in element.children().filter(roxmltree::Node::is_element) {
            assert!(children.contains(&child.tag_name().name()), "{child:?} lies in `{name}`");
        }
    }
}

#[test]
fn nothing_in_a_file_does_something_to_a_terminal() {
    let nasty = r#"proves: "red \e[31m, a bell \a, and \u202Ebackwards""#;
    let folder = folder_with(&FORGOTTEN.replacen(
        "proves: the second node kept its own certificate, and nobody said so",
        nasty,
        1,
    ));
    let answer = run(folder.path(), &["run", "cluster", "-v", "--report", "markdown=report.md"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let markdown = fs::read_to_string(folder.path().join("report.md")).expect("a report");
    for text in [&answer.stdout, &markdown] {
        assert!(text.contains("red \\u{1b}"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    }
}

#[test]
fn a_report_on_standard_output_is_alone_there() {
    let folder = folder_with(FORGOTTEN);
    let answer = run(folder.path(), &["run", "cluster", "-v", "--report", "junit=-"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    refuse_what_junit_does_not_have(&answer.stdout);
    let answer = run(folder.path(), &["run", "cluster", "--report", "json=-"]);
    serde_json::from_str::<serde_json::Value>(&answer.stdout).expect("one document");
    let answer = run(folder.path(), &["run", "cluster", "--report", "github=-"]);
    assert!(answer.stdout.starts_with("::error ") && answer.stdout.contains("\nFAIL "), "{answer:?}");
    for mixed in [
        &["--format", "json", "--report", "junit=-"][..],
        &["--format", "jsonl", "--report", "github=-"],
        &["--report", "markdown=-", "--report", "junit=-"],
        &["--report", "github=-", "--report", "junit=-"],
    ] {
        let answer = run(folder.path(), &[&["run", "cluster"], mixed].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{mixed:?}");
        assert!(answer.stderr.starts_with("error: several reports would be mixed"), "{}", answer.stderr);
    }
}

#[test]
fn a_stored_history_is_judged_like_the_run() {
    let folder = folder_with(FORGOTTEN);
    let ran = run(folder.path(), &["run", "cluster", "--histories", "kept"]);
    let judged = run(folder.path(), &["judge", "kept/cluster-case.jsonl"]);
    assert_eq!(judged.code, 1);
    let without_unknowns = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with("unknowns") && !line.starts_with("sim: "))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(without_unknowns(&judged.stdout), without_unknowns(&ran.stdout));
}

#[test]
fn no_history_overwrites_another() {
    let (one, other) = (folder_with(FORGOTTEN), folder_with(FORGOTTEN));
    let paths = [one.path(), other.path()].map(|folder| folder.display().to_string());
    let answer = run(one.path(), &["run", &paths[0], &paths[1], "--histories", "kept"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stderr.contains("would both be written to `cluster-case.jsonl`"), "{}", answer.stderr);
    assert!(!one.path().join("kept").exists());
}

#[test]
fn a_history_that_is_none_is_refused_with_its_line() {
    let folder = folder_with(FORGOTTEN);
    run(folder.path(), &["run", "cluster", "--histories", "kept"]);
    let file = folder.path().join("kept/cluster-case.jsonl");
    let text = fs::read_to_string(&file).expect("a history");
    let doctor = |text: &str| {
        fs::write(&file, text).expect("a file");
        let answer = run(folder.path(), &["judge", "kept/cluster-case.jsonl"]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
        answer.stderr
    };
    let hint = "hint: `failover run --histories FOLDER` keeps one of each run\n";
    assert_eq!(doctor(""), format!("error: `kept/cluster-case.jsonl`: the history is empty\n{hint}"));
    assert!(
        doctor(&text.replacen("\"worker\":\"w1\"", "\"worker\":\"w7\"", 1)).contains("names the worker `w7`")
    );
    assert!(
        doctor(&text.replacen("\"seq\":3,", "\"seq\":,", 1)).contains("line 5 is not a line of a history")
    );
    assert!(doctor(&text.replacen("to: standby", "to: NODE2", 1)).contains("is of another plan"));
    let edited = doctor(&text.replacen("to: standby", "to: NODE2", 1));
    assert!(edited.contains("hint: its texts were changed after the run"), "{edited}");
    let older = doctor(&text.replacen("to: standby", "to: NODE2", 1).replacen("0.1.0", "0.0.9", 1));
    assert!(older.contains("hint: judge it with version 0.0.9"), "{older}");
}

#[test]
fn all_mistakes_of_a_file_are_shown_at_once_with_place_and_hint() {
    let folder = folder_with(
        "\
proves: five mistakes
about: { topology: two_node_fci, guide: [ 9 ], needs: { workers: 5 } }
given:
  - pause: { for: 1m, because: it waits }
steps:
  - move_role: { to: NODE22 }
  - expect: { wihtin: 1m, role: { state: online } }
  - expect: { within: 1m, workers: { which: every, state: connected, error: forbidden } }
",
    );
    let answer = run(folder.path(), &["validate", "cluster"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    for told in [
        "error: the guide has steps 1 to 8",
        "error: needs 5 workers",
        "topology `two_node_fci` has 3",
        "error: `given` only prepares: it waits for nothing",
        "error: there is no node `NODE22`",
        "--> cluster/case.yaml:6:22",
        "hint: did you mean `NODE2`?",
        "`wihtin`",
        "hint: did you mean `within`?",
        "error: `error` says nothing about workers that are not refused",
        "6 errors in cluster/case.yaml",
    ] {
        assert!(answer.stderr.contains(told), "{told}\n{}", answer.stderr);
    }
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other_mistake() {
    let folder = folder_with(
        "proves: a word that is none\nabout: { topology: two_node_fci }\nsteps:\n  - power_of: { node: owner }\n",
    );
    let utf16: Vec<u8> = "proves: x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("cluster/bin.yaml"), [0x00, 0xFF, 0xFE]).expect("a file");
    fs::write(folder.path().join("cluster/wide.yaml"), [&[0xFF, 0xFE], &utf16[..]].concat()).expect("a file");
    fs::write(folder.path().join("topologies/bad.yaml"), [0xFF]).expect("a file");
    let on_bad = "proves: x\nabout: { topology: bad }\nsteps:\n  - move_role: { to: standby }\n";
    fs::write(folder.path().join("cluster/on_bad.yaml"), on_bad).expect("a file");
    let answer = run(folder.path(), &["validate", "cluster"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    for told in
        ["cluster/bin.yaml", "cluster/wide.yaml", "topologies/bad.yaml", "cluster/case.yaml:4", "power_of"]
    {
        assert!(answer.stderr.contains(told), "{told}\n{}", answer.stderr);
    }
    let hint = "hint: scenarios and topologies are texts: save it as UTF-8";
    assert_eq!(answer.stderr.matches(hint).count(), 3, "{}", answer.stderr);
}

#[test]
fn wrong_arguments_and_missing_files_are_the_input_s_fault() {
    for (arguments, told) in [
        (&["run", "nowhere"][..], "error: cannot read `nowhere`"),
        (&["run", ".ci"], "error: there is no scenario under `.ci`"),
        (&["run", "scenarios", "--backend", "cloud"], "invalid value 'cloud'"),
        (
            &["run", "scenarios", "--assume", "first_sweep=maybe"],
            "error: `--assume first_sweep=maybe`: `maybe` is no answer to `first_sweep`\nhint: expected one of ",
        ),
        (
            &["bench", "reconnect", "--assume", "worker_retri=60s"],
            "error: `--assume worker_retri=60s`: there is no assumption `worker_retri`\nhint: did you mean `worker_retry`?",
        ),
        (&["run", "scenarios", "--report", "pdf=x"], "there is no report `pdf`"),
        (&["run", "scenarios", "--backend", "lab"], "--lab"),
        (&["judge", "nowhere.jsonl"], "error: cannot read `nowhere.jsonl`"),
    ] {
        let answer = run(&root(), arguments);
        assert_eq!(answer.code, 2, "{arguments:?}: {answer:?}");
        assert_eq!(answer.stdout, "", "{arguments:?}");
        assert!(answer.stderr.contains(told), "{arguments:?}: {}", answer.stderr);
    }
}

/// Files that nobody meant, by what is wrong with them.
fn bad_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("empty"), "").expect("the folder is ours");
    fs::write(path("garbage"), "@@@ garbage: [ }").expect("the folder is ours");
    fs::write(path("binary"), [0x00, 0xFF, 0xFE, 0x80, 0x0A]).expect("the folder is ours");
    fs::create_dir(path("folder")).expect("the folder is ours");
    // It takes no room on the disk.
    let huge = fs::File::create(path("huge")).expect("the folder is ours");
    huge.set_len(5 << 30).expect("a file with a hole");
    folder
}

#[test]
fn a_history_keeps_no_value_of_a_key_that_nobody_knows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = r#"{ "PortNumber": 8391, "SSLCertThumbprint": "master", "SqlServerName": "SQLFCI", "SqlPassword": "hunter2" }"#;
    fs::write(folder.path().join("m.config"), settings).expect("a settings file");
    let topology = "based_on: two_node_fci\nnodes:\n  - name: NODE1\n    master_settings: { file: m.config, SSLCertThumbprint: master }\n";
    fs::write(folder.path().join("mine.yaml"), topology).expect("a topology");
    let answer = run(
        folder.path(),
        &["run", "cluster/planned_move", "--topology", "mine.yaml", "--histories", "kept"],
    );
    assert_eq!(answer.code, 0, "{answer:?}");
    for entry in fs::read_dir(folder.path().join("kept")).expect("histories") {
        let file = entry.expect("a file").path();
        let kept = fs::read_to_string(&file).expect("a history");
        assert!(kept.contains("SqlPassword") && !kept.contains("hunter2"), "{kept}");
        let judged = run(folder.path(), &["judge", file.to_str().expect("a path of text")]);
        assert_eq!(judged.code, 0, "{judged:?}");
    }
}

/// A lab of two nodes that runs as a twin.
fn lab_with(folder: &Path, rest: &str) {
    let hosts = "hosts:\n  node1: sqln1\n  NODE2: sqln2\n";
    let lab = format!("cluster: C\ntransport: twin\n{hosts}{rest}");
    fs::write(folder.join("lab.yaml"), lab).expect("the folder is ours");
}

#[test]
fn a_lab_with_names_that_nobody_knows_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let of_lab = ["--lab", "lab.yaml"];
    let commands = [
        [&["lab", "plan", "cluster/owner_power_off"], &of_lab[..]].concat(),
        [&["run", "cluster/owner_power_off", "--backend", "lab", "--journals", "kept"], &of_lab[..]].concat(),
        [&["bench", "reconnect", "--failovers", "1", "--backend", "lab", "--journals", "kept"], &of_lab[..]]
            .concat(),
    ];
    lab_with(folder.path(), "resolve: { SQLFCX: 10.0.0.100 }\nallow:\n  power_off: [ NODE1, NODE9 ]\n");
    let told = "\
error: there is no host `SQLFCX`
  --> lab.yaml:6:12
   6 | resolve: { SQLFCX: 10.0.0.100 }
     |            ^^^^^^ neither under `hosts` nor in the topology of a scenario
hint: did you mean `sqlfci`? (known: `node1`, `10.0.0.11`, `node2`, `10.0.0.12`, `sqlfci`, `10.0.0.100`)

error: there is no node or worker `NODE9`
  --> lab.yaml:8:23
   8 |   power_off: [ NODE1, NODE9 ]
     |                       ^^^^^ neither under `hosts` nor in the topology of a scenario
hint: did you mean `NODE1`? (known: `NODE1`, `NODE2`, `w1`, `w2`, `w3`)

2 errors in lab.yaml
";
    for command in &commands {
        let answer = run(folder.path(), command);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{command:?}: {answer:?}");
        assert_eq!(answer.stderr, told, "{command:?}");
        assert!(!folder.path().join("kept").exists(), "{command:?} has begun");
    }
    lab_with(folder.path(), "resolve: { sqlFCI: 10.0.0.100 }\nallow:\n  power_off: [ Node1, node2, W1 ]\n");
    for command in &commands {
        let answer = run(folder.path(), command);
        assert_eq!(answer.code, 0, "{command:?}: {answer:?}");
    }
}

#[test]
fn what_a_lab_takes_back_is_in_its_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = |allow: &str| {
        lab_with(folder.path(), &format!("allow:\n{allow}"));
        run(folder.path(), &["lab", "plan", "cluster/owner_power_off", "--lab", "lab.yaml"])
    };
    let allowed = plan("  power_off: [ NODE1, NODE2 ]\n");
    assert!(allowed.stdout.contains("owner_power_off: power_off; takes back power_off; "), "{allowed:?}");
    // Every line of it may be commented out; a misspelt verb is one that cannot be allowed.
    let schema = run(folder.path(), &["schema", "lab"]).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("a schema");
    let allow = &schema["properties"]["allow"];
    assert_eq!(allow["type"], serde_json::json!(["object", "null"]), "{allow}");
    let verbs = allow["propertyNames"]["enum"].as_array().expect("verbs");
    assert!(verbs.contains(&"move_role".into()) && !verbs.contains(&"move_rol".into()), "{allow}");
}

#[test]
fn a_scenario_of_pauses_is_never_green() {
    let scenario = "proves: nothing\nabout: { topology: two_node_fci }\nsteps:\n  - pause: { for: 0s, because: why not }\n";
    let answer = run(folder_with(scenario).path(), &["run", "cluster/case.yaml"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stdout.contains("all of them are pauses: nothing was done"), "{}", answer.stdout);
}

#[test]
fn whatever_file_is_named_the_error_says_where_a_right_one_comes_from() {
    let folder = bad_files();
    for line in [
        "run @",
        "run --topology @",
        "run --learned @",
        "run --backend lab --lab @",
        "explore @",
        "merge @",
        "judge @",
        "validate @",
        "anonymise --snapshot @",
        "preflight --snapshot @",
        "preflight --lab @",
        "predict --snapshot @",
        "bench reconnect --topology @",
        "bench reconnect --learned @",
        "compare @ @",
        "probe https://localhost:1 --client-cert @ --client-key @ --for 1s",
        "lab plan --lab @",
        "lab restore @ --lab twin",
        "lab restore @ --lab @",
        "lab init --cluster C --snapshot @ --folder out",
        "twin do @",
        "twin @",
    ] {
        for kind in ["missing", "empty", "garbage", "binary", "folder", "huge"] {
            // A history may be large: reading five GiB takes longer than a test should.
            if (line, kind) == ("judge @", "huge") {
                continue;
            }
            let line = line.replace('@', kind);
            let arguments: Vec<&str> = line.split(' ').collect();
            let answer = run(folder.path(), &arguments);
            // No folder of scenarios is a mistake, and a twin that does not run is not the input's fault.
            assert!(matches!(answer.code, 2 | 3), "{line}: {answer:?}");
            assert_eq!(answer.stdout, "", "{line}");
            let is_placed = answer.stderr.contains("\n  --> ");
            assert!(answer.stderr.contains("hint: ") || is_placed, "{line}: {}", answer.stderr);
        }
    }
}

#[test]
fn what_cannot_be_written_is_told_with_a_hint() {
    let folder = bad_files();
    for line in [
        "collect --write folder",
        "predict --example right --write-topology folder",
        "run cluster/planned_move --report json=missing/report.json",
        "run cluster/planned_move --histories empty",
        "bench reconnect --failovers 1 --save folder",
        "new empty/below",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let answer = run(folder.path(), &arguments);
        let is_there = line.starts_with("collect");
        assert_eq!(answer.code, if is_there { 2 } else { 3 }, "{line}: {answer:?}");
        assert!(answer.stderr.starts_with("error: cannot write `"), "{line}: {}", answer.stderr);
        assert!(answer.stderr.contains("\nhint: "), "{line}: {}", answer.stderr);
    }
}

#[test]
fn what_cannot_be_written_is_found_out_before_the_work() {
    let folder = bad_files();
    fs::write(folder.path().join("kept.json"), "as it was").expect("a file");
    for line in [
        "run --report json=missing/report.json",
        "run --histories empty",
        "bench reconnect --failovers 100000 --save missing/saved",
        "explore cluster/planned_move --for 10h --report json=missing/report.json",
        "explore cluster/planned_move --for 10h --findings empty/below",
        "explore cluster/planned_move --for 10h --findings empty",
        "new empty",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let answer = run(folder.path(), &arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (3, ""), "{line}: {answer:?}");
        assert!(answer.stderr.starts_with("error: cannot write `"), "{line}: {}", answer.stderr);
        let is_file = line.contains("empty");
        assert_eq!(answer.stderr.contains("name a folder"), is_file, "{line}: {}", answer.stderr);
    }
    // Trying changes nothing.
    let wrong = ["run", "nowhere", "--report", "json=kept.json", "--report", "junit=new.xml"];
    assert_eq!(run(folder.path(), &wrong).code, 2);
    let stopped = ["explore", "cluster/planned_move", "--seeds", "1..2", "--report", "json=missing/x"];
    assert_eq!(run(folder.path(), &stopped).code, 3);
    assert_eq!(fs::read_to_string(folder.path().join("kept.json")).expect("it is there"), "as it was");
    assert!(!folder.path().join("new.xml").exists() && !folder.path().join("findings").exists());
}

#[test]
fn a_file_that_is_there_already_is_the_input_s_fault() {
    let folder = bad_files();
    for line in ["collect --write garbage", "lab package --write garbage"] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let answer = run(folder.path(), &arguments);
        assert_eq!(answer.code, 2, "{line}: {answer:?}");
        assert!(answer.stderr.contains("hint: name a file that does not exist"), "{line}: {}", answer.stderr);
    }
}

#[test]
fn every_command_has_its_help_and_refuses_an_option_that_it_does_not_have() {
    let all = run(&root(), &["--help"]).stdout;
    let (_, listed) = all.split_once("Commands:\n").expect("a list");
    let listed = listed.split("\n\n").next().unwrap_or_default();
    let names: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        // Its own help is that of the whole program.
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 18, "{names:?}");
    for name in names {
        let help = run(&root(), &[name, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{name}");
        let refused = run(&root(), &[name, "--no-such-option"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{name}");
        assert!(refused.stderr.starts_with("error: "), "{name}: {}", refused.stderr);
    }
}

#[test]
fn help_and_version_are_answers() {
    let help = run(&root(), &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    for command in ["run", "judge", "validate"] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
        assert_eq!(run(&root(), &[command, "--help"]).code, 0);
    }
    assert_eq!(run(&root(), &["--version"]).stdout, "failover 0.1.0\n");
}

#[test]
fn a_reader_that_goes_away_is_no_bug() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
        .args(["run", "scenarios", "-v"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_topology_is_found_above_the_folder_where_the_program_runs() {
    let folder = folder_with(&FORGOTTEN.replace("two_node_fci", "mine"));
    let topologies = folder.path().join("topologies");
    fs::rename(topologies.join("two_node_fci.yaml"), topologies.join("mine.yaml")).expect("another name");
    let below = folder.path().join("cluster");
    for arguments in
        [&["validate", "case.yaml"][..], &["validate", "."], &["validate", "../cluster/case.yaml"]]
    {
        let answer = run(&below, arguments);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn what_is_passed_over_in_a_folder_is_told() {
    let folder = folder_with(FORGOTTEN);
    let folder = folder.path();
    for name in ["one.yml", "two.yml", ".gitlab-ci.yml"] {
        fs::write(folder.join(name), FORGOTTEN).expect("a file");
    }
    let answer = run(folder, &["validate", "."]);
    let told = "warning: passed over: `./one.yml` and 1 more: the name of a scenario ends in .yaml\n";
    assert_eq!((answer.code, answer.stderr.as_str()), (0, told));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_and_a_pipe_are_not_followed() {
    let folder = folder_with(FORGOTTEN);
    let folder = folder.path();
    std::os::unix::fs::symlink(".", folder.join("again")).expect("a link");
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("p.yaml")).status();
    assert!(pipe.expect("there is mkfifo").success());
    let answer = run(folder, &["validate", "."]);
    let others = fs::read_dir(folder.join("topologies")).expect("its topologies").count() - 1;
    let told = format!("1 scenario on 1 topology, {others} topologies without a scenario: no mistakes\n");
    assert_eq!(answer.stdout, told);
    assert_eq!(answer.stderr, "warning: passed over: `./p.yaml`: it is no file\n");
}

#[test]
fn a_case_is_named_by_its_option_and_nothing_is_answered_twice() {
    let folder = folder_with(FORGOTTEN);
    let named = run(folder.path(), &["run", "model/lease_against_sweep[sweep_first]"]);
    assert_eq!(named.code, 2);
    let hint = "hint: one case of a scenario is `model/lease_against_sweep --case sweep_first`\n";
    assert!(named.stderr.ends_with(hint), "{}", named.stderr);
    for (twice, told) in [
        (
            &["--assume", "worker_retry=1s", "--assume", "worker_retry=10s"][..],
            "`--assume worker_retry=` is given twice",
        ),
        (
            &["--set", "SameSubnetThreshold=10", "--set", "SameSubnetThreshold=20"],
            "`--set SameSubnetThreshold=` is",
        ),
        (&["--workers", "6", "--set", "workers=5"], "`--set workers=` is given twice, or by `--workers` too"),
    ] {
        let answer = run(folder.path(), &[&["run", "cluster"], twice].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{twice:?}");
        assert!(answer.stderr.contains(told), "{}", answer.stderr);
    }
}

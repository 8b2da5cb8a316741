//! What does a person with a lab see: before anything is done to it, while it is, and after the harness was killed?

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover_harness::backend::lab::clock::Clock;
use failover_harness::backend::lab::file::{LabFile, lab_schema};
use failover_harness::backend::lab::journal::{Journal, State};
use failover_harness::backend::lab::reach::{Host, Lab, Probe, Purpose};
use failover_harness::backend::lab::session::Connection;
use failover_harness::backend::lab::twin::{Dialect, Twin};
use failover_harness::backend::{Backend, BackendError, LabBackend};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::runner::Nowhere;
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::load;
use failover_sim::action::{Action, Drain, ResolvedAction};
use failover_sim::names::{ActionNo, NodeId, ResourceId, RoleId};
use failover_sim::time::Time;
use proptest::prelude::*;

fn failover(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_failover")).args(arguments).current_dir(folder).output();
    let output = output.expect("the program was built for this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("it ended by itself"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_first_session_does_what_was_allowed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (code, text, error) =
        failover(folder, &["lab", "init", "--cluster", "SQLCLUS", "--example", "right"]);
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    let plan = ["lab", "plan", "cluster", "--lab", "lab.yaml", "--topology", "topology.yaml"];
    let (code, text, _) = failover(folder, &plan);
    assert_eq!(code, 0);
    assert!(text.starts_with("not run  cluster/"), "nothing is allowed yet: {text}");
    let told = "lab.yaml does not allow power_off of NODE1, power_off of NODE2\n\
                hint: write in lab.yaml under `allow:` `power_off: [ NODE1, NODE2 ]`\n";
    assert!(text.contains(told), "{text}");

    let file = folder.join("lab.yaml");
    let forbids = std::fs::read_to_string(&file).expect("it was written");
    let allows = forbids.replace("#  move_role", "  move_role");
    assert_ne!(allows, forbids);
    std::fs::write(&file, &allows).expect("it can be written");
    let (_, text, _) = failover(folder, &plan);
    assert!(text.starts_with("session 1: at most "), "{text}");
    assert!(text.contains("  cluster/planned_move: move_role; takes back move_role; at most 5m\n"), "{text}");

    let run = ["run", "cluster/planned_move", "cluster/owner_power_off", "--backend", "lab"];
    let lab = ["--lab", "lab.yaml", "--topology", "topology.yaml"];
    let (code, text, error) = failover(folder, &[&run[..], &lab].concat());
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    assert!(
        text.contains(
            "SKIPPED cluster/owner_power_off: lab.yaml does not allow power_off of NODE1, power_off of NODE2"
        ),
        "{text}"
    );
    assert!(text.contains("1 passed, 0 failed, 0 inconclusive, 1 skipped"), "{text}");

    let only_one = allows.replace("#  power_off: any", "  power_off: [ NODE2 ]");
    std::fs::write(&file, only_one).expect("it can be written");
    let (_, text, _) = failover(folder, &[&run[..], &lab].concat());
    let told = "lab.yaml does not allow power_off of NODE1\n\
                hint: write in lab.yaml under `allow:` `power_off: [ NODE2, NODE1 ]`\n";
    assert!(text.contains(told), "`owner` may be NODE1: {text}");
    let (code, _, error) = failover(folder, &["lab", "init", "--cluster", "SQLCLUS", "--example", "right"]);
    assert_eq!(code, 2);
    assert!(error.starts_with("error: nothing was written: there is already `./lab.yaml`"), "{error}");
}

#[test]
fn what_a_lab_takes_on_trust_is_told_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let failover = |arguments: &[&str]| failover(folder.path(), arguments);
    let run = ["run", "model/witness_lost", "--report", "json=out.json", "--report", "html=out.html"];
    let in_lab = ["--backend", "lab", "--lab", "twin", "--histories", "kept"];
    let why = "that the cluster misses the witness, or has it back, shows only when it needs the vote";
    let told = format!(
        "taken on trust: fail_witness (model/witness_lost line 8): {why}\n\
         taken on trust: restore_witness (model/witness_lost line 10): {why}\n"
    );
    let (code, text, error) = failover(&[&run[..], &in_lab].concat());
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    assert!(text.contains(&told), "{text}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was written");
    let on_trust = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).expect("a report");
        json["scenarios"][0]["on_trust"].clone()
    };
    let expected = serde_json::json!([
        { "action": "fail_witness", "line": 8, "why": why },
        { "action": "restore_witness", "line": 10, "why": why },
    ]);
    assert_eq!(on_trust(&read("out.json")), expected);
    let row =
        format!("<code>fail_witness</code></td><td class=\"number\">8</td><td class=\"soft\">{why}</td>");
    assert!(read("out.html").contains(&row));
    let (_, judged, _) = failover(&["judge", "kept/model-witness_lost.jsonl", "--format", "json"]);
    assert_eq!(on_trust(&judged), expected, "a history tells the same");
    let (_, moved, _) = failover(&["run", "cluster/planned_move", "--backend", "lab", "--lab", "twin"]);
    assert!(!moved.contains("on trust"), "it was seen: {moved}");
    // The simulator does what it is told.
    let (_, modelled, _) = failover(&run);
    assert!(!modelled.contains("on trust"), "{modelled}");
    assert!(on_trust(&read("out.json")).is_null() && !read("out.html").contains("on trust"));
}

#[test]
fn all_mistakes_of_a_file_are_shown_with_place_and_hint() {
    let text = "cluster: A\ntransport: twinn\nallow:\n  powr_off: any\n  move_role: NODE1\nhost: {}\n";
    let shown = LabFile::read("lab.yaml", text).expect_err("it has mistakes").render(Paint::Plain);
    for told in [
        "unknown name `twinn`\n  --> lab.yaml:2:12",
        "hint: did you mean `power_off`?",
        "`move_role` is allowed to nobody\n  --> lab.yaml:5:14",
        "unknown field `host`\n  --> lab.yaml:6:1",
    ] {
        assert!(shown.contains(told), "{told} is not in\n{shown}");
    }
}

#[test]
fn the_schema_takes_what_is_written_and_refuses_what_is_not() {
    let schema = jsonschema::validator_for(&lab_schema()).expect("it is a schema");
    let takes = |value| schema.is_valid(&value);
    let json = |allow: serde_json::Value| serde_json::json!({ "cluster": "A", "transport": "winrm", "hosts": { "NODE1": "sql1" }, "allow": allow });
    assert!(takes(json(serde_json::json!({ "move_role": "any", "power_off": [ "NODE1" ] }))));
    assert!(!takes(json(serde_json::json!({ "move_role": "some" }))));
    assert!(!takes(serde_json::json!({ "cluster": "A" })));
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_read_or_refused(text in "[ -~\n]{0,200}") {
        let _ = LabFile::read("lab.yaml", &text);
    }

    #[test]
    fn what_looks_like_a_file_is_read_or_refused(lines in proptest::collection::vec(
        prop_oneof![
            Just("cluster: A"), Just("transport: ssh"), Just("allow:"), Just("  move_role: any"), Just("  power_off: [ A ]"),
            Just("hosts: { A: B }"), Just("allow: any"), Just("- x"), Just("  - [ ]"), Just("transport: ~"),
        ], 0..8)) {
        let _ = LabFile::read("lab.yaml", &lines.join("\n"));
    }
}

#[test]
fn a_journal_in_which_nothing_was_announced_has_nothing_to_take_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan =
        load(&["cluster/planned_move".into()], 1, &Overrides::default()).expect("it is right").remove(0);
    let journal = Journal::begin(folder.path(), &plan).expect("a journal").path().to_owned();
    let journal = journal.to_str().expect("a path of text");
    let said = "nothing was done that is not taken back already: there is nothing to take back\n";
    // Hosts that nobody can reach are not asked.
    std::fs::write(
        folder.path().join("far.yaml"),
        "cluster: SQLCLUS\nid: 7d1f0a52-0000-4000-8000-000000000001\ntransport: ssh\nhosts: { NODE1: nowhere.invalid }\n",
    )
    .expect("the folder is ours");
    for lab in ["twin", "far.yaml"] {
        let answer = failover(folder.path(), &["lab", "restore", journal, "--lab", lab]);
        assert_eq!(answer, (0, said.to_owned(), String::new()), "{lab}");
    }
}

/// A twin that is not made anew when somebody else begins to use it: what was done to it stays done.
struct Lasting {
    twin: Twin,
    begun: bool,
}

impl Lab for Lasting {
    fn begin(&mut self, plan: &Plan) -> std::io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.twin.begin(plan)?;
        }
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        self.twin.clock()
    }

    fn open(&mut self, host: Host, purpose: Purpose) -> std::io::Result<Connection> {
        self.twin.open(host, purpose)
    }

    fn probe(&mut self) -> &mut dyn Probe {
        self.twin.probe()
    }

    fn remark(&self) -> String {
        self.twin.remark()
    }
}

fn plan(name: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name);
    load(&[path], 1, &Overrides::default()).expect("the scenario is right").remove(0)
}

const NODE1: NodeId = NodeId(0);
const NODE2: NodeId = NodeId(1);
const ROLE: RoleId = RoleId(0);
const POWER_OFF: ResolvedAction = Action::PowerOff { node: NODE1 };

/// A lab in whose journal an action stands that nobody has taken back, and that journal.
fn left_behind(
    folder: &Path,
    file: Option<LabFile>,
    action: ResolvedAction,
) -> (LabBackend<Lasting>, std::path::PathBuf) {
    let lab = Lasting { twin: Twin::new(Dialect::Friendly), begun: false };
    let mut backend = LabBackend::new(lab, Some(folder.to_owned()));
    if let Some(file) = file {
        backend = backend.allowed_by(file);
    }
    backend.start(&plan("cluster/owner_power_off.yaml")).expect("the lab is ready");
    backend.advance(Time::from_micros(200_000_000), &mut Nowhere).expect("the cluster comes up");
    let _ = backend.apply(ActionNo(0), action);
    let _ = backend.advance(Time::from_micros(230_000_000), &mut Nowhere);
    let journal = backend.journal().expect("a run").path().to_owned();
    (backend, journal)
}

#[test]
fn what_a_killed_harness_left_behind_is_taken_back_by_its_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut backend, journal) = left_behind(folder.path(), None, POWER_OFF);
    let (read, _) = Journal::read(&journal).expect("a journal");
    assert_eq!(
        read.open().map(|entry| (entry.verb, entry.state)).collect::<Vec<_>>(),
        [("power_off", State::Done)]
    );
    let restored = backend.restore(&journal).expect("the lab answers");
    assert_eq!((restored.undone, restored.open), (1, Vec::new()));
    let (read, _) = Journal::read(&journal).expect("a journal");
    assert_eq!(read.open().count(), 0);
    let again = backend.restore(&journal).expect("the lab answers");
    assert_eq!((again.undone, again.open), (0, Vec::new()));
}

#[test]
fn each_action_that_breaks_something_is_taken_back_by_the_journal() {
    for action in [
        POWER_OFF,
        Action::MoveRole { role: ROLE, to: NODE2 },
        Action::Role { role: ROLE, online: false },
        Action::Resource { resource: ResourceId(5), online: false },
        Action::PauseNode { node: NODE2, drain: Drain::Stay },
        Action::PauseNode { node: NODE1, drain: Drain::Move },
        Action::StopClusterService { node: NODE1 },
        Action::StopClusterService { node: NODE2 },
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut backend, journal) = left_behind(folder.path(), None, action);
        let restored = backend.restore(&journal).expect("the lab answers");
        assert_eq!((restored.undone, restored.open), (1, Vec::new()), "{action:?}");
        let (read, _) = Journal::read(&journal).expect("a journal");
        assert_eq!(read.open().count(), 0, "{action:?}");
    }
}

#[test]
fn who_is_asked_to_stop_takes_back_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let (backend, journal) = left_behind(folder.path(), None, POWER_OFF);
    let stop = Arc::new(AtomicBool::new(false));
    let mut backend = backend.stopped_by(stop.clone());
    stop.store(true, Ordering::Relaxed);
    let error =
        backend.advance(Time::from_micros(300_000_000), &mut Nowhere).expect_err("it was asked to stop");
    assert!(matches!(error, BackendError::Stopped), "{error}");
    backend.finish().expect("the lab answers");
    let (read, _) = Journal::read(&journal).expect("a journal");
    assert_eq!((read.entries().len(), read.open().count()), (1, 0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = ["run", "--backend", "lab", "--lab", "twin", "--journals", "journals", "--format", "json"];
    let mut run = Command::new(env!("CARGO_BIN_EXE_failover"));
    let run = run.args(all).current_dir(folder.path()).stdout(Stdio::piped()).spawn().expect("it starts");
    let journals = folder.path().join("journals");
    while std::fs::read_dir(&journals).map_or(0, Iterator::count) < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("there is a kill").success());
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    let report = String::from_utf8(output.stdout).expect("JSON is text");
    assert!(report.contains("somebody asked the run to stop"), "{report}");
    for journal in std::fs::read_dir(&journals).expect("the folder is there") {
        let (read, _) = Journal::read(&journal.expect("a file").path()).expect("a journal");
        assert_eq!(read.open().count(), 0);
    }
}

#[test]
fn an_action_that_is_not_allowed_is_not_even_announced() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = LabFile::read("lab.yaml", "cluster: A\ntransport: twin\nallow: { power_off: [ NODE2 ] }\n");
    let (mut backend, journal) = left_behind(folder.path(), Some(file.expect("it is right")), POWER_OFF);
    let error = backend.apply(ActionNo(0), Action::PowerOff { node: NODE1 }).expect_err("it is not allowed");
    assert!(matches!(error, BackendError::Forbidden("power_off")), "{error}");
    let (read, _) = Journal::read(&journal).expect("a journal");
    assert_eq!(read.entries(), []);
}

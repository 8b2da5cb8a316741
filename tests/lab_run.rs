//! Does the command run scenarios in a lab of hosts that it reaches by programs, with a real endpoint to look at?
//!
//! A program stands for `ssh`; the hosts behind it are a twin on real sockets. Everything else is what an engineer has.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use failover_harness::backend::lab::twin::{Dialect, RealTimeTwin};
use failover_tests::without_times;
use tempfile::TempDir;

/// So many seconds of the cluster pass in a real one.
const SPEED: u32 = 8;
const ID: &str = "7d1f0a52-0000-4000-8000-000000000001";

/// A folder with `lab.yaml`, a topology with the real certificate, and a program `ssh`.
struct Desk {
    folder: TempDir,
    twin: RealTimeTwin,
    endpoint: std::net::SocketAddr,
}

impl Desk {
    fn new(dialect: Dialect) -> Self {
        let plan = failover_tests::plan("cluster/planned_move", 1);
        let mut twin = RealTimeTwin::new(dialect, Vec::new(), SPEED).expect("a port");
        let (endpoint, files) = twin.begin_on_sockets(&plan).expect("a twin");
        let desk = Self { folder: tempfile::tempdir().expect("a folder"), twin, endpoint };
        let certificate = files.join("NODE1/LocalMachine/Root/master.pem");
        desk.write(
            "topology.yaml",
            &format!(
                "based_on: two_node_fci\nabout: the lab\ncertificates:\n  master: {{ file: \"{}\" }}\n",
                certificate.display()
            ),
        );
        let host = env!("CARGO_BIN_EXE_failover-session-host");
        let ssh = desk.write(
            "bin/ssh",
            &format!(
                "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nname=$2; shift 3\nFAILOVER_TWIN={} FAILOVER_HOST=${{name#lab-}} \
                 exec '{host}' \"$@\"\n",
                desk.twin.address()
            ),
        );
        fs::set_permissions(ssh, fs::Permissions::from_mode(0o755)).expect("permissions");
        desk
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is ours");
        fs::write(&file, text).expect("the folder is ours");
        file
    }

    fn lab(&self, more: &str) {
        let hosts: String =
            ["NODE1", "NODE2", "w1", "w2", "w3"].map(|name| format!("  {name}: lab-{name}\n")).concat();
        let ip = self.endpoint.ip();
        self.write(
            "lab.yaml",
            &format!("cluster: SQLCLUS\ntransport: ssh\nresolve: {{ SQLFCI: {ip} }}\nhosts:\n{hosts}{more}"),
        );
    }

    fn failover(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
            .args(arguments)
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", self.path().join("bin").display()))
            .output()
            .expect("the program was built for this test");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), without_times(&String::from_utf8_lossy(&text)))
    }

    fn run(&self, more: &[&str]) -> (Option<i32>, String) {
        let common = ["run", "--backend", "lab", "--lab", "lab.yaml", "--topology", "topology.yaml"];
        self.failover(&[&common[..], more].concat())
    }

    /// The folder that the last run has left.
    fn kept(&self) -> PathBuf {
        let runs = fs::read_dir(self.path().join("lab-runs")).expect("runs leave a folder");
        runs.filter_map(Result::ok).map(|run| run.path()).max().expect("there was one")
    }
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let mut names: Vec<String> = names.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_first_suite_passes_and_leaves_its_folder() {
    let desk = Desk::new(Dialect::Nasty);
    desk.lab(&format!("id: {ID}\nallow: {{ move_role: any }}\n"));
    let (code, text) = desk.run(&["--suite", "first"]);
    assert_eq!(code, Some(0), "{text}");
    let shown = "seen last of 3 connected: endpoint in force is the network name 3, resolver gives an address of the role 3, no line \
                 in the hosts file 3, socket goes to an address of the role 3, certificate is the one that the probe met 3, \
                 LastOnlineTime in SSISDB has moved on ";
    assert!(text.contains(shown), "{text}");
    let kept = desk.kept();
    assert_eq!(files(&kept), ["histories", "journals", "report.html", "report.json", "transcript"]);
    let transcript = files(&kept.join("transcript"));
    assert!(transcript.iter().any(|file| file.ends_with("node1-looks.said")), "{transcript:?}");
    let acts = transcript.iter().find(|file| file.ends_with("acts.asked")).expect("somebody acted");
    // By this name an entry in the host's event log leads to the journal.
    let journal = files(&kept.join("journals")).remove(0).replace(".jsonl", "");
    let asked = fs::read_to_string(kept.join("transcript").join(acts)).expect("what was asked");
    assert!(asked.contains(&format!("\"run\":\"{journal}\"")), "{journal}: {asked}");
    let report = fs::read_to_string(kept.join("report.html")).expect("a report");
    assert!(report.contains("event 1641: a role moves"), "the report tells what the nodes have written down");
    // What the nodes have written down of it is in the history.
    let history = kept.join("histories").join(files(&kept.join("histories")).remove(0));
    let history = fs::read_to_string(history).expect("a history");
    assert!(history.contains("\"cluster_event\"") && history.contains("\"id\":1641"), "{history}");
}

#[test]
fn a_lab_that_is_not_the_one_of_the_file_is_not_touched() {
    let desk = Desk::new(Dialect::Friendly);
    for (more, code, said) in [
        (
            "id: 00000000-0000-4000-8000-00000000beef\nallow: { move_role: any }\n",
            3,
            "lab.yaml is about 00000000-0000",
        ),
        ("allow: { move_role: any }\n", 2, "a real lab needs `id`"),
        (&format!("id: {ID}\n"), 3, "lab.yaml does not allow move_role"),
        (
            &format!("id: {ID}\nhooks: {{ power_state: [ a ], power_off: [], power_on: [ a ] }}\n"),
            2,
            "a hook that names no program",
        ),
        (&format!("id: {ID}\npatience: 0\n"), 2, "expected 1 to 20"),
    ] {
        desk.lab(more);
        let (found, text) = desk.run(&["--suite", "first"]);
        assert_eq!(found, Some(code), "{text}");
        assert!(text.contains(said), "{said}: {text}");
    }
    desk.lab(&format!(
        "id: {ID}\nhyper_v: localhost\nallow: {{ power_off: any, power_on: any, move_role: any }}\n"
    ));
    let (code, text) = desk.run(&["--suite", "cluster"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("together these scenarios spend more than a cluster forgives"), "{text}");
}

#[test]
fn what_a_harness_that_was_killed_left_behind_is_taken_back() {
    let desk = Desk::new(Dialect::Friendly);
    desk.lab(&format!("id: {ID}\npatience: 2\nallow: {{ move_role: any }}\n"));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut harness = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
        .args(["run", "--backend", "lab", "--lab", "lab.yaml", "--topology", "topology.yaml"])
        .args(["--suite", "first", "--journals", "kept"])
        .current_dir(desk.path())
        .env("PATH", format!("{}:{path}", desk.path().join("bin").display()))
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program was built for this test");
    let journal = || {
        let folder = fs::read_dir(desk.path().join("kept")).ok()?;
        folder.filter_map(Result::ok).map(|file| file.path()).next()
    };
    let begun = std::time::Instant::now();
    let is_done = || {
        let text = journal().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        text.contains("\"state\":\"done\"")
    };
    while !is_done() {
        assert!(begun.elapsed().as_secs() < 120, "the role was not moved");
        assert!(harness.try_wait().expect("it is ours").is_none(), "the harness has ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Without a chance to do anything.
    harness.kill().expect("it is ours");
    harness.wait().expect("it is ours");
    let journal = journal().expect("it was written before the role was moved");
    let name = journal.strip_prefix(desk.path()).expect("it lies there").to_string_lossy().into_owned();
    let (code, text) = desk.failover(&["lab", "restore", &name, "--lab", "lab.yaml"]);
    assert_eq!((code, text.as_str()), (Some(0), "1 action taken back and verified\n"));
    let (code, text) = desk.failover(&["lab", "restore", &name, "--lab", "lab.yaml"]);
    assert_eq!(
        (code, text.as_str()),
        (Some(0), "nothing was done that is not taken back already: there is nothing to take back\n")
    );
}

#[test]
fn a_loss_of_power_by_hooks_passes_and_is_taken_back() {
    if !Path::new("/bin/bash").exists() {
        use std::io::Write as _;
        return std::io::stdout().write_all(b"skipped: this machine has no bash\n").expect("standard output");
    }
    let desk = Desk::new(Dialect::Friendly);
    // What a hypervisor's own command would be: it speaks to the twin's host that controls the machines.
    let (ip, port) = (desk.twin.address().ip(), desk.twin.address().port());
    let request = |verb: &str, parameters: &str| {
        format!(r#"{{\"id\":1,\"verb\":\"{verb}\",\"limit_ms\":2000,\"parameters\":{{{parameters}}}}}"#)
    };
    let hello = request("hello", r#"\"marker\":\"~marker~\",\"protocol\":1"#);
    let ask = |verb: &str, parameters: &str| {
        format!("{hello}\n{}", request(verb, parameters)).replace(r#"\""#, "\"")
    };
    let power = |verb| ask(verb, r#"\"node\":\"NODE\""#);
    let state = ask("read_power", r#"\"nodes\":[\"NODE\"]"#);
    for (name, text) in [("off", power("power_off")), ("on", power("power_on")), ("state", state)] {
        desk.write(&format!("{name}.txt"), &format!("control\n{text}\n"));
    }
    desk.write(
        "hook.sh",
        &format!(
            "exec 3<>/dev/tcp/{ip}/{port}\nsed \"s/NODE/$2/\" \"$1.txt\" >&3\nread -r hello <&3\nread -r answer <&3\n\
             case \"$answer\" in *'\"ok\":false'*) echo \"$answer\" >&2; exit 1;; *'[2]'*) echo on;; *'[3]'*) echo off;; esac\n"
        ),
    );
    let hook = |what: &str| format!("[ bash, hook.sh, {what}, \"{{node}}\" ]");
    desk.lab(&format!(
        "id: {ID}\nhooks:\n  power_state: {}\n  power_off: {}\n  power_on: {}\nallow: {{ power_off: any, power_on: any }}\n",
        hook("state"),
        hook("off"),
        hook("on"),
    ));
    let (code, text) = desk.run(&["cluster/owner_power_off"]);
    assert_eq!(code, Some(0), "{text}");
    let journals = desk.kept().join("journals");
    let journal = files(&journals).pop().expect("a journal");
    let journal = fs::read_to_string(journals.join(journal)).expect("it is there");
    assert!(journal.contains("power_on") && journal.contains("\"state\":\"undone\""), "{journal}");
}

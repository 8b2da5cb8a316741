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
    let kept = desk.kept();
    assert_eq!(files(&kept), ["histories", "journals", "report.html", "report.json", "transcript"]);
    let transcript = files(&kept.join("transcript"));
    assert!(transcript.iter().any(|file| file.ends_with("node1-looks.said")), "{transcript:?}");
    assert!(transcript.iter().any(|file| file.ends_with("acts.asked")), "{transcript:?}");
}

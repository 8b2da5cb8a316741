//! Does a program of somebody else's take a worker's place on real sockets, and is it judged by what the master sees?

use std::fs;
use std::path::Path;

use failover_tests::{Answer, failover, root};

fn run(folder: &Path, more: &[&str]) -> Answer {
    let arguments: Vec<&str> = ["run", "fails_over.yaml"].iter().chain(more).copied().collect();
    failover(env!("CARGO_BIN_EXE_failover-copy"), folder, &arguments)
}

fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let from = root().join("tests/own_worker");
    fs::create_dir(copy.path().join("topologies")).expect("a folder");
    for file in ["fails_over.yaml", "topologies/own_worker.yaml", "topologies/worker.sh"] {
        fs::copy(from.join(file), copy.path().join(file)).expect("the file is there");
    }
    copy
}

/// The processes that were told this in their surroundings.
#[cfg(target_os = "linux")]
fn processes_with(told: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").expect("Linux").filter_map(Result::ok) {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        if read("environ").split(|byte| *byte == 0).any(|line| line == told.as_bytes()) {
            found.push(String::from_utf8_lossy(&read("cmdline")).into_owned());
        }
    }
    found
}

#[cfg(unix)]
#[test]
fn a_worker_of_curl_and_sh_reconnects_through_the_network_name() {
    use std::io::Write as _;
    let is_there = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    if !is_there("curl") || !Path::new("/bin/sh").exists() {
        let line = b"skipped: this machine has no curl or no sh\n";
        return std::io::stdout().write_all(line).expect("standard output");
    }
    let folder = copy();
    let file = folder.path().join("topologies/own_worker.yaml");
    let text = fs::read_to_string(&file).expect("it was copied");
    let name = format!("own_{}", std::process::id());
    let of_ours = |text: &str| text.replace("name: own", &format!("name: {name}"));
    fs::write(&file, of_ours(&text)).expect("the folder is ours");
    let scenario = folder.path().join("fails_over.yaml");
    let steps = fs::read_to_string(&scenario).expect("it was copied");
    fs::write(&scenario, steps.replace("worker: own", &format!("worker: {name}")))
        .expect("the folder is ours");
    let answer = run(folder.path(), &["--backend", "loopback", "--verbose"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let own: Vec<&str> = answer.stdout.lines().filter(|line| line.contains(&name)).collect();
    let seen = |what: &str| own.iter().any(|line| line.contains(what));
    assert!(seen("connected through network_name, served by NODE2"), "{own:#?}");
    assert!(seen("disconnected: timed_out") && seen("disconnected: closed"), "{own:#?}");
    #[cfg(target_os = "linux")]
    assert_eq!(processes_with(&format!("FAILOVER_WORKER={name}")), [""; 0], "a process is left");
}

/// What a run on loopback answers when this is what starts the worker's program.
fn started_by(program: &str) -> Answer {
    let folder = copy();
    let file = folder.path().join("topologies/own_worker.yaml");
    let text = fs::read_to_string(&file).expect("it was copied");
    fs::write(&file, text.replace("[ sh, worker.sh ]", program)).expect("it is ours");
    run(folder.path(), &["--backend", "loopback"])
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let answer = started_by("[ ./no_such_program ]");
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    let told = "the program `./no_such_program` of `own` cannot be started";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
    let answer = started_by("[]");
    assert_eq!(answer.code, 2, "{}", answer.stdout);
    assert!(answer.stderr.contains("`program` names nothing"), "{}", answer.stderr);
}

#[cfg(unix)]
#[test]
fn a_program_that_ends_is_named_with_its_reason() {
    // A cluster with a worker that is never there is never steady: nobody waits for it.
    let answer = started_by("[ sh, -c, \"echo no licence >&2; exit 7\" ]");
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    let told = "the surroundings\n  the program of `own` ended by itself: exit status: 7; its last line: no licence: the steps \
                were not begun\n";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
}

#[test]
fn the_simulator_says_that_it_runs_no_program() {
    let folder = copy();
    let answer = run(folder.path(), &[]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert!(
        answer.stdout.contains("SKIPPED")
            && answer.stdout.contains("sim cannot run the program of worker `own`"),
        "{}",
        answer.stdout
    );
}

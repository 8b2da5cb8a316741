//! Is what a person keeps written whole, or left as it was?
//!
//! A disk that fills up is a limit on the size of files here: beyond it writing fails, as it does on a full disk.

use std::fs;
use std::path::Path;

use failover_tests::{Answer, failover};

const PROGRAM: &str = env!("CARGO_BIN_EXE_failover-copy");

const MOVE: &str = "\
proves: everybody is back after a planned move
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
  - expect: { within: 5m, workers: { which: every, state: connected } }
";

fn run(folder: &Path, arguments: &[&str]) -> Answer {
    failover(PROGRAM, folder, arguments)
}

/// A folder with one scenario, `case.yaml`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("case.yaml"), MOVE).expect("a scenario");
    folder
}

/// The names of everything in a folder, without the scenario.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.retain(|name| name != "case.yaml");
    names.sort();
    names
}

/// The program where no file can become larger than 1 KiB.
#[cfg(unix)]
fn run_on_a_full_disk(folder: &Path, arguments: &[&str]) -> Answer {
    // dash counts blocks of 512 bytes, bash of 1,024 unless it is told to be like others.
    let limited = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    failover("sh", folder, &[&["-c", limited, PROGRAM], arguments].concat())
}

#[cfg(unix)]
#[test]
fn a_full_disk_takes_nothing_away_and_leaves_nothing_half() {
    let folder = folder();
    let folder = folder.path();
    let explore = ["explore", "case.yaml", "--seeds", "1..21", "--report", "json=r.json"];
    assert_eq!(run(folder, &explore).code, 0);
    let before = fs::read(folder.join("r.json")).expect("a report");
    let on_it = ["explore", "case.yaml", "--seeds", "1..41", "--resume", "r.json", "--report", "json=r.json"];
    let answer = run_on_a_full_disk(folder, &on_it);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.starts_with("error: cannot write `r.json`: "), "{}", answer.stderr);
    assert_eq!(fs::read(folder.join("r.json")).expect("the old one"), before);
    assert_eq!(run(folder, &["merge", "r.json"]).code, 0);
    let (save, topology) = (["bench", "reconnect", "--failovers", "2", "--save"], "t.yaml");
    let predict = ["predict", "--example", "right", "--write-topology", topology];
    for (arguments, left) in [
        (&["collect", "--write", "collect.ps1"][..], "collect.ps1"),
        (&[&save[..], &["b.json"]].concat(), "b.json"),
        (&["run", "cluster", "--report", "junit=j.xml"], "j.xml"),
        (&["run", "case.yaml", "--report", "html=r.html"], "r.html"),
        (&predict, topology),
    ] {
        let answer = run_on_a_full_disk(folder, arguments);
        assert_eq!(answer.code, 3, "{arguments:?} {answer:?}");
        let told = format!("error: cannot write `{left}`: ");
        assert!(answer.stderr.contains(&told), "{}", answer.stderr);
        assert_eq!(names(folder), ["r.json"], "{arguments:?}");
    }
    let answer = run_on_a_full_disk(folder, &["new", "begun"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(!folder.join("begun/README.md").exists(), "some files, and not all");
    assert_eq!(run(folder, &["new", "begun"]).code, 0);
}

#[cfg(unix)]
#[test]
fn a_history_that_cannot_be_kept_loses_no_verdict() {
    let folder = folder();
    let folder = folder.path();
    let answer = run_on_a_full_disk(folder, &["run", "case.yaml", "cluster", "--histories", "kept"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    let last = answer.stdout.lines().last().unwrap_or_default();
    assert!(last.contains(" passed, 0 failed") && last.contains("exit 0"), "{}", answer.stdout);
    assert!(answer.stdout.contains(" histories could not be kept\n"), "{}", answer.stdout);
    assert_eq!(answer.stderr.matches("error: cannot write `kept/").count(), 1, "{}", answer.stderr);
    assert_eq!(names(&folder.join("kept")), Vec::<String>::new(), "half of a history");
    // What failed goes before what could not be kept.
    let forgotten = "given:\n  - replace_master_certificate: { node: standby, with: made_by_setup }\nsteps:";
    fs::write(folder.join("case.yaml"), MOVE.replace("steps:", forgotten)).expect("a scenario");
    let answer = run_on_a_full_disk(folder, &["run", "case.yaml", "--histories", "kept"]);
    assert_eq!((answer.code, answer.stderr.is_empty()), (1, false), "{answer:?}");
}

/// Other systems have no file that is always full.
#[cfg(target_os = "linux")]
#[test]
fn one_report_that_cannot_be_written_does_not_keep_others_from_it() {
    let folder = folder();
    let folder = folder.path();
    let reports = ["--report", "json=/dev/full", "--report", "junit=j.xml"];
    let answer = run(folder, &[&["run", "case.yaml"], &reports[..]].concat());
    assert_eq!((answer.code, names(folder)), (3, vec!["j.xml".to_owned()]), "{answer:?}");
    assert!(answer.stderr.starts_with("error: cannot write `/dev/full`: "), "{}", answer.stderr);
    let named = ["predict", "--example", "right", "--write-topology", "/dev/full"];
    let answer = run(folder, &named);
    assert!(answer.code == 3 && answer.stdout.contains("workers connected"), "{answer:?}");
}

const DEPENDS: &str = "\
proves: nobody runs a task twice
about: { topology: two_node_fci, assume: { first_sweep: before_serving } }
steps:
  - start_executions: { as: work, count: 1, duration: 3m, retry_count: 1 }
  - move_role: { to: standby }
";

#[cfg(unix)]
#[test]
fn findings_that_cannot_be_written_are_told_and_lose_no_report() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("depends.yaml"), DEPENDS).expect("a scenario");
    // The folder is in the way of the file, whoever runs this.
    let searched = ["explore", "depends.yaml", "--seeds", "1..61", "--findings", "found"];
    let answer = run(folder, &searched);
    assert_eq!(answer.code, 1, "{answer:?}");
    let written = names(&folder.join("found"));
    for name in &written {
        fs::remove_file(folder.join("found").join(name)).expect("it was written");
        fs::create_dir(folder.join("found").join(name)).expect("a folder of its name");
    }
    let answer = run(folder, &[&searched[..], &["--report", "json=r.json"]].concat());
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.stderr.starts_with("error: cannot write `found/"), "{}", answer.stderr);
    assert!(answer.stdout.contains("UNSAFE depends: "), "{}", answer.stdout);
    assert!(answer.stdout.contains("  replay: failover explore depends.yaml --seeds "), "{}", answer.stdout);
    assert_eq!(run(folder, &["merge", "r.json"]).code, 1, "the report is there");
}

#[cfg(unix)]
#[test]
fn a_twin_without_room_for_its_files_says_why() {
    let folder = folder();
    let nowhere = "TMPDIR=/none exec \"$0\" run case.yaml --backend loopback";
    let answer = failover("sh", folder.path(), &["-c", nowhere, PROGRAM]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(
        answer.stdout.contains("the twin on loopback failed: writing `/none`: No such file"),
        "{answer:?}"
    );
}

#[test]
fn what_is_read_is_not_written_over_and_no_two_reports_are_one() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("topologies")).expect("a folder");
    let topology = failover_tests::two_node_fci();
    fs::write(folder.join("topologies/two_node_fci.yaml"), &topology).expect("a topology");
    for (arguments, told) in [
        (&["run", "case.yaml", "--report", "junit=case.yaml"][..], "`case.yaml` would be written over"),
        (
            &["run", "case.yaml", "--report", "json=./topologies/../topologies/two_node_fci.yaml"],
            "written over",
        ),
        (
            &["run", "case.yaml", "--report", "junit=a", "--report", "html=./a"],
            "two files would be written to `./a`",
        ),
        (&["explore", "case.yaml", "--seeds", "1..2", "--report", "json=case.yaml"], "written over"),
        (
            &[
                "bench",
                "reconnect",
                "--topology",
                "topologies/two_node_fci.yaml",
                "--save",
                "topologies/two_node_fci.yaml",
            ],
            "written over",
        ),
    ] {
        let answer = run(folder, arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?} {answer:?}");
        assert!(answer.stderr.contains(told), "{}", answer.stderr);
    }
    assert_eq!(fs::read_to_string(folder.join("case.yaml")).expect("it is there"), MOVE);
    assert_eq!(
        fs::read_to_string(folder.join("topologies/two_node_fci.yaml")).expect("it is there"),
        topology
    );
    let apart =
        ["run", "case.yaml", "--report", "junit=a", "--report", "html=b", "--report", "json=/dev/null"];
    assert_eq!(run(folder, &apart).code, 0);
}

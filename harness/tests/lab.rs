//! Does the command line run the scenarios on the lab's twin, the same way each time?

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn failover(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(env!("CARGO_BIN_EXE_failover"))
        .current_dir(root)
        .args(arguments)
        .output()
        .expect("the binary is there")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn scenarios_pass_on_the_twin_and_the_report_says_what_it_is() {
    let output = failover(&["run", "scenarios", "--backend", "lab", "--lab", "twin"]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("never run on Windows"), "{out}");
    assert!(out.contains(" 0 failed, 0 inconclusive, "), "{out}");
}

#[test]
fn two_processes_write_the_same_histories() {
    let folder = std::env::temp_dir().join(format!("failover-histories-{}", std::process::id()));
    let histories = |number: u32| {
        let folder: PathBuf = folder.join(number.to_string());
        let name = folder.display().to_string();
        let one = "scenarios/cluster/owner_power_off.yaml";
        failover(&["run", one, "--backend", "lab", "--lab", "twin", "--histories", &name]);
        std::fs::read(folder.join("cluster-owner_power_off.jsonl")).expect("a history was written")
    };
    let (first, second) = (histories(1), histories(2));
    assert!(!first.is_empty() && first == second);
    assert!(text(&first).contains("\"cluster_event\""), "what nodes have written down is in it");
    let file = folder.join("1/cluster-owner_power_off.jsonl").display().to_string();
    assert_eq!(failover(&["judge", &file]).status.code(), Some(0));
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

#[test]
fn a_lab_that_cannot_be_reached_is_an_error_of_the_input() {
    for (arguments, expected) in [
        (&["--backend", "lab", "--lab", "lab.yaml"][..], "error: cannot read `lab.yaml`: "),
        (&["--backend", "lab"][..], "error: `--backend lab` needs to know which lab"),
        (&["--lab", "twin"][..], "error: `--lab` is of no use without `--backend lab`"),
    ] {
        let output = failover(&[&["run", "scenarios"], arguments].concat());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with(expected) && output.stdout.is_empty(), "{error}");
    }
}

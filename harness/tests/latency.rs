//! Do `bench` and `compare` do what `docs/latency.md` says?

use std::path::Path;
use std::process::{Command, Output};

fn failover(folder: &Path, line: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_failover"))
        .current_dir(folder)
        .args(line.split(' ').skip(1))
        .output()
        .expect("the binary is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().expect("it ended by itself"), text(&stdout), text(&stderr))
}

/// The first block of commands of the page.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/latency.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (_, rest) = page.split_once("```sh\n").expect("a block of commands");
    let (block, _) = rest.split_once("```").expect("its end");
    block.lines().map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_page_measure_and_find_a_longer_detection() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [measure_old, measure_new, compare] = &commands()[..] else { panic!("three commands") };
    let (code, table, error) = failover(folder.path(), measure_old);
    assert_eq!(code, 0, "{error}");
    assert!(table.starts_with("power_off on two_node_fci: 50 failovers of 3 workers"), "{table}");
    assert!(table.contains("outages of workers that never ended: 0"), "{table}");
    assert_eq!(failover(folder.path(), measure_new).0, 0);
    // The new threshold shortens the detection: nothing became longer.
    let (code, told, error) = failover(folder.path(), compare);
    assert_eq!(code, 0, "{told}{error}");
    assert!(told.starts_with("50 failovers in both"), "{told}");
    // The other way round it did.
    let (code, told, _) =
        failover(folder.path(), "failover compare new.json old.json --unlike --fail-above 10%");
    assert_eq!(code, 1, "{told}");
}

#[test]
fn what_cannot_be_measured_or_compared_is_told_with_a_hint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |line: &str, expected: &str| {
        let (code, out, error) = failover(folder.path(), line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(error.contains(expected), "{line}: {error}");
    };
    refused("failover bench reconnect --topology two_node", "hint: did you mean `two_node_fci`?");
    refused("failover bench reconnect --fault powr_off", "power_off");
    refused("failover bench reconnect --backend lab", "reconnecting is measured on sim and on loopback");
    refused("failover compare a.json b.json", "cannot read `a.json`");
    std::fs::write(folder.path().join("a.json"), "{}").expect("a file");
    refused("failover compare a.json a.json", "`a.json` is no measurement");
    for (file, workers) in [("three.json", 3), ("four.json", 4)] {
        let line = format!("failover bench reconnect --failovers 2 --workers {workers} --save {file}");
        assert_eq!(failover(folder.path(), &line).0, 0);
    }
    refused(
        "failover compare three.json four.json",
        "the number of workers is `3` in the old one and `4` in the new one",
    );
    refused(
        "failover compare three.json three.json --fail-above much",
        "expected a percentage such as `10%`",
    );
}

#[test]
fn loopback_measures_the_same_way() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = "failover bench reconnect --backend loopback --fault kill_master --failovers 1 --format json";
    let (code, text, error) = failover(folder.path(), line);
    assert_eq!(code, 0, "{error}");
    let saved: serde_json::Value = serde_json::from_str(&text).expect("a measurement");
    assert!(saved["factor"].as_u64().is_some_and(|factor| factor > 1), "{saved}");
    let workers = saved["failovers"][0]["workers"].as_array().expect("its workers");
    assert!(workers.len() == 3 && workers.iter().all(|times| times["back"].is_u64()), "{saved}");
}

/// Measures on loopback in a shell that allows so many open files, by `ulimit`.
#[cfg(unix)]
fn with_limit(limit: &str, workers: u32) -> (i32, String, String) {
    let line = format!(
        "ulimit {limit} && exec \"$0\" bench reconnect --backend loopback --fault kill_master --failovers 1 --workers {workers}"
    );
    let Output { status, stdout, stderr } = Command::new("sh")
        .args(["-c", &line, env!("CARGO_BIN_EXE_failover")])
        .output()
        .expect("a shell is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().expect("it ended by itself"), text(&stdout), text(&stderr))
}

#[cfg(unix)]
#[test]
fn a_soft_limit_of_open_files_is_raised_for_all_workers() {
    let (code, table, error) = with_limit("-Sn 150", 100);
    assert_eq!(code, 0, "{error}");
    let back = table.lines().find(|line| line.starts_with("worker_back"));
    assert!(back.is_some_and(|line| line.split_whitespace().nth(1) == Some("100")), "{table}");
}

#[cfg(unix)]
#[test]
fn a_hard_limit_of_open_files_is_told_with_what_is_needed() {
    let (code, out, error) = with_limit("-n 200", 100);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    let expected = "656 open files are needed for the connections of all workers, and the system allows 200\nhint: raise the hard limit";
    assert!(error.contains(expected), "{error}");
}

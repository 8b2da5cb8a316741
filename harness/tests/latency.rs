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
fn a_cluster_that_does_not_come_to_rest_is_told_as_run_tells_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let topology = "based_on: two_node_fci\nabout: another port\nnodes:\n  - name: NODE1\n    address: 10.0.0.11\n    \
                    master_settings: { PortNumber: 8392, SSLCertThumbprint: master, SqlServerName: SQLFCI }\n    \
                    root: [ master, workers ]\n";
    std::fs::write(folder.path().join("mine.yaml"), topology).expect("a file");
    let (code, out, error) =
        failover(folder.path(), "failover bench reconnect --topology mine.yaml --failovers 1");
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    assert!(
        error.contains("workers: 0 of 3 connected; w1, w2, w3 refused by NODE1: endpoint_not_found"),
        "{error}"
    );
    assert!(error.contains("PortNumber of NODE1 is 8392; the worker asks for port 8391"), "{error}");
    assert!(error.contains("\nhint: set PortNumber in MasterSettings.config of NODE1"), "{error}");
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
    refused("failover bench reconnect --backend lab", "`--backend lab` needs to know which lab");
    refused("failover bench reconnect --lab twin", "`--lab` is of no use without `--backend lab`");
    refused(
        "failover bench reconnect --backend lab --lab twin --fault restart_node",
        "lab cannot restart_node",
    );
    refused("failover compare a.json b.json", "cannot read `a.json`");
    std::fs::write(folder.path().join("a.json"), "{}").expect("a file");
    refused("failover compare a.json a.json", "`a.json`: it is no measurement");
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

const LAB: &str = "cluster: SQLCLUS
id: 7d1f0a52-0000-4000-8000-000000000001
";

#[test]
fn a_real_lab_is_asked_for_no_more_than_its_cluster_forgives_and_its_owner_allows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lab =
        |text: &str| std::fs::write(folder.path().join("lab.yaml"), format!("{LAB}{text}")).expect("a file");
    let bench = "failover bench reconnect --backend lab --lab lab.yaml";
    lab("transport: ssh\nhyper_v: localhost\nallow: { power_off: any }\n");
    let (code, out, error) = failover(folder.path(), &format!("{bench} --failovers 3"));
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert!(
        error.starts_with("error: 3 failovers of `power_off` spend more than a cluster forgives"),
        "{error}"
    );
    lab("transport: twin\nallow: { power_off: [ NODE2 ] }\n");
    let (code, _, error) = failover(folder.path(), &format!("{bench} --failovers 3"));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("lab.yaml does not allow power_off of NODE1"), "{error}");
}

#[test]
fn a_lab_measures_to_what_was_looked_at_and_stands_beside_the_simulator() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        folder.path().join("lab.yaml"),
        format!("{LAB}transport: twin\npatience: 3\ntwin: {{ heartbeat_thresholds: others }}\nallow: {{ power_off: any }}\n"),
    )
    .expect("a file");
    let bench = "failover bench reconnect --failovers 5";
    let (code, table, error) =
        failover(folder.path(), &format!("{bench} --backend lab --lab lab.yaml --save lab.json"));
    assert_eq!(code, 0, "{error}");
    for expected in ["worker_waited            not observable", "   1000 ms", "    250 ms"] {
        assert!(table.contains(expected), "{expected} is not in\n{table}");
    }
    assert!(!table.contains(" us"), "nothing is known to microseconds: {table}");
    assert_eq!(failover(folder.path(), &format!("{bench} --save sim.json")).0, 0);
    let (code, told, error) = failover(folder.path(), "failover compare sim.json lab.json");
    assert_eq!(code, 0, "{told}{error}");
    let (_, told) = told.split_once("side by side").expect("they stand side by side");
    for expected in [
        "not seen by both",
        "they differ in: detected, role_moved",
        "what the lab (twin, Windows twin, SSIS twin) says",
        "heartbeat_thresholds: only others fits\n    not best_practices: detected took",
        "first_sweep: open",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }

    // Other moments cannot be paired, and are put side by side all the same.
    let line = "failover bench reconnect --failovers 4 --save other.json";
    assert_eq!(failover(folder.path(), line).0, 0);
    let (code, told, _) = failover(folder.path(), "failover compare other.json lab.json");
    assert_eq!(code, 0);
    assert!(told.starts_with("side by side") && told.contains("they differ in: detected"), "{told}");
    let (code, _, error) = failover(folder.path(), "failover compare sim.json other.json");
    assert_eq!(code, 2);
    assert!(error.contains("no failover with the same seed and moment"), "{error}");

    // A lab that is like the simulator does not differ from it, but for what can be seen.
    let line = format!("{bench} --backend lab --lab twin --save twin.json");
    assert_eq!(failover(folder.path(), &line).0, 0);
    let (_, told, _) = failover(folder.path(), "failover compare sim.json twin.json");
    assert!(told.contains("they differ in: nothing"), "{told}");
    let (_, told, _) = failover(folder.path(), "failover compare --unlike sim.json sim.json");
    assert!(!told.contains("side by side"), "{told}");
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

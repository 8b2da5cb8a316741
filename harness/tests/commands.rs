//! Do the commands work from anywhere, with nothing but the program?

use std::path::Path;
use std::process::{Command, Output};

fn failover(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_failover"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().expect("it ended by itself"), text(&stdout), text(&stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The lines of a report but the last, which tells the time.
fn verdicts(report: &str) -> String {
    report.trim_end().rsplit_once('\n').map_or_else(String::new, |(lines, _)| lines.to_owned())
}

#[test]
fn standard_scenarios_run_in_an_empty_folder_and_several_at_once_in_the_same_order() {
    let folder = folder();
    let (code, one, _) = failover(folder.path(), &["run"]);
    assert_eq!(code, 0, "{one}");
    let (code, four, _) = failover(folder.path(), &["run", "--jobs", "4"]);
    assert_eq!((code, verdicts(&one)), (0, verdicts(&four)));
    let json = |jobs: &str| {
        let (_, text, _) = failover(folder.path(), &["run", "--format", "json", "--jobs", jobs]);
        let report: serde_json::Value = serde_json::from_str(&text).expect("a report");
        report["scenarios"].clone()
    };
    assert_eq!(json("1"), json("3"));
}

#[test]
fn the_replay_line_of_a_standard_scenario_and_of_a_case_works() {
    let folder = folder();
    let options = ["--set", "SameSubnetThreshold=15", "--profile", "windows_2016", "--format", "json"];
    let (_, text, _) =
        failover(folder.path(), &[&["run", "model/lease_against_sweep"][..], &options].concat());
    let report: serde_json::Value = serde_json::from_str(&text).expect("a report");
    let scenarios = report["scenarios"].as_array().expect("a list");
    assert_eq!(scenarios.len(), 2);
    for scenario in scenarios {
        let replay = scenario["replay"].as_str().expect("a line");
        let mut words: Vec<&str> = replay.split(' ').skip(1).collect();
        words.extend(["--format", "json"]);
        let (_, again, error) = failover(folder.path(), &words);
        let again: serde_json::Value =
            serde_json::from_str(&again).unwrap_or_else(|_| panic!("{replay}: {error}"));
        assert_eq!(&again["scenarios"][0], scenario, "{replay}");
    }
}

#[test]
fn a_history_of_a_case_is_judged_again() {
    let folder = folder();
    failover(folder.path(), &["run", "model/lease_against_sweep", "--histories", "kept"]);
    let (code, text, error) =
        failover(folder.path(), &["judge", "kept/model-lease_against_sweep[sweep_first].jsonl"]);
    assert_eq!(code, 0, "{text}{error}");
}

#[test]
fn scenarios_that_do_not_fit_a_topology_are_skipped_with_the_reason() {
    let folder = folder();
    assert_eq!(failover(folder.path(), &["new", "."]).0, 0);
    let mine = folder.path().join("topologies/mine.yaml");
    let (code, text, error) =
        failover(folder.path(), &["run", "--suite", "cluster", "--topology", "topologies/mine.yaml"]);
    assert_eq!((code, text.contains("SKIPPED")), (0, false), "{text}{error}");
    // A third node: there is no longer one standby.
    let two = std::fs::read_to_string(&mine).expect("it was written");
    let third = "\n  - name: NODE3\n    address: 10.0.0.13\n    master_settings: { SSLCertThumbprint: master, \
                 SqlServerName: SQLFCI }\n    root: [ master, workers ]\n\n# Steps 2";
    std::fs::write(&mine, two.replacen("\n\n# Steps 2", third, 1)).expect("it can be written to");
    let (_, text, error) =
        failover(folder.path(), &["run", "--suite", "cluster", "--topology", "topologies/mine.yaml"]);
    let told = "SKIPPED cluster/planned_move: does not fit: it speaks of `standby`";
    assert!(text.contains(told), "{text}{error}");
    // One node: it lacks what the scenarios need.
    let (code, text, _) = failover(
        folder.path(),
        &["run", "model/lease_against_sweep", "--topology", "topologies/mine.yaml", "--workers", "1"],
    );
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("does not fit: needs 2 workers: "), "{text}");
}

#[test]
fn a_mistake_in_a_topology_of_ones_own_is_shown_once_at_its_place() {
    let folder = folder();
    std::fs::write(folder.path().join("mine.yaml"), "cluster: { witness: floppy }\n").expect("a file");
    let (code, text, error) =
        failover(folder.path(), &["run", "--suite", "cluster", "--topology", "mine.yaml"]);
    assert_eq!((code, text.as_str()), (2, ""));
    assert_eq!(error.matches("unknown name `floppy`").count(), 1, "{error}");
}

#[test]
fn a_topology_that_no_scenario_names_is_validated_too() {
    let folder = folder();
    assert_eq!(failover(folder.path(), &["new", "."]).0, 0);
    let validate = |path: &str| failover(folder.path(), &["validate", path]);
    assert_eq!(validate("topologies/mine.yaml").1, "1 topology: no mistakes\n");
    assert_eq!(validate("topologies").1, "1 topology: no mistakes\n");
    std::fs::write(folder.path().join("topologies/other.yaml"), "based_on: mine\nabout: the same\n")
        .expect("a file");
    let told = "1 scenario on 1 topology, 1 topology without a scenario: no mistakes\n";
    assert_eq!(validate(".").1, told);
    // Wherever it lies: it has what topologies alone have.
    std::fs::write(folder.path().join("alone.yaml"), "based_on: two_node_fci\nnodes: 5\n").expect("a file");
    let (code, text, error) = validate("alone.yaml");
    assert_eq!((code, text.as_str(), error.matches("error: ").count()), (2, "", 1), "{error}");
    assert!(error.contains("--> alone.yaml:2:8"), "{error}");
    std::fs::remove_file(folder.path().join("alone.yaml")).expect("it was written");
    std::fs::write(folder.path().join("topologies/broken.yaml"), "based_on: mine\nnodes: 5\n")
        .expect("a file");
    let (code, text, error) = validate(".");
    assert_eq!((code, text.as_str(), error.matches("error: ").count()), (2, "", 1), "{error}");
    assert!(error.contains("topologies/broken.yaml:2:8"), "{error}");
}

#[test]
fn a_starter_folder_works_and_nothing_is_overwritten() {
    let folder = folder();
    let (code, text, error) = failover(folder.path(), &["new", "mine"]);
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    let mine = folder.path().join("mine");
    assert_eq!(failover(&mine, &["run", "."]).0, 0);
    assert_eq!(failover(&mine, &["validate", "."]).1, "1 scenario on 1 topology: no mistakes\n");
    let readme = mine.join("README.md");
    std::fs::write(&readme, "ours").expect("a file");
    std::fs::remove_file(mine.join("topologies/mine.yaml")).expect("a file");
    let (code, text, error) = failover(folder.path(), &["new", "mine"]);
    assert_eq!((code, text.as_str()), (2, ""));
    assert!(error.starts_with("error: nothing was written: there is already `mine/README.md`"), "{error}");
    assert!(!mine.join("topologies/mine.yaml").exists());
    assert_eq!(std::fs::read_to_string(readme).expect("it is there"), "ours");
}

#[test]
fn the_demonstration_explains_a_broken_cluster() {
    let folder = folder();
    let (code, text, error) = failover(folder.path(), &["demo"]);
    assert_eq!((code, error.as_str()), (0, ""));
    for told in [
        "FAIL demo: workers_reconnect",
        "NODE2 presents `made_by_setup`",
        "hint: step 4 of the guide",
        "failover new",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn wrong_options_are_the_input_s_fault() {
    let folder = folder();
    for (arguments, told) in [
        (
            &["run", "--set", "SameSubnetThreshold=500"][..],
            "SameSubnetThreshold is out of its limits: expected 3 to 120",
        ),
        (&["run", "--profile", "windows_95"], "[possible values: windows_2012_r2, windows_2016"),
        (&["run", "--suite", "clusters"], "there is no suite `clusters`: expected one of cluster, model"),
        (&["run", "--case", "neither"], "error: no scenario here has a case `neither`"),
        (&["run", "cluster/owner_power_of"], "hint: did you mean `cluster/owner_power_off`?"),
        (&["run", "--topology", "nowhere.yaml"], "error: cannot read `nowhere.yaml`"),
        (&["explain", "power_of"], "hint: did you mean `power_off`?"),
    ] {
        let (code, text, error) = failover(folder.path(), arguments);
        assert_eq!((code, text.as_str()), (2, ""), "{arguments:?}");
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

#[test]
fn the_least_and_the_greatest_numbers_are_taken_or_refused_and_no_bug() {
    let folder = folder();
    let folder = folder.path();
    let measured = ["bench", "reconnect", "--failovers", "2", "--save", "measured.json"];
    assert_eq!(failover(folder, &measured).0, 0);
    for line in [
        "run cluster/planned_move --seed #",
        "run cluster/planned_move --jobs #",
        "run cluster/planned_move --workers #",
        "run cluster/planned_move --set FailoverThreshold=#",
        "run cluster/planned_move --set workers=#",
        "explore cluster/planned_move --seeds #..#",
        "explore cluster/planned_move --seeds 18446744073709551610..# --jobs 2",
        "explore cluster/planned_move --seeds 1..5 --shard #/#",
        "explore cluster/planned_move --for #h --workers #",
        "explore cluster/planned_move --quiet # --jobs #",
        "bench reconnect --failovers 2 --seed #",
        "bench reconnect --failovers # --workers #",
        "compare measured.json measured.json --fail-above #%",
        "predict --example right --seed #",
        "probe https://127.0.0.1:#/ --for #h",
        "twin two_node_fci --factor # --control #",
    ] {
        for number in ["0", "65535", "4294967295", "18446744073709551615", "99999999999999999999"] {
            let line = line.replace('#', number);
            let (code, text, error) = failover(folder, &line.split(' ').collect::<Vec<_>>());
            assert!([0, 2, 3].contains(&code), "{line}: {code}\n{text}{error}");
            assert_eq!(error.starts_with("error: "), code == 2, "{line}: {code}\n{text}{error}");
        }
    }
}

/// The topology of a new folder with something else written in it.
fn mine_with(folder: &Path, old: &str, new: &str) {
    if !folder.join("topologies").exists() {
        assert_eq!(failover(folder, &["new", "."]).0, 0);
    }
    let mine = std::fs::read_to_string(folder.join("topologies/mine.yaml")).expect("it was written");
    assert!(mine.contains(old), "{mine}");
    std::fs::write(folder.join("topologies/wrong.yaml"), mine.replace(old, new)).expect("a file");
}

#[test]
fn a_cluster_that_does_not_come_to_rest_names_what_is_missing_first() {
    let folder = folder();
    let mistakes = [
        (
            "MasterHttpsCertThumbprint: master",
            "MasterHttpsCertThumbprint: made_by_setup",
            "refused by NODE1: trust_relationship",
            "the worker pins `made_by_setup` (",
            "MasterHttpsCertThumbprint in WorkerSettings.config",
        ),
        (
            "root: [ master ]",
            "root: [ ]",
            "refused by NODE1: trust_relationship",
            "is not in LocalMachine\\Root of worker `w1`",
            "step 7 of the guide",
        ),
        (
            "root: [ master, workers ]",
            "root: [ master ]",
            "refused by NODE1: forbidden",
            "LocalMachine\\Root of NODE1 does not have `",
            "step 8 of the guide",
        ),
        (
            "PortNumber: 8391",
            "PortNumber: 8392",
            ": endpoint_not_found",
            "PortNumber of NODE1 is 8392; the worker asks for port 8391",
            "PortNumber in MasterSettings.config of NODE1, NODE2",
        ),
    ];
    for (old, new, family, detail, hint) in mistakes {
        mine_with(folder.path(), old, new);
        let wrong = ["--topology", "topologies/wrong.yaml", "--report", "junit=junit.xml"];
        let (code, text, error) =
            failover(folder.path(), &[&["run", "cluster/owner_power_off"][..], &wrong].concat());
        assert_eq!(code, 3, "{text}{error}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("INCONCLUSIVE cluster/owner_power_off: the surroundings"), "{text}");
        assert!(lines[2].contains("the cluster was not steady after 30m"), "{text}");
        assert!(lines[3].starts_with("  workers: 0 of 3 connected; w1, w2, w3 "), "{text}");
        assert!(lines.len() <= 12, "{text}");
        assert!(text.contains("  also: the steps were not begun"), "{text}");
        let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("a report");
        let json = failover(
            folder.path(),
            &[&["run", "cluster/owner_power_off", "--format", "json"][..], &wrong].concat(),
        )
        .1;
        let json: serde_json::Value = serde_json::from_str(&json).expect("a report");
        let found = &json["scenarios"][0]["findings"][0];
        for told in [family, detail, hint] {
            assert!(text.contains(told), "{told}\n{text}");
            assert!(junit.contains(told), "{told}\n{junit}");
            assert!(found.to_string().replace("\\\\", "\\").contains(told), "{told}\n{found:#}");
        }
    }
    // One cause, told once for all scenarios.
    let (code, text, _) =
        failover(folder.path(), &["run", "--suite", "cluster", "--topology", "topologies/wrong.yaml"]);
    assert_eq!((code, text.matches("the surroundings").count()), (3, 1), "{text}");
}

#[test]
fn what_exists_goes_before_what_the_program_carries() {
    let folder = folder();
    let path = folder.path();
    assert_eq!(failover(path, &["new", "."]).0, 0);
    let file = path.join("cluster/planned_move.yaml");
    let own = std::fs::read_to_string(&file).expect("it was written");
    std::fs::write(&file, own.replace("within: 5m", "within: 5s")).expect("a file");
    for (named, code) in [
        ("cluster/planned_move", 1),
        ("cluster/planned_move.yaml", 1),
        ("cluster", 1),
        (".", 1),
        ("standard:cluster/planned_move", 0),
        ("cluster/owner_power_off", 0),
    ] {
        let (found, text, error) = failover(path, &["run", named]);
        assert_eq!(found, code, "{named}: {text}{error}");
        let remark = match named {
            "cluster/planned_move" => {
                "sim: `cluster/planned_move` is the file `cluster/planned_move.yaml` here; "
            }
            "cluster" => "sim: `cluster` is the folder `cluster` here; ",
            _ => {
                assert!(!text.contains(" here; "), "{named}: {text}");
                continue;
            }
        };
        assert!(text.contains(remark), "{text}");
    }
    let (code, text, error) = failover(path, &["run", "standard:cluster"]);
    assert!(
        code == 0 && text.starts_with("failover 0.1.0  sim windows_2019 seed 1  19 scenarios"),
        "{text}{error}"
    );
    // A replay line means the same one.
    let (_, text, _) = failover(path, &["run", "--suite", "cluster", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).expect("a report");
    let replays: Vec<&str> = report["scenarios"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["replay"].as_str())
        .collect();
    assert!(replays.contains(&"failover run standard:cluster/planned_move --seed 1"), "{replays:?}");
    assert!(replays.contains(&"failover run cluster/owner_power_off --seed 1"), "{replays:?}");
    for (path_named, lead) in
        [("standard:cluster/planed_move", "did you mean"), ("standard:nothing", "failover list")]
    {
        let (code, _, error) = failover(path, &["run", path_named]);
        assert!(code == 2 && error.contains(lead), "{error}");
    }
}

#[test]
fn a_topology_is_a_file_or_a_name_for_every_command() {
    let folder = folder();
    let path = folder.path();
    let run = |topology: &str| {
        failover(path, &["run", "cluster/owner_power_off", "--topology", topology, "--format", "json"])
    };
    let plan = |text: &str| {
        let report: serde_json::Value = serde_json::from_str(text).expect("a report");
        report["scenarios"][0]["plan"].clone()
    };
    let (code, standard, error) = run("two_node_fci");
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, three, _) = run("topologies/three_node_fci");
    assert!(code == 0 || code == 3, "{three}");
    assert_ne!(plan(&standard), plan(&three));
    assert_eq!(failover(path, &["new", "."]).0, 0);
    let mine = std::fs::read_to_string(path.join("topologies/mine.yaml")).expect("it was written");
    for file in ["topologies/mine.yaml", "topologies/two_node_fci.yaml"] {
        std::fs::write(path.join(file), mine.replace("count: 3", "count: 4")).expect("a file");
    }
    assert_ne!(plan(&run("two_node_fci").1), plan(&standard));
    for named in ["mine", "topologies/mine", "two_node_fci"] {
        assert_eq!(plan(&run(named).1), plan(&run("topologies/mine.yaml").1), "{named}");
    }
    let hidden = failover(path, &["run", "cluster/owner_power_off", "--topology", "two_node_fci"]).1;
    assert!(hidden.contains("`two_node_fci` is the file `topologies/two_node_fci.yaml` here; "), "{hidden}");
    assert_eq!(plan(&run("standard:two_node_fci").1), plan(&standard));
    let (code, text, error) = run("two_node_fcj");
    assert_eq!((code, text.as_str()), (2, ""));
    assert!(error.contains("hint: did you mean `two_node_fci`?"), "{error}");
    let bench = |topology: &str| {
        failover(path, &["bench", "reconnect", "--topology", topology, "--failovers", "1"]).0
    };
    assert_eq!((bench("mine"), bench("standard:two_node_fci")), (0, 0));
    let lab = ["lab", "plan", "cluster/planned_move_there_and_back", "--lab", "twin", "--topology", "mine"];
    let (code, text, error) = failover(path, &lab);
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
}

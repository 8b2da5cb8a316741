//! Can a topology name the settings files and certificates of a configuration repository?

use std::path::Path;
use std::process::{Command, Output};

use failover_harness::plan::Overrides;
use failover_harness::scenario::{origin_on, plan};
use failover_sim::twin::{Twin, TwinOptions};

fn failover(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_failover"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().expect("it ended by itself"), text(&stdout) + &text(&stderr))
}

/// A folder with the files of the guide's cluster as a twin of it has them, and a topology that names them.
fn repository() -> tempfile::TempDir {
    let steps = "proves: nothing\nabout: { topology: two_node_fci }\nsteps:\n- hold: { for: 1s, role: { state: online } }\n";
    let origin = origin_on("two_node_fci", Overrides::default(), steps).expect("it is carried");
    let plan = plan("files", &origin, 1).expect("it is right");
    let options = TwinOptions::with_factor(20);
    let twin =
        Twin::start(&plan.topology, &plan.names, &plan.loads, plan.choices(), options).expect("a twin");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for host in ["NODE1", "NODE2", "w1"] {
        let kind = if host == "w1" { "Worker" } else { "Master" };
        let from = twin.folder().join(host).join("DTS/Binn");
        let to = folder.path().join(host);
        std::fs::create_dir(&to).expect("a folder");
        for file in [format!("{kind}Settings.config"), format!("SSISScaleOut{kind}.cer")] {
            std::fs::copy(from.join(&file), to.join(&file)).expect("the twin has it");
        }
    }
    std::fs::write(folder.path().join("mine.yaml"), TOPOLOGY).expect("a file");
    folder
}

const TOPOLOGY: &str = "\
based_on: two_node_fci
certificates:
  master: { file: NODE1/SSISScaleOutMaster.cer }
nodes:
  - name: NODE1
    master_settings: { file: NODE1/MasterSettings.config }
  - name: NODE2
    master_settings: { file: NODE2/MasterSettings.config }
workers:
  - name: w
    worker_settings: { file: w1/WorkerSettings.config }
";

const RUN: [&str; 5] = ["run", "cluster/planned_move_there_and_back", "--topology", "mine.yaml", "-v"];

fn change(folder: &Path, file: &str, old: &str, new: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains(old), "`{old}` stands in {text}");
    std::fs::write(path, text.replacen(old, new, 1)).expect("a file");
}

#[test]
fn a_right_repository_passes_and_its_history_is_judged_without_the_files() {
    let folder = repository();
    let (code, told) = failover(folder.path(), &[&RUN[..], &["--histories", "kept"]].concat());
    assert_eq!(code, 0, "{told}");
    for file in ["NODE1", "NODE2", "w1"] {
        std::fs::remove_dir_all(folder.path().join(file)).expect("it is there");
    }
    let (code, told) = failover(folder.path(), &["judge", "kept/cluster-planned_move_there_and_back.jsonl"]);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_mistake_in_a_file_shows_after_the_failover() {
    let folder = repository();
    change(folder.path(), "NODE2/MasterSettings.config", "\"PortNumber\": 8391", "\"PortNumber\": \"8392\"");
    let (code, told) = failover(folder.path(), &RUN);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("endpoint_not_found"), "{told}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_at_the_place_that_names_it() {
    let told = |file: &str, old: &str, new: &str| {
        let folder = repository();
        change(folder.path(), file, old, new);
        let (code, told) = failover(folder.path(), &RUN);
        assert_eq!(code, 2, "{told}");
        told
    };
    let port = told("NODE2/MasterSettings.config", "\"PortNumber\": 8391", "\"PortNumber\": \"many\"");
    assert!(port.contains("`PortNumber` is `many`, expected a whole number from 1 to 65535"), "{port}");
    assert!(port.contains("--> mine.yaml:"), "{port}");
    let backslash = told("NODE1/MasterSettings.config", "sqlfci", "sqlfci\\INSTANCE");
    assert!(
        backslash.contains("is no JSON object") && backslash.contains("hint: a backslash is written twice"),
        "{backslash}"
    );
    let pin = told(
        "w1/WorkerSettings.config",
        "\"MasterHttpsCertThumbprint\": \"",
        "\"MasterHttpsCertThumbprint\": \"00",
    );
    assert!(pin.contains("and no certificate here has this thumbprint"), "{pin}");
    // A key that the file leaves out is not as in the topology that this one is based on.
    let missing = told("NODE2/MasterSettings.config", "\"SqlServerName\"", "\"Own\"");
    assert!(missing.contains("needs the field `SqlServerName`"), "{missing}");
    let folder = repository();
    std::fs::remove_file(folder.path().join("w1/WorkerSettings.config")).expect("it is there");
    let (code, told) = failover(folder.path(), &RUN);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("cannot read `w1/WorkerSettings.config`"), "{told}");
}

#[test]
fn what_the_topology_says_itself_goes_before_the_file() {
    let folder = repository();
    change(folder.path(), "NODE2/MasterSettings.config", "\"PortNumber\": 8391", "\"PortNumber\": 8392");
    let (code, told) = failover(folder.path(), &RUN);
    assert_eq!(code, 1, "the file goes before what the topology is based on: {told}");
    let file = "NODE2/MasterSettings.config";
    change(
        folder.path(),
        "mine.yaml",
        &format!("{{ file: {file} }}"),
        &format!("{{ file: {file}, PortNumber: 8391 }}"),
    );
    let (code, told) = failover(folder.path(), &RUN);
    assert_eq!(code, 0, "{told}");
}

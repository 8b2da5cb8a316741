//! Do dependencies point one way, and is nothing in the project that belongs to one machine or is not finished?

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use failover_tests::{root, text_of};

/// The names of all packages that `cargo tree` shows with these arguments.
fn packages(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names are text");
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check_absent(arguments: &[&str], unwanted: &[&str]) {
    let found = packages(arguments);
    assert!(found.iter().any(|name| name.starts_with("failover-")), "{found:?}");
    for name in &found {
        assert!(!unwanted.iter().any(|unwanted| name.starts_with(unwanted)), "`{name}` with {arguments:?}");
    }
}

#[test]
fn the_model_alone_has_no_sockets_no_tls_and_no_runtime() {
    let model = ["-p", "failover-sim", "--no-default-features", "--edges", "normal,build"];
    check_absent(
        &model,
        &["tokio", "rustls", "ring", "hyper", "rcgen", "mio", "socket2", "failover-harness"],
    );
}

#[test]
fn the_model_twin_and_all_does_not_know_the_harness() {
    let model = ["-p", "failover-sim", "--all-features", "--edges", "normal,build"];
    check_absent(&model, &["failover-harness", "failover-tests", "failover-benches", "clap"]);
}

/// The lock file has the packages of every feature and every target.
#[test]
fn nothing_brings_a_second_cryptography_or_a_library_of_the_system() {
    let lock = text_of("Cargo.lock");
    let names: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")).collect();
    assert!(names.len() > 50 && names.iter().any(|name| name.starts_with("rustls\"")));
    for name in names {
        let unwanted = ["aws-lc", "openssl", "native-tls", "schannel"];
        assert!(!unwanted.iter().any(|unwanted| name.starts_with(unwanted)), "`{name}` in Cargo.lock");
    }
}

#[test]
fn no_file_names_a_path_of_this_machine_or_is_left_unfinished() {
    // Taken apart, so that this file does not find itself.
    let unwanted = [
        ["/work", "/"],
        ["/tmp", "/"],
        ["/home", "/"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["#[", "ignore"],
    ]
    .map(|parts| parts.concat());
    let mut complaints = Vec::new();
    let mut files = 0;
    walk(&root(), &mut |path, text| {
        files += 1;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(found) = unwanted.iter().find(|unwanted| line.contains(unwanted.as_str())) {
                complaints.push(format!("{}:{number}: `{found}`", path.display()));
            }
        }
    });
    assert!(files > 80, "{files} files");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Every file of the project that is text, but what is built and what git keeps for itself.
fn walk(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry of a folder").path();
        let name = path.file_name().unwrap_or_default();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, look);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            look(&path, &text);
        }
    }
}

//! Is the architecture what its page says?

use std::io::Write;
use std::process::Command;

use failover_tests::root;

fn tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs these tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_model_depends_on_nothing() {
    let tree = tree(&["--package", "failover-sim", "--no-default-features"]);
    assert_eq!(tree.lines().count(), 1, "{tree}");
}

#[test]
fn there_is_one_crypto_provider() {
    let tree = tree(&["--workspace", "--all-features"]);
    assert!(tree.contains("ring v"), "{tree}");
    assert!(!tree.contains("aws-lc"), "two providers in one tree panic at run time");
}

#[test]
fn no_file_names_this_machine_or_leaves_work_undone() {
    let output = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        let said = std::io::stderr().write_all(b"skipped: this is no checkout that git knows\n");
        return said.expect("standard error takes a line");
    };
    // In parts, so that this file does not name them.
    let forbidden = [["/wo", "rk/"], ["todo", "!("], ["#[ign", "ore"], ["unimpl", "emented!("]];
    let mut read = 0;
    for file in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        read += 1;
        for parts in &forbidden {
            let word = parts.concat();
            assert!(!text.contains(&word), "{file} contains `{word}`");
        }
    }
    assert!(read > 50, "{read} files were read");
}

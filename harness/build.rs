//! Lists the standard scenarios and topologies, so that the program carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    // Asked when it runs: a built script may be used again where the repository lies elsewhere.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&own).join("../scenarios");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut list = String::from("[\n");
    for file in files {
        let below = file.strip_prefix(&folder).expect("it was found there").with_extension("");
        let name: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let path = file.canonicalize().expect("it is there");
        // Writing to a string cannot fail.
        let _ = writeln!(list, "    ({:?}, include_str!({path:?})),", name.join("/"));
    }
    list.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("standard_files.rs");
    std::fs::write(out, list).expect("cargo's own folder can be written to");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder of the scenarios") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
}

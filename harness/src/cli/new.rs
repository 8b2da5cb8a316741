//! `failover new`: with what does somebody begin who has a cluster of their own?

use std::path::Path;

use crate::plan::{path_text, quoted};
use crate::scenario::{scenario_schema, standard, topology_schema};

use super::files::{cannot_write, check_folder};
use super::{CommandError, NewArguments, print};

pub(super) fn new(arguments: &NewArguments) -> Result<u8, CommandError> {
    let folder = &arguments.folder;
    let files = files();
    let there: Vec<String> = files
        .iter()
        .map(|(name, _)| folder.join(name))
        .filter(|file| file.symlink_metadata().is_ok())
        .map(|file| format!("`{}`", path_text(&file)))
        .collect();
    if !there.is_empty() {
        let there = there.join(", ");
        return Err(CommandError::Input(format!(
            "nothing was written: there is already {there}\nhint: name a folder without these files"
        )));
    }
    check_folder(folder)?;
    let mut written = String::new();
    for (name, text) in files {
        let file = folder.join(name);
        write(&file, &text).map_err(|error| cannot_write(&file, &error))?;
        written.push_str(&format!("wrote {}\n", path_text(&file)));
    }
    let folder = quoted(&path_text(folder));
    print(&format!(
        "{written}\nWhat to do next:\n  cd {folder}\n  failover run .\n  and make topologies/mine.yaml the \
         cluster that you have; README.md says more\n"
    ))?;
    Ok(0)
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create_new(file).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
}

fn files() -> Vec<(&'static str, String)> {
    let topology = standard::topology("two_node_fci").expect("a standard topology").text;
    vec![
        ("README.md", include_str!("starter/README.md").to_owned()),
        (
            "topologies/mine.yaml",
            format!("# yaml-language-server: $schema=../schemas/topology.json\n{topology}"),
        ),
        ("cluster/planned_move.yaml", include_str!("starter/planned_move.yaml").to_owned()),
        ("schemas/scenario.json", format!("{:#}\n", scenario_schema())),
        ("schemas/topology.json", format!("{:#}\n", topology_schema())),
        (".github/workflows/failover.yml", include_str!("starter/github.yml").to_owned()),
        (".gitlab-ci.yml", include_str!("starter/gitlab.yml").to_owned()),
    ]
}

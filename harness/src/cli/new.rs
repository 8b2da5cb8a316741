//! `failover new`: with what does somebody begin who has a cluster of their own?

use crate::plan::{path_text, quoted};
use crate::scenario::{scenario_schema, standard, topology_schema};

use super::files::{check_folder, write_all_new};
use super::{CommandError, NewArguments, print};

pub(super) fn new(arguments: &NewArguments) -> Result<u8, CommandError> {
    let folder = &arguments.folder;
    let files = files().map(|(name, text)| (folder.join(name), text));
    let there: Vec<String> = files
        .iter()
        .filter(|(file, _)| file.symlink_metadata().is_ok())
        .map(|(file, _)| format!("`{}`", path_text(file)))
        .collect();
    if !there.is_empty() {
        let there = there.join(", ");
        return Err(CommandError::Input(format!(
            "nothing was written: there is already {there}\nhint: name a folder without these files"
        )));
    }
    check_folder(folder)?;
    write_all_new(&files)?;
    let written: String = files.iter().map(|(file, _)| format!("wrote {}\n", path_text(file))).collect();
    let folder = quoted(&path_text(folder));
    print(&format!(
        "{written}\nWhat to do next:\n  cd {folder}\n  failover run .\n  and make topologies/mine.yaml the \
         cluster that you have; README.md says more\n"
    ))?;
    Ok(0)
}

fn files() -> [(&'static str, String); 7] {
    let topology = standard::topology("two_node_fci").expect("a standard topology").text;
    [
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

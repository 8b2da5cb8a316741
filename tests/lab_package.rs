//! Is what `failover lab package` writes a whole project, and do its parts agree with each other and with the session's script?

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::process::Command;

use failover_harness::backend::lab::PACKAGE;
use failover_harness::backend::lab::package::{WITNESS, project};
use failover_harness::backend::lab::script::SCRIPT;
use roxmltree::{Document, Node};

#[path = "powershell.rs"]
#[expect(dead_code, reason = "nothing but its syntax is of interest here")]
mod powershell;

const SSIS: &str = "www.microsoft.com/SqlServer/SSIS";
const DTS: &str = "www.microsoft.com/SqlServer/Dts";

fn parts() -> BTreeMap<String, String> {
    let bytes = project().expect("it fits into memory");
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).expect("a part");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("text");
            (file.name().expect("plain letters").into_owned(), text)
        })
        .collect()
}

fn attribute<'n>(node: Node<'n, '_>, space: &str, name: &str) -> &'n str {
    node.attribute((space, name)).unwrap_or_else(|| panic!("{name} of {:?}", node.tag_name()))
}

/// The properties below a node, by their names.
fn properties<'n>(node: Node<'n, '_>) -> BTreeMap<&'n str, &'n str> {
    let list = node.children().find(|child| child.has_tag_name((SSIS, "Properties"))).expect("properties");
    let own = list.children().filter(Node::is_element);
    own.map(|one| (attribute(one, SSIS, "Name"), one.text().unwrap_or_default())).collect()
}

#[test]
fn every_part_is_there_and_is_xml_of_a_known_type() {
    let parts = parts();
    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    let package = format!("{PACKAGE}.dtsx");
    assert_eq!(names, ["@Project.manifest", "Project.params", "[Content_Types].xml", &package]);
    for (name, text) in &parts {
        Document::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let types = Document::parse(&parts["[Content_Types].xml"]).expect("it was read");
    let known: Vec<&str> = types.descendants().filter_map(|node| node.attribute("Extension")).collect();
    for name in names.iter().filter(|name| **name != "[Content_Types].xml") {
        assert!(known.contains(&name.rsplit('.').next().expect("an extension")), "{name}");
    }
    assert_eq!(project().ok(), project().ok(), "the same bytes every time");
}

#[test]
fn manifest_and_package_tell_the_same() {
    let parts = parts();
    let manifest = Document::parse(&parts["@Project.manifest"]).expect("it was read");
    let package = Document::parse(&parts[&format!("{PACKAGE}.dtsx")]).expect("it was read");
    let in_manifest = |name: &str| {
        let mut found = manifest.descendants().filter(|node| node.has_tag_name((SSIS, name)));
        found.next().unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(properties(in_manifest("Project"))["Name"], PACKAGE);
    assert_eq!(attribute(in_manifest("Package"), SSIS, "Name"), format!("{PACKAGE}.dtsx"));
    let told = properties(in_manifest("PackageMetaData"));
    let root = package.root_element();
    for (name, attribute_name) in [("ID", "DTSID"), ("Name", "ObjectName"), ("VersionGUID", "VersionGUID")] {
        assert_eq!(told[name], attribute(root, DTS, attribute_name));
    }
    let parameter = properties(in_manifest("Parameter"));
    let own = package.descendants().find(|node| node.has_tag_name((DTS, "PackageParameter")));
    let own = own.expect("a parameter");
    assert_eq!(parameter["ID"], attribute(own, DTS, "DTSID"));
    assert_eq!(parameter["Name"], attribute(own, DTS, "ObjectName"));
    // Int32: by VarEnum there, by System.TypeCode here.
    assert_eq!((attribute(own, DTS, "DataType"), parameter["DataType"]), ("3", "9"));
    assert!(SCRIPT.contains(&format!("@('@parameter_name', 'NVarChar', '{}')", parameter["Name"])));
}

#[test]
fn the_task_writes_what_the_session_reads() {
    let parts = parts();
    let package = Document::parse(&parts[&format!("{PACKAGE}.dtsx")]).expect("it was read");
    let expression = package.descendants().find(|node| node.has_tag_name((DTS, "PropertyExpression")));
    let expression = expression.and_then(|node| node.text()).expect("arguments");
    assert!(
        expression.contains("@[System::ServerExecutionID]") && expression.contains("@[$Package::Seconds]")
    );
    // Between quotes of an expression within quotes of a command line.
    let script = expression.split_once("& { ").and_then(|(_, rest)| rest.split_once(" } \" + "));
    let (script, _) = script.expect("a script");
    assert!(!script.contains(['"', '\\', '\n']), "{script}");
    assert!(script.len() < 4_000, "{}", script.len());
    assert_eq!(powershell::faults(script), Vec::<String>::new());
    assert_eq!(powershell::faults(WITNESS), Vec::<String>::new());
    assert_eq!(powershell::commands(script), powershell::commands(WITNESS));
    for both in ["failover-lab", "witness.txt"] {
        assert!(script.contains(both) && SCRIPT.contains(both), "{both}");
    }
    assert!(script.contains("@($Word, $Execution, $env:COMPUTERNAME, [datetime]::UtcNow.Ticks, $PID)"));
    assert!(SCRIPT.contains("$words.Count -ne 5"));
}

#[test]
fn it_is_written_once_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("p.ispac");
    let write = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failover-copy"));
        command.args(["lab", "package", "--write"]).arg(&file).output().expect("it runs")
    };
    let first = write();
    assert_eq!(first.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&first.stdout).contains("docs/lab.md"));
    assert_eq!(std::fs::read(&file).ok(), project().ok());
    let second = write();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).starts_with("error: cannot write "));
}

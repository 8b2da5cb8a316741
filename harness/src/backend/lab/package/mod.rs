//! What do executions of a lab run?
//!
//! A project with one package, whose one task starts `powershell.exe`: it writes a line into the witness file of its worker,
//! sleeps, and writes another one. It needs no connection, so that nothing but the worker carries it. The format is that of
//! minimal projects that others deploy (observed in the tests of dbatools; no page describes it as a whole): a zip with the
//! manifest, the parameters of the project, the package, and the types of its parts. A parameter has the type 3 in the package
//! and 9 in the manifest, both Int32 (observed there).

use std::io::{self, Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What the package does, in PowerShell.
pub const WITNESS: &str = include_str!("witness.ps1");

/// The file of the project, as `catalog.deploy_project` takes it. The same bytes every time.
///
/// # Errors
/// If it cannot be packed.
pub fn project() -> io::Result<Vec<u8>> {
    let dtsx = PACKAGE.replace("{{ arguments }}", &escaped(&arguments()));
    let parts = [
        ("failover-lab.dtsx", dtsx.as_str()),
        ("Project.params", PARAMETERS),
        ("@Project.manifest", MANIFEST),
    ];
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts.into_iter().chain([("[Content_Types].xml", TYPES)]) {
        zip.start_file(name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The arguments of `powershell.exe`, as an expression of SSIS: the id of the execution is a variable of the system
/// (System::ServerExecutionID, documented), the duration a parameter.
fn arguments() -> String {
    format!(
        "\"-NoLogo -NoProfile -NonInteractive -Command \\\"& {{ {} }} \" + (DT_WSTR, 20) @[System::ServerExecutionID] + \" \" + \
         (DT_WSTR, 20) @[$Package::Seconds] + \"\\\"\"",
        one_line(WITNESS)
    )
}

/// The script between quotes.
fn one_line(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const PACKAGE: &str = include_str!("package.dtsx");
const MANIFEST: &str = include_str!("project.manifest");
const PARAMETERS: &str =
    "<?xml version=\"1.0\"?>\n<SSIS:Parameters xmlns:SSIS=\"www.microsoft.com/SqlServer/SSIS\" />\n";
const TYPES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"dtsx\" ContentType=\"text/xml\" /><Default Extension=\"params\" ContentType=\"text/xml\" />\
    <Default Extension=\"manifest\" ContentType=\"text/xml\" /></Types>\n";

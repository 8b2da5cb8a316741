//! Which real files does a topology name, and what do they say?
//!
//! Settings files of nodes and workers, and certificates, stand in a topology by their paths, which are relative to the
//! topology's own file. What the topology says itself goes before what a file says, and that before what it is based on.
//! When a certificate expires is not taken over: that depends on the day, and a run must not; `failover preflight` looks at it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use failover_sim::settings_file::{
    Key, MASTER, Setting, WORKER, decode, read, sql_host, without_unknown_values,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::bounded;
use crate::plan::path_text;
use crate::probe::Presented;
use crate::words;

use super::diagnostic::Fault;
use super::tree::{Span, Tree, Value};

/// Reads every file that a topology names: settings as text, certificates as the digits of their DER form.
///
/// # Errors
/// Every file that cannot be read, at the place of its name.
pub(super) fn gather(tree: &Tree, folder: &Path) -> Result<BTreeMap<String, String>, Vec<Fault>> {
    let mut files = BTreeMap::new();
    let mut faults = Vec::new();
    let mut tree = tree.clone();
    each(&mut tree, &mut |kind, _, span, name, _| {
        let path = folder.join(name);
        let bytes = match bounded::read_file(&path, bounded::MOST) {
            Ok(bytes) => bytes,
            Err(error) => {
                let fault = Fault::new(format!("cannot read `{}`: {error}", path_text(path)), span);
                faults.push(fault.with_label("relative to the topology's own file"));
                return;
            }
        };
        let content = match kind {
            Kind::Certificate => certificate(&bytes).ok_or_else(|| {
                let fault = Fault::new(format!("`{name}` is no certificate"), span);
                fault.with_label("expected one in PEM or DER form, without a key")
            }),
            Kind::Master => settings(name, &bytes, MASTER, span),
            Kind::Worker => settings(name, &bytes, WORKER, span),
        };
        match content {
            Ok(content) => drop(files.insert(name.to_owned(), content)),
            Err(fault) => faults.push(fault),
        }
    });
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// A settings file as it is kept, in histories too: without the values of keys that may hold anything.
fn settings(name: &str, bytes: &[u8], keys: &[Key], span: Span) -> Result<String, Fault> {
    let text = decode(name, bytes).map_err(|error| Fault::new(error.to_string(), span))?;
    Ok(without_unknown_values(&text, keys))
}

/// Puts what the files say into the topology; from `base` on lie the places of what it is based on.
pub(super) fn fill(tree: &mut Tree, files: &BTreeMap<String, String>, base: u32, faults: &mut Vec<Fault>) {
    let mut thumbprints: Vec<(String, String)> = Vec::new();
    each(tree, &mut |kind, owner, span, name, said| {
        let Some(content) = files.get(name) else {
            return faults.push(Fault::new(format!("`{name}` was not read"), span));
        };
        // A file says all of it: what it leaves out is not as in the topology that this one is based on.
        if span.start < base {
            said.retain(|(key, _)| key.span.start < base);
        }
        match kind {
            Kind::Certificate => fill_certificate(content, span, said),
            Kind::Master => fill_settings(name, content, (MASTER, owner), span, said, faults),
            Kind::Worker => fill_settings(name, content, (WORKER, owner), span, said, faults),
        }
    });
    // Files say which certificate by its thumbprint, the topology by its name.
    if let Some(Value::Mapping(certificates)) = part(tree, "certificates").map(|tree| &tree.value) {
        for (name, certificate) in certificates {
            if let (Some(name), Some(thumbprint)) = (name.name(), part(certificate, "thumbprint")) {
                thumbprints.push((digits(&thumbprint.name().unwrap_or_default()), name.into_owned()));
            }
        }
    }
    each(tree, &mut |kind, _, span, name, said| {
        let key = match kind {
            Kind::Certificate => return,
            Kind::Master => "SSLCertThumbprint",
            Kind::Worker => "MasterHttpsCertThumbprint",
        };
        // What the topology says itself is a name already.
        let from_file = said.iter_mut().find(|(own, value)| {
            own.span == span && value.span == span && own.name().as_deref() == Some(key)
        });
        let Some((_, value)) = from_file else { return };
        let written = value.name().unwrap_or_default().into_owned();
        match thumbprints.iter().find(|(thumbprint, _)| *thumbprint == digits(&written)) {
            Some((_, certificate)) => value.value = Value::Text(certificate.clone()),
            None => {
                let message =
                    format!("`{name}`: `{key}` is `{written}`, and no certificate here has this thumbprint");
                faults.push(Fault::new(message, span).with_label("in this file").with_hint(
                    "name the certificate among `certificates`, with its `file` or its `thumbprint`",
                ));
            }
        }
    });
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Certificate,
    Master,
    Worker,
}

type Said = Vec<(Tree, Tree)>;
type Visit<'v> = dyn FnMut(Kind, &str, Span, &str, &mut Said) + 'v;

/// Goes to every mapping that names a file: its kind, the name of the machine that has it, the place and the name of the
/// file, and the mapping.
fn each(tree: &mut Tree, visit: &mut Visit<'_>) {
    let Value::Mapping(parts) = &mut tree.value else { return };
    for (name, part) in parts {
        match (name.name().as_deref(), &mut part.value) {
            (Some("certificates"), Value::Mapping(certificates)) => {
                certificates.iter_mut().for_each(|(_, one)| visit_one(Kind::Certificate, "", one, visit));
            }
            (Some("nodes"), Value::Sequence(nodes)) => in_each(nodes, "master_settings", Kind::Master, visit),
            (Some("workers"), Value::Sequence(workers)) => {
                in_each(workers, "worker_settings", Kind::Worker, visit);
            }
            _ => {}
        }
    }
}

fn in_each(elements: &mut [Tree], key: &str, kind: Kind, visit: &mut Visit<'_>) {
    for element in elements {
        let owner = part(element, "name").and_then(Tree::name).unwrap_or_default().into_owned();
        let Value::Mapping(entries) = &mut element.value else { continue };
        for (_, settings) in entries.iter_mut().filter(|(name, _)| name.name().as_deref() == Some(key)) {
            visit_one(kind, &owner, settings, visit);
        }
    }
}

fn visit_one(kind: Kind, owner: &str, tree: &mut Tree, visit: &mut Visit<'_>) {
    let Some(file) = part(tree, "file") else { return };
    // A file's name that is no text is told when the topology is read.
    let (span, Value::Text(name)) = (file.span, file.value.clone()) else { return };
    if let Value::Mapping(said) = &mut tree.value {
        visit(kind, owner, span, &name, said);
    }
}

fn part<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    let Value::Mapping(entries) = &tree.value else { return None };
    entries.iter().find(|(name, _)| name.name().as_deref() == Some(key)).map(|(_, value)| value)
}

/// Adds a key with a value, both at the place of the file's name, unless the topology says it itself.
fn add(said: &mut Said, span: Span, key: &str, value: Value) {
    if !said.iter().any(|(name, _)| name.name().as_deref() == Some(key)) {
        said.push((Tree { span, value: Value::Text(key.to_owned()) }, Tree { span, value }));
    }
}

fn fill_settings(
    file: &str,
    text: &str,
    (keys, owner): (&[Key], &str),
    span: Span,
    said: &mut Said,
    faults: &mut Vec<Fault>,
) {
    let settings = match read(file, text, keys) {
        Ok(settings) => settings,
        Err(error) => {
            let fault = Fault::new(error.to_string(), span).with_label("in this file");
            return faults.push(fault.with_hint(r"a backslash is written twice: `SQLFCI\\INSTANCE`"));
        }
    };
    let wrong = settings.wrong.iter();
    faults.extend(wrong.map(|error| Fault::new(error.to_string(), span).with_label("in this file")));
    for (key, setting) in settings.set.into_iter().filter(|(key, _)| TAKEN.contains(key)) {
        let value = match setting {
            Setting::Whole(number) => Value::Integer(i128::from(number)),
            Setting::Time(time) => Value::Text(words::length(time)),
            Setting::Text(text) if key == "SqlServerName" => Value::Text(sql_host(&text, owner).to_owned()),
            Setting::Text(text) => Value::Text(text),
            Setting::Number(number) => Value::Float(number),
            Setting::Flag(flag) => Value::Bool(flag),
        };
        add(said, span, key, value);
    }
}

/// The keys that a failover depends on; the others are read, checked and left alone.
const TAKEN: [&str; 13] = [
    "PortNumber",
    "SSLCertThumbprint",
    "SqlServerName",
    "DealWithExpiredTasksIntervalInMs",
    "MasterHeartbeatIntervalInMs",
    "SqlConnectionTimeoutInSecs",
    "MasterEndpoint",
    "MasterHttpsCertThumbprint",
    "AgentHeartbeatInterval",
    "TaskHeartbeatInterval",
    "HeartbeatErrorTollerance",
    "LeaseInternval",
    "MaxTaskCount",
];

fn fill_certificate(der: &str, span: Span, said: &mut Said) {
    let bytes: Vec<u8> =
        (0..der.len() / 2).filter_map(|at| u8::from_str_radix(&der[2 * at..2 * at + 2], 16).ok()).collect();
    let presented = Presented::read(&bytes);
    let names = |names: Vec<String>| {
        Value::Sequence(names.into_iter().map(|name| Tree { span, value: Value::Text(name) }).collect())
    };
    add(said, span, "thumbprint", Value::Text(presented.thumbprint.to_string()));
    if let Some(content) = presented.content {
        add(said, span, "common_names", names(content.common_names));
        if let Some(alternative_names) = content.alternative_names {
            add(said, span, "alternative_names", names(alternative_names));
        }
    }
}

/// The DER form of a certificate, as hexadecimal digits.
fn certificate(bytes: &[u8]) -> Option<String> {
    let der = match CertificateDer::from_pem_slice(bytes) {
        Ok(der) => der.as_ref().to_vec(),
        Err(_) => bytes.to_vec(),
    };
    Presented::read(&der).content?;
    let mut text = String::with_capacity(2 * der.len());
    for byte in der {
        write!(text, "{byte:02x}").expect("memory can be written to");
    }
    Some(text)
}

fn digits(thumbprint: &str) -> String {
    thumbprint.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect()
}

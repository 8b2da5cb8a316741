//! What does a person need to know to use a twin?

use std::net::SocketAddr;
use std::path::Path;

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::topology::{Target, WorkerMachine};
use failover_sim::twin::Twin;

use crate::plan::{Plan, quoted};
use crate::words::counted;

use super::HEADER;

/// Endpoint, names, files, and commands to copy.
pub(super) fn card(plan: &Plan, twin: &Twin, factor: u32, control: SocketAddr) -> String {
    let Plan { topology, names, .. } = plan;
    let host = names.host(topology.endpoint);
    let endpoint = twin.endpoint();
    let port = endpoint.port();
    let nodes: Vec<String> = (0..topology.nodes.len())
        .map(|index| NodeId(index as u8))
        .map(|node| format!("{} {}", names.node(node), address_of(twin, Target::Node(node))))
        .collect();
    let folder = twin.folder();
    let (count, workers) = (counted(topology.nodes.len(), "node"), counted(topology.workers.len(), "worker"));
    let mut text = format!(
        "twin of {}: {count}, {workers}; {} of the cluster in a real one\n",
        plan.origin.topology_file,
        counted(factor as usize, "second")
    );
    text.push_str(&format!("  endpoint  https://{host}:{port}/ClusterManagement/ at {}\n", endpoint.ip()));
    text.push_str(&format!("  nodes     {}\n", nodes.join(", ")));
    if twin.has_one_address() {
        text.push_str("  ports     each node and each address of the cluster has one of its own, all at one loopback address\n");
    }
    text.push_str(&format!("  files     {}\n", folder.display()));
    text.push_str(&format!("  control   http://{control}, its token in control.json there\n"));
    if let Some(first) = topology.workers.first()
        && let Some(files) = files(folder, plan, WorkerId(0), first)
    {
        text.push_str(&clients(&files, host, endpoint));
    }
    text.push_str(&controls(folder, control));
    text
}

/// The files that a client needs who is taken for a worker.
struct Files {
    worker: String,
    certificate: String,
    key: String,
    master: String,
}

fn files(folder: &Path, plan: &Plan, worker: WorkerId, machine: &WorkerMachine) -> Option<Files> {
    let names = &plan.names;
    let host = folder.join(names.worker(worker)).join("LocalMachine");
    let (own, master) = (names.certificate(machine.own?), names.certificate(machine.pin?));
    let file = |store: &str, name: &str, ending: &str| {
        let file = host.join(store).join(format!("{name}.{ending}"));
        file.exists().then(|| quoted(&file.display().to_string()))
    };
    Some(Files {
        worker: names.worker(worker).to_owned(),
        certificate: file("My", own, "pem")?,
        key: file("My", own, "key")?,
        master: file("Root", master, "pem")?,
    })
}

fn clients(files: &Files, host: &str, endpoint: SocketAddr) -> String {
    let Files { worker, certificate, key, master } = files;
    let (ip, port) = (endpoint.ip(), endpoint.port());
    let beat = r#"'{"verb":"agent_heartbeat"}'"#;
    format!(
        "
taken for {worker} (200; without its certificate 403):
  curl --resolve {host}:{port}:{ip} --cacert {master} --cert {certificate} --key {key} -d {beat} https://{host}:{port}/ClusterManagement/
  openssl s_client -connect {endpoint} -servername {host} -CAfile {master} -verify_hostname {host} -verify_return_error -cert {certificate} -key {key}
from outside:
  failover probe https://{host}:{port} --resolve {host}={ip}
"
    )
}

fn controls(folder: &Path, control: SocketAddr) -> String {
    let header = quoted(&format!("@{}", folder.join(HEADER).display()));
    let file = quoted(&folder.join(super::CONTROL).display().to_string());
    format!(
        "
what happens, and a failover:
  curl -N -H {header} http://{control}/observations
  echo 'power_off: {{ node: owner }}' | failover twin do - --control {file}
"
    )
}

fn address_of(twin: &Twin, target: Target) -> String {
    let found = twin.addresses().find(|(known, _)| *known == target);
    match found {
        Some((_, address)) if twin.has_one_address() => address.to_string(),
        Some((_, address)) => address.ip().to_string(),
        None => "nowhere".to_owned(),
    }
}

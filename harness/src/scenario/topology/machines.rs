//! How are nodes and workers set up?

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use failover_sim::names::CertificateId;
use failover_sim::scaleout::{MasterSettings, WorkerSettings};
use failover_sim::settings_file::endpoint;
use failover_sim::step::Shared;
use failover_sim::topology::{Node, Program, WorkerMachine};

use super::super::diagnostic::Fault;
use super::super::read::At;
use super::super::topology_document::{
    BindingWord, EnabledWord, KeyAccessWord, NodeDocument, PrivateKeyWord, WorkersDocument,
};
use super::super::tree::Span;
use super::Builder;

impl Builder<'_> {
    pub(super) fn workers(&mut self, groups: &[At<WorkersDocument>]) -> Vec<WorkerMachine> {
        let mut machines = Vec::new();
        let mut taken: BTreeSet<String> = self.names.certificates.iter().cloned().collect();
        for group in groups {
            let document = &group.value;
            let Some(settings) = self.worker_settings(document) else { continue };
            let settings = Shared::new(settings);
            let pin = self.find_certificate(&document.worker_settings.master_https_cert_thumbprint);
            let mut root: Vec<_> =
                document.root.iter().filter_map(|name| self.find_certificate(name)).collect();
            root.sort_unstable();
            let program = document.program.as_ref().map(|program| {
                Shared::new(Program { command: program.value.clone(), folder: PathBuf::new() })
            });
            if let Some(program) = document.program.as_ref().filter(|program| program.value.is_empty()) {
                let fault = Fault::new("`program` names nothing", program.span);
                self.faults.push(fault.with_label("expected `[ PROGRAM, ARGUMENT ]`"));
            }
            for number in 1..=document.count {
                let name = match document.count {
                    1 => document.name.value.clone(),
                    _ => format!("{}{number}", document.name.value),
                };
                if self.certificates.len() > usize::from(u16::MAX) {
                    let message = "more than 65,535 certificates: each worker has one".to_owned();
                    self.faults.push(Fault::new(message, document.name.span).with_label("too many workers"));
                    return machines;
                }
                if !taken.insert(name.clone()) {
                    let message = format!("there is a worker or a certificate `{name}` already");
                    let fault = Fault::new(message, document.name.span).with_label("the second of this name");
                    self.faults.push(fault.with_hint("a worker's certificate has the worker's name"));
                    break;
                }
                let own = self.certificate(&name, Vec::new(), None, None, None);
                machines.push(WorkerMachine {
                    settings: settings.clone(),
                    root: root.clone(),
                    pin,
                    own: Some(own),
                    key_readable: document.private_key == KeyAccessWord::Readable,
                    enabled: document.state == EnabledWord::Enabled,
                    program: program.clone(),
                });
                self.names.workers.push(name);
            }
        }
        machines
    }

    fn worker_settings(&mut self, document: &WorkersDocument) -> Option<WorkerSettings> {
        let file = &document.worker_settings;
        let Some((host, port)) = endpoint(&file.master_endpoint.value) else {
            let message = format!("`{}` is not an endpoint", file.master_endpoint.value);
            self.faults.push(
                Fault::new(message, file.master_endpoint.span)
                    .with_label("expected https://HOST:PORT")
                    .with_hint("step 7 of the guide: https, the SQL network name, and the master's port"),
            );
            return None;
        };
        let usual = WorkerSettings::with_endpoint(self.host(host), port);
        let or = |length: Option<super::super::length::Length>, usual| {
            length.map_or(usual, |length| length.0.into())
        };
        let settings = WorkerSettings {
            agent_heartbeat_interval: or(file.agent_heartbeat_interval, usual.agent_heartbeat_interval),
            task_heartbeat_interval: or(file.task_heartbeat_interval, usual.task_heartbeat_interval),
            heartbeat_error_tolerance: or(file.heartbeat_error_tollerance, usual.heartbeat_error_tolerance),
            lease_interval: or(file.lease_internval, usual.lease_interval),
            max_task_count: file.max_task_count.unwrap_or(usual.max_task_count),
            task_request_interval: or(document.task_request_interval, usual.task_request_interval),
            request_timeout: document.request_timeout.map(|length| length.0.into()),
            retry_interval: document.retry_interval.map(|length| length.0.into()),
            ..usual
        };
        let times = [
            ("AgentHeartbeatInterval", Some(settings.agent_heartbeat_interval)),
            ("TaskHeartbeatInterval", Some(settings.task_heartbeat_interval)),
            ("LeaseInternval", Some(settings.lease_interval)),
            ("task_request_interval", Some(settings.task_request_interval)),
            ("request_timeout", settings.request_timeout),
            ("retry_interval", settings.retry_interval),
        ];
        let times: Vec<(&str, Duration)> =
            times.into_iter().filter_map(|(what, time)| Some((what, time?.into()))).collect();
        self.refuse_zero(&times, document.name.span);
        Some(settings)
    }

    /// A rhythm without a period would never let time go on.
    fn refuse_zero(&mut self, times: &[(&str, Duration)], place: Span) {
        for (what, time) in times {
            if time.is_zero() {
                let message = format!("`{what}` must be longer than zero");
                self.faults.push(Fault::new(message, place).with_label("here"));
            }
        }
    }

    pub(super) fn nodes(&mut self, documents: &[At<NodeDocument>], workers: &[WorkerMachine]) -> Vec<Node> {
        let every_worker: Vec<CertificateId> = workers.iter().filter_map(|worker| worker.own).collect();
        let mut nodes = Vec::new();
        for document in documents {
            let document = &document.value;
            let mut root = Vec::new();
            for name in &document.root {
                if name.value == "workers" {
                    root.extend(&every_worker);
                } else {
                    root.extend(self.find_certificate(name));
                }
            }
            root.sort_unstable();
            root.dedup();
            let file = &document.master_settings;
            let usual = MasterSettings::with_sql_server(self.host(&file.sql_server_name.value));
            let millis = |value: Option<u64>, usual| value.map_or(usual, Duration::from_millis);
            let settings = MasterSettings {
                port: file.port_number.unwrap_or(usual.port),
                heartbeat_interval: millis(file.master_heartbeat_interval_in_ms, usual.heartbeat_interval),
                sweep_interval: millis(file.deal_with_expired_tasks_interval_in_ms, usual.sweep_interval),
                sql_connection_timeout: file
                    .sql_connection_timeout_in_secs
                    .map_or(usual.sql_connection_timeout, Duration::from_secs),
                ..usual
            };
            let times = [
                ("MasterHeartbeatIntervalInMs", settings.heartbeat_interval),
                ("DealWithExpiredTasksIntervalInMs", settings.sweep_interval),
            ];
            self.refuse_zero(&times, document.name.span);
            // A name that nobody knows is a fault, bound or not.
            let bound = self.find_certificate(&file.ssl_cert_thumbprint);
            nodes.push(Node {
                root,
                binding: bound.filter(|_| document.https_binding == BindingWord::Present),
                private_key: document.private_key == PrivateKeyWord::Present,
                master_settings: Shared::new(settings),
            });
        }
        nodes
    }
}

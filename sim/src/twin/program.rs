//! How does a program of somebody else's take a worker's place?
//!
//! It is told by environment variables where the master is and what it has to show, and is known by its certificate. It
//! has a process group of its own, or a job on Windows: what it starts ends with it.

use std::fs::File;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::names::WorkerId;

use super::TwinError;
use super::driver::{Driver, Happening};

/// What a program is told to do.
#[derive(Clone, Copy, Debug)]
enum Order {
    Stop,
    Kill,
}

/// A program that runs in a worker's place.
#[derive(Debug)]
pub(crate) struct Started {
    number: u64,
    orders: UnboundedSender<Order>,
}

/// Takes the program along when nobody waits for it any more.
struct Process(Box<dyn ChildWrapper>);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have gone by itself.
        let _ = self.0.start_kill();
    }
}

impl Driver {
    pub(crate) fn start_program(&mut self, worker: WorkerId) -> Result<(), TwinError> {
        let name = self.folder.names().worker(worker).to_owned();
        let Some(program) = &self.topology.workers[worker.index()].program else { return Ok(()) };
        let (words, folder) = (program.command.clone(), program.folder.clone());
        let failed = |source| TwinError::Program { worker: name.clone(), program: words[0].clone(), source };
        let log = self.folder.log(&self.folder.worker_host(worker));
        let output = File::create(&log).map_err(|source| TwinError::File { path: log.clone(), source })?;
        let errors = output.try_clone().map_err(|source| TwinError::File { path: log, source })?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.surroundings(worker));
        if !folder.as_os_str().is_empty() {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);
        let process = Process(command.spawn().map_err(failed)?);
        let (orders, receiver) = unbounded_channel();
        self.started += 1;
        let number = self.started;
        tokio::spawn(attend(process, receiver, (worker, number), self.sender.clone()));
        self.programs.insert(worker, Started { number, orders });
        self.ended.remove(&worker);
        Ok(())
    }

    pub(crate) fn end_program(&mut self, worker: WorkerId, kill: bool) {
        if let Some(started) = self.programs.remove(&worker) {
            // One that has ended needs no order.
            let _ = started.orders.send(if kill { Order::Kill } else { Order::Stop });
        }
    }

    pub(crate) fn program_ended(&mut self, worker: WorkerId, number: u64, how: &str) {
        if self.programs.get(&worker).is_some_and(|started| started.number == number) {
            self.programs.remove(&worker);
            let host = self.folder.worker_host(worker);
            let last = std::fs::read_to_string(self.folder.log(&host)).unwrap_or_default();
            let last = last.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map(|line| format!("; its last line: {line}")).unwrap_or_default();
            let told = format!("the program of `{host}` ended by itself: {how}{last}");
            self.notes.add(told.clone());
            self.ended.insert(worker, told);
            self.world.program_ended(worker);
        }
    }

    /// What a program is told.
    fn surroundings(&self, worker: WorkerId) -> Vec<(&'static str, String)> {
        let settings = self.world.worker_settings(worker);
        let (name, port) = (self.host_text(settings.endpoint_host), settings.endpoint_port);
        let doors = self.topology.targets_of(settings.endpoint_host).filter_map(|target| {
            let door = self.doors.iter().find(|door| door.target == target && door.port == port)?;
            Some(format!("{name}:{port}:{}:{}", door.address.ip(), door.address.port()))
        });
        let doors: Vec<String> = doors.collect();
        let host = self.folder.worker_host(worker);
        let path = |path: std::path::PathBuf| path.display().to_string();
        let trust = self.world.client_trust(worker);
        let mut told = vec![
            ("FAILOVER_WORKER", self.folder.names().worker(worker).to_owned()),
            ("FAILOVER_ENDPOINT", format!("https://{name}:{port}{}", super::message::PATH)),
            ("FAILOVER_CONNECT_TO", doors.join(",")),
            ("FAILOVER_SETTINGS", path(self.folder.settings(&host, "WorkerSettings.config").1)),
            ("FAILOVER_ROOT_STORE", path(self.folder.store(&host, "Root"))),
            ("FAILOVER_FACTOR", self.options.factor.to_string()),
        ];
        let store = self.folder.store(&host, "My");
        if let Some(own) = trust.own {
            let own = self.folder.certificate(own);
            told.push(("FAILOVER_CLIENT_CERT", path(store.join(format!("{own}.pem")))));
            if trust.key_readable {
                told.push(("FAILOVER_CLIENT_KEY", path(store.join(format!("{own}.key")))));
            }
        }
        if let Some(pin) = trust.pin {
            let thumbprint = self.certificates.get(pin).thumbprint();
            told.push(("FAILOVER_PIN", thumbprint.to_string().to_uppercase()));
        }
        told
    }
}

/// Waits for the end of a program, by itself or because somebody said so, and tells of it.
async fn attend(
    mut process: Process,
    mut orders: UnboundedReceiver<Order>,
    (worker, number): (WorkerId, u64),
    happenings: UnboundedSender<Happening>,
) {
    // Waiting closes an input that is still part of the process.
    let input = process.0.stdin().take();
    let how = tokio::select! {
        status = process.0.wait() => status.map_or_else(|error| error.to_string(), told),
        order = orders.recv() => {
            if matches!(order, Some(Order::Stop)) {
                // It sees the end of its input, and has a moment to end by itself.
                drop(input);
                let _ = timeout(GRACE, process.0.wait()).await;
            }
            return;
        }
    };
    let _ = happenings.send(Happening::ProgramEnded { worker, number, how });
}

fn told(status: ExitStatus) -> String {
    status.to_string()
}

/// How long a program may take to end when its input has, in real time.
const GRACE: Duration = Duration::from_secs(2);

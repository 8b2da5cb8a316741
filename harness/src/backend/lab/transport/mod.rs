//! How is a session with a Windows host had, where there is a Windows host?
//!
//! Every session is a program of its own in a process group of its own, which carries the session's script to the host
//! and then its requests: `powershell.exe` here, the same with a remote session over WinRM inside it, or the system's
//! `ssh`. Hosts are addressed by their own names; who the user is, and with what key or ticket, is their business. No
//! password is asked for or taken anywhere. Never run on Windows.

mod process;
mod transcript;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::plan::Plan;

use super::clock::Clock;
use super::hooks::Hooks;
use super::reach::{Host, Lab, Probe, Purpose};
use super::script;
use super::session::Connection;
use super::watch::Rhythm;

pub use process::Process;

/// What leads to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `powershell.exe` on the machine where the harness runs.
    Local,
    /// A PSSession over WinRM with Kerberos, opened in a `powershell.exe` where the harness runs. One hop: the session
    /// has no credentials for further hosts.
    Winrm,
    /// The system's OpenSSH client, with the user's configuration and agent.
    Ssh,
}

/// Where a host of a plan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name on the network, or in the configuration of `ssh`; of no use to [`Transport::Local`].
    pub name: String,
    /// What leads there.
    pub transport: Transport,
}

/// What a plan needs of a lab: where its hosts are, who probes its endpoint, and by which clock.
pub struct Ends {
    /// Where each host is that the plan has; whoever controls the machines may be missing.
    pub places: BTreeMap<Host, Place>,
    /// What controls the machines then.
    pub hooks: Hooks,
    /// The client outside the cluster.
    pub probe: Box<dyn Probe>,
    /// The clock of the run: [`WallClock`](super::clock::WallClock), but where a twin stands for the hosts.
    pub clock: Box<dyn Clock>,
    /// How often the hosts are looked at: [`RHYTHM`], if there is no reason for another one.
    pub rhythm: Rhythm,
}

/// The programs that lead to hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Windows PowerShell 5.1: `powershell.exe`, found by the system.
    pub power_shell: PathBuf,
    /// OpenSSH's client: `ssh`, found by the system.
    pub ssh: PathBuf,
    /// A configuration file for it instead of the user's own.
    pub ssh_config: Option<PathBuf>,
}

impl Default for Programs {
    fn default() -> Self {
        Self { power_shell: "powershell.exe".into(), ssh: "ssh".into(), ssh_config: None }
    }
}

impl Programs {
    /// The program that leads to a place, with its arguments. They hold no name but that of the host, behind `--`.
    pub fn command(&self, place: &Place) -> Command {
        let mut command = match place.transport {
            Transport::Local | Transport::Winrm => Command::new(&self.power_shell),
            Transport::Ssh => {
                let mut ssh = Command::new(&self.ssh);
                if let Some(config) = &self.ssh_config {
                    ssh.arg("-F").arg(config);
                }
                // -T: no terminal. BatchMode: never ask. ServerAliveInterval: three unanswered (the default of
                // ServerAliveCountMax) end a dead connection after 15 s. All documented in ssh(1) and ssh_config(5).
                ssh.args(["-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", "--", &place.name]);
                ssh.arg("powershell.exe");
                ssh
            }
        };
        command.args(script::ARGUMENTS).arg(script::bootstrap());
        command
    }

    /// Opens a session at a place: starts the program and hands the script over.
    ///
    /// # Errors
    /// If the program cannot be started. That the host is there shows only when it answers.
    pub fn open(&self, place: &Place) -> io::Result<Connection> {
        let target = match place.transport {
            Transport::Local | Transport::Ssh => None,
            Transport::Winrm => Some(place.name.as_str()),
        };
        let mut connection = Process::start(self.command(place))?;
        connection.writer = Box::new(script::Opened::new(connection.writer, target));
        Ok(connection)
    }
}

/// A lab whose hosts are reached by sessions of the script.
///
/// `begin` is asked for each plan where its hosts are, who probes and by which clock.
pub struct RemoteLab<B> {
    programs: Programs,
    begin: B,
    ends: Option<Ends>,
    transcript: Option<PathBuf>,
    /// How many sessions were opened.
    opened: u32,
    said: String,
}

impl<B: FnMut(&Plan) -> io::Result<Ends>> RemoteLab<B> {
    /// A lab that is reached by these programs.
    pub const fn new(programs: Programs, begin: B) -> Self {
        Self { programs, begin, ends: None, transcript: None, opened: 0, said: String::new() }
    }

    /// The same, which keeps what is said in all sessions in this folder.
    #[must_use]
    pub fn keeping(self, transcript: Option<PathBuf>) -> Self {
        Self { transcript, ..self }
    }

    /// The same, which is used again by what a command line says here.
    #[must_use]
    pub fn said(self, said: String) -> Self {
        Self { said, ..self }
    }

    fn ends(&mut self) -> &mut Ends {
        self.ends.as_mut().expect("a lab is begun before it is used")
    }
}

impl<B: FnMut(&Plan) -> io::Result<Ends>> Lab for RemoteLab<B> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        self.ends = Some((self.begin)(plan)?);
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        &*self.ends.as_ref().expect("a lab is begun before it is used").clock
    }

    fn open(&mut self, host: Host, purpose: Purpose) -> io::Result<Connection> {
        let place = self.ends().places.get(&host).cloned();
        let connection = match place {
            Some(place) => self.programs.open(&place)?,
            None if host == Host::Control => self.ends().hooks.clone().open()?,
            None => return Err(io::Error::other("nobody has said where this host is")),
        };
        self.opened += 1;
        match &self.transcript {
            Some(folder) => transcript::keep(connection, folder, (host, purpose, self.opened)),
            None => Ok(connection),
        }
    }

    fn rhythm(&self) -> Rhythm {
        self.ends.as_ref().map_or(RHYTHM, |ends| ends.rhythm)
    }

    fn probe(&mut self) -> &mut dyn Probe {
        &mut *self.ends().probe
    }

    fn options(&self) -> String {
        self.said.clone()
    }

    /// To be dropped when a transcript of a real lab exists.
    fn remark(&self) -> String {
        "this version was never run on Windows before: read what it says with care, and keep the transcript"
            .to_owned()
    }
}

/// How often hosts are looked at through programs: a PowerShell starts in seconds, and the first look at a cluster takes
/// seconds too (assumed; to be measured in a lab).
pub const RHYTHM: Rhythm = Rhythm {
    poll: Duration::from_secs(1),
    limit: Duration::from_secs(5),
    greeting: Duration::from_secs(20),
    probe: Duration::from_millis(250),
    patience: super::outside::PATIENCE,
    again: Duration::from_secs(5),
};

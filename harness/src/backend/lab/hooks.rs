//! Who controls the machines where no Hyper-V does?
//!
//! Programs that `lab.yaml` names, run where the harness runs. They answer as a host of its own: the session protocol is
//! spoken with a thread, so that everything that is done to a machine goes the same way, journal first.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use failover_sim::observe::Power;
use process_wrap::std::{ChildWrapper, CommandWrap};

use super::clock::{Clock, WallClock};
use super::protocol::{
    Answer, Call, ErrorRecord, Hello, LanguageMode, MachineSight, MachineState, Marker, PowerChange, Reply,
    Request,
};
use super::session::Connection;

/// Programs with their arguments, in which `{node}` stands for the name of a node's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Prints `on`, `off` or `frozen`; anything else is not known.
    pub power_state: Option<Vec<String>>,
    /// Takes a machine's power away.
    pub power_off: Option<Vec<String>>,
    /// Gives it back.
    pub power_on: Option<Vec<String>>,
    /// Lets a machine stand still, with all it knows.
    pub freeze: Option<Vec<String>>,
    /// Lets it go on.
    pub thaw: Option<Vec<String>>,
}

impl Hooks {
    /// A session with these hooks.
    ///
    /// # Errors
    /// If there are no pipes or no thread for it.
    pub fn open(self) -> io::Result<Connection> {
        let (requests, writer) = io::pipe()?;
        let (reader, answers) = io::pipe()?;
        let serve = move || self.serve(requests, answers);
        std::thread::Builder::new().name("hooks".to_owned()).spawn(serve)?;
        Ok(Connection::of_streams(reader, writer))
    }

    fn serve(&self, requests: impl Read, mut answers: impl Write) {
        let mut marker = None;
        for line in BufReader::new(requests).lines() {
            let Ok(Ok(request)) = line.map(|line| Request::read(&line)) else { return };
            if let Call::Hello { marker: own, .. } = &request.call {
                marker = Some(own.clone());
            }
            let outcome = self.answer(&request.call, request.limit);
            let Some(marker) = &marker else { return };
            if !is_sent(&mut answers, &Answer { id: request.id, outcome }, marker) {
                return;
            }
        }
    }

    fn answer(&self, call: &Call, limit: Duration) -> Result<Reply, ErrorRecord> {
        match call {
            Call::Hello { .. } => Ok(Reply::Hello(hello())),
            Call::ReadPower { nodes } => {
                let nodes = nodes
                    .iter()
                    .map(|node| Ok(MachineSight { name: node.clone(), state: self.state(node, limit)? }));
                nodes.collect::<Result<_, _>>().map(Reply::Power)
            }
            Call::ChangePower { change, node } => {
                run(self.of(*change).as_deref(), node, limit).map(|_| Reply::Done)
            }
            Call::ReadCluster
            | Call::ReadWorker { .. }
            | Call::ReadSsisdb { .. }
            | Call::ReadMasterCertificate
            | Call::MoveRole { .. }
            | Call::ChangeCluster { .. }
            | Call::KillProcess { .. }
            | Call::ShutDown
            | Call::ReadPart { .. }
            | Call::WritePart { .. }
            | Call::ReadNetwork
            | Call::ReadSurroundings
            | Call::ReadMaintenance
            | Call::Reach { .. }
            | Call::ReplaceMasterCertificate { .. }
            | Call::ReadEvents { .. }
            | Call::ReadPackage { .. }
            | Call::StartExecutions { .. }
            | Call::StopExecution { .. } => Err(failed("NotOnThisHost", "")),
        }
    }

    /// The hook for a change.
    pub const fn of(&self, change: PowerChange) -> &Option<Vec<String>> {
        match change {
            PowerChange::Off => &self.power_off,
            PowerChange::On => &self.power_on,
            PowerChange::Freeze => &self.freeze,
            PowerChange::Thaw => &self.thaw,
        }
    }

    /// Without a hook nobody knows.
    fn state(&self, node: &str, limit: Duration) -> Result<MachineState, ErrorRecord> {
        let Some(hook) = &self.power_state else { return Ok(None) };
        let said = run(Some(hook.as_slice()), node, limit)?;
        Ok(match said.trim().to_ascii_lowercase().as_str() {
            "on" => Some(Power::On),
            "off" => Some(Power::Off),
            "frozen" => Some(Power::Frozen),
            _ => None,
        })
    }
}

fn is_sent(answers: &mut impl Write, answer: &Answer, marker: &Marker) -> bool {
    let line = format!("{}\n", answer.line(marker));
    answers.write_all(line.as_bytes()).and_then(|()| answers.flush()).is_ok()
}

/// What the harness's own machine says of itself: only its clock can be wrong.
fn hello() -> Hello {
    Hello {
        edition: "Desktop".to_owned(),
        language_mode: LanguageMode::Full,
        elevated: true,
        ui_culture: String::new(),
        module_version: None,
        cluster_id: None,
        cluster_description: None,
        clock: WallClock::begin().utc(),
        network_credentials: true,
    }
}

/// Runs a hook for a machine, and gives what it prints. One that takes too long is killed, with all that it started.
fn run(hook: Option<&[String]>, node: &str, limit: Duration) -> Result<String, ErrorRecord> {
    let Some((program, arguments)) = hook.and_then(<[String]>::split_first) else {
        return Err(failed("NoHook", ""));
    };
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.replace("{node}", node)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = CommandWrap::from(command);
    #[cfg(unix)]
    command.wrap(process_wrap::std::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::std::JobObject);
    let cannot = |error: io::Error| failed("HookNotRun", &format!("{program}: {error}"));
    let mut child = command.spawn().map_err(cannot)?;
    let (output, errors) = (child.stdout().take(), child.stderr().take());
    let read = |stream: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            // What could be read is what it said.
            let _ = stream.map(|stream| stream.take(SAID_LIMIT).read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let output = read(output.map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let errors = read(errors.map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let status = wait(&mut *child, limit).map_err(cannot)?;
    let said = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
    match status {
        Some(status) if status.success() => Ok(said(output)),
        Some(status) => {
            let last = said(errors).lines().next_back().unwrap_or_default().to_owned();
            Err(failed("HookFailed", &format!("{program}: {status}: {last}")))
        }
        None => Err(failed("HookTookTooLong", program)),
    }
}

/// How it ended; `None` if it had to be killed.
fn wait(child: &mut dyn ChildWrapper, limit: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let begun = Instant::now();
    // Whoever asked waits as long as the limit: the answer must be there before.
    while begun.elapsed() < limit * 9 / 10 {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    Ok(None)
}

fn failed(id: &str, detail: &str) -> ErrorRecord {
    let id = if detail.is_empty() { id.to_owned() } else { format!("{id}: {detail}") };
    ErrorRecord { exception: "hook".to_owned(), id, category: 0, inner: Vec::new() }
}

/// More than this nobody reads of what a hook says.
const SAID_LIMIT: u64 = 64 << 10;

#[cfg(all(test, unix))]
mod tests {
    use super::super::session::{Needs, Session};
    use super::*;

    fn session(hooks: Hooks) -> Session {
        let connection = hooks.open().expect("pipes");
        let mut session = Session::open(connection, Marker::of("hooks")).expect("threads");
        session
            .greet(&WallClock::begin(), Needs { credentials: true, ..Needs::default() })
            .expect("it is here");
        session
    }

    fn words(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(ToString::to_string).collect())
    }

    fn ask(session: &mut Session, call: Call) -> Result<Reply, String> {
        session.ask(&WallClock::begin(), call, Duration::from_secs(2)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_hook_is_told_the_machine_and_what_it_prints_is_the_state() {
        let hooks = Hooks {
            power_state: words(&["sh", "-c", "test $0 = NODE1 && echo On || echo off", "{node}"]),
            ..Hooks::default()
        };
        let nodes = vec!["NODE1".to_owned(), "NODE2; echo on".to_owned()];
        let Ok(Reply::Power(seen)) = ask(&mut session(hooks), Call::ReadPower { nodes }) else {
            panic!("the hook answers");
        };
        assert_eq!([seen[0].state, seen[1].state], [Some(Power::On), Some(Power::Off)]);
    }

    #[test]
    fn a_hook_that_fails_blocks_or_is_not_there_is_told() {
        let hooks = Hooks {
            power_state: words(&["echo", "paused"]),
            power_off: words(&["sh", "-c", "echo no such domain >&2; exit 3"]),
            power_on: words(&["sleep", "600"]),
            ..Hooks::default()
        };
        let mut session = session(hooks);
        let node = || "NODE1".to_owned();
        let change = |change| Call::ChangePower { change, node: node() };
        let off = ask(&mut session, change(PowerChange::Off)).expect_err("it fails");
        assert!(off.contains("HookFailed: sh: exit status: 3: no such domain"), "{off}");
        let on = ask(&mut session, change(PowerChange::On)).expect_err("it blocks");
        assert!(on.contains("HookTookTooLong: sleep"), "{on}");
        let state = ask(&mut session, Call::ReadPower { nodes: vec![node()] });
        let unknown = MachineSight { name: node(), state: None };
        assert_eq!(state, Ok(Reply::Power(vec![unknown])));
        let nothing = ask(&mut self::session(Hooks::default()), change(PowerChange::On));
        assert!(nothing.expect_err("there is none").contains("NoHook"));
        let hooks = Hooks { freeze: words(&["test", "{node}", "=", "NODE1"]), ..Hooks::default() };
        assert_eq!(ask(&mut self::session(hooks), change(PowerChange::Freeze)), Ok(Reply::Done));
    }
}

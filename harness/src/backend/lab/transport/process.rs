//! How does a program that leads to a host begin and end?
//!
//! It has a process group of its own, or a job on Windows: Ctrl-C in the harness does not reach it, since what is open
//! must be taken back through it, and killing it takes everything along that it has started.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

use super::super::session::Connection;

/// A program that leads to a host.
#[derive(Debug)]
pub struct Process(Box<dyn ChildWrapper>);

impl Process {
    /// Starts a program: its streams are the connection.
    ///
    /// # Errors
    /// If it cannot be started: the message names it.
    pub(in crate::backend::lab) fn start(command: Command) -> io::Result<Connection> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut command = CommandWrap::from(command);
        command.command_mut().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        let cannot = |error: io::Error| {
            io::Error::new(error.kind(), format!("the program `{program}` cannot be started: {error}"))
        };
        let mut child = command.spawn().map_err(cannot)?;
        let streams = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(writer), Some(reader), Some(errors)) = streams else {
            unreachable!("all three streams are pipes");
        };
        let mut connection = Connection::of_streams(reader, writer);
        connection.errors = Some(Box::new(errors));
        connection.process = Some(Self(child));
        Ok(connection)
    }

    /// How it ended, if it has, or does within this time: its streams may end a moment before it.
    pub fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            let exit = self.0.try_wait().ok().flatten();
            if exit.is_some() || begun.elapsed() > limit {
                return exit;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Kills it and whatever it has started, and waits until they are gone.
    pub fn kill(mut self) {
        // It may have gone by itself.
        let _ = self.0.kill();
    }

    /// Gives it a moment to end by itself, now that it has no input any more: a remote session is closed in good order
    /// then. It is killed if it does not. Nobody waits for that.
    pub fn release(self) {
        let reaper = move || {
            let mut process = self;
            if process.exit_within(GRACE).is_none() {
                process.kill();
            }
        };
        // Without a thread the process sees the end of its input all the same.
        let _ = std::thread::Builder::new().name("session".to_owned()).spawn(reaper);
    }
}

/// From one look at whether a program has ended to the next: to wait for that with a limit, no call is there on every system.
const LOOK: Duration = Duration::from_millis(50);
/// How long a program may take to end when its input has.
const GRACE: Duration = Duration::from_secs(2);

//! How does a twin go on by itself, while others talk to it?

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::observe::Sink;

use super::driver::Notes;
use super::{Caller, Twin, TwinError};

/// A twin on a thread of its own. What it shows goes to its sink; whatever else is to be done with either of them is
/// sent to that thread. Dropped, it is gone with its sockets and files.
pub struct Running<S> {
    errands: Option<Sender<Errand<S>>>,
    caller: Caller,
    thread: Option<JoinHandle<Result<(), TwinError>>>,
    endpoint: SocketAddr,
    folder: PathBuf,
    notes: Notes,
}

type Errand<S> = Box<dyn FnOnce(&mut Twin, &mut S) + Send>;

/// The twin is gone: something in its surroundings failed, which [`Running::stop`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the twin runs no longer")]
pub struct Ended;

impl<S: Sink + Send + 'static> Running<S> {
    /// Lets a twin go on.
    ///
    /// # Errors
    /// If there can be no thread for it.
    pub fn start(mut twin: Twin, mut sink: S) -> Result<Self, TwinError> {
        let (errands, receiver) = channel();
        let (caller, endpoint, folder) = (twin.caller(), twin.endpoint(), twin.folder().to_owned());
        let notes = twin.driver.notes.clone();
        let thread = thread::Builder::new().name("twin".to_owned());
        let thread =
            thread.spawn(move || go_on(&mut twin, &mut sink, &receiver)).map_err(TwinError::Runtime)?;
        Ok(Self { errands: Some(errands), caller, thread: Some(thread), endpoint, folder, notes })
    }

    /// Does something with the twin and its sink, at the moment at which they are.
    ///
    /// # Errors
    /// If the twin is gone.
    pub async fn with<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Twin, &mut S) -> R + Send + 'static,
    ) -> Result<R, Ended> {
        let (answer, answered) = oneshot::channel();
        let errand: Errand<S> = Box::new(move |twin, sink| {
            // Whoever asked may have gone.
            let _ = answer.send(act(twin, sink));
        });
        self.errands.as_ref().ok_or(Ended)?.send(errand).map_err(|_| Ended)?;
        self.caller.call();
        answered.await.map_err(|_| Ended)
    }

    /// Ends it, and says what had gone wrong if it had ended before.
    ///
    /// # Errors
    /// If a socket or file that the run needed could not be had.
    pub fn stop(mut self) -> Result<(), TwinError> {
        self.end().unwrap_or(Ok(()))
    }
}

impl<S> Running<S> {
    /// Where the master answers under its network name.
    pub const fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// The temporary folder with the certificates, a folder for each host.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What somebody who edits files should know: which service could not start, and why.
    pub fn notes(&self) -> Vec<String> {
        self.notes.all()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> Option<Result<(), TwinError>> {
        self.errands = None;
        self.caller.call();
        match self.thread.take()?.join() {
            Ok(result) => Some(result),
            // A panic there was a panic of ours; in the middle of another one it is told already.
            Err(_) if thread::panicking() => None,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl<S> Drop for Running<S> {
    fn drop(&mut self) {
        // What went wrong is of no use to somebody who did not ask.
        let _ = self.end();
    }
}

impl<S> fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("endpoint", &self.endpoint)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn go_on<S: Sink>(twin: &mut Twin, sink: &mut S, errands: &Receiver<Errand<S>>) -> Result<(), TwinError> {
    loop {
        match errands.try_recv() {
            Ok(errand) => errand(twin, sink),
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {
                twin.advance(twin.now() + STRETCH, sink)?;
            }
        }
    }
}

/// How far a twin goes when nobody calls it.
const STRETCH: Duration = Duration::from_secs(3_600);

//! How is a twin of somebody's cluster kept running, for clients that are not ours?
//!
//! The twin goes on by itself on a thread of its own; this thread answers the control API, which takes the steps of the
//! scenario language, until somebody stops it. Everything is gone then: process, sockets and files.

mod card;
mod control;
mod errand;
mod log;
mod state;
mod steps;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover_sim::twin::{Running, Twin, TwinError, TwinOptions};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::picture::Picture;
use crate::plan::{Overrides, Plan};
use crate::scenario::{LoadError, origin_on, plan};

use control::{Control, answer_all};
use log::{Entry, Log};

pub use errand::{Errand, ErrandError, find, read_control, send};

/// Which twin to keep running.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The topology: a file, or one that the program carries.
    pub topology: String,
    /// What is said on top of it.
    pub overrides: Overrides,
    /// The seed of every random value.
    pub seed: u64,
    /// How fast it goes, where its addresses are, and how it speaks TLS.
    pub options: TwinOptions,
    /// Where the control API listens.
    pub control: SocketAddr,
}

/// A twin that runs, with its control API.
pub struct Stand {
    control: Arc<Control>,
    listener: TcpListener,
    runtime: Runtime,
    card: String,
}

/// Why a twin cannot be kept running.
#[derive(Debug, thiserror::Error)]
pub enum StandError {
    /// The topology is wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The twin failed.
    #[error("the twin: {0}")]
    Twin(#[from] TwinError),
    /// The address of the control API is taken, or none of this machine.
    #[error("the control API cannot listen on {address}: {source}")]
    Control {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The file with the token cannot be written.
    #[error("cannot write `{}`: {source}", file.display())]
    File {
        /// Which one.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no runtime, or no randomness for a token.
    #[error("the system has no {0} to give")]
    System(&'static str),
}

impl Stand {
    /// Starts a twin and its control API. The cluster has just got its power: [`run`](Self::run) lets it go on.
    ///
    /// # Errors
    /// If the topology is wrong, or the surroundings lack what a twin needs.
    pub fn start(standing: &Standing) -> Result<Self, StandError> {
        let nothing = "proves: a cluster goes on by itself\nabout: { topology: twin }\nsteps:\n  - pause: { for: 1s, because: nobody looks }\n";
        let origin = origin_on(&standing.topology, standing.overrides.clone(), nothing)?;
        let plan = plan("twin", &origin, standing.seed).map_err(LoadError::Mistakes)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| StandError::System("runtime"))?;
        let refused = |source| StandError::Control { address: standing.control, source };
        let listener = runtime.block_on(TcpListener::bind(standing.control)).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let token = token()?;
        let twin = Twin::start(&plan.topology, &plan.names, &[], plan.choices(), standing.options)?;
        write_control(twin.folder(), address, &token)?;
        let card = card::card(&plan, &twin, standing.options.factor, address);
        let (log, recorder) = Log::begin();
        let running = Running::start(twin, recorder)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let control = Arc::new(Control { token, origin, plan, running, log, stopping });
        Ok(Self { control, listener, runtime, card })
    }

    /// What a person needs to know to use it: endpoint, names, files, and commands to copy.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// The temporary folder of the twin, with its certificates and the file that gives access to the control API.
    pub fn folder(&self) -> &Path {
        self.control.running.folder()
    }

    /// Lets it go on until `stop` is ready; `at_rest` is called when every node is a member, the role online and every
    /// worker connected for the first time. Then it is gone, with its sockets and files.
    ///
    /// # Errors
    /// If something that the twin needs could not be had, so that it ended by itself.
    pub fn run(self, stop: impl Future<Output = ()>, at_rest: impl FnOnce()) -> Result<(), StandError> {
        let Self { control, listener, runtime, .. } = self;
        runtime.block_on(async {
            let mut news = control.log.news();
            let ended = async { while news.changed().await.is_ok() {} };
            let told = async {
                if rests(&control.plan, &control.log).await {
                    at_rest();
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop => {}
                () = ended => {}
                () = told => {}
                () = answer_all(&listener, &control) => {}
            }
        });
        control.stopping.store(true, Ordering::Relaxed);
        drop(listener);
        // Ends every request, and with it everybody else's hold on the twin.
        drop(runtime);
        match Arc::into_inner(control) {
            Some(control) => Ok(control.running.stop()?),
            None => unreachable!("the runtime has dropped every task that had a hold on the twin"),
        }
    }
}

/// Waits until the cluster is at rest; `false` if the twin ends before.
async fn rests(plan: &Plan, log: &Log) -> bool {
    let mut news = log.news();
    let mut picture = Picture::new(plan);
    let mut place = 0;
    loop {
        for entry in log.from(place) {
            place += 1;
            let Entry::Seen(record) = entry else { continue };
            if !record.fact.is_of_work() {
                picture.observe(&record);
            }
            if picture.is_complete() {
                return true;
            }
        }
        if news.changed().await.is_err() {
            return false;
        }
    }
}

/// 128 random bits, as hexadecimal digits.
fn token() -> Result<String, StandError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StandError::System("randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes what gives access to the control API, for `failover twin do` and for curl; only the user can read it.
fn write_control(folder: &Path, address: SocketAddr, token: &str) -> Result<(), StandError> {
    let json = json!({ "control": format!("http://{address}"), "token": token });
    for (name, text) in
        [(CONTROL, format!("{json:#}\n")), (HEADER, format!("authorization: Bearer {token}\n"))]
    {
        let file = folder.join(name);
        let written = create(&file).and_then(|mut open| open.write_all(text.as_bytes()));
        written.map_err(|source| StandError::File { file, source })?;
    }
    Ok(())
}

#[cfg(unix)]
fn create(file: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

#[cfg(not(unix))]
fn create(file: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}

/// The file in the twin's folder that says where its control API is.
const CONTROL: &str = "control.json";
/// The file beside it that curl takes with `-H @FILE`.
const HEADER: &str = "control.header";
/// How long an errand may take to be answered: a step may wait for hours.
const ERRAND: Duration = Duration::from_secs(24 * 3_600);

//! What does somebody's own test of a client start from?

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::action::ResolvedAction;
use crate::names::{NodeId, RoleId};
use crate::observe::{Fact, Flow, Record, Sink, WorkerState};
use crate::world::fixture;

use super::{Ended, Running, Twin, TwinError, TwinOptions};

/// The first node of [`TwoNodes`]: it owns the role at the start.
pub const NODE1: NodeId = fixture::NODE1;
/// The second node of [`TwoNodes`].
pub const NODE2: NodeId = fixture::NODE2;
/// The role that the master belongs to.
pub const ROLE: RoleId = fixture::ROLE;

/// What the eight steps of Microsoft's guide set up, running on loopback: two nodes, one network name `sqlfci`, and
/// workers `w1`, `w2`, … that follow it.
///
/// A client of one's own connects to [`endpoint`](Self::endpoint) with the certificate of one of the workers, and is
/// put through a failover:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use failover_sim::{action::Action, twin::{NODE1, NODE2, TwoNodes}};
///
/// let twin = TwoNodes::start(2).await?;
/// twin.apply(Action::PowerOff { node: NODE1 }).await?;
/// twin.until_served_by(NODE2).await?;
///
/// assert!(twin.worker_certificate(1).with_extension("key").exists());
/// tokio::net::TcpStream::connect(twin.endpoint()).await?;
/// # Ok(())
/// # }
/// ```
///
/// In a `#[tokio::test]` it is the same three lines. They take the time of a failover, divided by
/// [`FACTOR`](Self::FACTOR).
#[derive(Debug)]
pub struct TwoNodes {
    running: Running<Served>,
    workers: watch::Receiver<Vec<Option<WorkerState>>>,
}

/// Why a test cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TwoNodesError {
    /// The twin could not be started, or the action is not possible at this moment.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// It is gone.
    #[error(transparent)]
    Ended(#[from] Ended),
}

impl TwoNodes {
    /// How many seconds of the cluster pass in a real one.
    pub const FACTOR: u32 = 20;

    /// Starts it with so many workers, at most 200; all of them are connected to the first node when this comes back.
    ///
    /// # Errors
    /// If the surroundings lack what a twin needs: addresses, files, sockets, a thread.
    ///
    /// # Panics
    /// With more workers.
    pub async fn start(workers: u8) -> Result<Self, TwoNodesError> {
        assert!(workers <= 200, "a test has 200 workers at most, and asked for {workers}");
        let count = u16::from(workers);
        let options = TwinOptions::with_factor(Self::FACTOR);
        let twin = Twin::start(
            &fixture::two_node_fci(count),
            &fixture::names(count),
            &[],
            fixture::choices(1),
            options,
        )?;
        let (shown, states) = watch::channel(vec![None; workers.into()]);
        let started = Self { running: Running::start(twin, Served(shown))?, workers: states };
        started.until_served_by(NODE1).await?;
        Ok(started)
    }

    /// Where the master answers under its network name, `sqlfci`.
    pub const fn endpoint(&self) -> SocketAddr {
        self.running.endpoint()
    }

    /// The temporary folder with the certificates, a folder for each host.
    pub fn folder(&self) -> &Path {
        self.running.folder()
    }

    /// The certificate of a worker, counted from 1, as a PEM file; its key lies beside it and ends with `.key`.
    pub fn worker_certificate(&self, worker: u8) -> PathBuf {
        self.folder().join(format!("w{worker}/LocalMachine/My/w{worker}.pem"))
    }

    /// The certificate that the workers trust and pin, as a PEM file.
    pub fn master_certificate(&self) -> PathBuf {
        self.folder().join("NODE1/LocalMachine/Root/master.pem")
    }

    /// Does something to the cluster.
    ///
    /// # Errors
    /// If it is not possible at this moment, or the twin is gone.
    pub async fn apply(&self, action: ResolvedAction) -> Result<(), TwoNodesError> {
        Ok(self.running.with(move |twin, _| twin.apply(action)).await??)
    }

    /// Waits until every worker is connected to this node; without workers not at all.
    ///
    /// # Errors
    /// If the twin is gone.
    pub async fn until_served_by(&self, node: NodeId) -> Result<(), TwoNodesError> {
        let is_served = |state: &Option<WorkerState>| matches!(state, Some(WorkerState::Connected { served_by, .. }) if *served_by == node);
        let mut workers = self.workers.clone();
        workers.wait_for(|workers| workers.iter().all(is_served)).await.map_err(|_| Ended)?;
        Ok(())
    }
}

/// What each worker was seen to be last.
struct Served(watch::Sender<Vec<Option<WorkerState>>>);

impl Sink for Served {
    fn record(&mut self, record: &Record) -> Flow {
        if let Fact::Worker { worker, state } = record.fact {
            self.0.send_modify(|workers| workers[worker.index()] = Some(state));
        }
        Flow::Continue
    }
}

//! Why can a twin not be started or driven?

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::settings_file::SettingsError;
use crate::world::ApplyError;

/// Something in the surroundings that a twin needs and did not get.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// Virtual time would stand still.
    #[error("the time factor is 0; it must be at least 1")]
    NoFactor,
    /// Fewer open files are allowed than the workers' connections need.
    #[error(
        "{needed} open files are needed for the connections of all workers, and the system allows {allowed}\nhint: raise the hard limit (`ulimit -Hn`), or take fewer workers"
    )]
    TooFewFiles {
        /// How many are needed.
        needed: u64,
        /// How many are allowed, once the soft limit is raised up to the hard one.
        allowed: u64,
    },
    /// How many files may be open cannot be read or changed.
    #[error("raising the limit of open files: {0}")]
    FileLimit(#[source] io::Error),
    /// No free network on loopback.
    #[error("no free place on loopback among {tried} (the last one, {last}, could not be had: {source})")]
    NoNetwork {
        /// How many were tried.
        tried: u32,
        /// The address that marks the last one as taken.
        last: SocketAddr,
        /// Why it could not be had.
        source: io::Error,
    },
    /// The network that was asked for is another twin's.
    #[error(
        "the network 127.{second}.{third}.0/24 is another twin's, or not of this machine ({address}: {source})"
    )]
    NetworkTaken {
        /// Its second number.
        second: u8,
        /// Its third number.
        third: u8,
        /// The address that marks it as taken.
        address: SocketAddr,
        /// Why it could not be had.
        source: io::Error,
    },
    /// An address that the twin needs is somebody else's.
    #[error(
        "{address} cannot be had ({source}): another program listens there, or on this port of every address"
    )]
    AddressTaken {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The endpoint leads nowhere.
    #[error("the endpoint `{name}` is neither a node nor an address of the cluster")]
    NoEndpoint {
        /// Its host name.
        name: String,
    },
    /// More nodes or addresses than a network of the twin has room for.
    #[error("{nodes} nodes and {addresses} cluster addresses do not fit into one 127.x.y.0/24 network")]
    TooManyAddresses {
        /// How many nodes there are.
        nodes: usize,
        /// How many addresses the cluster moves.
        addresses: usize,
    },
    /// More ports than one loopback address has room for.
    #[error("{0} ports of masters do not fit onto the one loopback address of this machine: three do")]
    TooManyPorts(usize),
    /// A certificate could not be made.
    #[error("making the certificate `{name}`: {source}")]
    Certificate {
        /// What the topology calls it.
        name: String,
        /// Why not.
        source: rcgen::Error,
    },
    /// A certificate or key that was made cannot be used for TLS.
    #[error("setting up TLS with the certificate `{name}`: {source}")]
    Tls {
        /// What the topology calls it.
        name: String,
        /// Why not.
        source: rustls::Error,
    },
    /// A file could not be written.
    #[error("writing `{}`: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file or a store that somebody has changed could not be read.
    #[error("reading `{}`: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program that takes a worker's place cannot be started.
    #[error("the program `{program}` of `{worker}` cannot be started: {source}")]
    Program {
        /// Which worker.
        worker: String,
        /// What it names.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A settings file that somebody has changed says something that no service can start with.
    #[error("{0}")]
    Settings(#[source] SettingsError),
    /// An action was not possible.
    #[error("{0}")]
    Apply(#[from] ApplyError),
    /// A socket could not be had.
    #[error("{doing} on {address}: {source}")]
    Socket {
        /// What was tried.
        doing: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The runtime that drives the sockets could not be had.
    #[error("starting the runtime of the twin: {0}")]
    Runtime(#[source] io::Error),
}

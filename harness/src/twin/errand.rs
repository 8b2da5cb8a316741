//! How does another process reach a twin that runs?

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{CONTROL, ERRAND};

/// Where a control API is, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    file: PathBuf,
    address: SocketAddr,
    token: String,
}

/// What became of an errand that failed.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// No twin runs, as far as files tell.
    #[error("no twin runs: there is no `failover-twin-*/{CONTROL}` in `{}`\nhint: `failover twin TOPOLOGY` starts one", .0.display())]
    None(PathBuf),
    /// Several of them run.
    #[error("several twins run\nhint: say which one: {}", .0.iter().map(|file| format!("--control {}", file.display())).collect::<Vec<_>>().join(", or "))]
    Several(Vec<PathBuf>),
    /// The file of a control API cannot be read.
    #[error("cannot read `{}`: {source}\nhint: `failover twin TOPOLOGY` prints the path of its own", file.display())]
    File {
        /// Which one.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that is something else.
    #[error("`{}` does not say where a control API is: expected what `failover twin` wrote\nhint: `failover twin TOPOLOGY` prints the path of its own", .0.display())]
    Form(PathBuf),
    /// Nobody is there, or the connection broke.
    #[error("the twin of `{}` does not answer at {address}: {source}\nhint: if it was killed, its folder is left and can be removed", file.display())]
    Gone {
        /// The file that says where it should be.
        file: PathBuf,
        /// Where that is.
        address: SocketAddr,
        /// What happened.
        source: io::Error,
    },
    /// The document is wrong; every mistake is told.
    #[error("{0}")]
    Mistakes(String),
    /// A step is not possible at this moment, or the twin refuses.
    #[error("the twin says {status}: {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        error: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlFile {
    control: String,
    token: String,
}

/// The file of the only twin that runs on this machine, as far as files tell.
///
/// # Errors
/// If there is none, or if there are several.
pub fn find() -> Result<PathBuf, ErrandError> {
    let folder = std::env::temp_dir();
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let is_twin =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("failover-twin-");
    let mut files: Vec<PathBuf> = entries
        .filter(is_twin)
        .map(|entry| entry.path().join(CONTROL))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    match files.as_slice() {
        [] => Err(ErrandError::None(folder)),
        [only] => Ok(only.clone()),
        [..] => Err(ErrandError::Several(files)),
    }
}

/// Reads where a control API is.
///
/// # Errors
/// If the file cannot be read, or is something else.
pub fn read_control(file: &Path) -> Result<Errand, ErrandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| ErrandError::File { file: file.to_owned(), source })?;
    let form = || ErrandError::Form(file.to_owned());
    let read: ControlFile = serde_json::from_str(&text).map_err(|_| form())?;
    let address = read.control.strip_prefix("http://").and_then(|address| address.parse().ok());
    let is_plain = read.token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let address = address.filter(|_| is_plain).ok_or_else(form)?;
    Ok(Errand { file: file.to_owned(), address, token: read.token })
}

/// Sends steps, waits until they are taken, and gives what the twin says of them.
///
/// # Errors
/// If the twin is not there, or does not take them.
pub fn send(errand: &Errand, document: &str) -> Result<Value, ErrandError> {
    let Errand { file, address, token } = errand;
    let gone = |source| ErrandError::Gone { file: file.clone(), address: *address, source };
    let (status, body) = ask(*address, token, document).map_err(gone)?;
    let said: Value = serde_json::from_str(&body)
        .map_err(|error| gone(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    let error = || said["error"].as_str().unwrap_or_default().to_owned();
    match status {
        200 => Ok(said),
        422 => Err(ErrandError::Mistakes(error())),
        status => Err(ErrandError::Refused { status, error: error() }),
    }
}

/// One request on a connection of its own: status and body.
fn ask(address: SocketAddr, token: &str, document: &str) -> io::Result<(u16, String)> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(ERRAND))?;
    let length = document.len();
    write!(
        socket,
        "POST /steps HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{document}"
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(short)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(short)?;
    Ok((status, body.to_owned()))
}

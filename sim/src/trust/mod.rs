//! Would these two trust each other, and if not, with which error?
//!
//! Only what is written on the two machines decides: certificates, stores, bindings, the pin, and the name that the
//! worker asked for. The order of the questions is the one in which Schannel, WCF and HTTP.SYS put them.

mod certificate;
mod classes;
mod verdict;

pub use certificate::{Certificate, Thumbprint, ThumbprintError};
pub use classes::{ClientClass, ClientTrust, HostClass, HostTrust, Trust};
pub use verdict::{Handshake, judge_client_certificate, judge_handshake, judge_request};

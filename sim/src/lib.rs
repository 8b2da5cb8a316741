//! What would happen? A deterministic model of SSIS Scale Out made highly available by a Windows failover cluster.
//!
//! Logic is free of I/O: machines ([`step::Machine`]) take in events and give out effects. [`world`] drives them in
//! virtual time; with the feature `twin` the same machines stand behind real sockets.

pub mod action;
pub mod assumption;
pub mod choices;
pub mod cluster;
pub mod mark;
pub mod names;
pub mod net;
pub mod observe;
#[cfg_attr(not(feature = "planted"), doc(hidden))]
pub mod planted;
pub mod scaleout;
#[cfg(feature = "twin")]
pub mod settings_file;
pub mod sql;
pub mod step;
pub mod time;
pub mod topology;
pub mod trust;
#[cfg(feature = "twin")]
pub mod twin;
pub mod world;

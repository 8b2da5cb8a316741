//! What does a lab teach about what nobody knows?
//!
//! A lab is looked at now and then, and the simulator is asked for every answer to every open question, at many moments:
//! could somebody who looked like this have seen that? An answer counts as learned where it is the only one with which
//! they could, whatever the other answers are. It is kept in a file with the build that gave it, and narrows what later
//! runs take for possible.

mod file;
mod foretell;
mod measured;
mod seen;
mod weigh;

pub use file::{Answer, Build, Learned, NOT_SEEN, Observation, learned_schema};
pub use measured::{Mute, Voice, of_measurement};
pub use seen::Sighting;
pub use weigh::{Unweighed, Weighed, weigh};

//! What does a person write, and what does it mean?
//!
//! Text becomes trees that know their places ([`tree`]), trees become typed documents part by part ([`read`]), and
//! documents become a plan (the planner). Every mistake is shown at its place, all of a file at once ([`diagnostic`]).

pub mod diagnostic;
mod document;
pub mod length;
mod load;
pub mod nearest;
mod planner;
pub mod read;
mod scalar;
pub mod sections;
mod syntax;
mod topology;
mod topology_document;
pub mod tree;
pub mod unfit;

pub use load::{LoadError, load};
pub use planner::{plan, topology_of};

//! Does the lab backend say what the simulator says, and does it fail well?

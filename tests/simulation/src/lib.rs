//! The simulation: whole runs of the production handlers on the in-memory ports, under a virtual clock and a seeded
//! scheduler. First everything goes wrong that may, then nothing any more; and in the end every world must have come
//! to rest without a rule broken. See `docs/proof/simulation.md`.

pub mod check;
pub mod history;
pub mod overhead;
pub mod parallel;
pub mod play;
pub mod scenario;
pub mod segments;

mod effect;
mod invoke;
mod people;
mod ports;
mod sim;

//! The simulation: whole runs of the production handlers on the in-memory ports, under a virtual clock and a seeded
//! scheduler. First everything goes wrong that may, then nothing any more; and in the end every world must have come
//! to rest without a rule broken. See `docs/proof/simulation.md`.

pub mod check;
pub mod crowd;
pub mod draw;
pub mod history;
pub mod overhead;
pub mod play;
pub mod segments;

mod deed;
mod invoke;
mod people;
mod ports;
mod sim;

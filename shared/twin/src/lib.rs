//! What do tests play in instead of AWS? An in-memory twin of every port: a world of one plan with its own clock, durations and
//! faults. What the adapters promise of AWS holds here too, so that whole runs can be played through in no time.
//!
//! Tests alone depend on it: no crate of the product may (`tests/import_graph.py` checks that).

mod clock;
mod databases;
mod faults;
mod fleets;
mod inner;
mod journal;
mod looks;
mod maintenance;
mod messages;
pub mod parameter_store;
pub mod plans;
mod readiness;
mod regions;
mod routes;
mod signals;
pub mod snapshots;
mod through;
mod world;

pub use clock::{CountingIds, RuntimeClock};
pub use databases::REPLICA_KEY;
pub use faults::{Faults, InjectedFault};
pub use inner::{AlarmTwin, DatabaseTwin, Durations, FleetTwin, Inner};
pub use looks::Looks;
pub use regions::{GuardTwin, InstanceDoes, InstanceTwin, TwoRegions, TwoRegionsInner};
pub use through::{Call, Policy, Through};
pub use world::MemoryWorld;

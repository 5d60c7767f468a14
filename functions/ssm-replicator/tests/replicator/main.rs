//! The replicator on ports in memory, under a clock that waits for nobody.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test: panics fail it")]

mod changes;
mod deletes;
mod laws;
mod limits;
mod passes;
mod scene;
mod standstill;

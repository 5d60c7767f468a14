//! Drives the pure core on the ports: load, append, decide, publish; and the loop of a step.

pub mod append;
pub mod conductor;
pub mod context;
pub mod fault;
pub mod fences;
pub mod invocation;
pub mod log;
pub mod notice;
pub mod observe;
pub mod pair;
pub mod parameters;
pub mod readiness;
pub mod serving;
pub mod snapshot;
pub mod step;
pub mod turn;
pub mod worker;

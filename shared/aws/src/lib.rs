//! The ports on the AWS SDK, one file per service; the journal on `DynamoDB`; settings and the Lambda wiring.
//!
//! A function's `main` opens the log, reads [`settings::Settings`], builds the world with [`world::connect`] and hands its
//! handler to [`lambda::serve`]. Nothing is called before the first invocation.

pub mod accelerator;
pub mod clock;
pub mod config;
#[cfg(test)]
mod emulator;
mod failure;
pub mod fleets;
pub mod ids;
pub mod journal;
pub mod lag;
pub mod lambda;
pub mod log;
pub mod metrics;
pub mod parameters;
mod presigned;
pub mod probes;
pub mod publisher;
pub mod rds;
#[cfg(test)]
mod replay;
pub mod seen;
pub mod settings;
pub mod snapshots;
pub mod stores;
pub mod topics;
pub mod world;

//! The ports on the AWS SDK, one file per service; the journal on `DynamoDB`; settings and the Lambda wiring.
//!
//! A function's `main` opens the log, reads [`settings::Settings`], builds the world with [`world::connect`] and hands its
//! handler to [`lambda::serve`]. Nothing is called before the first invocation.

pub mod accelerator;
pub mod alarms;
pub mod assumed_role;
pub mod aurora;
pub mod balancers;
pub mod certificates;
pub mod clock;
mod cloudwatch;
mod compute;
pub mod config;
pub mod databases;
#[cfg(test)]
mod emulator;
mod failure;
pub mod fingerprints;
pub mod fleets;
pub mod functions;
pub mod ids;
pub mod images;
mod instance_arn;
pub mod journal;
pub mod keys;
pub mod lag;
pub mod lambda;
pub mod launches;
mod load_balancing;
pub mod log;
pub mod metrics;
pub mod parameter_store;
pub mod permissions;
pub mod plan_source;
mod presigned;
mod primaries;
pub mod probes;
pub mod publisher;
pub mod queues;
pub mod rds;
mod regional;
#[cfg(test)]
mod replay;
pub mod settings;
pub mod setups;
mod signed;
pub mod snapshots;
pub mod topics;
pub mod world;
mod xml;

//! How is each port answered by AWS? The ports on its SDK, one file for each service; the journal on `DynamoDB`.

pub mod accelerator;
pub mod alarms;
pub mod assumed_role;
pub mod aurora;
pub mod balancers;
pub mod certificates;
mod cloudwatch;
mod compute;
pub mod config;
pub mod database_token;
pub mod databases;
#[cfg(test)]
mod emulator;
mod failure;
pub mod fingerprints;
pub mod fleets;
pub mod functions;
pub mod images;
mod instance_arn;
pub mod invocations;
pub mod journal;
pub mod keys;
pub mod lag;
pub mod launches;
mod load_balancing;
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
pub mod setups;
mod signed;
pub mod snapshots;
pub mod topics;
pub mod witnesses;
pub mod words;
mod xml;

//! The exhaustive check: every interleaving of a few workers, with faults, in which each decision, each fold and each move of
//! a worker is the production one. See `docs/proof/model.md`.

#![allow(
    clippy::struct_excessive_bools,
    reason = "a world of the model is a row of facts that hold or don't"
)]
#![allow(clippy::match_same_arms, reason = "a table of every case, one by one")]

mod append;
pub mod check;
pub mod cloud;
pub mod config;
pub mod count;
pub mod digest;
mod forged;
pub mod laws;
pub mod model;
pub mod mutant;
pub mod plan;
pub mod proof;
pub mod property;
pub mod prove;
pub mod run;
pub mod steps;
pub mod table;
pub mod worker;
pub mod world;

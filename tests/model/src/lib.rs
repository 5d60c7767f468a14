//! The exhaustive check: every interleaving of a few workers, with faults, in which each decision and each fold is
//! the production one. See `docs/proof/model.md`.

pub mod check;
pub mod cloud;
pub mod config;
pub mod count;
pub mod digest;
pub mod model;
pub mod mutant;
pub mod plan;
pub mod property;
pub mod prove;
pub mod run;
pub mod steps;
pub mod worker;
pub mod world;

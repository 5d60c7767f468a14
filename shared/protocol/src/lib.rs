//! The pure core of Pilotlight: what a workload's plan says, what was seen, what was done, and what follows.
//!
//! Nothing here reads a clock, the environment or a network. [`state::evolve`] folds the journal into a
//! [`state::State`]; [`decide::decide`] says what is due. The functions, the simulator and the model checker all
//! call these same two.

pub mod arn;
pub mod attention;
pub mod command;
pub mod database_status;
pub mod decide;
pub mod digest;
pub mod endpoint;
pub mod evidence;
pub mod graph;
pub mod group;
pub mod incoming;
pub mod journal;
pub mod maintenance;
pub mod name;
mod nearest;
pub mod observation;
pub mod operator;
pub mod pair;
pub mod parameters;
pub mod plan;
pub mod readiness;
pub mod report;
pub mod run;
pub mod schedule;
pub mod side;
pub mod signal;
pub mod snapshots;
pub mod state;
pub mod step;
pub mod witness;
pub mod word;
pub mod words;

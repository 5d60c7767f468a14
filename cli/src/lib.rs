//! The operator's program: one command for each thing that a person asks of a plan's functions.
//!
//! It decides nothing. It says to a function what a person typed, under that person's own permissions, and shows the answer.

pub mod arguments;
pub mod ask;
pub mod desk;
pub mod discovery;
pub mod exit;
mod explain;
mod follow;
pub mod inert;
pub mod installation;
pub mod lambda;
pub mod program;
pub mod screen;
mod verbs;

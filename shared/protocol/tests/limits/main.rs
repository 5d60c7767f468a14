//! Every number and every guard of the core, at its limit and one beyond it. The table is in `docs/architecture.md`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod confirm;
mod evidence;
mod gate;
mod operator;
mod plan;
mod run;
mod scope;
mod snapshots;
mod story;

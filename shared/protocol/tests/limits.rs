//! Every number and every guard of the core, at its limit and one beyond it. The table is in `docs/architecture.md`.

mod confirm;
mod evidence;
mod gate;
mod operator;
mod plan;
mod run;
mod scope;
mod snapshots;
pub(crate) mod story;
mod takeover;

//! Every number and every guard of the engine, at its limit and one beyond it. The table is in `docs/architecture.md`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod appends;
mod attempt;
mod bench;
mod looks;
mod notices;
mod serving;

//! Of the core's tests those that take no time, in a program of their own: `make mutants` compiles it once for each mutant.
//! `cargo test` leaves it out, because `main.rs` has the same tests.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod alarms;
mod attention;
mod fences;
mod limits;
mod multi_az_failover;
mod no_return;
mod settle;
mod shapes;

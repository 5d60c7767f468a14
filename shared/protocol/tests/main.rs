//! The tests of the core, one program: a file answers one question, and a run of all of them links once.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod alarms;
mod attention;
mod envelopes;
mod events;
mod fences;
mod golden;
mod invocation;
mod laws;
mod limits;
mod multi_az_failover;
mod no_return;
mod pair;
mod parameter_events;
mod plan;
mod plan_properties;
mod plan_rules;
mod plan_sides;
mod plan_witness;
mod pointers;
mod readiness;
mod readiness_events;
mod readiness_witness;
mod run_steps;
mod settle;
mod shapes;
mod snapshot_calendar;
mod snapshot_events;
mod snapshot_laws;
mod snapshots;
mod terms;

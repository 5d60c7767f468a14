//! The scenarios, one program: a file answers one question, and a run of all of them links once. What needs a process of its
//! own stands beside it (`secrets.rs`: it runs itself with credentials in its environment, and listens to every log line).

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod aftermath;
mod alarm_messages;
mod alarms;
mod answers;
mod attention;
mod aurora;
mod blind;
mod budgets;
mod contract;
mod failover;
mod fences;
mod forgery;
mod golden;
mod journal;
mod late;
mod limits;
mod parameters;
mod readiness;
mod snapshots;
mod stale;
mod statuses;
mod throttled;
mod two_accounts;

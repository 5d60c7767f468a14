//! The scenarios, one program: a file answers one question, and a run of all of them links once. What needs a process of its
//! own stands beside it (`secrets.rs`: it runs itself with credentials in its environment, and listens to every log line).

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use protocol::side::Side;

/// Where the guard of a scenario sits; a scenario that names it can be played from the other side too.
const SEAT: Side = Side::Recovery;

mod aftermath;
mod alarm_messages;
mod alarms;
mod answers;
mod attention;
mod aurora;
mod blind;
mod budgets;
mod contract;
mod exchanged;
#[allow(clippy::duplicate_mod, reason = "`exchanged` plays the same file from the other seat")]
mod failover;
#[allow(clippy::duplicate_mod, reason = "as above")]
mod fences;
mod forgery;
mod golden;
mod journal;
mod late;
mod limits;
mod pair;
mod parameters;
mod readiness;
#[allow(clippy::duplicate_mod, reason = "as above")]
mod seat;
mod snapshots;
mod stale;
mod statuses;
mod throttled;
mod two_accounts;
mod watch;
mod witness;

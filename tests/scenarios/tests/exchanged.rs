//! The failovers and their fences once more, by a guard that sits on the side that the plan calls `primary`: what it moves, it moves the other
//! way.

use protocol::side::Side;

const SEAT: Side = Side::Primary;

#[allow(clippy::duplicate_mod, reason = "the same file is played from either seat")]
#[path = "failover.rs"]
mod failover;

#[allow(clippy::duplicate_mod, reason = "as above")]
#[path = "fences.rs"]
mod fences;

#[allow(clippy::duplicate_mod, reason = "as above")]
#[path = "seat.rs"]
mod seat;

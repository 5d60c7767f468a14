//! What does a scenario move, and from where, that is played from either seat?

use protocol::plan::{Mode, Plan};
use protocol::side::Side;

use super::SEAT;

pub(super) const TO: Side = SEAT;
pub(super) const FROM: Side = match SEAT {
    Side::Primary => Side::Recovery,
    Side::Recovery => Side::Primary,
};

/// What the world calls opening and closing each side.
pub(super) const SET_OLD: &str = if matches!(FROM, Side::Primary) { "set_primary" } else { "set_recovery" };
pub(super) const SET_OWN: &str = if matches!(TO, Side::Primary) { "set_primary" } else { "set_recovery" };

/// A plan as the guard of this file has it.
fn seated(plan: Plan) -> Plan {
    if plan.seat == SEAT { plan } else { twin::plans::exchanged(plan) }
}

pub(super) fn small_plan(mode: Mode) -> Plan {
    seated(twin::plans::small_plan(mode))
}

pub(super) fn example_plan(mode: Mode) -> Plan {
    seated(twin::plans::example_plan(mode))
}

//! Names that several checks share.

/// What snapshot-scheduler does with the key of a database whose snapshot it copies.
pub(super) const GRANT_FOR_COPIES: &str = "kms:CreateGrant";

/// The functions that a run can't do without: each takes some of its steps.
pub const OF_A_RUN: [&str; 4] = ["alarm-handler", "promote-replica", "scale-asg", "shift-traffic"];

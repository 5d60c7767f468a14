//! Between which values each number of a plan may lie. The reader, the validation and the schema all look here.

use std::fmt;

/// The least and the greatest value of a number, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least value.
    pub min: u64,
    /// The greatest value.
    pub max: u64,
}

impl Bounds {
    const fn of(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// Whether the value lies between the bounds.
    pub fn hold(self, value: u64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// `schema`, of what is written; the one before is read too.
pub const SCHEMA: Bounds = Bounds::of(2, 2);
/// `backup_retention_days`: RDS's own limits; 0 would forbid the promoted instance a replica, and so a failback.
pub const BACKUP_RETENTION_DAYS: Bounds = Bounds::of(1, 35);
/// `min` and `max` of a capacity.
pub const CAPACITY: Bounds = Bounds::of(0, 100_000);
/// `desired` of a capacity.
pub const CAPACITY_DESIRED: Bounds = Bounds::of(1, 100_000);
/// `healthy_targets_min`: at most `desired`, which is checked beside it.
pub const HEALTHY_TARGETS: Bounds = Bounds::of(1, 100_000);
/// `weight`: Global Accelerator's own limits, without 0, which is what a closed side has.
pub const WEIGHT: Bounds = Bounds::of(1, 255);
/// `expect_status` of an HTTP probe.
pub const EXPECT_STATUS: Bounds = Bounds::of(100, 599);
/// `port` of a TCP probe.
pub const PORT: Bounds = Bounds::of(1, 65_535);
/// `timeout_seconds` of a probe: several of them must fit into one tick.
pub const PROBE_TIMEOUT_SECONDS: Bounds = Bounds::of(1, 10);
/// `confirm_seconds`: below 10 one look decides; above 900 no time is left to recover in.
pub const CONFIRM_SECONDS: Bounds = Bounds::of(10, 900);
/// `signal_age_seconds_max`.
pub const SIGNAL_AGE_SECONDS: Bounds = Bounds::of(30, 3_600);
/// `watch_seconds`: within the tick's minute; a look asked for more often would not have ended when the next one begins.
pub const WATCH_SECONDS: Bounds = Bounds::of(5, 60);
/// The timeout of alarm-handler where it watches: the tick's minute, and what it writes at its end.
pub const WATCHING_FUNCTION_SECONDS: u32 = 90;
/// `cooldown_seconds`: at most a day.
pub const COOLDOWN_SECONDS: Bounds = Bounds::of(0, 86_400);
/// `lag_seconds_max`: at most a day.
pub const LAG_SECONDS: Bounds = Bounds::of(0, 86_400);
/// `rto_seconds`: at most a week.
pub const RTO_SECONDS: Bounds = Bounds::of(60, 604_800);
/// `approval_seconds_max`: at most a week.
pub const APPROVAL_SECONDS: Bounds = Bounds::of(60, 604_800);
/// The timeout of a function: Lambda's own greatest is 900.
pub const FUNCTION_TIMEOUT_SECONDS: Bounds = Bounds::of(30, 900);
/// The deadline of a step; also above the timeout of its function and below `rto_seconds`, checked beside it.
pub const STEP_SECONDS: Bounds = Bounds::of(31, 604_799);
/// `puts_per_second`: with Parameter Store's higher throughput the account has 10.
pub const PUTS_PER_SECOND: Bounds = Bounds::of(1, 10);
/// `deletes_percent_max`: 0 lets no copy ever be deleted.
pub const DELETES_PERCENT: Bounds = Bounds::of(0, 100);
/// `daily`, `weekly` and `monthly` of `keep`. RDS keeps 100 manual snapshots in a region unless asked for more.
pub const KEEP_TIER: Bounds = Bounds::of(0, 366);
/// `heartbeat_seconds` of the witness: within its minute; 0 writes none.
pub const HEARTBEAT_SECONDS: Bounds = Bounds::of(0, 60);
/// `keep_min`: at least one, so that the last one is never deleted.
pub const KEEP_MIN: Bounds = Bounds::of(1, 366);
/// `deletions_max`.
pub const DELETIONS: Bounds = Bounds::of(0, 100);

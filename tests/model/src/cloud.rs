//! How does the world outside the journal behave? Just enough of two regions to hurt: databases, a fleet, one
//! route, and what may be seen of them.

/// Seconds in one moment of the abstract clock. Everything that the core compares with a clock falls on a different
/// side for different numbers of moments: a look (30 s), a tick and a window (60 s), a lease (75 s), a gap (90 s).
pub const MOMENT_SECONDS: i64 = 30;

/// The database of the recovery region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Database {
    /// It follows its source.
    Replica,
    /// A promotion is under way.
    Promoting,
    /// It is writable and follows nobody.
    Writable,
    /// The promotion failed for good.
    Unusable,
}

/// What was last sampled of the replication lag while the source lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lag {
    /// Within the plan's limit.
    Small,
    /// Above it.
    Large,
    /// No sample.
    Unknown,
}

/// Most databases of a plan here.
pub const DATABASES_MAX: usize = 2;

/// Everything outside the journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cloud {
    /// Whether the primary region serves.
    pub primary_is_up: bool,
    /// Whether the path between the regions is cut: each side lives and can't see the other.
    pub is_cut: bool,
    /// Whether the primary endpoint has its weight.
    pub primary_is_open: bool,
    /// What a stale answer says of it.
    pub primary_was_open: bool,
    /// Whether the dial of the primary's group is at 100.
    pub primary_dial: bool,
    /// Whether the recovery endpoint has its weight.
    pub recovery_is_open: bool,
    /// How many databases the plan has.
    pub count: usize,
    /// The databases of the recovery region.
    pub databases: [Database; DATABASES_MAX],
    /// Promotions of each that were accepted.
    pub promotions: [u8; DATABASES_MAX],
    /// Whether the fleet has the plan's size.
    pub fleet_is_big: bool,
    /// Whether its targets are healthy.
    pub fleet_is_healthy: bool,
    /// Whether instances can be had.
    pub has_capacity: bool,
    /// Whether the old primary databases are cut off.
    pub is_quarantined: [bool; DATABASES_MAX],
    /// The lag while the source lived.
    pub lag: Lag,
    /// Probes can't be asked.
    pub probe_is_silent: bool,
    /// The replica does not say whether it replicates.
    pub replica_is_silent: bool,
}

impl Cloud {
    /// A good day.
    #[must_use]
    pub fn new(lag: Lag, count: usize) -> Self {
        Self {
            primary_is_up: true,
            is_cut: false,
            primary_is_open: true,
            // It was closed for maintenance not long ago: a stale answer may still say so.
            primary_was_open: false,
            primary_dial: true,
            recovery_is_open: false,
            count,
            databases: [Database::Replica; DATABASES_MAX],
            promotions: [0; DATABASES_MAX],
            fleet_is_big: false,
            fleet_is_healthy: false,
            has_capacity: true,
            is_quarantined: [false; DATABASES_MAX],
            lag,
            probe_is_silent: false,
            replica_is_silent: false,
        }
    }

    /// Whether the recovery region gets good answers from the primary.
    #[must_use]
    pub fn primary_is_seen(&self) -> bool {
        self.primary_is_up && !self.is_cut
    }

    /// Sets the weight of the primary endpoint.
    pub fn set_primary(&mut self, is_open: bool) {
        if self.primary_is_open != is_open {
            self.primary_was_open = self.primary_is_open;
            self.primary_is_open = is_open;
        }
    }

    /// Sets the size of the fleet; targets take their time.
    pub fn resize(&mut self, is_big: bool) {
        if self.fleet_is_big != is_big {
            self.fleet_is_big = is_big;
            self.fleet_is_healthy = false;
        }
    }

    /// Whether users' writes reach the primary of a database. A weight of 0 keeps traffic out; a dial does not: with no
    /// healthy endpoint of weight in the other group, the accelerator ignores it.
    #[must_use]
    pub fn primary_takes_writes(&self, item: usize) -> bool {
        let other_serves = self.recovery_is_open && self.fleet_is_healthy;
        let reached = self.primary_is_open && (self.primary_dial || !other_serves);
        reached && self.primary_is_up && !self.is_quarantined[item]
    }

    /// Whether a recovery database has left its source for good.
    #[must_use]
    pub fn has_diverged(&self, item: usize) -> bool {
        matches!(self.databases[item], Database::Promoting | Database::Writable)
    }

    /// Whether all of them have, and there is one.
    #[must_use]
    pub fn all_have_diverged(&self) -> bool {
        self.count > 0 && (0..self.count).all(|item| self.has_diverged(item))
    }

    /// Whether all of them are writable.
    #[must_use]
    pub fn all_are_writable(&self) -> bool {
        self.databases[..self.count].iter().all(|database| *database == Database::Writable)
    }
}

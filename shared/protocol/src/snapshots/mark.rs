//! Which snapshots are ours? Those that carry all our tags and the very name that follows from them, in their own
//! region and account. Everything else is somebody else's and is never touched.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::inventory::{DatabaseSnapshot, SnapshotListing, SourceKind, Status};
use crate::arn::Arn;
use crate::name::Name;
use crate::plan::Plan;

/// How far in the future a time may lie before the clock is doubted.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(15);

const PREFIX: &str = "pilotlight";
const TAG_PLAN: &str = "pilotlight:plan";
const TAG_DATABASE: &str = "pilotlight:database";
const TAG_SOURCE: &str = "pilotlight:source";
const TAG_SCHEDULE: &str = "pilotlight:schedule";
const TAG_CREATED_BY: &str = "pilotlight:created-by";
const TAG_TAKEN_AT: &str = "pilotlight:taken-at";

/// Greatest number of an attempt that a name can have.
const ATTEMPT_MAX: u32 = 9_999;

/// How long after its time of the schedule a snapshot may have been taken to count for that day. One that claims more
/// was taken by a clock that was wrong.
const LATENESS_MAX: SignedDuration = SignedDuration::from_hours(24);

/// What a snapshot of ours says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The database, by its name in the plan.
    pub database: Name,
    /// The ARN of the instance or cluster that it was taken of.
    pub source: String,
    /// The time of the schedule that it was taken for.
    pub slot: Timestamp,
}

impl Mark {
    /// The identifier of an attempt, from 1 on.
    pub fn id(&self, plan: &Name, attempt: u32) -> String {
        let slot = self.slot.strftime("%Y%m%dt%H%M%Sz");
        let base = format!("{PREFIX}-{plan}-{}-{slot}", self.database);
        if attempt > 1 { format!("{base}-{attempt}") } else { base }
    }

    /// The tags of a new snapshot. Only characters that RDS takes in a tag.
    pub fn tags(&self, plan: &Name, created_by: &str) -> BTreeMap<String, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        let created_by = created_by.chars().filter(|c| is_plain(*c)).take(128).collect();
        [
            (TAG_PLAN, plan.to_string()),
            (TAG_DATABASE, self.database.to_string()),
            (TAG_SOURCE, self.source.clone()),
            (TAG_SCHEDULE, self.slot.to_string()),
            (TAG_CREATED_BY, created_by),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

/// A snapshot of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own<'l> {
    /// The snapshot.
    pub snapshot: &'l DatabaseSnapshot,
    /// What it says of itself.
    pub mark: Mark,
    /// Which attempt at its slot it is, from 1 on.
    pub attempt: u32,
    /// From when its data is.
    pub taken_at: Option<Timestamp>,
}

impl<'l> Own<'l> {
    /// The snapshot as ours, if it is.
    pub fn read(plan: &Plan, region: &str, snapshot: &'l DatabaseSnapshot) -> Option<Self> {
        let tag = |key: &str| snapshot.tags.get(key).map(String::as_str);
        if !snapshot.is_manual || tag(TAG_PLAN) != Some(plan.name.as_str()) || tag(TAG_CREATED_BY).is_none() {
            return None;
        }
        let arn = Arn::parse(&snapshot.arn).filter(|arn| arn.service == "rds")?;
        let resource = match snapshot.kind {
            SourceKind::Instance => arn.resource.strip_prefix("snapshot:"),
            SourceKind::Cluster => arn.resource.strip_prefix("cluster-snapshot:"),
        };
        if arn.region != region
            || arn.account != plan.account_in(region)
            || resource != Some(snapshot.id.as_str())
        {
            return None;
        }
        let source = tag(TAG_SOURCE).filter(|source| SourceKind::of(source) == Some(snapshot.kind))?;
        let mark = Mark {
            database: Name::new(tag(TAG_DATABASE)?),
            source: source.to_owned(),
            slot: tag(TAG_SCHEDULE)?.parse().ok()?,
        };
        let attempt = match snapshot.id.strip_prefix(&mark.id(&plan.name, 1))? {
            "" => 1,
            rest => {
                rest.strip_prefix('-')?.parse().ok().filter(|attempt| (2..=ATTEMPT_MAX).contains(attempt))?
            }
        };
        // `-02` is no name of ours, nor is another spelling of the same time.
        if snapshot.id != mark.id(&plan.name, attempt) {
            return None;
        }
        let taken_at = snapshot.taken_at.or_else(|| tag(TAG_TAKEN_AT)?.parse().ok());
        Some(Self { snapshot, mark, attempt, taken_at })
    }

    /// Whether it can be restored.
    pub fn is_good(&self) -> bool {
        self.snapshot.status == Status::Available
    }

    /// The day that it counts for: that of the time of the schedule that it was taken for. A schedule close to midnight
    /// would otherwise count twice for one day and not at all for the next, by the minutes that a snapshot takes.
    pub fn counts_for(&self, taken_at: Timestamp) -> Date {
        let lateness = taken_at.duration_since(self.mark.slot);
        let is_plausible = (-CLOCK_SLACK..=LATENESS_MAX).contains(&lateness);
        day(if is_plausible { self.mark.slot } else { taken_at })
    }

    /// Whether it failed.
    pub fn is_failed(&self) -> bool {
        self.snapshot.status == Status::Failed
    }

    /// The tags of its copy: its own without those of AWS, which can't be given, and when its data is from.
    pub fn tags_of_copy(&self) -> BTreeMap<String, String> {
        let tags = self.snapshot.tags.iter().filter(|(key, _)| !key.to_ascii_lowercase().starts_with("aws:"));
        let mut tags: BTreeMap<String, String> =
            tags.map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(taken_at) = self.taken_at {
            tags.insert(TAG_TAKEN_AT.to_owned(), taken_at.to_string());
        }
        tags
    }
}

/// The day of a time, in UTC as the schedule is.
pub(super) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Our snapshots in a region, by database. Databases that the plan does not have, or leaves alone, are not there.
pub fn own<'l>(plan: &Plan, listing: &'l SnapshotListing) -> BTreeMap<Name, Vec<Own<'l>>> {
    let except = plan.snapshots.as_ref().map_or(&[][..], |policy| policy.except.as_slice());
    let mut shelves: BTreeMap<Name, Vec<Own<'l>>> = plan
        .databases
        .iter()
        .filter(|database| !except.contains(&database.name))
        .map(|database| (database.name.clone(), Vec::new()))
        .collect();
    for snapshot in &listing.snapshots {
        if let Some(own) = Own::read(plan, &listing.region, snapshot)
            && let Some(shelf) = shelves.get_mut(&own.mark.database)
        {
            shelf.push(own);
        }
    }
    shelves
}

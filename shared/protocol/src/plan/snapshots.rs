//! The section `snapshots` of a plan: when snapshots are taken, how many are kept, and under which keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use super::section::{Notes, Section};
use crate::name::Name;
use crate::schedule::SCHEDULE_HINT;
use crate::side::Side;

/// How snapshots of the plan's databases are kept. Without this section none are taken, copied or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotPolicy {
    /// When a snapshot is due, in UTC, at most once an hour, as EventBridge writes it: `cron(0 3 * * ? *)`.
    #[schemars(regex(pattern = r"^cron\([0-9]+ \S+ \S+ \S+ \S+ \S+\)$"))]
    pub schedule: String,
    /// How many are kept, by tier.
    #[serde(default)]
    pub keep: Tiers,
    /// Fewest good snapshots of a database that stay in each region, whatever the tiers say.
    #[serde(default = "default_keep_min")]
    #[schemars(range(min = bounds::KEEP_MIN.min, max = bounds::KEEP_MIN.max))]
    pub keep_min: u32,
    /// Most snapshots that one invocation deletes; 0 deletes none, ever.
    #[serde(default = "default_deletions_max")]
    #[schemars(range(min = bounds::DELETIONS.min, max = bounds::DELETIONS.max))]
    pub deletions_max: u32,
    /// The KMS key for copies into each region. A copy of an encrypted snapshot needs one of its own region.
    #[serde(default, skip_serializing_if = "KeyArns::is_empty")]
    pub kms_key_arns: KeyArns,
    /// Databases that are left alone: nothing of theirs is taken, copied or deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Name>,
    /// The option groups that copies are made with: of databases whose engine encrypts by an option (Oracle, SQL Server).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub option_groups: Vec<OptionGroups>,
}

/// The option groups that copies of a database are made with. RDS refuses a copy into another region without one where
/// the option TDE encrypts the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionGroups {
    /// The database.
    pub database: Name,
    /// For copies into the primary region, after a failover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9:-]{0,254}$"))]
    pub primary: Option<String>,
    /// For copies into the recovery region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9:-]{0,254}$"))]
    pub recovery: Option<String>,
}

impl SnapshotPolicy {
    /// The option group that copies of a database into a side's region are made with.
    pub fn option_group(&self, database: &Name, to: Side) -> Option<&str> {
        let groups = self.option_groups.iter().find(|groups| groups.database == *database)?;
        match to {
            Side::Primary => groups.primary.as_deref(),
            Side::Recovery => groups.recovery.as_deref(),
        }
    }
}

/// For how many of the last days, weeks and months (of those that have one) the newest snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tiers {
    /// Days.
    #[schemars(range(min = bounds::KEEP_TIER.min, max = bounds::KEEP_TIER.max))]
    pub daily: u32,
    /// Weeks, Monday to Sunday.
    #[schemars(range(min = bounds::KEEP_TIER.min, max = bounds::KEEP_TIER.max))]
    pub weekly: u32,
    /// Months.
    #[schemars(range(min = bounds::KEEP_TIER.min, max = bounds::KEEP_TIER.max))]
    pub monthly: u32,
}

/// A KMS key for each region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeyArns {
    /// For copies into the primary region, after a failover.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"))]
    pub primary: Option<String>,
    /// For copies into the recovery region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"))]
    pub recovery: Option<String>,
}

impl KeyArns {
    /// The key for copies into a side's region.
    pub fn of(&self, side: Side) -> Option<&str> {
        match side {
            Side::Primary => self.primary.as_deref(),
            Side::Recovery => self.recovery.as_deref(),
        }
    }

    fn is_empty(&self) -> bool {
        self.primary.is_none() && self.recovery.is_none()
    }
}

impl Tiers {
    /// All tiers together.
    pub fn sum(self) -> u32 {
        self.daily.saturating_add(self.weekly).saturating_add(self.monthly)
    }
}

impl Default for Tiers {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 6 }
    }
}

fn default_keep_min() -> u32 {
    2
}

fn default_deletions_max() -> u32 {
    10
}

/// Reads the section; it may be left out, or be null.
pub(super) fn read(plan: &Section<'_>, notes: &mut Notes) -> Option<SnapshotPolicy> {
    const FIELDS: [&str; 7] =
        ["schedule", "keep", "keep_min", "deletions_max", "kms_key_arns", "except", "option_groups"];
    let document = plan.given("snapshots")?;
    let section = Section::open(&plan.place("snapshots"), document, &FIELDS, notes);
    Some(SnapshotPolicy {
        schedule: section.text("schedule", SCHEDULE_HINT, notes),
        keep: read_tiers(&section, notes),
        keep_min: section.number_or("keep_min", default_keep_min(), bounds::KEEP_MIN, notes),
        deletions_max: section.number_or("deletions_max", default_deletions_max(), bounds::DELETIONS, notes),
        kms_key_arns: read_keys(&section, notes),
        except: section.names("except", notes),
        option_groups: read_option_groups(&section, notes),
    })
}

fn read_option_groups(policy: &Section<'_>, notes: &mut Notes) -> Vec<OptionGroups> {
    let items = policy.list("option_groups", "objects with database, primary and recovery", notes);
    let read = |(path, document): (String, _)| {
        let section = Section::open(&path, document, &["database", "primary", "recovery"], notes);
        OptionGroups {
            database: section.name("database", notes),
            primary: section.text_if_given(
                "primary",
                "the name of an option group of the primary region",
                notes,
            ),
            recovery: section.text_if_given(
                "recovery",
                "the name of an option group of the recovery region",
                notes,
            ),
        }
    };
    items.into_iter().map(read).collect()
}

fn read_tiers(policy: &Section<'_>, notes: &mut Notes) -> Tiers {
    let default = Tiers::default();
    let Some(document) = policy.find("keep") else {
        return default;
    };
    let section = Section::open(&policy.place("keep"), document, &["daily", "weekly", "monthly"], notes);
    let mut tier = |field, default| section.number_or(field, default, bounds::KEEP_TIER, notes);
    Tiers {
        daily: tier("daily", default.daily),
        weekly: tier("weekly", default.weekly),
        monthly: tier("monthly", default.monthly),
    }
}

fn read_keys(policy: &Section<'_>, notes: &mut Notes) -> KeyArns {
    let Some(document) = policy.find("kms_key_arns") else {
        return KeyArns::default();
    };
    let section = Section::open(&policy.place("kms_key_arns"), document, &["primary", "recovery"], notes);
    KeyArns {
        primary: section.text_if_given("primary", "the ARN of a KMS key of the primary region", notes),
        recovery: section.text_if_given("recovery", "the ARN of a KMS key of the recovery region", notes),
    }
}

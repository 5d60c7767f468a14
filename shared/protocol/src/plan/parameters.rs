//! Which parameters are kept the same in both regions, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use crate::side::Side;

/// What of Parameter Store is copied from the active region to the other one.
///
/// A pattern is a parameter's full name in which `*` stands for anything within one level and `**`, alone in its level,
/// for any number of levels. It begins with a level without either: `/shop/**`, `/shop/*/url`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Patterns of what is copied; at least one.
    #[schemars(
        length(min = 1, max = 50),
        inner(regex(pattern = r"^(/([A-Za-z0-9_.*-]+))+$"), length(max = 1011))
    )]
    pub include: Vec<String>,
    /// Patterns of what is left alone although it is included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), inner(regex(pattern = r"^(/([A-Za-z0-9_.*-]+))+$"), length(max = 1011)))]
    pub exclude: Vec<String>,
    /// Patterns of what differs on purpose, such as an endpoint: it must be there in both regions, and is written in
    /// neither.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), inner(regex(pattern = r"^(/([A-Za-z0-9_.*-]+))+$"), length(max = 1011)))]
    pub overrides: Vec<String>,
    /// What becomes of a parameter that is there on both sides, and is no copy on either.
    #[serde(default)]
    pub existing: Existing,
    /// The keys that secure strings are encrypted with.
    #[serde(default)]
    pub keys: Keys,
    /// How many writes a second at most. `PutParameter` has 3 a second for the whole account by default.
    #[serde(default = "default_puts_per_second")]
    #[schemars(range(min = bounds::PUTS_PER_SECOND.min, max = bounds::PUTS_PER_SECOND.max))]
    pub puts_per_second: u32,
    /// Of a hundred copies, how many may be deleted in one pass. If more would be, none is; a single one always may,
    /// unless this is 0.
    #[serde(default = "default_deletes_percent_max")]
    #[schemars(range(min = bounds::DELETES_PERCENT.min, max = bounds::DELETES_PERCENT.max))]
    pub deletes_percent_max: u32,
}

/// What becomes of a parameter that is there on both sides, and is no copy on either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// It is not written, and where the two differ people are told.
    #[default]
    Keep,
    /// It is written as a copy would be, and never deleted.
    Adopt,
}

/// The keys that secure strings are encrypted with, each in its own region: an alias, a key's id or its ARN. Where there
/// is none it is AWS's own key for Parameter Store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// For what is written in the primary region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub primary: Option<String>,
    /// For what is written in the recovery region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub recovery: Option<String>,
}

impl Keys {
    /// The key for what is written on a side.
    pub fn of(&self, side: Side) -> Option<&str> {
        match side {
            Side::Primary => self.primary.as_deref(),
            Side::Recovery => self.recovery.as_deref(),
        }
    }
}

pub(super) fn default_puts_per_second() -> u32 {
    2
}
pub(super) fn default_deletes_percent_max() -> u32 {
    10
}

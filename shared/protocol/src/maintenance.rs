//! What did the scheduled jobs last find? Kept beside the journal for the readiness; advisory.
//!
//! Names and times only: never the value of a parameter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::Name;

/// What the last full pass over the parameters came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterPass {
    /// When it ended.
    pub at: Timestamp,
    /// The region whose parameters were copied.
    pub from: String,
    /// The region they were copied to.
    pub to: String,
    /// What it came to.
    pub outcome: PassOutcome,
}

/// What a full pass came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassOutcome {
    /// Both sides were listed and compared.
    Compared {
        /// How many are the same now: found so, or copied.
        same: usize,
        /// How many differ on purpose.
        overridden: usize,
        /// How many differ still.
        differing: usize,
        /// What keeps them different, the first of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// It failed before everything was compared; why, in one sentence.
    Failed {
        /// Why.
        why: String,
    },
}

/// What there is of snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotLook {
    /// When it was looked at.
    pub at: Timestamp,
    /// The newest good snapshots.
    pub newest: Vec<NewestSnapshot>,
    /// The regions that could not be listed whole, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<(String, String)>,
}

/// The newest good snapshot of a database in a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestSnapshot {
    /// The database.
    pub database: Name,
    /// The region of the snapshot.
    pub region: String,
    /// The moment of its data.
    pub taken_at: Timestamp,
}

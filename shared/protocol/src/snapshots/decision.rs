//! What a decision about snapshots is: effects that are due, why nothing else is, and the bounds of both.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::inventory::SourceKind;
use super::mark::Mark;
use crate::name::Name;

/// Most copies under way into one region of an account: the service's own limit.
pub const COPIES_UNDER_WAY_MAX: usize = 20;

/// Most attempts at one snapshot or copy; after that it waits for the next time of the schedule.
pub const ATTEMPTS_MAX: u32 = 5;

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotDecision {
    /// What is to be done, in this order.
    pub actions: Vec<Action>,
    /// What is waited for, and why nothing is done; one sentence each.
    pub waits: Vec<String>,
    /// What no waiting helps; one sentence each, with what to do.
    pub blocked: Vec<String>,
    /// How old the newest good snapshot is, where that is known.
    pub ages: Vec<Age>,
    /// All of it in one sentence.
    pub sentence: String,
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The database.
    pub database: Name,
    /// Where.
    pub region: String,
    /// What and why.
    pub sentence: String,
    /// What exactly.
    pub effect: Effect,
}

/// What exactly is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Take a snapshot.
    Take {
        /// The instance or cluster.
        source: String,
        /// The snapshot's identifier to be.
        id: String,
        /// Its tags, without who made it.
        mark: Mark,
    },
    /// Copy a snapshot of the other region.
    Copy {
        /// The snapshot's ARN.
        snapshot: String,
        /// What it is of.
        kind: SourceKind,
        /// The copy's identifier to be.
        id: String,
        /// The key to encrypt the copy with.
        kms_key: Option<String>,
        /// The option group to make the copy with, where the engine encrypts by an option.
        option_group: Option<String>,
        /// The copy's tags.
        tags: BTreeMap<String, String>,
    },
    /// Delete a snapshot.
    Delete {
        /// Its identifier.
        id: String,
        /// What it is of.
        kind: SourceKind,
    },
}

/// How old the newest good snapshot of a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// The database.
    pub database: Name,
    /// The region of the snapshot.
    pub region: String,
    /// Its age.
    pub age: SignedDuration,
}

//! What one guard tells the other: the whole of what it holds, never its history.
//!
//! A guard writes its word beside its journal after each record that changes it, and the other one reads it there. A word may be
//! read long after it was written: whatever follows from it must be right at any age.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::command::Step;
use crate::group::groups;
use crate::name::Name;
use crate::plan::{Database, Plan};
use crate::side::Side;
use crate::state::holdings::{Holding, Ownership};
use crate::state::{Cleanup, State};

/// The version of a word that this version writes, and the newest that it reads.
pub const WORD_SCHEMA: u16 = 1;

/// A guard's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Version of its shape.
    pub schema: u16,
    /// The plan.
    pub plan: Name,
    /// Where the guard sits.
    pub seat: Side,
    /// The region of the guard that it speaks to.
    pub peer: String,
    /// Its journal.
    #[serde(flatten)]
    pub heard_up_to: JournalPlace,
    /// When it was written. For people.
    pub at: Timestamp,
    /// How far it has heard the other guard; nothing before the first word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<JournalPlace>,
    /// When it last did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// What it holds, by group.
    pub groups: BTreeMap<Name, GroupWord>,
}

/// A place in a guard's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPlace {
    /// Id of the table that the journal is kept in: a restored table has another.
    pub table_id: String,
    /// The sequence number of a record.
    pub seq: u64,
}

/// What a guard says of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWord {
    /// What its own side is for the group, and by which term.
    #[serde(flatten)]
    pub holding: Holding,
    /// Since when. For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether the group serves on its side, as it last looked; nothing where it could not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<bool>,
    /// Whether it still has to cut old primaries of the group off on the other side.
    #[serde(default)]
    pub owes_quarantine: bool,
}

/// Why a word does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unheard {
    /// A newer version wrote it.
    #[error("its schema {0} is newer than this version reads; deploy both guards from one release")]
    Schema(u64),
    /// It can't be understood.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// It is of another plan.
    #[error("it is of plan {0}")]
    OtherPlan(Name),
    /// The guard that wrote it does not sit across, or speaks to another region.
    #[error("it is the word of the {seat} side to {peer}")]
    NotToMe {
        /// Where that guard sits.
        seat: &'static str,
        /// To whom it speaks.
        peer: String,
    },
    /// A later one was heard already.
    #[error("it is older than one that was heard before")]
    Older,
}

impl Word {
    /// What a guard says.
    pub fn of(
        plan: &Plan,
        state: &State,
        table_id: &str,
        serves: &BTreeMap<Name, bool>,
        at: Timestamp,
    ) -> Self {
        let said = groups(plan).into_iter().map(|group| {
            let owed = plan.databases.iter().filter(|database| group.databases.contains(&database.name));
            let word = GroupWord {
                holding: group.holding(state),
                since: group.since(state),
                serves: serves.get(&group.name).copied(),
                owes_quarantine: owed.into_iter().any(|database| owes(plan, state, database)),
            };
            (group.name, word)
        });
        Self {
            schema: WORD_SCHEMA,
            plan: plan.name.clone(),
            seat: plan.seat,
            peer: plan.other().region.clone(),
            heard_up_to: JournalPlace {
                table_id: table_id.to_owned(),
                seq: state.guard.as_ref().map_or(state.last_seq, |guard| guard.said_as(state.last_seq)),
            },
            at,
            heard: None,
            heard_at: None,
            groups: said.collect(),
        }
    }

    /// Understands a word, whoever wrote it.
    ///
    /// # Errors
    /// A newer version wrote it, or it is no word.
    pub fn read(text: &str) -> Result<Self, Unheard> {
        let unreadable = |error: serde_json::Error| Unheard::Unreadable(error.to_string());
        let value: Value = serde_json::from_str(text).map_err(unreadable)?;
        match value.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema > u64::from(WORD_SCHEMA) => Err(Unheard::Schema(schema)),
            _ => serde_json::from_value(value).map_err(unreadable),
        }
    }

    /// Whether the guard of a plan may go by it. `heard` is how far it has heard the other one.
    ///
    /// # Errors
    /// It is not the word of the guard across to this one, or it is an old one.
    pub fn counts(&self, plan: &Plan, heard: Option<&JournalPlace>) -> Result<(), Unheard> {
        if self.plan != plan.name {
            return Err(Unheard::OtherPlan(self.plan.clone()));
        }
        if self.seat != plan.seat.other() || self.peer != plan.own().region {
            return Err(Unheard::NotToMe { seat: self.seat.as_str(), peer: self.peer.clone() });
        }
        let of = &self.heard_up_to;
        let is_older = heard.is_some_and(|heard| heard.table_id == of.table_id && of.seq < heard.seq);
        if is_older { Err(Unheard::Older) } else { Ok(()) }
    }

    /// Whether the guard that wrote it has heard a record of a journal.
    pub fn has_heard(&self, table_id: &str, seq: u64) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.table_id == table_id && heard.seq >= seq)
    }
}

/// Whether a guard still has to cut the old primary of a database off. Where the plan never gave a group for it, nobody does.
fn owes(plan: &Plan, state: &State, database: &Database) -> bool {
    let is_named = database.quarantine_security_group(plan.seat.other()).is_some();
    let was_named = |open: &Cleanup| open.progress.is_some() || open.overdue;
    let open = state.cleanup(Step::Quarantine, &database.name).filter(|open| !open.is_done());
    open.is_some_and(|open| is_named || was_named(open))
}

impl GroupWord {
    /// The term by which its guard owns the group, or is taking it.
    pub fn owned_by(&self) -> Option<u64> {
        matches!(self.holding.ownership, Ownership::Active | Ownership::Taking).then_some(self.holding.term)
    }
}

//! A snapshot of the state: what the journal amounted to after one of its records, kept beside the log.
//!
//! It is a cache. Whoever has it reads the records after it instead of the whole log, and comes to the same state; it may
//! be thrown away at any time. It is bound to its log by the digest of the record that it was taken after: a log that was
//! restored or replaced has another record there, and the snapshot is refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::State;
use super::schema_1;
use crate::digest::Digest;
use crate::name::Name;

/// The version of a snapshot's shape that this version writes, and the newest that it reads.
pub const SNAPSHOT_SCHEMA: u16 = 2;

/// The oldest version that is still read. When old records get a meaning that older snapshots don't hold, both numbers rise:
/// the snapshots of before are then refused, and the log is folded once more from its beginning.
pub const SNAPSHOT_SCHEMA_OLDEST: u16 = 1;

/// A snapshot is due when so many records came after the last one.
pub const SNAPSHOT_EVERY: u64 = 200;

/// A snapshot that was opened and understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSnapshot {
    /// Version of its shape.
    pub schema: u16,
    /// The version of the program that took it. For people.
    pub program: String,
    /// The plan whose journal it is of.
    pub plan: Name,
    /// Digest of the record that it was taken after, as the log keeps it.
    pub record: Digest,
    /// When it was taken.
    pub at: Timestamp,
    /// What the journal amounted to.
    pub state: State,
}

/// A snapshot as it is kept: its text, and what proves that the text is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSnapshot {
    /// The sequence number of the record that it was taken after.
    pub seq: u64,
    /// Digest of the text.
    pub digest: Digest,
    /// The snapshot as JSON.
    pub text: String,
}

/// Why a snapshot is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The text is not the one that was sealed.
    #[error("its text is incomplete or was changed")]
    Torn,
    /// Its shape is not one that this version reads.
    #[error("its schema is {0}; this version reads {SNAPSHOT_SCHEMA_OLDEST} to {SNAPSHOT_SCHEMA}")]
    Schema(u16),
    /// Its text is whole and makes no sense.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// It is of another plan.
    #[error("it belongs to plan {0}")]
    OtherPlan(Name),
    /// It is of another log: this one has another record there, or none.
    #[error(
        "record {0} of the log is not the record that it was taken after: the log was restored, or records \
         were deleted"
    )]
    OtherLog(u64),
    /// What was written would not be read back the same.
    #[error("reading it back gives a different state")]
    Unfaithful,
}

impl StateSnapshot {
    /// Takes a snapshot after the last record of a state, whose digest is `record`.
    pub fn of(plan: &Name, state: &State, record: Digest, at: Timestamp) -> Self {
        Self {
            schema: SNAPSHOT_SCHEMA,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            plan: plan.clone(),
            record,
            at,
            state: state.clone(),
        }
    }

    /// The sequence number of the record that it was taken after.
    pub fn seq(&self) -> u64 {
        self.state.last_seq
    }

    /// Seals it, and sees that it opens to the same.
    ///
    /// # Errors
    /// It can't be written, or would be read back as something else.
    pub fn seal(&self) -> Result<SealedSnapshot, Refusal> {
        let text = serde_json::to_string(self).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let sealed = SealedSnapshot { seq: self.seq(), digest: Digest::of(&text), text };
        // Everybody trusts it from now on, so it is tried before it is kept.
        if sealed.open(&self.plan)? == *self { Ok(sealed) } else { Err(Refusal::Unfaithful) }
    }
}

impl SealedSnapshot {
    /// Opens it for a plan. Whether it is of this log, the record says: see [`StateSnapshot::record`].
    ///
    /// # Errors
    /// It was torn, is of another version or plan, or can't be read.
    pub fn open(&self, plan: &Name) -> Result<StateSnapshot, Refusal> {
        #[derive(Deserialize)]
        struct Shape {
            schema: u16,
        }
        if Digest::of(&self.text) != self.digest {
            return Err(Refusal::Torn);
        }
        let unreadable = |error: serde_json::Error| Refusal::Unreadable(error.to_string());
        // First of all: the state of a newer shape would only give a riddle of an error.
        let Shape { schema } = serde_json::from_str(&self.text).map_err(unreadable)?;
        if !(SNAPSHOT_SCHEMA_OLDEST..=SNAPSHOT_SCHEMA).contains(&schema) {
            return Err(Refusal::Schema(schema));
        }
        let snapshot = if schema == 1 { read_schema_1(&self.text) } else { serde_json::from_str(&self.text) };
        let snapshot: StateSnapshot = snapshot.map_err(unreadable)?;
        if snapshot.plan != *plan {
            return Err(Refusal::OtherPlan(snapshot.plan));
        }
        if snapshot.seq() != self.seq || self.seq == 0 {
            let why =
                format!("its key says record {}, but its state says record {}", self.seq, snapshot.seq());
            return Err(Refusal::Unreadable(why));
        }
        Ok(snapshot)
    }
}

/// Whether a snapshot is due when so many records came after the last one, and one is taken every so many.
pub fn is_due(records_since: u64, every: u64) -> bool {
    records_since >= every.max(1)
}

fn read_schema_1(text: &str) -> Result<StateSnapshot, serde_json::Error> {
    let mut fields = schema_1::fields(text)?;
    fields.insert("schema".to_owned(), SNAPSHOT_SCHEMA.into());
    let mut snapshot: StateSnapshot = serde_json::from_value(Value::Object(fields))?;
    schema_1::note_taken(&mut snapshot.state);
    Ok(snapshot)
}

//! What is read of the log and of what is kept beside it: pages of records, snapshots of the state, and when people were
//! last told that the log can't be read.

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::journal::{PoisonRecord, Record};
use protocol::name::Name;
use protocol::state::snapshot::SealedSnapshot;

use crate::{Answer, Failure, FailureKind, Journal};

/// A piece of the log, in order. Bounded, so that a log of any length is folded in bounded memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Digest of the first record as the log keeps it.
    pub first: Option<Digest>,
    /// Digest of the last record.
    pub last: Option<Digest>,
    /// What comes after them.
    pub rest: Rest,
}

/// What comes after the records of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: this was the end of the log.
    Nothing,
    /// More records: ask for those after the last one.
    More,
    /// A record that can't be read. Those after it are not looked at.
    Unreadable(PoisonRecord),
}

/// One of the two places of a plan's snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// One.
    A,
    /// The other.
    B,
}

impl Slot {
    /// The place that a snapshot goes to when this one's is to stay.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A snapshot as it was found: perhaps torn, perhaps of another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// Where it lies.
    pub slot: Slot,
    /// What lies there.
    pub sealed: SealedSnapshot,
}

/// Which of the two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one after the later record.
    Newest,
    /// The one before it.
    Older,
}

/// What keeps functions from reading the journal. People are told of each once in a while, not at each invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    /// A record is poison.
    Poison,
    /// The table gives no answer.
    Silence,
}

/// The right to tell people of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertClaim {
    /// Of what.
    pub alert: Alert,
    /// When.
    pub at: Timestamp,
    /// Granted only if nobody was told since this time.
    pub quiet_since: Timestamp,
}

/// The whole log of a plan. For those who watch from outside: functions fold it page by page.
///
/// # Errors
/// The table gives no answer, or a record can't be read.
pub async fn whole(journal: &dyn Journal, plan: &Name) -> Answer<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.seq);
        let page = journal.load_after(plan, after).await?;
        records.extend(page.records);
        match page.rest {
            Rest::Nothing => return Ok(records),
            Rest::More => {}
            Rest::Unreadable(PoisonRecord { seq, why }) => {
                return Err(Failure {
                    kind: FailureKind::Invalid,
                    action: "the log",
                    code: "record_unreadable".to_owned(),
                    message: format!("record {seq}: {why}"),
                });
            }
        }
    }
}

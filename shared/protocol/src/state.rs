//! The state: what the journal amounts to. `evolve` is the only way to come by one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::command::Step;
use crate::evidence::{EvidenceKey, EvidenceMap, Standing, Veto, Weight};
use crate::journal::{AbortCause, Cause, DataLoss, JOURNAL_SCHEMA, Need, Rejection, RunKind, Scope};
use crate::name::Name;
use crate::operator::Overrides;
use crate::report::RunReport;
use crate::signal::AlarmState;

mod entries;
mod evolve;
mod illegal;
pub mod snapshot;

pub use evolve::{evolve, fold};
pub use illegal::{IllegalRecord, Illegality};

/// What the journal of one plan amounts to.
///
/// It is kept beside the log as a [`snapshot`]. A field that is added later is `#[serde(default)]`; if old records give it
/// another value than its default, the snapshots of before no longer hold: [`snapshot::SNAPSHOT_SCHEMA_OLDEST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The last record's sequence number; 0 before the first.
    pub last_seq: u64,
    /// Items that live in the recovery region now.
    pub moved: BTreeSet<Name>,
    /// The hold, if one was placed and not released. It may have expired.
    pub hold: Option<Hold>,
    /// What stands.
    #[serde(with = "entries")]
    pub evidence: EvidenceMap,
    /// The newest time seen of each alarm, so that repeated and reordered messages change nothing.
    pub alarms: BTreeMap<String, AlarmSeen>,
    /// When RDS last said that it moves a database to its standby in another zone.
    pub zone_failovers: BTreeMap<Name, Timestamp>,
    /// When a rejection was last written down, so that a storm of them doesn't fill the journal.
    #[serde(with = "entries")]
    pub rejected: BTreeMap<(String, Rejection), Timestamp>,
    /// The run under way, or the last one.
    pub run: Option<Run>,
    /// Old primaries to be cut off.
    pub quarantine: BTreeMap<Name, Quarantine>,
    /// Records that people are yet to be told of, by sequence number.
    pub unnoticed: BTreeMap<u64, Unnoticed>,
    /// The last run whose cooldown an operator ended.
    pub acknowledged: Option<u64>,
}

/// What was last heard of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSeen {
    /// The alarm's own time.
    pub changed_at: Timestamp,
    /// The state it then took.
    pub state: AlarmState,
}

/// A record that people are yet to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unnoticed {
    /// When it was written.
    pub at: Timestamp,
    /// Its sentence.
    pub sentence: String,
}

/// Maintenance mode with an expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Who placed it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

/// One attempt to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The sequence number of the record that opened it.
    pub id: u64,
    /// The sequence number of its last record.
    pub last_seq: u64,
    /// Its kind.
    pub kind: RunKind,
    /// What it moves.
    pub scope: Scope,
    /// What began it.
    pub cause: Cause,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The first sign of loss.
    pub first_signal_at: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// What became of its steps; one that is missing was not begun since the last approval.
    #[serde(with = "entries")]
    pub steps: BTreeMap<(Step, Name), Progress>,
    /// Every step that was ever intended, for any item. An approval lets failed steps begin anew; it does not undo
    /// them.
    pub begun: BTreeSet<Step>,
    /// What undoing needs to know.
    #[serde(with = "entries")]
    pub before: BTreeMap<(Step, Name), String>,
    /// When it was committed, if it was.
    pub committed_at: Option<Timestamp>,
    /// When something last moved on; deadlines of steps that nobody took count from here.
    pub progress_at: Timestamp,
    /// The rules that operators passed.
    pub overrides: Overrides,
    /// The estimate of what is lost, as of the last gate.
    pub data_loss: Vec<DataLoss>,
    /// The vetoes that were seen and not cleared.
    pub vetoes: BTreeSet<Veto>,
    /// Whether people were told that its undoing takes too long.
    pub undo_overdue: bool,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// The evidence is being weighed.
    Confirming {
        /// Since when it is sufficient and no veto stands.
        sufficient_since: Option<Timestamp>,
    },
    /// A person is asked.
    AwaitingApproval {
        /// Since when.
        since: Timestamp,
    },
    /// It moves: fence, promote, open, verify.
    Moving,
    /// It stops until an operator speaks.
    NeedsOperator {
        /// Why.
        need: Need,
        /// Since when.
        since: Timestamp,
    },
    /// What it did is being undone.
    Aborting {
        /// Why.
        cause: AbortCause,
    },
    /// It ended without moving.
    Aborted {
        /// When.
        at: Timestamp,
        /// Why.
        cause: AbortCause,
    },
    /// The recovery region serves.
    Completed {
        /// When.
        at: Timestamp,
        /// What was measured.
        report: Box<RunReport>,
    },
}

/// What became of a step for one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Progress {
    /// A worker holds it.
    Held {
        /// By which intent.
        intent: u64,
        /// When it was first begun since the last approval.
        since: Timestamp,
        /// Until when.
        until: Timestamp,
        /// What the worker waits for.
        note: String,
    },
    /// No worker holds it, and it is not done.
    Released {
        /// When it was first begun since the last approval.
        since: Timestamp,
    },
    /// The effect stands.
    Done {
        /// When it was begun.
        since: Timestamp,
        /// When it was seen.
        at: Timestamp,
        /// What was seen.
        detail: String,
        /// How long the effect took.
        took_ms: u64,
    },
    /// It failed.
    Failed {
        /// When it was begun.
        since: Timestamp,
        /// When.
        at: Timestamp,
        /// The worker's code.
        code: String,
    },
}

/// An old primary to be cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The run that left it behind.
    pub run: u64,
    /// Since when.
    pub since: Timestamp,
    /// Whether it was told that it takes too long.
    pub overdue: bool,
    /// What became of it.
    pub progress: Option<Progress>,
}

impl Quarantine {
    /// Whether the old primary is cut off.
    pub fn is_done(&self) -> bool {
        self.progress.as_ref().is_some_and(Progress::is_done)
    }
}

impl Progress {
    /// Whether the effect stands.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Whether a worker holds it at a moment.
    pub fn is_held(&self, now: Timestamp) -> bool {
        matches!(self, Self::Held { until, .. } if now < *until)
    }

    /// When it was begun.
    pub fn since(&self) -> Timestamp {
        match self {
            Self::Held { since, .. }
            | Self::Released { since }
            | Self::Done { since, .. }
            | Self::Failed { since, .. } => *since,
        }
    }
}

impl Phase {
    /// The phase's name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Confirming { .. } => "confirming",
            Self::AwaitingApproval { .. } => "awaiting approval",
            Self::Moving => "moving",
            Self::NeedsOperator { .. } => "needs an operator",
            Self::Aborting { .. } => "aborting",
            Self::Aborted { .. } => "aborted",
            Self::Completed { .. } => "completed",
        }
    }

    /// Whether the run is over and never changes again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Aborted { .. } | Self::Completed { .. })
    }
}

impl Run {
    /// What became of a step for an item.
    pub fn progress(&self, step: Step, subject: &Name) -> Option<&Progress> {
        // A tuple key of references can't be looked up without a copy; names are short.
        self.steps.get(&(step, subject.clone()))
    }

    /// Whether a step was ever begun, for any item.
    pub fn has_begun(&self, step: Step) -> bool {
        self.begun.contains(&step)
    }

    /// Whether it can only be finished: a promotion or the opening of a route was intended, and neither is undone.
    pub fn is_past_return(&self) -> bool {
        self.has_begun(Step::Promote) || self.has_begun(Step::Open)
    }

    /// When it ended, if it did.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Aborted { at, .. } | Phase::Completed { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Whether evidence still decides what becomes of it.
    pub fn weighs_evidence(&self) -> bool {
        self.cause == Cause::Evidence
            && matches!(self.phase, Phase::Confirming { .. } | Phase::AwaitingApproval { .. })
    }
}

impl State {
    /// The run under way.
    pub fn active_run(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| !run.phase.is_final())
    }

    /// The hold that is in force.
    pub fn hold_at(&self, now: Timestamp) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| now < hold.until)
    }

    /// What stands, weighed at a moment.
    pub fn weight(&self, now: Timestamp) -> Weight {
        Weight::of(&self.evidence, now)
    }

    /// What stands about a thing.
    pub fn standing(&self, key: &EvidenceKey) -> Option<&Standing> {
        self.evidence.get(key)
    }

    /// The sequence number of the next record.
    pub fn next_seq(&self) -> u64 {
        self.last_seq + 1
    }
}

/// The schema versions that can be read.
fn is_readable(schema: u16) -> bool {
    (1..=JOURNAL_SCHEMA).contains(&schema)
}

//! The state: what the journal amounts to. `evolve` is the only way to come by one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attention::{Calls, Dismissals};
use crate::command::Step;
use crate::evidence::{
    EvidenceKey, EvidenceKind, EvidenceMap, MULTI_AZ_FAILOVERS_APART, MULTI_AZ_FAILOVERS_TAKE, Silences,
    Standing, Veto, Weight, counts,
};
use crate::journal::RunReport;
use crate::journal::{AbortCause, Cause, DataLoss, JOURNAL_SCHEMA, Need, Rejection, RunKind, Scope};
use crate::name::Name;
use crate::operator::Overrides;
use crate::plan::Plan;
use crate::side::Side;
use crate::signal::AlarmState;

mod attention;
mod entries;
mod evolve;
pub mod holdings;
mod illegal;
mod schema_1;
pub mod snapshot;
mod steps;

pub use evolve::{evolve, fold};
use holdings::{Holding, Holdings, Ownership};
pub use illegal::{IllegalRecord, Illegality};
pub use steps::Steps;
pub(crate) use steps::Tally;

/// What the journal of one plan amounts to.
///
/// It is kept beside the log as a [`snapshot`]. A field that is added later is `#[serde(default)]`; if old records give it
/// another value than its default, the snapshots of before no longer hold: [`snapshot::SNAPSHOT_SCHEMA_OLDEST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The last record's sequence number; 0 before the first.
    pub last_seq: u64,
    /// What the guard's own side is for each item.
    pub holdings: Holdings,
    /// The guard, where it is one of two and has begun as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<OneOfTwo>,
    /// When the first item was served here.
    pub active_since: Option<Timestamp>,
    /// The hold, if one was placed and not released. It may have expired.
    pub hold: Option<Hold>,
    /// What stands.
    #[serde(with = "entries")]
    pub evidence: EvidenceMap,
    /// What was last heard of each alarm, so that repeated and reordered messages change nothing.
    pub alarms: BTreeMap<String, AlarmSeen>,
    /// The regions whose alarms can't be asked for, and since when; written down only while an alarm of theirs stands.
    pub silences: Silences,
    /// When RDS last said that it moves a database to its standby in another zone.
    #[serde(rename = "zone_failovers")]
    pub multi_az_failovers: BTreeMap<Name, Timestamp>,
    /// The first of these words since the primary region last showed life, whatever database it was about.
    #[serde(rename = "zone_failovers_since")]
    pub multi_az_failovers_since: Option<Timestamp>,
    /// The rejections of the last hour by kind, so that a storm of them doesn't fill the journal.
    pub rejected: BTreeMap<Rejection, Vec<Rejected>>,
    /// The run under way, or the last one.
    pub run: Option<Run>,
    /// What runs left to be done on the other side, by step and item: old primaries to be cut off.
    #[serde(with = "entries")]
    pub cleanup: BTreeMap<(Step, Name), Cleanup>,
    /// Records that people are yet to be told of, by sequence number.
    pub unnoticed: BTreeMap<u64, Unnoticed>,
    /// The last run whose cooldown an operator ended.
    pub acknowledged: Option<u64>,
    /// Routes that have moved and whose primary side was seen open since.
    pub reopened: BTreeMap<Name, Reopened>,
    /// What people are called for.
    pub calls: Calls,
    /// Runs that evidence opened and that came to nothing.
    pub dismissals: Dismissals,
}

/// Most rejections of one kind that are written down in an hour, whatever their senders say.
pub const REJECTIONS_MAX: usize = 4;

/// For how long a rejection counts against that.
pub const REJECTED_WITHIN: SignedDuration = SignedDuration::from_secs(3_600);

/// Most characters of a source that are remembered.
const SOURCE_CHARACTERS_MAX: usize = 300;

/// A rejection that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// What spoke, cut.
    pub source: String,
    /// When it was written down.
    pub at: Timestamp,
}

impl Rejected {
    /// Whether it is of the same source.
    pub fn is_of(&self, source: &str) -> bool {
        self.source.chars().eq(source.chars().take(SOURCE_CHARACTERS_MAX))
    }

    /// Whether it still counts.
    pub fn counts(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < REJECTED_WITHIN
    }
}

impl State {
    /// The clean-up of an item by a step, if a run left any.
    pub fn cleanup(&self, step: Step, item: &Name) -> Option<&Cleanup> {
        self.cleanup.get(&(step, item.clone()))
    }

    /// All clean-up by a step.
    pub fn cleanups(&self, step: Step) -> impl Iterator<Item = (&Name, &Cleanup)> {
        self.cleanup
            .iter()
            .filter(move |((of, _), _)| *of == step)
            .map(|((_, item), cleanup)| (item, cleanup))
    }

    /// The routes that have moved and whose old side somebody opened, as far as it is open still.
    pub fn opened_again(&self) -> impl Iterator<Item = (&Name, &Reopened)> {
        self.reopened.iter().filter(|(_, reopened)| reopened.is_open)
    }

    /// What the guard's own side is for a database or a route. A guard of two knows nothing of an item that it has not heard of
    /// yet; one that is alone stands by for it.
    pub fn holding(&self, item: &Name) -> Holding {
        if self.guard.is_some() && !self.holdings.lists(item) {
            return Holding { ownership: Ownership::Unknown, term: 0 };
        }
        self.holdings.of(item)
    }

    /// The side that serves an item of the plan.
    pub fn serving(&self, plan: &Plan, item: &Name) -> Side {
        if self.holdings.is_active(item) { plan.seat } else { plan.seat.other() }
    }

    /// The region that serves users: the guard's own as soon as anything serves there.
    pub fn serving_region<'p>(&self, plan: &'p Plan) -> &'p str {
        let place = if self.holdings.has_active() { plan.own() } else { plan.other() };
        &place.region
    }
}

/// A guard that is one of two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneOfTwo {
    /// Id of the table that its journal is kept in.
    pub table_id: String,
    /// When it began, or was restored: what it knows nothing of since then it never knew.
    pub began_at: Timestamp,
    /// Since when its side is what it is for each item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_since: BTreeMap<Name, Timestamp>,
    /// Whether its journal was restored, and nobody has said since what is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_restored: bool,
    /// What its words add to its sequence numbers: what the other guard had heard before the journal was restored came after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The last record by which it left a group. The other guard owns the group for good once it has heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_seq: Option<u64>,
}

impl OneOfTwo {
    /// One that knows nothing yet.
    fn beginning(table_id: &str, at: Timestamp) -> Self {
        Self {
            table_id: table_id.to_owned(),
            began_at: at,
            held_since: BTreeMap::new(),
            is_restored: false,
            offset: None,
            left_seq: None,
        }
    }

    /// The number that the other guard knows a record by.
    pub fn said_as(&self, seq: u64) -> u64 {
        seq.saturating_add(self.offset.unwrap_or_default())
    }

    /// Since when its side is what it is for an item.
    pub fn since(&self, item: &Name) -> Timestamp {
        self.held_since.get(item).copied().unwrap_or(self.began_at)
    }
}

/// The primary side of a route that has moved, which somebody opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// When it was last written down that it is open.
    pub at: Timestamp,
    /// Whether it is open still.
    pub is_open: bool,
}

/// Most contributors of one alarm that are kept. What stands of an alarm stands by one as well as by a hundred.
pub const CONTRIBUTORS_MAX: usize = 50;

/// What was last heard of an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmSeen {
    /// Of the alarm as a whole.
    pub whole: Option<AlarmWord>,
    /// Of each time series of an alarm over several, by CloudWatch's id.
    pub contributors: BTreeMap<String, AlarmWord>,
    /// The change that a mute rule holds back, by a message; nothing once a word counts that is not older.
    pub muted: Option<Timestamp>,
}

/// What an alarm, or one of its contributors, last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmWord {
    /// When it changed, or a later time at which CloudWatch answered that it is still so.
    pub changed_at: Timestamp,
    /// The state it then had.
    pub state: AlarmState,
}

impl AlarmSeen {
    /// What the alarm as a whole, or a contributor, last said.
    pub fn word(&self, contributor: Option<&str>) -> Option<AlarmWord> {
        match contributor {
            None => self.whole,
            Some(contributor) => self.contributors.get(contributor).copied(),
        }
    }

    /// The newest word of all.
    pub fn newest(&self) -> Option<Timestamp> {
        self.whole.iter().chain(self.contributors.values()).map(|word| word.changed_at).max()
    }

    /// Whether a contributor that nobody heard of yet would have to take the place of one in ALARM.
    pub fn is_full(&self) -> bool {
        self.contributors.len() >= CONTRIBUTORS_MAX
            && self.contributors.values().all(|word| word.state == AlarmState::Alarm)
    }
}

/// A record that people are yet to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unnoticed {
    /// When it was written.
    pub at: Timestamp,
    /// What it is about, in a few words.
    pub title: String,
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
    /// Of a run that an operator began: whether signs of a loss say so, and not the operator's word.
    #[serde(default)]
    pub is_dated: bool,
    /// Where it stands.
    pub phase: Phase,
    /// What became of its steps.
    pub steps: Steps,
    /// Every step that was ever intended, for any item. An approval lets failed steps begin anew; it does not undo
    /// them.
    pub begun: BTreeSet<Step>,
    /// What undoing needs to know.
    #[serde(with = "entries")]
    pub before: BTreeMap<(Step, Name), String>,
    /// The last sign of life before the first sign of loss, as of the last gate.
    #[serde(default)]
    pub alive_at: Option<Timestamp>,
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
    /// How often a done fence was seen open again since an operator last let the run go on.
    pub fences_lost: u32,
    /// When people were last told that a done fence could not be looked at.
    #[serde(default)]
    pub fence_unread_at: Option<Timestamp>,
    /// How its evidence held.
    pub course: Course,
}

/// How the evidence of a run held: what it takes to know evidence that wavers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// When the evidence was first sufficient, whether or not a veto stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sufficient_from: Option<Timestamp>,
    /// When it last was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sufficient_at: Option<Timestamp>,
    /// Whether a veto was seen.
    #[serde(default)]
    pub was_vetoed: bool,
    /// Whether people are not told how it ends: they were called for evidence that wavers.
    #[serde(default)]
    pub is_quiet: bool,
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
    /// It ended where it stood: the other guard owns all that it was to move. Nothing of it is undone.
    Superseded {
        /// When.
        at: Timestamp,
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
        /// What the last worker waited for.
        note: String,
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

/// What a run left to be done: an old primary to be cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleanup {
    /// The run that left it behind.
    pub run: u64,
    /// Since when.
    pub since: Timestamp,
    /// Whether it was told that it takes too long.
    pub overdue: bool,
    /// Whether it was told that the plan no longer has the database.
    pub lost: bool,
    /// What became of it.
    pub progress: Option<Progress>,
}

impl Cleanup {
    /// Whether it is done.
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

    /// What is waited for, as far as it is not done.
    pub fn note(&self) -> &str {
        match self {
            Self::Held { note, .. } | Self::Released { note, .. } => note,
            Self::Done { .. } | Self::Failed { .. } => "",
        }
    }

    /// When it was begun.
    pub fn since(&self) -> Timestamp {
        match self {
            Self::Held { since, .. }
            | Self::Released { since, .. }
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
            Self::Superseded { .. } => "superseded",
            Self::Aborted { .. } => "aborted",
            Self::Completed { .. } => "completed",
        }
    }

    /// Whether the run is over and never changes again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Superseded { .. } | Self::Aborted { .. } | Self::Completed { .. })
    }
}

impl Run {
    /// What became of a step for an item.
    pub fn progress(&self, step: Step, subject: &Name) -> Option<&Progress> {
        self.steps.get(step, subject)
    }

    /// Whether the effect of a step stands for an item.
    pub fn is_done(&self, step: Step, subject: &Name) -> bool {
        self.progress(step, subject).is_some_and(Progress::is_done)
    }

    /// Whether a step was ever begun, for any item.
    pub fn has_begun(&self, step: Step) -> bool {
        self.begun.contains(&step)
    }

    /// Whether it can only be finished: a promotion or the opening of a route was intended, and neither is undone.
    pub fn is_past_return(&self) -> bool {
        self.begun.iter().any(|step| step.spec().takes_items)
    }

    /// When it ended, if it did.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Aborted { at, .. } | Phase::Completed { at, .. } | Phase::Superseded { at } => Some(*at),
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
        Weight::of(self.counting(now))
    }

    /// The evidence that counts at a moment.
    pub fn counting(&self, now: Timestamp) -> impl Iterator<Item = (&EvidenceKey, &Standing)> {
        self.evidence.iter().filter(move |(key, standing)| counts(key, standing, &self.silences, now))
    }

    /// Since when a probe or a replica shows a loss, as of the last look.
    pub fn shown_since(&self) -> Option<Timestamp> {
        let looks = self.evidence.iter().filter(|(key, _)| key.kind != EvidenceKind::Alarm);
        looks.map(|(_, standing)| standing.since).min()
    }

    /// The contributors of an alarm that stand, and whose last word is not newer than a time.
    pub fn contributors_before(&self, arn: &str, at: Timestamp) -> Vec<EvidenceKey> {
        let Some(seen) = self.alarms.get(arn) else { return Vec::new() };
        let old = seen.contributors.iter().filter(|(_, word)| word.changed_at <= at);
        old.map(|(id, _)| EvidenceKey::alarm(arn, Some(id)))
            .filter(|key| self.evidence.contains_key(key))
            .collect()
    }

    /// Whether a word of RDS at a time would be the first of new ones: no witness is red, or the last one is long ago.
    pub fn is_new_multi_az_failover(&self, at: Timestamp) -> bool {
        let last = self.multi_az_failovers.values().max();
        last.is_none_or(|last| at.duration_since(*last) > MULTI_AZ_FAILOVERS_APART)
            || self.evidence.keys().all(|key| key.kind == EvidenceKind::Alarm)
    }

    /// Whether RDS's words of failovers within the primary region still forbid one to the other region: not when
    /// they have come for too long without a sign of life in between.
    pub fn heeds_multi_az_failovers(&self, now: Timestamp) -> bool {
        self.multi_az_failovers_since.is_none_or(|since| now.duration_since(since) < MULTI_AZ_FAILOVERS_TAKE)
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

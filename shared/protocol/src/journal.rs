//! The journal: an append-only log of records, the only state there is.
//!
//! A record is never changed once written. What it means follows from [`crate::state::evolve`] alone; the
//! `sentence` is for people and is never read back.

use crate::endpoint::{Endpoint, Setting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attention::{CallChange, Matter};
use crate::command::Step;
use crate::digest::Digest;
use crate::evidence::{Evidence, EvidenceKey, Veto};
use crate::name::Name;
use crate::operator::Overrides;

/// The record schema this version writes, and the newest it reads.
///
/// Schema 1 has no chain of digests and no terms.
pub const JOURNAL_SCHEMA: u16 = 2;

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the record's shape.
    pub schema: u16,
    /// The plan whose log this is.
    pub plan: Name,
    /// Position in the log; the first record has 1, each next one more.
    pub seq: u64,
    /// The run it belongs to: the sequence number of the record that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// The writer's clock. For people and for waits, never for order.
    pub at: Timestamp,
    /// Who wrote it: the function, and which of its instances.
    pub writer: String,
    /// The request id of the invocation by which an operator spoke, so that the record can be joined with `CloudTrail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Unique for each attempt to append, so that a lost acknowledgement is recognised.
    pub attempt: String,
    /// Digest of the record before it, as the log keeps that one: who changes a record breaks the chain. The first record
    /// has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// What was decided and why, in one sentence.
    pub sentence: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A signal was not counted.
    SignalRejected {
        /// What spoke: an alarm's ARN, or a shape.
        source: String,
        /// Why it does not count.
        reason: Rejection,
        /// The alarm's own time, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed_at: Option<Timestamp>,
        /// Whether a mute rule holds this change of an alarm back, of which CloudWatch's answers say nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        muted: bool,
    },
    /// Evidence was raised, or seen again: all that one look or one signal brought.
    EvidenceSeen {
        /// The evidence.
        evidence: Vec<Evidence>,
    },
    /// Evidence no longer stands.
    EvidenceCleared {
        /// What it was about.
        keys: Vec<EvidenceKey>,
        /// The time of what cleared it.
        seen_at: Timestamp,
    },
    /// A region can't be asked for its alarms' states: what they last said counts until it can be again.
    AlarmsSilent {
        /// The region.
        region: String,
        /// When it was first asked in vain, as far as it mattered.
        since: Timestamp,
    },
    /// A region answers again for its alarms' states.
    AlarmsAnswer {
        /// The region.
        region: String,
    },
    /// RDS moves a database to its standby in another zone of the primary region.
    #[serde(rename = "zone_failover_seen")]
    MultiAzFailoverSeen {
        /// The database.
        database: Name,
        /// When RDS said so.
        seen_at: Timestamp,
    },
    /// Vetoes were seen while a run weighed the evidence.
    VetoesSeen {
        /// The vetoes.
        vetoes: Vec<Veto>,
    },
    /// Vetoes are gone.
    VetoesCleared {
        /// The vetoes.
        vetoes: Vec<Veto>,
    },
    /// A run began.
    RunOpened {
        /// Its kind.
        kind: RunKind,
        /// What it moves.
        scope: Scope,
        /// What began it.
        cause: Cause,
        /// The time of the first sign of loss; measured times count from here.
        first_signal_at: Timestamp,
        /// Of a run that an operator began: whether signs of a loss say so, and not the operator's word.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_dated: bool,
        /// The rules that the operator passes on purpose.
        #[serde(default)]
        overrides: Overrides,
    },
    /// The evidence held; a person is asked.
    ApprovalAsked {
        /// The estimate of what would be lost.
        data_loss: Vec<DataLoss>,
        /// People were asked just before, by a run whose evidence wavered: they are called again after a pause.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// The run is to move: the gates were passed.
    Committed {
        /// The estimate of what is lost.
        data_loss: Vec<DataLoss>,
        /// Who approved it; nobody in automatic mode.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The rules that were passed on purpose.
        #[serde(default)]
        overrides: Overrides,
        /// The last sign of life before the first sign of loss.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alive_at: Option<Timestamp>,
        /// Of a run that was being rolled back, and that begins anew: from when its times count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anew: Option<Anew>,
    },
    /// A worker is about to look, act and wait. Written before any effect.
    StepIntended {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
        /// Until when the worker holds them; after that anyone may take over.
        until: Timestamp,
        /// What an undo needs to know, for each item that has something to undo.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        before: Vec<SubjectNote>,
        /// The term by which this seat takes the items, if the step takes them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        term: Option<u64>,
    },
    /// The worker still waits.
    StepWaiting {
        /// The step.
        step: Step,
        /// The items it still holds.
        subjects: Vec<Name>,
        /// The intent it holds them by.
        intent: u64,
        /// Until when.
        until: Timestamp,
        /// What it waits for.
        note: String,
    },
    /// The effect stands.
    StepDone {
        /// The step.
        step: Step,
        /// The items, each with what was seen.
        subjects: Vec<SubjectDone>,
        /// The intent it was done under.
        intent: u64,
    },
    /// The worker lets go without an outcome; the tick goes on.
    StepHandedOver {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
        /// The intent it held them by.
        intent: u64,
        /// Why.
        note: String,
    },
    /// The step cannot succeed without a person.
    StepFailed {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
        /// The intent it failed under.
        intent: u64,
        /// A stable code.
        code: String,
        /// What was wrong; names the action when one was denied.
        message: String,
        /// People know that it fails: they are called again after a pause.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// The run stops until an operator speaks.
    OperatorNeeded {
        /// Why.
        need: Need,
        /// Of a run that evidence began and may end, so that the next one may ask the same: whether people were asked so
        /// often lately that they are called only after a pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quiet: Option<bool>,
    },
    /// An operator let it go on.
    Resumed {
        /// Who.
        by: String,
        /// The rules that were passed on purpose.
        #[serde(default)]
        overrides: Overrides,
        /// The estimate of what is lost, when the gate was looked at again.
        #[serde(default)]
        data_loss: Vec<DataLoss>,
        /// The last sign of life before the first sign of loss, when the gate was looked at again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alive_at: Option<Timestamp>,
    },
    /// The run ends without moving; what it did is being undone.
    AbortBegan {
        /// Why.
        cause: AbortCause,
        /// Evidence wavers, and people were called for it: they are not told of each run.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// The run ended without moving, and nothing of it is left.
    Aborted {
        /// Why.
        cause: AbortCause,
        /// Evidence wavers, and people were called for it: they are not told of each run.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// The run ended: the recovery region serves.
    Completed {
        /// What was measured.
        report: Box<RunReport>,
    },
    /// Nothing automatic starts until a time.
    HoldPlaced {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// The hold was ended.
    HoldReleased {
        /// Who.
        by: String,
    },
    /// The cooldown was ended.
    Acknowledged {
        /// Who.
        by: String,
        /// The run whose cooldown it was.
        of_run: u64,
    },
    /// An operator's command was refused.
    CommandRefused {
        /// The command's name.
        command: String,
        /// Who gave it.
        by: String,
        /// A stable code.
        code: String,
    },
    /// What must still be done takes longer than it may, and no run can wait for an operator because of it: the
    /// undoing of an aborted run, or the cutting off of an old primary. People are told; it is still tried.
    Overdue {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
    },
    /// A primary side that was closed is not seen to be closed any more. Of a run: each of these fences has to be done
    /// again before anything is promoted. Of no run: the route has moved, and users may be sent to the old side.
    FenceLost {
        /// The routes.
        routes: Vec<LostFence>,
    },
    /// Primary sides that were opened again after their routes had moved are closed again.
    FenceRegained {
        /// The routes.
        routes: Vec<Name>,
    },
    /// A call for people: what only they settle stands, eases, returns or is over.
    Attention {
        /// What it is about.
        matter: Matter,
        /// What becomes of it.
        turn: CallChange,
        /// The items, where it is about some.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subjects: Vec<Name>,
    },
    /// A guard begins as one of two. With an empty journal it knows of no group whether it may move it; one that was alone
    /// stands by for all that it has not moved.
    GuardStarted {
        /// Id of the table that the journal is kept in.
        table_id: String,
        /// What a guard that was alone stands by for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stands_by: Vec<Name>,
    },
    /// The journal is not the one that the guard wrote, or lacks its end: it was restored. Nothing that it says of groups is
    /// believed until a person says what is so.
    GuardRestored {
        /// Id of the table that the journal is kept in now.
        table_id: String,
    },
    /// A person lets the guard go by what it saw and what the other one said at that moment, of groups that it knew nothing of.
    GroupsAdopted {
        /// Who.
        by: String,
        /// Those that serve on the guard's own side.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        active: Vec<GroupTerm>,
        /// The others.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unprotected: Vec<GroupTerm>,
        /// What the guard's words add to its sequence numbers from now on, so that they are above all that the other one had heard.
        #[serde(default, skip_serializing_if = "is_zero")]
        offset: u64,
    },
    /// Groups serve on the guard's own side, as it saw, and the other guard claims none of them.
    GroupsActive {
        /// The groups.
        groups: Vec<GroupTerm>,
    },
    /// The other guard owns groups, by a higher term than this one knew: whatever this one was about with them is over.
    GroupsLeft {
        /// The groups, by the other guard's terms.
        groups: Vec<GroupTerm>,
        /// Fleets that serve no group here any more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fleets: Vec<Name>,
        /// The guard had held none of them: nothing changes for anybody.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// What is here of groups follows the side that serves them: from now on this guard may move them.
    GroupsStandBy {
        /// The groups, by the terms of the guard that serves them.
        groups: Vec<GroupTerm>,
    },
    /// People were told of a record.
    Noticed {
        /// The record's sequence number.
        of: u64,
    },
}

/// A group, and by which term it is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTerm {
    /// The group.
    pub group: Name,
    /// Those of its databases and routes that the record is about.
    pub items: Vec<Name>,
    /// The term.
    pub term: u64,
}

/// Why a signal does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Its shape is not known.
    Unrecognised,
    /// Its ARN names another account.
    ForeignAccount,
    /// Its alarm is not in the plan.
    UnlistedAlarm,
    /// Its instance is not in the plan.
    UnlistedInstance,
    /// It came by a topic that is not in the plan.
    UnlistedTopic,
    /// It is older than the plan's limit.
    Stale,
    /// It claims a time that has not come.
    FromTheFuture,
    /// The alarm's actions are suppressed or muted.
    Suppressed,
}

/// The kinds of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The primary region is lost.
    Failover,
}

/// What began a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Cause {
    /// Evidence, yet to be confirmed.
    Evidence,
    /// An operator.
    Operator {
        /// Who.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Why a run is aborted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum AbortCause {
    /// The evidence did not hold.
    Evidence,
    /// An operator.
    Operator {
        /// Who.
        name: String,
        /// Why.
        reason: String,
    },
}

/// From when the times of a run count that begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anew {
    /// The time of the first sign of loss.
    pub first_signal_at: Timestamp,
    /// Whether signs of a loss say so, and not the operator's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dated: bool,
}

/// What a run moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Databases.
    pub databases: Vec<Name>,
    /// Fleets.
    pub fleets: Vec<Name>,
    /// Routes.
    pub routes: Vec<Name>,
}

impl Scope {
    /// All that it moves.
    pub fn items(&self) -> impl Iterator<Item = &Name> + Clone {
        self.databases.iter().chain(&self.fleets).chain(&self.routes)
    }
}

/// The measured end of a run. Times count from the first sign of loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The first sign of loss.
    pub first_signal_at: Timestamp,
    /// When the evidence was believed or the operator spoke.
    pub committed_at: Timestamp,
    /// When the last route was open.
    pub opened_at: Timestamp,
    /// When the recovery region was seen to serve.
    pub verified_at: Timestamp,
    /// From the first sign to the last route open: the recovery time.
    pub rto_ms: u64,
    /// From the first sign to the decision to move: confirm window and approval.
    pub decision_ms: u64,
    /// From the decision to the last route open: the part that the cloud and the orchestrator share.
    pub moving_ms: u64,
    /// The longest promotion, as the worker saw it.
    pub promote_ms: u64,
    /// The longest scale-out, as the worker saw it.
    pub scale_ms: u64,
    /// The last lag that was sampled while the source lived, the worst of all databases; nothing when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_estimate_ms: Option<u64>,
    /// The most that was lost: that lag, and the time from its sample to the first sign of loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_at_most_ms: Option<u64>,
    /// The last sign of life before the first sign of loss; nothing when none is known of shortly before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive_at: Option<Timestamp>,
    /// The longest that nobody noticed the loss: from the last sign of life to the first sign of loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_ms: Option<u64>,
    /// The longest from the loss itself to the last route open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
    /// The estimate for each database.
    pub data_loss: Vec<DataLoss>,
}

/// What a promotion would lose of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataLoss {
    /// The database.
    pub database: Name,
    /// The last lag sampled while the source lived; nothing when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// When it was sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_at: Option<Timestamp>,
    /// From the sample to the first sign of loss: what was written in that time may be lost too. Nothing where no lag is
    /// known, and in records of before this was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsampled_ms: Option<u64>,
    /// Until when everything is replayed, where the witness says so; then the lag is counted from there to when the source
    /// was last known to live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_until: Option<Timestamp>,
    /// Whether it is within the plan's limit.
    pub within_limit: bool,
}

impl DataLoss {
    /// The most that is lost of it: the lag, and all that was written after its sample.
    pub fn at_most_ms(&self) -> Option<u64> {
        Some(self.lag_ms?.saturating_add(self.unsampled_ms?))
    }
}

/// An item and what is to be remembered of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectNote {
    /// The item.
    pub subject: Name,
    /// What is remembered, in the worker's own words (JSON).
    pub note: String,
}

/// An item whose effect stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectDone {
    /// The item.
    pub subject: Name,
    /// What was seen.
    pub detail: String,
    /// Whether this run brought it about; false when it stood already.
    pub changed: bool,
    /// From the effect to the moment it was seen to stand.
    pub took_ms: u64,
}

/// A route whose primary side is not closed any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostFence {
    /// The route.
    pub route: Name,
    /// What was seen of its primary side.
    pub seen: EndpointSeen,
}

/// What a look at the endpoint of the fenced side of a route came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "side", rename_all = "snake_case")]
pub enum EndpointSeen {
    /// It takes no users.
    Closed {},
    /// It takes users.
    Open {
        /// What lets them in.
        #[serde(flatten)]
        setting: Setting,
    },
    /// The service does not have it: another one may have taken its place.
    Missing {},
    /// It could not be looked at.
    Unread {
        /// Why.
        detail: String,
    },
}

impl From<Endpoint> for EndpointSeen {
    fn from(endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::Open(setting) => Self::Open { setting },
            Endpoint::Closed => Self::Closed {},
            Endpoint::Missing => Self::Missing {},
        }
    }
}

impl std::fmt::Display for EndpointSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed {} => write!(f, "closed"),
            Self::Open { setting } => write!(f, "open with {setting}"),
            Self::Missing {} => write!(f, "missing its endpoint"),
            Self::Unread { detail } => write!(f, "unreadable: {detail}"),
        }
    }
}

/// Why a run needs an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Need {
    /// The lag is above the limit, or not known.
    DataLoss {
        /// The estimates that block.
        data_loss: Vec<DataLoss>,
    },
    /// A step went past its deadline.
    StepOverdue {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
        /// What its worker last waited for.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        step: Step,
        /// The items.
        subjects: Vec<Name>,
        /// The worker's code.
        error: String,
        /// What was wrong.
        message: String,
    },
    /// Nobody approved in time.
    ApprovalExpired {},
    /// The plan no longer has an item of the run.
    PlanChanged {
        /// The items that are gone.
        subjects: Vec<Name>,
    },
    /// Somebody opens the primary side again and again.
    FenceLost {
        /// The routes.
        subjects: Vec<Name>,
    },
}

impl Event {
    /// The step that it is about.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::StepIntended { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::StepDone { step, .. }
            | Self::StepHandedOver { step, .. }
            | Self::StepFailed { step, .. }
            | Self::Overdue { step, .. } => Some(*step),
            _ => None,
        }
    }

    /// Whether people are told of it.
    pub fn is_notable(&self) -> bool {
        match self {
            Self::RunOpened { cause: Cause::Operator { .. }, .. }
            | Self::Committed { .. }
            | Self::Resumed { .. }
            | Self::Completed { .. }
            | Self::Overdue { .. }
            | Self::FenceLost { .. }
            | Self::FenceRegained { .. }
            | Self::GuardRestored { .. }
            | Self::GroupsAdopted { .. }
            | Self::GroupsStandBy { .. } => true,
            Self::ApprovalAsked { quiet, .. }
            | Self::GroupsLeft { quiet, .. }
            | Self::StepFailed { quiet, .. }
            | Self::AbortBegan { quiet, .. }
            | Self::Aborted { quiet, .. } => !quiet,
            Self::OperatorNeeded { quiet, .. } => *quiet != Some(true),
            Self::Attention { turn, .. } => matches!(turn, CallChange::Called | CallChange::Ended),
            _ => false,
        }
    }

    /// What it is about, in a few words: the end of a notice's subject.
    fn title(&self) -> String {
        match self {
            Self::RunOpened { .. } => "an operator started a failover".to_owned(),
            Self::ApprovalAsked { .. } => "awaits approval".to_owned(),
            Self::Committed { .. } => "is failing over".to_owned(),
            Self::StepFailed { step, .. } => format!("step {step} failed"),
            Self::OperatorNeeded { .. } => "needs an operator".to_owned(),
            Self::Resumed { .. } => "resumed".to_owned(),
            Self::AbortBegan { .. } => "is rolling back".to_owned(),
            Self::Aborted { .. } => "ended without a failover".to_owned(),
            Self::Completed { .. } => "completed".to_owned(),
            Self::Overdue { step, .. } => format!("step {step} is overdue"),
            Self::FenceLost { routes } => {
                let is = |side: fn(&EndpointSeen) -> bool| routes.iter().any(|lost| side(&lost.seen));
                if is(|seen| matches!(seen, EndpointSeen::Open { .. })) {
                    "a fenced side was opened again".to_owned()
                } else if is(|seen| matches!(seen, EndpointSeen::Missing {})) {
                    "a fenced endpoint is gone".to_owned()
                } else {
                    "a fenced side can't be read".to_owned()
                }
            }
            Self::FenceRegained { .. } => "the fenced side is closed again".to_owned(),
            Self::GuardRestored { .. } => "the journal was restored".to_owned(),
            Self::GroupsAdopted { .. } => "an operator said who serves".to_owned(),
            Self::GroupsLeft { .. } => "the other guard has taken over".to_owned(),
            Self::GroupsStandBy { .. } => "is protected".to_owned(),
            Self::Attention { matter, turn: CallChange::Ended, .. } => match matter {
                Matter::Held => "loss during the hold: resolved",
                Matter::CoolingDown => "loss during the cooldown: resolved",
                Matter::RollingBack => "loss during the rollback: resolved",
                Matter::NotStandby => "loss without a standby: resolved",
                Matter::Unprotected => "is protected again",
                Matter::Lapsed => "possible loss, old alarm: resolved",
                Matter::Alone => "loss, one kind of evidence: resolved",
                Matter::LostQuarantine => "old primary can be isolated again",
                _ => "possible loss under a veto: resolved",
            }
            .to_owned(),
            Self::Attention { matter, .. } => match matter {
                Matter::Vetoed => "possible loss under a veto: decide",
                Matter::Held => "loss during a hold",
                Matter::CoolingDown => "loss during a cooldown",
                Matter::RollingBack => "loss during the rollback: decide",
                Matter::NotStandby => "loss without a standby: decide",
                Matter::Unprotected => "is not protected",
                Matter::Lapsed => "possible loss, old alarm: decide",
                Matter::Alone => "loss, one kind of evidence: decide",
                Matter::Approval => "still awaits approval",
                Matter::Operator => "still needs an operator",
                Matter::Undo => "still not rolled back",
                Matter::Quarantine | Matter::LostQuarantine => "old primary can't be isolated",
                Matter::Reopened => "a fenced side is still open",
            }
            .to_owned(),
            _ => "record".to_owned(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(offset: &u64) -> bool {
    *offset == 0
}

impl Record {
    /// What it is about, in a few words of ASCII on one line: the end of a notice's subject.
    pub fn title(&self) -> String {
        match self.run {
            Some(run) => format!("{} (run {run})", self.event.title()),
            None => self.event.title(),
        }
    }
}

/// A record that can't be read, or can't follow the ones before it. Nothing is decided beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonRecord {
    /// Its sequence number as the log has it.
    pub seq: String,
    /// What is wrong with it.
    pub why: String,
}

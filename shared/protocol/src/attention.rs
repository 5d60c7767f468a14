//! What waits for people: what only they can settle, how often they are called for it, and how urgent it is.
//!
//! A call is a record and a notice. While what it is about stands it is repeated after a pause that grows, so that nobody
//! is forgotten and nobody gets a mail a minute. Nothing here decides whether anything moves.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::step::Duty;

/// The pauses before the second, third, fourth and fifth call.
const PAUSES: [SignedDuration; 4] = [
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(30),
    SignedDuration::from_mins(60),
    SignedDuration::from_mins(120),
];

/// The pause before every later call.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(4);

/// What was not seen for this long is over: evidence that wavers keeps its call.
pub const EASED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// After so long one kind of evidence, against which nothing shows life, is a question to a person.
pub const ALONE_FOR: SignedDuration = SignedDuration::from_mins(15);

/// After so long with nothing beyond the pause that was due, what comes next is news again.
pub const CALM_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// After so long without anybody who stands by for a group people are told: a new guard, and one that comes back, take minutes.
pub const UNPROTECTED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How often they are told of it: making a replica again takes hours.
pub const UNPROTECTED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// How many are told of at once, before the pauses grow: dismissed runs in a row, and requests for an approval.
pub const TOLD_AT_ONCE_MAX: u32 = 2;

/// The pause after so many calls.
pub fn pause_after(calls: u32) -> SignedDuration {
    let index = usize::try_from(calls.saturating_sub(1)).unwrap_or(usize::MAX);
    PAUSES.get(index).copied().unwrap_or(PAUSE_MAX)
}

/// What only people settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// Sufficient evidence stands, and a veto.
    Vetoed,
    /// Sufficient evidence stands unopposed, and a hold lets nothing begin.
    Held,
    /// Sufficient evidence stands unopposed, and a cooldown lets nothing begin.
    CoolingDown,
    /// Evidence would be sufficient, and unopposed, if an old word of an alarm still counted.
    Lapsed,
    /// One kind of evidence stands where two are needed, and nothing shows life.
    Alone,
    /// A run awaits an approval.
    Approval,
    /// A run needs an operator.
    Operator,
    /// The undoing of an aborted run fails or takes too long.
    Undo,
    /// The cutting off of an old primary fails.
    Quarantine,
    /// An old primary is to be cut off, and the plan no longer has its database.
    LostQuarantine,
    /// Somebody has opened the old side of a route that has moved.
    Reopened,
    /// A loss is seen while an aborted run is still being rolled back.
    RollingBack,
    /// A loss is seen of what this guard does not stand by for.
    NotStandby,
    /// Nobody stands by for a group: if the region that serves it is lost, nothing moves it.
    Unprotected,
}

impl Matter {
    /// What people are called for where a step of some duty fails, or takes too long, and is tried again. A step of the run
    /// itself stops the run instead.
    pub(crate) fn of_duty(duty: Duty) -> Option<Self> {
        match duty {
            Duty::OfRun => None,
            Duty::Undo { .. } => Some(Self::Undo),
            Duty::Cleanup => Some(Self::Quarantine),
        }
    }

    /// Those of a loss against which nothing speaks, and that nothing begins to move by itself.
    pub(crate) const OF_UNOPPOSED_LOSS: [Self; 6] =
        [Self::Held, Self::CoolingDown, Self::RollingBack, Self::NotStandby, Self::Lapsed, Self::Alone];

    /// Those that a look may raise while no run is under way, or while one is rolled back, and that are no question any more once
    /// people have moved the workload, or begun to.
    pub(crate) const OF_LOSS: [Self; 7] = [
        Self::Vetoed,
        Self::Held,
        Self::CoolingDown,
        Self::RollingBack,
        Self::NotStandby,
        Self::Lapsed,
        Self::Alone,
    ];
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallChange {
    /// People are called, for the first time or again.
    Called,
    /// It was not seen at this look; the call ends if it stays so.
    Eased,
    /// It was seen again before the call had ended.
    Returned,
    /// It is over.
    Ended,
}

/// A call that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Since when people are called.
    pub since: Timestamp,
    /// How often they were.
    pub times: u32,
    /// When they last were.
    pub last_at: Timestamp,
    /// Since when it is no longer seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eased_at: Option<Timestamp>,
}

/// The calls that stand.
pub type Calls = BTreeMap<Matter, Call>;

impl Call {
    /// A first call.
    pub fn first(at: Timestamp) -> Self {
        Self { since: at, times: 1, last_at: at, eased_at: None }
    }

    /// The same after one more call.
    #[must_use]
    pub fn again(self, at: Timestamp) -> Self {
        Self { times: self.times.saturating_add(1), last_at: at, eased_at: None, ..self }
    }

    /// Whether people are to be called again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_at) >= pause_after(self.times)
    }

    /// Whether it is so long ago that the next call is a first one.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_at) > pause_after(self.times) + CALM_AFTER
    }
}

/// Runs that evidence opened and that came to nothing, one after the other: an alarm or a probe that flaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissals {
    /// How many of them people were told of in a row.
    pub told: u32,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the last one was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// How many more signs were recorded since then, without a run.
    pub folded: u32,
    /// How many more runs were dismissed since then, without a notice.
    pub untold: u32,
}

impl Dismissals {
    /// Until when evidence that is not sufficient opens no further run, and no further dismissal is told.
    pub fn rest_until(&self, now: Timestamp) -> Option<Timestamp> {
        let last_at = self.last_at.filter(|_| self.told >= TOLD_AT_ONCE_MAX)?;
        let until = last_at.checked_add(self.pause()).unwrap_or(Timestamp::MAX);
        (now < until).then_some(until)
    }

    /// The same after one more that people are told of.
    #[must_use]
    pub fn and_one(self, at: Timestamp) -> Self {
        let is_stale = self.last_at.is_none_or(|last| at.duration_since(last) > self.pause() + CALM_AFTER);
        let told = if is_stale { 1 } else { self.told.saturating_add(1) };
        let since = if is_stale { Some(at) } else { self.since };
        Self { told, since, last_at: Some(at), folded: 0, untold: 0 }
    }

    fn pause(&self) -> SignedDuration {
        match self.told {
            0..TOLD_AT_ONCE_MAX => SignedDuration::ZERO,
            told => pause_after(told - TOLD_AT_ONCE_MAX + 1),
        }
    }
}

/// How much a plan needs people: the figure of the metric `Attention`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Nobody is needed.
    None,
    /// Sufficient evidence stands under a veto: only people can say whether users are served.
    Vetoed,
    /// Something waits for a person: an approval, or a loss that nothing may begin to move.
    WaitsForPerson,
    /// A run needs an operator, or what must be done in any case fails.
    NeedsOperator,
}

impl Attention {
    /// The figure.
    pub fn figure(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Vetoed => 1,
            Self::WaitsForPerson => 2,
            Self::NeedsOperator => 3,
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "no action needed",
            Self::Vetoed => "a veto blocks a failover despite evidence of a loss",
            Self::WaitsForPerson => "something waits for a person",
            Self::NeedsOperator => "needs an operator",
        }
    }
}

//! A record that cannot follow the state it is put after.

use thiserror::Error;

use super::holdings::Ownership;
use crate::command::Step;
use crate::name::Name;

/// Why a record cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("record {seq} cannot follow the journal: {why}")]
pub struct IllegalRecord {
    /// Its sequence number.
    pub seq: u64,
    /// Why.
    pub why: Illegality,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Illegality {
    /// A newer version wrote it.
    #[error("schema {0} is newer than this version reads; deploy all functions from one release")]
    Schema(u16),
    /// Its sequence number is not the next.
    #[error("the next sequence number is {expected}, not {found}")]
    Sequence {
        /// The next one.
        expected: u64,
        /// Its own.
        found: u64,
    },
    /// A run is under way.
    #[error("run {0} is under way; only one run at a time is allowed")]
    RunActive(u64),
    /// It belongs to a run that is not the last one.
    #[error("it does not belong to the last run")]
    OtherRun,
    /// The run is over.
    #[error("run {0} has ended and can't change any more")]
    Finished(u64),
    /// The phase of the run does not allow it.
    #[error("the phase of the run does not allow it: {phase}")]
    Phase {
        /// The phase's name.
        phase: &'static str,
    },
    /// A step is not allowed yet, or no more.
    #[error("step {step} of {subject} is not allowed: {because}")]
    Step {
        /// The step.
        step: Step,
        /// The item.
        subject: Name,
        /// Why not.
        because: &'static str,
    },
    /// Another worker holds the item.
    #[error("step {step} of {subject} is held by another worker")]
    Held {
        /// The step.
        step: Step,
        /// The item.
        subject: Name,
    },
    /// The outcome belongs to an intent that no longer holds the item.
    #[error("intent {intent} does not hold step {step} of {subject}")]
    NotHeld {
        /// The step.
        step: Step,
        /// The item.
        subject: Name,
        /// The intent.
        intent: u64,
    },
    /// A promotion was intended, or the opening of a route.
    #[error("a promotion or an opening was intended; the run can no longer be aborted")]
    AbortAfterPromotion,
    /// The guard is alone.
    #[error("the guard has not begun as one of two")]
    NotStarted,
    /// The guard has begun already.
    #[error("the guard has begun as one of two already")]
    Started,
    /// What the guard's own side is for an item does not allow it.
    #[error("{subject} is {ownership} here: {because}")]
    Ownership {
        /// The item.
        subject: Name,
        /// What its own side is for it.
        ownership: Ownership,
        /// Why not.
        because: &'static str,
    },
    /// The evidence is not enough.
    #[error("the evidence was not sufficient for long enough")]
    NotConfirmed,
}

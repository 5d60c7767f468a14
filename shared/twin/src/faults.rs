//! What goes wrong with a call? Faults that a test queues up, by action, one for each call.

use std::collections::{BTreeMap, VecDeque};

use ports::{Answer, Failure, FailureKind};

/// What goes wrong with the next call of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// It fails without effect.
    Fails(FailureKind),
    /// It has its effect, and the answer is lost.
    LosesAnswer,
    /// Nothing: what comes after it in the queue is for a later call.
    Passes,
}

/// What goes wrong, by action, one call after the other.
#[derive(Debug, Default)]
pub struct Faults(BTreeMap<&'static str, VecDeque<InjectedFault>>);

impl Faults {
    /// Lets something go wrong with the next call of an action that has no fault yet.
    pub fn push(&mut self, action: &'static str, fault: InjectedFault) {
        self.0.entry(action).or_default().push_back(fault);
    }

    /// From now on nothing goes wrong.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with this call: it fails before its effect (`Err`) or loses its answer (`Ok(true)`).
    pub(crate) fn next(&mut self, action: &'static str) -> Answer<bool> {
        match self.0.get_mut(action).and_then(VecDeque::pop_front) {
            None | Some(InjectedFault::Passes) => Ok(false),
            Some(InjectedFault::LosesAnswer) => Ok(true),
            Some(InjectedFault::Fails(kind)) => Err(failure(action, kind, "a fault of the test")),
        }
    }
}

pub(crate) fn failure(action: &'static str, kind: FailureKind, message: &str) -> Failure {
    Failure { kind, action, code: format!("{kind:?}"), message: message.to_owned() }
}

pub(crate) fn answer<T>(action: &'static str, lost: bool, value: T) -> Answer<T> {
    if lost { Err(failure(action, FailureKind::Unreachable, "the answer was lost")) } else { Ok(value) }
}

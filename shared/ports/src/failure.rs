//! What can go wrong with the world, sorted by what a caller can do about it.

use thiserror::Error;

/// A port's failure. Its text holds no payload and no parameter value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{action}: {message} ({code})")]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// The service's action, such as `rds:PromoteReadReplica`.
    pub action: &'static str,
    /// The service's error code, or our own (`timeout`, `dispatch`).
    pub code: String,
    /// The service's words.
    pub message: String,
}

/// What a caller can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Too many calls: wait and try again.
    Throttled,
    /// No answer in time, or the connection broke: the effect may or may not have happened.
    Unreachable,
    /// The service failed on its side: try again.
    Unavailable,
    /// Permission is missing: only a person can help. `action` names what was denied.
    Denied,
    /// The thing does not exist.
    Missing,
    /// The thing's state does not allow it now: look again.
    Conflict,
    /// The request is wrong: trying again does not help.
    Invalid,
}

impl Failure {
    /// Whether trying again later can help without a person.
    pub fn can_retry(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Throttled
                | FailureKind::Unreachable
                | FailureKind::Unavailable
                | FailureKind::Conflict
        )
    }
}

//! What does a function know of its own invocation?

use jiff::Timestamp;

/// One invocation of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The time by which it must have answered.
    pub deadline: Timestamp,
    /// Its request id, by which it can be found in `CloudTrail`.
    pub request: Option<String>,
}

impl From<Timestamp> for Invocation {
    fn from(deadline: Timestamp) -> Self {
        Self { deadline, request: None }
    }
}

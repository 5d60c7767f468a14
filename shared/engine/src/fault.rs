//! What a function answers when it could not do its work: a stable code and a sentence.

use ports::Failure;
use thiserror::Error;

/// A function's error. It reaches the caller, the dead-letter queue and the alarm on errors as it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Fault {
    /// A stable code, such as `plan_invalid`.
    pub code: &'static str,
    /// What is wrong and what helps. Holds no payload and no parameter value.
    pub message: String,
}

impl Fault {
    /// A fault of our own.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A port's failure, as what it meant here.
    pub fn from_failure(code: &'static str, meaning: &str, failure: &Failure) -> Self {
        Self::new(code, format!("{meaning}: {failure}"))
    }
}

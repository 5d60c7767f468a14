//! Another function of the same guard, asked for an answer.

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use crate::Answer;

/// Functions of the own region.
#[async_trait]
pub trait Functions: Send + Sync {
    /// Invokes a function, by its name, once, and waits for its answer: what it answered, or the error that it ended with. A
    /// failure means that it was not asked, or that nobody knows what became of it.
    async fn invoke(&self, function: &str, payload: &Value) -> Answer<Result<Value, FunctionError>>;
}

/// What an invoked function ended with instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} ({code})")]
pub struct FunctionError {
    /// Its code, such as `plan_invalid`; Lambda's own where the function came to no word.
    pub code: String,
    /// Its sentence.
    pub message: String,
}

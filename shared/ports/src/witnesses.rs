//! The witness of the own side, asked what the databases there say of themselves in SQL.

use async_trait::async_trait;
use protocol::witness::{WitnessCommand, Witnessed};

use crate::Answer;

/// Witnesses.
#[async_trait]
pub trait Witnesses: Send + Sync {
    /// Asks the witness with this ARN, once. A failure means that it gave no word; of a database that it could not ask it says so
    /// itself.
    async fn look(&self, function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>>;
}

//! What do the databases themselves say? A function inside the VPC logs in to them with tokens of IAM, and asks or writes in SQL.
//!
//! It is optional, one on each side. It gets everything with the request and answers with what it saw: it reads neither plan nor
//! journal, calls no service of AWS, and needs no way to the internet. What it can't see is never evidence of a loss.
//!
//! It knows RDS for PostgreSQL. Aurora has other functions for its positions: there a look is refused in the server's words.

mod beat;
pub mod door;
mod look;
pub mod postgres;
mod request;
#[cfg(any(test, feature = "lambda"))]
pub mod settings;

use std::sync::Arc;
use std::time::Duration;

use engine::fault::Fault;
use jiff::Timestamp;
use ports::Clock;
use protocol::witness::{Unreached, UnreachedCode, WitnessCommand};
use serde_json::{Value, json};

use crate::door::Door;

pub use crate::beat::{BEATING_MAX, Beaten};
pub use crate::look::LOOK_MAX;
pub use protocol::witness::DATABASES_MAX;

/// Most databases that are logged in to at the same time.
pub const LOGINS_MAX: usize = 32;
/// What is left of an invocation's time when the witness ends its work, to answer in.
pub const MARGIN: Duration = Duration::from_secs(2);

/// What this function may do.
pub struct DatabaseWitness {
    /// The way into the databases.
    pub door: Arc<dyn Door>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

impl DatabaseWitness {
    /// Handles an invocation.
    ///
    /// # Errors
    /// The payload is no command. A database that can't be asked is no error: the answer says so.
    pub async fn handle(&self, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        let command = request::read(payload).map_err(|problem| Fault::new("bad_command", problem))?;
        let left = deadline.duration_since(self.clock.now());
        let left = Duration::try_from(left).unwrap_or_default().saturating_sub(MARGIN);
        match command {
            WitnessCommand::Look { user, databases } => {
                let seen = look::look(&*self.door, &user, &databases, left).await;
                Ok(json!({ "sentence": look::sentence(&seen), "databases": seen }))
            }
            WitnessCommand::Beat { user, heartbeat_seconds, databases } => {
                let every = Duration::from_secs(heartbeat_seconds.into());
                let beaten = beat::beat(&*self.door, &user, &databases, every, left).await;
                Ok(json!({ "sentence": beat::sentence(&beaten), "databases": beaten }))
            }
        }
    }
}

/// That a database did not answer in time.
fn no_answer(message: &str) -> Unreached {
    Unreached { code: UnreachedCode::NoAnswer, message: message.to_owned() }
}

/// A trouble, as a part of a sentence.
fn described(name: impl std::fmt::Display, trouble: &Unreached) -> String {
    format!("{name} ({}: {})", trouble.message, trouble.code.remedy())
}

#[cfg(test)]
mod script;

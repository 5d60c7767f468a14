//! What an operator may say to the alarm-handler by direct invocation; `incoming::command` says how it is written.

use serde::{Deserialize, Deserializer, Serialize};

use crate::name::Name;

/// An operator's command. Every command that changes something names who gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorCommand {
    /// Start a failover now; it needs no other evidence, but passes every gate.
    Failover {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
        /// Why.
        #[serde(deserialize_with = "trimmed")]
        reason: String,
        /// Only these routes and what they depend on; all when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        routes: Vec<Name>,
        /// Rules to pass.
        #[serde(flatten)]
        overrides: Overrides,
    },
    /// Let a confirmed run go on, or resume one that needs an operator.
    Approve {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
        /// The run meant, so that an approval never reaches another one.
        run: u64,
        /// Rules to pass.
        #[serde(flatten)]
        overrides: Overrides,
    },
    /// End a run that has not intended a promotion, and undo what it did.
    Abort {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
        /// The run meant.
        run: u64,
        /// Why.
        #[serde(deserialize_with = "trimmed")]
        reason: String,
    },
    /// Let nothing automatic start for a while.
    Hold {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
        /// For how long, 1 to 10,080 (a week).
        minutes: u32,
        /// Why.
        #[serde(deserialize_with = "trimmed")]
        reason: String,
    },
    /// End the hold early.
    Release {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
    },
    /// End the cooldown after a run.
    Acknowledge {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
        /// The run meant.
        run: u64,
    },
    /// Let a guard of two that knows nothing of groups, after a restore or a contradiction, go by what it sees now and what the other one
    /// says now.
    Adopt {
        /// Who.
        #[serde(deserialize_with = "trimmed")]
        by: String,
    },
    /// Say how things stand. Changes nothing.
    Status {},
    /// Look whether a failover would work, and say what would stop it.
    Readiness {},
}

/// A text without what a shell or a form left around it.
fn trimmed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| text.trim().to_owned())
}

/// Rules that an operator may pass on purpose; each is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Promote though the lag is above the limit or unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_data_loss: bool,
    /// Promote though the primary side of a route could not be closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub override_fence: bool,
    /// Fail over though a veto stands (the source still replicates).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub override_vetoes: bool,
}

impl Overrides {
    /// What either of them passes.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            allow_data_loss: self.allow_data_loss || other.allow_data_loss,
            override_fence: self.override_fence || other.override_fence,
            override_vetoes: self.override_vetoes || other.override_vetoes,
        }
    }
}

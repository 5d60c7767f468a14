//! What is asked of the workers: a step, and the items it is for. A wake-up, never truth: the journal says
//! whether the step is due, so a command lost, repeated, reordered or forged changes nothing but time.

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// A unit of a run. [`Step::spec`] has the facts about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Watch the evidence until it is believed or dismissed.
    Confirm,
    /// Scale a fleet out in the recovery region.
    Scale,
    /// Close the primary side of a route.
    Fence,
    /// Make a replica the writable database.
    Promote,
    /// Open the recovery side of a route.
    Open,
    /// See the recovery side serve.
    Verify,
    /// Cut the old primary database off, as soon as its region answers again.
    Quarantine,
    /// Give a fleet the size back that it had before the run.
    Restore,
    /// Open the primary side of a route again.
    Unfence,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step asked for, with the items it is for. `confirm` has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCommand {
    /// The plan.
    pub plan: Name,
    /// The run, by the sequence number at which it began.
    pub run: u64,
    /// The step.
    pub step: Step,
    /// Databases, fleets or routes, by name.
    #[serde(default)]
    pub subjects: Vec<Name>,
}

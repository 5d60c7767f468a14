//! Keeps Parameter Store the same in both regions: a full pass, one change, and what differs.
//!
//! A pass has no cursor. What is the same costs no write and no read beyond the listing, so that a pass that was cut short
//! is simply begun again: the next one finds done what was done, and goes on with the rest.

mod change;
mod drift;
mod pass;
mod rate_limit;
mod reader;
mod report;
mod write_permit;
mod writer;

use jiff::{SignedDuration, Timestamp};
use ports::{Failure, Maintenance, ParameterStores, SeenPairs};
use protocol::maintenance::{ParameterPass, PassOutcome};
use protocol::parameters::direction::CopyRegions;
use protocol::parameters::fingerprints::Fingerprints;
use protocol::parameters::ground::Ground;
use protocol::parameters::request::ParameterRequest;
use serde_json::{Value, json};

use crate::conductor::Conductor;
use crate::fault::Fault;
use reader::Reader;

/// Nothing is begun in the last seconds of an invocation: the longest call with the saving of what was seen.
const HANDOVER: SignedDuration = SignedDuration::from_secs(20);

/// Everything that copying parameters needs.
#[derive(Clone, Copy)]
pub struct ParameterReplication<'r> {
    /// Plan, journal and clock.
    pub conductor: &'r Conductor,
    /// Parameter Store.
    pub stores: &'r dyn ParameterStores,
    /// What was seen to be the same.
    pub seen: &'r dyn SeenPairs,
    /// Where the readiness reads what a pass came to.
    pub maintenance: &'r dyn Maintenance,
    /// When the invocation must have answered.
    pub deadline: Timestamp,
}

impl ParameterReplication<'_> {
    /// Answers a request.
    pub async fn answer(&self, request: &ParameterRequest) -> Result<Value, Fault> {
        if self.conductor.plan.parameters.is_none() {
            let sentence =
                "Nothing is copied: the plan has no section parameters; add one to copy parameters.";
            return Ok(json!({ "sentence": sentence }));
        }
        match request {
            ParameterRequest::Change { name, region, account } => self.change(name, region, account).await,
            ParameterRequest::Pass { deep } => self.pass(*deep).await,
            ParameterRequest::Drift { deep } => self.drift(*deep).await,
        }
    }

    fn ground<'d>(&'d self, direction: &'d CopyRegions) -> Result<Ground<'d>, Fault> {
        let plan = &self.conductor.plan;
        let parameters = plan.parameters.as_ref();
        let parameters =
            parameters.ok_or_else(|| Fault::new("no_parameters", "The plan has no section parameters"))?;
        Ok(Ground { plan, parameters, direction })
    }

    fn reader(&self) -> Reader<'_> {
        Reader { stores: self.stores, clock: &*self.conductor.clock, until: self.until() }
    }

    /// The last moment at which something may be begun.
    fn until(&self) -> Timestamp {
        self.deadline.checked_sub(HANDOVER).unwrap_or(Timestamp::MIN)
    }

    /// What was seen to be the same; nothing if it can't be read, which costs reads alone.
    async fn seen(&self, deep: bool) -> Fingerprints {
        if deep {
            return Fingerprints::default();
        }
        match self.seen.load(&self.conductor.plan.name).await {
            Ok(bytes) => Fingerprints::from_bytes(&bytes),
            Err(failure) => {
                tracing::warn!(%failure, "the fingerprints can't be read: this pass compares everything");
                Fingerprints::default()
            }
        }
    }

    async fn save(&self, seen: &Fingerprints) {
        if let Err(failure) = self.seen.save(&self.conductor.plan.name, &seen.to_bytes()).await {
            tracing::warn!(%failure, "the fingerprints can't be saved: the next pass compares again");
        }
    }
}

/// Longest reason that is kept of a pass.
const WHY_CHARACTERS_MAX: usize = 300;

impl ParameterReplication<'_> {
    /// Keeps what a full pass came to. One that can't be kept is soon followed by the next.
    async fn keep(&self, direction: &CopyRegions, outcome: PassOutcome) {
        let CopyRegions { from, to } = direction.clone();
        let pass = ParameterPass { at: self.conductor.clock.now(), from, to, outcome };
        if let Err(failure) = self.maintenance.save_parameter_pass(&self.conductor.plan.name, &pass).await {
            tracing::warn!(%failure, "the result of the pass can't be saved: readiness will not show it");
        }
    }
}

/// A reason as it is kept: names, never values, and not too long.
fn why(text: &str) -> String {
    text.chars().take(WHY_CHARACTERS_MAX).collect()
}

fn unreadable(direction: &CopyRegions, failure: &Failure) -> Fault {
    let CopyRegions { from, to } = direction;
    let meaning =
        format!("Parameters of {from} and {to} can't be read, so this pass writes and deletes nothing more");
    Fault::from_failure("parameters_unreadable", &meaning, failure)
}

//! Keeps Parameter Store the same in both regions: by each change, by a full pass on a schedule, and says what differs.

use std::sync::Arc;

use engine::context::Context;
use engine::fault::Fault;
use engine::parameters::ParameterReplication;
use jiff::Timestamp;
use ports::{Maintenance, ParameterStores, SeenPairs};
use protocol::parameters::request::ParameterRequest;
use protocol::plan::Plan;
use serde_json::Value;

/// What this function may do.
#[derive(Clone)]
pub struct Replicator {
    /// What it decides with.
    pub context: Context,
    /// Parameter Store in both regions.
    pub stores: Arc<dyn ParameterStores>,
    /// The account that calls to the primary region are made in, where it is not the function's own.
    pub primary_account: Option<String>,
    /// What was seen to be the same.
    pub seen: Arc<dyn SeenPairs>,
    /// What the readiness is told of its last pass.
    pub maintenance: Arc<dyn Maintenance>,
}

/// The parameters of one account must never be written over another's: where plan and function disagree on whose account the
/// primary region is in, nothing is read or written.
fn check_account(plan: &Plan, reached: Option<&str>) -> Result<(), Fault> {
    let reached = reached.unwrap_or(&plan.own().account);
    let primary = &plan.other().account;
    if reached == primary {
        return Ok(());
    }
    Err(Fault::new(
        "wrong_account",
        format!(
            "Nothing is copied: in the plan, {} belongs to account {primary}, but this function would act in \
             account {reached} there; apply the orchestrator module again, so that the plan and \
             PILOTLIGHT_PRIMARY_ROLE name the same account",
            plan.other().region
        ),
    ))
}

/// Handles an invocation. A payload that is not understood is refused before anything is read.
pub async fn handle(replicator: &Replicator, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
    let request = ParameterRequest::read(payload).map_err(|problem| Fault::new("not_understood", problem))?;
    let conductor = replicator.context.conductor().await?;
    check_account(&conductor.plan, replicator.primary_account.as_deref())?;
    let (stores, seen, maintenance) = (&*replicator.stores, &*replicator.seen, &*replicator.maintenance);
    ParameterReplication { conductor: &conductor, stores, seen, maintenance, deadline }.answer(&request).await
}

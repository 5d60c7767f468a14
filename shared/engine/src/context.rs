//! What does every function need to decide on its plan? Its text, the journal, a way to publish, and time.

use std::sync::Arc;

use ports::{Clock, Ids, Journal, Plans, Publisher};
use protocol::plan::Plan;

use crate::conductor::Conductor;
use crate::fault::Fault;

/// What every function has, whatever else its handler asks for.
#[derive(Clone)]
pub struct Context {
    /// The plan's text.
    pub plans: Arc<dyn Plans>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Commands and notices.
    pub publisher: Arc<dyn Publisher>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Attempt ids.
    pub ids: Arc<dyn Ids>,
    /// Who writes: the function, and which of its instances.
    pub writer: String,
    /// The function's own region: the guard's seat.
    pub region: String,
    /// A snapshot of the state is due after so many records.
    pub snapshot_every: u64,
}

impl Context {
    /// Reads and validates the plan; the conductor of it. Nothing is started with an invalid one.
    pub async fn conductor(&self) -> Result<Conductor, Fault> {
        let text = self.plans.load().await.map_err(|failure| {
            Fault::from_failure(
                "plan_unreadable",
                "The plan can't be read, so Pilotlight does nothing",
                &failure,
            )
        })?;
        let plan = Plan::from_json(&text).and_then(|plan| plan.seated_in(&self.region));
        let plan = plan.map_err(|problems| {
            Fault::new(
                "plan_invalid",
                format!("The plan is not valid, so Pilotlight does nothing:\n{problems}"),
            )
        })?;
        Ok(Conductor {
            plan: Arc::new(plan),
            journal: Arc::clone(&self.journal),
            publisher: Arc::clone(&self.publisher),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            writer: self.writer.clone(),
            request: None,
            snapshot_every: self.snapshot_every,
            tells_of_unreadable: true,
        })
    }
}

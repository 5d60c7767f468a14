//! Keeps Parameter Store the same in both regions: by each change, by a full pass on a schedule, and says what differs.

use std::sync::Arc;

use engine::fault::Fault;
use engine::parameters::Replication;
use engine::world::World;
use jiff::Timestamp;
use ports::{Parameters, SeenPairs};
use protocol::parameters::request::Request;
use serde_json::Value;

/// What this function has beside the world that it shares with the others.
#[derive(Clone)]
pub struct Replicator {
    /// Plan, journal and clock.
    pub world: World,
    /// Parameter Store in both regions.
    pub stores: Arc<dyn Parameters>,
    /// What was seen to be the same.
    pub seen: Arc<dyn SeenPairs>,
}

/// Handles an invocation. A payload that is not understood is refused before anything is read.
pub async fn handle(replicator: &Replicator, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
    let request = Request::read(payload).map_err(|problem| Fault::new("not_understood", problem))?;
    let conductor = replicator.world.conductor().await?;
    let (stores, seen, upkeep) =
        (&*replicator.stores, &*replicator.seen, &*replicator.world.inspection.upkeep);
    Replication { conductor: &conductor, stores, seen, upkeep, deadline }.answer(&request).await
}

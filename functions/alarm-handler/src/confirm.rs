//! The confirm step: looks every few seconds until the evidence is believed or dismissed.

use async_trait::async_trait;
use engine::conductor::Conductor;
use engine::look::Eyes;
use engine::step::{Sight, Work};
use engine::world::World;
use ports::Failure;
use protocol::command::Step;
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::plan::Plan;
use protocol::state::State;
use std::sync::Arc;

/// Watches the evidence of a run.
pub(crate) struct Confirm {
    plan: Arc<Plan>,
    eyes: Eyes,
}

impl Confirm {
    pub(crate) fn new(world: &World, conductor: &Conductor) -> Self {
        Self { plan: Arc::clone(&conductor.plan), eyes: world.eyes() }
    }
}

#[async_trait]
impl Work for Confirm {
    fn step(&self) -> Step {
        Step::Confirm
    }

    async fn observe(&self, state: &State) -> Option<Observation> {
        Some(self.eyes.observe(&self.plan, state).await)
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure> {
        // The world is looked at, not the run.
        Ok(vec![Sight::Underway { note: String::new() }; subjects.len()])
    }

    async fn act(&self, _subject: &Name) -> Result<(), Failure> {
        Ok(())
    }
}

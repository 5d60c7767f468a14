//! The confirm step: looks every few seconds until the evidence is believed or dismissed.

use async_trait::async_trait;
use engine::conductor::Conductor;
use engine::observe::Observer;
use engine::step::{StepHandler, StepStatus};
use ports::Failure;
use protocol::command::Step;
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::plan::Plan;
use protocol::state::State;
use std::sync::Arc;

use crate::AlarmHandler;

/// Watches the evidence of a run.
pub(crate) struct Confirm {
    plan: Arc<Plan>,
    eyes: Observer,
}

impl Confirm {
    pub(crate) fn new(function: &AlarmHandler, conductor: &Conductor) -> Self {
        Self { plan: Arc::clone(&conductor.plan), eyes: function.observer() }
    }
}

#[async_trait]
impl StepHandler for Confirm {
    fn step(&self) -> Step {
        Step::Confirm
    }

    async fn observe(&self, state: &State) -> Option<Observation> {
        Some(self.eyes.observe(&self.plan, state).await)
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        // The world is looked at, not the run.
        Ok(vec![StepStatus::InProgress { note: String::new() }; subjects.len()])
    }

    async fn act(&self, _subject: &Name) -> Result<(), Failure> {
        Ok(())
    }
}

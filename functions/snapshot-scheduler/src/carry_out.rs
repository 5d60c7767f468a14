//! How is what was decided carried out? One after the other, in the order of the decision, until the time is over.
//!
//! A region that doesn't answer is not asked again in the same invocation. Before each deletion the journal is read once
//! more: a run or a hold that began meanwhile ends all deleting.

use std::collections::BTreeSet;

use engine::conductor::{Conductor, Log};
use jiff::Timestamp;
use ports::{Answer, CopyOrder, FailureKind, TakeOrder};
use protocol::snapshots::{Action, Effect, SnapshotDecision, deletion_veto};

use crate::SnapshotScheduler;
use crate::outcome::Outcome;

impl SnapshotScheduler {
    /// Carries out what was decided.
    pub(crate) async fn carry_out(
        &self,
        conductor: &Conductor,
        log: &mut Log,
        decision: &SnapshotDecision,
        until: Timestamp,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut silent = BTreeSet::new();
        for (place, action) in decision.actions.iter().enumerate() {
            let left = decision.actions.len() - place;
            if conductor.clock.now() >= until {
                outcome.put_off.push(format!(
                    "The function's time is up; the next invocation handles the remaining {left}."
                ));
                break;
            }
            if silent.contains(&action.region) {
                outcome.put_off.push(format!(
                    "Postponed, because {} does not answer: {}",
                    action.region, action.sentence
                ));
                continue;
            }
            if matches!(action.effect, Effect::Delete { .. }) {
                match conductor.refresh(log).await.map(|()| deletion_veto(&log.state, conductor.clock.now()))
                {
                    Ok(None) => {}
                    Ok(Some(veto)) => {
                        outcome.put_off.push(format!("Deletion stopped, {left} stay: {veto}."));
                        break;
                    }
                    Err(fault) => {
                        outcome.failed.push(format!("Deletion stopped, {left} stay: {fault}"));
                        break;
                    }
                }
            }
            match self.act(conductor, action).await {
                Ok(()) => {
                    tracing::info!("{}", action.sentence);
                    outcome.done.push(action.sentence.clone());
                }
                Err(failure) => {
                    if failure.kind == FailureKind::Unreachable {
                        silent.insert(action.region.clone());
                    }
                    outcome.put_off(format!("Not done, {failure}: {}", action.sentence), &failure);
                }
            }
        }
        outcome
    }

    async fn act(&self, conductor: &Conductor, action: &Action) -> Answer<()> {
        let region = action.region.as_str();
        match &action.effect {
            Effect::Take { source, id, mark } => {
                let created_by = conductor.writer.split('@').next().unwrap_or_default();
                let tags = mark.tags(&conductor.plan.name, created_by);
                let order = TakeOrder { source: source.clone(), id: id.clone(), tags };
                self.snapshots.take(region, &order).await
            }
            Effect::Copy { snapshot, kind, id, kms_key, option_group, tags } => {
                let order = CopyOrder {
                    snapshot: snapshot.clone(),
                    kind: *kind,
                    id: id.clone(),
                    kms_key: kms_key.clone(),
                    option_group: option_group.clone(),
                    tags: tags.clone(),
                };
                self.snapshots.copy(region, &order).await
            }
            Effect::Delete { id, kind } => self.snapshots.delete(region, *kind, id).await,
        }
    }
}

//! What is there to see and to read? The plan, alarms, lag, probes and witnesses.

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{Alarms, Answer, FailureKind, Lag, Plans, Probes, Witnesses};
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Database, Probe};
use protocol::side::Side;
use protocol::signal::AlarmNow;
use protocol::witness::{WitnessCommand, Witnessed};

use crate::faults::{answer, failure};
use crate::world::{MemoryWorld, must_be};

#[async_trait]
impl Plans for MemoryWorld {
    async fn load(&self) -> Answer<String> {
        let lost = self.call("plan")?;
        let text = self.inner().plan.clone();
        answer("plan", lost, text)
    }
}

#[async_trait]
impl Alarms for MemoryWorld {
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
        let lost = self.call("alarm_states")?;
        let inner = self.inner();
        if region == inner.primary_region && !inner.primary_lives {
            return Err(failure("alarm_states", FailureKind::Unreachable, "the region is lost"));
        }
        let state = |arn: &&str| {
            let twin = inner.alarms.get(*arn)?.clone();
            Some(AlarmNow {
                arn: (*arn).to_owned(),
                state: twin.state,
                changed_at: twin.changed_at,
                reason: "Threshold Crossed".to_owned(),
                held_back: twin.held_back,
            })
        };
        answer("alarm_states", lost, arns.iter().filter_map(state).collect())
    }
}

#[async_trait]
impl Lag for MemoryWorld {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        let lost = self.call("samples")?;
        must_be(side, self.own(), "samples")?;
        let samples = self.inner().lag.get(&database.name).cloned().unwrap_or_default();
        answer("samples", lost, samples.into_iter().filter(|sample| sample.at >= since).collect())
    }
}

#[async_trait]
impl Witnesses for MemoryWorld {
    async fn look(&self, _function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>> {
        let lost = self.call("witness")?;
        let inner = self.inner();
        let witnessed = command.databases().iter().filter_map(|address| {
            let sight = inner.sights.get(&address.name)?.clone();
            Some(Witnessed { name: address.name.clone(), sight })
        });
        answer("witness", lost, witnessed.collect())
    }
}

#[async_trait]
impl Probes for MemoryWorld {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        let takes = self.inner().durations.probe;
        if takes.is_positive() {
            self.clock.sleep(takes.try_into().unwrap_or_default()).await;
        }
        let inner = self.inner();
        match inner.probes.get(probe.name()) {
            Some(answer) => answer.clone(),
            None if inner.primary_lives => ProbeAnswer::Good,
            None => ProbeAnswer::Bad { detail: "no answer in time".to_owned() },
        }
    }
}

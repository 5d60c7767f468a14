//! What may one instance of any function ask? Everything that any of them names, so that a test starts the one that it wants.

use std::sync::Arc;

use alarm_handler::AlarmHandler;
use async_trait::async_trait;
use engine::context::Context;
use engine::fault::Fault;
use engine::observe::{Observer, Sources};
use jiff::Timestamp;
use ports::inspection::Inspection;
use ports::{
    Alarms, Answer, Clock, Databases, Fleets, FunctionError, Functions, Ids, Journal, Lag, Metrics, Plans,
    Probes, Publisher, Traffic, Witnesses, Words,
};
use promote_replica::PromoteReplica;
use protocol::command::Step;
use protocol::plan::Plan;
use readiness_checker::ReadinessChecker;
use scale_asg::ScaleAsg;
use serde_json::Value;
use shift_traffic::ShiftTraffic;
use twin::{GuardTwin, MemoryWorld, Policy, Through};

use crate::COMMANDS_TOPIC;

/// One instance of a function.
#[derive(Clone)]
pub struct Instance {
    /// What it decides with.
    pub context: Context,
    /// Databases.
    pub databases: Arc<dyn Databases>,
    /// Fleets.
    pub fleets: Arc<dyn Fleets>,
    /// Traffic.
    pub traffic: Arc<dyn Traffic>,
    /// Alarms.
    pub alarms: Arc<dyn Alarms>,
    /// Replication lag.
    pub lag: Arc<dyn Lag>,
    /// The witness.
    pub witnesses: Arc<dyn Witnesses>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// What a readiness pass asks.
    pub inspection: Inspection,
    /// Metrics.
    pub metrics: Arc<dyn Metrics>,
    /// The words of both guards, of one that is one of two.
    pub words: Option<Arc<dyn Words>>,
}

/// How an instance differs from the others.
pub struct Identity {
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its attempt ids.
    pub ids: Arc<dyn Ids>,
    /// Who writes: the function, and which of its instances.
    pub writer: String,
    /// After how many records a snapshot of the state is due.
    pub snapshot_every: u64,
}

impl Instance {
    /// On a world.
    pub fn new(world: &Arc<MemoryWorld>, plan: &Plan, identity: Identity) -> Self {
        let metrics = Arc::clone(world) as _;
        Self::on(world, world.inspection(), metrics, plan, identity)
    }

    /// Of one of two guards.
    pub fn of_pair(guard: &Arc<GuardTwin>, plan: &Plan, identity: Identity) -> Self {
        Self {
            databases: Arc::clone(guard) as _,
            fleets: Arc::clone(guard) as _,
            traffic: Arc::clone(guard) as _,
            words: Some(Arc::clone(guard) as _),
            ..Self::new(&guard.world, plan, identity)
        }
    }

    /// With every call to the world through a policy, but those of a readiness pass: it decides nothing.
    #[must_use]
    pub fn disturbed<P: Policy>(self, world: &Arc<MemoryWorld>, plan: &Plan, policy: P) -> Self {
        let Context { clock, ids, writer, snapshot_every, .. } = self.context;
        let identity = Identity { clock, ids, writer, snapshot_every };
        Self::on(&Through::new(world, policy), self.inspection, self.metrics, plan, identity)
    }

    fn on<W>(
        ports: &Arc<W>,
        inspection: Inspection,
        metrics: Arc<dyn Metrics>,
        plan: &Plan,
        identity: Identity,
    ) -> Self
    where
        W: Plans
            + Journal
            + Databases
            + Fleets
            + Traffic
            + Alarms
            + Lag
            + Witnesses
            + Probes
            + Publisher
            + 'static,
    {
        let Identity { clock, ids, writer, snapshot_every } = identity;
        let context = Context {
            plans: Arc::clone(ports) as _,
            journal: Arc::clone(ports) as _,
            publisher: Arc::clone(ports) as _,
            clock,
            ids,
            writer,
            region: plan.own().region.clone(),
            snapshot_every,
        };
        Self {
            context,
            databases: Arc::clone(ports) as _,
            fleets: Arc::clone(ports) as _,
            traffic: Arc::clone(ports) as _,
            alarms: Arc::clone(ports) as _,
            lag: Arc::clone(ports) as _,
            witnesses: Arc::clone(ports) as _,
            probes: Arc::clone(ports) as _,
            inspection,
            metrics,
            words: None,
        }
    }

    /// Invokes the function that has a step.
    pub async fn work(&self, step: Step, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        let (context, commands_topic) = (self.context.clone(), COMMANDS_TOPIC.to_owned());
        match step {
            Step::Promote | Step::Quarantine => {
                let (databases, traffic) = (Arc::clone(&self.databases), Arc::clone(&self.traffic));
                let function = PromoteReplica { context, commands_topic, databases, traffic };
                Box::pin(function.handle(payload, deadline)).await
            }
            Step::Scale | Step::Restore => {
                let function = ScaleAsg { context, commands_topic, fleets: Arc::clone(&self.fleets) };
                Box::pin(function.handle(payload, deadline)).await
            }
            Step::Fence | Step::Unfence | Step::Open => {
                let function = ShiftTraffic {
                    context,
                    commands_topic,
                    traffic: Arc::clone(&self.traffic),
                    databases: Arc::clone(&self.databases),
                    fleets: Arc::clone(&self.fleets),
                };
                Box::pin(function.handle(payload, deadline)).await
            }
            Step::Confirm | Step::Verify => Box::pin(self.alarm_handler().handle(payload, deadline)).await,
        }
    }

    /// The alarm-handler.
    pub fn alarm_handler(&self) -> AlarmHandler {
        AlarmHandler {
            context: self.context.clone(),
            commands_topic: COMMANDS_TOPIC.to_owned(),
            databases: Arc::clone(&self.databases),
            fleets: Arc::clone(&self.fleets),
            traffic: Arc::clone(&self.traffic),
            alarms: Arc::clone(&self.alarms),
            lag: Arc::clone(&self.lag),
            witnesses: Arc::clone(&self.witnesses),
            probes: Arc::clone(&self.probes),
            metrics: Arc::clone(&self.metrics),
            functions: Arc::new(Invoked(self.readiness_checker())),
            words: self.words.clone(),
        }
    }

    /// The readiness-checker.
    pub fn readiness_checker(&self) -> ReadinessChecker {
        ReadinessChecker {
            context: self.context.clone(),
            commands_topic: COMMANDS_TOPIC.to_owned(),
            lag: Arc::clone(&self.lag),
            fleets: Arc::clone(&self.fleets),
            witnesses: Arc::clone(&self.witnesses),
            probes: Arc::clone(&self.probes),
            inspection: self.inspection.clone(),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// What looks at the evidence.
    pub fn observer(&self) -> Observer {
        Observer::new(Sources {
            probes: Arc::clone(&self.probes),
            databases: Arc::clone(&self.databases),
            alarms: Arc::clone(&self.alarms),
            lag: Arc::clone(&self.lag),
            witnesses: Arc::clone(&self.witnesses),
            journal: Arc::clone(&self.context.journal),
            clock: Arc::clone(&self.context.clock),
        })
    }
}

/// The readiness-checker as Lambda invokes it: what goes in and comes out is JSON.
struct Invoked(ReadinessChecker);

#[async_trait]
impl Functions for Invoked {
    async fn invoke(&self, _function: &str, payload: &Value) -> Answer<Result<Value, FunctionError>> {
        let answer = Box::pin(self.0.handle(payload)).await;
        Ok(answer.map_err(|fault| FunctionError { code: fault.code.to_owned(), message: fault.message }))
    }
}

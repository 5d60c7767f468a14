//! What hurts one call of one step: the ports of the twin, with every call of the step's workers counted, one of them
//! (or all for a while) failing, unanswered or deadly, and every effect written down.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::world::World;
use jiff::Timestamp;
use ports::{
    Alert, AlertClaim, Answer, Appended, Databases, Failure, FailureKind, FleetView, Fleets, Journal,
    KeptSnapshot, Lag, OldPrimary, Page, Plans, Probes, Publisher, ReplicaView, RouteView, Traffic, Vitals,
    Which,
};
use protocol::command::{Step, StepCommand};
use protocol::journal::Record;
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Capacity, Database, FleetAt, Probe, Route};
use protocol::readiness::LastReadiness;
use protocol::side::Side;
use tokio::sync::Notify;
use twin::MemoryWorld;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It fails without effect.
    Fails(FailureKind),
    /// It has its effect, and no answer.
    LosesAnswer,
    /// The worker dies before it.
    KillsBefore,
    /// The worker dies after its effect.
    KillsAfter,
}

/// An effect of the step, and how far the journal was when it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The worker.
    pub writer: String,
    /// The item.
    pub subject: Name,
    /// The last record at that moment.
    pub after_seq: u64,
}

/// Counts the calls of one step's workers, and hurts them.
#[derive(Clone)]
pub struct Tap {
    /// The step.
    pub step: Step,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    harm: Option<Harm>,
    from: usize,
    to: usize,
    calls: usize,
    effects: Vec<Effect>,
}

impl Tap {
    /// Hurts nothing: counts.
    pub fn counting(step: Step) -> Self {
        Self::new(step, None, 0, 0)
    }

    /// Hurts the calls with these numbers, from the first (0) to before the last.
    pub fn hurting(step: Step, harm: Harm, from: usize, to: usize) -> Self {
        Self::new(step, Some(harm), from, to)
    }

    fn new(step: Step, harm: Option<Harm>, from: usize, to: usize) -> Self {
        let inner = Inner { harm, from, to, calls: 0, effects: Vec::new() };
        Self { step, inner: Arc::new(Mutex::new(inner)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.inner().calls
    }

    /// What the step brought about.
    pub fn effects(&self) -> Vec<Effect> {
        self.inner().effects.clone()
    }

    /// The harm of the next call, if any.
    fn next(&self) -> Option<Harm> {
        let mut inner = self.inner();
        let index = inner.calls;
        inner.calls += 1;
        inner.harm.filter(|_| (inner.from..inner.to).contains(&index))
    }
}

/// One worker's way through the tap.
pub(crate) struct Line {
    tap: Tap,
    world: Arc<MemoryWorld>,
    writer: String,
    died: Arc<Notify>,
}

impl Line {
    /// The ports of a worker, through the tap; and what tells of its death.
    pub(crate) fn through(tap: Tap, world: Arc<MemoryWorld>, ports: World) -> (World, Arc<Notify>) {
        let died = Arc::new(Notify::new());
        let writer = ports.writer.clone();
        let line = Arc::new(Self { tap, world, writer, died: Arc::clone(&died) });
        let ports = World {
            plans: Arc::clone(&line) as _,
            journal: Arc::clone(&line) as _,
            databases: Arc::clone(&line) as _,
            fleets: Arc::clone(&line) as _,
            traffic: Arc::clone(&line) as _,
            lag: Arc::clone(&line) as _,
            probes: Arc::clone(&line) as _,
            publisher: line as _,
            ..ports
        };
        (ports, died)
    }

    async fn die(&self) -> Infallible {
        self.died.notify_one();
        std::future::pending().await
    }

    async fn pass<T>(&self, action: &'static str, call: impl Future<Output = Answer<T>> + Send) -> Answer<T> {
        match self.tap.next() {
            None => call.await,
            Some(Harm::Fails(kind)) => Err(failure(action, kind)),
            Some(Harm::LosesAnswer) => {
                drop(call.await);
                Err(failure(action, FailureKind::Unreachable))
            }
            Some(Harm::KillsBefore) => match self.die().await {},
            Some(Harm::KillsAfter) => {
                drop(call.await);
                match self.die().await {}
            }
        }
    }

    /// A call that changes something about an item.
    async fn act(
        &self,
        action: &'static str,
        subject: &Name,
        call: impl Future<Output = Answer<()>> + Send,
    ) -> Answer<()> {
        let noted = async {
            let answer = call.await;
            if answer.is_ok() {
                let after_seq = self.world.inner().records.last().map_or(0, |record| record.seq);
                let effect = Effect { writer: self.writer.clone(), subject: subject.clone(), after_seq };
                self.tap.inner().effects.push(effect);
            }
            answer
        };
        self.pass(action, noted).await
    }
}

fn failure(action: &'static str, kind: FailureKind) -> Failure {
    Failure { kind, action, code: format!("{kind:?}"), message: "a harm of the test".to_owned() }
}

#[async_trait]
impl Plans for Line {
    async fn load(&self) -> Answer<String> {
        self.pass("plan", Plans::load(&*self.world)).await
    }
}

#[async_trait]
impl Journal for Line {
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page> {
        self.pass("load", self.world.load_after(plan, seq)).await
    }

    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        self.pass("load_snapshot", self.world.load_snapshot(plan, which)).await
    }

    async fn save_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        self.pass("save_snapshot", self.world.save_snapshot(plan, kept)).await
    }

    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        self.pass("claim_alert", self.world.claim_alert(plan, claim)).await
    }

    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()> {
        self.pass("yield_alert", self.world.yield_alert(plan, alert)).await
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        self.pass("append", self.world.append(record)).await
    }

    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>> {
        self.pass("load_vitals", self.world.load_vitals(plan)).await
    }

    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()> {
        self.pass("save_vitals", self.world.save_vitals(plan, vitals)).await
    }

    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>> {
        self.pass("load_readiness", self.world.load_readiness(plan)).await
    }

    async fn save_readiness(&self, plan: &Name, last: &LastReadiness) -> Answer<()> {
        self.pass("save_readiness", self.world.save_readiness(plan, last)).await
    }
}

#[async_trait]
impl Databases for Line {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        self.pass("look_databases", Databases::look(&*self.world, databases, side)).await
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        self.act("promote", &database.name, self.world.promote(database, side)).await
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        self.pass("old_primary", self.world.old_primary(database, side)).await
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        self.act("quarantine", &database.name, self.world.quarantine(database, side)).await
    }
}

#[async_trait]
impl Fleets for Line {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        self.pass("look_fleets", Fleets::look(&*self.world, fleets)).await
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        self.act("resize", fleet.name, self.world.resize(fleet, capacity)).await
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        self.pass("last_failure", self.world.last_failure(fleet, since)).await
    }
}

#[async_trait]
impl Traffic for Line {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        self.pass("look_route", Traffic::look(&*self.world, route)).await
    }

    async fn set_weight(&self, route: &Route, side: Side, weight: u8) -> Answer<()> {
        self.act("set_weight", &route.name, self.world.set_weight(route, side, weight)).await
    }
}

#[async_trait]
impl Lag for Line {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        self.pass("samples", self.world.samples(database, side, since)).await
    }
}

#[async_trait]
impl Probes for Line {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        let asked = async { Ok(self.world.ask(probe).await) };
        // A prober that fails knows nothing.
        self.pass("probe", asked)
            .await
            .unwrap_or_else(|failure| ProbeAnswer::Unknown { detail: failure.to_string() })
    }
}

#[async_trait]
impl Publisher for Line {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        self.pass("commands", self.world.commands(commands)).await
    }

    async fn notice(&self, subject: &str, text: &str) -> Answer<()> {
        self.pass("notice", self.world.notice(subject, text)).await
    }
}

//! The ports of one function's instance: those of the twin, with a clock of its own and everything that can go wrong
//! on the way.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::ports::{
    Alarms, Alert, AlertClaim, Answer, Appended, Clock, Databases, Failure, FailureKind, FleetView, Fleets,
    Ids, Journal, KeptSnapshot, Lag, OldPrimary, Page, Plans, Probes, Publisher, ReplicaView, Replication,
    RouteView, Traffic, Vitals, Which,
};
use async_trait::async_trait;
use engine::world::World;
use jiff::{SignedDuration, Timestamp};
use protocol::command::StepCommand;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Capacity, Database, FleetAt, Probe, Route};
use protocol::readiness::LastReadiness;
use protocol::side::Side;
use protocol::signal::AlarmNow;
use tokio::sync::Notify;

use crate::effect::Deed;
use crate::history::{Said, What};
use crate::invoke;
use crate::sim::{Fate, Pace, Sim};

const JOURNAL: Pace = Pace { usual_ms: (4, 15), longest_ms: 7_000 };
const OWN_REGION: Pace = Pace { usual_ms: (40, 160), longest_ms: 12_000 };
const MESSAGES: Pace = Pace { usual_ms: (15, 40), longest_ms: 12_000 };
const PRIMARY: Pace = Pace { usual_ms: (80, 250), longest_ms: 2_000 };
const ACCELERATOR: Pace = Pace { usual_ms: (100, 300), longest_ms: 20_000 };
const PROBE: Pace = Pace { usual_ms: (20, 200), longest_ms: 3_000 };

/// One instance's way to the world.
pub(crate) struct Link {
    sim: Arc<Sim>,
    by: u32,
    skew: SignedDuration,
    killed: Arc<Notify>,
}

impl Link {
    pub(crate) fn new(sim: Arc<Sim>, by: u32, killed: Arc<Notify>) -> Arc<Self> {
        let skew = sim.skew();
        Arc::new(Self { sim, by, skew, killed })
    }

    /// All ports.
    pub(crate) fn world(self: &Arc<Self>, writer: &str) -> World {
        World {
            plans: Arc::clone(self) as _,
            journal: Arc::clone(self) as _,
            databases: Arc::clone(self) as _,
            fleets: Arc::clone(self) as _,
            traffic: Arc::clone(self) as _,
            alarms: Arc::clone(self) as _,
            lag: Arc::clone(self) as _,
            probes: Arc::clone(self) as _,
            publisher: Arc::clone(self) as _,
            // Readiness decides nothing, so its looks are spared the faults.
            inspection: self.sim.world.inspection(),
            clock: Arc::clone(self) as _,
            ids: Arc::clone(self) as _,
            writer: writer.to_owned(),
            commands_topic: scenarios::COMMANDS_TOPIC.to_owned(),
            region: self.sim.draw.plan.own().region.clone(),
            snapshot_every: self.sim.draw.snapshot_every,
        }
    }

    /// The instance ends here, without a word.
    async fn die(&self, action: &'static str, after: bool) -> Infallible {
        self.sim.note(self.by, What::Killed { action, after });
        self.killed.notify_one();
        std::future::pending().await
    }

    /// A question: it goes there, is answered, and comes back, unless something goes wrong.
    async fn ask<T>(
        &self,
        action: &'static str,
        pace: Pace,
        question: impl Future<Output = Answer<T>> + Send,
    ) -> Answer<T> {
        let fate = self.sim.fate(self.by, action);
        let (there, back) = self.sim.travel(pace);
        match fate {
            Fate::Well => {
                // One wait for both ways, half of them before the question on average: it may be old, it may be new.
                let before = if self.sim.between(0, 2) == 0 { there + back } else { 0 };
                self.sim.sleep_ms(before).await;
                let answer = question.await;
                self.called(action);
                self.sim.sleep_ms(there + back - before).await;
                answer
            }
            Fate::Fails(kind) => {
                self.sim.sleep_ms(there + back).await;
                Err(failure(action, kind))
            }
            Fate::TimesOut(_) | Fate::LosesAnswer => {
                self.sim.sleep_ms(pace.longest_ms).await;
                Err(failure(action, FailureKind::Unreachable))
            }
            Fate::KilledBefore | Fate::KilledAfter => match self.die(action, false).await {},
        }
    }

    /// A deed: it may also have its effect though its answer is lost or its caller dead, and late.
    async fn act(&self, action: &'static str, pace: Pace, deed: Deed) -> Answer<Option<Appended>> {
        let fate = self.sim.fate(self.by, action);
        let (there, back) = self.sim.travel(pace);
        match fate {
            Fate::Well => {
                self.sim.sleep_ms(there).await;
                let answer = deed.be_done(&self.sim, self.by).await;
                self.called(action);
                self.sim.sleep_ms(back).await;
                answer
            }
            Fate::Fails(kind) => {
                self.sim.sleep_ms(there + back).await;
                Err(failure(action, kind))
            }
            Fate::TimesOut(late) => {
                if let Some(late) = late {
                    let (sim, by, longest_ms) = (Arc::clone(&self.sim), self.by, pace.longest_ms);
                    tokio::spawn(async move {
                        sim.sleep_ms(longest_ms).await;
                        sim.clock.sleep(late).await;
                        drop(deed.be_done(&sim, by).await);
                    });
                }
                self.sim.sleep_ms(pace.longest_ms).await;
                Err(failure(action, FailureKind::Unreachable))
            }
            Fate::LosesAnswer => {
                self.sim.sleep_ms(there).await;
                drop(deed.be_done(&self.sim, self.by).await);
                self.sim.sleep_ms(pace.longest_ms.saturating_sub(there)).await;
                Err(failure(action, FailureKind::Unreachable))
            }
            Fate::KilledBefore => match self.die(action, false).await {},
            Fate::KilledAfter => {
                self.sim.sleep_ms(there).await;
                drop(deed.be_done(&self.sim, self.by).await);
                match self.die(action, true).await {}
            }
        }
    }

    fn called(&self, action: &'static str) {
        if self.sim.is_verbose {
            self.sim.note(self.by, What::Called { action });
        }
    }

    fn saw(&self, name: &Name, is_probe: bool, said: Said) {
        self.sim.note(self.by, What::Saw { name: name.clone(), is_probe, said });
    }

    /// What a replica says, by the condition of the primary region.
    fn replica(&self, name: &Name, view: ReplicaView) -> ReplicaView {
        let view = self.sim.stuck_view(name, view);
        let ReplicaView::Replica { status, .. } = view else {
            return view;
        };
        let (said, replication) = if self.sim.chance(self.sim.faults().blind / 2) {
            (Said::Unknown, Replication::Unknown)
        } else if self.sim.condition().replicates {
            (Said::Good, Replication::Running)
        } else {
            (Said::Bad, Replication::Broken { detail: "error: the source can't be reached".to_owned() })
        };
        self.saw(name, false, said);
        ReplicaView::Replica { status, replication }
    }

    /// What a probe of the primary region gets.
    fn probed(&self, name: &Name) -> ProbeAnswer {
        let is_blind = self.sim.chance(self.sim.faults().blind);
        let (said, answer) = match (is_blind, self.sim.condition().answers) {
            (true, _) if self.sim.chance(500) => {
                (Said::Unknown, ProbeAnswer::Unknown { detail: "the prober could not ask".to_owned() })
            }
            (false, true) => (Said::Good, ProbeAnswer::Good),
            _ => (Said::Bad, ProbeAnswer::Bad { detail: "no answer within 3 s".to_owned() }),
        };
        self.saw(name, true, said);
        answer
    }
}

fn failure(action: &'static str, kind: FailureKind) -> Failure {
    Failure { kind, action, code: format!("{kind:?}"), message: "a fault of the simulation".to_owned() }
}

#[async_trait]
impl Clock for Link {
    fn now(&self) -> Timestamp {
        self.sim.now().checked_add(self.skew).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        self.sim.clock.sleep(duration).await;
    }
}

impl Ids for Link {
    fn fresh(&self) -> String {
        self.sim.ids.fresh()
    }
}

#[async_trait]
impl Plans for Link {
    async fn load(&self) -> Answer<String> {
        self.ask("plan", MESSAGES, Plans::load(&*self.sim.world)).await
    }
}

#[async_trait]
impl Journal for Link {
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page> {
        self.ask("load", JOURNAL, self.sim.world.load_after(plan, seq)).await
    }

    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        self.ask("load_snapshot", JOURNAL, self.sim.world.load_snapshot(plan, which)).await
    }

    async fn save_snapshot(&self, _plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        self.act("save_snapshot", JOURNAL, Deed::Keep(Box::new(kept.clone()))).await.map(drop)
    }

    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        self.ask("claim_alert", JOURNAL, self.sim.world.claim_alert(plan, claim)).await
    }

    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()> {
        self.ask("yield_alert", JOURNAL, self.sim.world.yield_alert(plan, alert)).await
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        let appended = self.act("append", JOURNAL, Deed::Append(Box::new(record.clone()))).await?;
        appended.ok_or_else(|| failure("append", FailureKind::Invalid))
    }

    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>> {
        self.ask("load_vitals", JOURNAL, self.sim.world.load_vitals(plan)).await
    }

    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()> {
        self.ask("save_vitals", JOURNAL, self.sim.world.save_vitals(plan, vitals)).await
    }

    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>> {
        self.ask("load_readiness", JOURNAL, self.sim.world.load_readiness(plan)).await
    }

    async fn save_readiness(&self, plan: &Name, last: &LastReadiness) -> Answer<()> {
        self.ask("save_readiness", JOURNAL, self.sim.world.save_readiness(plan, last)).await
    }
}

#[async_trait]
impl Databases for Link {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let question = Databases::look(&*self.sim.world, databases, side);
        let views = self.ask("look_databases", OWN_REGION, question).await?;
        let named = databases.iter().zip(views);
        Ok(named.map(|(database, view)| self.replica(&database.name, view)).collect())
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        self.act("promote", OWN_REGION, Deed::Promote(database.clone(), side)).await.map(drop)
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        self.ask("old_primary", PRIMARY, self.sim.world.old_primary(database, side)).await
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        self.act("quarantine", PRIMARY, Deed::Quarantine(database.clone(), side)).await.map(drop)
    }
}

#[async_trait]
impl Fleets for Link {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        self.ask("look_fleets", OWN_REGION, Fleets::look(&*self.sim.world, fleets)).await
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        self.act("resize", OWN_REGION, Deed::Resize(fleet.name.clone(), capacity)).await.map(drop)
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        self.ask("last_failure", OWN_REGION, self.sim.world.last_failure(fleet, since)).await
    }
}

#[async_trait]
impl Traffic for Link {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        self.ask("look_route", ACCELERATOR, Traffic::look(&*self.sim.world, route)).await
    }

    async fn set_weight(&self, route: &Route, side: Side, weight: u8) -> Answer<()> {
        self.act("set_weight", ACCELERATOR, Deed::Weigh(Box::new(route.clone()), side, weight))
            .await
            .map(drop)
    }
}

#[async_trait]
impl Alarms for Link {
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
        let is_of_primary = region == self.sim.draw.plan.sides.primary.region;
        let pace = if is_of_primary { PRIMARY } else { OWN_REGION };
        let question = Alarms::states(&*self.sim.world, region, arns);
        let alarms = self.ask("alarm_states", pace, question).await?;
        for alarm in &alarms {
            self.sim.note(self.by, What::Answered { arn: alarm.arn.clone(), state: alarm.state });
        }
        Ok(alarms)
    }
}

#[async_trait]
impl Lag for Link {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        self.ask("samples", OWN_REGION, self.sim.world.samples(database, side, since)).await
    }
}

#[async_trait]
impl Probes for Link {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        let (there, back) = self.sim.travel(PROBE);
        self.sim.sleep_ms(there + back).await;
        let of_primary = self
            .sim
            .draw
            .plan
            .detection
            .sides
            .primary
            .probes
            .iter()
            .any(|known| known.name() == probe.name());
        if of_primary { self.probed(probe.name()) } else { self.sim.world.ask(probe).await }
    }
}

#[async_trait]
impl Publisher for Link {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        let messages = Deed::Publish(commands.to_vec());
        self.act("commands", MESSAGES, messages).await.map(drop)
    }

    async fn notice(&self, _subject: &str, text: &str) -> Answer<()> {
        self.act("notice", MESSAGES, Deed::Tell(text.to_owned())).await.map(drop)
    }
}

/// Sends commands on their way, as the commands topic does.
pub(crate) fn publish(sim: &Arc<Sim>, commands: &[StepCommand]) {
    for command in commands {
        invoke::deliver_command(sim, command);
    }
}

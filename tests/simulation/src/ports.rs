//! How do the ports of an instance behave? Calls travel, fail, time out, have their effect late, and kill who makes them; the
//! seed says which.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::ports::{Answer, Clock, Failure, FailureKind, Ids, ReplicaView, Replication};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::name::Name;
use protocol::observation::ProbeAnswer;
use protocol::signal::AlarmNow;
use scenarios::instance::{Identity, Instance};
use tokio::sync::Notify;
use twin::{Call, Policy};

use crate::effect::{act_on, has_effect};
use crate::history::{Said, What};
use crate::sim::{Fate, Pace, Sim};

const JOURNAL: Pace = Pace { usual_ms: (4, 15), longest_ms: 7_000 };
const OWN_REGION: Pace = Pace { usual_ms: (40, 160), longest_ms: 12_000 };
const MESSAGES: Pace = Pace { usual_ms: (15, 40), longest_ms: 12_000 };
const PRIMARY: Pace = Pace { usual_ms: (80, 250), longest_ms: 2_000 };
const ACCELERATOR: Pace = Pace { usual_ms: (100, 300), longest_ms: 20_000 };
const PROBE: Pace = Pace { usual_ms: (20, 200), longest_ms: 3_000 };

/// One instance's way to the world.
#[derive(Clone)]
pub(crate) struct Link {
    sim: Arc<Sim>,
    by: u32,
    skew: SignedDuration,
    killed: Arc<Notify>,
}

impl Link {
    pub(crate) fn new(sim: Arc<Sim>, by: u32, killed: Arc<Notify>) -> Self {
        let skew = sim.skew();
        Self { sim, by, skew, killed }
    }

    /// How long calls of a kind take.
    fn pace(&self, call: &Call) -> Pace {
        match call {
            Call::LoadPlan | Call::Commands | Call::Notice => MESSAGES,
            Call::LoadAfter
            | Call::Append(_)
            | Call::LoadSnapshot
            | Call::SaveSnapshot(_)
            | Call::ClaimAlert
            | Call::YieldAlert
            | Call::LoadVitals
            | Call::SaveVitals
            | Call::LoadReadiness
            | Call::SaveReadiness => JOURNAL,
            Call::OldPrimary(_) | Call::Quarantine(_) => PRIMARY,
            Call::AlarmStates { region } if *region == self.sim.draw.plan.sides.primary.region => PRIMARY,
            Call::LookRoute(_) | Call::Open(..) | Call::Close(..) => ACCELERATOR,
            Call::Probe(_) => PROBE,
            Call::AlarmStates { .. }
            | Call::LookDatabases
            | Call::Promote(_)
            | Call::LookFleets
            | Call::Resize(..)
            | Call::LastFailure(_)
            | Call::Samples(_)
            | Call::Witness => OWN_REGION,
        }
    }

    /// The instance that goes this way.
    pub(crate) fn instance(&self, writer: &str) -> Instance {
        let (world, draw) = (&self.sim.world, &self.sim.draw);
        let identity = Identity {
            clock: Arc::new(self.clone()),
            ids: Arc::new(self.clone()),
            writer: writer.to_owned(),
            snapshot_every: draw.snapshot_every,
        };
        Instance::new(world, &draw.plan, identity).disturbed(world, &draw.plan, self.clone())
    }

    /// The instance ends here, without a word.
    async fn die(&self, action: &'static str, after: bool) -> Infallible {
        self.sim.note(self.by, What::Killed { action, after });
        self.killed.notify_one();
        std::future::pending().await
    }

    /// A question: it goes there, is answered, and comes back, unless something goes wrong.
    async fn ask<T>(&self, call: &Call, question: impl Future<Output = Answer<T>> + Send) -> Answer<T> {
        let (action, pace) = (call.action(), self.pace(call));
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

    /// A call with an effect: the effect may come although its answer is lost or its caller dead, and late.
    async fn act<T: Send + 'static>(
        &self,
        call: Call,
        effect: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        let (action, pace) = (call.action(), self.pace(&call));
        let effect = act_on(Arc::clone(&self.sim), self.by, call, effect);
        let fate = self.sim.fate(self.by, action);
        let (there, back) = self.sim.travel(pace);
        match fate {
            Fate::Well => {
                self.sim.sleep_ms(there).await;
                let answer = effect.await;
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
                    let (sim, longest_ms) = (Arc::clone(&self.sim), pace.longest_ms);
                    tokio::spawn(async move {
                        sim.sleep_ms(longest_ms).await;
                        sim.clock.sleep(late).await;
                        drop(effect.await);
                    });
                }
                self.sim.sleep_ms(pace.longest_ms).await;
                Err(failure(action, FailureKind::Unreachable))
            }
            Fate::LosesAnswer => {
                self.sim.sleep_ms(there).await;
                drop(effect.await);
                self.sim.sleep_ms(pace.longest_ms.saturating_sub(there)).await;
                Err(failure(action, FailureKind::Unreachable))
            }
            Fate::KilledBefore => match self.die(action, false).await {},
            Fate::KilledAfter => {
                self.sim.sleep_ms(there).await;
                drop(effect.await);
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

impl Policy for Link {
    async fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        if has_effect(&call) { self.act(call, go).await } else { self.ask(&call, go).await }
    }

    async fn probe(
        &self,
        probe: &Name,
        go: impl Future<Output = ProbeAnswer> + Send + 'static,
    ) -> ProbeAnswer {
        let (there, back) = self.sim.travel(PROBE);
        self.sim.sleep_ms(there + back).await;
        let mut of_primary = self.sim.draw.plan.detection.sides.primary.probes.iter();
        if of_primary.any(|known| known.name() == probe) { self.probed(probe) } else { go.await }
    }

    /// By the condition of the primary region.
    fn see_replica(&self, name: &Name, view: ReplicaView) -> ReplicaView {
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

    fn see_alarms(&self, alarms: &[AlarmNow]) {
        for alarm in alarms {
            self.sim.note(self.by, What::Answered { arn: alarm.arn.clone(), state: alarm.state });
        }
    }
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

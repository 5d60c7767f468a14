//! What is the whole world at one moment? The journal, the cloud, the workers, what is in flight, and what may still
//! go wrong.

use protocol::endpoint::Setting;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::FenceSeen;
use protocol::journal::{EndpointSeen, Record};
use protocol::observation::{LagSample, Observation, ProbeAnswer, ProbeSeen, ReplicaSeen, ReplicaState};
use protocol::operator::Overrides;
use protocol::plan::Plan;
use protocol::signal::AlarmState;
use protocol::state::{Phase, Progress, Run, State};

use crate::cloud::{Cloud, DATABASES_MAX, Lag, MOMENT_SECONDS};
use crate::mutant::Mutant;
use crate::plan;
use crate::worker::Worker;

/// Moments for which time goes on by itself after something happened to a world at rest.
pub const CALM: u8 = 4;

/// How many things may still happen of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum May {
    /// A worker dies at any point.
    Crash,
    /// A worker is held up at any point, for as long as the checker likes.
    Stall,
    /// The acknowledgement of an append is lost.
    LoseAck,
    /// A message is delivered again.
    Duplicate,
    /// A command is lost.
    Drop,
    /// Time passes though something could be done.
    Delay,
    /// A look answers what was.
    Stale,
    /// A call is denied.
    Deny,
    /// An effect comes about and its answer is lost.
    LoseAnswer,
    /// A call gets no answer and has no effect.
    NoAnswer,
    /// The primary region is lost.
    Lose,
    /// The path between the regions is cut.
    Cut,
    /// The primary region, or the path to it, is back.
    Return,
    /// The alarm goes off.
    Alarm,
    /// The alarm is OK.
    Ok,
    /// Probes, or the replica, fall silent.
    Silence,
    /// The promotion fails for good.
    Unusable,
    /// The fleet loses its targets.
    FleetDies,
    /// No capacity: the targets never become healthy.
    NoCapacity,
    /// An operator starts a failover.
    Failover,
    /// An operator approves.
    Approve,
    /// An operator approves and passes the fence and the gate.
    Override,
    /// An operator aborts.
    Abort,
    /// An operator places a hold.
    Hold,
    /// An operator ends it.
    Release,
    /// Somebody opens the primary side that a run has closed.
    Reopen,
    /// A call that closes the primary side lands only when its lease is over.
    Late,
}

/// Kinds of things that may happen.
pub const KINDS: usize = 27;

/// How often each kind may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left(pub [u8; KINDS]);

impl Left {
    /// From a list.
    #[must_use]
    pub fn of(list: &[(May, u8)]) -> Self {
        let mut left = Self([0; KINDS]);
        for (may, times) in list {
            left.0[*may as usize] = *times;
        }
        left
    }

    /// Whether it may happen once more.
    #[must_use]
    pub fn has(&self, may: May) -> bool {
        self.0[may as usize] > 0
    }

    /// Takes one.
    pub fn take(&mut self, may: May) {
        self.0[may as usize] = self.0[may as usize].saturating_sub(1);
    }
}

/// What one look at the world showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// When, in moments.
    pub at: u32,
    /// Whether the probe got a good answer, if it could be asked.
    pub probe: Option<bool>,
    /// Whether the replica replicates, if it says so.
    pub replica: Option<bool>,
    /// Which of them is no replica any more.
    pub is_detached: [bool; DATABASES_MAX],
    /// When the source was last alive, in moments.
    pub lived_until: u32,
    /// The lag until then.
    pub lag: Lag,
    /// What the probe and the replica truly showed, whatever a mutant made of it.
    pub truth: [Option<bool>; 2],
    /// Whether a mutant leaves the probe or the replica out of the look.
    pub left_out: [bool; 2],
    /// Whether a primary side that should be closed was seen open.
    pub is_reopened: bool,
}

/// The journal as it is kept, newest first.
#[derive(Clone, Debug)]
pub struct Link {
    /// The record.
    pub record: Arc<Record>,
    /// The ones before.
    pub before: Option<Arc<Link>>,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct World {
    /// Moments since the beginning.
    pub now: u32,
    /// What the journal amounts to.
    pub core: Arc<State>,
    /// The journal itself.
    pub journal: Option<Arc<Link>>,
    /// Attempts to append so far; makes each one's id.
    pub attempts: u32,
    /// Everything outside the journal.
    pub cloud: Cloud,
    /// When the primary was last seen to live, in moments.
    pub lived_until: u32,
    /// The alarm.
    pub alarm_rings: bool,
    /// When it last changed, in moments.
    pub alarm_changed: u32,
    /// Alarm messages in flight: the state and the moment of the change.
    pub signals: BTreeSet<(bool, u32)>,
    /// Commands in flight, with their run and their item: a command for several items is one for each.
    pub commands: BTreeSet<(Step, u64, usize)>,
    /// Whether the scheduler is about to tick.
    pub tick_is_due: bool,
    /// Moments for which time still goes on at rest.
    pub calm: u8,
    /// Invocations.
    pub workers: Vec<Arc<Worker>>,
    /// The one that runs just now; the others sleep, or are held up.
    pub running: Option<usize>,
    /// What may still happen.
    pub left: Left,
    /// What was truly shown to speak for a loss: alarm, probe, replica.
    pub shown: [bool; 3],
    /// The rules that operators passed in the run under way.
    pub given: Overrides,
    /// Until when a hold is in force, by the records.
    pub held_until: Option<Timestamp>,
    /// The property that was broken on the way here.
    pub broken: Option<&'static str>,
}

/// A point in time.
#[must_use]
pub fn time(moment: u32) -> Timestamp {
    const EPOCH: i64 = 1_800_000_000;
    Timestamp::from_second(EPOCH + i64::from(moment) * MOMENT_SECONDS).unwrap_or(Timestamp::MAX)
}

impl World {
    /// A good day, with what may happen to it.
    #[must_use]
    pub fn new(lag: Lag, databases: usize, left: Left) -> Self {
        Self {
            // Long enough after the beginning for lag samples to lie before it.
            now: 40,
            core: Arc::new(State::default()),
            journal: None,
            attempts: 0,
            cloud: Cloud::new(lag, databases),
            lived_until: 40,
            alarm_rings: false,
            alarm_changed: 0,
            signals: BTreeSet::new(),
            commands: BTreeSet::new(),
            tick_is_due: false,
            calm: 0,
            workers: Vec::new(),
            running: None,
            left,
            shown: [false; 3],
            given: Overrides::default(),
            held_until: None,
            broken: None,
        }
    }

    /// Now.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        time(self.now)
    }

    /// Notes that a property is broken; the first one counts.
    pub fn break_property(&mut self, name: &'static str) {
        self.broken.get_or_insert(name);
    }

    /// Whether no run moves: none is under way, or it waits for an operator.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.core.active_run().is_none_or(|run| matches!(run.phase, Phase::NeedsOperator { .. }))
    }

    /// Whether nobody does anything and nothing is in flight; who is held up does nothing.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.workers.iter().all(|worker| worker.is_stalled)
            && self.commands.is_empty()
            && self.signals.is_empty()
            && !self.tick_is_due
    }

    /// Whether nothing is left that time alone would change.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let cuts_off = self.core.cleanup.values().any(|quarantine| !quarantine.is_done());
        self.is_quiet()
            && self.is_settled()
            && self.core.unnoticed.is_empty()
            && !(cuts_off && self.cloud.primary_is_up)
            && self.calm == 0
            && !self.is_held_lately()
    }

    /// Whether a hold is in force, or was a tick ago: when it is over, what it held back begins.
    fn is_held_lately(&self) -> bool {
        self.held_until.is_some_and(|until| self.time() < until + seconds(4 * MOMENT_SECONDS))
    }

    /// What a look shows, and what a mutant makes of it.
    pub fn look(&mut self, mutant: Option<Mutant>) -> Seen {
        let is_seen = self.cloud.primary_is_seen();
        let mut is_detached = [false; DATABASES_MAX];
        for (item, detached) in is_detached.iter_mut().enumerate() {
            *detached = self.cloud.has_diverged(item);
        }
        let none_is_left = self.cloud.all_have_diverged();
        let mut seen = Seen {
            at: self.now,
            probe: (!self.cloud.probe_is_silent).then_some(is_seen),
            replica: (!self.cloud.replica_is_silent && !none_is_left).then_some(is_seen),
            is_detached,
            lived_until: if self.cloud.primary_is_seen() { self.now } else { self.lived_until },
            lag: self.cloud.lag,
            truth: [None; 2],
            left_out: [false; 2],
            is_reopened: self.is_reopened(mutant),
        };
        seen.truth = [seen.probe, seen.replica];
        for (shown, truth) in self.shown[1..].iter_mut().zip(seen.truth) {
            *shown = truth.map_or(*shown, |good| !good);
        }
        match mutant {
            Some(Mutant::OneWitness) if seen.probe == Some(false) => seen.replica = Some(false),
            Some(Mutant::SilenceIsDeath) => {
                seen.probe = seen.probe.or(Some(false));
                seen.replica = seen.replica.or(Some(false));
            }
            Some(Mutant::NoVeto) => {
                seen.left_out = seen.truth.map(|truth| truth == Some(true));
            }
            Some(Mutant::Unheard) => seen.left_out = seen.truth.map(|truth| truth.is_none()),
            Some(Mutant::UnknownLagIsZero) if seen.lag == Lag::Unknown => seen.lag = Lag::Small,
            _ => {}
        }
        seen
    }

    /// Whether the primary side is seen open although the journal has it closed.
    #[must_use]
    pub fn is_reopened(&self, mutant: Option<Mutant>) -> bool {
        let is_fenced = self.core.holdings.is_active(&plan::route())
            || self.core.active_run().is_some_and(|run| run.is_done(Step::Fence, &plan::route()));
        is_fenced && !crate::steps::is_closed(self, mutant)
    }

    /// Whether a run has closed the primary side and needs it closed, so that somebody might open it.
    #[must_use]
    pub fn has_fenced(&self) -> bool {
        let run = self.core.run.as_ref();
        let is_kept = run.is_some_and(|run| {
            run.has_begun(Step::Fence) && !matches!(run.phase, Phase::Aborting { .. } | Phase::Aborted { .. })
        });
        is_kept && !self.cloud.primary_is_open
    }

    /// Whether the recovery region can serve what a plan moves.
    #[must_use]
    pub fn can_serve(&self, plan: &Plan) -> bool {
        (plan.databases.is_empty() || self.cloud.all_are_writable()) && self.cloud.fleet_is_healthy
    }

    /// Whether a worker that went on from here in another world, without a record, has changed anything that can matter.
    #[must_use]
    pub fn is_moved(&self, other: &Self, index: usize) -> bool {
        let digest = |world: &Self| {
            let mut hasher = DefaultHasher::new();
            world.workers[index].write(world, &mut hasher);
            hasher.finish()
        };
        self.workers.len() != other.workers.len()
            || self.broken != other.broken
            || self.cloud != other.cloud
            || self.shown != other.shown
            || self.commands != other.commands
            || digest(self) != digest(other)
    }

    fn write<H: Hasher>(&self, out: &mut H) {
        (self.now % 2).hash(out);
        crate::digest::write(&self.core, self.time(), out);
        self.cloud.hash(out);
        let is_over = self.cloud.all_have_diverged() || self.cloud.primary_is_seen();
        (if is_over { 0 } else { self.now - self.lived_until }).hash(out);
        (self.alarm_rings, self.alarm_changed == self.now).hash(out);
        for (state, at) in &self.signals {
            (state, self.now - at).hash(out);
        }
        let is_minded = |run: &&Run| matches!(run.phase, Phase::Moving | Phase::NeedsOperator { .. });
        if (self.cloud.primary_is_open || self.left.has(May::Reopen))
            && let Some(Progress::Done { at, .. }) = self
                .core
                .run
                .as_ref()
                .filter(is_minded)
                .and_then(|run| run.progress(Step::Fence, &plan::route()))
        {
            // A look that was begun before the fence was done says nothing of it.
            (*at == self.time()).hash(out);
        }
        let run = self.core.run.as_ref().map(|run| run.id);
        for (step, id, item) in &self.commands {
            (step, Some(*id) == run, item).hash(out);
        }
        self.held_until.map(|until| until.duration_since(self.time()).as_secs().max(-120)).hash(out);
        (self.tick_is_due, self.calm, self.left, self.shown, self.broken).hash(out);
        let Overrides { allow_data_loss, override_fence, override_vetoes } = self.given;
        (allow_data_loss, override_fence, override_vetoes).hash(out);
        // Which of them is which does not matter, only which one runs.
        let mut workers: Vec<u64> = self
            .workers
            .iter()
            .enumerate()
            .map(|(index, worker)| {
                let mut hasher = DefaultHasher::new();
                (self.running == Some(index)).hash(&mut hasher);
                worker.write(self, &mut hasher);
                hasher.finish()
            })
            .collect();
        workers.sort_unstable();
        workers.hash(out);
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, out: &mut H) {
        self.write(out);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        let digest = |world: &Self| {
            let mut hasher = DefaultHasher::new();
            world.write(&mut hasher);
            hasher.finish()
        };
        digest(self) == digest(other)
    }
}

impl Seen {
    /// The observation that the production code gets.
    #[must_use]
    pub fn observation(&self, plan: &Plan) -> Observation {
        let answer = |good: Option<bool>| match good {
            Some(true) => ProbeAnswer::Good,
            Some(false) => ProbeAnswer::Bad { detail: "no answer".into() },
            None => ProbeAnswer::Unknown { detail: "could not be asked".into() },
        };
        let state = |item: usize| match (self.is_detached[item], self.replica) {
            (true, _) => ReplicaState::Detached,
            (false, Some(true)) => ReplicaState::Replicating,
            (false, Some(false)) => ReplicaState::Broken { detail: "error".into() },
            (false, None) => ReplicaState::Unknown { detail: "does not say".into() },
        };
        let databases = || plan.databases.iter().map(|database| database.name.clone());
        Observation {
            at: time(self.at),
            vantage: plan.sides.recovery.region.clone(),
            probes: plan
                .watched()
                .probes
                .iter()
                .filter(|_| !self.left_out[0])
                .map(|probe| ProbeSeen { name: probe.name().clone(), answer: answer(self.probe) })
                .collect(),
            replicas: databases()
                .enumerate()
                .filter(|_| !self.left_out[1])
                .map(|(item, database)| ReplicaSeen { database, state: state(item) })
                .collect(),
            lag: databases().map(|database| (database, self.samples())).collect(),
            // What the last ticks noted in the vitals.
            replayed: BTreeMap::new(),
            answered_at: Some(time(self.lived_until)),
            // Alarms speak by messages alone here: nobody asks for them.
            alarms: BTreeMap::new(),
        }
    }

    /// What the production code gets of a look at primary sides.
    #[must_use]
    pub fn fences(&self) -> Vec<FenceSeen> {
        let seen = FenceSeen {
            route: plan::route(),
            at: time(self.at),
            side: EndpointSeen::Open { setting: Setting::Weight(128) },
        };
        self.is_reopened.then_some(seen).into_iter().collect()
    }

    /// One sample a minute while the source lived; what is sampled later only says how long it is dead.
    fn samples(&self) -> Vec<LagSample> {
        let lag_ms = match self.lag {
            Lag::Small => 1_000,
            Lag::Large => 600_000,
            Lag::Unknown => return Vec::new(),
        };
        (self.at.saturating_sub(30)..=self.at)
            .map(|moment| {
                let is_dead = moment > self.lived_until;
                LagSample { at: time(moment), lag_ms: Some(if is_dead { 3_600_000 } else { lag_ms }) }
            })
            .collect()
    }
}

/// The alarm's message, as the production code gets it.
#[must_use]
pub fn signal(rings: bool, at: Timestamp) -> protocol::signal::Signal {
    protocol::signal::Signal::Alarm(protocol::signal::AlarmSignal {
        arn: plan::ALARM.to_owned(),
        state: if rings { AlarmState::Alarm } else { AlarmState::Ok },
        changed_at: at,
        reason: "threshold crossed".into(),
        contributor: None,
        held_back: None,
        via: protocol::signal::Via::EventBridge,
    })
}

/// Some seconds.
#[must_use]
pub fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

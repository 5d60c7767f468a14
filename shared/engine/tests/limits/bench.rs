//! A run that moves on the in-memory world, under a clock that waits for nobody, and a step whose work a test brings along.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::observe::{Observer, Sources};
use engine::step::{Objection, StepHandler, StepStatus, carry_out};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::decide::Facts;
use protocol::journal::{Event, Record};
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::{Mode, Plan};
use protocol::state::State;
use protocol::step::Manner;
use twin::{CountingIds, MemoryWorld, RuntimeClock};

/// The shop, that moves by itself, and whose fleet waits for nothing.
pub(crate) fn plan() -> Plan {
    let mut plan = twin::plans::example_plan(Mode::Automatic);
    plan.fleets[0].after.clear();
    plan
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A world and whoever decides on it.
pub(crate) struct Bench {
    pub(crate) world: Arc<MemoryWorld>,
    pub(crate) clock: Arc<RuntimeClock>,
    pub(crate) conductor: Conductor,
    began_at: Timestamp,
}

impl Bench {
    pub(crate) fn new(plan: Plan) -> Self {
        let began_at = Timestamp::from_second(1_800_000_000).expect("a time");
        let clock = Arc::new(RuntimeClock::starting_at(began_at));
        let world = Arc::new(MemoryWorld::new(&plan, Arc::clone(&clock) as Arc<dyn Clock>));
        let conductor = Conductor {
            plan: Arc::new(plan),
            journal: Arc::clone(&world) as _,
            publisher: Arc::clone(&world) as _,
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(CountingIds::default()),
            writer: "test/1".to_owned(),
            request: None,
            snapshot_every: protocol::state::snapshot::SNAPSHOT_EVERY,
            tells_of_unreadable: true,
        };
        Self { world, clock, conductor, began_at }
    }

    /// A bench on which an operator has just begun a failover of everything, past every gate.
    pub(crate) async fn moving(plan: Plan) -> Self {
        let bench = Self::new(plan);
        let overrides = Overrides { allow_data_loss: true, override_vetoes: true, override_fence: false };
        let (by, reason) = ("ana".to_owned(), "r".to_owned());
        let operator = Some(OperatorCommand::Failover { by, reason, routes: Vec::new(), overrides });
        let observation = Some(bench.nothing_seen());
        let facts = Facts { operator, observation, ..Facts::default() };
        let advanced = bench.conductor.advance(&mut Log::default(), facts).await.expect("it moves");
        assert_eq!(advanced.state.active_run().expect("a run").phase.as_str(), "moving");
        bench
    }

    /// A look that shows nothing at all.
    pub(crate) fn nothing_seen(&self) -> Observation {
        Observation {
            at: self.clock.now(),
            vantage: self.conductor.plan.sides.recovery.region.clone(),
            probes: Vec::new(),
            replicas: Vec::new(),
            lag: BTreeMap::new(),
            replayed: BTreeMap::new(),
            answered_at: None,
            alarms: BTreeMap::new(),
        }
    }

    pub(crate) fn eyes(&self) -> Observer {
        Observer::new(self.sources())
    }

    pub(crate) fn sources(&self) -> Sources {
        Sources {
            probes: Arc::clone(&self.world) as _,
            databases: Arc::clone(&self.world) as _,
            alarms: Arc::clone(&self.world) as _,
            lag: Arc::clone(&self.world) as _,
            witnesses: Arc::clone(&self.world) as _,
            journal: Arc::clone(&self.world) as _,
            clock: Arc::clone(&self.clock) as _,
        }
    }

    pub(crate) async fn pass(&self, duration: SignedDuration) {
        self.clock.sleep(Duration::try_from(duration).expect("a wait")).await;
    }

    /// Milliseconds since the bench was made.
    pub(crate) fn since_ms(&self, at: Timestamp) -> i128 {
        at.duration_since(self.began_at).as_millis()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.world.inner().records.clone()
    }

    /// When records of a kind were written, in milliseconds since the bench was made.
    pub(crate) fn written_ms(&self, is_it: impl Fn(&Event) -> bool) -> Vec<i128> {
        let records = self.records();
        records.iter().filter(|record| is_it(&record.event)).map(|record| self.since_ms(record.at)).collect()
    }

    /// Carries the work out for some items, as a function with so much time would.
    pub(crate) async fn carry_out(&self, work: &Script, subjects: &[&str], time: SignedDuration) -> String {
        let subjects = subjects.iter().map(|name| Name::from(*name)).collect();
        let run = self.records().first().expect("a run was opened").seq;
        let plan = self.conductor.plan.name.clone();
        let command = StepCommand { plan, run, step: work.step, subjects };
        let mut log = Log::default();
        self.conductor.refresh(&mut log).await.expect("the journal is read");
        let deadline = self.clock.now().checked_add(time).expect("a time");
        carry_out(&self.conductor, work, &command, log, deadline).await.expect("it comes to an end")
    }
}

/// What a step sees at one look, and how long the look takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Glimpse {
    Wanting,
    Underway,
}

/// The work of a step as a test writes it: what its looks see, one after the other, the last one for ever; and how long its
/// effects take, or that they get no answer.
pub(crate) struct Script {
    pub(crate) step: Step,
    pub(crate) glimpses: Vec<(Glimpse, SignedDuration)>,
    /// How long an effect takes.
    pub(crate) act_takes: SignedDuration,
    /// Whether an effect is given up without an answer.
    pub(crate) is_unanswered: bool,
    /// Whether the effect shows once it was brought about.
    pub(crate) shows: bool,
    /// Whether it is asked what stands against effects, and what is answered, one after the other; then nothing.
    pub(crate) may_object: bool,
    pub(crate) objections: Vec<Option<&'static str>>,
    pub(crate) asked: AtomicUsize,
    pub(crate) clock: Arc<RuntimeClock>,
    pub(crate) looks: AtomicUsize,
    /// When effects began.
    pub(crate) begun: Mutex<Vec<Timestamp>>,
    /// When effects came to their end.
    pub(crate) ended: Mutex<Vec<Timestamp>>,
    /// Effects under way, and the most at once.
    pub(crate) at_once: Mutex<(usize, usize)>,
}

impl Script {
    pub(crate) fn new(bench: &Bench, step: Step, glimpses: &[(Glimpse, SignedDuration)]) -> Self {
        Self {
            step,
            glimpses: glimpses.to_vec(),
            act_takes: SignedDuration::ZERO,
            is_unanswered: false,
            shows: true,
            may_object: false,
            objections: Vec::new(),
            asked: AtomicUsize::new(0),
            clock: Arc::clone(&bench.clock),
            looks: AtomicUsize::new(0),
            begun: Mutex::new(Vec::new()),
            ended: Mutex::new(Vec::new()),
            at_once: Mutex::new((0, 0)),
        }
    }

    async fn wait(&self, duration: SignedDuration) {
        self.clock.sleep(Duration::try_from(duration).expect("a wait")).await;
    }

    fn lock<T: Clone>(list: &Mutex<Vec<T>>) -> Vec<T> {
        list.lock().expect("nobody panicked").clone()
    }

    pub(crate) fn begun_ms(&self, bench: &Bench) -> Vec<i128> {
        Self::lock(&self.begun).into_iter().map(|at| bench.since_ms(at)).collect()
    }

    pub(crate) fn ended_count(&self) -> usize {
        Self::lock(&self.ended).len()
    }

    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.at_once.lock().expect("nobody panicked").1
    }
}

#[async_trait]
impl StepHandler for Script {
    fn step(&self) -> Step {
        self.step
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        let number = self.looks.fetch_add(1, Ordering::Relaxed);
        let (glimpse, takes) = self.glimpses[number.min(self.glimpses.len() - 1)];
        self.wait(takes).await;
        let sight = match glimpse {
            _ if self.shows && self.ended_count() > 0 => StepStatus::Done { detail: "it stands".to_owned() },
            Glimpse::Wanting => StepStatus::Pending { before: None },
            Glimpse::Underway => StepStatus::InProgress { note: "on its way".to_owned() },
        };
        Ok(vec![sight; subjects.len()])
    }

    fn manner(&self) -> Manner {
        Manner { may_object: self.may_object, ..Manner::default() }
    }

    async fn objection(&self, _state: &State) -> Option<Objection> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let note = self.objections.get(number).copied().flatten()?;
        Some(Objection::Unknown { note: note.to_owned() })
    }

    async fn act(&self, _subject: &Name) -> Result<(), Failure> {
        self.begun.lock().expect("nobody panicked").push(self.clock.now());
        {
            let mut at_once = self.at_once.lock().expect("nobody panicked");
            at_once.0 += 1;
            at_once.1 = at_once.1.max(at_once.0);
        }
        self.wait(self.act_takes).await;
        self.at_once.lock().expect("nobody panicked").0 -= 1;
        if self.is_unanswered {
            let (code, message) = ("timeout".to_owned(), "no answer".to_owned());
            return Err(Failure { kind: FailureKind::Unreachable, action: "act", code, message });
        }
        self.ended.lock().expect("nobody panicked").push(self.clock.now());
        Ok(())
    }
}

//! A stage for whole runs: the production handlers on the in-memory world, under a clock that waits for nobody.
//!
//! Messages take a moment, the tick comes once a minute, functions end at their timeouts: as in the cloud.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ports::Clock;
use protocol::command::{Step, StepCommand};
use protocol::journal::Record;
use protocol::observation::ProbeAnswer;
use protocol::plan::Plan;
use protocol::signal::AlarmState;
use protocol::state::{Phase, State, evolve};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use twin::{CountingIds, GuardTwin, MemoryWorld, Policy, RuntimeClock};

pub mod fault_injection;
pub mod instance;
pub mod pair;
pub mod scheduled_job;

use fault_injection::{Line, Tap};
use instance::{Identity, Instance};

/// The commands topic of the stage.
pub const COMMANDS_TOPIC: &str = "arn:aws:sns:us-west-1:123456789012:shop-commands";

/// How long a message is on its way.
const MESSAGE_DELAY: Duration = Duration::from_millis(80);

/// How often the stage looks for messages.
const BEAT: Duration = Duration::from_millis(100);

/// How often its schedule invokes the readiness-checker.
const CHECK_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Long enough for the tick to have seen that all is well.
pub const GOOD_MINUTES: SignedDuration = SignedDuration::from_secs(130);

/// A worker that was started by a command.
pub struct Worker {
    /// What it does.
    pub command: StepCommand,
    task: JoinHandle<Result<Value, Fault>>,
}

/// The stage.
pub struct Stage {
    /// The world.
    pub world: Arc<MemoryWorld>,
    /// Its clock.
    pub clock: Arc<RuntimeClock>,
    /// The plan.
    pub plan: Plan,
    /// Workers started so far.
    pub workers: Vec<Worker>,
    /// How often each command is delivered.
    pub deliveries: usize,
    /// What hurts the workers of a step, if anything.
    pub tap: Option<Tap>,
    /// A step whose next commands are lost, and how many of them.
    pub loses: Option<(Step, usize)>,
    /// Every command that was published.
    pub published: Vec<StepCommand>,
    /// After how many records a snapshot of the state is due. Few, so that every scenario reads through some.
    pub snapshot_every: u64,
    /// What it reaches as one of two guards, if it is one.
    pub guard: Option<Arc<GuardTwin>>,
    /// Whether it was not told yet that it is one of two.
    pub is_alone: bool,
    ids: Arc<CountingIds>,
    next_tick: Timestamp,
    next_check: Timestamp,
    /// Ticks that watch for the rest of their minute.
    ticks: Vec<JoinHandle<Result<Value, Fault>>>,
    started: usize,
    folded: RefCell<State>,
}

impl Stage {
    /// A good day.
    pub fn new(plan: Plan) -> Self {
        let base: Timestamp = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        Self::at(plan, Arc::new(RuntimeClock::starting_at(base)))
    }

    /// A good day, by a clock that others may share.
    pub fn at(plan: Plan, clock: Arc<RuntimeClock>) -> Self {
        let base = clock.now();
        let world = Arc::new(MemoryWorld::new(&plan, Arc::clone(&clock) as Arc<dyn Clock>));
        let ids = Arc::new(CountingIds::default());
        let folded = RefCell::new(State::default());
        Self {
            world,
            clock,
            plan,
            workers: Vec::new(),
            deliveries: 1,
            tap: None,
            loses: None,
            published: Vec::new(),
            snapshot_every: 7,
            guard: None,
            is_alone: false,
            ids,
            next_tick: base,
            next_check: base,
            ticks: Vec::new(),
            started: 0,
            folded,
        }
    }

    /// One instance of a function.
    pub fn instance(&self, writer: &str) -> Instance {
        let identity = Identity {
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::clone(&self.ids) as _,
            writer: writer.to_owned(),
            snapshot_every: self.snapshot_every,
        };
        match &self.guard {
            Some(guard) => {
                let instance = Instance::of_pair(guard, &self.plan, identity);
                if self.is_alone { Instance { words: None, ..instance } } else { instance }
            }
            None => Instance::new(&self.world, &self.plan, identity),
        }
    }

    /// One instance of a function, every call of which passes through a policy.
    pub fn disturbed<P: Policy>(&self, writer: &str, policy: P) -> Instance {
        self.instance(writer).disturbed(&self.world, &self.plan, policy)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Invokes the alarm-handler and waits for its answer.
    pub async fn invoke(&mut self, payload: Value) -> Result<Value, Fault> {
        self.started += 1;
        let handler = self.instance(&format!("alarm-handler/{}", self.started)).alarm_handler();
        let deadline = self.deadline(Step::Verify);
        Box::pin(handler.handle(&payload, deadline)).await
    }

    /// Invokes the readiness-checker and waits for its answer.
    pub async fn check(&self, payload: Value) -> Result<Value, Fault> {
        let checker = self.instance("readiness-checker").readiness_checker();
        Box::pin(checker.handle(&payload)).await
    }

    /// An alarm of the plan goes into a state, and its message arrives.
    pub async fn alarm(&mut self, state: &str) -> Result<Value, Fault> {
        let arn = self.plan.watched().alarms.first().cloned().unwrap_or_default();
        self.world.set_alarm(&arn, alarm_state(state));
        let changed_at = self.now().to_string();
        let body = json!({
            "AlarmName": "primary-health", "AlarmArn": arn, "NewStateValue": state, "OldStateValue": "OK",
            "NewStateReason": "Threshold Crossed", "StateChangeTime": changed_at, "Region": "US East (Ohio)",
        });
        let topic = self.plan.detection.topics.first().cloned().unwrap_or_default();
        self.invoke(sns(&topic, &body)).await
    }

    fn deadline(&self, step: Step) -> Timestamp {
        let seconds = step.attempt_seconds(&self.plan.limits);
        self.now().checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
    }

    /// Two good minutes, an alarm, and the primary region is gone.
    ///
    /// # Panics
    /// When the alarm is not taken.
    #[expect(clippy::expect_used, reason = "an alarm that is not taken fails whatever test it appears in")]
    pub async fn lose_primary(&mut self) {
        self.pass(GOOD_MINUTES).await;
        assert_eq!(self.phase(), "no run");
        self.alarm("ALARM").await.expect("the alarm is taken");
        self.world.inner().primary_lives = false;
    }

    /// The number of the run under way, or of the last one.
    pub fn run(&self) -> u64 {
        self.state().run.map_or(0, |run| run.id)
    }

    /// Starts a worker for a command, as the commands topic would.
    pub fn start(&mut self, command: StepCommand) {
        self.started += 1;
        let deadline = self.deadline(command.step);
        let payload = sns(COMMANDS_TOPIC, &json!(command));
        let number = self.started;
        let step = command.step;
        let writer = format!("{step}/{number}");
        let died = Arc::new(Notify::new());
        let instance = match self.tap.clone().filter(|tap| tap.step == step) {
            Some(tap) => {
                let line = Line::new(tap, Arc::clone(&self.world), writer.clone(), Arc::clone(&died));
                self.disturbed(&writer, line)
            }
            None => self.instance(&writer),
        };
        let work = async move { instance.work(step, &payload, deadline).await };
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = died.notified() => Err(Fault::new("killed", "The worker was killed")),
                answer = work => answer,
            }
        });
        self.workers.push(Worker { command, task });
    }

    /// Kills every worker of a step, as SIGKILL would: between two awaits, without a word.
    pub fn kill(&mut self, step: Step) -> usize {
        let (killed, left): (Vec<Worker>, Vec<Worker>) =
            std::mem::take(&mut self.workers).into_iter().partition(|worker| worker.command.step == step);
        self.workers = left;
        killed.iter().filter(|worker| !worker.task.is_finished()).map(|worker| worker.task.abort()).count()
    }

    /// One beat: deliver what was published, tick if a minute has passed, let time pass.
    pub async fn beat(&mut self) {
        self.act().await;
        self.clock.sleep(BEAT).await;
    }

    /// What is due at this moment: deliver what was published, tick if a minute has passed.
    pub async fn act(&mut self) {
        let commands: Vec<StepCommand> = self.world.inner().commands.drain(..).collect();
        self.published.extend(commands.iter().cloned());
        for command in commands {
            if let Some((step, left @ 1..)) = &mut self.loses
                && *step == command.step
            {
                *left -= 1;
                continue;
            }
            for _ in 0..self.deliveries {
                self.clock.sleep(MESSAGE_DELAY).await;
                self.start(command.clone());
            }
        }
        if self.now() >= self.next_tick {
            self.next_tick = self.now().checked_add(SignedDuration::from_secs(60)).unwrap_or(Timestamp::MAX);
            if self.world.inner().primary_lives {
                self.world.sample_lag(400);
            }
            self.tick().await;
        }
        if self.now() >= self.next_check {
            self.next_check = self.now().checked_add(CHECK_EVERY).unwrap_or(Timestamp::MAX);
            // As above.
            drop(self.check(json!({ "command": "pass" })).await);
        }
    }

    /// The schedule invokes the alarm-handler. A tick that fails is an error of the function; the next one comes in a minute.
    pub async fn tick(&mut self) {
        if self.plan.detection.watch_seconds.is_none() {
            drop(self.invoke(json!({ "command": "tick" })).await);
            return;
        }
        self.start_tick(self.deadline(Step::Confirm));
    }

    /// Starts a tick that its function's timeout ends then.
    pub fn start_tick(&mut self, deadline: Timestamp) {
        self.started += 1;
        let payload = json!({ "command": "tick" });
        let handler = self.instance(&format!("alarm-handler/{}", self.started)).alarm_handler();
        self.ticks.push(tokio::spawn(async move { handler.handle(&payload, deadline).await }));
    }

    /// Every probe of the primary gets a good answer from now on, or a bad one.
    pub fn set_probes(&self, is_bad: bool) {
        let answer =
            if is_bad { ProbeAnswer::Bad { detail: "status 500".to_owned() } } else { ProbeAnswer::Good };
        for probe in &self.plan.detection.sides.primary.probes {
            self.world.inner().probes.insert(probe.name().clone(), answer.clone());
        }
    }

    /// Lets a moment pass in which nothing is delivered and no tick comes.
    pub async fn clock_passes(&self) {
        self.clock.sleep(BEAT).await;
    }

    /// How many ticks are under way.
    pub fn ticks_under_way(&mut self) -> usize {
        self.ticks.retain(|tick| !tick.is_finished());
        self.ticks.len()
    }

    /// Lets time pass until something holds; says whether it did within the limit.
    pub async fn until(&mut self, limit: SignedDuration, holds: impl Fn(&State) -> bool) -> bool {
        let end = self.now().checked_add(limit).unwrap_or(Timestamp::MAX);
        let mut seen = 0;
        let mut state = self.state();
        loop {
            // What holds is asked again only when something was written.
            if state.last_seq != seen || state.last_seq == 0 {
                if holds(&state) {
                    return true;
                }
                seen = state.last_seq;
            }
            if self.now() >= end {
                return false;
            }
            self.beat().await;
            if self.last_seq() != seen {
                state = self.state();
            }
        }
    }

    fn last_seq(&self) -> u64 {
        self.world.inner().records.last().map_or(0, |record| record.seq)
    }

    /// Lets time pass.
    pub async fn pass(&mut self, duration: SignedDuration) {
        self.until(duration, |_| false).await;
    }

    /// The journal.
    pub fn records(&self) -> Vec<Record> {
        self.world.inner().records.clone()
    }

    /// What the journal amounts to.
    ///
    /// # Panics
    /// When the journal is illegal, which no scenario may bring about.
    #[expect(clippy::panic, reason = "an illegal journal fails whatever test it appears in")]
    pub fn state(&self) -> State {
        let mut folded = self.folded.borrow_mut();
        let inner = self.world.inner();
        let read = usize::try_from(folded.last_seq).unwrap_or(usize::MAX);
        for record in inner.records.iter().skip(read) {
            match evolve(std::mem::take(&mut *folded), record) {
                Ok(state) => *folded = state,
                Err(illegal) => panic!("{illegal}"),
            }
        }
        folded.clone()
    }

    /// The phase of the last run, in words.
    pub fn phase(&self) -> &'static str {
        self.state().run.map_or("no run", |run| run.phase.as_str())
    }

    /// All sentences of the journal.
    pub fn sentences(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.sentence).collect()
    }
}

/// Whether the last run awaits an approval.
pub fn awaits_approval(state: &State) -> bool {
    state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::AwaitingApproval { .. }))
}

/// Whether the last run needs an operator.
pub fn needs_operator(state: &State) -> bool {
    state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::NeedsOperator { .. }))
}

/// Whether the last run is over.
pub fn is_over(state: &State) -> bool {
    state.run.as_ref().is_some_and(|run| run.phase.is_final())
}

/// Whether the last run is over and has moved.
pub fn has_completed(state: &State) -> bool {
    state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::Completed { .. }))
}

/// Whether a step of the last run was begun.
pub fn has_begun(step: Step) -> impl Fn(&State) -> bool {
    move |state| state.run.as_ref().is_some_and(|run| run.has_begun(step))
}

fn alarm_state(word: &str) -> AlarmState {
    match word {
        "ALARM" => AlarmState::Alarm,
        "OK" => AlarmState::Ok,
        _ => AlarmState::InsufficientData,
    }
}

/// An SNS event with one message.
pub fn sns(topic: &str, body: &Value) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{topic}:subscription"),
        "Sns": { "Type": "Notification", "TopicArn": topic, "Message": body.to_string() },
    }] })
}

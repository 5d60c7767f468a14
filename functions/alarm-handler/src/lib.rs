//! Takes signals, ticks, wake-ups and operators' commands; weighs the evidence; and sees the recovery side serve.

use std::sync::Arc;

use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use engine::fences;
use engine::invocation::Invocation;
use engine::observe::{Observer, Sources};
use engine::step::StepHandler;
use engine::worker::{self, StepHandlers};
use jiff::Timestamp;
use ports::{Alarms, Databases, Fleets, Functions, Lag, Metrics, Probes, Traffic, Vitals, Witnesses, Words};
use protocol::command::Step;
use protocol::decide::{Facts, Verdict, fenced, is_late, rejected};
use protocol::incoming::Incoming;
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::operator::OperatorCommand;
use protocol::signal::Signal;
use protocol::state::{Phase, Run, State};
use serde_json::{Value, json};

mod attention;
mod confirm;
mod pair;
mod readiness;
mod status;
mod verify;
mod watch;

use confirm::Confirm;
use verify::Verify;
use watch::Watch;

/// What this function may do.
pub struct AlarmHandler {
    /// What it decides with.
    pub context: Context,
    /// ARN of the one topic that may ask for steps.
    pub commands_topic: String,
    /// Databases: whether they serve, and are a sign of life.
    pub databases: Arc<dyn Databases>,
    /// Fleets: whether they serve.
    pub fleets: Arc<dyn Fleets>,
    /// Routes: whether they are closed, and serve.
    pub traffic: Arc<dyn Traffic>,
    /// Alarms.
    pub alarms: Arc<dyn Alarms>,
    /// Replication lag.
    pub lag: Arc<dyn Lag>,
    /// The witness of the own side.
    pub witnesses: Arc<dyn Witnesses>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Whether anybody has to come, as a figure that an alarm watches.
    pub metrics: Arc<dyn Metrics>,
    /// Whom an operator's question about readiness is passed on to.
    pub functions: Arc<dyn Functions>,
    /// The words of both guards, where this one is one of two.
    pub words: Option<Arc<dyn Words>>,
}

impl AlarmHandler {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value, invocation: impl Into<Invocation>) -> Result<Value, Fault> {
        let Invocation { deadline, request } = invocation.into();
        let incoming = Incoming::read(payload);
        match &incoming {
            Incoming::BadOperator { problem } => return Err(Fault::new("bad_command", problem.clone())),
            Incoming::Empty => return Ok(json!({ "sentence": NO_COMMAND })),
            _ => {}
        }
        let conductor = self.context.conductor().await?;
        match incoming {
            Incoming::Tick => tick(self, &conductor, deadline).await,
            Incoming::Operator(OperatorCommand::Status {}) => status::status(self, &conductor).await,
            Incoming::Operator(OperatorCommand::Readiness {}) => {
                readiness::answer(self, &conductor, deadline).await
            }
            Incoming::Operator(command) => {
                // What a person's word brings about can be joined with CloudTrail, which knows who called.
                let conductor = Conductor { request, ..conductor };
                operator(self, &conductor, command).await
            }
            Incoming::Signals(signals) => hear(self, &conductor, signals).await,
            Incoming::Steps(messages) => {
                worker::steps(&conductor, &self.commands_topic, self, &messages, None, deadline).await
            }
            // Something changed that a step may wait for. What, the journal and a look will tell.
            Incoming::WakeUp { .. } => advance(&conductor, Facts::default()).await,
            Incoming::BadOperator { problem } => Err(Fault::new("bad_command", problem)),
            Incoming::Empty => Ok(json!({ "sentence": NO_COMMAND })),
        }
    }

    /// Looks at what detection is about.
    fn observer(&self) -> Observer {
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

/// What an empty object is answered with: it may be a wake-up, or a command that got lost on its way.
const NO_COMMAND: &str = "The payload is an empty object, so alarm-handler received no command, did nothing \
                          and checked nothing. To send a command, pass one in the payload, such as \
                          {\"command\":\"status\"}.";

/// Signals are sorted as they come; only a message that is late is held against what CloudWatch says now. Whoever sends
/// them is answered which of them do not count, and why; a rejection that was written down lately too.
async fn hear(function: &AlarmHandler, conductor: &Conductor, signals: Vec<Signal>) -> Result<Value, Fault> {
    let now = conductor.clock.now();
    let is_late = signals.iter().any(|signal| is_late(&conductor.plan, signal, now));
    let mut log = Log::default();
    conductor.refresh(&mut log).await?;
    function.begin(conductor, &mut log).await?;
    let observation =
        if is_late { Some(function.observer().observe(&conductor.plan, &log.state).await) } else { None };
    let facts = Facts { signals, observation, ..Facts::default() };
    let rejected: Vec<Value> = facts
        .signals
        .iter()
        .filter_map(|signal| rejected(&conductor.plan, &facts, signal, now))
        .map(|found| json!({ "source": found.source, "reason": found.reason, "why": found.why }))
        .collect();
    let mut advanced = conductor.advance_from(&mut log, facts).await?;
    if !is_late && advanced.appended > 0 && is_unwatched(&log.state) {
        // The window may begin with what is seen now; the watch that was asked for is still on its way.
        let observation = function.observer().observe(&conductor.plan, &log.state).await;
        let looked = Facts { observation: Some(observation), ..Facts::default() };
        let heard = advanced.appended;
        advanced = conductor.advance(&mut log, looked).await?;
        advanced.appended += heard;
    }
    Ok(json!({ "sentence": advanced.sentence, "appended": advanced.appended, "rejected": rejected }))
}

/// Whether evidence is to be weighed and no watch has begun.
fn is_unwatched(state: &State) -> bool {
    let weighs = |run: &&Run| run.weighs_evidence() && matches!(run.phase, Phase::Confirming { .. });
    state.active_run().filter(weighs).is_some_and(|run| !run.has_begun(Step::Confirm))
}

async fn advance(conductor: &Conductor, facts: Facts) -> Result<Value, Fault> {
    let advanced = conductor.advance(&mut Log::default(), facts).await?;
    Ok(json!({ "sentence": advanced.sentence, "appended": advanced.appended }))
}

/// Once a minute: look, decide, resume whatever is unfinished. Last, and seldom: keep a snapshot of the state. For the rest of the
/// minute it looks again, where the plan asks for that.
async fn tick(function: &AlarmHandler, conductor: &Conductor, deadline: Timestamp) -> Result<Value, Fault> {
    let began_at = conductor.clock.now();
    let mut log = Log::default();
    if let Err(fault) = conductor.catch_up(&mut log, deadline).await {
        // Nobody decides anything until a person takes the record out: the alarm on who is needed must know.
        if log.poison().is_some() {
            attention::publish(function, &conductor.plan.name, &log, conductor.clock.now()).await;
        }
        return Err(fault);
    }
    let routes = fenced(&conductor.plan, &log.state);
    let eyes = function.observer().at_rest();
    let (observation, sides, pair) = futures::join!(
        eyes.observe(&conductor.plan, &log.state),
        fences::look(&*function.traffic, &*function.context.clock, &routes, conductor.plan.seat.other()),
        function.see_pair(conductor, &log.state)
    );
    let pair = pair?;
    let vitals = save_vitals(function, conductor, &observation).await;
    let fences = sides.into_iter().map(|looked| looked.seen).collect();
    let seen = pair.as_ref().map(|look| look.seen.clone());
    let facts = Facts { observation: Some(observation), fences, pair: seen, ..Facts::default() };
    let advanced = conductor.advance_from(&mut log, facts).await?;
    if let Some(look) = &pair {
        function.say(conductor, &log.state, look).await;
    }
    attention::publish(function, &conductor.plan.name, &log, conductor.clock.now()).await;
    // Everything that is due was asked for by now.
    conductor.keep_snapshot(&mut log).await;
    let ticked_at = vitals.ticked_at;
    save_unkept(function, conductor, &log, vitals).await;
    let published = log.state.last_seq;
    let watch = Watch { function, conductor, eyes: &eyes, began_at, ticked_at, deadline };
    let kept = watch.keep(&mut log, advanced).await;
    // Also of a watch that broke off: what it wrote stands.
    if log.state.last_seq > published {
        attention::publish(function, &conductor.plan.name, &log, conductor.clock.now()).await;
    }
    let advanced = kept?;
    Ok(json!({ "sentence": advanced.sentence, "appended": advanced.appended }))
}

/// The vitals are advisory: when they can't be saved, the tick goes on.
async fn save_vitals(function: &AlarmHandler, conductor: &Conductor, observation: &Observation) -> Vitals {
    let mut vitals = load_vitals(function, conductor).await.unwrap_or_default();
    vitals.ticked_at = Some(observation.at);
    if observation.answers_now() {
        vitals.answered_at = observation.answered_at;
    }
    for (database, points) in &observation.lag {
        if let Some(point) = points.iter().rfind(|point| point.lag_ms.is_some()) {
            vitals.lag.insert(database.clone(), *point);
        }
    }
    save(function, &conductor.plan.name, &vitals).await;
    vitals
}

/// What was kept; nothing where it can't be read.
async fn load_vitals(function: &AlarmHandler, conductor: &Conductor) -> Option<Vitals> {
    match function.context.journal.load_vitals(&conductor.plan.name).await {
        Ok(vitals) => Some(vitals.unwrap_or_default()),
        Err(failure) => {
            tracing::warn!(%failure, "the vitals can't be read");
            None
        }
    }
}

async fn save(function: &AlarmHandler, plan: &Name, vitals: &Vitals) {
    if let Err(failure) = function.context.journal.save_vitals(plan, vitals).await {
        tracing::warn!(%failure, "the vitals can't be saved");
    }
}

/// Whether the snapshot that was due could be kept is for readiness to say: written when it changes.
async fn save_unkept(function: &AlarmHandler, conductor: &Conductor, log: &Log, mut vitals: Vitals) {
    let unkept = log.facts().unkept;
    if vitals.snapshot_unkept == unkept {
        return;
    }
    vitals.snapshot_unkept = unkept;
    save(function, &conductor.plan.name, &vitals).await;
}

/// An operator's command is decided with the world in view. What is refused is an error: the caller must notice.
async fn operator(
    function: &AlarmHandler,
    conductor: &Conductor,
    command: OperatorCommand,
) -> Result<Value, Fault> {
    let mut log = Log::default();
    conductor.refresh(&mut log).await?;
    function.begin(conductor, &mut log).await?;
    let looks = matches!(command, OperatorCommand::Failover { .. } | OperatorCommand::Approve { .. });
    let observation =
        if looks { Some(function.observer().observe(&conductor.plan, &log.state).await) } else { None };
    // What decides an adoption is said and seen now, never remembered.
    let adopts = matches!(command, OperatorCommand::Adopt { .. });
    let look = if adopts { function.see_pair(conductor, &log.state).await? } else { None };
    let pair = look.as_ref().map(|look| look.seen.clone());
    let facts = Facts { operator: Some(command), observation, pair, ..Facts::default() };
    let advanced = conductor.advance_from(&mut log, facts).await?;
    if let Some(look) = &look {
        function.say(conductor, &log.state, look).await;
    }
    match advanced.verdict {
        Some((Verdict::Refused, sentence)) => Err(Fault::new("refused", sentence)),
        Some((Verdict::Accepted, sentence)) => Ok(
            json!({ "sentence": sentence, "now": advanced.sentence, "run": advanced.state.run.map(|run| run.id) }),
        ),
        None => {
            Err(Fault::new("no_answer", "Pilotlight did not decide this command; run the command status"))
        }
    }
}

/// The steps that this function does itself: confirm and verify.
impl StepHandlers for AlarmHandler {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn StepHandler>> {
        match step {
            Step::Confirm => Some(Box::new(Confirm::new(self, conductor))),
            Step::Verify => Some(Box::new(Verify::new(self, conductor, log.state.clone()))),
            _ => None,
        }
    }
}

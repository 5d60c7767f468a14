//! What does a journal look like after some time? Driven through decide and evolve, as the functions do it: what is
//! due is appended, and what is asked for is intended, waited for and done.
//!
//! Nothing is made up: a record that may not follow the state is an error.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Decision, Facts, claim, decide};
use protocol::journal::{Event, JOURNAL_SCHEMA, Record, SubjectDone, SubjectNote};
use protocol::name::Name;
use protocol::observation::{LagSample, Observation, ProbeAnswer, ProbeSeen, ReplicaSeen, ReplicaState};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Plan;
use protocol::side::Side;
use protocol::signal::{AlarmSignal, AlarmState, Signal, Via};
use protocol::state::holdings::Ownership;
use protocol::state::{Phase, Progress, State, evolve};

use crate::measure::now;

/// How often the story looks what has happened; also how often a confirming worker looks at the world.
const BEAT: SignedDuration = SignedDuration::from_secs(5);

/// How often the tick comes.
const TICK: SignedDuration = SignedDuration::from_secs(60);

/// How long a worker holds what it took, and how little of that may be left, as the workers have it.
const LEASE: SignedDuration = SignedDuration::from_secs(75);
const LEASE_LEFT_MIN: SignedDuration = SignedDuration::from_secs(45);

/// How long an append takes.
const APPEND: SignedDuration = SignedDuration::from_millis(8);

/// A run that takes longer is stuck.
const RUN_MAX: SignedDuration = SignedDuration::from_hours(2);

/// More records of one decision mean that deciding does not come to rest.
const APPENDS_MAX: usize = 100_000;

/// A day of [`History::ordinary_days`] has fewer records than this.
const DAY_RECORDS_MAX: usize = 40;

/// A journal, and the world that it is of.
pub(crate) struct History {
    plan: Plan,
    state: State,
    records: Vec<Record>,
    now: Timestamp,
    /// Since when the primary region is lost.
    lost_at: Option<Timestamp>,
    next_tick: Timestamp,
    attempts: Vec<Attempt>,
    strangers: u32,
    effort: Effort,
}

/// What deciding and evolving cost so far, all calls together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// The time they took.
    pub(crate) spent: Duration,
    /// How often was decided.
    pub(crate) decisions: usize,
    /// The most records that one look at the world led to.
    pub(crate) appended_max: usize,
}

/// A worker that holds a step.
#[derive(Clone, Debug)]
struct Attempt {
    run: u64,
    step: Step,
    subjects: Vec<Name>,
    intent: u64,
    begun: Timestamp,
    until: Timestamp,
}

impl History {
    /// A plan's empty journal, on a good day.
    pub(crate) fn of(plan: Plan) -> Self {
        let now = Timestamp::from_second(1_795_143_600).unwrap_or_default();
        Self {
            plan,
            state: State::default(),
            records: Vec::new(),
            now,
            lost_at: None,
            next_tick: now,
            attempts: Vec::new(),
            strangers: 0,
            effort: Effort::default(),
        }
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// All records.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Since when the primary region is lost.
    pub(crate) fn lost_at(&self) -> Option<Timestamp> {
        self.lost_at
    }

    /// What deciding and evolving cost so far.
    pub(crate) fn effort(&self) -> Effort {
        self.effort
    }

    /// Days without a loss, until the journal has exactly so many records: maintenance under a hold, false alarms,
    /// refused commands, and alarms of strangers.
    pub(crate) fn ordinary_days(&mut self, records: usize) -> Result<()> {
        while self.records.len() + DAY_RECORDS_MAX <= records {
            self.ordinary_day()?;
        }
        while self.records.len() < records {
            self.hear_stranger()?;
        }
        Ok(())
    }

    fn ordinary_day(&mut self) -> Result<()> {
        let by = "ana".to_owned();
        let reason = "changing the load balancer".to_owned();
        self.obey(OperatorCommand::Hold { by: by.clone(), minutes: 30, reason })?;
        self.hear(AlarmState::Alarm)?;
        self.hear(AlarmState::Ok)?;
        self.obey(OperatorCommand::Release { by: by.clone() })?;
        self.obey(OperatorCommand::Approve {
            by,
            run: self.state.next_seq() + 1000,
            overrides: Overrides::default(),
        })?;
        for _ in 0..3 {
            self.hear_stranger()?;
        }
        self.false_alarm()?;
        self.pass(SignedDuration::from_hours(24));
        Ok(())
    }

    /// An alarm though all is well: a run opens, and is dismissed.
    fn false_alarm(&mut self) -> Result<()> {
        let commands = self.hear(AlarmState::Alarm)?;
        self.live(commands, |history| history.state.active_run().is_none())?;
        self.hear(AlarmState::Ok)?;
        Ok(())
    }

    /// Loses the primary region. The run that follows moves everything, and the old primaries are cut off.
    pub(crate) fn lose_primary(&mut self) -> Result<()> {
        self.pass(SignedDuration::from_secs(90));
        self.lost_at = Some(self.now);
        self.pass(BEAT);
        let commands = self.hear(AlarmState::Alarm)?;
        let items = self.plan.databases.len() + self.plan.fleets.len() + self.plan.routes.len();
        self.live(commands, |history| {
            active(&history.state) == items && history.attempts.is_empty() && history.is_all_cut_off()
        })
    }

    /// Whether every old primary is cut off that can be.
    fn is_all_cut_off(&self) -> bool {
        let databases = self.plan.databases.iter();
        let mut able =
            databases.filter(|database| database.quarantine_security_group(Side::Primary).is_some());
        able.all(|database| {
            let quarantine = self.state.cleanup(Step::Quarantine, &database.name);
            let progress = quarantine.and_then(|quarantine| quarantine.progress.as_ref());
            progress.is_some_and(Progress::is_done)
        })
    }

    /// Lets time pass until something is so: workers work, the tick comes.
    fn live(&mut self, mut commands: Vec<StepCommand>, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let began = self.now;
        while !is_so(self) {
            if self.now.duration_since(began) > RUN_MAX {
                let last = self.records.last().map_or("nothing", |record| record.sentence.as_str());
                bail!("the run is stuck after: {last}");
            }
            self.begin(&commands)?;
            self.pass(BEAT);
            commands = self.beat()?;
        }
        Ok(())
    }

    /// What has happened since the last beat; what is due now.
    fn beat(&mut self) -> Result<Vec<StepCommand>> {
        let confirming = self.confirming();
        self.attempts.retain(|attempt| attempt.step != Step::Confirm || confirming == Some(attempt.run));
        let mut commands = Vec::new();
        for attempt in std::mem::take(&mut self.attempts) {
            if self.now.duration_since(attempt.begun) >= duration_of(attempt.step) {
                self.finish(&attempt)?;
                commands = self.advance(&Facts::default())?;
            } else {
                let attempt = self.renew(attempt)?;
                self.attempts.push(attempt);
            }
        }
        if confirming.is_some() || self.now >= self.next_tick {
            self.next_tick = later(self.now, TICK);
            commands = self.advance(&self.tick())?;
        }
        Ok(commands)
    }

    /// The run that confirms, if one does.
    fn confirming(&self) -> Option<u64> {
        let run = self.state.active_run()?;
        matches!(run.phase, Phase::Confirming { .. }).then_some(run.id)
    }

    fn pass(&mut self, time: SignedDuration) {
        self.now = later(self.now, time);
    }

    /// Takes what is due of each command, as workers do.
    fn begin(&mut self, commands: &[StepCommand]) -> Result<()> {
        for command in commands {
            let Claim::Take(subjects) = claim(&self.plan, &self.state, command, self.now) else {
                continue;
            };
            let until = later(self.now, LEASE);
            let before = match command.step {
                Step::Scale => subjects.iter().map(size_before).collect(),
                _ => Vec::new(),
            };
            let event = Event::StepIntended {
                step: command.step,
                subjects: subjects.clone(),
                until,
                before,
                term: None,
            };
            let sentence = format!("Step {} of {} begins.", command.step, names(&subjects));
            let begun = self.now;
            let intent = self.append(Some(command.run), event, sentence)?;
            self.attempts.push(Attempt {
                run: command.run,
                step: command.step,
                subjects,
                intent,
                begun,
                until,
            });
        }
        Ok(())
    }

    fn renew(&mut self, mut attempt: Attempt) -> Result<Attempt> {
        if attempt.until.duration_since(self.now) < LEASE_LEFT_MIN {
            attempt.until = later(self.now, LEASE);
            let notes = attempt.subjects.iter().map(|name| format!("{name} (under way)"));
            let note = notes.collect::<Vec<_>>().join(", ");
            let sentence = format!("Step {} waits: {note}.", attempt.step);
            let event = Event::StepWaiting {
                step: attempt.step,
                subjects: attempt.subjects.clone(),
                intent: attempt.intent,
                until: attempt.until,
                note,
            };
            self.append(Some(attempt.run), event, sentence)?;
        }
        Ok(attempt)
    }

    fn finish(&mut self, attempt: &Attempt) -> Result<()> {
        let took = self.now.duration_since(attempt.begun).as_millis();
        let took_ms = u64::try_from(took).context("time passes forwards")?;
        let done = |subject: &Name| SubjectDone {
            subject: subject.clone(),
            detail: "the effect was seen to stand".to_owned(),
            changed: true,
            took_ms,
        };
        let event = Event::StepDone {
            step: attempt.step,
            subjects: attempt.subjects.iter().map(done).collect(),
            intent: attempt.intent,
        };
        let sentence = format!("Step {} is done: {}.", attempt.step, names(&attempt.subjects));
        self.append(Some(attempt.run), event, sentence)?;
        Ok(())
    }

    /// The first alarm of the plan goes into a state.
    fn hear(&mut self, state: AlarmState) -> Result<Vec<StepCommand>> {
        self.pass(SignedDuration::from_secs(1));
        let arn = self.plan.detection.sides.primary.alarms.first();
        let arn = arn.context("the plan has an alarm")?.clone();
        self.hear_of(arn, state)
    }

    /// An alarm that is not the plan's, a new one each time.
    fn hear_stranger(&mut self) -> Result<()> {
        self.pass(SignedDuration::from_secs(1));
        self.strangers += 1;
        let arn = format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:stranger-{}", self.strangers);
        self.hear_of(arn, AlarmState::Alarm)?;
        Ok(())
    }

    fn hear_of(&mut self, arn: String, state: AlarmState) -> Result<Vec<StepCommand>> {
        let topic = self.plan.detection.topics.first();
        let signal = AlarmSignal {
            arn,
            state,
            changed_at: self.now,
            reason: "Threshold Crossed: 3 datapoints were greater than the threshold (5.0).".to_owned(),
            contributor: None,
            held_back: None,
            via: Via::Sns { topic: topic.context("the plan has a topic")?.clone() },
        };
        self.advance(&Facts { signals: vec![Signal::Alarm(signal)], ..Facts::default() })
    }

    fn obey(&mut self, command: OperatorCommand) -> Result<()> {
        self.pass(SignedDuration::from_secs(1));
        self.advance(&Facts { operator: Some(command), ..Facts::default() })?;
        Ok(())
    }

    /// What a tick has in hand: a look at the world.
    fn tick(&self) -> Facts {
        let observation = look(&self.plan, &self.state, self.now, self.lost_at);
        Facts { observation: Some(observation), ..Facts::default() }
    }

    /// Decides and appends until there is nothing to append; what is due then.
    fn advance(&mut self, facts: &Facts) -> Result<Vec<StepCommand>> {
        let mut facts = facts.clone();
        for appended in 0..APPENDS_MAX {
            let decision = self.decide(&facts);
            let Some(draft) = decision.append else {
                self.effort.appended_max = self.effort.appended_max.max(appended);
                self.tell()?;
                return Ok(decision.commands);
            };
            if draft.answers.is_some() {
                facts.operator = None;
            }
            self.append(draft.run, draft.event, draft.sentence)?;
        }
        bail!("deciding does not come to rest");
    }

    fn decide(&mut self, facts: &Facts) -> Decision {
        let started = now();
        let decision = decide(&self.plan, &self.state, facts, self.now);
        self.effort.spent += started.elapsed();
        self.effort.decisions += 1;
        decision
    }

    /// Tells people of what they are yet to be told.
    fn tell(&mut self) -> Result<()> {
        while let Some(seq) = self.state.unnoticed.keys().next().copied() {
            let sentence = format!("SNS accepted the notice about record {seq}.");
            self.append(None, Event::Noticed { of: seq }, sentence)?;
        }
        Ok(())
    }

    fn append(&mut self, run: Option<u64>, event: Event, sentence: String) -> Result<u64> {
        self.pass(APPEND);
        let seq = self.state.next_seq();
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: self.plan.name.clone(),
            seq,
            run,
            at: self.now,
            writer: "shop-alarm-handler@2026/11/20/[$LATEST]8a7b6c5d4e3f2a1b".to_owned(),
            request: None,
            attempt: format!("01JD{seq:022}"),
            sentence,
            event,
        };
        let started = now();
        let next = evolve(std::mem::take(&mut self.state), &record);
        self.effort.spent += started.elapsed();
        self.state = next.with_context(|| format!("record {seq} is not legal: {}", record.sentence))?;
        self.records.push(record);
        Ok(seq)
    }
}

/// A look at the world, from the recovery region.
pub(crate) fn look(plan: &Plan, state: &State, at: Timestamp, lost_at: Option<Timestamp>) -> Observation {
    let sight = match lost_at {
        None => ProbeAnswer::Good,
        Some(_) => ProbeAnswer::Bad { detail: "no answer within 3 s".to_owned() },
    };
    let replica = match lost_at {
        None => ReplicaState::Replicating,
        Some(_) => {
            ReplicaState::Broken { detail: "read replication error: the source can't be reached".to_owned() }
        }
    };
    let staying = || {
        let databases = plan.databases.iter().map(|database| database.name.clone());
        databases.filter(|name| !state.holdings.is_active(name))
    };
    let probes = plan
        .watched()
        .probes
        .iter()
        .map(|probe| ProbeSeen { name: probe.name().clone(), answer: sight.clone() });
    let replicas = staying().map(|database| ReplicaSeen { database, state: replica.clone() });
    let points = lag_samples(at, lost_at);
    // The last tick before the loss was half a minute earlier.
    let answered_at = match lost_at {
        None => Some(at),
        Some(lost_at) => lost_at.checked_sub(SignedDuration::from_secs(30)).ok(),
    };
    let lag: BTreeMap<Name, Vec<LagSample>> = staying().map(|name| (name, points.clone())).collect();
    Observation {
        at,
        vantage: plan.sides.recovery.region.clone(),
        probes: probes.collect(),
        replicas: replicas.collect(),
        lag,
        replayed: BTreeMap::new(),
        answered_at,
        alarms: BTreeMap::new(),
    }
}

/// A sample a minute for the last twenty, none from after the loss.
fn lag_samples(at: Timestamp, lost_at: Option<Timestamp>) -> Vec<LagSample> {
    let minutes = (0..20).rev().map(SignedDuration::from_mins);
    let sampled = minutes.filter_map(|age| at.checked_sub(age).ok());
    sampled
        .filter(|sampled| lost_at.is_none_or(|lost_at| *sampled <= lost_at))
        .map(|at| LagSample { at, lag_ms: Some(400) })
        .collect()
}

/// How long the cloud takes for a step.
fn duration_of(step: Step) -> SignedDuration {
    match step {
        // It lasts for as long as the run confirms.
        Step::Confirm => SignedDuration::MAX,
        Step::Scale | Step::Restore => SignedDuration::from_secs(100),
        Step::Promote => SignedDuration::from_secs(240),
        Step::Fence | Step::Unfence | Step::Open => SignedDuration::from_secs(5),
        Step::Verify | Step::Quarantine => SignedDuration::from_secs(2),
    }
}

fn size_before(fleet: &Name) -> SubjectNote {
    SubjectNote { subject: fleet.clone(), note: r#"{"min":0,"desired":0,"max":4}"#.to_owned() }
}

fn names(subjects: &[Name]) -> String {
    let names: Vec<&str> = subjects.iter().map(Name::as_str).collect();
    names.join(", ")
}

fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How many items serve on the guard's own side.
fn active(state: &State) -> usize {
    state.holdings.iter().filter(|(_, held)| held.ownership == Ownership::Active).count()
}

#[cfg(test)]
mod tests {
    use protocol::state::fold;

    use super::*;
    use crate::estate;

    #[test]
    fn ordinary_days_have_every_kind_of_record_and_move_nothing() {
        let mut history = History::of(estate::example().unwrap());
        history.ordinary_days(500).unwrap();
        assert_eq!(history.records().len(), 500);
        let state = fold(history.records()).unwrap();
        assert_eq!(state, history.state);
        assert!(!state.holdings.has_active() && state.active_run().is_none() && state.evidence.is_empty());
        let has = |wanted: fn(&Event) -> bool| history.records().iter().any(|record| wanted(&record.event));
        assert!(has(|event| matches!(event, Event::SignalRejected { .. })));
        assert!(has(|event| matches!(event, Event::EvidenceSeen { .. })));
        assert!(has(|event| matches!(event, Event::VetoesSeen { .. })));
        assert!(has(|event| matches!(event, Event::HoldPlaced { .. })));
        assert!(has(|event| matches!(event, Event::CommandRefused { .. })));
        assert!(has(|event| matches!(event, Event::Aborted { .. })));
        assert!(!has(|event| matches!(event, Event::Committed { .. })));
    }

    #[test]
    fn a_loss_moves_everything_and_cuts_the_old_side_off() {
        let mut history = History::of(estate::of(20).unwrap());
        history.lose_primary().unwrap();
        assert!(history.is_all_cut_off());
        let state = fold(history.records()).unwrap();
        assert_eq!(active(&state), 20 + 10 + 1);
        let Some(Phase::Completed { report, .. }) = state.run.map(|run| run.phase) else {
            panic!("not completed")
        };
        assert_eq!(report.rpo_estimate_ms, Some(400));
    }
}

//! A journal that is written one decision or one record at a time, at times that the test names in seconds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Decision, Facts, Verdict, decide};
use protocol::journal::{Cause, DataLoss, Event, JOURNAL_SCHEMA, Record, RunKind, SubjectDone};
use protocol::name::Name;
use protocol::observation::{LagSample, Observation, ProbeAnswer, ProbeSeen, ReplicaSeen, ReplicaState};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::{Mode, Plan};
use protocol::signal::{AlarmSignal, AlarmState, Signal, Via};
use protocol::state::{Illegality, Run, State, evolve};

/// The shop with its one example of everything, and two databases.
pub(crate) fn plan(mode: Mode) -> Plan {
    let mut plan = Plan::from_json(include_str!("../plans/shop.json")).expect("the example plan is valid");
    plan.mode = mode;
    plan
}

/// A time of the story: seconds since it began.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

/// What a look shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Every probe gets a good answer, every replica replicates.
    Alive,
    /// No probe gets an answer, every replica says that it is cut off.
    Lost,
    /// No probe gets an answer, and every replica replicates.
    Replicates,
    /// No probe gets an answer, and no replica says anything.
    ProbesBad,
}

/// A look at a time, without any sample of lag.
pub(crate) fn look(plan: &Plan, seen: Seen, seconds: i64) -> Observation {
    let sight = || match seen {
        Seen::Alive => ProbeAnswer::Good,
        Seen::Lost | Seen::Replicates | Seen::ProbesBad => ProbeAnswer::Bad { detail: "no answer".into() },
    };
    let state = || match seen {
        Seen::Alive | Seen::Replicates => ReplicaState::Replicating,
        Seen::Lost => ReplicaState::Broken { detail: "error".into() },
        Seen::ProbesBad => ReplicaState::Unknown { detail: "no word".into() },
    };
    let probes = plan.detection.sides.primary.probes.iter();
    let databases = plan.databases.iter();
    Observation {
        at: at(seconds),
        vantage: plan.sides.recovery.region.clone(),
        probes: probes.map(|probe| ProbeSeen { name: probe.name().clone(), answer: sight() }).collect(),
        replicas: databases
            .map(|database| ReplicaSeen { database: database.name.clone(), state: state() })
            .collect(),
        lag: BTreeMap::new(),
        replayed: BTreeMap::new(),
        answered_at: None,
        alarms: BTreeMap::new(),
    }
}

/// The same look with one sample of lag for every database.
pub(crate) fn with_lag(plan: &Plan, look: Observation, sampled: i64, lag_ms: u64) -> Observation {
    with_sample(plan, look, LagSample { at: at(sampled), lag_ms: Some(lag_ms) })
}

/// The same look with a sample for every database that says that the lag isn't known.
pub(crate) fn with_lag_unknown(plan: &Plan, look: Observation, sampled: i64) -> Observation {
    with_sample(plan, look, LagSample { at: at(sampled), lag_ms: None })
}

fn with_sample(plan: &Plan, mut look: Observation, sample: LagSample) -> Observation {
    for database in &plan.databases {
        look.lag.entry(database.name.clone()).or_default().push(sample);
    }
    look
}

pub(crate) struct Story {
    pub(crate) plan: Plan,
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    pub(crate) records: Vec<Record>,
}

impl Story {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, state: State::default(), now: at(0), records: Vec::new() }
    }

    /// The clock stands at a time of the story.
    pub(crate) fn go_to(&mut self, seconds: i64) -> &mut Self {
        self.now = at(seconds);
        self
    }

    /// Appends an event as it is.
    pub(crate) fn write(&mut self, run: Option<u64>, event: Event) -> Result<u64, Illegality> {
        let seq = self.state.next_seq();
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: self.plan.name.clone(),
            seq,
            run,
            at: self.now,
            writer: "test".into(),
            attempt: seq.to_string(),
            sentence: "s".into(),
            request: None,
            event,
        };
        self.state = evolve(self.state.clone(), &record).map_err(|illegal| illegal.why)?;
        self.records.push(record);
        Ok(seq)
    }

    /// Appends an event of no run, which must be legal.
    pub(crate) fn must_alone(&mut self, event: Event) {
        self.write(None, event).expect("a legal record");
    }

    /// Appends an event of the run under way, which must be legal.
    pub(crate) fn must(&mut self, event: Event) -> u64 {
        let run = self.state.run.as_ref().map(|run| run.id);
        self.write(run, event).expect("a legal record")
    }

    /// Decides and appends until there is nothing to append; gives what was decided last, and every event before it.
    pub(crate) fn settle(&mut self, mut facts: Facts) -> (Decision, Vec<Event>) {
        let mut events = Vec::new();
        for _ in 0..100 {
            let decision = decide(&self.plan, &self.state, &facts, self.now);
            let Some(draft) = decision.append.clone() else { return (decision, events) };
            if draft.answers.is_some() {
                facts.operator = None;
            }
            events.push(draft.event.clone());
            self.write(draft.run, draft.event).expect("a decision is legal");
        }
        panic!("deciding does not come to rest: {events:?}");
    }

    pub(crate) fn see(&mut self, observation: Observation) -> (Decision, Vec<Event>) {
        self.settle(Facts { observation: Some(observation), ..Facts::default() })
    }

    /// An alarm of the plan took a state at a time, and its message comes now.
    pub(crate) fn alarm(&mut self, state: AlarmState, changed: i64) -> Vec<Event> {
        let arn = self.plan.detection.sides.primary.alarms[0].clone();
        let (reason, via) = ("errors".into(), Via::EventBridge);
        let alarm = AlarmSignal {
            arn,
            contributor: None,
            held_back: None,
            state,
            changed_at: at(changed),
            reason,
            via,
        };
        self.settle(Facts { signals: vec![Signal::Alarm(alarm)], ..Facts::default() }).1
    }

    /// A person's command with a look in hand: the verdict, the code of a refusal, and what was appended.
    pub(crate) fn command(
        &self,
        command: OperatorCommand,
        look: Option<Observation>,
    ) -> Result<Event, (String, String)> {
        let facts = Facts { operator: Some(command), observation: look, ..Facts::default() };
        let draft = decide(&self.plan, &self.state, &facts, self.now).append.expect("a command is answered");
        match (draft.answers, draft.event) {
            (Some(Verdict::Refused), Event::CommandRefused { code, .. }) => Err((code, draft.sentence)),
            (Some(Verdict::Accepted), event) => Ok(event),
            other => panic!("not answered: {other:?}"),
        }
    }

    pub(crate) fn run(&self) -> &Run {
        self.state.run.as_ref().expect("a run")
    }

    /// Opens a run that an operator began, over everything, and commits it.
    pub(crate) fn moving(&mut self) -> &mut Self {
        let [opened, committed] = operators_run(&self.plan, &self.state, self.now, Overrides::default());
        let run = self.state.next_seq();
        self.write(Some(run), opened).expect("a run may open");
        self.must(committed);
        self
    }

    /// A worker takes items of a step.
    pub(crate) fn intend(&mut self, step: Step, subjects: &[&str]) -> u64 {
        let until = self.now.checked_add(SignedDuration::from_secs(75)).expect("a time");
        self.must(Event::StepIntended {
            step,
            subjects: names(subjects),
            until,
            before: Vec::new(),
            term: None,
        })
    }

    /// A worker does what it took.
    pub(crate) fn done(&mut self, step: Step, subject: &str, intent: u64, detail: &str) {
        let done =
            SubjectDone { subject: subject.into(), detail: detail.into(), changed: true, took_ms: intent };
        self.must(Event::StepDone { step, subjects: vec![done], intent });
    }

    /// A worker takes an item and does it.
    pub(crate) fn carry_out(&mut self, step: Step, subject: &str) {
        let intent = self.intend(step, &[subject]);
        self.done(step, subject, intent, "d");
    }

    pub(crate) fn fail(&mut self, step: Step, subject: &str, intent: u64) {
        let (code, message) = ("denied".to_owned(), "m".to_owned());
        self.must(Event::StepFailed {
            step,
            subjects: names(&[subject]),
            intent,
            code,
            message,
            quiet: false,
        });
    }
}

/// The records that open a run that an operator begins, over everything, and commit it.
pub(crate) fn operators_run(plan: &Plan, state: &State, now: Timestamp, overrides: Overrides) -> [Event; 2] {
    let scope = protocol::graph::scope(plan, &state.holdings, &[]).expect("something to move");
    let losses = scope.databases.iter().map(|database| DataLoss {
        database: database.clone(),
        lag_ms: Some(1_000),
        sampled_at: Some(now),
        unsampled_ms: None,
        replayed_until: None,
        within_limit: true,
    });
    let data_loss = losses.collect();
    let cause = Cause::Operator { name: "ana".into(), reason: "r".into() };
    let kind = RunKind::Failover;
    let opened = Event::RunOpened { kind, scope, cause, first_signal_at: now, is_dated: false, overrides };
    let by = Some("ana".into());
    [opened, Event::Committed { data_loss, by, overrides, alive_at: None, anew: None }]
}

pub(crate) fn names(of: &[&str]) -> Vec<Name> {
    of.iter().map(|name| Name::from(*name)).collect()
}

//! How are arbitrary histories lived? Facts arrive in any order, workers act, fail, repeat themselves and forget; time
//! passes.

use crate::shapes::first_primary;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Draft, Facts, claim, decide};
use protocol::journal::{Event, JOURNAL_SCHEMA, Record, SubjectDone};
use protocol::name::Name;
use protocol::observation::{
    AlarmsSeen, LagSample, Observation, ProbeAnswer, ProbeSeen, ReplicaSeen, ReplicaState,
};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::{Mode, Plan};
use protocol::signal::{AlarmNow, AlarmSignal, AlarmState, MultiAzFailover, Signal, Via};
use protocol::state::{Progress, State, evolve};

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Alarm(AlarmState),
    MultiAzFailover,
    Look {
        good: Option<bool>,
        replicates: Option<bool>,
        lag_ms: Option<u64>,
    },
    /// CloudWatch is asked for the first alarm: its state and for how many seconds, or no answer.
    Ask(Option<(AlarmState, i64)>),
    Operate(OperatorCommand),
    Take(Step),
    Finish(Step),
    Fail(Step),
    LetGo(Step),
    /// The primary is lost for longer than the window, and it is looked at all the while.
    Lose,
    /// Whoever asked for it: everything that is due is begun, and done.
    StepHandler,
    Wait(i64),
}

pub(crate) fn plan(mode: Mode) -> Plan {
    let mut plan = Plan::from_json(include_str!("../plans/shop.json")).expect("the example plan is valid");
    plan.mode = mode;
    plan
}

fn steps() -> impl Strategy<Value = Step> {
    use Step::{Confirm, Fence, Open, Promote, Quarantine, Restore, Scale, Unfence, Verify};
    prop::sample::select(vec![Confirm, Scale, Fence, Promote, Open, Verify, Quarantine, Restore, Unfence])
}

fn overrides() -> impl Strategy<Value = Overrides> {
    (prop::bool::weighted(0.3), prop::bool::weighted(0.1), prop::bool::weighted(0.3)).prop_map(
        |(allow_data_loss, override_fence, override_vetoes)| Overrides {
            allow_data_loss,
            override_fence,
            override_vetoes,
        },
    )
}

fn commands() -> impl Strategy<Value = OperatorCommand> {
    let by = || "ana".to_owned();
    prop_oneof![
        overrides().prop_map(move |overrides| OperatorCommand::Failover {
            by: by(),
            reason: "r".into(),
            routes: Vec::new(),
            overrides
        }),
        (0..40u64, overrides()).prop_map(move |(run, overrides)| OperatorCommand::Approve {
            by: by(),
            run,
            overrides
        }),
        (0..40u64).prop_map(move |run| OperatorCommand::Abort { by: by(), run, reason: "r".into() }),
        (0..100u32).prop_map(move |minutes| OperatorCommand::Hold { by: by(), minutes, reason: "r".into() }),
        Just(OperatorCommand::Release { by: by() }),
        (0..40u64).prop_map(move |run| OperatorCommand::Acknowledge { by: by(), run }),
        Just(OperatorCommand::Adopt { by: by() }),
    ]
}

pub(crate) fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        1 => prop::sample::select(vec![AlarmState::Alarm, AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData])
            .prop_map(Happening::Alarm),
        1 => Just(Happening::MultiAzFailover),
        6 => (
            prop_oneof![3 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)],
            prop_oneof![3 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)],
            prop::option::of(0..90_000u64),
        )
            .prop_map(|(good, replicates, lag_ms)| Happening::Look { good, replicates, lag_ms }),
        2 => prop::option::of((
            prop::sample::select(vec![AlarmState::Alarm, AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData]),
            0..5_000_i64,
        ))
        .prop_map(Happening::Ask),
        1 => commands().prop_map(Happening::Operate),
        5 => steps().prop_map(Happening::Take),
        5 => steps().prop_map(Happening::Finish),
        1 => steps().prop_map(Happening::Fail),
        1 => steps().prop_map(Happening::LetGo),
        1 => Just(Happening::Lose),
        4 => Just(Happening::StepHandler),
        5 => prop::sample::select(vec![1, 5, 10, 20, 40, 80, 600]).prop_map(Happening::Wait),
    ]
}

/// A history as it is lived.
pub(crate) struct History {
    pub(crate) plan: Plan,
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    pub(crate) now: Timestamp,
}

impl History {
    pub(crate) fn new(plan: Plan) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Self { plan, state: State::default(), records: Vec::new(), now }
    }

    /// A history that was lived to its end.
    pub(crate) fn lived(mode: Mode, happenings: Vec<Happening>) -> Self {
        let mut lived = Self::new(plan(mode));
        for happening in happenings {
            lived.live(happening);
        }
        lived
    }

    /// The same journal cut after some records, at the moment of its last one.
    pub(crate) fn cut(&self, end: usize) -> Self {
        let records = self.records[..end].to_vec();
        let state = protocol::state::fold(&records).expect("a prefix is legal");
        let now = records.last().map_or(self.now, |record| record.at);
        Self { plan: self.plan.clone(), state, records, now }
    }

    /// Appends if it is legal; says whether it was.
    pub(crate) fn append(&mut self, draft: Draft) -> bool {
        let seq = self.state.next_seq();
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: self.plan.name.clone(),
            seq,
            run: draft.run,
            at: self.now,
            writer: "test".into(),
            request: None,
            attempt: seq.to_string(),
            sentence: draft.sentence,
            event: draft.event,
        };
        let Ok(state) = evolve(self.state.clone(), &record) else { return false };
        self.state = state;
        self.records.push(record);
        true
    }

    /// Decides until it comes to rest; every record that is decided must be legal.
    pub(crate) fn settle(&mut self, mut facts: Facts) {
        for _ in 0..200 {
            let decision = decide(&self.plan, &self.state, &facts, self.now);
            assert!(!decision.sentence.is_empty(), "every decision ends in a sentence");
            let Some(draft) = decision.append else {
                assert_eq!(
                    decision,
                    decide(&self.plan, &self.state, &facts, self.now),
                    "deterministic, and at rest"
                );
                for command in &decision.commands {
                    assert!(
                        matches!(claim(&self.plan, &self.state, command, self.now), Claim::Take(_)),
                        "what is published is due: {command:?}"
                    );
                }
                return;
            };
            if draft.answers.is_some() {
                facts.operator = None;
            }
            let said = draft.sentence.clone();
            assert!(self.append(draft), "a decision that is not legal: {said}\n{:#?}", self.state.run);
        }
        panic!("deciding does not come to rest");
    }

    pub(crate) fn look(
        &self,
        good: Option<bool>,
        replicates: Option<bool>,
        lag_ms: Option<u64>,
    ) -> Observation {
        let unknown = || "unknown".to_owned();
        let probe = |name: &Name| ProbeSeen {
            name: name.clone(),
            answer: match good {
                Some(true) => ProbeAnswer::Good,
                Some(false) => ProbeAnswer::Bad { detail: "no answer".into() },
                None => ProbeAnswer::Unknown { detail: unknown() },
            },
        };
        let replica = |name: &Name| ReplicaSeen {
            database: name.clone(),
            state: match replicates {
                Some(true) => ReplicaState::Replicating,
                Some(false) => ReplicaState::Broken { detail: "error".into() },
                None => ReplicaState::Unasked { detail: unknown() },
            },
        };
        let point = |at: Timestamp| lag_ms.map(|lag_ms| LagSample { at, lag_ms: Some(lag_ms) });
        // One of before the loss, however long it has been looked at.
        let ago = |seconds| self.now.checked_sub(SignedDuration::from_secs(seconds)).expect("a time");
        let times = [ago(600), ago(250), ago(120), ago(30), self.now];
        let lag = |name: &Name| (name.clone(), times.into_iter().filter_map(point).collect());
        Observation {
            at: self.now,
            vantage: self.plan.sides.recovery.region.clone(),
            probes: self.plan.detection.sides.primary.probes.iter().map(|item| probe(item.name())).collect(),
            replicas: self.plan.databases.iter().map(|item| replica(&item.name)).collect(),
            lag: self.plan.databases.iter().map(|item| lag(&item.name)).collect::<BTreeMap<_, _>>(),
            replayed: BTreeMap::new(),
            answered_at: None,
            alarms: BTreeMap::new(),
        }
    }

    fn alarms(&self, answer: Option<(AlarmState, i64)>) -> BTreeMap<String, AlarmsSeen> {
        let at = self.now;
        let seen = match answer {
            None => AlarmsSeen::Silent { at, detail: "no answer".into() },
            Some((state, seconds_ago)) => {
                let changed_at = at.checked_sub(SignedDuration::from_secs(seconds_ago)).expect("a time");
                let arn = self.plan.detection.sides.primary.alarms[0].clone();
                let alarm = AlarmNow { arn, state, changed_at, reason: "r".into(), held_back: None };
                AlarmsSeen::Answered { at, alarms: vec![alarm] }
            }
        };
        BTreeMap::from([(self.plan.sides.primary.region.clone(), seen)])
    }

    fn subjects(&self, step: Step) -> Vec<Name> {
        let plan = &self.plan;
        match step {
            Step::Promote | Step::Quarantine => plan.databases.iter().map(|item| item.name.clone()).collect(),
            Step::Scale | Step::Restore => plan.fleets.iter().map(|item| item.name.clone()).collect(),
            Step::Confirm => vec![plan.name.clone()],
            _ => plan.routes.iter().map(|item| item.name.clone()).collect(),
        }
    }

    /// A worker of a step, as the engine's: it takes what it may.
    pub(crate) fn take(&mut self, step: Step) {
        let Some(run) = self.state.run.as_ref().map(|run| run.id) else { return };
        let subjects = self.subjects(step);
        self.take_command(&StepCommand { plan: self.plan.name.clone(), run, step, subjects });
    }

    /// A worker that got a command: it takes what of it is due.
    pub(crate) fn take_command(&mut self, command: &StepCommand) {
        let Claim::Take(subjects) = claim(&self.plan, &self.state, command, self.now) else { return };
        let step = command.step;
        let until = self.now.checked_add(SignedDuration::from_secs(75)).expect("a time");
        let event = Event::StepIntended { step, subjects, until, before: Vec::new(), term: None };
        let draft = Draft { run: Some(command.run), event, sentence: "begins".into(), answers: None };
        assert!(self.append(draft), "what may be claimed may be begun: {step}");
    }

    /// What is held of a step is done.
    pub(crate) fn finish(&mut self, step: Step) {
        self.live(Happening::Finish(step));
    }

    /// The items of a step that some worker holds, whether or not in time.
    fn held(&self, step: Step) -> Option<(u64, u64, Vec<Name>)> {
        let run = self.state.run.as_ref()?;
        let progress = |name: &Name| match step {
            Step::Quarantine => {
                self.state.cleanup(Step::Quarantine, name).and_then(|quarantine| quarantine.progress.clone())
            }
            _ => run.progress(step, name).cloned(),
        };
        let mut held = None;
        for name in self.subjects(step) {
            if let Some(Progress::Held { intent, .. }) = progress(&name) {
                let (_, _, names) = held.get_or_insert((run.id, intent, Vec::new()));
                names.push(name);
            }
        }
        held
    }

    pub(crate) fn outcome(&mut self, step: Step, event: impl FnOnce(u64, Vec<Name>) -> Event) {
        let Some((run, intent, names)) = self.held(step) else { return };
        let draft =
            Draft { run: Some(run), event: event(intent, names), sentence: "ends".into(), answers: None };
        // A zombie's outcome may be refused; that is no error of the worker's.
        self.append(draft);
        self.settle(Facts::default());
    }

    /// The primary is lost for longer than a window.
    fn lose(&mut self) {
        for _ in 0..9 {
            let observation = Some(self.look(Some(false), Some(false), Some(100)));
            self.settle(Facts { observation, ..Facts::default() });
            self.live(Happening::Wait(10));
        }
    }

    /// Whatever is due is begun, and done.
    fn work(&mut self) {
        let due = decide(&self.plan, &self.state, &Facts::default(), self.now).commands;
        for command in due.iter().filter(|command| command.step != Step::Confirm) {
            self.take_command(command);
            self.live(Happening::Wait(1));
            self.finish(command.step);
        }
    }

    pub(crate) fn live(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(state) => {
                let alarm = AlarmSignal {
                    arn: self.plan.detection.sides.primary.alarms[0].clone(),
                    state,
                    changed_at: self.now,
                    reason: "r".into(),
                    contributor: None,
                    held_back: None,
                    via: Via::EventBridge,
                };
                self.settle(Facts { signals: vec![Signal::Alarm(alarm)], ..Facts::default() });
            }
            Happening::MultiAzFailover => {
                let seen = MultiAzFailover {
                    instance: first_primary(&self.plan),
                    event_id: "RDS-EVENT-0013".into(),
                    at: self.now,
                    via: Via::EventBridge,
                };
                self.settle(Facts { signals: vec![Signal::MultiAzFailover(seen)], ..Facts::default() });
            }
            Happening::Look { good, replicates, lag_ms } => {
                let observation = Some(self.look(good, replicates, lag_ms));
                self.settle(Facts { observation, ..Facts::default() });
            }
            Happening::Ask(answer) => {
                let mut observation = self.look(None, None, None);
                observation.alarms = self.alarms(answer);
                self.settle(Facts { observation: Some(observation), ..Facts::default() });
            }
            Happening::Operate(mut command) => {
                // Most people name the run that is there.
                if let (
                    Some(there),
                    OperatorCommand::Approve { run, .. }
                    | OperatorCommand::Abort { run, .. }
                    | OperatorCommand::Acknowledge { run, .. },
                ) = (&self.state.run, &mut command)
                    && *run % 4 != 0
                {
                    *run = there.id;
                }
                let observation = Some(self.look(Some(false), None, Some(100)));
                self.settle(Facts { operator: Some(command), observation, ..Facts::default() });
            }
            Happening::Take(step) => self.take(step),
            Happening::Finish(step) => self.outcome(step, |intent, names| {
                let done = |subject| SubjectDone { subject, detail: "d".into(), changed: true, took_ms: 1 };
                Event::StepDone { step, subjects: names.into_iter().map(done).collect(), intent }
            }),
            Happening::Fail(step) => self.outcome(step, |intent, subjects| Event::StepFailed {
                step,
                subjects,
                intent,
                code: "denied".into(),
                message: "m".into(),
                quiet: false,
            }),
            Happening::LetGo(step) => self.outcome(step, |intent, subjects| Event::StepHandedOver {
                step,
                subjects,
                intent,
                note: "n".into(),
            }),
            Happening::Lose => self.lose(),
            Happening::StepHandler => self.work(),
            Happening::Wait(seconds) => {
                self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
            }
        }
    }
}

pub(crate) fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Approve, Mode::Automatic])
}

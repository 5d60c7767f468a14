//! Laws of the core, over arbitrary histories: facts arrive in any order, workers act, fail, repeat themselves and
//! forget; time passes. Whatever happens, the rules hold.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::command::{Step, StepCommand};
use protocol::decide::{
    Claim, Draft, Facts, LagPoint, Observation, ProbeSeen, ReplicaSeen, ReplicaState, Sight, claim, decide,
};
use protocol::journal::{Event, JOURNAL_SCHEMA, Record, SubjectDone};
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::{Mode, Plan};
use protocol::signal::{AlarmSignal, AlarmState, Signal, Via, ZoneFailover};
use protocol::state::{Phase, Progress, State, evolve, fold};

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    Alarm(AlarmState),
    ZoneFailover,
    Look { good: Option<bool>, replicates: Option<bool>, lag_ms: Option<u64> },
    Operate(OperatorCommand),
    Take(Step),
    Finish(Step),
    Fail(Step),
    LetGo(Step),
    Wait(i64),
}

fn plan(mode: Mode) -> Plan {
    let mut plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
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
    ]
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        1 => prop::sample::select(vec![AlarmState::Alarm, AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData])
            .prop_map(Happening::Alarm),
        1 => Just(Happening::ZoneFailover),
        6 => (
            prop_oneof![3 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)],
            prop_oneof![3 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)],
            prop::option::of(0..90_000u64),
        )
            .prop_map(|(good, replicates, lag_ms)| Happening::Look { good, replicates, lag_ms }),
        1 => commands().prop_map(Happening::Operate),
        5 => steps().prop_map(Happening::Take),
        5 => steps().prop_map(Happening::Finish),
        1 => steps().prop_map(Happening::Fail),
        1 => steps().prop_map(Happening::LetGo),
        5 => prop::sample::select(vec![1, 5, 10, 20, 40, 80, 600]).prop_map(Happening::Wait),
    ]
}

/// A history as it is lived.
struct History {
    plan: Plan,
    state: State,
    records: Vec<Record>,
    now: Timestamp,
}

impl History {
    fn new(plan: Plan) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Self { plan, state: State::default(), records: Vec::new(), now }
    }

    /// Appends if it is legal; says whether it was.
    fn append(&mut self, draft: Draft) -> bool {
        let seq = self.state.next_seq();
        let record = Record {
            schema: JOURNAL_SCHEMA,
            plan: self.plan.name.clone(),
            seq,
            run: draft.run,
            at: self.now,
            writer: "test".into(),
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
    fn settle(&mut self, mut facts: Facts) {
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

    fn look(&self, good: Option<bool>, replicates: Option<bool>, lag_ms: Option<u64>) -> Observation {
        let unknown = || "unknown".to_owned();
        let probe = |name: &Name| ProbeSeen {
            name: name.clone(),
            sight: match good {
                Some(true) => Sight::Good,
                Some(false) => Sight::Bad { detail: "no answer".into() },
                None => Sight::Unknown { detail: unknown() },
            },
        };
        let replica = |name: &Name| ReplicaSeen {
            database: name.clone(),
            state: match replicates {
                Some(true) => ReplicaState::Replicating,
                Some(false) => ReplicaState::Broken { detail: "error".into() },
                None => ReplicaState::Unknown { detail: unknown() },
            },
        };
        let point = |at: Timestamp| lag_ms.map(|lag_ms| LagPoint { at, lag_ms });
        let earlier = self.now.checked_sub(SignedDuration::from_secs(30)).expect("a time");
        let lag =
            |name: &Name| (name.clone(), [point(earlier), point(self.now)].into_iter().flatten().collect());
        Observation {
            at: self.now,
            vantage: self.plan.regions.recovery.clone(),
            probes: self.plan.detection.probes.iter().map(|item| probe(item.name())).collect(),
            replicas: self.plan.databases.iter().map(|item| replica(&item.name)).collect(),
            lag: self.plan.databases.iter().map(|item| lag(&item.name)).collect::<BTreeMap<_, _>>(),
            answered_at: None,
        }
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
    fn take(&mut self, step: Step) {
        let Some(run) = self.state.run.as_ref().map(|run| run.id) else { return };
        let command = StepCommand { plan: self.plan.name.clone(), run, step, subjects: self.subjects(step) };
        let Claim::Take(subjects) = claim(&self.plan, &self.state, &command, self.now) else { return };
        let until = self.now.checked_add(SignedDuration::from_secs(75)).expect("a time");
        let event = Event::StepIntended { step, subjects, until, before: Vec::new() };
        let draft = Draft { run: Some(run), event, sentence: "begins".into(), answers: None };
        assert!(self.append(draft), "what may be claimed may be begun: {step}");
    }

    /// The items of a step that some worker holds, whether or not in time.
    fn held(&self, step: Step) -> Option<(u64, u64, Vec<Name>)> {
        let run = self.state.run.as_ref()?;
        let progress = |name: &Name| match step {
            Step::Quarantine => {
                self.state.quarantine.get(name).and_then(|quarantine| quarantine.progress.clone())
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

    fn outcome(&mut self, step: Step, event: impl FnOnce(u64, Vec<Name>) -> Event) {
        let Some((run, intent, names)) = self.held(step) else { return };
        let draft =
            Draft { run: Some(run), event: event(intent, names), sentence: "ends".into(), answers: None };
        // A zombie's outcome may be refused; that is no error of the worker's.
        self.append(draft);
        self.settle(Facts::default());
    }

    fn live(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(state) => {
                let alarm = AlarmSignal {
                    arn: self.plan.detection.alarms[0].clone(),
                    state,
                    changed_at: self.now,
                    reason: "r".into(),
                    via: Via::EventBridge,
                };
                self.settle(Facts { signals: vec![Signal::Alarm(alarm)], ..Facts::default() });
            }
            Happening::ZoneFailover => {
                let seen = ZoneFailover {
                    instance: self.plan.databases[0].primary.clone(),
                    event_id: "RDS-EVENT-0013".into(),
                    at: self.now,
                    via: Via::EventBridge,
                };
                self.settle(Facts { signals: vec![Signal::ZoneFailover(seen)], ..Facts::default() });
            }
            Happening::Look { good, replicates, lag_ms } => {
                let observation = Some(self.look(good, replicates, lag_ms));
                self.settle(Facts { observation, ..Facts::default() });
            }
            Happening::Operate(command) => {
                let observation = Some(self.look(Some(false), None, Some(100)));
                self.settle(Facts { operator: Some(command), observation, signals: Vec::new() });
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
            }),
            Happening::LetGo(step) => self.outcome(step, |intent, subjects| Event::StepHandedOver {
                step,
                subjects,
                intent,
                note: "n".into(),
            }),
            Happening::Wait(seconds) => {
                self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
            }
        }
    }
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Approve, Mode::Automatic])
}

fn done(state: &State, step: Step, names: &[Name]) -> bool {
    let run = state.run.as_ref().expect("a run");
    names.iter().all(|name| run.progress(step, name).is_some_and(Progress::is_done))
}

/// The rules that must hold of each record, given the state before it.
fn check_rules(before: &State, record: &Record) {
    match &record.event {
        Event::StepIntended { step: Step::Promote, subjects, .. } => {
            let run = before.run.as_ref().expect("a run");
            assert!(run.overrides.override_fence || done(before, Step::Fence, &run.scope.routes), "R6");
            let within =
                |name: &Name| run.data_loss.iter().any(|loss| loss.database == *name && loss.within_limit);
            assert!(run.overrides.allow_data_loss || subjects.iter().all(within), "R8");
            assert_eq!(run.phase, Phase::Moving, "R5");
        }
        Event::StepIntended { step: Step::Open, .. } => {
            let scope = &before.run.as_ref().expect("a run").scope;
            assert!(
                done(before, Step::Promote, &scope.databases) && done(before, Step::Scale, &scope.fleets),
                "R7"
            );
        }
        Event::RunOpened { .. } => assert!(before.active_run().is_none(), "R3"),
        Event::AbortBegan { .. } | Event::Aborted { .. } => {
            assert!(!before.run.as_ref().expect("a run").has_begun(Step::Promote), "R11");
        }
        Event::Committed { by: None, .. } | Event::ApprovalAsked { .. } => {
            let weight = before.weight(record.at);
            assert!(weight.kinds.len() >= 2 && weight.outside, "R4: {weight:?}");
            assert!(before.run.as_ref().expect("a run").vetoes.is_empty(), "R4: a veto stands");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..120),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let mut state = State::default();
        for record in &lived.records {
            check_rules(&state, record);
            let last_run = state.run.clone();
            state = evolve(state, record).expect("a journal that was lived is legal");
            if let Some(last) = last_run && last.phase.is_final() {
                let same = state.run.as_ref().is_some_and(|run| *run == last);
                let new = matches!(record.event, Event::RunOpened { .. });
                prop_assert!(same || new, "a finished run never changes again");
            }
        }
        prop_assert_eq!(&state, &lived.state, "replay is the state");
        prop_assert_eq!(&fold(&lived.records).expect("legal"), &lived.state);
    }

    #[test]
    fn every_prefix_of_a_journal_folds_and_decides(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..80),
        later in 0..5_000i64,
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let later = lived.now.checked_add(SignedDuration::from_secs(later)).expect("a time");
        for end in 0..=lived.records.len() {
            let state = fold(&lived.records[..end]).expect("a prefix is legal");
            let decision = decide(&lived.plan, &state, &Facts::default(), later);
            prop_assert!(!decision.sentence.is_empty());
        }
    }

    #[test]
    fn the_same_facts_told_twice_change_nothing_more(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..60),
        good in prop::option::of(any::<bool>()),
        replicates in prop::option::of(any::<bool>()),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let facts = Facts { observation: Some(lived.look(good, replicates, Some(10))), ..Facts::default() };
        lived.settle(facts.clone());
        let records = lived.records.len();
        lived.settle(facts);
        prop_assert_eq!(records, lived.records.len());
    }

    #[test]
    fn records_survive_their_json(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..60),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        for record in &lived.records {
            let text = serde_json::to_string(record).expect("a record is JSON");
            prop_assert_eq!(&serde_json::from_str::<Record>(&text).expect("and back"), record);
        }
    }
}

#[test]
fn a_gap_in_the_sequence_and_a_newer_schema_are_illegal() {
    let mut lived = History::new(plan(Mode::Approve));
    lived.live(Happening::Alarm(AlarmState::Alarm));
    let mut gap = lived.records[0].clone();
    gap.seq = 3;
    assert!(
        fold([&gap]).is_err_and(|illegal| illegal.to_string().contains("next sequence number is 1, not 3"))
    );
    let mut newer = lived.records[0].clone();
    newer.schema = JOURNAL_SCHEMA + 1;
    assert!(
        fold([&newer])
            .is_err_and(|illegal| illegal.to_string().contains("deploy all functions from one release"))
    );
}

//! What may come of any bytes that reach a function? Nothing that changes the cloud: a word in the journal at most, and a
//! run that looks.
//!
//! The one body of two programs: the tests beside it, and the fuzz target (`shared/protocol/fuzz`), which includes this
//! file. Only what nobody but an authorised caller can say, an operator's direct command, is not judged here.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Facts, claim, decide};
use protocol::incoming::Incoming;
use protocol::incoming::command::{self, ReadinessCommand, SnapshotCommand};
use protocol::journal::{Cause, Event, JOURNAL_SCHEMA, Record};
use protocol::name::Name;
use protocol::plan::Plan;
use protocol::signal::Signal;
use protocol::state::{Phase, State, evolve};
use serde_json::{Value, json};

/// More records than one payload can be worth.
const RECORDS_MAX: usize = 300;

/// How things stand when the bytes come.
struct Scene {
    state: State,
    now: Timestamp,
    /// What would be decided without them.
    usual: BTreeSet<Asked>,
    usual_kinds: BTreeSet<&'static str>,
}

/// A step that was asked for, of one item.
type Asked = (u64, Step, Name);

/// What deciding came to.
struct Decided {
    asked: BTreeSet<Asked>,
    events: Vec<Event>,
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let plan = Plan::from_json(include_str!("../plans/shop.json"));
    plan.unwrap_or_else(|problems| panic!("the example plan is valid: {problems}"))
});

/// The moment at which the events under `events/` were said.
const SAID_AT: &str = "2026-11-20T10:00:30Z";

/// A calm day, and one moment of each phase of two real journals.
static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    let said_at: Timestamp = SAID_AT.parse().unwrap_or_default();
    let mut scenes = vec![scene(State::default(), said_at)];
    for journal in [include_str!("../journals/1/late.jsonl"), include_str!("../journals/1/aborted.jsonl")] {
        let mut state = State::default();
        let mut phases = BTreeSet::new();
        for line in journal.lines() {
            let record: Record = serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
            state = evolve(state, &record).unwrap_or_else(|illegal| panic!("{illegal}"));
            if let Some(run) = &state.run
                && phases.insert(run.phase.as_str())
            {
                scenes.push(scene(state.clone(), record.at));
            }
        }
    }
    scenes
});

fn scene(state: State, now: Timestamp) -> Scene {
    let Decided { asked, events } = settle(&state, &Facts::default(), now);
    Scene { state, now, usual: asked, usual_kinds: events.iter().map(kind).collect() }
}

/// Decides until it comes to rest.
fn settle(state: &State, facts: &Facts, now: Timestamp) -> Decided {
    let mut state = state.clone();
    let mut events = Vec::new();
    loop {
        let decision = decide(&PLAN, &state, facts, now);
        assert!(!decision.sentence.is_empty(), "every decision ends in a sentence");
        let Some(draft) = decision.append else {
            let asked = decision.commands.iter().flat_map(asked_for).collect();
            return Decided { asked, events };
        };
        assert!(events.len() < RECORDS_MAX, "deciding does not come to rest: {}", draft.sentence);
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: PLAN.name.clone(),
            seq: state.next_seq(),
            run: draft.run,
            at: now,
            writer: "test".to_owned(),
            request: None,
            attempt: state.next_seq().to_string(),
            sentence: draft.sentence,
            event: draft.event,
        };
        state =
            evolve(state, &record).unwrap_or_else(|illegal| panic!("what is decided is legal: {illegal}"));
        events.push(record.event);
    }
}

fn asked_for(command: &StepCommand) -> Vec<Asked> {
    command.subjects.iter().map(|subject| (command.run, command.step, subject.clone())).collect()
}

/// Kinds of records, as far as they are told apart here.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::SignalRejected { .. } => "rejected",
        Event::EvidenceSeen { .. } | Event::EvidenceCleared { .. } | Event::MultiAzFailoverSeen { .. } => {
            "heard"
        }
        Event::RunOpened { cause: Cause::Evidence, .. } => "confirming",
        _ => "done",
    }
}

/// Any bytes: as the payload itself, as the message that SNS brings, as the detail of an event.
///
/// # Panics
/// When they cause what they must not.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(payload) = serde_json::from_slice::<Value>(bytes) {
        check_payload(&payload);
        check_wrapped(&payload);
    }
    for topic in topics() {
        check_message(&topic, &String::from_utf8_lossy(bytes));
    }
}

/// Topics by which messages come: those of the plan's signals, that of the commands, one of somebody else.
fn topics() -> Vec<String> {
    let of_others = ["shop-commands", "of-somebody-else"];
    let arn = |name: &str| format!("arn:aws:sns:us-west-1:123456789012:{name}");
    PLAN.detection.topics.iter().cloned().chain(of_others.map(arn)).collect()
}

/// A message of a topic is never an operator's word, a tick, or a request of a scheduled job.
fn check_message(topic: &str, message: &str) {
    let payload = json!({ "Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": format!("{topic}:subscription"),
        "Sns": { "Type": "Notification", "TopicArn": topic, "Message": message },
    }] });
    let incoming = Incoming::read(&payload);
    assert!(matches!(incoming, Incoming::Signals(_) | Incoming::Steps(_)), "{incoming:?}");
    assert!(command::read::<SnapshotCommand>(&payload).is_err(), "a message keeps no snapshots");
    assert!(command::read::<ReadinessCommand>(&payload).is_err(), "a message asks for no pass");
    assert!(
        protocol::parameters::request::ParameterRequest::read(&payload).is_err(),
        "a message copies nothing"
    );
    judge(incoming);
}

/// A value as the detail of events of the sources that reach the functions.
fn check_wrapped(detail: &Value) {
    for (source, detail_type) in [
        ("aws.cloudwatch", "CloudWatch Alarm State Change"),
        ("aws.rds", "RDS DB Instance Event"),
        ("aws.rds", "RDS DB Cluster Event"),
        ("aws.autoscaling", "EC2 Instance Launch Successful"),
        ("of.somebody.else", "Scheduled Event"),
    ] {
        let payload = json!({
            "version": "0", "id": "0", "detail-type": detail_type, "source": source, "account": "123456789012",
            "time": SAID_AT, "region": "us-east-2", "resources": [], "detail": detail,
        });
        let incoming = Incoming::read(&payload);
        assert!(matches!(incoming, Incoming::Signals(_) | Incoming::WakeUp { .. }), "{incoming:?}");
        assert!(
            command::read::<SnapshotCommand>(&payload).is_err(),
            "nobody else's schedule keeps snapshots"
        );
        assert!(command::read::<ReadinessCommand>(&payload).is_err(), "nobody else's schedule makes a pass");
        judge(incoming);
    }
}

/// A payload as it came.
fn check_payload(payload: &Value) {
    // The other functions read it too. What they take for a request is for their own laws.
    drop(command::read::<SnapshotCommand>(payload));
    drop(command::read::<ReadinessCommand>(payload));
    drop(protocol::parameters::request::ParameterRequest::read(payload));
    let incoming = Incoming::read(payload);
    let is_direct = ["Records", "detail-type", "alarmData"].iter().all(|key| payload.get(key).is_none());
    match incoming {
        Incoming::Operator(_) => {
            assert!(is_direct && payload.get("command").is_some(), "an operator speaks directly");
        }
        // It is an error to its caller, and nothing else.
        Incoming::BadOperator { .. } => assert!(is_direct, "only a direct invocation is refused: {payload}"),
        Incoming::Empty => assert_eq!(payload, &json!({}), "only nothing says nothing"),
        // A source that begins with `aws.` can't be given by anyone but AWS.
        Incoming::Tick => assert!(
            payload == &json!({ "tick": true })
                || payload == &json!({ "command": "tick" })
                || (payload["detail-type"] == "Scheduled Event"
                    && (payload["source"] == "aws.events" || payload["source"] == "aws.scheduler")),
            "only the schedule ticks: {payload}"
        ),
        incoming => judge(incoming),
    }
}

/// Whatever was understood changes nothing, however things stand.
fn judge(incoming: Incoming) {
    match incoming {
        Incoming::Signals(signals) => SCENES.iter().for_each(|scene| hear(scene, &signals)),
        Incoming::Steps(messages) => {
            for scene in SCENES.iter() {
                for message in &messages {
                    take(scene, &message.command);
                }
            }
        }
        // It carries nothing that is decided upon.
        Incoming::WakeUp { .. } => {}
        other => panic!("only an operator and the schedule say this: {other:?}"),
    }
}

/// Alarms inform: they are written down, and begin a run that looks. They move nothing, and end nothing but a run that
/// has moved nothing.
fn hear(scene: &Scene, signals: &[Signal]) {
    let facts = Facts { signals: signals.to_vec(), ..Facts::default() };
    let Decided { asked, events } = settle(&scene.state, &facts, scene.now);
    for event in &events {
        let is_word = matches!(kind(event), "rejected" | "heard");
        let begins = kind(event) == "confirming" && scene.state.active_run().is_none();
        assert!(is_word || begins || scene.usual_kinds.contains(kind(event)), "a message caused {event:?}");
    }
    // While the evidence is weighed, an alarm may be the second kind that lets instances start early.
    let weighs = scene.state.active_run().is_some_and(|run| matches!(run.phase, Phase::Confirming { .. }));
    for asked in asked.difference(&scene.usual) {
        let only_looks = asked.1 == Step::Confirm || (weighs && asked.1 == Step::Scale);
        assert!(only_looks, "a message asked for {asked:?}");
    }
    // The same again, and later again, says nothing new.
    let later = scene.now.checked_add(SignedDuration::from_secs(1)).unwrap_or(scene.now);
    drop(settle(&scene.state, &facts, later));
}

/// A command is not believed: nothing can be taken by it that was not due without it.
fn take(scene: &Scene, command: &StepCommand) {
    if let Claim::Take(subjects) = claim(&PLAN, &scene.state, command, scene.now) {
        for subject in subjects {
            let asked = (command.run, command.step, subject);
            let of_old_primary = command.step == Step::Quarantine;
            assert!(scene.usual.contains(&asked) || of_old_primary, "a message took {asked:?}");
        }
    }
}

/// How many scenes there are, and in how many phases: the check is about something.
#[allow(dead_code, reason = "the fuzz target has no use for it")]
pub(crate) fn phases() -> BTreeSet<&'static str> {
    SCENES.iter().map(|scene| scene.state.run.as_ref().map_or("no run", |run| run.phase.as_str())).collect()
}

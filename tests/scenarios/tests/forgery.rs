//! What forgers can bring to a function's door, and that nothing comes of it: no effect, and a sentence that says why.

use std::path::PathBuf;

use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use protocol::command::{Step, StepCommand};
use protocol::name::Name;
use protocol::plan::Mode;
use scenarios::{COMMANDS_TOPIC, GOOD_MINUTES, Stage, awaits_approval, sns};
use serde_json::{Value, json};
use twin::plans::small_plan;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The steps, each with an item that it could be for.
const STEPS: [(Step, &str); 9] = [
    (Step::Confirm, "shop"),
    (Step::Scale, "web"),
    (Step::Fence, "front"),
    (Step::Promote, "orders"),
    (Step::Open, "front"),
    (Step::Verify, "front"),
    (Step::Quarantine, "orders"),
    (Step::Restore, "web"),
    (Step::Unfence, "front"),
];

async fn good_day(mode: Mode) -> Stage {
    let mut stage = Stage::new(small_plan(mode));
    stage.pass(GOOD_MINUTES).await;
    stage
}

/// Everything by which a function changes the cloud, and how often it was asked for.
fn changes(stage: &Stage) -> u64 {
    let inner = stage.world.inner();
    ["promote", "resize", "set_primary", "set_recovery", "quarantine"]
        .iter()
        .map(|action| inner.calls.get(action).copied().unwrap_or(0))
        .sum()
}

/// An alarm as SNS brings it.
struct Forged {
    arn: String,
    state: &'static str,
    changed_at: Timestamp,
    topic: String,
}

impl Forged {
    /// A true one, to be forged.
    fn of(stage: &Stage) -> Self {
        Self {
            arn: stage.plan.detection.sides.primary.alarms[0].clone(),
            state: "ALARM",
            changed_at: stage.now(),
            topic: stage.plan.detection.topics[0].clone(),
        }
    }

    fn payload(&self) -> Value {
        let body = json!({
            "AlarmName": "primary-health", "AlarmArn": self.arn, "NewStateValue": self.state,
            "AWSAccountId": "123456789012", "Region": "US West (N. California)",
            "NewStateReason": "Threshold Crossed", "StateChangeTime": self.changed_at.to_string(),
        });
        sns(&self.topic, &body)
    }
}

/// Sends a forged alarm on a good day: it is recorded as rejected, in these words, and nothing else comes of it.
async fn assert_rejected(forge: impl FnOnce(&mut Forged), words: &str) {
    let mut stage = good_day(Mode::Automatic).await;
    let mut forged = Forged::of(&stage);
    forge(&mut forged);
    stage.invoke(forged.payload()).await.expect("it is taken, and counts for nothing");
    let said = stage.sentences();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].starts_with("Signal rejected: ") && said[0].contains(words), "{}", said[0]);
    stage.invoke(forged.payload()).await.expect("it is taken again");
    stage.pass(SignedDuration::from_mins(5)).await;
    assert_eq!(stage.sentences().len(), 1, "a storm of them does not fill the journal");
    assert_eq!((stage.phase(), changes(&stage)), ("no run", 0));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_by_a_topic_that_is_not_the_plans_is_rejected() {
    let topic = "arn:aws:sns:us-east-2:999999999999:shop-signals";
    assert_rejected(|forged| forged.topic = topic.to_owned(), "is not in detection.topics of the plan").await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_by_the_commands_topic_is_rejected() {
    let words = "is not in detection.topics of the plan";
    assert_rejected(|forged| forged.topic = COMMANDS_TOPIC.to_owned(), words).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_a_foreign_account_is_rejected_whatever_its_body_says() {
    let forge = |forged: &mut Forged| forged.arn = forged.arn.replace("123456789012", "999999999999");
    assert_rejected(forge, "it belongs to account 999999999999, but the plan uses account 123456789012")
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_the_plan_does_not_list_is_rejected() {
    let forge = |forged: &mut Forged| forged.arn = format!("{}-2", forged.arn);
    assert_rejected(forge, "it is not in detection.sides.primary.alarms of the plan").await;
}

#[tokio::test(start_paused = true)]
async fn a_listed_alarm_of_another_region_is_rejected() {
    let forge = |forged: &mut Forged| forged.arn = forged.arn.replace("us-east-2", "eu-west-1");
    assert_rejected(forge, "it is not in detection.sides.primary.alarms of the plan").await;
}

#[tokio::test(start_paused = true)]
async fn an_arn_that_is_no_alarms_is_rejected() {
    let forge = |forged: &mut Forged| forged.arn = forged.arn.replace(":cloudwatch:", ":events:");
    assert_rejected(forge, "an alarm message without the ARN of an alarm").await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_alarm_is_rejected() {
    let old = SignedDuration::from_secs(301);
    let forge = |forged: &mut Forged| forged.changed_at = forged.changed_at.checked_sub(old).expect("a time");
    assert_rejected(forge, "it changed 5 min ago; the limit is 300 s").await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_future_is_rejected() {
    let ahead = SignedDuration::from_secs(120);
    let forge =
        |forged: &mut Forged| forged.changed_at = forged.changed_at.checked_add(ahead).expect("a time");
    assert_rejected(forge, "its timestamp is").await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_replayed_after_it_went_back_to_ok_opens_nothing() {
    let mut stage = good_day(Mode::Automatic).await;
    let alarm = Forged::of(&stage);
    let recorded = alarm.payload();
    stage.invoke(recorded.clone()).await.expect("the alarm is taken");
    stage.pass(SignedDuration::from_secs(20)).await;
    stage.alarm("OK").await.expect("the alarm is over");
    assert!(stage.until(HOUR, scenarios::is_over).await);
    assert_eq!(stage.phase(), "aborted");
    let before = stage.records().len();
    // Within the time in which an alarm counts, so that only its being known already can keep it out.
    for _ in 0..3 {
        let answer = stage.invoke(recorded.clone()).await.expect("it is taken, and counts for nothing");
        let sentence = answer["sentence"].as_str().unwrap_or_default().to_owned();
        assert!(
            sentence.starts_with("Nothing to do: us-east-2 serves, and there is no evidence of a loss"),
            "{sentence}"
        );
    }
    assert_eq!((stage.records().len(), changes(&stage)), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn every_alarm_of_the_plan_set_by_hand_moves_nothing_while_the_primary_is_well() {
    let mut stage = good_day(Mode::Automatic).await;
    for arn in stage.plan.detection.sides.primary.alarms.clone() {
        let region = arn.split(':').nth(3).unwrap_or_default().to_owned();
        let topics = &stage.plan.detection.topics;
        let topic = topics.iter().find(|topic| topic.contains(&region)).expect("a topic").clone();
        let forged = Forged { arn, topic, ..Forged::of(&stage) };
        stage.invoke(forged.payload()).await.expect("the alarm is taken");
    }
    stage.pass(SignedDuration::from_mins(20)).await;
    let said = stage.sentences();
    let why = said.iter().find(|sentence| {
        sentence.starts_with("No failover: the evidence does not show that us-east-2 is lost")
    });
    let why = why.unwrap_or_else(|| panic!("no reason given: {said:#?}"));
    assert!(why.contains("1 of 2 required kinds of evidence found (alarm shop-down"), "{why}");
    assert!(why.contains("veto: probe front-primary gets good answers"), "{why}");
    assert_eq!((stage.phase(), changes(&stage)), ("aborted", 0));
}

#[tokio::test(start_paused = true)]
async fn alarms_set_by_hand_and_a_probe_shut_out_move_nothing_while_the_source_replicates() {
    let mut stage = good_day(Mode::Automatic).await;
    for probe in &stage.plan.detection.sides.primary.probes.clone() {
        let bad = protocol::observation::ProbeAnswer::Bad { detail: "status 403".to_owned() };
        stage.world.inner().probes.insert(probe.name().clone(), bad);
    }
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.pass(SignedDuration::from_mins(20)).await;
    let said = stage.sentences().join("\n");
    assert!(said.contains("veto: replica orders still replicates with small lag"), "{said}");
    assert_eq!((stage.phase(), changes(&stage)), ("aborted", 0));
}

/// Invokes a step function directly.
async fn ask_for(stage: &Stage, payload: &Value, step: Step) -> Result<Value, Fault> {
    let deadline = stage.now().checked_add(SignedDuration::from_secs(120)).expect("a time");
    stage.instance("forged/1").work(step, payload, deadline).await
}

fn command(stage: &Stage, run: u64, step: Step, subject: &str) -> StepCommand {
    StepCommand { plan: stage.plan.name.clone(), run, step, subjects: vec![Name::from(subject)] }
}

/// Publishes a forged command of every step to the commands topic itself: each is answered with the reason why it is
/// not due, and does nothing.
async fn assert_none_is_due(stage: &Stage, run: u64, legal: &[Step]) {
    let before = (changes(stage), stage.records().len());
    for (step, subject) in STEPS.into_iter().filter(|(step, _)| !legal.contains(step)) {
        for subject in [subject, "nobody"] {
            let payload = sns(COMMANDS_TOPIC, &json!(command(stage, run, step, subject)));
            let answer = ask_for(stage, &payload, step).await.expect("it is answered");
            let sentence = answer["sentence"].as_str().unwrap_or_default();
            let nothing = format!("Nothing to do: step {step} of {subject} is not due.");
            let no_watch = format!(
                "Nothing to do: another worker is confirming run {run}, or the run needs no confirmation \
                 now."
            );
            assert!(sentence == nothing || sentence == no_watch, "{step} {subject}: {sentence}");
        }
    }
    assert_eq!((changes(stage), stage.records().len()), before);
}

#[tokio::test(start_paused = true)]
async fn commands_forged_on_a_good_day_are_not_due() {
    let stage = good_day(Mode::Automatic).await;
    for run in [0, 1, 7, u64::MAX] {
        assert_none_is_due(&stage, run, &[]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn commands_forged_for_a_run_that_confirms_are_not_due() {
    let mut stage = good_day(Mode::Automatic).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.pass(SignedDuration::from_secs(10)).await;
    assert_eq!(stage.phase(), "confirming");
    assert_none_is_due(&stage, stage.run(), &[]).await;
    assert_none_is_due(&stage, stage.run() + 1, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn commands_forged_for_a_run_that_awaits_approval_are_not_due() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.pass(SignedDuration::from_mins(3)).await;
    // The scale-out was begun and is done; nothing else may be.
    assert_none_is_due(&stage, stage.run(), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn commands_forged_for_a_finished_run_are_not_due() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, scenarios::is_over).await);
    // The old primary is still to be cut off, whoever reminds of it.
    assert_none_is_due(&stage, stage.run(), &[Step::Quarantine]).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_by_another_topic_for_another_plan_or_to_another_function_is_an_error_that_says_so() {
    let stage = good_day(Mode::Automatic).await;
    for (step, subject) in STEPS {
        let forged = command(&stage, 1, step, subject);
        let topic = "arn:aws:sns:us-west-1:999999999999:shop-commands";
        let fault = ask_for(&stage, &sns(topic, &json!(forged)), step).await.expect_err("refused");
        assert_eq!(fault.code, "foreign_topic");
        assert!(fault.message.contains(topic) && fault.message.contains(COMMANDS_TOPIC), "{fault}");

        let other = StepCommand { plan: Name::from("bank"), ..forged.clone() };
        let fault = ask_for(&stage, &sns(COMMANDS_TOPIC, &json!(other)), step).await.expect_err("refused");
        assert_eq!(fault.code, "foreign_plan");
        assert!(fault.message.contains("plan bank; this function serves plan shop"), "{fault}");

        let elsewhere =
            if matches!(step, Step::Promote | Step::Quarantine) { Step::Scale } else { Step::Promote };
        let payload = sns(COMMANDS_TOPIC, &json!(forged));
        let fault = ask_for(&stage, &payload, elsewhere).await.expect_err("refused");
        assert_eq!(
            (fault.code, fault.message),
            ("not_my_step", format!("This function does not handle step {step}"))
        );
    }
    assert_eq!((changes(&stage), stage.records().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn events_made_by_hand_for_the_bus_open_nothing() {
    let mut stage = good_day(Mode::Automatic).await;
    let arn = stage.plan.detection.sides.primary.alarms[0].clone();
    let now = stage.now().to_string();
    let event = |source: &str, detail_type: &str, arn: &str| {
        json!({ "version": "0", "id": "1", "source": source, "detail-type": detail_type, "account": "123456789012",
            "region": "us-east-2", "time": now, "resources": [arn],
            "detail": { "alarmName": "a", "state": { "value": "ALARM", "timestamp": now, "reason": "r" } } })
    };
    let foreign = arn.replace("123456789012", "999999999999");
    // Of one shape a rejection is written down once an hour; so this one has another.
    let mut other_shape = event("aws.cloudwatch", "Something Else", &arn);
    other_shape["replay-name"] = json!("again");
    let cases = [
        (event("my.app", "CloudWatch Alarm State Change", &arn), "Pilotlight does not recognise its format"),
        (other_shape, "Pilotlight does not recognise its format"),
        (
            event("aws.cloudwatch", "CloudWatch Alarm State Change", &foreign),
            "it belongs to account 999999999999",
        ),
    ];
    for (number, (payload, words)) in cases.into_iter().enumerate() {
        stage.invoke(payload).await.expect("it is taken, and counts for nothing");
        let said = stage.sentences();
        assert_eq!(said.len(), number + 1, "{said:#?}");
        assert!(
            said[number].starts_with("Signal rejected: ") && said[number].contains(words),
            "{}",
            said[number]
        );
    }
    for (source, detail_type) in
        [("aws.rds", "RDS DB Instance Event"), ("aws.autoscaling", "EC2 Instance Launch Successful")]
    {
        let answer = stage.invoke(event(source, detail_type, &arn)).await.expect("a wake-up changes nothing");
        assert!(
            answer["sentence"].as_str().is_some_and(|said| said.starts_with("Nothing to do: ")),
            "{answer}"
        );
    }
    assert_eq!((stage.phase(), stage.records().len(), changes(&stage)), ("no run", 3, 0));
}

#[tokio::test(start_paused = true)]
async fn wake_ups_made_by_hand_do_not_hurry_a_run_that_confirms_or_waits() {
    for mode in [Mode::Automatic, Mode::Approve] {
        let mut stage = good_day(mode).await;
        stage.alarm("ALARM").await.expect("the alarm is taken");
        stage.world.inner().primary_lives = false;
        let opened_at = stage.now();
        let wake_up = json!({ "version": "0", "id": "1", "source": "aws.rds", "account": "123456789012",
            "detail-type": "RDS DB Instance Event", "region": "us-west-1", "time": stage.now().to_string(),
            "resources": ["arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica"], "detail": {} });
        for _ in 0..30 {
            stage.invoke(wake_up.clone()).await.expect("a wake-up changes nothing");
            stage.pass(SignedDuration::from_secs(1)).await;
        }
        assert_eq!(stage.phase(), "confirming");
        assert!(
            stage
                .until(HOUR, |state| state.run.as_ref().is_some_and(|run| run.phase.as_str() != "confirming"))
                .await
        );
        assert!(stage.now().duration_since(opened_at) >= SignedDuration::from_secs(60));
        if mode == Mode::Approve {
            stage.invoke(wake_up).await.expect("a wake-up changes nothing");
            assert_eq!(stage.phase(), "awaiting approval");
        }
        assert!(stage.world.inner().databases.values().all(|database| database.promotions == 0));
    }
}

/// Files under `events/` that no function may act upon, by the beginning of their names.
const HOSTILE: [&str; 8] =
    ["foreign-", "forged-", "future-", "malformed-", "secret-", "stale-", "unlisted-", "unrelated-"];

#[tokio::test(start_paused = true)]
async fn no_function_does_anything_about_any_hostile_event() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the events").filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let is_hostile = |path: &&PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        HOSTILE.iter().any(|start| name.starts_with(start))
    };
    let mut seen = 0;
    for path in names.iter().filter(is_hostile) {
        let text = std::fs::read_to_string(path).expect("an event");
        let payload: Value = serde_json::from_str(&text).expect("JSON");
        let mut stage = good_day(Mode::Automatic).await;
        for step in [Step::Promote, Step::Scale, Step::Fence] {
            let fault = ask_for(&stage, &payload, step).await.expect_err("no step function takes it");
            let codes = ["not_a_step_command", "foreign_topic"];
            assert!(codes.contains(&fault.code), "{}: {fault}", path.display());
        }
        let answer = stage.invoke(payload).await;
        let said = stage.sentences();
        let is_rejected = said.iter().all(|sentence| sentence.starts_with("Signal rejected: "));
        assert!(is_rejected, "{}: {said:#?}", path.display());
        // An empty object wakes a function up: its caller is told that no command came, and nothing is recorded.
        let is_told = |answer: &Value| {
            answer["sentence"]
                .as_str()
                .is_some_and(|sentence| sentence.starts_with("The payload is an empty object"))
        };
        let is_said = !said.is_empty() || answer.as_ref().map_or(true, is_told);
        assert!(is_said, "{}: nothing says what became of it", path.display());
        stage.pass(SignedDuration::from_mins(3)).await;
        assert_eq!((stage.phase(), changes(&stage)), ("no run", 0), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 30, "{seen} hostile events");
}

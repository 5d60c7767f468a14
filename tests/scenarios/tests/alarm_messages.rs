//! What alarms say in the field, played through the alarm-handler: several series, suppressed actions, odd names, other ways;
//! and what people type in a hurry.

use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use protocol::decide::{Facts, decide};
use protocol::incoming::Incoming;
use protocol::journal::{Event, Rejection};
use protocol::plan::{Mode, Plan};
use protocol::side::Side;
use protocol::state::State;
use scenarios::{GOOD_MINUTES, Stage, sns};
use serde_json::{Value, json};
use twin::plans::{example_plan, small_plan};

const PREFIX: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:";
const TOPIC: &str = "arn:aws:sns:us-east-2:123456789012:shop-signals";

/// A good day of a plan that lists one alarm, by its name.
async fn listing(name: &str) -> Stage {
    let mut plan = small_plan(Mode::Approve);
    plan.detection.sides.primary.alarms = vec![format!("{PREFIX}{name}")];
    assert_eq!(plan.validate(), vec![], "{name}");
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage
}

/// A message of an alarm by SNS, as of now.
fn message(stage: &Stage, name: &str, word: &str) -> Value {
    json!({
        "AlarmName": name, "AlarmDescription": null, "AWSAccountId": "123456789012", "NewStateValue": word,
        "NewStateReason": "Threshold Crossed: 3 datapoints were above 25.", "Region": "US East (Ohio)",
        "StateChangeTime": stamp(stage.now()), "AlarmArn": format!("{PREFIX}{name}"), "OldStateValue": "OK",
    })
}

/// As CloudWatch writes times.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.123+0000").to_string()
}

/// The event of an alarm's change, as of now.
fn event(stage: &Stage, name: &str, more: &Value) -> Value {
    let mut value =
        json!({ "value": "ALARM", "reason": "Threshold Crossed.", "timestamp": stamp(stage.now()) });
    if let (Some(value), Some(more)) = (value.as_object_mut(), more.as_object()) {
        value.extend(more.clone());
    }
    json!({
        "version": "0", "id": "1", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
        "account": "123456789012", "time": stage.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-2", "resources": [format!("{PREFIX}{name}")],
        "detail": { "alarmName": name, "state": value, "configuration": { "description": "made for a test" } },
    })
}

async fn hear(stage: &mut Stage, body: &Value) -> Result<Value, Fault> {
    stage.invoke(sns(TOPIC, body)).await
}

/// A message of one series of an alarm.
fn series(mut message: Value, id: &str) -> Value {
    message["AlarmContributorId"] = json!(id);
    message["AlarmContributorAttributes"] = json!({ "LoadBalancer": id });
    message
}

/// What stands, in the words of the status.
async fn evidence(stage: &mut Stage) -> Vec<String> {
    let status = stage.invoke(json!({ "command": "status" })).await.expect("answered");
    let standing = status["evidence"].as_array().expect("a list").clone();
    standing.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

fn rejections(stage: &Stage, wanted: Rejection) -> Vec<String> {
    let is_it = |event: &Event| matches!(event, Event::SignalRejected { reason, .. } if *reason == wanted);
    let records = stage.records().into_iter().filter(|record| is_it(&record.event));
    records.map(|record| record.sentence).collect()
}

#[tokio::test(start_paused = true)]
async fn contributors_sns() {
    let mut stage = listing("by-balancer").await;
    for (id, state) in [("a1", "ALARM"), ("b2", "ALARM"), ("a1", "OK")] {
        let body = series(message(&stage, "by-balancer", state), id);
        hear(&mut stage, &body).await.expect("taken");
        stage.pass(SignedDuration::from_secs(2)).await;
    }
    let standing = evidence(&mut stage).await;
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert!(standing[0].starts_with("alarm by-balancer (series b2), seen from us-east-2"), "{standing:?}");
    // The alarm as a whole is OK: that holds for every series that was heard before.
    stage.pass(SignedDuration::from_secs(2)).await;
    let body = message(&stage, "by-balancer", "OK");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn contributors_same_time() {
    let mut stage = listing("by-balancer").await;
    let (well, red) = (message(&stage, "by-balancer", "OK"), message(&stage, "by-balancer", "ALARM"));
    hear(&mut stage, &series(well, "a1")).await.expect("taken");
    hear(&mut stage, &series(red.clone(), "b2")).await.expect("taken");
    hear(&mut stage, &series(red, "c3")).await.expect("taken");
    let standing = evidence(&mut stage).await;
    assert_eq!(standing.len(), 2, "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_cloudwatch_says_is_ok_clears_all_its_contributors() {
    let mut stage = listing("by-balancer").await;
    for id in ["a1", "b2"] {
        let body = series(message(&stage, "by-balancer", "ALARM"), id);
        hear(&mut stage, &body).await.expect("taken");
    }
    stage.pass(SignedDuration::from_secs(90)).await;
    stage.world.set_alarm(&format!("{PREFIX}by-balancer"), protocol::signal::AlarmState::Ok);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new(), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_contributors_half_are_kept_and_one_clears_no_other() {
    let mut stage = listing("by-balancer").await;
    for number in 0..100 {
        let body = series(message(&stage, "by-balancer", "ALARM"), &format!("id-{number:03}"));
        hear(&mut stage, &body).await.expect("taken");
    }
    assert_eq!(stage.state().evidence.len(), protocol::state::CONTRIBUTORS_MAX);
    stage.pass(SignedDuration::from_secs(2)).await;
    let body = series(message(&stage, "by-balancer", "OK"), "id-000");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(stage.state().evidence.len(), protocol::state::CONTRIBUTORS_MAX - 1);
    // There is room again.
    let body = series(message(&stage, "by-balancer", "ALARM"), "id-new");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(stage.state().evidence.len(), protocol::state::CONTRIBUTORS_MAX);
    assert_eq!(stage.state().alarms.values().map(|seen| seen.contributors.len()).max(), Some(50));
}

#[tokio::test(start_paused = true)]
async fn eb_contributor_event() {
    let mut stage = listing("by-balancer").await;
    let mut event = event(&stage, "by-balancer", &json!({}));
    event["detail-type"] = json!("CloudWatch Alarm Contributor State Change");
    event["detail"]["alarmContributor"] = json!({ "id": "a1", "attributes": { "LoadBalancer": "a" } });
    stage.invoke(event).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
    assert_eq!(rejections(&stage, Rejection::Unrecognised).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn eb_suppressed() {
    let mut stage = listing("shop-down").await;
    let held = event(
        &stage,
        "shop-down",
        &json!({ "actionsSuppressedBy": "Alarm", "actionsSuppressedReason": "Actions suppressed by alarm deploying" }),
    );
    stage.invoke(held).await.expect("taken");
    assert_eq!((evidence(&mut stage).await, stage.phase()), (Vec::new(), "no run"));
    let why = rejections(&stage, Rejection::Suppressed);
    let expected = "it is in ALARM, but its actions are held back: suppressed by Alarm (Actions suppressed by alarm deploying).";
    assert!(why.len() == 1 && why[0].ends_with(expected), "{why:?}");
    // It is released: CloudWatch tells again, without the field.
    stage.pass(SignedDuration::from_secs(30)).await;
    let released = event(&stage, "shop-down", &json!({}));
    stage.invoke(released).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn eb_wait_period() {
    let mut stage = listing("shop-down").await;
    let held = event(&stage, "shop-down", &json!({ "actionsSuppressedBy": "WaitPeriod" }));
    stage.invoke(held).await.expect("taken");
    assert_eq!((evidence(&mut stage).await, stage.phase()), (Vec::new(), "no run"));
    assert_eq!(rejections(&stage, Rejection::Suppressed).len(), 1);
    // The same change is told again when the wait is over, with the time that it had.
    let released = event(&stage, "shop-down", &json!({}));
    stage.invoke(released).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn eb_muted() {
    let mut stage = listing("shop-down").await;
    let mut held = event(&stage, "shop-down", &json!({}));
    held["detail"]["muteDetail"] = json!({ "mutedBy": ["night-shift"] });
    stage.invoke(held).await.expect("taken");
    assert_eq!((evidence(&mut stage).await, stage.phase()), (Vec::new(), "no run"));
    assert_eq!(rejections(&stage, Rejection::Suppressed).len(), 1);
    // That it is OK is true whatever becomes of its actions.
    let red = event(&stage, "shop-down", &json!({}));
    stage.invoke(red).await.expect("taken");
    stage.pass(SignedDuration::from_secs(2)).await;
    let mut well = event(&stage, "shop-down", &json!({ "value": "OK" }));
    well["detail"]["muteDetail"] = json!({ "mutedBy": ["night-shift"] });
    stage.invoke(well).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_muted_alarm_is_no_evidence_by_being_asked_for_until_it_is_let_go_or_changes() {
    for lets_go in [true, false] {
        let mut stage = listing("shop-down").await;
        let arn = format!("{PREFIX}shop-down");
        for day in 1..=3 {
            let well = event(&stage, "shop-down", &json!({ "value": "OK" }));
            stage.world.set_alarm(&arn, protocol::signal::AlarmState::Ok);
            stage.invoke(well).await.expect("taken");
            stage.pass(SignedDuration::from_mins(2)).await;
            // CloudWatch's answer says ALARM, and nothing of the mute rule.
            stage.world.set_alarm(&arn, protocol::signal::AlarmState::Alarm);
            let mut held = event(&stage, "shop-down", &json!({}));
            held["detail"]["muteDetail"] = json!({ "mutedBy": ["night-shift"] });
            for _ in 0..2 {
                stage.invoke(held.clone()).await.expect("taken");
            }
            stage.pass(SignedDuration::from_mins(20)).await;
            assert_eq!(evidence(&mut stage).await, Vec::<String>::new(), "{:#?}", stage.sentences());
            assert_eq!(rejections(&stage, Rejection::Suppressed).len(), day, "each change is recorded once");
        }
        if lets_go {
            let released = event(&stage, "shop-down", &json!({}));
            stage.invoke(released).await.expect("taken");
        } else {
            stage.world.set_alarm(&arn, protocol::signal::AlarmState::Ok);
            stage.pass(SignedDuration::from_mins(2)).await;
            stage.world.set_alarm(&arn, protocol::signal::AlarmState::Alarm);
            stage.pass(SignedDuration::from_mins(2)).await;
        }
        assert_eq!(evidence(&mut stage).await.len(), 1, "{:#?}", stage.sentences());
        // And it is confirmed from then on.
        stage.pass(SignedDuration::from_mins(100)).await;
        assert!(stage.sentences().iter().any(|sentence| sentence.contains("still reports ALARM")));
    }
}

#[tokio::test(start_paused = true)]
async fn released_after_suppression() {
    // Half an hour later, with the time of the old change: it counts where CloudWatch says that it is still so.
    let mut stage = listing("shop-down").await;
    let then = stage.now();
    let mut body = message(&stage, "shop-down", "ALARM");
    body["StateChangeTime"] = json!(stamp(then));
    stage.world.set_alarm(&format!("{PREFIX}shop-down"), protocol::signal::AlarmState::Alarm);
    let arn = format!("{PREFIX}shop-down");
    stage.world.inner().alarms.entry(arn.clone()).and_modify(|twin| {
        twin.held_back = Some("suppressed by Alarm".to_owned());
    });
    stage.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(stage.state().evidence.len(), 0, "held back");
    stage.world.inner().alarms.entry(arn).and_modify(|twin| twin.held_back = None);
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn eb_over_sns() {
    let mut stage = listing("shop-front-errors").await;
    let body = event(&stage, "shop-front-errors", &json!({}));
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
    // Not by a topic that the plan does not list.
    let mut stage = listing("shop-front-errors").await;
    let body = event(&stage, "shop-front-errors", &json!({}));
    stage.invoke(sns("arn:aws:sns:us-east-2:123456789012:of-others", &body)).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
    assert_eq!(rejections(&stage, Rejection::UnlistedTopic).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarms_own_event_counts_as_its_message_does() {
    let mut stage = listing("shop-front-errors").await;
    let body = event(&stage, "shop-front-errors", &json!({}));
    stage.invoke(body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
    let again = message(&stage, "shop-front-errors", "ALARM");
    let before = stage.records().len();
    hear(&mut stage, &again).await.expect("taken");
    assert_eq!(stage.records().len(), before, "the same change by another way is no news");
}

/// An alarm of that name counts, is cleared, and is called by its whole name.
async fn is_named_whole(name: &str) {
    let mut stage = listing(name).await;
    let body = message(&stage, name, "ALARM");
    hear(&mut stage, &body).await.expect("taken");
    let standing = evidence(&mut stage).await;
    assert!(standing[0].starts_with(&format!("alarm {name}, seen from us-east-2")), "{standing:?}");
    stage.pass(SignedDuration::from_secs(2)).await;
    let body = message(&stage, name, "OK");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
    let cleared = format!("Evidence cleared: alarm {name} is OK.");
    assert!(stage.sentences().contains(&cleared), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn name_target_tracking_function() {
    is_named_whole("TargetTracking-function:basket:GREEN-AlarmHigh-7d6c5b4a-1111-4222-8333-944445555666")
        .await;
}

#[tokio::test(start_paused = true)]
async fn name_colon_umlaut() {
    is_named_whole("Kasse: 5xx \u{fc}ber Soll / S\u{fc}d").await;
}

#[tokio::test(start_paused = true)]
async fn name_emoji() {
    is_named_whole("shop-\u{1f525}-front").await;
}

#[tokio::test(start_paused = true)]
async fn name_wildcards() {
    is_named_whole("shop-*-fr?nt").await;
}

#[tokio::test(start_paused = true)]
async fn names_odd() {
    for name in ["a/b c", "it's \"quoted\"", "a\\b {curly} $HOME `x`"] {
        is_named_whole(name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn name_nfd_event() {
    let mut stage = listing("Kasse-\u{fc}berlastet-caf\u{e9}").await;
    let body = message(&stage, "Kasse-u\u{308}berlastet-cafe\u{301}", "ALARM");
    hear(&mut stage, &body).await.expect("taken");
    let standing = evidence(&mut stage).await;
    assert_eq!(standing.len(), 1, "{:#?}", stage.sentences());
    // What CloudWatch keeps is found by what the plan says, and clears it.
    stage.pass(SignedDuration::from_secs(2)).await;
    let body = message(&stage, "Kasse-u\u{308}berlastet-cafe\u{301}", "OK");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await, Vec::<String>::new());
    // Other letters are another name.
    let body = message(&stage, "Kasse-uberlastet-cafe", "ALARM");
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(rejections(&stage, Rejection::UnlistedAlarm).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn log_alarm() {
    let mut stage = listing("HighErrorCount").await;
    let mut body = message(&stage, "HighErrorCount", "ALARM");
    body["NewStateReasonData"] =
        json!({ "version": "1.0", "results": [{ "status": "COMPLETE", "value": 31.0 }] });
    body["Trigger"] = Value::Null;
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_a_clock_that_is_ahead_has_stood_for_no_time_yet() {
    let mut stage = listing("errors").await;
    let mut body = message(&stage, "errors", "ALARM");
    let ahead = stage.now().checked_add(SignedDuration::from_secs(50)).expect("a time");
    body["StateChangeTime"] = json!(stamp(ahead));
    hear(&mut stage, &body).await.expect("taken");
    let standing = evidence(&mut stage).await;
    assert!(standing[0].starts_with("alarm errors, seen from us-east-2, for 0.0 s: "), "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn anomaly_threshold_metric() {
    let mut stage = listing("latency").await;
    let mut body = message(&stage, "latency", "ALARM");
    body["Trigger"] = json!({ "Period": 300, "ThresholdMetricId": "band", "Metrics": [{ "Id": "band" }] });
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(evidence(&mut stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn duplicate_delivery() {
    let mut stage = listing("errors").await;
    let body = message(&stage, "errors", "ALARM");
    hear(&mut stage, &body).await.expect("taken");
    let before = stage.records().len();
    hear(&mut stage, &body).await.expect("taken");
    assert_eq!(stage.records().len(), before);
}

#[tokio::test(start_paused = true)]
async fn insufficient_after_alarm() {
    let mut stage = listing("errors").await;
    let body = message(&stage, "errors", "ALARM");
    hear(&mut stage, &body).await.expect("taken");
    stage.pass(SignedDuration::from_secs(2)).await;
    let body = message(&stage, "errors", "INSUFFICIENT_DATA");
    hear(&mut stage, &body).await.expect("taken");
    stage.world.set_alarm(&format!("{PREFIX}errors"), protocol::signal::AlarmState::InsufficientData);
    stage.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(evidence(&mut stage).await.len(), 1, "missing data clears nothing");
}

#[tokio::test(start_paused = true)]
async fn created_with_breaching() {
    let mut stage = listing("errors").await;
    let mut body = message(&stage, "errors", "ALARM");
    body["OldStateValue"] = json!("INSUFFICIENT_DATA");
    hear(&mut stage, &body).await.expect("taken");
    stage.pass(SignedDuration::from_mins(3)).await;
    assert_eq!(stage.phase(), "aborted");
    assert!(stage.sentences().iter().any(|sentence| sentence.starts_with("No failover: ")));
}

#[tokio::test(start_paused = true)]
async fn foreign_account() {
    let mut stage = listing("errors").await;
    let mut body = message(&stage, "errors", "ALARM");
    body["AlarmArn"] = json!("arn:aws:cloudwatch:us-east-2:210987654321:alarm:central");
    hear(&mut stage, &body).await.expect("taken");
    let why = rejections(&stage, Rejection::ForeignAccount);
    assert!(why.len() == 1 && why[0].contains("210987654321"), "{why:?}");
}

#[tokio::test(start_paused = true)]
async fn payload_of_2019_without_arn() {
    let mut stage = listing("errors").await;
    let mut body = message(&stage, "errors", "ALARM");
    body.as_object_mut().expect("an object").remove("AlarmArn");
    hear(&mut stage, &body).await.expect("taken");
    let why = rejections(&stage, Rejection::Unrecognised);
    assert!(why.len() == 1 && why[0].contains("without the ARN of an alarm"), "{why:?}");
}

#[tokio::test(start_paused = true)]
async fn sns_console_test() {
    let mut stage = listing("errors").await;
    let text = json!({ "Records": [{ "EventSource": "aws:sns",
        "Sns": { "TopicArn": TOPIC, "Message": "Does anybody hear this?" } }] });
    stage.invoke(text).await.expect("recorded, no error");
    assert_eq!(rejections(&stage, Rejection::Unrecognised).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rds_event_subscription() {
    let mut stage = listing("errors").await;
    let body = json!({ "Event Source": "db-instance", "Event Time": stage.now().to_string(), "Source ID": "shop-orders",
        "Event ID": "http://docs.example.com/USER_Events.html#RDS-EVENT-0013", "Event Message": "Multi-AZ failover" });
    hear(&mut stage, &body).await.expect("recorded, no error");
    assert_eq!(rejections(&stage, Rejection::Unrecognised).len(), 1);
    assert!(stage.state().multi_az_failovers.is_empty());
}

/// RDS's word of a failover within the region, of an instance of that name.
fn multi_az_failover(stage: &Stage, instance: &str) -> Value {
    let at = stage.now().to_string();
    json!({
        "version": "0", "id": "1", "detail-type": "RDS DB Instance Event", "source": "aws.rds", "account": "123456789012",
        "time": at, "region": "us-east-2", "resources": [format!("arn:aws:rds:us-east-2:123456789012:db:{instance}")],
        "detail": { "EventID": "RDS-EVENT-0013", "Date": at, "SourceIdentifier": instance },
    })
}

#[tokio::test(start_paused = true)]
async fn multi_az_failover_lower_case() {
    for planned in ["shop-orders", "Shop-Orders"] {
        let mut plan = example_plan(Mode::Approve);
        *plan.databases[0].arn_mut(Side::Primary) =
            format!("arn:aws:rds:us-east-2:123456789012:db:{planned}");
        let mut stage = Stage::new(plan);
        stage.pass(GOOD_MINUTES).await;
        let body = multi_az_failover(&stage, "shop-orders");
        hear(&mut stage, &body).await.expect("taken");
        assert_eq!(stage.state().multi_az_failovers.len(), 1, "{planned}: {:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn scheduler_default_event() {
    let mut stage = listing("errors").await;
    let at = stage.now().to_string();
    let event = json!({ "version": "0", "id": "e", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "account": "123456789012", "time": at, "region": "us-west-1", "resources": [], "detail": "{}" });
    let answer = stage.invoke(event).await.expect("a tick");
    assert!(
        answer["sentence"].as_str().is_some_and(|text| text.starts_with("Nothing to do: us-east-2 serves"))
    );
}

#[test]
fn partition_aws_us_gov() {
    let text = serde_json::to_string(&small_plan(Mode::Approve)).expect("JSON");
    let text = text.replace("arn:aws:", "arn:aws-us-gov:").replace("us-east-2", "us-gov-east-1");
    let text = text.replace("us-west-1", "us-gov-west-1");
    // A plan there is refused, because Global Accelerator is not there; how an alarm is read does not hang on it.
    let refused = Plan::from_json(&text).expect_err("no Global Accelerator").to_string();
    assert!(refused.contains("exists in the partition aws only"), "{refused}");
    let mut plan = small_plan(Mode::Approve);
    for (place, region) in
        [(&mut plan.sides.primary, "us-gov-east-1"), (&mut plan.sides.recovery, "us-gov-west-1")]
    {
        region.clone_into(&mut place.region);
    }
    for topic in &mut plan.detection.topics {
        *topic = topic
            .replace("arn:aws:", "arn:aws-us-gov:")
            .replace("us-east-2", "us-gov-east-1")
            .replace("us-west-1", "us-gov-west-1");
    }
    let arn = "arn:aws-us-gov:cloudwatch:us-gov-east-1:123456789012:alarm:errors";
    plan.detection.sides.primary.alarms = vec![arn.to_owned()];
    let now: Timestamp = "2026-11-20T03:00:00Z".parse().expect("a time");
    let body = json!({ "AlarmArn": arn, "NewStateValue": "ALARM", "NewStateReason": "Threshold Crossed.",
        "StateChangeTime": stamp(now) });
    let payload = sns(&plan.detection.topics[0], &body);
    let Incoming::Signals(signals) = Incoming::read(&payload) else { panic!("no signals: {payload}") };
    let facts = Facts { signals, ..Facts::default() };
    let decision = decide(&plan, &State::default(), &facts, now);
    assert_eq!(decision.sentence, "Evidence recorded: alarm errors in us-gov-east-1 is in ALARM.");
}

/// A direct invocation that is no command is an error that says so, and leaves no record.
async fn is_refused(payload: Value, part: &str) {
    let mut stage = listing("errors").await;
    stage.world.inner().primary_lives = false;
    let before = stage.records().len();
    for _ in 0..2 {
        let fault = stage.invoke(payload.clone()).await.expect_err("an error to its caller");
        assert_eq!(fault.code, "bad_command");
        assert!(fault.message.contains(part), "{}", fault.message);
    }
    assert_eq!(stage.records().len(), before);
}

#[tokio::test(start_paused = true)]
async fn operator_failover_capital() {
    let payload = json!({ "Command": "failover", "reason": "nothing answers", "by": "ana" });
    is_refused(payload, "`command` is missing, so Pilotlight did nothing: use one of failover, approve, ")
        .await;
    let payload = json!({ "Command": "failover", "reason": "nothing answers", "by": "ana" });
    is_refused(payload, "`Command` is not a field: did you mean `command`?").await;
}

#[tokio::test(start_paused = true)]
async fn operator_capital() {
    is_refused(json!({ "Command": "status" }), "did you mean `command`?").await;
    is_refused(json!({ "command": "Status" }), "did you mean `status`?").await;
}

#[tokio::test(start_paused = true)]
async fn operator_action() {
    let payload = json!({ "action": "failover", "reason": "nothing answers", "by": "ana" });
    is_refused(payload, "`action` is not a field: known: allow_data_loss, by, command, ").await;
}

#[tokio::test(start_paused = true)]
async fn operator_as_a_list_a_text_or_a_number() {
    is_refused(json!([{ "command": "status" }]), "The payload is a list of 1: send an object").await;
    is_refused(json!("{\"command\":\"status\"}"), "send the object itself, not a string that contains it")
        .await;
    is_refused(json!(5), "The payload is a number").await;
    is_refused(Value::Null, "The payload is null").await;
}

#[tokio::test(start_paused = true)]
async fn operator_empty() {
    let mut stage = listing("errors").await;
    let before = stage.records().len();
    let answer = stage.invoke(json!({})).await.expect("a wake-up is no error");
    let sentence = answer["sentence"].as_str().expect("a sentence");
    assert!(
        sentence.starts_with("The payload is an empty object, so alarm-handler received no command"),
        "{sentence}"
    );
    assert_eq!(stage.records().len(), before);
}

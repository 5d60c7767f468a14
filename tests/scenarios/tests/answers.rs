//! What whoever sends an event is answered: which of its signals do not count, and why.

use jiff::SignedDuration;
use protocol::plan::Mode;
use protocol::side::Side;
use scenarios::{GOOD_MINUTES, Stage, sns};
use serde_json::{Value, json};
use twin::plans::small_plan;

const LISTED: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors";
const UNLISTED: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:somebody-elses";
const TOPIC: &str = "arn:aws:sns:us-east-2:123456789012:shop-signals";

/// An alarm's message by a topic, as of so many seconds ago.
fn alarm(stage: &Stage, arn: &str, topic: &str, seconds_ago: i64) -> Value {
    let changed_at = stage.now().checked_sub(SignedDuration::from_secs(seconds_ago)).expect("a time");
    let body =
        json!({ "AlarmArn": arn, "NewStateValue": "ALARM", "StateChangeTime": changed_at.to_string() });
    sns(topic, &body)
}

async fn good_day() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_counts_is_answered_with_nothing_rejected() {
    let mut stage = good_day().await;
    let event = alarm(&stage, LISTED, TOPIC, 0);
    let answer = stage.invoke(event).await.expect("an answer");
    assert_eq!(answer["rejected"], json!([]), "{answer}");
    assert!(answer["appended"].as_u64().is_some_and(|count| count > 0), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_does_not_count_is_answered_with_the_reason() {
    let foreign_topic = "arn:aws:sns:us-east-2:999999999999:shop-signals";
    let foreign_alarm = LISTED.replace("123456789012", "999999999999");
    for (arn, topic, seconds_ago, reason, why) in [
        (UNLISTED, TOPIC, 0, "unlisted_alarm", "it is not in detection.sides.primary.alarms of the plan"),
        (LISTED, TOPIC, 301, "stale", "it changed 5 min ago; the limit is 300 s"),
        (LISTED, TOPIC, -61, "from_the_future", "its timestamp is 61 s in the future"),
        (LISTED, foreign_topic, 0, "unlisted_topic", "is not in detection.topics of the plan"),
        (&foreign_alarm, TOPIC, 0, "foreign_account", "it belongs to account 999999999999"),
    ] {
        let mut stage = good_day().await;
        // A rejection is written down once an hour; the sender hears of it every time.
        for _ in 0..2 {
            let event = alarm(&stage, arn, topic, seconds_ago);
            let answer = stage.invoke(event).await.expect("an answer");
            let rejected = &answer["rejected"][0];
            assert_eq!((&rejected["source"], &rejected["reason"]), (&json!(arn), &json!(reason)), "{answer}");
            assert!(rejected["why"].as_str().is_some_and(|words| words.contains(why)), "{answer}");
        }
        assert_eq!(stage.phase(), "no run");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_within_the_region_is_answered_like_an_alarm() {
    let mut stage = good_day().await;
    let said = |stage: &Stage, instance: &str| {
        json!({
            "version": "0", "detail-type": "RDS DB Instance Event", "source": "aws.rds", "account": "123456789012",
            "time": stage.now().to_string(), "region": "us-east-2", "resources": [instance],
            "detail": { "EventCategories": ["failover"], "SourceType": "DB_INSTANCE", "SourceArn": instance,
                        "Date": stage.now().to_string(), "Message": "Multi-AZ instance failover started.",
                        "SourceIdentifier": "shop", "EventID": "RDS-EVENT-0013" },
        })
    };
    let (known, unknown) = (
        stage.plan.databases[0].arn(Side::Primary).to_owned(),
        "arn:aws:rds:us-east-2:123456789012:db:others".to_owned(),
    );
    let event = said(&stage, &known);
    let answer = stage.invoke(event).await.expect("an answer");
    assert_eq!(answer["rejected"], json!([]), "{answer}");
    let event = said(&stage, &unknown);
    let answer = stage.invoke(event).await.expect("an answer");
    assert_eq!(answer["rejected"][0]["reason"], "unlisted_instance", "{answer}");
}

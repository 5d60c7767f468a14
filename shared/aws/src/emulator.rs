//! Do the adapters and a running emulator of AWS understand each other? Asked only when one runs:
//! `PILOTLIGHT_EMULATOR_URL=http://127.0.0.1:5000 cargo test -p aws emulator -- --ignored`.
//!
//! Every test makes what it needs under a fresh name, so that an emulator can be used again.
use protocol::endpoint::{Endpoint, Setting};
use protocol::side::{Side, Sides};
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_rds::operation::create_db_instance::CreateDBInstanceError;
use aws_sdk_ssm::types::ParameterType;
use jiff::{SignedDuration, Timestamp};
use ports::inspection::{FleetInspection, TopicInspection};
use ports::log::whole;
use ports::{
    Alarms, Alert, AlertClaim, Appended, Clock, CopyOrder, Databases, FailureKind, FleetView, Fleets, Ids,
    Journal, KeptSnapshot, Lag, MetricSample, MetricUnit, Metrics, Plans, Publisher, ReplicaView, Rest, Slot,
    Snapshots, TakeOrder, Traffic, Vitals, Which, Words,
};
use protocol::command::{Step, StepCommand};
use protocol::digest::Digest;
use protocol::journal::{Event, Record, Rejection};
use protocol::name::Name;
use protocol::observation::LagSample;
use protocol::plan::{Capacity, FleetAt, FleetSide, Plan};
use protocol::readiness::facts::{ReadinessFacts, Subscriptions};
use protocol::readiness::{LastReadiness, Readiness};
use protocol::signal::AlarmState;
use protocol::snapshots::{DatabaseSnapshot, SourceKind, Status};
use protocol::state::snapshot::StateSnapshot;
use protocol::state::{State, Unnoticed};
use protocol::word::{JournalPlace, WORD_SCHEMA, Word};

use crate::accelerator::AcceleratorTraffic;
use crate::alarms::CloudWatchAlarms;
use crate::cloudwatch::{self, field};
use crate::config::Sdk;
use crate::fleets::AutoScalingFleets;
use crate::journal::DynamoJournal;
use crate::lag::CloudWatchLag;
use crate::metrics::{CloudWatchMetrics, NAMESPACE};
use crate::plan_source::ParameterPlans;
use crate::publisher::SnsPublisher;
use crate::rds::RdsDatabases;
use crate::replay::database;
use crate::snapshots::RdsSnapshots;
use crate::topics::SnsTopics;
use crate::words::{DynamoWords, PeerTable};
use runtime::clock::SystemClock;
use runtime::ids::FreshUlids;

/// Where the emulator is.
pub(crate) fn endpoint() -> String {
    #[expect(clippy::disallowed_methods, reason = "the tests' one setting")]
    std::env::var("PILOTLIGHT_EMULATOR_URL").expect("set PILOTLIGHT_EMULATOR_URL")
}

pub(crate) fn sdk() -> Sdk {
    Sdk::toward(&endpoint())
}

/// In another region.
fn sdk_in(region: &'static str) -> Sdk {
    sdk_of(region, root("test"))
}

/// With credentials of one's own.
pub(crate) fn sdk_as(credentials: Credentials) -> Sdk {
    sdk_of("us-west-1", credentials)
}

fn sdk_of(region: &'static str, credentials: Credentials) -> Sdk {
    let base = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region))
        .endpoint_url(endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Sdk::from_config(base.build(), Arc::new(SystemClock))
}

/// Credentials of an account's root, whose number is the name of its key.
pub(crate) fn root(account: &str) -> Credentials {
    Credentials::new(account, "not-a-secret", None, None, "test")
}

fn fresh(what: &str) -> String {
    format!("{what}-{}", FreshUlids.fresh().to_lowercase())
}

fn record(plan: &Name, seq: u64) -> Record {
    Record {
        schema: 1,
        previous: None,
        plan: plan.clone(),
        seq,
        run: None,
        at: "2026-11-20T03:00:00.25Z".parse().unwrap(),
        writer: "test".to_owned(),
        request: None,
        attempt: FreshUlids.fresh(),
        sentence: "Nothing is due.".to_owned(),
        event: Event::SignalRejected {
            source: "x".to_owned(),
            reason: Rejection::Stale,
            changed_at: None,
            muted: false,
        },
    }
}

async fn make_table(sdk: &Sdk, table: &str) {
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    sdk.dynamodb()
        .create_table()
        .table_name(table)
        .attribute_definitions(attribute("plan", ScalarAttributeType::S))
        .attribute_definitions(attribute("seq", ScalarAttributeType::N))
        .key_schema(key("plan", KeyType::Hash))
        .key_schema(key("seq", KeyType::Range))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn two_writers_at_one_number_end_with_one_record() {
    let sdk = sdk();
    let table = fresh("journal");
    make_table(&sdk, &table).await;
    let journal = DynamoJournal::new(&sdk, &table, Arc::new(SystemClock));
    let plan = Name::new("shop");
    let (first, second) = (record(&plan, 1), record(&plan, 1));
    let (a, b) = tokio::join!(journal.append(&first), journal.append(&second));
    let stood = [a.unwrap(), b.unwrap()];
    assert!(stood.contains(&Appended::Taken) && stood.iter().any(|one| *one != Appended::Taken), "{stood:?}");

    let standing = whole(&journal, &plan).await.unwrap();
    assert_eq!(standing.len(), 1);
    // The same attempt once more is a lost acknowledgement.
    let mut stands = journal.append(&standing[0]).await.unwrap();
    assert!(stood.contains(&stands));
    for seq in 2..=30 {
        let Appended::Stands(digest) = stands else { panic!("record {} does not stand", seq - 1) };
        // What an append says of its record is what a reader finds.
        assert_eq!(journal.load_after(&plan, seq - 2).await.unwrap().last.as_ref(), Some(&digest));
        let next = Record { previous: Some(digest), ..record(&plan, seq) };
        stands = journal.append(&next).await.unwrap();
        assert_eq!(journal.load_after(&plan, seq - 1).await.unwrap().records, [next]);
    }
    let page = journal.load_after(&plan, 10).await.unwrap();
    assert_eq!(page.rest, Rest::Nothing);
    let seqs: Vec<u64> = page.records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (11..=30).collect::<Vec<_>>());
    // The digest is of the record, wherever in a page it stands.
    assert_eq!(journal.load_after(&plan, 29).await.unwrap().first, page.last);
    assert_ne!(page.first, page.last);
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn two_guards_read_each_others_words_and_an_older_one_never_takes_the_place_of_a_newer() {
    let (own, other) = (sdk(), sdk_in("us-east-2"));
    let tables = [fresh("journal"), fresh("journal")];
    make_table(&own, &tables[0]).await;
    make_table(&other, &tables[1]).await;
    let peer = |region: &str, table: &str| PeerTable { region: region.to_owned(), table: table.to_owned() };
    let here = DynamoWords::new(&own, &tables[0], &peer("us-east-2", &tables[1]));
    let there = DynamoWords::new(&other, &tables[1], &peer("us-west-1", &tables[0]));
    let plan = Name::new("shop");
    assert_eq!((here.own(&plan).await, there.other(&plan).await), (Ok(None), Ok(None)));
    let (id, restored) = (here.table_id().await.unwrap(), "of-another-table");
    assert_ne!(id, there.table_id().await.unwrap());
    let word = |table: &str, seq| Word {
        schema: WORD_SCHEMA,
        plan: plan.clone(),
        seat: Side::Recovery,
        peer: "us-east-2".to_owned(),
        heard_up_to: JournalPlace { table_id: table.to_owned(), seq },
        at: record(&plan, 1).at,
        heard: None,
        heard_at: None,
        groups: std::collections::BTreeMap::new(),
    };
    for (said, expected) in [
        (word(&id, 7), word(&id, 7)),
        (word(&id, 6), word(&id, 7)),
        (word(&id, 7), word(&id, 7)),
        (word(&id, 9), word(&id, 9)),
        (word(restored, 2), word(restored, 2)),
    ] {
        here.keep(&said).await.unwrap();
        for text in [here.own(&plan).await, there.other(&plan).await] {
            assert_eq!(Word::read(&text.unwrap().unwrap()), Ok(expected.clone()));
        }
    }
    // It lies beside the log, not in it.
    let journal = DynamoJournal::new(&own, &tables[0], Arc::new(SystemClock));
    assert_eq!(whole(&journal, &plan).await, Ok(Vec::new()));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn the_vitals_are_kept_beside_the_log() {
    let sdk = sdk();
    let table = fresh("journal");
    make_table(&sdk, &table).await;
    let journal = DynamoJournal::new(&sdk, &table, Arc::new(SystemClock));
    let plan = Name::new("shop");
    assert_eq!(journal.load_vitals(&plan).await, Ok(None));
    let vitals = Vitals { ticked_at: Some(record(&plan, 1).at), ..Vitals::default() };
    for _ in 0..2 {
        journal.save_vitals(&plan, &vitals).await.unwrap();
    }
    assert_eq!(journal.load_vitals(&plan).await, Ok(Some(vitals)));
    assert_eq!(whole(&journal, &plan).await, Ok(Vec::new()));
}

/// A journal in a table of its own.
async fn fresh_journal(plan: &str) -> (DynamoJournal, Name) {
    let (sdk, table) = (sdk(), fresh("journal"));
    make_table(&sdk, &table).await;
    (DynamoJournal::new(&sdk, table, Arc::new(SystemClock)), Name::new(plan))
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_log_longer_than_a_page_is_read_in_pages() {
    let (journal, plan) = fresh_journal("shop").await;
    // Ten of a tenth of a megabyte and more: longer than a page, which ends at one.
    for seq in 1..=14 {
        let large = Record { sentence: "x".repeat(100_000), ..record(&plan, seq) };
        assert!(matches!(journal.append(&large).await, Ok(Appended::Stands(_))));
    }
    let first = journal.load_after(&plan, 0).await.unwrap();
    assert_eq!(first.rest, Rest::More);
    assert!((5..14).contains(&first.records.len()), "{}", first.records.len());
    let seqs: Vec<u64> = whole(&journal, &plan).await.unwrap().iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (1..=14).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn snapshots_of_one_and_of_several_parts_are_kept_beside_the_log() {
    let (journal, plan) = fresh_journal("shop").await;
    assert_eq!(journal.load_snapshot(&plan, Which::Newest).await, Ok(None));
    let at = record(&plan, 1).at;
    let kept = |slot, seq, things| {
        let unnoticed = |seq| (seq, Unnoticed { at, title: "moves".to_owned(), sentence: "é".repeat(500) });
        let unnoticed = (0..things).map(unnoticed).collect();
        let state = State { last_seq: seq, unnoticed, ..State::default() };
        let taken = StateSnapshot::of(&plan, &state, Digest::of("a record"), at);
        KeptSnapshot { slot, sealed: taken.seal().unwrap() }
    };
    let (small, large) = (kept(Slot::A, 200, 1), kept(Slot::B, 400, 1500));
    for kept in [&small, &large] {
        journal.save_snapshot(&plan, kept).await.unwrap();
    }
    assert_eq!(journal.load_snapshot(&plan, Which::Newest).await, Ok(Some(large)));
    assert_eq!(journal.load_snapshot(&plan, Which::Older).await, Ok(Some(small.clone())));
    // A smaller one over a larger one leaves parts behind that are nobody's.
    let over = kept(Slot::B, 600, 1);
    journal.save_snapshot(&plan, &over).await.unwrap();
    assert_eq!(journal.load_snapshot(&plan, Which::Newest).await, Ok(Some(over)));
    assert_eq!(journal.load_snapshot(&plan, Which::Older).await, Ok(Some(small)));
    assert_eq!(whole(&journal, &plan).await, Ok(Vec::new()));
    assert_eq!(journal.load_vitals(&plan).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn an_alert_is_claimed_once_an_hour_and_again_when_nobody_was_told() {
    let (journal, plan) = fresh_journal("shop").await;
    let at = |minutes| record(&plan, 1).at + SignedDuration::from_mins(minutes);
    let claim = |alert, minutes| {
        let at = at(minutes);
        AlertClaim { alert, at, quiet_since: at - SignedDuration::from_hours(1) }
    };
    let (first, second) = (claim(Alert::Poison, 0), claim(Alert::Poison, 1));
    let (one, other) = tokio::join!(journal.claim_alert(&plan, &first), journal.claim_alert(&plan, &second));
    assert_ne!(one, other, "one of two that notice at once tells");
    assert_eq!(journal.claim_alert(&plan, &claim(Alert::Silence, 1)).await, Ok(true));
    assert_eq!(journal.claim_alert(&plan, &claim(Alert::Poison, 59)).await, Ok(false));
    journal.yield_alert(&plan, Alert::Poison).await.unwrap();
    assert_eq!(journal.claim_alert(&plan, &claim(Alert::Poison, 59)).await, Ok(true));
    assert_eq!(journal.claim_alert(&plan, &claim(Alert::Poison, 118)).await, Ok(false));
    assert_eq!(journal.claim_alert(&plan, &claim(Alert::Poison, 119)).await, Ok(true));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn the_readiness_is_kept_beside_the_vitals() {
    let sdk = sdk();
    let table = fresh("journal");
    make_table(&sdk, &table).await;
    let journal = DynamoJournal::new(&sdk, &table, Arc::new(SystemClock));
    let plan = Plan::from_json(include_str!("../../protocol/tests/plans/shop.json")).unwrap();
    assert_eq!(journal.load_readiness(&plan.name).await, Ok(None));
    let at = record(&plan.name, 1).at;
    let readiness = Readiness::of(&plan, &State::default(), &ReadinessFacts::default(), at);
    let last = LastReadiness::untold(readiness, None).as_told();
    for _ in 0..2 {
        journal.save_readiness(&plan.name, &last).await.unwrap();
    }
    assert_eq!(journal.load_readiness(&plan.name).await, Ok(Some(last)));
    assert_eq!(journal.load_vitals(&plan.name).await, Ok(None));
    assert_eq!(whole(&journal, &plan.name).await, Ok(Vec::new()));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_topic_tells_its_subscriptions_and_one_that_is_gone_is_nothing() {
    let sdk = sdk();
    let topic = sdk.sns().create_topic().name(fresh("topic")).send().await.unwrap();
    let topic = topic.topic_arn().unwrap();
    let topics = SnsTopics::new(&sdk);
    let nobody = Subscriptions { confirmed: 0, pending: 0 };
    assert_eq!(topics.subscriptions(topic).await, Ok(Some(nobody)));
    // An address has to be confirmed on AWS; an emulator may take it at once.
    sdk.sns().subscribe().topic_arn(topic).protocol("email").endpoint("a@example.com").send().await.unwrap();
    let seen = topics.subscriptions(topic).await.unwrap().unwrap();
    assert_eq!(seen.confirmed + seen.pending, 1);
    assert_eq!(topics.subscriptions(&format!("{topic}-gone")).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_target_group_that_does_not_exist_is_nothing() {
    let fleets = AutoScalingFleets::new(&sdk());
    let arn = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/nobody/0a1b2c3d4e5f6071";
    assert_eq!(fleets.target_group(arn).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn the_figure_of_the_readiness_can_be_read_back() {
    let sdk = sdk();
    let plan = Name::new(fresh("shop"));
    let figure = MetricSample {
        name: "UnreadyChecks",
        dimensions: vec![("Plan", plan.to_string())],
        value: 3,
        unit: MetricUnit::Count,
        at: SystemClock.now(),
    };
    CloudWatchMetrics::new(&sdk).put(&[figure]).await.unwrap();
    let now = SystemClock.now();
    let mut fields = cloudwatch::dimensions("", [("Plan", plan.as_str())]);
    fields.extend([
        field("Namespace", NAMESPACE),
        field("MetricName", "UnreadyChecks"),
        field("StartTime", cloudwatch::time(now - SignedDuration::from_mins(5))),
        field("EndTime", cloudwatch::time(now + SignedDuration::from_mins(1))),
        field("Period", "60"),
        field("Statistics.member.1", "Minimum"),
    ]);
    let question = cloudwatch::question("cloudwatch:GetMetricStatistics", fields);
    let read = sdk.signed().result(&question).await.unwrap();
    let lowest = read.at(&["Datapoints", "member"]).and_then(|point| point.text(&["Minimum"])).unwrap();
    assert_eq!(lowest.parse(), Ok(3.0));
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn alarms_are_described_in_both_regions_whatever_they_are_called() {
    let sdk = sdk();
    for region in ["us-west-1", "us-east-2"] {
        let (name, both) = (format!("{}: 5xx / \u{fc}ber", fresh("alarm")), fresh("both"));
        let signed = sdk.signed_in(region);
        let put = [
            ("AlarmName", name.as_str()),
            ("Namespace", "Shop"),
            ("MetricName", "Errors"),
            ("Statistic", "Sum"),
            ("Period", "60"),
            ("EvaluationPeriods", "1"),
            ("Threshold", "5"),
            ("ComparisonOperator", "GreaterThanThreshold"),
        ];
        let rule = format!("ALARM(\"{name}\")");
        let composite = [("AlarmName", both.as_str()), ("AlarmRule", rule.as_str())];
        let red = [("AlarmName", name.as_str()), ("StateValue", "ALARM"), ("StateReason", "a test")];
        for (action, fields) in [
            ("cloudwatch:PutMetricAlarm", &put[..]),
            ("cloudwatch:PutCompositeAlarm", &composite[..]),
            ("cloudwatch:SetAlarmState", &red[..]),
        ] {
            let fields = fields.iter().map(|(name, value)| field(*name, *value)).collect();
            signed.xml(&cloudwatch::question(action, fields)).await.unwrap();
        }
        // An emulator has an account of its own.
        let accounts = ["123456789012", "000000000000"];
        let arn = |name: &str, account: &str| format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}");
        let arns: Vec<String> = [name.as_str(), both.as_str(), "of-nobody"]
            .iter()
            .flat_map(|name| accounts.map(|account| arn(name, account)))
            .collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let before = SystemClock.now() - SignedDuration::from_mins(5);
        let found = CloudWatchAlarms::new(&sdk).states(region, &arns).await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].arn.ends_with(&name) && found[1].arn.ends_with(&both), "{found:?}");
        assert_eq!((found[0].state, found[0].reason.as_str()), (AlarmState::Alarm, "a test"));
        assert!(found[0].changed_at > before && found[0].held_back.is_none(), "{found:?}");
    }
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_journal_without_a_table_is_missing() {
    let sdk = sdk();
    let journal = DynamoJournal::new(&sdk, fresh("journal"), Arc::new(SystemClock));
    let failure = journal.load_after(&Name::new("shop"), 0).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Missing);
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_plan_of_eleven_parts_is_joined() {
    let sdk = sdk();
    let prefix = format!("/{}/plan", fresh("pilotlight"));
    for part in 0..11 {
        sdk.ssm()
            .put_parameter()
            .name(format!("{prefix}/{part}"))
            .value(format!("[{part}]"))
            .r#type(ParameterType::String)
            .send()
            .await
            .unwrap();
    }
    let plans = |parts| ParameterPlans::new(&sdk, &prefix, parts, Arc::new(SystemClock));
    let text = plans(11).load().await.unwrap();
    assert_eq!(text, "[0][1][2][3][4][5][6][7][8][9][10]");
    let failure = plans(12).load().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Missing);
    assert!(failure.message.contains(&format!("{prefix}/11")), "{failure}");
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn commands_and_notices_are_taken() {
    let sdk = sdk();
    let topic = sdk.sns().create_topic().name(fresh("topic")).send().await.unwrap();
    let topic = topic.topic_arn().unwrap();
    let publisher = SnsPublisher::new(&sdk, topic, topic);
    let command =
        StepCommand { plan: Name::new("shop"), run: 1, step: Step::Scale, subjects: vec![Name::new("web")] };
    publisher.commands(&vec![command; 11]).await.unwrap();
    publisher.notice("shop: failover", "It serves.").await.unwrap();

    let nowhere = SnsPublisher::new(&sdk, format!("{topic}-gone"), format!("{topic}-gone"));
    assert_eq!(nowhere.notice("s", "t").await.unwrap_err().kind, FailureKind::Missing);
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn an_instance_without_a_source_is_writable_and_an_absent_one_is_missing() {
    let sdk = sdk();
    let id = fresh("shop");
    sdk.rds()
        .create_db_instance()
        .db_instance_identifier(&id)
        .db_instance_class("db.t4g.micro")
        .engine("postgres")
        .allocated_storage(20)
        .master_username("operator")
        .master_user_password("not-a-secret")
        .send()
        .await
        .unwrap();
    let mut standing = database("orders");
    *standing.arn_mut(Side::Recovery) = format!("arn:aws:rds:us-west-1:123456789012:db:{id}");
    let absent = database("nobody");
    let databases = RdsDatabases::new(&sdk);
    let seen = databases.look(&[&absent, &standing], Side::Recovery).await.unwrap();
    assert_eq!(seen, [ReplicaView::Missing, ReplicaView::Writable]);
    assert_eq!(databases.old_primary(&absent, Side::Primary).await.unwrap_err().kind, FailureKind::Missing);
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_group_that_does_not_exist_is_missing() {
    let sdk = sdk();
    let capacity = Capacity { min: 1, desired: 1, max: 1 };
    let at = FleetSide {
        group: fresh("web"),
        target_groups: Vec::new(),
        serving: capacity,
        resting: None,
        healthy_targets_min: 1,
    };
    let (name, fleet) = (Name::new("web"), &at);
    let fleet = FleetAt { name: &name, side: Side::Recovery, at: fleet };
    let fleets = AutoScalingFleets::new(&sdk);
    assert_eq!(fleets.look(&[fleet]).await, Ok(vec![FleetView::Missing]));
    assert_eq!(fleets.resize(fleet, capacity).await.unwrap_err().kind, FailureKind::Missing);
}

/// As RDS tells it; an emulator may know no such metric of its own.
#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn the_lag_of_a_replica_is_read_with_the_end_of_its_minute() {
    let sdk = sdk();
    let replica = database(&fresh("orders"));
    let (_, id) = replica.arn(Side::Recovery).rsplit_once(':').unwrap();
    let minute = (SystemClock.now().as_second() / 60 - 3) * 60;
    let mut fields = vec![field("Namespace", "AWS/RDS")];
    for (number, second, lag) in [(1, minute, "0.5"), (2, minute + 40, "2.25")] {
        let member = format!("MetricData.member.{number}.");
        fields.extend(cloudwatch::dimensions(&member, [("DBInstanceIdentifier", id)]));
        fields.extend([
            field(format!("{member}MetricName"), "ReplicaLag"),
            field(format!("{member}Timestamp"), Timestamp::from_second(second).unwrap().to_string()),
            field(format!("{member}Value"), lag),
        ]);
    }
    sdk.signed().xml(&cloudwatch::question("cloudwatch:PutMetricData", fields)).await.unwrap();
    let lag = CloudWatchLag::new(&sdk, Arc::new(SystemClock));
    let since = Timestamp::from_second(minute - 60).unwrap();
    let end = Timestamp::from_second(minute + 60).unwrap();
    assert_eq!(
        lag.samples(&replica, Side::Recovery, since).await,
        Ok(vec![LagSample { at: end, lag_ms: Some(2_250) }])
    );
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn the_lag_of_a_replica_without_samples_is_not_known() {
    let lag = CloudWatchLag::new(&sdk(), Arc::new(SystemClock));
    let nobody = database(&fresh("nobody"));
    assert_eq!(
        lag.samples(&nobody, Side::Recovery, "2026-01-01T00:00:00Z".parse().unwrap()).await,
        Ok(Vec::new())
    );
}

/// The snapshot of a name in a region, once it is under way no more.
async fn settled(snapshots: &RdsSnapshots, region: &str, id: &str) -> Option<DatabaseSnapshot> {
    for _ in 0..600 {
        let listing = snapshots.list(region, &[SourceKind::Instance]).await.unwrap();
        let found = listing.snapshots.into_iter().find(|snapshot| snapshot.id == id)?;
        if !found.status.is_under_way() {
            return Some(found);
        }
        SystemClock.sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{id} takes too long");
}

/// Copies across regions are the lab's launcher's, not every emulator's.
#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn a_snapshot_is_taken_copied_to_the_other_region_and_deleted() {
    let sdk = sdk();
    let (instance, id) = (fresh("shop"), fresh("pilotlight-shop"));
    let request = sdk
        .rds_of_primary("us-east-2")
        .create_db_instance()
        .db_instance_identifier(&instance)
        .db_instance_class("db.t4g.micro")
        .engine("postgres")
        .allocated_storage(20)
        .master_username("operator")
        .master_user_password("not-a-secret")
        .storage_encrypted(true);
    // Two seconds are little for an emulator that makes a database: one that comes late is there the next time.
    while let Err(error) = request.clone().send().await {
        if error.as_service_error().is_some_and(CreateDBInstanceError::is_db_instance_already_exists_fault) {
            break;
        }
    }
    let snapshots = RdsSnapshots::new(&sdk, "us-west-1", Arc::new(SystemClock));
    let source = format!("arn:aws:rds:us-east-2:123456789012:db:{instance}");
    let tags = [("pilotlight:plan".to_owned(), "shop".to_owned())].into();
    let order = TakeOrder { source, id: id.clone(), tags };
    for _ in 0..2 {
        // The second time it stands already.
        snapshots.take("us-east-2", &order).await.unwrap();
    }
    let taken = settled(&snapshots, "us-east-2", &id).await.unwrap();
    assert_eq!((taken.status, taken.is_copy, taken.is_encrypted), (Status::Available, false, true));
    assert_eq!(taken.tags["pilotlight:plan"], "shop");
    let order = CopyOrder {
        snapshot: taken.arn,
        kind: SourceKind::Instance,
        id: id.clone(),
        kms_key: Some("arn:aws:kms:us-west-1:123456789012:key/0a1b".to_owned()),
        option_group: None,
        tags: [("team".to_owned(), "orders".to_owned())].into(),
    };
    for _ in 0..2 {
        snapshots.copy("us-west-1", &order).await.unwrap();
    }
    let copy = settled(&snapshots, "us-west-1", &id).await.unwrap();
    assert_eq!((copy.status, copy.is_copy), (Status::Available, true));
    assert_eq!(copy.taken_at, taken.taken_at, "a copy is as old as its original");
    assert_eq!(copy.tags, order.tags);
    for region in ["us-east-2", "us-west-1", "us-west-1"] {
        snapshots.delete(region, SourceKind::Instance, &id).await.unwrap();
        assert_eq!(settled(&snapshots, region, &id).await, None);
    }
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn a_metric_is_taken() {
    let dimensions = vec![("Plan", fresh("shop")), ("Database", "orders".to_owned())];
    let sample = MetricSample {
        name: "SnapshotAge",
        dimensions,
        value: 60,
        unit: MetricUnit::Seconds,
        at: SystemClock.now(),
    };
    CloudWatchMetrics::new(&sdk()).put(&[sample]).await.unwrap();
}

/// The accelerator is ours, its endpoint of the primary region theirs: it is fenced by what they share, and not without.
#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn an_endpoint_of_another_account_is_closed_with_that_accounts_attachment() {
    let mut route = Plan::from_json(include_str!("../../protocol/tests/plans/two-accounts.json"))
        .unwrap()
        .routes
        .remove(0);
    let (ours, theirs) = (sdk().global_accelerator(), sdk_as(root("210987654321")).global_accelerator());
    let made = ours.create_accelerator().name(fresh("a")).idempotency_token(fresh("t")).send().await.unwrap();
    let accelerator = made.accelerator.unwrap().accelerator_arn.unwrap();
    let ports = aws_sdk_globalaccelerator::types::PortRange::builder().from_port(80).to_port(80).build();
    let made = ours.create_listener().accelerator_arn(&accelerator).port_ranges(ports);
    let made = made.idempotency_token(fresh("t")).send().await.unwrap();
    let listener = made.listener.unwrap().listener_arn.unwrap();
    let shared =
        aws_sdk_globalaccelerator::types::Resource::builder().endpoint_id(&route.sides.primary.endpoint);
    let attachment = theirs.create_cross_account_attachment().name("web").principals("123456789012");
    let attachment = attachment.resources(shared.build()).idempotency_token(fresh("t")).send().await.unwrap();
    let attachment = attachment.cross_account_attachment.unwrap().attachment_arn.unwrap();
    for (side, region) in [(&mut route.sides.primary, "us-east-2"), (&mut route.sides.recovery, "us-west-1")]
    {
        let is_theirs = region == "us-east-2";
        let endpoint = aws_sdk_globalaccelerator::types::EndpointConfiguration::builder()
            .endpoint_id(&side.endpoint)
            .weight(if is_theirs { 128 } else { 0 })
            .set_attachment_arn(is_theirs.then(|| attachment.clone()));
        let group = ours.create_endpoint_group().listener_arn(&listener).endpoint_group_region(region);
        let group =
            group.endpoint_configurations(endpoint.build()).idempotency_token(fresh("t")).send().await;
        side.endpoint_group = group.unwrap().endpoint_group.unwrap().endpoint_group_arn.unwrap();
    }
    let traffic = AcceleratorTraffic::new(&sdk());
    traffic.close(&route, Side::Primary).await.unwrap();
    let seen = traffic.look(&route).await.unwrap();
    assert_eq!(seen.endpoints, Sides::from_fn(|_| Endpoint::Closed));
    theirs.delete_cross_account_attachment().attachment_arn(attachment).send().await.unwrap();
    let failure = traffic.open(&route, Side::Primary, Setting::Weight(128)).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.action),
        (FailureKind::Denied, "globalaccelerator:UpdateEndpointGroup")
    );
}

//! The primary region in an account of its own: which plans may say so, and whose words count then.

use jiff::{SignedDuration, Timestamp};
use protocol::decide::{Decision, Facts, decide};
use protocol::incoming::Incoming;
use protocol::journal::{Event, Rejection};
use protocol::plan::Plan;
use protocol::readiness::facts::ReadinessFacts as Seen;
use protocol::readiness::permissions::needs;
use protocol::signal::{MultiAzFailover, Signal};
use protocol::state::State;
use serde_json::{Value, json};

const TWO: &str = include_str!("plans/two-accounts.json");
const PRIMARYS: &str = "210987654321";
const OURS: &str = "123456789012";

fn two() -> Plan {
    Plan::from_json(TWO).unwrap()
}

/// The lines that follow from one change to the plan of two accounts.
fn lines(pointer: &str, value: Value) -> Vec<String> {
    let mut plan: Value = serde_json::from_str(TWO).unwrap();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match plan.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    match Plan::from_json(&plan.to_string()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

#[test]
fn fleets_and_routes_may_lie_in_two_accounts_and_each_region_belongs_to_one() {
    let plan = two();
    assert_eq!(plan.validate(), vec![]);
    assert_eq!(plan.account_in("us-east-2"), PRIMARYS);
    assert_eq!((plan.account_in("us-west-1"), plan.account_in("eu-west-1")), (OURS, OURS));
    let again = Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
}

#[test]
fn a_plan_of_one_account_says_nothing_of_a_second() {
    let plan = Plan::from_json(include_str!("plans/shop.json")).unwrap();
    assert_eq!(plan.account_in("us-east-2"), OURS);
    assert!(!plan.has_two_accounts());
}

#[test]
fn what_lies_in_the_wrong_account_is_named() {
    let alb = |region: &str, account: &str| {
        json!(format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/x/1"))
    };
    let group = format!("arn:aws:globalaccelerator::{PRIMARYS}:accelerator/a/listener/b/endpoint-group/c");
    let alarm = |region: &str, account: &str| json!(format!("arn:aws:cloudwatch:{region}:{account}:alarm:x"));
    let theirs = "and the account of the primary region is 210987654321";
    let ours = "and the plan's account is 123456789012";
    for (pointer, value, path, words) in [
        ("/routes/0/primary/endpoint", alb("us-east-2", OURS), "routes[0].primary.endpoint", theirs),
        (
            "/routes/0/primary/endpoint",
            alb("us-east-2", "333333333333"),
            "routes[0].primary.endpoint",
            theirs,
        ),
        ("/routes/0/recovery/endpoint", alb("us-west-1", PRIMARYS), "routes[0].recovery.endpoint", ours),
        ("/routes/0/primary/endpoint_group", json!(group), "routes[0].primary.endpoint_group", ours),
        ("/detection/alarms/0", alarm("us-east-2", OURS), "detection.alarms[0]", theirs),
        ("/detection/alarms/0", alarm("us-east-2", "333333333333"), "detection.alarms[0]", theirs),
        ("/detection/alarms/0", alarm("us-west-1", PRIMARYS), "detection.alarms[0]", ours),
        ("/detection/alarms/0", alarm("eu-west-1", PRIMARYS), "detection.alarms[0]", ours),
        (
            "/detection/topics/0",
            json!(format!("arn:aws:sns:us-east-2:{PRIMARYS}:shop-signals")),
            "detection.topics[0]",
            ours,
        ),
        (
            "/fleets/0/target_groups/0",
            json!(format!("arn:aws:elasticloadbalancing:us-west-1:{PRIMARYS}:targetgroup/x/1")),
            "fleets[0].target_groups[0]",
            ours,
        ),
    ] {
        let found = lines(pointer, value);
        let is_it = |line: &String| line.starts_with(&format!("{path}: belongs to ")) && line.contains(words);
        assert!(found.len() == 1 && found.iter().all(is_it), "{pointer}: {found:#?}");
    }
    // What lies in the wrong region of the right account is one problem, not two.
    let found = lines("/routes/0/primary/endpoint", alb("us-west-1", PRIMARYS));
    assert!(found.len() == 1 && found[0].contains("lies in us-west-1, and the primary region is us-east-2"));
}

#[test]
fn what_two_accounts_can_not_have_is_refused_with_the_remedy() {
    let database = json!([{
        "name": "orders", "kind": "rds_replica", "primary": format!("arn:aws:rds:us-east-2:{PRIMARYS}:db:orders"),
        "replica": format!("arn:aws:rds:us-west-1:{OURS}:db:orders"),
    }]);
    let snapshots = json!({ "schedule": "cron(0 3 * * ? *)" });
    let digits = "primary_account: is not an AWS account; give its 12 digits in quotes, or leave it out";
    for (pointer, value, expected) in [
        (
            "/databases",
            database,
            "databases: holds 1, and the two regions lie in the accounts 210987654321 and 123456789012: RDS makes a \
             replica in the account of its source only; keep both regions in one account, or leave the databases out \
             and replicate and promote them by other means",
        ),
        (
            "/snapshots",
            snapshots,
            "snapshots: is about the plan's databases, and a plan of two accounts has none; leave it out",
        ),
        ("/primary_account", json!("21098765432"), digits),
        ("/primary_account", json!(""), digits),
        (
            "/primary_account",
            json!(12),
            "primary_account: is the number 12, not a text; give an AWS account, 12 digits in quotes, or leave it out",
        ),
    ] {
        assert_eq!(lines(pointer, value), [expected], "{pointer}");
    }
    let found = lines("/primary_account", json!(OURS));
    assert_eq!(
        found[0],
        "primary_account: is the plan's account too; leave it out where both regions lie in one account"
    );
}

/// What is decided about a file of `events/` a minute after it was sent.
fn decided(plan: &Plan, name: &str) -> Decision {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let payload = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let Incoming::Signals(signals) = Incoming::read(&payload) else { panic!("{name}") };
    let now: Timestamp = "2026-11-20T10:01:00Z".parse().unwrap();
    decide(plan, &State::default(), &Facts { signals, ..Facts::default() }, now)
}

fn rejection(decision: &Decision) -> Option<Rejection> {
    match &decision.append.as_ref()?.event {
        Event::SignalRejected { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[test]
fn an_alarm_of_the_primarys_account_counts_where_the_plan_says_so_and_nowhere_else() {
    let decision = decided(&two(), "sns-primary-account-alarm");
    let draft = decision.append.unwrap();
    let Event::EvidenceSeen { evidence } = &draft.event else { panic!("{}", draft.sentence) };
    assert_eq!((evidence[0].vantage.as_str(), evidence[0].outside), ("us-east-2", false));
    let shop = Plan::from_json(include_str!("plans/shop.json")).unwrap();
    let decision = decided(&shop, "sns-primary-account-alarm");
    assert_eq!(rejection(&decision), Some(Rejection::ForeignAccount));
}

#[test]
fn an_alarm_of_a_third_account_or_of_the_wrong_one_of_the_two_is_rejected_as_foreign() {
    for (name, account) in [("foreign-account-alarm", "999999999999"), ("sns-metric-alarm", OURS)] {
        let decision = decided(&two(), name);
        assert_eq!(rejection(&decision), Some(Rejection::ForeignAccount), "{name}");
        assert_eq!(
            decision.append.unwrap().sentence,
            format!(
                "Signal rejected: arn:aws:cloudwatch:us-east-2:{account}:alarm:shop-front-errors: it belongs \
                 to account {account}, but the plan uses account 210987654321 in us-east-2."
            )
        );
    }
}

#[test]
fn the_primarys_account_is_let_in_by_name_and_not_as_a_whole() {
    let mut plan = two();
    plan.detection.sides.primary.alarms.retain(|alarm| !alarm.ends_with(":shop-front-errors"));
    assert_eq!(rejection(&decided(&plan, "sns-primary-account-alarm")), Some(Rejection::UnlistedAlarm));
    let mut plan = two();
    plan.detection.topics.remove(0);
    assert_eq!(rejection(&decided(&plan, "sns-primary-account-alarm")), Some(Rejection::UnlistedTopic));
    // A recovery region's alarm of the primary's account is as foreign as a stranger's.
    let plan = two();
    let payload = std::fs::read_to_string(format!(
        "{}/../../events/sns-primary-account-alarm.json",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
    .replace("cloudwatch:us-east-2", "cloudwatch:us-west-1");
    let Incoming::Signals(signals) = Incoming::read(&serde_json::from_str(&payload).unwrap()) else {
        panic!()
    };
    let now: Timestamp = "2026-11-20T10:01:00Z".parse().unwrap();
    let decision = decide(&plan, &State::default(), &Facts { signals, ..Facts::default() }, now);
    assert_eq!(rejection(&decision), Some(Rejection::ForeignAccount));
}

#[test]
fn a_failover_within_the_region_is_nobodys_word_where_the_plan_has_no_database() {
    let plan = two();
    let now: Timestamp = "2026-11-20T10:01:00Z".parse().unwrap();
    for (account, expected) in [(PRIMARYS, Rejection::UnlistedInstance), (OURS, Rejection::ForeignAccount)] {
        let via = protocol::signal::Via::Sns { topic: plan.detection.topics[0].clone() };
        let (event_id, at) = ("RDS-EVENT-0013".to_owned(), now - SignedDuration::from_secs(5));
        let instance = format!("arn:aws:rds:us-east-2:{account}:db:shop-orders");
        let signals = vec![Signal::MultiAzFailover(MultiAzFailover { instance, event_id, at, via })];
        let decision = decide(&plan, &State::default(), &Facts { signals, ..Facts::default() }, now);
        assert_eq!(rejection(&decision), Some(expected), "{account}");
    }
}

#[test]
fn readiness_asks_for_the_right_to_keep_another_accounts_endpoint() {
    const SHARED: &str = "globalaccelerator:ListCrossAccountResources";
    let asked = |plan: &Plan| {
        needs(plan, &State::default(), &Seen::default())
            .into_iter()
            .filter(|need| need.action == SHARED)
            .count()
    };
    assert_eq!(asked(&two()), 1);
    assert_eq!(asked(&Plan::from_json(include_str!("plans/shop.json")).unwrap()), 0);
}

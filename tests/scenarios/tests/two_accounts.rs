//! A plan of fleets and routes whose primary region lies in another account: it moves like any other, and no less carefully.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::command::Step;
use protocol::endpoint::{Endpoint, Setting};
use protocol::plan::{Mode, Plan};
use protocol::side::Sides;
use scenarios::{GOOD_MINUTES, Stage, is_over, needs_operator, sns};
use serde_json::{Value, json};
use twin::InjectedFault;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn plan(mode: Mode) -> Plan {
    let text = include_str!("../../../shared/protocol/tests/plans/two-accounts.json");
    let mut plan = Plan::from_json(text).expect("the plan of two accounts is valid");
    plan.mode = mode;
    assert_eq!(plan.validate(), vec![]);
    plan
}

const OPEN: Endpoint = Endpoint::Open(Setting::Weight(128));

/// The endpoints of the one route.
fn endpoints(stage: &Stage) -> Sides<Endpoint> {
    let inner = stage.world.inner();
    let route = inner.routes.values().next().expect("a route");
    route.endpoints
}

fn event(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("an event")).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn it_moves_by_the_other_accounts_alarm_and_fences_before_it_opens() {
    let mut stage = Stage::new(plan(Mode::Automatic));
    assert!(stage.plan.detection.sides.primary.alarms[0].contains(":us-east-2:210987654321:"));
    stage.lose_primary().await;
    stage.until(HOUR, is_over).await;
    let said = stage.sentences();
    assert_eq!(stage.phase(), "completed", "{said:#?}");
    let at = |words: &str| said.iter().position(|sentence| sentence.contains(words)).expect(words);
    assert!(at("Step fence is done: front") < at("Step open of front begins"), "{said:#?}");
    assert!(at("Step scale is done: web") < at("Step open of front begins"), "{said:#?}");
    at("Estimated loss: no database moved.");
    assert_eq!(endpoints(&stage), Sides { primary: Endpoint::Closed, recovery: OPEN });
    let asked: Vec<Step> = stage.published.iter().map(|command| command.step).collect();
    assert!(!asked.contains(&Step::Promote) && !asked.contains(&Step::Quarantine), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_fenced_is_not_opened() {
    let mut stage = Stage::new(plan(Mode::Automatic));
    stage.lose_primary().await;
    // As where the other account has taken its attachment back: the endpoint can't be written.
    stage.world.fault("set_primary", InjectedFault::Fails(FailureKind::Denied));
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert_eq!(endpoints(&stage), Sides { primary: OPEN, recovery: Endpoint::Closed });
}

#[tokio::test(start_paused = true)]
async fn nothing_is_opened_to_a_fleet_that_does_not_come_up() {
    let mut stage = Stage::new(plan(Mode::Automatic));
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.has_room = false;
    }
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert_eq!(endpoints(&stage).recovery, Endpoint::Closed, "the recovery side stays closed");
}

#[tokio::test(start_paused = true)]
async fn probes_alone_move_nothing_where_no_database_bears_witness() {
    let mut stage = Stage::new(plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    stage.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(
        endpoints(&stage),
        Sides { primary: OPEN, recovery: Endpoint::Closed },
        "{:#?}",
        stage.sentences()
    );
    assert_ne!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn alarms_of_a_third_account_or_of_the_wrong_one_of_the_two_count_for_nothing() {
    let mut stage = Stage::new(plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    let topic = stage.plan.detection.topics[0].clone();
    let listed = stage.plan.detection.sides.primary.alarms[0].clone();
    for account in ["999999999999", "123456789012"] {
        let body = json!({
            "AlarmName": "x", "AlarmArn": listed.replace("210987654321", account), "NewStateValue": "ALARM",
            "AWSAccountId": "210987654321", "NewStateReason": "x", "StateChangeTime": stage.now().to_string(),
        });
        stage.invoke(sns(&topic, &body)).await.expect("it is taken, and counts for nothing");
        let said = stage.sentences();
        let words =
            format!("it belongs to account {account}, but the plan uses account 210987654321 in us-east-2");
        assert!(said.iter().any(|sentence| sentence.contains(&words)), "{said:#?}");
    }
    // Recorded shapes, which are old by now: foreign comes before stale.
    stage.invoke(event("foreign-account-alarm")).await.expect("it is taken, and counts for nothing");
    stage.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(endpoints(&stage), Sides { primary: OPEN, recovery: Endpoint::Closed });
    assert_ne!(stage.phase(), "completed", "probes and strangers are no two kinds of evidence");
}

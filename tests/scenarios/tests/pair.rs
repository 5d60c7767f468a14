//! Two guards, one in each region, of which one at most may move anything: from their first minute, through a loss, and back.

use jiff::SignedDuration;
use protocol::command::Step;
use protocol::journal::Event;
use protocol::name::Name;
use protocol::plan::Mode;
use protocol::side::{Side, Sides};
use protocol::state::State;
use protocol::state::holdings::Ownership;
use scenarios::pair::{PairStage, all_are};
use scenarios::{has_completed, is_over, sns};
use serde_json::json;

const PRIMARY: Side = Side::Primary;
const RECOVERY: Side = Side::Recovery;
const MINUTES: SignedDuration = SignedDuration::from_mins(10);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Two new guards, that serve on one side.
fn beginning(serving: Side) -> PairStage {
    PairStage::new(&twin::plans::both_ways(Mode::Automatic), serving)
}

/// Waits until one side is active and the other stands by.
async fn protects(stage: &mut PairStage, serving: Side) {
    let plan = stage.guards[serving].plan.clone();
    let is_so = |states: &Sides<State>| {
        all_are(&plan, &states[serving], Ownership::Active)
            && all_are(&plan, &states[serving.other()], Ownership::Standby)
    };
    assert!(stage.until(MINUTES, is_so).await, "{:#?}", sentences(stage));
}

/// Waits until a guard's own side is this for every group.
async fn comes_to_be(stage: &mut PairStage, side: Side, ownership: Ownership) {
    let plan = stage.guards[side].plan.clone();
    let is_so = |states: &Sides<State>| all_are(&plan, &states[side], ownership);
    assert!(stage.until(MINUTES, is_so).await, "{:#?}", sentences(stage));
}

fn sentences(stage: &PairStage) -> Sides<Vec<String>> {
    Sides::from_fn(|side| stage.guards[side].sentences())
}

/// A side's alarm goes off at the guard across, and its region is gone.
async fn lose(stage: &mut PairStage, lost: Side) {
    let answer = stage.guards[lost.other()].alarm("ALARM").await;
    assert!(answer.is_ok(), "{answer:?}");
    stage.set_alive(lost, false);
}

/// The guard across moves everything by itself.
async fn is_moved_from(stage: &mut PairStage, lost: Side) {
    let to = lost.other();
    let plan = stage.guards[to].plan.clone();
    let is_so =
        |states: &Sides<State>| has_completed(&states[to]) && all_are(&plan, &states[to], Ownership::Active);
    assert!(stage.until(HOUR, is_so).await, "{:#?}", sentences(stage));
    assert_eq!(stage.regions.open(to), [Name::new("front")]);
    assert_eq!(stage.regions.open(lost), Vec::<Name>::new());
    assert_eq!(stage.regions.written(to), [Name::new("orders"), Name::new("stock")]);
}

fn runs_opened(stage: &PairStage, side: Side) -> usize {
    let records = stage.guards[side].records();
    records.iter().filter(|record| matches!(record.event, Event::RunOpened { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn new_guards_find_out_by_themselves_who_serves_from_either_side() {
    for (serving, term) in [(PRIMARY, 0), (RECOVERY, 1)] {
        let mut stage = beginning(serving);
        protects(&mut stage, serving).await;
        assert_eq!(stage.holds(serving), [(Ownership::Active, term)]);
        assert_eq!(stage.holds(serving.other()), [(Ownership::Standby, term)]);
        // Nothing more is written while nothing happens, and nothing was moved.
        let written = Side::BOTH.map(|side| stage.guards[side].state().last_seq);
        stage.idle(HOUR).await;
        assert_eq!(Side::BOTH.map(|side| stage.guards[side].state().last_seq), written);
        assert_eq!(Side::BOTH.map(|side| runs_opened(&stage, side)), [0, 0]);
        assert_eq!(stage.regions.open(serving), [Name::new("front")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_circle_is_moved_by_one_guard_and_then_by_the_other() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    for (serving, terms) in [(PRIMARY, [1, 2]), (RECOVERY, [2, 3]), (PRIMARY, [3, 4])] {
        lose(&mut stage, serving).await;
        is_moved_from(&mut stage, serving).await;
        let to = serving.other();
        assert_eq!(stage.holds(to), [(Ownership::Active, terms[0])]);
        // It comes back, and is told. What it serves no more it leaves alone, and the new writer is not followed yet.
        stage.set_alive(serving, true);
        comes_to_be(&mut stage, serving, Ownership::Unprotected).await;
        stage.idle(HOUR).await;
        assert_eq!(stage.holds(serving), [(Ownership::Unprotected, terms[0])]);
        // The old primary is cut off by the guard that owes it, where the plan gives a group for that, and only then may it follow
        // again.
        assert_eq!(stage.regions.written(serving), [Name::new("stock")]);
        stage.regions.follow_again(serving);
        protects(&mut stage, to).await;
        // A cooldown of the run before is over by then.
        stage.idle(HOUR).await;
    }
    assert_eq!((runs_opened(&stage, PRIMARY), runs_opened(&stage, RECOVERY)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_before_the_first_tick_of_a_new_guard_moves_nothing() {
    let mut stage = beginning(PRIMARY);
    lose(&mut stage, PRIMARY).await;
    stage.idle(HOUR).await;
    let guard = &stage.guards[RECOVERY];
    assert!(guard.state().guard.is_some(), "it knows that it is one of two: {:#?}", guard.sentences());
    assert_eq!(runs_opened(&stage, RECOVERY), 0, "{:#?}", guard.sentences());
    assert_eq!(stage.holds(RECOVERY), [(Ownership::Unknown, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_guard_that_cannot_read_what_it_keeps_of_itself_decides_nothing() {
    let mut stage = beginning(PRIMARY);
    stage.regions.inner().lives[RECOVERY] = false;
    let refused = stage.guards[RECOVERY].alarm("ALARM").await.expect_err("it does not know what it is");
    assert_eq!(refused.code, "guard_unknown");
    let refused = stage.guards[RECOVERY].invoke(json!({ "command": "tick" })).await;
    assert_eq!(refused.expect_err("as above").code, "guard_unknown");
    assert_eq!(stage.guards[RECOVERY].records(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn guards_that_cannot_hear_each_other_do_not_begin_to_guard() {
    let mut stage = beginning(PRIMARY);
    stage.regions.inner().is_parted = true;
    stage.idle(HOUR).await;
    for side in Side::BOTH {
        assert_eq!(stage.holds(side), [(Ownership::Unknown, 0)]);
    }
    stage.regions.inner().is_parted = false;
    protects(&mut stage, PRIMARY).await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_between_guards_that_guard_changes_nothing_and_a_loss_is_met_all_the_same() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    stage.regions.inner().is_parted = true;
    stage.idle(HOUR).await;
    assert_eq!(Side::BOTH.map(|side| runs_opened(&stage, side)), [0, 0]);
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
    // It comes back and hears nobody: it still holds what it held, and touches nothing that is the other's.
    stage.set_alive(PRIMARY, true);
    stage.idle(HOUR).await;
    assert_eq!(stage.holds(PRIMARY), [(Ownership::Active, 0)]);
    assert_eq!(stage.regions.open(RECOVERY), [Name::new("front")]);
    assert_eq!(runs_opened(&stage, PRIMARY), 0);
    stage.regions.inner().is_parted = false;
    comes_to_be(&mut stage, PRIMARY, Ownership::Unprotected).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_guard_joins_one_that_has_moved_already() {
    let mut stage = beginning(PRIMARY);
    // The one guard of before, with its journal.
    stage.guards[RECOVERY].is_alone = true;
    stage.regions.inner().lives[PRIMARY] = true;
    stage.guards[RECOVERY].pass(SignedDuration::from_secs(130)).await;
    lose(&mut stage, PRIMARY).await;
    assert!(stage.until(HOUR, |states| has_completed(&states[RECOVERY])).await, "{:#?}", sentences(&stage));
    assert_eq!(stage.guards[RECOVERY].state().guard, None);
    // Both are told.
    stage.guards[RECOVERY].is_alone = false;
    stage.set_alive(PRIMARY, true);
    let plan = stage.guards[PRIMARY].plan.clone();
    let joined = |states: &Sides<State>| {
        all_are(&plan, &states[RECOVERY], Ownership::Active)
            && all_are(&plan, &states[PRIMARY], Ownership::Unprotected)
    };
    assert!(stage.until(MINUTES, joined).await, "{:#?}", sentences(&stage));
    assert_eq!(stage.holds(RECOVERY), [(Ownership::Active, 1)]);
    stage.regions.follow_again(PRIMARY);
    protects(&mut stage, RECOVERY).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_guard_joins_one_that_has_moved_nothing_and_protection_has_no_gap() {
    let mut stage = beginning(PRIMARY);
    stage.guards[RECOVERY].is_alone = true;
    stage.guards[RECOVERY].pass(SignedDuration::from_secs(130)).await;
    for command in [
        json!({ "command": "hold", "by": "ana", "reason": "a try", "minutes": 5 }),
        json!({ "command": "release", "by": "ana" }),
    ] {
        let answer = stage.guards[RECOVERY].invoke(command).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    stage.guards[RECOVERY].is_alone = false;
    // From its first look on as one of two it still stands by.
    stage.guards[RECOVERY].tick().await;
    assert_eq!(stage.holds(RECOVERY), [(Ownership::Standby, 0)]);
    protects(&mut stage, PRIMARY).await;
    assert_eq!(stage.holds(PRIMARY), [(Ownership::Active, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_restored_journal_is_believed_in_nothing() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    stage.regions.inner().table_ids[RECOVERY] = "restored".to_owned();
    comes_to_be(&mut stage, RECOVERY, Ownership::Unknown).await;
    let notices = stage.guards[RECOVERY].world.inner().notices.join("\n");
    assert!(notices.contains("it was restored"), "{notices}");
    // While the other guard is not heard, a person can't say what is so.
    stage.regions.inner().is_parted = true;
    let adopt = json!({ "command": "adopt", "by": "ana" });
    let refused = stage.guards[RECOVERY].invoke(adopt.clone()).await.expect_err("nobody is heard");
    assert!(refused.message.contains("the guard in us-east-2 is not heard now"), "{}", refused.message);
    stage.regions.inner().is_parted = false;
    stage.guards[RECOVERY].invoke(adopt).await.expect("it is adopted");
    protects(&mut stage, PRIMARY).await;
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_journal_moves_nothing_until_a_person_has_spoken() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    stage.regions.inner().table_ids[RECOVERY] = "restored".to_owned();
    stage.pass(MINUTES).await;
    lose(&mut stage, PRIMARY).await;
    stage.idle(HOUR).await;
    assert_eq!(runs_opened(&stage, RECOVERY), 0);
}

#[tokio::test(start_paused = true)]
async fn the_guard_that_serves_looks_at_no_other_side_and_moves_nothing_for_a_person_either() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    stage.pass(MINUTES).await;
    stage.guards[PRIMARY].world.inner().calls.clear();
    stage.idle(HOUR).await;
    let calls = stage.guards[PRIMARY].world.inner().calls.clone();
    assert_eq!(calls.get("alarm_states").copied().unwrap_or_default(), 0, "{calls:?}");
    assert_eq!(calls.get("samples").copied().unwrap_or_default(), 0, "{calls:?}");
    let command = json!({ "command": "failover", "by": "ana", "reason": "a try" });
    let refused = stage.guards[PRIMARY].invoke(command).await.expect_err("it serves already");
    assert!(refused.message.contains("already in us-east-2"), "{}", refused.message);
}

/// What the readiness of a guard says of the protection.
async fn protection(stage: &mut PairStage, side: Side) -> (String, String) {
    let answer = stage.guards[side].invoke(json!({ "command": "readiness" })).await.expect("an answer");
    let checks = answer["checks"].as_array().cloned().unwrap_or_default();
    let check = checks.iter().find(|check| check["name"] == "workload_protected").expect("it is looked at");
    let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
    (text("finding"), text("sentence"))
}

#[tokio::test(start_paused = true)]
async fn readiness_says_whether_somebody_stands_by() {
    let mut stage = beginning(PRIMARY);
    stage.regions.inner().is_parted = true;
    stage.pass(MINUTES).await;
    let (finding, sentence) = protection(&mut stage, RECOVERY).await;
    assert_eq!(
        (finding.as_str(), sentence.as_str()),
        ("not_ready", "The guard in us-west-1 does not know who serves front, and moves nothing.")
    );
    stage.regions.inner().is_parted = false;
    protects(&mut stage, PRIMARY).await;
    let standby = "us-east-2 serves, and us-west-1 is the standby for everything in the plan.";
    for side in Side::BOTH {
        assert_eq!(protection(&mut stage, side).await, ("ready".to_owned(), standby.to_owned()));
    }
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
    stage.pass(HOUR).await;
    let (finding, sentence) = protection(&mut stage, RECOVERY).await;
    assert_eq!(
        (finding.as_str(), sentence.as_str()),
        ("not_ready", "us-west-1 serves front, and nothing stands by for it in us-east-2.")
    );
    stage.set_alive(PRIMARY, true);
    stage.pass(MINUTES).await;
    let (finding, sentence) = protection(&mut stage, PRIMARY).await;
    assert_eq!(finding, "not_ready");
    assert!(
        sentence.starts_with("us-west-1 serves front, and nothing in us-east-2 follows it"),
        "{sentence}"
    );
}

#[tokio::test(start_paused = true)]
async fn alarms_of_its_own_side_are_not_for_a_guard_of_two_and_leave_no_trace() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    let (before, arn) =
        (stage.guards[PRIMARY].state().last_seq, stage.guards[RECOVERY].plan.watched().alarms[0].clone());
    let body = json!({
        "AlarmName": "shop-front-errors", "AlarmArn": arn, "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": stage.guards[PRIMARY].now().to_string(), "Region": "US East (Ohio)",
    });
    let topic = stage.guards[PRIMARY].plan.detection.topics[0].clone();
    let answer = stage.guards[PRIMARY].invoke(sns(&topic, &body)).await;
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(stage.guards[PRIMARY].state().last_seq, before);
    // The one across hears the same message, and weighs it.
    let answer = stage.guards[RECOVERY].invoke(sns(&topic, &body)).await;
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(runs_opened(&stage, RECOVERY), 1);
}

#[tokio::test(start_paused = true)]
async fn status_says_what_both_guards_hold_and_what_is_not_heard() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    let status = stage.guards[RECOVERY].invoke(json!({ "command": "status" })).await.expect("an answer");
    let guards = &status["guards"];
    assert_eq!(guards["own"]["region"], "us-west-1");
    assert_eq!(
        (&guards["own"]["groups"]["front"]["state"], &guards["own"]["groups"]["front"]["term"]),
        (&json!("standby"), &json!(0))
    );
    assert_eq!(guards["other"]["word"]["groups"]["front"]["state"], "active");
    assert_eq!(guards["other"]["unheard"], json!(null));
    stage.regions.inner().is_parted = true;
    stage.pass(MINUTES).await;
    let status = stage.guards[RECOVERY].invoke(json!({ "command": "status" })).await.expect("an answer");
    let other = &status["guards"]["other"];
    assert!(other["unheard"].as_str().is_some_and(|why| why.contains("no answer within 2 s")), "{other}");
    assert_eq!((&other["word"], &other["last_heard"]), (&json!(null), &json!("10 min ago")));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_stands_by_for_is_told_by_the_guard_that_serves_until_it_is_protected() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
    let told = |stage: &PairStage, side: Side, words: &str| {
        let notices = stage.guards[side].world.inner().subjects.clone();
        notices.iter().filter(|subject| subject.contains(words)).count()
    };
    stage.idle(HOUR).await;
    assert_eq!(told(&stage, RECOVERY, "is not protected"), 1, "{:#?}", sentences(&stage));
    stage.idle(SignedDuration::from_hours(24)).await;
    assert_eq!(told(&stage, RECOVERY, "is not protected"), 2);
    let figure = |stage: &PairStage, side: Side| {
        let samples = stage.guards[side].world.inner().samples.clone();
        samples.iter().rfind(|sample| sample.name == "Attention").map(|sample| sample.value)
    };
    assert_eq!(figure(&stage, RECOVERY), Some(2));
    stage.set_alive(PRIMARY, true);
    stage.pass(MINUTES).await;
    stage.regions.follow_again(PRIMARY);
    protects(&mut stage, RECOVERY).await;
    stage.pass(MINUTES).await;
    assert_eq!(told(&stage, RECOVERY, "is protected again"), 1, "{:#?}", sentences(&stage));
    assert_eq!(figure(&stage, RECOVERY), Some(0));
    assert_eq!(told(&stage, PRIMARY, "is not protected"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_loss_of_what_this_guard_does_not_stand_by_for_is_told() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
    stage.set_alive(PRIMARY, true);
    comes_to_be(&mut stage, PRIMARY, Ownership::Unprotected).await;
    lose(&mut stage, RECOVERY).await;
    stage.idle(HOUR).await;
    let guard = &stage.guards[PRIMARY];
    assert_eq!(runs_opened(&stage, PRIMARY), 0);
    let notices = guard.world.inner().notices.join("\n");
    assert!(
        notices
            .contains("us-west-1 looks lost, and Pilotlight can't move it: group front is unprotected here"),
        "{notices}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_not_protected_refuses_a_failover_with_what_it_is() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    lose(&mut stage, PRIMARY).await;
    is_moved_from(&mut stage, PRIMARY).await;
    stage.set_alive(PRIMARY, true);
    comes_to_be(&mut stage, PRIMARY, Ownership::Unprotected).await;
    let command = json!({ "command": "failover", "by": "ana", "reason": "a try" });
    let refused = stage.guards[PRIMARY].invoke(command).await.expect_err("nothing follows here");
    assert!(refused.message.contains("group front is unprotected in us-east-2"), "{}", refused.message);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_in_its_promotion_leaves_one_owner() {
    let mut stage = beginning(PRIMARY);
    protects(&mut stage, PRIMARY).await;
    lose(&mut stage, PRIMARY).await;
    let begun =
        |states: &Sides<State>| states[RECOVERY].run.as_ref().is_some_and(|run| run.has_begun(Step::Promote));
    assert!(stage.until(HOUR, begun).await);
    assert_eq!(stage.holds(RECOVERY), [(Ownership::Taking, 1)]);
    stage.guards[RECOVERY].kill(Step::Promote);
    // The region comes back in the middle: its guard hears that the group is being taken, and lets it go.
    stage.set_alive(PRIMARY, true);
    comes_to_be(&mut stage, PRIMARY, Ownership::Unprotected).await;
    assert!(stage.until(HOUR, |states| is_over(&states[RECOVERY])).await, "{:#?}", sentences(&stage));
    assert_eq!(stage.holds(RECOVERY), [(Ownership::Active, 1)]);
    assert_eq!(stage.regions.open(PRIMARY), Vec::<Name>::new());
}

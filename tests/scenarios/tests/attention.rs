//! A failover that is needed comes, or people are called until they answer: a veto over evidence that stands, a loss during a
//! hold or a cooldown, an approval that nobody gives, a run that needs an operator, and what can no longer be done.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::attention::{Attention, Matter};
use protocol::command::Step;
use protocol::journal::{Event, Need};
use protocol::name::Name;
use protocol::observation::ProbeAnswer;
use protocol::plan::{Mode, Plan};
use protocol::side::Side;
use protocol::state::Phase;
use scenarios::{GOOD_MINUTES, Stage, awaits_approval, has_begun, is_over, needs_operator};
use serde_json::{Value, json};
use twin::InjectedFault;
use twin::plans::small_plan;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MODES: [Mode; 2] = [Mode::Automatic, Mode::Approve];

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn set_probes(stage: &Stage, answer: &ProbeAnswer) {
    for probe in &stage.plan.detection.sides.primary.probes {
        stage.world.inner().probes.insert(probe.name().clone(), answer.clone());
    }
}

fn bad() -> ProbeAnswer {
    ProbeAnswer::Bad { detail: "status 500".to_owned() }
}

fn notices(stage: &Stage, words: &str) -> Vec<String> {
    stage.world.inner().notices.iter().filter(|notice| notice.contains(words)).cloned().collect()
}

/// Every notice so far, but those about readiness.
fn all(stage: &Stage) -> Vec<String> {
    let inner = stage.world.inner();
    let of_readiness = |notice: &&String| notice.contains(" ready") || notice.contains("The readiness of ");
    inner.notices.iter().filter(|notice| !of_readiness(notice)).cloned().collect()
}

fn promotions(stage: &Stage) -> u32 {
    stage.world.inner().databases.values().map(|database| database.promotions).sum()
}

fn attention(stage: &Stage) -> Attention {
    Attention::of(&stage.state())
}

/// The figures of attention that were sent.
fn figures(stage: &Stage) -> Vec<u64> {
    let inner = stage.world.inner();
    inner.samples.iter().filter(|sample| sample.name == "Attention").map(|sample| sample.value).collect()
}

/// The command of the line that a notice gives for a failover, as `ana` types it.
fn printed(notice: &str) -> Value {
    let from = notice.find(r#"{"command":"failover""#).unwrap_or_else(|| panic!("no line in {notice}"));
    let (fields, _) = notice[from..].split_once(r#","by":"#).expect("the line says who");
    serde_json::from_str(&format!(r#"{fields},"by":"ana"}}"#)).expect("JSON")
}

const OVERRIDE: &str = r#""command":"failover","reason":"users are not served","override_vetoes":true,"by":"#;

#[tokio::test(start_paused = true)]
async fn application_dead_and_database_alive_is_a_question_to_a_person_in_both_modes() {
    for mode in MODES {
        let mut stage = Stage::new(small_plan(mode));
        stage.pass(GOOD_MINUTES).await;
        set_probes(&stage, &bad());
        stage.alarm("ALARM").await.expect("the alarm is taken");
        stage.pass(minutes(5)).await;
        let asked = notices(&stage, "may be down");
        assert_eq!(asked.len(), 1, "{:#?}", all(&stage));
        for words in [
            "alarm shop-front-errors (seen from us-east-2)",
            "probe front-primary (seen from us-west-1)",
            "replica orders still replicates with small lag",
            OVERRIDE,
            "repeats this notice in 15 min",
        ] {
            assert!(asked[0].contains(words), "{words}: {}", asked[0]);
        }
        assert_eq!((attention(&stage), promotions(&stage)), (Attention::Vetoed, 0));
        assert_eq!(all(&stage).len(), 1, "nothing else: {:#?}", all(&stage));
        // At 0, 15, 45, 105 and 225 minutes.
        stage.pass(minutes(240)).await;
        assert_eq!(notices(&stage, "may be down").len(), 5, "{:#?}", all(&stage));
        assert_eq!(all(&stage).len(), 5, "{:#?}", all(&stage));
        assert!(figures(&stage).contains(&1), "the metric follows");
        // It is mended: one note that it is over, and the figure is 0 again.
        set_probes(&stage, &ProbeAnswer::Good);
        stage.alarm("OK").await.expect("the alarm is taken");
        stage.pass(minutes(40)).await;
        assert_eq!(notices(&stage, "Resolved without a failover").len(), 1, "{:#?}", all(&stage));
        assert_eq!(all(&stage).len(), 6, "{:#?}", all(&stage));
        assert_eq!(attention(&stage), Attention::None);
        assert_eq!(figures(&stage).last(), Some(&0));
    }
}

#[tokio::test(start_paused = true)]
async fn database_dead_and_web_answering_from_its_cache_is_a_question_in_both_modes() {
    for mode in MODES {
        let mut stage = Stage::new(small_plan(mode));
        stage.pass(GOOD_MINUTES).await;
        stage.world.inner().primary_lives = false;
        stage.world.inner().probes.insert(Name::from("front-primary"), ProbeAnswer::Good);
        stage.alarm("ALARM").await.expect("the alarm is taken");
        stage.pass(minutes(10)).await;
        let asked = notices(&stage, "may be down");
        assert_eq!(asked.len(), 1, "{:#?}", all(&stage));
        assert!(asked[0].contains("probe front-primary gets good answers"), "{}", asked[0]);
        assert!(asked[0].contains("replica orders (seen from us-west-1)"), "{}", asked[0]);
        assert!(asked[0].contains(r#""override_vetoes":true"#), "{}", asked[0]);
        assert_eq!(promotions(&stage), 0);
        // Whether the source died, or replication broke while it lived on, nobody here can tell: the line says what it costs.
        assert!(asked[0].contains("This line accepts the loss of orders about"), "{}", asked[0]);
        assert!(asked[0].contains("because it may have grown by then."), "{}", asked[0]);
        stage.invoke(printed(&asked[0])).await.expect("taken");
        assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
        assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_of_a_notice_moves_databases_however_long_ago_the_loss_began() {
    for (hours, has_alarm) in [(0, true), (5, true), (0, false)] {
        let mut stage = Stage::new(small_plan(Mode::Automatic));
        stage.pass(GOOD_MINUTES).await;
        let hold = json!({ "command": "hold", "minutes": 600, "by": "ana", "reason": "upgrade" });
        stage.invoke(hold).await.expect("held");
        if has_alarm {
            stage.alarm("ALARM").await.expect("the alarm is taken");
        }
        stage.world.inner().primary_lives = false;
        let lost_at = stage.now();
        stage.pass(SignedDuration::from_hours(hours)).await;
        stage.pass(minutes(20)).await;
        let told = notices(&stage, "no run starts");
        let newest = told.last().expect("people are told");
        assert!(!newest.contains("allow_data_loss"), "what was lost is known: {newest}");
        stage.invoke(printed(newest)).await.expect("taken");
        assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
        assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
        // The time without service counts from the loss, not from the word that ended it.
        let run = stage.state().run.expect("a run");
        let since_loss = run.first_signal_at.duration_since(lost_at);
        assert!(since_loss.abs() <= minutes(2), "{hours} h, {has_alarm}: {since_loss}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_from_a_living_source_counts_from_the_word_that_began_it() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    // An alarm that has stood for an hour, of something that users do not notice.
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.pass(minutes(50)).await;
    let said_at = stage.now();
    let command = json!({ "command": "failover", "reason": "move", "by": "ana", "override_vetoes": true });
    stage.invoke(command).await.expect("taken");
    let run = stage.state().run.expect("a run");
    assert!(run.first_signal_at >= said_at, "{} before {said_at}", run.first_signal_at);
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
}

/// A run that people aborted, and whose scale-out nobody may undo.
async fn stuck_in_its_rollback(mode: Mode) -> Stage {
    let mut stage = Stage::new(small_plan(mode));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, has_begun(Step::Scale)).await);
    stage.pass(minutes(1)).await;
    stage.world.inner().primary_lives = true;
    for _ in 0..2_000 {
        stage.world.fault("resize", InjectedFault::Fails(FailureKind::Denied));
    }
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "it is back" });
    stage.invoke(abort).await.expect("the abort is taken");
    stage.alarm("OK").await.expect("the alarm is taken");
    stage.pass(minutes(30)).await;
    assert_eq!(stage.phase(), "aborting", "{:#?}", stage.sentences());
    stage
}

#[tokio::test(start_paused = true)]
async fn a_loss_while_a_rollback_is_stuck_is_told_and_a_person_can_move_the_same_again() {
    let mut stage = stuck_in_its_rollback(Mode::Approve).await;
    assert_eq!(notices(&stage, "looks lost, but no run starts"), Vec::<String>::new());
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    stage.pass(minutes(3)).await;
    let told = notices(&stage, "looks lost, but no run starts");
    assert_eq!(told.len(), 1, "{:#?}", all(&stage));
    assert!(told[0].contains("is aborted, and its rollback is not complete"), "{}", told[0]);
    stage.world.inner().faults.clear();
    stage.invoke(printed(&told[0])).await.expect("taken over");
    assert_eq!(stage.phase(), "moving");
    assert!(!stage.state().calls.contains_key(&Matter::Undo), "nothing is left to be undone");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
    assert_eq!(attention(&stage), Attention::None, "{:#?}", stage.state().calls);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_taken_over_for_the_same_items_alone() {
    let mut stage = stuck_in_its_rollback(Mode::Approve).await;
    stage.world.inner().primary_lives = false;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.pass(minutes(3)).await;
    apply(&stage, |plan| {
        plan.fleets.clear();
        plan.routes[0].after.retain(|name| name.as_str() != "web");
    });
    let command = json!({ "command": "failover", "reason": "r", "by": "ana" });
    let refused = stage.invoke(command.clone()).await.expect_err("the run moves more than the plan has");
    assert!(refused.message.contains("is under way (aborting)"), "{}", refused.message);
    apply(&stage, |_| ());
    let mut named = command;
    named["routes"] = json!(["front"]);
    stage.invoke(named).await.expect("the route needs all that the run moves");
    assert_eq!(stage.phase(), "moving");
}

/// A minute of 51 seconds: 45 bad ones and 6 good ones.
async fn one_good_answer_in_ten(stage: &mut Stage, cycles: usize) {
    for _ in 0..cycles {
        set_probes(stage, &bad());
        stage.pass(SignedDuration::from_secs(45)).await;
        set_probes(stage, &ProbeAnswer::Good);
        stage.pass(SignedDuration::from_secs(6)).await;
    }
}

fn without_databases(mode: Mode) -> Plan {
    let mut plan = small_plan(mode);
    plan.databases.clear();
    plan.routes.iter_mut().for_each(|route| route.after.retain(|name| name.as_str() != "orders"));
    plan
}

#[tokio::test(start_paused = true)]
async fn one_good_answer_in_ten_is_a_question_that_stands_and_no_mail_a_minute() {
    for (mode, plan) in
        MODES.into_iter().flat_map(|mode| [(mode, small_plan(mode)), (mode, without_databases(mode))])
    {
        let mut stage = Stage::new(plan);
        stage.pass(GOOD_MINUTES).await;
        stage.alarm("ALARM").await.expect("the alarm is taken");
        one_good_answer_in_ten(&mut stage, 60).await;
        let all = all(&stage);
        let asked = notices(&stage, "may be down");
        assert!((3..=4).contains(&asked.len()), "{mode:?}: {all:#?}");
        assert!(asked.iter().all(|notice| notice.contains(OVERRIDE)), "{asked:#?}");
        assert!(all.len() <= 6, "{mode:?}: {} notices in 51 minutes: {all:#?}", all.len());
        assert_eq!(promotions(&stage), 0);
        assert!(
            !notices(&stage, "may be down").is_empty()
                && notices(&stage, "Resolved without a failover").is_empty()
        );
        assert!(attention(&stage) >= Attention::Vetoed, "the question stands although single looks differ");
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_of_the_question_moves_the_workload_also_while_a_run_confirms() {
    let mut stage = Stage::new(without_databases(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    one_good_answer_in_ten(&mut stage, 6).await;
    set_probes(&stage, &bad());
    let confirms = |state: &protocol::state::State| {
        state.active_run().is_some_and(|run| matches!(run.phase, Phase::Confirming { .. }))
    };
    assert!(stage.until(minutes(5), confirms).await, "{:#?}", stage.sentences());
    set_probes(&stage, &ProbeAnswer::Good);
    let command = json!({ "command": "failover", "reason": "users are not served", "by": "ana" });
    let refused = stage.invoke(command.clone()).await;
    assert!(
        refused.is_err_and(|fault| fault.message.contains("override_vetoes")),
        "a veto is no one's to forget"
    );
    let mut command = command;
    command["override_vetoes"] = json!(true);
    stage.invoke(command).await.expect("taken over");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed", "{:#?}", stage.sentences());
    assert_eq!(attention(&stage), Attention::None, "moving answers the question");
}

#[tokio::test(start_paused = true)]
async fn a_glitch_under_a_veto_calls_nobody() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    set_probes(&stage, &bad());
    stage.pass(SignedDuration::from_secs(7)).await;
    set_probes(&stage, &ProbeAnswer::Good);
    stage.pass(minutes(30)).await;
    assert_eq!(notices(&stage, "may be down"), Vec::<String>::new());
    assert_eq!(attention(&stage), Attention::None);
}

#[tokio::test(start_paused = true)]
async fn a_loss_during_a_hold_is_told_at_once_and_again_and_its_release_moves() {
    for mode in MODES {
        let mut stage = Stage::new(small_plan(mode));
        stage.pass(GOOD_MINUTES).await;
        let hold = json!({ "command": "hold", "minutes": 600, "by": "ana", "reason": "upgrade" });
        stage.invoke(hold).await.expect("held");
        stage.alarm("ALARM").await.expect("the alarm is taken");
        stage.world.inner().primary_lives = false;
        stage.pass(minutes(2)).await;
        let told = notices(&stage, "no run starts");
        assert_eq!(told.len(), 1, "{:#?}", all(&stage));
        for words in [
            "us-east-2 looks lost",
            "replica orders (seen from us-west-1)",
            "a hold by ana is in force until",
            "(upgrade)",
            r#""command":"release","by":"#,
            r#""command":"failover","reason":"users are not served","by":"#,
        ] {
            assert!(told[0].contains(words), "{words}: {}", told[0]);
        }
        assert_eq!(attention(&stage), Attention::WaitsForPerson);
        stage.pass(minutes(50)).await;
        assert_eq!(notices(&stage, "no run starts").len(), 3, "{:#?}", all(&stage));
        assert_eq!((stage.phase(), all(&stage).len()), ("no run", 3));
        stage.invoke(json!({ "command": "release", "by": "ana" })).await.expect("released");
        if mode == Mode::Approve {
            assert!(stage.until(HOUR, awaits_approval).await);
            let run = stage.run();
            stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
        }
        assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
        assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1));
        assert!(stage.state().calls.is_empty(), "{:#?}", stage.state().calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_long_after_its_alarm_is_a_question_to_a_person_in_both_modes() {
    for mode in MODES {
        let mut stage = Stage::new(without_databases(mode));
        stage.pass(GOOD_MINUTES).await;
        stage.alarm("ALARM").await.expect("the alarm is taken");
        // Nobody may ask CloudWatch whether it is still so: the word lapses, although the region falls silent later.
        for _ in 0..2_000 {
            stage.world.fault("alarm_states", InjectedFault::Fails(FailureKind::Denied));
        }
        stage.pass(minutes(65)).await;
        stage.world.inner().primary_lives = false;
        stage.pass(minutes(5)).await;
        let told = notices(&stage, "the last message of an alarm is too old to count");
        assert_eq!(told.len(), 1, "{:#?}", all(&stage));
        assert!(
            told[0].contains(r#""command":"failover","reason":"users are not served","by":"#),
            "{}",
            told[0]
        );
        assert_eq!(attention(&stage), Attention::WaitsForPerson);
        let command = json!({ "command": "failover", "reason": "users are not served", "by": "ana" });
        stage.invoke(command).await.expect("taken");
        assert!(stage.until(HOUR, is_over).await);
        assert_eq!((stage.phase(), attention(&stage)), ("completed", Attention::None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_during_a_cooldown_is_told_at_once() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "not now" });
    stage.invoke(abort).await.expect("aborted");
    assert!(stage.until(HOUR, is_over).await);
    stage.pass(minutes(2)).await;
    let told = notices(&stage, "its cooldown lasts until");
    assert_eq!(told.len(), 1, "{:#?}", all(&stage));
    assert!(told[0].contains(r#""command":"acknowledge","run":"#), "{}", told[0]);
    assert_eq!(attention(&stage), Attention::WaitsForPerson);
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_nobody_gives_is_asked_for_again_also_after_it_expired() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let run = stage.run();
    assert_eq!(attention(&stage), Attention::WaitsForPerson);
    stage.pass(minutes(50)).await;
    let again = notices(&stage, "has been awaiting approval");
    assert_eq!(again.len(), 2, "after 15 and 45 minutes: {:#?}", all(&stage));
    let line = format!(r#""command":"approve","run":{run},"by":"#);
    assert!(again.iter().all(|notice| notice.contains(&line)), "{again:#?}");
    stage.pass(minutes(20)).await;
    assert_eq!((stage.phase(), attention(&stage)), ("needs an operator", Attention::NeedsOperator));
    assert_eq!(notices(&stage, "no approval arrived in time").len(), 1);
    stage.pass(SignedDuration::from_hours(12)).await;
    let still = notices(&stage, "has needed an operator");
    assert!((5..=6).contains(&still.len()), "{:#?}", all(&stage));
    assert!(still.iter().all(|notice| notice.contains(&line)), "{still:#?}");
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), attention(&stage)), ("completed", Attention::None));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_needs_an_operator_calls_until_it_is_answered() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.has_room = false;
    }
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await);
    stage.pass(SignedDuration::from_hours(24)).await;
    let again = notices(&stage, "has needed an operator");
    assert!((8..=10).contains(&again.len()), "{} in a day: {again:#?}", again.len());
    assert!(again.iter().all(|notice| notice.contains("step scale of web is past its deadline")));
}

/// The plan as it is, with changes.
fn apply(stage: &Stage, change: impl FnOnce(&mut Plan)) {
    let mut plan = stage.plan.clone();
    change(&mut plan);
    assert_eq!(plan.validate(), vec![]);
    stage.world.inner().plan = serde_json::to_string(&plan).expect("JSON");
}

/// A completed failover whose old primary can't be reached.
async fn moved() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");
    stage
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_renames_a_database_with_an_open_quarantine_is_told_once_with_the_remedy() {
    let mut stage = moved().await;
    apply(&stage, |plan| {
        plan.databases[0].name = Name::from("orders-2");
        plan.routes[0].after = vec![Name::from("orders-2"), Name::from("web")];
    });
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_hours(6)).await;
    let told = notices(&stage, "Pilotlight can't isolate the old primary");
    assert_eq!(told.len(), 1, "{:#?}", all(&stage));
    assert!(told[0].contains("old primary of orders"), "{}", told[0]);
    assert!(told[0].contains("Add it to databases again under that name"), "{}", told[0]);
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    let shown = status["quarantine"].to_string();
    assert!(shown.contains("orders: Pilotlight can't isolate the old primary"), "{shown}");
    // Put back while its region is silent, and taken away once more: that is told again.
    stage.world.inner().primary_lives = false;
    apply(&stage, |_| ());
    stage.pass(minutes(3)).await;
    assert_eq!(notices(&stage, "The plan has again what it takes").len(), 1, "{:#?}", all(&stage));
    apply(&stage, |plan| {
        plan.databases[0].name = Name::from("orders-3");
        plan.routes[0].after = vec![Name::from("orders-3"), Name::from("web")];
    });
    stage.pass(minutes(3)).await;
    assert_eq!(notices(&stage, "Pilotlight can't isolate the old primary").len(), 2, "{:#?}", all(&stage));
    // Put back, it is carried out.
    stage.world.inner().primary_lives = true;
    apply(&stage, |_| ());
    stage.pass(minutes(3)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_takes_the_group_of_an_open_quarantine_away_is_told_once_with_the_remedy() {
    let mut stage = moved().await;
    // Past the deadline it is known that it was to be cut off, though its region never answered.
    stage.pass(minutes(20)).await;
    assert_eq!(notices(&stage, "is not isolated yet").len(), 1, "{:#?}", all(&stage));
    apply(&stage, |plan| *plan.databases[0].quarantine_security_group_mut(Side::Primary) = None);
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_hours(6)).await;
    let told = notices(&stage, "Pilotlight can't isolate the old primary");
    assert_eq!(told.len(), 1, "{:#?}", all(&stage));
    assert!(
        told[0].contains("old primary of orders")
            && told[0].contains("the plan no longer names its quarantine_security_group")
            && told[0].contains("Set its quarantine_security_group again"),
        "{}",
        told[0]
    );
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    let shown = status["quarantine"].to_string();
    assert!(shown.contains("orders: Pilotlight can't isolate the old primary"), "{shown}");
    apply(&stage, |_| ());
    stage.pass(minutes(3)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_never_had_a_group_is_no_lost_quarantine() {
    let mut plan = small_plan(Mode::Automatic);
    *plan.databases[0].quarantine_security_group_mut(Side::Primary) = None;
    let mut stage = Stage::new(plan);
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await);
    stage.pass(SignedDuration::from_hours(6)).await;
    assert_eq!(notices(&stage, "isolate"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_database_whose_name_a_fleet_takes_in_mid_run_is_a_changed_plan() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, has_begun(Step::Fence)).await);
    stage.kill(Step::Fence);
    apply(&stage, |plan| {
        plan.databases.clear();
        let mut fleet = plan.fleets[0].clone();
        fleet.name = Name::from("orders");
        let at = fleet.sides.recovery.as_mut().expect("the plan has it");
        at.group = "shop-orders-recovery".to_owned();
        at.target_groups = vec![at.target_groups[0].replace("shop-web", "shop-orders")];
        plan.fleets.push(fleet);
    });
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let Some(Phase::NeedsOperator { need, .. }) = stage.state().run.map(|run| run.phase) else {
        panic!("it needs an operator")
    };
    assert_eq!(need, Need::PlanChanged { subjects: vec![Name::from("orders")] });
    let told =
        notices(&stage, "the plan no longer contains orders as what the run moves (it is a fleet now)");
    assert_eq!(told.len(), 1, "{:#?}", all(&stage));
    assert!(told[0].contains("add them to the plan again, each as what it was,"), "{}", told[0]);
}

#[tokio::test(start_paused = true)]
async fn an_item_removed_while_it_is_undone_does_not_mail_every_ten_minutes() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    apply(&stage, |plan| {
        plan.fleets.clear();
        plan.routes[0].after.retain(|name| name.as_str() != "web");
    });
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "not needed" });
    stage.invoke(abort).await.expect("the abort is taken");
    stage.pass(SignedDuration::from_hours(24)).await;
    assert_eq!(stage.phase(), "aborting");
    let failures = |quietly: bool| {
        let failed = |event: &Event| matches!(event, Event::StepFailed { step: Step::Restore, quiet, .. } if *quiet == quietly);
        stage.records().iter().filter(|record| failed(&record.event)).count()
    };
    assert!(failures(true) > 100, "it is still tried: {}", failures(true));
    let mails = notices(&stage, "restore of web failed").len();
    assert!((8..=11).contains(&mails), "{mails} mails in a day: {:#?}", all(&stage));
    assert_eq!(attention(&stage), Attention::NeedsOperator);
    assert_eq!(notices(&stage, "looks lost, but no run starts").len(), 10, "{:#?}", all(&stage));
    // Put back, it is undone, and nobody is needed any more but for the loss, which is still there.
    apply(&stage, |_| ());
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences().last());
    assert_eq!(attention(&stage), Attention::None);
    stage.pass(minutes(2)).await;
    let matters: Vec<Matter> = stage.state().calls.into_keys().collect();
    assert_eq!((attention(&stage), matters), (Attention::WaitsForPerson, vec![Matter::CoolingDown]));
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_that_refuses_does_not_mail_every_ten_minutes() {
    let mut stage = moved().await;
    stage.world.inner().primary_lives = true;
    for _ in 0..200 {
        stage.world.fault("old_primary", InjectedFault::Fails(FailureKind::Denied));
    }
    stage.pass(SignedDuration::from_hours(24)).await;
    let mails = notices(&stage, "Step quarantine of orders failed").len();
    assert!((8..=11).contains(&mails), "{mails} mails in a day: {:#?}", all(&stage));
    assert_eq!(attention(&stage), Attention::NeedsOperator);
    stage.world.inner().faults.clear();
    stage.pass(minutes(15)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
    assert_eq!(attention(&stage), Attention::None);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_an_operator_carries_the_request_id_of_the_invocation() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let request = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    let deadline = stage.now().checked_add(minutes(2)).expect("a time");
    let invocation = engine::invocation::Invocation { deadline, request: Some(request.to_owned()) };
    let hold = json!({ "command": "hold", "minutes": 5, "by": "CORP\\nina", "reason": "upgrade" });
    let handler = stage.instance("alarm-handler/1").alarm_handler();
    handler.handle(&hold, invocation.clone()).await.expect("held");
    stage.pass(minutes(2)).await;
    let records = stage.records();
    assert!(matches!(&records[0].event, Event::HoldPlaced { by, .. } if by == "CORP\\nina"), "{records:#?}");
    assert_eq!(records[0].request.as_deref(), Some(request));
    // A tick is nobody's word.
    let handler = stage.instance("alarm-handler/2").alarm_handler();
    handler.handle(&json!({ "command": "tick" }), invocation).await.expect("ticks");
    stage.alarm("ALARM").await.expect("the alarm is taken");
    assert!(stage.records().iter().skip(1).all(|record| record.request.is_none()), "{:#?}", stage.records());
}

#[tokio::test(start_paused = true)]
async fn the_subject_of_a_notice_says_what_it_is_about() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let run = stage.run();
    stage.pass(minutes(16)).await;
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    assert!(stage.until(HOUR, is_over).await);
    let subjects = stage.world.inner().subjects.clone();
    for title in ["awaits approval", "still awaits approval", "is failing over", "completed"] {
        let subject = format!("Pilotlight shop: {title} (run {run})");
        assert!(subjects.contains(&subject), "{subject}: {subjects:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn status_says_what_people_are_called_for() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    assert_eq!(status["attention"]["figure"], 0);
    assert!(stage.until(HOUR, awaits_approval).await);
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    assert_eq!(status["attention"]["figure"], 2, "{status:#}");
    assert_eq!(status["attention"]["calls"][0]["matter"], json!(Matter::Approval));
    assert_eq!(status["attention"]["meaning"], "something waits for a person");
}

#[tokio::test(start_paused = true)]
async fn one_kind_of_evidence_and_no_sign_of_life_is_a_question_to_a_person_in_both_modes() {
    for mode in MODES {
        for flapped_before in [false, true] {
            let mut stage = Stage::new(without_databases(mode));
            stage.pass(GOOD_MINUTES).await;
            if flapped_before {
                for answer in [bad(), ProbeAnswer::Good, bad(), ProbeAnswer::Good, bad(), ProbeAnswer::Good] {
                    set_probes(&stage, &answer);
                    stage.pass(minutes(5)).await;
                }
            }
            // The region is gone before any of its alarms could speak.
            set_probes(&stage, &bad());
            stage.world.inner().primary_lives = false;
            stage.pass(minutes(13)).await;
            assert_eq!(notices(&stage, "may be lost"), Vec::<String>::new());
            stage.pass(minutes(4)).await;
            let asked = notices(&stage, "may be lost");
            assert_eq!(asked.len(), 1, "{mode:?} {flapped_before}: {:#?}", all(&stage));
            for words in [
                "Pilotlight needs two kinds of evidence and has one: probe db (seen from us-west-1) and probe \
                 front-primary",
                "There is no sign of life.",
                r#""command":"failover","reason":"users are not served","by":"#,
                "repeats this notice in 15 min",
            ] {
                assert!(asked[0].contains(words), "{words}: {}", asked[0]);
            }
            assert_eq!((attention(&stage), promotions(&stage)), (Attention::WaitsForPerson, 0));
            stage.pass(SignedDuration::from_hours(22)).await;
            let asked = notices(&stage, "may be lost").len();
            assert!((8..=10).contains(&asked), "{asked} in a day: {:#?}", all(&stage));
            let command = json!({ "command": "failover", "reason": "users are not served", "by": "ana" });
            stage.invoke(command).await.expect("taken");
            assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
            assert_eq!((stage.phase(), attention(&stage)), ("completed", Attention::None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_kind_of_evidence_is_no_question_while_anything_shows_life_and_over_when_it_does() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    set_probes(&stage, &bad());
    stage.pass(HOUR).await;
    assert_eq!(notices(&stage, "may be lost"), Vec::<String>::new(), "its replica replicates");
    let mut stage = Stage::new(without_databases(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    set_probes(&stage, &bad());
    stage.pass(minutes(20)).await;
    assert_eq!(notices(&stage, "may be lost").len(), 1, "{:#?}", all(&stage));
    set_probes(&stage, &ProbeAnswer::Good);
    stage.pass(minutes(20)).await;
    assert_eq!(
        notices(&stage, "has not seen a loss based on one kind of evidence").len(),
        1,
        "{:#?}",
        all(&stage)
    );
    assert_eq!(attention(&stage), Attention::None);
}

#[tokio::test(start_paused = true)]
async fn a_second_kind_of_evidence_takes_the_question_over() {
    let mut stage = Stage::new(without_databases(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    set_probes(&stage, &bad());
    stage.pass(minutes(20)).await;
    assert_eq!(notices(&stage, "may be lost").len(), 1, "{:#?}", all(&stage));
    stage.alarm("ALARM").await.expect("the alarm is taken");
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    stage.pass(minutes(40)).await;
    assert_eq!(notices(&stage, "may be lost").len(), 1, "{:#?}", all(&stage));
    assert_eq!(notices(&stage, "Resolved without a failover"), Vec::<String>::new());
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    assert_eq!(status["attention"]["calls"].as_array().map(Vec::len), Some(1), "{status:#}");
}

#[tokio::test(start_paused = true)]
async fn what_can_no_longer_be_looked_at_does_not_end_a_call() {
    let mut stage = Stage::new(without_databases(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    let hold = json!({ "command": "hold", "minutes": 600, "by": "ana", "reason": "upgrade" });
    stage.invoke(hold).await.expect("held");
    stage.alarm("ALARM").await.expect("the alarm is taken");
    set_probes(&stage, &bad());
    stage.world.inner().primary_lives = false;
    stage.pass(minutes(3)).await;
    assert_eq!(notices(&stage, "no run starts").len(), 1, "{:#?}", all(&stage));
    set_probes(&stage, &ProbeAnswer::Unknown { detail: "its name does not resolve".to_owned() });
    stage.pass(minutes(60)).await;
    assert_eq!(notices(&stage, "Resolved without a failover"), Vec::<String>::new(), "{:#?}", all(&stage));
    let told = notices(&stage, "no run starts");
    assert_eq!(told.len(), 3, "{:#?}", all(&stage));
    assert!(told[2].contains("probe front-primary (seen from us-west-1; last seen "), "{}", told[2]);
    assert!(told[2].contains("its last message is "), "{}", told[2]);
    assert_eq!(attention(&stage), Attention::WaitsForPerson);
    set_probes(&stage, &ProbeAnswer::Good);
    stage.pass(minutes(20)).await;
    assert_eq!(notices(&stage, "Resolved without a failover").len(), 1, "{:#?}", all(&stage));
}

#[tokio::test(start_paused = true)]
async fn a_request_for_an_approval_that_is_one_of_many_is_told_once_it_stands() {
    let mut stage = Stage::new(without_databases(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    // Approvals come and go for hours; people are asked less and less often.
    for _ in 0..60 {
        set_probes(&stage, &bad());
        stage.pass(minutes(5)).await;
        set_probes(&stage, &ProbeAnswer::Good);
        stage.pass(minutes(3)).await;
    }
    let before = all(&stage).len();
    assert!(before <= 30, "{before} in 8 hours: {:#?}", all(&stage));
    set_probes(&stage, &bad());
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    stage.pass(minutes(17)).await;
    let asked = all(&stage);
    let asked: Vec<&String> =
        asked.iter().skip(before).filter(|notice| notice.contains("\"command\":\"approve\"")).collect();
    assert_eq!(asked.len(), 1, "{:#?}", all(&stage));
    stage.pass(minutes(50)).await;
    assert_eq!((stage.phase(), attention(&stage)), ("needs an operator", Attention::NeedsOperator));
}

#[tokio::test(start_paused = true)]
async fn status_shows_no_approval_that_nothing_awaits() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.world.inner().primary_lives = true;
    stage.alarm("OK").await.expect("the alarm is taken");
    assert!(stage.until(HOUR, is_over).await);
    let status = stage.invoke(json!({ "command": "status" })).await.expect("a status");
    assert_eq!(status["attention"]["figure"], 0);
    assert_eq!(status["attention"]["calls"], json!([]), "{status:#}");
}

#[tokio::test(start_paused = true)]
async fn evidence_that_wavers_before_a_closed_gate_is_no_mail_every_other_minute_and_told_once_it_stands() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    // No lag is known of before the loss, so that the gate stays closed.
    stage.world.inner().lag.clear();
    stage.world.inner().primary_lives = false;
    set_probes(&stage, &ProbeAnswer::Good);
    stage.alarm("ALARM").await.expect("the alarm is taken");
    for _ in 0..60 {
        set_probes(&stage, &bad());
        stage.pass(SignedDuration::from_secs(150)).await;
        set_probes(&stage, &ProbeAnswer::Good);
        stage.pass(SignedDuration::from_secs(30)).await;
    }
    let before = all(&stage).len();
    assert!((4..=24).contains(&before), "{before} in 3 hours: {:#?}", all(&stage));
    set_probes(&stage, &bad());
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    stage.pass(minutes(17)).await;
    let now = all(&stage);
    let asked: Vec<&String> =
        now.iter().skip(before).filter(|mail| mail.contains("allow_data_loss")).collect();
    assert_eq!(asked.len(), 1, "{now:#?}");
    assert_eq!((attention(&stage), promotions(&stage)), (Attention::NeedsOperator, 0));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_is_needed_the_figure_goes_out_every_five_minutes() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    for _ in 0..4 {
        let before = figures(&stage).len();
        stage.pass(minutes(5)).await;
        assert_eq!(figures(&stage).len() - before, 1);
    }
    assert!(figures(&stage).iter().all(|figure| *figure == 0));
}

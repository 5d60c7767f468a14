//! Failovers from the first sign to the end, with one thing after the other going wrong.

use protocol::endpoint::Endpoint;
use std::collections::BTreeSet;

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::command::{Step, StepCommand};
use protocol::digest::Digest;
use protocol::journal::Event;
use protocol::name::Name;
use protocol::observation::ProbeAnswer;
use protocol::plan::{Mode, Plan};
use protocol::side::Side;
use protocol::state::Phase;
use protocol::state::holdings::Ownership;
use scenarios::{GOOD_MINUTES, Stage, awaits_approval, has_begun, is_over, needs_operator};
use serde_json::json;
use twin::InjectedFault;

use super::seat::{FROM, SET_OLD, SET_OWN, TO, example_plan, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn assert_moved_once(stage: &Stage) {
    assert_eq!(stage.phase(), "completed", "{:#?}", stage.sentences());
    let inner = stage.world.inner();
    for (name, database) in &inner.databases {
        assert_eq!(database.promotions, 1, "one promotion of {name}");
    }
    for (name, route) in &inner.routes {
        assert_eq!(route.endpoints[FROM], Endpoint::Closed, "the old side of {name} is closed");
        assert!(matches!(route.endpoints[TO], Endpoint::Open(_)), "the own side of {name} is open");
    }
}

async fn automatic_run(break_it: impl AsyncFnOnce(&mut Stage)) -> Stage {
    run_of(small_plan(Mode::Automatic), break_it).await
}

async fn run_of(plan: Plan, break_it: impl AsyncFnOnce(&mut Stage)) -> Stage {
    let mut stage = Stage::new(plan);
    stage.lose_primary().await;
    break_it(&mut stage).await;
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
    stage
}

#[tokio::test(start_paused = true)]
async fn an_automatic_run_moves_everything_and_its_overhead_is_within_the_budget() {
    let stage = automatic_run(async |_| ()).await;
    let Some(Phase::Completed { report, .. }) = stage.state().run.map(|run| run.phase) else {
        panic!("not completed")
    };
    let cloud_ms = 240_000;
    let overhead_ms = report.moving_ms - cloud_ms;
    assert!(overhead_ms <= 2_400, "overhead {overhead_ms} ms: {:#?}", stage.sentences());
    assert_eq!(report.rpo_estimate_ms, Some(400));
}

#[tokio::test(start_paused = true)]
async fn each_record_carries_the_digest_of_the_one_before_it() {
    let records = run_of(example_plan(Mode::Automatic), async |_| ()).await.records();
    let mut before = None;
    for record in &records {
        assert_eq!(record.previous, before, "record {}: {}", record.seq, record.sentence);
        before = Some(Digest::of(&serde_json::to_string(record).expect("JSON")));
    }
    // Several functions wrote them, each of which had read what the others wrote, or was overtaken.
    let writers: BTreeSet<&str> = records.iter().map(|record| record.writer.as_str()).collect();
    assert!(writers.len() > 3, "{writers:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_moved_is_taken_by_one_term_of_the_seats_own() {
    let stage = run_of(example_plan(Mode::Automatic), async |_| ()).await;
    let expected = match TO {
        Side::Primary => 2,
        Side::Recovery => 1,
    };
    for record in stage.records() {
        if let Event::StepIntended { step, term, .. } = record.event {
            let takes = matches!(step, Step::Promote | Step::Open);
            assert_eq!(term, takes.then_some(expected), "{}", record.sentence);
        }
    }
    let end = stage.state();
    let held: BTreeSet<(Ownership, u64)> =
        end.holdings.iter().map(|(_, held)| (held.ownership, held.term)).collect();
    assert_eq!(held, BTreeSet::from([(Ownership::Active, expected)]));
}

#[tokio::test(start_paused = true)]
async fn several_databases_fleets_and_routes_move_in_the_order_of_their_after() {
    let stage = run_of(example_plan(Mode::Automatic), async |_| ()).await;
    let said = stage.sentences();
    let at = |words: &str| said.iter().position(|sentence| sentence.contains(words)).expect(words);
    assert!(at("Step promote is done: orders") < at("Step promote of stock begins"));
    assert!(at("Step promote is done: stock") < at("Step open of"));
}

#[tokio::test(start_paused = true)]
async fn a_run_in_approve_mode_waits_and_goes_on_when_it_is_approved() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_mins(5)).await;
    assert_eq!(stage.phase(), "awaiting approval");
    assert!(stage.world.inner().databases.values().all(|database| database.promotions == 0));
    let run = stage.run();
    let notice =
        stage.world.inner().notices.iter().find(|notice| notice.contains("awaits approval")).cloned();
    let line = format!(
        r#"echo '{{"command":"approve","run":{run},"by":"'"$(whoami | tr '\134\042' '//')"'"}}' | aws lambda invoke"#
    );
    assert!(notice.is_some_and(|notice| notice.contains(&line)), "{:#?}", stage.world.inner().notices);
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_with_a_healthy_primary_moves_nothing_and_says_why() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(stage.phase(), "aborted");
    let said = stage.sentences();
    let why = said.iter().find(|sentence| {
        sentence.starts_with("No failover: the evidence does not show that us-east-2 is lost")
    });
    let why = why.unwrap_or_else(|| panic!("no reason given: {said:#?}"));
    assert!(why.contains("1 of 2 required kinds of evidence"), "{why}");
    assert!(why.contains("veto: replica orders still replicates with small lag"), "{why}");
    assert!(why.contains("veto: probe front-primary gets good answers"), "{why}");
    let inner = stage.world.inner();
    assert_eq!(inner.calls.get("resize"), None);
    assert_eq!(inner.calls.get(SET_OLD), None);
    let runs = inner.records.iter().filter(|record| record.run == Some(record.seq)).count();
    assert_eq!(runs, 1, "a dismissed alarm does not open one run after the other");
}

#[tokio::test(start_paused = true)]
async fn a_lost_region_that_sent_no_alarm_is_found_by_the_tick() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
}

#[tokio::test(start_paused = true)]
async fn one_witness_alone_moves_nothing() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let bad = ProbeAnswer::Bad { detail: "status 503".to_owned() };
    for probe in &stage.plan.watched().probes.clone() {
        stage.world.inner().probes.insert(probe.name().clone(), bad.clone());
    }
    stage.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(stage.phase(), "aborted");
    assert!(stage.world.inner().databases.values().all(|database| database.promotions == 0));
    assert!(stage.records().len() < 40, "a long outage does not fill the journal: {}", stage.records().len());
}

#[tokio::test(start_paused = true)]
async fn a_worker_killed_in_the_middle_of_the_promotion_is_replaced() {
    automatic_run(async |stage| {
        assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
        stage.pass(SignedDuration::from_secs(20)).await;
        assert!(stage.kill(Step::Promote) > 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_worker_killed_once_ends_in_the_same_place() {
    for step in [Step::Confirm, Step::Scale, Step::Fence, Step::Promote, Step::Open, Step::Verify] {
        automatic_run(async |stage| {
            assert!(stage.until(HOUR, has_begun(step)).await, "{step} never began");
            stage.kill(step);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn commands_delivered_three_times_have_one_effect() {
    automatic_run(async |stage| stage.deliveries = 3).await;
}

#[tokio::test(start_paused = true)]
async fn commands_that_come_too_early_or_from_nowhere_have_no_effect() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    for step in [Step::Promote, Step::Fence, Step::Open, Step::Scale, Step::Restore, Step::Unfence] {
        let subject = match step {
            Step::Promote => "orders",
            Step::Scale | Step::Restore => "web",
            _ => "front",
        };
        let subjects = vec![Name::from(subject)];
        stage.start(StepCommand { plan: stage.plan.name.clone(), run: 1, step, subjects });
    }
    stage.pass(SignedDuration::from_mins(2)).await;
    let inner = stage.world.inner();
    for action in ["promote", "resize", SET_OLD, SET_OWN] {
        assert_eq!(inner.calls.get(action), None, "{action}");
    }
    assert!(inner.records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn throttling_timeouts_and_lost_answers_only_cost_time() {
    let actions = ["promote", "look_databases", "look_fleets", "resize", "look_route", SET_OLD, SET_OWN];
    let faults = [
        InjectedFault::Fails(FailureKind::Throttled),
        InjectedFault::Fails(FailureKind::Unreachable),
        InjectedFault::Fails(FailureKind::Unavailable),
        InjectedFault::LosesAnswer,
    ];
    for action in actions {
        for fault in &faults {
            automatic_run(async |stage| {
                for _ in 0..3 {
                    stage.world.fault(action, fault.clone());
                }
            })
            .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_promotion_needs_an_operator_and_goes_on_when_it_is_mended() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.world.fault("promote", InjectedFault::Fails(FailureKind::Denied));
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, needs_operator).await);
    let said = stage.sentences().join("\n");
    assert!(said.contains("promote was denied; allow it in the function's role"), "{said}");
    let run = stage.run();
    let refused = stage.invoke(json!({ "command": "abort", "run": run, "by": "ana", "reason": "no" })).await;
    assert!(refused.is_err_and(|fault| fault.message.contains("has begun a promotion")));
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("resumed");
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
}

#[tokio::test(start_paused = true)]
async fn unknown_lag_stops_at_the_gate_and_passes_with_allow_data_loss() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    stage.world.inner().lag.clear();
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    stage.world.inner().lag.clear();
    let run = stage.run();
    let refused = stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await;
    assert!(refused.is_err_and(|fault| fault.message.contains("allow_data_loss")));
    let approval = json!({ "command": "approve", "run": run, "by": "ana", "allow_data_loss": true });
    stage.invoke(approval).await.expect("approved");
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
}

#[tokio::test(start_paused = true)]
async fn an_abort_before_the_promotion_puts_everything_back() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let run = stage.run();
    let abort =
        json!({ "command": "abort", "run": run, "by": "ana", "reason": "the primary is being mended" });
    stage.invoke(abort).await.expect("aborted");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "aborted");
    let inner = stage.world.inner();
    assert!(inner.fleets.values().all(|fleet| fleet.capacity.desired == 0), "the fleets are small again");
    assert!(inner.databases.values().all(|database| database.promotions == 0));
    assert!(inner.routes.values().all(|route| matches!(route.endpoints[FROM], Endpoint::Open(_))));
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_comes_back_before_the_approval_ends_the_run() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.world.inner().primary_lives = true;
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "aborted");
    assert!(stage.sentences().iter().any(|said| said.contains("us-east-2 shows signs of life")));
}

#[tokio::test(start_paused = true)]
async fn the_old_primary_is_cut_off_when_its_region_returns() {
    let mut stage = automatic_run(async |_| ()).await;
    stage.pass(SignedDuration::from_mins(5)).await;
    assert!(stage.world.inner().databases.values().all(|database| !database.quarantined));
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_mins(3)).await;
    let inner = stage.world.inner();
    assert!(inner.databases.values().all(|database| database.quarantined), "{:#?}", inner.records.last());
    assert!(
        inner.routes.values().all(|route| route.endpoints[FROM] == Endpoint::Closed),
        "the old side stays closed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hold_lets_nothing_start_and_its_release_does() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let hold = json!({ "command": "hold", "minutes": 30, "by": "ana", "reason": "maintenance" });
    stage.invoke(hold).await.expect("held");
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    stage.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(stage.phase(), "no run");
    stage.invoke(json!({ "command": "release", "by": "ana" })).await.expect("released");
    stage.until(HOUR, is_over).await;
    assert_moved_once(&stage);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_journal_starts_nothing_and_tells_someone() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    stage.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
    let answer = stage.invoke(json!({ "command": "tick" })).await;
    assert!(answer.is_err_and(|fault| fault.code == "journal_unreadable"));
    assert!(stage.records().is_empty());
    assert!(stage.world.inner().notices.iter().any(|notice| notice.contains("can't be read")));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_plan_starts_nothing_and_lists_every_problem() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.world.inner().plan = r#"{"schema": 1, "name": "Shop!", "account": "12"}"#.to_owned();
    let answer = stage.invoke(json!({ "command": "tick" })).await;
    let fault = answer.expect_err("an invalid plan is an error");
    assert_eq!(fault.code, "plan_invalid");
    for path in ["name", "account", "regions", "detection", "operator_function"] {
        assert!(fault.message.contains(path), "{path}: {}", fault.message);
    }
    assert!(stage.records().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_capacity_in_the_recovery_region_needs_an_operator_and_opens_nothing() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.has_room = false;
    }
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let said = stage.sentences().join("\n");
    assert!(said.contains("step scale of web is past its deadline"), "{said}");
    let inner = stage.world.inner();
    assert!(inner.routes.values().all(|route| route.endpoints[TO] == Endpoint::Closed));
    assert!(inner.notices.iter().any(|notice| notice.contains("needs an operator")));
}

//! What does looking again within the tick's minute change? How soon the first sign of a loss is seen, and nothing else: CloudWatch
//! is asked as often as before, ticks don't overlap, and a quiet hour is quiet.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ports::FailureKind;
use protocol::journal::Event;
use protocol::plan::{Mode, Plan};
use protocol::words::duration;
use scenarios::{GOOD_MINUTES, Stage, awaits_approval, has_completed};
use serde_json::json;
use twin::InjectedFault;
use twin::plans::{replica_sight, small_plan, witnessed};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn watching(mut plan: Plan, seconds: u32) -> Plan {
    plan.detection.watch_seconds = Some(seconds);
    plan
}

/// Whatever tick is under way ends, and the next one begins.
async fn until_a_tick_begins(stage: &mut Stage) {
    while stage.ticks_under_way() > 0 {
        stage.beat().await;
    }
    while stage.ticks_under_way() == 0 {
        stage.beat().await;
    }
}

/// How long after the loss its first sign is written down, for a loss so long after a tick.
async fn first_sign(watch_seconds: Option<u32>, after: SignedDuration) -> SignedDuration {
    let mut plan = small_plan(Mode::Automatic);
    plan.detection.watch_seconds = watch_seconds;
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage.pass(MINUTE.checked_sub(SignedDuration::from_secs(10)).unwrap() + after).await;
    stage.world.inner().primary_lives = false;
    let lost_at = stage.now();
    let is_sign = |event: &Event| matches!(event, Event::EvidenceSeen { .. });
    while !stage.records().iter().any(|record| is_sign(&record.event)) {
        assert!(stage.now().duration_since(lost_at) < HOUR, "{:#?}", stage.sentences());
        stage.beat().await;
    }
    let seen_at = stage.records().iter().find(|record| is_sign(&record.event)).unwrap().at;
    seen_at.duration_since(lost_at)
}

#[tokio::test(start_paused = true)]
async fn the_first_sign_comes_within_a_watch_and_not_within_a_minute() {
    let seconds = SignedDuration::from_secs;
    for after in [1, 13, 29, 44, 51].map(seconds) {
        let (watched, ticked) = (first_sign(Some(5), after).await, first_sign(None, after).await);
        // The last look of a minute is 5 s and more before the next tick.
        assert!(watched <= seconds(11), "{after:#}: {watched:#}");
        assert!(ticked > seconds(59) - after && ticked >= watched, "{after:#}: {ticked:#} without a watch");
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_moved_away_from_and_dated_by_the_last_good_look() {
    let mut stage = Stage::new(watching(small_plan(Mode::Automatic), 5));
    stage.pass(GOOD_MINUTES).await;
    stage.pass(SignedDuration::from_secs(31)).await;
    stage.alarm("ALARM").await.expect("taken");
    stage.world.inner().primary_lives = false;
    let lost_at = stage.now();
    assert!(stage.until(HOUR, has_completed).await, "{:#?}", stage.sentences());
    let answered_at =
        stage.world.inner().vitals.clone().and_then(|vitals| vitals.answered_at).expect("it answered");
    assert!(answered_at <= lost_at && lost_at.duration_since(answered_at) <= SignedDuration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_hour_costs_looks_and_no_record_and_no_more_of_cloudwatch() {
    let mut calls = Vec::new();
    for plan in [witnessed(small_plan(Mode::Automatic)), watching(witnessed(small_plan(Mode::Automatic)), 5)]
    {
        let mut stage = Stage::new(plan);
        stage.pass(GOOD_MINUTES).await;
        let (records, before) = (stage.records().len(), stage.world.inner().calls.clone());
        stage.pass(HOUR).await;
        assert_eq!(stage.records().len(), records, "{:#?}", stage.sentences());
        let after = stage.world.inner().calls.clone();
        calls.push(move |name: &str| after[name] - before[name]);
    }
    let [ticked, watched] = &calls[..] else { panic!("two hours") };
    for name in ["alarm_states", "samples", "witness"] {
        assert_eq!(watched(name), ticked(name), "{name}");
    }
    // A tick looks, and ten times again.
    let (looks, minutes) = (watched("look_databases"), ticked("look_databases"));
    assert!((10 * minutes..=12 * minutes).contains(&looks), "{looks} looks in {minutes} minutes");
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_comes_early_takes_the_watch_over() {
    let mut stage = Stage::new(watching(small_plan(Mode::Automatic), 5));
    for early in [1, 17, 30, 44].map(SignedDuration::from_secs) {
        stage.pass(GOOD_MINUTES).await;
        until_a_tick_begins(&mut stage).await;
        stage.pass(early).await;
        stage.tick().await;
        stage.pass(SignedDuration::from_secs(6)).await;
        assert_eq!(stage.ticks_under_way(), 1, "the older one has ended, the other goes on: {early:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_before_its_function_does() {
    let mut plan = watching(small_plan(Mode::Automatic), 60);
    for (seconds, timeout, longest) in [(5, 90, 56), (5, 40, 31), (60, 90, 1), (55, 170, 1), (54, 170, 56)] {
        plan.detection.watch_seconds = Some(seconds);
        let mut stage = Stage::new(plan.clone());
        let began_at = stage.now();
        stage.start_tick(began_at.checked_add(SignedDuration::from_secs(timeout)).unwrap());
        // Its own ticks would come in between.
        let lasted = loop {
            stage.clock_passes().await;
            if stage.ticks_under_way() == 0 {
                break stage.now().duration_since(began_at);
            }
        };
        let longest = SignedDuration::from_secs(longest);
        assert!(
            lasted <= longest && lasted > longest - SignedDuration::from_secs(6),
            "{seconds}: {lasted:#}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn status_gives_the_four_times_once_they_are_known() {
    let mut stage = Stage::new(watching(small_plan(Mode::Approve), 5));
    stage.pass(GOOD_MINUTES).await;
    stage.pass(SignedDuration::from_secs(31)).await;
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, |state| state.run.is_some()).await, "{:#?}", stage.sentences());
    stage.alarm("ALARM").await.expect("taken");
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    let run = async |stage: &mut Stage| {
        stage.invoke(json!({ "command": "status" })).await.expect("an answer")["run"].clone()
    };
    let waiting = run(&mut stage).await;
    let unknown = ["detect", "decide", "move", "total"].map(|time| waiting["times"][time].is_null());
    assert_eq!((unknown, waiting["report"].is_null()), ([true; 4], true), "{waiting}");

    let command = json!({ "command": "approve", "run": stage.run(), "by": "ana" });
    stage.invoke(command).await.expect("taken");
    assert!(stage.until(HOUR, has_completed).await, "{:#?}", stage.sentences());
    let over = run(&mut stage).await;
    let ms = |field: &str| over["report"][field].as_i64().unwrap_or_else(|| panic!("{field}: {over}"));
    assert_eq!(ms("total_ms"), ms("detect_ms") + ms("decision_ms") + ms("moving_ms"), "{over}");
    assert!((1..=6_000).contains(&ms("detect_ms")), "a watch of five seconds: {over}");
    let said = |ms: i64| duration(SignedDuration::from_millis(ms));
    let expected = json!({
        "detect": format!("at most {}", said(ms("detect_ms"))),
        "decide": said(ms("decision_ms")),
        "move": said(ms("moving_ms")),
        "total": format!("at most {}", said(ms("total_ms"))),
    });
    assert_eq!(over["times"], expected);
}

/// The looks of a watch, and what else it asked, during one minute from its tick on.
async fn calls_of_a_minute(stage: &mut Stage) -> BTreeMap<&'static str, u64> {
    while stage.ticks_under_way() > 0 {
        stage.beat().await;
    }
    let before = stage.world.inner().calls.clone();
    until_a_tick_begins(stage).await;
    while stage.ticks_under_way() > 0 {
        stage.beat().await;
    }
    let after = stage.world.inner().calls.clone();
    after.into_iter().map(|(name, count)| (name, count - before.get(name).copied().unwrap_or(0))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_witness_that_fails_is_asked_once_a_minute_while_all_is_well() {
    let mut stage = Stage::new(watching(witnessed(small_plan(Mode::Automatic)), 5));
    stage.pass(GOOD_MINUTES).await;
    for _ in 0..50 {
        stage.world.fault("witness", InjectedFault::Fails(FailureKind::Denied));
    }
    let calls = calls_of_a_minute(&mut stage).await;
    assert_eq!((calls["witness"], calls["look_databases"]), (1, 11), "{calls:?}");
}

/// How many runs begin in an hour in which the application is dead and its database lives, idle but for its heartbeats.
async fn runs_of_a_dead_application(watch_seconds: Option<u32>) -> usize {
    let mut plan = witnessed(small_plan(Mode::Automatic));
    plan.limits.lag_seconds_max = 30;
    plan.detection.watch_seconds = watch_seconds;
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage.set_probes(true);
    for _ in 0..720 {
        let now = stage.now();
        for database in &stage.plan.databases {
            let replayed = now.checked_sub(SignedDuration::from_secs(3)).unwrap();
            stage.world.inner().sights.insert(database.name.clone(), replica_sight(now, replayed));
        }
        stage.world.inner().lag.clear();
        stage.pass(SignedDuration::from_secs(5)).await;
    }
    assert!(
        !stage.sentences().iter().any(|sentence| sentence.starts_with("Failover")),
        "{:#?}",
        stage.sentences()
    );
    stage.records().iter().filter(|record| matches!(record.event, Event::RunOpened { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn what_forbids_a_failover_is_asked_again_when_there_is_a_sign() {
    let (ticked, watched) =
        (runs_of_a_dead_application(None).await, runs_of_a_dead_application(Some(5)).await);
    assert!(ticked > 0 && watched <= ticked, "{watched} runs with a watch, {ticked} without");
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_a_run_begins() {
    let mut stage = Stage::new(watching(small_plan(Mode::Approve), 5));
    stage.pass(GOOD_MINUTES).await;
    until_a_tick_begins(&mut stage).await;
    stage.pass(SignedDuration::from_secs(7)).await;
    stage.alarm("ALARM").await.expect("taken");
    assert!(stage.state().active_run().is_some(), "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_secs(6)).await;
    assert_eq!(stage.ticks_under_way(), 0, "the run looks for itself");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_lasts_into_the_next_minute_is_dropped() {
    for (probe_takes, looks, lasts) in [(1, 11, 51), (4, 11, 54), (9, 6, 59), (21, 3, 60)] {
        let mut stage = Stage::new(watching(small_plan(Mode::Automatic), 5));
        stage.world.inner().durations.probe = SignedDuration::from_secs(probe_takes);
        stage.start_tick(stage.now().checked_add(SignedDuration::from_secs(170)).unwrap());
        let began_at = stage.now();
        while stage.ticks_under_way() > 0 {
            stage.clock_passes().await;
        }
        let lasted = stage.now().duration_since(began_at).as_secs();
        let seen = stage.world.inner().calls["look_databases"];
        assert_eq!((seen, lasted), (looks, lasts), "{probe_takes} s");
    }
}

#[tokio::test(start_paused = true)]
async fn vitals_that_cannot_be_read_are_not_overwritten_by_a_watch() {
    let mut stage = Stage::new(watching(small_plan(Mode::Automatic), 5));
    stage.pass(GOOD_MINUTES).await;
    let before = stage.world.inner().vitals.clone().expect("it ticks");
    assert!(!before.lag.is_empty());
    until_a_tick_begins(&mut stage).await;
    stage.pass(SignedDuration::from_secs(7)).await;
    for _ in 0..9 {
        stage.world.fault("load_vitals", InjectedFault::Fails(FailureKind::Throttled));
    }
    stage.pass(SignedDuration::from_secs(20)).await;
    let after = stage.world.inner().vitals.clone().expect("still there");
    assert!(!after.lag.is_empty() && after.ticked_at > before.ticked_at, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn what_flaps_within_the_minute_costs_as_few_records() {
    let mut stage = Stage::new(watching(small_plan(Mode::Automatic), 5));
    stage.pass(GOOD_MINUTES).await;
    let mut hours = Vec::new();
    for _ in 0..6 {
        let (end, before): (Timestamp, usize) =
            (stage.now().checked_add(HOUR).unwrap(), stage.records().len());
        let mut is_bad = false;
        while stage.now() < end {
            is_bad = !is_bad;
            stage.set_probes(is_bad);
            stage.pass(SignedDuration::from_secs(7)).await;
        }
        stage.set_probes(false);
        hours.push(stage.records().len() - before);
    }
    println!("{hours:?} records an hour");
    assert!(hours[4..].iter().all(|records| *records <= 6), "{hours:?} records an hour");
}

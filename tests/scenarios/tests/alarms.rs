//! A failover that is needed comes, however long before the loss the alarm went off: CloudWatch speaks once, so it is asked.
//! And what it no longer says is evidence no more.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::journal::{Event, Rejection};
use protocol::observation::ProbeAnswer;
use protocol::plan::{Mode, Plan};
use protocol::signal::AlarmState;
use protocol::state::State;
use scenarios::{GOOD_MINUTES, Stage, awaits_approval, has_completed, sns};
use serde_json::{Value, json};
use twin::plans::{as_aurora, small_plan};
use twin::{AlarmTwin, InjectedFault};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What a plan may have to tell of a loss beside its alarm and its probes.
#[derive(Clone, Copy, Debug)]
enum Databases {
    None,
    Aurora,
    Rds,
}

const ALL: [Databases; 3] = [Databases::None, Databases::Aurora, Databases::Rds];
const MODES: [Mode; 2] = [Mode::Automatic, Mode::Approve];

fn plan(databases: Databases, mode: Mode) -> Plan {
    let mut plan = small_plan(mode);
    match databases {
        Databases::Rds => {}
        Databases::Aurora => plan.databases.iter_mut().for_each(as_aurora),
        Databases::None => {
            let gone: Vec<_> = plan.databases.drain(..).map(|database| database.name).collect();
            for route in &mut plan.routes {
                route.after.retain(|name| !gone.contains(name));
            }
        }
    }
    assert_eq!(plan.validate(), vec![], "the plan is valid");
    plan
}

/// A failover came by itself, or a person was asked and it came by their word.
async fn comes(stage: &mut Stage) -> bool {
    if stage.plan.mode == Mode::Automatic {
        return stage.until(HOUR, has_completed).await;
    }
    if !stage.until(HOUR, awaits_approval).await {
        return false;
    }
    let approve = json!({ "command": "approve", "run": stage.run(), "by": "ana", "allow_data_loss": true });
    stage.invoke(approve).await.expect("the approval is taken");
    stage.until(HOUR, has_completed).await
}

fn lose(stage: &Stage) {
    stage.world.inner().primary_lives = false;
}

async fn a_good_day(plan: Plan) -> Stage {
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage
}

fn alarm_of(stage: &Stage) -> String {
    stage.plan.detection.sides.primary.alarms[0].clone()
}

/// The alarm's data end: CloudWatch says neither ALARM nor OK from now on.
fn data_end(stage: &Stage) {
    stage.world.set_alarm(&alarm_of(stage), AlarmState::InsufficientData);
}

fn said(stage: &Stage, part: &str) -> bool {
    stage.sentences().iter().any(|sentence| sentence.contains(part))
}

#[tokio::test(start_paused = true)]
async fn a_brownout_an_hour_before_the_loss_does_not_use_the_alarm_up() {
    for databases in ALL {
        for mode in MODES {
            let mut stage = a_good_day(plan(databases, mode)).await;
            stage.alarm("ALARM").await.expect("taken");
            stage.pass(SignedDuration::from_mins(65)).await;
            assert_eq!(stage.phase(), "aborted", "while it lives nothing moves: {databases:?} {mode:?}");
            lose(&stage);
            assert!(comes(&mut stage).await, "{databases:?} {mode:?}: {:#?}", stage.sentences());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_over_the_loss_does_not_use_the_evidence_up() {
    for databases in ALL {
        for mode in MODES {
            let mut stage = a_good_day(plan(databases, mode)).await;
            let hold = json!({ "command": "hold", "minutes": 90, "by": "ana", "reason": "maintenance" });
            stage.invoke(hold).await.expect("taken");
            stage.alarm("ALARM").await.expect("taken");
            lose(&stage);
            stage.pass(SignedDuration::from_mins(89)).await;
            assert_eq!(stage.phase(), "no run", "{databases:?} {mode:?}");
            assert!(comes(&mut stage).await, "{databases:?} {mode:?}: {:#?}", stage.sentences());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_over_the_loss_does_not_use_the_evidence_up() {
    for databases in ALL {
        for mode in MODES {
            let mut plan = plan(databases, mode);
            plan.detection.cooldown_seconds = 2 * 3600;
            let mut stage = a_good_day(plan).await;
            let command =
                json!({ "command": "failover", "by": "ana", "reason": "a try", "override_vetoes": true });
            stage.invoke(command).await.expect("taken");
            let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "no" });
            stage.invoke(abort).await.expect("taken");
            stage.pass(SignedDuration::from_mins(2)).await;
            assert_eq!(stage.phase(), "aborted");
            stage.alarm("ALARM").await.expect("taken");
            lose(&stage);
            stage.pass(SignedDuration::from_mins(117)).await;
            assert_eq!(stage.phase(), "aborted", "{databases:?} {mode:?}");
            assert!(comes(&mut stage).await, "{databases:?} {mode:?}: {:#?}", stage.sentences());
        }
    }
}

/// Whether a failover comes where the alarm's last word lies so many minutes before its region falls silent.
async fn comes_after(minutes: i64) -> bool {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    data_end(&stage);
    stage.pass(SignedDuration::from_mins(minutes)).await;
    lose(&stage);
    stage.until(SignedDuration::from_hours(6), has_completed).await
}

#[tokio::test(start_paused = true)]
async fn a_word_of_59_minutes_before_the_silence_counts() {
    assert!(comes_after(59).await);
}

#[tokio::test(start_paused = true)]
async fn a_word_of_61_minutes_before_the_silence_does_not_count() {
    assert!(!comes_after(61).await);
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_six_hours_keeps_the_alarms_word_and_says_how_old_it_is() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Approve)).await;
    let hold = json!({ "command": "hold", "minutes": 360, "by": "ana", "reason": "maintenance" });
    stage.invoke(hold).await.expect("taken");
    stage.alarm("ALARM").await.expect("taken");
    lose(&stage);
    stage.pass(SignedDuration::from_hours(5)).await;
    let status = stage.invoke(json!({ "command": "status" })).await.expect("answered");
    let evidence = status["evidence"].to_string();
    assert!(
        evidence.contains("its last message is 5 h old, and CloudWatch in us-east-2 has not answered since "),
        "{evidence}"
    );
    assert!(stage.until(SignedDuration::from_hours(2), awaits_approval).await, "{:#?}", stage.sentences());
    assert!(said(&stage, "its last message is 6 h old"), "{:#?}", stage.sentences());
    let silences = |event: &Event| matches!(event, Event::AlarmsSilent { .. } | Event::AlarmsAnswer { .. });
    let written = stage.records().iter().filter(|record| silences(&record.event)).count();
    assert_eq!(written, 1, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_answers_again_with_ok_is_evidence_no_more() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    let hold = json!({ "command": "hold", "minutes": 120, "by": "ana", "reason": "maintenance" });
    stage.invoke(hold).await.expect("taken");
    stage.alarm("ALARM").await.expect("taken");
    lose(&stage);
    stage.pass(SignedDuration::from_mins(90)).await;
    assert_eq!(stage.state().silences.len(), 1, "{:#?}", stage.sentences());
    // Its control plane is back, and its alarm is OK; only what the probes ask for is not.
    {
        let mut inner = stage.world.inner();
        inner.primary_lives = true;
        let bad = ProbeAnswer::Bad { detail: "502".to_owned() };
        let names: Vec<_> =
            stage.plan.detection.sides.primary.probes.iter().map(|probe| probe.name().clone()).collect();
        inner.probes.extend(names.into_iter().map(|name| (name, bad.clone())));
    }
    stage.world.set_alarm(&alarm_of(&stage), AlarmState::Ok);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert!(
        stage.state().silences.is_empty()
            && said(&stage, "CloudWatch reports OK for alarm shop-front-errors")
    );
    assert!(!stage.until(SignedDuration::from_hours(6), has_completed).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_answers_again_and_is_still_red_goes_on_counting() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    let hold = json!({ "command": "hold", "minutes": 180, "by": "ana", "reason": "maintenance" });
    stage.invoke(hold).await.expect("taken");
    stage.alarm("ALARM").await.expect("taken");
    lose(&stage);
    stage.pass(SignedDuration::from_mins(100)).await;
    {
        let mut inner = stage.world.inner();
        inner.primary_lives = true;
        let bad = ProbeAnswer::Bad { detail: "no answer".to_owned() };
        let names: Vec<_> =
            stage.plan.detection.sides.primary.probes.iter().map(|probe| probe.name().clone()).collect();
        inner.probes.extend(names.into_iter().map(|name| (name, bad.clone())));
    }
    stage.pass(SignedDuration::from_mins(75)).await;
    assert!(
        stage.state().silences.is_empty() && said(&stage, "still reports ALARM"),
        "{:#?}",
        stage.sentences()
    );
    assert!(comes(&mut stage).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_standby_region_is_asked_for_all_the_time() {
    let mut plan = plan(Databases::None, Mode::Automatic);
    plan.detection.sides.primary.alarms.retain(|arn| arn.contains(":us-west-1:"));
    let mut stage = a_good_day(plan).await;
    let hold = json!({ "command": "hold", "minutes": 300, "by": "ana", "reason": "maintenance" });
    stage.invoke(hold).await.expect("taken");
    stage.world.set_alarm(&alarm_of(&stage), AlarmState::Alarm);
    lose(&stage);
    stage.pass(SignedDuration::from_mins(299)).await;
    assert!(stage.state().silences.is_empty(), "its region answers all the time");
    assert!(comes(&mut stage).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_whose_message_never_came_is_evidence() {
    for mode in MODES {
        let mut stage = a_good_day(plan(Databases::None, mode)).await;
        stage.world.set_alarm(&alarm_of(&stage), AlarmState::Alarm);
        stage.pass(SignedDuration::from_mins(2)).await;
        assert!(said(&stage, "CloudWatch reports ALARM for alarm shop-front-errors in us-east-2"));
        lose(&stage);
        assert!(comes(&mut stage).await, "{mode:?}: {:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_whose_actions_are_held_back_is_no_evidence_by_being_asked_for() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    let changed_at = stage.now();
    let held_back = Some("suppressed by Alarm".to_owned());
    let twin = AlarmTwin { state: AlarmState::Alarm, changed_at, held_back };
    stage.world.inner().alarms.insert(alarm_of(&stage), twin);
    stage.pass(SignedDuration::from_mins(10)).await;
    assert!(stage.state().evidence.is_empty(), "{:#?}", stage.sentences());
    // Released: from now on it counts.
    stage.world.inner().alarms.values_mut().for_each(|twin| twin.held_back = None);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(stage.state().evidence.len(), 1, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_ok_whose_message_was_lost_is_heard_all_the_same() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    stage.pass(SignedDuration::from_mins(5)).await;
    stage.world.set_alarm(&alarm_of(&stage), AlarmState::Ok);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert!(stage.state().evidence.is_empty(), "{:#?}", stage.sentences());
    lose(&stage);
    assert!(!stage.until(SignedDuration::from_hours(3), has_completed).await, "one kind is not enough");
}

/// The message of a change that lies so many seconds back.
fn late_message(stage: &Stage, seconds_ago: i64) -> Value {
    let changed_at = stage.now().checked_sub(SignedDuration::from_secs(seconds_ago)).expect("a time");
    let body = json!({
        "AlarmName": "late", "AlarmArn": alarm_of(stage), "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": changed_at.to_string(),
    });
    sns(&stage.plan.detection.topics[0], &body)
}

fn put(stage: &Stage, shown: AlarmState, seconds_ago: i64) {
    let changed_at = stage.now().checked_sub(SignedDuration::from_secs(seconds_ago)).expect("a time");
    let twin = AlarmTwin { state: shown, changed_at, held_back: None };
    stage.world.inner().alarms.insert(alarm_of(stage), twin);
}

fn stale(stage: &Stage) -> usize {
    let is_stale = |event: &Event| matches!(event, Event::SignalRejected { reason: Rejection::Stale, .. });
    stage.records().iter().filter(|record| is_stale(&record.event)).count()
}

#[tokio::test(start_paused = true)]
async fn a_late_message_counts_where_cloudwatch_says_that_it_is_still_so() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    put(&stage, AlarmState::Alarm, 900);
    stage.invoke(late_message(&stage, 900)).await.expect("taken");
    assert!(
        said(&stage, "its message arrived 15 min late; CloudWatch confirms that it is still in ALARM"),
        "{:#?}",
        stage.sentences()
    );
    assert_eq!((stale(&stage), stage.state().evidence.len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_message_that_cloudwatch_does_not_confirm_is_rejected() {
    for (state, changed_ago, lives) in [
        (AlarmState::Ok, 600, true),
        (AlarmState::InsufficientData, 600, true),
        // It was OK in between, or the alarm is gone, or nobody answers.
        (AlarmState::Alarm, 600, true),
        (AlarmState::Alarm, 900, false),
    ] {
        let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
        put(&stage, state, changed_ago);
        stage.world.inner().primary_lives = lives;
        stage.invoke(late_message(&stage, 900)).await.expect("taken");
        assert_eq!(stale(&stage), 1, "{state:?} {changed_ago} {lives}: {:#?}", stage.sentences());
        let late = stage.sentences().iter().any(|sentence| sentence.contains("its message arrived"));
        assert!(!late, "{:#?}", stage.sentences());
    }
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.invoke(late_message(&stage, 900)).await.expect("taken");
    assert_eq!((stale(&stage), stage.state().evidence.len()), (1, 0), "an alarm that does not exist");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_late_from_the_plans_limit_on() {
    for (seconds, is_late) in [(300, false), (301, true)] {
        let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
        assert_eq!(stage.plan.detection.signal_age_seconds_max, 300);
        stage.invoke(late_message(&stage, seconds)).await.expect("taken");
        assert_eq!(stale(&stage) == 1, is_late, "{seconds}: {:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_answers_every_other_time_fills_no_journal_and_loses_no_alarm() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    let before = stage.records().len();
    for minute in 0..240 {
        if minute % 2 == 0 {
            stage.world.fault("alarm_states", InjectedFault::Fails(FailureKind::Unreachable));
        }
        stage.pass(SignedDuration::from_mins(1)).await;
    }
    let written = stage.records().len() - before;
    assert!(written <= 4 * 3 * 4 + 10, "{written} records in four hours: {:#?}", stage.sentences());
    lose(&stage);
    assert!(comes(&mut stage).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_red_for_a_day_is_confirmed_four_times_an_hour() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    stage.pass(SignedDuration::from_mins(5)).await;
    let before = stage.records().len();
    stage.pass(SignedDuration::from_hours(24)).await;
    let written = stage.records().len() - before;
    assert!((80..=96).contains(&written), "{written} records");
}

#[tokio::test(start_paused = true)]
async fn a_flapping_alarm_counts_as_it_last_spoke() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    for _ in 0..5 {
        stage.alarm("ALARM").await.expect("taken");
        stage.pass(SignedDuration::from_secs(70)).await;
        stage.alarm("OK").await.expect("taken");
        stage.pass(SignedDuration::from_secs(70)).await;
    }
    assert!(stage.state().evidence.is_empty(), "{:#?}", stage.sentences());
    stage.alarm("ALARM").await.expect("taken");
    stage.pass(SignedDuration::from_mins(70)).await;
    lose(&stage);
    assert!(comes(&mut stage).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_not_allowed_is_no_silence() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    for _ in 0..2_000 {
        stage.world.fault("alarm_states", InjectedFault::Fails(FailureKind::Denied));
    }
    stage.pass(SignedDuration::from_mins(61)).await;
    lose(&stage);
    assert!(!stage.until(SignedDuration::from_hours(2), has_completed).await, "{:#?}", stage.sentences());
    assert!(stage.state().silences.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_word_that_somebody_forged_is_corrected_by_what_cloudwatch_says() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    // OK of a time that has not come yet, while the alarm is red.
    let changed_at = stage.now().checked_add(SignedDuration::from_secs(55)).expect("a time");
    let body = json!({ "AlarmArn": alarm_of(&stage), "NewStateValue": "OK", "StateChangeTime": changed_at.to_string() });
    stage.invoke(sns(&stage.plan.detection.topics[0].clone(), &body)).await.expect("taken");
    assert!(stage.state().evidence.is_empty());
    stage.pass(SignedDuration::from_mins(3)).await;
    assert_eq!(stage.state().evidence.len(), 1, "{:#?}", stage.sentences());
    lose(&stage);
    assert!(comes(&mut stage).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_the_plan_no_longer_lists_is_evidence_no_more() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    stage.pass(SignedDuration::from_mins(3)).await;
    stage.plan.detection.sides.primary.alarms.remove(0);
    stage.world.inner().plan = serde_json::to_string(&stage.plan).expect("JSON");
    stage.pass(SignedDuration::from_mins(2)).await;
    assert!(stage.state().evidence.is_empty(), "{:#?}", stage.sentences());
    assert!(said(&stage, "the plan no longer lists"));
}

#[tokio::test(start_paused = true)]
async fn what_moved_already_keeps_no_alarm_in_the_journal() {
    let mut stage = a_good_day(plan(Databases::None, Mode::Automatic)).await;
    stage.alarm("ALARM").await.expect("taken");
    lose(&stage);
    assert!(comes(&mut stage).await);
    stage.pass(SignedDuration::from_mins(5)).await;
    let before = stage.records().len();
    stage.pass(SignedDuration::from_hours(8)).await;
    let written = stage.records().len() - before;
    assert!(written <= 1, "{written}: {:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_the_plan_lists_no_more_is_evidence_no_more_also_where_it_lists_none() {
    for leaves_another in [true, false] {
        let mut plan = plan(Databases::None, Mode::Approve);
        plan.detection.sides.primary.alarms.truncate(2);
        let mut stage = a_good_day(plan).await;
        let hold = json!({ "command": "hold", "minutes": 600, "by": "ana", "reason": "maintenance" });
        stage.invoke(hold).await.expect("taken");
        stage.alarm("ALARM").await.expect("taken");
        lose(&stage);
        stage.pass(SignedDuration::from_mins(30)).await;
        assert_eq!(stage.state().silences.len(), 1, "its word counts for as long as the silence lasts");
        let mut changed = stage.plan.clone();
        changed.detection.sides.primary.alarms.remove(0);
        if !leaves_another {
            changed.detection.sides.primary.alarms.clear();
        }
        assert_eq!(changed.validate(), vec![]);
        stage.world.inner().plan = serde_json::to_string(&changed).expect("JSON");
        stage.pass(SignedDuration::from_mins(2)).await;
        let alarms = |state: &State| {
            state.evidence.keys().filter(|key| key.kind == protocol::evidence::EvidenceKind::Alarm).count()
        };
        assert_eq!(alarms(&stage.state()), 0, "{leaves_another}: {:#?}", stage.sentences());
    }
}

//! What an alarm or a probe that flaps may cost: records an hour and mails a day, and never a loss that is real. And what
//! strangers' messages may cost.

use jiff::{SignedDuration, Timestamp};
use protocol::journal::{Cause, Event};
use protocol::plan::{Mode, Plan};
use protocol::state::REJECTIONS_MAX;
use scenarios::{GOOD_MINUTES, Stage, has_completed, sns};
use serde_json::json;
use twin::plans::small_plan;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Most mails in a day of flapping.
const MAILS_A_DAY_MAX: usize = 12;

/// What flaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaps {
    Alarm,
    Probes,
}

async fn set(stage: &mut Stage, flaps: Flaps, is_bad: bool) {
    match flaps {
        Flaps::Alarm => drop(stage.alarm(if is_bad { "ALARM" } else { "OK" }).await.expect("taken")),
        Flaps::Probes => stage.set_probes(is_bad),
    }
}

/// Changes every so often, for so long.
async fn flap(stage: &mut Stage, flaps: Flaps, every: SignedDuration, long: SignedDuration) {
    let end = stage.now().checked_add(long).expect("a time");
    let mut is_bad = false;
    while stage.now() < end {
        is_bad = !is_bad;
        set(stage, flaps, is_bad).await;
        stage.pass(every).await;
    }
    set(stage, flaps, false).await;
}

/// Notices, but those about readiness.
fn mails(stage: &Stage) -> Vec<String> {
    let inner = stage.world.inner();
    let of_readiness = |notice: &&String| notice.contains(" ready") || notice.contains("The readiness of ");
    inner.notices.iter().filter(|notice| !of_readiness(notice)).cloned().collect()
}

/// A day of flapping: records an hour once it is known to flap, and mails in all.
async fn cost(flaps: Flaps, every: SignedDuration) -> (usize, Vec<String>) {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    flap(&mut stage, flaps, every, SignedDuration::from_hours(4)).await;
    let before = stage.records().len();
    flap(&mut stage, flaps, every, SignedDuration::from_hours(20)).await;
    let records = stage.records().len() - before;
    (records.div_ceil(20), mails(&stage))
}

#[tokio::test(start_paused = true)]
async fn what_flaps_costs_few_records_an_hour_and_a_dozen_mails_a_day() {
    let seconds = SignedDuration::from_secs;
    // An alarm's own word is always written down: it is said once, and the next thing may be the loss.
    let words_an_hour = |every: SignedDuration| usize::try_from(3_600 / every.as_secs()).expect("a number");
    for (flaps, every, records_max) in [
        (Flaps::Alarm, seconds(60), words_an_hour(seconds(60)) + 6),
        (Flaps::Alarm, seconds(150), words_an_hour(seconds(150)) + 6),
        (Flaps::Probes, seconds(60), 6),
        (Flaps::Probes, seconds(150), 6),
        (Flaps::Probes, seconds(600), 6),
    ] {
        let (records, mails) = cost(flaps, every).await;
        println!("{flaps:?} every {every:#}: {records} records an hour, {} mails a day", mails.len());
        assert!(records <= records_max, "{flaps:?} every {every:#}: {records} records an hour");
        assert!(
            mails.len() <= MAILS_A_DAY_MAX,
            "{flaps:?} every {every:#}: {} mails: {mails:#?}",
            mails.len()
        );
        assert!(!mails.is_empty(), "people hear of it");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_notice_counts_what_was_folded() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    flap(&mut stage, Flaps::Alarm, SignedDuration::from_secs(60), SignedDuration::from_hours(2)).await;
    let said = mails(&stage);
    let counted = said.iter().find(|mail| mail.contains("evidence appeared")).expect("a count");
    assert!(counted.contains("runs ended without a failover since 2027-01-15T"), "{counted}");
}

fn without_databases(mut plan: Plan) -> Plan {
    plan.databases.clear();
    plan.routes.iter_mut().for_each(|route| route.after.retain(|name| name.as_str() != "orders"));
    plan
}

/// When a run began by evidence after a moment, and whether one did.
fn opened_after(stage: &Stage, lost_at: Timestamp) -> Option<SignedDuration> {
    stage
        .records()
        .iter()
        .find(|record| {
            record.at >= lost_at && matches!(record.event, Event::RunOpened { cause: Cause::Evidence, .. })
        })
        .map(|record| record.at.duration_since(lost_at))
}

#[tokio::test(start_paused = true)]
async fn a_real_loss_after_hours_of_flapping_opens_a_run_at_once_and_moves() {
    for (flaps, with_databases) in
        [(Flaps::Alarm, true), (Flaps::Alarm, false), (Flaps::Probes, true), (Flaps::Probes, false)]
    {
        for offset in [1, 7, 31, 59, 95] {
            let plan = small_plan(Mode::Automatic);
            let mut stage = Stage::new(if with_databases { plan } else { without_databases(plan) });
            stage.pass(GOOD_MINUTES).await;
            flap(&mut stage, flaps, SignedDuration::from_secs(60), SignedDuration::from_hours(3)).await;
            stage.pass(SignedDuration::from_secs(offset)).await;
            assert!(stage.state().dismissals.rest_until(stage.now()).is_some(), "it is known to flap");
            // The alarm's word comes ten seconds before the region goes, and is never repeated.
            stage.alarm("ALARM").await.expect("taken");
            stage.pass(SignedDuration::from_secs(10)).await;
            stage.world.inner().probes.retain(|name, _| name.as_str() == "front-recovery");
            stage.world.inner().primary_lives = false;
            let lost_at = stage.now();
            let moved = stage.until(SignedDuration::from_mins(20), has_completed).await;
            assert!(moved, "{flaps:?}, {with_databases}, {offset}: {:#?}", stage.sentences().last());
            let after = opened_after(&stage, lost_at).expect("a run began");
            assert!(
                after <= SignedDuration::from_secs(75),
                "{flaps:?}, {with_databases}, {offset}: {after:#}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_region_whose_probes_alone_are_heard_after_hours_of_flapping_is_found_with_its_replica() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    flap(&mut stage, Flaps::Probes, SignedDuration::from_secs(60), SignedDuration::from_hours(3)).await;
    stage.world.inner().probes.retain(|name, _| name.as_str() == "front-recovery");
    stage.world.inner().primary_lives = false;
    assert!(stage.until(SignedDuration::from_mins(20), has_completed).await, "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn five_hundred_shapes_and_five_hundred_alarms_of_strangers_are_a_few_records() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let topic = stage.plan.detection.topics[0].clone();
    for number in 0..500 {
        let shape = json!({ (format!("k{number}")): number });
        drop(stage.invoke(sns(&topic, &shape)).await);
        let alarm = json!({
            "AlarmName": "x", "AlarmArn": format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:of-strangers-{number}"),
            "NewStateValue": "ALARM", "OldStateValue": "OK", "NewStateReason": "r", "Region": "US East (Ohio)",
            "StateChangeTime": stage.now().to_string(),
        });
        drop(stage.invoke(sns(&topic, &alarm)).await);
    }
    let rejected =
        stage.records().iter().filter(|record| matches!(record.event, Event::SignalRejected { .. })).count();
    assert_eq!(rejected, 2 * REJECTIONS_MAX, "by kind, and not by the sender's words");
    assert!(stage.state().rejected.values().all(|lately| lately.len() <= REJECTIONS_MAX));
    // The limit holds for an hour, and no second longer.
    stage.pass(SignedDuration::from_secs(3_601)).await;
    drop(stage.invoke(sns(&topic, &json!({ "another": 1 }))).await);
    let later =
        stage.records().iter().filter(|record| matches!(record.event, Event::SignalRejected { .. })).count();
    assert_eq!(later, rejected + 1);
    stage.pass(DAY).await;
    assert_eq!(stage.records().len(), later, "and nothing else comes of it");
}

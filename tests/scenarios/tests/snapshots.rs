//! Snapshots by day and night: made, copied and pruned in both regions, whatever dies, fails or moves meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use ports::{Clock, FailureKind};
use protocol::name::Name;
use protocol::plan::{Mode, Tiers};
use protocol::side::Side;
use protocol::snapshots::{SourceKind, Status};
use scenarios::is_over;
use scenarios::scheduled_job::{EVERY, PRIMARY, RECOVERY, ScheduledJob, with_snapshots};
use serde_json::{Value, json};
use twin::InjectedFault;
use twin::plans::{as_aurora, example_plan, small_plan};
use twin::snapshots::Death;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const DAYS: Tiers = Tiers { daily: 3, weekly: 1, monthly: 0 };

/// One database, and one day's four snapshots; three days are kept.
fn small() -> ScheduledJob {
    ScheduledJob::new(with_snapshots(small_plan(Mode::Automatic), DAYS, 2))
}

/// Four days of a hold have gathered more than one pass deletes, and nothing else is due.
async fn gathered(plan: protocol::plan::Plan) -> ScheduledJob {
    let job = ScheduledJob::new(with_snapshots(plan, Tiers { daily: 2, weekly: 0, monthly: 0 }, 2));
    hold(&job, 4 * 24 * 60).await;
    job.pass(DAY * 4 - HOUR).await;
    assert!(job.effects("delete").is_empty());
    job.stage.clock.sleep(Duration::from_hours(2)).await;
    job
}

async fn hold(job: &ScheduledJob, minutes: u32) {
    let hold = json!({ "command": "hold", "minutes": minutes, "reason": "upgrade", "by": "ana" });
    let (handler, deadline) = (job.stage.instance("alarm-handler").alarm_handler(), job.now() + HOUR);
    Box::pin(handler.handle(&hold, deadline)).await.expect("held");
}

fn copies_under_way(job: &ScheduledJob) -> usize {
    let vault = job.snapshots.vault();
    let there = vault.regions[RECOVERY].snapshots.values();
    there.filter(|twin| twin.snapshot.status == Status::Copying).count()
}

/// Nothing was begun, or deleted, twice.
fn assert_nothing_twice(job: &ScheduledJob) {
    let effects = job.effects("");
    let distinct: BTreeSet<&String> = effects.iter().collect();
    assert_eq!(distinct.len(), effects.len(), "{effects:?}");
}

fn texts(answer: &Value, field: &str) -> Vec<String> {
    answer[field]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one.as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_instance_and_an_aurora_cluster_are_kept_side_by_side() {
    let mut plan = example_plan(Mode::Automatic);
    as_aurora(&mut plan.databases[0]);
    let job = ScheduledJob::new(with_snapshots(plan, DAYS, 2));
    job.pass(DAY).await;
    assert_nothing_twice(&job);
    let vault = job.snapshots.vault();
    for region in [PRIMARY, RECOVERY] {
        let good = vault.regions[region].snapshots.values().map(|twin| &twin.snapshot);
        let good = good.filter(|snapshot| snapshot.status == Status::Available);
        let kinds: BTreeSet<SourceKind> = good.map(|snapshot| snapshot.kind).collect();
        assert_eq!(kinds, BTreeSet::from([SourceKind::Instance, SourceKind::Cluster]), "{region}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_the_schedule_makes_copies_and_prunes_in_both_regions() {
    let job = ScheduledJob { every: SignedDuration::from_mins(10), ..small() };
    job.pass(DAY).await;
    // One for the schedule's time before the beginning, and four a day.
    assert_eq!((job.effects("take us-east-2").len(), job.effects("copy us-west-1").len()), (5, 5));
    job.pass(WEEK).await;
    assert_nothing_twice(&job);
    assert_eq!(job.effects("take us-east-2").len(), 1 + 8 * 4);
    assert!(job.effects("take us-west-1").is_empty(), "the replica is never touched");
    for region in [PRIMARY, RECOVERY] {
        let good = job.good(region);
        // The newest of each of three days, and that of the week before the last Sunday may be one of them.
        assert!((3..=4).contains(&good.len()), "{region}: {good:?}");
    }
    assert_eq!(job.good(PRIMARY).last(), job.good(RECOVERY).last());
    // The oldest sample of the last day: six hours between two, twenty minutes to take and fifty to copy one.
    let since = job.now().checked_sub(DAY).expect("a time");
    let worst = |region: &str| {
        let samples = job.samples_since(since);
        let here = samples.iter().filter(|sample| sample.dimensions[2].1 == region);
        here.map(|sample| sample.value).max().expect("samples")
    };
    assert!(worst(PRIMARY) <= 6 * 3600 + 30 * 60, "{}", worst(PRIMARY));
    assert!(worst(RECOVERY) <= 6 * 3600 + 90 * 60, "{}", worst(RECOVERY));
    let names: BTreeSet<_> = job.samples_since(since)[0].dimensions.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Database", "Plan", "Region"].into());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_takes_hours_is_waited_for_by_no_invocation() {
    let job = small();
    job.snapshots.vault().take_lasts = SignedDuration::from_hours(9);
    job.snapshots.vault().copy_lasts = SignedDuration::from_hours(13);
    let began = job.now();
    job.keep().await.expect("begun");
    assert_eq!(job.now(), began, "an invocation takes no time");
    job.pass(WEEK).await;
    assert_nothing_twice(&job);
    assert!(job.good(PRIMARY).len() >= 3 && job.good(RECOVERY).len() >= 3);
    // Never two at once of the same instance, which RDS would refuse.
    assert_eq!(job.effects("take").len(), job.effects("take us-east-2").len());
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_call_it_goes_on_where_it_was() {
    let stood = |job: &ScheduledJob| {
        let good = [PRIMARY, RECOVERY].map(|region| job.good(region).len());
        (job.effects("take").len(), job.effects("copy").len(), good)
    };
    let reference = ScheduledJob::new(with_snapshots(example_plan(Mode::Automatic), DAYS, 2));
    reference.pass(DAY * 3).await;
    let reference = stood(&reference);
    let mut deaths = 0;
    for after_effect in [false, true] {
        let job = ScheduledJob::new(with_snapshots(example_plan(Mode::Automatic), DAYS, 2));
        let end = job.now().checked_add(DAY * 3).expect("a time");
        let mut calls_left = 0;
        while job.now() < end {
            // Every invocation is killed one call later than the one before, until one comes to its end.
            if job.keep_until_killed(Death { calls_left, after_effect }).await {
                deaths += 1;
                calls_left += 1;
            } else {
                calls_left = 0;
                job.stage.clock.sleep(Duration::from_mins(5)).await;
            }
        }
        assert_nothing_twice(&job);
        assert_eq!(stood(&job), reference);
    }
    assert!(deaths > 200, "{deaths}");
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_call_of_one_pass_and_only_that_each_law_still_holds() {
    // A pass with everything in it: two to take, two to copy, three to delete.
    for after_effect in [false, true] {
        for calls_left in 0..12 {
            let job = ScheduledJob::new(with_snapshots(
                example_plan(Mode::Automatic),
                Tiers { daily: 2, weekly: 0, monthly: 0 },
                2,
            ));
            job.pass(DAY * 3).await;
            let newest = [PRIMARY, RECOVERY].map(|region| job.good(region).last().cloned());
            let died = job.keep_until_killed(Death { calls_left, after_effect }).await;
            for (region, newest) in [PRIMARY, RECOVERY].into_iter().zip(newest) {
                let good = job.good(region);
                assert!(
                    newest.is_none_or(|newest| good.contains(&newest)),
                    "{region} after {calls_left} calls, died: {died}"
                );
                assert!(good.len() >= 4, "two of each database: {good:?}");
            }
            job.pass(HOUR * 3).await;
            assert_nothing_twice(&job);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_and_throttled_calls_cost_time_and_nothing_else() {
    let job = small();
    for round in 0..40 {
        for action in ["take", "copy", "delete", "list"] {
            let fault = match round % 4 {
                0 => InjectedFault::LosesAnswer,
                1 => InjectedFault::Fails(FailureKind::Throttled),
                2 => InjectedFault::Fails(FailureKind::Unavailable),
                _ => InjectedFault::Fails(FailureKind::Unreachable),
            };
            job.snapshots.fault(action, fault);
        }
        job.pass(HOUR * 2).await;
    }
    assert_nothing_twice(&job);
    assert!((3..=4).contains(&job.good(PRIMARY).len()), "{:?}", job.good(PRIMARY));
    assert!((3..=4).contains(&job.good(RECOVERY).len()), "{:?}", job.good(RECOVERY));
}

#[tokio::test(start_paused = true)]
async fn the_newest_good_one_survives_a_series_of_failures() {
    let job = small();
    job.pass(WEEK).await;
    let before = [PRIMARY, RECOVERY].map(|region| job.good(region));
    // From now on every snapshot fails, for ten days.
    job.snapshots.vault().spoiled.insert("take", u32::MAX);
    let began = job.now();
    job.pass(DAY * 10).await;
    for (region, before) in [PRIMARY, RECOVERY].into_iter().zip(&before) {
        // Nothing of what was good is gone: the tiers count days that have one, and the last attempt failed.
        assert_eq!(job.good(region), *before, "{region}");
        assert!(before.len() >= 2, "{region}: {before:?}");
    }
    let failed = job.effects("take").len();
    assert!(failed > 200, "it goes on trying: {failed}");
    let left = job.snapshots.vault().regions[PRIMARY].snapshots.len();
    assert!(left < 20, "failed ones do not fill the region up: {left}");
    job.pass(HOUR).await;
    let fault = job.keep().await.expect_err("only a person can help");
    assert!(fault.message.contains("failed 5 times"), "{fault}");
    // The alarm sees it: the age grows, in both regions.
    let oldest = job.samples_since(began).iter().map(|sample| sample.value).max();
    assert!(oldest >= Some(9 * 24 * 3600), "{oldest:?}");
    job.snapshots.vault().spoiled.clear();
    job.pass(DAY).await;
    assert_ne!(job.good(RECOVERY).last(), before[1].last(), "and it is well again by itself");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_failed_is_tried_again_and_never_taken_for_present() {
    let job = small();
    job.snapshots.vault().spoiled.insert("copy", 2);
    job.pass(SignedDuration::from_mins(210)).await;
    let copies = job.effects("copy us-west-1");
    assert_eq!(copies.len(), 3, "{copies:?}");
    assert!(copies[1].ends_with("-2") && copies[2].ends_with("-3"), "{copies:?}");
    let good = job.good(RECOVERY);
    assert!(good.len() == 1 && good[0].ends_with("-3"), "{good:?}");
    let failed = |status: &Status| *status == Status::Failed;
    let there = job.snapshots.vault().regions[RECOVERY]
        .snapshots
        .values()
        .filter(|twin| failed(&twin.snapshot.status))
        .count();
    assert_eq!(there, 2, "they stay to be looked at until the next one");
}

#[tokio::test(start_paused = true)]
async fn it_turns_round_after_a_failover_and_leaves_the_old_snapshots_alone() {
    let mut job = small();
    job.pass(DAY * 2).await;
    let old_primary = job.good(PRIMARY);
    job.stage.lose_primary().await;
    job.snapshots.vault().regions.get_mut(PRIMARY).expect("it").is_lost = true;
    assert!(job.stage.until(HOUR * 2, |state| state.active_run().is_some()).await);
    // While the run is under way nothing of its databases is begun, and nothing is deleted.
    let before = job.effects("").len();
    let answer = job.keep().await.expect("best effort");
    let waits = texts(&answer, "waits");
    assert!(
        waits.iter().any(|wait| wait.starts_with("No snapshot of orders is taken while run")),
        "{waits:?}"
    );
    assert_eq!(job.effects("").len(), before);
    assert!(job.stage.until(HOUR * 2, is_over).await);
    assert!(job.stage.state().holdings.is_active(&Name::new("orders")));
    job.pass(HOUR * 3).await;
    assert_eq!(job.effects("take us-west-1").len(), 1, "the promoted one has its first snapshot at once");
    assert!(job.effects("copy us-east-2").is_empty(), "the old region is lost");
    // Only what is known is said: nothing about the lost region.
    let last = job.now().checked_sub(HOUR).expect("a time");
    assert!(job.samples_since(last).iter().all(|sample| sample.dimensions[2].1 == RECOVERY));
    job.snapshots.vault().regions.get_mut(PRIMARY).expect("it").is_lost = false;
    job.pass(WEEK).await;
    assert_nothing_twice(&job);
    assert!(job.effects("copy us-east-2").len() >= 20, "{}", job.effects("copy us-east-2").len());
    let good = job.good(PRIMARY);
    // Up to the failover the old ones were pruned as ever; since then nobody touched them.
    assert!(
        old_primary.iter().rev().take(2).all(|id| good.contains(id)),
        "{good:?} lack some of {old_primary:?}"
    );
    assert_eq!(job.good(PRIMARY).last(), job.good(RECOVERY).last());
}

#[tokio::test(start_paused = true)]
async fn a_lost_primary_region_blocks_nothing_and_deletes_nothing() {
    let job = small();
    job.pass(DAY * 4).await;
    let before = job.good(RECOVERY);
    job.snapshots.vault().regions.get_mut(PRIMARY).expect("it").is_lost = true;
    let effects = job.effects("").len();
    job.pass(WEEK).await;
    assert_eq!(job.effects("").len(), effects, "{:?}", job.effects("")[effects..].to_vec());
    assert_eq!(job.good(RECOVERY)[..before.len()], before[..]);
    let answer = job.keep().await.expect("no error: it is best effort");
    let waits = texts(&answer, "waits");
    assert!(
        waits[0].starts_with(
            "No snapshot of orders is taken: Pilotlight could not list all snapshots in us-east-2"
        ),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_exactly_what_the_real_one_does_and_does_nothing() {
    let job = ScheduledJob::new(with_snapshots(
        example_plan(Mode::Automatic),
        Tiers { daily: 2, weekly: 0, monthly: 0 },
        2,
    ));
    let mut said = 0;
    for _ in 0..2 * 24 * 4 {
        let before = (job.effects("").len(), job.snapshots.vault().samples.len());
        let dry = job.dry_run().await.expect("a dry run");
        assert_eq!(
            (job.effects("").len(), job.snapshots.vault().samples.len()),
            before,
            "a dry run did something"
        );
        let real = job.keep().await.expect("a real one");
        assert_eq!(texts(&dry, "would"), texts(&real, "done"));
        assert_eq!(dry["waits"], real["waits"]);
        assert_eq!(dry["age_seconds"], real["age_seconds"]);
        // Every sentence names the effect that there was.
        for (sentence, effect) in texts(&real, "done").iter().zip(&job.effects("")[before.0..]) {
            let words: Vec<&str> = effect.split(' ').collect();
            assert!(
                sentence.to_lowercase().starts_with(&format!("{} snapshot {} ", words[0], words[2])),
                "{sentence}: {effect}"
            );
            assert!(sentence.contains(words[1]), "{sentence}: {effect}");
            said += 1;
        }
        job.stage.clock.sleep(EVERY.unsigned_abs()).await;
    }
    assert!(said > 60, "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_deletes_nothing_and_goes_on_taking() {
    let job = small();
    job.pass(DAY * 4).await;
    hold(&job, 10_080).await;
    let deleted = job.effects("delete").len();
    let taken = job.effects("take").len();
    job.pass(DAY * 4).await;
    assert_eq!(job.effects("delete").len(), deleted);
    assert!(job.effects("take").len() >= taken + 15);
    let answer = job.keep().await.expect("an answer");
    let waits = texts(&answer, "waits");
    assert!(waits.iter().any(|wait| wait.contains("a hold by ana is in force until")), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_begins_between_two_deletions_ends_them() {
    let job = gathered(small_plan(Mode::Automatic)).await;
    let dry = job.dry_run().await.expect("a dry run");
    let would = texts(&dry, "would");
    assert!(would.len() == 3 && would.iter().all(|sentence| sentence.starts_with("Delete")), "{dry}");
    let before = job.effects("delete").len();
    // The listings, the metric and each deletion take ten seconds: the hold falls into the first deletion.
    job.snapshots.vault().call_lasts = Duration::from_secs(10);
    let hold = async {
        job.stage.clock.sleep(Duration::from_secs(25)).await;
        hold(&job, 60).await;
    };
    let (answer, ()) = tokio::join!(job.keep(), hold);
    assert_eq!(job.effects("delete").len(), before + 1);
    let put_off = texts(&answer.expect("an answer"), "put_off");
    assert!(
        put_off[0].starts_with("Deletion stopped, 2 stay: a hold by ana is in force until"),
        "{put_off:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_goes_away_between_two_deletions_ends_them_and_is_an_error() {
    let job = gathered(small_plan(Mode::Automatic)).await;
    let before = job.effects("delete").len();
    job.snapshots.vault().call_lasts = Duration::from_secs(10);
    let break_it = async {
        job.stage.clock.sleep(Duration::from_secs(25)).await;
        job.stage.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
    };
    let (answer, ()) = tokio::join!(job.keep(), break_it);
    let fault = answer.expect_err("an error");
    assert!(
        fault.message.starts_with("Deletion stopped, 2 stay: The journal of shop can't be read"),
        "{fault}"
    );
    assert_eq!(job.effects("delete").len(), before + 1);
    assert_eq!(job.stage.world.inner().notices.len(), 1, "somebody is told");
}

#[tokio::test(start_paused = true)]
async fn a_pass_whose_time_is_over_leaves_the_rest_to_the_next() {
    let job = gathered(small_plan(Mode::Automatic)).await;
    let before = job.effects("delete").len();
    job.snapshots.vault().call_lasts = Duration::from_secs(35);
    let answer = job.keep().await.expect("an answer");
    assert_eq!(
        texts(&answer, "put_off"),
        ["The function's time is up; the next invocation handles the remaining 2."]
    );
    assert_eq!(job.effects("delete").len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_journal_nothing_at_all_happens_and_somebody_is_told() {
    let job = small();
    job.stage.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
    let fault = job.keep().await.expect_err("no journal");
    assert_eq!(fault.code, "journal_unreadable");
    assert!(job.effects("").is_empty() && job.snapshots.vault().samples.is_empty());
    assert_eq!(job.stage.world.inner().notices.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_only_a_person_can_help_is_an_error_and_the_rest_is_done() {
    let plan = with_snapshots(example_plan(Mode::Automatic), DAYS, 2);
    let job = ScheduledJob::new(plan);
    job.snapshots.fault("take", InjectedFault::Fails(FailureKind::Denied));
    let fault = job.keep().await.expect_err("denied");
    assert_eq!(fault.code, "snapshots_failed");
    assert!(
        fault.message.starts_with("Not done, take: a fault of the test (Denied): Take snapshot"),
        "{fault}"
    );
    assert_eq!(job.effects("take").len(), 1, "the other database has its own");
    job.snapshots.fault("put", InjectedFault::Fails(FailureKind::Denied));
    job.stage.clock.sleep(Duration::from_mins(30)).await;
    let fault = job.keep().await.expect_err("no metric");
    assert!(fault.message.contains("The ages of the snapshots could not be sent to CloudWatch"), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn many_databases_are_copied_twenty_at_once() {
    let mut plan = small_plan(Mode::Automatic);
    let first = plan.databases[0].clone();
    plan.databases = (0..45)
        .map(|number| {
            let mut database = first.clone();
            database.name = Name::new(format!("db{number}"));
            *database.arn_mut(Side::Primary) = format!("{}{number}", first.arn(Side::Primary));
            *database.arn_mut(Side::Recovery) = format!("{}{number}", first.arn(Side::Recovery));
            database
        })
        .collect();
    plan.routes[0].after.clear();
    let job = ScheduledJob::new(with_snapshots(plan, DAYS, 2));
    for _ in 0..2 * 6 {
        let answer = job.keep().await.expect("no copy is refused");
        assert_eq!(texts(&answer, "put_off"), Vec::<String>::new());
        assert!(copies_under_way(&job) <= 20);
        job.stage.clock.sleep(EVERY.unsigned_abs()).await;
    }
    assert!(job.good(RECOVERY).len() >= 45, "{}", job.good(RECOVERY).len());
}

#[tokio::test(start_paused = true)]
async fn nobody_elses_snapshot_is_ever_touched() {
    let job = small();
    job.pass(DAY).await;
    // Somebody copies one of ours by hand and takes some of our tags along, somebody takes one before an upgrade.
    let by_hand = {
        let mut vault = job.snapshots.vault();
        let region = vault.regions.get_mut(PRIMARY).expect("it");
        let mut twin = region.snapshots.values().next().expect("one").clone();
        twin.snapshot.id = "before-the-upgrade".to_owned();
        twin.snapshot.arn = format!("arn:aws:rds:{PRIMARY}:123456789012:snapshot:before-the-upgrade");
        region.snapshots.insert(twin.snapshot.id.clone(), twin);
        "before-the-upgrade".to_owned()
    };
    job.pass(WEEK).await;
    assert!(job.good(PRIMARY).contains(&by_hand));
    assert!(!job.effects("copy").iter().any(|effect| effect.contains(&by_hand)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_none_is_refused_before_anything_is_read() {
    let job = small();
    for payload in [
        json!({}),
        json!({ "snapshots": "keep", "dry_run": true }),
        json!({ "command": "tick" }),
        json!(null),
    ] {
        let fault = job.invoke(&payload).await.expect_err("refused");
        assert_eq!(fault.code, "bad_request");
    }
    assert!(job.stage.world.inner().calls.is_empty());
    assert!(job.effects("").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_snapshots_lists_nothing() {
    let job = ScheduledJob::new(small_plan(Mode::Automatic));
    job.snapshots.fault("list", InjectedFault::Fails(FailureKind::Denied));
    let answer = job.keep().await.expect("nothing to do");
    assert_eq!(answer["sentence"], "Pilotlight keeps no snapshots: the plan shop has no section snapshots.");
}

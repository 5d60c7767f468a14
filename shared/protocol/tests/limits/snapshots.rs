//! Snapshots: how many copies at once, how many attempts, and when the clock is doubted.

use jiff::{SignedDuration, Timestamp};
use protocol::name::Name;
use protocol::plan::{KeyArns, Mode, Plan, SnapshotPolicy, Tiers};
use protocol::side::{Side, Sides};
use protocol::snapshots::{
    ATTEMPTS_MAX, CLOCK_SLACK, COPIES_UNDER_WAY_MAX, DatabaseSnapshot, Effect, Mark, SnapshotDecision,
    SnapshotListing, SourceKind, Status, decide,
};
use protocol::state::State;

use super::story::plan;

const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// One is due at three o'clock; it is ten.
fn now() -> Timestamp {
    time("2026-11-20T10:00:00Z")
}

fn slot() -> Timestamp {
    time("2026-11-20T03:00:00Z")
}

fn with_snapshots(databases: usize) -> Plan {
    let mut plan = plan(Mode::Approve);
    let pattern = plan.databases[0].clone();
    plan.databases = (0..databases)
        .map(|number| {
            let mut database = pattern.clone();
            database.name = Name::new(format!("orders-{number}"));
            for side in Side::BOTH {
                *database.arn_mut(side) = format!("{}-{number}", pattern.arn(side));
            }
            database
        })
        .collect();
    plan.snapshots = Some(SnapshotPolicy {
        schedule: "cron(0 3 * * ? *)".to_owned(),
        keep: Tiers { daily: 1, weekly: 0, monthly: 0 },
        keep_min: 1,
        deletions_max: 10,
        kms_key_arns: KeyArns::default(),
        except: Vec::new(),
        option_groups: Vec::new(),
    });
    plan
}

/// The snapshot of a database in a region, of a slot and an attempt.
fn snapshot(
    plan: &Plan,
    database: usize,
    region: &str,
    slot: Timestamp,
    attempt: u32,
    status: Status,
) -> DatabaseSnapshot {
    let database = &plan.databases[database];
    let mark = Mark { database: database.name.clone(), source: database.arn(Side::Primary).to_owned(), slot };
    let id = mark.id(&plan.name, attempt);
    DatabaseSnapshot {
        arn: format!("arn:aws:rds:{region}:123456789012:snapshot:{id}"),
        id,
        kind: SourceKind::Instance,
        status,
        is_manual: true,
        is_copy: region == RECOVERY,
        is_encrypted: false,
        taken_at: Some(slot),
        progress_percent: None,
        tags: mark.tags(&plan.name, "shop-snapshot-scheduler"),
    }
}

fn decided(plan: &Plan, primary: Vec<DatabaseSnapshot>, recovery: Vec<DatabaseSnapshot>) -> SnapshotDecision {
    let (primary, recovery) =
        (SnapshotListing::whole(PRIMARY, primary), SnapshotListing::whole(RECOVERY, recovery));
    decide(plan, &State::default(), Sides { primary: &primary, recovery: &recovery }, now())
}

fn count(decision: &SnapshotDecision, is_it: impl Fn(&Effect) -> bool) -> usize {
    decision.actions.iter().filter(|action| is_it(&action.effect)).count()
}

#[test]
fn twenty_copies_are_under_way_into_a_region_and_no_more() {
    for (wanted, begun) in [(19, 19), (20, 20), (21, 20)] {
        let plan = with_snapshots(wanted);
        let good = (0..wanted).map(|number| snapshot(&plan, number, PRIMARY, slot(), 1, Status::Available));
        let decision = decided(&plan, good.collect(), Vec::new());
        assert_eq!(count(&decision, |effect| matches!(effect, Effect::Copy { .. })), begun, "of {wanted}");
    }
    assert_eq!(COPIES_UNDER_WAY_MAX, 20);
}

#[test]
fn copies_that_others_have_under_way_count_too() {
    for (others, begun) in [(19, 1), (20, 0)] {
        let plan = with_snapshots(1);
        let theirs = |number: usize| DatabaseSnapshot {
            id: format!("theirs-{number}"),
            tags: std::collections::BTreeMap::new(),
            ..snapshot(&plan, 0, RECOVERY, slot(), 1, Status::Copying)
        };
        let good = vec![snapshot(&plan, 0, PRIMARY, slot(), 1, Status::Available)];
        let decision = decided(&plan, good, (0..others).map(theirs).collect());
        assert_eq!(
            count(&decision, |effect| matches!(effect, Effect::Copy { .. })),
            begun,
            "beside {others}"
        );
    }
}

#[test]
fn five_attempts_at_a_snapshot_are_made_for_one_time_of_the_schedule() {
    for (failed, taken) in [(4, 1), (5, 0)] {
        let plan = with_snapshots(1);
        let attempt = |number| snapshot(&plan, 0, PRIMARY, slot(), number, Status::Failed);
        let decision = decided(&plan, (1..=failed).map(attempt).collect(), Vec::new());
        assert_eq!(
            count(&decision, |effect| matches!(effect, Effect::Take { .. })),
            taken,
            "{failed} failed"
        );
        assert_eq!(decision.blocked.len(), 1 - taken, "{:?}", decision.blocked);
    }
    assert_eq!(ATTEMPTS_MAX, 5);
}

#[test]
fn five_attempts_at_a_copy_are_made_for_one_snapshot() {
    for (failed, copied) in [(4, 1), (5, 0)] {
        let plan = with_snapshots(1);
        let attempt = |number| snapshot(&plan, 0, RECOVERY, slot(), number, Status::Failed);
        let good = vec![snapshot(&plan, 0, PRIMARY, slot(), 1, Status::Available)];
        let decision = decided(&plan, good, (1..=failed).map(attempt).collect());
        assert_eq!(
            count(&decision, |effect| matches!(effect, Effect::Copy { .. })),
            copied,
            "{failed} failed"
        );
    }
}

#[test]
fn a_snapshot_may_be_of_a_quarter_of_an_hour_from_now_before_the_clock_is_doubted() {
    let limit = SignedDuration::from_mins(15);
    assert_eq!(CLOCK_SLACK, limit);
    for (ahead, is_trusted) in [(limit, true), (limit + SignedDuration::from_secs(1), false)] {
        let plan = with_snapshots(1);
        let at = now().checked_add(ahead).expect("a time");
        let stands = |region| {
            let newest = DatabaseSnapshot {
                taken_at: Some(at),
                ..snapshot(&plan, 0, region, slot(), 1, Status::Available)
            };
            let days = ["2026-11-17T03:00:00Z", "2026-11-18T03:00:00Z", "2026-11-19T03:00:00Z"];
            let old = days.map(|day| snapshot(&plan, 0, region, time(day), 1, Status::Available));
            old.into_iter().chain([newest]).collect::<Vec<_>>()
        };
        let decision = decided(&plan, stands(PRIMARY), stands(RECOVERY));
        let deleted = count(&decision, |effect| matches!(effect, Effect::Delete { .. }));
        assert_eq!(deleted > 0, is_trusted, "{ahead} ahead: {:?} {:?}", decision.blocked, decision.waits);
        assert_eq!(!decision.ages.is_empty(), is_trusted, "an age is not told of a time that has not come");
    }
}

//! What is decided about snapshots in the cases that people will meet, and in which words.

use crate::shapes::{first_primary, first_replica};
use jiff::{SignedDuration, Timestamp};
use protocol::name::Name;
use protocol::plan::{KeyArns, Plan, SnapshotPolicy, Tiers};
use protocol::side::Sides;
use protocol::snapshots::{
    CLOCK_SLACK, DatabaseSnapshot, Effect, Mark, SnapshotDecision, SnapshotListing, SourceKind, Status,
    decide,
};
use protocol::state::holdings::Holdings;
use protocol::state::{Hold, State};

const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";
const SLOT: &str = "2026-11-20T03:00:00Z";
const ID: &str = "pilotlight-shop-orders-20261120t030000z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2026-11-20T10:00:00Z")
}

/// The shop with one database.
fn plan() -> Plan {
    let mut plan = Plan::from_json(include_str!("plans/shop.json")).unwrap();
    plan.databases.truncate(1);
    plan.snapshots = Some(SnapshotPolicy {
        schedule: "cron(0 3 * * ? *)".to_owned(),
        keep: Tiers { daily: 2, weekly: 0, monthly: 0 },
        keep_min: 1,
        deletions_max: 2,
        kms_key_arns: KeyArns::default(),
        except: Vec::new(),
        option_groups: Vec::new(),
    });
    plan
}

/// A good snapshot of the primary, in a region.
fn good(region: &str, slot: &str) -> DatabaseSnapshot {
    of(&first_primary(&plan()), region, slot, 1)
}

fn of(source: &str, region: &str, slot: &str, attempt: u32) -> DatabaseSnapshot {
    let mark = Mark { database: Name::new("orders"), source: source.to_owned(), slot: time(slot) };
    let id = mark.id(&Name::new("shop"), attempt);
    DatabaseSnapshot {
        arn: format!("arn:aws:rds:{region}:123456789012:snapshot:{id}"),
        id,
        kind: SourceKind::Instance,
        status: Status::Available,
        is_manual: true,
        is_copy: false,
        is_encrypted: false,
        taken_at: Some(time(slot) + SignedDuration::from_mins(4)),
        progress_percent: None,
        tags: mark.tags(&Name::new("shop"), "shop-snapshot-scheduler"),
    }
}

fn standing(snapshot: DatabaseSnapshot, status: Status) -> DatabaseSnapshot {
    DatabaseSnapshot { status, ..snapshot }
}

fn seen(primary: Vec<DatabaseSnapshot>, recovery: Vec<DatabaseSnapshot>) -> SnapshotDecision {
    seen_by(&plan(), &State::default(), primary, recovery)
}

fn seen_by(
    plan: &Plan,
    state: &State,
    primary: Vec<DatabaseSnapshot>,
    recovery: Vec<DatabaseSnapshot>,
) -> SnapshotDecision {
    decide(
        plan,
        state,
        Sides {
            primary: &SnapshotListing::whole(PRIMARY, primary),
            recovery: &SnapshotListing::whole(RECOVERY, recovery),
        },
        now(),
    )
}

fn sentences(decision: &SnapshotDecision) -> Vec<&str> {
    decision.actions.iter().map(|action| action.sentence.as_str()).collect()
}

#[test]
fn what_is_due_and_does_not_stand_is_taken_where_the_database_serves() {
    let decision = seen(vec![], vec![]);
    assert_eq!(
        sentences(&decision),
        [format!(
            "Take snapshot {ID} of orders in us-east-2: it has been due since {SLOT}, and there is none yet."
        )]
    );
    assert_eq!(decision.sentence, format!("For the snapshots of shop, last due at {SLOT}: 1 to take."));
    let Effect::Take { source, id, mark } = &decision.actions[0].effect else { panic!("{decision:?}") };
    assert_eq!((source.as_str(), id.as_str()), ("arn:aws:rds:us-east-2:123456789012:db:shop-orders", ID));
    let tags = mark.tags(&plan().name, "shop-snapshot-scheduler@2026/[$LATEST]");
    let expected = [
        ("pilotlight:created-by", "shop-snapshot-scheduler@2026/LATEST"),
        ("pilotlight:database", "orders"),
        ("pilotlight:plan", "shop"),
        ("pilotlight:schedule", SLOT),
        ("pilotlight:source", "arn:aws:rds:us-east-2:123456789012:db:shop-orders"),
    ];
    assert_eq!(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_being_taken_or_copied_is_waited_for_however_long() {
    let taking = DatabaseSnapshot {
        progress_percent: Some(35),
        ..standing(good(PRIMARY, "2026-11-19T03:00:00Z"), Status::Creating)
    };
    let decision = seen(vec![taking], vec![]);
    assert_eq!(decision.actions, []);
    assert_eq!(
        decision.waits,
        ["Snapshot pilotlight-shop-orders-20261119t030000z of orders is being taken in us-east-2 (35 %)."]
    );
    let copying = DatabaseSnapshot { is_copy: true, ..standing(good(RECOVERY, SLOT), Status::Copying) };
    let decision = seen(vec![good(PRIMARY, SLOT)], vec![copying]);
    assert_eq!(decision.actions, []);
    assert_eq!(decision.waits, [format!("Snapshot {ID} of orders is being copied to us-west-1.")]);
    assert!(
        decision.sentence.starts_with("Nothing to do for the snapshots of shop"),
        "{}",
        decision.sentence
    );
}

#[test]
fn a_good_one_is_copied_once_with_its_own_tags_and_none_of_aws() {
    let mut original = good(PRIMARY, SLOT);
    original.tags.insert("aws:cloudformation:stack-name".to_owned(), "shop".to_owned());
    original.tags.insert("team".to_owned(), "orders".to_owned());
    let decision = seen(vec![original], vec![]);
    assert_eq!(
        sentences(&decision),
        [format!(
            "Copy snapshot {ID} of orders from us-east-2 to us-west-1: it is the newest good one, and us-west-1 does not \
             have it."
        )]
    );
    let Effect::Copy { tags, snapshot, .. } = &decision.actions[0].effect else { panic!("{decision:?}") };
    assert_eq!(*snapshot, format!("arn:aws:rds:us-east-2:123456789012:snapshot:{ID}"));
    assert!(tags.keys().all(|key| !key.starts_with("aws:")), "{tags:?}");
    assert_eq!(tags["team"], "orders");
    assert_eq!(tags["pilotlight:taken-at"], "2026-11-20T03:04:00Z");
    assert_eq!(seen(vec![good(PRIMARY, SLOT)], vec![good(RECOVERY, SLOT)]).actions, []);
}

#[test]
fn what_failed_is_tried_again_under_another_name_and_given_up_in_the_end() {
    let failed =
        |region, attempt| standing(of(&first_primary(&plan()), region, SLOT, attempt), Status::Failed);
    let decision = seen(vec![failed(PRIMARY, 1)], vec![]);
    assert_eq!(
        sentences(&decision),
        [format!(
            "Take snapshot {ID}-2 of orders in us-east-2: it has been due since {SLOT}, and one attempt \
             failed."
        )]
    );
    let decision = seen(vec![good(PRIMARY, SLOT)], vec![failed(RECOVERY, 1), failed(RECOVERY, 2)]);
    assert!(
        sentences(&decision)[0].starts_with(&format!("Copy snapshot {ID}-3 ")),
        "{:?}",
        sentences(&decision)
    );
    assert!(sentences(&decision)[0].ends_with("and 2 attempts failed."));
    assert_eq!(decision.actions.len(), 1);
    // Those of a day before are of no use any more.
    let yesterday = standing(good(PRIMARY, "2026-11-19T03:00:00Z"), Status::Failed);
    let decision = seen(vec![yesterday, good(PRIMARY, SLOT)], vec![good(RECOVERY, SLOT)]);
    assert_eq!(
        sentences(&decision),
        [format!(
            "Delete snapshot pilotlight-shop-orders-20261119t030000z of orders from 2026-11-19T03:04:00Z in \
             us-east-2: it failed, and a later attempt for {SLOT} has ended."
        )]
    );
    let five = |region| (1..=5).map(|attempt| failed(region, attempt)).collect::<Vec<_>>();
    let decision = seen(five(PRIMARY), vec![]);
    assert!(
        decision.blocked[0].contains("failed 5 times. Pilotlight does not retry before the next one is due"),
        "{:?}",
        decision.blocked
    );
    let decision = seen(vec![good(PRIMARY, SLOT)], five(RECOVERY));
    assert!(decision.blocked[0].contains("The copy of"), "{:?}", decision.blocked);
}

#[test]
fn while_the_last_attempt_fails_no_good_one_goes_in_either_region_and_what_failed_before_goes() {
    let of_day = |region, day| good(region, &format!("2026-11-{day}T03:00:00Z"));
    let days = |region| (15..=18).map(|day| of_day(region, day)).collect::<Vec<_>>();
    let failed = |day: u32| standing(of_day(PRIMARY, day), Status::Failed);
    let today = |attempt| standing(of(&first_primary(&plan()), PRIMARY, SLOT, attempt), Status::Failed);
    let with = |more: Vec<DatabaseSnapshot>| [days(PRIMARY), more].concat();
    let deletes = |decision: &SnapshotDecision| -> Vec<String> {
        let deletes = decision.actions.iter().filter(|action| matches!(action.effect, Effect::Delete { .. }));
        deletes.map(|action| action.sentence.clone()).collect()
    };
    let stays = |region| {
        format!(
            "No good snapshot of orders (taken from shop-orders) is deleted in {region}: the newest is from \
             2026-11-18T03:04:00Z, and the one for {SLOT} failed."
        )
    };
    let decision = seen(with(vec![failed(19), today(1)]), days(RECOVERY));
    assert_eq!(decision.waits, [stays(PRIMARY), stays(RECOVERY)]);
    assert_eq!(
        deletes(&decision),
        [format!(
            "Delete snapshot pilotlight-shop-orders-20261119t030000z of orders from 2026-11-19T03:04:00Z in \
             us-east-2: it failed, and a later attempt for {SLOT} has ended."
        )]
    );
    // While the next attempt is under way, what failed last stays, and says the same.
    let decision =
        seen(with(vec![failed(19), standing(good(PRIMARY, SLOT), Status::Creating)]), days(RECOVERY));
    assert_eq!(deletes(&decision), Vec::<String>::new());
    assert!(decision.waits.iter().any(|wait| wait.contains("and the one for 2026-11-19T03:00:00Z failed.")));
    // A copy that failed keeps what is where the copies go; the original is good.
    let failed_copy = standing(good(RECOVERY, SLOT), Status::Failed);
    let decision = seen(with(vec![good(PRIMARY, SLOT)]), [days(RECOVERY), vec![failed_copy]].concat());
    let more = "Deletion of one snapshot is postponed: one pass deletes at most 2.";
    assert_eq!(decision.waits, [stays(RECOVERY), more.to_owned()]);
    assert!(deletes(&decision).iter().all(|sentence| sentence.contains(" in us-east-2: ")), "{decision:?}");
    assert_eq!(deletes(&decision).len(), 2);
    // What failed for a time that has not come is the trace of a wrong clock, and keeps nothing.
    let ahead = standing(good(PRIMARY, "2036-11-19T03:00:00Z"), Status::Failed);
    let decision = seen(with(vec![good(PRIMARY, SLOT), ahead]), with(vec![good(RECOVERY, SLOT)]));
    assert_eq!(deletes(&decision).len(), 2, "{decision:?}");
}

#[test]
fn a_snapshot_counts_for_the_day_it_was_due_unless_its_clock_was_wrong() {
    let late = |slot: &str, at: &str| DatabaseSnapshot { taken_at: Some(time(at)), ..good(PRIMARY, slot) };
    // Three nights that a schedule close to midnight puts on two days: two days are kept, and the third night goes.
    let nights = vec![
        late("2026-11-20T00:00:00Z", "2026-11-20T00:00:10Z"),
        late("2026-11-19T23:59:00Z", "2026-11-20T00:01:00Z"),
        late("2026-11-18T23:59:00Z", "2026-11-18T23:59:40Z"),
    ];
    let deleted = |decision: &SnapshotDecision| -> Vec<String> {
        let ids = decision.actions.iter().filter_map(|action| match &action.effect {
            Effect::Delete { id, .. } => Some(id.clone()),
            _ => None,
        });
        ids.collect()
    };
    assert_eq!(deleted(&seen(nights, vec![])), ["pilotlight-shop-orders-20261118t235900z"]);
    let day = |at: &str, lateness: SignedDuration| {
        let slot = time(at) - lateness;
        let snapshot = late(&slot.to_string(), at);
        let own = protocol::snapshots::Own::read(&plan(), PRIMARY, &snapshot).unwrap();
        own.counts_for(time(at)).to_string()
    };
    let hours = SignedDuration::from_hours;
    // A day late at most, and before its time by no more than a clock may be wrong.
    assert_eq!(day("2026-11-20T10:00:00Z", hours(24)), "2026-11-19");
    assert_eq!(day("2026-11-20T10:00:00Z", hours(24) + SignedDuration::from_secs(1)), "2026-11-20");
    assert_eq!(day("2026-11-20T23:50:00Z", -CLOCK_SLACK), "2026-11-21");
    assert_eq!(day("2026-11-20T23:50:00Z", -CLOCK_SLACK - SignedDuration::from_secs(1)), "2026-11-20");
}

#[test]
fn an_encrypted_one_is_copied_under_the_key_of_the_region_it_goes_to_or_not_at_all() {
    let encrypted = DatabaseSnapshot { is_encrypted: true, ..good(PRIMARY, SLOT) };
    let decision = seen(vec![encrypted.clone()], vec![]);
    assert_eq!(decision.actions, []);
    assert_eq!(
        decision.blocked,
        [format!(
            "Snapshot {ID} of orders is not copied to us-west-1: it is encrypted, and a copy needs a key of \
             us-west-1; set snapshots.kms_key_arns.recovery in the plan."
        )]
    );
    let mut plan = plan();
    let key = "arn:aws:kms:us-west-1:123456789012:key/0a1b";
    plan.snapshots.as_mut().unwrap().kms_key_arns.recovery = Some(key.to_owned());
    let decision = seen_by(&plan, &State::default(), vec![encrypted], vec![]);
    let Effect::Copy { kms_key, option_group, .. } = &decision.actions[0].effect else {
        panic!("{decision:?}")
    };
    assert_eq!((kms_key.as_deref(), option_group.as_deref()), (Some(key), None));
}

#[test]
fn after_a_failover_it_turns_round_and_leaves_the_old_ones_alone() {
    let state = State { holdings: Holdings::active(["orders"]), ..State::default() };
    let replica = first_replica(&plan());
    let old =
        |region| (11..=20).map(|day| good(region, &format!("2026-11-{day}T03:00:00Z"))).collect::<Vec<_>>();
    // Ten of the old primary's are in each region, and two days are kept; the promoted one has none yet.
    let decision = seen_by(&plan(), &state, old(PRIMARY), old(RECOVERY));
    assert_eq!(decision.actions.len(), 3, "{:?}", sentences(&decision));
    // The name of the day is taken by the copy of the old primary's snapshot.
    assert_eq!(
        sentences(&decision)[0],
        format!(
            "Take snapshot {ID}-2 of orders in us-west-1: it has been due since {SLOT}, and there is none yet."
        )
    );
    let mut recovery = old(RECOVERY);
    recovery.push(of(&replica, RECOVERY, SLOT, 2));
    let decision = seen_by(&plan(), &state, old(PRIMARY), recovery);
    assert!(
        sentences(&decision)[0]
            .starts_with(&format!("Copy snapshot {ID}-2 of orders from us-west-1 to us-east-2")),
        "{:?}",
        sentences(&decision)
    );
    // Days later the old primary's are as they were: newer ones of it will never come.
    let later = |snapshots: Vec<DatabaseSnapshot>| {
        let at = now() + SignedDuration::from_hours(24 * 10);
        decide(
            &plan(),
            &state,
            Sides {
                primary: &SnapshotListing::whole(PRIMARY, snapshots.clone()),
                recovery: &SnapshotListing::whole(RECOVERY, snapshots),
            },
            at,
        )
    };
    let decision = later(old(PRIMARY));
    assert!(!decision.actions.iter().any(|action| matches!(action.effect, Effect::Delete { .. })));
    assert!(
        decision.waits.iter().any(|wait| wait.contains("and newer ones are overdue")),
        "{:?}",
        decision.waits
    );
}

#[test]
fn what_no_tier_keeps_is_deleted_oldest_first_and_a_few_at_once() {
    let days =
        |region| (16..=20).map(|day| good(region, &format!("2026-11-{day}T03:00:00Z"))).collect::<Vec<_>>();
    let decision = seen(days(PRIMARY), days(RECOVERY));
    let expected = |region| {
        format!(
            "Delete snapshot pilotlight-shop-orders-20261116t030000z of orders from 2026-11-16T03:04:00Z in \
             {region}: it is not one of those kept for 2 days, 0 weeks and 0 months, and at least 1 good ones \
             remain."
        )
    };
    assert_eq!(sentences(&decision), [expected(PRIMARY), expected(RECOVERY)]);
    assert_eq!(decision.waits, ["Deletion of 4 snapshots is postponed: one pass deletes at most 2."]);
}

#[test]
fn a_hold_or_a_gap_deletes_nothing_and_says_so() {
    let days =
        |region| (16..=20).map(|day| good(region, &format!("2026-11-{day}T03:00:00Z"))).collect::<Vec<_>>();
    let hold =
        Hold { by: "ana".to_owned(), reason: "upgrade".to_owned(), until: time("2026-11-20T12:00:00Z") };
    let state = State { hold: Some(hold), ..State::default() };
    let decision = seen_by(&plan(), &state, days(PRIMARY), days(RECOVERY));
    assert_eq!(decision.actions, []);
    assert_eq!(
        decision.waits,
        ["Nothing is deleted, although 6 snapshots could be: a hold by ana is in force until \
             2026-11-20T12:00:00Z: upgrade."]
    );
    let gap = SnapshotListing::gap(PRIMARY, vec![], "no answer within 2 s");
    let decision = {
        let recovery = SnapshotListing::whole(RECOVERY, days(RECOVERY));
        decide(&plan(), &State::default(), Sides { primary: &gap, recovery: &recovery }, now())
    };
    assert_eq!(decision.actions, []);
    assert_eq!(
        decision.waits,
        [
            "No snapshot of orders is taken: Pilotlight could not list all snapshots in us-east-2: no answer \
             within 2 s.",
            "Nothing is deleted, although 3 snapshots could be: Pilotlight could not list all snapshots in \
             us-east-2: no answer within 2 s.",
        ]
    );
    // The age is said of the region that was seen, and of no other.
    let regions: Vec<&str> = decision.ages.iter().map(|age| age.region.as_str()).collect();
    assert_eq!(regions, [RECOVERY]);
}

#[test]
fn the_age_is_that_of_the_newest_good_one_and_missing_where_there_is_none() {
    let decision = seen(
        vec![good(PRIMARY, SLOT), standing(good(PRIMARY, "2026-11-20T09:00:00Z"), Status::Creating)],
        vec![],
    );
    assert_eq!(decision.ages.len(), 1);
    assert_eq!(decision.ages[0].region, PRIMARY);
    assert_eq!(decision.ages[0].age, SignedDuration::from_mins(6 * 60 + 56));
}

#[test]
fn a_wrong_clock_that_was_mended_costs_no_snapshot() {
    // Taken by a clock that was ten years ahead; the service's own time is right.
    let ahead = DatabaseSnapshot {
        taken_at: Some(time("2026-11-19T12:00:00Z")),
        ..good(PRIMARY, "2036-11-19T03:00:00Z")
    };
    let decision = seen(vec![ahead], vec![]);
    assert!(
        sentences(&decision)[0].starts_with(&format!("Take snapshot {ID} ")),
        "{:?}",
        sentences(&decision)
    );
}

#[test]
fn a_database_that_is_left_alone_is_left_alone_altogether() {
    let mut plan = plan();
    plan.snapshots.as_mut().unwrap().except = vec![Name::new("orders")];
    let days = (11..=20).map(|day| good(PRIMARY, &format!("2026-11-{day}T03:00:00Z"))).collect();
    let decision = seen_by(&plan, &State::default(), days, vec![]);
    assert_eq!((decision.actions.len(), decision.waits.len(), decision.ages.len()), (0, 0, 0));
}

#[test]
fn without_a_policy_nothing_is_decided() {
    let plan = Plan { snapshots: None, ..plan() };
    let decision = seen_by(&plan, &State::default(), vec![], vec![]);
    assert_eq!(decision.sentence, "Pilotlight keeps no snapshots: the plan shop has no section snapshots.");
    assert_eq!(decision.actions, []);
}

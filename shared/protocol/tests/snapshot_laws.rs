//! What holds of every decision about snapshots, whatever the regions list, the journal says and the clock shows.

use protocol::side::{Side, Sides};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::journal::{Cause, RunKind, Scope};
use protocol::name::Name;
use protocol::operator::Overrides;
use protocol::plan::{Plan, SnapshotPolicy, Tiers};
use protocol::snapshots::{
    ATTEMPTS_MAX, CLOCK_SLACK, COPIES_UNDER_WAY_MAX, DatabaseSnapshot, Effect, Mark, Own, SnapshotDecision,
    SnapshotListing, SourceKind, Status, decide,
};
use protocol::state::holdings::Holdings;
use protocol::state::{Course, Hold, Phase, Run, State, Steps};

const SHOP: &str = include_str!("plans/shop.json");
const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";
const NOW: &str = "2026-11-20T10:00:00Z";
/// Longer than any list of the generator reaches back.
const TEN_YEARS: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn plan(tiers: Tiers, keep_min: u32, deletions_max: u32) -> Plan {
    let mut plan = Plan::from_json(SHOP).unwrap();
    plan.snapshots = Some(SnapshotPolicy {
        schedule: "cron(0 3 * * ? *)".to_owned(),
        keep: tiers,
        keep_min,
        deletions_max,
        kms_key_arns: protocol::plan::KeyArns::default(),
        except: Vec::new(),
        option_groups: Vec::new(),
    });
    plan
}

fn policy(plan: &Plan) -> &SnapshotPolicy {
    plan.snapshots.as_ref().unwrap()
}

/// How a snapshot of the generator differs from one of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slip {
    None,
    Automated,
    OtherPlan,
    NoTag(usize),
    NameOfAnother,
    ArnOfOtherRegion,
    ArnOfOtherAccount,
    UnknownDatabase,
    OtherSlotThanItsName,
}

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Recipe {
    is_recovery: bool,
    is_stock: bool,
    is_of_replica: bool,
    hours_old: i64,
    attempt: u32,
    status: Status,
    has_time: bool,
    is_copy: bool,
    slip: Slip,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let status = prop_oneof![
        12 => Just(Status::Available),
        2 => Just(Status::Failed),
        1 => Just(Status::Creating),
        1 => Just(Status::Copying),
        1 => Just(Status::Deleting),
        1 => Just(Status::Other("odd".to_owned())),
    ];
    let slip = prop_oneof![
        30 => Just(Slip::None),
        1 => Just(Slip::Automated),
        1 => Just(Slip::OtherPlan),
        1 => (0..5_usize).prop_map(Slip::NoTag),
        1 => Just(Slip::NameOfAnother),
        1 => Just(Slip::ArnOfOtherRegion),
        1 => Just(Slip::ArnOfOtherAccount),
        1 => Just(Slip::UnknownDatabase),
        1 => Just(Slip::OtherSlotThanItsName),
    ];
    let hours = prop_oneof![3 => 0..24_i64, 10 => 0..24 * 60_i64, 3 => 0..24 * 800_i64, 1 => -50..0_i64];
    let what = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.97));
    (what, hours, 1..4_u32, status, any::<bool>(), slip).prop_map(
        |((is_recovery, is_stock, is_of_replica, has_time), hours_old, attempt, status, is_copy, slip)| {
            Recipe {
                is_recovery,
                is_stock,
                is_of_replica,
                hours_old,
                attempt,
                status,
                has_time,
                is_copy,
                slip,
            }
        },
    )
}

fn snapshot(plan: &Plan, recipe: &Recipe) -> DatabaseSnapshot {
    let region = if recipe.is_recovery { RECOVERY } else { PRIMARY };
    let database = &plan.databases[usize::from(recipe.is_stock)];
    let source = database.arn(if recipe.is_of_replica { Side::Recovery } else { Side::Primary });
    let taken_at = now() - SignedDuration::from_hours(recipe.hours_old);
    let mut mark = Mark { database: database.name.clone(), source: source.to_owned(), slot: taken_at };
    if recipe.slip == Slip::UnknownDatabase {
        mark.database = Name::new("ghost");
    }
    let mut id = mark.id(&plan.name, recipe.attempt);
    let mut tags = mark.tags(&plan.name, "shop-snapshot-scheduler");
    match recipe.slip {
        Slip::OtherPlan => drop(tags.insert("pilotlight:plan".to_owned(), "till".to_owned())),
        Slip::NoTag(index) => {
            let key = tags.keys().nth(index).unwrap().clone();
            tags.remove(&key);
        }
        Slip::NameOfAnother => id = format!("before-the-upgrade-{}", recipe.attempt),
        Slip::OtherSlotThanItsName => {
            tags.insert("pilotlight:schedule".to_owned(), "2001-01-01T00:00:00Z".to_owned());
        }
        _ => {}
    }
    let (arn_region, account) = match recipe.slip {
        Slip::ArnOfOtherRegion => ("eu-west-1", "123456789012"),
        Slip::ArnOfOtherAccount => (region, "999999999999"),
        _ => (region, "123456789012"),
    };
    DatabaseSnapshot {
        arn: format!("arn:aws:rds:{arn_region}:{account}:snapshot:{id}"),
        id,
        kind: SourceKind::Instance,
        status: recipe.status.clone(),
        is_manual: recipe.slip != Slip::Automated,
        is_copy: recipe.is_copy,
        is_encrypted: false,
        taken_at: recipe.has_time.then_some(taken_at),
        progress_percent: None,
        tags,
    }
}

/// Both regions, each with snapshots of distinct identifiers.
fn listings(plan: &Plan, recipes: &[Recipe]) -> [SnapshotListing; 2] {
    [(PRIMARY, false), (RECOVERY, true)].map(|(region, is_recovery)| {
        let mut ids = BTreeSet::new();
        let here = recipes.iter().filter(|recipe| recipe.is_recovery == is_recovery);
        let all = here.map(|recipe| snapshot(plan, recipe)).filter(|found| ids.insert(found.id.clone()));
        SnapshotListing::whole(region, all.collect())
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    (0..5_u32, 0..3_u32, 0..3_u32, 1..5_u32, 0..12_u32)
        .prop_map(|(daily, weekly, monthly, least, most)| plan(Tiers { daily, weekly, monthly }, least, most))
}

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    prop::collection::vec(recipe(), 0..60)
}

fn moved(names: &[&str]) -> State {
    State { holdings: Holdings::active(names.iter().copied()), ..State::default() }
}

fn states() -> impl Strategy<Value = State> {
    prop_oneof![Just(moved(&[])), Just(moved(&["orders"])), Just(moved(&["orders", "stock"]))]
}

fn phases() -> impl Strategy<Value = Phase> {
    use protocol::journal::{AbortCause, Need};
    prop_oneof![
        Just(Phase::Confirming { sufficient_since: None }),
        Just(Phase::AwaitingApproval { since: now() }),
        Just(Phase::Moving),
        Just(Phase::NeedsOperator { need: Need::ApprovalExpired {}, since: now() }),
        Just(Phase::Aborting { cause: AbortCause::Evidence }),
    ]
}

fn run(phase: Phase) -> Run {
    Run {
        id: 7,
        last_seq: 9,
        kind: RunKind::Failover,
        scope: Scope { databases: vec![Name::new("orders")], ..Scope::default() },
        cause: Cause::Evidence,
        opened_at: now(),
        first_signal_at: now(),
        is_dated: false,
        phase,
        steps: Steps::default(),
        begun: BTreeSet::new(),
        before: BTreeMap::new(),
        alive_at: None,
        committed_at: None,
        progress_at: now(),
        overrides: Overrides::default(),
        data_loss: Vec::new(),
        vetoes: BTreeSet::new(),
        undo_overdue: false,
        fences_lost: 0,
        fence_unread_at: None,
        course: Course::default(),
    }
}

/// What a decision deletes: region and identifier.
fn deleted(decision: &SnapshotDecision) -> BTreeSet<(String, String)> {
    let of = |action: &protocol::snapshots::Action| match &action.effect {
        Effect::Delete { id, .. } => Some((action.region.clone(), id.clone())),
        _ => None,
    };
    decision.actions.iter().filter_map(of).collect()
}

fn decide_on(plan: &Plan, state: &State, listings: &[SnapshotListing; 2], at: Timestamp) -> SnapshotDecision {
    decide(plan, state, Sides { primary: &listings[0], recovery: &listings[1] }, at)
}

/// The good ones of ours in a region, by database and source.
fn good<'l>(plan: &Plan, listing: &'l SnapshotListing) -> BTreeMap<(Name, String), Vec<Own<'l>>> {
    let mut groups: BTreeMap<(Name, String), Vec<Own<'l>>> = BTreeMap::new();
    for own in protocol::snapshots::own(plan, listing).into_values().flatten().filter(Own::is_good) {
        groups.entry((own.mark.database.clone(), own.mark.source.clone())).or_default().push(own);
    }
    groups
}

/// What a decision leaves of the regions when it is carried out; taken and copied ones are not there yet.
fn after(listings: &[SnapshotListing; 2], decision: &SnapshotDecision) -> [SnapshotListing; 2] {
    let gone = deleted(decision);
    listings.clone().map(|mut listing| {
        let region = listing.region.clone();
        listing.snapshots.retain(|found| !gone.contains(&(region.clone(), found.id.clone())));
        listing
    })
}

proptest! {
    #[test]
    fn t1_the_newest_good_one_of_each_source_and_region_stays(plan in plans(), state in states(), recipes in recipes()) {
        let listings = listings(&plan, &recipes);
        let gone = deleted(&decide_on(&plan, &state, &listings, now()));
        for listing in &listings {
            for group in good(&plan, listing).values() {
                let newest = group.iter().map(|own| own.taken_at).max().unwrap();
                let stays = |own: &Own<'_>| {
                    own.taken_at == newest && !gone.contains(&(listing.region.clone(), own.snapshot.id.clone()))
                };
                prop_assert!(group.iter().any(stays), "{group:?}");
            }
        }
    }

    #[test]
    fn t2_never_fewer_than_keep_min_good_ones_stay(plan in plans(), state in states(), recipes in recipes()) {
        let listings = listings(&plan, &recipes);
        let decision = decide_on(&plan, &state, &listings, now());
        let left = after(&listings, &decision);
        for (before, after) in listings.iter().zip(&left) {
            let after = good(&plan, after);
            for (group, members) in good(&plan, before) {
                let least = members.len().min(policy(&plan).keep_min as usize);
                prop_assert!(after.get(&group).map_or(0, Vec::len) >= least, "{group:?}");
            }
        }
    }

    #[test]
    fn t3_what_is_not_available_changes_nothing_about_what_is_kept(plan in plans(), state in states(), recipes in recipes()) {
        let listings = listings(&plan, &recipes);
        let mut bare = listings.clone();
        for listing in &mut bare {
            listing.snapshots.retain(|found| found.status == Status::Available);
        }
        let generous = Plan { snapshots: Some(SnapshotPolicy { deletions_max: 1_000, ..policy(&plan).clone() }), ..plan.clone() };
        let with = deleted(&decide_on(&generous, &state, &listings, now()));
        let without = deleted(&decide_on(&generous, &state, &bare, now()));
        for listing in &listings {
            for found in listing.snapshots.iter().filter(|found| found.status == Status::Available) {
                let at = (listing.region.clone(), found.id.clone());
                // With the others away it may go (nothing reads it any more), but never only because they are there.
                prop_assert!(!with.contains(&at) || without.contains(&at), "{at:?}");
            }
            for found in listing.snapshots.iter().filter(|found| found.status.is_under_way() || found.status == Status::Deleting) {
                prop_assert!(!with.contains(&(listing.region.clone(), found.id.clone())));
            }
        }
    }

    #[test]
    fn t4_only_what_carries_our_tags_and_name_in_its_own_region_goes(plan in plans(), state in states(), recipes in recipes()) {
        let listings = listings(&plan, &recipes);
        let gone = deleted(&decide_on(&plan, &state, &listings, now()));
        let mut ours = BTreeSet::new();
        for recipe in recipes.iter().filter(|recipe| recipe.slip == Slip::None) {
            ours.insert((if recipe.is_recovery { RECOVERY } else { PRIMARY }.to_owned(), snapshot(&plan, recipe).id));
        }
        prop_assert!(gone.is_subset(&ours), "{gone:?}");
        let listed = listings.iter().flat_map(|listing| {
            listing.snapshots.iter().map(|found| (listing.region.clone(), found.id.clone()))
        });
        prop_assert!(gone.is_subset(&listed.collect()));
    }

    #[test]
    fn t5_a_clock_that_jumps_ten_years_deletes_nothing(plan in plans(), state in states(), recipes in recipes()) {
        // Not older than the generator's oldest day, so that ten years back lies before all of them.
        let listings = listings(&plan, &recipes);
        for at in [now() - TEN_YEARS, now() + TEN_YEARS] {
            let decision = decide_on(&plan, &state, &listings, at);
            prop_assert_eq!(deleted(&decision), BTreeSet::new());
        }
    }

    #[test]
    fn t5_a_good_one_without_a_time_keeps_all_of_its_source_in_its_region(
        plan in plans(), state in states(), recipes in recipes(), which in any::<prop::sample::Index>(),
    ) {
        let mut recipes = recipes;
        prop_assume!(!recipes.is_empty());
        let index = which.index(recipes.len());
        recipes[index] = Recipe { has_time: false, status: Status::Available, slip: Slip::None, ..recipes[index].clone() };
        // First, so that it isn't left out as a second one of the same name.
        recipes.swap(0, index);
        let listings = listings(&plan, &recipes);
        let untimed = snapshot(&plan, &recipes[0]);
        let gone = deleted(&decide_on(&plan, &state, &listings, now()));
        for listing in listings.iter().filter(|listing| (listing.region == RECOVERY) == recipes[0].is_recovery) {
            for found in &listing.snapshots {
                let same = |key: &str| found.tags.get(key) == untimed.tags.get(key);
                if same("pilotlight:source") && same("pilotlight:database") {
                    prop_assert!(!gone.contains(&(listing.region.clone(), found.id.clone())));
                }
            }
        }
    }

    #[test]
    fn t6_a_listing_with_a_gap_deletes_nothing_anywhere(
        plan in plans(), state in states(), recipes in recipes(), which in 0..2_usize, seen in 0..60_usize,
    ) {
        let mut listings = listings(&plan, &recipes);
        listings[which].snapshots.truncate(seen);
        listings[which].gap = Some("the third page timed out".to_owned());
        let decision = decide_on(&plan, &state, &listings, now());
        prop_assert_eq!(deleted(&decision), BTreeSet::new());
        // Nor is anything begun where it can't be seen what there is already.
        let region = &listings[which].region;
        prop_assert!(decision.actions.iter().all(|action| action.region != *region), "{:?}", decision.actions);
    }

    #[test]
    fn t7_no_more_than_the_plan_allows_go_at_once(plan in plans(), state in states(), recipes in recipes()) {
        let listings = listings(&plan, &recipes);
        let decision = decide_on(&plan, &state, &listings, now());
        prop_assert!(deleted(&decision).len() <= policy(&plan).deletions_max as usize);
        let deletes = decision.actions.iter().filter(|action| matches!(action.effect, Effect::Delete { .. }));
        prop_assert_eq!(deletes.count(), deleted(&decision).len(), "one of them is deleted twice");
    }

    #[test]
    fn t8_nothing_goes_while_a_run_is_open_or_a_hold_is_in_force(
        plan in plans(), state in states(), recipes in recipes(), phase in phases(),
    ) {
        let listings = listings(&plan, &recipes);
        let hold = Hold { by: "ana".to_owned(), reason: "upgrade".to_owned(), until: now() + SignedDuration::from_secs(1) };
        for state in [
            State { run: Some(run(phase)), ..state.clone() },
            State { hold: Some(hold), ..state.clone() },
        ] {
            let decision = decide_on(&plan, &state, &listings, now());
            prop_assert_eq!(deleted(&decision), BTreeSet::new());
            let free = deleted(&decide_on(&plan, &State { run: None, hold: None, ..state }, &listings, now()));
            // And it is said, if anything would have gone.
            let is_said = decision.waits.iter().any(|wait| wait.starts_with("Nothing is deleted, although"));
            prop_assert!(free.is_empty() || is_said);
        }
    }

    #[test]
    fn t9_a_run_that_ended_anywhere_and_came_again_keeps_every_law(
        plan in plans(), state in states(), recipes in recipes(), stops in prop::collection::vec(0..12_usize, 1..6),
    ) {
        let first = listings(&plan, &recipes);
        let at_once = {
            let generous = Plan { snapshots: Some(SnapshotPolicy { deletions_max: 1_000, ..policy(&plan).clone() }), ..plan.clone() };
            deleted(&decide_on(&generous, &state, &first, now()))
        };
        let mut listings = first.clone();
        let mut gone = BTreeSet::new();
        for stop in stops {
            let mut decision = decide_on(&plan, &state, &listings, now());
            let keep: Vec<_> = deleted(&decision).into_iter().take(stop).collect();
            decision.actions.retain(|action| match &action.effect {
                Effect::Delete { id, .. } => keep.contains(&(action.region.clone(), id.clone())),
                _ => false,
            });
            gone.extend(deleted(&decision));
            listings = after(&listings, &decision);
        }
        // However it is cut up, nothing goes that would not have gone at once.
        prop_assert!(gone.is_subset(&at_once), "{gone:?} is more than {at_once:?}");
        for (before, after) in first.iter().zip(&listings) {
            let left = good(&plan, after);
            for (group, members) in good(&plan, before) {
                let least = members.len().min(policy(&plan).keep_min as usize).max(1);
                prop_assert!(left.get(&group).map_or(0, Vec::len) >= least);
            }
        }
    }

    #[test]
    fn the_order_of_the_listing_changes_nothing(plan in plans(), state in states(), recipes in recipes(), by in 0..60_usize) {
        let listings = listings(&plan, &recipes);
        let mut turned = listings.clone();
        for listing in &mut turned {
            let length = listing.snapshots.len();
            if length > 0 {
                listing.snapshots.rotate_left(by % length);
            }
        }
        let (one, other) = (decide_on(&plan, &state, &listings, now()), decide_on(&plan, &state, &turned, now()));
        prop_assert_eq!(deleted(&one), deleted(&other));
        prop_assert_eq!(one.actions.len(), other.actions.len());
    }

    #[test]
    fn at_most_one_snapshot_and_one_copy_of_a_database_are_begun_and_none_beside_one_under_way(
        plan in plans(), state in states(), recipes in recipes(),
    ) {
        let listings = listings(&plan, &recipes);
        let decision = decide_on(&plan, &state, &listings, now());
        for database in &plan.databases {
            let of = |wanted: fn(&Effect) -> bool| {
                decision.actions.iter().filter(|action| action.database == database.name && wanted(&action.effect)).count()
            };
            let (taken, copied) =
                (of(|effect| matches!(effect, Effect::Take { .. })), of(|effect| matches!(effect, Effect::Copy { .. })));
            prop_assert!(taken <= 1 && copied <= 1, "{taken} and {copied}");
        }
        for action in &decision.actions {
            let listing = listings.iter().find(|listing| listing.region == action.region).unwrap();
            let (Effect::Take { id, .. } | Effect::Copy { id, .. }) = &action.effect else { continue };
            prop_assert!(listing.snapshots.iter().all(|found| found.id != *id), "{id} is taken");
            prop_assert!(!id.contains("--") && !id.ends_with('-') && id.len() <= 255);
        }
        for (database, moved) in plan.databases.iter().map(|database| (database, state.holdings.is_active(&database.name))) {
            let (region, source) = if moved { (RECOVERY, database.arn(Side::Recovery)) } else { (PRIMARY, database.arn(Side::Primary)) };
            for action in decision.actions.iter().filter(|action| action.database == database.name) {
                if let Effect::Take { source: of, .. } = &action.effect {
                    prop_assert!(action.region == region && of == source, "taken where it does not serve");
                }
            }
        }
    }

    #[test]
    fn no_more_copies_are_begun_than_a_region_takes(under_way in 0..25_usize, foreign in any::<bool>()) {
        let mut plan = plan(Tiers::default(), 2, 10);
        let first = plan.databases[0].clone();
        plan.databases = (0..30).map(|number| {
            let mut database = first.clone();
            database.name = Name::new(format!("db{number}"));
            database.arn_mut(Side::Primary).push_str(&number.to_string());
            database
        }).collect();
        let good = plan.databases.iter().map(|database| {
            let mark = Mark { database: database.name.clone(), source: database.arn(Side::Primary).to_owned(), slot: now() };
            let id = mark.id(&plan.name, 1);
            DatabaseSnapshot {
                arn: format!("arn:aws:rds:{PRIMARY}:123456789012:snapshot:{id}"),
                id,
                kind: SourceKind::Instance,
                status: Status::Available,
                is_manual: true,
                is_copy: false,
                is_encrypted: false,
                taken_at: Some(now()),
                progress_percent: None,
                tags: mark.tags(&plan.name, "x"),
            }
        });
        let primary = SnapshotListing::whole(PRIMARY, good.collect());
        let copying = (0..under_way).map(|number| {
            let mut copying = primary.snapshots[number].clone();
            copying.arn = copying.arn.replace(PRIMARY, RECOVERY);
            (copying.status, copying.is_copy) = (Status::Copying, true);
            if foreign {
                copying.tags.clear();
            }
            copying
        });
        let recovery = SnapshotListing::whole(RECOVERY, copying.collect());
        let decision = decide(&plan, &State::default(), Sides { primary: &primary, recovery: &recovery }, now());
        let copies = decision.actions.iter().filter(|action| matches!(action.effect, Effect::Copy { .. })).count();
        prop_assert!(copies + under_way <= COPIES_UNDER_WAY_MAX.max(under_way));
        let wanted = if foreign { 30 } else { 30 - under_way };
        prop_assert_eq!(copies, wanted.min(COPIES_UNDER_WAY_MAX.saturating_sub(under_way)));
    }
}

/// The generator must bring about what the laws forbid to go too far, or they say nothing.
#[test]
fn the_generator_brings_deletions_about_in_most_lists() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let plan = plan(Tiers { daily: 2, weekly: 1, monthly: 0 }, 1, 10);
    let mut busy = 0;
    for _ in 0..200 {
        let recipes = recipes().new_tree(&mut runner).unwrap().current();
        let listings = listings(&plan, &recipes);
        busy += usize::from(!deleted(&decide_on(&plan, &State::default(), &listings, now())).is_empty());
    }
    assert!(busy > 60, "only {busy} of 200 lists had something to delete");
    assert!(ATTEMPTS_MAX > 1 && CLOCK_SLACK < SignedDuration::from_hours(1));
}

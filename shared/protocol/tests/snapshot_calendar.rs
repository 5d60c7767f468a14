//! What is kept as days go by, on every date: the turn of a week, a month and a year, leap days, and hours around midnight;
//! and what failures change about it, which is nothing.
//!
//! The calendar here is a real one: the days of the snapshots stand still, and the moment moves.

use protocol::side::Sides;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::plan::{KeyArns, Plan, SnapshotPolicy, Tiers};
use protocol::schedule::Schedule;
use protocol::snapshots::{
    ATTEMPTS_MAX, DatabaseSnapshot, Effect, SnapshotDecision, SnapshotListing, SourceKind, Status, decide,
};
use protocol::state::{Hold, State};

const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// As many attempts as are made at a snapshot and at a copy, of one time of the schedule.
const FAILED_OF_A_DAY: usize = 2 * ATTEMPTS_MAX as usize;
/// Of two times. While a hold lasts nothing is deleted, so each day of it may add its own.
const FAILED_MAX: usize = 2 * FAILED_OF_A_DAY;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the default of a plan is.
const TIERS: Tiers = Tiers { daily: 7, weekly: 4, monthly: 6 };

/// What becomes of a day's snapshot.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is taken and copied.
    Good,
    /// Every attempt at it fails.
    Fails,
    /// It is taken, and every attempt at its copy fails.
    CopyFails,
    /// Nothing invokes the function.
    Idle,
    /// It is taken and copied under a hold.
    Held,
    /// Every attempt at it fails, under a hold.
    HeldAndFails,
}

impl Fate {
    fn is_held(self) -> bool {
        matches!(self, Self::Held | Self::HeldAndFails)
    }

    fn fails(self) -> bool {
        matches!(self, Self::Fails | Self::HeldAndFails)
    }
}

/// A database, and its snapshots in both regions.
struct Days {
    plan: Plan,
    schedule: Schedule,
    /// The last time of the schedule.
    slot: Timestamp,
    shelves: [SnapshotListing; 2],
    /// For which time of the schedule each region ever had a good one.
    history: [BTreeSet<Timestamp>; 2],
}

impl Days {
    /// From the first time of a schedule after a moment on.
    fn from(moment: Timestamp, schedule: &str, keep: Tiers, keep_min: u32) -> Self {
        let mut plan = Plan::from_json(include_str!("plans/shop.json")).unwrap();
        plan.databases.truncate(1);
        plan.snapshots = Some(SnapshotPolicy {
            option_groups: Vec::new(),
            schedule: schedule.to_owned(),
            keep,
            keep_min,
            deletions_max: 10,
            kms_key_arns: KeyArns::default(),
            except: Vec::new(),
        });
        Self {
            plan,
            schedule: Schedule::parse(schedule).unwrap(),
            slot: moment,
            shelves: [PRIMARY, RECOVERY].map(|region| SnapshotListing::whole(region, Vec::new())),
            history: [BTreeSet::new(), BTreeSet::new()],
        }
    }

    /// A day of the schedule. Invoked every five minutes, from some minutes after its time on, until nothing is done.
    fn pass(&mut self, fate: Fate, late: SignedDuration) {
        self.slot = self.schedule.next_after(self.slot).unwrap();
        if fate == Fate::Idle {
            return;
        }
        let hold = Hold { by: "ana".to_owned(), reason: "upgrade".to_owned(), until: self.slot + DAY };
        let state = State { hold: fate.is_held().then_some(hold), ..State::default() };
        for number in 0..40 {
            let now = self.slot + late + MINUTE * 5 * number;
            let [primary, recovery] = &self.shelves;
            let decision = decide(&self.plan, &state, Sides { primary, recovery }, now);
            if decision.actions.is_empty() {
                return;
            }
            self.carry_out(&decision, now);
            self.end(fate);
        }
        panic!("the day of {} does not end", self.slot);
    }

    fn carry_out(&mut self, decision: &SnapshotDecision, now: Timestamp) {
        for action in &decision.actions {
            let index = usize::from(action.region == RECOVERY);
            let snapshot = |id: &str, status, is_copy, taken_at, tags| DatabaseSnapshot {
                id: id.to_owned(),
                arn: format!("arn:aws:rds:{}:123456789012:snapshot:{id}", action.region),
                kind: SourceKind::Instance,
                status,
                is_manual: true,
                is_copy,
                is_encrypted: false,
                taken_at: Some(taken_at),
                progress_percent: None,
                tags,
            };
            match &action.effect {
                Effect::Take { id, mark, .. } => {
                    let tags = mark.tags(&self.plan.name, "shop-snapshot-scheduler");
                    self.shelves[index].snapshots.push(snapshot(id, Status::Creating, false, now, tags));
                }
                Effect::Copy { id, snapshot: original, tags, .. } => {
                    let from = self.shelves[1 - index].snapshots.iter().find(|found| found.arn == *original);
                    let taken_at = from.unwrap().taken_at.unwrap();
                    let copy = snapshot(id, Status::Copying, true, taken_at, tags.clone());
                    self.shelves[index].snapshots.push(copy);
                }
                Effect::Delete { id, .. } => {
                    self.shelves[index].snapshots.retain(|found| found.id != *id);
                }
            }
        }
    }

    /// What is under way comes to its end.
    fn end(&mut self, fate: Fate) {
        for (shelf, history) in self.shelves.iter_mut().zip(&mut self.history) {
            for found in &mut shelf.snapshots {
                let fails = match found.status {
                    Status::Creating => fate.fails(),
                    Status::Copying => fate == Fate::CopyFails,
                    _ => continue,
                };
                found.status = if fails { Status::Failed } else { Status::Available };
                if !fails {
                    history.insert(slot_of(found));
                }
            }
        }
    }

    /// For which times of the schedule each region has a good one.
    fn good(&self) -> [BTreeSet<Timestamp>; 2] {
        self.shelves.each_ref().map(|shelf| {
            let good = shelf.snapshots.iter().filter(|found| found.status == Status::Available);
            good.map(slot_of).collect()
        })
    }

    /// Whether the last attempt in each region failed, without a good one since.
    fn is_failing(&self) -> [bool; 2] {
        let good = self.good();
        [0, 1].map(|index| {
            let all = self.shelves[index].snapshots.iter();
            let failed = all.filter(|found| found.status == Status::Failed).map(slot_of).max();
            failed > good[index].last().copied()
        })
    }

    fn failed(&self) -> usize {
        let all = self.shelves.iter().flat_map(|shelf| &shelf.snapshots);
        all.filter(|found| found.status == Status::Failed).count()
    }

    /// What the tiers keep of all that ever was, as a person would write it down with a calendar at hand.
    fn wanted(&self, index: usize) -> BTreeSet<Timestamp> {
        let policy = self.plan.snapshots.as_ref().unwrap();
        let all = &self.history[index];
        let mut wanted: BTreeSet<Timestamp> =
            all.iter().rev().take(policy.keep_min.max(1) as usize).copied().collect();
        let mut tier = |most: u32, period: fn(Date) -> Date| {
            let newest: BTreeMap<Date, Timestamp> = all.iter().map(|at| (period(date(*at)), *at)).collect();
            wanted.extend(newest.into_values().rev().take(most as usize));
        };
        tier(policy.keep.daily, |date| date);
        // The Monday of its week, and the first of its month.
        tier(policy.keep.weekly, |date| {
            let days = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(SignedDuration::from_hours(24 * days)).unwrap()
        });
        tier(policy.keep.monthly, Date::first_of_month);
        wanted
    }
}

fn slot_of(snapshot: &DatabaseSnapshot) -> Timestamp {
    snapshot.tags["pilotlight:schedule"].parse().unwrap()
}

fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn time(text: &str) -> Timestamp {
    text.parse::<DateTime>().unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// One day after the other; what holds after each.
fn play(days: &mut Days, fates: impl IntoIterator<Item = (Fate, SignedDuration)>) {
    let mut held = 0;
    for (number, (fate, late)) in fates.into_iter().enumerate() {
        held = match fate {
            Fate::Held | Fate::HeldAndFails => held + 1,
            // What gathered lies there until somebody looks.
            Fate::Idle => held,
            Fate::Good | Fate::Fails | Fate::CopyFails => 0,
        };
        let (before, was_failing) = (days.good(), days.is_failing());
        days.pass(fate, late);
        let after = days.good();
        let what = format!("day {number}, {}: {fate:?}, {late:#} late", days.slot);
        for index in [0, 1] {
            // Of what was there only that goes which no tier keeps, and nothing at all during a hold or a failure.
            let mut stays = before[index].clone();
            // A copy can't be made of what failed: the other region waits with it, until there is one to be copied.
            let waits_with_it = was_failing[0] && !days.good()[0].contains(&days.slot);
            if !was_failing[index] && !waits_with_it && !fate.is_held() {
                let wanted = days.wanted(index);
                stays.retain(|at| wanted.contains(at));
            }
            let is_kept = after[index].is_superset(&stays);
            // What was taken ends a failure; then all of it is as if no failure had been.
            let is_new = after[index].contains(&days.slot);
            assert!(is_kept || is_new, "{what}: {before:?} became {after:?}");
            if is_new && !fate.is_held() {
                assert_eq!(after[index], days.wanted(index), "{what}");
            }
        }
        let is_made = [!fate.fails(), !fate.fails() && fate != Fate::CopyFails];
        let is_there = after.each_ref().map(|good| good.contains(&days.slot));
        assert_eq!(is_there, if fate == Fate::Idle { [false; 2] } else { is_made }, "{what}");
        if fate == Fate::Good {
            assert_eq!(days.failed(), 0, "{what}");
        }
        assert!(
            days.failed() <= FAILED_MAX + held * FAILED_OF_A_DAY,
            "{what}: {} failed ones have gathered",
            days.failed()
        );
    }
}

/// Weeks with everything in them: pruned; failed without a surplus, and with one; healed.
const WEEKS: [(Fate, usize); 10] = [
    (Fate::Good, 38),
    (Fate::Fails, 3),
    (Fate::Good, 2),
    (Fate::Held, 4),
    (Fate::HeldAndFails, 1),
    (Fate::Fails, 5),
    (Fate::CopyFails, 2),
    (Fate::Idle, 3),
    (Fate::Fails, 1),
    (Fate::Good, 9),
];

/// The classes of dates: what is special about the day after 38 good ones, on which the failures begin.
const TURNS: [(&str, &str); 18] = [
    ("a Monday", "2026-11-30"),
    ("a Tuesday", "2026-12-01"),
    ("a Wednesday", "2026-12-02"),
    ("a Thursday", "2026-12-03"),
    ("a Friday", "2026-12-04"),
    ("a Saturday", "2026-11-28"),
    ("a Sunday", "2026-11-29"),
    ("the last day of a month", "2026-10-31"),
    ("the first day of a month", "2026-11-01"),
    ("the last day of a year, in its week 53", "2026-12-31"),
    ("the first day of a year, in week 53 of the year before", "2027-01-01"),
    ("the first Monday of a year's week 1", "2027-01-04"),
    ("the last days of a year in week 1 of the next one", "2024-12-30"),
    ("the last day of February", "2027-02-28"),
    ("the day before a leap day", "2028-02-28"),
    ("a leap day", "2028-02-29"),
    ("the day after a leap day", "2028-03-01"),
    ("the first of March without a leap day", "2027-03-01"),
];

#[test]
fn on_every_class_of_dates_failures_cost_no_good_one_and_the_tiers_keep_the_rest() {
    for (what, turn) in TURNS {
        for schedule in ["cron(0 3 * * ? *)", "cron(59 23 * * ? *)", "cron(1 0 * * ? *)"] {
            println!("{what}, {turn}, {schedule}");
            let begin = time(&format!("{turn}T00:00:00")) - DAY * 39;
            let mut days = Days::from(begin, schedule, TIERS, 2);
            // Now and then some minutes late: around midnight that is another day.
            let late = (0..).map(|number| MINUTE * (number * 7 % 11));
            let fates = WEEKS.iter().flat_map(|(fate, count)| std::iter::repeat_n(*fate, *count));
            play(&mut days, fates.zip(late));
        }
    }
}

#[test]
fn what_no_tier_keeps_stays_while_snapshots_fail_and_goes_when_one_is_good() {
    let mut days = Days::from(
        time("2026-11-02T00:00:00"),
        "cron(0 3 * * ? *)",
        Tiers { daily: 2, weekly: 0, monthly: 0 },
        1,
    );
    play(&mut days, [(Fate::Good, MINUTE)].repeat(3));
    play(&mut days, [(Fate::Held, MINUTE), (Fate::Held, MINUTE), (Fate::HeldAndFails, MINUTE)]);
    let before = days.good();
    assert_eq!(before.each_ref().map(BTreeSet::len), [4, 4]);
    play(&mut days, [(Fate::Fails, MINUTE)].repeat(30));
    assert_eq!(days.good(), before, "thirty days of failures delete nothing good");
    assert!(days.failed() <= 2 * ATTEMPTS_MAX as usize, "and {} failed ones have gathered", days.failed());
    play(&mut days, [(Fate::Good, MINUTE)]);
    assert_eq!(days.good().each_ref().map(BTreeSet::len), [2, 2]);
}

#[test]
fn what_failed_under_a_hold_lies_there_until_somebody_looks_after_it() {
    let mut days = Days::from(time("2026-11-02T00:00:00"), "cron(0 3 * * ? *)", TIERS, 1);
    play(&mut days, [(Fate::HeldAndFails, MINUTE)].repeat(5));
    let gathered = days.failed();
    assert!(gathered > FAILED_MAX, "{gathered}");
    play(&mut days, [(Fate::HeldAndFails, MINUTE), (Fate::Idle, MINUTE), (Fate::Fails, MINUTE)]);
    assert!(days.failed() <= FAILED_MAX, "{}", days.failed());
}

#[test]
fn a_schedule_at_midnight_keeps_one_of_each_day_however_late_each_is() {
    let begin = time("2026-11-01T12:00:00");
    let mut days = Days::from(begin, "cron(59 23 * * ? *)", Tiers { daily: 7, weekly: 0, monthly: 0 }, 1);
    // Half of them are taken before midnight, half of them after it.
    let late = [0, 3, 0, 0, 4, 2, 0, 1, 0, 5, 0, 0, 2].map(|minutes| (Fate::Good, MINUTE * minutes));
    play(&mut days, late);
    let kept: Vec<Date> = days.good()[0].iter().map(|at| date(*at)).collect();
    let last_week: Vec<Date> = (7..=13).map(|day| Date::constant(2026, 11, day)).collect();
    assert_eq!(kept, last_week);
}

#[test]
fn the_moment_alone_deletes_nothing_at_any_hour_of_any_day() {
    let mut days = Days::from(time("2026-10-20T00:00:00"), "cron(0 3 * * ? *)", TIERS, 2);
    play(&mut days, [(Fate::Good, MINUTE)].repeat(40));
    let last = days.slot;
    for hour in 0..24 * 40 {
        for minute in [0, 1, 58, 59] {
            let now = last + MINUTE * (60 * hour + 2 + minute);
            let decision = {
                let [primary, recovery] = &days.shelves;
                decide(&days.plan, &State::default(), Sides { primary, recovery }, now)
            };
            let deletes =
                decision.actions.iter().filter(|action| matches!(action.effect, Effect::Delete { .. }));
            assert_eq!(deletes.count(), 0, "at {now}");
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Good),
        2 => Just(Fate::Fails),
        1 => Just(Fate::CopyFails),
        1 => Just(Fate::Idle),
        1 => Just(Fate::Held),
        1 => Just(Fate::HeldAndFails),
    ]
}

proptest! {
    #[test]
    fn day_by_day_the_tiers_keep_what_they_would_keep_of_all_at_once(
        begin in 0..20 * 366_i64,
        (hour, minute) in (0..24_u8, 0..60_u8),
        (daily, weekly, monthly, keep_min) in (0..9_u32, 0..6_u32, 0..8_u32, 1..4_u32),
        fates in prop::collection::vec((fate(), 0..16_i32), 1..60),
    ) {
        let begin = time("2024-01-01T00:00:00") + SignedDuration::from_hours(24 * begin);
        let keep = Tiers { daily, weekly, monthly };
        let mut days = Days::from(begin, &format!("cron({minute} {hour} * * ? *)"), keep, keep_min);
        play(&mut days, fates.into_iter().map(|(fate, late)| (fate, MINUTE * late)));
    }
}

//! What is due: which snapshots are taken, copied and deleted, and why nothing else is.
//!
//! Nothing is taken, copied or deleted on half a view: a region that could not be listed whole is left alone, and while
//! one of the two is, nothing is deleted in either.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::decision::{ATTEMPTS_MAX, Action, Age, COPIES_UNDER_WAY_MAX, Effect, SnapshotDecision};
use super::inventory::{SnapshotListing, Status};
use super::mark::{CLOCK_SLACK, Mark, Own, own};
use super::sentence;
use crate::name::Name;
use crate::plan::{Database, Plan, SnapshotPolicy};
use crate::schedule::Schedule;
use crate::side::{Side, Sides};
use crate::state::State;

/// Says what is due. Total and deterministic.
pub fn decide(
    plan: &Plan,
    state: &State,
    listings: Sides<&SnapshotListing>,
    now: Timestamp,
) -> SnapshotDecision {
    let mut decision = SnapshotDecision::default();
    let Some(policy) = &plan.snapshots else {
        decision.sentence = sentence::no_policy(plan);
        return decision;
    };
    let Some((schedule, due)) = due(policy, now) else {
        decision.sentence = sentence::nothing_ever_due(policy);
        return decision;
    };
    let world = SnapshotWorld {
        plan,
        policy,
        state,
        now,
        due,
        // Newest good snapshots older than this mean that none are made any more, or that the clock is wrong.
        fresh_since: [1, 2].iter().fold(due, |slot, _| schedule.before(slot).unwrap_or(slot)),
        shelves: listings.map(|listing| Shelves::of(plan, listing)),
    };
    let mut copies_left = world.shelves.as_ref().map(Shelves::copies_left);
    for database in plan.databases.iter().filter(|database| !policy.except.contains(&database.name)) {
        world.take(database, &mut decision);
        world.copy(database, &mut copies_left, &mut decision);
        world.age(database, &mut decision);
    }
    world.prune(&mut decision);
    decision.sentence = sentence::summary(plan, &decision, due);
    decision
}

/// The schedule, and what was due last.
fn due(policy: &SnapshotPolicy, now: Timestamp) -> Option<(Schedule, Timestamp)> {
    let schedule = Schedule::parse(&policy.schedule).ok()?;
    let due = schedule.last_due(now)?;
    Some((schedule, due))
}

/// A region's snapshots of ours, by database.
pub(super) struct Shelves<'l> {
    pub(super) listing: &'l SnapshotListing,
    pub(super) own: BTreeMap<Name, Vec<Own<'l>>>,
    ids: BTreeSet<&'l str>,
}

impl<'l> Shelves<'l> {
    fn of(plan: &Plan, listing: &'l SnapshotListing) -> Self {
        let ids = listing.snapshots.iter().map(|snapshot| snapshot.id.as_str()).collect();
        Self { listing, own: own(plan, listing), ids }
    }

    pub(super) fn shelf(&self, database: &Name) -> &[Own<'l>] {
        self.own.get(database).map_or(&[], Vec::as_slice)
    }

    /// Copies that may still be begun into this region: everybody's count.
    fn copies_left(&self) -> usize {
        let under_way = |status: &Status| matches!(status, Status::Copying);
        let copies = self.listing.snapshots.iter().filter(|snapshot| under_way(&snapshot.status)).count();
        COPIES_UNDER_WAY_MAX.saturating_sub(copies)
    }

    /// The identifier of the next attempt at a slot. A name does not say of what source a snapshot is, and somebody
    /// else's may have it, so whatever is there counts.
    fn next_id(&self, plan: &Plan, mark: &Mark) -> String {
        let same = self.shelf(&mark.database).iter().filter(|own| own.mark.slot == mark.slot);
        let mut attempt = same.map(|own| own.attempt).max().unwrap_or(0).saturating_add(1);
        let mut id = mark.id(&plan.name, attempt);
        while self.ids.contains(id.as_str()) {
            attempt = attempt.saturating_add(1);
            id = mark.id(&plan.name, attempt);
        }
        id
    }

    /// How many attempts of the same source at a slot failed.
    fn failures(&self, mark: &Mark) -> u32 {
        let failed = self.shelf(&mark.database).iter().filter(|own| own.mark == *mark && own.is_failed());
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }
}

/// Everything that is decided by.
pub(super) struct SnapshotWorld<'a> {
    plan: &'a Plan,
    pub(super) policy: &'a SnapshotPolicy,
    pub(super) state: &'a State,
    pub(super) now: Timestamp,
    due: Timestamp,
    pub(super) fresh_since: Timestamp,
    pub(super) shelves: Sides<Shelves<'a>>,
}

impl<'a> SnapshotWorld<'a> {
    /// The side that serves the database.
    fn serving(&self, database: &Database) -> Side {
        self.state.serving(self.plan, &database.name)
    }

    /// The region where the database serves, and its ARN there.
    fn active<'d>(&self, database: &'d Database) -> (&Shelves<'a>, &'d str) {
        let side = self.serving(database);
        (&self.shelves[side], database.arn(side))
    }

    /// Takes the snapshot that is due where the database serves.
    fn take(&self, database: &Database, decision: &mut SnapshotDecision) {
        let (active, source) = self.active(database);
        let (name, region) = (&database.name, &active.listing.region);
        if let Some(run) = self.state.active_run().filter(|run| run.scope.databases.contains(name)) {
            decision.waits.push(sentence::moving(name, run.id));
            return;
        }
        if let Some(gap) = &active.listing.gap {
            decision.waits.push(sentence::not_taken_unseen(name, region, gap));
            return;
        }
        let of_source = || active.shelf(name).iter().filter(|own| own.mark.source == source);
        if let Some(own) = of_source().find(|own| own.snapshot.status.is_under_way()) {
            decision.waits.push(sentence::being_taken(name, region, own));
            return;
        }
        let stands = |own: &Own<'_>| {
            own.is_good() && (own.mark.slot == self.due || own.taken_at.is_some_and(|at| at >= self.due))
        };
        if of_source().any(stands) {
            return;
        }
        let mark = Mark { database: name.clone(), source: source.to_owned(), slot: self.due };
        let failures = active.failures(&mark);
        if failures >= ATTEMPTS_MAX {
            decision.blocked.push(sentence::given_up_taking(name, region, self.due, failures));
            return;
        }
        let id = active.next_id(self.plan, &mark);
        decision.actions.push(Action {
            database: name.clone(),
            region: region.clone(),
            sentence: sentence::take(name, region, &id, self.due, failures),
            effect: Effect::Take { source: source.to_owned(), id, mark },
        });
    }

    /// Copies the newest good snapshot of where the database serves to the other region.
    fn copy(&self, database: &Database, copies_left: &mut Sides<usize>, decision: &mut SnapshotDecision) {
        let ((active, source), side) = (self.active(database), self.serving(database).other());
        let other = &self.shelves[side];
        let (name, to) = (&database.name, &other.listing.region);
        if !active.listing.is_whole() {
            return; // Said already: it was to be taken there.
        }
        let good = active.shelf(name).iter().filter(|own| own.is_good() && own.mark.source == source);
        let Some(newest) = good.filter(|own| own.taken_at.is_some()).max_by_key(|own| own.taken_at) else {
            return;
        };
        if let Some(gap) = &other.listing.gap {
            decision.waits.push(sentence::not_copied_unseen(name, to, gap));
            return;
        }
        let mut there = other.shelf(name).iter().filter(|own| own.mark == newest.mark);
        if let Some(own) = there.find(|own| own.is_good() || own.snapshot.status.is_under_way()) {
            if !own.is_good() {
                decision.waits.push(sentence::being_copied(name, to, own));
            }
            return;
        }
        let failures = other.failures(&newest.mark);
        if failures >= ATTEMPTS_MAX {
            decision.blocked.push(sentence::given_up_copying(name, to, newest, failures));
            return;
        }
        let kms_key = self.policy.kms_key_arns.of(side);
        if newest.snapshot.is_encrypted && kms_key.is_none() {
            decision.blocked.push(sentence::no_key(name, to, newest, side));
            return;
        }
        let left = &mut copies_left[side];
        if *left == 0 {
            decision.waits.push(sentence::too_many_copies(name, to, newest));
            return;
        }
        *left -= 1;
        let id = other.next_id(self.plan, &newest.mark);
        decision.actions.push(Action {
            database: name.clone(),
            region: to.clone(),
            sentence: sentence::copy(name, &active.listing.region, to, &id, failures),
            effect: Effect::Copy {
                snapshot: newest.snapshot.arn.clone(),
                kind: newest.snapshot.kind,
                id,
                kms_key: kms_key.map(str::to_owned),
                option_group: self.policy.option_group(name, side).map(str::to_owned),
                tags: newest.tags_of_copy(),
            },
        });
    }

    /// The age of the newest good snapshot in each region, where all of it was seen. What is not known is not said.
    fn age(&self, database: &Database, decision: &mut SnapshotDecision) {
        for shelves in self.shelves.values() {
            let good = shelves.shelf(&database.name).iter().filter(|own| own.is_good());
            let newest = good.filter_map(|own| own.taken_at).max();
            let age = newest.map(|at| self.now.duration_since(at)).filter(|age| *age >= -CLOCK_SLACK);
            if let Some(age) = age.filter(|_| shelves.listing.is_whole()) {
                let (database, region) = (database.name.clone(), shelves.listing.region.clone());
                decision.ages.push(Age { database, region, age: age.max(SignedDuration::ZERO) });
            }
        }
    }
}

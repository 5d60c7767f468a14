//! What is deleted? What no tier keeps, of each source in each region on its own; and only where nothing is in doubt.
//!
//! What was taken of an instance that no longer serves stays as it is: no newer one of it will come, and a person decides.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::decide::SnapshotWorld;
use super::decision::{Action, Effect, SnapshotDecision};
use super::mark::{CLOCK_SLACK, Own};
use super::retention::kept;
use super::sentence;
use crate::name::Name;
use crate::state::State;

/// What forbids any deletion, whatever the snapshots are: a run, or a hold. Asked once more right before each.
pub fn deletion_veto(state: &State, now: Timestamp) -> Option<String> {
    if let Some(run) = state.active_run() {
        return Some(format!("run {} is under way ({})", run.id, run.phase.as_str()));
    }
    let hold = state.hold_at(now)?;
    Some(format!("a hold by {} is in force until {}: {}", hold.by, hold.until, hold.reason))
}

impl<'a> SnapshotWorld<'a> {
    /// Deletes what no tier keeps.
    pub(super) fn prune(&self, decision: &mut SnapshotDecision) {
        let mut excess: Vec<Excess<'_, '_>> = Vec::new();
        let mut doubts = Vec::new();
        for (side, shelves) in self.shelves.iter() {
            let opposite = &self.shelves[side.other()];
            for (name, shelf) in &shelves.own {
                let sources: BTreeSet<&str> = shelf.iter().map(|own| own.mark.source.as_str()).collect();
                for source in sources {
                    let group: Vec<&Own<'_>> = shelf.iter().filter(|own| own.mark.source == source).collect();
                    let region = shelves.listing.region.as_str();
                    let found = self.excess_of(&group, opposite.shelf(name), region);
                    excess.extend(found.excess);
                    doubts.extend(found.doubt.map(|doubt| doubt.sentence(name, region, source)));
                }
            }
        }
        // Oldest first; what failed is worth nothing, and waits until the rest is done.
        excess.sort_by(|a, b| {
            let order = |item: &Excess<'_, '_>| (item.own.is_failed(), item.own.taken_at, item.own.mark.slot);
            order(a)
                .cmp(&order(b))
                .then_with(|| (a.region, &a.own.snapshot.id).cmp(&(b.region, &b.own.snapshot.id)))
        });
        decision.waits.extend(doubts);
        if excess.is_empty() {
            return;
        }
        if let Some(veto) = self.veto() {
            decision.waits.push(sentence::not_deleted(excess.len(), &veto));
            return;
        }
        let most = usize::try_from(self.policy.deletions_max).unwrap_or(usize::MAX);
        if excess.len() > most {
            decision.waits.push(sentence::put_off(excess.len() - most, most));
        }
        decision.actions.extend(excess.into_iter().take(most).map(Excess::into_action));
    }

    /// What forbids every deletion.
    fn veto(&self) -> Option<String> {
        let mut listings = self.shelves.values().map(|shelves| shelves.listing);
        let unseen = listings.find_map(|listing| Some((&listing.region, listing.gap.as_ref()?)));
        unseen
            .map(|(region, gap)| format!("Pilotlight could not list all snapshots in {region}: {gap}"))
            .or_else(|| deletion_veto(self.state, self.now))
    }

    /// What of one source in one region no tier keeps, and what failed; each with why.
    fn excess_of<'o>(&self, group: &[&'o Own<'a>], opposite: &[Own<'a>], region: &'o str) -> Found<'o, 'a> {
        let latest = self.now.checked_add(CLOCK_SLACK).unwrap_or(Timestamp::MAX);
        let good = match good_of(group, latest) {
            Ok(good) => good,
            Err(doubt) => return Found { excess: Vec::new(), doubt: Some(Doubt::OfAll(doubt)) },
        };
        let mut excess = self.no_tier_keeps(&good, opposite);
        let newest = good.first().filter(|_| !excess.is_empty());
        let doubt = newest.and_then(|newest| {
            self.is_overdue(newest).or_else(|| has_failed_since(newest, group, opposite, latest))
        });
        if doubt.is_some() {
            excess.clear();
        }
        excess.extend(self.failed_of(group, latest));
        let excess = excess.into_iter().map(|(own, why)| Excess { own, region, why }).collect();
        Found { excess, doubt: doubt.map(Doubt::OfGood) }
    }

    /// The good ones that no tier keeps.
    fn no_tier_keeps<'o>(
        &self,
        good: &[(Timestamp, &'o Own<'a>)],
        opposite: &[Own<'a>],
    ) -> Vec<(&'o Own<'a>, String)> {
        let days: Vec<Date> = good.iter().map(|(at, own)| own.counts_for(*at)).collect();
        let kept = kept(&days, self.policy.keep, self.policy.keep_min);
        // Deleting a snapshot that is being copied would end the copy.
        let is_read = |own: &Own<'_>| {
            opposite.iter().any(|copy| copy.mark == own.mark && copy.snapshot.status.is_under_way())
        };
        let surplus = good.iter().zip(kept).filter(|((_, own), kept)| !kept && !is_read(own));
        surplus.map(|((_, own), _)| (*own, sentence::no_tier(self.policy))).collect()
    }

    /// Whether nothing good was made for so long that either nothing is made any more or the clock is wrong.
    fn is_overdue(&self, (at, _): &(Timestamp, &Own<'_>)) -> Option<String> {
        (*at < self.fresh_since).then(|| format!("the newest is from {at}, and newer ones are overdue"))
    }

    /// What failed for an earlier time than the last one that came to an end, well or badly. Those of the last time are
    /// counted, and looked at, and they say that nothing good has been made since.
    fn failed_of<'o>(&self, group: &[&'o Own<'a>], latest: Timestamp) -> Vec<(&'o Own<'a>, String)> {
        let ended = group.iter().filter(|own| own.is_good() || own.is_failed());
        let Some(last) = ended.map(|own| own.mark.slot).max() else { return Vec::new() };
        if !(self.fresh_since..=latest).contains(&last) {
            return Vec::new();
        }
        let why = format!("it failed, and a later attempt for {last} has ended");
        let failed = group.iter().filter(|own| own.is_failed() && own.mark.slot < last);
        failed.map(|own| (*own, why.clone())).collect()
    }
}

/// The good ones of a group, newest first; or why nothing can be said of it.
fn good_of<'o, 'a>(
    group: &[&'o Own<'a>],
    latest: Timestamp,
) -> Result<Vec<(Timestamp, &'o Own<'a>)>, String> {
    let mut good: Vec<(Timestamp, &Own<'a>)> = Vec::new();
    for own in group.iter().filter(|own| own.is_good()) {
        let id = &own.snapshot.id;
        let at = own.taken_at.ok_or_else(|| format!("the creation time of {id} is unknown"))?;
        good.push((at, own));
    }
    good.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.snapshot.id.cmp(&second.snapshot.id)));
    match good.first() {
        Some((at, _)) if *at > latest => Err(format!("the newest is from {at}, which is in the future")),
        _ => Ok(good),
    }
}

/// Whether the last attempt at the same source failed, in either region, since the newest good one here: whoever mends
/// that may need any of those that are left.
fn has_failed_since(
    (at, newest): &(Timestamp, &Own<'_>),
    group: &[&Own<'_>],
    opposite: &[Own<'_>],
    latest: Timestamp,
) -> Option<String> {
    let there: Vec<&Own<'_>> = opposite.iter().filter(|own| own.mark.source == newest.mark.source).collect();
    let failed = [group, &there].into_iter().filter_map(|group| last_failed(group, latest)).max();
    let slot = failed.filter(|slot| *slot > reached(newest, *at))?;
    Some(format!("the newest is from {at}, and the one for {slot} failed"))
}

/// For which time the last attempt of a group failed, if no good one reaches that time.
fn last_failed(group: &[&Own<'_>], latest: Timestamp) -> Option<Timestamp> {
    // A time that has not come yet is the trace of a clock that was wrong.
    let failed = group.iter().filter(|own| own.is_failed() && own.mark.slot <= latest);
    let good = group.iter().filter(|own| own.is_good());
    let good = good.map(|own| reached(own, own.taken_at.unwrap_or(own.mark.slot))).max();
    failed.map(|own| own.mark.slot).max().filter(|slot| good.is_none_or(|good| *slot > good))
}

/// Until when nothing is missing: the time that a snapshot was due, or that it is from if that was later.
fn reached(own: &Own<'_>, taken_at: Timestamp) -> Timestamp {
    own.mark.slot.max(taken_at)
}

/// What was found of one source in one region.
struct Found<'o, 'l> {
    excess: Vec<Excess<'o, 'l>>,
    doubt: Option<Doubt>,
}

/// Why something stays that no tier keeps.
enum Doubt {
    /// Of all that there is.
    OfAll(String),
    /// Of the good ones; what failed holds nothing, and may go.
    OfGood(String),
}

impl Doubt {
    fn sentence(&self, database: &Name, region: &str, source: &str) -> String {
        match self {
            Self::OfAll(why) => sentence::nothing_deleted(database, region, source, why),
            Self::OfGood(why) => sentence::nothing_good_deleted(database, region, source, why),
        }
    }
}

/// A snapshot that nothing keeps.
struct Excess<'o, 'l> {
    own: &'o Own<'l>,
    region: &'o str,
    why: String,
}

impl Excess<'_, '_> {
    fn into_action(self) -> Action {
        let own = self.own;
        Action {
            database: own.mark.database.clone(),
            region: self.region.to_owned(),
            sentence: sentence::delete(own, self.region, &self.why),
            effect: Effect::Delete { id: own.snapshot.id.clone(), kind: own.snapshot.kind },
        }
    }
}

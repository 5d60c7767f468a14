//! What is deleted? What no tier keeps, of each source in each region on its own; and only where nothing is in doubt.
//!
//! What was taken of an instance that no longer serves stays as it is: no newer one of it will come, and a person decides.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::decide::{Action, CLOCK_SLACK, Decision, Effect, World};
use super::mark::Own;
use super::retention::kept;
use super::sentence;
use crate::state::State;

/// What forbids any deletion, whatever the snapshots are: a run, or a hold. Asked once more right before each.
pub fn deletion_veto(state: &State, now: Timestamp) -> Option<String> {
    if let Some(run) = state.active_run() {
        return Some(format!("run {} is under way ({})", run.id, run.phase.as_str()));
    }
    let hold = state.hold_at(now)?;
    Some(format!("a hold by {} is in force until {}: {}", hold.by, hold.until, hold.reason))
}

impl<'a> World<'a> {
    /// Deletes what no tier keeps.
    pub(super) fn prune(&self, decision: &mut Decision) {
        let mut excess: Vec<Excess<'_, '_>> = Vec::new();
        let mut doubts = Vec::new();
        for (shelves, opposite) in [(&self.primary, &self.recovery), (&self.recovery, &self.primary)] {
            for (name, shelf) in &shelves.own {
                let sources: BTreeSet<&str> = shelf.iter().map(|own| own.mark.source.as_str()).collect();
                for source in sources {
                    let group: Vec<&Own<'_>> = shelf.iter().filter(|own| own.mark.source == source).collect();
                    match self.excess_of(&group, opposite.shelf(name)) {
                        Ok(found) => {
                            let region = shelves.listing.region.as_str();
                            excess.extend(found.into_iter().map(|(own, why)| Excess { own, region, why }));
                        }
                        Err(doubt) => {
                            doubts.push(sentence::doubt(name, &shelves.listing.region, source, &doubt));
                        }
                    }
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
        let gaps = [&self.primary, &self.recovery].map(|shelves| shelves.listing);
        let unseen = gaps.into_iter().find_map(|listing| Some((&listing.region, listing.gap.as_ref()?)));
        unseen
            .map(|(region, gap)| format!("{region} could not be listed whole: {gap}"))
            .or_else(|| deletion_veto(self.state, self.now))
    }

    /// What of one source in one region no tier keeps, each with why; or why nothing can be said of it.
    fn excess_of<'o>(
        &self,
        group: &[&'o Own<'a>],
        opposite: &[Own<'a>],
    ) -> Result<Vec<(&'o Own<'a>, String)>, String> {
        let mut good: Vec<(Timestamp, &Own<'a>)> = Vec::new();
        for own in group.iter().filter(|own| own.is_good()) {
            let id = &own.snapshot.id;
            let at = own.taken_at.ok_or_else(|| format!("nobody knows from when {id} is"))?;
            good.push((at, own));
        }
        good.sort_by(|(a, first), (b, second)| {
            b.cmp(a).then_with(|| first.snapshot.id.cmp(&second.snapshot.id))
        });
        let latest = self.now.checked_add(CLOCK_SLACK).unwrap_or(Timestamp::MAX);
        let newest = good.first().map(|(at, _)| *at);
        if let Some(at) = newest.filter(|at| *at > latest) {
            return Err(format!("the newest is from {at}, which has not come yet"));
        }
        let times: Vec<Timestamp> = good.iter().map(|(at, _)| *at).collect();
        let kept = kept(&times, self.policy.keep, self.policy.keep_min);
        let is_read = |own: &Own<'_>| {
            opposite.iter().any(|copy| copy.mark == own.mark && copy.snapshot.status.is_under_way())
        };
        let mut excess: Vec<(&'o Own<'a>, String)> = Vec::new();
        for own in group {
            let place = good.iter().position(|(_, good)| good.snapshot.id == own.snapshot.id);
            // Deleting a snapshot that is being copied would end the copy.
            if place.is_some_and(|place| !kept[place]) && !is_read(own) {
                excess.push((own, sentence::no_tier(self.policy)));
            }
        }
        if let Some(at) = newest.filter(|at| *at < self.fresh_since && !excess.is_empty()) {
            return Err(format!("the newest good one is from {at}, and newer ones are overdue"));
        }
        excess.extend(self.failed_of(group, latest));
        Ok(excess)
    }

    /// What failed for an earlier time than the last one there is. Those of the last time are counted, and looked at.
    fn failed_of<'o>(&self, group: &[&'o Own<'a>], latest: Timestamp) -> Vec<(&'o Own<'a>, String)> {
        let last = group.iter().map(|own| own.mark.slot).max();
        let Some(last) = last.filter(|slot| (self.fresh_since..=latest).contains(slot)) else {
            return Vec::new();
        };
        let why = format!("it failed, and one for {last} came after it");
        let failed = group.iter().filter(|own| own.is_failed() && own.mark.slot < last);
        failed.map(|own| (*own, why.clone())).collect()
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

//! What became of a run's steps, and what can be said of a step as a whole without going through its items: a decision amid
//! a large run asks after each of its records, and nearly always nothing is due.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Progress;
use crate::command::Step;
use crate::name::Name;

/// What became of a run's steps, by step and item. One that is missing was not begun since the last approval.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Steps {
    by_step: BTreeMap<Step, Items>,
}

/// What became of a step for its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Items {
    progress: BTreeMap<Name, Progress>,
    tally: Tally,
}

/// How many items of a step are how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those whose effect stands.
    done: usize,
    /// Those that were begun and are not done, by when they were begun.
    open_since: Times,
    /// Those that a worker holds or held, by the end of its lease.
    held_until: Times,
}

/// How often each of some moments occurs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Times(BTreeMap<Timestamp, usize>);

impl Steps {
    /// What became of a step for an item.
    pub fn get(&self, step: Step, item: &Name) -> Option<&Progress> {
        self.by_step.get(&step)?.progress.get(item)
    }

    /// What became of every step that was begun, in the order of the steps, then of the names.
    pub fn iter(&self) -> impl Iterator<Item = (Step, &Name, &Progress)> {
        self.by_step.iter().flat_map(|(step, items)| {
            items.progress.iter().map(move |(name, progress)| (*step, name, progress))
        })
    }

    /// What became of one step, for each of its items that was begun.
    pub fn of(&self, step: Step) -> impl Iterator<Item = (&Name, &Progress)> {
        self.by_step.get(&step).into_iter().flat_map(|items| &items.progress)
    }

    /// What became of a step for each of some items. Names that come in their order, as Terraform writes them into a plan, are
    /// walked along with what is known; any other is looked up.
    pub(crate) fn along<'s, 'n, T>(
        &'s self,
        step: Step,
        items: impl IntoIterator<Item = (&'n Name, T)>,
    ) -> impl Iterator<Item = (&'n Name, T, Option<&'s Progress>)> {
        let mut known = self.of(step).peekable();
        let mut last: Option<&Name> = None;
        items.into_iter().map(move |(name, with)| {
            if last.is_some_and(|last| name <= last) {
                return (name, with, self.get(step, name));
            }
            last = Some(name);
            while known.next_if(|(known, _)| *known < name).is_some() {}
            (name, with, known.next_if(|(known, _)| *known == name).map(|(_, progress)| progress))
        })
    }

    /// How many steps are done, over all items.
    pub(crate) fn done(&self) -> usize {
        self.by_step.values().map(|items| items.tally.done).sum()
    }

    /// Sets what became of a step for an item.
    pub fn insert(&mut self, step: Step, item: Name, progress: Progress) {
        let items = self.by_step.entry(step).or_default();
        items.tally.add(&progress);
        if let Some(earlier) = items.progress.insert(item, progress) {
            items.tally.remove(&earlier);
        }
    }

    /// Forgets what became of a step for an item; gives it.
    pub fn remove(&mut self, step: Step, item: &Name) -> Option<Progress> {
        let items = self.by_step.get_mut(&step)?;
        let progress = items.progress.remove(item)?;
        items.tally.remove(&progress);
        if items.progress.is_empty() {
            self.by_step.remove(&step);
        }
        Some(progress)
    }

    /// Changes what became of each step, and forgets those of which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(Step, &mut Progress) -> bool) {
        for (step, items) in &mut self.by_step {
            items.progress.retain(|_, progress| keep(*step, progress));
            items.tally = Tally::of(items.progress.values());
        }
        self.by_step.retain(|_, items| !items.progress.is_empty());
    }

    /// How many items of a step are how far; nothing where none was begun.
    pub(crate) fn tally(&self, step: Step) -> Option<&Tally> {
        self.by_step.get(&step).map(|items| &items.tally)
    }
}

impl Tally {
    fn of<'p>(every: impl IntoIterator<Item = &'p Progress>) -> Self {
        let mut tally = Self::default();
        every.into_iter().for_each(|progress| tally.add(progress));
        tally
    }

    fn add(&mut self, progress: &Progress) {
        match progress {
            Progress::Done { .. } => self.done += 1,
            open => self.open_since.add(open.since()),
        }
        if let Progress::Held { until, .. } = progress {
            self.held_until.add(*until);
        }
    }

    fn remove(&mut self, progress: &Progress) {
        match progress {
            Progress::Done { .. } => self.done -= 1,
            open => self.open_since.remove(open.since()),
        }
        if let Progress::Held { until, .. } = progress {
            self.held_until.remove(*until);
        }
    }

    /// Those whose effect stands.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    /// Those that were begun and are not done.
    pub(crate) fn open(&self) -> usize {
        self.open_since.0.values().sum()
    }

    /// Those that a worker holds at a moment.
    pub(crate) fn held(&self, now: Timestamp) -> usize {
        self.held_until.0.iter().rev().take_while(|(until, _)| now < **until).map(|(_, items)| items).sum()
    }

    /// When the one of them that is open longest was begun.
    pub(crate) fn oldest_open(&self) -> Option<Timestamp> {
        self.open_since.0.keys().next().copied()
    }
}

impl Times {
    fn add(&mut self, moment: Timestamp) {
        *self.0.entry(moment).or_default() += 1;
    }

    fn remove(&mut self, moment: Timestamp) {
        let Some(times) = self.0.get_mut(&moment) else { return };
        *times -= 1;
        if *times == 0 {
            self.0.remove(&moment);
        }
    }
}

impl fmt::Debug for Steps {
    /// As the map that it is: what is counted follows from it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_map()
            .entries(self.iter().map(|(step, item, progress)| ((step, item), progress)))
            .finish()
    }
}

impl Serialize for Steps {
    /// As the list of its entries, in their order: JSON takes only texts for keys.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(step, item, progress)| ((step, item), progress)))
    }
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries: Vec<((Step, Name), Progress)> = Vec::deserialize(deserializer)?;
        let mut steps = Self::default();
        for ((step, item), progress) in entries {
            steps.insert(step, item, progress);
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn held(since: i64, until: i64) -> Progress {
        Progress::Held { intent: 7, since: moment(since), until: moment(until), note: String::new() }
    }

    #[test]
    fn a_lease_is_held_until_its_last_moment_and_not_at_it() {
        let tally = Tally::of(&[held(0, 10), held(1, 10), held(2, 20)]);
        assert_eq!(tally.held(moment(9)), 3);
        assert_eq!(tally.held(moment(10)), 1);
        assert_eq!(tally.held(moment(20)), 0);
        assert_eq!((tally.done(), tally.open()), (0, 3));
    }

    #[test]
    fn items_are_found_whatever_their_order() {
        let mut steps = Steps::default();
        for name in ["b", "d", "e"] {
            steps.insert(Step::Scale, Name::new(name), held(0, 10));
        }
        for names in ["a b c d e f", "f e d c b a", "b b d a e", "c b f d", "e", "a", "f d"] {
            let names: Vec<Name> = names.split(' ').map(Name::new).collect();
            let found: Vec<_> = steps.along(Step::Scale, names.iter().map(|name| (name, ()))).collect();
            let looked_up: Vec<_> =
                names.iter().map(|name| (name, (), steps.get(Step::Scale, name))).collect();
            assert_eq!(found, looked_up);
        }
    }

    #[test]
    fn what_is_done_is_open_no_more() {
        let done = Progress::Done { since: moment(0), at: moment(5), detail: String::new(), took_ms: 5_000 };
        let failed = Progress::Failed { since: moment(3), at: moment(4), code: "denied".to_owned() };
        let released = Progress::Released { since: moment(2), note: String::new() };
        let tally = Tally::of(&[done, failed, released]);
        assert_eq!((tally.done(), tally.open(), tally.held(moment(0))), (1, 2, 0));
        assert_eq!(tally.oldest_open(), Some(moment(2)));
    }
}

//! A history to spoil: an undisturbed failover, which keeps every rule, and ways to make a bad one of it.

use jiff::SignedDuration;
use protocol::journal::{Event, Record};

use crate::history::{Effect, Entry, History, What};
use crate::play::play;
use crate::scenario::Draw;

/// An undisturbed failover.
pub(super) fn good() -> History {
    let history = play(Draw::undisturbed(1), false).expect("it plays");
    assert_eq!(super::broken(&history), Vec::<String>::new());
    history
}

impl History {
    /// The place of the first record that is so.
    pub(super) fn place_of(&self, is_so: impl Fn(&Event) -> bool) -> usize {
        let found = self
            .entries
            .iter()
            .position(|entry| matches!(&entry.what, What::Appended(record) if is_so(&record.event)));
        found.expect("there is such a record")
    }

    /// The place of the first effect that is so.
    pub(super) fn place_of_effect(&self, is_so: impl Fn(&Effect) -> bool) -> usize {
        let found = self
            .entries
            .iter()
            .position(|entry| matches!(&entry.what, What::Effect(effect) if is_so(effect)));
        found.expect("there is such an effect")
    }

    /// Puts something in at a place, at the time of what stood there.
    pub(super) fn put(&mut self, place: usize, what: What) {
        let last = self.entries.len() - 1;
        let entry = Entry { what, ..self.entries[place.min(last)].clone() };
        self.entries.insert(place, entry);
    }

    /// Puts something in at the end.
    pub(super) fn add(&mut self, what: What) {
        let last = self.entries.last().expect("something happened").clone();
        let at = last.at.checked_add(SignedDuration::from_secs(1)).expect("a time");
        self.entries.push(Entry { at, by: last.by, what });
    }

    /// The record at a place, to be spoiled.
    pub(super) fn record_at(&mut self, place: usize) -> &mut Record {
        match &mut self.entries[place].what {
            What::Appended(record) => record,
            other => panic!("no record: {other}"),
        }
    }

    /// A record like the one at a place, with another event.
    pub(super) fn like(&self, place: usize, event: Event) -> What {
        match &self.entries[place].what {
            What::Appended(record) => What::Appended(Box::new(Record { event, ..(**record).clone() })),
            other => panic!("no record: {other}"),
        }
    }
}

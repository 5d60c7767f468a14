//! Who holds what: what the guard's own side is for each item, and by which term.
//!
//! A guard holds databases and routes of a group together, for a run moves a group whole; a fleet is listed where it was
//! scaled out to serve. An item that is not listed is `standby` at term 0: the other side serves it, as on day one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::side::Side;

/// What the guard's own side is for an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// It serves here.
    Active,
    /// Its promotion, or its opening, is intended here and not completed.
    Taking,
    /// It serves on the other side, and what is here follows: this guard may move it.
    #[default]
    Standby,
    /// It serves on the other side, and nothing here follows it yet.
    Unprotected,
    /// It is not known. Nothing starts, and a person is asked.
    Unknown,
}

impl Ownership {
    /// In documents and sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Taking => "taking",
            Self::Standby => "standby",
            Self::Unprotected => "unprotected",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Ownership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the guard's own side is for an item, and since which change of hands. No two guards take the same term: the one of
/// the plan's first side takes even ones, the other odd ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// What it is.
    pub ownership: Ownership,
    /// The term.
    pub term: u64,
}

/// The first term that the guard of the recovery side takes. Records of schema 1 name none and mean it.
pub const FIRST_TERM: u64 = 1;

/// The first term of the guard of a seat, where it finds that its side serves and nobody has held anything yet.
pub fn first_term(seat: Side) -> u64 {
    match seat {
        Side::Primary => 0,
        Side::Recovery => FIRST_TERM,
    }
}

/// The smallest term that is not below another and that the guard of a seat may have taken.
pub fn own_term_from(known: u64, seat: Side) -> u64 {
    if known % 2 == first_term(seat) { known } else { known + 1 }
}

/// The smallest term above another that the guard of a seat may take.
fn term_after(known: u64, seat: Side) -> u64 {
    let parity = match seat {
        Side::Primary => 0,
        Side::Recovery => 1,
    };
    known + if (known + 1) % 2 == parity { 1 } else { 2 }
}

/// The items of which more is known than that they stand by as on day one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holdings(BTreeMap<Name, Holding>);

impl Holdings {
    /// These items serve here, by the first term.
    pub fn active<N: Into<Name>>(items: impl IntoIterator<Item = N>) -> Self {
        let active = Holding { ownership: Ownership::Active, term: FIRST_TERM };
        Self(items.into_iter().map(|item| (item.into(), active)).collect())
    }

    /// What is known of an item.
    pub fn of(&self, item: &Name) -> Holding {
        self.0.get(item).copied().unwrap_or_default()
    }

    /// Whether an item serves here.
    pub fn is_active(&self, item: &Name) -> bool {
        self.of(item).ownership == Ownership::Active
    }

    /// Whether any item serves here.
    pub fn has_active(&self) -> bool {
        self.0.values().any(|holding| holding.ownership == Ownership::Active)
    }

    /// All that is known.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, Holding)> {
        self.0.iter().map(|(item, holding)| (item, *holding))
    }

    /// The term by which the guard of a seat takes items: that of those of them which it is taking already, else the next
    /// one above every term known.
    pub fn term_to_take<'n>(&self, items: impl IntoIterator<Item = &'n Name>, seat: Side) -> u64 {
        let known = self.0.values().map(|holding| holding.term).max().unwrap_or_default();
        self.term_of_taking(items).unwrap_or_else(|| term_after(known, seat))
    }

    fn term_of_taking<'n>(&self, items: impl IntoIterator<Item = &'n Name>) -> Option<u64> {
        let held = items.into_iter().map(|item| self.of(item));
        held.filter(|held| held.ownership == Ownership::Taking).map(|held| held.term).max()
    }

    /// These items are held like this from now on.
    pub(super) fn hold<'n>(&mut self, items: impl IntoIterator<Item = &'n Name>, holding: Holding) {
        self.0.extend(items.into_iter().map(|item| (item.clone(), holding)));
    }

    /// Nothing is known of these items any more.
    pub(super) fn forget<'n>(&mut self, items: impl IntoIterator<Item = &'n Name>) {
        for item in items {
            self.0.remove(item);
        }
    }

    /// Nothing is known of anything any more.
    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    /// Whether anything is known of an item.
    pub(super) fn lists(&self, item: &Name) -> bool {
        self.0.contains_key(item)
    }

    /// The promotion or the opening of items is intended.
    pub(super) fn take<'n>(&mut self, items: impl IntoIterator<Item = &'n Name>, term: u64) {
        for item in items {
            let taking = Holding { ownership: Ownership::Taking, term: term.max(self.of(item).term) };
            self.0.insert(item.clone(), taking);
        }
    }

    /// Items serve here from now on, by the term that one of them was taken with: a fleet among them is not taken.
    pub(super) fn activate<'n>(&mut self, items: impl IntoIterator<Item = &'n Name> + Clone) {
        let term = self.term_of_taking(items.clone()).unwrap_or(FIRST_TERM);
        for item in items {
            self.0.insert(
                item.clone(),
                Holding { ownership: Ownership::Active, term: term.max(self.of(item).term) },
            );
        }
    }
}

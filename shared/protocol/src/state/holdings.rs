//! Who holds what: what the guard's own side is for each item, and by which term.
//!
//! A guard holds databases and routes of a group together, for a run moves a group whole; a fleet is listed where it was
//! scaled out to serve. An item that is not listed is `standby` at term 0: the other side serves it, as on day one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;

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

    /// The promotion or the opening of items is intended.
    pub(super) fn take<'n>(&mut self, items: impl IntoIterator<Item = &'n Name>, term: u64) {
        for item in items {
            let taking = Holding { ownership: Ownership::Taking, term: term.max(self.of(item).term) };
            self.0.insert(item.clone(), taking);
        }
    }

    /// Items serve here from now on, by the term that they were taken with.
    pub(super) fn activate(&mut self, items: impl IntoIterator<Item = Name>) {
        for item in items {
            let term = self.of(&item).term.max(FIRST_TERM);
            self.0.insert(item, Holding { ownership: Ownership::Active, term });
        }
    }
}

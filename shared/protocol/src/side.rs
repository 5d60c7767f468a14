//! The two sides of a plan, and the direction in which a guard moves items.
//!
//! `primary` and `recovery` are the names of two places, as an address is: neither says which of the two serves. Who serves
//! is asked of the state, and where a guard moves items to is its seat.

use std::ops::{Index, IndexMut};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the plan's two regions.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The place that the plan calls `primary`.
    Primary,
    /// The place that the plan calls `recovery`; where a plan has one guard, it sits here.
    #[default]
    Recovery,
}

impl Side {
    /// Both, in the order of documents.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Recovery];

    /// The one across.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Primary => Self::Recovery,
            Self::Recovery => Self::Primary,
        }
    }

    /// Its key in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Recovery => "recovery",
        }
    }
}

/// Something of each side.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Sides<T> {
    /// What is at the place called `primary`.
    pub primary: T,
    /// What is at the place called `recovery`.
    pub recovery: T,
}

impl<T> Sides<T> {
    /// Makes something for each side.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        Self { primary: make(Side::Primary), recovery: make(Side::Recovery) }
    }

    /// Both by reference.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides { primary: &self.primary, recovery: &self.recovery }
    }

    /// Makes something else of each.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> Sides<U> {
        Sides { primary: make(self.primary), recovery: make(self.recovery) }
    }

    /// Each with its side, in the order of documents.
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        Side::BOTH.into_iter().map(|side| (side, &self[side]))
    }

    /// Each without its side, in the order of documents.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        Side::BOTH.into_iter().map(|side| &self[side])
    }
}

impl<T> Index<Side> for Sides<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        match side {
            Side::Primary => &self.primary,
            Side::Recovery => &self.recovery,
        }
    }
}

impl<T> IndexMut<Side> for Sides<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Primary => &mut self.primary,
            Side::Recovery => &mut self.recovery,
        }
    }
}

/// From which side to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The side that is left.
    pub from: Side,
    /// The side that is moved to.
    pub to: Side,
}

impl Direction {
    /// Towards a side.
    pub fn to(side: Side) -> Self {
        Self { from: side.other(), to: side }
    }

    /// The way back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_across_the_one_across_is_the_side_itself() {
        for side in Side::BOTH {
            assert_ne!(side.other(), side);
            assert_eq!(side.other().other(), side);
            assert_eq!(Direction::to(side).reversed(), Direction::to(side.other()));
        }
    }

    #[test]
    fn what_is_of_a_side_is_found_by_it_and_by_its_key() {
        let mut names = Sides::from_fn(Side::as_str);
        for (side, name) in names.iter() {
            assert_eq!(serde_json::json!(names)[side.as_str()], *name);
            assert_eq!(serde_json::json!(side), *name);
        }
        names[Side::Primary] = "elsewhere";
        assert_eq!(names.values().collect::<Vec<_>>(), [&"elsewhere", &"recovery"]);
    }
}

//! What a decision about parameters is made from.

use super::direction::CopyRegions;
use super::scope::ParameterScope;
use crate::plan::{Parameters, Plan};

/// Everything that a decision about parameters is made from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// Its section.
    pub parameters: &'p Parameters,
    /// From where to where.
    pub direction: &'p CopyRegions,
}

impl<'p> Ground<'p> {
    /// The patterns.
    pub fn scope(&self) -> ParameterScope<'p> {
        ParameterScope::of(self.parameters)
    }

    /// The key that secure strings are written with; none is AWS's own.
    pub fn key(&self) -> Option<&'p str> {
        self.parameters.keys.of(self.plan.side_of(&self.direction.to)?)
    }
}

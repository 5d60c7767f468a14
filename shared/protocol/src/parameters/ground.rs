//! What a decision about parameters is made from.

use super::direction::Direction;
use super::scope::ParameterScope;
use crate::plan::{Keys, Parameters, Plan};

/// Everything that a decision about parameters is made from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// Its section.
    pub parameters: &'p Parameters,
    /// From where to where.
    pub direction: &'p Direction,
}

impl<'p> Ground<'p> {
    /// The patterns.
    pub fn scope(&self) -> ParameterScope<'p> {
        ParameterScope::of(self.parameters)
    }

    /// The key that secure strings are written with; none is AWS's own.
    pub fn key(&self) -> Option<&'p str> {
        let Keys { primary, recovery } = &self.parameters.keys;
        let key = if self.direction.to == self.plan.regions.primary { primary } else { recovery };
        key.as_deref()
    }
}

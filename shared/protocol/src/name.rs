//! What things are called: one checked kind of name for plans and for the items of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a plan, a database, a fleet, a route or a probe.
///
/// [`crate::plan::Plan::from_json`] checks that names are 1 to 40 characters of `a-z`, `0-9` and `-`, starting
/// with a letter, so that they can stand in ARNs, sentences and metric dimensions as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Name(#[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,39}$"))] String);

impl Name {
    /// Wraps a text without checking it; see [`Name::is_well_formed`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name keeps to the rule of [`Name`].
    pub fn is_well_formed(&self) -> bool {
        let mut characters = self.0.chars();
        self.0.len() <= 40
            && characters.next().is_some_and(|first| first.is_ascii_lowercase())
            && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

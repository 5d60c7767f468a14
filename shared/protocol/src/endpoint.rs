//! How does the endpoint of one side of a route stand?

use serde::{Deserialize, Serialize};

/// The endpoint of one side of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// It takes users.
    Open(Setting),
    /// It takes none.
    Closed,
    /// The service does not have it: another one may have taken its place, so this is no proof that the side is closed.
    Missing,
}

/// What lets users in at an endpoint. Each kind of route has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The weight of an endpoint of a Global Accelerator, never 0.
    Weight(u8),
}

impl Setting {
    /// As a step notes it before it changes the endpoint.
    pub fn note(self) -> String {
        match self {
            Self::Weight(weight) => weight.to_string(),
        }
    }

    /// What a step noted; nothing where it is not one of these.
    pub fn noted(note: &str) -> Option<Self> {
        note.parse().ok().filter(|weight| *weight > 0).map(Self::Weight)
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Weight(weight) => write!(f, "weight {weight}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_gives_the_setting_back() {
        for weight in [1, 128, 255] {
            assert_eq!(Setting::noted(&Setting::Weight(weight).note()), Some(Setting::Weight(weight)));
        }
        for other in ["0", "256", "-1", "", "open"] {
            assert_eq!(Setting::noted(other), None, "{other}");
        }
    }
}

//! What changed since people were last told?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Finding, Readiness};
use crate::words::list;

/// The last readiness, and what people know of it. Kept beside the journal; advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReadiness {
    /// What was last seen.
    pub readiness: Readiness,
    /// What was not ready, or had a note, when people were last told, by name and subject of the check. Nothing: they were
    /// told nothing yet.
    #[serde(default)]
    pub told: Option<BTreeMap<String, Finding>>,
}

impl LastReadiness {
    /// A readiness that people have not been told of; they know what they knew before.
    pub fn untold(readiness: Readiness, before: Option<&Self>) -> Self {
        Self { readiness, told: before.and_then(|before| before.told.clone()) }
    }

    /// The same, told.
    #[must_use]
    pub fn as_told(self) -> Self {
        let told = Some(unready(&self.readiness));
        Self { told, ..self }
    }

    /// What to tell people, in one sentence; nothing where they know how it stands. Of the first readiness they are told
    /// only if something is not ready.
    pub fn news(&self) -> Option<String> {
        let nothing = BTreeMap::new();
        let before = self.told.as_ref().unwrap_or(&nothing);
        let now = unready(&self.readiness);
        if now == *before {
            return None;
        }
        let checks = self.readiness.checks.iter();
        let fresh = list(
            checks
                .filter(|check| {
                    check.finding != Finding::Ready && before.get(&check.key()) != Some(&check.finding)
                })
                .map(|check| {
                    let remedy = check.remedy.as_deref().unwrap_or_default();
                    format!("{} is {} ({} Remedy: {remedy})", check.key(), check.finding, check.sentence)
                }),
        );
        let again = list(before.keys().filter(|key| !now.contains_key(*key)).cloned());
        let mut parts = vec![self.readiness.verdict()];
        parts.extend((fresh != NOTHING).then(|| format!("new: {fresh}")));
        parts.extend((again != NOTHING).then(|| format!("fixed or gone: {again}")));
        Some(format!("{}.", parts.join("; ")))
    }
}

/// What [`list`] says of no items.
const NOTHING: &str = "nothing";

fn unready(readiness: &Readiness) -> BTreeMap<String, Finding> {
    let unready = readiness.checks.iter().filter(|check| check.finding != Finding::Ready);
    unready.map(|check| (check.key(), check.finding)).collect()
}

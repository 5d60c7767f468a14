//! What did the checker find? Explores one configuration, or hunts one mutant, and judges the outcome.

use std::fmt::Write;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::config::Config;
use crate::count::{COUNTERS, Counter};
use crate::model::{Action, Check};
use crate::mutant::{Hunt, Mutant};
use crate::property;

/// What an exploration came to.
#[derive(Debug)]
pub struct Outcome {
    /// Unique worlds.
    pub worlds: usize,
    /// The longest shortest way to one of them.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The property that was broken, and the way there.
    pub broken: Option<(&'static str, Vec<Action>)>,
    /// Ends that were to be reached and were not.
    pub missed: Vec<&'static str>,
    /// What happened, in the order of [`COUNTERS`].
    pub counts: Vec<u64>,
}

impl Outcome {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn complaint(&self, config: &Config) -> Option<String> {
        if let Some((name, way)) = &self.broken {
            return Some(format!("{name}: broken after {} actions", way.len()));
        }
        if !self.missed.is_empty() {
            return Some(format!("never reached: {}", self.missed.join(", ")));
        }
        (self.worlds != config.pinned)
            .then(|| format!("{} worlds were pinned; say why it changed, then pin anew", config.pinned))
    }

    /// The way to what was broken, an action a line.
    #[must_use]
    pub fn way(&self) -> String {
        let actions = self.broken.iter().flat_map(|(_, way)| way);
        actions.fold(String::new(), |mut text, action| {
            // Writing to a text can't fail.
            let _ = write!(text, "\n    {action:?}");
            text
        })
    }

    /// How often something happened.
    #[must_use]
    pub fn count(&self, counter: Counter) -> u64 {
        self.counts.get(counter as usize).copied().unwrap_or_default()
    }
}

/// Explores a configuration to its end, or to the first broken property: by the shortest way, since the search goes
/// breadth first.
#[expect(clippy::disallowed_methods, reason = "measures the checker; the model has a clock of its own")]
#[must_use]
pub fn explore(config: &Config, mutant: Option<Mutant>) -> Outcome {
    let began = Instant::now();
    let check = Check::new(config, mutant);
    let counters = check.engine.counters.clone();
    let checker = check.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discoveries();
    let broken = property::ALL
        .iter()
        .find_map(|name| found.get(name).map(|path| (*name, path.clone().into_actions())));
    let properties = checker.model().properties();
    let missed = properties
        .iter()
        .map(|property| property.name)
        .filter(|name| !property::ALL.contains(name) && !found.contains_key(name));
    Outcome {
        worlds: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        broken,
        missed: missed.collect(),
        counts: COUNTERS.iter().map(|(counter, _)| counters.get(*counter)).collect(),
    }
}

/// Hunts a mutant: the named property must catch it.
///
/// # Errors
/// It survived, or something else caught it.
pub fn hunt(hunt: &Hunt) -> Result<Vec<Action>, String> {
    match explore(&hunt.config, Some(hunt.mutant)).broken {
        Some((name, way)) if name == hunt.caught_by => Ok(way),
        Some((name, _)) => Err(format!("caught by {name}, not by {}", hunt.caught_by)),
        None => Err(format!("survived: {} does not catch it", hunt.caught_by)),
    }
}

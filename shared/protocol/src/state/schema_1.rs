//! Snapshots of schema 1, which have a list of what has moved, no terms, and one kind of clean-up.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::holdings::{FIRST_TERM, Holdings};
use super::{Cleanup, State};
use crate::command::Step;
use crate::name::Name;

/// The fields of a snapshot of schema 1, as the newest schema has them.
pub(super) fn fields(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut document: Map<String, Value> = serde_json::from_str(text)?;
    if let Some(Value::Object(state)) = document.get_mut("state") {
        let moved = state.remove("moved").unwrap_or_default();
        let moved: Vec<Name> = Vec::deserialize(moved)?;
        let since = state.remove("moved_at").unwrap_or_default();
        state.insert("active_since".to_owned(), since);
        state.insert("holdings".to_owned(), serde_json::to_value(Holdings::active(moved))?);
        let quarantine = state.remove("quarantine").unwrap_or_default();
        let quarantine: BTreeMap<Name, Cleanup> = BTreeMap::deserialize(quarantine)?;
        let cleanup =
            quarantine.into_iter().map(|(database, cleanup)| ((Step::Quarantine, database), cleanup));
        state.insert("cleanup".to_owned(), serde_json::to_value(cleanup.collect::<Vec<_>>())?);
    }
    Ok(document)
}

/// What the run under way has begun to promote or to open is taken.
pub(super) fn note_taken(state: &mut State) {
    let Some(run) = state.active_run() else {
        return;
    };
    let begun = |step, items: &[Name]| -> Vec<Name> {
        items.iter().filter(|item| run.progress(step, item).is_some()).cloned().collect()
    };
    let taken = [begun(Step::Promote, &run.scope.databases), begun(Step::Open, &run.scope.routes)];
    state.holdings.take(taken.iter().flatten(), FIRST_TERM);
}

//! Does a plan keep the rules? Checked here, by the very code that the functions read it with.

use std::path::Path;

use protocol::plan::Plan;
use serde_json::{Value, json};

use crate::desk::Surroundings;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen};

/// Every problem of a plan in a file.
pub(crate) fn validate(file: &Path, surroundings: &dyn Surroundings) -> Result<Screen, Unanswered> {
    let text = surroundings
        .read(file)
        .map_err(|error| Unanswered::usage(format!("{} can't be read: {error}", file.display())))?;
    match Plan::from_json(&text) {
        Ok(plan) => {
            let sentence = format!("The plan {} keeps every rule.", plan.name);
            Ok(Screen::of(Exit::Done, json!({ "sentence": sentence, "plan": plan.name, "problems": [] })))
        }
        Err(problems) => {
            let problems = problems.as_slice();
            let count = if problems.len() == 1 {
                "1 problem".to_owned()
            } else {
                format!("{} problems", problems.len())
            };
            let shown: Vec<Value> = problems
                .iter()
                .map(|one| json!({ "path": one.path, "problem": one.problem, "remedy": one.remedy }))
                .collect();
            let rows =
                problems.iter().map(|one| vec![one.path.clone(), one.problem.clone(), one.remedy.clone()]);
            let grid = Grid::new(&["where", "problem", "remedy"], rows.collect());
            let value = json!({ "sentence": format!("The plan has {count}."), "problems": shown });
            Ok(Screen::of(Exit::Refused, value).with(grid))
        }
    }
}

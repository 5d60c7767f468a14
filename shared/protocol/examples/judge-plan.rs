//! What the functions' own reader says of plans: for each line, a JSON text that holds a plan's text, a line with its problems.
//!
//! `infra/tests/agreement_test.py` compares it with what Terraform says.

#![expect(clippy::print_stdout, reason = "this is a command: what it prints is what it is for")]

use std::io::{self, BufRead};

use protocol::plan::Plan;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        // As in the recovery region, where the module deploys them.
        let seated = Plan::from_json(&text).and_then(|plan| {
            let region = plan.sides.recovery.region.clone();
            plan.seated_in(&region)
        });
        let problems: Vec<String> = match seated {
            Ok(_) => Vec::new(),
            Err(problems) => problems.as_slice().iter().map(ToString::to_string).collect(),
        };
        println!("{}", serde_json::to_string(&problems)?);
    }
    Ok(())
}

//! Prints the JSON Schema of a plan: `cargo run -p protocol --example plan-schema > docs/plan.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let schema = serde_json::to_string_pretty(&protocol::plan::plan_schema())?;
    writeln!(std::io::stdout(), "{schema}")
}

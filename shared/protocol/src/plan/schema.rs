//! The JSON Schema of a plan, for editors and for Terraform's reviewers.
//!
//! The schema says what one place of a plan may hold. What places say about each other (regions against ARNs,
//! `after`, timeouts against deadlines) only [`Plan::from_json`](super::Plan::from_json) knows.

use schemars::generate::SchemaSettings;

use super::Plan;

/// The JSON Schema (draft 2020-12) of the plan document.
pub fn plan_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Plan>().to_value()
}

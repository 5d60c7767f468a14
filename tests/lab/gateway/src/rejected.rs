//! Why was a setting refused? The one error of everything that people and tests can set.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A setting that can't be taken: which field, what is wrong with it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {problem}; {remedy}")]
pub struct Rejected {
    /// The path of the field, for example `match.action`.
    pub field: String,
    /// What is wrong with it.
    #[serde(rename = "error")]
    pub problem: String,
    /// What would be taken.
    pub remedy: String,
}

impl Rejected {
    pub(crate) fn new(field: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// Reads JSON, and turns every way in which it doesn't fit into a rejection that names the field.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8], remedy: &str) -> Result<T, Rejected> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { path };
        Rejected::new(&field, error.into_inner().to_string(), remedy)
    })?;
    reader
        .end()
        .map_err(|error| Rejected::new("body", error.to_string(), "send exactly one JSON document"))?;
    Ok(value)
}

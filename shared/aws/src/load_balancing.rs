//! How is Elastic Load Balancing asked? Without a client of the SDK.

use crate::signed::{Content, Question};

/// The version of its API.
const API: &str = "2015-12-01";

/// A question to it.
pub(crate) fn question(action: &'static str, fields: Vec<(String, String)>) -> Question {
    Question { action, service: "elasticloadbalancing", content: Content::Form { version: API, fields } }
}

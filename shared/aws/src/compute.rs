//! How is EC2 asked? Without a client of the SDK.

use crate::signed::{Content, Question};

/// The version of its API.
const API: &str = "2016-11-15";

/// A question to it.
pub(crate) fn question(action: &'static str, fields: &[(&str, &str)]) -> Question {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Question { action, service: "ec2", content: Content::Form { version: API, fields: fields.collect() } }
}

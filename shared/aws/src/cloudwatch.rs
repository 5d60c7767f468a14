//! How is `CloudWatch` asked? Without a client of the SDK.

use jiff::Timestamp;

use crate::signed::{Content, Question};

/// The version of its API.
const API: &str = "2010-08-01";

/// A field of a question.
pub(crate) type FormField = (String, String);

/// A question to it.
pub(crate) fn question(action: &'static str, fields: Vec<FormField>) -> Question {
    Question { action, service: "monitoring", content: Content::Form { version: API, fields } }
}

/// A field by its name.
pub(crate) fn field(name: impl Into<String>, value: impl Into<String>) -> FormField {
    (name.into(), value.into())
}

/// A time to the second: nothing here needs more, and not everybody reads more.
pub(crate) fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// The dimensions of a metric, as fields whose names begin so: `Dimensions.member.1.Name`.
pub(crate) fn dimensions<'v>(
    prefix: &str,
    dimensions: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> Vec<FormField> {
    let numbered = dimensions.into_iter().zip(1_usize..);
    let fields = numbered.flat_map(|((name, value), number)| {
        let member = format!("{prefix}Dimensions.member.{number}");
        [field(format!("{member}.Name"), name), field(format!("{member}.Value"), value)]
    });
    fields.collect()
}

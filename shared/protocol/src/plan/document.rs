//! The text of a plan as a tree that still knows what `serde_json::Value` forgets: a field given twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON document, with its fields in the order of the text and none of them merged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Document {
    Null,
    Bool,
    /// A whole number from 0 up.
    Whole(u64),
    /// Any other number: negative, or with a fraction.
    OtherNumber(f64),
    Text(String),
    List(Vec<Document>),
    Fields(Vec<(String, Document)>),
}

impl Document {
    /// What it is, to be read after "is".
    pub(super) fn what(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Whole(number) => format!("the number {number}"),
            Self::OtherNumber(number) => format!("the number {number}"),
            Self::Text(_) => "a text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Fields(_) => "an object".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

#[allow(clippy::cast_precision_loss, reason = "a negative number is only ever named in a sentence")]
impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Document, E> {
        Ok(Document::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Document, E> {
        Ok(u64::try_from(number).map_or(Document::OtherNumber(number as f64), Document::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Document, E> {
        // Terraform writes the 0 of a sum that came from below as -0.
        Ok(if number == 0.0 { Document::Whole(0) } else { Document::OtherNumber(number) })
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Document, E> {
        Ok(Document::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = entries.next_entry()? {
            fields.push(field);
        }
        Ok(Document::Fields(fields))
    }
}

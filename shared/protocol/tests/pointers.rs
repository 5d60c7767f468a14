//! Every place of a document, by its pointer.

use serde_json::Value;

pub(crate) fn pointers(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    collect(value, "", &mut all);
    all
}

fn collect(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect(value, &format!("{at}/{}", escaped(key)), all));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| collect(value, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

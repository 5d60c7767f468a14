//! How a payload that nobody knows is described: its keys and the types behind them, never a value.

use serde_json::Value;

/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 300;

/// Most keys that are named.
const KEYS_MAX: usize = 12;

/// Longest key that is named; a longer one is no name.
const KEY_MAX: usize = 40;

/// Describes a value in words after a first clause.
pub(super) fn describe(what: &str, value: &Value) -> String {
    let description = match value {
        Value::Object(fields) if fields.is_empty() => format!("{what}an empty object"),
        Value::Object(fields) => {
            // By name: the order of a map's keys depends on how the JSON library was built.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let mut parts: Vec<String> = sorted
                .into_iter()
                .take(KEYS_MAX)
                .map(|(key, value)| format!("{} ({})", named(key), kind(value)))
                .collect();
            if fields.len() > KEYS_MAX {
                parts.push(format!("and {} more", fields.len() - KEYS_MAX));
            }
            format!("{what}an object with {}", parts.join(", "))
        }
        other => format!("{what}{}", kind(other)),
    };
    cut(&description, DESCRIPTION_MAX)
}

/// A text cut to a number of characters, without control characters.
pub(super) fn cut(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether the texts and values of a tree take more than so many bytes; it stops counting there.
pub(super) fn is_larger_than(value: &Value, bytes_max: usize) -> bool {
    let mut bytes = 0;
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        bytes += 1;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => rest.extend(items),
            Value::Object(fields) => {
                bytes += fields.keys().map(String::len).sum::<usize>();
                rest.extend(fields.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if bytes > bytes_max {
            return true;
        }
    }
    false
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A key, if it looks like one: what doesn't may be a value in the wrong place.
pub(super) fn named(key: &str) -> String {
    if is_plain(key) { key.to_owned() } else { format!("a key of {} characters", key.chars().count()) }
}

/// Whether a key looks like one.
pub(super) fn is_plain(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    !key.is_empty() && key.len() <= KEY_MAX && key.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_description_names_keys_and_types_and_no_value() {
        let value = json!({"a": "secret", "b": [1, 2], "c": {"d": "secret"}, "e": null, "f": 5, "g": true});
        let expected = "an object with a (a string), b (a list of 2), c (an object), e (null), f (a number), g \
                        (true or false)";
        assert_eq!(describe("", &value), expected);
        assert_eq!(describe("an event: ", &json!("secret")), "an event: a string");
        assert_eq!(describe("", &json!({})), "an empty object");
    }

    #[test]
    fn a_key_that_does_not_look_like_one_is_counted_and_not_repeated() {
        assert_eq!(describe("", &json!({"pass word": 1})), "an object with a key of 9 characters (a number)");
        assert_eq!(describe("", &json!({"": 1})), "an object with a key of 0 characters (a number)");
    }

    #[test]
    fn a_description_is_short_whatever_it_describes() {
        let many: Value = (0..1000).map(|n| (format!("key-number-{n:030}"), json!(n))).collect();
        assert_eq!(describe("", &many).chars().count(), DESCRIPTION_MAX);
    }

    #[test]
    fn size_counts_keys_and_texts_at_any_depth() {
        let value = json!({"key": ["12345"]});
        assert!(is_larger_than(&value, 10));
        assert!(!is_larger_than(&value, 11));
    }
}

//! Which characters of somebody else's text may reach a terminal? None that moves its cursor, changes its colours or turns the
//! direction of what follows: they are shown as what they are.

use std::fmt::Write as _;

/// A text on one line, in which every character that a terminal would obey is spelled out: `\u{1b}`.
pub fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            _ if is_obeyed(letter) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
            }
            _ => shown.push(letter),
        }
    }
    shown
}

/// A JSON document in which the same characters are JSON's own escapes. They can only stand in its strings.
pub fn inert_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for letter in document.chars() {
        if letter != '\n' && is_obeyed(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Control characters, and those of Unicode that are invisible or turn the writing's direction.
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "red \u{1b}[31m title \u{1b}]0;x\u{7} c1 \u{9b}2J bidi \u{202e}txt\u{2069} tag \u{e0041} back\u{8} cr\r nl\n";

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(
            inert(HOSTILE),
            "red \\u{1b}[31m title \\u{1b}]0;x\\u{7} c1 \\u{9b}2J bidi \\u{202e}txt\\u{2069} tag \\u{e0041} \
             back\\u{8} cr\\u{d} nl\\n"
        );
    }

    #[test]
    fn words_of_any_language_stay_as_they_are() {
        for text in ["grüß dich", "数据库", "база данных", "قاعدة", "a|b \\ \"c\""] {
            assert_eq!(inert(text), text);
        }
    }

    #[test]
    fn a_json_document_means_the_same_and_holds_none_of_them() {
        let value = serde_json::json!({ "reason": HOSTILE });
        let document = inert_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(document.chars().all(|letter| letter == '\n' || !is_obeyed(letter)), "{document:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
    }
}

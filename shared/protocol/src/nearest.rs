//! Which of the known names a mistyped one was meant to be.

/// Longest text that is compared or repeated; what is longer is no slip of the finger.
const LENGTH_MAX: usize = 40;

/// Most names that a remedy lists.
const LISTED_MAX: usize = 12;

/// A remedy for a name that isn't known: the nearest known one, or else the known ones.
pub(crate) fn remedy(text: &str, known: &[&str]) -> String {
    match nearest(text, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known: {}", list(known)),
    }
}

/// The names, the first dozen of them.
pub(crate) fn list(known: &[&str]) -> String {
    match known.len() {
        0 => "none".to_owned(),
        1..=LISTED_MAX => known.join(", "),
        more => format!("{} and {} more", known[..LISTED_MAX].join(", "), more - LISTED_MAX),
    }
}

/// A text from outside, fit to be repeated in a sentence: short, and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String =
        text.chars().take(LENGTH_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LENGTH_MAX).is_some() { format!("`{shown}…`") } else { format!("`{shown}`") }
}

/// The known name nearest to the text, if it is near: at most a third of its letters differ.
pub(crate) fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    if text.is_empty() || text.len() > LENGTH_MAX {
        return None;
    }
    let text = text.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&text, name), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_the_name_that_was_meant() {
        let known = ["approve", "abort", "hold"];
        assert_eq!(remedy("aprove", &known), "did you mean `approve`?");
        assert_eq!(remedy("Abort", &known), "did you mean `abort`?");
        assert_eq!(remedy("hlod", &known), "did you mean `hold`?");
    }

    #[test]
    fn what_is_near_to_nothing_is_answered_with_the_list() {
        assert_eq!(remedy("reboot", &["approve", "abort"]), "known: approve, abort");
        assert_eq!(remedy("", &["approve"]), "known: approve");
        assert_eq!(remedy("x", &[]), "known: none");
        let many: Vec<String> = (0..20).map(|n| format!("database-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(list(&many).ends_with("database-11 and 8 more"));
    }

    #[test]
    fn a_text_from_outside_is_cut_and_cleaned_before_it_is_repeated() {
        assert_eq!(quoted("a\nb"), "`a\u{fffd}b`");
        assert_eq!(quoted(&"x".repeat(50)), format!("`{}…`", "x".repeat(40)));
    }
}

//! What does a notice look like?

use protocol::name::Name;

/// Longest subject that SNS takes.
const SUBJECT_CHARACTERS_MAX: usize = 100;

/// The subject of a notice: the plan, and what it is about. ASCII on one line, as SNS takes it.
pub fn subject(plan: &Name, title: &str) -> String {
    let whole = format!("Pilotlight {plan}: {title}");
    let ascii = whole.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    ascii.take(SUBJECT_CHARACTERS_MAX).collect()
}

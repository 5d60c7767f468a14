//! The section `parameters` of a plan's document.

use super::super::parameters::{
    Existing, Keys, Parameters, default_deletes_percent_max, default_puts_per_second,
};
use super::super::section::{Notes, Section};
use super::bounds;

const PATTERN_HINT: &str = "patterns of parameter names, like /shop/**";
const KEY_HINT: &str = "an alias, a key's id or its ARN";

/// Reads the section; it may be left out, or be null.
pub(super) fn read(plan: &Section<'_>, notes: &mut Notes) -> Option<Parameters> {
    const FIELDS: [&str; 7] =
        ["include", "exclude", "overrides", "existing", "keys", "puts_per_second", "deletes_percent_max"];
    let document = plan.given("parameters")?;
    let section = Section::open(&plan.place("parameters"), document, &FIELDS, notes);
    let include = section.need("include", "a list of at least one pattern, like /shop/**", notes);
    let include = include.map(|_| section.texts("include", PATTERN_HINT, notes));
    Some(Parameters {
        include: include.unwrap_or_default(),
        exclude: section.texts("exclude", PATTERN_HINT, notes),
        overrides: section.texts("overrides", PATTERN_HINT, notes),
        existing: read_existing(&section, notes),
        keys: read_keys(&section, notes),
        puts_per_second: section.number_or(
            "puts_per_second",
            default_puts_per_second(),
            bounds::PUTS_PER_SECOND,
            notes,
        ),
        deletes_percent_max: section.number_or(
            "deletes_percent_max",
            default_deletes_percent_max(),
            bounds::DELETES_PERCENT,
            notes,
        ),
    })
}

fn read_existing(section: &Section<'_>, notes: &mut Notes) -> Existing {
    if section.find("existing").is_none() {
        return Existing::default();
    }
    section
        .word("existing", &[("keep", Existing::Keep), ("adopt", Existing::Adopt)], notes)
        .unwrap_or_default()
}

fn read_keys(section: &Section<'_>, notes: &mut Notes) -> Keys {
    let Some(document) = section.find("keys") else {
        return Keys::default();
    };
    let keys = Section::open(&section.place("keys"), document, &["primary", "recovery"], notes);
    Keys {
        primary: keys.text_if_given("primary", KEY_HINT, notes),
        recovery: keys.text_if_given("recovery", KEY_HINT, notes),
    }
}

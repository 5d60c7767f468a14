//! One object of a plan's document: which fields it has, lacks, and should not have.
//!
//! A derived `Deserialize` ends at the first problem. Here every field that can't be read is noted, and a stand-in
//! is handed back for it, so that one look at a plan names everything that is wrong with it.

use std::collections::HashSet;

use super::bounds::Bounds;
use super::document::Document;
use super::problem::{Broken, Problem};
use crate::name::Name;
use crate::nearest;

/// What was noted while a document was read.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) problems: Vec<Problem>,
    pub(super) broken: Broken,
}

impl Notes {
    /// Notes a problem at a place that can't be read.
    pub(super) fn broken(&mut self, path: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.broken.mark(path);
        self.note(path, problem, remedy);
    }

    fn note(&mut self, path: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), problem: problem.into(), remedy: remedy.into() });
    }
}

/// One object of the document.
#[derive(Debug)]
pub(super) struct Section<'d> {
    path: String,
    fields: &'d [(String, Document)],
    /// Whether the object is there at all; if not, that has been noted and its fields need no notes of their own.
    there: bool,
}

impl<'d> Section<'d> {
    /// Opens an object, noting the fields it should not have and those given twice.
    pub(super) fn open(path: &str, document: &'d Document, known: &[&str], notes: &mut Notes) -> Self {
        let Document::Fields(fields) = document else {
            let problem = format!("is {}, not an object", document.what());
            notes.broken(path, problem, format!("give an object with {}", known.join(", ")));
            return Self::absent(path);
        };
        let section = Self { path: path.to_owned(), fields, there: true };
        let mut seen = HashSet::new();
        for (name, _) in fields {
            if !known.contains(&name.as_str()) {
                let place = section.place(&nearest::quoted(name).replace('`', ""));
                notes.note(&place, "is not a field of the plan", nearest::remedy(name, known));
            } else if !seen.insert(name.as_str()) {
                notes.broken(&section.place(name), "is given twice", "keep one of the two");
            }
        }
        section
    }

    /// An object that isn't there.
    pub(super) fn absent(path: &str) -> Self {
        Self { path: path.to_owned(), fields: &[], there: false }
    }

    /// The path of a field.
    pub(super) fn place(&self, field: &str) -> String {
        if self.path == super::ROOT { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// The value of a field, if it is there.
    pub(super) fn find(&self, field: &str) -> Option<&'d Document> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// The value of a field that may be left out, or be null.
    pub(super) fn given(&self, field: &str) -> Option<&'d Document> {
        self.find(field).filter(|value| **value != Document::Null)
    }

    /// The object that a field must hold.
    pub(super) fn object(&self, field: &str, hint: &str, known: &[&str], notes: &mut Notes) -> Self {
        let path = self.place(field);
        match self.need(field, hint, notes) {
            Some(document) => Self::open(&path, document, known, notes),
            None => Self::absent(&path),
        }
    }

    /// The value of a field that must be there.
    pub(super) fn need(&self, field: &str, hint: &str, notes: &mut Notes) -> Option<&'d Document> {
        let found = self.find(field);
        if found.is_none() && self.there {
            notes.broken(&self.place(field), "is missing", format!("give {hint}"));
        }
        found
    }

    /// A text that must be there.
    pub(super) fn text(&self, field: &str, hint: &str, notes: &mut Notes) -> String {
        let value = self.need(field, hint, notes);
        value.map_or_else(String::new, |value| text(&self.place(field), value, hint, notes))
    }

    /// A text that may be left out, or be null.
    pub(super) fn text_if_given(&self, field: &str, hint: &str, notes: &mut Notes) -> Option<String> {
        let value = self.given(field)?;
        Some(text(&self.place(field), value, &format!("{hint}, or leave it out"), notes))
    }

    /// A name that must be there.
    pub(super) fn name(&self, field: &str, notes: &mut Notes) -> Name {
        Name::new(self.text(field, NAME_HINT, notes))
    }

    /// A whole number that must be there.
    pub(super) fn number<T: TryFrom<u64> + Default>(
        &self,
        field: &str,
        bounds: Bounds,
        notes: &mut Notes,
    ) -> T {
        let hint = format!("a whole number from {bounds}");
        let value = self.need(field, &hint, notes);
        value.and_then(|value| number(&self.place(field), value, bounds, &hint, notes)).unwrap_or_default()
    }

    /// A whole number that may be left out.
    pub(super) fn number_or<T: TryFrom<u64>>(
        &self,
        field: &str,
        default: T,
        bounds: Bounds,
        notes: &mut Notes,
    ) -> T {
        let hint = format!("a whole number from {bounds}, or leave it out");
        self.find(field)
            .and_then(|value| number(&self.place(field), value, bounds, &hint, notes))
            .unwrap_or(default)
    }

    /// A whole number that may be left out, or be null.
    pub(super) fn number_if_given<T: TryFrom<u64>>(
        &self,
        field: &str,
        bounds: Bounds,
        notes: &mut Notes,
    ) -> Option<T> {
        let hint = format!("a whole number from {bounds}, or leave it out");
        number(&self.place(field), self.given(field)?, bounds, &hint, notes)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, field: &str, words: &[(&str, T)], notes: &mut Notes) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = format!("one of: {}", known.join(", "));
        let place = self.place(field);
        match self.need(field, &hint, notes)? {
            Document::Text(text) => {
                let found = words.iter().find(|(word, _)| word == text).map(|(_, meaning)| *meaning);
                if found.is_none() {
                    let problem = format!("is {}, which is not known", nearest::quoted(text));
                    notes.broken(&place, problem, nearest::remedy(text, &known));
                }
                found
            }
            other => {
                notes.broken(&place, format!("is {}, not a text", other.what()), format!("give {hint}"));
                None
            }
        }
    }

    /// A list that may be left out, each of its items with its path.
    pub(super) fn list(&self, field: &str, hint: &str, notes: &mut Notes) -> Vec<(String, &'d Document)> {
        let place = self.place(field);
        match self.find(field) {
            None => Vec::new(),
            Some(Document::List(items)) => {
                items.iter().enumerate().map(|(index, item)| (format!("{place}[{index}]"), item)).collect()
            }
            Some(other) => {
                let problem = format!("is {}, not a list", other.what());
                notes.broken(&place, problem, format!("give a list of {hint}"));
                Vec::new()
            }
        }
    }

    /// A list of texts that may be left out.
    pub(super) fn texts(&self, field: &str, hint: &str, notes: &mut Notes) -> Vec<String> {
        let items = self.list(field, hint, notes);
        items.into_iter().map(|(path, item)| text(&path, item, hint, notes)).collect()
    }

    /// A list of names that may be left out.
    pub(super) fn names(&self, field: &str, notes: &mut Notes) -> Vec<Name> {
        self.texts(field, "names of items of the plan", notes).into_iter().map(Name::new).collect()
    }
}

/// What a name looks like, in words.
pub(super) const NAME_HINT: &str =
    "a name of 1 to 40 characters of a-z, 0-9 and hyphens that starts with a letter";

fn text(path: &str, value: &Document, hint: &str, notes: &mut Notes) -> String {
    if let Document::Text(text) = value {
        return text.clone();
    }
    notes.broken(path, format!("is {}, not a text", value.what()), format!("give {hint}"));
    String::new()
}

fn number<T: TryFrom<u64>>(
    path: &str,
    value: &Document,
    bounds: Bounds,
    hint: &str,
    notes: &mut Notes,
) -> Option<T> {
    let (problem, found) = match value {
        Document::Whole(number) => (format!("is {number}, outside {bounds}"), T::try_from(*number).ok()),
        other => (format!("is {}, not a whole number", other.what()), None),
    };
    if found.is_none() {
        notes.broken(path, problem, format!("give {hint}"));
    }
    found
}

//! What is wrong with a plan: every problem at once, each with its place and its remedy.

use std::collections::HashSet;
use std::fmt;

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where: `databases[0].replica`, or `plan` for the document as a whole.
    pub path: String,
    /// What is wrong, to be read after the path: `is missing`.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.problem, self.remedy)
    }
}

/// Everything that is wrong with a plan; at least one problem. Displayed as one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PlanProblems(Vec<Problem>);

impl PlanProblems {
    /// The problems, or nothing if there are none.
    pub(super) fn of(problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems: first those of the document's shape, then those of its meaning.
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for PlanProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl From<Problem> for PlanProblems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// The places of a document that could not be read. Something stands in for them so that all else can still be
/// checked; what is said about a stand-in means nothing.
#[derive(Debug, Default)]
pub(super) struct Broken(HashSet<String>);

impl Broken {
    pub(super) fn mark(&mut self, path: &str) {
        self.0.insert(path.to_owned());
    }

    /// Whether the place, or one that holds it, could not be read.
    pub(super) fn holds(&self, path: &str) -> bool {
        !self.0.is_empty()
            && (self.0.contains(super::ROOT)
                || self.0.contains(path)
                || path.match_indices(['.', '[']).any(|(end, _)| self.0.contains(&path[..end])))
    }

    /// Whether an item of the plan hides its name: the item, its name or the list could not be read.
    fn hides_an_item(&self) -> bool {
        self.0.iter().any(|path| {
            let (list, rest) = path.split_once('[').unwrap_or((path, ""));
            let (_, field) = rest.split_once(']').unwrap_or(("", ""));
            ["databases", "fleets", "routes"].contains(&list) && (field.is_empty() || field == ".name")
        })
    }
}

/// How a document calls a place that is named as the newest schema calls it.
pub(super) type Wording = fn(String) -> String;

/// Collects what is wrong with the meaning of a plan, leaving out what was read from a stand-in.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    broken: &'a Broken,
    /// How the document calls a place.
    words: Wording,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(broken: &'a Broken, words: Wording) -> Self {
        Self { broken, words, problems: Vec::new() }
    }

    /// Adds a problem that follows from the value at its own path alone.
    pub(super) fn add(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add_reading(&[], path, problem, remedy);
    }

    /// Adds a problem that follows from other places too, unless one of them could not be read.
    pub(super) fn add_reading(
        &mut self,
        others: &[&str],
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (path, words) = ((self.words)(path.into()), self.words);
        if !self.broken.holds(&path) && others.iter().all(|other| self.is_read(other)) {
            self.problems.push(Problem {
                path,
                problem: words(problem.into()),
                remedy: words(remedy.into()),
            });
        }
    }

    /// Whether a place could be read: what stands there is no stand-in.
    pub(super) fn is_read(&self, path: &str) -> bool {
        !self.broken.holds(&(self.words)(path.to_owned()))
    }

    /// Whether every item of the plan could be read far enough to know its name.
    pub(super) fn names_are_known(&self) -> bool {
        !self.broken.hides_an_item()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

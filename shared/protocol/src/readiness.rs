//! Would a failover work? The checks, what each says, and the verdict over all of them.
//!
//! Pure: [`facts::ReadinessFacts`] say what was seen, and [`Readiness::of`] judges it. What was not seen is unknown, and unknown is
//! never ready. One file holds one group of checks; a new check is a function in its group's file and a name in `NAMES`,
//! a new group is a file, a row in `GROUPS` and what it needs to see in [`facts`].

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::plan::{FleetAt, Plan};
use crate::side::Side;
use crate::state::State;

mod balancers;
mod change;
pub mod copies;
mod databases;
pub mod facts;
mod fleets;
mod functions;
mod journal;
pub mod keys;
pub mod launches;
mod maintenance;
pub mod names;
pub mod permissions;
mod protection;
pub mod replacement;
pub mod routes;
mod window;
mod wiring;
mod witness;

pub use change::LastReadiness;
pub use journal::{RECORDS_SINCE_SNAPSHOT_MAX, SNAPSHOT_BYTES_WARNED};
pub use window::BackupWindow;

use facts::{ReadinessFacts, Unseen};

/// What one group looks at.
struct CheckGroup {
    /// The names of its checks.
    names: &'static [&'static str],
    /// Judges them, in the order of the plan.
    judge: fn(&Scene<'_>) -> Vec<Check>,
}

/// Every group, in the order of the table.
const GROUPS: [CheckGroup; 15] = [
    CheckGroup { names: protection::NAMES, judge: protection::judge },
    CheckGroup { names: databases::NAMES, judge: databases::judge },
    CheckGroup { names: replacement::NAMES, judge: replacement::judge },
    CheckGroup { names: fleets::NAMES, judge: fleets::judge },
    CheckGroup { names: launches::NAMES, judge: launches::judge },
    CheckGroup { names: routes::NAMES, judge: routes::judge },
    CheckGroup { names: balancers::NAMES, judge: balancers::judge },
    CheckGroup { names: maintenance::NAMES, judge: maintenance::judge },
    CheckGroup { names: copies::NAMES, judge: copies::judge },
    CheckGroup { names: keys::NAMES, judge: keys::judge },
    CheckGroup { names: permissions::NAMES, judge: permissions::judge },
    CheckGroup { names: functions::NAMES, judge: functions::judge },
    CheckGroup { names: wiring::NAMES, judge: wiring::judge },
    CheckGroup { names: journal::NAMES, judge: journal::judge },
    CheckGroup { names: witness::NAMES, judge: witness::judge },
];

/// The names of all checks, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.names.iter().copied())
}

/// What a group judges by.
struct Scene<'s> {
    plan: &'s Plan,
    state: &'s State,
    facts: &'s ReadinessFacts,
    now: Timestamp,
}

impl<'s> Scene<'s> {
    /// The side that serves an item.
    fn serving(&self, item: &Name) -> Side {
        self.state.serving(self.plan, item)
    }

    /// The guard's own side, which a failover would move to, as sentences name it.
    fn side(&self) -> &'static str {
        self.plan.seat.as_str()
    }

    /// The fleets as they are on the guard's own side.
    fn fleets(&self) -> impl Iterator<Item = FleetAt<'s>> {
        self.plan.fleets_at(self.plan.seat)
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A failover would not fail because of it.
    Ready,
    /// A failover would not fail because of it, but comes at a price that people should know of. It counts as ready, and
    /// raises no alarm.
    Note,
    /// A failover would fail, or lose, because of it.
    NotReady,
    /// It was not seen. Never ready.
    Unknown,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "ready",
            Self::Note => "note",
            Self::NotReady => "not ready",
            Self::Unknown => "unknown",
        })
    }
}

impl Finding {
    /// Whether a failover would not fail because of it.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Ready | Self::Note)
    }
}

/// One check of one thing. What is more than ready has a remedy: there is no way to make one without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    name: String,
    subject: String,
    finding: Finding,
    sentence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn ready(name: &str, subject: &(impl ToString + ?Sized), sentence: impl Into<String>) -> Self {
        Self::new(name, subject, Finding::Ready, sentence.into(), None)
    }

    fn note(
        name: &str,
        subject: &(impl ToString + ?Sized),
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, subject, Finding::Note, sentence.into(), Some(remedy.into()))
    }

    fn not_ready(
        name: &str,
        subject: &(impl ToString + ?Sized),
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, subject, Finding::NotReady, sentence.into(), Some(remedy.into()))
    }

    fn unknown(name: &str, subject: &(impl ToString + ?Sized), unseen: &Unseen) -> Self {
        Self::new(name, subject, Finding::Unknown, unseen.why.clone(), Some(unseen.remedy.clone()))
    }

    fn new(
        name: &str,
        subject: &(impl ToString + ?Sized),
        finding: Finding,
        sentence: String,
        remedy: Option<String>,
    ) -> Self {
        Self { name: name.to_owned(), subject: subject.to_string(), finding, sentence, remedy }
    }

    /// The check's name, one of [`names`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The item it is about.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it found.
    pub fn finding(&self) -> Finding {
        self.finding
    }

    /// What was seen, in one sentence.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// What helps; there always is something but where it is ready without a note.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// What tells it from the others: name and subject.
    fn key(&self) -> String {
        format!("{} {}", self.name, self.subject)
    }
}

/// Most checks that are kept. Of a plan with more, what is not ready comes first.
const KEPT_MAX: usize = 200;

/// The answer to "would a failover work?" at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    at: Timestamp,
    plan: String,
    total: usize,
    not_ready: usize,
    unknown: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    notes: usize,
    checks: Vec<Check>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Readiness {
    /// Judges what was seen.
    pub fn of(plan: &Plan, state: &State, facts: &ReadinessFacts, now: Timestamp) -> Self {
        let scene = Scene { plan, state, facts, now };
        let mut checks: Vec<Check> = GROUPS.iter().flat_map(|group| (group.judge)(&scene)).collect();
        let count = |finding| checks.iter().filter(|check| check.finding == finding).count();
        let (total, not_ready, unknown) = (checks.len(), count(Finding::NotReady), count(Finding::Unknown));
        let notes = count(Finding::Note);
        if total > KEPT_MAX {
            // Stable: within each kind the order of the table stays.
            checks.sort_by_key(|check| match check.finding {
                Finding::NotReady | Finding::Unknown => 0,
                Finding::Note => 1,
                Finding::Ready => 2,
            });
            checks.truncate(KEPT_MAX);
        }
        Self { at: now, plan: plan.name.to_string(), total, not_ready, unknown, notes, checks }
    }

    /// When it was looked at.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The checks, in the order of the table.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// How many checks are not ready, the unknown ones among them.
    pub fn unready(&self) -> usize {
        self.not_ready + self.unknown
    }

    /// The verdict: ready only if every check is, and there is one.
    pub fn finding(&self) -> Finding {
        match (self.not_ready, self.unknown) {
            (0, 0) if self.total > 0 => Finding::Ready,
            (0, _) => Finding::Unknown,
            _ => Finding::NotReady,
        }
    }

    /// The verdict in one sentence.
    pub fn sentence(&self) -> String {
        format!("{}.", self.verdict())
    }

    fn verdict(&self) -> String {
        let Self { plan, total, not_ready, unknown, notes, .. } = self;
        match self.finding() {
            Finding::Ready | Finding::Note if *notes > 0 => {
                format!("{plan} is ready: {}, {notes} of them with a note", are(*total, "ready"))
            }
            Finding::Ready | Finding::Note => format!("{plan} is ready: {}", are(*total, "ready")),
            Finding::Unknown => {
                format!(
                    "The readiness of {plan} is unknown: of {total} checks {}",
                    are_of(*unknown, "unknown")
                )
            }
            Finding::NotReady if *unknown == 0 => {
                format!("{plan} is not ready: of {total} checks {}", are_of(*not_ready, "not ready"))
            }
            Finding::NotReady => format!(
                "{plan} is not ready: of {total} checks {} and {}",
                are_of(*not_ready, "not ready"),
                are_of(*unknown, "unknown")
            ),
        }
    }

    /// A line for each check that a person can read; what is not ready, and a note, has its remedy behind it.
    pub fn table(&self) -> Vec<String> {
        let width = |text: fn(&Check) -> &str| {
            self.checks.iter().map(|check| text(check).chars().count()).max().unwrap_or(0)
        };
        let (names, subjects) = (width(Check::name), width(Check::subject));
        let line = |check: &Check| {
            let Check { name, subject, finding, sentence, remedy } = check;
            let remedy = remedy.as_deref().map(|remedy| format!(" Remedy: {remedy}")).unwrap_or_default();
            format!("{finding:<9}  {name:<names$}  {subject:<subjects$}  {sentence}{remedy}")
        };
        self.checks.iter().map(line).collect()
    }
}

fn are(count: usize, what: &str) -> String {
    if count == 1 { format!("its one check is {what}") } else { format!("all {count} checks are {what}") }
}

fn are_of(count: usize, what: &str) -> String {
    format!("{count} {} {what}", if count == 1 { "is" } else { "are" })
}

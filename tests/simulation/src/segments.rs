//! Where do the seconds go that the orchestration adds? A run's recovery, taken apart at its records and effects, along
//! the row of promotions and launches that ended last.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::journal::{Event, Record};
use protocol::name::Name;
use protocol::side::Side;

use crate::history::{Effect, Entry, History, What};

/// The parts, in the order in which they follow each other.
pub const NAMES: [&str; PARTS] = [
    "from the end of the window to the decision",
    "  message, start, plan, journal, look: fence intended",
    "  fence: the call, and the look that sees it",
    "  message, start, plan, journal, look, call: first promotion or launch",
    "  from the cloud being done to that being seen (the poll)",
    "  message, start, plan, journal, look, call: the next in the row",
    "  message, start, plan, journal, look: opening intended",
    "  opening: the last look at everything, and the call",
];

/// How many parts there are.
pub const PARTS: usize = 8;

/// How long each part took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments(pub [SignedDuration; PARTS]);

impl Segments {
    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> SignedDuration {
        self.0.iter().fold(SignedDuration::ZERO, |sum, part| sum + *part)
    }
}

/// A promotion or launch on the row: when it was accepted, how long the cloud takes for it, when it was seen done.
struct Link {
    began: Timestamp,
    takes: SignedDuration,
    seen: Timestamp,
}

/// Takes a completed run apart; nothing where a part is missing.
#[must_use]
pub fn segments(history: &History) -> Option<Segments> {
    let record = |is_it: &dyn Fn(&Record) -> bool| {
        history.entries.iter().find_map(|entry| match &entry.what {
            What::Appended(record) if is_it(record) => Some(entry.at),
            _ => None,
        })
    };
    let opened = record(&|record| matches!(record.event, Event::RunOpened { .. }))?;
    let committed = record(&|record| matches!(record.event, Event::Committed { .. }))?;
    let window = SignedDuration::from_secs(i64::from(history.plan.detection.confirm_seconds));
    let served = last(history, Timestamp::MAX, &is_opening)?;
    let opening = last(history, served, &|entry| is_intent(entry, Step::Open))?;
    let row = row(history)?;
    let (first, final_) = (row.first()?, row.last()?);
    let mut parts = [SignedDuration::ZERO; PARTS];
    if first.began >= committed {
        let fence = record(&|record| matches!(record.event, Event::StepIntended { step: Step::Fence, .. }))?;
        let fenced = last(history, first.began, &|entry| is_done(entry, Step::Fence, None))?;
        // A record stands a few milliseconds after its own time, by which the window is counted: one later than another.
        parts[0] = (committed.duration_since(opened) - window).max(SignedDuration::ZERO);
        parts[1] = fence.duration_since(committed);
        parts[2] = fenced.duration_since(fence);
        parts[3] = first.began.duration_since(fenced);
    } else {
        // A launch begins in the window; what comes before it is all that it waits for.
        parts[3] = first.began.duration_since(opened);
    }
    parts[4] = row.iter().map(|link| link.seen.duration_since(link.began) - link.takes).sum();
    parts[5] = row.windows(2).map(|pair| pair[1].began.duration_since(pair[0].seen)).sum();
    parts[6] = opening.duration_since(final_.seen);
    parts[7] = served.duration_since(opening);
    Some(Segments(parts))
}

/// The row that ended last: each is the one that the next had to wait for.
fn row(history: &History) -> Option<Vec<Link>> {
    let plan = &history.plan;
    let databases = plan.databases.iter().map(|item| (&item.name, &item.after, Step::Promote));
    let fleets = plan.fleets.iter().map(|item| (&item.name, &item.after, Step::Scale));
    let items: Vec<(&Name, &Vec<Name>, Step)> = databases.chain(fleets).collect();
    let takes = || history.draw.promotions.iter().chain(&history.draw.launches);
    let link = |name: &Name, step: Step| -> Option<Link> {
        let (_, takes) = takes().find(|(known, _)| known == name)?;
        let seen = last(history, Timestamp::MAX, &|entry| is_done(entry, step, Some(name)))?;
        let began = last(history, seen, &|entry| is_begun(entry, name))?;
        Some(Link { began, takes: *takes, seen })
    };
    let latest = |names: &dyn Fn(&Name) -> bool| {
        let found = items.iter().filter(|(name, ..)| names(name));
        found.filter_map(|item| Some((item, link(item.0, item.2)?))).max_by_key(|(_, link)| link.seen)
    };
    let mut row = Vec::new();
    let mut next = latest(&|_| true);
    while let Some((item, link)) = next {
        row.push(link);
        next = latest(&|name| item.1.contains(name));
    }
    row.reverse();
    (!row.is_empty()).then_some(row)
}

/// The last moment up to another at which something of a kind happened.
fn last(history: &History, until: Timestamp, is_it: &dyn Fn(&Entry) -> bool) -> Option<Timestamp> {
    history.entries.iter().rev().find(|entry| entry.at <= until && is_it(entry)).map(|entry| entry.at)
}

fn is_opening(entry: &Entry) -> bool {
    matches!(entry.what, What::Effect(Effect::Opened { side: Side::Recovery, .. }))
}

fn is_intent(entry: &Entry, wanted: Step) -> bool {
    match &entry.what {
        What::Appended(record) => matches!(record.event, Event::StepIntended { step, .. } if step == wanted),
        _ => false,
    }
}

fn is_done(entry: &Entry, wanted: Step, name: Option<&Name>) -> bool {
    let What::Appended(record) = &entry.what else { return false };
    let Event::StepDone { step, subjects, .. } = &record.event else { return false };
    *step == wanted && name.is_none_or(|name| subjects.iter().any(|done| done.subject == *name))
}

fn is_begun(entry: &Entry, name: &Name) -> bool {
    match &entry.what {
        What::Effect(Effect::Promoted { database, accepted: true }) => database == name,
        What::Effect(Effect::Resized { fleet, from, to }) => fleet == name && to.desired > from.desired,
        _ => false,
    }
}

/// The parts of many runs, on average.
#[derive(Clone, Debug)]
pub struct Breakdown(Vec<Segments>);

impl Breakdown {
    /// Of these runs.
    #[must_use]
    pub fn of(all: Vec<Segments>) -> Self {
        Self(all)
    }
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = i32::try_from(self.0.len()).unwrap_or(i32::MAX).max(1);
        let mean = |part: usize| {
            self.0.iter().map(|segments| segments.0[part]).sum::<SignedDuration>().as_millis()
                / i128::from(count)
        };
        let whole: i128 = (0..PARTS).map(mean).sum::<i128>().max(1);
        writeln!(f, "where they go, on average of {} runs: {whole} ms", self.0.len())?;
        for (part, name) in NAMES.iter().enumerate() {
            writeln!(f, "{name:<72} {:>5} ms  {:>3} %", mean(part), mean(part) * 100 / whole)?;
        }
        Ok(())
    }
}

//! What happened in a run, second by second: one line for each record of it.

use std::fmt::{self, Write as _};

use jiff::SignedDuration;
use protocol::journal::{Event, Record};
use protocol::state::Run;

use crate::measured::seconds;

/// What one record says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'r> {
    /// Since the first sign of loss.
    pub since: SignedDuration,
    /// The step, or what else it belongs to.
    pub step: &'static str,
    /// The function that wrote it.
    pub by: &'r str,
    /// What was decided and why.
    pub sentence: &'r str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:>8.1}s  {:<10} {:<16} {}", seconds(self.since), self.step, self.by, self.sentence)
    }
}

/// The lines of a run: its records, and the evidence before it. Notices say nothing new.
pub fn lines<'r>(run: &Run, records: &'r [Record]) -> Vec<Line<'r>> {
    let belongs = |record: &&Record| {
        let is_of_run = record.run == Some(run.id) || matches!(record.event, Event::EvidenceSeen { .. });
        is_of_run && !matches!(record.event, Event::Noticed { .. })
    };
    let line = |record: &'r Record| Line {
        since: record.at.duration_since(run.first_signal_at),
        step: step_of(&record.event),
        by: by(record),
        sentence: &record.sentence,
    };
    records.iter().filter(belongs).map(line).collect()
}

/// The timeline of a run as text, with its heading.
pub fn text(run: &Run, records: &[Record]) -> String {
    let mut text = format!("Timeline of run {} (seconds since the first sign of loss)\n\n", run.id);
    let _ = writeln!(text, "{:>9}  {:<10} {:<16} what was done", "time", "step", "by");
    for line in lines(run, records) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// The function that wrote a record, without its instance and its plan.
pub fn by(record: &Record) -> &str {
    let function = record.writer.split(['@', '/']).next().unwrap_or(&record.writer);
    let plan = format!("{}-", record.plan);
    function.strip_prefix(plan.as_str()).unwrap_or(function)
}

fn step_of(event: &Event) -> &'static str {
    match event {
        Event::StepIntended { step, .. }
        | Event::StepWaiting { step, .. }
        | Event::StepDone { step, .. }
        | Event::StepHandedOver { step, .. }
        | Event::StepFailed { step, .. } => step.as_str(),
        Event::EvidenceSeen { .. } | Event::EvidenceCleared { .. } => "signal",
        Event::VetoesSeen { .. } | Event::VetoesCleared { .. } => "veto",
        Event::RunOpened { .. } | Event::ApprovalAsked { .. } | Event::Committed { .. } => "confirm",
        Event::Completed { .. } => "done",
        _ => "",
    }
}

//! What was measured of a completed run: the recovery time, its parts, and the estimate of what was lost.

use std::fmt::Write as _;

use jiff::SignedDuration;
use protocol::journal::RunReport;
use protocol::state::{Phase, State};
use protocol::words::of_ms;

/// What was measured beside the journal, by whoever could.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// What the cloud itself took on the critical path; the rest of the moving is the orchestration's.
    pub cloud: Option<SignedDuration>,
    /// How long users had no answer.
    pub outage: Option<SignedDuration>,
}

/// The report of the last run, if it completed.
pub fn of(state: &State) -> Option<&RunReport> {
    match state.run.as_ref().map(|run| &run.phase) {
        Some(Phase::Completed { report, .. }) => Some(report),
        _ => None,
    }
}

/// What was measured, as text with its heading.
pub fn text(report: &RunReport, beside: Beside) -> String {
    let mut text = "Measured\n".to_owned();
    let mut line = |what: &str, value: &str| {
        let _ = writeln!(text, "  {what:<49}{value}");
    };
    if let Some(total) = report.total_ms {
        line("from the loss to traffic open, at most", &taken(of_ms(total)));
    }
    if let Some(detect) = report.detect_ms {
        line("  from the last sign of life to the first of loss", &taken(of_ms(detect)));
    }
    line("recovery time (first sign to traffic open)", &taken(of_ms(report.rto_ms)));
    line("  confirming and approval", &taken(of_ms(report.decision_ms)));
    let moving = of_ms(report.moving_ms);
    match beside.cloud {
        Some(cloud) => {
            line("  the cloud's own time (critical path)", &taken(cloud));
            line("  orchestration overhead", &taken(moving.saturating_sub(cloud)));
        }
        None => line("  moving", &taken(moving)),
    }
    match report.loss_at_most_ms {
        Some(most) => line("data loss, at most", &format!("{} of writes", taken(of_ms(most)))),
        None if report.rpo_estimate_ms.is_none() => line("estimated data loss", "unknown"),
        None => {}
    }
    if let Some(lag) = report.rpo_estimate_ms {
        line("  last replication lag that was sampled", &format!("{} of writes", taken(of_ms(lag))));
    }
    if let Some(outage) = beside.outage {
        line("users without an answer", &taken(outage));
    }
    text
}

fn taken(duration: SignedDuration) -> String {
    format!("{:>7.1} s", seconds(duration))
}

/// A duration in seconds, to show it.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
pub(crate) fn seconds(duration: SignedDuration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

//! The timeline of a run, and what was measured: recovery time, its parts, and the estimate of what was lost.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use protocol::journal::RunReport;
use protocol::journal::{Event, Record};
use protocol::state::{Phase, State};
use serde_json::Value;

use crate::follow::by;
use crate::users::Visit;

/// The longest part that the cloud itself took, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudTime {
    /// From the decision to move to the moment the last database and fleet were ready.
    pub critical_ms: i64,
}

/// Prints the timeline of the last run.
pub fn print(records: &[Record], state: &State) -> Result<()> {
    let run = state.run.as_ref().context("no run was opened")?;
    println!("\nTimeline of run {} (seconds since the first sign of loss)\n", run.id);
    println!("{:>9}  {:<10} {:<16} what was done", "time", "step", "by");
    for record in records {
        let mine = record.run == Some(run.id) || matches!(record.event, Event::EvidenceSeen { .. });
        if !mine || matches!(record.event, Event::Noticed { .. }) {
            continue;
        }
        let at = seconds(record.at.duration_since(run.first_signal_at));
        println!("{at:>8.1}s  {:<10} {:<16} {}", step_of(&record.event), by(&record.writer), record.sentence);
    }
    Ok(())
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

/// The report of a run, if it completed.
pub fn report(state: &State) -> Option<&RunReport> {
    match state.run.as_ref().map(|run| &run.phase) {
        Some(Phase::Completed { report, .. }) => Some(report),
        _ => None,
    }
}

/// What the cloud itself took, as its launcher measured it: everything that began with this run.
pub fn cloud_time(timings: &Value, committed_at: Timestamp) -> Result<CloudTime> {
    let mut critical_ms = 0;
    for timing in timings.as_array().context("the launcher's timings are a list")? {
        let Some(finished) = timing.get("finished_at").and_then(Value::as_str) else { continue };
        let started: Timestamp =
            timing.get("started_at").and_then(Value::as_str).unwrap_or_default().parse()?;
        let finished: Timestamp = finished.parse()?;
        if finished <= committed_at {
            continue;
        }
        // What began while the evidence was weighed is on the path only from the decision on.
        let from = started.max(committed_at);
        critical_ms = critical_ms.max(i64::try_from(finished.duration_since(from).as_millis())?);
    }
    Ok(CloudTime { critical_ms })
}

/// Prints what was measured.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
pub fn print_report(report: &RunReport, cloud: CloudTime, visits: &[Visit], primary: &str, recovery: &str) {
    let s = |ms: u64| ms as f64 / 1000.0;
    let overhead_ms = i64::try_from(report.moving_ms).unwrap_or(i64::MAX).saturating_sub(cloud.critical_ms);
    println!("\nMeasured");
    println!("  recovery time (first sign to traffic open)  {:>7.1} s", s(report.rto_ms));
    println!("    confirming and approval                   {:>7.1} s", s(report.decision_ms));
    println!("    the cloud's own time (critical path)      {:>7.1} s", cloud.critical_ms as f64 / 1000.0);
    println!("    orchestration overhead                    {:>7.1} s", overhead_ms as f64 / 1000.0);
    match report.rpo_estimate_ms {
        Some(ms) => println!("  estimated data loss (last replication lag)  {:>7.1} s of writes", s(ms)),
        None => println!("  estimated data loss                         unknown"),
    }
    if let Some(gap) = outage(visits, primary, recovery) {
        println!("  users without an answer                     {:>7.1} s", seconds(gap));
    }
    println!();
}

/// From the last answer of the primary region to the first of the recovery region, as users saw it.
pub fn outage(visits: &[Visit], primary: &str, recovery: &str) -> Option<SignedDuration> {
    let served = |visit: &&Visit, region: &str| visit.region.as_deref() == Some(region);
    let first = visits.iter().find(|visit| served(visit, recovery))?.at;
    let last = visits.iter().rev().find(|visit| served(visit, primary) && visit.at < first)?.at;
    Some(first.duration_since(last))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn visit(second: i64, region: Option<&str>) -> Visit {
        Visit { at: at(second), region: region.map(str::to_owned) }
    }

    #[test]
    fn an_outage_lasts_from_the_last_answer_of_the_old_region_to_the_first_of_the_new() {
        let visits = [
            visit(0, Some("old")),
            visit(1, None),
            visit(2, Some("old")),
            visit(3, None),
            visit(9, Some("new")),
            visit(10, None),
            visit(11, Some("new")),
        ];
        assert_eq!(outage(&visits, "old", "new"), Some(SignedDuration::from_secs(7)));
    }

    #[test]
    fn an_old_region_that_answers_again_later_does_not_shorten_the_outage() {
        let visits = [visit(0, Some("old")), visit(5, Some("new")), visit(6, Some("old"))];
        assert_eq!(outage(&visits, "old", "new"), Some(SignedDuration::from_secs(5)));
    }

    #[test]
    fn without_an_answer_of_both_regions_no_outage_is_claimed() {
        assert_eq!(outage(&[], "old", "new"), None);
        assert_eq!(outage(&[visit(0, Some("old")), visit(1, None)], "old", "new"), None);
        assert_eq!(outage(&[visit(0, None), visit(1, Some("new"))], "old", "new"), None);
    }

    #[test]
    fn the_clouds_time_is_its_longest_part_counted_from_the_decision() {
        let timings = json!([
            { "kind": "launch", "started_at": at(-5).to_string(), "finished_at": at(5).to_string() },
            { "kind": "promotion", "started_at": at(2).to_string(), "finished_at": at(14).to_string() },
        ]);
        assert_eq!(cloud_time(&timings, at(0)).unwrap(), CloudTime { critical_ms: 12_000 });
        // What was under way already counts only from the decision on.
        assert_eq!(cloud_time(&timings, at(3)).unwrap(), CloudTime { critical_ms: 11_000 });
    }

    #[test]
    fn what_ended_before_the_decision_or_has_not_ended_takes_no_time_of_the_run() {
        let timings = json!([
            { "kind": "launch", "started_at": at(-60).to_string(), "finished_at": at(-50).to_string() },
            { "kind": "promotion", "started_at": at(1).to_string(), "finished_at": null },
        ]);
        assert_eq!(cloud_time(&timings, at(0)).unwrap(), CloudTime { critical_ms: 0 });
    }

    #[test]
    fn timings_that_are_no_list_or_no_time_are_refused() {
        assert!(cloud_time(&json!({}), at(0)).is_err());
        let timings = json!([{ "started_at": "soon", "finished_at": at(1).to_string() }]);
        assert!(cloud_time(&timings, at(0)).is_err());
    }
}

//! What the lab measures of a run beside the journal: the cloud's own time, and how long users had no answer.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::demo::users::Visit;

/// The longest part that the cloud itself took, as its launcher measured it: from the decision to move to the moment the last
/// database and fleet were ready.
pub fn cloud_time(timings: &Value, committed_at: Timestamp) -> Result<SignedDuration> {
    let mut critical = SignedDuration::ZERO;
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
        critical = critical.max(finished.duration_since(from));
    }
    Ok(critical)
}

/// From the last answer of the primary region to the first of the recovery region, as users saw it.
pub fn outage(visits: &[Visit], primary: &str, recovery: &str) -> Option<SignedDuration> {
    let served = |visit: &&Visit, region: &str| visit.region.as_deref() == Some(region);
    let first = visits.iter().find(|visit| served(visit, recovery))?.at;
    let last = visits.iter().rev().find(|visit| served(visit, primary) && visit.at < first)?.at;
    Some(first.duration_since(last))
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
        assert_eq!(cloud_time(&timings, at(0)).unwrap(), SignedDuration::from_millis(12_000));
        // What was under way already counts only from the decision on.
        assert_eq!(cloud_time(&timings, at(3)).unwrap(), SignedDuration::from_millis(11_000));
    }

    #[test]
    fn what_ended_before_the_decision_or_has_not_ended_takes_no_time_of_the_run() {
        let timings = json!([
            { "kind": "launch", "started_at": at(-60).to_string(), "finished_at": at(-50).to_string() },
            { "kind": "promotion", "started_at": at(1).to_string(), "finished_at": null },
        ]);
        assert_eq!(cloud_time(&timings, at(0)).unwrap(), SignedDuration::ZERO);
    }

    #[test]
    fn timings_that_are_no_list_or_no_time_are_refused() {
        assert!(cloud_time(&json!({}), at(0)).is_err());
        let timings = json!([{ "started_at": "soon", "finished_at": at(1).to_string() }]);
        assert!(cloud_time(&timings, at(0)).is_err());
    }
}

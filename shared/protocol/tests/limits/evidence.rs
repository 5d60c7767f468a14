//! For how long what was seen counts, as evidence and as a sign of life.

use jiff::Timestamp;
use protocol::decide::{DETAILS_BYTES_MAX, Facts, decide};
use protocol::evidence::{
    Evidence, EvidenceKey, EvidenceKind, OBSERVATION_GAP_MAX, REFRESH_EVERY, Veto, counts,
};
use protocol::journal::{Event, Rejection};
use protocol::name::Name;
use protocol::observation::{Observation, ReplicaState};
use protocol::plan::{Database, Mode};
use protocol::signal::{AlarmState, Signal};
use protocol::state::State;
use protocol::state::holdings::Holdings;

use super::story::{Seen, Story, at, look, plan, with_lag};

fn key(kind: EvidenceKind) -> EvidenceKey {
    EvidenceKey { kind, source: "orders".to_owned(), contributor: None }
}

fn seen_at(key: EvidenceKey, seen_at: Timestamp) -> Event {
    let (vantage, detail) = ("us-west-1".to_owned(), "d".to_owned());
    Event::EvidenceSeen { evidence: vec![Evidence { key, vantage, outside: true, seen_at, detail }] }
}

/// A story in which a probe or a replica spoke once, at its beginning.
fn spoke(kind: EvidenceKind) -> Story {
    let mut story = Story::new(plan(Mode::Approve));
    story.write(None, seen_at(key(kind), at(0))).expect("legal");
    story
}

#[test]
fn what_a_probe_or_a_replica_said_counts_for_ninety_seconds() {
    for kind in [EvidenceKind::Probe, EvidenceKind::Replica] {
        let story = spoke(kind);
        let standing = story.state.standing(&key(kind)).expect("it stands");
        for (age, expected) in [(89, true), (90, true), (91, false)] {
            assert_eq!(
                counts(&key(kind), standing, &story.state.silences, at(age)),
                expected,
                "{kind:?} after {age} s"
            );
        }
    }
    assert_eq!(OBSERVATION_GAP_MAX.as_secs(), 90);
}

#[test]
fn evidence_that_was_not_looked_at_for_more_than_ninety_seconds_begins_anew() {
    for (gap, since) in [(90, 0), (91, 91)] {
        let mut story = spoke(EvidenceKind::Probe);
        story.write(None, seen_at(key(EvidenceKind::Probe), at(gap))).expect("legal");
        let standing = story.state.standing(&key(EvidenceKind::Probe)).expect("it stands");
        assert_eq!(standing.since, at(since), "after a gap of {gap} s");
    }
}

#[test]
fn evidence_is_written_down_again_every_twenty_seconds_while_a_run_weighs_it() {
    for (later, writes) in [(19, false), (20, true)] {
        let mut story = Story::new(plan(Mode::Approve));
        let first = look(&story.plan, Seen::ProbesBad, 0);
        story.see(first);
        assert!(story.state.active_run().is_some(), "a probe opens a run that confirms");
        let again = look(&story.plan, Seen::ProbesBad, later);
        let (_, events) = story.go_to(later).see(again);
        let is_written = events.iter().any(|event| matches!(event, Event::EvidenceSeen { .. }));
        assert_eq!(is_written, writes, "after {later} s");
    }
    assert_eq!(REFRESH_EVERY.as_secs(), 20);
}

/// A look that finds the replicas of so many databases broken, each with a detail.
fn broken(databases: usize, detail: &str) -> (Story, Observation) {
    let mut plan = plan(Mode::Automatic);
    let one = plan.databases[0].clone();
    let name = |n: usize| Name::new(format!("database-with-a-long-name-{n}"));
    plan.databases = (0..databases).map(|n| Database { name: name(n), ..one.clone() }).collect();
    let mut seen = look(&plan, Seen::Lost, 0);
    for replica in &mut seen.replicas {
        replica.state = ReplicaState::Broken { detail: detail.to_owned() };
    }
    (Story::new(plan), seen)
}

#[test]
fn the_evidence_of_a_look_fits_into_an_item_of_the_table_however_many_databases_a_plan_has() {
    // What the adapter lets through at most; each quote takes two bytes more in the record.
    for letter in ["x", "\"", "é", "晴"] {
        let (mut story, seen) = broken(1_000, &letter.repeat(500));
        story.see(seen);
        let most =
            story.records.iter().map(|record| serde_json::to_string(record).expect("JSON").len()).max();
        assert!(most.is_some_and(|bytes| bytes < 390_000), "{letter}: {most:?}");
        assert!(story.state.run.is_some(), "{letter}");
        let replicas = story.state.evidence.keys().filter(|key| key.kind == EvidenceKind::Replica).count();
        assert_eq!(replicas, 1_000, "{letter}: none is left out");
    }
}

#[test]
fn details_are_cut_when_together_they_have_eighty_thousand_bytes() {
    // Two probes besides.
    for (databases, left) in [(158, 500), (159, 496)] {
        let (mut story, seen) = broken(databases, &"x".repeat(500));
        assert_eq!(seen.probes.len(), 2);
        story.see(seen);
        let details: Vec<usize> = story
            .state
            .evidence
            .iter()
            .filter(|(key, _)| key.kind == EvidenceKind::Replica)
            .map(|(_, standing)| standing.detail.len())
            .collect();
        assert_eq!(details, vec![left; databases]);
    }
    assert_eq!(DETAILS_BYTES_MAX, 80_000);
}

fn vetoes(story: &Story, seen: &Observation) -> Vec<Veto> {
    seen.vetoes(&story.plan, &story.state).into_keys().collect()
}

#[test]
fn a_lag_sample_is_a_sign_of_life_for_a_hundred_and_eighty_seconds() {
    let story = Story::new(plan(Mode::Automatic));
    let veto = |database: &str| Veto::SourceReplicates { database: database.to_owned() };
    for (age, expected) in [(179, true), (180, true), (181, false)] {
        let seen = with_lag(&story.plan, look(&story.plan, Seen::Replicates, 1_000), 1_000 - age, 400);
        let expected = if expected { vec![veto("orders"), veto("stock")] } else { Vec::new() };
        assert_eq!(vetoes(&story, &seen), expected, "sampled {age} s ago");
    }
}

#[test]
fn a_replica_is_a_sign_of_life_while_its_lag_is_within_the_plans_limit() {
    let story = Story::new(plan(Mode::Automatic));
    let limit_ms = u64::from(story.plan.limits.lag_seconds_max) * 1_000;
    for (lag_ms, count) in [(limit_ms, 2), (limit_ms + 1, 0)] {
        let seen = with_lag(&story.plan, look(&story.plan, Seen::Replicates, 0), 0, lag_ms);
        assert_eq!(vetoes(&story, &seen).len(), count, "{lag_ms} ms");
    }
}

#[test]
fn a_replica_that_follows_an_idle_source_is_a_sign_of_life_by_the_witness() {
    let story = Story::new(plan(Mode::Automatic));
    let limit = i64::from(story.plan.limits.lag_seconds_max);
    let idle = with_lag(&story.plan, look(&story.plan, Seen::Replicates, 1_000), 1_000, 290_000);
    assert_eq!(vetoes(&story, &idle), [], "to CloudWatch it is minutes behind");
    for (behind, is_sign) in [(0, true), (limit, true), (limit + 1, false), (-1, true), (-2, false)] {
        let mut seen = idle.clone();
        seen.replayed.insert(Name::from("orders"), at(1_000 - behind));
        let orders = Veto::SourceReplicates { database: "orders".to_owned() };
        assert_eq!(
            vetoes(&story, &seen),
            if is_sign { vec![orders] } else { Vec::new() },
            "{behind} s behind"
        );
    }
    // What is replayed is no sign of life where the replica does not hear its source.
    let mut cut = look(&story.plan, Seen::Lost, 1_000);
    cut.replayed.insert(Name::from("orders"), at(1_000));
    assert_eq!(vetoes(&story, &cut), []);
}

/// A story in which RDS moved the database `orders` to its standby in another zone, at its beginning.
fn multi_az_failover(moved: bool) -> Story {
    let mut story = Story::new(plan(Mode::Automatic));
    let said = Event::MultiAzFailoverSeen { database: Name::from("orders"), seen_at: at(0) };
    story.write(None, said).expect("legal");
    if moved {
        story.state.holdings = Holdings::active(["orders"]);
    }
    story
}

#[test]
fn a_failover_within_the_region_is_a_sign_of_life_for_a_hundred_and_eighty_seconds() {
    let story = multi_az_failover(false);
    for (age, expected) in [(0, 1), (179, 1), (180, 0)] {
        let seen = look(&story.plan, Seen::Lost, age);
        assert_eq!(vetoes(&story, &seen).len(), expected, "said {age} s ago");
    }
}

#[test]
fn a_failover_within_the_region_of_a_database_that_has_left_it_is_no_sign_of_life() {
    let story = multi_az_failover(true);
    assert_eq!(vetoes(&story, &look(&story.plan, Seen::Lost, 10)), []);
}

#[test]
fn a_look_is_in_hand_for_thirty_seconds_and_may_be_five_seconds_ahead() {
    for (age, is_taken) in [(-6, false), (-5, true), (0, true), (30, true), (31, false)] {
        let plan = plan(Mode::Approve);
        let facts = Facts { observation: Some(look(&plan, Seen::Lost, 100 - age)), ..Facts::default() };
        let decision = decide(&plan, &State::default(), &facts, at(100));
        assert_eq!(decision.append.is_some(), is_taken, "a look of {age} s ago: {}", decision.sentence);
    }
}

fn rejections(events: &[Event]) -> Vec<Rejection> {
    let reasons = events.iter().filter_map(|event| match event {
        Event::SignalRejected { reason, .. } => Some(*reason),
        _ => None,
    });
    reasons.collect()
}

#[test]
fn an_alarm_counts_up_to_its_age_limit_and_up_to_a_minute_ahead_of_the_clock() {
    let limit = i64::from(plan(Mode::Approve).detection.signal_age_seconds_max);
    let rows = [
        (limit, None),
        (limit + 1, Some(Rejection::Stale)),
        (-60, None),
        (-61, Some(Rejection::FromTheFuture)),
    ];
    for (age, expected) in rows {
        let mut story = Story::new(plan(Mode::Approve));
        let events = story.go_to(10_000).alarm(AlarmState::Ok, 10_000 - age);
        assert_eq!(rejections(&events), expected.into_iter().collect::<Vec<_>>(), "{age} s old");
        let clears = events.iter().any(|event| matches!(event, Event::EvidenceCleared { .. }));
        assert_eq!(clears, expected.is_none(), "{age} s old");
    }
}

#[test]
fn the_same_rejection_is_written_down_again_after_an_hour() {
    let unknown = || Signal::Unrecognised { shape: "an object with a".to_owned() };
    for (later, expected) in [(3_599, 0), (3_600, 1)] {
        let mut story = Story::new(plan(Mode::Approve));
        let facts = || Facts { signals: vec![unknown()], ..Facts::default() };
        assert_eq!(rejections(&story.settle(facts()).1).len(), 1);
        let (_, events) = story.go_to(later).settle(facts());
        assert_eq!(rejections(&events).len(), expected, "after {later} s");
    }
}

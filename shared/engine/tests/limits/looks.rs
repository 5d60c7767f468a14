//! How the world is looked at: how often lag is asked for, how far back, and what a question that fails leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::observe::{Observer, Sources};
use jiff::SignedDuration;
use ports::{Answer, Clock, FailureKind, Probes, Witnesses};
use protocol::name::Name;
use protocol::observation::{LagSample, Observation, ProbeAnswer};
use protocol::plan::{Plan, Probe};
use protocol::state::State;
use protocol::witness::{Address, DatabaseSeen, Sight, Unreached, UnreachedCode, WitnessCommand, Witnessed};
use twin::plans::{replica_sight, witnessed};
use twin::{InjectedFault, RuntimeClock};

use crate::bench::{Bench, plan, seconds};

fn lag_of(seen: &Observation, database: &str) -> Vec<u64> {
    let points = seen.lag.get(&Name::from(database));
    points
        .map(|points| points.iter().map(|point| point.lag_ms.expect("a known lag")).collect())
        .unwrap_or_default()
}

fn asked(bench: &Bench) -> u64 {
    bench.world.inner().calls.get("samples").copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn lag_is_asked_for_again_after_fifteen_seconds() {
    let databases = u64::try_from(plan().databases.len()).expect("few");
    for (later, questions) in [(14, 1), (15, 2)] {
        let bench = Bench::new(plan());
        let eyes = bench.eyes();
        bench.world.sample_lag(400);
        eyes.observe(&bench.conductor.plan, &State::default()).await;
        bench.pass(seconds(later)).await;
        let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(asked(&bench), questions * databases, "after {later} s");
        assert_eq!(lag_of(&seen, "orders"), [400]);
    }
}

#[tokio::test(start_paused = true)]
async fn samples_that_were_answered_before_are_kept_where_a_question_fails() {
    let bench = Bench::new(plan());
    let eyes = bench.eyes();
    bench.world.sample_lag(400);
    eyes.observe(&bench.conductor.plan, &State::default()).await;
    bench.pass(seconds(20)).await;
    bench.world.sample_lag(900);
    // Of the two questions the first one fails for good, and that is not asked twice.
    bench.world.fault("samples", InjectedFault::Fails(FailureKind::Denied));
    let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
    assert_eq!(lag_of(&seen, "orders"), [400], "what was answered before still tells of the time before");
    assert_eq!(lag_of(&seen, "stock"), [400, 900]);
    // What is not complete is asked for again at the next look.
    let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
    assert_eq!(lag_of(&seen, "orders"), [400, 900]);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_throttled_is_asked_again_at_once_and_once_only() {
    for (failures, known) in [(1, vec![400]), (2, vec![])] {
        let mut plan = plan();
        plan.databases.truncate(1);
        let bench = Bench::new(plan);
        bench.world.sample_lag(400);
        for _ in 0..failures {
            bench.world.fault("samples", InjectedFault::Fails(FailureKind::Throttled));
        }
        let seen = bench.eyes().observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(lag_of(&seen, "orders"), known, "throttled {failures} times");
        assert_eq!(asked(&bench), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn lag_is_asked_back_to_fifteen_minutes_before_now() {
    let bench = Bench::new(plan());
    bench.pass(seconds(3_600)).await;
    let now = bench.clock.now();
    for (age, is_seen) in [(900, true), (901, false)] {
        let at = now.checked_sub(SignedDuration::from_secs(age)).expect("a time");
        bench.world.inner().lag.insert(Name::from("orders"), vec![LagSample { at, lag_ms: Some(400) }]);
        let seen = bench.eyes().observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(!lag_of(&seen, "orders").is_empty(), is_seen, "a sample of {age} s ago");
    }
}

#[tokio::test(start_paused = true)]
async fn lag_is_asked_back_to_fifteen_minutes_before_the_first_sign_of_the_run() {
    let bench = Bench::moving(plan()).await;
    let mut log = engine::conductor::Log::default();
    bench.conductor.refresh(&mut log).await.expect("read");
    let first = log.state.run.as_ref().expect("a run").first_signal_at;
    bench.pass(seconds(3_600)).await;
    for (before, is_seen) in [(900, true), (901, false)] {
        let at = first.checked_sub(SignedDuration::from_secs(before)).expect("a time");
        bench.world.inner().lag.insert(Name::from("orders"), vec![LagSample { at, lag_ms: Some(400) }]);
        let seen = bench.eyes().observe(&bench.conductor.plan, &log.state).await;
        assert_eq!(!lag_of(&seen, "orders").is_empty(), is_seen, "a sample {before} s before the first sign");
    }
}

/// A prober that takes a second for each answer.
struct Slow(Arc<RuntimeClock>);

#[async_trait]
impl Probes for Slow {
    async fn ask(&self, _probe: &Probe) -> ProbeAnswer {
        self.0.sleep(Duration::from_secs(1)).await;
        ProbeAnswer::Good
    }
}

fn with_probes(count: usize) -> Plan {
    let mut plan = plan();
    let pattern = plan.detection.sides.primary.probes[1].clone();
    plan.detection.sides.primary.probes = vec![pattern; count];
    plan
}

#[tokio::test(start_paused = true)]
async fn all_the_probes_that_a_plan_may_have_are_asked_at_once() {
    for (count, took) in [(32, 1), (33, 2)] {
        let bench = Bench::new(with_probes(count));
        let probes = Arc::new(Slow(Arc::clone(&bench.clock)));
        let eyes = Observer::new(Sources { probes, ..bench.sources() });
        let began = bench.clock.now();
        let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(seen.probes.len(), count);
        assert_eq!(bench.clock.now().duration_since(began), seconds(took), "{count} probes");
    }
}

#[tokio::test(start_paused = true)]
async fn alarms_are_asked_for_again_after_fifteen_seconds() {
    let regions = plan()
        .detection
        .sides
        .primary
        .alarms
        .iter()
        .filter_map(|arn| arn.split(':').nth(3))
        .collect::<BTreeSet<_>>()
        .len();
    let regions = u64::try_from(regions).expect("few");
    for (later, questions) in [(14, 1), (15, 2)] {
        let bench = Bench::new(plan());
        let eyes = bench.eyes();
        eyes.observe(&bench.conductor.plan, &State::default()).await;
        bench.pass(seconds(later)).await;
        eyes.observe(&bench.conductor.plan, &State::default()).await;
        let asked = bench.world.inner().calls.get("alarm_states").copied().unwrap_or_default();
        assert_eq!(asked, questions * regions, "after {later} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_witness_is_asked_of_the_databases_that_it_reaches() {
    let bench = Bench::new(witnessed(plan()));
    let until = bench.clock.now();
    bench.world.inner().sights.insert(Name::from("orders"), replica_sight(until, until));
    let seen = bench.eyes().observe(&bench.conductor.plan, &State::default()).await;
    assert_eq!(seen.replayed, BTreeMap::from([(Name::from("orders"), until)]));
    // One that it could not ask, and one that is no replica, is as one that nobody asked.
    let unreached = Unreached { code: UnreachedCode::Tls, message: "unknown issuer".to_owned() };
    let Sight::Seen(of_replica) = replica_sight(until, until) else { panic!("a sight") };
    let writable = DatabaseSeen { is_writable: true, replica: None, ..of_replica };
    for sight in [Sight::Unreached(unreached), Sight::Seen(writable)] {
        bench.world.inner().sights.insert(Name::from("orders"), sight);
        let seen = bench.eyes().observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(seen.replayed, BTreeMap::new());
    }
    // Without a witness nobody is asked.
    let bench = Bench::new(plan());
    bench.eyes().observe(&bench.conductor.plan, &State::default()).await;
    assert_eq!(bench.world.inner().calls.get("witness"), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_witness_said_is_kept_for_thirty_seconds_where_it_gives_no_word() {
    for (later, is_kept) in [(30, true), (31, false)] {
        let bench = Bench::new(witnessed(plan()));
        let eyes = bench.eyes();
        let until = bench.clock.now();
        bench.world.inner().sights.insert(Name::from("orders"), replica_sight(until, until));
        eyes.observe(&bench.conductor.plan, &State::default()).await;
        bench.pass(seconds(later)).await;
        bench.world.fault("witness", InjectedFault::Fails(FailureKind::Unavailable));
        let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(!seen.replayed.is_empty(), is_kept, "after {later} s");
    }
}

/// A witness that takes so long.
struct SlowWitness(Arc<RuntimeClock>, Duration);

#[async_trait]
impl Witnesses for SlowWitness {
    async fn look(&self, _function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>> {
        self.0.sleep(self.1).await;
        let now = self.0.now();
        let sight =
            |address: &Address| Witnessed { name: address.name.clone(), sight: replica_sight(now, now) };
        Ok(command.databases().iter().map(sight).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_witness_is_waited_for_for_six_seconds() {
    for (takes_ms, is_heard) in [(5_999, true), (6_001, false)] {
        let bench = Bench::new(witnessed(plan()));
        let witnesses = Arc::new(SlowWitness(Arc::clone(&bench.clock), Duration::from_millis(takes_ms)));
        let eyes = Observer::new(Sources { witnesses, ..bench.sources() });
        let began = bench.clock.now();
        let seen = eyes.observe(&bench.conductor.plan, &State::default()).await;
        assert_eq!(!seen.replayed.is_empty(), is_heard, "{takes_ms} ms");
        assert!(bench.clock.now().duration_since(began) <= seconds(6));
    }
}

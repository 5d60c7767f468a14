//! A Multi-AZ failover within the primary region breaks the same things as the region's loss, for a minute or two. It must
//! not be mistaken for it, nor hide it for long.

use crate::shapes::first_replica;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::decide::Facts;
use protocol::name::Name;
use protocol::observation::{LagSample, Observation, ProbeAnswer, ProbeSeen, ReplicaSeen, ReplicaState};
use protocol::plan::{Mode, Plan};
use protocol::signal::{AlarmSignal, AlarmState, MultiAzFailover, Signal, Via};
use protocol::state::State;
use protocol::state::holdings::Holdings;

use crate::settle::settle;

const INSTANCE: &str = "arn:aws:rds:us-east-2:123456789012:db:shop-orders";

struct Story {
    plan: Plan,
    state: State,
    now: Timestamp,
    sentences: Vec<String>,
}

impl Story {
    fn new() -> Self {
        let mut plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
        plan.mode = Mode::Automatic;
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Self { plan, state: State::default(), now, sentences: Vec::new() }
    }

    fn settle(&mut self, facts: &Facts) {
        let records = settle(&self.plan, &mut self.state, facts, self.now);
        self.sentences.extend(records.into_iter().map(|record| record.sentence));
    }

    fn signal(&mut self, signal: Signal) {
        self.settle(&Facts { signals: vec![signal], ..Facts::default() });
    }

    fn alarm(&mut self) {
        let topic = self.plan.detection.topics[0].clone();
        let arn = self.plan.detection.sides.primary.alarms[0].clone();
        let (state, reason, via) = (AlarmState::Alarm, "errors".to_owned(), Via::Sns { topic });
        self.signal(Signal::Alarm(AlarmSignal {
            arn,
            state,
            changed_at: self.now,
            reason,
            contributor: None,
            held_back: None,
            via,
        }));
    }

    fn multi_az_failover(&mut self, instance: &str, topic: Option<&str>) {
        let topic = topic.map_or_else(|| self.plan.detection.topics[0].clone(), str::to_owned);
        let (event_id, via) = ("RDS-EVENT-0013".to_owned(), Via::Sns { topic });
        let instance = instance.to_owned();
        self.signal(Signal::MultiAzFailover(MultiAzFailover { instance, event_id, at: self.now, via }));
    }

    /// Looks every five seconds; the primary answers nothing, and its replicas say that they are cut off.
    fn look_for(&mut self, seconds: i64) {
        for _ in 0..seconds / 5 {
            self.now = self.now.checked_add(SignedDuration::from_secs(5)).expect("a time");
            self.look_with(&ProbeAnswer::Bad { detail: "no answer".into() });
        }
    }

    fn look_with(&mut self, answer: &ProbeAnswer) {
        let observation = Some(self.observation(answer));
        self.settle(&Facts { observation, ..Facts::default() });
    }

    fn observation(&self, answer: &ProbeAnswer) -> Observation {
        let probe = |name: &Name| ProbeSeen { name: name.clone(), answer: answer.clone() };
        let broken = |name: &Name| ReplicaSeen {
            database: name.clone(),
            state: ReplicaState::Broken { detail: "error".into() },
        };
        let lag = LagSample { at: Timestamp::from_second(1_799_999_990).expect("a time"), lag_ms: Some(400) };
        let databases = self.plan.databases.iter().map(|database| &database.name);
        Observation {
            at: self.now,
            vantage: self.plan.sides.recovery.region.clone(),
            probes: self.plan.detection.sides.primary.probes.iter().map(|item| probe(item.name())).collect(),
            replicas: databases.clone().map(broken).collect(),
            lag: databases.map(|name| (name.clone(), vec![lag])).collect(),
            replayed: BTreeMap::new(),
            answered_at: None,
            alarms: BTreeMap::new(),
        }
    }

    fn has_committed(&self) -> bool {
        self.state.run.as_ref().is_some_and(|run| run.committed_at.is_some())
    }
}

#[test]
fn without_a_word_of_rds_the_run_moves_after_its_window() {
    let mut story = Story::new();
    story.alarm();
    story.look_for(90);
    assert!(story.has_committed(), "{:#?}", story.sentences);
}

#[test]
fn a_failover_within_the_region_is_not_taken_for_its_loss_and_hides_it_for_three_minutes_only() {
    let mut story = Story::new();
    story.multi_az_failover(INSTANCE, None);
    let said = "No automatic failover for the next 3 min: RDS reports a Multi-AZ failover of database orders \
                (RDS-EVENT-0013).";
    assert_eq!(story.sentences, [said]);
    story.alarm();
    story.look_for(170);
    assert!(!story.has_committed(), "{:#?}", story.sentences);
    let why = "veto: RDS reports a Multi-AZ failover of database orders";
    assert!(
        story
            .sentences
            .iter()
            .any(|sentence| sentence.starts_with("No failover: ") && sentence.contains(why))
    );
    // It never came back: what looked like a failover of RDS was the beginning of the end.
    story.look_for(120);
    assert!(story.has_committed(), "{:#?}", story.sentences);
}

#[test]
fn a_word_of_rds_during_the_window_begins_it_anew() {
    let mut story = Story::new();
    story.alarm();
    story.look_for(30);
    story.multi_az_failover(INSTANCE, None);
    story.look_for(60);
    assert!(!story.has_committed(), "{:#?}", story.sentences);
}

#[test]
fn the_same_word_twice_is_one_record() {
    let mut story = Story::new();
    story.multi_az_failover(INSTANCE, None);
    story.multi_az_failover(INSTANCE, None);
    assert_eq!(story.sentences.len(), 1);
}

#[test]
fn what_is_not_the_plans_is_rejected_and_forbids_nothing() {
    let mut story = Story::new();
    story.multi_az_failover(INSTANCE, Some("arn:aws:sns:us-east-2:999999999999:shop-signals"));
    story.multi_az_failover("arn:aws:rds:us-east-2:123456789012:db:someone-elses", None);
    story.multi_az_failover("arn:aws:rds:us-east-2:999999999999:db:shop-orders", None);
    assert_eq!(story.sentences.len(), 3);
    assert!(
        story.sentences.iter().all(|sentence| sentence.starts_with("Signal rejected: ")),
        "{:#?}",
        story.sentences
    );
    assert!(story.state.multi_az_failovers.is_empty());
    // A replica that moves within the recovery region says nothing of the primary.
    story.multi_az_failover(&first_replica(&story.plan), None);
    assert_eq!(story.sentences.len(), 3);
}

#[test]
fn an_old_word_is_rejected() {
    let mut story = Story::new();
    let topic = story.plan.detection.topics[0].clone();
    let at = story.now;
    story.now = at.checked_add(SignedDuration::from_secs(3600)).expect("a time");
    let (instance, event_id, via) = (INSTANCE.to_owned(), "RDS-EVENT-0013".to_owned(), Via::Sns { topic });
    story.signal(Signal::MultiAzFailover(MultiAzFailover { instance, event_id, at, via }));
    assert!(
        story.sentences[0].contains("it was reported 60 min ago; the limit is 300 s"),
        "{:?}",
        story.sentences
    );
}

/// The same word every so many seconds, about these instances in turn, while nothing lives.
fn repeat(story: &mut Story, instances: &[&str], every_seconds: i64, seconds: i64) {
    for (instance, _) in instances.iter().cycle().zip(0..seconds / every_seconds) {
        if story.has_committed() {
            return;
        }
        story.multi_az_failover(instance, None);
        story.look_for(every_seconds);
    }
}

#[test]
fn a_word_that_is_repeated_for_ever_hides_a_loss_for_ten_minutes() {
    let stock = "arn:aws:rds:us-east-2:123456789012:db:shop-stock";
    for (instances, every) in [(&[INSTANCE][..], 170), (&[INSTANCE, stock][..], 170), (&[INSTANCE][..], 60)] {
        let mut story = Story::new();
        story.alarm();
        let began = story.now;
        repeat(&mut story, instances, every, 6 * 3600);
        assert!(story.has_committed(), "{instances:?} {every}: {:#?}", story.sentences);
        let took = story.now.duration_since(began).as_secs();
        assert!((600..=900).contains(&took), "{instances:?} {every}: {took} s");
        // One that comes while the run that is not hidden any more confirms.
        let why = "There has been no sign of life for more than 10 min, so this report no longer blocks a \
                   failover.";
        assert!(
            every > 60 || story.sentences.iter().any(|sentence| sentence.ends_with(why)),
            "{:#?}",
            story.sentences
        );
    }
}

#[test]
fn words_count_for_ten_minutes_from_the_first_one_and_not_a_second_longer() {
    let mut story = Story::new();
    story.look_for(5);
    story.multi_az_failover(INSTANCE, None);
    let first = story.now;
    let at = |seconds| first.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
    assert!(story.state.heeds_multi_az_failovers(at(599)) && !story.state.heeds_multi_az_failovers(at(600)));
}

#[test]
fn several_databases_that_move_one_after_the_other_are_all_waited_for() {
    let stock = "arn:aws:rds:us-east-2:123456789012:db:shop-stock";
    let mut story = Story::new();
    story.alarm();
    for instance in [INSTANCE, stock, INSTANCE] {
        story.multi_az_failover(instance, None);
        story.look_for(150);
        assert!(!story.has_committed(), "{:#?}", story.sentences);
    }
}

#[test]
fn a_sign_of_life_lets_the_words_begin_anew() {
    let mut story = Story::new();
    story.alarm();
    repeat(&mut story, &[INSTANCE], 170, 500);
    assert!(!story.has_committed(), "{:#?}", story.sentences);
    story.look_with(&ProbeAnswer::Good);
    story.multi_az_failover(INSTANCE, None);
    let began = story.now;
    repeat(&mut story, &[INSTANCE], 170, 500);
    assert!(!story.has_committed(), "the region lived in between: {:#?}", story.sentences);
    repeat(&mut story, &[INSTANCE], 170, 3600);
    assert!(story.has_committed());
    assert!(story.now.duration_since(began).as_secs() >= 600);
}

#[test]
fn words_an_hour_apart_have_nothing_to_do_with_each_other() {
    for (seconds, is_new) in [(3600, false), (3601, true)] {
        let mut story = Story::new();
        story.look_for(5);
        story.multi_az_failover(INSTANCE, None);
        let later = story.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
        assert_eq!(story.state.is_new_multi_az_failover(later), is_new, "{seconds}");
    }
}

#[test]
fn a_database_that_moved_already_vetoes_nothing_by_its_multi_az_failover() {
    let mut story = Story::new();
    story.multi_az_failover(INSTANCE, None);
    let look = story.observation(&ProbeAnswer::Bad { detail: "no answer".into() });
    assert_eq!(look.vetoes(&story.plan, &story.state).len(), 1);
    story.state.holdings = Holdings::active(["orders"]);
    assert!(look.vetoes(&story.plan, &story.state).is_empty());
}

#[test]
fn the_same_word_is_written_down_again_after_a_minute() {
    for (seconds, records) in [(59, 1), (60, 2)] {
        let mut story = Story::new();
        story.multi_az_failover(INSTANCE, None);
        story.now += SignedDuration::from_secs(seconds);
        story.multi_az_failover(INSTANCE, None);
        assert_eq!(story.sentences.len(), records, "after {seconds} s: {:#?}", story.sentences);
    }
}

//! For how long does an alarm's word count? Whatever comes by messages, answers and silence: never longer than an hour after
//! somebody last heard that it is in ALARM, but for a silence that began within that hour; and surely for as long as that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::decide::Facts;
use protocol::evidence::{ALARM_CONFIRMED_EVERY, ALARM_STANDS, ANSWER_TRAILS};
use protocol::journal::{Event, Record};
use protocol::observation::{AlarmsSeen, Observation};
use protocol::plan::Plan;
use protocol::signal::{AlarmNow, AlarmSignal, AlarmState, Signal, Via};
use protocol::state::{State, evolve, fold};

use crate::settle::settle;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

struct Story {
    plan: Plan,
    state: State,
    records: Vec<Record>,
    now: Timestamp,
}

/// What a region says in one minute.
#[derive(Clone, Copy, Debug)]
enum Says {
    Alarm,
    Ok,
    Insufficient,
    Refuses,
    Nothing,
}

impl Story {
    fn new() -> Self {
        let plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Self { plan, state: State::default(), records: Vec::new(), now }
    }

    fn arn(&self) -> String {
        self.plan.detection.sides.primary.alarms[0].clone()
    }

    fn pass(&mut self, duration: SignedDuration) {
        self.now = self.now.checked_add(duration).expect("a time");
    }

    fn settle(&mut self, facts: &Facts) {
        self.records.extend(settle(&self.plan, &mut self.state, facts, self.now));
    }

    fn message(&mut self, state: AlarmState) {
        let alarm = AlarmSignal {
            arn: self.arn(),
            state,
            changed_at: self.now,
            reason: "r".into(),
            contributor: None,
            held_back: None,
            via: Via::EventBridge,
        };
        self.settle(&Facts { signals: vec![Signal::Alarm(alarm)], ..Facts::default() });
    }

    /// A look that sees nothing but what the primary region says of its alarm, which changed at a time.
    fn look(&mut self, says: Says, changed_at: Timestamp) {
        let (at, detail) = (self.now, "no answer".to_owned());
        let answered = |state| {
            let alarm = AlarmNow { arn: self.arn(), state, changed_at, reason: "r".into(), held_back: None };
            AlarmsSeen::Answered { at, alarms: vec![alarm] }
        };
        let seen = match says {
            Says::Alarm => answered(AlarmState::Alarm),
            Says::Ok => answered(AlarmState::Ok),
            Says::Insufficient => answered(AlarmState::InsufficientData),
            Says::Refuses => AlarmsSeen::Refused { detail },
            Says::Nothing => AlarmsSeen::Silent { at, detail },
        };
        let observation = Observation {
            at,
            vantage: self.plan.sides.recovery.region.clone(),
            probes: Vec::new(),
            replicas: Vec::new(),
            lag: BTreeMap::new(),
            replayed: BTreeMap::new(),
            answered_at: None,
            alarms: BTreeMap::from([(self.plan.sides.primary.region.clone(), seen)]),
        };
        self.settle(&Facts { observation: Some(observation), ..Facts::default() });
    }

    /// One look a minute.
    fn minutes(&mut self, count: i64, says: Says) {
        let changed_at = self.now;
        for _ in 0..count {
            self.pass(MINUTE);
            self.look(says, changed_at);
        }
    }

    fn counts(&self) -> bool {
        self.state.counting(self.now).next().is_some()
    }

    fn written(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.records.iter().filter(|record| is_it(&record.event)).count()
    }
}

#[test]
fn without_any_answer_a_word_counts_for_an_hour_and_no_second_longer() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    story.pass(ALARM_STANDS);
    assert!(story.counts());
    story.pass(SignedDuration::from_secs(1));
    assert!(!story.counts());
}

#[test]
fn a_word_within_an_hour_before_the_silence_counts_for_as_long_as_it_lasts() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    story.minutes(60, Says::Insufficient);
    story.minutes(0, Says::Nothing);
    // The silence begins 3,600 s after the word.
    story.look(Says::Nothing, story.now);
    assert!(story.counts() && story.state.silences.len() == 1, "{:#?}", story.records);
    story.pass(SignedDuration::from_hours(24 * 30));
    assert!(story.counts());
}

#[test]
fn a_word_of_more_than_an_hour_before_the_silence_counts_no_more() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    story.minutes(60, Says::Insufficient);
    story.pass(SignedDuration::from_secs(1));
    story.look(Says::Nothing, story.now);
    assert!(!story.counts() && story.state.silences.is_empty(), "{:#?}", story.records);
}

#[test]
fn a_word_in_the_silence_counts_and_so_does_its_end() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    story.minutes(60, Says::Nothing);
    story.pass(SignedDuration::from_hours(5));
    story.message(AlarmState::Ok);
    assert!(!story.counts(), "a message in the silence");
    story.message(AlarmState::Alarm);
    story.pass(SignedDuration::from_secs(1));
    story.message(AlarmState::Alarm);
    assert!(story.counts());
    story.minutes(2, Says::Ok);
    assert!(!story.counts() && story.state.silences.is_empty());
}

#[test]
fn an_answer_of_alarm_at_the_end_of_a_silence_leaves_no_gap() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    let changed_at = story.now;
    story.minutes(300, Says::Nothing);
    story.pass(MINUTE);
    let before = story.records.len();
    story.look(Says::Alarm, changed_at);
    // Confirmed first, and only then is the silence over.
    let mut state = fold(&story.records[..before]).expect("legal");
    for record in &story.records[before..] {
        state = evolve(state, record).expect("legal");
        assert!(state.counting(story.now).next().is_some(), "after: {}", record.sentence);
    }
    assert!(state.silences.is_empty());
}

#[test]
fn a_region_that_answers_and_does_not_know_lets_the_word_lapse() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    story.minutes(30, Says::Nothing);
    assert_eq!(story.state.silences.len(), 1);
    story.minutes(29, Says::Insufficient);
    assert!(story.counts());
    story.minutes(2, Says::Insufficient);
    assert!(!story.counts() && story.state.silences.is_empty());
}

#[test]
fn the_newer_of_message_and_answer_counts() {
    let second = SignedDuration::from_secs(1);
    for (asked_after, changed_after, stands) in [
        // The answer tells of a change before the message's, and may trail behind it.
        (ANSWER_TRAILS, -100, true),
        (ANSWER_TRAILS + second, -100, false),
        // The same moment is no newer.
        (second, 0, true),
        // It tells of a later change.
        (second * 2, 1, false),
    ] {
        let mut story = Story::new();
        story.pass(SignedDuration::from_hours(1));
        story.message(AlarmState::Alarm);
        let changed_at = story.now.checked_add(SignedDuration::from_secs(changed_after)).expect("a time");
        story.pass(asked_after);
        story.look(Says::Ok, changed_at);
        assert_eq!(story.counts(), stands, "{asked_after:?} {changed_after}");
    }
}

#[test]
fn a_message_that_an_answer_has_overtaken_is_no_news() {
    let mut story = Story::new();
    story.message(AlarmState::Alarm);
    let said_at = story.now;
    story.pass(SignedDuration::from_secs(30));
    let ok_at = story.now;
    story.pass(SignedDuration::from_secs(30));
    story.look(Says::Ok, ok_at);
    assert!(!story.counts());
    // The message again, or one that was late on its way.
    let before = story.records.len();
    let now = story.now;
    story.now = said_at;
    story.message(AlarmState::Alarm);
    story.now = now;
    assert_eq!(story.records.len(), before);
    assert!(!story.counts());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Minutes of the same kind, one after the other; sometimes with a message before them.
    #[test]
    fn an_alarm_counts_no_longer_than_its_word_and_no_shorter(
        spells in prop::collection::vec(
            (
                prop::option::of(any::<bool>()),
                prop::sample::select(vec![Says::Alarm, Says::Ok, Says::Insufficient, Says::Refuses, Says::Nothing]),
                prop::sample::select(vec![1_i64, 2, 14, 16, 43, 59, 61, 150]),
            ),
            1..8,
        ),
    ) {
        let mut story = Story::new();
        // When it was last heard to be in ALARM; when the unbroken silence began; whether it was OK since.
        let (mut red_at, mut silent_since, mut was_ok) = (None::<Timestamp>, None::<Timestamp>, true);
        // Whether it may count: what an answer says at once may be known already, and may not.
        let (mut may_count, mut red_at_most) = (false, None::<Timestamp>);
        // The same since somebody asked in vain, and was not refused: a refusal is no silence.
        let mut surely_silent_since = None::<Timestamp>;
        for (message, says, minutes) in spells {
            if let Some(is_red) = message {
                story.pass(SignedDuration::from_secs(70));
                story.message(if is_red { AlarmState::Alarm } else { AlarmState::Ok });
                (red_at, was_ok) = if is_red { (Some(story.now), false) } else { (red_at, true) };
                may_count = is_red;
                red_at_most = if is_red { Some(story.now) } else { red_at_most };
            }
            let changed_at = story.now;
            for minute in 1..=minutes {
                story.pass(MINUTE);
                story.look(says, changed_at);
                match says {
                    Says::Alarm => (may_count, red_at_most) = (true, Some(story.now)),
                    Says::Ok if minute >= 2 => may_count = false,
                    _ => {}
                }
                match says {
                    // From the second minute on an answer is newer than any message.
                    Says::Alarm if minute >= 2 => (red_at, was_ok) = (Some(story.now), false),
                    // At once, if its change is newer.
                    Says::Ok => was_ok = true,
                    _ => {}
                }
                silent_since = match says {
                    Says::Nothing => Some(silent_since.unwrap_or(story.now)),
                    Says::Refuses => silent_since,
                    _ => None,
                };
                surely_silent_since = match says {
                    Says::Nothing => Some(surely_silent_since.unwrap_or(story.now)),
                    _ => None,
                };
                if minute < 2 {
                    continue;
                }
                let age_at = |red_at: Option<Timestamp>, since: Option<Timestamp>| {
                    red_at.map(|at| since.unwrap_or(story.now).duration_since(at))
                };
                if story.counts() {
                    let age = age_at(red_at_most, silent_since);
                    prop_assert!(may_count, "OK was the last word");
                    prop_assert!(age.is_some_and(|age| age <= ALARM_STANDS), "{age:?}");
                }
                // What is written down trails behind by this much at most.
                let surely = ALARM_STANDS - ALARM_CONFIRMED_EVERY - ANSWER_TRAILS - MINUTE * 2;
                let age = age_at(red_at, surely_silent_since);
                if !was_ok && age.is_some_and(|age| age <= surely) {
                    prop_assert!(story.counts(), "{age:?}: {:#?}", story.records);
                }
            }
        }
        // Seldom: each spell changes something once or twice, and a red alarm is confirmed four times an hour.
        let begun = story.written(|event| matches!(event, Event::AlarmsSilent { .. }));
        let ended = story.written(|event| matches!(event, Event::AlarmsAnswer { .. }));
        prop_assert!(begun <= 8 && ended <= begun);
        let minutes = story.now.duration_since(Timestamp::from_second(1_800_000_000).expect("a time")).as_mins();
        let seen = story.written(|event| matches!(event, Event::EvidenceSeen { .. }));
        prop_assert!(i64::try_from(seen).expect("few") <= minutes / 15 + 17, "{seen} in {minutes} min");
    }
}

/// How much evidence each record holds, where so many alarms are seen in ALARM by one look.
fn evidence_by_record(count: usize) -> Vec<usize> {
    let mut story = Story::new();
    let arn = |number| format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:alarm-{number}");
    story.plan.detection.sides.primary.alarms = (0..count).map(arn).collect();
    let (at, changed_at) = (story.now, story.now);
    let alarm = |arn: &String| AlarmNow {
        arn: arn.clone(),
        state: AlarmState::Alarm,
        changed_at,
        reason: "r".into(),
        held_back: None,
    };
    let alarms = story.plan.detection.sides.primary.alarms.iter().map(alarm).collect();
    let observation = Observation {
        at,
        vantage: story.plan.sides.recovery.region.clone(),
        probes: Vec::new(),
        replicas: Vec::new(),
        lag: BTreeMap::new(),
        replayed: BTreeMap::new(),
        answered_at: None,
        alarms: BTreeMap::from([(
            story.plan.sides.primary.region.clone(),
            AlarmsSeen::Answered { at, alarms },
        )]),
    };
    story.settle(&Facts { observation: Some(observation), ..Facts::default() });
    let evidence = story.records.iter().filter_map(|record| match &record.event {
        Event::EvidenceSeen { evidence } => Some(evidence.len()),
        _ => None,
    });
    evidence.collect()
}

#[test]
fn one_record_holds_the_evidence_of_a_hundred_alarms_and_the_next_one_the_rest() {
    assert_eq!(evidence_by_record(100), [100]);
    assert_eq!(evidence_by_record(101), [100, 1]);
}

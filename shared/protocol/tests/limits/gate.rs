//! The data-loss gate: which sample of lag it goes by, and how old that may be.

use jiff::Timestamp;
use protocol::journal::{DataLoss, Event};
use protocol::observation::Observation;
use protocol::plan::Mode;
use protocol::signal::AlarmState;

use super::story::{Seen, Story, at, look, plan, with_lag, with_lag_unknown};

/// When the primary was lost: the first sign is of here.
const LOST: i64 = 1_000;

/// The estimate for `orders` that a person is asked about, one window after the loss.
fn estimate(of: impl Fn(&Story, Observation) -> Observation) -> DataLoss {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(LOST).alarm(AlarmState::Alarm, LOST);
    for seconds in [0, 20, 40, 60] {
        let now = LOST + seconds;
        let seen = of(&story, look(&story.plan, Seen::Lost, now));
        let (_, events) = story.go_to(now).see(seen);
        let asked = events.into_iter().find_map(|event| match event {
            Event::ApprovalAsked { data_loss, .. } => Some(data_loss),
            _ => None,
        });
        if let Some(losses) = asked {
            return losses.into_iter().find(|loss| loss.database.as_str() == "orders").expect("orders");
        }
    }
    panic!("nobody was asked: {:?}", story.state.run);
}

#[test]
fn a_sample_counts_if_it_is_of_three_hundred_seconds_before_the_last_sign_of_life_at_most() {
    for (age, is_known) in [(299, true), (300, true), (301, false)] {
        let loss = estimate(|story, seen| with_lag(&story.plan, seen, LOST - age, 400));
        assert_eq!(loss.lag_ms, is_known.then_some(400), "sampled {age} s before");
        assert_eq!(loss.within_limit, is_known, "what is not known is not within the limit");
    }
}

#[test]
fn the_last_good_answer_counts_if_it_is_of_three_hundred_seconds_before_the_first_sign_at_most() {
    // The lag grew after the last good answer: a sample of before it, and a worse one of after it.
    for (answered, lag_ms) in [(300, 400), (301, 30_000)] {
        let loss = estimate(|story, seen| {
            let seen = with_lag(&story.plan, seen, LOST - answered - 10, 400);
            let mut seen = with_lag(&story.plan, seen, LOST - 10, 30_000);
            seen.answered_at = Some(at(LOST - answered));
            seen
        });
        assert_eq!(loss.lag_ms, Some(lag_ms), "answered {answered} s before the first sign");
    }
}

#[test]
fn what_is_sampled_after_the_last_sign_of_life_does_not_count() {
    let loss = estimate(|story, seen| {
        let seen = with_lag(&story.plan, seen, LOST, 400);
        with_lag(&story.plan, seen, LOST + 1, 1)
    });
    assert_eq!((loss.lag_ms, loss.sampled_at), (Some(400), Some(at(LOST))));
}

#[test]
fn a_lag_at_the_plans_limit_passes_and_one_above_it_does_not() {
    let limit_ms = u64::from(plan(Mode::Approve).limits.lag_seconds_max) * 1_000;
    for (lag_ms, passes) in [(limit_ms, true), (limit_ms + 1, false)] {
        let loss = estimate(|story, seen| with_lag(&story.plan, seen, LOST - 30, lag_ms));
        assert_eq!(loss.within_limit, passes, "{lag_ms} ms");
    }
}

#[test]
fn a_lag_that_is_not_known_hides_the_samples_before_it() {
    // CloudWatch said -1 while the source lived: since then anything may be missing.
    let loss = estimate(|story, seen| {
        let seen = with_lag(&story.plan, seen, LOST - 60, 400);
        with_lag_unknown(&story.plan, seen, LOST)
    });
    assert_eq!((loss.lag_ms, loss.sampled_at, loss.within_limit), (None, None, false));
    assert_eq!(loss.at_most_ms(), None, "what is not known has no bound");
    // After the last sign of life it says nothing: a replica whose source is dead has no lag.
    let loss = estimate(|story, seen| {
        let seen = with_lag(&story.plan, seen, LOST, 400);
        with_lag_unknown(&story.plan, seen, LOST + 1)
    });
    assert_eq!((loss.lag_ms, loss.within_limit), (Some(400), true));
}

#[test]
fn what_was_written_from_the_sample_to_the_first_sign_may_be_lost_too() {
    for age in [0, 1, 60, 300] {
        let loss = estimate(|story, seen| with_lag(&story.plan, seen, LOST - age, 400));
        let unsampled = u64::try_from(age).unwrap() * 1_000;
        assert_eq!(loss.unsampled_ms, Some(unsampled));
        assert_eq!(loss.at_most_ms(), Some(400 + unsampled));
    }
}

#[test]
fn a_source_may_have_died_while_the_first_sign_was_looked_for_but_not_later() {
    // The alarm is the first sign. It comes under a hold, and the run is opened so much later.
    for (opened, unsampled) in [(29, 39_000), (30, 40_000), (31, 40_000)] {
        let mut story = Story::new(plan(Mode::Approve));
        let until = at(LOST + opened - 1);
        story.must_alone(Event::HoldPlaced { by: "ana".into(), reason: "r".into(), until });
        story.go_to(LOST).alarm(AlarmState::Alarm, LOST);
        let looks = (0..6).map(|nth| LOST + opened + 20 * nth);
        let asked = looks.into_iter().find_map(|now| {
            let seen = with_lag(&story.plan, look(&story.plan, Seen::Lost, now), LOST - 10, 400);
            let (_, events) = story.go_to(now).see(seen);
            events.into_iter().find_map(|event| match event {
                Event::ApprovalAsked { data_loss, .. } => Some(data_loss),
                _ => None,
            })
        });
        let loss = &asked.expect("a person is asked")[0];
        assert_eq!(story.run().opened_at, at(LOST + opened));
        assert_eq!(loss.unsampled_ms, Some(unsampled), "opened {opened} s after the first sign");
    }
}

/// The last sign of life that a commitment goes by, where a probe last answered so many seconds before the first sign.
fn alive_at(answered_before: i64) -> Option<Timestamp> {
    let mut story = Story::new(plan(Mode::Automatic));
    story.go_to(LOST).alarm(AlarmState::Alarm, LOST);
    for seconds in [0, 20, 40, 60, 80] {
        let now = LOST + seconds;
        let seen = with_lag(&story.plan, look(&story.plan, Seen::Lost, now), LOST - 310, 400);
        let mut seen = with_lag(&story.plan, seen, LOST - 30, 400);
        seen.answered_at = Some(at(LOST - answered_before));
        let (_, events) = story.go_to(now).see(seen);
        let found = events.into_iter().find_map(|event| match event {
            Event::Committed { alive_at, .. } => Some(alive_at),
            _ => None,
        });
        if let Some(alive_at) = found {
            return alive_at;
        }
    }
    panic!("nothing moved: {:?}", story.state.run);
}

#[test]
fn a_sign_of_life_bounds_the_time_to_the_first_sign_if_it_is_of_shortly_before() {
    for (before, is_known) in [(0, true), (300, true), (301, false), (-1, false)] {
        assert_eq!(alive_at(before), is_known.then(|| at(LOST - before)), "{before} s before");
    }
}

//! The data-loss gate: which sample of lag it goes by, and how old that may be.

use protocol::journal::{DataLoss, Event};
use protocol::observation::Observation;
use protocol::plan::Mode;
use protocol::signal::AlarmState;

use super::story::{Seen, Story, at, look, plan, with_lag};

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

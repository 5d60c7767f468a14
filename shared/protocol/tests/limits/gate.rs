//! The data-loss gate: which sample of lag it goes by, and how old that may be.

use jiff::{SignedDuration, Timestamp};
use protocol::journal::{DataLoss, Event};
use protocol::name::Name;
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

/// The last sign of life that a commitment goes by, where a probe last answered, and a replica has replayed everything until, so
/// many seconds before the first sign.
fn alive_at(answered_before: Option<i64>, replayed_before: Option<i64>) -> Option<Timestamp> {
    let mut story = Story::new(plan(Mode::Automatic));
    story.go_to(LOST).alarm(AlarmState::Alarm, LOST);
    for seconds in [0, 20, 40, 60, 80] {
        let now = LOST + seconds;
        let seen = with_lag(&story.plan, look(&story.plan, Seen::Lost, now), LOST - 310, 400);
        let mut seen = with_lag(&story.plan, seen, LOST - 30, 400);
        seen.answered_at = answered_before.map(|before| at(LOST - before));
        seen.replayed.extend(replayed_before.map(|before| (Name::from("orders"), at(LOST - before))));
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
        let expected = is_known.then(|| at(LOST - before));
        assert_eq!(alive_at(Some(before), None), expected, "answered {before} s before");
        assert_eq!(alive_at(None, Some(before)), expected, "replayed until {before} s before");
    }
    assert_eq!(alive_at(Some(40), Some(5)), Some(at(LOST - 5)), "the later one counts");
    assert_eq!(alive_at(Some(5), Some(40)), Some(at(LOST - 5)));
    assert_eq!(
        alive_at(Some(5), Some(-1)),
        Some(at(LOST - 5)),
        "what lived on after it is no sign of before"
    );
}

/// A look that the witness has a part in: everything until then is replayed.
fn with_replayed(mut seen: Observation, until: i64) -> Observation {
    seen.replayed.insert(Name::from("orders"), at(until));
    seen
}

#[test]
fn a_witness_says_what_the_minutes_of_cloudwatch_do_not() {
    // An idle source: its lag grew to five minutes, and nothing is missing.
    let loss =
        estimate(|story, seen| with_replayed(with_lag(&story.plan, seen, LOST - 20, 290_000), LOST - 3));
    assert_eq!((loss.lag_ms, loss.at_most_ms(), loss.within_limit), (Some(3_000), Some(3_000), true));
    assert_eq!(loss.replayed_until, Some(at(LOST - 3)));
    // A lag that grew after CloudWatch's last minute, while the source lived on.
    let loss = estimate(|story, seen| with_replayed(with_lag(&story.plan, seen, LOST - 70, 100), LOST - 62));
    assert_eq!((loss.lag_ms, loss.within_limit), (Some(62_000), false), "the limit is 60 s");
    // It needs no sample at all, nor one whose lag is known.
    let loss = estimate(|_, seen| with_replayed(seen, LOST - 3));
    assert_eq!((loss.lag_ms, loss.within_limit), (Some(3_000), true));
    let loss =
        estimate(|story, seen| with_replayed(with_lag_unknown(&story.plan, seen, LOST - 10), LOST - 3));
    assert_eq!((loss.lag_ms, loss.within_limit), (Some(3_000), true));
}

#[test]
fn whoever_has_seen_more_replayed_is_believed() {
    // CloudWatch's sample says that everything until 400 ms before it is replayed.
    for (until, is_witnessed) in [(LOST - 11, false), (LOST - 10, true)] {
        let loss = estimate(|story, seen| with_replayed(with_lag(&story.plan, seen, LOST - 10, 400), until));
        let (lag_ms, at_most) = if is_witnessed { (10_000, 10_000) } else { (400, 10_400) };
        assert_eq!((loss.lag_ms, loss.at_most_ms()), (Some(lag_ms), Some(at_most)), "until {until}");
        assert_eq!(loss.replayed_until.is_some(), is_witnessed);
    }
}

#[test]
fn a_heartbeat_is_a_sign_of_life_and_the_loss_is_counted_from_it() {
    // The last good answer of a probe is older than the last heartbeat, which is replayed.
    let loss = estimate(|_, mut seen| {
        seen.answered_at = Some(at(LOST - 40));
        with_replayed(seen, LOST - 5)
    });
    assert_eq!((loss.lag_ms, loss.sampled_at), (Some(0), Some(at(LOST - 5))));
    assert_eq!(loss.at_most_ms(), Some(5_000), "until the first sign of loss it may have written more");
}

#[test]
fn a_clock_that_is_ahead_is_not_believed() {
    // What a person is asked about is of the last look, 60 s after the loss.
    for (ahead, is_believed) in [(0, true), (1, true), (2, false)] {
        let loss = estimate(|_, seen| {
            let mut seen = seen;
            let until = seen.at.saturating_add(SignedDuration::from_secs(ahead)).expect("a time");
            seen.replayed.insert(Name::from("orders"), until);
            seen
        });
        assert_eq!(loss.lag_ms.is_some(), is_believed, "{ahead} s ahead");
    }
}

//! Windows, approvals and cooldowns: when a run that evidence opened is believed, dismissed or handed to a person.

use protocol::journal::{AbortCause, Cause, Event, Need, RunKind};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Mode;
use protocol::signal::AlarmState;
use protocol::state::Phase;

use super::story::{Seen, Story, look, plan};

/// A run that confirms since 0, with an alarm and a look that shows the loss.
fn confirming(mode: Mode) -> Story {
    let mut story = Story::new(plan(mode));
    story.alarm(AlarmState::Alarm, 0);
    see(&mut story, Seen::Lost, 0);
    assert_eq!(story.run().phase.as_str(), "confirming");
    story
}

fn see(story: &mut Story, seen: Seen, seconds: i64) -> &'static str {
    let seen = look(&story.plan, seen, seconds);
    story.go_to(seconds).see(seen);
    story.run().phase.as_str()
}

#[test]
fn evidence_is_believed_at_the_end_of_its_window_and_not_a_second_before() {
    let window = i64::from(plan(Mode::Approve).detection.confirm_seconds);
    for (last, phase) in [(window - 1, "confirming"), (window, "awaiting approval")] {
        let mut story = confirming(Mode::Approve);
        see(&mut story, Seen::Lost, 30);
        assert_eq!(see(&mut story, Seen::Lost, last), phase, "after {last} s");
    }
}

/// Nobody looks for a while, so the window begins anew at the next look. A run may wait for five windows, no longer.
#[test]
fn a_window_that_begins_anew_must_end_within_five_windows_of_the_run() {
    let five = 5 * i64::from(plan(Mode::Approve).detection.confirm_seconds);
    let window = five / 5;
    for (anew, is_dismissed) in [(five - window, false), (five - window + 1, true)] {
        let mut story = confirming(Mode::Approve);
        assert_eq!(see(&mut story, Seen::Lost, anew), "confirming", "the window begins anew at {anew} s");
        assert_eq!(see(&mut story, Seen::Lost, five - 1), "confirming");
        let first = story.run().id;
        see(&mut story, Seen::Lost, five);
        // What is dismissed with sufficient evidence is weighed in a run of its own.
        assert_eq!(story.run().id != first, is_dismissed, "the window began anew at {anew} s");
        let ended = story.records.iter().any(|record| matches!(record.event, Event::Aborted { .. }));
        assert_eq!(ended, is_dismissed, "the window began anew at {anew} s");
    }
}

#[test]
fn an_approval_is_waited_for_until_its_time_is_over() {
    let limit = i64::from(plan(Mode::Approve).limits.approval_seconds_max);
    for (waited, phase) in [(limit - 1, "awaiting approval"), (limit, "needs an operator")] {
        let mut story = confirming(Mode::Approve);
        see(&mut story, Seen::Lost, 60);
        assert_eq!(see(&mut story, Seen::Lost, 60 + waited), phase, "after {waited} s");
        let expired =
            matches!(&story.run().phase, Phase::NeedsOperator { need: Need::ApprovalExpired {}, .. });
        assert_eq!(expired, phase == "needs an operator");
    }
}

/// A run that a person aborted at 100, with a loss that stands.
fn aborted_by_a_person() -> Story {
    let mut story = Story::new(plan(Mode::Approve));
    let scope = protocol::graph::scope(&story.plan, &story.state.holdings, &[]).expect("something to move");
    let (kind, overrides) = (RunKind::Failover, Overrides::default());
    let first_signal_at = story.now;
    let opened =
        Event::RunOpened { kind, scope, cause: Cause::Evidence, first_signal_at, is_dated: false, overrides };
    story.write(Some(1), opened).expect("legal");
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.go_to(100).must(Event::Aborted { cause, quiet: false });
    story
}

/// Whether a loss that is seen now opens a run.
fn opens(story: &mut Story, seconds: i64) -> (bool, String) {
    story.go_to(seconds).alarm(AlarmState::Alarm, seconds);
    let seen = look(&story.plan, Seen::Lost, seconds);
    let (decision, _) = story.see(seen);
    (story.state.active_run().is_some(), decision.sentence)
}

#[test]
fn a_cooldown_lasts_as_long_as_the_plan_says() {
    let cooldown = i64::from(plan(Mode::Approve).detection.cooldown_seconds);
    for (later, expected) in [(cooldown - 1, false), (cooldown, true)] {
        let mut story = aborted_by_a_person();
        let (is_open, said) = opens(&mut story, 100 + later);
        assert_eq!(is_open, expected, "{later} s after the run ended: {said}");
    }
}

#[test]
fn an_acknowledgement_of_the_last_run_ends_its_cooldown() {
    let mut story = aborted_by_a_person();
    let (is_open, said) = opens(&mut story, 110);
    assert!(!is_open && said.contains("its cooldown lasts until"), "{said}");
    let acknowledge = OperatorCommand::Acknowledge { by: "ana".into(), run: story.run().id };
    let event = story.command(acknowledge, None).expect("acknowledged");
    story.write(None, event).expect("legal");
    let (is_open, said) = opens(&mut story, 120);
    assert!(is_open, "{said}");
}

#[test]
fn an_acknowledgement_of_another_run_is_refused() {
    let story = aborted_by_a_person();
    for run in [0, 2] {
        let acknowledge = OperatorCommand::Acknowledge { by: "ana".into(), run };
        let (code, said) = story.command(acknowledge, None).expect_err("refused");
        assert_eq!(code, "other_run", "{said}");
    }
}

#[test]
fn a_run_under_way_has_no_cooldown_to_be_acknowledged() {
    let story = confirming(Mode::Approve);
    let acknowledge = OperatorCommand::Acknowledge { by: "ana".into(), run: story.run().id };
    let (code, said) = story.command(acknowledge, None).expect_err("refused");
    assert_eq!(code, "other_run", "{said}");
}

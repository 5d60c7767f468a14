//! What a person may pass, and only by saying so.

use protocol::journal::{Event, Need};
use protocol::observation::Observation;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Mode;
use protocol::signal::AlarmState;

use super::story::{Seen, Story, at, look, plan, with_lag};

/// A run that awaits an approval since 60.
fn asked() -> Story {
    let mut story = Story::new(plan(Mode::Approve));
    story.alarm(AlarmState::Alarm, 0);
    for seconds in [0, 20, 40, 60] {
        let seen = lost(&story, seconds);
        story.go_to(seconds).see(seen);
    }
    assert_eq!(story.run().phase.as_str(), "awaiting approval");
    story
}

fn lost(story: &Story, seconds: i64) -> Observation {
    with_lag(&story.plan, look(&story.plan, Seen::Lost, seconds), -10, 400)
}

fn alive(story: &Story, seconds: i64) -> Observation {
    with_lag(&story.plan, look(&story.plan, Seen::Alive, seconds), -10, 400)
}

fn approve(story: &Story, overrides: Overrides) -> OperatorCommand {
    OperatorCommand::Approve { by: "ana".into(), run: story.run().id, overrides }
}

fn vetoes_passed() -> Overrides {
    Overrides { override_vetoes: true, ..Overrides::default() }
}

#[test]
fn an_approval_passes_a_sign_of_life_only_with_override_vetoes() {
    let mut story = asked();
    let now = 70;
    story.go_to(now);
    let (code, said) = story
        .command(approve(&story, Overrides::default()), Some(alive(&story, now)))
        .expect_err("the primary answers");
    assert_eq!(code, "veto");
    assert!(said.contains(r#"add "override_vetoes":true"#), "{said}");
    let passed = story.command(approve(&story, vetoes_passed()), Some(alive(&story, now)));
    assert!(matches!(passed, Ok(Event::Committed { overrides, .. }) if overrides.override_vetoes));
    let without_a_veto = story.command(approve(&story, Overrides::default()), Some(lost(&story, now)));
    assert!(matches!(without_a_veto, Ok(Event::Committed { .. })), "{without_a_veto:?}");
}

#[test]
fn a_stopped_run_passes_a_sign_of_life_only_with_override_vetoes() {
    let mut story = asked();
    story.go_to(70).must(Event::OperatorNeeded { need: Need::ApprovalExpired {}, quiet: None });
    let refused = story.command(approve(&story, Overrides::default()), Some(alive(&story, 70)));
    assert_eq!(refused.expect_err("the primary answers").0, "veto");
    let passed = story.command(approve(&story, vetoes_passed()), Some(alive(&story, 70)));
    assert!(matches!(passed, Ok(Event::Resumed { .. })), "{passed:?}");
}

#[test]
fn a_failover_passes_a_sign_of_life_only_with_override_vetoes() {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(10);
    let failover = |overrides| OperatorCommand::Failover {
        by: "ana".into(),
        reason: "r".into(),
        routes: Vec::new(),
        overrides,
    };
    let refused = story.command(failover(Overrides::default()), Some(alive(&story, 10)));
    assert_eq!(refused.expect_err("the primary answers").0, "veto");
    let passed = story.command(failover(vetoes_passed()), Some(alive(&story, 10)));
    assert!(matches!(passed, Ok(Event::RunOpened { .. })), "{passed:?}");
}

#[test]
fn an_approval_passes_an_unknown_loss_only_with_allow_data_loss() {
    let mut story = asked();
    story.go_to(70);
    let unsampled = || look(&story.plan, Seen::Lost, 70);
    let refused = story.command(approve(&story, Overrides::default()), Some(unsampled()));
    assert_eq!(refused.expect_err("the loss is not known").0, "data_loss");
    let allowed = Overrides { allow_data_loss: true, ..Overrides::default() };
    let passed = story.command(approve(&story, allowed), Some(unsampled()));
    assert!(matches!(passed, Ok(Event::Committed { .. })), "{passed:?}");
}

#[test]
fn nothing_that_moves_is_answered_without_a_look_in_hand() {
    let mut story = asked();
    story.go_to(70);
    let refused = story.command(approve(&story, Overrides::default()), None);
    assert_eq!(refused.expect_err("nobody looked").0, "no_observation");
}

#[test]
fn an_approval_is_for_the_run_that_it_names() {
    let mut story = asked();
    story.go_to(70);
    let run = story.run().id + 1;
    let other = OperatorCommand::Approve { by: "ana".into(), run, overrides: Overrides::default() };
    assert_eq!(story.command(other, Some(lost(&story, 70))).expect_err("no such run").0, "other_run");
}

#[test]
fn a_hold_lasts_from_a_minute_to_a_week() {
    let story = Story::new(plan(Mode::Approve));
    let hold = |minutes| OperatorCommand::Hold { by: "ana".into(), minutes, reason: "r".into() };
    for minutes in [1, 10_080] {
        let placed = story.command(hold(minutes), None).expect("held");
        let Event::HoldPlaced { until, .. } = placed else { panic!("{placed:?}") };
        assert_eq!(until, at(i64::from(minutes) * 60), "{minutes} minutes");
    }
    for minutes in [0, 10_081, u32::MAX] {
        let (code, said) = story.command(hold(minutes), None).expect_err("refused");
        assert_eq!(code, "minutes_out_of_range");
        assert!(said.contains(&format!("minutes: {minutes} is not between 1 and 10080")), "{said}");
    }
}

#[test]
fn a_hold_is_in_force_until_its_end_and_not_at_it() {
    let mut story = Story::new(plan(Mode::Approve));
    let hold = OperatorCommand::Hold { by: "ana".into(), minutes: 1, reason: "r".into() };
    let placed = story.command(hold, None).expect("held");
    story.write(None, placed).expect("legal");
    assert!(story.state.hold_at(at(59)).is_some());
    assert!(story.state.hold_at(at(60)).is_none());
}

//! Steps of a run: who was first, what is tried again and when, how many items go into one command.

use protocol::command::{Step, StepCommand};
use protocol::decide::{Facts, SUBJECTS_PER_COMMAND, decide};
use protocol::journal::{AbortCause, Event, Need};
use protocol::name::Name;
use protocol::operator::OperatorCommand;
use protocol::plan::Mode;
use protocol::state::{Illegality, Phase, Progress};

use super::story::{Seen, Story, at, look, names, plan};

fn commands(story: &Story) -> Vec<StepCommand> {
    decide(&story.plan, &story.state, &Facts::default(), story.now).commands
}

fn is_asked_for(story: &Story, step: Step) -> bool {
    commands(story).iter().any(|command| command.step == step)
}

#[test]
fn the_first_word_that_a_step_is_done_is_the_one_that_counts() {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    let first = story.go_to(10).intend(Step::Fence, &["front"]);
    // The first worker is given up; a second one takes the step, and both see the effect stand.
    let second = story.go_to(100).intend(Step::Fence, &["front"]);
    story.go_to(110).done(Step::Fence, "front", first, "seen by the first");
    story.go_to(120).done(Step::Fence, "front", second, "seen by the second");
    let progress = story.run().progress(Step::Fence, &Name::from("front")).cloned();
    let Some(Progress::Done { at: done_at, detail, took_ms, .. }) = progress else { panic!("{progress:?}") };
    assert_eq!((done_at, detail.as_str(), took_ms), (at(110), "seen by the first", first));
}

#[test]
fn a_step_is_held_until_its_lease_ends_and_free_at_that_moment() {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    story.intend(Step::Fence, &["front"]);
    assert!(!is_asked_for(story.go_to(74), Step::Fence), "another worker holds it");
    assert!(is_asked_for(story.go_to(75), Step::Fence), "the lease is over");
}

fn abort(story: &Story) -> Event {
    let abort = OperatorCommand::Abort { by: "ana".into(), run: story.run().id, reason: "r".into() };
    story.command(abort, None).expect("aborted")
}

/// A run whose scale-out was begun, that a person aborted, and whose undoing failed at 100.
fn failed_undo() -> Story {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    story.carry_out(Step::Scale, "web");
    let event = abort(&story);
    story.go_to(90).must(event);
    let intent = story.intend(Step::Restore, &["web"]);
    story.go_to(100).fail(Step::Restore, "web", intent);
    story
}

#[test]
fn an_abort_that_is_asked_again_tries_a_failed_undo_at_once() {
    let mut story = failed_undo();
    story.go_to(101);
    assert!(!is_asked_for(&story, Step::Restore), "it has just failed");
    let event = abort(&story);
    story.must(event);
    assert!(is_asked_for(&story, Step::Restore), "it was asked for again");
}

#[test]
fn what_must_be_done_in_any_case_is_tried_again_ten_minutes_after_it_failed() {
    let mut story = failed_undo();
    assert!(!is_asked_for(story.go_to(100 + 599), Step::Restore));
    assert!(is_asked_for(story.go_to(100 + 600), Step::Restore));
}

#[test]
fn a_failed_quarantine_is_tried_again_after_ten_minutes() {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    story.carry_out(Step::Fence, "front");
    story.intend(Step::Promote, &["orders"]);
    let intent = story.intend(Step::Quarantine, &["orders"]);
    story.go_to(100).fail(Step::Quarantine, "orders", intent);
    for (later, expected) in [(599, false), (600, true)] {
        let seen = look(&story.plan, Seen::Lost, 100 + later);
        let (decision, _) = story.go_to(100 + later).see(seen);
        assert_eq!(decision.asks_for(Step::Quarantine).is_some(), expected, "{later} s after it failed");
    }
}

#[test]
fn a_step_that_stops_the_run_when_it_fails_is_not_tried_again_by_itself() {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    let intent = story.intend(Step::Fence, &["front"]);
    story.fail(Step::Fence, "front", intent);
    assert!(matches!(&story.run().phase, Phase::NeedsOperator { need: Need::StepFailed { .. }, .. }));
    assert_eq!(commands(story.go_to(86_400)), []);
}

#[test]
fn a_step_is_past_its_deadline_at_the_plans_limit() {
    let limit = i64::from(plan(Mode::Approve).limits.step_seconds_max.fence);
    for (passed, expected) in [(limit - 1, "moving"), (limit, "needs an operator")] {
        let mut story = Story::new(plan(Mode::Approve));
        story.moving().go_to(passed).settle(Facts::default());
        assert_eq!(story.run().phase.as_str(), expected, "after {passed} s");
    }
}

/// No valid plan brings this about: each of two databases waits for the other. Nothing is due, and nothing is done.
#[test]
fn a_run_that_moves_and_is_due_nothing_and_not_done_needs_an_operator() {
    let mut plan = plan(Mode::Approve);
    plan.databases[0].after = vec![plan.databases[1].name.clone()];
    let steps = &plan.limits.step_seconds_max;
    let first = [steps.scale, steps.promote, steps.open, steps.verify].into_iter().min();
    let first = i64::from(first.expect("four steps"));
    for (passed, expected) in [(first - 1, "moving"), (first, "needs an operator")] {
        let mut story = Story::new(plan.clone());
        story.moving();
        story.carry_out(Step::Fence, "front");
        assert_eq!(commands(&story), []);
        story.go_to(passed).settle(Facts::default());
        assert_eq!(story.run().phase.as_str(), expected, "after {passed} s");
    }
}

#[test]
fn a_command_holds_twenty_five_items_and_the_next_one_goes_into_another() {
    for (count, sizes) in [(25, vec![25]), (26, vec![25, 1]), (51, vec![25, 25, 1])] {
        let mut plan = plan(Mode::Approve);
        let pattern = plan.fleets[0].clone();
        plan.fleets = (0..count)
            .map(|number| {
                let mut fleet = pattern.clone();
                fleet.name = Name::new(format!("web-{number}"));
                fleet.after.clear();
                fleet
            })
            .collect();
        let mut story = Story::new(plan);
        story.moving();
        let scale = commands(&story).into_iter().filter(|command| command.step == Step::Scale);
        let found: Vec<usize> = scale.map(|command| command.subjects.len()).collect();
        assert_eq!(found, sizes, "{count} fleets");
    }
    assert_eq!(SUBJECTS_PER_COMMAND, 25);
}

#[test]
fn an_aborted_run_ends_only_when_everything_is_undone() {
    let mut story = Story::new(plan(Mode::Approve));
    story.moving();
    story.carry_out(Step::Scale, "web");
    let event = abort(&story);
    assert!(matches!(event, Event::AbortBegan { .. }), "{event:?}");
    story.must(event);
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    let run = story.run().id;
    let refused = story.write(Some(run), Event::Aborted { cause: cause.clone(), quiet: false });
    assert!(matches!(refused, Err(Illegality::Step { step: Step::Restore, .. })), "{refused:?}");
    story.carry_out(Step::Restore, "web");
    story.must(Event::Aborted { cause, quiet: false });
    assert_eq!(story.run().phase.as_str(), "aborted");
    assert_eq!(names(&["web"]), story.run().scope.fleets);
}

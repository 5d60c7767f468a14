//! A run that is being rolled back and that a person takes over: what is done again, and when; and from when its times count.

use protocol::attention::{Call, CallChange, Matter};
use protocol::command::Step;
use protocol::decide::{Facts, decide};
use protocol::journal::{AbortCause, Anew, Event};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Mode;
use protocol::side::Side;
use protocol::state::{Cleanup, Illegality, Phase, Reopened};

use super::story::{Seen, Story, at, look, names, plan, with_lag};

/// The end of the lease of a worker that takes something at this moment of the story.
const TAKEN: i64 = 100;
const LEASE: i64 = 75;

/// A run that has closed the old side, aborted; a worker is opening that again.
fn rolling_back() -> Story {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(0).moving();
    story.carry_out(Step::Fence, "front");
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.must(Event::AbortBegan { cause, quiet: false });
    story.go_to(TAKEN).intend(Step::Unfence, &["front"]);
    story
}

fn failover() -> OperatorCommand {
    let (by, reason, overrides) = ("ana".into(), "r".into(), Overrides::default());
    OperatorCommand::Failover { by, reason, routes: Vec::new(), overrides }
}

/// The word of a person who fails over what is being rolled back, after a look.
fn take_over(story: &mut Story, seconds: i64) -> Event {
    let seen = with_lag(&story.plan, look(&story.plan, Seen::Lost, seconds), seconds - 20, 400);
    let event = story.go_to(seconds).command(failover(), Some(seen)).expect("taken over");
    story.must(event.clone());
    event
}

fn due(story: &Story, step: Step) -> bool {
    let decision = decide(&story.plan, &story.state, &Facts::default(), story.now);
    decision.commands.iter().any(|command| command.step == step)
}

#[test]
fn nothing_is_done_again_while_a_worker_may_still_be_undoing_it() {
    for (seconds, may_begin) in [(TAKEN + LEASE - 1, false), (TAKEN + LEASE, true)] {
        let mut story = rolling_back();
        take_over(&mut story, TAKEN + 10);
        assert_eq!(story.run().phase, Phase::Moving);
        assert!(!story.run().is_done(Step::Fence, &"front".into()), "it is to be done again");
        story.go_to(seconds);
        assert_eq!(due(&story, Step::Fence), may_begin, "{seconds}");
        let until = at(seconds + LEASE);
        let (step, subjects) = (Step::Fence, names(&["front"]));
        let intent = Event::StepIntended { step, subjects, until, before: Vec::new(), term: None };
        let run = story.run().id;
        assert_eq!(story.write(Some(run), intent).is_ok(), may_begin, "{seconds}");
        assert!(!due(&story, Step::Promote), "nothing is promoted before the fence");
    }
}

#[test]
fn what_is_done_again_and_aborted_again_is_undone_again() {
    let mut story = rolling_back();
    let undo = story.state.last_seq;
    take_over(&mut story, TAKEN + 10);
    story.go_to(TAKEN + 20).done(Step::Unfence, "front", undo, "open");
    assert!(due(&story, Step::Fence));
    // The worker gives up without an outcome: its effect may be there.
    let (intent, note) = (story.go_to(TAKEN + 30).intend(Step::Fence, &["front"]), "no answer".to_owned());
    let (step, subjects) = (Step::Fence, names(&["front"]));
    story.must(Event::StepHandedOver { step, subjects, intent, note });
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.go_to(TAKEN + 40).must(Event::AbortBegan { cause: cause.clone(), quiet: false });
    assert!(due(&story, Step::Unfence), "it is opened again");
    let run = story.run().id;
    assert!(matches!(
        story.write(Some(run), Event::Aborted { cause, quiet: false }),
        Err(Illegality::Step { .. })
    ));
}

#[test]
fn what_a_worker_holds_when_a_run_begins_anew_it_may_finish() {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(0).moving();
    let intent = story.go_to(TAKEN).intend(Step::Fence, &["front"]);
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.must(Event::AbortBegan { cause, quiet: false });
    take_over(&mut story, TAKEN + 10);
    story.done(Step::Fence, "front", intent, "closed");
    assert!(story.run().is_done(Step::Fence, &"front".into()));
}

#[test]
fn what_was_overridden_before_is_not_overridden_any_more() {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(0).moving();
    let intent = story.intend(Step::Fence, &["front"]);
    story.fail(Step::Fence, "front", intent);
    let overrides = Overrides { override_fence: true, ..Overrides::default() };
    let by = "ana".to_owned();
    story.must(Event::Resumed { by, overrides, data_loss: Vec::new(), alive_at: None });
    assert!(story.run().overrides.override_fence);
    story.carry_out(Step::Scale, "web");
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.must(Event::AbortBegan { cause, quiet: false });
    take_over(&mut story, TAKEN);
    assert_eq!(story.run().overrides, Overrides::default());
    assert!(due(&story, Step::Fence), "the old side is closed before anything is promoted");
}

#[test]
fn the_times_of_what_begins_anew_count_from_the_new_loss() {
    let mut story = rolling_back();
    let event = take_over(&mut story, 18_000);
    let Event::Committed { anew: Some(Anew { first_signal_at, is_dated }), data_loss, alive_at, .. } = event
    else {
        panic!("it begins anew: {event:?}");
    };
    assert_eq!((first_signal_at, is_dated), (at(18_000), true), "the look is the first sign");
    assert!(
        data_loss.iter().all(|loss| loss.lag_ms == Some(400) && loss.unsampled_ms == Some(20_000)),
        "{data_loss:?}"
    );
    let run = story.run();
    assert_eq!((run.first_signal_at, run.is_dated), (at(18_000), true));
    assert_eq!((run.committed_at, run.alive_at), (Some(at(18_000)), alive_at));
}

#[test]
fn nothing_but_a_persons_word_that_begins_anew_moves_what_is_rolled_back() {
    let mut story = rolling_back();
    let run = story.run().id;
    let anew = Some(Anew { first_signal_at: at(TAKEN), is_dated: true });
    for (by, anew) in [(None, anew), (Some("ana".to_owned()), None), (None, None)] {
        let overrides = Overrides::default();
        let committed = Event::Committed { data_loss: Vec::new(), by, overrides, alive_at: None, anew };
        assert!(matches!(story.write(Some(run), committed), Err(Illegality::Phase { .. })));
    }
}

#[test]
fn a_failover_from_a_living_source_is_not_dated_by_the_time_between_its_decision_and_its_record() {
    let mut story = Story::new(plan(Mode::Approve));
    // Far behind, and alive: the last sample is the one that counts, whatever the one of the last good answer says.
    let mut seen = look(&story.plan, Seen::Replicates, 1_000);
    seen.answered_at = Some(at(800));
    let seen = with_lag(&story.plan, with_lag(&story.plan, seen, 790, 400), 990, 120_000);
    let event = story.go_to(1_000).command(failover(), Some(seen.clone())).expect("no veto forbids it");
    assert!(
        matches!(event, Event::RunOpened { is_dated: false, first_signal_at, .. } if first_signal_at == at(1_000))
    );
    // Appending takes a moment.
    let run = story.state.next_seq();
    story.go_to(1_001).write(Some(run), event).expect("it opens");
    let (_, events) = story.see(seen);
    let stops = |event: &Event| matches!(event, Event::OperatorNeeded { .. });
    assert!(events.iter().any(stops), "120 s are above the limit: {events:?}");
}

/// What people are told of a loss while a run can't be rolled back; nothing where they are not called.
fn told(story: &mut Story, seconds: i64) -> Option<String> {
    let seen = with_lag(&story.plan, look(&story.plan, Seen::Lost, seconds), seconds - 20, 400);
    story.go_to(seconds);
    for _ in 0..20 {
        let facts = Facts { observation: Some(seen.clone()), ..Facts::default() };
        let draft = decide(&story.plan, &story.state, &facts, story.now).append?;
        if let Event::Attention { matter: Matter::RollingBack, turn: CallChange::Called, .. } = draft.event {
            return Some(draft.sentence);
        }
        story.write(draft.run, draft.event).expect("a decision is legal");
    }
    panic!("deciding does not come to rest");
}

fn fail_to_undo(story: &mut Story) {
    let intent = story.state.last_seq;
    story.fail(Step::Unfence, "front", intent);
}

#[test]
fn a_rollback_that_goes_on_is_no_reason_to_call_and_one_that_fails_is() {
    let mut story = rolling_back();
    assert_eq!(told(&mut story, TAKEN + 20), None);
    let mut story = rolling_back();
    fail_to_undo(&mut story);
    let told = told(&mut story, TAKEN + 20).expect("people are called");
    assert!(told.contains(r#""command":"failover","reason":"users are not served","by":"#), "{told}");
}

#[test]
fn the_line_names_the_routes_of_a_run_that_moves_a_part() {
    let mut story = Story::new(plan(Mode::Approve));
    story.go_to(0).moving();
    story.carry_out(Step::Fence, "front");
    // The plan has another route by now, which needs nothing that the run moves.
    let mut back = story.plan.routes[0].clone();
    (back.name, back.after) = ("back".into(), Vec::new());
    story.plan.routes.push(back);
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.must(Event::AbortBegan { cause, quiet: false });
    story.go_to(TAKEN).intend(Step::Unfence, &["front"]);
    fail_to_undo(&mut story);
    let line = told(&mut story, TAKEN + 20).expect("people are called");
    assert!(line.contains(r#""command":"failover","routes":["front"],"reason""#), "{line}");
    // And where the plan has lost an item, no line would be taken.
    story.state.calls.remove(&Matter::RollingBack);
    story.plan.fleets.clear();
    story.plan.routes[0].after.retain(|name| name.as_str() != "web");
    let line = told(&mut story, TAKEN + 30).expect("people are called");
    assert!(!line.contains(r#""command":"failover""#) && line.contains("Put back into the plan"), "{line}");
}

#[test]
fn an_open_old_side_that_the_plan_no_longer_has_is_not_called_for_any_more() {
    let mut story = Story::new(plan(Mode::Approve));
    story.state.reopened.insert("front".into(), Reopened { at: at(0), is_open: true });
    story.state.calls.insert(Matter::Reopened, Call::first(at(0)));
    let (_, events) = story.go_to(10).settle(Facts::default());
    assert_eq!(events, []);
    story.plan.routes[0].name = "front-2".into();
    let (_, events) = story.settle(Facts::default());
    assert_eq!(events, [Event::FenceRegained { routes: names(&["front"]) }]);
    assert!(story.state.calls.is_empty());
}

#[test]
fn what_was_lost_of_a_quarantine_is_found_again_only_with_a_group() {
    for has_group in [true, false] {
        let mut story = Story::new(plan(Mode::Approve));
        *story.plan.databases[0].quarantine_security_group_mut(Side::Primary) =
            has_group.then(|| "sg-0abc".to_owned());
        let cleanup = Cleanup { run: 1, since: at(0), overdue: false, lost: true, progress: None };
        story.state.cleanup.insert((Step::Quarantine, "orders".into()), cleanup);
        let (_, events) = story.go_to(10).settle(Facts::default());
        let found = Event::Attention {
            matter: Matter::LostQuarantine,
            turn: CallChange::Ended,
            subjects: names(&["orders"]),
        };
        assert_eq!(events, if has_group { vec![found] } else { vec![] });
        let lost = story.state.cleanup(Step::Quarantine, &"orders".into()).is_some_and(|open| open.lost);
        assert_eq!(lost, !has_group);
    }
}

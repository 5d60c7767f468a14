//! Past the point of no return a run can only be finished, whatever failed and whoever approved in between.

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Facts, Verdict, decide};
use protocol::journal::{AbortCause, Event, JOURNAL_SCHEMA, Record, SubjectDone};
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Plan;
use protocol::state::{Illegality, Phase, State, evolve};

use super::limits::story::operators_run;

struct Story {
    plan: Plan,
    state: State,
    now: Timestamp,
}

impl Story {
    /// A run that an operator began and that moves.
    fn moving(plan: Plan) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let mut story = Self { plan, state: State::default(), now };
        for event in operators_run(&story.plan, &story.state, now, Overrides::default()) {
            story.must(event);
        }
        story
    }

    fn write(&mut self, event: Event) -> Result<(), Illegality> {
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: self.plan.name.clone(),
            seq: self.state.next_seq(),
            run: Some(1),
            at: self.now,
            writer: "test".into(),
            request: None,
            attempt: "1".into(),
            sentence: "s".into(),
            event,
        };
        self.state = evolve(self.state.clone(), &record).map_err(|illegal| illegal.why)?;
        Ok(())
    }

    fn must(&mut self, event: Event) {
        self.write(event).expect("a legal record");
    }

    fn intend(&mut self, step: Step, subject: &str) {
        self.must(self.intent(step, subject));
    }

    fn intent(&self, step: Step, subject: &str) -> Event {
        let until = self.now.checked_add(SignedDuration::from_secs(75)).expect("a time");
        Event::StepIntended { step, subjects: vec![subject.into()], until, before: Vec::new(), term: None }
    }

    fn do_all(&mut self, step: Step, subject: &str) {
        self.intend(step, subject);
        let intent = self.state.last_seq;
        let done = SubjectDone { subject: subject.into(), detail: "d".into(), changed: true, took_ms: 1 };
        self.must(Event::StepDone { step, subjects: vec![done], intent });
    }

    fn fail(&mut self, step: Step, subject: &str) {
        let intent = self.state.last_seq;
        let (code, message) = ("denied".to_owned(), "m".to_owned());
        self.must(Event::StepFailed {
            step,
            subjects: vec![subject.into()],
            intent,
            code,
            message,
            quiet: false,
        });
    }

    fn approve(&mut self) {
        self.must(Event::Resumed {
            by: "ana".into(),
            overrides: Overrides::default(),
            data_loss: Vec::new(),
            alive_at: None,
        });
        assert_eq!(self.state.active_run().expect("a run").phase, Phase::Moving);
    }

    /// An abort is refused by the decision, with its reason, and by the fold.
    fn cannot_be_aborted(&mut self, because: &str) {
        let abort = OperatorCommand::Abort { by: "ana".into(), run: 1, reason: "r".into() };
        let facts = Facts { operator: Some(abort), ..Facts::default() };
        let draft = decide(&self.plan, &self.state, &facts, self.now).append.expect("an answer");
        assert_eq!(draft.answers, Some(Verdict::Refused));
        assert!(draft.sentence.contains(because), "{}", draft.sentence);
        for event in [
            Event::AbortBegan { cause: AbortCause::Evidence, quiet: false },
            Event::Aborted { cause: AbortCause::Evidence, quiet: false },
        ] {
            assert_eq!(self.write(event), Err(Illegality::AbortAfterPromotion));
        }
    }
}

fn plan() -> Plan {
    Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid")
}

#[test]
fn a_promotion_that_failed_and_was_approved_again_is_still_past_the_point_of_no_return() {
    let mut story = Story::moving(plan());
    story.do_all(Step::Fence, "front");
    story.intend(Step::Promote, "orders");
    story.fail(Step::Promote, "orders");
    story.cannot_be_aborted("has begun a promotion");
    story.approve();
    story.cannot_be_aborted("has begun a promotion");
}

#[test]
fn a_promotion_that_was_let_go_of_and_approved_again_is_still_past_the_point_of_no_return() {
    let mut story = Story::moving(plan());
    story.do_all(Step::Fence, "front");
    story.intend(Step::Promote, "orders");
    let intent = story.state.last_seq;
    let subjects = vec![Name::from("orders")];
    story.must(Event::StepHandedOver { step: Step::Promote, subjects, intent, note: "n".into() });
    story.now = story.now.checked_add(SignedDuration::from_hours(1)).expect("a time");
    let decision = decide(&story.plan, &story.state, &Facts::default(), story.now);
    story.must(decision.append.expect("overdue").event);
    story.approve();
    story.cannot_be_aborted("has begun a promotion");
}

#[test]
fn a_run_without_databases_cannot_be_aborted_once_a_route_is_being_opened() {
    let mut plan = plan();
    plan.databases.clear();
    plan.fleets[0].after.clear();
    plan.routes[0].after = vec!["web".into()];
    let mut story = Story::moving(plan);
    story.do_all(Step::Fence, "front");
    story.do_all(Step::Scale, "web");
    story.intend(Step::Open, "front");
    story.cannot_be_aborted("has begun to open a route");
}

/// That an undoing is late is said of the run that is being undone, and of no other.
#[test]
fn what_is_late_is_said_of_a_run_that_is_being_undone() {
    let late = || Event::Overdue { step: Step::Unfence, subjects: vec!["front".into()] };
    let mut story = Story::moving(plan());
    let refused = story.write(late()).expect_err("the run moves");
    assert!(matches!(refused, Illegality::Phase { .. }), "{refused:?}");
    let cause = AbortCause::Operator { name: "ana".into(), reason: "r".into() };
    story.must(Event::AbortBegan { cause: cause.clone(), quiet: false });
    story.must(late());
    assert!(story.state.run.as_ref().is_some_and(|run| run.undo_overdue));
    let mut story = Story::moving(plan());
    story.must(Event::AbortBegan { cause: cause.clone(), quiet: false });
    story.must(Event::Aborted { cause, quiet: false });
    let refused = story.write(late()).expect_err("the run is over");
    assert!(matches!(refused, Illegality::Finished(_)), "{refused:?}");
}

#[test]
fn a_step_of_an_item_that_the_run_does_not_move_is_illegal() {
    let mut story = Story::moving(plan());
    for (step, stranger) in [(Step::Fence, "orders"), (Step::Fence, "back"), (Step::Scale, "front")] {
        let event = story.intent(step, stranger);
        let because = "the run does not move it";
        assert_eq!(story.write(event), Err(Illegality::Step { step, subject: stranger.into(), because }));
    }
    // In whatever order its own items are named.
    story.do_all(Step::Fence, "front");
}

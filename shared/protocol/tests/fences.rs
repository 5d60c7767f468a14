//! A fence that was done and is seen undone: what the core makes of it, at each limit and one step beyond it.

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{
    Decision, FENCE_UNREAD, FENCES_LOST_MAX, Facts, FenceSeen, OBSERVATION_AGE_MAX, UNREAD_AGAIN_AFTER,
    decide, fenced, is_known_unread,
};
use protocol::endpoint::Setting;
use protocol::journal::{EndpointSeen, Event, JOURNAL_SCHEMA, LostFence, Need, Record, SubjectDone};
use protocol::name::Name;
use protocol::operator::Overrides;
use protocol::plan::Plan;
use protocol::state::holdings::Holdings;
use protocol::state::{Illegality, Phase, Reopened, State, evolve};

use super::limits::story::operators_run;

const OPEN: EndpointSeen = EndpointSeen::Open { setting: Setting::Weight(128) };

fn route() -> Name {
    Name::new("front")
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

struct Story {
    plan: Plan,
    state: State,
    now: Timestamp,
}

impl Story {
    fn new() -> Self {
        let plan = Plan::from_json(include_str!("plans/shop.json")).expect("a plan");
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Self { plan, state: State::default(), now }
    }

    /// A run that moves and has fenced every route.
    fn fenced(overrides: Overrides) -> Self {
        let mut story = Self::new();
        for event in operators_run(&story.plan, &story.state, story.now, overrides) {
            story.must(event);
        }
        let routes = story.state.run.as_ref().map(|run| run.scope.routes.clone()).expect("a run");
        for route in routes.iter().filter(|_| !overrides.override_fence) {
            story.fence(route);
        }
        story.now += seconds(20);
        story
    }

    fn fence(&mut self, route: &Name) {
        let (step, until) = (Step::Fence, self.now + seconds(75));
        self.must(Event::StepIntended {
            step,
            subjects: vec![route.clone()],
            until,
            before: Vec::new(),
            term: None,
        });
        let intent = self.state.last_seq;
        let done = SubjectDone { subject: route.clone(), detail: "d".into(), changed: true, took_ms: 1 };
        self.must(Event::StepDone { step, subjects: vec![done], intent });
    }

    fn write(&mut self, run: Option<u64>, event: Event) -> Result<(), Illegality> {
        let record = Record {
            request: None,
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: self.plan.name.clone(),
            seq: self.state.next_seq(),
            run,
            at: self.now,
            writer: "test".into(),
            attempt: "1".into(),
            sentence: "s".into(),
            event,
        };
        self.state = evolve(self.state.clone(), &record).map_err(|illegal| illegal.why)?;
        Ok(())
    }

    fn must(&mut self, event: Event) {
        self.write(Some(1), event).expect("a legal record");
    }

    fn lose(&mut self, seen: EndpointSeen) -> Result<(), Illegality> {
        self.write(Some(1), Event::FenceLost { routes: vec![LostFence { route: route(), seen }] })
    }

    /// What is decided by a look at the route's primary side so long ago.
    fn decide(&self, ago: SignedDuration, side: EndpointSeen) -> Decision {
        let fences = vec![FenceSeen { route: route(), at: self.now - ago, side }];
        decide(&self.plan, &self.state, &Facts { fences, ..Facts::default() }, self.now)
    }

    fn appends(&self, ago: SignedDuration, side: EndpointSeen) -> Option<(Option<u64>, Event)> {
        self.decide(ago, side).append.map(|draft| (draft.run, draft.event))
    }

    /// The route has moved; its primary side was last written down as open so long ago.
    fn moved(reopened: Option<(SignedDuration, bool)>) -> Self {
        let mut story = Self::new();
        story.state.holdings = Holdings::active(story.plan.routes.iter().map(|route| route.name.clone()));
        if let Some((ago, is_open)) = reopened {
            story.state.reopened.insert(route(), Reopened { at: story.now - ago, is_open });
        }
        story
    }
}

fn lost(seen: EndpointSeen) -> Event {
    Event::FenceLost { routes: vec![LostFence { route: route(), seen }] }
}

#[test]
fn a_side_that_cannot_be_looked_at_is_told_again_after_a_quarter_of_an_hour() {
    let mut story = Story::fenced(Overrides::default());
    let is_known = |story: &Story, ago: SignedDuration| {
        is_known_unread(story.state.run.as_ref().expect("a run"), story.now + ago)
    };
    assert_eq!(UNREAD_AGAIN_AFTER, SignedDuration::from_mins(15));
    assert!(!is_known(&story, SignedDuration::ZERO), "nothing was told yet");
    story.lose(EndpointSeen::Unread { detail: "throttled".into() }).expect("legal");
    assert!(is_known(&story, SignedDuration::from_secs(899)));
    assert!(!is_known(&story, SignedDuration::from_secs(900)));
    // What is seen open is news in any case.
    let mut story = Story::fenced(Overrides::default());
    story.lose(OPEN).expect("legal");
    assert!(!is_known(&story, SignedDuration::ZERO));
}

#[test]
fn an_open_side_of_a_fenced_route_is_written_down_and_its_fence_is_due_again() {
    for side in [OPEN, EndpointSeen::Missing {}] {
        let mut story = Story::fenced(Overrides::default());
        assert_eq!(story.appends(seconds(1), side.clone()), Some((Some(1), lost(side.clone()))));
        story.lose(side.clone()).expect("legal");
        let decision = story.decide(seconds(1), side);
        assert_eq!(decision.append, None);
        assert_eq!(
            decision.asks_for(Step::Fence).map(|command| command.subjects.clone()),
            Some(vec![route()])
        );
        assert_eq!(decision.asks_for(Step::Promote), None, "nothing is promoted before");
    }
}

#[test]
fn a_run_that_waits_for_an_operator_does_not_say_that_it_closes_a_side_again() {
    let mut story = Story::fenced(Overrides::default());
    story.must(Event::OperatorNeeded { need: Need::ApprovalExpired {}, quiet: None });
    let decision = story.decide(seconds(1), OPEN);
    assert_eq!(decision.append.map(|draft| draft.event), Some(lost(OPEN)));
    assert!(decision.sentence.contains("closes this side only after it resumes"), "{}", decision.sentence);
    assert!(
        decision.sentence.contains("Set the weight of the primary endpoint to 0 now"),
        "{}",
        decision.sentence
    );
    let moving = Story::fenced(Overrides::default()).decide(seconds(1), OPEN).sentence;
    assert!(
        moving.contains("closes it again and promotes nothing more until a check shows it closed"),
        "{moving}"
    );
}

#[test]
fn a_closed_side_and_one_that_could_not_be_looked_at_change_nothing() {
    let story = Story::fenced(Overrides::default());
    for side in [EndpointSeen::Closed {}, EndpointSeen::Unread { detail: "throttled".into() }] {
        assert_eq!(story.appends(seconds(1), side), None);
    }
}

#[test]
fn a_look_counts_after_the_fence_was_done_and_while_it_is_in_hand() {
    // The fence was done twenty seconds ago; a look of that moment may have been begun before.
    let mut story = Story::fenced(Overrides::default());
    assert_eq!(story.appends(seconds(20), OPEN), None);
    assert!(story.appends(seconds(19), OPEN).is_some());
    story.now += seconds(60);
    assert!(story.appends(OBSERVATION_AGE_MAX, OPEN).is_some());
    assert_eq!(story.appends(OBSERVATION_AGE_MAX + seconds(1), OPEN), None);
    assert_eq!(story.appends(seconds(-6), OPEN), None, "a look of a time that has not come");
}

#[test]
fn who_passed_the_fence_does_not_mind_it() {
    let overrides = Overrides { override_fence: true, ..Overrides::default() };
    let story = Story::fenced(overrides);
    assert!(fenced(&story.plan, &story.state).is_empty());
    assert_eq!(story.appends(seconds(1), OPEN), None);
}

#[test]
fn a_fence_that_is_not_done_cannot_be_lost_nor_one_of_a_run_that_does_not_move() {
    let mut story = Story::fenced(Overrides::default());
    story.lose(OPEN).expect("legal");
    let refused = story.clone_lose();
    assert!(matches!(refused, Err(Illegality::Step { step: Step::Fence, .. })), "{refused:?}");
    let mut story = Story::new();
    let refused = story.write(None, lost(OPEN));
    assert!(matches!(refused, Err(Illegality::Step { step: Step::Fence, .. })), "{refused:?}");
}

impl Story {
    fn clone_lose(&self) -> Result<(), Illegality> {
        let mut story = Self { plan: self.plan.clone(), state: self.state.clone(), now: self.now };
        story.lose(OPEN)
    }
}

#[test]
fn a_promotion_is_not_intended_while_a_fence_is_lost() {
    let mut story = Story::fenced(Overrides::default());
    story.lose(OPEN).expect("legal");
    let until = story.now + seconds(75);
    let subjects = vec![story.plan.databases[0].name.clone()];
    let intent = Event::StepIntended { step: Step::Promote, subjects, until, before: Vec::new(), term: None };
    let refused = story.write(Some(1), intent);
    assert!(matches!(refused, Err(Illegality::Step { step: Step::Promote, .. })), "{refused:?}");
}

#[test]
fn the_third_time_a_person_is_asked_and_an_approval_counts_anew() {
    let mut story = Story::fenced(Overrides::default());
    for time in 1..=FENCES_LOST_MAX {
        story.lose(OPEN).expect("legal");
        let asked = decide(&story.plan, &story.state, &Facts::default(), story.now).append;
        if time < FENCES_LOST_MAX {
            assert_eq!(asked, None, "time {time}");
            story.fence(&route());
            continue;
        }
        let draft = asked.expect("a person is asked");
        assert_eq!(
            draft.event,
            Event::OperatorNeeded { need: Need::FenceLost { subjects: vec![route()] }, quiet: None }
        );
        assert!(draft.sentence.contains(r#""override_fence":true"#), "{}", draft.sentence);
        story.must(draft.event);
    }
    let by = "ana".to_owned();
    story.must(Event::Resumed { by, overrides: Overrides::default(), data_loss: Vec::new(), alive_at: None });
    assert_eq!(story.state.run.as_ref().map(|run| run.fences_lost), Some(0));
    assert_eq!(decide(&story.plan, &story.state, &Facts::default(), story.now).append, None);
}

#[test]
fn sides_that_could_not_be_looked_at_are_not_counted() {
    let mut story = Story::fenced(Overrides::default());
    for _ in 0..10 {
        story.lose(EndpointSeen::Unread { detail: "throttled".into() }).expect("legal");
        story.fence(&route());
    }
    assert_eq!(story.state.run.map(|run| run.fences_lost), Some(0));
}

#[test]
fn a_fence_is_also_seen_lost_while_the_run_needs_an_operator() {
    let mut story = Story::fenced(Overrides::default());
    story.must(Event::OperatorNeeded { need: Need::ApprovalExpired {}, quiet: None });
    let found = story.appends(seconds(1), OPEN);
    assert_eq!(found, Some((Some(1), lost(OPEN))));
    story.lose(OPEN).expect("legal");
    assert!(matches!(story.state.run.map(|run| run.phase), Some(Phase::NeedsOperator { .. })));
}

#[test]
fn a_side_that_is_opened_after_its_run_is_told_and_again_only_after_ten_minutes() {
    let told = Some((None, lost(OPEN)));
    assert_eq!(Story::moved(None).appends(seconds(1), OPEN), told);
    assert_eq!(
        Story::moved(Some((seconds(3_600), true))).appends(seconds(1), OPEN),
        None,
        "it is open still"
    );
    assert_eq!(Story::moved(Some((seconds(599), false))).appends(seconds(1), OPEN), None);
    assert_eq!(Story::moved(Some((seconds(600), false))).appends(seconds(1), OPEN), told);
    // Where it is closed, or its endpoint is gone, nobody has opened it.
    for side in [EndpointSeen::Closed {}, EndpointSeen::Missing {}] {
        assert_eq!(Story::moved(None).appends(seconds(1), side), None);
    }
}

#[test]
fn a_side_that_is_closed_again_is_told_once() {
    let regained = Some((None, Event::FenceRegained { routes: vec![route()] }));
    for side in [EndpointSeen::Closed {}, EndpointSeen::Missing {}] {
        assert_eq!(Story::moved(Some((seconds(60), true))).appends(seconds(1), side.clone()), regained);
        assert_eq!(Story::moved(Some((seconds(60), false))).appends(seconds(1), side), None);
    }
    let unread = EndpointSeen::Unread { detail: "throttled".into() };
    assert_eq!(Story::moved(Some((seconds(60), true))).appends(seconds(1), unread), None);
}

#[test]
fn the_sides_that_should_be_closed_are_those_of_fenced_and_of_moved_routes() {
    let story = Story::new();
    assert!(fenced(&story.plan, &story.state).is_empty());
    let moved = Story::moved(None);
    assert_eq!(fenced(&moved.plan, &moved.state).len(), moved.plan.routes.len());
    let run = Story::fenced(Overrides::default());
    assert_eq!(fenced(&run.plan, &run.state).len(), run.plan.routes.len());
}

#[test]
fn a_fence_that_cannot_be_read_offers_to_go_on_without_it() {
    let mut story = Story::fenced(Overrides::default());
    let (step, until) = (Step::Promote, story.now + seconds(75));
    let subjects = vec![story.plan.databases[0].name.clone()];
    story.must(Event::StepIntended {
        step,
        subjects: subjects.clone(),
        until,
        before: Vec::new(),
        term: None,
    });
    let intent = story.state.last_seq;
    let (code, message) = (FENCE_UNREAD.to_owned(), "m".to_owned());
    story.must(Event::StepFailed { step, subjects, intent, code, message, quiet: false });
    let said = decide(&story.plan, &story.state, &Facts::default(), story.now).sentence;
    assert!(said.contains("needs an operator") && said.contains(r#""override_fence":true"#), "{said}");
}

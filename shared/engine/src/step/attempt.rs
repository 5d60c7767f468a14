//! An attempt at a step, as a machine: it is told what came of the last thing it asked for, and asks for the next. It has
//! no clock, no network and no waiting of its own, so that a driver can run it, and a model checker too.
//!
//! Claim, look, intend, look, act, look again, outcome: delivered twice, reordered or killed at any point, it ends in the
//! same place. Nothing is done that was not intended in the journal, and every effect is looked for before it is brought
//! about.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::{Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Draft, Facts, claim, is_known_failure, still_held};
use protocol::journal::{Event, SubjectDone, SubjectNote};
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::plan::Plan;
use protocol::state::{Illegality, Phase, State};
use protocol::step::{Manner, Window};
use protocol::words::list;

use super::status::{Objection, StepStatus, for_a_person};
use crate::append::{RACES_MAX, Written};

/// How often a step looks before its effects: from the beginning of one look to that of the next.
pub const POLL_EVERY: Duration = Duration::from_secs(2);

/// How often it looks while an effect is due: what comes next waits for that.
pub const POLL_DUE_EVERY: Duration = Duration::from_secs(1);

/// How often the world is looked at while a run confirms.
pub const WATCH_EVERY: Duration = Duration::from_secs(5);

/// The rest between two looks, however long the first of them took.
const REST_MIN: SignedDuration = SignedDuration::from_millis(500);

/// For how long a worker holds its items unless it says so again. Short, so that a killed worker is soon replaced.
pub const LEASE: SignedDuration = SignedDuration::from_secs(75);

/// A lease is renewed when less than this is left of it.
pub const LEASE_LEFT_MIN: SignedDuration = SignedDuration::from_secs(45);

/// A worker lets go this long before its function's deadline: longer than any one call may take.
pub const HANDOVER_BEFORE: SignedDuration = SignedDuration::from_secs(25);

/// An effect is begun only while this much of the lease is left, and given up when it outlasts the lease.
pub const EFFECT_TIME: SignedDuration = SignedDuration::from_secs(20);

/// A call that got no answer may still have its effect for so long after it was given up.
pub const LANDS_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// An effect that does not show is asked for again after this long, each time.
pub const ASKED_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(6);

/// Effects under way at once, and looks.
pub(super) const CONCURRENCY: usize = 5;

/// What was seen right before the intent need not be asked again right after it, if it is not older than this.
pub const SIGHT_AGE_MAX: SignedDuration = SignedDuration::from_secs(5);

/// That nothing stood against effects when the first look began holds for so long: what is read together with that look is not
/// read again right after the intent.
pub const CLEAR_AGE_MAX: SignedDuration = SignedDuration::from_secs(1);

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Read what was appended to the journal since. Answered by [`Input::Read`].
    Read,
    /// Append a record at the next number. Answered by [`Input::Written`], or by [`Input::Raced`] once what took the number
    /// was read.
    Append(Draft),
    /// Decide with these facts, append what is decided, publish what is due. Answered by [`Input::Advanced`].
    Advance(Box<Facts>),
    /// Look at these items. Answered by [`Input::Looked`], in their order.
    Look(Vec<Name>),
    /// The first look of a step that may object: look at these items, and ask meanwhile what stands against effects.
    /// Answered by [`Input::LookedFirst`].
    LookFirst(Vec<Name>),
    /// Look at the world, to weigh the evidence. Answered by [`Input::Observed`].
    Observe,
    /// Ask what stands against effects. Answered by [`Input::Objected`].
    Object,
    /// Bring effects about. Answered by [`Input::Acted`].
    Act(Effects),
    /// Take effects back, each with what was noted for an undo. Answered by [`Input::TakenBack`].
    TakeBack(Vec<(Name, Option<String>)>),
    /// Wait. Answered by [`Input::Slept`].
    Sleep(Duration),
    /// The attempt is over, and why.
    End(String),
    /// There are too many writers; what could not be appended.
    Busy(String),
}

/// Effects to bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    /// On these items.
    pub subjects: Vec<Name>,
    /// None is begun after this moment: others that waited behind slow ones are left alone.
    pub begin_until: Timestamp,
    /// Each is given up at this moment. Some are several calls; none of those is begun when the lease is over, for others
    /// may hold the item then, or undo the effect.
    pub give_up_at: Timestamp,
}

/// What came of what the machine asked for.
#[derive(Clone, Debug)]
pub enum Input {
    /// Nothing was asked for yet; the journal was just read.
    Begin,
    /// The journal was read.
    Read,
    /// The record stands, or can't follow.
    Written(Written),
    /// Another record has taken its number, and was read.
    Raced,
    /// It was decided, and this is the sentence.
    Advanced(String),
    /// What was seen of each item.
    Looked(Result<Vec<StepStatus>, Failure>),
    /// The same, and what stands against effects.
    LookedFirst(Result<Vec<StepStatus>, Failure>, Option<Objection>),
    /// What was seen of the world; nothing by a handler that doesn't look at it.
    Observed(Option<Box<Observation>>),
    /// What stands against the effects; nothing if they may begin.
    Objected(Option<Objection>),
    /// What became of each effect; nothing where it was not begun.
    Acted(Vec<(Name, Option<Result<(), Failure>>)>),
    /// Effects were taken back, or could not be.
    TakenBack,
    /// The wait is over.
    Slept,
}

/// What the machine knows of the moment at which it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'c> {
    /// The plan.
    pub plan: &'c Plan,
    /// The journal as far as it was read.
    pub state: &'c State,
    /// The time.
    pub now: Timestamp,
}

/// Something to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Look before anything is written, so that the intent can hold what an undo needs.
    FirstLook,
    /// Write the intent for what is due at the very moment of writing.
    Intend,
    /// Look at what is left.
    Look,
    /// Take in what was seen of what is left.
    Take(Vec<StepStatus>),
    /// React to a failure.
    Fail {
        /// The items.
        subjects: Vec<Name>,
        /// What went wrong.
        failure: Failure,
    },
    /// Write down that items failed.
    Failed {
        /// The items.
        subjects: Vec<Name>,
        /// A stable code.
        code: String,
        /// What is wrong and what helps.
        message: String,
    },
    /// Write down what is done.
    Finish(Vec<SubjectDone>),
    /// Let go of items for another attempt, and publish what is due by now.
    Leave {
        /// The items.
        subjects: Vec<Name>,
        /// Why.
        note: String,
    },
    /// Read the journal, and act on what is still held.
    ActOn(Vec<Name>),
    /// Begin effects of what is held, few at a time if something may stand against them.
    Begin(Vec<Name>),
    /// Bring effects about.
    Effects(Vec<Name>),
    /// The run ended without this effect: take back what this attempt did.
    TakeBack(Vec<Name>),
    /// Publish what is due by now.
    Advance,
    /// Wait until a call without an answer can no longer land.
    Outlast(Vec<Name>),
    /// Read the journal, and let go of what another worker holds by now, and of what the run no longer wants.
    ReleaseLost,
    /// Let go of one item that is lost.
    Release(Name),
    /// Look for the confirm window.
    Watch,
    /// End, hand over, renew or rest.
    EndTurn,
    /// Write that the rest is held no longer, and end.
    HandOver,
    /// Rest until the next look is due.
    Rest,
    /// End.
    End(String),
}

/// What the machine waits for.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an attempt has one, and most of them are the large one")]
pub enum Waiting {
    /// What a first look sees.
    FirstLook {
        /// When it began.
        began_at: Timestamp,
        /// The items that were claimed for it.
        subjects: Vec<Name>,
    },
    /// The rest after a first look without an answer.
    FirstRest,
    /// The journal, to claim once more after that rest.
    Reread,
    /// What becomes of a record.
    Append {
        /// The record.
        draft: Draft,
        /// How often another one took its number.
        races: usize,
        /// What it is to the attempt.
        then: Then,
    },
    /// The end of a turn that nothing is weighed in.
    Advance,
    /// What a look sees.
    Look,
    /// What is seen of the world.
    Observe,
    /// The journal, to weigh what was seen.
    ReadToWeigh(Box<Facts>),
    /// The end of the turn that weighs it.
    Weigh {
        /// What was seen.
        facts: Box<Facts>,
        /// Whether it is weighed at the very end of the window.
        is_last: bool,
    },
    /// The end of the window, which what was seen is weighed at once more.
    WindowEnd(Box<Facts>),
    /// The journal, to act on what is still held of these.
    ReadToAct(Vec<Name>),
    /// The journal, to let go of what is not held any more.
    ReadToRelease,
    /// What stands against effects on these.
    Objection(Vec<Name>),
    /// What becomes of effects.
    Acts {
        /// When they began.
        began_at: Timestamp,
    },
    /// That effects were taken back.
    TakenBack,
    /// The end of a rest.
    Pause,
}

/// What a record is to the attempt, once it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Its intent.
    Begun {
        /// The items that it takes.
        subjects: Vec<Name>,
        /// The end of the lease.
        until: Timestamp,
    },
    /// These have failed.
    Failed(Vec<Name>),
    /// These are done.
    Done(Vec<Name>),
    /// Items were let go of for another attempt.
    Left,
    /// Something stands against the effects on these.
    Objected {
        /// The items.
        subjects: Vec<Name>,
        /// Why they are let go of next.
        note: String,
    },
    /// This one is lost, and let go of.
    Released(Name),
    /// The lease is renewed until then.
    Renewed(Timestamp),
    /// The rest is handed over, and the attempt ends with this sentence.
    HandedOver(String),
}

/// What a first look saw, before anything was written.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstSeen {
    /// When it began.
    pub began_at: Timestamp,
    /// The items that it looked at.
    pub subjects: Vec<Name>,
    /// What it saw of each, in their order.
    pub sights: Result<Vec<StepStatus>, Failure>,
    /// Whether it was asked what stands against effects, and nothing did.
    pub is_clear: bool,
}

/// An attempt at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// What it is an attempt at.
    command: StepCommand,
    /// How its handler differs from others.
    manner: Manner,
    /// From this moment on it hands over.
    hands_over_at: Timestamp,
    /// What the first look saw, until the intent stands.
    first: Option<FirstSeen>,
    /// When the first look began to find that nothing stands against effects, until the first of them begin.
    clear_at: Option<Timestamp>,
    /// The number of its intent; 0 before it stands.
    intent: u64,
    /// The end of its lease.
    until: Timestamp,
    /// The items that it holds and has no outcome of.
    left: Vec<Name>,
    /// What is waited for, of each item; for people.
    notes: BTreeMap<Name, String>,
    /// The sentence of the last decision, while evidence is weighed.
    watched: String,
    /// When an effect on an item was first asked for.
    acted_at: BTreeMap<Name, Timestamp>,
    /// When an effect was last asked for; what took long counts from the first time, in `acted_at`.
    asked_at: BTreeMap<Name, Timestamp>,
    /// What stood at the look before this one, or was accepted by a write.
    believed: BTreeSet<Name>,
    /// When an effect was last given up without an answer.
    unanswered_at: BTreeMap<Name, Timestamp>,
    /// When the last look began.
    looked_at: Timestamp,
    /// Whether an effect was accepted since the last look.
    has_acted: bool,
    /// Whether the last look saw an effect that is due.
    is_due: bool,
    /// Whether it saw something that stands and is looked at once more.
    is_doubted: bool,
    /// What is to do, in this order.
    jobs: VecDeque<Job>,
    /// What was asked for and is not answered.
    waiting: Option<Waiting>,
}

/// All that an attempt knows, for whoever must tell whether two of them go on in the same way.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is said at the field of the attempt")]
pub struct Parts<'a> {
    pub command: &'a StepCommand,
    pub manner: Manner,
    pub hands_over_at: Timestamp,
    pub first: Option<&'a FirstSeen>,
    pub clear_at: Option<Timestamp>,
    pub intent: u64,
    pub until: Timestamp,
    pub left: &'a [Name],
    pub notes: &'a BTreeMap<Name, String>,
    pub watched: &'a str,
    pub acted_at: &'a BTreeMap<Name, Timestamp>,
    pub asked_at: &'a BTreeMap<Name, Timestamp>,
    pub believed: &'a BTreeSet<Name>,
    pub unanswered_at: &'a BTreeMap<Name, Timestamp>,
    pub looked_at: Timestamp,
    pub has_acted: bool,
    pub is_due: bool,
    pub is_doubted: bool,
    pub jobs: &'a VecDeque<Job>,
    pub waiting: Option<&'a Waiting>,
}

impl Attempt {
    /// An attempt at a command, for a function that ends at `deadline`.
    pub fn new(command: StepCommand, manner: Manner, deadline: Timestamp) -> Self {
        let first = if command.step.spec().window == Window::Weighing { Job::Intend } else { Job::FirstLook };
        Self {
            command,
            manner,
            hands_over_at: deadline.checked_sub(HANDOVER_BEFORE).unwrap_or(deadline),
            first: None,
            clear_at: None,
            intent: 0,
            until: Timestamp::MIN,
            left: Vec::new(),
            notes: BTreeMap::new(),
            watched: String::new(),
            acted_at: BTreeMap::new(),
            asked_at: BTreeMap::new(),
            believed: BTreeSet::new(),
            unanswered_at: BTreeMap::new(),
            looked_at: Timestamp::MIN,
            has_acted: false,
            is_due: false,
            is_doubted: false,
            jobs: VecDeque::from([first]),
            waiting: None,
        }
    }

    /// The next thing to do, after what came of the last one.
    pub fn next(&mut self, input: Input, moment: Moment<'_>) -> Output {
        let asked = match self.waiting.take() {
            Some(waiting) => self.take_in(waiting, input, moment),
            None => None,
        };
        if let Some(output) = asked {
            return output;
        }
        loop {
            let Some(job) = self.jobs.pop_front() else {
                return Output::End(format!("Step {} of run {} ended.", self.step(), self.command.run));
            };
            if let Some(output) = self.start(job, moment) {
                return output;
            }
        }
    }

    /// All that it knows.
    pub fn parts(&self) -> Parts<'_> {
        let Self {
            command,
            manner,
            hands_over_at,
            first,
            clear_at,
            intent,
            until,
            left,
            notes,
            watched,
            acted_at,
            asked_at,
            believed,
            unanswered_at,
            looked_at,
            has_acted,
            is_due,
            is_doubted,
            jobs,
            waiting,
        } = self;
        Parts {
            command,
            manner: *manner,
            hands_over_at: *hands_over_at,
            first: first.as_ref(),
            clear_at: *clear_at,
            intent: *intent,
            until: *until,
            left,
            notes,
            watched,
            acted_at,
            asked_at,
            believed,
            unanswered_at,
            looked_at: *looked_at,
            has_acted: *has_acted,
            is_due: *is_due,
            is_doubted: *is_doubted,
            jobs,
            waiting: waiting.as_ref(),
        }
    }

    fn step(&self) -> Step {
        self.command.step
    }

    fn weighs(&self) -> bool {
        self.step().spec().window == Window::Weighing
    }

    /// Puts jobs before all others.
    fn first_of_all(&mut self, jobs: impl IntoIterator<Item = Job, IntoIter: DoubleEndedIterator>) {
        for job in jobs.into_iter().rev() {
            self.jobs.push_front(job);
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "what a job asks for is an option, as its callers return it"
    )]
    fn wait(&mut self, waiting: Waiting, output: Output) -> Option<Output> {
        self.waiting = Some(waiting);
        Some(output)
    }

    fn append(&mut self, event: Event, sentence: String, then: Then) -> Option<Output> {
        let draft = Draft { run: Some(self.command.run), event, sentence, answers: None };
        let output = Output::Append(draft.clone());
        self.wait(Waiting::Append { draft, races: 0, then }, output)
    }

    fn sleep(&mut self, rest: SignedDuration, then: Waiting) -> Option<Output> {
        match Duration::try_from(rest) {
            Ok(rest) if !rest.is_zero() => self.wait(then, Output::Sleep(rest)),
            // A wait is never negative.
            _ => None,
        }
    }

    /// Begins a job; nothing where it needs nothing from outside.
    fn start(&mut self, job: Job, moment: Moment<'_>) -> Option<Output> {
        match job {
            Job::FirstLook => self.look_first(moment),
            Job::Intend => self.intend(moment),
            Job::Look => {
                self.looked_at = moment.now;
                let subjects = self.left.clone();
                self.wait(Waiting::Look, Output::Look(subjects))
            }
            Job::Take(sights) => {
                self.take(sights, moment);
                None
            }
            Job::Fail { subjects, failure } => {
                self.on_failure(subjects, &failure);
                None
            }
            Job::Failed { subjects, code, message } => self.fail(subjects, code, message, moment),
            Job::Finish(done) => self.finish(done),
            Job::Leave { subjects, note } => self.leave(subjects, note),
            Job::ActOn(wanting) => {
                let fresh: Vec<Name> =
                    wanting.into_iter().filter(|name| !self.acted_lately(name, moment.now)).collect();
                if fresh.is_empty() {
                    return None;
                }
                self.wait(Waiting::ReadToAct(fresh), Output::Read)
            }
            Job::Begin(held) if held.is_empty() => None,
            Job::Begin(held) => match self.clear_at.take() {
                // A journal that has moved on meanwhile can only have let the run go on.
                Some(at) if moment.now.duration_since(at) <= CLEAR_AGE_MAX => self.objected(held, None),
                _ => self.wait(Waiting::Objection(held), Output::Object),
            },
            Job::Effects(subjects) => self.act(subjects, moment),
            Job::TakeBack(names) => self.take_back(&names, moment),
            Job::Advance => self.wait(Waiting::Advance, Output::Advance(Box::default())),
            Job::Outlast(subjects) => {
                let last = subjects.iter().filter_map(|name| self.unanswered_at.get(name)).max();
                let rest = LANDS_WITHIN.saturating_sub(moment.now.duration_since(*last?));
                self.sleep(rest, Waiting::Pause)
            }
            Job::ReleaseLost => self.wait(Waiting::ReadToRelease, Output::Read),
            Job::Release(subject) => {
                let note = "the run does not need it now, or another worker holds it".to_owned();
                let sentence = format!("Step {} releases {subject}: {note}.", self.step());
                self.hand_back(vec![subject.clone()], note, sentence, Then::Released(subject))
            }
            Job::Watch => {
                self.looked_at = moment.now;
                self.wait(Waiting::Observe, Output::Observe)
            }
            Job::EndTurn => self.end_turn(moment),
            Job::HandOver => {
                let note = self.note();
                let sentence = if self.weighs() {
                    note.clone()
                } else {
                    format!("Step {} hands over to the tick: {note}.", self.step())
                };
                self.hand_back(self.left.clone(), note, sentence.clone(), Then::HandedOver(sentence))
            }
            Job::Rest => {
                let took = moment.now.duration_since(self.looked_at);
                let rest = SignedDuration::try_from(rest_after(took, self.look_every())).unwrap_or(REST_MIN);
                self.sleep(rest, Waiting::Pause)
            }
            Job::End(sentence) => Some(Output::End(sentence)),
        }
    }

    /// Takes in what came of something; asks for the next thing at once where it belongs to the same.
    fn take_in(&mut self, waiting: Waiting, input: Input, moment: Moment<'_>) -> Option<Output> {
        match (waiting, input) {
            (Waiting::FirstLook { began_at, subjects }, Input::Looked(sights)) => {
                self.saw_first(FirstSeen { began_at, subjects, sights, is_clear: false }, moment)
            }
            (Waiting::FirstLook { began_at, subjects }, Input::LookedFirst(sights, objection)) => {
                let is_clear = objection.is_none();
                self.saw_first(FirstSeen { began_at, subjects, sights, is_clear }, moment)
            }
            (Waiting::FirstRest, Input::Slept) => self.wait(Waiting::Reread, Output::Read),
            (Waiting::Reread, Input::Read) => self.look_first(moment),
            (Waiting::Append { then: Then::Begun { .. }, .. }, Input::Raced) => self.intend(moment),
            (Waiting::Append { draft, races, then }, Input::Raced) => {
                if races + 1 >= RACES_MAX {
                    return Some(Output::Busy(draft.sentence));
                }
                let output = Output::Append(draft.clone());
                self.wait(Waiting::Append { draft, races: races + 1, then }, output)
            }
            (Waiting::Append { then, .. }, Input::Written(written)) => self.wrote(then, written, moment),
            (Waiting::Look, Input::Looked(Ok(sights))) => {
                self.take(sights, moment);
                None
            }
            (Waiting::Look, Input::Looked(Err(failure))) => {
                self.has_acted = false;
                self.first_of_all([Job::Fail { subjects: self.left.clone(), failure }]);
                None
            }
            (Waiting::Observe, Input::Observed(Some(observation))) => {
                let facts = Box::new(Facts { observation: Some(*observation), ..Facts::default() });
                self.wait(Waiting::ReadToWeigh(facts), Output::Read)
            }
            (Waiting::ReadToWeigh(facts), Input::Read) => self.weigh(facts, false),
            (Waiting::Weigh { facts, is_last }, Input::Advanced(sentence)) => {
                self.watched = sentence;
                self.weighed(facts, is_last, moment)
            }
            // The journal was read at the look, a moment ago: whether it moved on since, the append of the decision tells.
            (Waiting::WindowEnd(facts), Input::Slept) => self.weigh(facts, true),
            (Waiting::ReadToAct(fresh), Input::Read) => {
                let held = still_held(moment.state, self.step(), &fresh, self.intent, moment.now);
                self.first_of_all([if self.manner.may_object {
                    Job::Begin(held)
                } else {
                    Job::Effects(held)
                }]);
                None
            }
            (Waiting::ReadToRelease, Input::Read) => {
                self.release_lost(moment);
                None
            }
            (Waiting::Objection(held), Input::Objected(objection)) => self.objected(held, objection),
            (Waiting::Acts { began_at }, Input::Acted(results)) => {
                self.acted(began_at, results, moment.now);
                None
            }
            (Waiting::Advance | Waiting::TakenBack | Waiting::Pause, _) => None,
            // Only a driver that answers what was not asked for comes here.
            (_, input) => {
                Some(Output::End(format!("Step {} received an unexpected input: {input:?}.", self.step())))
            }
        }
    }

    // Before the intent

    fn look_first(&mut self, moment: Moment<'_>) -> Option<Output> {
        let Claim::Take(subjects) = claim(moment.plan, moment.state, &self.command, moment.now) else {
            return Some(Output::End(self.not_due(moment)));
        };
        if self.manner.looks_when_it_acts {
            let sights = Ok(vec![StepStatus::Pending { before: None }; subjects.len()]);
            let seen = FirstSeen { began_at: moment.now, subjects, sights, is_clear: false };
            return self.saw_first(seen, moment);
        }
        let look = if self.manner.may_object { Output::LookFirst } else { Output::Look };
        let output = look(subjects.clone());
        self.wait(Waiting::FirstLook { began_at: moment.now, subjects }, output)
    }

    /// An answer that only a person can change is left to the attempt itself, which records it.
    fn saw_first(&mut self, seen: FirstSeen, moment: Moment<'_>) -> Option<Output> {
        match &seen.sights {
            Err(failure)
                if failure.can_retry()
                    && (self.manner.is_best_effort || moment.now >= self.hands_over_at) =>
            {
                tracing::info!(%failure, step = %self.step(), "no answer; the next tick retries");
                return Some(Output::End(self.not_due(moment)));
            }
            Err(failure) if failure.can_retry() => {
                tracing::warn!(%failure, step = %self.step(), "the first check failed; retrying");
                return self.wait(Waiting::FirstRest, Output::Sleep(POLL_EVERY));
            }
            _ => {}
        }
        self.first = Some(seen);
        self.intend(moment)
    }

    fn not_due(&self, moment: Moment<'_>) -> String {
        let (step, run) = (self.step(), self.command.run);
        match claim(moment.plan, moment.state, &self.command, moment.now) {
            Claim::Nothing(_) if self.weighs() => {
                format!(
                    "Nothing to do: another worker is confirming run {run}, or the run needs no confirmation \
                     now."
                )
            }
            Claim::Nothing(why) => why,
            Claim::Take(_) => {
                format!("Step {step} of run {run} has received no answer yet; the tick retries it.")
            }
        }
    }

    /// A lost race is claimed anew.
    fn intend(&mut self, moment: Moment<'_>) -> Option<Output> {
        let Claim::Take(subjects) = claim(moment.plan, moment.state, &self.command, moment.now) else {
            return Some(Output::End(self.not_due(moment)));
        };
        let until = moment.now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let step = self.step();
        let sentence = if self.weighs() {
            format!("alarm-handler is watching the evidence of run {}.", self.command.run)
        } else {
            format!("Step {step} of {} begins.", list(subjects.iter()))
        };
        let before = self.first.as_ref().map(FirstSeen::notes).unwrap_or_default();
        let taken = moment.state.run.as_ref().filter(|_| step.spec().takes_items);
        let term = taken.map(|run| moment.state.holdings.term_to_take(run.scope.items(), moment.plan.seat));
        let event = Event::StepIntended { step, subjects: subjects.clone(), until, before, term };
        self.append(event, sentence, Then::Begun { subjects, until })
    }

    fn begun(&mut self, now: Timestamp) {
        let Some(first) = self.first.take() else {
            self.jobs.push_back(Job::Watch);
            return;
        };
        self.clear_at = first.is_clear.then_some(first.began_at);
        match first.sights {
            Err(failure) => {
                // Without a look nothing is known that an undo would need; so nothing is done.
                let sentence =
                    format!("Step {} of run {} failed at its first check.", self.step(), self.command.run);
                let subjects = self.left.clone();
                self.jobs.extend([Job::Fail { subjects, failure }, Job::End(sentence)]);
            }
            Ok(sights) => {
                self.looked_at = now;
                let is_fresh = now.duration_since(first.began_at) <= SIGHT_AGE_MAX;
                let seen = is_fresh.then(|| pick(&self.left, &first.subjects, &sights)).flatten();
                self.jobs.push_back(seen.map_or(Job::Look, Job::Take));
                self.jobs.extend([Job::ReleaseLost, Job::EndTurn]);
            }
        }
    }

    /// What follows a record, once it stands or can't follow.
    fn wrote(&mut self, then: Then, written: Written, moment: Moment<'_>) -> Option<Output> {
        let is_finished = matches!(written, Written::Illegal(Illegality::Finished(_)));
        match (then, written) {
            (Then::Begun { subjects, until }, Written::As(seq)) => {
                (self.intent, self.until, self.left) = (seq, until, subjects);
                self.begun(moment.now);
            }
            (Then::Begun { .. }, Written::Illegal(why)) => {
                tracing::info!(%why, "the step is not allowed now");
                return Some(Output::End(self.not_due(moment)));
            }
            (Then::Failed(subjects), _) => {
                self.left.retain(|name| !subjects.contains(name));
                self.first_of_all([Job::Advance]);
            }
            (Then::Done(names), written) => {
                self.left.retain(|name| !names.contains(name));
                match written {
                    Written::As(_) => self.first_of_all([Job::Advance]),
                    Written::Illegal(_) if is_finished => self.first_of_all([Job::TakeBack(names)]),
                    Written::Illegal(why) => tracing::warn!(%why, "the outcome is no longer needed"),
                }
            }
            (Then::Left, _) => self.first_of_all([Job::Advance]),
            // Not legal means that somebody else wrote it down, or that the run has stopped: just as well.
            (Then::Objected { subjects, note }, written) => {
                tracing::warn!(?written, step = %self.step(), "the step does not act");
                self.first_of_all([Job::Leave { subjects, note }]);
            }
            // Not legal means that somebody else holds it, or that the run is over: just as well.
            (Then::Released(subject), written) => {
                tracing::info!(?written, %subject, step = %self.step(), "released");
                if is_finished {
                    self.first_of_all([Job::TakeBack(vec![subject])]);
                }
            }
            (Then::Renewed(until), Written::As(_)) => self.until = until,
            (Then::Renewed(_), Written::Illegal(why)) => tracing::info!(%why, "the items are no longer held"),
            (Then::HandedOver(sentence), _) => return Some(Output::End(sentence)),
        }
        None
    }

    // Looking

    /// Takes in what was seen of what is left.
    fn take(&mut self, sights: Vec<StepStatus>, moment: Moment<'_>) {
        let (mut done, mut wanting, mut unnoted, mut failed) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        (self.is_due, self.is_doubted, self.has_acted) = (false, false, false);
        for (subject, sight) in self.left.clone().into_iter().zip(sights) {
            match sight {
                StepStatus::Done { .. }
                    if self.manner.doubts_one_look && !self.believed.contains(&subject) =>
                {
                    self.is_doubted = true;
                    self.believed.insert(subject.clone());
                    self.notes.insert(subject, "done, to be confirmed by a second check".to_owned());
                }
                StepStatus::Done { detail } => done.push(self.outcome(&subject, detail, moment.now)),
                StepStatus::InProgress { note } => {
                    self.is_due = true;
                    self.notes.insert(subject, note);
                }
                StepStatus::Pending { before: Some(_) } if !self.is_noted(&subject, moment.state) => {
                    unnoted.push(subject);
                }
                StepStatus::Pending { .. } => {
                    self.is_due |= self.acted_at.contains_key(&subject);
                    self.believed.remove(&subject);
                    wanting.push(subject);
                }
                StepStatus::Failed { code, message } => {
                    failed.push(Job::Failed { subjects: vec![subject], code: code.to_owned(), message });
                }
            }
        }
        let mut jobs = failed;
        if !done.is_empty() {
            jobs.push(Job::Finish(done));
        }
        if !unnoted.is_empty() {
            // What can't be undone yet is not done: another attempt begins with a first look, and notes what it sees.
            let note = "it has changed since the first check, so it is checked again".to_owned();
            jobs.push(Job::Leave { subjects: unnoted, note });
        }
        jobs.push(Job::ActOn(wanting));
        self.first_of_all(jobs);
    }

    /// Whether the journal holds what an undo of this effect needs. The first look may have seen nothing to note.
    fn is_noted(&self, subject: &Name, state: &State) -> bool {
        let key = (self.step(), subject.clone());
        state.active_run().is_none_or(|run| run.before.contains_key(&key))
    }

    fn outcome(&self, subject: &Name, detail: String, now: Timestamp) -> SubjectDone {
        let took = self.acted_at.get(subject).map(|at| now.duration_since(*at).as_millis());
        SubjectDone {
            subject: subject.clone(),
            detail,
            changed: took.is_some(),
            took_ms: took.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0),
        }
    }

    fn finish(&mut self, done: Vec<SubjectDone>) -> Option<Output> {
        let names: Vec<Name> = done.iter().map(|done| done.subject.clone()).collect();
        let details = list(done.iter().map(|done| format!("{}: {}", done.subject, done.detail)));
        let sentence = format!("Step {} is done: {details}.", self.step());
        let event = Event::StepDone { step: self.step(), subjects: done, intent: self.intent };
        self.append(event, sentence, Then::Done(names))
    }

    // Acting

    /// An effect that was just asked for may take a moment to show; it is not asked for again at once.
    fn acted_lately(&self, subject: &Name, now: Timestamp) -> bool {
        self.asked_at.get(subject).is_some_and(|at| now.duration_since(*at) < ASKED_AGAIN_AFTER)
    }

    /// What stands against effects is dealt with; else they begin, a few at a time, so that what was seen is fresh for each.
    fn objected(&mut self, held: Vec<Name>, objection: Option<Objection>) -> Option<Output> {
        match objection {
            None => {
                let mut few = held;
                let rest = few.split_off(CONCURRENCY.min(few.len()));
                self.first_of_all([Job::Effects(few), Job::Begin(rest)]);
                None
            }
            Some(Objection::Unknown { note }) => {
                tracing::warn!(note, step = %self.step(), "the step does not act yet");
                self.notes.extend(held.iter().map(|subject| (subject.clone(), note.clone())));
                None
            }
            Some(Objection::Undone { event, sentence, note }) => {
                self.append(*event, sentence, Then::Objected { subjects: held, note })
            }
            Some(Objection::Failed { code, message }) => {
                self.first_of_all([Job::Failed { subjects: held, code: code.to_owned(), message }]);
                None
            }
        }
    }

    fn act(&mut self, subjects: Vec<Name>, moment: Moment<'_>) -> Option<Output> {
        let before = |time| self.until.checked_sub(time).unwrap_or(Timestamp::MIN);
        let (begin_until, give_up_at) = (before(EFFECT_TIME), before(LANDS_WITHIN));
        if subjects.is_empty() || moment.now > begin_until {
            return None;
        }
        let effects = Effects { subjects, begin_until, give_up_at };
        self.wait(Waiting::Acts { began_at: moment.now }, Output::Act(effects))
    }

    fn acted(
        &mut self,
        began_at: Timestamp,
        results: Vec<(Name, Option<Result<(), Failure>>)>,
        now: Timestamp,
    ) {
        let mut failed = Vec::new();
        for (subject, result) in results {
            match result {
                None => {}
                Some(Ok(())) => {
                    self.has_acted = true;
                    self.believed.insert(subject.clone());
                    self.asked_at.insert(subject.clone(), began_at);
                    self.acted_at.entry(subject).or_insert(began_at);
                }
                Some(Err(failure)) => {
                    // An answer that was lost may have had its effect: it counts from here.
                    if failure.kind == FailureKind::Unreachable {
                        self.asked_at.insert(subject.clone(), began_at);
                        self.acted_at.entry(subject.clone()).or_insert(began_at);
                        self.unanswered_at.insert(subject.clone(), now);
                    }
                    failed.push(Job::Fail { subjects: vec![subject], failure });
                }
            }
        }
        self.first_of_all(failed);
    }

    /// Waits for what passes, fails on what only a person can mend.
    fn on_failure(&mut self, subjects: Vec<Name>, failure: &Failure) {
        if failure.can_retry() {
            tracing::warn!(%failure, step = %self.step(), "retrying");
            self.notes.extend(subjects.into_iter().map(|subject| (subject, failure.to_string())));
            return;
        }
        let (code, message) = for_a_person(failure);
        self.first_of_all([Job::Failed { subjects, code: code.to_owned(), message }]);
    }

    fn fail(
        &mut self,
        subjects: Vec<Name>,
        code: String,
        message: String,
        moment: Moment<'_>,
    ) -> Option<Output> {
        let step = self.step();
        let names = list(subjects.iter());
        let sentence = format!("Step {step} of {names} failed ({code}): {message}.");
        let event = Event::StepFailed {
            step,
            subjects: subjects.clone(),
            intent: self.intent,
            code,
            message,
            quiet: is_known_failure(moment.state, step, moment.now),
        };
        self.append(event, sentence, Then::Failed(subjects))
    }

    /// Not where another run has begun since: the effect may be that one's too.
    fn take_back(&mut self, names: &[Name], moment: Moment<'_>) -> Option<Output> {
        // A run that was completed wants its fence: a worker that was held up must not open the old side again.
        let aborted = moment
            .state
            .run
            .as_ref()
            .filter(|run| run.id == self.command.run && matches!(run.phase, Phase::Aborted { .. }));
        let Some(run) = aborted else {
            tracing::warn!(
                run = self.command.run,
                "the run is complete, or another run has begun; the effects are not rolled back"
            );
            return None;
        };
        let acted = names.iter().filter(|name| self.acted_at.contains_key(*name));
        let back: Vec<(Name, Option<String>)> =
            acted.map(|name| (name.clone(), run.before.get(&(self.step(), name.clone())).cloned())).collect();
        if back.is_empty() {
            return None;
        }
        self.wait(Waiting::TakenBack, Output::TakeBack(back))
    }

    // Letting go

    fn leave(&mut self, subjects: Vec<Name>, note: String) -> Option<Output> {
        let names = list(subjects.iter());
        let sentence = format!("Step {} releases {names}: {note}.", self.step());
        self.left.retain(|name| !subjects.contains(name));
        self.hand_back(subjects, note, sentence, Then::Left)
    }

    /// Writes that items are held no longer, and have no outcome.
    fn hand_back(
        &mut self,
        subjects: Vec<Name>,
        note: String,
        sentence: String,
        then: Then,
    ) -> Option<Output> {
        let event = Event::StepHandedOver { step: self.step(), subjects, intent: self.intent, note };
        self.append(event, sentence, then)
    }

    fn release_lost(&mut self, moment: Moment<'_>) {
        let held = still_held(moment.state, self.step(), &self.left, self.intent, moment.now);
        let lost: Vec<Name> = self.left.iter().filter(|name| !held.contains(name)).cloned().collect();
        self.left = held;
        if lost.is_empty() {
            return;
        }
        // What an unanswered call was for is not let go before the call can have landed: an undo would look too early, and
        // see nothing to undo.
        let outlast = [Job::Outlast(lost.clone())].into_iter();
        let jobs: Vec<Job> =
            outlast.chain(lost.into_iter().map(Job::Release)).chain([Job::Advance]).collect();
        self.first_of_all(jobs);
    }

    fn end_turn(&mut self, moment: Moment<'_>) -> Option<Output> {
        if self.left.is_empty() {
            let sentence = format!(
                "Step {} of run {} has no more items in this invocation.",
                self.step(),
                self.command.run
            );
            return Some(Output::End(sentence));
        }
        if moment.now >= self.hands_over_at {
            if self.weighs() {
                "The function's time is up; the tick continues.".clone_into(&mut self.watched);
            }
            self.first_of_all([Job::Outlast(self.left.clone()), Job::HandOver]);
            return None;
        }
        // What was just asked for often stands at once.
        if !self.has_acted {
            self.jobs.push_back(Job::Rest);
        }
        self.jobs.extend(if self.weighs() {
            vec![Job::Watch]
        } else {
            vec![Job::Look, Job::ReleaseLost, Job::EndTurn]
        });
        self.renew(moment)
    }

    /// Holds the items for longer.
    fn renew(&mut self, moment: Moment<'_>) -> Option<Output> {
        if self.until.duration_since(moment.now) >= LEASE_LEFT_MIN {
            return None;
        }
        let until = moment.now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let note = self.note();
        let step = self.step();
        let sentence = if self.weighs() { note.clone() } else { format!("Step {step} waits: {note}.") };
        let event =
            Event::StepWaiting { step, subjects: self.left.clone(), intent: self.intent, until, note };
        self.append(event, sentence, Then::Renewed(until))
    }

    fn note(&self) -> String {
        if self.weighs() {
            return self.watched.clone();
        }
        list(self.left.iter().map(|name| match self.notes.get(name) {
            Some(note) => format!("{name} ({note})"),
            None => name.to_string(),
        }))
    }

    /// How often it looks now. A second look at what stands already is there to see another answer than the first one: it
    /// keeps its distance.
    fn look_every(&self) -> Duration {
        if self.weighs() {
            WATCH_EVERY
        } else if self.is_due && !self.is_doubted {
            POLL_DUE_EVERY
        } else {
            POLL_EVERY
        }
    }

    // Weighing evidence

    fn weigh(&mut self, facts: Box<Facts>, is_last: bool) -> Option<Output> {
        let output = Output::Advance(facts.clone());
        self.wait(Waiting::Weigh { facts, is_last }, output)
    }

    /// When the window ends within reach, it is decided at its very end with the same look, so that the decision doesn't
    /// wait for the next one.
    fn weighed(&mut self, facts: Box<Facts>, is_last: bool, moment: Moment<'_>) -> Option<Output> {
        let active = moment.state.active_run().filter(|active| active.id == self.command.run);
        let Some(Phase::Confirming { sufficient_since }) = active.map(|run| &run.phase) else {
            return Some(Output::End(self.watched.clone()));
        };
        if let (Some(since), false) = (sufficient_since, is_last) {
            let window = SignedDuration::from_secs(i64::from(moment.plan.detection.confirm_seconds));
            let left = window.saturating_sub(moment.now.duration_since(*since));
            if left <= SignedDuration::try_from(WATCH_EVERY).unwrap_or(REST_MIN) {
                let rest = Duration::try_from(left).unwrap_or_default();
                return self.wait(Waiting::WindowEnd(facts), Output::Sleep(rest));
            }
        }
        self.has_acted = false;
        self.first_of_all([Job::EndTurn]);
        None
    }
}

impl FirstSeen {
    /// What an undo needs to know of what was seen.
    fn notes(&self) -> Vec<SubjectNote> {
        let sights = self.sights.as_deref().unwrap_or_default();
        let noted = self.subjects.iter().zip(sights).filter_map(|(subject, sight)| match sight {
            StepStatus::Pending { before: Some(note) } => {
                Some(SubjectNote { subject: subject.clone(), note: note.clone() })
            }
            _ => None,
        });
        noted.collect()
    }
}

/// Of what was seen, what is about these items; nothing if one of them was not looked at.
fn pick(wanted: &[Name], subjects: &[Name], sights: &[StepStatus]) -> Option<Vec<StepStatus>> {
    let seen: BTreeMap<&Name, &StepStatus> = subjects.iter().zip(sights).collect();
    wanted.iter().map(|name| seen.get(name).map(|sight| (*sight).clone())).collect()
}

/// How long a step that looks so often rests after a look and what followed it took so long.
fn rest_after(took: SignedDuration, every: Duration) -> Duration {
    let whole = SignedDuration::try_from(every).unwrap_or(REST_MIN);
    Duration::try_from(whole.saturating_sub(took).clamp(REST_MIN, whole)).unwrap_or(every)
}

//! A turn of the conductor, as a machine: decide, append, decide again, until there is nothing to append; then publish what
//! is due, and tell people what they were not told of. It has no clock and no network of its own.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use protocol::command::StepCommand;
use protocol::decide::{Draft, Facts, Verdict, decide};
use protocol::journal::Event;
use protocol::plan::Plan;
use protocol::state::{Illegality, State, Unnoticed};

use crate::append::{RACES_MAX, Written};
use crate::notice::subject;

/// Most records that one turn may append. Facts are few; more means that deciding does not come to rest.
const APPENDS_MAX: usize = 256;

/// A notable record that nobody was told of for this long is told by the tick: its writer must have died.
const NOTICE_AGE: SignedDuration = SignedDuration::from_secs(30);

/// What a turn asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum TurnOutput {
    /// Append a record at the next number. Answered by [`TurnInput::Written`], or by [`TurnInput::Raced`] once what took the number
    /// was read.
    Append(Draft),
    /// Append that people were told. Answered as [`TurnOutput::Append`]; where it can't be appended, by [`TurnInput::GoOn`].
    Note(Draft),
    /// Publish commands; a wake-up, whose failure the tick makes good. Answered by [`TurnInput::Published`].
    Publish(Vec<StepCommand>),
    /// Tell people. Answered by [`TurnInput::Told`].
    Notice {
        /// The record that it is about.
        of: u64,
        /// The subject.
        subject: String,
        /// What they are told.
        sentence: String,
    },
    /// The turn is over.
    End(Ended),
    /// A decision can't follow the journal that it was made from.
    Illegal(Illegality),
    /// Deciding does not come to rest; the last sentence.
    Restless(String),
    /// It is not known whether a notice was noted, so people may be told twice: there are too many writers.
    Unnoted(u64),
}

/// What came of what the turn asked for.
#[derive(Clone, Debug)]
pub enum TurnInput {
    /// Nothing was asked for yet.
    Begin,
    /// The record stands, or can't follow.
    Written(Written),
    /// Another record has taken its number, and was read.
    Raced,
    /// Commands were published, or not.
    Published,
    /// People were told, or could not be.
    Told(bool),
    /// What was asked for does not matter any more: go on.
    GoOn,
}

/// How a turn ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ended {
    /// What was decided last and why.
    pub sentence: String,
    /// What became of the operator's command, if there was one.
    pub verdict: Option<(Verdict, String)>,
    /// How many records were appended.
    pub appended: usize,
}

/// What a turn waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum TurnWaiting {
    /// To begin.
    Begin,
    /// What becomes of a decision's record, which may answer an operator.
    Decision(Option<(Verdict, String)>),
    /// That commands were published.
    Published,
    /// Whether people were told of this record.
    Told(u64),
    /// What becomes of the record that says so.
    Noted {
        /// The record that people were told of.
        of: u64,
        /// The one that says so.
        draft: Draft,
        /// How often another one took its number.
        races: usize,
    },
}

/// A turn of the conductor.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What it decides with.
    facts: Facts,
    /// How often another record took the number of a decision.
    races: usize,
    /// What it came to so far.
    ended: Ended,
    /// The records that people are to be told of, and what they say.
    untold: VecDeque<(u64, Unnoticed)>,
    /// What was asked for and is not answered.
    waiting: TurnWaiting,
}

/// All that a turn knows, for whoever must tell whether two of them go on in the same way.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is said at the field of the turn")]
pub struct TurnParts<'a> {
    pub facts: &'a Facts,
    pub races: usize,
    pub ended: &'a Ended,
    pub untold: &'a VecDeque<(u64, Unnoticed)>,
    pub waiting: &'a TurnWaiting,
}

impl Turn {
    /// A turn with these facts.
    pub fn new(facts: Facts) -> Self {
        Self {
            facts,
            races: 0,
            ended: Ended::default(),
            untold: VecDeque::new(),
            waiting: TurnWaiting::Begin,
        }
    }

    /// All that it knows.
    pub fn parts(&self) -> TurnParts<'_> {
        let Self { facts, races, ended, untold, waiting } = self;
        TurnParts { facts, races: *races, ended, untold, waiting }
    }

    /// The next thing to do, after what came of the last one. `state` is the journal as far as it was read.
    pub fn next(&mut self, input: TurnInput, plan: &Plan, state: &State, now: Timestamp) -> TurnOutput {
        match (std::mem::replace(&mut self.waiting, TurnWaiting::Begin), input) {
            (TurnWaiting::Decision(verdict), TurnInput::Written(Written::As(_))) => {
                self.ended.appended += 1;
                if verdict.is_some() {
                    self.facts.operator = None;
                    self.ended.verdict = verdict;
                }
                self.decide(plan, state, now)
            }
            (TurnWaiting::Decision(_), TurnInput::Written(Written::Illegal(why))) => TurnOutput::Illegal(why),
            (TurnWaiting::Decision(_), TurnInput::Raced) => {
                self.races += 1;
                self.decide(plan, state, now)
            }
            (TurnWaiting::Published, _) => self.tell(plan, state, now),
            (TurnWaiting::Told(of), TurnInput::Told(true)) => self.note(of),
            (TurnWaiting::Noted { of, races, .. }, TurnInput::Raced) if races + 1 >= RACES_MAX => {
                TurnOutput::Unnoted(of)
            }
            (TurnWaiting::Noted { of, draft, races }, TurnInput::Raced) => {
                let output = TurnOutput::Note(draft.clone());
                self.waiting = TurnWaiting::Noted { of, draft, races: races + 1 };
                output
            }
            (TurnWaiting::Told(_) | TurnWaiting::Noted { .. }, _) => self.tell_next(plan),
            (TurnWaiting::Begin | TurnWaiting::Decision(_), _) => self.decide(plan, state, now),
        }
    }

    fn decide(&mut self, plan: &Plan, state: &State, now: Timestamp) -> TurnOutput {
        let decision = decide(plan, state, &self.facts, now);
        let Some(draft) = decision.append else {
            self.ended.sentence = decision.sentence;
            self.waiting = TurnWaiting::Published;
            if decision.commands.is_empty() {
                return self.tell(plan, state, now);
            }
            return TurnOutput::Publish(decision.commands);
        };
        if self.ended.appended >= APPENDS_MAX || self.races >= RACES_MAX {
            return TurnOutput::Restless(draft.sentence);
        }
        let verdict = draft.answers.map(|verdict| (verdict, draft.sentence.clone()));
        self.waiting = TurnWaiting::Decision(verdict);
        TurnOutput::Append(draft)
    }

    /// People are told of notable records: at once of those that this turn wrote, and of others that nobody told of for a
    /// while.
    fn tell(&mut self, plan: &Plan, state: &State, now: Timestamp) -> TurnOutput {
        let before =
            if self.ended.appended > 0 { now } else { now.checked_sub(NOTICE_AGE).unwrap_or(Timestamp::MIN) };
        let due = state.unnoticed.iter().filter(|(_, unnoticed)| unnoticed.at <= before);
        self.untold = due.map(|(seq, unnoticed)| (*seq, unnoticed.clone())).collect();
        self.tell_next(plan)
    }

    fn tell_next(&mut self, plan: &Plan) -> TurnOutput {
        let Some((of, Unnoticed { title, sentence, .. })) = self.untold.pop_front() else {
            return TurnOutput::End(std::mem::take(&mut self.ended));
        };
        self.waiting = TurnWaiting::Told(of);
        TurnOutput::Notice { of, subject: subject(&plan.name, &title), sentence }
    }

    fn note(&mut self, of: u64) -> TurnOutput {
        let sentence = format!("SNS accepted the notice about record {of}.");
        let draft = Draft { run: None, event: Event::Noticed { of }, sentence, answers: None };
        self.waiting = TurnWaiting::Noted { of, draft: draft.clone(), races: 0 };
        TurnOutput::Note(draft)
    }
}

//! What is due: given the plan, the state, what was just seen, and the time.
//!
//! A decision is either one record to append (then the caller appends it, folds it and decides again with the
//! same facts), or the commands to publish. It changes nothing itself, and always says in one sentence what was
//! decided and why.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::command::{Step, StepCommand};
use crate::journal::{Event, RunKind};
use crate::observation::Observation;
use crate::operator::OperatorCommand;
use crate::pair::PairSeen;
use crate::plan::Plan;
use crate::signal::Signal;
use crate::state::{Phase, Run, State};

mod alarms;
mod attention;
mod claim;
mod confirm;
mod due;
mod facts;
mod fence;
mod gate;
mod guards;
mod open;
mod operator;
mod protection;
mod sentence;
mod signals;
mod watch;

pub use attention::{Lost, is_known_failure};
pub use claim::{Claim, claim, still_held};
pub use fence::{
    FENCE_UNREAD, FENCES_LOST_MAX, FenceSeen, UNREAD_AGAIN_AFTER, fenced, is_known_unread, lost_sentence,
};
pub use sentence::alarm_age;
pub use signals::{RejectedSignal, is_late, rejected};
pub use watch::DETAILS_BYTES_MAX;

/// Longest age of an observation that still counts as in hand.
pub const OBSERVATION_AGE_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Most items in one command, so that one worker's calls and its time stay bounded.
pub const SUBJECTS_PER_COMMAND: usize = 25;

/// What was just seen or said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Signals that arrived.
    pub signals: Vec<Signal>,
    /// An operator's command.
    pub operator: Option<OperatorCommand>,
    /// What a look at the world showed.
    pub observation: Option<Observation>,
    /// What a look at primary sides that should be closed showed.
    pub fences: Vec<FenceSeen>,
    /// What a guard sees that is one of two.
    pub pair: Option<PairSeen>,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// A record to append before anything else.
    pub append: Option<Draft>,
    /// Commands to publish; only when there is nothing to append.
    pub commands: Vec<StepCommand>,
    /// What was decided and why.
    pub sentence: String,
}

/// A record to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The run it belongs to.
    pub run: Option<u64>,
    /// What it says.
    pub event: Event,
    /// What was decided and why.
    pub sentence: String,
    /// Whether it settles the operator's command, and how.
    pub answers: Option<Verdict>,
}

/// What became of an operator's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was carried out.
    Accepted,
    /// It was refused, and the refusal recorded.
    Refused,
}

impl Draft {
    fn new(run: Option<u64>, event: Event, sentence: impl Into<String>) -> Self {
        Self { run, event, sentence: sentence.into(), answers: None }
    }

    fn answering(mut self, verdict: Verdict) -> Self {
        self.answers = Some(verdict);
        self
    }
}

/// Says what is due. Total and deterministic; applied to its own result it comes to rest.
pub fn decide(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Decision {
    let facts = &*facts.in_hand(now);
    let draft = guards::note(plan, state, facts)
        .or_else(|| operator::answer(plan, state, facts, now))
        .or_else(|| signals::sort(plan, state, facts, now))
        .or_else(|| alarms::note(plan, state, facts, now))
        .or_else(|| watch::note(plan, state, facts, now))
        .or_else(|| fence::note(plan, state, facts, now))
        .or_else(|| protection::note(plan, state, facts, now));
    if let Some(draft) = draft {
        return Decision::of(draft);
    }
    match state.active_run() {
        None => idle(plan, state, facts, now),
        Some(run) => match run.kind {
            RunKind::Failover => failover(plan, state, run, facts, now),
        },
    }
}

/// What is due while no run is under way.
fn idle(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Decision {
    let draft = due::quarantine_overdue(plan, state, now)
        .or_else(|| attention::lost_quarantine(plan, state))
        .or_else(|| attention::reopened(plan, state, facts, now))
        .or_else(|| attention::loss(plan, state, facts, now));
    if let Some(draft) = draft {
        return Decision::of(draft);
    }
    match open::open(plan, state, facts, now) {
        open::Opening::Open(draft) => Decision::of(draft),
        open::Opening::Rest(sentence) => {
            Decision { append: None, commands: due::quarantine(plan, state, now), sentence }
        }
    }
}

/// What is due in a failover.
fn failover(plan: &Plan, state: &State, run: &Run, facts: &Facts, now: Timestamp) -> Decision {
    let draft = match &run.phase {
        Phase::Confirming { .. } => confirm::conclude(plan, state, run, facts, now),
        Phase::AwaitingApproval { since } => confirm::await_approval(plan, state, run, facts, *since, now),
        Phase::Moving => due::advance(plan, run, now),
        Phase::Aborting { cause } => {
            due::finish_abort(run, cause).or_else(|| due::undo_overdue(plan, run, now))
        }
        Phase::NeedsOperator { .. } => confirm::heed_signs_of_life(plan, state, run, facts, now),
        Phase::Aborted { .. } | Phase::Completed { .. } | Phase::Superseded { .. } => None,
    };
    let draft = draft
        .or_else(|| due::quarantine_overdue(plan, state, now))
        .or_else(|| attention::lost_quarantine(plan, state))
        .or_else(|| attention::reopened(plan, state, facts, now))
        .or_else(|| attention::loss_while_rolled_back(plan, state, run, facts, now))
        .or_else(|| attention::remind(plan, state, run, facts, now));
    if let Some(draft) = draft {
        return Decision::of(draft);
    }
    let mut commands = due::commands(plan, run, now);
    // The lost region is asked for once a minute, with the tick's look; not at every step of the run.
    if facts.observation.is_some() {
        commands.extend(due::quarantine(plan, state, now));
    }
    Decision { append: None, commands, sentence: sentence::standing(plan, state, run, now) }
}

impl Decision {
    fn of(draft: Draft) -> Self {
        let sentence = draft.sentence.clone();
        Self { append: Some(draft), commands: Vec::new(), sentence }
    }

    /// The command of a step, if it is among those to publish.
    pub fn asks_for(&self, step: Step) -> Option<&StepCommand> {
        self.commands.iter().find(|command| command.step == step)
    }
}

impl Facts {
    /// The facts without what was looked at too long ago to count, or claims to be of later.
    fn in_hand(&self, now: Timestamp) -> Cow<'_, Self> {
        let is_in_hand = |at: Timestamp| {
            let age = now.duration_since(at);
            age <= OBSERVATION_AGE_MAX && age >= SignedDuration::from_secs(-5)
        };
        let is_all = self.observation.iter().all(|seen| is_in_hand(seen.at))
            && self.fences.iter().all(|seen| is_in_hand(seen.at))
            && self.pair.iter().all(|seen| is_in_hand(seen.at));
        if is_all {
            return Cow::Borrowed(self);
        }
        let mut facts = self.clone();
        facts.observation = facts.observation.filter(|seen| is_in_hand(seen.at));
        facts.fences.retain(|seen| is_in_hand(seen.at));
        // A word counts at any age; a look at the own side does not.
        for pair in facts.pair.iter_mut().filter(|seen| !is_in_hand(seen.at)) {
            pair.looks.clear();
        }
        Cow::Owned(facts)
    }
}

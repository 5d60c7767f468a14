//! The loop of a step: claim, look, intend, look, act, poll, outcome. The same for every step of every function.
//!
//! Delivered twice, reordered or killed at any point, it ends in the same place: nothing is done that was not
//! intended in the journal, and every effect is looked for before it is brought about.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::Either;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Draft, Facts, claim, is_known_failure, list, still_held};
use protocol::journal::{Event, SubjectDone, SubjectNote};
use protocol::name::Name;
use protocol::state::{Illegality, Phase, Run, State};

use crate::conductor::{Conductor, Log, Written};
use crate::fault::Fault;

/// How often a step looks before its effects: from the beginning of one look to that of the next.
pub const POLL_EVERY: Duration = Duration::from_secs(2);

/// How often it looks while an effect is due: what comes next waits for that.
pub const POLL_DUE_EVERY: Duration = Duration::from_secs(1);

/// The rest between two looks, however long the first of them took.
const REST_MIN: SignedDuration = SignedDuration::from_millis(500);

/// For how long a worker holds its items unless it says so again. Short, so that a killed worker is soon replaced.
pub const LEASE: SignedDuration = SignedDuration::from_secs(75);

/// A lease is renewed when less than this is left of it.
const LEASE_LEFT_MIN: SignedDuration = SignedDuration::from_secs(45);

/// A worker lets go this long before its function's deadline: longer than any one call may take.
const HANDOVER_BEFORE: SignedDuration = SignedDuration::from_secs(25);

/// An effect is begun only while this much of the lease is left, and given up when it outlasts the lease.
const EFFECT_TIME: SignedDuration = SignedDuration::from_secs(20);

/// A call that got no answer may still have its effect for so long after it was given up.
const LANDS_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// An effect that does not show is asked for again after this long, each time.
const ASKED_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(6);

/// Effects under way at once, and looks.
const CONCURRENCY: usize = 5;

/// What was seen right before the intent need not be asked again right after it, if it is not older than this.
const SIGHT_AGE_MAX: SignedDuration = SignedDuration::from_secs(5);

/// What a step sees of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The effect stands.
    Stands {
        /// What was seen.
        detail: String,
    },
    /// The effect is on its way, or can't be brought about just now.
    Underway {
        /// What is waited for.
        note: String,
    },
    /// The effect is yet to be brought about.
    Wanting {
        /// What an undo needs to know; noted before the effect.
        before: Option<String>,
    },
    /// No waiting helps.
    Hopeless {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what helps.
        message: String,
    },
}

/// Why effects don't begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// What must hold before them is not known just now; they are tried again with the next look.
    Unknown {
        /// What is waited for.
        note: String,
    },
    /// What must hold before them does not. That is written down, and the items are let go of until it is mended.
    Undone {
        /// What is written down.
        event: Box<Event>,
        /// What it says to people.
        sentence: String,
        /// Why the items are let go of.
        note: String,
    },
    /// Only a person can mend it.
    Hopeless {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what helps.
        message: String,
    },
}

/// The part of a step that differs from the others: how to look and how to act.
#[async_trait]
pub trait Work: Send + Sync {
    /// The step.
    fn step(&self) -> Step;

    /// What is seen of each item, in the order asked for.
    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure>;

    /// Brings the effect about, or begins to.
    async fn act(&self, subject: &Name) -> Result<(), Failure>;

    /// Whether a first look that gets no answer ends the attempt without a record. For effects in the lost
    /// region, which are tried every minute.
    fn is_best_effort(&self) -> bool {
        false
    }

    /// Whether `act` itself looks at everything right before its effect, and leaves what stands as it is. Then nothing is
    /// looked at before the intent. Not for effects whose undo needs a note.
    fn looks_when_it_acts(&self) -> bool {
        false
    }

    /// Whether one look that sees the effect stand is not enough, because what begins next can't be undone and an answer may
    /// be stale. Then a write of this attempt was accepted before it, or two looks apart agree.
    fn doubts_one_look(&self) -> bool {
        false
    }

    /// What stands against effects that are about to begin, asked with the journal as it is right before them; nothing if
    /// they may. Work that objects is given few effects at a time, so that what was seen is fresh for each.
    async fn objection(&self, _state: &State) -> Option<Objection> {
        None
    }

    /// Whether it may object.
    fn may_object(&self) -> bool {
        false
    }

    /// Takes the effect back: the run was aborted while it was brought about. `before` is what was noted for an undo.
    async fn take_back(&self, _subject: &Name, _before: Option<&str>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Looks at several items at once, but not at too many; what was seen is in the order asked for.
///
/// # Errors
/// One of the looks failed.
pub async fn in_order<T>(
    looks: Vec<impl Future<Output = Result<T, Failure>> + Send>,
) -> Result<Vec<T>, Failure> {
    stream::iter(looks).buffered(CONCURRENCY).try_collect().await
}

/// What a failure that no waiting mends is called, and what is said of it.
#[must_use]
pub fn for_a_person(failure: &Failure) -> (&'static str, String) {
    match failure.kind {
        FailureKind::Denied => {
            let (action, message) = (failure.action, &failure.message);
            ("denied", format!("{action} was denied; allow it in the function's role: {message}"))
        }
        FailureKind::Missing => ("missing", failure.to_string()),
        _ => ("invalid", failure.to_string()),
    }
}

/// What a first look saw, before anything was written.
struct FirstLook {
    began_at: Timestamp,
    subjects: Vec<Name>,
    sights: Result<Vec<Sight>, Failure>,
}

/// A step at work.
struct Attempt<'w> {
    conductor: &'w Conductor,
    work: &'w dyn Work,
    log: Log,
    run: u64,
    intent: u64,
    until: Timestamp,
    left: Vec<Name>,
    notes: BTreeMap<Name, String>,
    acted_at: BTreeMap<Name, Timestamp>,
    /// When an effect was last asked for; what took long counts from the first time, in `acted_at`.
    asked_at: BTreeMap<Name, Timestamp>,
    /// What stood at the look before this one, or was accepted by a write.
    believed: BTreeSet<Name>,
    /// When an effect was last given up without an answer.
    unanswered_at: BTreeMap<Name, Timestamp>,
    /// Whether the last look saw an effect that is due.
    is_due: bool,
    /// Whether it saw something that stands and is looked at once more.
    is_doubted: bool,
    deadline: Timestamp,
}

/// Carries out a command as far as it is due, until the deadline. `log` was read when the command came; what was appended
/// since is found by the intent, which then has lost its race.
pub async fn carry_out(
    conductor: &Conductor,
    work: &dyn Work,
    command: &StepCommand,
    mut log: Log,
    deadline: Timestamp,
) -> Result<String, Fault> {
    let deadline = deadline.checked_sub(HANDOVER_BEFORE).unwrap_or(deadline);
    let Some(first) = first_look(conductor, work, command, &mut log, deadline).await? else {
        return Ok(not_due(conductor, command, &log));
    };
    let before = first.sights.as_ref().map(|sights| notes_of(&first.subjects, sights)).unwrap_or_default();
    let Some((intent, until, subjects)) = intend(conductor, command, before, &mut log).await? else {
        return Ok(not_due(conductor, command, &log));
    };
    let mut attempt = Attempt {
        conductor,
        work,
        log,
        run: command.run,
        intent,
        until,
        left: subjects,
        notes: BTreeMap::new(),
        acted_at: BTreeMap::new(),
        asked_at: BTreeMap::new(),
        believed: BTreeSet::new(),
        unanswered_at: BTreeMap::new(),
        is_due: false,
        is_doubted: false,
        deadline,
    };
    match first.sights {
        Err(failure) => {
            // Without a look nothing is known that an undo would need; so nothing is done.
            let subjects = attempt.left.clone();
            attempt.stumble(&subjects, &failure).await?;
            Ok(format!("Step {} of run {} failed at its first look.", command.step, command.run))
        }
        Ok(sights) => {
            let is_fresh = conductor.clock.now().duration_since(first.began_at) <= SIGHT_AGE_MAX;
            let sights = is_fresh.then(|| pick(&attempt.left, &first.subjects, &sights)).flatten();
            attempt.go(sights).await
        }
    }
}

/// Of what was seen, what is about these items; nothing if one of them was not looked at.
fn pick(wanted: &[Name], subjects: &[Name], sights: &[Sight]) -> Option<Vec<Sight>> {
    let seen: BTreeMap<&Name, &Sight> = subjects.iter().zip(sights).collect();
    wanted.iter().map(|name| seen.get(name).map(|sight| (*sight).clone())).collect()
}

fn not_due(conductor: &Conductor, command: &StepCommand, log: &Log) -> String {
    match claim(&conductor.plan, &log.state, command, conductor.clock.now()) {
        Claim::Nothing(why) => why,
        Claim::Take(_) => {
            format!("Step {} of run {} got no answer yet; the tick tries again.", command.step, command.run)
        }
    }
}

/// Looks before anything is written, so that the intent can hold what an undo needs. An answer that only a person
/// can change is left to the attempt itself, which records it.
async fn first_look(
    conductor: &Conductor,
    work: &dyn Work,
    command: &StepCommand,
    log: &mut Log,
    deadline: Timestamp,
) -> Result<Option<FirstLook>, Fault> {
    loop {
        let now = conductor.clock.now();
        let Claim::Take(subjects) = claim(&conductor.plan, &log.state, command, now) else {
            return Ok(None);
        };
        if work.looks_when_it_acts() {
            let sights = Ok(vec![Sight::Wanting { before: None }; subjects.len()]);
            return Ok(Some(FirstLook { began_at: now, subjects, sights }));
        }
        match work.look(&subjects).await {
            Ok(sights) => return Ok(Some(FirstLook { began_at: now, subjects, sights: Ok(sights) })),
            Err(failure) if !failure.can_retry() => {
                return Ok(Some(FirstLook { began_at: now, subjects, sights: Err(failure) }));
            }
            Err(failure) if work.is_best_effort() || now >= deadline => {
                tracing::info!(%failure, step = %command.step, "no answer; left to the next tick");
                return Ok(None);
            }
            Err(failure) => {
                tracing::warn!(%failure, step = %command.step, "the first look failed; looking again");
            }
        }
        conductor.sleep(POLL_EVERY).await;
        conductor.refresh(log).await?;
    }
}

fn notes_of(subjects: &[Name], sights: &[Sight]) -> Vec<SubjectNote> {
    subjects
        .iter()
        .zip(sights)
        .filter_map(|(subject, sight)| match sight {
            Sight::Wanting { before: Some(note) } => {
                Some(SubjectNote { subject: subject.clone(), note: note.clone() })
            }
            _ => None,
        })
        .collect()
}

/// Writes the intent for what is due at the very moment of writing; a lost race is claimed anew.
async fn intend(
    conductor: &Conductor,
    command: &StepCommand,
    before: Vec<SubjectNote>,
    log: &mut Log,
) -> Result<Option<(u64, Timestamp, Vec<Name>)>, Fault> {
    loop {
        let now = conductor.clock.now();
        let Claim::Take(subjects) = claim(&conductor.plan, &log.state, command, now) else {
            return Ok(None);
        };
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let step = command.step;
        let names = list(subjects.iter().map(ToString::to_string));
        let event = Event::StepIntended { step, subjects: subjects.clone(), until, before: before.clone() };
        let sentence = format!("Step {step} of {names} begins.");
        let draft = Draft { run: Some(command.run), event, sentence, answers: None };
        match conductor.try_append(log, draft).await? {
            Some(Written::As(seq)) => return Ok(Some((seq, until, subjects))),
            Some(Written::Illegal(why)) => {
                tracing::info!(%why, "the step is not allowed now");
                return Ok(None);
            }
            None => {}
        }
    }
}

/// How long a step that looks so often rests after a look and what followed it took so long.
fn rest_after(took: SignedDuration, every: Duration) -> Duration {
    let whole = SignedDuration::try_from(every).unwrap_or(REST_MIN);
    Duration::try_from(whole.saturating_sub(took).clamp(REST_MIN, whole)).unwrap_or(every)
}

/// Acts, if the lease leaves time for it at the very moment: effects that waited behind slow ones are left alone.
async fn act(
    work: &dyn Work,
    clock: &dyn Clock,
    until: Timestamp,
    subject: Name,
) -> Option<(Name, Result<(), Failure>)> {
    let left = until.duration_since(clock.now());
    if left < EFFECT_TIME {
        return None;
    }
    // Some effects are several calls, and wait for each other. None of them is begun when the lease is over: others may then
    // hold the item, or undo it.
    let bound = Duration::try_from(left.saturating_sub(LANDS_WITHIN)).unwrap_or_default();
    let result = match futures::future::select(work.act(&subject), clock.sleep(bound)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Failure {
            kind: FailureKind::Unreachable,
            action: "act",
            code: "too_slow".to_owned(),
            message: "no answer before the end of the lease".to_owned(),
        }),
    };
    Some((subject, result))
}

impl Attempt<'_> {
    /// `first` is what was seen right before the intent.
    async fn go(&mut self, mut first: Option<Vec<Sight>>) -> Result<String, Fault> {
        loop {
            let looked_at = self.conductor.clock.now();
            let sights = match first.take() {
                Some(sights) => Ok(sights),
                None => self.work.look(&self.left).await,
            };
            let acted = match sights {
                Ok(sights) => self.take(sights).await?,
                Err(failure) => {
                    self.stumble(&self.left.clone(), &failure).await?;
                    false
                }
            };
            self.let_go_of_lost().await?;
            if self.left.is_empty() {
                return Ok(format!("Step {} of run {} has no more items here.", self.work.step(), self.run));
            }
            if self.conductor.clock.now() >= self.deadline {
                return self.hand_over().await;
            }
            self.renew().await?;
            // What was just asked for often stands at once.
            if !acted {
                let took = self.conductor.clock.now().duration_since(looked_at);
                self.conductor.sleep(rest_after(took, self.poll_every())).await;
            }
        }
    }

    /// How often it looks now. A second look at what stands already is there to see another answer than the first one: it
    /// keeps its distance.
    fn poll_every(&self) -> Duration {
        if self.is_due && !self.is_doubted { POLL_DUE_EVERY } else { POLL_EVERY }
    }

    /// Takes in what was seen; says whether an effect was brought about.
    async fn take(&mut self, sights: Vec<Sight>) -> Result<bool, Fault> {
        let mut done = Vec::new();
        let mut wanting = Vec::new();
        let mut unnoted = Vec::new();
        (self.is_due, self.is_doubted) = (false, false);
        for (subject, sight) in self.left.clone().into_iter().zip(sights) {
            match sight {
                Sight::Stands { .. } if self.work.doubts_one_look() && !self.believed.contains(&subject) => {
                    self.is_doubted = true;
                    self.believed.insert(subject.clone());
                    self.notes.insert(subject, "it stands, and is looked at once more".to_owned());
                }
                Sight::Stands { detail } => done.push(self.outcome(&subject, detail)),
                Sight::Underway { note } => {
                    self.is_due = true;
                    self.notes.insert(subject, note);
                }
                Sight::Wanting { before: Some(_) } if !self.is_noted(&subject) => unnoted.push(subject),
                Sight::Wanting { .. } => {
                    self.is_due |= self.acted_at.contains_key(&subject);
                    self.believed.remove(&subject);
                    wanting.push(subject);
                }
                Sight::Hopeless { code, message } => self.fail(&[subject], code, &message).await?,
            }
        }
        self.finish(done).await?;
        self.leave_to_another(unnoted).await?;
        self.bring_about(wanting).await
    }

    /// Whether the journal holds what an undo of this effect needs. The first look may have seen nothing to note.
    fn is_noted(&self, subject: &Name) -> bool {
        let key = (self.work.step(), subject.clone());
        self.log.state.active_run().is_none_or(|run| run.before.contains_key(&key))
    }

    /// What can't be undone yet is not done: another attempt begins with a first look, and notes what it sees.
    async fn leave_to_another(&mut self, subjects: Vec<Name>) -> Result<(), Fault> {
        if subjects.is_empty() {
            return Ok(());
        }
        let note = "it is not as the first look saw it, and is looked at anew".to_owned();
        self.leave(subjects, note).await
    }

    /// Lets go of items for another attempt, and publishes what is due by now.
    async fn leave(&mut self, subjects: Vec<Name>, note: String) -> Result<(), Fault> {
        let step = self.work.step();
        let names = list(subjects.iter().map(ToString::to_string));
        let sentence = format!("Step {step} lets go of {names}: {note}.");
        self.left.retain(|name| !subjects.contains(name));
        self.hand_back(subjects, note, sentence).await?;
        self.conductor.advance_from(&mut self.log, Facts::default()).await?;
        Ok(())
    }

    /// Whether effects of some items may begin at this moment; what stands against them is dealt with.
    async fn may_begin(&mut self, subjects: &[Name]) -> Result<bool, Fault> {
        match self.work.objection(&self.log.state).await {
            None => return Ok(true),
            Some(Objection::Unknown { note }) => {
                tracing::warn!(note, step = %self.work.step(), "the effects don't begin yet");
                self.notes.extend(subjects.iter().map(|subject| (subject.clone(), note.clone())));
            }
            Some(Objection::Undone { event, sentence, note }) => {
                // Not legal means that somebody else wrote it down, or that the run has stopped: just as well.
                let written = self.conductor.append(&mut self.log, Some(self.run), *event, sentence).await?;
                tracing::warn!(?written, step = %self.work.step(), "the effects don't begin");
                self.leave(subjects.to_vec(), note).await?;
            }
            Some(Objection::Hopeless { code, message }) => self.fail(subjects, code, &message).await?,
        }
        Ok(false)
    }

    fn outcome(&self, subject: &Name, detail: String) -> SubjectDone {
        let now = self.conductor.clock.now();
        let took = self.acted_at.get(subject).map(|at| now.duration_since(*at).as_millis());
        SubjectDone {
            subject: subject.clone(),
            detail,
            changed: took.is_some(),
            took_ms: took.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0),
        }
    }

    /// Acts on what is still held at this moment, by the journal as it is now and by the clock.
    async fn bring_about(&mut self, wanting: Vec<Name>) -> Result<bool, Fault> {
        let fresh: Vec<Name> = wanting.into_iter().filter(|name| !self.acted_lately(name)).collect();
        if fresh.is_empty() {
            return Ok(false);
        }
        self.conductor.refresh(&mut self.log).await?;
        let now = self.conductor.clock.now();
        let held = still_held(&self.log.state, self.work.step(), &fresh, self.intent, now);
        if !self.work.may_object() {
            return self.act_on(held).await;
        }
        let mut acted = false;
        for (place, few) in held.chunks(CONCURRENCY).enumerate() {
            if !self.may_begin(&held[place * CONCURRENCY..]).await? {
                break;
            }
            acted |= self.act_on(few.to_vec()).await?;
        }
        Ok(acted)
    }

    /// Brings effects about; says whether one was accepted.
    async fn act_on(&mut self, held: Vec<Name>) -> Result<bool, Fault> {
        let now = self.conductor.clock.now();
        let acts: Vec<_> = held
            .into_iter()
            .map(|subject| act(self.work, &*self.conductor.clock, self.until, subject))
            .collect();
        let results: Vec<Option<(Name, Result<(), Failure>)>> =
            stream::iter(acts).buffer_unordered(CONCURRENCY).collect().await;
        let mut acted = false;
        for (subject, result) in results.into_iter().flatten() {
            match result {
                Ok(()) => {
                    acted = true;
                    self.believed.insert(subject.clone());
                    self.asked_at.insert(subject.clone(), now);
                    self.acted_at.entry(subject).or_insert(now);
                }
                Err(failure) => {
                    // An answer that was lost may have had its effect: it counts from here.
                    if failure.kind == FailureKind::Unreachable {
                        self.asked_at.insert(subject.clone(), now);
                        self.acted_at.entry(subject.clone()).or_insert(now);
                        self.unanswered_at.insert(subject.clone(), self.conductor.clock.now());
                    }
                    self.stumble(&[subject], &failure).await?;
                }
            }
        }
        Ok(acted)
    }

    /// An effect that was just asked for may take a moment to show; it is not asked for again at once.
    fn acted_lately(&self, subject: &Name) -> bool {
        let now = self.conductor.clock.now();
        self.asked_at.get(subject).is_some_and(|at| now.duration_since(*at) < ASKED_AGAIN_AFTER)
    }

    /// Waits for what passes, fails on what only a person can mend.
    async fn stumble(&mut self, subjects: &[Name], failure: &Failure) -> Result<(), Fault> {
        if failure.can_retry() {
            tracing::warn!(%failure, step = %self.work.step(), "trying again");
            for subject in subjects {
                self.notes.insert(subject.clone(), failure.to_string());
            }
            return Ok(());
        }
        let (code, message) = for_a_person(failure);
        self.fail(subjects, code, &message).await
    }

    async fn finish(&mut self, done: Vec<SubjectDone>) -> Result<(), Fault> {
        if done.is_empty() {
            return Ok(());
        }
        let names: Vec<Name> = done.iter().map(|done| done.subject.clone()).collect();
        let details = list(done.iter().map(|done| format!("{}: {}", done.subject, done.detail)));
        let step = self.work.step();
        let event = Event::StepDone { step, subjects: done, intent: self.intent };
        let sentence = format!("Step {step} is done: {details}.");
        let written = self.conductor.append(&mut self.log, Some(self.run), event, sentence).await?;
        self.left.retain(|name| !names.contains(name));
        match written {
            Written::As(_) => {
                let facts = Facts::default();
                self.conductor.advance_from(&mut self.log, facts).await?;
            }
            Written::Illegal(Illegality::Finished(_)) => self.take_back(&names).await,
            Written::Illegal(why) => tracing::warn!(%why, "the outcome was not needed any more"),
        }
        Ok(())
    }

    /// The run ended without this effect: take back what this attempt did. Not where another run has begun since:
    /// the effect may be that one's too.
    async fn take_back(&mut self, names: &[Name]) {
        let is_aborted = |run: &&Run| run.id == self.run && matches!(run.phase, Phase::Aborted { .. });
        // A run that was completed wants its fence: a worker that was held up must not open the old side again.
        let Some(run) = self.log.state.run.as_ref().filter(is_aborted) else {
            tracing::warn!(run = self.run, "the run was completed, or another has begun; the effects stay");
            return;
        };
        let step = self.work.step();
        for name in names.iter().filter(|name| self.acted_at.contains_key(name)) {
            let before = run.before.get(&(step, name.clone()));
            if let Err(failure) = self.work.take_back(name, before.map(String::as_str)).await {
                tracing::error!(%failure, subject = %name, "an effect of an aborted run could not be taken back");
            }
        }
    }

    async fn fail(&mut self, subjects: &[Name], code: &str, message: &str) -> Result<(), Fault> {
        let step = self.work.step();
        let names = list(subjects.iter().map(ToString::to_string));
        let event = Event::StepFailed {
            step,
            subjects: subjects.to_vec(),
            intent: self.intent,
            code: code.to_owned(),
            message: message.to_owned(),
            quiet: is_known_failure(&self.log.state, step, self.conductor.clock.now()),
        };
        let sentence = format!("Step {step} of {names} failed ({code}): {message}.");
        self.conductor.append(&mut self.log, Some(self.run), event, sentence).await?;
        self.left.retain(|name| !subjects.contains(name));
        self.conductor.advance_from(&mut self.log, Facts::default()).await?;
        Ok(())
    }

    /// Lets go of what another worker holds by now, and of what the run no longer wants (it was aborted, or it
    /// stopped for an operator).
    async fn let_go_of_lost(&mut self) -> Result<(), Fault> {
        self.conductor.refresh(&mut self.log).await?;
        let now = self.conductor.clock.now();
        let step = self.work.step();
        let held = still_held(&self.log.state, step, &self.left, self.intent, now);
        let lost: Vec<Name> = self.left.iter().filter(|name| !held.contains(name)).cloned().collect();
        self.outlast_unanswered(&lost).await;
        for subject in &lost {
            let note = "the run does not want it now, or another worker holds it".to_owned();
            let sentence = format!("Step {step} lets go of {subject}: {note}.");
            // Not legal means that somebody else holds it, or that the run is over: just as well.
            let written = self.hand_back(vec![subject.clone()], note, sentence).await?;
            tracing::info!(?written, %subject, %step, "let go");
            if matches!(written, Written::Illegal(Illegality::Finished(_))) {
                self.take_back(std::slice::from_ref(subject)).await;
            }
        }
        self.left = held;
        if !lost.is_empty() {
            self.conductor.advance_from(&mut self.log, Facts::default()).await?;
        }
        Ok(())
    }

    /// Holds the items for longer.
    async fn renew(&mut self) -> Result<(), Fault> {
        let now = self.conductor.clock.now();
        if self.until.duration_since(now) >= LEASE_LEFT_MIN {
            return Ok(());
        }
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let note = self.note();
        let step = self.work.step();
        let sentence = format!("Step {step} waits: {note}.");
        let event =
            Event::StepWaiting { step, subjects: self.left.clone(), intent: self.intent, until, note };
        match self.conductor.append(&mut self.log, Some(self.run), event, sentence).await? {
            Written::As(_) => self.until = until,
            Written::Illegal(why) => tracing::info!(%why, "the items are no longer held"),
        }
        Ok(())
    }

    /// What an unanswered call was for is not let go before the call can have landed: an undo would look too early, and
    /// see nothing to undo.
    async fn outlast_unanswered(&self, subjects: &[Name]) {
        let Some(last) = subjects.iter().filter_map(|name| self.unanswered_at.get(name)).max() else {
            return;
        };
        let rest = LANDS_WITHIN.saturating_sub(self.conductor.clock.now().duration_since(*last));
        if let Ok(rest) = Duration::try_from(rest) {
            self.conductor.sleep(rest).await;
        }
    }

    async fn hand_over(&mut self) -> Result<String, Fault> {
        self.outlast_unanswered(&self.left).await;
        let step = self.work.step();
        let note = self.note();
        let sentence = format!("Step {step} is handed over to the tick: {note}.");
        self.hand_back(self.left.clone(), note, sentence.clone()).await?;
        Ok(sentence)
    }

    /// Writes that items are held no longer, and have no outcome.
    async fn hand_back(
        &mut self,
        subjects: Vec<Name>,
        note: String,
        sentence: String,
    ) -> Result<Written, Fault> {
        let event = Event::StepHandedOver { step: self.work.step(), subjects, intent: self.intent, note };
        self.conductor.append(&mut self.log, Some(self.run), event, sentence).await
    }

    fn note(&self) -> String {
        list(self.left.iter().map(|name| match self.notes.get(name) {
            Some(note) => format!("{name} ({note})"),
            None => name.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_begin_two_seconds_apart_or_one_while_an_effect_is_due_and_never_follow_at_once() {
        let rests = |every, took_ms| rest_after(SignedDuration::from_millis(took_ms), every).as_millis();
        let before = |took_ms| rests(POLL_EVERY, took_ms);
        assert_eq!([0, 120, 1_400, 1_900, 12_000].map(before), [2_000, 1_880, 600, 500, 500]);
        let due = |took_ms| rests(POLL_DUE_EVERY, took_ms);
        assert_eq!([0, 120, 400, 900, 12_000].map(due), [1_000, 880, 600, 500, 500]);
        // A clock that went back does not make it wait for longer.
        assert_eq!((before(-5_000), due(-5_000)), (2_000, 1_000));
    }
}

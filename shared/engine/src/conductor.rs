//! The one way to change the journal: load, decide, append, decide again, publish.
//!
//! Whoever appends an outcome goes through here, so whoever is last publishes what is due next. If it dies in
//! between, the tick comes through here too.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::{AlertClaim, Appended, Clock, Failure, Ids, Journal, Publisher};
use protocol::decide::{Draft, Facts, Verdict};
use protocol::journal::{JOURNAL_SCHEMA, Record};
use protocol::plan::Plan;
use protocol::state::{State, evolve};

use crate::append::Written;
use crate::fault::Fault;
pub use crate::log::Log;
use crate::log::Unread;
use crate::notice::subject;
use crate::turn::{self, Turn, TurnOutput};

/// How often people are told that the journal can't be read: a tick, its retries and every worker notice it.
pub const ALERT_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What came of a call to [`Conductor::advance`].
#[derive(Clone, Debug)]
pub struct Advanced {
    /// The state afterwards.
    pub state: State,
    /// What was decided last and why.
    pub sentence: String,
    /// What became of the operator's command, if there was one.
    pub verdict: Option<(Verdict, String)>,
    /// How many records were appended.
    pub appended: usize,
}

/// Drives the pure core on the ports.
#[derive(Clone)]
pub struct Conductor {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Commands and notices.
    pub publisher: Arc<dyn Publisher>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Attempt ids.
    pub ids: Arc<dyn Ids>,
    /// Who writes: the function, and which of its instances.
    pub writer: String,
    /// The request id of an operator's invocation.
    pub request: Option<String>,
    /// A snapshot of the state is due after so many records.
    pub snapshot_every: u64,
    /// Whether people are told when the journal can't be read. The functions of the steps leave that to the tick, which
    /// notices within a minute.
    pub tells_of_unreadable: bool,
}

impl Conductor {
    /// Reads what was appended since the last read; the first time, from the newest good snapshot on.
    pub async fn refresh(&self, log: &mut Log) -> Result<(), Fault> {
        match log.read(&*self.journal, &self.plan.name).await {
            Ok(()) => Ok(()),
            Err(unread) => Err(self.unreadable(&unread).await),
        }
    }

    /// Fails closed and loud: without the journal nothing automatic happens, and people are told, once an hour whoever
    /// notices. The fault itself reaches the caller each time.
    pub(crate) async fn unreadable(&self, unread: &Unread) -> Fault {
        let fault = Fault::new("journal_unreadable", unread.sentence(&self.plan.name));
        if !self.tells_of_unreadable {
            return fault;
        }
        let (alert, now) = (unread.alert(), self.clock.now());
        let quiet_since = now.checked_sub(ALERT_EVERY).unwrap_or(Timestamp::MIN);
        let claim = AlertClaim { alert, at: now, quiet_since };
        let may_tell = self.journal.claim_alert(&self.plan.name, &claim).await.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "whether a notice was sent is unknown; sending one now");
            true
        });
        if !may_tell {
            tracing::error!(why = %fault.message, "journal unreadable; a notice went out within the hour");
            return fault;
        }
        if let Err(failure) =
            self.publisher.notice(&subject(&self.plan.name, "journal unreadable"), &fault.message).await
        {
            tracing::error!(%failure, "the notice that the journal is unreadable could not be sent");
            if let Err(failure) = self.journal.yield_alert(&self.plan.name, alert).await {
                tracing::error!(%failure, "that notice stays claimed; the next one goes out in an hour");
            }
        }
        fault
    }

    /// Decides and appends until there is nothing to append, then publishes what is due.
    pub async fn advance(&self, log: &mut Log, facts: Facts) -> Result<Advanced, Fault> {
        self.refresh(log).await?;
        self.advance_from(log, facts).await
    }

    /// The same without reading first: for a caller who has just read or written.
    pub async fn advance_from(&self, log: &mut Log, facts: Facts) -> Result<Advanced, Fault> {
        let mut turn = Turn::new(facts);
        let mut input = turn::TurnInput::Begin;
        let ended = loop {
            input = match turn.next(input, &self.plan, &log.state, self.clock.now()) {
                TurnOutput::Append(draft) => self
                    .try_append(log, draft)
                    .await?
                    .map_or(turn::TurnInput::Raced, turn::TurnInput::Written),
                TurnOutput::Note(draft) => match self.try_append(log, draft).await {
                    Ok(written) => written.map_or(turn::TurnInput::Raced, turn::TurnInput::Written),
                    Err(fault) => {
                        tracing::warn!(%fault, "the notice was sent but not recorded; it may be sent twice");
                        turn::TurnInput::GoOn
                    }
                },
                TurnOutput::Publish(commands) => {
                    self.publish(&commands).await;
                    turn::TurnInput::Published
                }
                TurnOutput::Notice { of, subject, sentence } => {
                    turn::TurnInput::Told(self.tell(of, &subject, &sentence).await)
                }
                TurnOutput::End(ended) => break ended,
                TurnOutput::Illegal(why) => {
                    return Err(Fault::new(
                        "illegal_decision",
                        format!("A decision broke a rule of the journal: {why}"),
                    ));
                }
                TurnOutput::Restless(sentence) => {
                    return Err(Fault::new(
                        "no_rest",
                        format!("The decision loop does not settle: {sentence}"),
                    ));
                }
                TurnOutput::Unnoted(seq) => {
                    tracing::warn!(seq, "the notice was sent but not recorded; it may be sent twice");
                    turn::TurnInput::GoOn
                }
            };
        };
        let turn::Ended { sentence, verdict, appended } = ended;
        Ok(Advanced { state: log.state.clone(), sentence, verdict, appended })
    }

    /// Publishing is a wake-up: when it fails, the tick publishes again.
    async fn publish(&self, commands: &[protocol::command::StepCommand]) {
        if let Err(failure) = self.publisher.commands(commands).await {
            tracing::warn!(%failure, "commands were not published; the tick will publish them again");
        }
    }

    /// Tells people of a notable record; says whether they were told.
    async fn tell(&self, seq: u64, subject: &str, sentence: &str) -> bool {
        match self.publisher.notice(subject, sentence).await {
            Ok(()) => true,
            Err(failure) => {
                tracing::warn!(%failure, seq, "the notice was not sent; the tick will retry");
                false
            }
        }
    }

    /// Appends a record at the next sequence number; `None` when another record has taken it, which is read.
    pub async fn try_append(&self, log: &mut Log, draft: Draft) -> Result<Option<Written>, Fault> {
        let record = Record {
            schema: JOURNAL_SCHEMA,
            plan: self.plan.name.clone(),
            seq: log.state.next_seq(),
            run: draft.run,
            at: self.clock.now(),
            writer: self.writer.clone(),
            request: self.request.clone(),
            attempt: self.ids.fresh(),
            previous: log.last_digest().cloned(),
            sentence: draft.sentence,
            event: draft.event,
        };
        let next = match evolve(log.state.clone(), &record) {
            Ok(next) => next,
            Err(illegal) => return Ok(Some(Written::Illegal(illegal.why))),
        };
        match self.journal.append(&record).await {
            Ok(Appended::Stands(digest)) => {
                tracing::info!(seq = record.seq, sentence = %record.sentence, "appended");
                log.stands(next, digest);
                Ok(Some(Written::As(record.seq)))
            }
            Ok(Appended::Taken) => {
                self.refresh(log).await?;
                Ok(None)
            }
            Err(failure) => Err(not_written(&failure)),
        }
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

fn not_written(failure: &Failure) -> Fault {
    Fault::from_failure(
        "journal_unwritable",
        "The journal can't be written, so Pilotlight does nothing",
        failure,
    )
}

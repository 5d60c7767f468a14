//! What hurts one call of one step: the ports of the twin, with every call of the step's workers counted, one of them
//! (or all for a while) failing, unanswered or deadly, and every effect written down.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ports::{Answer, Failure, FailureKind};
use protocol::command::Step;
use protocol::name::Name;
use tokio::sync::Notify;
use twin::{Call, MemoryWorld, Policy};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It fails without effect.
    Fails(FailureKind),
    /// It has its effect, and no answer.
    LosesAnswer,
    /// The worker dies before it.
    KillsBefore,
    /// The worker dies after its effect.
    KillsAfter,
}

/// An effect of the step, and how far the journal was when it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The worker.
    pub writer: String,
    /// The item.
    pub subject: Name,
    /// The last record at that moment.
    pub after_seq: u64,
}

/// Counts the calls of one step's workers, and hurts them.
#[derive(Clone)]
pub struct Tap {
    /// The step.
    pub step: Step,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    harm: Option<Harm>,
    from: usize,
    to: usize,
    calls: usize,
    effects: Vec<Effect>,
}

impl Tap {
    /// Hurts nothing: counts.
    pub fn counting(step: Step) -> Self {
        Self::new(step, None, 0, 0)
    }

    /// Hurts the calls with these numbers, from the first (0) to before the last.
    pub fn hurting(step: Step, harm: Harm, from: usize, to: usize) -> Self {
        Self::new(step, Some(harm), from, to)
    }

    fn new(step: Step, harm: Option<Harm>, from: usize, to: usize) -> Self {
        let inner = Inner { harm, from, to, calls: 0, effects: Vec::new() };
        Self { step, inner: Arc::new(Mutex::new(inner)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.inner().calls
    }

    /// What the step brought about.
    pub fn effects(&self) -> Vec<Effect> {
        self.inner().effects.clone()
    }

    /// The harm of the next call, if any.
    fn next(&self) -> Option<Harm> {
        let mut inner = self.inner();
        let index = inner.calls;
        inner.calls += 1;
        inner.harm.filter(|_| (inner.from..inner.to).contains(&index))
    }
}

/// One worker's way through the tap.
pub(crate) struct Line {
    tap: Tap,
    world: Arc<MemoryWorld>,
    writer: String,
    died: Arc<Notify>,
}

impl Line {
    /// A worker's way; `died` tells of its death.
    pub(crate) fn new(tap: Tap, world: Arc<MemoryWorld>, writer: String, died: Arc<Notify>) -> Self {
        Self { tap, world, writer, died }
    }

    async fn die(&self) -> Infallible {
        self.died.notify_one();
        std::future::pending().await
    }

    /// Writes down what has come about.
    fn note(&self, subject: Name) {
        let after_seq = self.world.inner().records.last().map_or(0, |record| record.seq);
        let effect = Effect { writer: self.writer.clone(), subject, after_seq };
        self.tap.inner().effects.push(effect);
    }
}

impl Policy for Line {
    async fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        // No step of a worker looks at alarms.
        if matches!(call, Call::AlarmStates { .. }) {
            return go.await;
        }
        let (action, item) = (call.action(), call.changes().cloned());
        let noted = async {
            let answer = go.await;
            if let (Ok(_), Some(item)) = (&answer, item) {
                self.note(item);
            }
            answer
        };
        match self.tap.next() {
            None => noted.await,
            Some(Harm::Fails(kind)) => Err(failure(action, kind)),
            Some(Harm::LosesAnswer) => {
                drop(noted.await);
                Err(failure(action, FailureKind::Unreachable))
            }
            Some(Harm::KillsBefore) => match self.die().await {},
            Some(Harm::KillsAfter) => {
                drop(noted.await);
                match self.die().await {}
            }
        }
    }
}

fn failure(action: &'static str, kind: FailureKind) -> Failure {
    Failure { kind, action, code: format!("{kind:?}"), message: "a harm of the test".to_owned() }
}

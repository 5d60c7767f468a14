//! What is the world that tests play in? One plan's, with its own clock and with faults that a test queues up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ports::{Answer, Clock, FailureKind};
use protocol::name::Name;
use protocol::observation::LagSample;
use protocol::plan::Plan;
use protocol::side::Side;
use protocol::signal::AlarmState;

use crate::faults::{InjectedFault, failure};
use crate::inner::{AlarmTwin, Inner};

/// A world of one plan.
pub struct MemoryWorld {
    pub(crate) clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl MemoryWorld {
    /// A world as the plan wants it on a good day: everything in the primary, the fleets at zero.
    pub fn new(plan: &Plan, clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::new(Inner::of(plan)) }
    }

    /// The world itself, to look into or to change.
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something go wrong with the next call of an action.
    pub fn fault(&self, action: &'static str, fault: InjectedFault) {
        self.inner().faults.push(action, fault);
    }

    /// Takes a lag sample of every database, as CloudWatch would while the source lives.
    pub fn sample_lag(&self, lag_ms: u64) {
        let at = self.clock.now();
        let mut inner = self.inner();
        let names: Vec<Name> = inner.databases.keys().cloned().collect();
        for name in names {
            inner.lag.entry(name).or_default().push(LagSample { at, lag_ms: Some(lag_ms) });
        }
    }

    /// Puts an alarm into a state, as of now.
    pub fn set_alarm(&self, arn: &str, state: AlarmState) {
        let changed_at = self.clock.now();
        let twin = AlarmTwin { state, changed_at, held_back: None };
        self.inner().alarms.insert(arn.to_owned(), twin);
    }

    /// The guard's side.
    pub(crate) fn own(&self) -> Side {
        self.inner().seat
    }

    /// Counts a call; says what goes wrong with it: before the effect (`Err`) or after it (`Ok(true)`).
    pub(crate) fn call(&self, action: &'static str) -> Answer<bool> {
        let mut inner = self.inner();
        *inner.calls.entry(action).or_default() += 1;
        inner.faults.next(action)
    }
}

/// Refuses a call that is meant for one side and names the other.
pub(crate) fn must_be(side: Side, wanted: Side, action: &'static str) -> Answer<()> {
    let (side, wanted) = (side.as_str(), wanted.as_str());
    if side == wanted {
        return Ok(());
    }
    let message = format!("asked of the {side} side, and only the {wanted} side has it");
    Err(failure(action, FailureKind::Invalid, &message))
}

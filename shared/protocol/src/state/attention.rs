//! What a record means for the calls that stand: who is called, who has answered, and what flaps.

use jiff::Timestamp;

use super::{Cleanup, Phase, Progress, State};
use crate::attention::{Attention, Call, CallChange, Matter};
use crate::command::Step;
use crate::journal::{AbortCause, Cause, Event, Record};
use crate::name::Name;

impl Attention {
    /// What a state asks of people.
    pub fn of(state: &State) -> Self {
        let calls = |matter| state.calls.contains_key(&matter);
        let by_run = match state.active_run().map(|run| &run.phase) {
            Some(Phase::NeedsOperator { .. }) => Self::NeedsOperator,
            Some(Phase::Aborting { .. }) if calls(Matter::Undo) => Self::NeedsOperator,
            Some(Phase::AwaitingApproval { .. }) => Self::WaitsForPerson,
            _ => Self::None,
        };
        let by_call = if calls(Matter::Quarantine) {
            Self::NeedsOperator
        } else if Matter::OF_UNOPPOSED_LOSS.into_iter().any(calls)
            || [Matter::Reopened, Matter::Unprotected].into_iter().any(calls)
        {
            Self::WaitsForPerson
        } else if calls(Matter::Vetoed) {
            Self::Vetoed
        } else {
            Self::None
        };
        by_run.max(by_call)
    }
}

impl State {
    /// Notes what a record that was just applied means for the calls.
    pub(super) fn note_attention(&mut self, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::Attention { matter, turn, subjects } => self.turn(record, *matter, *turn, subjects),
            Event::RunOpened { cause: Cause::Operator { .. }, .. } => self.settle(&Matter::OF_LOSS),
            Event::ApprovalAsked { quiet, .. } => {
                self.settle(&Matter::OF_UNOPPOSED_LOSS);
                if !quiet {
                    self.ask(at);
                }
            }
            Event::OperatorNeeded { quiet: Some(true), .. } => {}
            Event::OperatorNeeded { quiet, .. } => {
                self.call(Matter::Operator, record);
                // Where evidence that wavers meets a closed gate, it is one request after the other, as for an approval.
                if quiet.is_some() {
                    self.ask(at);
                }
                self.speak_of_the_run();
            }
            Event::StepFailed { step, quiet, .. } => self.note_failure(*step, *quiet, record),
            Event::Overdue { step, .. } if step.undoes().is_some() => self.call(Matter::Undo, record),
            Event::StepDone { step: Step::Quarantine, .. } => self.settle_quarantine(),
            Event::FenceLost { .. } if record.run.is_none() => {
                self.call_again(Matter::Reopened, at);
            }
            Event::FenceRegained { .. } if self.opened_again().next().is_none() => {
                self.settle(&[Matter::Reopened]);
            }
            Event::Committed { .. } => {
                self.settle(&[Matter::Approval, Matter::Operator, Matter::Undo]);
                self.settle(&Matter::OF_LOSS);
                self.dismissals = crate::attention::Dismissals::default();
            }
            Event::Resumed { .. } => self.settle(&[Matter::Operator]),
            Event::Completed { .. } => self.settle(&[Matter::Operator, Matter::Approval]),
            Event::AbortBegan { cause, .. } => self.note_abort(cause),
            Event::Aborted { cause, quiet } => {
                self.note_abort(cause);
                self.settle(&[Matter::Undo, Matter::RollingBack]);
                if *cause == AbortCause::Evidence {
                    self.note_dismissal(*quiet, record);
                }
            }
            _ => {}
        }
    }

    fn turn(&mut self, record: &Record, matter: Matter, turn: CallChange, subjects: &[Name]) {
        let at = record.at;
        match turn {
            CallChange::Called if matter == Matter::LostQuarantine => {
                self.set_lost(subjects, true);
                self.settle_quarantine();
            }
            CallChange::Called => {
                if matches!(matter, Matter::Approval | Matter::Operator) {
                    self.speak_of_the_run();
                }
                self.call_again(matter, at);
            }
            CallChange::Eased => {
                if let Some(call) = self.calls.get_mut(&matter) {
                    call.eased_at.get_or_insert(at);
                }
            }
            CallChange::Returned => {
                if let Some(call) = self.calls.get_mut(&matter) {
                    call.eased_at = None;
                }
            }
            CallChange::Ended => {
                self.set_lost(subjects, false);
                self.settle(&[matter]);
            }
        }
    }

    /// Notes that people were asked to let a run move.
    fn ask(&mut self, at: Timestamp) {
        let earlier = self.calls.get(&Matter::Approval).filter(|call| !call.is_stale(at));
        let call = earlier.map_or(Call::first(at), |call| call.again(at));
        self.calls.insert(Matter::Approval, call);
    }

    /// People are called for a matter, for the first time or once more.
    fn call_again(&mut self, matter: Matter, at: Timestamp) {
        let call = self.calls.get(&matter).map_or(Call::first(at), |call| call.again(at));
        self.calls.insert(matter, call);
    }

    /// Notes whether people know that the plan lost what it takes to cut old primaries off.
    fn set_lost(&mut self, databases: &[Name], lost: bool) {
        for database in databases {
            if let Some(quarantine) = self.cleanup.get_mut(&(Step::Quarantine, database.clone())) {
                quarantine.lost = lost;
            }
        }
    }

    fn call(&mut self, matter: Matter, record: &Record) {
        self.calls.insert(matter, Call::first(record.at));
    }

    fn settle(&mut self, matters: &[Matter]) {
        self.calls.retain(|matter, _| !matters.contains(matter));
    }

    /// A failure stops a run that moves; what must be done in any case is tried again, and fails again.
    fn note_failure(&mut self, step: Step, quiet: bool, record: &Record) {
        let Some(matter) = Matter::of_duty(step.spec().duty) else {
            let stops = self.active_run().is_some_and(
                |run| matches!(run.phase, Phase::NeedsOperator { since, .. } if since == record.at),
            );
            if stops {
                self.call(Matter::Operator, record);
            }
            return;
        };
        if !quiet {
            self.call_again(matter, record.at);
        }
    }

    fn settle_quarantine(&mut self) {
        let fails = |quarantine: &Cleanup| {
            !quarantine.lost && matches!(quarantine.progress, Some(Progress::Failed { .. }))
        };
        if !self.cleanup.values().any(fails) {
            self.settle(&[Matter::Quarantine]);
        }
    }

    /// People know of the run under way, so they are told how it ends.
    fn speak_of_the_run(&mut self) {
        if let Some(run) = self.run.as_mut().filter(|run| !run.phase.is_final()) {
            run.course.is_quiet = false;
        }
    }

    /// An operator's abort answers what was asked. Where the evidence ended the run, the next request for an approval
    /// may be one more of the same.
    fn note_abort(&mut self, cause: &AbortCause) {
        self.settle(&[Matter::Operator]);
        if *cause != AbortCause::Evidence {
            self.settle(&[Matter::Approval]);
        }
    }

    fn note_dismissal(&mut self, quiet: bool, record: &Record) {
        if quiet {
            self.dismissals.untold = self.dismissals.untold.saturating_add(1);
        } else {
            self.dismissals = self.dismissals.and_one(record.at);
        }
    }

    /// A sign that came while no further run is opened for such signs.
    pub(super) fn note_sign(&mut self, at: Timestamp) {
        if self.active_run().is_none() && self.dismissals.rest_until(at).is_some() {
            self.dismissals.folded = self.dismissals.folded.saturating_add(1);
        }
    }
}

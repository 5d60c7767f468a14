//! Folding the journal: each record either follows the state or is illegal. Total, deterministic, no clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::holdings::{FIRST_TERM, Holding, Ownership};
use super::illegal::{IllegalRecord, Illegality};
use super::{
    AlarmWord, CONTRIBUTORS_MAX, Cleanup, Course, Hold, OneOfTwo, Phase, Progress, REJECTIONS_MAX, Rejected,
    Reopened, Run, SOURCE_CHARACTERS_MAX, State, Steps, Unnoticed, is_readable,
};
use crate::command::Step;
use crate::evidence::{Evidence, EvidenceKey, EvidenceKind, OBSERVATION_GAP_MAX, Standing};
use crate::graph::{may_run, not_undone, require_barriers};
use crate::journal::RunReport;
use crate::journal::{
    Anew, Cause, DataLoss, EndpointSeen, Event, GroupTerm, LostFence, Need, Record, SubjectDone, SubjectNote,
};
use crate::name::Name;
use crate::operator::Overrides;
use crate::signal::AlarmState;

/// Folds a whole journal.
pub fn fold<'r>(records: impl IntoIterator<Item = &'r Record>) -> Result<State, IllegalRecord> {
    records.into_iter().try_fold(State::default(), evolve)
}

/// The state after one more record.
///
/// # Errors
/// The record cannot follow the state: its number is not the next, a newer version wrote it, or the rules
/// forbid what it says.
pub fn evolve(mut state: State, record: &Record) -> Result<State, IllegalRecord> {
    let illegal = |why| IllegalRecord { seq: record.seq, why };
    if !is_readable(record.schema) {
        return Err(illegal(Illegality::Schema(record.schema)));
    }
    if record.seq != state.next_seq() {
        return Err(illegal(Illegality::Sequence { expected: state.next_seq(), found: record.seq }));
    }
    state.apply(record).map_err(illegal)?;
    state.note_attention(record);
    state.last_seq = record.seq;
    if record.event.is_notable() {
        let unnoticed = Unnoticed { at: record.at, title: record.title(), sentence: record.sentence.clone() };
        state.unnoticed.insert(record.seq, unnoticed);
    }
    Ok(state)
}

impl State {
    fn apply(&mut self, record: &Record) -> Result<(), Illegality> {
        let at = record.at;
        match &record.event {
            Event::SignalRejected { source, reason, changed_at, muted } => {
                if *muted {
                    self.mute(source, *changed_at);
                }
                let rejected = self.rejected.entry(*reason).or_default();
                rejected.retain(|earlier| earlier.counts(at) && !earlier.is_of(source));
                let source = source.chars().take(SOURCE_CHARACTERS_MAX).collect();
                rejected.push(Rejected { source, at });
                if rejected.len() > REJECTIONS_MAX {
                    rejected.remove(0);
                }
            }
            Event::EvidenceSeen { evidence } => {
                for evidence in evidence {
                    self.see_evidence(evidence, record.seq);
                }
                self.weigh(at);
            }
            Event::EvidenceCleared { keys, seen_at } => {
                for key in keys {
                    self.clear_evidence(key, *seen_at);
                }
                self.weigh(at);
            }
            Event::AlarmsSilent { region, since } => {
                self.silences.entry(region.clone()).or_insert(*since);
                self.weigh(at);
            }
            Event::AlarmsAnswer { region } => {
                self.silences.remove(region);
                self.weigh(at);
            }
            Event::MultiAzFailoverSeen { database, seen_at } => {
                self.see_multi_az_failover(database, *seen_at);
            }
            Event::HoldPlaced { by, reason, until } => {
                self.hold = Some(Hold { by: by.clone(), reason: reason.clone(), until: *until });
            }
            Event::HoldReleased { .. } => self.hold = None,
            Event::Acknowledged { of_run, .. } => self.acknowledged = Some(*of_run),
            Event::CommandRefused { .. } | Event::Attention { .. } => {}
            Event::Noticed { of } => {
                self.unnoticed.remove(of);
            }
            Event::Overdue { step, subjects } if step.is_cleanup() => self.note_overdue(*step, subjects),
            Event::GuardStarted { table_id, stands_by } => self.start(table_id, stands_by, at)?,
            Event::GuardRestored { table_id } => self.forget_groups(table_id, at),
            Event::GroupsAdopted { active, unprotected, offset, .. } => {
                self.adopt(active, unprotected, *offset, record)?;
            }
            Event::GroupsActive { groups } => self.find_active(groups, at)?,
            Event::GroupsLeft { groups, fleets, .. } => self.leave(groups, fleets, record)?,
            Event::GroupsStandBy { groups } => self.stand_by(groups, at)?,
            Event::FenceLost { routes } if record.run.is_none() => self.reopen(routes, at)?,
            Event::FenceRegained { routes } => self.close_again(routes),
            Event::RunOpened { .. } => self.open_run(record)?,
            event => match event.step().filter(|step| step.is_cleanup()) {
                Some(step) => self.apply_cleanup(step, record)?,
                None => self.apply_to_run(record)?,
            },
        }
        Ok(())
    }

    fn start(&mut self, table_id: &str, stands_by: &[Name], at: Timestamp) -> Result<(), Illegality> {
        if self.guard.is_some() {
            return Err(Illegality::Started);
        }
        self.require(stands_by, "it was moved", |held| held == Holding::default())?;
        self.guard = Some(OneOfTwo::beginning(table_id, at));
        self.hold_items(stands_by, Holding::default(), at);
        Ok(())
    }

    /// From now on the guard's side is this for items.
    fn hold_items(&mut self, items: &[Name], holding: Holding, at: Timestamp) {
        self.holdings.hold(items, holding);
        self.note_held(items, at);
    }

    /// Notes since when the guard's side is what it is for items, for one of two.
    fn note_held<'n>(&mut self, items: impl IntoIterator<Item = &'n Name>, at: Timestamp) {
        if let Some(guard) = &mut self.guard {
            guard.held_since.extend(items.into_iter().map(|item| (item.clone(), at)));
        }
    }

    /// Whatever was known of groups may be wrong. What was under way with them ends where it stands.
    fn forget_groups(&mut self, table_id: &str, at: Timestamp) {
        self.guard = Some(OneOfTwo { is_restored: true, ..OneOfTwo::beginning(table_id, at) });
        self.holdings.forget_all();
        self.cleanup.clear();
        self.reopened.clear();
        self.active_since = None;
        if let Some(run) = self.run.as_mut().filter(|run| !run.phase.is_final()) {
            run.phase = Phase::Superseded { at };
        }
    }

    fn find_active(&mut self, groups: &[GroupTerm], at: Timestamp) -> Result<(), Illegality> {
        for group in groups {
            self.require(&group.items, "only what is unknown is found to serve", |held| {
                held.ownership == Ownership::Unknown
            })?;
            self.hold_items(&group.items, Holding { ownership: Ownership::Active, term: group.term }, at);
        }
        Ok(())
    }

    /// A person has said what is so of groups that were unknown. The other guard must hear that some were left before they are followed.
    fn adopt(
        &mut self,
        active: &[GroupTerm],
        unprotected: &[GroupTerm],
        offset: u64,
        record: &Record,
    ) -> Result<(), Illegality> {
        self.find_active(active, record.at)?;
        for group in unprotected {
            self.require(&group.items, "only what is unknown is adopted", |held| {
                held.ownership == Ownership::Unknown
            })?;
            let left = Holding { ownership: Ownership::Unprotected, term: group.term };
            self.hold_items(&group.items, left, record.at);
        }
        let Some(guard) = &mut self.guard else { return Err(Illegality::NotStarted) };
        guard.is_restored = false;
        guard.offset = (offset > 0).then_some(offset).or(guard.offset);
        if !unprotected.is_empty() {
            guard.left_seq = Some(record.seq);
        }
        Ok(())
    }

    /// The other guard owns groups. A run, and what runs left to be done for them, is over without being undone.
    fn leave(&mut self, groups: &[GroupTerm], fleets: &[Name], record: &Record) -> Result<(), Illegality> {
        for group in groups {
            self.require(&group.items, "it is left only for a higher term", |held| {
                held.ownership == Ownership::Unknown || held.term < group.term
            })?;
            let left = Holding { ownership: Ownership::Unprotected, term: group.term };
            self.hold_items(&group.items, left, record.at);
            self.cleanup.retain(|(_, item), _| !group.items.contains(item));
            self.reopened.retain(|route, _| !group.items.contains(route));
            if let Some(run) = self.run.as_mut().filter(|run| !run.phase.is_final()) {
                run.drop_items(&group.items, record.at);
            }
        }
        self.holdings.forget(fleets);
        if let Some(guard) = &mut self.guard {
            guard.left_seq = Some(record.seq);
        }
        if !self.holdings.has_active() {
            self.active_since = None;
        }
        Ok(())
    }

    fn stand_by(&mut self, groups: &[GroupTerm], at: Timestamp) -> Result<(), Illegality> {
        for group in groups {
            self.require(
                &group.items,
                "only what is unprotected, by the same term, comes to stand by",
                |held| held.ownership == Ownership::Unprotected && held.term == group.term,
            )?;
            self.hold_items(&group.items, Holding { ownership: Ownership::Standby, term: group.term }, at);
        }
        Ok(())
    }

    fn require(
        &self,
        items: &[Name],
        because: &'static str,
        is_right: impl Fn(Holding) -> bool,
    ) -> Result<(), Illegality> {
        let wrong = items.iter().find(|item| !is_right(self.holding(item)));
        wrong.map_or(Ok(()), |item| {
            let ownership = self.holding(item).ownership;
            Err(Illegality::Ownership { subject: item.clone(), ownership, because })
        })
    }

    fn note_overdue(&mut self, step: Step, subjects: &[Name]) {
        for subject in subjects {
            if let Some(cleanup) = self.cleanup.get_mut(&(step, subject.clone())) {
                cleanup.overdue = true;
            }
        }
    }

    /// Somebody opened the primary side of routes that have moved.
    fn reopen(&mut self, routes: &[LostFence], at: Timestamp) -> Result<(), Illegality> {
        for LostFence { route, .. } in routes {
            if !self.holdings.is_active(route) {
                let because = "its route has not moved";
                return Err(Illegality::Step { step: Step::Fence, subject: route.clone(), because });
            }
            self.reopened.insert(route.clone(), Reopened { at, is_open: true });
        }
        Ok(())
    }

    fn close_again(&mut self, routes: &[Name]) {
        for route in routes {
            if let Some(reopened) = self.reopened.get_mut(route) {
                reopened.is_open = false;
            }
        }
    }

    fn see_evidence(&mut self, evidence: &Evidence, seq: u64) {
        if evidence.key.kind == EvidenceKind::Alarm {
            self.hear_alarm(&evidence.key, evidence.seen_at, AlarmState::Alarm);
        }
        if !self.evidence.contains_key(&evidence.key) {
            self.note_sign(evidence.seen_at);
        }
        let before = self.evidence.get(&evidence.key);
        let raised_seq = before.map_or(seq, |standing| standing.raised_seq);
        let had_gap = before.is_some_and(|standing| {
            evidence.key.kind != EvidenceKind::Alarm
                && evidence.seen_at.duration_since(standing.last_seen) > OBSERVATION_GAP_MAX
        });
        let since = before.filter(|_| !had_gap).map_or(evidence.seen_at, |standing| standing.since);
        let standing = Standing {
            since,
            last_seen: evidence.seen_at,
            outside: evidence.outside,
            vantage: evidence.vantage.clone(),
            detail: evidence.detail.clone(),
            raised_seq,
        };
        self.evidence.insert(evidence.key.clone(), standing);
        if had_gap {
            self.restart_window();
        }
    }

    fn clear_evidence(&mut self, key: &EvidenceKey, seen_at: Timestamp) {
        match key.kind {
            EvidenceKind::Alarm => self.hear_alarm(key, seen_at, AlarmState::Ok),
            // A sign of life: what RDS says from here on is about something new.
            EvidenceKind::Probe | EvidenceKind::Replica => self.multi_az_failovers_since = None,
        }
        self.evidence.remove(key);
    }

    /// Notes that a mute rule holds a change of an alarm back, unless a word that is not older counts.
    fn mute(&mut self, arn: &str, changed_at: Option<Timestamp>) {
        let seen = self.alarms.entry(arn.to_owned()).or_default();
        if seen.newest() < changed_at {
            seen.muted = seen.muted.max(changed_at);
        }
    }

    /// Notes what an alarm, or one of its contributors, said. Of too many contributors the oldest word is forgotten, one
    /// that says OK first.
    fn hear_alarm(&mut self, key: &EvidenceKey, changed_at: Timestamp, state: AlarmState) {
        let seen = self.alarms.entry(key.source.clone()).or_default();
        seen.muted = seen.muted.filter(|at| *at > changed_at);
        let Some(contributor) = &key.contributor else {
            seen.whole = Some(AlarmWord { changed_at, state });
            return;
        };
        seen.contributors.insert(contributor.clone(), AlarmWord { changed_at, state });
        while seen.contributors.len() > CONTRIBUTORS_MAX {
            let others = seen.contributors.iter().filter(|(id, _)| *id != contributor);
            let oldest = others.min_by_key(|(_, word)| (word.state == AlarmState::Alarm, word.changed_at));
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { return };
            seen.contributors.remove(&oldest);
            self.evidence.remove(&EvidenceKey::alarm(&key.source, Some(&oldest)));
        }
    }

    /// Words that come while a witness is red belong together, unless the last one is long ago.
    fn see_multi_az_failover(&mut self, database: &Name, seen_at: Timestamp) {
        if self.multi_az_failovers_since.is_none() || self.is_new_multi_az_failover(seen_at) {
            self.multi_az_failovers_since = Some(seen_at);
        }
        self.multi_az_failovers.insert(database.clone(), seen_at);
    }

    /// Forgets for how long the evidence was sufficient: nobody looked for a while.
    fn restart_window(&mut self) {
        if let Some(Run { phase: Phase::Confirming { sufficient_since }, .. }) = &mut self.run {
            *sufficient_since = None;
        }
    }

    /// Notes since when the evidence is sufficient and unopposed, for the run that weighs it.
    fn weigh(&mut self, at: Timestamp) {
        let sufficient = self.weight(at).is_sufficient();
        if let Some(run) = &mut self.run
            && let Phase::Confirming { sufficient_since } = &mut run.phase
            && run.cause == Cause::Evidence
        {
            if sufficient {
                run.course.sufficient_from.get_or_insert(at);
                run.course.sufficient_at = Some(at);
            }
            *sufficient_since = (sufficient && run.vetoes.is_empty()).then(|| sufficient_since.unwrap_or(at));
        }
    }

    fn open_run(&mut self, record: &Record) -> Result<(), Illegality> {
        let Event::RunOpened { kind, scope, cause, first_signal_at, is_dated, overrides } = &record.event
        else {
            return Ok(());
        };
        if let Some(active) = self.active_run() {
            return Err(Illegality::RunActive(active.id));
        }
        if self.guard.is_some() {
            let moved: Vec<Name> = scope.databases.iter().chain(&scope.routes).cloned().collect();
            self.require(&moved, "a guard of two moves only what stands by", |held| {
                matches!(held.ownership, Ownership::Standby | Ownership::Taking)
            })?;
        }
        let by_operator = matches!(cause, Cause::Operator { .. });
        self.run = Some(Run {
            id: record.seq,
            last_seq: record.seq,
            kind: *kind,
            scope: scope.clone(),
            cause: cause.clone(),
            opened_at: record.at,
            first_signal_at: *first_signal_at,
            is_dated: *is_dated,
            phase: Phase::Confirming { sufficient_since: by_operator.then_some(record.at) },
            steps: Steps::default(),
            begun: BTreeSet::new(),
            before: BTreeMap::new(),
            committed_at: None,
            alive_at: None,
            progress_at: record.at,
            overrides: *overrides,
            data_loss: Vec::new(),
            vetoes: BTreeSet::new(),
            undo_overdue: false,
            fences_lost: 0,
            fence_unread_at: None,
            course: Course::default(),
        });
        self.weigh(record.at);
        Ok(())
    }

    fn apply_to_run(&mut self, record: &Record) -> Result<(), Illegality> {
        let run = self.run.as_mut().filter(|run| Some(run.id) == record.run).ok_or(Illegality::OtherRun)?;
        if run.phase.is_final() {
            return Err(Illegality::Finished(run.id));
        }
        run.last_seq = record.seq;
        match &record.event {
            Event::VetoesSeen { vetoes } => {
                run.vetoes.extend(vetoes.iter().cloned());
                run.course.was_vetoed = true;
                self.weigh(record.at);
            }
            Event::VetoesCleared { vetoes } => {
                run.vetoes.retain(|veto| !vetoes.contains(veto));
                self.weigh(record.at);
            }
            Event::Completed { report } => {
                run.complete(record.at, report)?;
                let scope = run.scope.clone();
                self.active_since.get_or_insert(record.at);
                self.holdings.activate(scope.items());
                self.note_held(scope.databases.iter().chain(&scope.routes), record.at);
            }
            Event::StepIntended { step, subjects, term, .. } if step.spec().takes_items => {
                run.apply(record)?;
                let id = run.id;
                let is_new = |item: &&Name| self.holdings.of(item).ownership != Ownership::Taking;
                let taken: Vec<Name> = subjects.iter().filter(is_new).cloned().collect();
                self.holdings.take(subjects, term.unwrap_or(FIRST_TERM));
                self.note_held(&taken, record.at);
                if let Some(cleanup) = step.spec().leaves {
                    self.leave_behind(cleanup, subjects, id, record.at);
                }
            }
            _ => run.apply(record)?,
        }
        Ok(())
    }

    /// From the moment a promotion is intended, the old primary must not be written to again.
    fn leave_behind(&mut self, step: Step, items: &[Name], run: u64, since: Timestamp) {
        for item in items {
            let cleanup = Cleanup { run, since, overdue: false, lost: false, progress: None };
            self.cleanup.entry((step, item.clone())).or_insert(cleanup);
        }
    }

    fn apply_cleanup(&mut self, step: Step, record: &Record) -> Result<(), Illegality> {
        let subjects: Vec<&Name> = match &record.event {
            Event::StepDone { subjects, .. } => subjects.iter().map(|done| &done.subject).collect(),
            Event::StepIntended { subjects, .. }
            | Event::StepWaiting { subjects, .. }
            | Event::StepHandedOver { subjects, .. }
            | Event::StepFailed { subjects, .. } => subjects.iter().collect(),
            _ => Vec::new(),
        };
        for subject in subjects {
            let because = "the database has no old primary to isolate";
            let cleanup = self.cleanup.get_mut(&(step, subject.clone())).ok_or(Illegality::Step {
                step,
                subject: subject.clone(),
                because,
            })?;
            advance(&mut cleanup.progress, step, subject, record)?;
            // It is tried, so the plan has what that takes.
            cleanup.lost &= !matches!(record.event, Event::StepIntended { .. });
        }
        Ok(())
    }
}

impl Run {
    fn apply(&mut self, record: &Record) -> Result<(), Illegality> {
        let at = record.at;
        match &record.event {
            Event::ApprovalAsked { data_loss, quiet } => {
                self.require_confirmed()?;
                self.data_loss.clone_from(data_loss);
                self.phase = Phase::AwaitingApproval { since: at };
                self.course.is_quiet = *quiet;
                self.progress_at = at;
            }
            Event::Committed { data_loss, overrides, by, alive_at, anew } => {
                // What is confirming, or being rolled back, a person may take over at once: their word needs no evidence.
                match (&self.phase, anew) {
                    (Phase::Aborting { .. }, Some(anew)) if by.is_some() => self.begin_anew(*anew),
                    (Phase::Confirming { .. }, _) if by.is_some() => {}
                    (Phase::AwaitingApproval { .. }, _) => {}
                    _ => self.require_confirmed()?,
                }
                self.commit(at, data_loss, *overrides);
                self.alive_at = alive_at.or(self.alive_at);
            }
            Event::Resumed { overrides, data_loss, alive_at, .. } => {
                let Phase::NeedsOperator { .. } = self.phase else {
                    return Err(self.wrong_phase());
                };
                self.resume(at, data_loss, *overrides);
                self.alive_at = alive_at.or(self.alive_at);
            }
            Event::OperatorNeeded { need, quiet } => {
                if matches!(self.phase, Phase::NeedsOperator { .. } | Phase::Aborting { .. }) {
                    return Err(self.wrong_phase());
                }
                self.phase = Phase::NeedsOperator { need: need.clone(), since: at };
                self.course.is_quiet = *quiet == Some(true);
                self.progress_at = at;
            }
            Event::AbortBegan { cause, quiet } => {
                if self.is_past_return() {
                    return Err(Illegality::AbortAfterPromotion);
                }
                if let Phase::Aborting { .. } = self.phase {
                    // Asked again: what failed to be undone is tried again.
                    self.steps.retain(|step, progress| {
                        !(step.undoes().is_some() && matches!(progress, Progress::Failed { .. }))
                    });
                }
                self.phase = Phase::Aborting { cause: cause.clone() };
                self.course.is_quiet = *quiet;
                self.progress_at = at;
            }
            Event::FenceLost { routes } => self.lose_fences(routes, at)?,
            Event::Overdue { .. } => {
                let Phase::Aborting { .. } = self.phase else {
                    return Err(self.wrong_phase());
                };
                self.undo_overdue = true;
            }
            Event::Aborted { cause, .. } => {
                self.require_nothing_left()?;
                self.phase = Phase::Aborted { at, cause: cause.clone() };
            }
            _ => self.apply_step(record)?,
        }
        Ok(())
    }

    /// Fences that were done are to be done again, with their whole time before them.
    fn lose_fences(&mut self, routes: &[LostFence], at: Timestamp) -> Result<(), Illegality> {
        if !matches!(self.phase, Phase::Moving | Phase::NeedsOperator { .. }) {
            return Err(self.wrong_phase());
        }
        for LostFence { route, .. } in routes {
            if !self.is_done(Step::Fence, route) {
                let because = "it is not done";
                return Err(Illegality::Step { step: Step::Fence, subject: route.clone(), because });
            }
            let released = Progress::Released { since: at, note: String::new() };
            self.steps.insert(Step::Fence, route.clone(), released);
        }
        // What could not be looked at may be closed still: nobody has opened it.
        let is_opened = |lost: &LostFence| !matches!(lost.seen, EndpointSeen::Unread { .. });
        self.fences_lost += u32::from(routes.iter().any(is_opened));
        if !routes.iter().all(is_opened) {
            self.fence_unread_at = Some(at);
        }
        self.progress_at = at;
        Ok(())
    }

    /// Items are no business of this run any more; where none is left, the run is over.
    fn drop_items(&mut self, items: &[Name], at: Timestamp) {
        let before = self.scope.databases.len() + self.scope.routes.len();
        self.scope.databases.retain(|item| !items.contains(item));
        self.scope.routes.retain(|item| !items.contains(item));
        let left = self.scope.databases.len() + self.scope.routes.len();
        if left == before {
            return;
        }
        let is_kept = |item: &Name| !items.contains(item);
        for item in items {
            for step in Step::ALL {
                self.steps.remove(step, item);
            }
        }
        self.before.retain(|(_, item), _| is_kept(item));
        self.data_loss.retain(|loss| is_kept(&loss.database));
        if left == 0 {
            self.phase = Phase::Superseded { at };
        }
    }

    fn wrong_phase(&self) -> Illegality {
        Illegality::Phase { phase: self.phase.as_str() }
    }

    fn require_confirmed(&self) -> Result<(), Illegality> {
        match self.phase {
            Phase::Confirming { sufficient_since: Some(_) } => Ok(()),
            Phase::Confirming { .. } => Err(Illegality::NotConfirmed),
            _ => Err(self.wrong_phase()),
        }
    }

    fn commit(&mut self, at: Timestamp, data_loss: &[DataLoss], overrides: Overrides) {
        self.data_loss = data_loss.to_vec();
        self.overrides = self.overrides.and(overrides);
        self.committed_at.get_or_insert(at);
        self.phase = Phase::Moving;
        self.progress_at = at;
        // That a promotion was begun is never forgotten: there is no abort after it.
        self.steps.retain(|step, progress| {
            step.spec().leaves.is_some() || !matches!(progress, Progress::Failed { .. })
        });
    }

    /// A run that was being rolled back: some of what it did may be undone, and some not, so all of it is to be done again, by what
    /// is true and allowed now. What was noted for an undo is what was true before the run touched anything, and stays; so does
    /// what a worker holds, whose effect may still land.
    fn begin_anew(&mut self, anew: Anew) {
        self.steps.retain(|_, progress| matches!(progress, Progress::Held { .. }));
        self.first_signal_at = anew.first_signal_at;
        self.is_dated = anew.is_dated;
        self.overrides = Overrides::default();
        self.alive_at = None;
        self.committed_at = None;
        self.undo_overdue = false;
        self.fences_lost = 0;
        self.fence_unread_at = None;
    }

    /// Steps that are not done begin anew, with their whole time before them.
    fn resume(&mut self, at: Timestamp, data_loss: &[DataLoss], overrides: Overrides) {
        let data_loss = if data_loss.is_empty() { self.data_loss.clone() } else { data_loss.to_vec() };
        self.commit(at, &data_loss, overrides);
        self.fences_lost = 0;
        self.fence_unread_at = None;
        self.steps.retain(|step, progress| match progress {
            Progress::Held { since, .. } => {
                *since = at;
                true
            }
            Progress::Done { .. } => true,
            Progress::Released { .. } | Progress::Failed { .. } => {
                *progress = Progress::Released { since: at, note: String::new() };
                step.spec().leaves.is_some()
            }
        });
    }

    fn complete(&mut self, at: Timestamp, report: &RunReport) -> Result<(), Illegality> {
        if self.phase != Phase::Moving || !self.has_moved() {
            return Err(self.wrong_phase());
        }
        self.phase = Phase::Completed { at, report: Box::new(report.clone()) };
        Ok(())
    }

    /// Nothing of an aborted run may be left: what was begun must be undone.
    fn require_nothing_left(&self) -> Result<(), Illegality> {
        if self.is_past_return() {
            return Err(Illegality::AbortAfterPromotion);
        }
        if let Some((step, subject)) = not_undone(self).first() {
            let because = "the run can't end before this step is done";
            return Err(Illegality::Step { step: *step, subject: (*subject).clone(), because });
        }
        Ok(())
    }

    fn apply_step(&mut self, record: &Record) -> Result<(), Illegality> {
        match &record.event {
            Event::StepIntended { step, subjects, before, .. } => {
                if step.spec().is_gated {
                    self.require_data_loss_gate(*step, subjects)?;
                }
                self.require_moved(*step, subjects)?;
                for subject in subjects {
                    self.allow(*step, subject, record.at)?;
                    // It was undone, by an earlier abort: its effect may be there again from now on.
                    self.forget_undo_of(*step, subject);
                    self.advance(*step, subject, record)?;
                }
                self.begun.insert(*step);
                for SubjectNote { subject, note } in before {
                    // The first note is the one that was true before this run touched anything.
                    self.before.entry((*step, subject.clone())).or_insert_with(|| note.clone());
                }
            }
            Event::StepWaiting { step, subjects, .. } | Event::StepHandedOver { step, subjects, .. } => {
                for subject in subjects {
                    self.advance(*step, subject, record)?;
                }
            }
            Event::StepDone { step, subjects, .. } => {
                for SubjectDone { subject, .. } in subjects {
                    self.advance(*step, subject, record)?;
                    self.forget_undo_of(*step, subject);
                }
                self.progress_at = record.at;
            }
            Event::StepFailed { step, subjects, code, message, .. } => {
                for subject in subjects {
                    self.advance(*step, subject, record)?;
                }
                let need = Need::StepFailed {
                    step: *step,
                    subjects: subjects.clone(),
                    error: code.clone(),
                    message: message.clone(),
                };
                // While the evidence is weighed a failed scale-out stops nothing: it is tried again once the run
                // moves. A first failure is what the operator is asked about; later ones stay in the journal.
                if self.phase == Phase::Moving {
                    self.phase = Phase::NeedsOperator { need, since: record.at };
                }
                self.progress_at = record.at;
            }
            _ => return Err(Illegality::OtherRun),
        }
        Ok(())
    }

    fn advance(&mut self, step: Step, subject: &Name, record: &Record) -> Result<(), Illegality> {
        let mut progress = self.steps.remove(step, subject);
        let result = advance(&mut progress, step, subject, record);
        if let Some(progress) = progress {
            self.steps.insert(step, subject.clone(), progress);
        }
        result
    }

    /// An effect that came late, after it was undone, has to be undone again.
    fn forget_undo_of(&mut self, step: Step, subject: &Name) {
        let Some(undo) = step.undone_by() else { return };
        self.steps.remove(undo, subject);
    }

    /// What can be said of a step as a whole is counted, so that nothing may be among it that the run does not move.
    fn require_moved(&self, step: Step, subjects: &[Name]) -> Result<(), Illegality> {
        let Some(kind) = step.spec().item else { return Ok(()) };
        // They are nearly always in the order of the run's items.
        let mut items = self.items(kind).iter();
        let mut is_known =
            |subject: &&Name| items.any(|item| item == *subject) || self.items(kind).contains(subject);
        match subjects.iter().find(|subject| !is_known(subject)) {
            None => Ok(()),
            Some(subject) => {
                let because = "the run does not move it";
                Err(Illegality::Step { step, subject: subject.clone(), because })
            }
        }
    }

    /// Whether the rules let a worker begin a step.
    fn allow(&self, step: Step, subject: &Name, at: Timestamp) -> Result<(), Illegality> {
        let refuse = |because| Err(Illegality::Step { step, subject: subject.clone(), because });
        let spec = step.spec();
        if !may_run(self, step) {
            return refuse(spec.window.otherwise());
        }
        if step.is_cleanup() {
            return refuse("it belongs to no run");
        }
        if self.is_being_undone(step, subject, at) {
            return refuse("a worker may still be undoing it");
        }
        require_barriers(self, step).or_else(refuse)
    }

    /// No promotion before its data-loss gate, or an operator's word. Asked once for all the items of a record.
    fn require_data_loss_gate(&self, step: Step, databases: &[Name]) -> Result<(), Illegality> {
        if self.overrides.allow_data_loss {
            return Ok(());
        }
        let passed: BTreeSet<&Name> =
            self.data_loss.iter().filter(|loss| loss.within_limit).map(|loss| &loss.database).collect();
        match databases.iter().find(|database| !passed.contains(database)) {
            None => Ok(()),
            Some(database) => {
                let because = "its data-loss gate was not passed";
                Err(Illegality::Step { step, subject: database.clone(), because })
            }
        }
    }
}

/// What becomes of one item's step by a record.
fn advance(
    progress: &mut Option<Progress>,
    step: Step,
    subject: &Name,
    record: &Record,
) -> Result<(), Illegality> {
    let at = record.at;
    let since = progress.as_ref().map_or(at, Progress::since);
    let not_held = |intent| Illegality::NotHeld { step, subject: subject.clone(), intent };
    let held_by = match progress {
        Some(Progress::Held { intent, .. }) => Some(*intent),
        _ => None,
    };
    let holds = |intent: u64| held_by == Some(intent);
    let next = match &record.event {
        Event::StepIntended { until, .. } => match progress {
            Some(Progress::Done { .. }) => {
                let because = "it is done";
                return Err(Illegality::Step { step, subject: subject.clone(), because });
            }
            Some(held) if held.is_held(at) => {
                return Err(Illegality::Held { step, subject: subject.clone() });
            }
            _ => Progress::Held { intent: record.seq, since, until: *until, note: String::new() },
        },
        Event::StepWaiting { intent, until, note, .. } => {
            if !holds(*intent) {
                return Err(not_held(*intent));
            }
            Progress::Held { intent: *intent, since, until: *until, note: note.clone() }
        }
        Event::StepHandedOver { intent, note, .. } => {
            if !holds(*intent) {
                return Err(not_held(*intent));
            }
            Progress::Released { since, note: note.clone() }
        }
        Event::StepFailed { intent, code, .. } => {
            if !holds(*intent) {
                return Err(not_held(*intent));
            }
            Progress::Failed { since, at, code: code.clone() }
        }
        Event::StepDone { subjects, .. } => {
            // Whoever saw the effect stand is right, also when another worker holds the item by now; and
            // the first to say so is the one that counts.
            let done = subjects.iter().find(|done| done.subject == *subject);
            match (&progress, done) {
                (Some(Progress::Done { .. }), _) | (_, None) => return Ok(()),
                (None, _) => return Err(not_held(0)),
                (_, Some(done)) => {
                    Progress::Done { since, at, detail: done.detail.clone(), took_ms: done.took_ms }
                }
            }
        }
        _ => return Ok(()),
    };
    *progress = Some(next);
    Ok(())
}

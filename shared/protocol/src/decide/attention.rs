//! Calling people: for a loss that nothing begins to move by itself, and again for whatever waits for them.
//!
//! Only with a look in hand, which the tick has once a minute. Nothing here moves anything.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::gate::LossTimes;
use super::open::{Obstacle, may_open};
use super::sentence::{alarm_age, approve, data_loss, need, unblock};
use super::{Draft, Facts, fence, gate};
use crate::attention::{ALONE_FOR, Call, CallChange, EASED_FOR, Matter, pause_after};
use crate::command::Step;
use crate::evidence::{EvidenceKey, EvidenceKind, Standing, counts};
use crate::graph;
use crate::group;
use crate::journal::{Cause, DataLoss, Event};
use crate::name::Name;
use crate::observation::{Observation, ProbeAnswer, ReplicaSeen, ReplicaState};
use crate::plan::{Database, Plan};
use crate::state::holdings::Holdings;
use crate::state::{Cleanup, Phase, Run, State};
use crate::words::{duration, invocation, list};

/// What speaks for a loss at this moment: alarms by their last word, however old, everything else by the look in hand. It is
/// for calling people: what moves by itself is weighed by [`State::weight`].
pub(super) struct View {
    /// Since when each kind stands without a gap.
    kinds: BTreeMap<EvidenceKind, Timestamp>,
    outside: bool,
    names: Vec<String>,
}

impl View {
    /// What the journal holds and a look shows.
    pub(super) fn of(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> Self {
        Self::with(plan, state, observation, now, false)
    }

    /// The same with what was seen before and can't be looked at now: that is no sign that a loss is over.
    fn lasting(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> Self {
        Self::with(plan, state, observation, now, true)
    }

    fn with(plan: &Plan, state: &State, observation: &Observation, now: Timestamp, is_lasting: bool) -> Self {
        let mut view = Self { kinds: BTreeMap::new(), outside: false, names: Vec::new() };
        let probes = observation.probes.iter().map(|probe| {
            let stands = match &probe.answer {
                ProbeAnswer::Bad { .. } => Some(true),
                ProbeAnswer::Good => Some(false),
                ProbeAnswer::Unknown { .. } => None,
            };
            (EvidenceKey::probe(&probe.name), stands)
        });
        let replicas = observation.replicas.iter().map(|replica| {
            let stands = match &replica.state {
                ReplicaState::Broken { .. } => Some(!state.holdings.is_active(&replica.database)),
                ReplicaState::Replicating | ReplicaState::Degraded { .. } | ReplicaState::Detached => {
                    Some(false)
                }
                ReplicaState::Halted { .. } | ReplicaState::Unknown { .. } | ReplicaState::Unasked { .. } => {
                    None
                }
            };
            (EvidenceKey::replica(&replica.database), stands)
        });
        let looked_at: BTreeMap<EvidenceKey, Option<bool>> = probes.chain(replicas).collect();
        for (key, standing) in &state.evidence {
            let is_unseen = is_lasting && looked_at.get(key) == Some(&None);
            let is_heard =
                key.kind == EvidenceKind::Alarm || is_unseen || counts(key, standing, &state.silences, now);
            if !matches!(looked_at.get(key), Some(Some(_))) && is_heard {
                let age =
                    word_age(state, key, standing, now).map_or_else(String::new, |age| format!("; {age}"));
                let from = format!("{}{age}", standing.vantage);
                view.add(key, standing.since, standing.outside, &from);
            }
        }
        let outside = observation.vantage != plan.other().region;
        for key in looked_at.iter().filter(|(_, stands)| **stands == Some(true)).map(|(key, _)| key) {
            let since = state.standing(key).map_or(observation.at, |standing| standing.since);
            view.add(key, since, outside, &observation.vantage);
        }
        view
    }

    fn add(&mut self, key: &EvidenceKey, since: Timestamp, outside: bool, from: &str) {
        let first = self.kinds.entry(key.kind).or_insert(since);
        *first = since.min(*first);
        self.outside |= outside;
        self.names.push(format!("{key} (seen from {from})"));
    }

    /// At least two kinds, one of them seen from outside the primary region.
    pub(super) fn is_sufficient(&self) -> bool {
        self.kinds.len() >= 2 && self.outside
    }

    /// Whether it has been sufficient for so long.
    fn held_for(&self, window: SignedDuration, now: Timestamp) -> bool {
        let mut sinces: Vec<Timestamp> = self.kinds.values().copied().collect();
        sinces.sort_unstable();
        self.is_sufficient() && sinces.get(1).is_some_and(|second| now.duration_since(*second) >= window)
    }

    /// Whether one kind stands alone, and has for so long. What flaps may be folded, and then the journal doesn't say since
    /// when a probe is bad; the last good answer does.
    fn is_alone_for(&self, long: SignedDuration, observation: &Observation, now: Timestamp) -> bool {
        let answered_at = observation.answered_at.unwrap_or(now);
        self.kinds.len() == 1
            && self.kinds.iter().all(|(kind, since)| {
                let since = if *kind == EvidenceKind::Probe { answered_at.min(*since) } else { *since };
                now.duration_since(since) >= long
            })
    }
}

/// How old what was last said or seen is, where it is not of this moment.
fn word_age(state: &State, key: &EvidenceKey, standing: &Standing, now: Timestamp) -> Option<String> {
    let age = || duration(now.duration_since(standing.last_seen));
    alarm_age(state, key, standing, now).or_else(|| {
        (!counts(key, standing, &state.silences, now)).then(|| match key.kind {
            EvidenceKind::Alarm => format!("its last message is {} old and unconfirmed", age()),
            EvidenceKind::Probe | EvidenceKind::Replica => format!("last seen {} ago", age()),
        })
    })
}

/// The confirm window of the plan.
fn window(plan: &Plan) -> SignedDuration {
    SignedDuration::from_secs(i64::from(plan.detection.confirm_seconds))
}

/// The call for a loss that nothing begins to move by itself, while no run is under way: raised, repeated, eased, ended.
pub(super) fn loss(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let observation = facts.observation.as_ref()?;
    let (strict, lasting) =
        (View::of(plan, state, observation, now), View::lasting(plan, state, observation, now));
    let vetoes = observation.vetoes(plan, state);
    let blocked = may_open(plan, state, now).err();
    let is_called = |matter: Matter| state.calls.contains_key(&matter);
    // That something can't be looked at any more does not end a call.
    let view = |matter: Matter| if is_called(matter) { &lasting } else { &strict };
    let stands = |matter: Matter| match (matter, &blocked) {
        (_, Some(Obstacle::Moved)) => false,
        (Matter::Alone, _) => {
            let is_seen = if is_called(matter) {
                !lasting.kinds.is_empty()
            } else {
                strict.is_alone_for(ALONE_FOR, observation, now)
                    && !Matter::OF_LOSS.into_iter().any(is_called)
            };
            is_seen && vetoes.is_empty() && !observation.shows_life()
        }
        _ if !view(matter).is_sufficient() => false,
        // Evidence that wavers is unopposed now and then; a call that stands goes on.
        (Matter::Vetoed, _) if is_called(matter) => true,
        (Matter::Vetoed, _) => !vetoes.is_empty() && strict.held_for(window(plan), now),
        (Matter::Held, Some(Obstacle::Hold(_)))
        | (Matter::CoolingDown, Some(Obstacle::Cooldown { .. }))
        | (Matter::RollingBack, Some(Obstacle::RollingBack { .. }))
        | (Matter::NotStandby, Some(Obstacle::NotStandby { .. })) => vetoes.is_empty(),
        (Matter::Lapsed, None) => {
            vetoes.is_empty()
                && !state.weight(now).is_sufficient()
                && view(matter).held_for(window(plan), now)
        }
        _ => false,
    };
    let sentence = |matter: Matter, earlier: Option<&Call>| {
        let price = Price::of(plan, state, observation, now);
        call_for_loss(plan, view(matter), &vetoes, blocked.as_ref(), &price, matter, earlier)
    };
    // What has become sufficient is called for as what it is.
    let is_due = |matter: Matter, call: &Call| {
        call.is_due(now) && (matter != Matter::Alone || !lasting.is_sufficient())
    };
    Matter::OF_LOSS.into_iter().find_map(|matter| {
        let (turn, sentence) = match (stands(matter), state.calls.get(&matter)) {
            (true, None) => (CallChange::Called, sentence(matter, None)),
            (true, Some(call)) if is_due(matter, call) => (CallChange::Called, sentence(matter, Some(call))),
            // Only once in a while, so that evidence that wavers doesn't fill the journal.
            (true, Some(call)) if call.eased_at.is_some_and(|at| now.duration_since(at) >= EASED_FOR / 2) => {
                (CallChange::Returned, format!("The reason for a notice is back: {}.", named(matter)))
            }
            (false, Some(call)) => match call.eased_at {
                None => (
                    CallChange::Eased,
                    format!("The reason for a notice is not visible at the moment: {}.", named(matter)),
                ),
                Some(at) if now.duration_since(at) >= EASED_FOR => {
                    (CallChange::Ended, ended(plan, matter, call, now))
                }
                Some(_) => return None,
            },
            (true, Some(_)) | (false, None) => return None,
        };
        Some(draft(None, matter, turn, sentence))
    })
}

/// The call for evidence under a veto, before a run that weighed it ends: sufficient for half a window at least, now or
/// by turns with signs of life.
pub(super) fn opposed(
    plan: &Plan,
    state: &State,
    run: &Run,
    observation: &Observation,
    now: Timestamp,
) -> Option<Draft> {
    let vetoes = observation.vetoes(plan, state);
    let view = View::of(plan, state, observation, now);
    let course = &run.course;
    let span = course.sufficient_at.zip(course.sufficient_from).map(|(at, from)| at.duration_since(from));
    let half = window(plan) / 2;
    let was_sufficient = span.is_some_and(|span| span >= half) || view.held_for(half, now);
    let is_opposed = course.was_vetoed || !vetoes.is_empty();
    let is_due = state.calls.get(&Matter::Vetoed).is_none_or(|call| call.is_due(now));
    if run.cause != Cause::Evidence || !was_sufficient || !is_opposed || !is_due {
        return None;
    }
    let earlier = state.calls.get(&Matter::Vetoed);
    let price = Price::of(plan, state, observation, now);
    let sentence = call_for_loss(plan, &view, &vetoes, None, &price, Matter::Vetoed, earlier);
    Some(draft(None, Matter::Vetoed, CallChange::Called, sentence))
}

/// The field of a failover that names the routes that it must name: what takes a run over moves the same as that run. Nothing
/// where it moves all there is; why not, where no failover moves the same.
fn named_routes(plan: &Plan, blocked: Option<&Obstacle>) -> Result<String, String> {
    let Some(Obstacle::RollingBack { scope, .. }) = blocked else { return Ok(String::new()) };
    let moves = |routes: &[Name]| graph::scope(plan, &Holdings::default(), routes);
    if moves(&[]).is_ok_and(|whole| whole == *scope) {
        return Ok(String::new());
    }
    if moves(&scope.routes).is_ok_and(|part| part == *scope) && !scope.routes.is_empty() {
        let names: Vec<String> = scope.routes.iter().map(|route| format!("\"{route}\"")).collect();
        return Ok(format!(r#","routes":[{}]"#, names.join(",")));
    }
    let why = blocked.map(Obstacle::why).unwrap_or_default();
    Err(format!("{why}, and the plan no longer has all that the run moves, as the run moves it"))
}

/// What a failover would lose that an operator begins now.
struct Price {
    losses: Vec<DataLoss>,
    /// Whether it rises until the operator speaks: a replica no longer hears its source, and that may still write.
    rises: bool,
}

impl Price {
    fn of(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> Self {
        let databases = group::scope(plan, state, &[]).map(|scope| scope.databases).unwrap_or_default();
        let times = LossTimes::of_a_run_from(state, observation, now);
        let is_deaf = |replica: &ReplicaSeen| {
            databases.contains(&replica.database) && !replica.state.hears_its_source()
        };
        let rises = !times.is_dated() && observation.replicas.iter().any(is_deaf);
        Self { losses: gate::estimate_of(plan, &databases, times, observation, now), rises }
    }

    /// What the line must say so that the gate does not ask once more, and what people are told of it.
    fn accepted(&self) -> (&'static str, String) {
        let why = if !gate::is_open(&self.losses) {
            "it is above the limit or not known"
        } else if self.rises {
            "it may have grown by then"
        } else {
            return ("", String::new());
        };
        let cost = format!("This line accepts the loss of {}, because {why}. ", data_loss(&self.losses));
        (r#","allow_data_loss":true"#, cost)
    }
}

fn call_for_loss(
    plan: &Plan,
    view: &View,
    vetoes: &BTreeMap<crate::evidence::Veto, String>,
    blocked: Option<&Obstacle>,
    price: &Price,
    matter: Matter,
    earlier: Option<&Call>,
) -> String {
    let primary = &plan.other().region;
    let evidence = list(view.names.iter().cloned());
    let again = repeated(earlier);
    let (accept, cost) = price.accepted();
    let named = match named_routes(plan, blocked) {
        Ok(named) => named,
        Err(missing) => {
            return format!(
                "{primary} looks lost, but no run starts: {missing}. Evidence of a loss: {evidence}. Put back into the plan what \
                 the run moves, and then send the command failover. {again}"
            );
        }
    };
    let fields = format!(r#""command":"failover"{named},"reason":"users are not served"{accept}"#);
    if matter == Matter::Vetoed {
        let against = if vetoes.is_empty() {
            "signs of life that come and go".to_owned()
        } else {
            list(vetoes.iter().map(|(veto, detail)| format!("{veto} ({detail})")))
        };
        let comes_and_goes =
            if view.is_sufficient() { "" } else { ", and other evidence that comes and goes" };
        let line = invocation(plan, &format!(r#"{fields},"override_vetoes":true"#));
        return format!(
            "{primary} may be down, but a veto blocks the failover. Evidence of a loss: \
             {evidence}{comes_and_goes}. Veto: {against}. Check whether users are served. If they are not, \
             fail over despite the veto with: {line} ; if they are, do nothing. {cost}{again}"
        );
    }
    if matter == Matter::Alone {
        let line = invocation(plan, &fields);
        return format!(
            "{primary} may be lost, but no run starts by itself: Pilotlight needs two kinds of evidence and \
             has one: {evidence}. There is no sign of life. Check whether users are served. If they are not, \
             fail over with: {line} ; if they are, repair the source of that evidence. {cost}{again}"
        );
    }
    if matter == Matter::NotStandby {
        let why = blocked.map(Obstacle::why).unwrap_or_default();
        return format!(
            "{primary} looks lost, and Pilotlight can't move it: {why}. Evidence of a loss: {evidence}. Next step: decide by hand \
             what serves users, a snapshot or what is left in {}; see docs/after-a-failover.md. {again}",
            plan.own().region
        );
    }
    let (why, unblock) = match blocked {
        Some(obstacle) => (obstacle.why(), obstacle.unblock(plan)),
        None => ("the last message of an alarm is too old to count".to_owned(), None),
    };
    let unblock = unblock.map(|line| format!("let a run start with: {line} ; or ")).unwrap_or_default();
    let line = invocation(plan, &fields);
    format!(
        "{primary} looks lost, but no run starts: {why}. Evidence of a loss: {evidence}. Next step: \
         {unblock}fail over now with: {line} . {cost}{again}"
    )
}

/// When people hear of it next.
fn repeated(earlier: Option<&Call>) -> String {
    let times = earlier.map_or(0, |call| call.times).saturating_add(1);
    format!(
        "Pilotlight repeats this notice in {} unless this is resolved first.",
        duration(pause_after(times))
    )
}

fn named(matter: Matter) -> &'static str {
    match matter {
        Matter::Vetoed => "evidence of a loss under a veto",
        Matter::Held => "a loss during a hold",
        Matter::CoolingDown => "a loss during a cooldown",
        Matter::RollingBack => "a loss during a rollback",
        Matter::NotStandby => "a loss of what has no standby",
        Matter::Unprotected => "what nobody stands by for",
        Matter::Lapsed => "a loss based on an old alarm message",
        Matter::Alone => "a loss based on one kind of evidence",
        Matter::Approval => "an approval",
        Matter::Operator => "a run that needs an operator",
        Matter::Undo => "an aborted run that is not rolled back",
        Matter::Quarantine | Matter::LostQuarantine => "an old primary that is not isolated",
        Matter::Reopened => "a fenced side that was opened again",
    }
}

fn ended(plan: &Plan, matter: Matter, call: &Call, now: Timestamp) -> String {
    format!(
        "Resolved without a failover: Pilotlight has not seen {} in {} for {}. Notices sent: {} in {}.",
        named(matter),
        plan.other().region,
        duration(EASED_FOR),
        call.times,
        duration(now.duration_since(call.since))
    )
}

fn draft(run: Option<u64>, matter: Matter, turn: CallChange, sentence: String) -> Draft {
    Draft::new(run, Event::Attention { matter, turn, subjects: Vec::new() }, sentence)
}

/// The call for a loss that is seen while an aborted run can't be rolled back: no other run can begin before that is done.
pub(super) fn loss_while_rolled_back(
    plan: &Plan,
    state: &State,
    run: &Run,
    facts: &Facts,
    now: Timestamp,
) -> Option<Draft> {
    let is_stuck = run.undo_overdue || state.calls.contains_key(&Matter::Undo);
    let rolls_back = matches!(run.phase, Phase::Aborting { .. }) && is_stuck;
    rolls_back.then(|| loss(plan, state, facts, now)).flatten()
}

/// Calls people again for an old side that is still open.
pub(super) fn reopened(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    facts.observation.as_ref()?;
    let since = state.opened_again().map(|(_, reopened)| reopened.at).min()?;
    let call = state.calls.get(&Matter::Reopened).copied().unwrap_or(Call::first(since));
    if !call.is_due(now) {
        return None;
    }
    let (side, names) = (plan.seat.other().as_str(), list(state.opened_again().map(|(route, _)| route)));
    let sentence = format!(
        "The {side} side of {names} has been open for {}, {} {}",
        duration(now.duration_since(since)),
        fence::has_moved(plan),
        repeated(Some(&call))
    );
    Some(draft(None, Matter::Reopened, CallChange::Called, sentence))
}

/// Calls people again for a run that waits for them, or that is not undone.
pub(super) fn remind(plan: &Plan, state: &State, run: &Run, facts: &Facts, now: Timestamp) -> Option<Draft> {
    facts.observation.as_ref()?;
    let id = run.id;
    let (matter, since) = match &run.phase {
        Phase::AwaitingApproval { since } => (Matter::Approval, *since),
        Phase::NeedsOperator { since, .. } => (Matter::Operator, *since),
        // While it fails, each failure that is due is told by itself.
        Phase::Aborting { .. } if run.undo_overdue => (Matter::Undo, run.progress_at),
        _ => return None,
    };
    let call = state.calls.get(&matter).copied().unwrap_or(Call::first(since));
    // A request of which people were not told, because it was one of many, is one of its own once it has stood for a while.
    let is_untold = run.course.is_quiet && matter == Matter::Approval;
    let is_due = call.is_due(now) || is_untold && now.duration_since(since) >= pause_after(1);
    if !is_due {
        return None;
    }
    let waits = duration(now.duration_since(since));
    let again = repeated(Some(&call));
    let sentence = match &run.phase {
        Phase::NeedsOperator { need: why, .. } => {
            format!(
                "Run {id} has needed an operator for {waits}: {}; {} . {again}",
                need(plan, why),
                unblock(plan, run, why)
            )
        }
        Phase::AwaitingApproval { .. } => {
            let override_ = (!gate::is_open(&run.data_loss)).then_some("allow_data_loss");
            format!(
                "Run {id} has been awaiting approval for {waits}: {} looks lost. Estimated loss: {}; approve \
                 with: {} . {again}",
                plan.other().region,
                data_loss(&run.data_loss),
                approve(plan, id, override_)
            )
        }
        _ => {
            let abort = invocation(plan, &format!(r#""command":"abort","run":{id},"reason":"undo it""#));
            format!(
                "Run {id} is aborted, but after {waits} its rollback is not complete. Still to do: {}. \
                 Pilotlight keeps retrying. You can do it by hand, or retry at once with: {abort} . {again}",
                list(not_undone(run))
            )
        }
    };
    Some(draft(Some(id), matter, CallChange::Called, sentence))
}

fn not_undone(run: &Run) -> Vec<String> {
    graph::not_undone(run).into_iter().map(|(step, subject)| format!("{step} {subject}")).collect()
}

/// Why an old primary that is to be cut off can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The plan no longer has a database of that name.
    Database,
    /// The plan no longer names the group that it was to be cut off by. One that never had a group is not lost.
    Group,
}

impl Lost {
    /// What the plan took from a quarantine that is open, if it did; `database` is what the plan has by its name.
    pub fn of(plan: &Plan, database: Option<&Database>, quarantine: &Cleanup) -> Option<Self> {
        if quarantine.is_done() {
            return None;
        }
        let Some(database) = database else { return Some(Self::Database) };
        // Without a group nobody tries it, and nobody says that it takes too long.
        let had_group = quarantine.progress.is_some() || quarantine.overdue;
        (database.quarantine_security_group(plan.seat.other()).is_none() && had_group).then_some(Self::Group)
    }

    /// What is missing.
    pub fn why(self) -> &'static str {
        match self {
            Self::Database => "the plan no longer has a database with that name",
            Self::Group => "the plan no longer names its quarantine_security_group",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Database => {
                "Add it to databases again under that name, with its quarantine_security_group,"
            }
            Self::Group => "Set its quarantine_security_group again",
        }
    }
}

/// Tells, once, that an old primary can't be cut off because the plan lost its database, or the group for it.
pub(super) fn lost_quarantine(plan: &Plan, state: &State) -> Option<Draft> {
    if let Some(draft) = found_again(plan, state) {
        return Some(draft);
    }
    let found = lost_names(plan, state);
    [Lost::Database, Lost::Group].into_iter().find_map(|lost| {
        let of_kind = found.iter().filter(|(_, found)| *found == lost);
        let subjects: Vec<Name> = of_kind.map(|(name, _)| (*name).clone()).collect();
        if subjects.is_empty() {
            return None;
        }
        let names = list(subjects.iter());
        let sentence = format!(
            "Pilotlight can't isolate the old primary of {names}: {}. The old primary may come back writable. \
             {} and keep it there until the command status reports its quarantine as done; or isolate the old \
             primary by hand in {}.",
            lost.why(),
            lost.remedy(),
            plan.other().region
        );
        let event = Event::Attention { matter: Matter::LostQuarantine, turn: CallChange::Called, subjects };
        Some(Draft::new(None, event, sentence))
    })
}

/// Tells, once, that the plan has again what it takes to cut an old primary off: if it is lost once more, that is news.
fn found_again(plan: &Plan, state: &State) -> Option<Draft> {
    let told =
        state.cleanups(Step::Quarantine).filter(|(_, quarantine)| quarantine.lost && !quarantine.is_done());
    let subjects: Vec<Name> = told
        .filter(|(name, quarantine)| {
            let database = plan.databases.iter().find(|database| database.name == **name);
            let group = database.and_then(|database| database.quarantine_security_group(plan.seat.other()));
            group.is_some() && Lost::of(plan, database, quarantine).is_none()
        })
        .map(|(name, _)| name.clone())
        .collect();
    (!subjects.is_empty()).then(|| {
        let names = list(subjects.iter());
        let sentence = format!(
            "The plan has again what it takes to isolate the old primary of {names}: Pilotlight tries it."
        );
        let event = Event::Attention { matter: Matter::LostQuarantine, turn: CallChange::Ended, subjects };
        Draft::new(None, event, sentence)
    })
}

/// Databases whose old primary is to be cut off and can't be, of which people were not told.
fn lost_names<'s>(plan: &Plan, state: &'s State) -> Vec<(&'s Name, Lost)> {
    let is_open = |quarantine: &Cleanup| !quarantine.lost && !quarantine.is_done();
    let open: Vec<_> =
        state.cleanups(Step::Quarantine).filter(|(_, quarantine)| is_open(quarantine)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    // Both are nearly always in the order of their names.
    let mut ahead = plan.databases.iter();
    let by_name = OnceCell::new();
    let all = || plan.databases.iter().map(|database| (&database.name, database)).collect::<HashMap<_, _>>();
    let mut known = |name: &Name| {
        let found = ahead.find(|database| database.name == *name);
        found.or_else(|| by_name.get_or_init(all).get(name).copied())
    };
    let lost =
        |(name, quarantine): (&'s Name, &Cleanup)| Some((name, Lost::of(plan, known(name), quarantine)?));
    open.into_iter().filter_map(lost).collect()
}

/// Whether a failure of a step is known to people, so that they are called again only after a pause.
pub fn is_known_failure(state: &State, step: Step, now: Timestamp) -> bool {
    let Some(matter) = Matter::of_duty(step.spec().duty) else { return false };
    state.calls.get(&matter).is_some_and(|call| !call.is_due(now))
}

/// Whether the end of a run that its evidence did not carry is one of many, of which people are not told.
pub(super) fn is_one_of_many(state: &State, run: &Run, now: Timestamp) -> bool {
    let is_called = state.calls.contains_key(&Matter::Vetoed) || state.dismissals.rest_until(now).is_some();
    // Of a run that asked for people they are told how it ends, unless they were not asked.
    run.course.is_quiet || is_called && matches!(run.phase, Phase::Confirming { .. })
}

/// Whether people were asked for an approval so often lately that one more request waits for its pause.
pub(super) fn was_asked_often(state: &State, now: Timestamp) -> bool {
    state.calls.get(&Matter::Approval).is_some_and(|call| {
        call.times >= crate::attention::TOLD_AT_ONCE_MAX && !call.is_due(now) && !call.is_stale(now)
    })
}

//! Operators' commands: carried out, or refused with a reason and recorded either way.

use jiff::{SignedDuration, Timestamp};

use super::gate::LossTimes;
use super::sentence::data_loss;
use super::{Draft, Facts, Verdict, due, gate, guards};
use crate::command::Step;
use crate::graph::ScopeProblem;
use crate::group;
use crate::journal::{AbortCause, Anew, Cause, DataLoss, Event, RunKind};
use crate::name::Name;
use crate::observation::Observation;
use crate::operator::{OperatorCommand, Overrides};
use crate::plan::Plan;
use crate::state::{Phase, Run, State};
use crate::words::{invocation, list};

/// Why a command is refused: a stable code and the words.
struct CommandRefusal {
    code: &'static str,
    why: String,
}

impl CommandRefusal {
    fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }
}

/// The record that settles the operator's command.
pub(super) fn answer(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let command = facts.operator.as_ref()?;
    let observation = facts.observation.as_ref();
    let (name, by, outcome) = match command {
        OperatorCommand::Status {} | OperatorCommand::Readiness {} => return None,
        OperatorCommand::Failover { by, reason, routes, overrides } => {
            let asked = Asked { by, reason, routes, overrides: *overrides };
            ("failover", by, failover(plan, state, observation, &asked, now))
        }
        OperatorCommand::Approve { by, run, overrides } => {
            ("approve", by, approve(plan, state, observation, by, *run, *overrides, now))
        }
        OperatorCommand::Abort { by, run, reason } => ("abort", by, abort(state, by, *run, reason)),
        OperatorCommand::Hold { by, minutes, reason } => ("hold", by, hold(plan, by, *minutes, reason, now)),
        OperatorCommand::Release { by } => ("release", by, release(state, by)),
        OperatorCommand::Acknowledge { by, run } => ("acknowledge", by, acknowledge(state, by, *run)),
        OperatorCommand::Adopt { by } => {
            let adopted = guards::adopt(plan, state, facts.pair.as_ref(), by);
            ("adopt", by, adopted.map_err(|(code, why)| CommandRefusal::new(code, why)))
        }
    };
    Some(match outcome {
        Ok(draft) => draft.answering(Verdict::Accepted),
        Err(refusal) => {
            let sentence = format!("Refused: {name} by {by}: {}.", refusal.why);
            let event = Event::CommandRefused {
                command: name.to_owned(),
                by: by.clone(),
                code: refusal.code.to_owned(),
            };
            let run = state.active_run().map(|run| run.id);
            Draft::new(run, event, sentence).answering(Verdict::Refused)
        }
    })
}

/// A failover as it was asked for.
struct Asked<'c> {
    by: &'c str,
    reason: &'c str,
    routes: &'c [Name],
    overrides: Overrides,
}

fn failover(
    plan: &Plan,
    state: &State,
    observation: Option<&Observation>,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Draft, CommandRefusal> {
    if let Some(run) = state.active_run() {
        return take_over(plan, state, run, observation, asked, now);
    }
    let scope = group::scope(plan, state, asked.routes).map_err(|problem| scope_refusal(plan, &problem))?;
    let observation = observation.ok_or_else(blind)?;
    refuse_vetoed(plan, state, observation, asked.overrides)?;
    let times = LossTimes::of_a_run_from(state, observation, now);
    let event = Event::RunOpened {
        kind: RunKind::Failover,
        scope,
        cause: Cause::Operator { name: asked.by.to_owned(), reason: asked.reason.to_owned() },
        first_signal_at: times.first_signal_at(),
        is_dated: times.is_dated(),
        overrides: asked.overrides,
    };
    let sentence = format!(
        "{} starts a failover of {} to {}: {}.",
        asked.by,
        plan.name,
        plan.own().region,
        asked.reason
    );
    Ok(Draft::new(Some(state.next_seq()), event, sentence))
}

/// A run that the evidence began and that still confirms is moved at once: whoever decides need not wait for evidence that comes and
/// goes. So is one that is being rolled back: what can't be undone must not stand in the way of whoever moves the same again.
fn take_over(
    plan: &Plan,
    state: &State,
    run: &Run,
    observation: Option<&Observation>,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Draft, CommandRefusal> {
    let confirms = run.cause == Cause::Evidence && matches!(run.phase, Phase::Confirming { .. });
    let rolls_back = matches!(run.phase, Phase::Aborting { .. })
        && group::scope(plan, state, asked.routes).is_ok_and(|scope| scope == run.scope);
    if !(confirms && asked.routes.is_empty() || rolls_back) {
        let why = format!(
            "run {} is under way ({}), and only one run at a time is possible. If runs keep ending and \
             starting by themselves, place a hold first: it stops evidence from starting a run, but it does \
             not stop your failover command",
            run.id,
            run.phase.as_str()
        );
        return Err(CommandRefusal::new("run_active", why));
    }
    let observation = observation.ok_or_else(blind)?;
    refuse_vetoed(plan, state, observation, asked.overrides)?;
    // What is rolled back was about an earlier loss, or none.
    let times =
        if rolls_back { LossTimes::of_a_run_from(state, observation, now) } else { LossTimes::of(run, now) };
    let losses = gate::estimate_of(plan, &run.scope.databases, times, observation, now);
    if !gate::is_open(&losses) && !asked.overrides.allow_data_loss {
        let why = format!(
            "estimated loss: {}; add \"allow_data_loss\":true only if you accept that loss",
            data_loss(&losses)
        );
        return Err(CommandRefusal::new("data_loss", why));
    }
    let sentence = format!(
        "Run {} moves {} to {}: {} took it over ({}). Estimated loss: {}.",
        run.id,
        plan.name,
        plan.own().region,
        asked.by,
        asked.reason,
        data_loss(&losses)
    );
    let (by, overrides) = (Some(asked.by.to_owned()), asked.overrides);
    let alive_at = gate::alive_at(times, observation);
    let (first_signal_at, is_dated) = (times.first_signal_at(), times.is_dated());
    let anew = rolls_back.then_some(Anew { first_signal_at, is_dated });
    let event = Event::Committed { data_loss: losses, by, overrides, alive_at, anew };
    Ok(Draft::new(Some(run.id), event, sentence))
}

fn scope_refusal(plan: &Plan, problem: &ScopeProblem) -> CommandRefusal {
    match problem {
        ScopeProblem::UnknownRoute(name) => {
            let known = list(plan.routes.iter().map(|route| route.name.to_string()));
            CommandRefusal::new(
                "unknown_route",
                format!("routes: the plan has no route {name}; it has {known}"),
            )
        }
        ScopeProblem::NothingLeft => {
            let why = format!("everything you asked for is already in {}", plan.own().region);
            CommandRefusal::new("nothing_to_move", why)
        }
        ScopeProblem::NotStandby { group, ownership } => {
            let why = format!(
                "group {group} is {ownership} in {}: this guard may not move it; the command status says what it \
                 waits for",
                plan.own().region
            );
            CommandRefusal::new("not_standby", why)
        }
        ScopeProblem::Unclaimed(item) => {
            let why = format!(
                "no route depends on {item}, so a route could open without it; add {item} to the after of the \
                 routes that need it, or fail over everything (leave out routes)"
            );
            CommandRefusal::new("unclaimed_item", why)
        }
        ScopeProblem::Shared { database, route } => {
            let why = format!(
                "database {database} also serves route {route}, which would stay behind and write to the other \
                 side; add {route} to routes"
            );
            CommandRefusal::new("shared_database", why)
        }
    }
}

fn blind() -> CommandRefusal {
    CommandRefusal::new("no_observation", "Pilotlight could not check the current state; try again")
}

/// A living source is not failed over from by accident.
fn refuse_vetoed(
    plan: &Plan,
    state: &State,
    observation: &Observation,
    overrides: Overrides,
) -> Result<(), CommandRefusal> {
    let vetoes = observation.vetoes(plan, state);
    if vetoes.is_empty() || overrides.override_vetoes {
        return Ok(());
    }
    let signs = list(vetoes.keys());
    let why = format!(
        "{} shows signs of life: {signs}; add \"override_vetoes\":true only if that region can't serve users",
        plan.other().region
    );
    Err(CommandRefusal::new("veto", why))
}

/// The run that is meant, if it is the one under way.
fn meant(state: &State, run: u64) -> Result<&Run, CommandRefusal> {
    match state.active_run() {
        Some(active) if active.id == run => Ok(active),
        Some(active) => {
            let why = format!("run: {run} is not under way, run {} is", active.id);
            Err(CommandRefusal::new("other_run", why))
        }
        None => Err(CommandRefusal::new("no_run", "no run is under way")),
    }
}

fn approve(
    plan: &Plan,
    state: &State,
    observation: Option<&Observation>,
    by: &str,
    run: u64,
    overrides: Overrides,
    now: Timestamp,
) -> Result<Draft, CommandRefusal> {
    let run = meant(state, run)?;
    let waits = match &run.phase {
        Phase::AwaitingApproval { .. } => true,
        Phase::NeedsOperator { .. } => false,
        phase => {
            let why = format!("run {} is {} and needs no approval", run.id, phase.as_str());
            return Err(CommandRefusal::new("not_waiting", why));
        }
    };
    let overrides = run.overrides.and(overrides);
    if run.has_begun(Step::Promote) {
        // Past the point of no return there is nothing to weigh: it can only be finished.
        return Ok(resume(run, by, overrides, Vec::new(), None));
    }
    let observation = observation.ok_or_else(blind)?;
    refuse_vetoed(plan, state, observation, overrides)?;
    let losses = gate::estimate(plan, run, observation, now);
    if !gate::is_open(&losses) && !overrides.allow_data_loss {
        let line = super::sentence::approve(plan, run.id, Some("allow_data_loss"));
        let why = format!("estimated loss: {}; accept it with: {line}", data_loss(&losses));
        return Err(CommandRefusal::new("data_loss", why));
    }
    if !waits {
        let alive_at = gate::alive_at(LossTimes::of(run, now), observation);
        return Ok(resume(run, by, overrides, losses, alive_at));
    }
    let sentence = format!(
        "Run {} moves {} to {}: approved by {by}. Estimated loss: {}.",
        run.id,
        plan.name,
        plan.own().region,
        data_loss(&losses)
    );
    let event = Event::Committed {
        data_loss: losses,
        by: Some(by.to_owned()),
        overrides,
        alive_at: gate::alive_at(LossTimes::of(run, now), observation),
        anew: None,
    };
    Ok(Draft::new(Some(run.id), event, sentence))
}

fn resume(
    run: &Run,
    by: &str,
    overrides: Overrides,
    data_loss: Vec<DataLoss>,
    alive_at: Option<Timestamp>,
) -> Draft {
    let passed = [
        (overrides.allow_data_loss, "allow_data_loss"),
        (overrides.override_fence, "override_fence"),
        (overrides.override_vetoes, "override_vetoes"),
    ];
    let passed = passed.iter().filter(|(is_passed, _)| *is_passed).map(|(_, name)| (*name).to_owned());
    let sentence = format!("Run {} resumes: approved by {by}. Rules overridden: {}.", run.id, list(passed));
    let event = Event::Resumed { by: by.to_owned(), overrides, data_loss, alive_at };
    Draft::new(Some(run.id), event, sentence)
}

fn abort(state: &State, by: &str, run: u64, reason: &str) -> Result<Draft, CommandRefusal> {
    let run = meant(state, run)?;
    if run.is_past_return() {
        let begun = if run.has_begun(Step::Promote) { "a promotion" } else { "to open a route" };
        let why = format!(
            "run {} has begun {begun} and can no longer be aborted; finish it (approve), and fail back later",
            run.id
        );
        return Err(CommandRefusal::new("abort_after_promotion", why));
    }
    let cause = AbortCause::Operator { name: by.to_owned(), reason: reason.to_owned() };
    let sentence = format!("Run {} is aborted by {by}: {reason}.", run.id);
    Ok(due::abort(run, cause, false, sentence))
}

fn hold(plan: &Plan, by: &str, minutes: u32, reason: &str, now: Timestamp) -> Result<Draft, CommandRefusal> {
    const WEEK_MINUTES: u32 = 10_080;
    if !(1..=WEEK_MINUTES).contains(&minutes) {
        let why = format!("minutes: {minutes} is not between 1 and {WEEK_MINUTES}; every hold must expire");
        return Err(CommandRefusal::new("minutes_out_of_range", why));
    }
    let until = now.checked_add(SignedDuration::from_mins(i64::from(minutes)));
    let until = until.map_err(|_| CommandRefusal::new("minutes_out_of_range", "minutes: too long"))?;
    let release = invocation(plan, r#""command":"release""#);
    let sentence = format!(
        "{by} placed a hold until {until}: {reason}. Until then no run starts by itself. End the hold early \
         with: {release}"
    );
    let event = Event::HoldPlaced { by: by.to_owned(), reason: reason.to_owned(), until };
    Ok(Draft::new(None, event, sentence))
}

fn release(state: &State, by: &str) -> Result<Draft, CommandRefusal> {
    if state.hold.is_none() {
        return Err(CommandRefusal::new("no_hold", "no hold is in force"));
    }
    Ok(Draft::new(None, Event::HoldReleased { by: by.to_owned() }, format!("{by} released the hold.")))
}

fn acknowledge(state: &State, by: &str, run: u64) -> Result<Draft, CommandRefusal> {
    let last = state.run.as_ref().filter(|last| last.id == run && last.phase.is_final());
    if last.is_none() {
        return Err(CommandRefusal::new("other_run", format!("run: {run} is not the last run that ended")));
    }
    let sentence = format!("{by} acknowledged run {run}; its cooldown is over.");
    Ok(Draft::new(None, Event::Acknowledged { by: by.to_owned(), of_run: run }, sentence))
}

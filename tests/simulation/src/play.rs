//! Plays a world from its first second until it has come to rest.

use std::sync::Arc;

use anyhow::{Context, Result};
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::Database;
use protocol::side::Side;
use protocol::signal::AlarmState;
use protocol::state::{Phase, State, evolve};
use serde_json::json;
use twin::MemoryWorld;

use crate::history::{Change, Condition, End, History, What};
use crate::invoke::{Message, deliver};
use crate::people::People;
use crate::scenario::Draw;
use crate::sim::Sim;

/// The longest that a healed world may take to come to rest: longer than every deadline of its plan together.
const UNREST_SECONDS_MAX: u32 = 6 * 3_600;

/// For how long a world must be at rest to be believed.
const REST_SECONDS: u32 = 200;

/// How often people look.
const VISIT_SECONDS: u32 = 20;

/// Plays a world.
///
/// # Errors
/// The runtime can't be made.
pub fn play(draw: Draw, is_verbose: bool) -> Result<History> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.context("the runtime of a world can't be made")?.block_on(conduct(draw, is_verbose))
}

async fn conduct(draw: Draw, is_verbose: bool) -> Result<History> {
    let sim = Sim::new(draw, is_verbose);
    let began_at = sim.now();
    if let Some(database) = sim.draw.stuck.clone() {
        sim.set_stuck(database, true);
    }
    let mut state = State::default();
    let people = People::default();
    let last_change = last_change(&sim.draw);
    let mut rested = 0;
    let mut unrest = None;
    for second in 0.. {
        weather(&sim, second);
        if second % 60 == 0 {
            tick(&sim);
        }
        if second % VISIT_SECONDS == 0 {
            state = follow(state, &sim.world)?;
            people.visit(&sim, &state);
            unrest = why_not_at_rest(&sim, &state);
            rested = if unrest.is_none() && second > last_change { rested + VISIT_SECONDS } else { 0 };
        }
        if rested >= REST_SECONDS || second > last_change + UNREST_SECONDS_MAX {
            break;
        }
        sim.sleep_ms(1_000).await;
    }
    let unrest = if rested >= REST_SECONDS { None } else { unrest };
    Ok(end(&sim, began_at, follow(state, &sim.world)?, unrest))
}

/// Until when the world changes by itself.
fn last_change(draw: &Draw) -> u32 {
    let weather = draw.weather.iter().map(|(at, _)| *at);
    let alarms = draw.alarms.iter().map(|(at, _, _)| *at);
    let reopened = draw.reopened.iter().copied();
    weather.chain(alarms).chain(reopened).chain([draw.healed_at]).max().unwrap_or(0)
}

fn weather(sim: &Arc<Sim>, second: u32) {
    for (_, condition) in sim.draw.weather.iter().filter(|(at, _)| *at == second) {
        sim.set_condition(*condition);
    }
    if sim.draw.no_room.is_some_and(|(from, _)| from == second) && !sim.is_healed() {
        sim.set_room(false);
    }
    if sim.draw.no_room.is_some_and(|(_, to)| to == second) {
        sim.set_room(true);
    }
    if sim.draw.reopened.contains(&second) {
        sim.reopen();
    }
    if sim.draw.healed_at == second {
        sim.heal();
    }
    for (_, index, goes_off) in sim.draw.alarms.iter().filter(|(at, _, _)| *at == second) {
        alarm(sim, *index, if *goes_off { AlarmState::Alarm } else { AlarmState::Ok });
    }
}

/// An alarm of the plan changes its state, and says so by the topic of its region.
fn alarm(sim: &Arc<Sim>, index: usize, state: AlarmState) {
    let detection = &sim.draw.plan.detection;
    let Some(arn) = detection.sides.primary.alarms.get(index) else { return };
    sim.note(0, What::Change(Change::Alarm { arn: arn.clone(), state }));
    sim.world.set_alarm(arn, state);
    let region = arn.split(':').nth(3).unwrap_or_default();
    let topic = detection.topics.iter().find(|topic| topic.contains(region)).cloned().unwrap_or_default();
    let word = if state == AlarmState::Alarm { "ALARM" } else { "OK" };
    let body = json!({
        "AlarmName": "of the simulation", "AlarmArn": arn, "NewStateValue": word,
        "NewStateReason": "Threshold Crossed", "StateChangeTime": sim.now().to_string(),
    });
    let why = format!("{arn} is {word}");
    deliver(sim, &Message { step: None, payload: scenarios::sns(&topic, &body), why });
}

/// Once a minute: CloudWatch takes a sample of the lag while the source lives, and the tick goes off.
fn tick(sim: &Arc<Sim>) {
    let faults = sim.faults();
    if sim.condition().replicates && !sim.chance(faults.blind) {
        let lag_ms = sim.between(sim.draw.lag_ms.0, sim.draw.lag_ms.1);
        sim.world.sample_lag(lag_ms);
        sim.note(0, What::Change(Change::Lag { lag_ms }));
    }
    if !sim.chance(faults.tick_lost) {
        deliver(sim, &Message { step: None, payload: json!({ "command": "tick" }), why: "tick".to_owned() });
    }
}

/// Folds what was appended since.
fn follow(state: State, world: &MemoryWorld) -> Result<State> {
    let read = usize::try_from(state.last_seq)?;
    let inner = world.inner();
    let folded = inner.records.iter().skip(read).try_fold(state, evolve);
    folded.context("the journal is illegal")
}

/// What must still happen, if anything: nobody may be left waiting for what nobody does.
fn why_not_at_rest(sim: &Sim, state: &State) -> Option<String> {
    if !sim.is_healed() {
        return Some("things still go wrong".to_owned());
    }
    if let Some((seq, _)) = state.unnoticed.first_key_value() {
        return Some(format!("nobody was told of record {seq}"));
    }
    match state.run.as_ref().map(|run| (run.id, &run.phase)) {
        Some((_, Phase::NeedsOperator { .. })) if !sim.draw.people.diligent => {}
        Some((id, phase)) if !phase.is_final() => return Some(format!("run {id} is {}", phase.as_str())),
        _ if must_move(sim, state) => return Some("the region is lost and nothing moves".to_owned()),
        _ => {}
    }
    to_be_cut_off(sim, state).map(|name| format!("the old primary of {name} is not cut off"))
}

/// The region is lost for good and nobody holds the automatic back.
fn must_move(sim: &Sim, state: &State) -> bool {
    let is_moved = |name: &Name| state.holdings.is_active(name);
    let plan = &sim.draw.plan;
    sim.condition() == Condition::LOST
        && state.hold_at(sim.now()).is_none()
        && !plan.routes.iter().all(|route| is_moved(&route.name))
}

fn to_be_cut_off(sim: &Sim, state: &State) -> Option<Name> {
    let has_group = |name: &Name| {
        let named = |database: &&Database| database.name == *name;
        let database = sim.draw.plan.databases.iter().find(named);
        database.is_some_and(|database| database.quarantine_security_group(Side::Primary).is_some())
    };
    let waiting = state.cleanups(Step::Quarantine).find(|(name, item)| has_group(name) && !item.is_done());
    waiting.filter(|_| sim.condition().controls).map(|(name, _)| name.clone())
}

fn end(sim: &Sim, began_at: jiff::Timestamp, state: State, unrest: Option<String>) -> History {
    let inner = sim.world.inner();
    let endpoints = inner.routes.iter().map(|(name, view)| (name.clone(), view.endpoints)).collect();
    let sizes = inner.fleets.iter().map(|(name, twin)| (name.clone(), twin.capacity.desired)).collect();
    drop(inner);
    History {
        plan: sim.draw.plan.clone(),
        draw: sim.draw.clone(),
        began_at,
        entries: sim.take_entries(),
        end: End { unrest, state, endpoints, sizes },
    }
}

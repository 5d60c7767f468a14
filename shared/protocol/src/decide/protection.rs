//! Does somebody stand by for each group? If nobody has for a while, people are told once a day until somebody does.

use jiff::Timestamp;

use super::{Draft, Facts};
use crate::attention::{CallChange, Matter, UNPROTECTED_EVERY, UNPROTECTED_FOR};
use crate::group::{Group, groups};
use crate::journal::Event;
use crate::pair::PairSeen;
use crate::plan::Plan;
use crate::state::State;
use crate::state::holdings::Ownership;
use crate::words::{duration, invocation, list};

/// A group that nobody stands by for.
struct Bare {
    group: Group,
    since: Timestamp,
    why: String,
}

/// The call for what nobody stands by for: raised, repeated once a day, ended. Of two guards the one that serves calls; the other one
/// only where no guard is known to serve.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let pair = facts.pair.as_ref()?;
    let bare: Vec<Bare> =
        groups(plan).into_iter().filter_map(|group| find(plan, state, pair, group, now)).collect();
    let call = state.calls.get(&Matter::Unprotected);
    let (turn, sentence) = match (bare.first(), call) {
        (None, None) => return None,
        (None, Some(call)) => {
            let after = duration(now.duration_since(call.since));
            let sentence = format!("{} is protected again. People were told of it for {after}.", plan.name);
            (CallChange::Ended, sentence)
        }
        (Some(_), Some(call)) if now.duration_since(call.last_at) < UNPROTECTED_EVERY => return None,
        (Some(first), _) => {
            let is_new = bare.iter().all(|bare| now.duration_since(bare.since) < UNPROTECTED_FOR);
            if call.is_none() && is_new {
                return None;
            }
            let names = list(bare.iter().map(|bare| &bare.group.name));
            let since = bare.iter().map(|bare| bare.since).min().unwrap_or(first.since);
            let sentence = format!(
                "Nothing stands by for {names}, for {}: {} . If the region that serves it is lost, Pilotlight moves nothing. \
                 docs/after-a-failover.md says how it is protected again. Pilotlight repeats this notice in {} unless that is \
                 done first.",
                duration(now.duration_since(since)),
                first.why,
                duration(UNPROTECTED_EVERY)
            );
            (CallChange::Called, sentence)
        }
    };
    let event = Event::Attention { matter: Matter::Unprotected, turn, subjects: Vec::new() };
    Some(Draft::new(None, event, sentence))
}

fn find(plan: &Plan, state: &State, pair: &PairSeen, group: Group, now: Timestamp) -> Option<Bare> {
    let guard = state.guard.as_ref()?;
    let held_since = group.since(state).unwrap_or(guard.began_at);
    let held = group.holding(state);
    let (own, other) = (&plan.own().region, &plan.other().region);
    let word = pair.counting_word(plan);
    let said = word.and_then(|word| word.groups.get(&group.name));
    let found = match held.ownership {
        Ownership::Standby | Ownership::Taking => None,
        Ownership::Unknown if guard.is_restored => Some((
            held_since,
            format!(
                "the journal in {own} was restored; let its guard go by what it sees and hears with: {}",
                adopt(plan)
            ),
        )),
        Ownership::Unknown => Some((
            held_since,
            format!("the guard in {own} does not know who serves it: {}", doubt(plan, word.is_some())),
        )),
        Ownership::Active | Ownership::Unprotected if word.is_none() => {
            let heard_at = pair.heard_at.unwrap_or(guard.began_at).max(held_since);
            let is_long = now.duration_since(heard_at) >= UNPROTECTED_FOR;
            let why = format!(
                "the guard in {other} has not been heard for {}",
                duration(now.duration_since(heard_at))
            );
            is_long.then_some((heard_at, why))
        }
        Ownership::Active => {
            let stands_by = said.is_some_and(|said| {
                said.holding.ownership == Ownership::Standby && said.holding.term == held.term
            });
            let is = said.map_or(Ownership::Unknown, |said| said.holding.ownership);
            // Both have to be so: it serves here, and nothing stands by there.
            let since = said.and_then(|said| said.since).map_or(held_since, |said| said.max(held_since));
            (!stands_by).then(|| (since, format!("it is {is} in {other}")))
        }
        Ownership::Unprotected => {
            let is_served = said.is_some_and(|said| said.owned_by().is_some());
            (!is_served).then(|| {
                (
                    held_since,
                    format!("it is unprotected in {own}, and the guard in {other} serves it no more"),
                )
            })
        }
    };
    found.map(|(since, why)| Bare { group, since, why })
}

fn adopt(plan: &Plan) -> String {
    invocation(plan, r#""command":"adopt""#)
}

fn doubt(plan: &Plan, is_heard: bool) -> String {
    if is_heard {
        format!(
            "its look and what the other guard says do not go together; once they do not contradict each other, go by them with: {}",
            adopt(plan)
        )
    } else {
        format!("the guard in {} is not heard", plan.other().region)
    }
}

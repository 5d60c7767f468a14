//! What does a function do to the world, and how is it written down? It may come about after its caller gave up.

use std::sync::Arc;

use ::ports::{Answer, Slot};
use protocol::state::fold;
use twin::Call;

use crate::history::{Effect, What};
use crate::invoke;
use crate::sim::Sim;

/// Whether a call does something to the world that may come late or twice. What is only noted beside the log, and decides
/// nothing, is a question like any other.
pub(crate) fn has_effect(call: &Call) -> bool {
    matches!(call, Call::Append(_) | Call::SaveSnapshot(_) | Call::Commands | Call::Notice)
        || call.changes().is_some()
}

/// Lets an effect come about, and writes down what it was.
pub(crate) async fn act_on<T>(
    sim: Arc<Sim>,
    by: u32,
    call: Call,
    effect: impl Future<Output = Answer<T>> + Send,
) -> Answer<T> {
    let sim = &sim;
    let world = &*sim.world;
    let records = world.inner().records.len();
    let capacity = match &call {
        Call::Resize(name, _) => world.inner().fleets.get(name).map(|twin| twin.capacity),
        _ => None,
    };
    let answer = effect.await;
    if let Call::Promote(database) = &call {
        let (database, accepted) = (database.clone(), answer.is_ok());
        sim.note(by, What::Effect(Effect::Promoted { database, accepted }));
    }
    let answer = answer?;
    match call {
        Call::Append(record) if world.inner().records.len() > records => {
            sim.note(by, What::Appended(Box::new((*record).clone())));
        }
        Call::SaveSnapshot(slot) => look_at_kept(sim, by, slot),
        Call::Commands => {
            let sent: Vec<_> = world.inner().commands.drain(..).collect();
            for command in &sent {
                invoke::deliver_command(sim, command);
            }
        }
        Call::Notice => {
            let told: Vec<String> = world.inner().notices.drain(..).collect();
            for text in told {
                sim.note(by, What::Told { text });
            }
        }
        Call::Promote(database) => invoke::wake_when_promoted(sim, &database),
        Call::Quarantine(database) => sim.note(by, What::Effect(Effect::Quarantined { database })),
        Call::Resize(fleet, to) => {
            if let Some(from) = capacity {
                sim.note(by, What::Effect(Effect::Resized { fleet, from, to }));
            }
        }
        Call::Open(route, side) => {
            let unready = sim.unready();
            sim.note(by, What::Effect(Effect::Opened { route, side, unready }));
        }
        Call::Close(route, side) => sim.note(by, What::Effect(Effect::Closed { route, side })),
        _ => {}
    }
    Ok(answer)
}

/// In a thousand, how many snapshots are left half written while things go wrong.
const TORN: u32 = 150;

/// Notes whether a snapshot that was just kept is true: what the log amounts to up to its record. At times only half of it was
/// written.
fn look_at_kept(sim: &Arc<Sim>, by: u32, slot: Slot) {
    let plan = &sim.draw.plan.name;
    let is_torn = !sim.is_healed() && sim.chance(TORN);
    let mut inner = sim.world.inner();
    let Some(sealed) = inner.state_snapshots.get(&slot).cloned() else { return };
    let seq = sealed.seq;
    let folded = fold(inner.records.iter().take_while(|record| record.seq <= seq));
    let is_true = sealed.open(plan).is_ok_and(|snapshot| folded.as_ref() == Ok(&snapshot.state));
    if is_torn && let Some(sealed) = inner.state_snapshots.get_mut(&slot) {
        let half = sealed.text.floor_char_boundary(sealed.text.len() / 2);
        sealed.text.truncate(half);
    }
    drop(inner);
    sim.note(by, What::Kept { seq, is_true, is_torn });
}

//! What a function does to the world, and how it is written down. It may come about after its caller gave up.

use std::sync::Arc;

use ::ports::{Answer, Appended, Databases, Fleets, Journal, KeptSnapshot, Traffic};
use protocol::command::StepCommand;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::plan::{Capacity, Database, Route};
use protocol::side::Side;
use protocol::state::fold;

use crate::history::{Effect, What};
use crate::invoke;
use crate::ports::publish;
use crate::sim::Sim;

/// Something that a function does to the world.
pub(crate) enum Deed {
    Append(Box<Record>),
    Keep(Box<KeptSnapshot>),
    Publish(Vec<StepCommand>),
    Tell(String),
    Promote(Database, Side),
    Quarantine(Database, Side),
    Resize(Name, Capacity),
    Weigh(Box<Route>, Side, u8),
}

impl Deed {
    /// It comes about.
    pub(crate) async fn be_done(self, sim: &Arc<Sim>, by: u32) -> Answer<Option<Appended>> {
        let world = &*sim.world;
        match self {
            Self::Append(record) => {
                let before = world.inner().records.len();
                let appended = world.append(&record).await?;
                if world.inner().records.len() > before {
                    sim.note(by, What::Appended(record));
                }
                return Ok(Some(appended));
            }
            Self::Keep(kept) => keep(sim, by, *kept).await?,
            Self::Publish(commands) => publish(sim, &commands),
            Self::Tell(text) => sim.note(by, What::Told { text }),
            Self::Promote(database, side) => {
                let answer = world.promote(&database, side).await;
                let accepted = answer.is_ok();
                sim.note(by, What::Effect(Effect::Promoted { database: database.name.clone(), accepted }));
                answer?;
                invoke::wake_when_promoted(sim, &database.name);
            }
            Self::Quarantine(database, side) => {
                world.quarantine(&database, side).await?;
                sim.note(by, What::Effect(Effect::Quarantined { database: database.name }));
            }
            Self::Resize(name, to) => {
                let from = world.inner().fleets.get(&name).map(|twin| twin.capacity);
                let (plan, seat) = (&sim.draw.plan, sim.draw.plan.seat);
                if let Some(fleet) = plan.fleets_at(seat).find(|fleet| *fleet.name == name) {
                    world.resize(fleet, to).await?;
                }
                if let Some(from) = from {
                    sim.note(by, What::Effect(Effect::Resized { fleet: name, from, to }));
                }
            }
            Self::Weigh(route, side, weight) => {
                world.set_weight(&route, side, weight).await?;
                let unready = sim.unready();
                sim.note(
                    by,
                    What::Effect(Effect::Weighed { route: route.name.clone(), side, weight, unready }),
                );
            }
        }
        Ok(None)
    }
}

/// In a thousand, how many snapshots are left half written while things go wrong.
const TORN: u32 = 150;

/// Keeps a snapshot, at times half of it; and notes whether it is true: what the log amounts to up to its record.
async fn keep(sim: &Arc<Sim>, by: u32, mut kept: KeptSnapshot) -> Answer<()> {
    let world = &*sim.world;
    let plan = &sim.draw.plan.name;
    let seq = kept.sealed.seq;
    let folded = fold(world.inner().records.iter().take_while(|record| record.seq <= seq));
    let is_true = kept.sealed.open(plan).is_ok_and(|snapshot| folded.as_ref() == Ok(&snapshot.state));
    let is_torn = !sim.is_healed() && sim.chance(TORN);
    if is_torn {
        let half = kept.sealed.text.floor_char_boundary(kept.sealed.text.len() / 2);
        kept.sealed.text.truncate(half);
    }
    world.save_snapshot(plan, &kept).await?;
    sim.note(by, What::Kept { seq, is_true, is_torn });
    Ok(())
}

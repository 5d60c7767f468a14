//! What a function does to the world, and how it is written down. It may come about after its caller gave up.

use std::sync::Arc;

use ::ports::{Answer, Appended, Databases, Fleets, Journal, Side, Traffic};
use protocol::command::StepCommand;
use protocol::journal::Record;
use protocol::plan::{Capacity, Database, Fleet, Route};

use crate::history::{Effect, What};
use crate::invoke;
use crate::ports::publish;
use crate::sim::Sim;

/// Something that a function does to the world.
pub(crate) enum Deed {
    Append(Box<Record>),
    Publish(Vec<StepCommand>),
    Tell(String),
    Promote(Database),
    Quarantine(Database),
    Resize(Fleet, Capacity),
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
            Self::Publish(commands) => publish(sim, &commands),
            Self::Tell(text) => sim.note(by, What::Told { text }),
            Self::Promote(database) => {
                let answer = world.promote(&database).await;
                let accepted = answer.is_ok();
                sim.note(by, What::Effect(Effect::Promoted { database: database.name.clone(), accepted }));
                answer?;
                invoke::wake_when_promoted(sim, &database.name);
            }
            Self::Quarantine(database) => {
                world.quarantine(&database).await?;
                sim.note(by, What::Effect(Effect::Quarantined { database: database.name }));
            }
            Self::Resize(fleet, to) => {
                let from = world.inner().fleets.get(&fleet.name).map(|twin| twin.capacity);
                world.resize(&fleet, to).await?;
                if let Some(from) = from {
                    sim.note(by, What::Effect(Effect::Resized { fleet: fleet.name, from, to }));
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

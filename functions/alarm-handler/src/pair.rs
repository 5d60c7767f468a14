//! What a guard does that is one of two: it looks at its own side, hears the other guard, and says what it holds itself.

use engine::conductor::{Conductor, Log};
use engine::fault::Fault;
use engine::pair::{self, PairLook, PairSources};
use protocol::decide::Facts;
use protocol::state::State;

use crate::AlarmHandler;

impl AlarmHandler {
    /// What is seen of the pair; nothing for a guard that is alone, and for one that can't read what it keeps of itself.
    ///
    /// # Errors
    /// A guard that has not begun can't find out what it is: it must not take itself for one that is alone.
    pub(crate) async fn see_pair(
        &self,
        conductor: &Conductor,
        state: &State,
    ) -> Result<Option<PairLook>, Fault> {
        let Some(words) = &self.words else { return Ok(None) };
        let sources = PairSources {
            words: &**words,
            databases: &*self.databases,
            traffic: &*self.traffic,
            clock: &*self.context.clock,
        };
        match pair::look(sources, &conductor.plan, state).await {
            Ok(look) => {
                if let Some(why) = &look.unheard {
                    tracing::info!(why, "the other guard is not heard");
                }
                Ok(Some(look))
            }
            Err(failure) if state.last_seq == 0 => Err(Fault::from_failure(
                "guard_unknown",
                "This guard is one of two and can't read what it keeps of itself, so Pilotlight does nothing",
                &failure,
            )),
            Err(failure) => {
                tracing::warn!(%failure, "this guard can't read what it keeps of itself, and hears nobody");
                Ok(None)
            }
        }
    }

    /// Keeps what this guard holds where the other one reads it.
    pub(crate) async fn say(&self, conductor: &Conductor, state: &State, look: &PairLook) {
        if let Some(words) = &self.words {
            pair::say(&**words, &conductor.plan, state, look, &*self.context.clock).await;
        }
    }

    /// A guard of two knows that it is one before anything else is decided: with an empty journal it would take itself for one that
    /// is alone, and stand by for everything.
    pub(crate) async fn begin(&self, conductor: &Conductor, log: &mut Log) -> Result<(), Fault> {
        if log.state.guard.is_some() || self.words.is_none() {
            return Ok(());
        }
        let Some(look) = self.see_pair(conductor, &log.state).await? else { return Ok(()) };
        let facts = Facts { pair: Some(look.seen), ..Facts::default() };
        conductor.advance_from(log, facts).await?;
        Ok(())
    }
}

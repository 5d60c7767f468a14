//! A stage for two guards: the production handlers on either side of two regions that they share, by one clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::Clock;
use protocol::group::groups;
use protocol::plan::Plan;
use protocol::side::{Side, Sides};
use protocol::state::State;
use protocol::state::holdings::Ownership;
use twin::{GuardTwin, RuntimeClock, TwoRegions};

use crate::Stage;

/// How often an idle stage looks for what is due.
const IDLE_BEAT: Duration = Duration::from_secs(20);

/// Two guards.
pub struct PairStage {
    /// What they share.
    pub regions: Arc<TwoRegions>,
    /// The guards, by their seats.
    pub guards: Sides<Stage>,
    clock: Arc<RuntimeClock>,
}

impl PairStage {
    /// Both begin, with nothing in their journals, while everything serves on one side.
    pub fn new(plan: &Plan, serving: Side) -> Self {
        let base: Timestamp = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        let clock = Arc::new(RuntimeClock::starting_at(base));
        let regions = Arc::new(TwoRegions::new(plan, Arc::clone(&clock) as Arc<dyn Clock>, serving));
        let guards = Sides::from_fn(|seat| {
            let mut stage = Stage::at(plan.clone().seated(seat), Arc::clone(&clock));
            let (regions, world) = (Arc::clone(&regions), Arc::clone(&stage.world));
            stage.guard = Some(Arc::new(GuardTwin { regions, world, seat }));
            stage
        });
        Self { regions, guards, clock }
    }

    /// A region is lost, with the guard in it, or comes back.
    pub fn set_alive(&mut self, side: Side, lives: bool) {
        self.regions.inner().lives[side] = lives;
        self.guards[side.other()].world.inner().primary_lives = lives;
        if !lives {
            // What was under way there ends with the region.
            self.guards[side].workers.clear();
        }
    }

    /// Lets time pass until something holds of the guards' states; says whether it did within the limit.
    pub async fn until(&mut self, limit: SignedDuration, holds: impl Fn(&Sides<State>) -> bool) -> bool {
        let end = self.clock.now().checked_add(limit).unwrap_or(Timestamp::MAX);
        loop {
            if holds(&Sides::from_fn(|side| self.guards[side].state())) {
                return true;
            }
            if self.clock.now() >= end {
                return false;
            }
            self.act().await;
            self.guards[Side::Primary].clock_passes().await;
        }
    }

    /// Lets time pass.
    pub async fn pass(&mut self, duration: SignedDuration) {
        self.until(duration, |_| false).await;
    }

    /// Lets a long time pass in which nothing is under way: only the schedules are kept.
    pub async fn idle(&mut self, duration: SignedDuration) {
        let end = self.clock.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        while self.clock.now() < end {
            self.act().await;
            self.clock.sleep(IDLE_BEAT).await;
        }
    }

    /// What is due at either guard whose region lives.
    async fn act(&mut self) {
        for side in Side::BOTH {
            if self.regions.inner().lives[side] {
                self.guards[side].act().await;
            }
        }
    }

    /// What each guard's own side is for every group.
    pub fn holds(&self, side: Side) -> Vec<(Ownership, u64)> {
        let stage = &self.guards[side];
        let folded = stage.state();
        let held = groups(&stage.plan).into_iter().map(|group| group.holding(&folded));
        held.map(|held| (held.ownership, held.term)).collect()
    }
}

/// Whether a guard's own side is this for all groups.
pub fn all_are(plan: &Plan, state: &State, ownership: Ownership) -> bool {
    state.guard.is_some() && groups(plan).iter().all(|group| group.holding(state).ownership == ownership)
}

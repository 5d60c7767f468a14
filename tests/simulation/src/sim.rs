//! The played world: the in-memory twin, the condition of its primary region, chance, and what has happened so far.

use protocol::endpoint::Endpoint;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, FailureKind, ReplicaView};
use protocol::name::Name;
use twin::{CountingIds, MemoryWorld, RuntimeClock};

use crate::history::{Change, Condition, Entry, What};
use crate::scenario::{Draw, Faults, chance};

/// A world at play. Everything in it runs on one thread, so that a seed decides everything.
pub(crate) struct Sim {
    pub(crate) draw: Draw,
    pub(crate) world: Arc<MemoryWorld>,
    pub(crate) clock: Arc<RuntimeClock>,
    pub(crate) ids: Arc<CountingIds>,
    /// Whether calls that went well are kept too.
    pub(crate) is_verbose: bool,
    began_at: Timestamp,
    instances: AtomicU32,
    healed: AtomicBool,
    moving: Mutex<Moving>,
}

/// What changes while a world is at play.
struct Moving {
    rng: Rng,
    entries: Vec<Entry>,
    condition: Condition,
    stuck: Option<Name>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    Fails(FailureKind),
    /// No answer; its effect, if any, comes so much later.
    TimesOut(Option<Duration>),
    LosesAnswer,
    KilledBefore,
    KilledAfter,
}

/// Usual and longest time of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) usual_ms: (u64, u64),
    pub(crate) longest_ms: u64,
}

impl Sim {
    pub(crate) fn new(draw: Draw, is_verbose: bool) -> Arc<Self> {
        let base = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        let clock = Arc::new(RuntimeClock::starting_at(base));
        let world = Arc::new(MemoryWorld::new(&draw.plan, Arc::clone(&clock) as Arc<dyn Clock>));
        {
            let mut inner = world.inner();
            inner.page_records_max = draw.page_records_max;
            for (name, takes) in &draw.promotions {
                if let Some(twin) = inner.databases.get_mut(name) {
                    twin.promotion = Some(*takes);
                }
            }
            for (name, takes) in &draw.launches {
                if let Some(twin) = inner.fleets.get_mut(name) {
                    twin.launch = Some(*takes);
                }
            }
        }
        // Not the numbers that the draw itself was made of.
        let rng = Rng::with_seed(draw.seed ^ 0x5ee_d0fa_11fe);
        let moving = Moving { rng, entries: Vec::new(), condition: Condition::WELL, stuck: None };
        Arc::new(Self {
            draw,
            world,
            clock,
            ids: Arc::new(CountingIds::default()),
            is_verbose,
            began_at: base,
            instances: AtomicU32::new(0),
            healed: AtomicBool::new(false),
            moving: Mutex::new(moving),
        })
    }

    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        if ms > 0 {
            self.clock.sleep(Duration::from_millis(ms)).await;
        }
    }

    pub(crate) fn next_instance(&self) -> u32 {
        self.instances.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes down what happened.
    pub(crate) fn note(&self, by: u32, what: What) {
        let at = self.now();
        self.moving().entries.push(Entry { at, by, what });
    }

    pub(crate) fn take_entries(&self) -> Vec<Entry> {
        std::mem::take(&mut self.moving().entries)
    }

    /// A number by chance.
    pub(crate) fn between(&self, from: u64, to: u64) -> u64 {
        if from >= to { from } else { self.moving().rng.u64(from..to) }
    }

    pub(crate) fn chance(&self, in_thousand: u32) -> bool {
        in_thousand > 0 && chance(&mut self.moving().rng, in_thousand)
    }

    /// What goes wrong now.
    pub(crate) fn faults(&self) -> Faults {
        if self.is_healed() { Faults::default() } else { self.draw.faults }
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Relaxed)
    }

    pub(crate) fn condition(&self) -> Condition {
        self.moving().condition
    }

    pub(crate) fn set_condition(&self, condition: Condition) {
        self.moving().condition = condition;
        self.world.inner().primary_lives = condition.controls;
        self.note(0, What::Change(Change::Primary(condition)));
    }

    pub(crate) fn set_room(&self, has_room: bool) {
        let names: Vec<Name> = self.world.inner().fleets.keys().cloned().collect();
        for fleet in names {
            if let Some(twin) = self.world.inner().fleets.get_mut(&fleet) {
                twin.has_room = has_room;
            }
            self.note(0, What::Change(Change::Room { fleet, has_room }));
        }
    }

    pub(crate) fn set_stuck(&self, database: Name, is_stuck: bool) {
        self.moving().stuck = is_stuck.then(|| database.clone());
        self.note(0, What::Change(Change::Stuck { database, is_stuck }));
    }

    /// A database as the world has it: one that is stuck leaves `modifying` for a status that it does not leave by
    /// itself.
    pub(crate) fn stuck_view(&self, name: &Name, view: ReplicaView) -> ReplicaView {
        let is_stuck = self.moving().stuck.as_ref() == Some(name);
        match view {
            ReplicaView::Writable | ReplicaView::Changing { .. } if is_stuck => {
                ReplicaView::Changing { status: "incompatible-network".to_owned() }
            }
            view => view,
        }
    }

    /// Somebody opens every primary side again that is closed: a pipeline, say.
    pub(crate) fn reopen(&self) {
        for route in &self.draw.plan.routes {
            let mut inner = self.world.inner();
            let Some(view) =
                inner.routes.get_mut(&route.name).filter(|view| view.endpoints.primary == Endpoint::Closed)
            else {
                continue;
            };
            view.endpoints.primary = Endpoint::Open(route.sides.primary.setting());
            drop(inner);
            self.note(0, What::Change(Change::Reopened { route: route.name.clone() }));
        }
    }

    /// From here on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        self.set_room(true);
        let stuck = self.moving().stuck.clone();
        if let Some(database) = stuck {
            self.set_stuck(database, false);
        }
        self.note(0, What::Change(Change::Healed));
    }

    /// Databases that are not writable and fleets that are not healthy now.
    pub(crate) fn unready(&self) -> Vec<Name> {
        let now = self.now();
        let stuck = self.moving().stuck.clone();
        let inner = self.world.inner();
        let databases = self.draw.plan.databases.iter().map(|database| &database.name).filter(|name| {
            inner.replica(name, now) != ReplicaView::Writable || stuck.as_ref() == Some(*name)
        });
        let fleets = self.draw.plan.fleets_at(self.draw.plan.seat);
        let small = fleets.filter(|fleet| inner.healthy(fleet.name, now) < fleet.healthy_targets_min);
        databases.chain(small.map(|fleet| fleet.name)).cloned().collect()
    }

    /// Whether the API that closes and opens routes refuses everything now.
    fn is_accelerator_down(&self) -> bool {
        let Some((from, to)) = self.draw.accelerator_down.filter(|_| !self.is_healed()) else { return false };
        let second = self.now().duration_since(self.began_at).as_secs();
        (i64::from(from)..i64::from(to)).contains(&second)
    }

    /// Draws what becomes of a call.
    pub(crate) fn fate(&self, by: u32, action: &'static str) -> Fate {
        if self.is_accelerator_down() && matches!(action, "look_route" | "open" | "close") {
            return Fate::Fails(FailureKind::Unavailable);
        }
        let faults = self.faults();
        if faults == Faults::default() {
            return Fate::Well;
        }
        let mut moving = self.moving();
        let rng = &mut moving.rng;
        let drawn = rng.u32(0..1000);
        let late = Duration::from_millis(rng.u64(100..3_000));
        drop(moving);
        let fates = [
            (faults.throttled, Fate::Fails(FailureKind::Throttled)),
            (faults.unavailable, Fate::Fails(FailureKind::Unavailable)),
            (faults.denied, Fate::Fails(FailureKind::Denied)),
            (faults.times_out, Fate::TimesOut(None)),
            (faults.late, Fate::TimesOut(Some(late))),
            (faults.loses_answer, Fate::LosesAnswer),
            (faults.killed_before, Fate::KilledBefore),
            (faults.killed_after, Fate::KilledAfter),
        ];
        let mut upto = 0;
        for (rate, fate) in fates {
            upto += rate;
            if drawn < upto {
                self.note(by, What::Fault { action, fate: format!("{fate:?}") });
                return fate;
            }
        }
        Fate::Well
    }

    /// How long a call takes, in milliseconds: on its way there, and on its way back.
    pub(crate) fn travel(&self, pace: Pace) -> (u64, u64) {
        let usual = self.between(pace.usual_ms.0, pace.usual_ms.1 + 1);
        let whole = if self.chance(self.faults().slow) {
            self.between(pace.usual_ms.1, pace.longest_ms)
        } else {
            usual
        };
        (whole / 2, whole - whole / 2)
    }

    /// How far the clock of a new instance is off.
    pub(crate) fn skew(&self) -> SignedDuration {
        let most = u64::from(self.faults().skew_ms);
        let off = self.between(0, 2 * most + 1);
        SignedDuration::from_millis(i64::try_from(off).unwrap_or(0) - i64::try_from(most).unwrap_or(0))
    }
}

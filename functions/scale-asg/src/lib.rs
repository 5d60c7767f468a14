//! Scales fleets out in the recovery region, and gives them their former size back after an abort.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::step::{Sight, Work};
use engine::worker::Workshop;
use engine::world::World;
use ports::{Failure, FailureKind, FleetView, Fleets};
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::{Capacity, Fleet, Plan};

/// The steps of this function.
pub struct ScaleAsg {
    fleets: Arc<dyn Fleets>,
}

impl ScaleAsg {
    /// On the ports of the world.
    pub fn new(world: &World) -> Self {
        Self { fleets: Arc::clone(&world.fleets) }
    }
}

impl Workshop for ScaleAsg {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn Work>> {
        let (plan, fleets) = (Arc::clone(&conductor.plan), Arc::clone(&self.fleets));
        match step {
            Step::Scale => Some(Box::new(Scale { plan, fleets })),
            Step::Restore => Some(Box::new(Restore { plan, fleets, before: noted(log) })),
            _ => None,
        }
    }
}

/// The sizes that were noted before the run touched anything.
fn noted(log: &Log) -> BTreeMap<Name, Capacity> {
    let notes = log.state.active_run().map(|run| &run.before).into_iter().flatten();
    notes
        .filter(|((step, _), _)| *step == Step::Scale)
        .filter_map(|((_, fleet), note)| Some((fleet.clone(), serde_json::from_str(note).ok()?)))
        .collect()
}

fn named<'p>(plan: &'p Plan, subjects: &[Name]) -> Result<Vec<&'p Fleet>, Failure> {
    subjects.iter().map(|subject| one(plan, subject)).collect()
}

fn one<'p>(plan: &'p Plan, subject: &Name) -> Result<&'p Fleet, Failure> {
    plan.fleets
        .iter()
        .find(|fleet| fleet.name == *subject)
        .ok_or_else(|| missing("not_in_plan", format!("the plan has no fleet {subject}")))
}

fn missing(code: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Missing, action: "plan", code: code.to_owned(), message }
}

struct Scale {
    plan: Arc<Plan>,
    fleets: Arc<dyn Fleets>,
}

#[async_trait]
impl Work for Scale {
    fn step(&self) -> Step {
        Step::Scale
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure> {
        let fleets = named(&self.plan, subjects)?;
        let views = self.fleets.look(&fleets).await?;
        Ok(fleets.into_iter().zip(views).map(|(fleet, view)| scaling(fleet, &view)).collect())
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        let fleet = one(&self.plan, subject)?;
        let views = self.fleets.look(&[fleet]).await?;
        let Some(FleetView::Group { capacity, .. }) = views.first() else {
            return Err(missing("group_missing", format!("the group {} does not exist", fleet.group)));
        };
        self.fleets.resize(fleet, at_least(*capacity, fleet.capacity)).await
    }
}

/// How far a scale-out is. In service is not healthy: what counts are healthy targets.
fn scaling(fleet: &Fleet, view: &FleetView) -> Sight {
    let FleetView::Group { capacity, in_service, healthy_targets, launch_suspended } = view else {
        return Sight::Hopeless {
            code: "group_missing",
            message: format!("the group {} does not exist; correct fleets[].group of the plan", fleet.group),
        };
    };
    let wanted = at_least(*capacity, fleet.capacity);
    if *launch_suspended && *in_service < wanted.desired {
        return Sight::Hopeless {
            code: "launch_suspended",
            message: format!("the Launch process of {} is suspended; resume it", fleet.group),
        };
    }
    if *capacity != wanted {
        return Sight::Wanting { before: serde_json::to_string(capacity).ok() };
    }
    let counted = format!("{healthy_targets} of {} targets healthy", fleet.healthy_targets_min);
    if *healthy_targets >= fleet.healthy_targets_min {
        Sight::Stands { detail: counted }
    } else {
        Sight::Underway {
            note: format!("{in_service} of {} instances in service, {counted}", wanted.desired),
        }
    }
}

/// A fleet is never made smaller by a failover.
fn at_least(now: Capacity, wanted: Capacity) -> Capacity {
    Capacity {
        min: now.min.max(wanted.min),
        desired: now.desired.max(wanted.desired),
        max: now.max.max(wanted.max),
    }
}

struct Restore {
    plan: Arc<Plan>,
    fleets: Arc<dyn Fleets>,
    before: BTreeMap<Name, Capacity>,
}

#[async_trait]
impl Work for Restore {
    fn step(&self) -> Step {
        Step::Restore
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure> {
        let fleets = named(&self.plan, subjects)?;
        let views = self.fleets.look(&fleets).await?;
        Ok(fleets.into_iter().zip(views).map(|(fleet, view)| self.restoring(fleet, &view)).collect())
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        match self.before.get(subject) {
            Some(before) => self.fleets.resize(one(&self.plan, subject)?, *before).await,
            None => Ok(()),
        }
    }
}

impl Restore {
    fn restoring(&self, fleet: &Fleet, view: &FleetView) -> Sight {
        match (self.before.get(&fleet.name), view) {
            (None, _) => Sight::Stands { detail: "its size was not changed".to_owned() },
            (Some(_), FleetView::Missing) => Sight::Stands { detail: "the group does not exist".to_owned() },
            (Some(before), FleetView::Group { capacity, .. }) if capacity == before => {
                Sight::Stands { detail: format!("desired size is {} again", before.desired) }
            }
            (Some(_), FleetView::Group { .. }) => Sight::Wanting { before: None },
        }
    }
}

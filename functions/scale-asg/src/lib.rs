//! Scales fleets out in the recovery region, and gives them their former size back after an abort.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use engine::step::{StepHandler, StepStatus, in_order};
use engine::worker::{self, StepHandlers};
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Failure, FailureKind, FleetView, Fleets};
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::{Capacity, FleetAt, Plan};
use serde_json::Value;

/// What this function may do.
pub struct ScaleAsg {
    /// What it decides with.
    pub context: Context,
    /// ARN of the one topic that may ask for steps.
    pub commands_topic: String,
    /// Fleets.
    pub fleets: Arc<dyn Fleets>,
}

impl ScaleAsg {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        worker::handle(&self.context, &self.commands_topic, self, payload, deadline).await
    }
}

impl StepHandlers for ScaleAsg {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn StepHandler>> {
        let (plan, fleets) = (Arc::clone(&conductor.plan), Arc::clone(&self.fleets));
        match step {
            Step::Scale => {
                let clock = Arc::clone(&self.context.clock);
                let begun = begun(log, clock.now());
                Some(Box::new(Scale { plan, fleets, clock, begun, quotes: Mutex::default() }))
            }
            Step::Restore => Some(Box::new(Restore { plan, fleets, before: noted(log) })),
            _ => None,
        }
    }
}

/// Since when each fleet is being scaled out by the run; the second is for those that nobody has begun with.
fn begun(log: &Log, now: Timestamp) -> (BTreeMap<Name, Timestamp>, Timestamp) {
    let begun = log.state.active_run().into_iter().flat_map(|run| run.steps.of(Step::Scale));
    (begun.map(|(fleet, progress)| (fleet.clone(), progress.since())).collect(), now)
}

/// The sizes that were noted before the run touched anything.
fn noted(log: &Log) -> BTreeMap<Name, Capacity> {
    let notes = log.state.active_run().map(|run| &run.before).into_iter().flatten();
    notes
        .filter(|((step, _), _)| *step == Step::Scale)
        .filter_map(|((_, fleet), note)| Some((fleet.clone(), serde_json::from_str(note).ok()?)))
        .collect()
}

fn named<'p>(plan: &'p Plan, subjects: &[Name]) -> Result<Vec<FleetAt<'p>>, Failure> {
    subjects.iter().map(|subject| one(plan, subject)).collect()
}

fn one<'p>(plan: &'p Plan, subject: &Name) -> Result<FleetAt<'p>, Failure> {
    plan.fleets_at(plan.seat)
        .find(|fleet| fleet.name == subject)
        .ok_or_else(|| missing("not_in_plan", format!("the plan has no fleet {subject}")))
}

fn missing(code: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Missing, action: "plan", code: code.to_owned(), message }
}

/// How often a fleet that is waited for is asked why a launch failed.
const QUOTED_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// Longest time that the question may take.
const QUOTE_MAX: Duration = Duration::from_secs(3);

/// What is known to be behind the words of a failed launch, and what helps.
const CAUSES: &[(&str, &str)] = &[
    (
        "Client.InternalError",
        "usually the service-linked role of Auto Scaling has no grant on the KMS key of a volume or an image",
    ),
    ("VcpuLimitExceeded", "raise the account's vCPU quota in this region"),
    ("vCPU", "raise the account's vCPU quota in this region"),
    (
        "InsufficientInstanceCapacity",
        "AWS has no capacity for this instance type here now: give the group other types or zones",
    ),
    (
        "do not have sufficient",
        "AWS has no capacity for this instance type here now: give the group other types or zones",
    ),
    ("Unsupported", "this region or zone does not offer the instance type: give the group another type"),
    (
        "not supported in your requested Availability Zone",
        "give the group an instance type that its zones offer",
    ),
    ("InsufficientFreeAddressesInSubnet", "the subnets have no free addresses: free some or add subnets"),
    ("not enough free addresses", "the subnets have no free addresses: free some or add subnets"),
];

struct Scale {
    plan: Arc<Plan>,
    fleets: Arc<dyn Fleets>,
    clock: Arc<dyn Clock>,
    begun: (BTreeMap<Name, Timestamp>, Timestamp),
    /// Why the last launch of each fleet failed, in the service's words, and when that was asked.
    quotes: Mutex<BTreeMap<Name, (Timestamp, Option<String>)>>,
}

impl Scale {
    /// A look at one fleet; where it waits, with the service's own words of the last launch that failed since the step began.
    async fn scaling(&self, fleet: FleetAt<'_>, view: &FleetView) -> Result<StepStatus, Failure> {
        Ok(match scaling(fleet, view) {
            StepStatus::InProgress { note } => match self.quote(fleet).await {
                Some(quote) => StepStatus::InProgress { note: format!("{note}; {quote}") },
                None => StepStatus::InProgress { note },
            },
            sight => sight,
        })
    }

    async fn quote(&self, fleet: FleetAt<'_>) -> Option<String> {
        let now = self.clock.now();
        let known = self.quotes.lock().ok()?.get(fleet.name).cloned();
        let known_quote = match known {
            Some((at, quote)) if now.duration_since(at) < QUOTED_AGAIN_AFTER => return quote,
            known => known.and_then(|(_, quote)| quote),
        };
        let (begun, otherwise) = &self.begun;
        let since = begun.get(fleet.name).unwrap_or(otherwise);
        let asked = self.fleets.last_failure(fleet, *since);
        // It only explains a wait: what can't be asked is said, and nothing waits for it or fails by it.
        let quote = match select(asked, self.clock.sleep(QUOTE_MAX)).await {
            Either::Left((Ok(message), _)) => message.map(|message| explained(&message)),
            Either::Left((Err(failure), _)) => {
                Some(format!("its scaling activities can't be read: {failure}"))
            }
            Either::Right(_) => known_quote,
        };
        self.quotes.lock().ok()?.insert(fleet.name.clone(), (now, quote.clone()));
        quote
    }
}

/// A failed activity in the service's words, with what is known to be behind them.
fn explained(message: &str) -> String {
    let message = message.trim_end_matches('.');
    match CAUSES.iter().find(|(words, _)| message.contains(words)) {
        Some((_, hint)) => format!("the last launch failed: {message} ({hint})"),
        None => format!("the last launch failed: {message}"),
    }
}

#[async_trait]
impl StepHandler for Scale {
    fn step(&self) -> Step {
        Step::Scale
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        let fleets = named(&self.plan, subjects)?;
        let views = self.fleets.look(&fleets).await?;
        in_order(fleets.iter().zip(&views).map(|(fleet, view)| self.scaling(*fleet, view)).collect()).await
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        let fleet = one(&self.plan, subject)?;
        let views = self.fleets.look(&[fleet]).await?;
        let Some(FleetView::Group { capacity, .. }) = views.first() else {
            return Err(missing("group_missing", format!("the group {} does not exist", fleet.group)));
        };
        self.fleets.resize(fleet, at_least(*capacity, fleet.serving)).await
    }
}

/// How far a scale-out is. In service is not healthy: what counts are healthy targets.
fn scaling(fleet: FleetAt<'_>, view: &FleetView) -> StepStatus {
    let FleetView::Group { capacity, in_service, healthy_targets, launch_suspended } = view else {
        return StepStatus::Failed {
            code: "group_missing",
            message: format!(
                "the group {} does not exist; correct fleets[].sides.{}.group of the plan",
                fleet.group,
                fleet.side.as_str()
            ),
        };
    };
    let wanted = at_least(*capacity, fleet.serving);
    if *launch_suspended && *in_service < wanted.desired {
        return StepStatus::Failed {
            code: "launch_suspended",
            message: format!("the Launch process of {} is suspended; resume it", fleet.group),
        };
    }
    if *capacity != wanted {
        return StepStatus::Pending { before: serde_json::to_string(capacity).ok() };
    }
    let counted = format!("{healthy_targets} of {} targets healthy", fleet.healthy_targets_min);
    if *healthy_targets >= fleet.healthy_targets_min {
        StepStatus::Done { detail: counted }
    } else {
        StepStatus::InProgress {
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
impl StepHandler for Restore {
    fn step(&self) -> Step {
        Step::Restore
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
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
    fn restoring(&self, fleet: FleetAt<'_>, view: &FleetView) -> StepStatus {
        match (self.before.get(fleet.name), view) {
            (None, _) => StepStatus::Done { detail: "its size was not changed".to_owned() },
            (Some(_), FleetView::Missing) => {
                StepStatus::Done { detail: "the group does not exist".to_owned() }
            }
            (Some(before), FleetView::Group { capacity, .. }) if capacity == before => {
                StepStatus::Done { detail: format!("desired size is {} again", before.desired) }
            }
            (Some(_), FleetView::Group { .. }) => StepStatus::Pending { before: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_causes_of_a_failed_launch_are_explained_in_the_services_own_words() {
        for (message, hint) in [
            ("Client.InternalError: Client error on launch", "KMS key"),
            (
                "You have requested more vCPU capacity than your current vCPU limit of 32 allows.",
                "vCPU quota",
            ),
            ("VcpuLimitExceeded", "vCPU quota"),
            ("InsufficientInstanceCapacity", "other types or zones"),
            (
                "We currently do not have sufficient t3.micro capacity in the Availability Zone",
                "other types or zones",
            ),
            (
                "Unsupported: Your requested instance type is not supported",
                "does not offer the instance type",
            ),
            ("InsufficientFreeAddressesInSubnet", "free addresses"),
            ("There are not enough free addresses in subnet 'subnet-1'", "free addresses"),
        ] {
            let said = explained(message);
            assert!(said.contains(message.trim_end_matches('.')) && said.contains(hint), "{said}");
        }
        assert_eq!(explained("a new word."), "the last launch failed: a new word");
    }
}

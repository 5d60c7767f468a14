//! Makes replicas the writable databases of the recovery region, and cuts the old primaries off once their region
//! answers again.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use engine::fences;
use engine::step::{Objection, StepHandler, StepStatus, for_a_person, in_order};
use engine::worker::{self, StepHandlers};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Databases, Failure, FailureKind, OldPrimary, Publisher, ReplicaView, Traffic};
use protocol::command::{Step, StepCommand};
use protocol::database_status::{Condition, remedy};
use protocol::decide::{FENCE_UNREAD, is_known_unread, lost_sentence};
use protocol::journal::{EndpointSeen, Event, LostFence};
use protocol::name::Name;
use protocol::plan::{Database, DatabaseKind, Plan, Route};
use protocol::side::Side;
use protocol::state::State;
use protocol::words::list;
use serde_json::Value;

/// What this function may do.
pub struct PromoteReplica {
    /// What it decides with.
    pub context: Context,
    /// ARN of the one topic that may ask for steps.
    pub commands_topic: String,
    /// Databases.
    pub databases: Arc<dyn Databases>,
    /// Routes: a promotion waits for their fence.
    pub traffic: Arc<dyn Traffic>,
}

impl PromoteReplica {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        worker::handle(&self.context, &self.commands_topic, self, payload, deadline).await
    }
}

impl StepHandlers for PromoteReplica {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn StepHandler>> {
        let (plan, databases) = (Arc::clone(&conductor.plan), Arc::clone(&self.databases));
        match step {
            Step::Promote => {
                let run = log.state.run.as_ref().map_or(0, |run| run.id);
                Some(Box::new(Promote {
                    plan,
                    databases,
                    traffic: Arc::clone(&self.traffic),
                    publisher: Arc::clone(&self.context.publisher),
                    clock: Arc::clone(&self.context.clock),
                    run,
                    unread_since: Mutex::new(None),
                }))
            }
            Step::Quarantine => Some(Box::new(Quarantine { plan, databases })),
            _ => None,
        }
    }
}

/// The databases of these names, in their order.
fn named<'p>(plan: &'p Plan, subjects: &[Name]) -> Result<Vec<&'p Database>, Failure> {
    subjects.iter().map(|subject| one(plan, subject)).collect()
}

fn one<'p>(plan: &'p Plan, subject: &Name) -> Result<&'p Database, Failure> {
    plan.databases.iter().find(|database| database.name == *subject).ok_or_else(|| Failure {
        kind: FailureKind::Missing,
        action: "plan",
        code: "not_in_plan".to_owned(),
        message: format!("the plan has no database {subject}"),
    })
}

/// A primary side that can't be looked at for so long has lost its fence: the step fence looks at it again, until its
/// deadline.
const UNREAD_MAX: SignedDuration = SignedDuration::from_secs(15);

struct Promote {
    plan: Arc<Plan>,
    databases: Arc<dyn Databases>,
    traffic: Arc<dyn Traffic>,
    publisher: Arc<dyn Publisher>,
    clock: Arc<dyn Clock>,
    run: u64,
    /// Since when a primary side can't be looked at.
    unread_since: Mutex<Option<Timestamp>>,
}

impl Promote {
    /// Asks for the quarantine of the old primary, which the tick asks for once a minute only: an accelerator with nowhere to
    /// send users to may send them to the old side. Not of an Aurora cluster: there AWS itself stops the old writer, and a
    /// cluster that is being changed could delay that.
    async fn cut_off(&self, database: &Database) {
        if database.is_aurora() || database.quarantine_security_group(self.plan.seat.other()).is_none() {
            return;
        }
        let subjects = vec![database.name.clone()];
        let command =
            StepCommand { plan: self.plan.name.clone(), run: self.run, step: Step::Quarantine, subjects };
        if let Err(failure) = self.publisher.commands(&[command]).await {
            tracing::warn!(%failure, "the quarantine command was not published; the tick will publish it");
        }
    }

    /// The routes of the run, each of whose primary sides must be closed.
    fn routes(&self, state: &State) -> Vec<&Route> {
        let run = state.active_run().filter(|run| !run.overrides.override_fence);
        let is_of_run = |route: &&Route| run.is_some_and(|run| run.scope.routes.contains(&route.name));
        self.plan.routes.iter().filter(is_of_run).collect()
    }

    /// Whether a primary side could not be looked at for too long by now.
    fn is_unread_for_long(&self, is_unread: bool) -> bool {
        let now = self.clock.now();
        let Ok(mut since) = self.unread_since.lock() else { return true };
        if !is_unread {
            *since = None;
            return false;
        }
        now.duration_since(*since.get_or_insert(now)) >= UNREAD_MAX
    }
}

#[async_trait]
impl StepHandler for Promote {
    fn step(&self) -> Step {
        Step::Promote
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        let databases = named(&self.plan, subjects)?;
        let views = self.databases.look(&databases, self.plan.seat).await?;
        Ok(databases
            .into_iter()
            .zip(views)
            .map(|(database, view)| promotion(&database.kind, self.plan.seat, view))
            .collect())
    }

    /// No promotion beside an open side that is moved away from: it is read again right before each call.
    async fn objection(&self, state: &State) -> Option<Objection> {
        let side = self.plan.seat.other();
        let from = side.as_str();
        let looked = fences::look(&*self.traffic, &*self.clock, &self.routes(state), side).await;
        // What only a person can mend, such as a permission, no other look changes.
        if let Some((route, failure)) = looked.iter().find_map(|one| {
            let failure = one.failure.as_ref().filter(|failure| !failure.can_retry())?;
            Some((&one.seen.route, failure))
        }) {
            let why = for_a_person(failure).1;
            let message =
                format!("Pilotlight can't check whether the {from} side of {route} is closed: {why}");
            return Some(Objection::Failed { code: FENCE_UNREAD, message });
        }
        let mut lost = Vec::new();
        let mut unread = Vec::new();
        for fence in looked.into_iter().map(|one| one.seen) {
            match fence.side {
                EndpointSeen::Closed {} => {}
                EndpointSeen::Unread { .. } => {
                    unread.push(LostFence { route: fence.route, seen: fence.side });
                }
                side => lost.push(LostFence { route: fence.route, seen: side }),
            }
        }
        let is_known = state.active_run().is_some_and(|run| is_known_unread(run, self.clock.now()));
        let is_over = self.is_unread_for_long(!unread.is_empty()) && !is_known;
        if lost.is_empty() && (unread.is_empty() || !is_over) {
            let sides = list(unread.iter().map(|lost| format!("{} is {}", lost.route, lost.seen)));
            return (!unread.is_empty())
                .then(|| Objection::Unknown { note: format!("the {from} side of {sides}") });
        }
        if is_over {
            lost.append(&mut unread);
        }
        let sentence = lost_sentence(&self.plan, self.run, &lost);
        let names = list(lost.iter().map(|lost| lost.route.to_string()));
        let note = format!("the {from} side of {names} is not confirmed closed");
        Some(Objection::Undone { event: Box::new(Event::FenceLost { routes: lost }), sentence, note })
    }

    /// The promotion does not wait for the quarantine, nor that for the promotion.
    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        let database = one(&self.plan, subject)?;
        let (promoted, ()) =
            futures::join!(self.databases.promote(database, self.plan.seat), self.cut_off(database));
        promoted
    }
}

/// How far a promotion is. "available" alone is not done: it must follow nobody as well.
fn promotion(kind: &DatabaseKind, seat: Side, view: ReplicaView) -> StepStatus {
    match view {
        ReplicaView::Writable => StepStatus::Done {
            detail: match kind {
                DatabaseKind::RdsReplica { .. } => "it accepts writes and has no replication source",
                DatabaseKind::AuroraGlobal { .. } => {
                    "available, with a writer instance and no replication source"
                }
            }
            .to_owned(),
        },
        ReplicaView::Headless => StepStatus::Failed {
            code: "cluster_without_instance",
            message:
                "its cluster has no instance to promote; add one (aws rds create-db-instance), then run the \
                 step again"
                    .to_owned(),
        },
        ReplicaView::Replica { status, .. } if may_be_promoted(kind, &status) => {
            StepStatus::Pending { before: None }
        }
        ReplicaView::Replica { status, .. } | ReplicaView::Changing { status }
            if Condition::of(&status) == Condition::Final =>
        {
            let whose = match kind {
                DatabaseKind::RdsReplica { .. } => "its status",
                DatabaseKind::AuroraGlobal { .. } => {
                    "the status of its cluster, or of its future writer instance,"
                }
            };
            let message = format!("{whose} is {status}, which does not clear by itself; {}", remedy(&status));
            StepStatus::Failed { code: "replica_unusable", message }
        }
        ReplicaView::Replica { status, .. } | ReplicaView::Changing { status } => {
            StepStatus::InProgress { note: status }
        }
        ReplicaView::Missing => StepStatus::Failed {
            code: "replica_missing",
            message: format!(
                "the replica does not exist; correct databases[].sides.{}.arn of the plan",
                seat.as_str()
            ),
        },
    }
}

/// Whether a promotion is asked for in a status: where it may be, AWS is asked and its refusal is waited out. An instance
/// can't be promoted while a backup is taken; what is moving may be just this promotion; and a word that nobody knows may
/// be a global database's failover, which is never asked for twice.
fn may_be_promoted(kind: &DatabaseKind, status: &str) -> bool {
    let is_cluster = matches!(kind, DatabaseKind::AuroraGlobal { .. });
    match Condition::of(status) {
        Condition::Online => true,
        Condition::BackingUp => is_cluster,
        Condition::Unknown => !is_cluster,
        Condition::Moving | Condition::Final => false,
    }
}

/// How far an old primary is cut off.
fn quarantine(seen: Result<OldPrimary, Failure>) -> StepStatus {
    match seen {
        Ok(OldPrimary::CutOff) => {
            StepStatus::Done { detail: "the old primary is in its quarantine group only".to_owned() }
        }
        Ok(OldPrimary::Follows) => StepStatus::Done {
            detail: "the old primary replicates from the new writer and accepts no writes".to_owned(),
        },
        Ok(OldPrimary::Open) => StepStatus::Pending { before: None },
        Err(failure) if failure.kind == FailureKind::Missing => {
            StepStatus::Done { detail: "the old primary no longer exists".to_owned() }
        }
        Err(failure) if failure.can_retry() => StepStatus::InProgress { note: failure.to_string() },
        Err(failure) => {
            let (code, message) = for_a_person(&failure);
            StepStatus::Failed { code, message }
        }
    }
}

struct Quarantine {
    plan: Arc<Plan>,
    databases: Arc<dyn Databases>,
}

#[async_trait]
impl StepHandler for Quarantine {
    fn step(&self) -> Step {
        Step::Quarantine
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        let looks =
            named(&self.plan, subjects)?
                .into_iter()
                .map(|database| async move {
                    Ok(self.databases.old_primary(database, self.plan.seat.other()).await)
                })
                .collect();
        let seen: Vec<Result<OldPrimary, Failure>> = in_order(looks).await?;
        // A region that is silent altogether is asked again later. One primary that can't be asked must not keep the others
        // from being cut off.
        match seen.iter().find_map(|seen| seen.as_ref().err()) {
            Some(failure) if seen.iter().all(|seen| seen.as_ref().is_err_and(Failure::can_retry)) => {
                Err(failure.clone())
            }
            _ => Ok(seen.into_iter().map(quarantine).collect()),
        }
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        self.databases.quarantine(one(&self.plan, subject)?, self.plan.seat.other()).await
    }
}

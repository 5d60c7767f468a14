//! Makes replicas the writable databases of the recovery region, and cuts the old primaries off once their region
//! answers again.

use std::sync::Arc;

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::step::{Sight, Work, for_a_person, in_order};
use engine::worker::Workshop;
use engine::world::World;
use ports::{Databases, Failure, FailureKind, OldPrimary, Publisher, ReplicaView};
use protocol::command::{Step, StepCommand};
use protocol::name::Name;
use protocol::plan::{Database, DatabaseKind, Plan};

/// The steps of this function.
pub struct PromoteReplica {
    databases: Arc<dyn Databases>,
    publisher: Arc<dyn Publisher>,
}

impl PromoteReplica {
    /// On the ports of the world.
    pub fn new(world: &World) -> Self {
        Self { databases: Arc::clone(&world.databases), publisher: Arc::clone(&world.publisher) }
    }
}

impl Workshop for PromoteReplica {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn Work>> {
        let (plan, databases) = (Arc::clone(&conductor.plan), Arc::clone(&self.databases));
        match step {
            Step::Promote => {
                let run = log.state.run.as_ref().map_or(0, |run| run.id);
                let publisher = Arc::clone(&self.publisher);
                Some(Box::new(Promote { plan, databases, publisher, run }))
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

struct Promote {
    plan: Arc<Plan>,
    databases: Arc<dyn Databases>,
    publisher: Arc<dyn Publisher>,
    run: u64,
}

impl Promote {
    /// Asks for the quarantine of the old primary, which the tick asks for once a minute only: an accelerator with nowhere to
    /// send users to may send them to the old side. Not of an Aurora cluster: there AWS itself stops the old writer, and a
    /// cluster that is being changed could delay that.
    async fn cut_off(&self, database: &Database) {
        if database.kind == DatabaseKind::AuroraGlobal || database.quarantine_security_group.is_none() {
            return;
        }
        let subjects = vec![database.name.clone()];
        let command =
            StepCommand { plan: self.plan.name.clone(), run: self.run, step: Step::Quarantine, subjects };
        if let Err(failure) = self.publisher.commands(&[command]).await {
            tracing::warn!(%failure, "the quarantine was not asked for; the tick will ask");
        }
    }
}

#[async_trait]
impl Work for Promote {
    fn step(&self) -> Step {
        Step::Promote
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure> {
        let databases = named(&self.plan, subjects)?;
        let views = self.databases.look(&databases).await?;
        Ok(databases.into_iter().zip(views).map(|(database, view)| promotion(database.kind, view)).collect())
    }

    /// The promotion does not wait for the quarantine, nor that for the promotion.
    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        let database = one(&self.plan, subject)?;
        let (promoted, ()) = futures::join!(self.databases.promote(database), self.cut_off(database));
        promoted
    }
}

/// How far a promotion is. "available" alone is not done: it must follow nobody as well.
fn promotion(kind: DatabaseKind, view: ReplicaView) -> Sight {
    match view {
        ReplicaView::Writable => Sight::Stands {
            detail: match kind {
                DatabaseKind::RdsReplica => "it takes writes and follows no source",
                DatabaseKind::AuroraGlobal => "available, with an instance that writes, and follows no cluster",
            }
            .to_owned(),
        },
        ReplicaView::Headless => Sight::Hopeless {
            code: "cluster_without_instance",
            message: "its cluster has no instance that could be promoted; add one (aws rds create-db-instance), then \
                      run the step again"
                .to_owned(),
        },
        ReplicaView::Replica { status, .. } if status == "available" => Sight::Wanting { before: None },
        ReplicaView::Replica { status, .. } | ReplicaView::Changing { status } if is_lost(&status) => {
            Sight::Hopeless {
                code: "replica_unusable",
                message: format!(
                    "its status is {status}; restore the database from a snapshot or mend the instance"
                ),
            }
        }
        ReplicaView::Replica { status, .. } | ReplicaView::Changing { status } => {
            Sight::Underway { note: status }
        }
        ReplicaView::Missing => Sight::Hopeless {
            code: "replica_missing",
            message: "the replica does not exist; correct databases[].replica of the plan".to_owned(),
        },
    }
}

/// Statuses that RDS does not leave by itself.
fn is_lost(status: &str) -> bool {
    matches!(
        status,
        "failed"
            | "deleting"
            | "inaccessible-encryption-credentials"
            | "incompatible-network"
            | "incompatible-option-group"
            | "incompatible-parameters"
            | "incompatible-restore"
            | "stopped"
            | "stopping"
    )
}

/// How far an old primary is cut off.
fn quarantine(seen: Result<OldPrimary, Failure>) -> Sight {
    match seen {
        Ok(OldPrimary::CutOff) => {
            Sight::Stands { detail: "the old primary is in its quarantine group only".to_owned() }
        }
        Ok(OldPrimary::Follows) => Sight::Stands {
            detail: "the old primary follows the new writer, and takes no writes of its own".to_owned(),
        },
        Ok(OldPrimary::Open) => Sight::Wanting { before: None },
        Err(failure) if failure.kind == FailureKind::Missing => {
            Sight::Stands { detail: "the old primary does not exist any more".to_owned() }
        }
        Err(failure) if failure.can_retry() => Sight::Underway { note: failure.to_string() },
        Err(failure) => {
            let (code, message) = for_a_person(&failure);
            Sight::Hopeless { code, message }
        }
    }
}

struct Quarantine {
    plan: Arc<Plan>,
    databases: Arc<dyn Databases>,
}

#[async_trait]
impl Work for Quarantine {
    fn step(&self) -> Step {
        Step::Quarantine
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<Sight>, Failure> {
        let looks = named(&self.plan, subjects)?
            .into_iter()
            .map(|database| async move { Ok(self.databases.old_primary(database).await) })
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
        self.databases.quarantine(one(&self.plan, subject)?).await
    }

    /// The region is lost: it is asked every minute until it answers.
    fn is_best_effort(&self) -> bool {
        true
    }
}

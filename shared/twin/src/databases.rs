//! How do databases stand, and how do they change? Promotion takes its time, and old primaries are cut off.

use async_trait::async_trait;
use jiff::Timestamp;
use ports::inspection::ReplicaInspection;
use ports::{Answer, Databases, FailureKind, OldPrimary, ReplicaView, Replication};
use protocol::database_status::Condition;
use protocol::name::Name;
use protocol::observation::ReplicaState;
use protocol::plan::{Database, DatabaseKind};
use protocol::readiness::facts::{ClusterFacts, ClusterRole, InstanceFacts, ReplicaFacts};
use protocol::side::Side;

use crate::faults::{answer, failure};
use crate::inner::Inner;
use crate::world::{MemoryWorld, must_be};

/// The key that all replicas are encrypted with.
pub const REPLICA_KEY: &str = "arn:aws:kms:us-west-1:123456789012:key/replica";

/// The days of backups that the plan wants of what is promoted; a cluster always makes backups.
fn retention(database: &Database, side: Side) -> u32 {
    match &database.kind {
        DatabaseKind::RdsReplica { sides } => u32::from(sides[side].backup_retention_days),
        DatabaseKind::AuroraGlobal { .. } => 7,
    }
}

#[async_trait]
impl Databases for MemoryWorld {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let lost = self.call("look_databases")?;
        must_be(side, self.own(), "look_databases")?;
        let now = self.clock.now();
        let inner = self.inner();
        let views = databases.iter().map(|database| inner.replica(&database.name, now)).collect();
        answer("look_databases", lost, views)
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        let lost = self.call("promote")?;
        must_be(side, self.own(), "promote")?;
        let now = self.clock.now();
        let mut inner = self.inner();
        let Some(twin) = inner.databases.get_mut(&database.name) else {
            return Err(failure("promote", FailureKind::Missing, "no such database"));
        };
        if twin.promoted_at.is_some()
            || twin.headless
            || twin.status.is_some_and(|status| Condition::of(status) != Condition::Online)
        {
            return Err(failure("promote", FailureKind::Conflict, "not in a state to be promoted"));
        }
        twin.promoted_at = Some(now);
        twin.promotions += 1;
        drop(inner);
        answer("promote", lost, ())
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        let lost = self.call("old_primary")?;
        must_be(side, self.own().other(), "old_primary")?;
        let inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("old_primary", FailureKind::Unreachable, "the region is lost"));
        }
        let stands = match inner.databases.get(&database.name) {
            Some(twin) if twin.quarantined => OldPrimary::CutOff,
            Some(twin) if twin.resynchronised => OldPrimary::Follows,
            _ => OldPrimary::Open,
        };
        answer("old_primary", lost, stands)
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        let lost = self.call("quarantine")?;
        must_be(side, self.own().other(), "quarantine")?;
        let mut inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("quarantine", FailureKind::Unreachable, "the region is lost"));
        }
        if let Some(twin) = inner.databases.get_mut(&database.name) {
            twin.quarantined = true;
        }
        drop(inner);
        answer("quarantine", lost, ())
    }
}

impl Inner {
    /// How a replica stands: `modifying`, then `rebooting`, then writable, once its promotion began.
    pub fn replica(&self, name: &Name, now: Timestamp) -> ReplicaView {
        let Some(twin) = self.databases.get(name) else {
            return ReplicaView::Missing;
        };
        let running = Replication::Running;
        let broken = Replication::Broken { detail: "error: the source does not answer".to_owned() };
        if twin.headless {
            return ReplicaView::Headless;
        }
        let is_cluster = twin.is_aurora;
        let replication = if let Some(said) = &twin.replication {
            said.clone()
        } else if self.primary_lives {
            running
        } else if is_cluster {
            Replication::Unknown // A global database need not say that its writer is lost.
        } else {
            broken
        };
        let Some(promoted_at) = twin.promoted_at else {
            let status = twin.status.unwrap_or("available").to_owned();
            return ReplicaView::Replica { status, replication };
        };
        let passed = now.duration_since(promoted_at);
        let takes = twin.promotion.unwrap_or(self.durations.promotion);
        if passed >= takes {
            match twin.writable_status.filter(|status| !Condition::of(status).takes_writes()) {
                Some(status) => ReplicaView::Changing { status: status.to_owned() },
                None => ReplicaView::Writable,
            }
        } else if is_cluster {
            ReplicaView::Replica { status: "failing-over".to_owned(), replication: Replication::Unknown }
        } else if passed * 2 >= takes {
            ReplicaView::Changing { status: "rebooting".to_owned() }
        } else {
            ReplicaView::Replica { status: "modifying".to_owned(), replication }
        }
    }

    fn writable_status(&self, name: &Name) -> &'static str {
        self.databases.get(name).and_then(|twin| twin.writable_status).unwrap_or("available")
    }

    /// What there is to see of a database, with what only a cluster has.
    fn of_cluster(&self, name: &Name, mut facts: ReplicaFacts) -> ReplicaFacts {
        let Some(twin) = self.databases.get(name).filter(|twin| twin.is_aurora) else {
            return facts;
        };
        let follows = facts.replication != ReplicaState::Detached;
        let role = if follows { ClusterRole::Secondary } else { ClusterRole::Writer };
        let instances = u32::from(!twin.headless);
        // An Aurora cluster always makes backups.
        facts.backup_retention_days = facts.backup_retention_days.max(1);
        facts.cluster = Some(ClusterFacts {
            role,
            instances,
            instances_available: instances,
            engine_version: Some("16.4".to_owned()),
            global_engine_version: Some("16.4".to_owned()),
        });
        facts
    }
}

#[async_trait]
impl ReplicaInspection for MemoryWorld {
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>> {
        let lost = self.call("inspect_replicas")?;
        must_be(side, self.own(), "inspect_replicas")?;
        let now = self.clock.now();
        let inner = self.inner();
        let facts = |status: String, replication: ReplicaState, backup_retention_days: u32| {
            let kms_key = Some(REPLICA_KEY.to_owned());
            Some(ReplicaFacts {
                status,
                replication,
                backup_retention_days,
                backup_window: None,
                kms_key,
                cluster: None,
                instance: Some(inner.looks.replica.clone()),
            })
        };
        let inspect = |database: &&Database| match inner.replica(&database.name, now) {
            ReplicaView::Missing => None,
            ReplicaView::Headless => facts("available".to_owned(), ReplicaState::Replicating, 7),
            ReplicaView::Replica { status, replication } => {
                let replication = match replication {
                    Replication::Running => ReplicaState::Replicating,
                    Replication::Degraded { detail } => ReplicaState::Degraded { detail },
                    Replication::Halted { detail } => ReplicaState::Halted { detail },
                    Replication::Broken { detail } => ReplicaState::Broken { detail },
                    Replication::Unknown => ReplicaState::Unknown { detail: "no word".to_owned() },
                };
                facts(status, replication, 0)
            }
            ReplicaView::Writable => facts(
                inner.writable_status(&database.name).to_owned(),
                ReplicaState::Detached,
                retention(database, side),
            ),
            ReplicaView::Changing { status } => facts(status, ReplicaState::Detached, 0),
        };
        let with_cluster = |database: &&Database| {
            let of_clusters = |facts| inner.of_cluster(&database.name, facts);
            inspect(database).map(of_clusters)
        };
        answer("inspect_replicas", lost, databases.iter().map(with_cluster).collect())
    }

    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>> {
        let lost = self.call("inspect_primaries")?;
        must_be(side, self.own().other(), "inspect_primaries")?;
        let inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("inspect_primaries", FailureKind::Unreachable, "no answer within 2 s"));
        }
        answer(
            "inspect_primaries",
            lost,
            databases.iter().map(|_| Some(inner.looks.primary.clone())).collect(),
        )
    }
}

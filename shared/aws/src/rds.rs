//! How do the databases stand, and how are they promoted and cut off? RDS instances with cross-region replicas.
//!
//! A promotion is done when the instance is online and no source is named any more; `available` alone is not done.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbInstance, Filter};
use ports::inspection::ReplicaInspection;
use ports::{Answer, Databases, FailureKind, OldPrimary, ReplicaView, Replication};
use protocol::database_status::Condition;
use protocol::observation::ReplicaState;
use protocol::plan::{Database, DatabaseKind};
use protocol::readiness::facts::{InstanceFacts, ReplicaFacts};
use protocol::side::Side;

use crate::config::Sdk;
use crate::failure::{failure, ours};
use crate::instance_arn::instance;
use crate::primaries::PrimaryInstances;
use crate::regional::Regional;

const DESCRIBE: &str = "rds:DescribeDBInstances";
const PROMOTE: &str = "rds:PromoteReadReplica";
const MODIFY: &str = "rds:ModifyDBInstance";

/// Identifiers in one call: as many as one page of the answer can hold. No limit of the filter itself is documented,
/// so a refused batch is halved.
const BATCH: usize = 100;
/// Most records of one page; RDS allows 20 to 100.
const PAGE: i32 = 100;
/// Most pages of one batch.
const PAGES_MAX: u32 = 10;

/// Databases on RDS: the replicas in the function's own region, the primaries in theirs.
pub struct RdsDatabases {
    own: Client,
    primaries: Regional<Client>,
    made: PrimaryInstances,
}

impl RdsDatabases {
    /// The databases as seen from the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { own: sdk.rds(), primaries: sdk.rds_of_primaries(), made: PrimaryInstances::new(sdk) }
    }

    /// All instances of a batch of identifiers that exist.
    async fn describe(&self, batch: &[String]) -> Answer<Vec<DbInstance>> {
        let filter = Filter::builder().name("db-instance-id").set_values(Some(batch.to_vec())).build();
        let mut instances = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let output = self
                .own
                .describe_db_instances()
                .filters(filter.clone())
                .max_records(PAGE)
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| failure(DESCRIBE, &error))?;
            instances.extend(output.db_instances.unwrap_or_default());
            marker = output.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(instances);
            }
        }
        let message = format!("more than {PAGES_MAX} pages for {} identifiers", batch.len());
        Err(ours(FailureKind::Unavailable, DESCRIBE, "endless_pages", message))
    }
}

impl RdsDatabases {
    /// The replicas as `view` sees them, in the order asked for; nothing where one does not exist.
    async fn see<T: Clone>(
        &self,
        databases: &[&Database],
        side: Side,
        view: impl Fn(&DbInstance) -> T,
    ) -> Answer<Vec<Option<T>>> {
        let wanted = databases
            .iter()
            .map(|database| Ok(instance(DESCRIBE, database.arn(side))?.0))
            .collect::<Answer<Vec<String>>>()?;
        let distinct: Vec<String> = wanted.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let mut batches: Vec<Vec<String>> = distinct.chunks(BATCH).map(<[String]>::to_vec).collect();
        let mut seen = BTreeMap::new();
        while let Some(mut batch) = batches.pop() {
            match self.describe(&batch).await {
                Ok(instances) => {
                    for instance in instances {
                        let id = instance.db_instance_identifier().unwrap_or_default().to_lowercase();
                        seen.insert(id, view(&instance));
                    }
                }
                // Too many values, or one that does not exist refuses them all: ask for fewer.
                Err(failure)
                    if batch.len() > 1
                        && matches!(failure.kind, FailureKind::Missing | FailureKind::Invalid) =>
                {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.extend([batch, rest]);
                }
                Err(failure) if failure.kind == FailureKind::Missing => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(wanted.iter().map(|id| seen.get(id).cloned()).collect())
    }
}

#[async_trait]
impl Databases for RdsDatabases {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let seen = self.see(databases, side, view).await?;
        Ok(seen.into_iter().map(|view| view.unwrap_or(ReplicaView::Missing)).collect())
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        let (id, _) = instance(PROMOTE, database.arn(side))?;
        let DatabaseKind::RdsReplica { sides } = &database.kind else {
            let message = format!("database {} is no RDS instance", database.name);
            return Err(ours(FailureKind::Invalid, PROMOTE, "not_an_instance", message));
        };
        self.own
            .promote_read_replica()
            .db_instance_identifier(id)
            .backup_retention_period(i32::from(sides[side].backup_retention_days))
            .send()
            .await
            .map_err(|error| failure(PROMOTE, &error))?;
        Ok(())
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        let group = quarantine_group(DESCRIBE, database, side)?;
        let (id, region) = instance(DESCRIBE, database.arn(side))?;
        let output = self
            .primaries
            .of(&region)
            .describe_db_instances()
            .db_instance_identifier(&id)
            .send()
            .await
            .map_err(|error| failure(DESCRIBE, &error))?;
        let Some(found) = output.db_instances().first() else {
            // RDS says DBInstanceNotFound of what is gone. An empty answer is none: it must not end the quarantine.
            let message = format!("the answer lacks {}", database.arn(side));
            return Err(ours(FailureKind::Unavailable, DESCRIBE, "empty_answer", message));
        };
        // While RDS swaps the groups it names both, the new one as `adding`: not cut off yet.
        let is_cut_off = matches!(found.vpc_security_groups(), [only]
            if only.vpc_security_group_id() == Some(group) && only.status().is_none_or(|status| status == "active"));
        Ok(if is_cut_off { OldPrimary::CutOff } else { OldPrimary::Open })
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        let group = quarantine_group(MODIFY, database, side)?;
        let (id, region) = instance(MODIFY, database.arn(side))?;
        self.primaries
            .of(&region)
            .modify_db_instance()
            .db_instance_identifier(id)
            .vpc_security_group_ids(group)
            .apply_immediately(true)
            .send()
            .await
            .map_err(|error| failure(MODIFY, &error))?;
        Ok(())
    }
}

#[async_trait]
impl ReplicaInspection for RdsDatabases {
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>> {
        self.see(databases, side, facts).await
    }

    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>> {
        self.made.inspect(databases, side).await
    }
}

pub(crate) fn quarantine_group<'a>(
    action: &'static str,
    database: &'a Database,
    side: Side,
) -> Answer<&'a str> {
    database.quarantine_security_group(side).ok_or_else(|| {
        let message = format!(
            "database {} has no quarantine_security_group in the plan: it can't be isolated",
            database.name
        );
        ours(FailureKind::Invalid, action, "no_quarantine_group", message)
    })
}

fn view(instance: &DbInstance) -> ReplicaView {
    let status = instance.db_instance_status().unwrap_or("unknown").to_owned();
    let names = [
        instance.read_replica_source_db_instance_identifier(),
        instance.read_replica_source_db_cluster_identifier(),
    ];
    if names.into_iter().flatten().any(|source| !source.is_empty()) {
        ReplicaView::Replica { status, replication: replication(instance) }
    } else if Condition::of(&status).takes_writes() {
        // A promotion that switches backups on begins with one, and storage may be optimised for a day: the status says so
        // for as long as that takes.
        ReplicaView::Writable
    } else {
        ReplicaView::Changing { status }
    }
}

fn facts(instance: &DbInstance) -> ReplicaFacts {
    let view = view(instance);
    let replication = match view {
        ReplicaView::Replica { replication, .. } => match replication {
            Replication::Running => ReplicaState::Replicating,
            Replication::Degraded { detail } => ReplicaState::Degraded { detail },
            Replication::Halted { detail } => ReplicaState::Halted { detail },
            Replication::Broken { detail } => ReplicaState::Broken { detail },
            Replication::Unknown => ReplicaState::Unknown { detail: "RDS does not report it".to_owned() },
        },
        ReplicaView::Writable
        | ReplicaView::Changing { .. }
        | ReplicaView::Headless
        | ReplicaView::Missing => ReplicaState::Detached,
    };
    let days = instance.backup_retention_period().and_then(|days| u32::try_from(days).ok());
    ReplicaFacts {
        status: instance.db_instance_status().unwrap_or("unknown").to_owned(),
        replication,
        backup_retention_days: days.unwrap_or(0),
        backup_window: instance.preferred_backup_window().map(str::to_owned),
        kms_key: instance.kms_key_id().filter(|key| !key.is_empty()).map(str::to_owned),
        cluster: None,
        instance: Some(crate::primaries::facts(instance)),
    }
}

/// What RDS says of the replication, by AWS's definitions: only an error is one. What is degraded or has a stop point ahead
/// still receives; what is stopped, has reached its stop point or was ended by RDS does not, whether its source lives or not.
fn replication(instance: &DbInstance) -> Replication {
    let infos = instance.status_infos();
    let Some(info) = infos.iter().find(|info| info.status_type() == Some("read replication")) else {
        return Replication::Unknown;
    };
    // Half an answer is no answer.
    let (Some(is_normal), Some(status)) = (info.normal(), info.status()) else {
        return Replication::Unknown;
    };
    let status = status.to_lowercase();
    let detail = match info.message().filter(|message| !message.is_empty()) {
        Some(message) => format!("{status}: {message}"),
        None if status == "replicating" && !is_normal => "replicating, but not normally".to_owned(),
        None => status.clone(),
    };
    let detail = crate::failure::one_line(&detail);
    match status.as_str() {
        "replicating" if is_normal => Replication::Running,
        "replicating" | "replication degraded" | "replication stop point set" => {
            Replication::Degraded { detail }
        }
        "error" => Replication::Broken { detail },
        _ => Replication::Halted { detail },
    }
}

#[cfg(test)]
mod tests;

//! How does an Aurora global database stand, how is it failed over, and how is its old primary cut off?
//!
//! Everything is asked and done in the function's own region, which is the recovery region; only the old primary cluster is
//! asked and changed in its own, 2 s at most. A failover names the cluster that becomes the writer, so the same call twice
//! never leads anywhere else; it is sent once, and the step looks before it is sent again (decision 0080).

#[cfg(test)]
mod emulator;
mod standing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_rds::Client;
use aws_sdk_rds::types::Filter;
use futures::stream::{self, StreamExt};
use ports::inspection::ReplicaInspection;
use ports::{Answer, Databases, FailureKind, OldPrimary, ReplicaView};
use protocol::arn::Arn;
use protocol::plan::Database;
use protocol::readiness::facts::{InstanceFacts, ReplicaFacts};
use protocol::side::Side;
use tokio::time::timeout;

use crate::config::Sdk;
use crate::failure::{failure, if_there, ours};
use crate::rds::quarantine_group;
use crate::regional::Regional;
use crate::signed::{Content, Question, Signed, unreadable};
use crate::xml::Element;

use standing::{Cluster, ClusterStanding, Global, Statuses};

const GLOBALS: &str = "rds:DescribeGlobalClusters";
const CLUSTERS: &str = "rds:DescribeDBClusters";
const INSTANCES: &str = "rds:DescribeDBInstances";
const FAIL_OVER: &str = "rds:FailoverGlobalCluster";
const MODIFY: &str = "rds:ModifyDBCluster";

const VERSION: &str = "2014-10-31";
/// Databases looked at at once: an account has 40 clusters in a region unless it asks for more.
const CONCURRENCY: usize = 8;
/// A cluster has at most 16 instances; RDS gives at least 20 in a page.
const PAGE: i32 = 100;
/// All that the primary region is given: it may be lost.
const PRIMARY_MAX: Duration = Duration::from_secs(2);

/// Aurora global databases, as seen from the function's own region.
pub struct AuroraDatabases {
    own: Client,
    once: Client,
    signed: Signed,
    sdk: Sdk,
    primaries: Regional<Client>,
}

impl AuroraDatabases {
    /// The databases as seen from the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        let (own, once, signed) = (sdk.rds(), sdk.rds_once(), sdk.signed());
        Self { own, once, signed, sdk: sdk.clone(), primaries: sdk.rds_of_primaries() }
    }

    /// The global database and its cluster in the own region, whatever there is of them.
    async fn stand(&self, database: &Database, side: Side) -> Answer<ClusterStanding> {
        let (id, _) = cluster(CLUSTERS, database.arn(side))?;
        let (global, own) = futures::join!(self.global(database), describe(&self.signed, &id));
        Ok(ClusterStanding {
            arn: database.arn(side).to_owned(),
            global: if_there(global)?,
            cluster: if_there(own)?,
        })
    }

    async fn global(&self, database: &Database) -> Answer<Global> {
        let id = global_cluster(GLOBALS, database)?.to_lowercase();
        let question = question(GLOBALS, vec![("GlobalClusterIdentifier".to_owned(), id)]);
        only(&self.signed, &question, ["GlobalClusters", "GlobalClusterMember"], Global::read).await
    }

    /// The statuses of a cluster's instances, by identifier.
    async fn statuses(&self, database: &Database, side: Side) -> Answer<Statuses> {
        let (id, _) = cluster(INSTANCES, database.arn(side))?;
        let filter = Filter::builder().name("db-cluster-id").values(id).build();
        let output = self
            .own
            .describe_db_instances()
            .filters(filter)
            .max_records(PAGE)
            .send()
            .await
            .map_err(|error| failure(INSTANCES, &error))?;
        let status = |instance: &aws_sdk_rds::types::DbInstance| {
            let id = instance.db_instance_identifier()?.to_lowercase();
            Some((id, instance.db_instance_status().unwrap_or("unknown").to_owned()))
        };
        Ok(output.db_instances().iter().filter_map(status).collect())
    }

    async fn describe_primary(&self, id: &str, region: &str) -> Answer<Cluster> {
        let signed = self.sdk.signed_in(region);
        timeout(PRIMARY_MAX, describe(&signed, id)).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", PRIMARY_MAX.as_secs());
            Err(ours(FailureKind::Unreachable, CLUSTERS, "timeout", message))
        })
    }

    /// Of a cluster in the primary region only the key is told.
    async fn primary(&self, database: &Database, side: Side) -> Answer<Option<InstanceFacts>> {
        let (id, region) = cluster(CLUSTERS, database.arn(side))?;
        let found = if_there(self.describe_primary(&id, &region).await)?;
        Ok(found.map(|cluster| InstanceFacts { kms_key: cluster.kms_key, ..InstanceFacts::default() }))
    }

    async fn view(&self, database: &Database, side: Side) -> Answer<ReplicaView> {
        let standing = self.stand(database, side).await?;
        // Which instances there are says the cluster; how they are matters only where one of them may write.
        let statuses =
            if standing.may_write() { self.statuses(database, side).await? } else { Statuses::default() };
        Ok(standing.view(&statuses))
    }

    async fn facts(&self, database: &Database, side: Side) -> Answer<Option<ReplicaFacts>> {
        let (standing, statuses) = futures::join!(self.stand(database, side), self.statuses(database, side));
        let standing = standing?;
        // Without the cluster it is no matter whether its instances could be asked for.
        if standing.cluster.is_none() { Ok(None) } else { Ok(standing.facts(&statuses?)) }
    }
}

#[async_trait]
impl Databases for AuroraDatabases {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let views: Vec<_> = databases.iter().map(|database| self.view(database, side)).collect();
        stream::iter(views).buffered(CONCURRENCY).collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        let global = global_cluster(FAIL_OVER, database)?;
        cluster(FAIL_OVER, database.arn(side))?;
        self.once
            .failover_global_cluster()
            .global_cluster_identifier(global)
            .target_db_cluster_identifier(database.arn(side))
            .allow_data_loss(true)
            .send()
            .await
            .map_err(|error| failure(FAIL_OVER, &error))?;
        Ok(())
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        let group = quarantine_group(CLUSTERS, database, side)?;
        let (id, region) = cluster(CLUSTERS, database.arn(side))?;
        let old = self.describe_primary(&id, &region).await?;
        if old.is_in_group_alone(group) {
            return Ok(OldPrimary::CutOff);
        }
        // What can't be told of the global database is no reason to leave the old primary open.
        let follows = match self.global(database).await {
            Ok(global) => global.has_made_a_secondary_of(database.arn(side)) && old.is_read_only(),
            Err(failure) => {
                tracing::warn!(%failure, database = %database.name, "the global database can't be read");
                false
            }
        };
        Ok(if follows { OldPrimary::Follows } else { OldPrimary::Open })
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        let group = quarantine_group(MODIFY, database, side)?;
        let (id, region) = cluster(MODIFY, database.arn(side))?;
        self.primaries
            .of(&region)
            .modify_db_cluster()
            .db_cluster_identifier(id)
            .vpc_security_group_ids(group)
            .apply_immediately(true)
            .send()
            .await
            .map_err(|error| failure(MODIFY, &error))?;
        Ok(())
    }
}

#[async_trait]
impl ReplicaInspection for AuroraDatabases {
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>> {
        let facts: Vec<_> = databases.iter().map(|database| self.facts(database, side)).collect();
        stream::iter(facts).buffered(CONCURRENCY).collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>> {
        let facts: Vec<_> = databases.iter().map(|database| self.primary(database, side)).collect();
        stream::iter(facts).buffered(CONCURRENCY).collect::<Vec<_>>().await.into_iter().collect()
    }
}

fn question(action: &'static str, fields: Vec<(String, String)>) -> Question {
    Question { action, service: "rds", content: Content::Form { version: VERSION, fields } }
}

async fn describe(signed: &Signed, id: &str) -> Answer<Cluster> {
    let question = question(CLUSTERS, vec![("DBClusterIdentifier".to_owned(), id.to_owned())]);
    only(signed, &question, ["DBClusters", "DBCluster"], Cluster::read).await
}

/// The one thing of a list that was asked for by its identifier. RDS says by an error that there is none: an answer that
/// does not hold it is no such word, for what is absent may count as detached.
async fn only<T>(
    signed: &Signed,
    question: &Question,
    [list, name]: [&str; 2],
    read: fn(&Element) -> T,
) -> Answer<T> {
    let answer = signed.result(question).await?;
    let found = answer.at(&[list, name]).map(read);
    found.ok_or_else(|| unreadable(question, &format!("it has no {name}")))
}

/// Identifier and region of a cluster, from its ARN. RDS keeps identifiers in lower case.
pub(crate) fn cluster(action: &'static str, arn: &str) -> Answer<(String, String)> {
    Arn::parse(arn)
        .filter(|arn| arn.service == "rds" && !arn.region.is_empty())
        .and_then(|arn| Some((arn.resource.strip_prefix("cluster:")?.to_lowercase(), arn.region.to_owned())))
        .ok_or_else(|| {
            let message = format!("{arn} is not the ARN of an Aurora cluster");
            ours(FailureKind::Invalid, action, "not_a_cluster", message)
        })
}

fn global_cluster<'d>(action: &'static str, database: &'d Database) -> Answer<&'d str> {
    database.global_cluster().ok_or_else(|| {
        let message = format!("database {} has no global_cluster in the plan", database.name);
        ours(FailureKind::Invalid, action, "no_global_cluster", message)
    })
}

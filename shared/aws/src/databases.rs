//! Which adapter serves a database of the plan? The one of its kind.

use async_trait::async_trait;
use ports::inspection::ReplicaInspection;
use ports::{Answer, Databases, OldPrimary, ReplicaView};
use protocol::plan::{Database, DatabaseKind};
use protocol::readiness::facts::{InstanceFacts, ReplicaFacts};
use protocol::side::Side;

use crate::aurora::AuroraDatabases;
use crate::config::Sdk;
use crate::rds::RdsDatabases;

/// The databases of every kind.
pub struct KindDatabases {
    instances: RdsDatabases,
    clusters: AuroraDatabases,
}

impl KindDatabases {
    /// As seen from the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { instances: RdsDatabases::new(sdk), clusters: AuroraDatabases::new(sdk) }
    }

    fn of(&self, database: &Database) -> &dyn Databases {
        match database.kind {
            DatabaseKind::RdsReplica { .. } => &self.instances,
            DatabaseKind::AuroraGlobal { .. } => &self.clusters,
        }
    }
}

/// The databases of a plan by kind, to be asked for apart.
struct Sorted<'d> {
    /// Whether each is Aurora's.
    kinds: Vec<bool>,
    instances: Vec<&'d Database>,
    clusters: Vec<&'d Database>,
}

impl<'d> Sorted<'d> {
    fn of(databases: &[&'d Database]) -> Self {
        let of_kind = |aurora| {
            databases.iter().copied().filter(move |database| database.is_aurora() == aurora).collect()
        };
        Self {
            kinds: databases.iter().map(|database| database.is_aurora()).collect(),
            instances: of_kind(false),
            clusters: of_kind(true),
        }
    }

    /// What was seen of both kinds, in the order asked for.
    fn merge<T>(&self, instances: Vec<T>, clusters: Vec<T>) -> Vec<T> {
        let (mut instances, mut clusters) = (instances.into_iter(), clusters.into_iter());
        let next = |is_aurora: &bool| if *is_aurora { clusters.next() } else { instances.next() };
        self.kinds.iter().filter_map(next).collect()
    }
}

#[async_trait]
impl Databases for KindDatabases {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let sorted = Sorted::of(databases);
        let (instances, clusters) = futures::join!(
            self.instances.look(&sorted.instances, side),
            self.clusters.look(&sorted.clusters, side)
        );
        Ok(sorted.merge(instances?, clusters?))
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        self.of(database).promote(database, side).await
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        self.of(database).old_primary(database, side).await
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        self.of(database).quarantine(database, side).await
    }
}

#[async_trait]
impl ReplicaInspection for KindDatabases {
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>> {
        let sorted = Sorted::of(databases);
        let (instances, clusters) = futures::join!(
            self.instances.inspect(&sorted.instances, side),
            self.clusters.inspect(&sorted.clusters, side)
        );
        Ok(sorted.merge(instances?, clusters?))
    }

    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>> {
        let sorted = Sorted::of(databases);
        let (instances, clusters) = futures::join!(
            self.instances.primaries(&sorted.instances, side),
            self.clusters.primaries(&sorted.clusters, side)
        );
        Ok(sorted.merge(instances?, clusters?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{aurora, database};

    #[test]
    fn what_was_seen_of_both_kinds_comes_in_the_order_asked_for() {
        let [a, b, c, d] = [aurora("a"), database("b"), database("c"), aurora("d")];
        let sorted = Sorted::of(&[&a, &b, &c, &d]);
        assert_eq!(sorted.merge(vec!["b", "c"], vec!["a", "d"]), ["a", "b", "c", "d"]);
    }
}

//! Do the adapter of Aurora and the lab's launcher understand each other? Asked only when one runs:
//! `PILOTLIGHT_EMULATOR_URL=http://127.0.0.1:5000 cargo test -p aws aurora::emulator -- --ignored`.
use protocol::side::Side;
use std::time::Duration;

use ports::{Clock, Ids, Lag, Replication};
use protocol::readiness::facts::ClusterRole;

use super::*;
use crate::emulator::sdk;
use crate::lag::CloudWatchLag;
use crate::replay::aurora;
use runtime::clock::SystemClock;
use runtime::ids::FreshUlids;

const VERSION: &str = "15.13";

/// A global database under a fresh name, with a cluster on each side; the second one with or without an instance.
async fn make(sdk: &Sdk, with_instance: bool) -> Database {
    let database = aurora(&FreshUlids.fresh().to_lowercase());
    let global = database.global_cluster().unwrap();
    let engine = "aurora-postgresql";
    let (primary, recovery) = (sdk.rds_of_primary("us-east-2"), sdk.rds());
    recovery
        .create_global_cluster()
        .global_cluster_identifier(global)
        .engine(engine)
        .engine_version(VERSION)
        .send()
        .await
        .unwrap();
    for (rds, arn, has_instance) in [
        (&primary, database.arn(Side::Primary), true),
        (&recovery, database.arn(Side::Recovery), with_instance),
    ] {
        let (id, _) = cluster("test", arn).unwrap();
        let request = rds
            .create_db_cluster()
            .db_cluster_identifier(&id)
            .engine(engine)
            .engine_version(VERSION)
            .global_cluster_identifier(global);
        let request = if arn == database.arn(Side::Primary) {
            request.master_username("operator").master_user_password("not-a-secret")
        } else {
            request
        };
        request.send().await.unwrap();
        if has_instance {
            rds.create_db_instance()
                .db_instance_identifier(format!("{id}-0"))
                .db_cluster_identifier(&id)
                .db_instance_class("db.r6g.large")
                .engine(engine)
                .send()
                .await
                .unwrap();
        }
    }
    database
}

async fn seen(databases: &AuroraDatabases, database: &Database) -> ReplicaView {
    databases.look(&[database], Side::Recovery).await.unwrap().remove(0)
}

/// Waits until the cluster stands so; a world of a hundredth needs a second or two.
async fn until(databases: &AuroraDatabases, database: &Database, wanted: &ReplicaView) {
    for _ in 0..300 {
        if seen(databases, database).await == *wanted {
            return;
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    panic!("{database:?} does not come to stand as {wanted:?}");
}

#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn a_global_database_is_failed_over_once_and_its_old_primary_is_cut_off() {
    let sdk = sdk();
    let database = make(&sdk, true).await;
    let databases = AuroraDatabases::new(&sdk);
    let follows = ReplicaView::Replica { status: "available".to_owned(), replication: Replication::Running };
    assert_eq!(seen(&databases, &database).await, follows);
    let facts =
        databases.inspect(&[&database], Side::Recovery).await.unwrap().remove(0).unwrap().cluster.unwrap();
    assert_eq!((facts.role, facts.instances, facts.instances_available), (ClusterRole::Secondary, 1, 1));
    assert_eq!(facts.engine_version, facts.global_engine_version);

    databases.promote(&database, Side::Recovery).await.unwrap();
    let moving =
        ReplicaView::Replica { status: "failing-over".to_owned(), replication: Replication::Unknown };
    assert_eq!(seen(&databases, &database).await, moving);
    assert_eq!(databases.promote(&database, Side::Recovery).await.unwrap_err().kind, FailureKind::Conflict);
    until(&databases, &database, &ReplicaView::Writable).await;
    assert_eq!(databases.promote(&database, Side::Recovery).await.unwrap_err().kind, FailureKind::Conflict);

    databases.quarantine(&database, Side::Primary).await.unwrap();
    assert_eq!(databases.old_primary(&database, Side::Primary).await, Ok(OldPrimary::CutOff));
}

#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn an_old_primary_is_open_until_it_follows() {
    let sdk = sdk();
    let database = make(&sdk, true).await;
    let databases = AuroraDatabases::new(&sdk);
    assert_eq!(databases.old_primary(&database, Side::Primary).await, Ok(OldPrimary::Open));
    databases.promote(&database, Side::Recovery).await.unwrap();
    until(&databases, &database, &ReplicaView::Writable).await;
    assert_eq!(databases.old_primary(&database, Side::Primary).await, Ok(OldPrimary::Open));
    for _ in 0..300 {
        if databases.old_primary(&database, Side::Primary).await == Ok(OldPrimary::Follows) {
            return;
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    panic!("the old primary is not made a follower");
}

#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn a_cluster_without_an_instance_is_headless_and_a_detached_one_writable() {
    let sdk = sdk();
    let databases = AuroraDatabases::new(&sdk);
    let headless = make(&sdk, false).await;
    assert_eq!(seen(&databases, &headless).await, ReplicaView::Headless);

    let detached = make(&sdk, true).await;
    sdk.rds()
        .remove_from_global_cluster()
        .global_cluster_identifier(detached.global_cluster().unwrap())
        .db_cluster_identifier(detached.arn(Side::Recovery))
        .send()
        .await
        .unwrap();
    until(&databases, &detached, &ReplicaView::Writable).await;
    assert!(databases.promote(&detached, Side::Recovery).await.is_err());
    assert_eq!(seen(&databases, &aurora("nobody")).await, ReplicaView::Missing);
}

#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn the_lag_of_a_follower_is_found() {
    let sdk = sdk();
    let database = make(&sdk, true).await;
    let lag = CloudWatchLag::new(&sdk, std::sync::Arc::new(SystemClock));
    let since = SystemClock.now().saturating_sub(jiff::SignedDuration::from_mins(5)).unwrap();
    for _ in 0..300 {
        if let Some(sample) = lag.samples(&database, Side::Recovery, since).await.unwrap().first() {
            assert!(sample.lag_ms.is_some_and(|lag_ms| (200..=900).contains(&lag_ms)), "{sample:?}");
            return;
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    panic!("no sample came");
}

//! Every way in which a global database and its clusters can stand, and what is made of it.
use protocol::observation::ReplicaState;
use protocol::readiness::facts::{ClusterFacts, ClusterRole};
use protocol::side::Side;

use super::*;
use crate::replay::{aurora, replay, sent};
use ports::Replication;

const PRIMARY: &str = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders";
const REPLICA: &str = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica";

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}

fn member(arn: &str, is_writer: bool, synchronization: &str) -> String {
    format!(
        "<GlobalClusterMember><DBClusterArn>{arn}</DBClusterArn><Readers/><IsWriter>{is_writer}</IsWriter>\
         <SynchronizationStatus>{synchronization}</SynchronizationStatus></GlobalClusterMember>"
    )
}

fn global(status: &str, members: &[String], failover: &str) -> String {
    format!(
        "<DescribeGlobalClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
         <DescribeGlobalClustersResult><GlobalClusters><GlobalClusterMember>\
         <GlobalClusterIdentifier>shop-orders</GlobalClusterIdentifier><Status>{status}</Status>\
         <EngineVersion>16.4</EngineVersion><GlobalClusterMembers>{}</GlobalClusterMembers>{failover}\
         </GlobalClusterMember></GlobalClusters></DescribeGlobalClustersResult></DescribeGlobalClustersResponse>",
        members.concat()
    )
}

fn failover(status: &str, to: &str) -> String {
    format!("<FailoverState><Status>{status}</Status><ToDbClusterArn>{to}</ToDbClusterArn></FailoverState>")
}

/// A cluster with its instances (and whether each writes), and what else RDS says of it.
fn cluster_xml(status: &str, instances: &[(&str, bool)], inner: &str) -> String {
    let member = |(id, writes): &(&str, bool)| {
        format!(
            "<DBClusterMember><DBInstanceIdentifier>{id}</DBInstanceIdentifier>\
             <IsClusterWriter>{writes}</IsClusterWriter></DBClusterMember>"
        )
    };
    format!(
        "<DescribeDBClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBClustersResult>\
         <DBClusters><DBCluster><DBClusterIdentifier>shop-orders-replica</DBClusterIdentifier><Status>{status}</Status>\
         <EngineVersion>16.4</EngineVersion><BackupRetentionPeriod>7</BackupRetentionPeriod><KmsKeyId>arn:key</KmsKeyId>\
         <DBClusterMembers>{}</DBClusterMembers>{inner}</DBCluster></DBClusters></DescribeDBClustersResult>\
         </DescribeDBClustersResponse>",
        instances.iter().map(member).collect::<String>()
    )
}

fn instances_xml(statuses: &[(&str, &str)]) -> String {
    let instance = |(id, status): &(&str, &str)| {
        format!(
            "<DBInstance><DBInstanceIdentifier>{id}</DBInstanceIdentifier>\
             <DBInstanceStatus>{status}</DBInstanceStatus></DBInstance>"
        )
    };
    format!(
        "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
         <DescribeDBInstancesResult><DBInstances>{}</DBInstances></DescribeDBInstancesResult>\
         </DescribeDBInstancesResponse>",
        statuses.iter().map(instance).collect::<String>()
    )
}

const ONE: &[(&str, bool)] = &[("shop-orders-replica-0", false)];
const WRITES: &[(&str, bool)] = &[("shop-orders-replica-0", true), ("shop-orders-replica-1", false)];

/// On a good day.
fn following() -> [String; 2] {
    [member(PRIMARY, true, "connected"), member(REPLICA, false, "connected")]
}

/// After a failover.
fn failed_over() -> [String; 2] {
    [member(PRIMARY, false, "pending-resync"), member(REPLICA, true, "connected")]
}

/// Only the old primary is left in the global database.
fn left_alone() -> [String; 1] {
    [member(PRIMARY, true, "connected")]
}

fn replica(status: &str, replication: Replication) -> ReplicaView {
    ReplicaView::Replica { status: status.to_owned(), replication }
}

fn changing(status: &str) -> ReplicaView {
    ReplicaView::Changing { status: status.to_owned() }
}

async fn look(answers: &[(u16, &str)]) -> (Answer<Vec<ReplicaView>>, Vec<String>) {
    let http = replay(answers);
    let databases = AuroraDatabases::new(&Sdk::on(http.clone()));
    let seen = databases.look(&[&aurora("orders")], Side::Recovery).await;
    (seen, sent(&http))
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_a_replica_with_the_global_databases_word_of_it() {
    let halted = Replication::Halted { detail: "pending-resync".to_owned() };
    for (status, synchronization, failover, cluster, expected) in [
        ("available", "connected", String::new(), "available", replica("available", Replication::Running)),
        ("available", "pending-resync", String::new(), "available", replica("available", halted)),
        ("available", "new-word", String::new(), "available", replica("available", Replication::Unknown)),
        ("modifying", "connected", String::new(), "upgrading", replica("upgrading", Replication::Running)),
        // A failover is waited for, whoever asked for it: nothing is wanting while it runs.
        (
            "failing-over",
            "connected",
            failover("failing-over", REPLICA),
            "available",
            replica("failing-over", Replication::Unknown),
        ),
        (
            "available",
            "connected",
            failover("pending", REPLICA),
            "available",
            replica("pending", Replication::Unknown),
        ),
        (
            "switching-over",
            "connected",
            String::new(),
            "available",
            replica("switching-over", Replication::Unknown),
        ),
    ] {
        let members = [member(PRIMARY, true, "connected"), member(REPLICA, false, synchronization)];
        let global = global(status, &members, &failover);
        let (seen, requests) = look(&[(200, &global), (200, &cluster_xml(cluster, ONE, ""))]).await;
        assert_eq!(seen, Ok(vec![expected]), "{status} {synchronization} {failover}");
        assert!(requests[0].contains("GlobalClusterIdentifier=shop-orders"), "{}", requests[0]);
        assert!(requests[1].contains("DBClusterIdentifier=shop-orders-replica"), "{}", requests[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_is_writable_only_when_both_sides_say_so_and_its_instance_is_there() {
    let up = [("shop-orders-replica-0", "available"), ("shop-orders-replica-1", "available")];
    let two = [member(PRIMARY, true, "connected"), member(REPLICA, true, "connected")];
    let writable = ReplicaView::Writable;
    for (members, failover, cluster, instances, statuses, expected) in [
        (&failed_over(), String::new(), "available", WRITES, &up[..], writable.clone()),
        (&failed_over(), String::new(), "backing-up", WRITES, &up[..], writable.clone()),
        // What is left of a failover to here is the rebuilding of the others: it may take hours.
        (&failed_over(), failover("failing-over", REPLICA), "available", WRITES, &up[..], writable),
        (&failed_over(), String::new(), "modifying", WRITES, &up[..], changing("modifying")),
        (&failed_over(), String::new(), "available", ONE, &up[..], changing("no instance writes yet")),
        (
            &failed_over(),
            String::new(),
            "available",
            WRITES,
            &[("shop-orders-replica-0", "rebooting"), ("shop-orders-replica-1", "available")][..],
            changing("shop-orders-replica-0 is rebooting"),
        ),
        (
            &failed_over(),
            String::new(),
            "available",
            WRITES,
            &[],
            changing("shop-orders-replica-0 does not exist yet"),
        ),
        (
            &failed_over(),
            failover("switching-over", PRIMARY),
            "available",
            WRITES,
            &up[..],
            changing("switching-over of the global database"),
        ),
        (
            &failed_over(),
            failover("cancelling", REPLICA),
            "available",
            WRITES,
            &up[..],
            changing("cancelling of the global database"),
        ),
        (
            &two,
            String::new(),
            "available",
            WRITES,
            &up[..],
            changing("the global database names two clusters as its writer"),
        ),
    ] {
        let global = global("available", members, &failover);
        let cluster = cluster_xml(cluster, instances, "");
        let (seen, requests) =
            look(&[(200, &global), (200, &cluster), (200, &instances_xml(statuses))]).await;
        assert_eq!(seen, Ok(vec![expected]), "{members:?} {failover} {instances:?} {statuses:?}");
        assert!(requests[2].contains("db-cluster-id"), "{}", requests[2]);
        assert!(requests[2].contains("=shop-orders-replica"), "{}", requests[2]);
    }
}

/// Of several instances Aurora makes another one the writer. Where none works, that is told as the status it is.
#[tokio::test(start_paused = true)]
async fn a_writer_in_a_status_that_does_not_pass_is_waited_for_only_while_another_can_take_its_place() {
    let (first, second) = ("shop-orders-replica-0", "shop-orders-replica-1");
    for (instances, statuses, expected) in [
        (
            WRITES,
            &[(first, "storage-full"), (second, "available")][..],
            "shop-orders-replica-0 is storage-full",
        ),
        (WRITES, &[(first, "incompatible-parameters"), (second, "failed")][..], "incompatible-parameters"),
        (ONE, &[(first, "incompatible-network")][..], "incompatible-network"),
        (ONE, &[(first, "rebooting")][..], "no instance writes yet"),
    ] {
        let (global, cluster) =
            (global("available", &failed_over(), ""), cluster_xml("available", instances, ""));
        let (seen, _) = look(&[(200, &global), (200, &cluster), (200, &instances_xml(statuses))]).await;
        assert_eq!(seen, Ok(vec![changing(expected)]), "{statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_that_still_names_the_old_writer_makes_nothing_writable() {
    // The global database's answer is old, the cluster's is new; and the other way round.
    let old_global = global("available", &following(), "");
    let (seen, _) = look(&[(200, &old_global), (200, &cluster_xml("available", WRITES, ""))]).await;
    assert_eq!(seen, Ok(vec![replica("available", Replication::Running)]));

    let new_global = global("available", &failed_over(), "");
    let up = instances_xml(&[("shop-orders-replica-0", "available")]);
    let (seen, _) = look(&[(200, &new_global), (200, &cluster_xml("available", ONE, "")), (200, &up)]).await;
    assert_eq!(seen, Ok(vec![changing("no instance writes yet")]));
}

#[tokio::test(start_paused = true)]
async fn a_detached_cluster_counts_as_promoted_when_both_sides_say_that_it_is_detached() {
    let up = instances_xml(&[("shop-orders-replica-0", "available")]);
    let detached = cluster_xml("available", WRITES, "");
    let gone = error("GlobalClusterNotFoundFault");
    let alone = global("available", &left_alone(), "");
    for global in [(200, alone.as_str()), (404, gone.as_str())] {
        let (seen, _) = look(&[global, (200, &detached), (200, &up)]).await;
        assert_eq!(seen, Ok(vec![ReplicaView::Writable]), "{global:?}");
    }
    for still in [
        format!("<ReplicationSourceIdentifier>{PRIMARY}</ReplicationSourceIdentifier>"),
        "<GlobalClusterIdentifier>shop-orders</GlobalClusterIdentifier>".to_owned(),
    ] {
        let (seen, _) = look(&[(200, &alone), (200, &cluster_xml("available", WRITES, &still))]).await;
        assert_eq!(seen, Ok(vec![replica("available", Replication::Unknown)]), "{still}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_an_instance_is_headless_and_an_absent_one_missing() {
    let following = global("available", &following(), "");
    let (seen, _) = look(&[(200, &following), (200, &cluster_xml("available", &[], ""))]).await;
    assert_eq!(seen, Ok(vec![ReplicaView::Headless]));
    let (seen, _) = look(&[(200, &following), (404, &error("DBClusterNotFoundFault"))]).await;
    assert_eq!(seen, Ok(vec![ReplicaView::Missing]));
}

#[tokio::test(start_paused = true)]
async fn a_global_database_that_may_not_be_seen_is_a_failure_and_no_detached_cluster() {
    let (seen, _) =
        look(&[(403, &error("AccessDenied")), (200, &cluster_xml("available", WRITES, ""))]).await;
    let failure = seen.unwrap_err();
    assert_eq!((failure.kind, failure.action), (FailureKind::Denied, GLOBALS));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_the_global_database_does_not_say_that_there_is_none() {
    let empty = "<DescribeGlobalClustersResponse><DescribeGlobalClustersResult><GlobalClusters/>\
                 </DescribeGlobalClustersResult></DescribeGlobalClustersResponse>";
    for answer in [empty, "<DescribeGlobalClustersResponse/>", "<html>busy</html>"] {
        // The cluster itself would count as detached, and its instance writes.
        let cluster = cluster_xml("available", WRITES, "");
        let (seen, _) = look(&[(200, answer), (200, &cluster)]).await;
        let failure = seen.unwrap_err();
        assert_ne!(failure.kind, FailureKind::Missing, "{answer}");
        assert_eq!(failure.action, GLOBALS);
    }
}

#[tokio::test(start_paused = true)]
async fn aurora_writer_in_storage_optimization_is_up() {
    for (cluster, instance) in [
        ("available", "storage-optimization"),
        ("storage-optimization", "available"),
        ("available", "configuring-enhanced-monitoring"),
        ("update-iam-db-auth", "available"),
    ] {
        let statuses = [("shop-orders-replica-0", instance), ("shop-orders-replica-1", "available")];
        let (seen, _) = look(&[
            (200, &global("available", &failed_over(), "")),
            (200, &cluster_xml(cluster, WRITES, "")),
            (200, &instances_xml(&statuses)),
        ])
        .await;
        assert_eq!(seen, Ok(vec![ReplicaView::Writable]), "{cluster} {instance}");
    }
}

#[tokio::test(start_paused = true)]
async fn aurora_failover_is_the_unplanned_one() {
    let accepted = "<FailoverGlobalClusterResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
                    <FailoverGlobalClusterResult/></FailoverGlobalClusterResponse>";
    let http = replay(&[(200, accepted)]);
    AuroraDatabases::new(&Sdk::on(http.clone())).promote(&aurora("orders"), Side::Recovery).await.unwrap();
    let request = &sent(&http)[0];
    assert!(request.contains("Action=FailoverGlobalCluster"), "{request}");
    assert!(request.contains("AllowDataLoss=true") && !request.contains("Switchover"), "{request}");
}

#[tokio::test(start_paused = true)]
async fn a_failover_names_its_target_allows_loss_and_is_sent_once() {
    let accepted = "<FailoverGlobalClusterResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
                    <FailoverGlobalClusterResult/></FailoverGlobalClusterResponse>";
    let under_way = error("InvalidGlobalClusterStateFault");
    let http = replay(&[(200, accepted), (400, &under_way), (503, &error("ServiceUnavailable"))]);
    let databases = AuroraDatabases::new(&Sdk::on(http.clone()));
    databases.promote(&aurora("orders"), Side::Recovery).await.unwrap();
    let again = databases.promote(&aurora("orders"), Side::Recovery).await.unwrap_err();
    assert_eq!((again.kind, again.action), (FailureKind::Conflict, FAIL_OVER));
    let busy = databases.promote(&aurora("orders"), Side::Recovery).await.unwrap_err();
    assert_eq!(busy.kind, FailureKind::Unavailable);
    let requests = sent(&http);
    assert_eq!(requests.len(), 3, "the step looks before it asks again");
    for field in [
        "GlobalClusterIdentifier=shop-orders",
        &format!("TargetDbClusterIdentifier={REPLICA}"),
        "AllowDataLoss=true",
    ] {
        assert!(requests[0].contains(field), "{field} in {}", requests[0]);
    }
    assert!(!requests[0].contains("Switchover"), "{}", requests[0]);
    let uri = http.actual_requests().next().unwrap().uri().to_owned();
    assert!(uri.starts_with("https://rds.us-west-1."), "{uri}");
}

fn groups(entries: &[(&str, &str)]) -> String {
    let group = |(id, status): &(&str, &str)| {
        format!(
            "<VpcSecurityGroupMembership><VpcSecurityGroupId>{id}</VpcSecurityGroupId><Status>{status}</Status>\
             </VpcSecurityGroupMembership>"
        )
    };
    format!("<VpcSecurityGroups>{}</VpcSecurityGroups>", entries.iter().map(group).collect::<String>())
}

async fn old_primary(answers: &[(u16, &str)]) -> (Answer<OldPrimary>, Vec<String>) {
    let http = replay(answers);
    let answer =
        AuroraDatabases::new(&Sdk::on(http.clone())).old_primary(&aurora("orders"), Side::Primary).await;
    (answer, http.actual_requests().map(|request| request.uri().to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_is_closed_by_its_group_or_by_having_become_a_follower() {
    let open = groups(&[("sg-0web", "active")]);
    let writes: &[(&str, bool)] = &[("shop-orders-0", true)];
    let reads: &[(&str, bool)] = &[("shop-orders-0", false)];
    let resynchronised = [member(PRIMARY, false, "connected"), member(REPLICA, true, "connected")];
    for (cluster, members, failover, expected) in [
        (cluster_xml("available", writes, &groups(&[("sg-0abc", "active")])), None, "", OldPrimary::CutOff),
        (cluster_xml("available", reads, &open), Some(&resynchronised), "", OldPrimary::Follows),
        // It came back before AWS has made a follower of it.
        (cluster_xml("available", writes, &open), Some(&failed_over()), "", OldPrimary::Open),
        (cluster_xml("available", writes, &open), Some(&resynchronised), "", OldPrimary::Open),
        (cluster_xml("available", reads, &open), Some(&failed_over()), "", OldPrimary::Open),
        (cluster_xml("modifying", reads, &open), Some(&resynchronised), "", OldPrimary::Open),
        (cluster_xml("storage-optimization", reads, &open), Some(&resynchronised), "", OldPrimary::Follows),
        (cluster_xml("available", reads, &open), Some(&resynchronised), "failing-over", OldPrimary::Open),
        // The groups are being swapped.
        (
            cluster_xml("available", writes, &groups(&[("sg-0abc", "adding"), ("sg-0web", "removing")])),
            Some(&failed_over()),
            "",
            OldPrimary::Open,
        ),
        // Not failed over but detached: the old primary writes on in its global database.
        (cluster_xml("available", reads, &open), Some(&following()), "", OldPrimary::Open),
    ] {
        let failover = if failover.is_empty() { String::new() } else { self::failover(failover, PRIMARY) };
        let global = members.map(|members| global("available", members, &failover));
        let answers: Vec<(u16, &str)> = [(200, cluster.as_str())]
            .into_iter()
            .chain(global.iter().map(|text| (200, text.as_str())))
            .collect();
        let (answer, uris) = old_primary(&answers).await;
        assert_eq!(answer, Ok(expected), "{cluster} {members:?}");
        assert!(uris[0].starts_with("https://rds.us-east-2."), "{uris:?}");
        assert!(uris[1..].iter().all(|uri| uri.starts_with("https://rds.us-west-1.")), "{uris:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_global_database_that_is_not_seen_leaves_an_old_primary_open_and_is_not_its_absence() {
    let open = cluster_xml("available", &[("shop-orders-0", false)], &groups(&[("sg-0web", "active")]));
    let gone = error("GlobalClusterNotFoundFault");
    let (answer, _) = old_primary(&[(200, &open), (404, &gone)]).await;
    assert_eq!(answer, Ok(OldPrimary::Open));
    let (answer, _) = old_primary(&[(404, &error("DBClusterNotFoundFault"))]).await;
    assert_eq!(answer.unwrap_err().kind, FailureKind::Missing);
}

#[tokio::test(start_paused = true)]
async fn a_silent_primary_region_costs_two_seconds() {
    let http = aws_smithy_http_client::test_util::NeverClient::new();
    let databases = AuroraDatabases::new(&Sdk::on(http));
    let started = tokio::time::Instant::now();
    let failure = databases.old_primary(&aurora("orders"), Side::Primary).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert_eq!(started.elapsed(), PRIMARY_MAX);
    databases.quarantine(&aurora("orders"), Side::Primary).await.unwrap_err();
    assert_eq!(started.elapsed(), PRIMARY_MAX * 2);
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_replaces_all_groups_of_the_old_cluster_at_once() {
    let modified = "<ModifyDBClusterResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
                    <ModifyDBClusterResult/></ModifyDBClusterResponse>";
    let http = replay(&[(200, modified)]);
    let databases = AuroraDatabases::new(&Sdk::on(http.clone()));
    databases.quarantine(&aurora("orders"), Side::Primary).await.unwrap();
    let request = &sent(&http)[0];
    for field in [
        "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-0abc",
        "ApplyImmediately=true",
        "DBClusterIdentifier=shop-orders",
    ] {
        assert!(request.contains(field), "{field} in {request}");
    }
    let mut bare = aurora("orders");
    *bare.quarantine_security_group_mut(Side::Primary) = None;
    for failure in [
        databases.quarantine(&bare, Side::Primary).await.unwrap_err(),
        databases.old_primary(&bare, Side::Primary).await.unwrap_err(),
    ] {
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Invalid, "no_quarantine_group"));
    }
    assert_eq!(http.actual_requests().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_inspection_tells_what_only_a_cluster_has() {
    let following = global("available", &following(), "");
    let instances: &[(&str, bool)] = &[("shop-orders-replica-0", false), ("shop-orders-replica-1", false)];
    let cluster =
        cluster_xml("available", instances, "<PreferredBackupWindow>03:00-03:30</PreferredBackupWindow>");
    let statuses =
        instances_xml(&[("shop-orders-replica-0", "available"), ("shop-orders-replica-1", "creating")]);
    // All three are asked at once; the signed questions come first, the client's after them.
    let http = replay(&[(200, &following), (200, &cluster), (200, &statuses)]);
    let databases = AuroraDatabases::new(&Sdk::on(http.clone()));
    let seen = databases.inspect(&[&aurora("orders")], Side::Recovery).await.unwrap();
    let expected = ReplicaFacts {
        status: "available".to_owned(),
        replication: ReplicaState::Replicating,
        backup_retention_days: 7,
        backup_window: Some("03:00-03:30".to_owned()),
        kms_key: Some("arn:key".to_owned()),
        cluster: Some(ClusterFacts {
            role: ClusterRole::Secondary,
            instances: 2,
            instances_available: 1,
            engine_version: Some("16.4".to_owned()),
            global_engine_version: Some("16.4".to_owned()),
        }),
        instance: None,
    };
    assert_eq!(seen, [Some(expected)]);
}

#[tokio::test(start_paused = true)]
async fn an_arn_of_something_else_is_never_sent() {
    let http = replay(&[]);
    let databases = AuroraDatabases::new(&Sdk::on(http.clone()));
    let mut wrong = aurora("orders");
    *wrong.arn_mut(Side::Recovery) = "arn:aws:rds:us-west-1:123456789012:db:x".to_owned();
    let of_another_kind = crate::replay::database("orders");
    for database in [&wrong, &of_another_kind] {
        assert_eq!(databases.promote(database, Side::Recovery).await.unwrap_err().kind, FailureKind::Invalid);
    }
    assert_eq!(http.actual_requests().count(), 0);
}

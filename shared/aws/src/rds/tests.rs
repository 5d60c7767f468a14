//! How does RDS answer, and what is made of it? Recorded answers of looks, promotions and quarantines.

use super::*;
use crate::replay::{database, replay, sent};

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}

fn page(instances: &[String], marker: &str) -> String {
    format!(
        "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
             <DescribeDBInstancesResult><DBInstances>{}</DBInstances>{marker}</DescribeDBInstancesResult>\
             </DescribeDBInstancesResponse>",
        instances.concat()
    )
}

fn instance_xml(id: &str, status: &str, inner: &str) -> String {
    format!(
        "<DBInstance><DBInstanceIdentifier>{id}</DBInstanceIdentifier>\
             <DBInstanceStatus>{status}</DBInstanceStatus>{inner}</DBInstance>"
    )
}

const SOURCE: &str = "<ReadReplicaSourceDBInstanceIdentifier>arn:aws:rds:us-east-2:123456789012:db:shop-orders\
                          </ReadReplicaSourceDBInstanceIdentifier>";

fn replicating(normal: bool, status: &str, message: &str) -> String {
    format!(
        "{SOURCE}<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>\
             <Normal>{normal}</Normal><Status>{status}</Status><Message>{message}</Message>\
             </DBInstanceStatusInfo></StatusInfos>"
    )
}

#[tokio::test(start_paused = true)]
async fn an_inspection_tells_of_backups_too() {
    let window = "<PreferredBackupWindow>03:00-03:30</PreferredBackupWindow>";
    let kept = |days: u8| format!("<BackupRetentionPeriod>{days}</BackupRetentionPeriod>{window}");
    let instances = [
        instance_xml(
            "shop-a-replica",
            "backing-up",
            &format!("{}{}", replicating(true, "replicating", ""), kept(0)),
        ),
        instance_xml("shop-b-replica", "available", &format!("<KmsKeyId>arn:key</KmsKeyId>{}", kept(7))),
    ];
    let http = replay(&[(200, &page(&instances, ""))]);
    let databases = RdsDatabases::new(&Sdk::on(http));
    let items = ["a", "b", "c"].map(database);
    let seen = databases.inspect(&items.iter().collect::<Vec<_>>(), Side::Recovery).await.unwrap();
    let facts = |status: &str, replication, days, key: Option<&str>| {
        let backup_window = Some("03:00-03:30".to_owned());
        Some(ReplicaFacts {
            status: status.to_owned(),
            replication,
            backup_retention_days: days,
            backup_window,
            kms_key: key.map(str::to_owned),
            cluster: None,
            instance: Some(InstanceFacts { kms_key: key.map(str::to_owned), ..InstanceFacts::default() }),
        })
    };
    let replicating = facts("backing-up", ReplicaState::Replicating, 0, None);
    assert_eq!(seen, [replicating, facts("available", ReplicaState::Detached, 7, Some("arn:key")), None]);
}

async fn look(answers: &[(u16, &str)], names: &[&str]) -> (Answer<Vec<ReplicaView>>, Vec<String>) {
    let http = replay(answers);
    let databases = RdsDatabases::new(&Sdk::on(http.clone()));
    let items: Vec<Database> = names.iter().map(|name| database(name)).collect();
    let seen = databases.look(&items.iter().collect::<Vec<_>>(), Side::Recovery).await;
    (seen, sent(&http))
}

/// Status, what else RDS says of the instance, and how it is seen.
fn standings() -> [(&'static str, String, ReplicaView); 15] {
    let replica = |status: &str, replication| ReplicaView::Replica { status: status.to_owned(), replication };
    let half = |inner: &str| {
        format!(
            "{SOURCE}<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>{inner}\
                 </DBInstanceStatusInfo></StatusInfos>"
        )
    };
    let changing = |status: &str| ReplicaView::Changing { status: status.to_owned() };
    [
        ("available", SOURCE.to_owned(), replica("available", Replication::Unknown)),
        ("available", half("<Status>replicating</Status>"), replica("available", Replication::Unknown)),
        ("available", half("<Status>error</Status>"), replica("available", Replication::Unknown)),
        ("available", half("<Normal>false</Normal>"), replica("available", Replication::Unknown)),
        ("backing-up", replicating(true, "replicating", ""), replica("backing-up", Replication::Running)),
        ("modifying", SOURCE.to_owned(), replica("modifying", Replication::Unknown)),
        ("storage-optimization", SOURCE.to_owned(), replica("storage-optimization", Replication::Unknown)),
        ("rebooting", String::new(), changing("rebooting")),
        ("storage-full", String::new(), changing("storage-full")),
        ("a-new-word", String::new(), changing("a-new-word")),
        ("available", String::new(), ReplicaView::Writable),
        ("backing-up", String::new(), ReplicaView::Writable),
        // promoted_instance_in_storage_optimization_is_writable
        ("storage-optimization", String::new(), ReplicaView::Writable),
        ("storage-initialization", String::new(), ReplicaView::Writable),
        ("configuring-log-exports", String::new(), ReplicaView::Writable),
    ]
}

/// What RDS says of a replication, and what is made of it: `Normal`, `Status`, `Message`.
#[tokio::test(start_paused = true)]
async fn every_state_of_a_replication_means_what_aws_says() {
    let detail = |text: &str| text.to_owned();
    let cases = [
        (true, "replicating", "", Replication::Running),
        (false, "replicating", "", Replication::Degraded { detail: detail("replicating, but not normally") }),
        (
            false,
            "replication degraded",
            "a new database is being set up",
            Replication::Degraded { detail: detail("replication degraded: a new database is being set up") },
        ),
        (
            true,
            "replication stop point set",
            "",
            Replication::Degraded { detail: detail("replication stop point set") },
        ),
        (
            false,
            "replication stop point reached",
            "",
            Replication::Halted { detail: detail("replication stop point reached") },
        ),
        (false, "stopped", "", Replication::Halted { detail: detail("stopped") }),
        (false, "terminated", "", Replication::Halted { detail: detail("terminated") }),
        (false, "a new word", "", Replication::Halted { detail: detail("a new word") }),
        (
            false,
            "error",
            "cannot connect to the source",
            Replication::Broken { detail: detail("error: cannot connect to the source") },
        ),
        (true, "Error", "", Replication::Broken { detail: detail("error") }),
    ];
    for (normal, status, message, expected) in cases {
        let instance = instance_xml("shop-a-replica", "available", &replicating(normal, status, message));
        let (seen, _) = look(&[(200, &page(&[instance], ""))], &["a"]).await;
        let expected = ReplicaView::Replica { status: "available".to_owned(), replication: expected };
        assert_eq!(seen.unwrap(), [expected], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_are_seen_as_they_stand_in_the_order_asked_for() {
    let cases = standings();
    let names: Vec<String> = (0..cases.len()).map(|index| format!("d{index:02}")).collect();
    let instances: Vec<String> = cases
        .iter()
        .zip(&names)
        .rev()
        .map(|((status, inner, _), name)| instance_xml(&format!("shop-{name}-replica"), status, inner))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (seen, requests) = look(&[(200, &page(&instances, ""))], &names).await;
    assert_eq!(seen.unwrap(), cases.map(|(_, _, expected)| expected));
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("Filters.Filter.1.Name=db-instance-id"), "{}", requests[0]);
    assert!(requests[0].contains("Filters.Filter.1.Values.Value.9=shop-d08-replica"), "{}", requests[0]);
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read_and_what_is_on_none_is_missing() {
    let first = page(&[instance_xml("shop-a-replica", "available", "")], "<Marker>m1</Marker>");
    let second = page(&[instance_xml("shop-b-replica", "creating", SOURCE)], "");
    let (seen, requests) = look(&[(200, &first), (200, &second)], &["a", "b", "c"]).await;
    let creating = ReplicaView::Replica { status: "creating".to_owned(), replication: Replication::Unknown };
    assert_eq!(seen.unwrap(), [ReplicaView::Writable, creating, ReplicaView::Missing]);
    assert!(requests[1].contains("Marker=m1"), "{}", requests[1]);
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_an_error() {
    let again = page(&[], "<Marker>m1</Marker>");
    let (seen, _) = look(&[(200, again.as_str()); PAGES_MAX as usize], &["a"]).await;
    assert_eq!(seen.unwrap_err().code, "endless_pages");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_replicas_are_one_call_and_one_more_is_another() {
    let names: Vec<String> = (0..101).map(|index| format!("d{index:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let empty = page(&[], "");
    let (seen, requests) = look(&[(200, &empty), (200, &empty)], &names).await;
    assert_eq!(seen.unwrap().len(), 101);
    assert_eq!(requests.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_halved_until_the_missing_one_stands_alone() {
    let refused = error("DBInstanceNotFound");
    let found = page(&[instance_xml("shop-b-replica", "available", "")], "");
    let (seen, requests) = look(&[(404, &refused), (200, &found), (404, &refused)], &["a", "b"]).await;
    assert_eq!(seen.unwrap(), [ReplicaView::Missing, ReplicaView::Writable]);
    assert_eq!(requests.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_denied_look_names_the_action() {
    let (seen, requests) = look(&[(403, &error("AccessDenied"))], &["a", "b"]).await;
    let failure = seen.unwrap_err();
    assert_eq!((failure.kind, failure.action), (FailureKind::Denied, DESCRIBE));
    assert_eq!(requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_look_is_tried_again() {
    let found = page(&[instance_xml("shop-a-replica", "available", "")], "");
    let (seen, _) = look(&[(400, &error("Throttling")), (200, &found)], &["a"]).await;
    assert_eq!(seen.unwrap(), [ReplicaView::Writable]);
    let (seen, _) = look(&[(400, error("Throttling").as_str()); 3], &["a"]).await;
    assert_eq!(seen.unwrap_err().kind, FailureKind::Throttled);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_keeps_backups_and_a_second_one_is_a_conflict() {
    let promoted = "<PromoteReadReplicaResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
                        <PromoteReadReplicaResult/></PromoteReadReplicaResponse>";
    let http = replay(&[(200, promoted), (400, &error("InvalidDBInstanceState"))]);
    let databases = RdsDatabases::new(&Sdk::on(http.clone()));
    databases.promote(&database("orders"), Side::Recovery).await.unwrap();
    let again = databases.promote(&database("orders"), Side::Recovery).await.unwrap_err();
    assert_eq!((again.kind, again.action), (FailureKind::Conflict, PROMOTE));
    let requests = sent(&http);
    assert!(requests[0].contains("DBInstanceIdentifier=shop-orders-replica"), "{}", requests[0]);
    assert!(requests[0].contains("BackupRetentionPeriod=7"), "{}", requests[0]);
}

#[tokio::test(start_paused = true)]
async fn a_primary_is_cut_off_only_by_the_quarantine_group_alone_and_in_effect() {
    let group = |id: &str, status: &str| {
        format!(
            "<VpcSecurityGroupMembership><VpcSecurityGroupId>{id}</VpcSecurityGroupId>\
                 <Status>{status}</Status></VpcSecurityGroupMembership>"
        )
    };
    for (groups, expected) in [
        (vec![group("sg-0abc", "active")], OldPrimary::CutOff),
        (vec![group("sg-0abc", "adding")], OldPrimary::Open),
        (vec![group("sg-0abc", "active"), group("sg-0web", "active")], OldPrimary::Open),
        (vec![group("sg-0web", "active")], OldPrimary::Open),
        (vec![], OldPrimary::Open),
    ] {
        let inner = format!("<VpcSecurityGroups>{}</VpcSecurityGroups>", groups.concat());
        let http = replay(&[(200, &page(&[instance_xml("shop-orders", "available", &inner)], ""))]);
        let databases = RdsDatabases::new(&Sdk::on(http.clone()));
        assert_eq!(
            databases.old_primary(&database("orders"), Side::Primary).await,
            Ok(expected),
            "{groups:?}"
        );
        let uri = http.actual_requests().next().unwrap().uri().to_owned();
        assert!(uri.starts_with("https://rds.us-east-2."), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_word_that_it_is_gone_makes_an_old_primary_missing() {
    for (status, answer, kind) in [
        (404, error("DBInstanceNotFound"), FailureKind::Missing),
        (200, page(&[], ""), FailureKind::Unavailable),
    ] {
        let databases = RdsDatabases::new(&Sdk::on(replay(&[(status, &answer)])));
        assert_eq!(databases.old_primary(&database("orders"), Side::Primary).await.unwrap_err().kind, kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_replaces_all_groups_at_once() {
    let modified = "<ModifyDBInstanceResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
                        <ModifyDBInstanceResult/></ModifyDBInstanceResponse>";
    let http = replay(&[(200, modified)]);
    let databases = RdsDatabases::new(&Sdk::on(http.clone()));
    databases.quarantine(&database("orders"), Side::Primary).await.unwrap();
    let request = &sent(&http)[0];
    assert!(request.contains("VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-0abc"), "{request}");
    assert!(request.contains("ApplyImmediately=true"), "{request}");
    assert!(request.contains("DBInstanceIdentifier=shop-orders&") || request.ends_with("=shop-orders"));
}

#[tokio::test(start_paused = true)]
async fn without_a_quarantine_group_nothing_is_called() {
    let http = replay(&[]);
    let databases = RdsDatabases::new(&Sdk::on(http.clone()));
    let mut bare = database("orders");
    *bare.quarantine_security_group_mut(Side::Primary) = None;
    for failure in [
        databases.quarantine(&bare, Side::Primary).await.unwrap_err(),
        databases.old_primary(&bare, Side::Primary).await.unwrap_err(),
    ] {
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Invalid, "no_quarantine_group"));
    }
    assert_eq!(http.actual_requests().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_arn_of_something_else_is_refused_before_any_call() {
    let http = replay(&[]);
    let databases = RdsDatabases::new(&Sdk::on(http.clone()));
    for arn in [
        "shop-orders",
        "arn:aws:rds:us-west-1:123456789012:cluster:shop",
        "arn:aws:sns:us-west-1:123456789012:db:x",
    ] {
        let mut wrong = database("orders");
        *wrong.arn_mut(Side::Recovery) = arn.to_owned();
        assert_eq!(databases.promote(&wrong, Side::Recovery).await.unwrap_err().code, "not_an_instance");
        assert_eq!(databases.look(&[&wrong], Side::Recovery).await.unwrap_err().code, "not_an_instance");
    }
    assert_eq!(http.actual_requests().count(), 0);
}

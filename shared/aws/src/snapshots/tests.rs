//! How does RDS answer of snapshots, and what is made of it? Recorded answers of listings, takes, copies and deletions.

use aws_smithy_http_client::test_util::StaticReplayClient;

use super::*;
use crate::replay::{StillClock, replay, sent};

const ID: &str = "pilotlight-shop-orders-20261120t030000z";

fn named(action: &str, inner: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{action}Result>{inner}\
             </{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}

fn page_of(snapshots: &[String], marker: &str) -> String {
    named("DescribeDBSnapshots", &format!("<DBSnapshots>{}</DBSnapshots>{marker}", snapshots.concat()))
}

/// A snapshot as RDS lists it, with what differs.
fn listed(id: &str, inner: &str) -> String {
    format!(
        "<DBSnapshot><DBSnapshotIdentifier>{id}</DBSnapshotIdentifier>\
             <DBInstanceIdentifier>shop-orders</DBInstanceIdentifier><Engine>postgres</Engine>\
             <AllocatedStorage>20</AllocatedStorage><SnapshotType>manual</SnapshotType>\
             <DBSnapshotArn>arn:aws:rds:us-east-2:123456789012:snapshot:{id}</DBSnapshotArn>\
             <Encrypted>true</Encrypted>{inner}</DBSnapshot>"
    )
}

const TAG: &str = "<TagList><Tag><Key>pilotlight:plan</Key><Value>shop</Value></Tag>\
                       <Tag><Key>bare</Key></Tag></TagList>";

fn snapshots(http: &StaticReplayClient) -> RdsSnapshots {
    let clock = StillClock::at("2026-11-20T03:00:00Z");
    RdsSnapshots::new(&Sdk::on(http.clone()), "us-west-1", clock)
}

fn take_order(source: &str) -> TakeOrder {
    let tags = BTreeMap::from([("pilotlight:plan".to_owned(), "shop".to_owned())]);
    TakeOrder { source: source.to_owned(), id: ID.to_owned(), tags }
}

fn copy_order(kind: SourceKind) -> CopyOrder {
    let resource = if kind == SourceKind::Instance { "snapshot" } else { "cluster-snapshot" };
    CopyOrder {
        snapshot: format!("arn:aws:rds:us-east-2:123456789012:{resource}:{ID}"),
        kind,
        id: ID.to_owned(),
        kms_key: Some("arn:aws:kms:us-west-1:123456789012:key/0a1b".to_owned()),
        option_group: None,
        tags: BTreeMap::from([("team".to_owned(), "orders".to_owned())]),
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read_and_snapshots_are_seen_as_they_stand() {
    let first = page_of(
        &[
            listed(
                "a",
                &format!(
                    "<Status>available</Status><PercentProgress>100</PercentProgress>\
                         <SnapshotCreateTime>2026-11-20T03:04:05.5Z</SnapshotCreateTime>{TAG}"
                ),
            ),
            listed("b", "<Status>creating</Status><PercentProgress>7</PercentProgress>"),
        ],
        "<Marker>m1</Marker>",
    );
    let copy = "<SourceDBSnapshotIdentifier>arn:aws:rds:us-west-1:123456789012:snapshot:x\
                    </SourceDBSnapshotIdentifier><SourceRegion>us-west-1</SourceRegion>\
                    <SnapshotCreateTime>2026-11-20T09:00:00Z</SnapshotCreateTime>";
    let original = "<OriginalSnapshotCreateTime>2026-11-20T03:00:00Z</OriginalSnapshotCreateTime>";
    let second = page_of(
        &[
            listed("c", &format!("<Status>available</Status>{copy}{original}")),
            listed("d", &format!("<Status>creating</Status>{copy}")),
            listed("e", "<Status>failed</Status>").replace(">manual<", ">automated<"),
        ],
        "",
    );
    let http = replay(&[(200, &first), (200, &second)]);
    let listing = snapshots(&http).list("us-east-2", &[SourceKind::Instance]).await.unwrap();
    assert!(listing.is_whole() && listing.region == "us-east-2");
    let [good, young, copied, copying, automated] = listing.snapshots.as_slice() else {
        panic!("{listing:?}")
    };
    assert_eq!(
        (good.status.clone(), good.is_manual, good.is_copy, good.is_encrypted),
        (Status::Available, true, false, true)
    );
    assert_eq!(good.arn, "arn:aws:rds:us-east-2:123456789012:snapshot:a");
    assert_eq!(good.taken_at, Some("2026-11-20T03:04:05.5Z".parse().unwrap()));
    assert_eq!((good.tags["pilotlight:plan"].as_str(), good.tags["bare"].as_str()), ("shop", ""));
    assert_eq!(
        (young.status.clone(), young.taken_at, young.progress_percent),
        (Status::Creating, None, Some(7))
    );
    // A copy is as old as its original; where that is not said, nobody knows.
    assert_eq!((copied.is_copy, copied.taken_at), (true, Some("2026-11-20T03:00:00Z".parse().unwrap())));
    assert_eq!((copying.status.clone(), copying.taken_at), (Status::Copying, None));
    assert_eq!((automated.status.clone(), automated.is_manual), (Status::Failed, false));
    let requests = sent(&http);
    assert!(requests[0].contains("SnapshotType=manual"), "{}", requests[0]);
    assert!(requests[1].contains("Marker=m1"), "{}", requests[1]);
    let uri = http.actual_requests().next().unwrap().uri().to_owned();
    assert!(uri.starts_with("https://rds.us-east-2."), "{uri}");
}

#[tokio::test(start_paused = true)]
async fn clusters_are_listed_beside_instances_where_the_plan_has_them() {
    let cluster = format!(
        "<DBClusterSnapshots><DBClusterSnapshot><DBClusterSnapshotIdentifier>x</DBClusterSnapshotIdentifier>\
             <DBClusterSnapshotArn>arn:aws:rds:us-west-1:123456789012:cluster-snapshot:x</DBClusterSnapshotArn>\
             <Status>available</Status><SnapshotType>manual</SnapshotType><StorageEncrypted>true</StorageEncrypted>\
             <SnapshotCreateTime>2026-11-20T03:00:00Z</SnapshotCreateTime>{TAG}</DBClusterSnapshot></DBClusterSnapshots>"
    );
    let http = replay(&[(200, &page_of(&[], "")), (200, &named("DescribeDBClusterSnapshots", &cluster))]);
    let kinds = [SourceKind::Instance, SourceKind::Cluster];
    let listing = snapshots(&http).list("us-west-1", &kinds).await.unwrap();
    assert_eq!(listing.snapshots.len(), 1);
    let found = &listing.snapshots[0];
    assert_eq!(
        (found.kind, found.status.clone(), found.is_encrypted),
        (SourceKind::Cluster, Status::Available, true)
    );
    assert!(found.taken_at.is_some() && found.tags["pilotlight:plan"] == "shop");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_breaks_off_is_an_error_and_one_without_end_has_a_gap() {
    let first = page_of(&[listed("a", "<Status>available</Status>")], "<Marker>m1</Marker>");
    let http = replay(&[(200, &first), (403, &error("AccessDenied"))]);
    let failure = snapshots(&http).list("us-east-2", &[SourceKind::Instance]).await.unwrap_err();
    assert_eq!((failure.kind, failure.action), (FailureKind::Denied, LIST));
    let http = replay(&[(200, first.as_str()); PAGES_MAX]);
    let listing = snapshots(&http).list("us-east-2", &[SourceKind::Instance]).await.unwrap();
    assert_eq!(listing.gap.as_deref(), Some("there are more than 50 pages of snapshots"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_taken_with_its_tags_where_its_instance_is() {
    let http = replay(&[(200, &named("CreateDBSnapshot", ""))]);
    let order = take_order("arn:aws:rds:us-east-2:123456789012:db:Shop-Orders");
    snapshots(&http).take("us-east-2", &order).await.unwrap();
    let request = &sent(&http)[0];
    for part in [
        "Action=CreateDBSnapshot",
        "DBInstanceIdentifier=shop-orders",
        &format!("DBSnapshotIdentifier={ID}"),
        "Tags.Tag.1.Key=pilotlight:plan",
        "Tags.Tag.1.Value=shop",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_names_its_key_its_tags_and_the_signed_url_and_takes_no_tag_over() {
    let http = replay(&[(200, &named("CopyDBSnapshot", ""))]);
    snapshots(&http).copy("us-west-1", &copy_order(SourceKind::Instance)).await.unwrap();
    let request = &sent(&http)[0];
    for part in [
        "Action=CopyDBSnapshot",
        &format!("SourceDBSnapshotIdentifier=arn:aws:rds:us-east-2:123456789012:snapshot:{ID}"),
        &format!("TargetDBSnapshotIdentifier={ID}"),
        "KmsKeyId=arn:aws:kms:us-west-1:123456789012:key/0a1b",
        "CopyTags=false",
        "Tags.Tag.1.Key=team",
        "PreSignedUrl=https://rds.us-east-2.amazonaws.com/?Action=CopyDBSnapshot",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
    let uri = http.actual_requests().next().unwrap().uri().to_owned();
    assert!(uri.starts_with("https://rds.us-west-1."), "{uri}");
}

/// Of an instance that encrypts by an option; an Aurora cluster has none.
#[tokio::test(start_paused = true)]
async fn an_option_group_goes_along_with_the_copy_of_an_instance() {
    let http = replay(&[(200, &named("CopyDBSnapshot", "")), (200, &named("CopyDBSnapshot", ""))]);
    let snapshots = snapshots(&http);
    let order =
        CopyOrder { option_group: Some("shop-oracle-tde".to_owned()), ..copy_order(SourceKind::Instance) };
    snapshots.copy("us-west-1", &order).await.unwrap();
    snapshots.copy("us-west-1", &copy_order(SourceKind::Instance)).await.unwrap();
    let requests = sent(&http);
    assert!(requests[0].contains("OptionGroupName=shop-oracle-tde"), "{}", requests[0]);
    assert!(!requests[1].contains("OptionGroupName"), "{}", requests[1]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_taken_copied_and_deleted_by_calls_of_its_own() {
    let http = replay(&[
        (200, &named("CreateDBClusterSnapshot", "")),
        (200, &named("CopyDBClusterSnapshot", "")),
        (200, &named("DeleteDBClusterSnapshot", "")),
    ]);
    let snapshots = snapshots(&http);
    snapshots
        .take("us-west-1", &take_order("arn:aws:rds:us-west-1:123456789012:cluster:shop"))
        .await
        .unwrap();
    snapshots.copy("us-west-1", &copy_order(SourceKind::Cluster)).await.unwrap();
    snapshots.delete("us-west-1", SourceKind::Cluster, ID).await.unwrap();
    let requests = sent(&http);
    assert!(requests[0].contains("DBClusterIdentifier=shop"), "{}", requests[0]);
    assert!(requests[1].contains("SourceDBClusterSnapshotIdentifier=arn:"), "{}", requests[1]);
    assert!(requests[2].contains(&format!("DBClusterSnapshotIdentifier={ID}")), "{}", requests[2]);
}

#[tokio::test(start_paused = true)]
async fn what_stands_already_is_done_and_what_is_refused_is_not() {
    let order = take_order("arn:aws:rds:us-east-2:123456789012:db:shop-orders");
    let copy = copy_order(SourceKind::Instance);
    for (status, code, expected) in [
        (400, "DBSnapshotAlreadyExists", [None, None, Some(FailureKind::Conflict)]),
        (404, "DBSnapshotNotFound", [Some(FailureKind::Missing), Some(FailureKind::Missing), None]),
        (400, "InvalidDBInstanceState", [Some(FailureKind::Conflict); 3]),
        (400, "InvalidDBSnapshotState", [Some(FailureKind::Conflict); 3]),
        (400, "KMSKeyNotAccessibleFault", [Some(FailureKind::Denied); 3]),
        (400, "SnapshotQuotaExceeded", [Some(FailureKind::Invalid); 3]),
        (403, "AccessDenied", [Some(FailureKind::Denied); 3]),
    ] {
        let refused = error(code);
        let http = replay(&[(status, refused.as_str()); 3]);
        let snapshots = snapshots(&http);
        let answers = [
            snapshots.take("us-east-2", &order).await,
            snapshots.copy("us-west-1", &copy).await,
            snapshots.delete("us-west-1", SourceKind::Instance, ID).await,
        ];
        assert_eq!(answers.map(|answer| answer.err().map(|failure| failure.kind)), expected, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_region_gets_two_seconds_and_one_attempt() {
    let clock = StillClock::at("2026-11-20T03:00:00Z");
    let silent = Sdk::on(aws_smithy_http_client::test_util::NeverClient::new());
    let snapshots = RdsSnapshots::new(&silent, "us-west-1", clock);
    let order = take_order("arn:aws:rds:us-east-2:123456789012:db:shop-orders");
    let started = tokio::time::Instant::now();
    assert_eq!(snapshots.take("us-east-2", &order).await.unwrap_err().kind, FailureKind::Unreachable);
    let listing = snapshots.list("us-east-2", &[SourceKind::Instance]).await;
    assert_eq!(listing.unwrap_err().kind, FailureKind::Unreachable);
    assert_eq!(started.elapsed(), std::time::Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn no_failure_of_a_copy_holds_the_signed_url() {
    let http = replay(&[(400, &error("InvalidParameterValue"))]);
    let failure = snapshots(&http).copy("us-west-1", &copy_order(SourceKind::Instance)).await.unwrap_err();
    assert!(!format!("{failure:?}").contains("X-Amz"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn an_arn_of_something_else_is_refused_before_any_call() {
    let http = replay(&[]);
    let snapshots = snapshots(&http);
    let failure = snapshots.take("us-east-2", &take_order("shop-orders")).await.unwrap_err();
    assert_eq!(failure.code, "not_a_source");
    let order = CopyOrder { snapshot: "shop-orders".to_owned(), ..copy_order(SourceKind::Instance) };
    assert_eq!(snapshots.copy("us-west-1", &order).await.unwrap_err().code, "unsignable");
    assert_eq!(http.actual_requests().count(), 0);
}

//! Sessions as STS gives and refuses them, and the calls that are made with them.
use aws_smithy_http_client::test_util::{NeverClient, StaticReplayClient};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use ports::{Databases, ParameterStores};
use protocol::side::Side;
use tokio::time::Instant;

use super::*;
use crate::config::Sdk;
use crate::parameter_store::SsmParameters;
use crate::rds::RdsDatabases;
use crate::replay::{StillClock, database, replay, sent};

const NOW: &str = "2026-11-20T03:00:00Z";
const TOKEN: &str = "canary-of-the-token";
const SECRET: &str = "canary-of-the-secret";

fn role() -> PrimaryRole {
    let arn = "arn:aws:iam::210987654321:role/shop-primary-region".to_owned();
    PrimaryRole { arn, external_id: "shop-7f3a".to_owned() }
}

/// What STS answers, as it is documented.
fn answer(account: &str, key: &str, ends_at: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::{account}:assumed-role/shop-primary-region/shop-ssm-replicator</Arn>\
         <AssumedRoleId>AROA123EXAMPLE123:shop-ssm-replicator</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{TOKEN}</SessionToken><Expiration>{ends_at}</Expiration></Credentials>\
         <PackedPolicySize>6</PackedPolicySize></AssumeRoleResult>\
         <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
}

const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
                      arn:aws:sts::123456789012:assumed-role/shop-ssm-replicator/x is not authorized to perform: \
                      sts:AssumeRole on resource: arn:aws:iam::210987654321:role/shop-primary-region</Message></Error>\
                      </ErrorResponse>";

/// The provider alone, on a clock that stands still.
fn provider(http: &StaticReplayClient, clock: &Arc<StillClock>) -> AssumedRole {
    let own = Credentials::new("AKIATEST", "not-a-secret", None, None, "test");
    let own = aws_credential_types::provider::SharedCredentialsProvider::new(own);
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let connector = SharedHttpConnector::new(http.clone());
    let signed = Signed::new(connector, Some(own), "us-west-1", None, Arc::clone(&clock));
    AssumedRole::new(signed, &role(), "shop-ssm-replicator", clock)
}

async fn key(provider: &AssumedRole) -> Answer<String> {
    provider.session().await.map(|session| session.access_key_id().to_owned())
}

fn sdk(answers: &[(u16, &str)]) -> (Sdk, StaticReplayClient) {
    let http = replay(answers);
    (Sdk::on(http.clone()).with_primary_role(&role(), "shop-ssm-replicator"), http)
}

fn header<'h>(http: &'h StaticReplayClient, index: usize, name: &str) -> &'h str {
    http.actual_requests().nth(index).unwrap().headers().get(name).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_for_in_the_own_region_and_the_primarys_is_called_with_it() {
    let session = answer("210987654321", "ASIASESSION", "2099-01-01T00:00:00Z");
    let instances = "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances/></DescribeDBInstancesResult></DescribeDBInstancesResponse>";
    let (sdk, http) = sdk(&[(200, &session), (200, instances), (200, instances), (400, "<a/>")]);
    let databases = RdsDatabases::new(&sdk);
    databases.old_primary(&database("orders"), Side::Primary).await.unwrap_err();
    databases.old_primary(&database("orders"), Side::Primary).await.unwrap_err();
    let hosts: Vec<String> = http.actual_requests().map(|request| request.uri().to_owned()).collect();
    assert_eq!(
        hosts,
        [
            "https://sts.us-west-1.amazonaws.com/",
            "https://rds.us-east-2.amazonaws.com/",
            "https://rds.us-east-2.amazonaws.com/"
        ]
    );
    assert_eq!(
        sent(&http)[0],
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::210987654321:role/shop-primary-region\
         &RoleSessionName=shop-ssm-replicator&ExternalId=shop-7f3a&DurationSeconds=900"
    );
    assert!(header(&http, 0, "authorization").contains("AKIATEST/"));
    assert!(header(&http, 0, "authorization").contains("/us-west-1/sts/aws4_request"));
    for index in [1, 2] {
        assert!(header(&http, index, "authorization").contains("ASIASESSION/"));
        assert_eq!(header(&http, index, "x-amz-security-token"), TOKEN);
    }
    // The own region is called as the function itself.
    databases.promote(&database("orders"), Side::Recovery).await.unwrap_err();
    assert!(header(&http, 3, "authorization").contains("AKIATEST/"));
    assert_eq!(header(&http, 3, "x-amz-security-token"), "");
}

#[tokio::test(start_paused = true)]
async fn every_client_of_the_primary_region_shares_one_session() {
    let session = answer("210987654321", "ASIASESSION", "2099-01-01T00:00:00Z");
    let (sdk, http) = sdk(&[(200, &session), (400, "{}"), (400, "<a/>"), (400, "{}")]);
    let stores = SsmParameters::new(&sdk, "us-west-1");
    stores.values("us-east-2", &["/shop/a"]).await.unwrap_err();
    RdsDatabases::new(&sdk).old_primary(&database("orders"), Side::Primary).await.unwrap_err();
    stores.values("us-west-1", &["/shop/a"]).await.unwrap_err();
    let keys: Vec<bool> =
        (0..4).map(|index| header(&http, index, "authorization").contains("ASIASESSION/")).collect();
    assert_eq!(keys, [false, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_kept_and_renewed_before_it_ends() {
    let clock = StillClock::at(NOW);
    let (first, second) = (
        answer("210987654321", "ASIAFIRST", "2026-11-20T03:15:00Z"),
        answer("210987654321", "ASIASECOND", "2026-11-20T03:25:00Z"),
    );
    let http = replay(&[(200, &first), (200, &second)]);
    let provider = provider(&http, &clock);
    assert_eq!(key(&provider).await.unwrap(), "ASIAFIRST");
    let told = provider.session().await.unwrap().expiry().unwrap();
    assert_eq!(
        told,
        SystemTime::from("2026-11-20T03:10:00Z".parse::<Timestamp>().unwrap()),
        "clients come back then"
    );
    clock.sleep(Duration::from_secs(599)).await;
    assert_eq!(key(&provider).await.unwrap(), "ASIAFIRST");
    assert_eq!(http.actual_requests().count(), 1);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(key(&provider).await.unwrap(), "ASIASECOND");
    assert_eq!(http.actual_requests().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_a_renewal_fails_the_old_session_serves_until_it_ends_and_no_longer() {
    let clock = StillClock::at(NOW);
    let first = answer("210987654321", "ASIAFIRST", "2026-11-20T03:15:00Z");
    let http = replay(&[(200, &first), (403, DENIED), (403, DENIED)]);
    let provider = provider(&http, &clock);
    assert_eq!(key(&provider).await.unwrap(), "ASIAFIRST");
    clock.sleep(Duration::from_mins(14)).await;
    assert_eq!(key(&provider).await.unwrap(), "ASIAFIRST");
    clock.sleep(Duration::from_secs(31)).await;
    let failure = key(&provider).await.unwrap_err();
    assert_eq!((failure.kind, failure.action), (FailureKind::Denied, ASSUME));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_as_that_of_assume_role_and_nothing_reaches_the_primary_region() {
    for through_ssm in [false, true] {
        let (sdk, http) = sdk(&[(403, DENIED), (200, "{}")]);
        let failure = if through_ssm {
            SsmParameters::new(&sdk, "us-west-1").values("us-east-2", &["/shop/a"]).await.unwrap_err()
        } else {
            RdsDatabases::new(&sdk).old_primary(&database("orders"), Side::Primary).await.unwrap_err()
        };
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, ASSUME));
        assert_eq!(
            failure.to_string(),
            "sts:AssumeRole: User: arn:aws:sts::123456789012:assumed-role/shop-ssm-replicator/x is not authorized to \
             perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/shop-primary-region (AccessDenied)"
        );
        assert_eq!(http.actual_requests().count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_sts_costs_no_more_than_a_call_to_the_primary_region_may() {
    let sdk = Sdk::on(NeverClient::new()).with_primary_role(&role(), "shop-ssm-replicator");
    let started = Instant::now();
    let failure = RdsDatabases::new(&sdk).old_primary(&database("orders"), Side::Primary).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.action, failure.code.as_str()),
        (FailureKind::Unreachable, ASSUME, "timeout")
    );
    assert_eq!(failure.message, "no answer within 1500 ms");
    assert!(started.elapsed() <= Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_session_of_the_role_is_refused_without_a_word_of_it() {
    let whole = answer("210987654321", "ASIASESSION", "2026-11-20T03:15:00Z");
    for broken in [
        answer("333333333333", "ASIASESSION", "2026-11-20T03:15:00Z"),
        answer("210987654321", "ASIASESSION", TOKEN),
        answer("210987654321", "", "2026-11-20T03:15:00Z"),
        whole.replace(&format!("<SessionToken>{TOKEN}</SessionToken>"), ""),
        whole.replace("AssumeRoleResult", "Other"),
        whole[..whole.find("</SessionToken>").unwrap()].to_owned(),
        format!("{TOKEN}<<&{SECRET}"),
        String::new(),
    ] {
        let http = replay(&[(200, &broken), (200, &broken), (200, &broken)]);
        let failure = key(&provider(&http, &StillClock::at(NOW))).await.unwrap_err();
        assert_eq!((failure.action, failure.code.as_str()), (ASSUME, "response"));
        assert!(!format!("{failure:?} {failure}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_debug_form_shows_a_session() {
    let session = answer("210987654321", "ASIASESSION", "2099-01-01T00:00:00Z");
    let (sdk, _) = sdk(&[(200, &session), (400, "<a/>")]);
    RdsDatabases::new(&sdk).old_primary(&database("orders"), Side::Primary).await.unwrap_err();
    let http = replay(&[(200, &session)]);
    let provider = provider(&http, &StillClock::at(NOW));
    let credentials = provider.session().await.unwrap();
    for shown in [format!("{sdk:?}"), format!("{provider:?}"), format!("{credentials:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sessions_name_has_only_what_sts_takes() {
    let http = replay(&[(403, DENIED)]);
    let clock = StillClock::at(NOW);
    let signed = Signed::new(SharedHttpConnector::new(http), None, "us-west-1", None, clock.clone());
    let name = format!("shop ssm/{}", "x".repeat(100));
    let provider = AssumedRole::new(signed, &role(), &name, clock);
    assert_eq!(provider.session_name, format!("shopssm{}", "x".repeat(57)));
    // Without credentials of its own the function can ask for none.
    assert_eq!(key(&provider).await.unwrap_err().kind, FailureKind::Denied);
}

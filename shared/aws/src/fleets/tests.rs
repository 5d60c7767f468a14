//! How does Auto Scaling answer, and what is made of it? Recorded answers of looks, resizes and scaling activities.

use aws_smithy_http_client::test_util::NeverClient;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use protocol::name::Name;
use protocol::plan::{Fleet, FleetKind, FleetSide};
use protocol::side::{Side, Sides};

use super::*;
use crate::replay::{replay, sent};

const CAPACITY: Capacity = Capacity { min: 2, desired: 2, max: 4 };

fn fleet(name: &str, target_groups: &[&str]) -> Fleet {
    let at = FleetSide {
        group: format!("shop-{name}"),
        target_groups: target_groups.iter().map(ToString::to_string).collect(),
        serving: CAPACITY,
        resting: None,
        healthy_targets_min: 2,
    };
    Fleet {
        name: Name::new(name),
        kind: FleetKind::AutoScalingGroup,
        sides: Sides { primary: None, recovery: Some(at) },
        after: Vec::new(),
    }
}

fn here(fleet: &Fleet) -> FleetAt<'_> {
    fleet.at(Side::Recovery).unwrap()
}

fn groups(members: &[String], token: &str) -> String {
    format!(
        "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
             <DescribeAutoScalingGroupsResult><AutoScalingGroups>{}</AutoScalingGroups>{token}\
             </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>",
        members.concat()
    )
}

fn group(name: &str, states: &[&str], inner: &str) -> String {
    let instance = |state: &&str| {
        format!("<member><InstanceId>i</InstanceId><LifecycleState>{state}</LifecycleState></member>")
    };
    let instances = states.iter().map(instance).collect::<Vec<_>>().concat();
    format!(
        "<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>4</MaxSize>\
             <DesiredCapacity>3</DesiredCapacity><Instances>{instances}</Instances>{inner}</member>"
    )
}

fn health(states: &[&str]) -> String {
    let member =
        |state: &&str| format!("<member><TargetHealth><State>{state}</State></TargetHealth></member>");
    let members = states.iter().map(member).collect::<Vec<_>>().concat();
    format!(
        "<DescribeTargetHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
             <DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions>\
             </DescribeTargetHealthResult></DescribeTargetHealthResponse>"
    )
}

fn error(code: &str, message: &str) -> String {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
}

fn seen(in_service: u32, healthy_targets: u32, launch_suspended: bool) -> FleetView {
    let capacity = Capacity { min: 1, desired: 3, max: 4 };
    FleetView::Group { capacity, in_service, healthy_targets, launch_suspended }
}

async fn look(answers: &[(u16, &str)], fleets: &[Fleet]) -> (Answer<Vec<FleetView>>, Vec<String>) {
    let http = replay(answers);
    let adapter = AutoScalingFleets::new(&Sdk::on(http.clone()));
    let seen = adapter.look(&fleets.iter().map(here).collect::<Vec<_>>()).await;
    (seen, sent(&http))
}

#[tokio::test(start_paused = true)]
async fn the_target_group_with_the_fewest_healthy_targets_counts() {
    let page = groups(&[group("shop-web", &["InService", "InService", "Pending"], "")], "");
    let (full, half) = (health(&["healthy", "healthy"]), health(&["healthy", "initial", "unhealthy"]));
    let fleets = [fleet("web", &["arn:tg/a", "arn:tg/b"])];
    let (view, requests) = look(&[(200, &page), (200, &full), (200, &half)], &fleets).await;
    assert_eq!(view.unwrap(), [seen(2, 1, false)]);
    assert_eq!(requests.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_target_groups_has_auto_scalings_word() {
    let page = groups(&[group("shop-jobs", &["InService", "Terminating"], "")], "");
    let (view, _) = look(&[(200, &page)], &[fleet("jobs", &[])]).await;
    assert_eq!(view.unwrap(), [seen(1, 1, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_launch_is_told_and_other_processes_are_not() {
    for (process, expected) in [("Launch", true), ("AZRebalance", false)] {
        let inner = format!(
            "<SuspendedProcesses><member><ProcessName>{process}</ProcessName></member></SuspendedProcesses>"
        );
        let page = groups(&[group("shop-jobs", &[], &inner)], "");
        let (view, _) = look(&[(200, &page)], &[fleet("jobs", &[])]).await;
        assert_eq!(view.unwrap(), [seen(0, 0, expected)]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read_and_what_is_on_none_is_missing_and_asked_no_further() {
    let first = groups(&[group("shop-a", &[], "")], "<NextToken>t1</NextToken>");
    let second = groups(&[group("shop-b", &["InService"], "")], "");
    let fleets = [fleet("b", &[]), fleet("c", &["arn:tg/c"]), fleet("a", &[])];
    let (view, requests) = look(&[(200, &first), (200, &second)], &fleets).await;
    assert_eq!(view.unwrap(), [seen(1, 1, false), FleetView::Missing, seen(0, 0, false)]);
    assert_eq!(requests.len(), 2);
    assert!(requests[1].contains("NextToken=t1"), "{}", requests[1]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_deleted_is_none() {
    for (status, expected) in [("Delete in progress", FleetView::Missing), ("", seen(1, 1, false))] {
        let inner = format!("<Status>{status}</Status>");
        let page = groups(&[group("shop-jobs", &["InService"], &inner)], "");
        let (view, _) = look(&[(200, &page)], &[fleet("jobs", &[])]).await;
        assert_eq!(view.unwrap(), [expected], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_names_are_one_call_and_one_more_is_another() {
    let fleets: Vec<Fleet> = (0..51).map(|index| fleet(&format!("f{index}"), &[])).collect();
    let empty = groups(&[], "");
    let (view, requests) = look(&[(200, &empty), (200, &empty)], &fleets).await;
    assert_eq!(view.unwrap().len(), 51);
    assert_eq!(requests.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_is_gone_has_no_healthy_target_and_holds_no_other_fleet_up() {
    let page = groups(&[group("shop-a", &["InService"], ""), group("shop-b", &["InService"], "")], "");
    let gone = error("TargetGroupNotFound", "One or more target groups not found");
    let fleets = [fleet("a", &["arn:tg/a"]), fleet("b", &["arn:tg/b"])];
    let (view, _) = look(&[(200, &page), (400, &gone), (200, &health(&["healthy"]))], &fleets).await;
    assert_eq!(view.unwrap(), [seen(1, 0, false), seen(1, 1, false)]);
}

#[tokio::test(start_paused = true)]
async fn unknown_health_is_an_error_and_never_a_number() {
    let page = groups(&[group("shop-a", &["InService"], "")], "");
    for (status, code, expected) in [
        (403, "AccessDenied", FailureKind::Denied),
        (500, "InternalFailure", FailureKind::Unavailable),
        (400, "Throttling", FailureKind::Throttled),
    ] {
        let refusal = error(code, "no");
        let answers = [(200, page.as_str()), (status, &refusal), (status, &refusal), (status, &refusal)];
        let (view, _) = look(&answers, &[fleet("a", &["arn:tg/a"])]).await;
        let failure = view.unwrap_err();
        assert_eq!((failure.kind, failure.action), (expected, HEALTH));
    }
}

/// A look at a fleet with one target group: what is seen, and how often the load balancers were asked.
async fn health_of_one(answers: &[(u16, &str)]) -> (Answer<Vec<FleetView>>, usize) {
    let page = groups(&[group("shop-a", &["InService"], "")], "");
    let answers: Vec<_> = std::iter::once((200, page.as_str())).chain(answers.iter().copied()).collect();
    let (view, requests) = look(&answers, &[fleet("a", &["arn:tg/a"])]).await;
    (view, requests.len() - 1)
}

#[tokio::test(start_paused = true)]
async fn no_state_but_healthy_counts() {
    let states =
        ["initial", "unhealthy", "unused", "draining", "unhealthy.draining", "unavailable", "thriving"];
    let (view, _) = health_of_one(&[(200, &health(&states))]).await;
    assert_eq!(view.unwrap(), [seen(1, 0, false)]);
    let (view, _) = health_of_one(&[(200, &health(&[&states[..], &["healthy"]].concat()))]).await;
    assert_eq!(view.unwrap(), [seen(1, 1, false)]);
    let stateless = health(&["healthy"]).replace("<State>healthy</State>", "<Reason>healthy</Reason>");
    assert_eq!(health_of_one(&[(200, &stateless)]).await.0.unwrap(), [seen(1, 0, false)]);
    assert_eq!(health_of_one(&[(200, &health(&[]))]).await.0.unwrap(), [seen(1, 0, false)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_a_failure_and_never_no_targets() {
    let whole = health(&["healthy"]);
    let groups = "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups/>\
                      </DescribeTargetGroupsResult></DescribeTargetGroupsResponse>";
    for body in [
        "",
        "ok",
        "{}",
        "<html>",
        "<html/>",
        &whole[..whole.len() / 2],
        "<DescribeTargetHealthResponse/>",
        "<DescribeTargetHealthResponse><DescribeTargetHealthResult/></DescribeTargetHealthResponse>",
        groups,
    ] {
        let (view, calls) = health_of_one(&[(200, body)]).await;
        let failure = view.expect_err(body);
        assert_eq!((failure.kind, failure.action, calls), (FailureKind::Unavailable, HEALTH, 1), "{body}");
    }
    for body in ["", "<html>", &whole, &groups[..groups.len() / 2], &groups.replace("<TargetGroups/>", "")] {
        let http = replay(&[(200, body)]);
        let failure = AutoScalingFleets::new(&Sdk::on(http)).target_group("arn:tg/a").await.expect_err(body);
        assert_eq!((failure.kind, failure.action), (FailureKind::Unavailable, TARGET_GROUPS), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_load_balancers_means_what_it_did_and_is_asked_again_where_it_may_pass() {
    for (status, code, expected, calls) in [
        (400, "Throttling", FailureKind::Throttled, 3),
        (400, "ThrottlingException", FailureKind::Throttled, 3),
        (400, "RequestLimitExceeded", FailureKind::Throttled, 3),
        (403, "AccessDenied", FailureKind::Denied, 1),
        (400, "AccessDeniedException", FailureKind::Denied, 1),
        (403, "ExpiredToken", FailureKind::Denied, 1),
        (403, "InvalidClientTokenId", FailureKind::Denied, 1),
        (400, "OptInRequired", FailureKind::Denied, 1),
        (403, "SomethingNew", FailureKind::Denied, 1),
        (500, "InternalFailure", FailureKind::Unavailable, 3),
        (500, "HealthUnavailable", FailureKind::Unavailable, 3),
        (503, "ServiceUnavailable", FailureKind::Unavailable, 3),
        (400, "ValidationError", FailureKind::Invalid, 1),
        (400, "InvalidTarget", FailureKind::Invalid, 1),
    ] {
        let refusal = error(code, "no");
        let answers = [(status, refusal.as_str()); 4];
        let (view, seen) = health_of_one(&answers).await;
        let failure = view.expect_err(code);
        let told = format!("{HEALTH}: no ({code})");
        assert_eq!((failure.kind, failure.to_string(), seen), (expected, told, calls), "{code}");
        let http = replay(&answers);
        let failure =
            AutoScalingFleets::new(&Sdk::on(http.clone())).target_group("arn:tg/a").await.expect_err(code);
        let told = format!("{TARGET_GROUPS}: no ({code})");
        let seen = http.actual_requests().count();
        assert_eq!((failure.kind, failure.to_string(), seen), (expected, told, calls), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_code_is_sorted_by_its_status() {
    for (status, expected) in [
        (503, FailureKind::Unavailable),
        (502, FailureKind::Unavailable),
        (403, FailureKind::Denied),
        (429, FailureKind::Throttled),
        (400, FailureKind::Invalid),
    ] {
        let (view, _) = health_of_one(&[(status, "<html><h1>no</h1></html>"); 3]).await;
        let failure = view.unwrap_err();
        let told = (failure.kind, failure.action, failure.code.as_str());
        assert_eq!(told, (expected, HEALTH, format!("http_{status}").as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_not_told() {
    let (busy, full) = (error("ServiceUnavailable", "no"), health(&["healthy"]));
    let (view, calls) = health_of_one(&[(503, &busy), (400, &error("Throttling", "no")), (200, &full)]).await;
    assert_eq!((view.unwrap(), calls), (vec![seen(1, 1, false)], 3));
}

#[tokio::test(start_paused = true)]
async fn silence_and_a_broken_connection_are_unreachable_and_given_up_in_time() {
    let started = tokio::time::Instant::now();
    let fleets = AutoScalingFleets::new(&Sdk::on(NeverClient::new()));
    let failure = fleets.healthy("arn:tg/a").await.unwrap_err();
    let told = (failure.kind, failure.action, failure.code.as_str());
    assert_eq!(told, (FailureKind::Unreachable, HEALTH, "timeout"));
    let waited = started.elapsed().as_secs();
    assert!((10..=12).contains(&waited), "{waited}");
    for (broken, code) in [
        (
            Broken(|| ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())),
            "dispatch",
        ),
        (Broken(|| ConnectorError::timeout("connect timed out".into())), "timeout"),
    ] {
        let fleets = AutoScalingFleets::new(&Sdk::on(broken));
        let failure = fleets.healthy("arn:tg/a").await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unreachable, code));
        let failure = fleets.target_group("arn:tg/a").await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Unreachable, TARGET_GROUPS));
    }
}

#[tokio::test(start_paused = true)]
async fn the_load_balancers_of_the_own_region_are_asked_by_their_own_api() {
    let http = replay(&[(200, &health(&["healthy"]))]);
    assert_eq!(AutoScalingFleets::new(&Sdk::on(http.clone())).healthy("arn:tg/a").await, Ok(1));
    let asked = http.actual_requests().next().unwrap();
    assert_eq!(asked.uri(), "https://elasticloadbalancing.us-west-1.amazonaws.com/");
    let signed_for = asked.headers().get("authorization").unwrap_or_default();
    assert!(signed_for.contains("/us-west-1/elasticloadbalancing/aws4_request"), "{signed_for}");
    assert_eq!(sent(&http), ["Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=arn:tg/a"]);
}

/// Fails every request.
#[derive(Debug)]
struct Broken(fn() -> ConnectorError);

impl HttpConnector for Broken {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(self.0()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_inspection_tells_of_suspended_processes_and_of_both_kinds_of_attachment() {
    let inner = "<SuspendedProcesses><member><ProcessName>AddToLoadBalancer</ProcessName></member></SuspendedProcesses>\
                     <TargetGroupARNs><member>arn:tg/a</member></TargetGroupARNs><TrafficSources>\
                     <member><Identifier>arn:tg/a</Identifier></member><member><Identifier>arn:tg/b</Identifier></member>\
                     </TrafficSources><AutoScalingGroupARN>arn:web</AutoScalingGroupARN><LaunchTemplate>\
                     <LaunchTemplateId>lt-1</LaunchTemplateId><Version>3</Version></LaunchTemplate>\
                     <AvailabilityZones><member>us-west-1a</member></AvailabilityZones><VPCZoneIdentifier>subnet-1, subnet-2\
                     </VPCZoneIdentifier><ServiceLinkedRoleARN>arn:role</ServiceLinkedRoleARN>";
    let http = replay(&[(200, &groups(&[group("shop-web", &[], inner)], ""))]);
    let adapter = AutoScalingFleets::new(&Sdk::on(http));
    let seen = adapter.groups(&[here(&fleet("web", &[])), here(&fleet("gone", &[]))]).await.unwrap();
    let web = GroupFacts {
        suspended: vec!["AddToLoadBalancer".to_owned()],
        target_groups: vec!["arn:tg/a".to_owned(), "arn:tg/b".to_owned()],
        arn: "arn:web".to_owned(),
        templates: vec![TemplateRef { id: "lt-1".to_owned(), version: "3".to_owned() }],
        zones: vec!["us-west-1a".to_owned()],
        subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        service_role: Some("arn:role".to_owned()),
        ..GroupFacts::default()
    };
    assert_eq!(seen, [Some(web), None]);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_mixed_types_launches_from_every_template_it_names() {
    let template = |id: &str| {
        format!(
            "<LaunchTemplateSpecification><LaunchTemplateId>{id}</LaunchTemplateId></LaunchTemplateSpecification>"
        )
    };
    let inner = format!(
        "<MixedInstancesPolicy><LaunchTemplate>{}<Overrides><member>{}</member><member><InstanceType>m7g.large\
             </InstanceType></member></Overrides></LaunchTemplate></MixedInstancesPolicy>",
        template("lt-1"),
        template("lt-2")
    );
    let http = replay(&[(200, &groups(&[group("shop-web", &[], &inner)], ""))]);
    let seen = AutoScalingFleets::new(&Sdk::on(http)).groups(&[here(&fleet("web", &[]))]).await.unwrap();
    let ids: Vec<_> = seen.into_iter().flatten().flat_map(|group| group.templates).collect();
    let default = |id: &str| TemplateRef { id: id.to_owned(), version: "$Default".to_owned() };
    assert_eq!(ids, [default("lt-1"), default("lt-2")]);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_tells_its_load_balancers_and_one_that_is_gone_is_nothing() {
    let found = "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member>\
                     <LoadBalancerArns><member>arn:alb</member></LoadBalancerArns></member></TargetGroups>\
                     </DescribeTargetGroupsResult></DescribeTargetGroupsResponse>";
    let http = replay(&[
        (200, found),
        (400, &error("TargetGroupNotFound", "no")),
        (403, &error("AccessDenied", "no")),
    ]);
    let adapter = AutoScalingFleets::new(&Sdk::on(http.clone()));
    let facts = TargetGroupFacts { load_balancers: vec!["arn:alb".to_owned()] };
    assert_eq!(adapter.target_group("arn:tg/a").await, Ok(Some(facts)));
    assert_eq!(adapter.target_group("arn:tg/a").await, Ok(None));
    let failure = adapter.target_group("arn:tg/a").await.unwrap_err();
    assert_eq!((failure.kind, failure.action), (FailureKind::Denied, TARGET_GROUPS));
    assert!(sent(&http)[0].contains("TargetGroupArns.member.1=arn:tg/a"), "{}", sent(&http)[0]);
}

#[tokio::test(start_paused = true)]
async fn a_resize_sets_all_three_numbers_in_one_call() {
    let http = replay(&[(200, "<UpdateAutoScalingGroupResponse/>")]);
    let adapter = AutoScalingFleets::new(&Sdk::on(http.clone()));
    adapter.resize(here(&fleet("web", &[])), CAPACITY).await.unwrap();
    let request = &sent(&http)[0];
    for part in ["AutoScalingGroupName=shop-web", "MinSize=2", "MaxSize=4", "DesiredCapacity=2"] {
        assert!(request.contains(part), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_resize_says_what_helps() {
    for (code, message, expected) in [
        ("ScalingActivityInProgress", "busy", FailureKind::Conflict),
        ("ValidationError", "AutoScalingGroup name not found - null", FailureKind::Missing),
        ("ValidationError", "max must not be below min", FailureKind::Invalid),
        ("ResourceContention", "pending update", FailureKind::Conflict),
    ] {
        let refusal = error(code, message);
        let http = replay(&[(400, &refusal), (400, &refusal), (400, &refusal)]);
        let adapter = AutoScalingFleets::new(&Sdk::on(http));
        let failure = adapter.resize(here(&fleet("web", &[])), CAPACITY).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (expected, UPDATE), "{code}");
    }
}

fn activities(members: &[String]) -> String {
    format!(
        "<DescribeScalingActivitiesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
             <DescribeScalingActivitiesResult><Activities>{}</Activities></DescribeScalingActivitiesResult>\
             </DescribeScalingActivitiesResponse>",
        members.concat()
    )
}

fn activity(at: &str, status: &str, message: &str) -> String {
    format!(
        "<member><ActivityId>a</ActivityId><AutoScalingGroupName>shop-web</AutoScalingGroupName>\
             <Cause>c</Cause><StartTime>{at}</StartTime><StatusCode>{status}</StatusCode>\
             <StatusMessage>{message}</StatusMessage></member>"
    )
}

async fn last_failure(members: &[String]) -> (Answer<Option<String>>, Vec<String>) {
    let http = replay(&[(200, &activities(members))]);
    let fleets = AutoScalingFleets::new(&Sdk::on(http.clone()));
    let since = "2026-11-20T03:00:00Z".parse().unwrap();
    (fleets.last_failure(here(&fleet("web", &[])), since).await, sent(&http))
}

#[tokio::test(start_paused = true)]
async fn the_last_failed_activity_since_a_time_is_quoted() {
    let (seen, requests) = last_failure(&[
        activity("2026-11-20T03:02:00Z", "InProgress", ""),
        activity("2026-11-20T03:01:00Z", "Failed", "Client.InternalError: Client error on launch"),
        activity("2026-11-20T03:00:30Z", "Cancelled", "an older one"),
    ])
    .await;
    assert_eq!(seen.unwrap().as_deref(), Some("Client.InternalError: Client error on launch"));
    assert!(requests[0].contains("AutoScalingGroupName=shop-web"), "{}", requests[0]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_before_counts_not_and_the_same_second_does() {
    let failed = |at: &str| [activity(at, "Failed", "VcpuLimitExceeded")];
    assert_eq!(last_failure(&failed("2026-11-20T02:59:59Z")).await.0.unwrap(), None);
    let same = last_failure(&failed("2026-11-20T03:00:00Z")).await.0.unwrap();
    assert_eq!(same.as_deref(), Some("VcpuLimitExceeded"));
    assert_eq!(last_failure(&[]).await.0.unwrap(), None);
    let good = [activity("2026-11-20T03:01:00Z", "Successful", "")];
    assert_eq!(last_failure(&good).await.0.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_quote_is_one_line_and_cut() {
    let long = format!("Launching\nfailed {}", "x".repeat(900));
    let (seen, _) = last_failure(&[activity("2026-11-20T03:01:00Z", "Failed", &long)]).await;
    let quote = seen.unwrap().unwrap();
    assert_eq!(quote.chars().count(), 300);
    assert!(!quote.contains('\n'));
}

//! How do the routes stand, and how are they opened and closed? Endpoint weights of a Global Accelerator.
//!
//! `UpdateEndpointGroup` replaces the whole list of endpoints, so a weight is set by reading the group, changing the one
//! weight and writing all of them back. The group's traffic dial and health checks aren't sent and stay as they are: the
//! dial is no fence.

use protocol::endpoint::{Endpoint, Setting};
use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_globalaccelerator::Client;
use aws_sdk_globalaccelerator::types::{
    EndpointConfiguration, EndpointDescription, EndpointGroup, HealthState,
};
use ports::inspection::RouteInspection;
use ports::{Answer, EndpointHealth, FailureKind, RouteView, Traffic};
use protocol::arn::Arn;
use protocol::plan::{Route, RouteSide};
use protocol::readiness::facts::RouteFacts;
use protocol::side::{Side, Sides};
use tokio::sync::Mutex;

use crate::config::Sdk;
use crate::failure::{failure, one_line, ours};

const DESCRIBE: &str = "globalaccelerator:DescribeEndpointGroup";
const UPDATE: &str = "globalaccelerator:UpdateEndpointGroup";
const GROUPS: &str = "globalaccelerator:ListEndpointGroups";
const SHARED: &str = "globalaccelerator:ListCrossAccountResources";

/// The weight of an endpoint that says none; AWS's default.
const WEIGHT_DEFAULT: u8 = 128;
/// Most pages of shared resources.
const PAGES_MAX: u32 = 10;

/// Traffic on a Global Accelerator.
pub struct AcceleratorTraffic {
    client: Client,
    /// One writer at a time in this process: two routes may have their endpoints in the same group, and the later write
    /// would undo the earlier one.
    writer: Mutex<()>,
}

impl AcceleratorTraffic {
    /// Traffic through the API's one region, `us-west-2`.
    pub fn new(sdk: &Sdk) -> Self {
        Self { client: sdk.global_accelerator(), writer: Mutex::new(()) }
    }

    async fn describe(&self, arn: &str) -> Answer<EndpointGroup> {
        let output = self
            .client
            .describe_endpoint_group()
            .endpoint_group_arn(arn)
            .send()
            .await
            .map_err(|error| failure(DESCRIBE, &error))?;
        output.endpoint_group.ok_or_else(|| {
            let message = format!("the answer lacks the endpoint group {arn}");
            ours(FailureKind::Missing, DESCRIBE, "EndpointGroupNotFoundException", message)
        })
    }

    /// The attachments of endpoints that other accounts share. An endpoint group doesn't tell them, and a list written
    /// back without them would be refused.
    async fn attachments(&self, group: &EndpointGroup) -> Answer<BTreeMap<String, String>> {
        let mut attachments = BTreeMap::new();
        let Some(own) = group.endpoint_group_arn().and_then(Arn::parse) else {
            return Ok(attachments);
        };
        let Some((accelerator, _)) = group.endpoint_group_arn().and_then(|arn| arn.split_once("/listener/"))
        else {
            return Ok(attachments);
        };
        let mut owners: Vec<&str> = group
            .endpoint_descriptions()
            .iter()
            .filter_map(|endpoint| Arn::parse(endpoint.endpoint_id()?).map(|arn| arn.account))
            .filter(|account| !account.is_empty() && *account != own.account)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            self.add_attachments(accelerator, owner, &mut attachments).await?;
        }
        Ok(attachments)
    }

    async fn add_attachments(
        &self,
        accelerator: &str,
        owner: &str,
        attachments: &mut BTreeMap<String, String>,
    ) -> Answer<()> {
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let output = self
                .client
                .list_cross_account_resources()
                .accelerator_arn(accelerator)
                .resource_owner_aws_account_id(owner)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| failure(SHARED, &error))?;
            for resource in output.cross_account_resources() {
                if let (Some(id), Some(arn)) = (resource.endpoint_id(), resource.attachment_arn()) {
                    attachments.insert(id.to_owned(), arn.to_owned());
                }
            }
            token = output.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(());
            }
        }
        let message = format!("more than {PAGES_MAX} pages of resources that account {owner} shares");
        Err(ours(FailureKind::Unavailable, SHARED, "endless_pages", message))
    }
}

impl AcceleratorTraffic {
    /// The groups of both sides; one call where it is the same.
    async fn both(&self, route: &Route) -> Answer<Sides<EndpointGroup>> {
        let arns = route.sides.as_ref().map(|at| at.endpoint_group.as_str());
        let primary = self.describe(arns.primary).await?;
        let recovery = if arns.recovery == arns.primary {
            primary.clone()
        } else {
            self.describe(arns.recovery).await?
        };
        Ok(Sides { primary, recovery })
    }
}

#[async_trait]
impl RouteInspection for AcceleratorTraffic {
    async fn inspect(&self, route: &Route) -> Answer<RouteFacts> {
        let groups = self.both(route).await?;
        Ok(RouteFacts {
            endpoints: Sides::from_fn(|side| endpoint_of(&groups[side], &route.sides[side].endpoint)),
            dials_permille: Sides::from_fn(|side| dial_permille(&groups[side])),
            health: Sides::from_fn(|side| health_of(&groups[side], &route.sides[side].endpoint)),
        })
    }

    async fn endpoint_groups(&self, route: &Route, side: Side) -> Answer<u32> {
        let group = &route.sides[side].endpoint_group;
        let Some((listener, _)) = group.split_once("/endpoint-group/") else {
            let message = format!("{group} is not the ARN of an endpoint group");
            return Err(ours(FailureKind::Invalid, GROUPS, "not_an_endpoint_group", message));
        };
        let (mut count, mut token) = (0, None);
        for _ in 0..PAGES_MAX {
            let request = self.client.list_endpoint_groups().listener_arn(listener).set_next_token(token);
            let output = request.send().await.map_err(|error| failure(GROUPS, &error))?;
            count += output.endpoint_groups().len();
            token = output.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        Err(ours(
            FailureKind::Unavailable,
            GROUPS,
            "endless_pages",
            format!("more than {PAGES_MAX} pages of groups"),
        ))
    }
}

#[async_trait]
impl Traffic for AcceleratorTraffic {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        let groups = self.both(route).await?;
        Ok(RouteView {
            endpoints: Sides::from_fn(|side| endpoint_of(&groups[side], &route.sides[side].endpoint)),
            health: Sides::from_fn(|side| health_of(&groups[side], &route.sides[side].endpoint)),
        })
    }

    async fn open(&self, route: &Route, side: Side, setting: Setting) -> Answer<()> {
        let Setting::Weight(weight) = setting;
        self.set_weight(route, side, weight).await
    }

    async fn close(&self, route: &Route, side: Side) -> Answer<()> {
        self.set_weight(route, side, 0).await
    }
}

impl AcceleratorTraffic {
    async fn set_weight(&self, route: &Route, side: Side, weight: u8) -> Answer<()> {
        let RouteSide { endpoint_group, endpoint, .. } = &route.sides[side];
        let _writer = self.writer.lock().await;
        let group = self.describe(endpoint_group).await?;
        let Some(standing) = weight_of(&group, endpoint) else {
            let message = format!("endpoint group {endpoint_group} has no endpoint {endpoint}");
            return Err(ours(FailureKind::Missing, UPDATE, "endpoint_missing", message));
        };
        if standing == weight {
            return Ok(());
        }
        let attachments = self.attachments(&group).await?;
        let endpoints = group
            .endpoint_descriptions()
            .iter()
            .map(|described| configuration(described, &attachments, (endpoint, weight)))
            .collect();
        let output = self
            .client
            .update_endpoint_group()
            .endpoint_group_arn(endpoint_group)
            .set_endpoint_configurations(Some(endpoints))
            .send()
            .await
            .map_err(|error| failure(UPDATE, &error))?;
        let seen = output.endpoint_group().and_then(|group| weight_of(group, endpoint));
        if seen == Some(weight) {
            return Ok(());
        }
        let message = format!("{endpoint} should have weight {weight}, but the answer reports {seen:?}");
        Err(ours(FailureKind::Conflict, UPDATE, "weight_not_set", message))
    }
}

fn find<'g>(group: &'g EndpointGroup, endpoint: &str) -> Option<&'g EndpointDescription> {
    group.endpoint_descriptions().iter().find(|found| found.endpoint_id() == Some(endpoint))
}

/// The health of an endpoint, as the accelerator has it: of a load balancer every target group counts, also those that no plan
/// knows.
fn health_of(group: &EndpointGroup, endpoint: &str) -> EndpointHealth {
    let found = find(group, endpoint);
    let reason = || one_line(found.and_then(EndpointDescription::health_reason).unwrap_or_default());
    match found.and_then(EndpointDescription::health_state) {
        Some(HealthState::Healthy) => EndpointHealth::Healthy,
        Some(HealthState::Initial) => EndpointHealth::Initial { reason: reason() },
        Some(HealthState::Unhealthy) => EndpointHealth::Unhealthy { reason: reason() },
        _ => EndpointHealth::Unknown,
    }
}

/// How an endpoint stands: closed is weight 0, as a traffic dial at 0 is no fence.
fn endpoint_of(group: &EndpointGroup, endpoint: &str) -> Endpoint {
    match weight_of(group, endpoint) {
        Some(0) => Endpoint::Closed,
        Some(weight) => Endpoint::Open(Setting::Weight(weight)),
        None => Endpoint::Missing,
    }
}

/// The weight of an endpoint; nothing where the group does not have it.
fn weight_of(group: &EndpointGroup, endpoint: &str) -> Option<u8> {
    let found = find(group, endpoint)?;
    let weight = found.weight().map_or(WEIGHT_DEFAULT, |weight| {
        // AWS allows 0 to 255.
        u8::try_from(weight.clamp(0, 255)).unwrap_or(u8::MAX)
    });
    Some(weight)
}

/// The dial of a group; AWS's default is to let everything through.
fn dial_permille(group: &EndpointGroup) -> u32 {
    let percent = group.traffic_dial_percentage().unwrap_or(100.0).clamp(0.0, 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let permille = (percent * 10.0).floor() as u32;
    permille
}

/// An endpoint as it is, but for the one that gets another weight.
fn configuration(
    described: &EndpointDescription,
    attachments: &BTreeMap<String, String>,
    (endpoint, weight): (&str, u8),
) -> EndpointConfiguration {
    let is_the_one = described.endpoint_id() == Some(endpoint);
    EndpointConfiguration::builder()
        .set_endpoint_id(described.endpoint_id().map(str::to_owned))
        .set_weight(if is_the_one { Some(i32::from(weight)) } else { described.weight() })
        .set_client_ip_preservation_enabled(described.client_ip_preservation_enabled())
        .set_attachment_arn(described.endpoint_id().and_then(|id| attachments.get(id)).cloned())
        .build()
}

#[cfg(test)]
mod tests {
    use protocol::name::Name;
    use protocol::plan::RouteKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::replay::{replay, sent};

    const PRIMARY: &str = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p";
    const RECOVERY: &str =
        "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r";

    fn alb(name: &str) -> String {
        format!("arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/{name}/1")
    }

    fn route() -> Route {
        let side = |group: &str, name: &str| RouteSide {
            endpoint_group: group.to_owned(),
            endpoint: alb(name),
            weight: 128,
            probe: None,
        };
        Route {
            name: Name::new("front"),
            kind: RouteKind::GlobalAccelerator,
            sides: Sides { primary: side(PRIMARY, "p"), recovery: side(RECOVERY, "r") },
            after: Vec::new(),
        }
    }

    fn group(arn: &str, endpoints: &Value) -> String {
        json!({"EndpointGroup": {"EndpointGroupArn": arn, "EndpointGroupRegion": "us-west-1",
            "TrafficDialPercentage": 100.0, "HealthCheckPort": 80, "EndpointDescriptions": endpoints}})
        .to_string()
    }

    fn endpoint(id: &str, weight: u8) -> Value {
        json!({"EndpointId": id, "Weight": weight, "HealthState": "HEALTHY", "ClientIPPreservationEnabled": true})
    }

    const OPEN: Endpoint = Endpoint::Open(Setting::Weight(128));

    async fn set(answers: &[(u16, &str)], side: Side, endpoint: Endpoint) -> (Answer<()>, Vec<Value>) {
        let http = replay(answers);
        let traffic = AcceleratorTraffic::new(&Sdk::on(http.clone()));
        let result = match endpoint {
            Endpoint::Open(setting) => traffic.open(&route(), side, setting).await,
            Endpoint::Closed | Endpoint::Missing => traffic.close(&route(), side).await,
        };
        (result, sent(&http).iter().map(|body| serde_json::from_str(body).unwrap()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn both_sides_are_seen_and_an_absent_endpoint_is_nothing() {
        let primary = group(PRIMARY, &json!([endpoint(&alb("p"), 128)]));
        let recovery = group(RECOVERY, &json!([endpoint(&alb("other"), 7)]));
        let traffic = AcceleratorTraffic::new(&Sdk::on(replay(&[(200, &primary), (200, &recovery)])));
        let seen = traffic.look(&route()).await.unwrap();
        let expected = RouteView {
            endpoints: Sides { primary: OPEN, recovery: Endpoint::Missing },
            health: Sides { primary: EndpointHealth::Healthy, recovery: EndpointHealth::Unknown },
        };
        assert_eq!(seen, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_of_both_sides_is_read_once() {
        let both = group(PRIMARY, &json!([endpoint(&alb("p"), 0), endpoint(&alb("r"), 255)]));
        let mut route = route();
        route.sides.recovery.endpoint_group = PRIMARY.to_owned();
        let traffic = AcceleratorTraffic::new(&Sdk::on(replay(&[(200, &both)])));
        let seen = traffic.look(&route).await.unwrap();
        assert_eq!(
            seen.endpoints,
            Sides { primary: Endpoint::Closed, recovery: Endpoint::Open(Setting::Weight(255)) }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_accelerators_own_word_of_an_endpoints_health_is_told() {
        let reason = "Failed: no healthy targets";
        for (state, expected) in [
            (json!("HEALTHY"), EndpointHealth::Healthy),
            (json!("INITIAL"), EndpointHealth::Initial { reason: reason.to_owned() }),
            (json!("UNHEALTHY"), EndpointHealth::Unhealthy { reason: reason.to_owned() }),
            (json!("A_NEW_WORD"), EndpointHealth::Unknown),
            (Value::Null, EndpointHealth::Unknown),
        ] {
            let mut recovery = endpoint(&alb("r"), 128);
            recovery["HealthState"] = state.clone();
            recovery["HealthReason"] = json!(reason);
            let (p, r) =
                (group(PRIMARY, &json!([endpoint(&alb("p"), 0)])), group(RECOVERY, &json!([recovery])));
            let traffic = AcceleratorTraffic::new(&Sdk::on(replay(&[(200, &p), (200, &r)])));
            let seen = traffic.look(&route()).await.unwrap();
            assert_eq!(seen.health.recovery, expected, "{state}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_weight_changes_and_everything_else_is_written_back_as_it_was() {
        let other = json!({"EndpointId": "i-0abc", "Weight": 9, "ClientIPPreservationEnabled": false});
        let before = group(RECOVERY, &json!([other, endpoint(&alb("r"), 0)]));
        let after = group(RECOVERY, &json!([other, endpoint(&alb("r"), 128)]));
        let (result, requests) = set(&[(200, &before), (200, &after)], Side::Recovery, OPEN).await;
        result.unwrap();
        assert_eq!(
            requests[1],
            json!({"EndpointGroupArn": RECOVERY, "EndpointConfigurations": [
                {"EndpointId": "i-0abc", "Weight": 9, "ClientIPPreservationEnabled": false},
                {"EndpointId": alb("r"), "Weight": 128, "ClientIPPreservationEnabled": true},
            ]})
        );
    }

    #[tokio::test(start_paused = true)]
    async fn endpoint_group_keeps_what_is_not_named() {
        let foreign = alb("x").replace("123456789012", "210987654321");
        let other = json!({"EndpointId": foreign, "Weight": 10, "ClientIPPreservationEnabled": false});
        let shown = |weight: u8| {
            json!({"EndpointGroup": {"EndpointGroupArn": PRIMARY, "TrafficDialPercentage": 100.0,
                "ThresholdCount": 2, "HealthCheckPort": 80, "HealthCheckIntervalSeconds": 10,
                "EndpointDescriptions": [endpoint(&alb("p"), weight), other]}})
            .to_string()
        };
        let attachment = "arn:aws:globalaccelerator::210987654321:attachment/1";
        let shared = json!({"CrossAccountResources": [{"EndpointId": foreign, "AttachmentArn": attachment}]})
            .to_string();
        let answers = [(200, shown(128)), (200, shared), (200, shown(0))];
        let answers = answers.each_ref().map(|(status, text)| (*status, text.as_str()));
        let (result, requests) = set(&answers, Side::Primary, Endpoint::Closed).await;
        result.unwrap();
        assert_eq!(
            requests[2],
            json!({"EndpointGroupArn": PRIMARY, "EndpointConfigurations": [
                {"EndpointId": alb("p"), "Weight": 0, "ClientIPPreservationEnabled": true},
                {"EndpointId": foreign, "Weight": 10, "ClientIPPreservationEnabled": false,
                    "AttachmentArn": attachment},
            ]})
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_weight_that_stands_already_costs_no_write() {
        let standing = group(PRIMARY, &json!([endpoint(&alb("p"), 0)]));
        let (result, requests) = set(&[(200, &standing)], Side::Primary, Endpoint::Closed).await;
        result.unwrap();
        assert_eq!(requests.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_is_not_in_the_group_is_missing_and_nothing_is_written() {
        let without = group(PRIMARY, &json!([endpoint(&alb("other"), 1)]));
        let (result, requests) = set(&[(200, &without)], Side::Primary, Endpoint::Closed).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Missing, "endpoint_missing"));
        assert!(failure.message.contains(&alb("p")));
        assert_eq!(requests.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_the_new_weight_is_a_conflict() {
        let before = group(PRIMARY, &json!([endpoint(&alb("p"), 128)]));
        let (result, _) = set(&[(200, &before), (200, &before)], Side::Primary, Endpoint::Closed).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Conflict, "weight_not_set"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_attachment_of_another_accounts_endpoint_is_kept() {
        let foreign = alb("x").replace("123456789012", "210987654321");
        let before = group(PRIMARY, &json!([endpoint(&alb("p"), 128), endpoint(&foreign, 5)]));
        let shared = json!({"CrossAccountResources":
            [{"EndpointId": foreign, "AttachmentArn": "arn:aws:globalaccelerator::210987654321:attachment/1"}]})
        .to_string();
        let after = group(PRIMARY, &json!([endpoint(&alb("p"), 0), endpoint(&foreign, 5)]));
        let (result, requests) =
            set(&[(200, &before), (200, &shared), (200, &after)], Side::Primary, Endpoint::Closed).await;
        result.unwrap();
        assert_eq!(requests[1]["ResourceOwnerAwsAccountId"], "210987654321");
        assert_eq!(requests[1]["AcceleratorArn"], "arn:aws:globalaccelerator::123456789012:accelerator/a");
        let written = &requests[2]["EndpointConfigurations"];
        assert_eq!(written[1]["AttachmentArn"], "arn:aws:globalaccelerator::210987654321:attachment/1");
        assert!(written[0].get("AttachmentArn").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_name_the_action_and_what_helps() {
        for (code, expected) in [
            ("AccessDeniedException", FailureKind::Denied),
            ("EndpointGroupNotFoundException", FailureKind::Missing),
            ("TransactionInProgressException", FailureKind::Conflict),
            ("InternalServiceErrorException", FailureKind::Unavailable),
            ("LimitExceededException", FailureKind::Invalid),
        ] {
            let before = group(PRIMARY, &json!([endpoint(&alb("p"), 128)]));
            let refusal = json!({"__type": code, "Message": "no"}).to_string();
            let (result, _) = set(
                &[(200, &before), (400, &refusal), (400, &refusal), (400, &refusal)],
                Side::Primary,
                Endpoint::Closed,
            )
            .await;
            let failure = result.unwrap_err();
            assert_eq!((failure.kind, failure.action), (expected, UPDATE), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_inspection_tells_endpoints_and_the_dial() {
        let recovery = group(RECOVERY, &json!([endpoint(&alb("r"), 0)])).replace("100.0", "37.55");
        let primary = group(PRIMARY, &json!([endpoint(&alb("x"), 128)]));
        let http = replay(&[(200, &primary), (200, &recovery)]);
        let seen = AcceleratorTraffic::new(&Sdk::on(http)).inspect(&route()).await.unwrap();
        let facts = RouteFacts {
            endpoints: Sides { primary: Endpoint::Missing, recovery: Endpoint::Closed },
            dials_permille: Sides { primary: 1000, recovery: 375 },
            health: Sides { primary: EndpointHealth::Unknown, recovery: EndpointHealth::Healthy },
        };
        assert_eq!(seen, facts);
    }

    #[tokio::test(start_paused = true)]
    async fn the_endpoint_groups_of_the_routes_listener_are_counted_over_every_page() {
        let page = |count: usize, token: &str| {
            let groups = vec![json!({ "EndpointGroupArn": RECOVERY }); count];
            json!({ "EndpointGroups": groups, "NextToken": token }).to_string()
        };
        let (first, second) = (page(3, "t"), page(1, ""));
        let http = replay(&[(200, &first), (200, &second)]);
        let count =
            AcceleratorTraffic::new(&Sdk::on(http.clone())).endpoint_groups(&route(), Side::Recovery).await;
        assert_eq!(count, Ok(4));
        let listener = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l";
        assert!(sent(&http)[0].contains(&format!(r#""ListenerArn":"{listener}""#)), "{:?}", sent(&http));
    }
}

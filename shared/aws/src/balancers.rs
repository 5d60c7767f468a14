//! What does a load balancer send to? Its target groups with their healthy targets, in the function's own region.

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use ports::inspection::BalancerInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::AttachedGroup;

use crate::config::Sdk;
use crate::failure::{if_there, ours};
use crate::load_balancing;
use crate::signed::{Signed, unreadable};

const TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";

/// Target groups asked at the same time.
const CALLS: usize = 4;
/// Most pages of one list; a load balancer has a hundred target groups at most.
const PAGES_MAX: usize = 10;

/// Load balancers of the function's own region.
pub struct LoadBalancers {
    signed: Signed,
}

impl LoadBalancers {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    async fn groups_of(&self, load_balancer: &str) -> Answer<Vec<String>> {
        let (mut arns, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut fields = vec![("LoadBalancerArn".to_owned(), load_balancer.to_owned())];
            fields.extend(marker.map(|marker| ("Marker".to_owned(), marker)));
            let question = load_balancing::question(TARGET_GROUPS, fields);
            let page = self.signed.result(&question).await?;
            let list = page.at(&["TargetGroups"]);
            let list = list.ok_or_else(|| unreadable(&question, "it has no TargetGroups"))?;
            arns.extend(
                list.all("member").filter_map(|group| group.text(&["TargetGroupArn"])).map(str::to_owned),
            );
            marker = page.text(&["NextMarker"]).map(str::to_owned);
            if marker.is_none() {
                return Ok(arns);
            }
        }
        let message = format!("more than {PAGES_MAX} pages for {load_balancer}");
        Err(ours(FailureKind::Unavailable, TARGET_GROUPS, "endless_pages", message))
    }

    async fn group(&self, arn: String) -> Answer<AttachedGroup> {
        let question = load_balancing::question(HEALTH, vec![("TargetGroupArn".to_owned(), arn.clone())]);
        let answer = self.signed.result(&question).await?;
        let targets = answer.at(&["TargetHealthDescriptions"]);
        let targets = targets.ok_or_else(|| unreadable(&question, "it has no TargetHealthDescriptions"))?;
        let states = targets.all("member").map(|target| target.text(&["TargetHealth", "State"]));
        let healthy = states.filter(|state| *state == Some("healthy")).count();
        Ok(AttachedGroup { arn, healthy: u32::try_from(healthy).unwrap_or(u32::MAX) })
    }
}

#[async_trait]
impl BalancerInspection for LoadBalancers {
    async fn attached(&self, load_balancer: &str) -> Answer<Option<Vec<AttachedGroup>>> {
        let Some(arns) = if_there(self.groups_of(load_balancer).await)? else { return Ok(None) };
        let calls: Vec<_> = arns.into_iter().map(|arn| self.group(arn)).collect();
        stream::iter(calls).buffered(CALLS).try_collect().await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    const BALANCER: &str = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0a1b";

    fn groups(arns: &[&str], rest: &str) -> String {
        let member = |arn: &&str| format!("<member><TargetGroupArn>{arn}</TargetGroupArn></member>");
        let members = arns.iter().map(member).collect::<Vec<_>>().concat();
        format!(
            "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups>{members}</TargetGroups>{rest}\
             </DescribeTargetGroupsResult></DescribeTargetGroupsResponse>"
        )
    }

    fn health(states: &[&str]) -> String {
        let member =
            |state: &&str| format!("<member><TargetHealth><State>{state}</State></TargetHealth></member>");
        let members = states.iter().map(member).collect::<Vec<_>>().concat();
        format!(
            "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>{members}\
             </TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
        )
    }

    async fn ask(answers: &[(u16, &str)]) -> (Answer<Option<Vec<AttachedGroup>>>, Vec<String>) {
        let http = replay(answers);
        let balancers = LoadBalancers::new(&Sdk::on(http.clone()));
        (balancers.attached(BALANCER).await, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn every_target_group_of_every_page_comes_with_its_healthy_targets() {
        let (first, second) =
            (groups(&["arn:web"], "<NextMarker>m</NextMarker>"), groups(&["arn:other"], ""));
        let (web, other) = (health(&["healthy", "initial", "healthy"]), health(&[]));
        let (seen, requests) = ask(&[(200, &first), (200, &second), (200, &web), (200, &other)]).await;
        let group = |arn: &str, healthy| AttachedGroup { arn: arn.to_owned(), healthy };
        assert_eq!(seen, Ok(Some(vec![group("arn:web", 2), group("arn:other", 0)])));
        assert!(requests[0].contains(&format!("LoadBalancerArn={BALANCER}")), "{}", requests[0]);
        assert!(requests[1].contains("Marker=m"), "{}", requests[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_balancer_that_is_gone_is_nothing_and_half_an_answer_is_a_failure() {
        let gone = "<ErrorResponse><Error><Code>LoadBalancerNotFound</Code></Error></ErrorResponse>";
        assert_eq!(ask(&[(400, gone)]).await.0, Ok(None));
        let half = "<a><DescribeTargetGroupsResult/></a>";
        assert_eq!(ask(&[(200, half)]).await.0.unwrap_err().code, "response");
        let one = groups(&["arn:web"], "");
        assert_eq!(
            ask(&[(200, &one), (200, "<a><DescribeTargetHealthResult/></a>")]).await.0.unwrap_err().action,
            HEALTH
        );
    }
}

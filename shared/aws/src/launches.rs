//! What stands in the way of a launch? Types and zones, quotas, addresses, EBS's own key and scheduled actions, in the
//! function's own region.

use std::collections::BTreeSet;

use async_trait::async_trait;
use ports::inspection::LaunchInspection;
use ports::{Answer, Failure, FailureKind};
use protocol::readiness::facts::ScheduledAction;
use serde_json::{Value, json};

use crate::compute::question;
use crate::config::Sdk;
use crate::failure::{if_there, ours};
use crate::signed::{Content, Question, Signed, unreadable};
use crate::xml::Element;

const SCHEDULED: &str = "autoscaling:DescribeScheduledActions";
const OFFERINGS: &str = "ec2:DescribeInstanceTypeOfferings";
const TYPES: &str = "ec2:DescribeInstanceTypes";
const SUBNETS: &str = "ec2:DescribeSubnets";
const BY_DEFAULT: &str = "ec2:GetEbsEncryptionByDefault";
const DEFAULT_KEY: &str = "ec2:GetEbsDefaultKmsKeyId";
const QUOTA: &str = "servicequotas:GetServiceQuota";
const DEFAULT_QUOTA: &str = "servicequotas:GetAWSDefaultServiceQuota";

/// The version of Auto Scaling's API.
const AUTO_SCALING_API: &str = "2011-01-01";

/// Most pages of one list.
const PAGES_MAX: usize = 10;

/// Launches in the function's own region.
pub struct Ec2Launches {
    signed: Signed,
}

impl Ec2Launches {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    async fn quota_of(&self, action: &'static str, target: &'static str, code: &str) -> Answer<u32> {
        let document = json!({ "ServiceCode": "ec2", "QuotaCode": code });
        let content = Content::Json { version: "1.1", target, document };
        let question = Question { action, service: "servicequotas", content };
        let answer = self.signed.json(&question).await?;
        let value = answer.get("Quota").and_then(|quota| quota.get("Value")).and_then(Value::as_f64);
        let value = value.filter(|value| (0.0..=f64::from(u32::MAX)).contains(value));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was seen to fit")]
        value.map(|value| value as u32).ok_or_else(|| unreadable(&question, "it has no Value"))
    }
}

#[async_trait]
impl LaunchInspection for Ec2Launches {
    async fn scheduled(&self, group: &str) -> Answer<Vec<ScheduledAction>> {
        let (mut actions, mut token) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut fields = vec![("AutoScalingGroupName".to_owned(), group.to_owned())];
            fields.extend(token.map(|token: String| ("NextToken".to_owned(), token)));
            let content = Content::Form { version: AUTO_SCALING_API, fields };
            let question = Question { action: SCHEDULED, service: "autoscaling", content };
            let page = self.signed.result(&question).await?;
            let list = page.at(&["ScheduledUpdateGroupActions"]);
            let list = list.ok_or_else(|| unreadable(&question, "it has no ScheduledUpdateGroupActions"))?;
            actions.extend(list.all("member").map(scheduled));
            token = page.text(&["NextToken"]).map(str::to_owned);
            if token.is_none() {
                return Ok(actions);
            }
        }
        Err(endless(SCHEDULED, group))
    }

    async fn zones(&self, instance_type: &str) -> Answer<BTreeSet<String>> {
        let (mut zones, mut token) = (BTreeSet::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut fields = vec![
                ("LocationType", "availability-zone"),
                ("Filter.1.Name", "instance-type"),
                ("Filter.1.Value.1", instance_type),
            ];
            fields.extend(token.as_deref().map(|token| ("NextToken", token)));
            let question = question(OFFERINGS, &fields);
            let page = self.signed.xml(&question).await?;
            let set = page.at(&["instanceTypeOfferingSet"]);
            let set = set.ok_or_else(|| unreadable(&question, "it has no instanceTypeOfferingSet"))?;
            let of_type = set.all("item").filter(|item| item.text(&["instanceType"]) == Some(instance_type));
            zones.extend(of_type.filter_map(|item| item.text(&["location"])).map(str::to_owned));
            token = page.text(&["nextToken"]).map(str::to_owned);
            if token.is_none() {
                return Ok(zones);
            }
        }
        Err(endless(OFFERINGS, instance_type))
    }

    async fn vcpus(&self, instance_type: &str) -> Answer<Option<u32>> {
        let question = question(TYPES, &[("InstanceType.1", instance_type)]);
        let Some(answer) = if_there(self.signed.xml(&question).await)? else { return Ok(None) };
        let found = answer.text(&["instanceTypeSet", "item", "vCpuInfo", "defaultVCpus"]);
        let Some(found) = found else { return Ok(None) };
        found.parse().map(Some).map_err(|_| unreadable(&question, "it has no number of vCPUs"))
    }

    async fn quota(&self, code: &str) -> Answer<u32> {
        match self.quota_of(QUOTA, "ServiceQuotasV20190624.GetServiceQuota", code).await {
            // A quota that nobody ever changed may have AWS's default alone.
            Err(failure) if failure.kind == FailureKind::Missing => {
                self.quota_of(DEFAULT_QUOTA, "ServiceQuotasV20190624.GetAWSDefaultServiceQuota", code).await
            }
            answer => answer,
        }
    }

    async fn free_addresses(&self, subnet: &str) -> Answer<Option<u32>> {
        let question = question(SUBNETS, &[("SubnetId.1", subnet)]);
        let Some(answer) = if_there(self.signed.xml(&question).await)? else { return Ok(None) };
        let free = answer.text(&["subnetSet", "item", "availableIpAddressCount"]);
        let free = free.and_then(|text| text.parse().ok());
        free.map(Some).ok_or_else(|| unreadable(&question, "it has no availableIpAddressCount"))
    }

    async fn default_volume_key(&self) -> Answer<Option<String>> {
        let encrypts = question(BY_DEFAULT, &[]);
        let answer = self.signed.xml(&encrypts).await?;
        match answer.text(&["ebsEncryptionByDefault"]) {
            Some("true") => {}
            Some("false") => return Ok(None),
            _ => return Err(unreadable(&encrypts, "it has no ebsEncryptionByDefault")),
        }
        let key = question(DEFAULT_KEY, &[]);
        let answer = self.signed.xml(&key).await?;
        let found = answer.text(&["kmsKeyId"]).map(str::to_owned);
        found.map(Some).ok_or_else(|| unreadable(&key, "it has no kmsKeyId"))
    }
}

fn scheduled(action: &Element) -> ScheduledAction {
    let number = |name: &str| action.text(&[name]).and_then(|text| text.parse().ok());
    ScheduledAction {
        name: action.text(&["ScheduledActionName"]).unwrap_or_default().to_owned(),
        min: number("MinSize"),
        desired: number("DesiredCapacity"),
        max: number("MaxSize"),
    }
}

fn endless(action: &'static str, about: &str) -> Failure {
    ours(
        FailureKind::Unavailable,
        action,
        "endless_pages",
        format!("more than {PAGES_MAX} pages for {about}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    fn launches(
        answers: &[(u16, &str)],
    ) -> (Ec2Launches, aws_smithy_http_client::test_util::StaticReplayClient) {
        let http = replay(answers);
        (Ec2Launches::new(&Sdk::on(http.clone())), http)
    }

    fn page(members: &str, rest: &str) -> String {
        format!(
            "<DescribeScheduledActionsResponse><DescribeScheduledActionsResult><ScheduledUpdateGroupActions>{members}\
             </ScheduledUpdateGroupActions>{rest}</DescribeScheduledActionsResult></DescribeScheduledActionsResponse>"
        )
    }

    #[tokio::test(start_paused = true)]
    async fn scheduled_actions_of_every_page_are_read_and_what_they_leave_alone_is_nothing() {
        let one = "<member><ScheduledActionName>night</ScheduledActionName><MinSize>0</MinSize><DesiredCapacity>0\
                   </DesiredCapacity></member>";
        let two = "<member><ScheduledActionName>day</ScheduledActionName><MaxSize>9</MaxSize></member>";
        let (first, second) = (page(one, "<NextToken>t</NextToken>"), page(two, ""));
        let (launches, http) = launches(&[(200, &first), (200, &second)]);
        let seen = launches.scheduled("shop-web").await.unwrap();
        let action =
            |name: &str, min, desired, max| ScheduledAction { name: name.to_owned(), min, desired, max };
        assert_eq!(seen, [action("night", Some(0), Some(0), None), action("day", None, None, Some(9))]);
        let requests = sent(&http);
        assert!(requests[0].contains("AutoScalingGroupName=shop-web"), "{}", requests[0]);
        assert!(requests[1].contains("NextToken=t"), "{}", requests[1]);
        let (launches, _) = self::launches(&[(200, "<a><DescribeScheduledActionsResult/></a>")]);
        assert_eq!(
            launches.scheduled("shop-web").await.unwrap_err().code,
            "response",
            "what can't be read is not none"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_zones_are_those_that_offer_the_type() {
        let answer = "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet><item><instanceType>m6i.large\
                      </instanceType><locationType>availability-zone</locationType><location>us-west-1a</location></item>\
                      </instanceTypeOfferingSet></DescribeInstanceTypeOfferingsResponse>";
        let none = "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet/></DescribeInstanceTypeOfferingsResponse>";
        let (launches, http) = launches(&[(200, answer), (200, none)]);
        assert_eq!(launches.zones("m6i.large").await, Ok(["us-west-1a".to_owned()].into()));
        assert_eq!(launches.zones("x9.huge").await, Ok(BTreeSet::new()));
        let request = &sent(&http)[0];
        for field in
            ["LocationType=availability-zone", "Filter.1.Name=instance-type", "Filter.1.Value.1=m6i.large"]
        {
            assert!(request.contains(field), "{request}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn vcpus_and_addresses_are_numbers_and_what_is_gone_is_nothing() {
        let types = "<DescribeInstanceTypesResponse><instanceTypeSet><item><vCpuInfo><defaultVCpus>8</defaultVCpus></vCpuInfo>\
                     </item></instanceTypeSet></DescribeInstanceTypesResponse>";
        let error =
            |code: &str| format!("<Response><Errors><Error><Code>{code}</Code></Error></Errors></Response>");
        let subnet = "<DescribeSubnetsResponse><subnetSet><item><availableIpAddressCount>17</availableIpAddressCount></item>\
                      </subnetSet></DescribeSubnetsResponse>";
        let (no_type, no_subnet) = (error("InvalidInstanceType"), error("InvalidSubnetID.NotFound"));
        let (launches, _) = launches(&[(200, types), (400, &no_type), (200, subnet), (400, &no_subnet)]);
        assert_eq!(launches.vcpus("m6i.2xlarge").await, Ok(Some(8)));
        assert_eq!(launches.vcpus("x9.huge").await, Ok(None));
        assert_eq!(launches.free_addresses("subnet-1").await, Ok(Some(17)));
        assert_eq!(launches.free_addresses("subnet-1").await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_that_nobody_changed_is_the_default_one() {
        let none = r#"{"__type":"NoSuchResourceException","Message":"no"}"#;
        let quota = r#"{"Quota":{"QuotaCode":"L-1216C47A","Value":5.0}}"#;
        let (launches, http) = launches(&[(200, quota), (400, none), (200, quota)]);
        assert_eq!(launches.quota("L-1216C47A").await, Ok(5));
        assert_eq!(launches.quota("L-1216C47A").await, Ok(5));
        let targets: Vec<_> =
            http.actual_requests().filter_map(|request| request.headers().get("x-amz-target")).collect();
        assert_eq!(
            targets,
            [
                "ServiceQuotasV20190624.GetServiceQuota",
                "ServiceQuotasV20190624.GetServiceQuota",
                "ServiceQuotasV20190624.GetAWSDefaultServiceQuota"
            ]
        );
        assert_eq!(sent(&http)[0], r#"{"ServiceCode":"ec2","QuotaCode":"L-1216C47A"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn ebs_has_a_key_of_its_own_only_where_it_encrypts_by_default() {
        let by_default = |is: bool| format!("<a><ebsEncryptionByDefault>{is}</ebsEncryptionByDefault></a>");
        let key = "<a><kmsKeyId>arn:aws:kms:us-west-1:123456789012:key/0a1b</kmsKeyId></a>";
        let (on, off) = (by_default(true), by_default(false));
        let (launches, _) = launches(&[(200, &on), (200, key), (200, &off), (200, "<a/>")]);
        let expected = Some("arn:aws:kms:us-west-1:123456789012:key/0a1b".to_owned());
        assert_eq!(launches.default_volume_key().await, Ok(expected));
        assert_eq!(launches.default_volume_key().await, Ok(None));
        assert!(launches.default_volume_key().await.is_err());
    }
}

//! Would a role be allowed to act? IAM's own simulation of its policies, boundary and the organization's; it does nothing.

use async_trait::async_trait;
use ports::Answer;
use ports::inspection::PermissionInspection;
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::permissions::NeededPermission;

use crate::config::Sdk;
use crate::signed::{Content, Question, Signed, unreadable};
use crate::xml::Element;

const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// The version of IAM's API.
const API: &str = "2010-05-08";

/// Resources of one call.
const BATCH: usize = 25;
/// Most pages of one answer.
const PAGES_MAX: usize = 10;

/// Roles of the account.
pub struct IamPermissions {
    signed: Signed,
}

impl IamPermissions {
    /// By IAM of the partition.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    async fn ask(
        &self,
        role: &str,
        need: &NeededPermission,
        resources: &[String],
    ) -> Answer<Vec<RefusedAction>> {
        let (mut decisions, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let question = question(role, need, resources, marker);
            let result = self.signed.result(&question).await?;
            decisions.extend(result.at(&["EvaluationResults"]).map(read).unwrap_or_default());
            marker = result.text(&["Marker"]).map(str::to_owned);
            if marker.is_none() {
                return judged(&question, need, resources, &decisions);
            }
        }
        Err(unreadable(&question(role, need, resources, None), "it has too many pages"))
    }
}

/// What is asked: may the role do this to these, in the region where it would?
fn question(role: &str, need: &NeededPermission, resources: &[String], marker: Option<String>) -> Question {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![
        field("PolicySourceArn", role),
        field("ActionNames.member.1", need.action),
        field("ContextEntries.member.1.ContextKeyName", "aws:RequestedRegion"),
        field("ContextEntries.member.1.ContextKeyType", "string"),
        field("ContextEntries.member.1.ContextKeyValues.member.1", &need.region),
    ];
    for ((key, holds), number) in need.holds.iter().zip(2..) {
        let entry = |member: &str| format!("ContextEntries.member.{number}.{member}");
        fields.extend([
            (entry("ContextKeyName"), (*key).to_owned()),
            (entry("ContextKeyType"), "boolean".to_owned()),
            (entry("ContextKeyValues.member.1"), holds.to_string()),
        ]);
    }
    let numbered = resources.iter().zip(1..);
    fields.extend(numbered.map(|(arn, number)| (format!("ResourceArns.member.{number}"), arn.clone())));
    fields.extend(marker.map(|marker| ("Marker".to_owned(), marker)));
    Question { action: SIMULATE, service: "iam", content: Content::Form { version: API, fields } }
}

/// Each decision with the resource it is about. Several resources are told one by one, or within one result.
fn read(results: &Element) -> Vec<(String, String)> {
    let pair = |element: &Element, decision: &str| {
        Some((element.text(&["EvalResourceName"])?.to_owned(), element.text(&[decision])?.to_owned()))
    };
    let members = results.all("member").flat_map(|member| {
        let inner = member.at(&["ResourceSpecificResults"]).into_iter().flat_map(|inner| inner.all("member"));
        let inner: Vec<_> = inner.filter_map(|one| pair(one, "EvalResourceDecision")).collect();
        if inner.is_empty() { pair(member, "EvalDecision").into_iter().collect() } else { inner }
    });
    members.collect()
}

/// What is not allowed. A resource that no decision speaks of is not known, and never allowed.
fn judged(
    question: &Question,
    need: &NeededPermission,
    resources: &[String],
    decisions: &[(String, String)],
) -> Answer<Vec<RefusedAction>> {
    let mut refused = Vec::new();
    for resource in resources {
        let decision = decisions.iter().find(|(name, _)| name == resource || name == "*");
        let (_, decision) =
            decision.ok_or_else(|| unreadable(question, &format!("it lacks a result for {resource}")))?;
        if decision != "allowed" {
            let (resource, decision) = (resource.clone(), decision.clone());
            refused.push(RefusedAction { action: need.action.to_owned(), resource, decision });
        }
    }
    Ok(refused)
}

#[async_trait]
impl PermissionInspection for IamPermissions {
    async fn refused(&self, role: &str, need: &NeededPermission) -> Answer<Vec<RefusedAction>> {
        let mut refused = Vec::new();
        for resources in need.resources.chunks(BATCH) {
            refused.extend(self.ask(role, need, resources).await?);
        }
        Ok(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    const ROLE: &str = "arn:aws:iam::123456789012:role/shop-promote-replica";
    const ONE: &str = "arn:aws:rds:us-west-1:123456789012:db:one";
    const TWO: &str = "arn:aws:rds:us-west-1:123456789012:db:two";

    fn need() -> NeededPermission {
        NeededPermission {
            function: "promote-replica",
            action: "rds:PromoteReadReplica",
            resources: vec![ONE.to_owned(), TWO.to_owned()],
            region: "us-west-1".to_owned(),
            holds: vec![("kms:GrantIsForAWSResource", true)],
        }
    }

    fn member(resource: &str, decision: &str, inner: &str) -> String {
        format!(
            "<member><EvalActionName>rds:PromoteReadReplica</EvalActionName><EvalResourceName>{resource}</EvalResourceName>\
             <EvalDecision>{decision}</EvalDecision>{inner}</member>"
        )
    }

    fn answer(members: &[String], rest: &str) -> String {
        format!(
            "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>{}</EvaluationResults>{rest}\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>",
            members.concat()
        )
    }

    async fn ask(answers: &[String]) -> (Answer<Vec<RefusedAction>>, Vec<String>) {
        let answers: Vec<(u16, &str)> = answers.iter().map(|answer| (200, answer.as_str())).collect();
        let http = replay(&answers);
        let refused = IamPermissions::new(&Sdk::on(http.clone())).refused(ROLE, &need()).await;
        (refused, sent(&http))
    }

    fn refusal(decision: &str) -> Vec<RefusedAction> {
        let (action, resource) = ("rds:PromoteReadReplica".to_owned(), TWO.to_owned());
        vec![RefusedAction { action, resource, decision: decision.to_owned() }]
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_allowed_is_told_with_its_resource() {
        let page = answer(&[member(ONE, "allowed", ""), member(TWO, "implicitDeny", "")], "");
        let (refused, requests) = ask(&[page]).await;
        assert_eq!(refused, Ok(refusal("implicitDeny")));
        for field in [
            "PolicySourceArn=arn:aws:iam::123456789012:role/shop-promote-replica",
            "ActionNames.member.1=rds:PromoteReadReplica",
            "ResourceArns.member.2=arn:aws:rds:us-west-1:123456789012:db:two",
            "ContextKeyValues.member.1=us-west-1",
            "ContextEntries.member.2.ContextKeyName=kms:GrantIsForAWSResource",
            "ContextEntries.member.2.ContextKeyType=boolean",
            "ContextEntries.member.2.ContextKeyValues.member.1=true",
        ] {
            assert!(requests[0].contains(field), "{}", requests[0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn decisions_within_one_result_and_on_a_second_page_count_too() {
        let specific = |resource: &str, decision: &str| {
            format!(
                "<member><EvalResourceName>{resource}</EvalResourceName><EvalResourceDecision>{decision}\
                 </EvalResourceDecision></member>"
            )
        };
        let inner = [specific(ONE, "allowed"), specific(TWO, "explicitDeny")].concat();
        let inner = format!("<ResourceSpecificResults>{inner}</ResourceSpecificResults>");
        let (refused, _) = ask(&[answer(&[member("*", "explicitDeny", &inner)], "")]).await;
        assert_eq!(refused, Ok(refusal("explicitDeny")));
        let first =
            answer(&[member(ONE, "allowed", "")], "<IsTruncated>true</IsTruncated><Marker>m</Marker>");
        let (refused, requests) = ask(&[first, answer(&[member(TWO, "explicitDeny", "")], "")]).await;
        assert_eq!(refused, Ok(refusal("explicitDeny")));
        assert!(requests[1].contains("Marker=m"), "{}", requests[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_decision_speaks_of_is_not_known() {
        let failure = ask(&[answer(&[member(ONE, "allowed", "")], "")]).await.0.unwrap_err();
        assert!(failure.message.contains(TWO), "{failure}");
    }
}

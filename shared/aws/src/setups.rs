//! What are databases set up with? Their parameter groups and option groups.

use std::time::Duration;

use async_trait::async_trait;
use ports::inspection::SetupInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::OptionGroupRef;
use tokio::time::timeout;

use crate::config::Sdk;
use crate::failure::{if_there, ours};
use crate::signed::{Content, Question, Signed, unreadable};

const PARAMETERS: &str = "rds:DescribeDBParameters";
const OPTIONS: &str = "rds:DescribeOptionGroups";

/// The version of RDS's API.
const API: &str = "2014-10-31";

/// The parameter that keeps everybody from writing.
const READ_ONLY: &str = "read_only";

/// Most pages of one parameter group: of what its owner has set.
const PAGES_MAX: usize = 10;

/// Longest wait for an option group, which may lie in the primary region.
const OPTIONS_MAX: Duration = Duration::from_secs(2);

/// Parameter groups of the function's own region, and option groups of any.
pub struct RdsSetups {
    sdk: Sdk,
    signed: Signed,
}

impl RdsSetups {
    /// As seen from the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone(), signed: sdk.signed() }
    }
}

fn question(action: &'static str, fields: Vec<(&str, String)>) -> Question {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Question { action, service: "rds", content: Content::Form { version: API, fields } }
}

#[async_trait]
impl SetupInspection for RdsSetups {
    async fn read_only(&self, parameter_group: &str) -> Answer<Option<String>> {
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            // What nobody set is as RDS has it, which is writable for an instance that is no replica.
            let mut fields =
                vec![("DBParameterGroupName", parameter_group.to_owned()), ("Source", "user".to_owned())];
            fields.extend(marker.map(|marker| ("Marker", marker)));
            let question = question(PARAMETERS, fields);
            let page = self.signed.result(&question).await?;
            let list =
                page.at(&["Parameters"]).ok_or_else(|| unreadable(&question, "it has no Parameters"))?;
            let found = list.all("Parameter").find(|one| one.text(&["ParameterName"]) == Some(READ_ONLY));
            if let Some(found) = found {
                return Ok(found.text(&["ParameterValue"]).map(str::to_owned));
            }
            marker = page.text(&["Marker"]).map(str::to_owned);
            if marker.is_none() {
                return Ok(None);
            }
        }
        let message = format!("more than {PAGES_MAX} pages for {parameter_group}");
        Err(ours(FailureKind::Unavailable, PARAMETERS, "endless_pages", message))
    }

    async fn options(&self, group: &OptionGroupRef) -> Answer<Vec<String>> {
        let question = question(OPTIONS, vec![("OptionGroupName", group.name.clone())]);
        let signed = self.sdk.signed_in(&group.region);
        let answer = timeout(OPTIONS_MAX, signed.result(&question)).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", OPTIONS_MAX.as_secs());
            Err(ours(FailureKind::Unreachable, OPTIONS, "timeout", message))
        });
        let Some(answer) = if_there(answer)? else { return Ok(Vec::new()) };
        let groups = answer.at(&["OptionGroupsList"]);
        let groups = groups.ok_or_else(|| unreadable(&question, "it has no OptionGroupsList"))?;
        let options = groups.all("OptionGroup").filter_map(|group| group.at(&["Options"]));
        let names =
            options.flat_map(|options| options.all("Option").filter_map(|one| one.text(&["OptionName"])));
        Ok(names.map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    fn parameters(members: &str, rest: &str) -> String {
        format!(
            "<DescribeDBParametersResponse><DescribeDBParametersResult><Parameters>{members}</Parameters>{rest}\
             </DescribeDBParametersResult></DescribeDBParametersResponse>"
        )
    }

    #[tokio::test(start_paused = true)]
    async fn read_only_is_looked_for_in_what_the_owner_has_set() {
        let other = "<Parameter><ParameterName>max_connections</ParameterName><ParameterValue>9</ParameterValue></Parameter>";
        let set = "<Parameter><ParameterName>read_only</ParameterName><ParameterValue>1</ParameterValue></Parameter>";
        let (first, second, none) =
            (parameters(other, "<Marker>m</Marker>"), parameters(set, ""), parameters(other, ""));
        let http = replay(&[
            (200, &first),
            (200, &second),
            (200, &none),
            (200, "<a><DescribeDBParametersResult/></a>"),
        ]);
        let setups = RdsSetups::new(&Sdk::on(http.clone()));
        assert_eq!(setups.read_only("shop-mysql").await, Ok(Some("1".to_owned())));
        assert_eq!(setups.read_only("shop-mysql").await, Ok(None));
        assert!(setups.read_only("shop-mysql").await.is_err());
        let requests = sent(&http);
        assert!(requests[0].contains("DBParameterGroupName=shop-mysql&Source=user"), "{}", requests[0]);
        assert!(requests[1].contains("Marker=m"), "{}", requests[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_option_group_is_asked_for_in_its_own_region() {
        let answer = "<DescribeOptionGroupsResponse><DescribeOptionGroupsResult><OptionGroupsList><OptionGroup><Options><Option>\
                      <OptionName>TDE</OptionName></Option><Option><OptionName>STATSPACK</OptionName></Option></Options>\
                      </OptionGroup></OptionGroupsList></DescribeOptionGroupsResult></DescribeOptionGroupsResponse>";
        let gone = "<ErrorResponse><Error><Code>OptionGroupNotFoundFault</Code></Error></ErrorResponse>";
        let http = replay(&[(200, answer), (404, gone)]);
        let setups = RdsSetups::new(&Sdk::on(http.clone()));
        let group = OptionGroupRef { region: "us-east-2".to_owned(), name: "shop-oracle".to_owned() };
        assert_eq!(setups.options(&group).await, Ok(vec!["TDE".to_owned(), "STATSPACK".to_owned()]));
        assert_eq!(setups.options(&group).await, Ok(Vec::new()));
        assert_eq!(http.actual_requests().next().unwrap().uri(), "https://rds.us-east-2.amazonaws.com/");
    }
}

//! Where does the plan's text come from? Parameter Store, in parts that are joined in order.
//!
//! Values appear in no log and in no failure.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use ports::{Answer, FailureKind, Plans};

use crate::config::Sdk;
use crate::failure::{failure, ours};

const GET: &str = "ssm:GetParameters";
/// Names in one call.
const BATCH: usize = 10;

/// A plan in the parameters `<prefix>/0`, `<prefix>/1` and so on.
pub struct ParameterPlans {
    client: Client,
    names: Vec<String>,
}

impl ParameterPlans {
    /// The plan under a prefix, in so many parts.
    pub fn new(sdk: &Sdk, prefix: &str, parts: u16) -> Self {
        let names = (0..parts).map(|part| format!("{prefix}/{part}")).collect();
        Self { client: sdk.ssm(), names }
    }
}

#[async_trait]
impl Plans for ParameterPlans {
    async fn load(&self) -> Answer<String> {
        let mut values = BTreeMap::new();
        for batch in self.names.chunks(BATCH) {
            let output = self
                .client
                .get_parameters()
                .set_names(Some(batch.to_vec()))
                .with_decryption(true)
                .send()
                .await
                .map_err(|error| failure(GET, &error))?;
            for parameter in output.parameters.unwrap_or_default() {
                if let (Some(name), Some(value)) = (parameter.name, parameter.value) {
                    values.insert(name, value);
                }
            }
        }
        let mut plan = String::new();
        for name in &self.names {
            let Some(value) = values.get(name) else {
                let message =
                    format!("parameter {name}, one of the plan's {} parts, does not exist", self.names.len());
                return Err(ours(FailureKind::Missing, GET, "ParameterNotFound", message));
            };
            plan.push_str(value);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::replay::{replay, sent};

    fn answer(parts: &[(u16, &str)], invalid: &[&str]) -> String {
        let parameters: Vec<Value> = parts
            .iter()
            .map(|(part, value)| {
                json!({"Name": format!("/pilotlight/shop/plan/{part}"), "Type": "String", "Value": value})
            })
            .collect();
        json!({"Parameters": parameters, "InvalidParameters": invalid}).to_string()
    }

    async fn load(answers: &[(u16, &str)], parts: u16) -> (Answer<String>, Vec<Value>) {
        let http = replay(answers);
        let plans = ParameterPlans::new(&Sdk::on(http.clone()), "/pilotlight/shop/plan", parts);
        let text = plans.load().await;
        (text, sent(&http).iter().map(|body| serde_json::from_str(body).unwrap()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn parts_are_joined_in_order_whatever_order_they_come_in() {
        let parts = answer(&[(2, "c"), (0, "a"), (1, "b")], &[]);
        let (text, requests) = load(&[(200, &parts)], 3).await;
        assert_eq!(text.unwrap(), "abc");
        assert_eq!(requests[0]["Names"][2], "/pilotlight/shop/plan/2");
    }

    #[tokio::test(start_paused = true)]
    async fn ten_parts_are_one_call_and_one_more_is_another() {
        let first: Vec<(u16, &str)> = (0..10).map(|part| (part, "x")).collect();
        let (first, second) = (answer(&first, &[]), answer(&[(10, "y")], &[]));
        let (text, requests) = load(&[(200, &first), (200, &second)], 11).await;
        assert_eq!(text.unwrap(), "xxxxxxxxxxy");
        assert_eq!(requests.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_part_is_named_and_no_value_shows() {
        let parts = answer(&[(0, "SECRET")], &["/pilotlight/shop/plan/1"]);
        let (text, _) = load(&[(200, &parts)], 2).await;
        let failure = text.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Missing);
        assert!(failure.message.contains("/pilotlight/shop/plan/1"), "{failure}");
        assert!(!format!("{failure:?}").contains("SECRET"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_the_action() {
        let denied = json!({"__type": "AccessDeniedException", "message": "no"}).to_string();
        let (text, _) = load(&[(400, &denied)], 1).await;
        let failure = text.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, GET));
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_that_does_not_end_is_throttling() {
        let busy = json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string();
        let (text, _) = load(&[(400, busy.as_str()); 3], 1).await;
        assert_eq!(text.unwrap_err().kind, FailureKind::Throttled);
    }
}

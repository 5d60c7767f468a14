//! Where does the plan's text come from? Parameter Store, in parts that are joined in order.
//!
//! Beside the parts lies the checksum of the whole: while a plan is written anew, some parts are the old one's and some the new
//! one's, and joined they can be a plan that nobody wrote. A plan that was written without a checksum is read without.
//!
//! Values appear in no log and in no failure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use ports::{Answer, Clock, FailureKind, Plans};
use protocol::plan::checksum;

use crate::config::Sdk;
use crate::failure::{failure, ours};

const GET: &str = "ssm:GetParameters";
/// Names in one call.
const BATCH: usize = 10;
/// How often the parts are read until they belong together. Terraform writes them within a second or two.
const TRIES: u32 = 4;
/// How long it is waited between two of them.
const WAIT: Duration = Duration::from_secs(1);

/// A plan in the parameters `<prefix>/0`, `<prefix>/1` and so on, and its checksum in `<prefix>/checksum`.
pub struct ParameterPlans {
    client: Client,
    parts: Vec<String>,
    checksum: String,
    clock: Arc<dyn Clock>,
}

impl ParameterPlans {
    /// The plan under a prefix, in so many parts.
    pub fn new(sdk: &Sdk, prefix: &str, parts: u16, clock: Arc<dyn Clock>) -> Self {
        let parts = (0..parts).map(|part| format!("{prefix}/{part}")).collect();
        Self { client: sdk.ssm(), parts, checksum: format!("{prefix}/checksum"), clock }
    }

    /// The parts joined, and what the checksum of them should be, if it is there.
    async fn read(&self) -> Answer<(String, Option<String>)> {
        let names: Vec<String> = self.parts.iter().chain([&self.checksum]).cloned().collect();
        let mut values = BTreeMap::new();
        for batch in names.chunks(BATCH) {
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
        for name in &self.parts {
            let Some(value) = values.get(name) else {
                let message =
                    format!("parameter {name}, one of the plan's {} parts, does not exist", self.parts.len());
                return Err(ours(FailureKind::Missing, GET, "ParameterNotFound", message));
            };
            plan.push_str(value);
        }
        Ok((plan, values.remove(&self.checksum)))
    }
}

#[async_trait]
impl Plans for ParameterPlans {
    async fn load(&self) -> Answer<String> {
        for tried in 1..=TRIES {
            let (plan, expected) = self.read().await?;
            if expected.is_none_or(|expected| expected.trim() == checksum(&plan)) {
                return Ok(plan);
            }
            if tried < TRIES {
                tracing::warn!(
                    tried,
                    "the parts of the plan do not match; Terraform may be writing them right now"
                );
                self.clock.sleep(WAIT).await;
            }
        }
        let message = format!(
            "the plan's {} parts do not match {}: they come from two versions, or somebody changed them by \
             hand; apply Terraform again",
            self.parts.len(),
            self.checksum
        );
        Err(ours(FailureKind::Conflict, GET, "plan_of_two_versions", message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::replay::{replay, sent};
    use runtime::clock::SystemClock;

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
        let plans = ParameterPlans::new(
            &Sdk::on(http.clone()),
            "/pilotlight/shop/plan",
            parts,
            Arc::new(SystemClock),
        );
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
    async fn nine_parts_and_the_checksum_are_one_call_and_one_more_is_another() {
        let nine: Vec<(u16, &str)> = (0..9).map(|part| (part, "x")).collect();
        let (text, requests) = load(&[(200, &answer(&nine, &[]))], 9).await;
        assert_eq!((text.unwrap().as_str(), requests.len()), ("xxxxxxxxx", 1));
        assert_eq!(requests[0]["Names"][9], "/pilotlight/shop/plan/checksum");
        let ten: Vec<(u16, &str)> = (0..10).map(|part| (part, "y")).collect();
        let (first, second) = (answer(&ten, &[]), answer(&[], &["/pilotlight/shop/plan/checksum"]));
        let (text, requests) = load(&[(200, &first), (200, &second)], 10).await;
        assert_eq!((text.unwrap().as_str(), requests.len()), ("yyyyyyyyyy", 2));
    }

    /// An answer with the checksum of a text, which need not be that of the parts.
    fn with_checksum_of(text: &str, parts: &[(u16, &str)]) -> String {
        let mut answer: Value = serde_json::from_str(&answer(parts, &[])).unwrap();
        let checksum =
            json!({"Name": "/pilotlight/shop/plan/checksum", "Type": "String", "Value": checksum(text)});
        answer["Parameters"].as_array_mut().unwrap().push(checksum);
        answer.to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn parts_that_belong_together_are_read_once() {
        let whole = with_checksum_of("abc", &[(0, "a"), (1, "b"), (2, "c")]);
        let (text, requests) = load(&[(200, &whole)], 3).await;
        assert_eq!((text.unwrap().as_str(), requests.len()), ("abc", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_that_is_just_being_written_is_read_again_until_it_is_whole() {
        // Of equal length, so that nothing else would notice.
        let half = with_checksum_of("new-new-", &[(0, "new-"), (1, "old-")]);
        let whole = with_checksum_of("new-new-", &[(0, "new-"), (1, "new-")]);
        let (text, requests) = load(&[(200, &half), (200, &half), (200, &half), (200, &whole)], 2).await;
        assert_eq!((text.unwrap().as_str(), requests.len()), ("new-new-", 4));
    }

    #[tokio::test(start_paused = true)]
    async fn parts_of_two_versions_are_never_joined_and_no_value_shows() {
        let half = with_checksum_of("SECRETSECRET", &[(0, "SECRET"), (1, "OTHERS")]);
        let (text, requests) = load(&[(200, half.as_str()); 4], 2).await;
        let failure = text.unwrap_err();
        assert_eq!((failure.kind, requests.len()), (FailureKind::Conflict, 4));
        assert!(failure.message.contains("apply Terraform again"), "{failure}");
        assert!(!format!("{failure:?}").contains("SECRET"));
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

//! Which code do the functions run, and are they able to start? And which code was released together?

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use ports::inspection::FunctionInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::FunctionFacts;
use serde_json::Value;

use crate::config::Sdk;
use crate::failure::{failure, if_there, ours};
use crate::signed::{Content, Question, Signed, unreadable};

const CONFIGURATION: &str = "lambda:GetFunctionConfiguration";
const CONCURRENCY: &str = "lambda:GetFunctionConcurrency";
const GET: &str = "ssm:GetParameters";

/// Functions of the function's own region, and the parameter that says what was released.
pub struct LambdaFunctions {
    signed: Signed,
    parameters: Client,
    release_parameter: Option<String>,
}

impl LambdaFunctions {
    /// In the function's own region.
    pub fn new(sdk: &Sdk, release_parameter: Option<&str>) -> Self {
        let release_parameter = release_parameter.map(str::to_owned);
        Self { signed: sdk.signed(), parameters: sdk.ssm(), release_parameter }
    }
}

#[async_trait]
impl FunctionInspection for LambdaFunctions {
    async fn release(&self) -> Answer<BTreeMap<String, String>> {
        let missing = |why: &str| ours(FailureKind::Missing, GET, "release_missing", why);
        let name = self.release_parameter.as_deref();
        let name = name.ok_or_else(|| {
            missing("PILOTLIGHT_RELEASE_PARAMETER is not set: apply the orchestrator module")
        })?;
        let output = self.parameters.get_parameters().names(name).send().await;
        let output = output.map_err(|error| failure(GET, &error))?;
        let value = output.parameters().first().and_then(|parameter| parameter.value());
        let value = value.ok_or_else(|| missing(&format!("there is no parameter {name}")))?;
        serde_json::from_str(value).map_err(|error| {
            let message = format!("{name} does not hold the code of each function: {error}");
            ours(FailureKind::Invalid, GET, "release_unreadable", message)
        })
    }

    async fn function(&self, name: &str) -> Answer<Option<FunctionFacts>> {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        let question = Question { action: CONFIGURATION, service: "lambda", content: Content::Path(path) };
        let Some(answer) = if_there(self.signed.json(&question).await)? else { return Ok(None) };
        let text = |name: &str| {
            let text = answer.get(name).and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| unreadable(&question, &format!("it has no {name}")))
        };
        Ok(Some(FunctionFacts {
            code_sha256: text("CodeSha256")?,
            state: text("State")?,
            last_update: text("LastUpdateStatus")?,
            role: text("Role")?,
        }))
    }

    async fn reserved(&self, name: &str) -> Answer<Option<u32>> {
        let path = format!("/2019-09-30/functions/{name}/concurrency");
        let question = Question { action: CONCURRENCY, service: "lambda", content: Content::Path(path) };
        let Some(answer) = if_there(self.signed.json(&question).await)? else { return Ok(None) };
        let Some(count) = answer.get("ReservedConcurrentExecutions").filter(|count| !count.is_null()) else {
            return Ok(None);
        };
        let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
        count.map(Some).ok_or_else(|| unreadable(&question, "ReservedConcurrentExecutions is no count"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::replay::{replay, sent};

    fn functions(http: &aws_smithy_http_client::test_util::StaticReplayClient) -> LambdaFunctions {
        LambdaFunctions::new(&Sdk::on(http.clone()), Some("/pilotlight/shop/release"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_tells_its_code_and_its_state_and_one_that_is_gone_is_nothing() {
        let whole = json!({
            "FunctionName": "shop-scale-asg", "CodeSha256": "q1w2=", "State": "Active",
            "LastUpdateStatus": "Successful", "Role": "arn:aws:iam::123456789012:role/shop-scale-asg",
        });
        let gone = r#"{"Type":"User","Message":"Function not found: shop-scale-asg"}"#;
        let http = replay(&[(200, &whole.to_string()), (404, gone), (200, "{}"), (200, "{}"), (200, "{}")]);
        let functions = functions(&http);
        let facts = functions.function("shop-scale-asg").await.unwrap().unwrap();
        assert_eq!((facts.code_sha256.as_str(), facts.state.as_str()), ("q1w2=", "Active"));
        let request = http.actual_requests().next().unwrap();
        let path = "/2015-03-31/functions/shop-scale-asg/configuration";
        assert_eq!(request.uri(), format!("https://lambda.us-west-1.amazonaws.com{path}"));
        assert_eq!(functions.function("shop-scale-asg").await, Ok(None));
        let failure = functions.function("shop-scale-asg").await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.action), ("response", CONFIGURATION));
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_tells_what_it_has_to_itself() {
        let gone = r#"{"Type":"User","Message":"Function not found: shop-scale-asg"}"#;
        let http = replay(&[
            (200, r#"{"ReservedConcurrentExecutions":3}"#),
            (200, r#"{"ReservedConcurrentExecutions":0}"#),
            (200, "{}"),
            (200, r#"{"ReservedConcurrentExecutions":null}"#),
            (404, gone),
            (200, r#"{"ReservedConcurrentExecutions":"three"}"#),
        ]);
        let functions = functions(&http);
        for expected in [Some(3), Some(0), None, None, None] {
            assert_eq!(functions.reserved("shop-scale-asg").await, Ok(expected));
        }
        let path = "/2019-09-30/functions/shop-scale-asg/concurrency";
        let request = http.actual_requests().next().unwrap();
        assert_eq!(request.uri(), format!("https://lambda.us-west-1.amazonaws.com{path}"));
        let failure = functions.reserved("shop-scale-asg").await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.action), ("response", CONCURRENCY));
    }

    #[tokio::test(start_paused = true)]
    async fn the_release_is_read_from_its_parameter() {
        let value = json!({ "shop-scale-asg": "q1w2=" }).to_string();
        let good = json!({ "Parameters": [{ "Name": "x", "Value": value }] }).to_string();
        let http = replay(&[
            (200, &good),
            (200, r#"{"Parameters":[]}"#),
            (200, r#"{"Parameters":[{"Value":"x"}]}"#),
        ]);
        let functions = functions(&http);
        let expected = BTreeMap::from([("shop-scale-asg".to_owned(), "q1w2=".to_owned())]);
        assert_eq!(functions.release().await, Ok(expected));
        assert!(sent(&http)[0].contains("/pilotlight/shop/release"));
        assert_eq!(functions.release().await.unwrap_err().code, "release_missing");
        assert_eq!(functions.release().await.unwrap_err().code, "release_unreadable");
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_was_not_told_of_its_release_says_so() {
        let functions = LambdaFunctions::new(&Sdk::on(replay(&[])), None);
        let failure = functions.release().await.unwrap_err();
        assert!(failure.message.contains("PILOTLIGHT_RELEASE_PARAMETER"), "{failure}");
    }
}

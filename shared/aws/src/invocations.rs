//! How is another function of the guard asked? By one synchronous invocation of Lambda, whose answer may take as long as that
//! function's own time.

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use ports::{Answer, FailureKind, FunctionError, Functions};
use serde_json::Value;

use crate::config::Sdk;
use crate::failure::{failure, one_line, ours};

pub(crate) const INVOKE: &str = "lambda:InvokeFunction";

/// Functions of the own region.
pub struct LambdaInvocations {
    sdk: Sdk,
    /// Made when it is first needed: it costs what a cold start has no time for.
    client: OnceLock<Client>,
}

impl LambdaInvocations {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone(), client: OnceLock::new() }
    }
}

#[async_trait]
impl Functions for LambdaInvocations {
    async fn invoke(&self, function: &str, payload: &Value) -> Answer<Result<Value, FunctionError>> {
        let client = self.client.get_or_init(|| self.sdk.lambda());
        let payload = Blob::new(payload.to_string());
        let output = client.invoke().function_name(function).payload(payload).send().await;
        let output = output.map_err(|error| failure(INVOKE, &error))?;
        let body = output.payload().map(Blob::as_ref).unwrap_or_default();
        let answer: Value = serde_json::from_slice(body).map_err(|error| {
            let message = format!("{function}'s answer can't be read: {error}");
            ours(FailureKind::Unavailable, INVOKE, "response", message)
        })?;
        let Some(ended) = output.function_error() else { return Ok(Ok(answer)) };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(one_line);
        Ok(Err(FunctionError {
            code: text("errorType").unwrap_or_else(|| ended.to_owned()),
            message: text("errorMessage").unwrap_or_else(|| "it gave no message".to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::{NeverClient, ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use ports::Clock;
    use runtime::clock::SystemClock;
    use serde_json::json;

    use super::*;

    fn answering(answers: &[(u16, Option<&str>, &str)]) -> StaticReplayClient {
        let events = answers.iter().map(|(status, error, body)| {
            let request =
                http::Request::builder().uri("https://unused.invalid").body(SdkBody::empty()).unwrap();
            let mut response = http::Response::builder().status(*status);
            if let Some(error) = error {
                response = response.header("X-Amz-Function-Error", *error);
            }
            ReplayEvent::new(request, response.body(SdkBody::from(*body)).unwrap())
        });
        StaticReplayClient::new(events.collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_is_asked_and_its_answer_is_given_back() {
        let http = answering(&[(200, None, r#"{"sentence":"shop is ready."}"#)]);
        let functions = LambdaInvocations::new(&Sdk::on(http.clone()));
        let payload = json!({ "command": "readiness" });
        let answer = functions.invoke("shop-readiness-checker", &payload).await;
        assert_eq!(answer, Ok(Ok(json!({ "sentence": "shop is ready." }))));
        let request = http.actual_requests().next().unwrap();
        let path = "/2015-03-31/functions/shop-readiness-checker/invocations";
        assert_eq!(request.uri(), format!("https://lambda.us-west-1.amazonaws.com{path}"));
        assert_eq!(request.body().bytes(), Some(payload.to_string().as_bytes()));
        // Without either header the invocation is synchronous; and nobody asks for its log.
        assert_eq!(request.headers().get("x-amz-invocation-type"), None);
        assert_eq!(request.headers().get("x-amz-log-type"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_the_function_is_its_own_code_and_sentence() {
        let fault = r#"{"errorType":"run_under_way","errorMessage":"Run 7 is under way."}"#;
        let killed = r#"{"errorMessage":"2026-11-30T03:00:00Z 1 Task timed out after 60.00 seconds"}"#;
        let http =
            answering(&[(200, Some("Unhandled"), fault), (200, Some("Unhandled"), killed), (200, None, "")]);
        let functions = LambdaInvocations::new(&Sdk::on(http));
        let ended = |code: &str, message: &str| {
            Ok(Err(FunctionError { code: code.to_owned(), message: message.to_owned() }))
        };
        let invoke = async || functions.invoke("shop-readiness-checker", &json!({})).await;
        assert_eq!(invoke().await, ended("run_under_way", "Run 7 is under way."));
        let words = "2026-11-30T03:00:00Z 1 Task timed out after 60.00 seconds";
        assert_eq!(invoke().await, ended("Unhandled", words));
        assert_eq!(invoke().await.unwrap_err().code, "response");
    }

    #[tokio::test(start_paused = true)]
    async fn what_lambda_refuses_is_sorted_and_asked_once() {
        let refused = |kind: &str| format!(r#"{{"__type":"{kind}","Message":"no"}}"#);
        let (gone, denied) = (refused("ResourceNotFoundException"), refused("AccessDeniedException"));
        let busy = refused("TooManyRequestsException");
        let http =
            answering(&[(404, None, &gone), (403, None, &denied), (429, None, &busy), (502, None, "{}")]);
        let functions = LambdaInvocations::new(&Sdk::on(http.clone()));
        for kind in
            [FailureKind::Missing, FailureKind::Denied, FailureKind::Throttled, FailureKind::Unavailable]
        {
            let failure = functions.invoke("shop-readiness-checker", &json!({})).await.unwrap_err();
            assert_eq!((failure.kind, failure.action), (kind, INVOKE), "{failure}");
        }
        assert_eq!(http.actual_requests().count(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_function_is_waited_for_longer_than_it_may_take_and_not_for_ever() {
        let functions = LambdaInvocations::new(&Sdk::on(NeverClient::new()));
        let started = tokio::time::Instant::now();
        let failure = functions.invoke("shop-readiness-checker", &json!({})).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unreachable, "timeout"));
        assert_eq!(started.elapsed().as_secs(), 65);
    }

    /// On the real HTTP client: the connector that all others share ends an answer's silence after eight seconds.
    #[tokio::test]
    async fn an_answer_may_be_silent_for_longer_than_other_services_are() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 16_384];
            let _ = stream.read(&mut buffer).await.unwrap();
            SystemClock.sleep(std::time::Duration::from_secs(9)).await;
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let functions = LambdaInvocations::new(&Sdk::toward(&endpoint));
        assert_eq!(functions.invoke("shop-readiness-checker", &json!({})).await, Ok(Ok(json!({}))));
        server.await.unwrap();
    }
}

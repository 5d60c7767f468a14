//! The functions of an account and region, asked by the AWS SDK with whatever credentials the AWS CLI would use.
//!
//! Everything is asked once: a command that was repeated behind a person's back would be refused, and the refusal shown.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use ports::{Answer, Failure, FailureKind, FunctionError, Functions};
use serde_json::Value;

use crate::discovery::Chosen;
use crate::installation::{Deployed, Installation};

const INVOKE: &str = "lambda:InvokeFunction";
const LIST: &str = "lambda:ListFunctions";
const CONFIGURATION: &str = "lambda:GetFunctionConfiguration";
const CREDENTIALS: &str = "credentials";

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longer than any function may take.
const ANSWER: Duration = Duration::from_mins(16);

/// Functions by the AWS SDK.
#[derive(Debug)]
pub struct LambdaInstallation {
    config: SdkConfig,
    client: Client,
}

impl LambdaInstallation {
    /// With the region and profile that were chosen, or what the SDK finds by itself.
    pub async fn new(chosen: &Chosen) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER)
            .operation_attempt_timeout(ANSWER)
            .operation_timeout(ANSWER)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http);
        if let Some(profile) = &chosen.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &chosen.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let client = Client::from_conf(
            aws_sdk_lambda::config::Builder::from(&config)
                .timeout_config(timeouts)
                .retry_config(RetryConfig::disabled())
                // Nothing flows while the function works; the timeouts bound it.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        );
        Self { config, client }
    }
}

#[async_trait]
impl Functions for LambdaInstallation {
    async fn invoke(&self, function: &str, payload: &Value) -> Answer<Result<Value, FunctionError>> {
        // Without credentials nothing is sent: that must not look like a lost answer.
        self.credentials().await?;
        let payload = Blob::new(payload.to_string());
        let output = self.client.invoke().function_name(function).payload(payload).send().await;
        let output = output.map_err(|error| failure(INVOKE, &error))?;
        let body = output.payload().map(Blob::as_ref).unwrap_or_default();
        let answer: Value = serde_json::from_slice(body).map_err(|error| Failure {
            kind: FailureKind::Unavailable,
            action: INVOKE,
            code: "response".to_owned(),
            message: format!("{function}'s answer can't be read: {error}"),
        })?;
        let Some(ended) = output.function_error() else { return Ok(Ok(answer)) };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Err(FunctionError {
            code: text("errorType").unwrap_or_else(|| ended.to_owned()),
            message: text("errorMessage").unwrap_or_else(|| "it gave no message".to_owned()),
        }))
    }
}

#[async_trait]
impl Installation for LambdaInstallation {
    fn region(&self) -> Option<String> {
        self.config.region().map(ToString::to_string)
    }

    async fn credentials(&self) -> Answer<String> {
        let missing = |message: String| Failure {
            kind: FailureKind::Denied,
            action: CREDENTIALS,
            code: "no_credentials".to_owned(),
            message,
        };
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| missing("the SDK looks for none".to_owned()))?;
        let found = provider.provide_credentials().await;
        let found = found.map_err(|error| missing(format!("none were found: {}", because(&error))))?;
        let account =
            found.account_id().map_or_else(String::new, |id| format!(" of account {}", id.as_str()));
        Ok(format!("access key {}{account}", found.access_key_id()))
    }

    async fn names(&self) -> Answer<Vec<String>> {
        self.credentials().await?;
        let mut pages = self.client.list_functions().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(function) = pages.next().await {
            let function = function.map_err(|error| failure(LIST, &error))?;
            names.extend(function.function_name);
        }
        Ok(names)
    }

    async fn deployed(&self, function: &str) -> Answer<Option<Deployed>> {
        self.credentials().await?;
        let output = self.client.get_function_configuration().function_name(function).send().await;
        match output.map_err(|error| failure(CONFIGURATION, &error)) {
            Ok(found) => Ok(Some(Deployed {
                state: found.state.map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_owned()),
                code: found.code_sha256.unwrap_or_default(),
                modified: found.last_modified.unwrap_or_default(),
            })),
            Err(Failure { kind: FailureKind::Missing, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Sorts what went wrong by whether the function can have been asked.
fn failure<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, code) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().unwrap_or("no code").to_owned();
            (kind_of(status), code)
        }
        SdkError::ConstructionFailure(_) => (FailureKind::Invalid, "construction".to_owned()),
        SdkError::TimeoutError(_) => (FailureKind::Unreachable, "timeout".to_owned()),
        SdkError::DispatchFailure(_) => (FailureKind::Unreachable, "dispatch".to_owned()),
        _ => (FailureKind::Unavailable, "response".to_owned()),
    };
    let message = match error {
        SdkError::ServiceError(answer) if answer.err().message().is_some() => {
            answer.err().message().unwrap_or_default().to_owned()
        }
        _ => because(error),
    };
    Failure { kind, action, code, message }
}

/// What went wrong and why, each cause once and on one line.
fn because(error: &dyn Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let said = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.iter().any(|before| before.contains(&said)) {
            words.push(said);
        }
        next = cause.source();
    }
    words.join(": ")
}

fn kind_of(status: u16) -> FailureKind {
    match status {
        401 | 403 => FailureKind::Denied,
        404 => FailureKind::Missing,
        409 => FailureKind::Conflict,
        429 => FailureKind::Throttled,
        400..=499 => FailureKind::Invalid,
        _ => FailureKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_and_on_one_line() {
        let inner = std::io::Error::other("refused\n  by the wall");
        let outer = std::io::Error::other(inner);
        assert_eq!(because(&outer), "refused by the wall");
    }

    #[test]
    fn what_lambda_refuses_was_not_done_and_what_breaks_off_is_unknown() {
        for (status, kind) in [
            (403, FailureKind::Denied),
            (404, FailureKind::Missing),
            (409, FailureKind::Conflict),
            (429, FailureKind::Throttled),
            (400, FailureKind::Invalid),
            (500, FailureKind::Unavailable),
            (502, FailureKind::Unavailable),
        ] {
            assert_eq!(kind_of(status), kind, "{status}");
        }
    }
}

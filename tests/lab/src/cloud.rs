//! What the lab itself asks of the emulated AWS: invoke a function, set an alarm's state, read the journal.

pub mod call;
pub mod http;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use aws::config::Sdk;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_lambda::primitives::Blob;
use protocol::journal::Record;
use runtime::clock::SystemClock;
use serde_json::Value;

/// The access key of the lab's administrator. The emulator takes it as the account's root.
pub const ADMIN_KEY: &str = "test";

/// The account of the local world.
pub const ACCOUNT: &str = "123456789012";

/// What a function answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it was an error of the function.
    pub is_error: bool,
    /// The payload.
    pub payload: Value,
}

/// Clients of the local world, for the lab's own use.
#[derive(Clone, Debug)]
pub struct Cloud {
    endpoint_url: String,
}

impl Cloud {
    /// On an endpoint.
    pub fn new(endpoint_url: &str) -> Self {
        Self { endpoint_url: endpoint_url.to_owned() }
    }

    /// What a client of any service needs, with the rights of the account's root.
    pub async fn config(&self, region: &str) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint_url)
            .region(Region::new(region.to_owned()))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(Credentials::new(ADMIN_KEY, ADMIN_KEY, None, None, "lab"))
            .load()
            .await
    }

    /// The ports of a region, through the same adapters that the functions use.
    pub async fn sdk(&self, region: &str) -> Sdk {
        Sdk::from_config(self.config(region).await, Arc::new(SystemClock))
    }

    /// Invokes a function and waits for its answer, as `aws lambda invoke` does.
    pub async fn invoke(&self, region: &str, function: &str, payload: &Value) -> Result<Answer> {
        let client = aws_sdk_lambda::Client::new(&self.config(region).await);
        let answer =
            client.invoke().function_name(function).payload(Blob::new(payload.to_string())).send().await;
        let answer = answer.with_context(|| format!("cannot invoke {function}"))?;
        let bytes = answer.payload.map(Blob::into_inner).unwrap_or_default();
        let payload = serde_json::from_slice(&bytes)
            .with_context(|| format!("{function} answered no JSON: {}", String::from_utf8_lossy(&bytes)))?;
        Ok(Answer { is_error: answer.function_error.is_some(), payload })
    }

    /// The environment that a function is deployed with.
    pub async fn environment_of(&self, region: &str, function: &str) -> Result<BTreeMap<String, String>> {
        let client = aws_sdk_lambda::Client::new(&self.config(region).await);
        let answer = client.get_function_configuration().function_name(function).send().await;
        let answer = answer.with_context(|| format!("cannot read the configuration of {function}"))?;
        let variables = answer.environment.and_then(|environment| environment.variables).unwrap_or_default();
        Ok(variables.into_iter().collect())
    }

    /// Gives a function concurrent executions of its own, as `aws lambda put-function-concurrency` does; zero switches it off.
    pub async fn reserve(&self, region: &str, function: &str, count: i32) -> Result<()> {
        let client = aws_sdk_lambda::Client::new(&self.config(region).await);
        let reserved = client.put_function_concurrency().function_name(function);
        let reserved = reserved.reserved_concurrent_executions(count).send().await;
        reserved.map(drop).with_context(|| format!("cannot reserve concurrency for {function}"))
    }

    /// Sets an alarm's state, as `aws cloudwatch set-alarm-state` does.
    pub async fn set_alarm(&self, region: &str, alarm: &str, state: StateValue) -> Result<()> {
        let client = aws_sdk_cloudwatch::Client::new(&self.config(region).await);
        let reason = "set by the lab";
        client
            .set_alarm_state()
            .alarm_name(alarm)
            .state_value(state)
            .state_reason(reason)
            .send()
            .await
            .with_context(|| format!("cannot set alarm {alarm}"))?;
        Ok(())
    }

    /// The journal of a plan, by the adapter that the functions use.
    pub async fn journal(&self, region: &str, table: &str, plan: &str) -> Result<Vec<Record>> {
        let clock = Arc::new(SystemClock);
        let journal = aws::journal::DynamoJournal::new(&self.sdk(region).await, table, clock);
        ports::log::whole(&journal, &plan.into()).await.map_err(|failure| anyhow!("{failure}"))
    }
}

//! How are the SDK's clients configured? One configuration, and from it one client for each service and region.
//!
//! Every limit is written down here: the SDK has a default for the connect timeout alone. Few attempts, because the
//! callers poll or resume by themselves. Nothing is searched for: Lambda puts the credentials into the environment, and the
//! rest is said here. The SDK's own search for them is a sixth of a function's package.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_sns::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use ports::Clock;

use crate::assumed_role::{AssumedRole, PrimaryRole};
use crate::regional::Regional;
use crate::signed::Signed;

/// Global Accelerator's API answers in this region only.
pub const ACCELERATOR_REGION: &str = "us-west-2";

/// Longest wait for a connection, to any service.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest silence of a service once it is connected; an attempt ends sooner where its bound is smaller.
const READ: Duration = Duration::from_secs(8);

/// How long a call may take and how often it is tried.
#[derive(Clone, Copy, Debug)]
struct CallBounds {
    attempt: Duration,
    operation: Duration,
    attempts: u32,
}

/// Calls in the function's own region.
const OWN: CallBounds =
    CallBounds { attempt: Duration::from_secs(5), operation: Duration::from_secs(12), attempts: 3 };

/// The journal: a small item each time, and the adapter tries an append again by itself.
const JOURNAL: CallBounds =
    CallBounds { attempt: Duration::from_secs(3), operation: Duration::from_secs(7), attempts: 2 };

/// Calls in the own region whose caller decides alone whether they are repeated.
const ONCE: CallBounds =
    CallBounds { attempt: Duration::from_secs(5), operation: Duration::from_secs(5), attempts: 1 };

/// Calls to the primary region, which may be lost: best effort, 2 s in all, never again.
const PRIMARY: CallBounds =
    CallBounds { attempt: Duration::from_secs(2), operation: Duration::from_secs(2), attempts: 1 };

/// Global Accelerator, across regions and a slow control plane.
const ACCELERATOR: CallBounds =
    CallBounds { attempt: Duration::from_secs(8), operation: Duration::from_secs(20), attempts: 3 };

/// An invocation of a function, whose answer comes when it has ended: longer than readiness-checker's timeout of 60 s.
/// Asked once: the caller has a person waiting.
const INVOCATION: CallBounds =
    CallBounds { attempt: Duration::from_secs(65), operation: Duration::from_secs(65), attempts: 1 };

impl CallBounds {
    fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            // Longer only where a client has a connector of its own.
            .read_timeout(READ.max(self.attempt))
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    fn retries(self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(2))
    }
}

/// The one configuration, for the function's own region.
#[derive(Clone)]
pub struct Sdk {
    base: SdkConfig,
    clock: Arc<dyn Clock>,
    /// For calls to the primary region, where its account is another one.
    primary: Option<SdkConfig>,
    connector: SharedHttpConnector,
    /// Instead of a connector that waits for longer, in tests.
    patient: Option<SharedHttpConnector>,
}

impl fmt::Debug for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sdk")
            .field("base", &self.base)
            .field("primary", &self.primary)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

/// A client of `$service` with `$bounds`, in `$region` or the function's own.
macro_rules! client {
    ($service:ident, $base:expr, $bounds:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($base)
                .timeout_config($bounds.timeouts())
                .retry_config($bounds.retries())
                .build(),
        )
    };
    ($service:ident, $base:expr, $bounds:expr, $region:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($base)
                .region(Region::new($region))
                .timeout_config($bounds.timeouts())
                .retry_config($bounds.retries())
                .build(),
        )
    };
}

impl Sdk {
    /// On a configuration of one's own: its region, credentials and endpoint, with this crate's timeouts.
    pub fn from_config(base: SdkConfig, clock: Arc<dyn Clock>) -> Self {
        Self { base, clock, primary: None, connector: one_connector(READ), patient: None }
    }

    /// With the credentials that Lambda puts into the environment. The region is the one given, never a default; an
    /// endpoint takes every call, of all services and regions.
    pub fn load(region: &str, endpoint_url: Option<&str>, clock: Arc<dyn Clock>) -> Self {
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let connector = one_connector(READ);
        let base = base(region, endpoint_url, credentials, client_of(&connector));
        Self { base, clock, primary: None, connector, patient: None }
    }

    /// The same, but for calls to the primary region: they are made in a session of a role of that region's account.
    #[must_use]
    pub fn with_primary_role(mut self, role: &PrimaryRole, function: &str) -> Self {
        let assumed = AssumedRole::new(self.signed(), role, function, Arc::clone(&self.clock));
        self.primary = Some(
            self.base.to_builder().credentials_provider(SharedCredentialsProvider::new(assumed)).build(),
        );
        self
    }

    /// What calls to the primary region are made with.
    fn of_primary(&self) -> &SdkConfig {
        self.primary.as_ref().unwrap_or(&self.base)
    }

    /// DynamoDB in the own region.
    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(aws_sdk_dynamodb, &self.base, JOURNAL)
    }

    /// DynamoDB in the region of the other guard: 2 s in all, one attempt.
    pub(crate) fn dynamodb_of_peer(&self, region: &str) -> aws_sdk_dynamodb::Client {
        client!(aws_sdk_dynamodb, self.of_primary(), PRIMARY, region.to_owned())
    }

    /// RDS in the own region.
    pub(crate) fn rds(&self) -> aws_sdk_rds::Client {
        client!(aws_sdk_rds, &self.base, OWN)
    }

    /// RDS in the own region: one attempt, whose caller looks before the next one.
    pub(crate) fn rds_once(&self) -> aws_sdk_rds::Client {
        client!(aws_sdk_rds, &self.base, ONCE)
    }

    /// RDS in the primary region: 2 s in all, one attempt.
    pub(crate) fn rds_of_primary(&self, region: &str) -> aws_sdk_rds::Client {
        client!(aws_sdk_rds, self.of_primary(), PRIMARY, region.to_owned())
    }

    /// Credentials of the function, for what is signed here.
    pub(crate) fn credentials(&self) -> Option<aws_credential_types::provider::SharedCredentialsProvider> {
        self.base.credentials_provider()
    }

    /// RDS in each primary region that is asked.
    pub(crate) fn rds_of_primaries(&self) -> Regional<aws_sdk_rds::Client> {
        let sdk = self.clone();
        Regional::new(move |region| sdk.rds_of_primary(region))
    }

    /// The function's own region.
    pub(crate) fn region(&self) -> &str {
        self.base.region().map_or("", Region::as_ref)
    }

    /// What is asked without a client of the SDK, in the own region.
    pub(crate) fn signed(&self) -> Signed {
        self.signed_in(self.region())
    }

    /// What is asked without a client of the SDK, in any region. How long it may take is for the caller to bound.
    pub(crate) fn signed_in(&self, region: &str) -> Signed {
        let endpoint = self.base.endpoint_url();
        let clock = Arc::clone(&self.clock);
        Signed::new(self.connector.clone(), self.credentials(), region, endpoint, clock)
    }

    /// What is asked without a client of the SDK in the primary region, as its own account: 2 s, one attempt.
    pub(crate) fn signed_of_primary(&self, region: &str) -> Signed {
        let endpoint = self.base.endpoint_url();
        let credentials = self.of_primary().credentials_provider();
        let clock = Arc::clone(&self.clock);
        Signed::new(self.connector.clone(), credentials, region, endpoint, clock).best_effort()
    }

    /// Auto Scaling in the own region.
    pub(crate) fn auto_scaling(&self) -> aws_sdk_autoscaling::Client {
        client!(aws_sdk_autoscaling, &self.base, OWN)
    }

    /// Global Accelerator, where its control plane is.
    pub(crate) fn global_accelerator(&self) -> aws_sdk_globalaccelerator::Client {
        client!(aws_sdk_globalaccelerator, &self.base, ACCELERATOR, ACCELERATOR_REGION)
    }

    /// SNS in the own region.
    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        client!(aws_sdk_sns, &self.base, OWN)
    }

    /// Lambda in the own region, for answers that take a while: on a connector of its own, which is why it is made only when
    /// somebody asks.
    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        let connector = self.patient.clone().unwrap_or_else(|| one_connector(INVOCATION.attempt));
        aws_sdk_lambda::Client::from_conf(
            aws_sdk_lambda::config::Builder::from(&self.base)
                .http_client(client_of(&connector))
                .timeout_config(INVOCATION.timeouts())
                .retry_config(INVOCATION.retries())
                // Nothing flows while the other function works; the timeouts bound it.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        )
    }

    /// Parameter Store in the own region.
    pub(crate) fn ssm(&self) -> aws_sdk_ssm::Client {
        client!(aws_sdk_ssm, &self.base, OWN)
    }

    /// Parameter Store in the own region: one attempt.
    pub(crate) fn ssm_once(&self) -> aws_sdk_ssm::Client {
        client!(aws_sdk_ssm, &self.base, ONCE)
    }

    /// Parameter Store in the primary region: 2 s in all, one attempt.
    pub(crate) fn ssm_of_primary(&self, region: &str) -> aws_sdk_ssm::Client {
        client!(aws_sdk_ssm, self.of_primary(), PRIMARY, region.to_owned())
    }
}

/// One connector for all clients, made when a function starts. Left alone, the SDK reads all root certificates again for
/// each client, which is most of a cold start.
fn one_connector(read: Duration) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(read).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        // As the SDK's own default does.
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    SharedHttpConnector::new(connector)
}

/// A client on the one connector.
fn client_of(connector: &SharedHttpConnector) -> SharedHttpClient {
    let connector = connector.clone();
    http_client_fn(move |_, _| connector.clone())
}

/// What every client has in common.
fn base(
    region: &str,
    endpoint_url: Option<&str>,
    credentials: impl ProvideCredentials + 'static,
    http_client: impl HttpClient + 'static,
) -> SdkConfig {
    let mut base = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(OWN.timeouts())
        .retry_config(OWN.retries())
        .http_client(http_client);
    base.set_endpoint_url(endpoint_url.map(ToOwned::to_owned));
    base.build()
}

#[cfg(test)]
use aws_smithy_runtime_api::client::http::HttpConnector;
#[cfg(test)]
use runtime::clock::SystemClock;

#[cfg(test)]
impl Sdk {
    /// The real configuration of every client in `us-west-1`, on another HTTP client.
    pub(crate) fn on(http: impl HttpConnector + 'static) -> Self {
        let connector = SharedHttpConnector::new(http);
        let base = base("us-west-1", None, nobody(), client_of(&connector));
        let patient = Some(connector.clone());
        Self { base, clock: Arc::new(SystemClock), primary: None, connector, patient }
    }

    /// The real configuration of every client in `us-west-1`, toward an emulator.
    pub(crate) fn toward(endpoint_url: &str) -> Self {
        // The name of the root account's key in an emulator that checks permissions.
        let root = aws_sdk_sns::config::Credentials::new("test", "not-a-secret", None, None, "test");
        let connector = one_connector(READ);
        let base = base("us-west-1", Some(endpoint_url), root, client_of(&connector));
        Self { base, clock: Arc::new(SystemClock), primary: None, connector, patient: None }
    }
}

#[cfg(test)]
fn nobody() -> aws_sdk_sns::config::Credentials {
    aws_sdk_sns::config::Credentials::new("AKIATEST", "not-a-secret", None, None, "test")
}

#[cfg(test)]
mod tests {

    use aws_smithy_http_client::test_util::NeverClient;
    use ports::{Databases, FailureKind};
    use protocol::side::Side;
    use tokio::time::Instant;

    use super::*;
    use crate::rds::RdsDatabases;
    use crate::replay::{database, replay};

    #[tokio::test(start_paused = true)]
    async fn a_silent_primary_region_costs_two_seconds_and_one_attempt() {
        let sdk = Sdk::on(NeverClient::new());
        let databases = RdsDatabases::new(&sdk);
        let started = Instant::now();
        let failure = databases.old_primary(&database("orders"), Side::Primary).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_service_of_the_own_region_is_given_up_within_its_bound() {
        let sdk = Sdk::on(NeverClient::new());
        let databases = RdsDatabases::new(&sdk);
        let started = Instant::now();
        let failure = databases.promote(&database("orders"), Side::Recovery).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unreachable, "timeout"));
        assert!(started.elapsed() <= OWN.operation, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_primary_region_gets_no_second_attempt_and_the_own_region_does() {
        let busy = (503, "<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>");
        let http = replay(&[busy, busy, busy, busy]);
        let sdk = Sdk::on(http.clone());
        let databases = RdsDatabases::new(&sdk);
        databases.old_primary(&database("orders"), Side::Primary).await.unwrap_err();
        assert_eq!(http.actual_requests().count(), 1);
        databases.promote(&database("orders"), Side::Recovery).await.unwrap_err();
        assert_eq!(http.actual_requests().count(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn each_client_calls_its_own_region() {
        let http = replay(&[(400, "{}"), (400, "<a/>"), (400, "<a/>")]);
        let sdk = Sdk::on(http.clone());
        let _ = sdk.global_accelerator().describe_endpoint_group().endpoint_group_arn("x").send().await;
        let _ = sdk.rds_of_primary("us-east-2").describe_db_instances().send().await;
        let _ = sdk.rds().describe_db_instances().send().await;
        let hosts: Vec<String> =
            http.actual_requests().map(|request| request.uri().trim_end_matches('/').to_owned()).collect();
        assert_eq!(
            hosts,
            [
                "https://globalaccelerator.us-west-2.amazonaws.com",
                "https://rds.us-east-2.amazonaws.com",
                "https://rds.us-west-1.amazonaws.com",
            ]
        );
    }

    /// The table of the architecture page: how long a call may take in all, its one attempt, and how many there are.
    #[test]
    fn a_call_takes_as_long_as_is_documented_and_no_longer() {
        let of = |bounds: CallBounds| (bounds.operation.as_secs(), bounds.attempt.as_secs(), bounds.attempts);
        assert_eq!(of(OWN), (12, 5, 3));
        assert_eq!(of(JOURNAL), (7, 3, 2));
        assert_eq!(of(ONCE), (5, 5, 1));
        assert_eq!(of(PRIMARY), (2, 2, 1));
        assert_eq!(of(ACCELERATOR), (20, 8, 3));
        assert_eq!(of(INVOCATION), (65, 65, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_global_accelerator_costs_twenty_seconds_at_most() {
        let sdk = Sdk::on(NeverClient::new());
        let started = Instant::now();
        let call = sdk.global_accelerator().describe_endpoint_group().endpoint_group_arn("x").send();
        call.await.unwrap_err();
        assert_eq!(started.elapsed(), ACCELERATOR.operation);
    }

    #[test]
    fn no_attempt_may_outlast_its_operation() {
        for bounds in [OWN, ONCE, JOURNAL, PRIMARY, ACCELERATOR] {
            assert!(CONNECT <= bounds.attempt && bounds.attempt <= READ, "{bounds:?}");
            assert!(bounds.attempt <= bounds.operation, "{bounds:?}");
        }
        // Its connector waits for as long as it does.
        assert!(CONNECT <= INVOCATION.attempt && INVOCATION.attempt <= INVOCATION.operation);
        assert_eq!((PRIMARY.operation, PRIMARY.attempts), (Duration::from_secs(2), 1));
    }

    /// Toward an address that never answers: the bounds hold on the real HTTP client too.
    #[tokio::test]
    async fn a_hanging_primary_region_is_given_up_after_two_seconds_of_real_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let databases = RdsDatabases::new(&Sdk::toward(&endpoint));
        let started = Instant::now();
        let failure = databases.quarantine(&database("orders"), Side::Primary).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unreachable, "timeout"));
        // Not as long as a call of the own region may take, on a machine that is busy too.
        assert!(started.elapsed() < OWN.operation, "{:?}", started.elapsed());
    }

    /// The credentials come from the environment alone, so the proof runs in a process of its own.
    #[tokio::test]
    async fn the_environments_credentials_sign_every_call_for_the_right_region() {
        const CHILD: &str = "PILOTLIGHT_TEST_CONFIG_CHILD";
        let name = "config::tests::the_environments_credentials_sign_every_call_for_the_right_region";
        #[expect(clippy::disallowed_methods, reason = "the parent says by it where its server is")]
        let child = std::env::var(CHILD);
        if let Ok(endpoint) = child {
            let sdk = Sdk::load("us-west-1", Some(&endpoint), Arc::new(SystemClock));
            let _ = sdk.global_accelerator().describe_endpoint_group().endpoint_group_arn("x").send().await;
            let _ = sdk.rds_of_primary("us-east-2").describe_db_instances().send().await;
            return;
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(tokio::sync::Mutex::new(Vec::new()));
        let server = tokio::spawn(crate::replay::refuse_all(listener, Arc::clone(&seen)));
        let status = tokio::task::spawn_blocking(move || {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name])
                .env(CHILD, endpoint)
                .env("AWS_ACCESS_KEY_ID", "AKIATEST")
                .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap()
        })
        .await
        .unwrap();
        assert!(status.success());
        server.abort();
        let seen = seen.lock().await;
        assert!(
            seen.iter().any(|head| {
                head.contains("AKIATEST/") && head.contains("/us-west-2/globalaccelerator/aws4_request")
            }),
            "{seen:?}"
        );
        assert!(seen.iter().any(|head| head.contains("/us-east-2/rds/aws4_request")), "{seen:?}");
    }
}

//! How are services asked that have no client of the SDK here? By small signed requests: nine services are asked one or
//! two questions each. On the way of a failover (CloudWatch, load balancers) a client would be 60 to 120 kB of a package that
//! is loaded before it starts; for readiness the clients would take 440 s of one core to build, 302 of them for EC2.
//!
//! The signer, the HTTP client and the meaning of errors are the SDK's and this crate's own.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use ports::{Answer, Clock, Failure, FailureKind};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::failure::{causes, kind_of, one_line, ours};
use crate::xml::Element;

/// How often a question is asked, and how long is waited before it is asked again; twice as long each time.
const ATTEMPTS: u32 = 3;
const WAIT: Duration = Duration::from_millis(300);
/// Longest wait for one answer, and for all attempts together; as long as the SDK's clients wait in the own region.
const ATTEMPT_MAX: Duration = Duration::from_secs(5);
const OPERATION_MAX: Duration = Duration::from_secs(12);

/// How long answers are waited for, and how often a question is asked.
#[derive(Clone, Copy, Debug)]
struct Patience {
    attempt: Duration,
    operation: Duration,
    attempts: u32,
}

/// In the own region.
const OWN: Patience = Patience { attempt: ATTEMPT_MAX, operation: OPERATION_MAX, attempts: ATTEMPTS };

/// In a region that may be lost: best effort, once.
const BEST_EFFORT: Patience =
    Patience { attempt: Duration::from_secs(2), operation: Duration::from_secs(2), attempts: 1 };

/// A question.
pub(crate) struct Question {
    /// As in a policy: `sqs:GetQueueAttributes`.
    pub(crate) action: &'static str,
    /// The name it is signed for, which its host begins with.
    pub(crate) service: &'static str,
    /// What is asked.
    pub(crate) content: Content,
}

impl Question {
    /// As the service calls it: `GetQueueAttributes`.
    fn operation(&self) -> &'static str {
        self.action.rsplit(':').next().unwrap_or(self.action)
    }
}

/// What is asked, in the service's own protocol.
pub(crate) enum Content {
    /// A form; the answer is XML.
    Form {
        /// The version of the service's API.
        version: &'static str,
        /// The fields, without `Action` and `Version`.
        fields: Vec<(String, String)>,
    },
    /// A document; the answer is one too.
    Json {
        /// The version of the protocol that the service speaks: `1.0` or `1.1`.
        version: &'static str,
        /// The operation, as the service calls it.
        target: &'static str,
        /// The document.
        document: Value,
    },
    /// A path; the answer is a document.
    Path(String),
}

/// Asks services of one region.
pub(crate) struct Signed {
    connector: SharedHttpConnector,
    credentials: Option<SharedCredentialsProvider>,
    region: String,
    endpoint: Option<String>,
    clock: Arc<dyn Clock>,
    patience: Patience,
}

impl Signed {
    pub(crate) fn new(
        connector: SharedHttpConnector,
        credentials: Option<SharedCredentialsProvider>,
        region: &str,
        endpoint: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (region, endpoint) = (region.to_owned(), endpoint.map(str::to_owned));
        Self { connector, credentials, region, endpoint, clock, patience: OWN }
    }

    /// The same, for a region that may be lost: one attempt, 2 s.
    pub(crate) fn best_effort(self) -> Self {
        Self { patience: BEST_EFFORT, ..self }
    }

    /// Where a service of the region is found.
    pub(crate) fn address(&self, service: &str) -> String {
        let (_, address) = self.place(service);
        if address.ends_with('/') { address } else { format!("{address}/") }
    }

    /// Asks for a document.
    pub(crate) async fn json(&self, question: &Question) -> Answer<Value> {
        let body = self.ask(question).await?;
        serde_json::from_slice(&body).map_err(|error| unreadable(question, &error.to_string()))
    }

    /// Asks for XML.
    pub(crate) async fn xml(&self, question: &Question) -> Answer<Element> {
        let body = self.ask(question).await?;
        let text = std::str::from_utf8(&body).map_err(|error| unreadable(question, &error.to_string()))?;
        Element::read(text).map_err(|why| unreadable(question, &why))
    }

    /// Asks for XML, and takes out what all services of the query protocol but EC2 wrap their answers in.
    pub(crate) async fn result(&self, question: &Question) -> Answer<Element> {
        let answer = self.xml(question).await?;
        let result = answer.at(&[&format!("{}Result", question.operation())]);
        result.cloned().ok_or_else(|| unreadable(question, "it has no result"))
    }

    async fn ask(&self, question: &Question) -> Answer<Vec<u8>> {
        let attempts = async {
            let mut wait = WAIT;
            for _ in 1..self.patience.attempts {
                match self.once(question).await {
                    Err(failure) if failure.can_retry() => self.clock.sleep(wait).await,
                    answer => return answer,
                }
                wait *= 2;
            }
            self.once(question).await
        };
        within(self.patience.operation, question.action, attempts).await
    }

    async fn once(&self, question: &Question) -> Answer<Vec<u8>> {
        let action = question.action;
        let mut request = self.request(question).await?;
        let connection = CaptureSmithyConnection::new();
        request.add_extension(connection.clone());
        let exchange = async {
            let mut response =
                self.connector.call(request).await.map_err(|error| undelivered(action, &error))?;
            let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
            let status = response.status().as_u16();
            let body = read(action, response.take_body()).await?;
            if response.status().is_success() {
                Ok(body)
            } else {
                Err(refusal(action, status, header, &body))
            }
        };
        let answer = within(self.patience.attempt, action, exchange).await;
        // The next attempt may reach another host, which it doesn't on the same connection.
        let is_down = |kind| matches!(kind, FailureKind::Unreachable | FailureKind::Unavailable);
        if answer.as_ref().is_err_and(|failure| is_down(failure.kind))
            && let Some(connection) = connection.get()
        {
            connection.poison();
        }
        answer
    }

    /// The request, signed for now.
    async fn request(&self, question: &Question) -> Answer<HttpRequest> {
        let action = question.action;
        let invalid = |why: String| ours(FailureKind::Invalid, action, "unsignable", why);
        let (region, base) = self.place(question.service);
        let mut url = Url::parse(&base).map_err(|error| invalid(error.to_string()))?;
        let kind = "application/x-www-form-urlencoded".to_owned();
        let (method, kind, target, body) = match &question.content {
            Content::Path(path) => {
                url.set_path(path);
                ("GET", None, None, String::new())
            }
            Content::Form { version, fields } => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("Action", question.operation()).append_pair("Version", version);
                form.extend_pairs(fields);
                ("POST", Some(kind), None, form.finish())
            }
            Content::Json { version, target, document } => (
                "POST",
                Some(format!("application/x-amz-json-{version}")),
                Some(*target),
                document.to_string(),
            ),
        };
        let headers: Vec<(&str, &str)> = kind
            .as_deref()
            .map(|kind| ("content-type", kind))
            .into_iter()
            .chain(target.map(|target| ("x-amz-target", target)))
            .collect();
        let identity = self.identity(action).await?;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(question.service)
            .time(SystemTime::from(self.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        let signable = SignableRequest::new(
            method,
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        );
        // The signer's words may hold the request: they stay here.
        let signed = signable.and_then(|request| sign(request, &params.into()));
        let signed = signed.map_err(|_| invalid("the request can't be signed".to_owned()))?;
        let mut builder = http::Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers.iter().copied().chain(signed.output().headers()) {
            builder = builder.header(name, value);
        }
        let request = builder.body(SdkBody::from(body)).map_err(|error| invalid(error.to_string()))?;
        HttpRequest::try_from(request).map_err(|error| invalid(error.to_string()))
    }

    async fn identity(
        &self,
        action: &'static str,
    ) -> Answer<aws_smithy_runtime_api::client::identity::Identity> {
        let none = || {
            ours(
                FailureKind::Denied,
                action,
                "no_credentials",
                "the function has no credentials to sign with",
            )
        };
        let provider = self.credentials.as_ref().ok_or_else(none)?;
        Ok(provider.provide_credentials().await.map_err(|_| none())?.into())
    }

    /// The region that a service is signed for, and its address. IAM has one for a whole partition.
    fn place(&self, service: &str) -> (&str, String) {
        let region = self.region.as_str();
        let (signed_for, suffix) = match region {
            _ if region.starts_with("cn-") => ("cn-north-1", "amazonaws.com.cn"),
            _ if region.starts_with("us-gov-") => ("us-gov-west-1", "amazonaws.com"),
            _ if region.starts_with("eusc-") => ("eusc-de-east-1", "amazonaws.eu"),
            _ => ("us-east-1", "amazonaws.com"),
        };
        let (region, host) = match (service, signed_for) {
            ("iam", "us-east-1") => (signed_for, format!("iam.{suffix}")),
            ("iam", "us-gov-west-1") => (signed_for, format!("iam.us-gov.{suffix}")),
            ("iam", _) => (signed_for, format!("iam.{signed_for}.{suffix}")),
            _ => (region, format!("{service}.{region}.{suffix}")),
        };
        (region, self.endpoint.clone().unwrap_or_else(|| format!("https://{host}/")))
    }
}

/// Waits for an answer for so long and no longer.
pub(crate) async fn within<T>(
    longest: Duration,
    action: &'static str,
    answer: impl Future<Output = Answer<T>>,
) -> Answer<T> {
    timeout(longest, answer).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", longest.as_secs());
        Err(ours(FailureKind::Unreachable, action, "timeout", message))
    })
}

/// A request without an answer.
fn undelivered(action: &'static str, error: &ConnectorError) -> Failure {
    let (kind, code) = match error {
        _ if error.is_timeout() => (FailureKind::Unreachable, "timeout"),
        _ if error.is_user() => (FailureKind::Invalid, "dispatch"),
        _ => (FailureKind::Unreachable, "dispatch"),
    };
    ours(kind, action, code, causes(error))
}

async fn read(action: &'static str, body: SdkBody) -> Answer<Vec<u8>> {
    let bytes = ByteStream::new(body).collect().await;
    let bytes = bytes.map_err(|error| ours(FailureKind::Unreachable, action, "response", causes(&error)))?;
    Ok(bytes.to_vec())
}

/// What the service said no with; its code is in a header, in a document or in XML.
fn refusal(action: &'static str, status: u16, header: Option<String>, body: &[u8]) -> Failure {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let (code, message) = if let Ok(document) = serde_json::from_str::<Value>(text) {
        let field =
            |names: [&str; 2]| names.iter().find_map(|name| document.get(name)?.as_str()).map(str::to_owned);
        (header.or_else(|| field(["__type", "code"])), field(["message", "Message"]))
    } else {
        let root = Element::read(text).unwrap_or_default();
        let paths: [&[&str]; 3] = [&["Error"], &["Errors", "Error"], &[]];
        let error = paths.iter().find_map(|path| root.at(path).filter(|error| error.at(&["Code"]).is_some()));
        let field = |name: &str| error?.text(&[name]).map(str::to_owned);
        (field("Code").or(header), field("Message"))
    };
    // A document's code may come with a name space before it and an address behind it.
    let code = code.as_deref().map(|code| code.split(':').next().unwrap_or(code));
    let code = code.map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
    let code = code.unwrap_or_else(|| format!("http_{status}"));
    let message = message.unwrap_or_else(|| "the service gave no message".to_owned());
    Failure { kind: kind_of(&code, status), action, code, message: one_line(&message) }
}

/// An answer that holds something else than it should.
pub(crate) fn unreadable(question: &Question, why: &str) -> Failure {
    ours(FailureKind::Unavailable, question.action, "response", format!("the answer can't be read: {why}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_http_client::test_util::{NeverClient, StaticReplayClient};
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::config::Sdk;
    use crate::replay::{StillClock, replay, sent};

    fn question(service: &'static str) -> Question {
        let document = json!({ "Key": "a & b" });
        Question {
            action: "kms:DescribeKey",
            service,
            content: Content::Json { version: "1.1", target: "T.DescribeKey", document },
        }
    }

    fn form() -> Question {
        let fields = vec![("Name".to_owned(), "a&b=c".to_owned())];
        Question {
            action: "iam:GetRole",
            service: "iam",
            content: Content::Form { version: "2010-05-08", fields },
        }
    }

    fn header<'h>(http: &'h StaticReplayClient, name: &str) -> &'h str {
        http.actual_requests().last().unwrap().headers().get(name).unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_is_signed_for_its_service_and_region() {
        let http = replay(&[(200, "{}"), (200, "<a/>")]);
        let signed = Sdk::on(http.clone()).signed();
        signed.json(&question("kms")).await.unwrap();
        assert_eq!(http.actual_requests().next().unwrap().uri(), "https://kms.us-west-1.amazonaws.com/");
        assert_eq!(header(&http, "x-amz-target"), "T.DescribeKey");
        let authorization = header(&http, "authorization");
        assert!(authorization.contains("/us-west-1/kms/aws4_request"), "{authorization}");
        assert!(
            authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target"),
            "{authorization}"
        );
        signed.xml(&form()).await.unwrap();
        assert_eq!(http.actual_requests().last().unwrap().uri(), "https://iam.amazonaws.com/");
        assert!(header(&http, "authorization").contains("/us-east-1/iam/aws4_request"));
        assert_eq!(sent(&http)[1], "Action=GetRole&Version=2010-05-08&Name=a&b=c");
    }

    /// The signature that botocore 1.43 gives the same request.
    #[tokio::test(start_paused = true)]
    async fn the_signature_is_the_one_that_another_sdk_gives() {
        let http = replay(&[(200, "{}")]);
        let credentials = aws_credential_types::Credentials::new(
            "AKIATEST",
            "not-a-secret",
            Some("token".to_owned()),
            None,
            "test",
        );
        let signed = Signed::new(
            SharedHttpConnector::new(http.clone()),
            Some(SharedCredentialsProvider::new(credentials)),
            "us-west-1",
            None,
            StillClock::at("2026-11-20T03:00:00Z"),
        );
        signed.json(&question("kms")).await.unwrap();
        assert_eq!(header(&http, "x-amz-security-token"), "token");
        let authorization = header(&http, "authorization");
        let signature = authorization.rsplit("Signature=").next().unwrap();
        assert_eq!(
            signature, "ab07874e8dc41558fb648bb84a4c204e44a7563b0ec2a80bcc61343847a3c8a1",
            "{authorization}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_again_and_a_refusal_is_not() {
        let busy = (503, "<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>");
        let http = replay(&[busy, (400, r#"{"__type":"ThrottlingException"}"#), (200, "{}")]);
        Sdk::on(http.clone()).signed().json(&question("kms")).await.unwrap();
        assert_eq!(http.actual_requests().count(), 3);
        let http =
            replay(&[(400, r#"{"__type":"AccessDeniedException","Message":"User: shop"}"#), (200, "{}")]);
        let failure = Sdk::on(http.clone()).signed().json(&question("kms")).await.unwrap_err();
        assert_eq!(failure.to_string(), "kms:DescribeKey: User: shop (AccessDeniedException)");
        assert_eq!(http.actual_requests().count(), 1);
        let http = replay(&[busy, busy, busy, (200, "{}")]);
        let failure = Sdk::on(http.clone()).signed().json(&question("kms")).await.unwrap_err();
        assert_eq!((failure.kind, http.actual_requests().count()), (FailureKind::Unavailable, 3));
    }

    #[test]
    fn every_protocols_refusal_has_its_code() {
        for (header, body, code) in [
            (None, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#, "QueueDoesNotExist"),
            (Some("ResourceNotFoundException:http://x"), r#"{"Message":"no"}"#, "ResourceNotFoundException"),
            (
                None,
                "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>",
                "NoSuchEntity",
            ),
            (
                None,
                "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>no</Message></Error></Errors></Response>",
                "InvalidAMIID.NotFound",
            ),
            (None, "<html>", "http_404"),
        ] {
            let failure = refusal("a:B", 404, header.map(str::to_owned), body.as_bytes());
            assert_eq!((failure.code.as_str(), failure.kind), (code, FailureKind::Missing), "{body}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_given_up() {
        let started = tokio::time::Instant::now();
        let failure = Sdk::on(NeverClient::new()).signed().json(&question("kms")).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unreachable, "timeout"));
        assert!(started.elapsed() <= OPERATION_MAX, "{:?}", started.elapsed());
    }

    /// Two answers on one connection that is kept, where it may be: how many connections are made for them.
    async fn connections_after(status: &str) -> usize {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let refusal = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
        let success = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned();
        let answers = Arc::new(tokio::sync::Mutex::new([refusal, success].into_iter()));
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16_384];
                    while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                        let Some(answer) = answers.lock().await.next() else { return };
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Sdk::toward(&endpoint).signed().json(&question("kms")).await.unwrap();
        server.abort();
        accepted.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn a_host_that_fails_is_not_asked_again_on_the_same_connection() {
        assert_eq!(connections_after("503 Service Unavailable").await, 2);
        assert_eq!(connections_after("429 Too Many Requests").await, 1);
    }

    #[test]
    fn every_partition_has_its_own_address_and_iam_its_own_region() {
        let place = |region: &str, service: &str| {
            let signed = Signed::new(
                SharedHttpConnector::new(NeverClient::new()),
                None,
                region,
                None,
                StillClock::at("2026-11-20T03:00:00Z"),
            );
            let (region, address) = signed.place(service);
            format!("{region} {address}")
        };
        assert_eq!(place("us-west-1", "sqs"), "us-west-1 https://sqs.us-west-1.amazonaws.com/");
        assert_eq!(place("us-west-1", "iam"), "us-east-1 https://iam.amazonaws.com/");
        assert_eq!(place("cn-north-1", "sqs"), "cn-north-1 https://sqs.cn-north-1.amazonaws.com.cn/");
        assert_eq!(place("cn-northwest-1", "iam"), "cn-north-1 https://iam.cn-north-1.amazonaws.com.cn/");
        assert_eq!(place("us-gov-east-1", "iam"), "us-gov-west-1 https://iam.us-gov.amazonaws.com/");
    }
}

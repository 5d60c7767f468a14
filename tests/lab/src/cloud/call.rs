//! One AWS call as the wire has it, signed with anybody's keys: for services of which the lab has no client, and for
//! calls that must be refused.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How a service wants to be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A form: the API's version, and the parameters.
    Query(&'static str, Vec<(&'static str, String)>),
    /// JSON: the prefix of the target, and the document.
    Json(&'static str, Value),
    /// A question by its path alone, as Route 53 has it.
    Get(String),
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service, as it is signed for.
    pub service: &'static str,
    /// The region, as it is signed for.
    pub region: String,
    /// The action.
    pub action: &'static str,
    /// What is asked.
    pub shape: Shape,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Reply {
    /// Whether IAM refused it.
    pub fn is_denied(&self) -> bool {
        matches!(
            self.code(),
            Some("AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "UnauthorizedOperation")
        )
    }

    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The error's code: `<Code>` of an XML body, `__type` of a JSON one.
    pub fn code(&self) -> Option<&str> {
        if self.is_done() {
            return None;
        }
        let (_, rest) = self.text.split_once("<Code>").or_else(|| self.text.split_once("\"__type\""))?;
        let rest = rest.trim_start_matches([':', ' ', '"']);
        let end = rest.find(['<', '"'])?;
        rest.get(..end).map(|code| code.rsplit('#').next().unwrap_or(code))
    }
}

impl Call {
    /// A call by a form.
    pub fn query(
        service: &'static str,
        region: &str,
        action: &'static str,
        version: &'static str,
        parameters: &[(&'static str, &str)],
    ) -> Self {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { service, region: region.to_owned(), action, shape: Shape::Query(version, parameters) }
    }

    /// Makes the call.
    pub async fn send(&self, endpoint_url: &str, keys: &Credentials) -> Result<Reply> {
        let (body, mut headers) = self.body();
        let host = endpoint_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        headers.push(("host", host));
        let (method, path) = match &self.shape {
            Shape::Get(path) => ("GET", path.as_str()),
            _ => ("POST", "/"),
        };
        let url = format!("{}{path}", endpoint_url.trim_end_matches('/'));
        headers.extend(self.signature(method, &url, keys, &headers, body.as_bytes())?);
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let exchange = async {
            let response = client.request(request).await?;
            let status = response.status().as_u16();
            let text = response.into_body().collect().await?.to_bytes();
            Ok::<_, anyhow::Error>(Reply { status, text: String::from_utf8_lossy(&text).into_owned() })
        };
        tokio::time::timeout(LIMIT, exchange)
            .await
            .with_context(|| format!("no answer to {}", self.action))?
    }

    /// Makes the call, which must be done; gives the answer's text.
    pub async fn done(&self, endpoint_url: &str, keys: &Credentials) -> Result<String> {
        let reply = self.send(endpoint_url, keys).await?;
        let Self { service, region, action, .. } = self;
        ensure!(reply.is_done(), "{service} in {region} refused {action}: {} {}", reply.status, reply.text);
        Ok(reply.text)
    }

    fn body(&self) -> (String, Vec<(&'static str, String)>) {
        match &self.shape {
            Shape::Query(version, parameters) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("Action", self.action).append_pair("Version", version);
                form.extend_pairs(parameters);
                (form.finish(), vec![("content-type", "application/x-www-form-urlencoded".to_owned())])
            }
            Shape::Json(prefix, document) => {
                let target = format!("{prefix}.{}", self.action);
                let headers =
                    [("content-type", "application/x-amz-json-1.1".to_owned()), ("x-amz-target", target)];
                (document.to_string(), headers.to_vec())
            }
            Shape::Get(_) => (String::new(), Vec::new()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
    fn signature(
        &self,
        method: &str,
        url: &str,
        keys: &Credentials,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<Vec<(&'static str, String)>> {
        let identity = keys.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?;
        let signed = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new(method, url, signed, SignableBody::Bytes(body))?;
        let output = sign(request, &params.into())?;
        Ok(output.output().headers().map(|(name, value)| (known_name(name), value.to_owned())).collect())
    }
}

/// The few names that a signature adds.
fn known_name(name: &str) -> &'static str {
    match name {
        "x-amz-date" => "x-amz-date",
        "x-amz-security-token" => "x-amz-security-token",
        "x-amz-content-sha256" => "x-amz-content-sha256",
        _ => "authorization",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, text: &str) -> Reply {
        Reply { status, text: text.to_owned() }
    }

    #[test]
    fn a_refusal_is_known_in_either_protocol() {
        let xml =
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>";
        assert!(reply(403, xml).is_denied());
        let json = r#"{"__type":"com.amazonaws#AccessDeniedException","message":"no"}"#;
        assert!(reply(400, json).is_denied());
        assert!(reply(400, r#"{"__type": "AccessDeniedException"}"#).is_denied());
        let of_ec2 =
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>";
        assert!(reply(403, of_ec2).is_denied());
    }

    #[test]
    fn another_error_is_no_refusal_and_neither_is_success() {
        let missing = reply(404, "<Error><Code>DBInstanceNotFound</Code></Error>");
        assert_eq!(missing.code(), Some("DBInstanceNotFound"));
        assert!(!missing.is_denied() && !missing.is_done());
        let done = reply(200, "<Code>AccessDenied</Code>");
        assert!(done.is_done() && !done.is_denied());
    }

    #[test]
    fn a_form_is_written_as_the_query_protocol_has_it() {
        let parameters = [("DBInstanceIdentifier", "a b")];
        let call = Call::query("rds", "us-west-1", "PromoteReadReplica", "2014-10-31", &parameters);
        let (body, _) = call.body();
        assert_eq!(body, "Action=PromoteReadReplica&Version=2014-10-31&DBInstanceIdentifier=a+b");
    }
}

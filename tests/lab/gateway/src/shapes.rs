//! How does a service say no? Error answers in the shape that the service's own clients parse.
//!
//! What clients look at: AWS Query wraps `Code` and `Message` in an `ErrorResponse`, EC2 in a `Response` of its own; AWS
//! JSON says `__type` in the body; REST JSON names the error in `x-amzn-ErrorType`; Smithy RPC v2 has `__type` in a
//! CBOR map and, for services that once spoke Query, the old code in `x-amzn-query-error`. Every SDK decides by that
//! code whether an error is a throttle and may be retried.

use crate::body::{Body, full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// The protocol that a caller speaks, so the one it must be answered in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Smithy RPC v2 over CBOR.
    Cbor,
    /// AWS JSON 1.0 or 1.1, answered with the content type it was asked with.
    Json { content_type: String },
    /// AWS Query: form in, XML out.
    Query,
    /// Query as EC2 speaks it, with another error envelope.
    Ec2Query,
    /// REST with S3's bare `Error` element.
    S3,
    /// REST with XML, errors wrapped as in Query.
    RestXml,
    /// REST with JSON.
    RestJson,
}

/// What went wrong, before it has a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// A region that answers, and says that it can't.
    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        )
    }

    /// How `service` refuses a caller that asks too often.
    pub(crate) fn throttling(service: &str, action: &str, protocol: &Protocol) -> Self {
        let bad = StatusCode::BAD_REQUEST;
        match (protocol, service) {
            (Protocol::Ec2Query, _) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "RequestLimitExceeded", "Request limit exceeded.")
            }
            (Protocol::S3, _) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            (Protocol::Query | Protocol::RestXml, _) | (Protocol::Cbor, "monitoring") => {
                Self::new(bad, "Throttling", "Rate exceeded")
            }
            (_, "lambda") => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.")
            }
            (_, "dynamodb") if reads_or_writes_items(action) => Self::new(
                bad,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API.",
            ),
            (Protocol::RestJson, _) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", "Rate exceeded")
            }
            (Protocol::Json { .. } | Protocol::Cbor, _) => {
                Self::new(bad, "ThrottlingException", "Rate exceeded")
            }
        }
    }

    /// AWS Query and S3 say whose fault an error is.
    fn blame(&self) -> &'static str {
        if self.status.is_client_error() { "Sender" } else { "Receiver" }
    }
}

fn reads_or_writes_items(action: &str) -> bool {
    action.ends_with("Item") || action.ends_with("Items") || matches!(action, "Query" | "Scan")
}

/// The answer that says `failure` to a client of `service`.
pub(crate) fn answer(
    service: &str,
    protocol: &Protocol,
    failure: &Failure,
    request_id: &str,
) -> Response<Body> {
    let (content_type, bytes) = match protocol {
        Protocol::Cbor => ("application/cbor", cbor(failure)),
        Protocol::Json { content_type } => (content_type.as_str(), json(service, failure)),
        Protocol::Query | Protocol::RestXml => {
            ("text/xml", query_xml(service, failure, request_id).into_bytes())
        }
        Protocol::Ec2Query => ("text/xml;charset=UTF-8", ec2_xml(failure, request_id).into_bytes()),
        Protocol::S3 => ("application/xml", s3_xml(failure, request_id).into_bytes()),
        Protocol::RestJson => ("application/json", rest_json(service, failure)),
    };
    let mut response = Response::new(full(bytes));
    *response.status_mut() = failure.status;
    let mut header = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    header(CONTENT_TYPE.as_str(), content_type);
    header("x-amzn-requestid", request_id);
    match protocol {
        Protocol::Cbor => {
            header("smithy-protocol", "rpc-v2-cbor");
            header("x-amzn-query-error", &format!("{};{}", failure.code, failure.blame()));
        }
        Protocol::RestJson => header("x-amzn-errortype", &failure.code),
        _ => {}
    }
    response
}

fn json(service: &str, failure: &Failure) -> Vec<u8> {
    let namespace = if service == "dynamodb" { "com.amazonaws.dynamodb.v20120810#" } else { "" };
    serde_json::json!({"__type": format!("{namespace}{}", failure.code), "message": failure.message})
        .to_string()
        .into_bytes()
}

fn rest_json(service: &str, failure: &Failure) -> Vec<u8> {
    let mut body = serde_json::json!({"message": failure.message});
    if service == "lambda" {
        let whose = if failure.status.is_client_error() { "User" } else { "Service" };
        body["Type"] = whose.into();
        if failure.code == "TooManyRequestsException" {
            body["Reason"] = "CallerRateLimitExceeded".into();
        }
    }
    body.to_string().into_bytes()
}

fn query_xml(service: &str, failure: &Failure, request_id: &str) -> String {
    let namespace = match service {
        "autoscaling" => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        "elasticloadbalancing" => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "monitoring" => "http://monitoring.amazonaws.com/doc/2010-08-01/",
        "rds" => "http://rds.amazonaws.com/doc/2014-10-31/",
        "route53" => "https://route53.amazonaws.com/doc/2013-04-01/",
        "sns" => "http://sns.amazonaws.com/doc/2010-03-31/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "",
    };
    let xmlns = if namespace.is_empty() { String::new() } else { format!(" xmlns=\"{namespace}\"") };
    format!(
        "<ErrorResponse{xmlns}><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        failure.blame(),
        escaped(&failure.code),
        escaped(&failure.message),
    )
}

fn ec2_xml(failure: &Failure, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message>\
         </Error></Errors><RequestID>{request_id}</RequestID></Response>",
        escaped(&failure.code),
        escaped(&failure.message),
    )
}

fn s3_xml(failure: &Failure, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <RequestId>{request_id}</RequestId></Error>",
        escaped(&failure.code),
        escaped(&failure.message),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A map of two text strings; CBOR needs no more than this here.
fn cbor(failure: &Failure) -> Vec<u8> {
    const MAP_OF_TWO: u8 = 0xa2;
    let mut out = vec![MAP_OF_TWO];
    for text in ["__type", &failure.code, "message", &failure.message] {
        cbor_text(&mut out, text);
    }
    out
}

/// A text string with its length in eight bytes, which is longer than need be and can't be too short.
fn cbor_text(out: &mut Vec<u8>, text: &str) {
    const TEXT_WITH_LENGTH_OF_EIGHT_BYTES: u8 = 0x7b;
    out.push(TEXT_WITH_LENGTH_OF_EIGHT_BYTES);
    out.extend((text.len() as u64).to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn json_11() -> Protocol {
        Protocol::Json { content_type: "application/x-amz-json-1.1".to_owned() }
    }

    async fn throttled(service: &str, action: &str, protocol: Protocol) -> (Response<()>, Vec<u8>) {
        let failure = Failure::throttling(service, action, &protocol);
        let (head, body) = answer(service, &protocol, &failure, "id-1").into_parts();
        (Response::from_parts(head, ()), body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn query_services_throttle_in_an_xml_error_response() {
        let (head, body) = throttled("rds", "PromoteReadReplica", Protocol::Query).await;
        assert_eq!(head.status(), 400);
        assert_eq!(head.headers()["content-type"], "text/xml");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>\
             <Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
        );
        for service in ["autoscaling", "elasticloadbalancing", "sns", "monitoring"] {
            let (_, body) = throttled(service, "Any", Protocol::Query).await;
            let xml = String::from_utf8(body).unwrap();
            assert!(xml.contains(&format!("xmlns=\"http://{service}.amazonaws.com/doc/")), "{xml}");
        }
    }

    #[tokio::test]
    async fn json_services_throttle_with_a_type_in_the_content_type_they_were_asked_in() {
        let (head, body) = throttled("ssm", "GetParameters", json_11()).await;
        assert_eq!(
            (head.status().as_u16(), &head.headers()["content-type"]),
            (400, &HeaderValue::from_static("application/x-amz-json-1.1"))
        );
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body, serde_json::json!({"__type": "ThrottlingException", "message": "Rate exceeded"}));
    }

    #[tokio::test]
    async fn dynamodb_throttles_items_and_tables_differently() {
        let protocol = Protocol::Json { content_type: "application/x-amz-json-1.0".to_owned() };
        for (action, code) in [
            ("PutItem", "ProvisionedThroughputExceededException"),
            ("Query", "ProvisionedThroughputExceededException"),
            ("TransactWriteItems", "ProvisionedThroughputExceededException"),
            ("DescribeTable", "ThrottlingException"),
        ] {
            let (_, body) = throttled("dynamodb", action, protocol.clone()).await;
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["__type"], format!("com.amazonaws.dynamodb.v20120810#{code}"), "{action}");
        }
    }

    #[tokio::test]
    async fn lambda_throttles_with_429_and_the_error_type_in_a_header() {
        let (head, body) = throttled("lambda", "Invoke", Protocol::RestJson).await;
        assert_eq!(head.status(), 429);
        assert_eq!(head.headers()["x-amzn-errortype"], "TooManyRequestsException");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["Reason"], "CallerRateLimitExceeded");
    }

    #[tokio::test]
    async fn cloudwatch_over_cbor_throttles_in_a_map_and_with_its_old_query_code() {
        let (head, body) = throttled("monitoring", "PutMetricData", Protocol::Cbor).await;
        assert_eq!(head.status(), 400);
        assert_eq!(head.headers()["smithy-protocol"], "rpc-v2-cbor");
        assert_eq!(head.headers()["x-amzn-query-error"], "Throttling;Sender");
        assert_eq!(
            body,
            b"\xa2\x7b\0\0\0\0\0\0\0\x06__type\x7b\0\0\0\0\0\0\0\x0aThrottling\
              \x7b\0\0\0\0\0\0\0\x07message\x7b\0\0\0\0\0\0\0\x0dRate exceeded"
        );
    }

    #[tokio::test]
    async fn s3_and_ec2_have_envelopes_of_their_own() {
        let (head, body) = throttled("s3", "GetObject", Protocol::S3).await;
        assert_eq!(head.status(), 503);
        assert!(String::from_utf8(body).unwrap().contains("<Error><Code>SlowDown</Code>"));
        let (head, body) = throttled("ec2", "RunInstances", Protocol::Ec2Query).await;
        assert_eq!(head.status(), 503);
        assert!(
            String::from_utf8(body)
                .unwrap()
                .contains("<Response><Errors><Error><Code>RequestLimitExceeded</Code>")
        );
    }

    #[tokio::test]
    async fn text_from_a_rule_cannot_break_the_xml() {
        let failure = Failure::new(StatusCode::BAD_REQUEST, "InvalidDBInstanceState", "a < b & c");
        let body =
            answer("rds", &Protocol::Query, &failure, "id").into_body().collect().await.unwrap().to_bytes();
        assert!(std::str::from_utf8(&body).unwrap().contains("<Message>a &lt; b &amp; c</Message>"));
    }
}

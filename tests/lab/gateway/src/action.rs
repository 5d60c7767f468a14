//! What does a call ask for, and in which protocol does it speak? One name per operation, as AWS's reference has it.
//!
//! Each protocol says it in a place of its own: Smithy RPC v2 in the path, AWS JSON in `X-Amz-Target`, AWS Query as
//! `Action=` in the query or the form, REST services by method and path. Lambda's paths are known in full as far as
//! the lab uses them, S3's as a best effort; the operations of any other REST service are `Unknown`.

use crate::shapes::Protocol;
use hyper::Method;
use hyper::http::request::Parts;

/// The name given to an operation that can't be told.
pub(crate) const UNKNOWN: &str = "Unknown";
const FORM: &str = "application/x-www-form-urlencoded";

/// An operation, and the protocol its caller understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) action: String,
    pub(crate) protocol: Protocol,
}

/// Whether the action can only be told from the body.
pub(crate) fn stands_in_form(head: &Parts) -> bool {
    head.method == Method::POST && header(head, "content-type").is_some_and(|value| value.starts_with(FORM))
}

/// What `service` is asked for; `form` is the beginning of the body when [`stands_in_form`] says it is needed.
pub(crate) fn of(head: &Parts, service: &str, form: &[u8]) -> Asked {
    if let Some(action) = rpc_operation(head.uri.path()) {
        return Asked { action: action.to_owned(), protocol: Protocol::Cbor };
    }
    if let Some(target) = header(head, "x-amz-target") {
        let action = target.rsplit('.').next().unwrap_or(target);
        let content_type = header(head, "content-type").unwrap_or("application/x-amz-json-1.1");
        return Asked {
            action: action.to_owned(),
            protocol: Protocol::Json { content_type: content_type.to_owned() },
        };
    }
    let query = head.uri.query().unwrap_or_default();
    if let Some(action) = action_field(query.as_bytes()).or_else(|| action_field(form)) {
        let protocol = if service == "ec2" { Protocol::Ec2Query } else { Protocol::Query };
        return Asked { action, protocol };
    }
    let (action, protocol) = match service {
        "lambda" => (lambda(&head.method, head.uri.path()), Protocol::RestJson),
        "s3" => (Some(s3(head)), Protocol::S3),
        "route53" | "cloudfront" => (None, Protocol::RestXml),
        _ if stands_in_form(head) => (None, Protocol::Query),
        _ => (None, Protocol::RestJson),
    };
    Asked { action: action.unwrap_or_else(|| UNKNOWN.to_owned()), protocol }
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// `/service/{name}/operation/{action}`, anywhere at the end of a path.
fn rpc_operation(path: &str) -> Option<&str> {
    let mut parts = path.rsplit('/');
    let action = parts.next().filter(|part| !part.is_empty())?;
    (parts.next() == Some("operation") && parts.next().is_some() && parts.next() == Some("service"))
        .then_some(action)
}

fn action_field(form: &[u8]) -> Option<String> {
    form_urlencoded::parse(form)
        .find(|(name, _)| name == "Action")
        .map(|(_, action)| action.into_owned())
        .filter(|action| !action.is_empty() && action.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Lambda's REST paths: an API version, then a collection, then what is wanted of it.
fn lambda(method: &Method, path: &str) -> Option<String> {
    let mut parts = path.trim_matches('/').split('/');
    let _version = parts.next().filter(|part| part.starts_with("20"))?;
    let rest: Vec<&str> = parts.collect();
    let action = match (rest.as_slice(), method.as_str()) {
        (["functions"], "GET") => "ListFunctions",
        (["functions"], "POST") => "CreateFunction",
        (["functions", _], "GET") => "GetFunction",
        (["functions", _], "DELETE") => "DeleteFunction",
        (["functions", _, what], method) => lambda_function(what, method)?,
        (["functions", _, "policy", _], "DELETE") => "RemovePermission",
        (["functions", _, "aliases", _], "GET") => "GetAlias",
        (["functions", _, "aliases", _], "PUT") => "UpdateAlias",
        (["functions", _, "aliases", _], "DELETE") => "DeleteAlias",
        (["event-source-mappings"], "GET") => "ListEventSourceMappings",
        (["event-source-mappings"], "POST") => "CreateEventSourceMapping",
        (["event-source-mappings", _], "GET") => "GetEventSourceMapping",
        (["event-source-mappings", _], "PUT") => "UpdateEventSourceMapping",
        (["event-source-mappings", _], "DELETE") => "DeleteEventSourceMapping",
        (["tags", ..], "GET") => "ListTags",
        (["tags", ..], "POST") => "TagResource",
        (["tags", ..], "DELETE") => "UntagResource",
        (["account-settings"], "GET") => "GetAccountSettings",
        _ => return None,
    };
    Some(action.to_owned())
}

fn lambda_function(what: &str, method: &str) -> Option<&'static str> {
    Some(match (what, method) {
        ("invocations", "POST") => "Invoke",
        ("invoke-async", "POST") => "InvokeAsync",
        ("response-streaming-invocations", "POST") => "InvokeWithResponseStream",
        ("code", "PUT") => "UpdateFunctionCode",
        ("configuration", "GET") => "GetFunctionConfiguration",
        ("configuration", "PUT") => "UpdateFunctionConfiguration",
        ("policy", "GET") => "GetPolicy",
        ("policy", "POST") => "AddPermission",
        ("aliases", "GET") => "ListAliases",
        ("aliases", "POST") => "CreateAlias",
        ("versions", "GET") => "ListVersionsByFunction",
        ("versions", "POST") => "PublishVersion",
        ("concurrency", "GET") => "GetFunctionConcurrency",
        ("concurrency", "PUT") => "PutFunctionConcurrency",
        ("concurrency", "DELETE") => "DeleteFunctionConcurrency",
        ("event-invoke-config", "GET") => "GetFunctionEventInvokeConfig",
        ("event-invoke-config", "PUT") => "PutFunctionEventInvokeConfig",
        ("event-invoke-config", "POST") => "UpdateFunctionEventInvokeConfig",
        ("event-invoke-config", "DELETE") => "DeleteFunctionEventInvokeConfig",
        ("code-signing-config", "GET") => "GetFunctionCodeSigningConfig",
        ("runtime-management-config", "GET") => "GetRuntimeManagementConfig",
        ("recursion-config", "GET") => "GetFunctionRecursionConfig",
        ("recursion-config", "PUT") => "PutFunctionRecursionConfig",
        _ => return None,
    })
}

/// S3: what the method does to the bucket or object, or to the sub-resource that the query names.
fn s3(head: &Parts) -> String {
    let virtual_host =
        header(head, "host").is_some_and(|host| host.contains(".s3.") || host.contains(".s3-"));
    let path = head.uri.path().trim_start_matches('/');
    let has_key = if virtual_host {
        !path.is_empty()
    } else {
        path.split_once('/').is_some_and(|(_, key)| !key.is_empty())
    };
    let has_bucket = virtual_host || !path.is_empty();
    let query = head.uri.query().unwrap_or_default();
    let names: Vec<String> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    let asks = |name: &str| names.iter().any(|known| known == name);
    if has_key { s3_object(head, &asks) } else { s3_bucket(&head.method, has_bucket, &asks) }
}

fn s3_object(head: &Parts, asks: &dyn Fn(&str) -> bool) -> String {
    let action = match head.method.as_str() {
        "POST" if asks("uploads") => "CreateMultipartUpload",
        "PUT" if asks("uploadId") => "UploadPart",
        "POST" if asks("uploadId") => "CompleteMultipartUpload",
        "DELETE" if asks("uploadId") => "AbortMultipartUpload",
        "GET" if asks("uploadId") => "ListParts",
        "PUT" if head.headers.contains_key("x-amz-copy-source") => "CopyObject",
        "HEAD" => "HeadObject",
        method => {
            let noun = [("tagging", "ObjectTagging"), ("acl", "ObjectAcl"), ("retention", "ObjectRetention")]
                .into_iter()
                .find_map(|(name, noun)| asks(name).then_some(noun))
                .unwrap_or("Object");
            return verb(method).map_or_else(|| UNKNOWN.to_owned(), |verb| format!("{verb}{noun}"));
        }
    };
    action.to_owned()
}

fn s3_bucket(method: &Method, has_bucket: bool, asks: &dyn Fn(&str) -> bool) -> String {
    const NOUNS: [(&str, &str); 17] = [
        ("accelerate", "BucketAccelerateConfiguration"),
        ("acl", "BucketAcl"),
        ("cors", "BucketCors"),
        ("encryption", "BucketEncryption"),
        ("lifecycle", "BucketLifecycleConfiguration"),
        ("location", "BucketLocation"),
        ("logging", "BucketLogging"),
        ("notification", "BucketNotificationConfiguration"),
        ("object-lock", "ObjectLockConfiguration"),
        ("ownershipControls", "BucketOwnershipControls"),
        ("policy", "BucketPolicy"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("replication", "BucketReplication"),
        ("requestPayment", "BucketRequestPayment"),
        ("tagging", "BucketTagging"),
        ("versioning", "BucketVersioning"),
        ("website", "BucketWebsite"),
    ];
    let noun = NOUNS.into_iter().find_map(|(name, noun)| asks(name).then_some(noun));
    if let (Some(noun), Some(verb)) = (noun, verb(method.as_str())) {
        return format!("{verb}{noun}");
    }
    let action = match method.as_str() {
        "GET" if !has_bucket => "ListBuckets",
        "GET" if asks("versions") => "ListObjectVersions",
        "GET" if asks("uploads") => "ListMultipartUploads",
        "GET" if asks("list-type") => "ListObjectsV2",
        "GET" => "ListObjects",
        "PUT" if has_bucket => "CreateBucket",
        "DELETE" if has_bucket => "DeleteBucket",
        "HEAD" if has_bucket => "HeadBucket",
        "POST" if asks("delete") => "DeleteObjects",
        _ => UNKNOWN,
    };
    action.to_owned()
}

fn verb(method: &str) -> Option<&'static str> {
    match method {
        "GET" => Some("Get"),
        "PUT" => Some("Put"),
        "DELETE" => Some("Delete"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_json_call_names_its_action_in_the_target_header() {
        let call = head(
            "POST",
            "/",
            &[("x-amz-target", "DynamoDB_20120810.PutItem"), ("content-type", "application/x-amz-json-1.0")],
        );
        let asked = of(&call, "dynamodb", b"");
        assert_eq!(asked.action, "PutItem");
        assert_eq!(asked.protocol, Protocol::Json { content_type: "application/x-amz-json-1.0".to_owned() });
        let call = head("POST", "/", &[("x-amz-target", "GlobalAccelerator_V20180706.UpdateEndpointGroup")]);
        assert_eq!(of(&call, "globalaccelerator", b"").action, "UpdateEndpointGroup");
    }

    #[test]
    fn a_query_call_names_its_action_in_the_form_wherever_it_stands() {
        let call = head("POST", "/", &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        assert!(stands_in_form(&call));
        let form = b"Version=2014-10-31&DBInstanceIdentifier=shop-orders-replica&Action=PromoteReadReplica";
        let asked = of(&call, "rds", form);
        assert_eq!(asked, Asked { action: "PromoteReadReplica".to_owned(), protocol: Protocol::Query });
        let asked = of(&call, "ec2", b"Action=DescribeInstances&Version=2016-11-15");
        assert_eq!(asked.protocol, Protocol::Ec2Query);
    }

    #[test]
    fn a_query_call_may_name_its_action_in_the_address() {
        let call = head("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", &[]);
        assert_eq!(of(&call, "sts", b"").action, "GetCallerIdentity");
    }

    #[test]
    fn a_form_that_cannot_be_read_is_still_answered_in_the_query_protocol() {
        let call = head("POST", "/", &[("content-type", FORM), ("content-encoding", "gzip")]);
        let asked = of(&call, "monitoring", &[0x1f, 0x8b, 0x08]);
        assert_eq!(asked, Asked { action: UNKNOWN.to_owned(), protocol: Protocol::Query });
    }

    #[test]
    fn an_rpc_v2_call_names_its_action_in_the_path() {
        let call = head(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/GetMetricStatistics",
            &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")],
        );
        let asked = of(&call, "monitoring", b"");
        assert_eq!(asked, Asked { action: "GetMetricStatistics".to_owned(), protocol: Protocol::Cbor });
    }

    #[test]
    fn lambda_actions_are_told_by_method_and_path() {
        let arn = "arn%3Aaws%3Alambda%3Aus-west-1%3A123456789012%3Afunction%3Ashop-alarm-handler";
        for (method, path, action) in [
            ("POST", "/2015-03-31/functions/shop-alarm-handler/invocations", "Invoke"),
            ("POST", &format!("/2015-03-31/functions/{arn}/invocations?Qualifier=1"), "Invoke"),
            ("POST", "/2015-03-31/functions", "CreateFunction"),
            ("GET", "/2015-03-31/functions/shop-scale-asg", "GetFunction"),
            ("PUT", "/2015-03-31/functions/shop-scale-asg/code", "UpdateFunctionCode"),
            ("POST", "/2015-03-31/functions/shop-scale-asg/policy", "AddPermission"),
            ("DELETE", "/2015-03-31/functions/shop-scale-asg/policy/sns", "RemovePermission"),
            (
                "GET",
                "/2020-06-30/functions/shop-scale-asg/code-signing-config",
                "GetFunctionCodeSigningConfig",
            ),
            ("PATCH", "/2015-03-31/functions/shop-scale-asg", UNKNOWN),
            ("GET", "/", UNKNOWN),
        ] {
            let asked = of(&head(method, path, &[]), "lambda", b"");
            assert_eq!(
                asked,
                Asked { action: action.to_owned(), protocol: Protocol::RestJson },
                "{method} {path}"
            );
        }
    }

    #[test]
    fn s3_actions_are_told_by_method_path_and_sub_resource() {
        for (method, path, action) in [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/shop-artifacts", "CreateBucket"),
            ("HEAD", "/shop-artifacts", "HeadBucket"),
            ("GET", "/shop-artifacts/?versioning", "GetBucketVersioning"),
            ("PUT", "/shop-artifacts?replication=", "PutBucketReplication"),
            ("GET", "/shop-artifacts?list-type=2&prefix=a%2F", "ListObjectsV2"),
            ("POST", "/shop-artifacts?delete", "DeleteObjects"),
            ("PUT", "/shop-artifacts/a/b.zip", "PutObject"),
            ("GET", "/shop-artifacts/a/b.zip?tagging", "GetObjectTagging"),
            ("PUT", "/shop-artifacts/a/b.zip?partNumber=1&uploadId=x", "UploadPart"),
            ("PATCH", "/shop-artifacts/a/b.zip", UNKNOWN),
        ] {
            assert_eq!(of(&head(method, path, &[]), "s3", b"").action, action, "{method} {path}");
        }
        let virtual_host = head("GET", "/b.zip", &[("host", "shop-artifacts.s3.us-east-2.amazonaws.com")]);
        assert_eq!(of(&virtual_host, "s3", b"").action, "GetObject");
        let copy = head("PUT", "/shop-artifacts/b.zip", &[("x-amz-copy-source", "/a/b.zip")]);
        assert_eq!(of(&copy, "s3", b"").action, "CopyObject");
    }

    #[test]
    fn an_action_of_another_rest_service_is_unknown_rather_than_guessed() {
        assert_eq!(of(&head("GET", "/2013-04-01/hostedzone", &[]), "route53", b"").action, UNKNOWN);
        assert_eq!(of(&head("GET", "/clusters", &[]), "eks", b"").action, UNKNOWN);
    }
}

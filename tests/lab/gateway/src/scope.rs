//! Who calls which service in which region? Read from the `SigV4` credential scope, never from a guess.
//!
//! A scope stands either in the `Authorization` header or, for a presigned request, in the query. It reads
//! `AccessKey/date/region/service/aws4_request`. `SigV4a` leaves the region out of it and names a region set in a
//! header of its own.

use hyper::http::request::Parts;

/// The parts of a credential scope that the gateway acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    /// Absent only for a `SigV4a` signature over a set that isn't exactly one region.
    pub(crate) region: Option<String>,
    /// The signing name, which isn't always the name people use: `CloudWatch` signs as `monitoring`.
    pub(crate) service: String,
}

/// The scope of a request, or nothing when it isn't signed.
pub(crate) fn of(head: &Parts) -> Option<Scope> {
    in_header(head).or_else(|| in_query(head))
}

fn in_header(head: &Parts) -> Option<Scope> {
    let authorization = head.headers.get("authorization")?.to_str().ok()?;
    let (algorithm, fields) = authorization.split_once(' ')?;
    if !algorithm.starts_with("AWS4-") {
        return None;
    }
    let credential = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
    parse(credential, region_set(head))
}

fn in_query(head: &Parts) -> Option<Scope> {
    let query = head.uri.query()?;
    let (_, credential) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "X-Amz-Credential")?;
    parse(&credential, region_set(head))
}

fn region_set(head: &Parts) -> Option<&str> {
    let set = head.headers.get("x-amz-region-set")?.to_str().ok()?;
    is_region(set).then_some(set)
}

/// Reads from the right, because nothing forbids a slash in an access key.
fn parse(credential: &str, region_set: Option<&str>) -> Option<Scope> {
    let mut parts = credential.rsplit('/');
    if parts.next()? != "aws4_request" {
        return None;
    }
    let service = parts.next()?;
    let before = parts.next()?;
    let (region, rest) = if is_date(before) {
        (region_set, credential.split_once(&format!("/{before}/"))?.0)
    } else {
        let date = parts.next().filter(|part| is_date(part))?;
        (Some(before), credential.split_once(&format!("/{date}/"))?.0)
    };
    if rest.is_empty() || service.is_empty() || before.is_empty() {
        return None;
    }
    Some(Scope {
        access_key: rest.to_owned(),
        region: region.map(str::to_owned),
        service: service.to_owned(),
    })
}

fn is_date(part: &str) -> bool {
    part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The region an unsigned request is addressed to, when its `Host` says so (`sqs.us-east-2.amazonaws.com`).
pub(crate) fn region_of_host(head: &Parts) -> Option<String> {
    let host = head.headers.get("host")?.to_str().ok()?;
    let name = host.split(':').next()?;
    // The first label is a service or a bucket, and a bucket may be named like a region.
    name.split('.').skip(1).find(|label| is_region(label)).map(str::to_owned)
}

/// Whether this is shaped like the name of an AWS region: `us-east-2`, `us-gov-west-1`.
pub(crate) fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [first, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    let lower = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    first.len() == 2
        && lower(first)
        && (1..=2).contains(&middle.len())
        && middle.iter().all(|part| !part.is_empty() && lower(part))
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn scope(access_key: &str, region: Option<&str>, service: &str) -> Scope {
        Scope {
            access_key: access_key.to_owned(),
            region: region.map(str::to_owned),
            service: service.to_owned(),
        }
    }

    #[test]
    fn the_header_of_a_signed_call_names_key_region_and_service() {
        let signed = head(
            "/",
            &[(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261120/us-east-2/rds/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, Signature=fe5f80f7",
            )],
        );
        assert_eq!(of(&signed), Some(scope("AKIAIOSFODNN7EXAMPLE", Some("us-east-2"), "rds")));
    }

    #[test]
    fn a_header_without_blanks_is_read_the_same() {
        let signed = head(
            "/",
            &[(
                "authorization",
                "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=test/20261120/us-west-1/monitoring/aws4_request,Signature=0",
            )],
        );
        assert_eq!(of(&signed), Some(scope("test", Some("us-west-1"), "monitoring")));
    }

    #[test]
    fn a_presigned_query_names_them_too() {
        let signed = head(
            "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261120%2Fus-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0",
            &[],
        );
        assert_eq!(of(&signed), Some(scope("AKIA", Some("us-west-1"), "s3")));
    }

    #[test]
    fn a_slash_in_the_access_key_does_not_shift_the_parts() {
        let signed = head(
            "/",
            &[(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=a/b/20261120/us-east-2/sns/aws4_request, Signature=0",
            )],
        );
        assert_eq!(of(&signed), Some(scope("a/b", Some("us-east-2"), "sns")));
    }

    #[test]
    fn sigv4a_takes_its_region_from_the_region_set_when_it_is_one_region() {
        let authorization = "AWS4-ECDSA-P256-SHA256 Credential=AKIA/20261120/s3/aws4_request, Signature=0";
        let one = head("/", &[("authorization", authorization), ("x-amz-region-set", "us-east-2")]);
        assert_eq!(of(&one), Some(scope("AKIA", Some("us-east-2"), "s3")));
        let any = head("/", &[("authorization", authorization), ("x-amz-region-set", "*")]);
        assert_eq!(of(&any), Some(scope("AKIA", None, "s3")));
    }

    #[test]
    fn what_is_not_a_scope_is_not_read_as_one() {
        for authorization in [
            "Bearer abc",
            "Basic dXNlcjpwYXNz",
            "AWS4-HMAC-SHA256 Signature=0",
            "AWS4-HMAC-SHA256 Credential=aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKIA/us-east-2/rds/aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKIA/20261120/us-east-2/rds/aws5_request",
            "AWS4-HMAC-SHA256 Credential=/20261120/us-east-2/rds/aws4_request",
        ] {
            assert_eq!(of(&head("/", &[("authorization", authorization)])), None, "{authorization}");
        }
        assert_eq!(of(&head("/_lab/health", &[])), None);
    }

    #[test]
    fn an_unsigned_request_may_name_its_region_in_the_host() {
        let region = |host| region_of_host(&head("/", &[("host", host)]));
        assert_eq!(region("sqs.us-east-2.amazonaws.com:443"), Some("us-east-2".to_owned()));
        assert_eq!(region("127.0.0.1:4566"), None);
        assert_eq!(region("my-bucket-1.s3.localhost"), None);
    }

    #[test]
    fn region_names_are_told_from_other_words() {
        for name in ["us-east-2", "us-west-1", "ap-southeast-4", "us-gov-west-1", "me-central-1"] {
            assert!(is_region(name), "{name}");
        }
        for name in ["", "us", "us-east", "US-EAST-2", "us-east-12", "east-us-2", "us--1", "a-b-c-d-e-1"] {
            assert!(!is_region(name), "{name}");
        }
    }
}

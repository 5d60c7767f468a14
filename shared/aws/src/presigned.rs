//! How does RDS of one region let another read a snapshot? By a URL that asks the snapshot's region for the copy, signed
//! with the caller's credentials.
//!
//! RDS wants it where a copy changes its key in `GovCloud`, and ignores it elsewhere, so it always goes along, as with the
//! command line. The SDK for Rust does not make it. It is a secret: it appears in no log and in no failure.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use ports::{Answer, CopyOrder, Failure, FailureKind};
use protocol::arn::Arn;
use protocol::snapshots::SourceKind;
use url::Url;

use crate::failure::ours;

/// How long the URL may be used: RDS uses it at once, and once more while it takes up the copy.
const EXPIRES_IN: Duration = Duration::from_hours(1);

/// The URL for a copy into a region.
pub(crate) fn copy_url(
    action: &'static str,
    order: &CopyOrder,
    to: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Answer<String> {
    let unsignable = |why: String| ours(FailureKind::Invalid, action, "unsignable", why);
    let source = Arn::parse(&order.snapshot).filter(|arn| !arn.region.is_empty());
    let source =
        source.ok_or_else(|| unsignable(format!("{} is not the ARN of a snapshot", order.snapshot)))?;
    let suffix = dns_suffix(source.partition);
    let mut url = Url::parse(&format!("https://rds.{}.{suffix}/", source.region))
        .map_err(|error| unsignable(error.to_string()))?;
    let (name, source_field, target_field) = match order.kind {
        SourceKind::Instance => {
            ("CopyDBSnapshot", "SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier")
        }
        SourceKind::Cluster => (
            "CopyDBClusterSnapshot",
            "SourceDBClusterSnapshotIdentifier",
            "TargetDBClusterSnapshotIdentifier",
        ),
    };
    let mut query =
        vec![("Action", name), ("DestinationRegion", to), (source_field, order.snapshot.as_str())];
    query.extend([(target_field, order.id.as_str()), ("Version", "2014-10-31")]);
    query.extend(order.kms_key.as_deref().map(|key| ("KmsKeyId", key)));
    url.query_pairs_mut().extend_pairs(query);
    let scope = SigningScope { service: "rds", region: source.region, expires_in: EXPIRES_IN };
    presign(&mut url, &scope, credentials, now)
        .ok_or_else(|| unsignable("the URL for the copy can't be signed".to_owned()))?;
    Ok(url.to_string())
}

/// What a signature is good for.
pub(crate) struct SigningScope<'a> {
    /// As it is called in signatures.
    pub(crate) service: &'static str,
    /// The service's region.
    pub(crate) region: &'a str,
    /// How long.
    pub(crate) expires_in: Duration,
}

/// Signs the request that a URL is, in its query. Nothing where that can't be done: the signer's words may hold the request, and stay
/// here.
pub(crate) fn presign(
    url: &mut Url,
    scope: &SigningScope<'_>,
    credentials: &Credentials,
    now: Timestamp,
) -> Option<()> {
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(scope.expires_in);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::from(now))
        .settings(settings)
        .build()
        .ok()?;
    let text = url.to_string();
    let request = SignableRequest::new("GET", text.as_str(), std::iter::empty(), SignableBody::empty());
    let signed = request.and_then(|request| sign(request, &params.into())).ok()?;
    for (name, value) in signed.output().params() {
        url.query_pairs_mut().append_pair(name, value);
    }
    Some(())
}

/// What the names of a partition's services end with.
fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// What stands for credentials that can't be had.
pub(crate) fn no_credentials(action: &'static str) -> Failure {
    ours(
        FailureKind::Denied,
        action,
        "no_credentials",
        "the function has no credentials to sign the copy with",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn order() -> CopyOrder {
        CopyOrder {
            snapshot: "arn:aws:rds:us-east-2:123456789012:snapshot:pilotlight-shop-orders-20261120t030000z"
                .to_owned(),
            kind: SourceKind::Instance,
            id: "pilotlight-shop-orders-20261120t030000z".to_owned(),
            kms_key: Some("arn:aws:kms:us-west-1:123456789012:key/0a1b".to_owned()),
            option_group: None,
            tags: BTreeMap::new(),
        }
    }

    fn url(order: &CopyOrder, token: Option<&str>) -> Url {
        let credentials =
            Credentials::new("AKIATEST", "not-a-secret", token.map(str::to_owned), None, "test");
        let now = "2026-11-20T03:00:00Z".parse().unwrap();
        Url::parse(&copy_url("rds:CopyDBSnapshot", order, "us-west-1", &credentials, now).unwrap()).unwrap()
    }

    fn value(url: &Url, name: &str) -> Option<String> {
        url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    #[test]
    fn the_url_asks_the_snapshots_region_for_the_copy() {
        let url = url(&order(), Some("token"));
        assert_eq!(url.host_str(), Some("rds.us-east-2.amazonaws.com"));
        for (name, expected) in [
            ("Action", "CopyDBSnapshot"),
            ("Version", "2014-10-31"),
            ("DestinationRegion", "us-west-1"),
            ("KmsKeyId", "arn:aws:kms:us-west-1:123456789012:key/0a1b"),
            ("SourceDBSnapshotIdentifier", order().snapshot.as_str()),
            ("TargetDBSnapshotIdentifier", order().id.as_str()),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIATEST/20261120/us-east-2/rds/aws4_request"),
            ("X-Amz-Expires", "3600"),
            ("X-Amz-Security-Token", "token"),
            ("X-Amz-SignedHeaders", "host"),
        ] {
            assert_eq!(value(&url, name).as_deref(), Some(expected), "{name}");
        }
    }

    /// The signature that botocore 1.43 gives the same request.
    #[test]
    fn the_signature_is_the_one_that_another_sdk_gives() {
        let signature = value(&url(&order(), None), "X-Amz-Signature").unwrap();
        assert_eq!(signature, "e10061c0bef2f7e62aa210d5912bb63d064bb6483af90093856c59c83abc4944");
    }

    #[test]
    fn a_cluster_has_names_of_its_own_and_china_a_suffix_of_its_own() {
        let order = CopyOrder {
            snapshot: "arn:aws-cn:rds:cn-north-1:123456789012:cluster-snapshot:x".to_owned(),
            kind: SourceKind::Cluster,
            kms_key: None,
            ..order()
        };
        let url = url(&order, None);
        assert_eq!(url.host_str(), Some("rds.cn-north-1.amazonaws.com.cn"));
        assert_eq!(value(&url, "Action").as_deref(), Some("CopyDBClusterSnapshot"));
        assert!(value(&url, "SourceDBClusterSnapshotIdentifier").is_some());
        assert_eq!(value(&url, "KmsKeyId"), None);
    }
}

//! What does an SDK error mean to a caller? Classifies it as a [`ports::Failure`].
//!
//! A code the tables don't have is sorted by its HTTP status. Nothing of a request or of an answer's body goes into
//! a failure but the service's own code and message, on one line and cut.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ports::{Answer, Failure, FailureKind};

/// Why there is no session, as the cause of the SDK's own error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoSession(pub(crate) Failure);

/// Longest message that is kept.
const MESSAGE_CHARACTERS_MAX: usize = 500;
/// How deep the causes of an error are followed.
const CAUSES_MAX: usize = 12;

/// The codes of every service that is called here, by what a caller can do about them. Query services answer with
/// the name the table has, some of them with `Fault` or `Exception` behind it; both are cut off before the look.
const CODES: &[(FailureKind, &[&str])] = &[
    (
        FailureKind::Throttled,
        &[
            "BandwidthLimitExceeded",
            "EC2Throttled",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
            "Throttled",
            "Throttling",
            "TooManyRequests",
        ],
    ),
    (
        FailureKind::Denied,
        &[
            "AccessDenied",
            "AuthorizationError",
            "AuthFailure",
            "ExpiredToken",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignature",
            "KMSAccessDenied",
            "KMSKeyNotAccessible",
            "KMSOptInRequired",
            "MissingAuthenticationToken",
            "NotAuthorized",
            "OptInRequired",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnauthorizedOperation",
            "UnrecognizedClient",
        ],
    ),
    (
        FailureKind::Missing,
        &[
            "AcceleratorNotFound",
            "DBClusterNotFound",
            "DBClusterSnapshotNotFound",
            "DBInstanceNotFound",
            "DBParameterGroupNotFound",
            "DBSnapshotNotFound",
            "EndpointGroupNotFound",
            "EndpointNotFound",
            "GlobalClusterNotFound",
            "InvalidAMIID.NotFound",
            "InvalidAMIID.Unavailable",
            "InvalidInstanceType",
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateId.VersionNotFound",
            "InvalidSnapshot.NotFound",
            "InvalidSubnetID.NotFound",
            "LoadBalancerNotFound",
            "NoSuchEntity",
            "NoSuchResource",
            "NotFound",
            "OptionGroupNotFound",
            "ParameterNotFound",
            "QueueDoesNotExist",
            "ResourceNotFound",
            "TargetGroupNotFound",
        ],
    ),
    (
        FailureKind::Conflict,
        &[
            "ConditionalCheckFailed",
            "Conflict",
            "DBClusterSnapshotAlreadyExists",
            "DBSnapshotAlreadyExists",
            "InvalidDBClusterSnapshotState",
            "InvalidDBClusterState",
            "InvalidDBInstanceState",
            "InvalidDBSnapshotState",
            "InvalidGlobalClusterState",
            "OperationInProgress",
            "ResourceContention",
            "ResourceInUse",
            "ScalingActivityInProgress",
            "TransactionConflict",
            "TransactionInProgress",
        ],
    ),
    (
        FailureKind::Unavailable,
        &[
            "InsufficientDBInstanceCapacity",
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalService",
            "RequestTimeout",
            "ServiceUnavailable",
        ],
    ),
];

/// An SDK error, as what it means to a caller. `action` is written as in a policy: `rds:PromoteReadReplica`.
pub(crate) fn failure<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + ProvideErrorMetadata + 'static,
{
    if let Some(failure) = no_session(error) {
        return failure;
    }
    match error {
        SdkError::TimeoutError(_) => ours(FailureKind::Unreachable, action, "timeout", causes(error)),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
            ours(FailureKind::Unreachable, action, "timeout", causes(error))
        }
        SdkError::DispatchFailure(dispatch) if dispatch.is_user() => {
            ours(FailureKind::Invalid, action, "dispatch", causes(error))
        }
        SdkError::DispatchFailure(_) => ours(FailureKind::Unreachable, action, "dispatch", causes(error)),
        SdkError::ConstructionFailure(_) => ours(FailureKind::Invalid, action, "construction", causes(error)),
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            // An answer that can't be read says nothing of what happened, unless its status does.
            let kind = if status >= 500 { FailureKind::Unavailable } else { FailureKind::Unreachable };
            ours(kind, action, "response", format!("HTTP status {status}: {}", causes(error)))
        }
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let error = service.err();
            let code = error.code().map_or_else(|| format!("http_{status}"), str::to_owned);
            let message = error.message().unwrap_or("the service gave no message");
            Failure { kind: kind_of(&code, status), action, code, message: one_line(message) }
        }
        other => ours(FailureKind::Unreachable, action, "unknown", causes(other)),
    }
}

/// Why a call was not even made: it has no session of the role that it is made as.
fn no_session(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source()).take(CAUSES_MAX);
    causes.find_map(|cause| cause.downcast_ref::<NoSession>()).map(|why| why.0.clone())
}

/// A failure that this crate itself found.
pub(crate) fn ours(kind: FailureKind, action: &'static str, code: &str, message: impl AsRef<str>) -> Failure {
    Failure { kind, action, code: code.to_owned(), message: one_line(message.as_ref()) }
}

/// Nothing in place of an answer that what was asked about does not exist.
pub(crate) fn if_there<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::Missing => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What a service's code and the HTTP status it came with mean.
pub(crate) fn kind_of(code: &str, status: u16) -> FailureKind {
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    let bare = bare.strip_suffix("Fault").unwrap_or(bare);
    let known =
        CODES.iter().find(|(_, codes)| codes.contains(&bare) || codes.contains(&code)).map(|(kind, _)| *kind);
    known.unwrap_or(match status {
        401 | 403 => FailureKind::Denied,
        404 => FailureKind::Missing,
        409 => FailureKind::Conflict,
        429 => FailureKind::Throttled,
        500.. => FailureKind::Unavailable,
        _ => FailureKind::Invalid,
    })
}

/// An error with its causes. The SDK's own text says only `dispatch failure`; the cause is what helps.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(cause) = next else { break };
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// A text on one line, cut to [`MESSAGE_CHARACTERS_MAX`].
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MESSAGE_CHARACTERS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::metadata::ErrorMetadata;

    use super::*;

    #[derive(Debug)]
    struct Refusal(ErrorMetadata);

    impl std::fmt::Display for Refusal {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("service error")
        }
    }
    impl Error for Refusal {}
    impl ProvideErrorMetadata for Refusal {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn response(status: u16, body: &'static str) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
    }

    fn refusal(code: Option<&str>, message: &str, status: u16) -> Failure {
        let mut meta = ErrorMetadata::builder().message(message);
        if let Some(code) = code {
            meta = meta.code(code);
        }
        let error = SdkError::service_error(Refusal(meta.build()), response(status, "SECRET"));
        failure("rds:PromoteReadReplica", &error)
    }

    #[test]
    fn every_code_means_what_a_caller_can_do_about_it() {
        use FailureKind::{Conflict, Denied, Invalid, Missing, Throttled, Unavailable};
        for (code, status, expected) in [
            ("Throttling", 400, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("ProvisionedThroughputExceededException", 400, Throttled),
            ("RequestLimitExceeded", 503, Throttled),
            ("Throttled", 429, Throttled),
            ("AccessDenied", 403, Denied),
            ("AccessDeniedException", 400, Denied),
            ("UnauthorizedOperation", 403, Denied),
            ("AuthorizationError", 403, Denied),
            ("AuthorizationErrorException", 403, Denied),
            ("InvalidClientTokenId", 403, Denied),
            ("ExpiredTokenException", 400, Denied),
            ("DBInstanceNotFound", 404, Missing),
            ("DBInstanceNotFoundFault", 404, Missing),
            ("TargetGroupNotFound", 400, Missing),
            ("EndpointGroupNotFoundException", 400, Missing),
            ("ResourceNotFoundException", 400, Missing),
            ("NotFound", 404, Missing),
            ("InvalidDBInstanceState", 400, Conflict),
            ("InvalidDBInstanceStateFault", 400, Conflict),
            ("InvalidDBSnapshotState", 400, Conflict),
            ("InvalidGlobalClusterStateFault", 400, Conflict),
            ("InvalidDBClusterStateFault", 400, Conflict),
            ("GlobalClusterNotFoundFault", 404, Missing),
            ("DBClusterNotFoundFault", 404, Missing),
            ("DBSnapshotAlreadyExists", 400, Conflict),
            ("DBSnapshotNotFound", 404, Missing),
            ("KMSKeyNotAccessibleFault", 400, Denied),
            ("SnapshotQuotaExceeded", 400, Invalid),
            ("ScalingActivityInProgress", 400, Conflict),
            ("ScalingActivityInProgressFault", 400, Conflict),
            ("ResourceContention", 500, Conflict),
            ("TransactionInProgressException", 400, Conflict),
            ("TransactionConflictException", 400, Conflict),
            ("ConflictException", 409, Conflict),
            ("InternalFailure", 500, Unavailable),
            ("InternalServerError", 500, Unavailable),
            ("InternalServiceErrorException", 400, Unavailable),
            ("ServiceUnavailable", 503, Unavailable),
            ("SomethingNew", 502, Unavailable),
            ("SomethingNew", 403, Denied),
            ("SomethingNew", 404, Missing),
            ("SomethingNew", 429, Throttled),
            ("ValidationError", 400, Invalid),
            ("InvalidParameterValue", 400, Invalid),
            ("SomethingNew", 400, Invalid),
        ] {
            assert_eq!(kind_of(code, status), expected, "{code} {status}");
        }
    }

    #[test]
    fn a_service_error_keeps_the_services_code_and_words_and_nothing_of_the_body() {
        let seen = refusal(Some("AccessDenied"), "User: shop is not authorized\nto perform this", 403);
        assert_eq!(
            seen.to_string(),
            "rds:PromoteReadReplica: User: shop is not authorized to perform this (AccessDenied)"
        );
        assert!(!format!("{seen:?}").contains("SECRET"));
    }

    #[test]
    fn an_answer_without_a_code_is_sorted_by_its_status() {
        let seen = refusal(None, "gone", 503);
        assert_eq!((seen.kind, seen.code.as_str()), (FailureKind::Unavailable, "http_503"));
    }

    #[test]
    fn no_answer_in_time_and_a_broken_connection_are_unreachable_with_their_cause() {
        let timeout: SdkError<Refusal, HttpResponse> = SdkError::timeout_error("operation timeout");
        let io = SdkError::<Refusal, HttpResponse>::dispatch_failure(ConnectorError::io(
            std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
        ));
        let slow = SdkError::<Refusal, HttpResponse>::dispatch_failure(ConnectorError::timeout(
            "connect timed out".into(),
        ));
        for (error, code, words) in [
            (timeout, "timeout", "operation timeout"),
            (io, "dispatch", "reset"),
            (slow, "timeout", "connect"),
        ] {
            let seen = failure("dynamodb:PutItem", &error);
            assert_eq!((seen.kind, seen.code.as_str()), (FailureKind::Unreachable, code));
            assert!(seen.message.contains(words), "{}", seen.message);
        }
    }

    #[test]
    fn an_unreadable_answer_is_unreachable_unless_its_status_says_more() {
        for (status, expected) in [(200, FailureKind::Unreachable), (502, FailureKind::Unavailable)] {
            let error = SdkError::<Refusal, _>::response_error("not XML", response(status, "<html>"));
            assert_eq!(failure("rds:DescribeDBInstances", &error).kind, expected, "{status}");
        }
    }

    #[test]
    fn a_request_that_could_not_be_built_is_invalid() {
        let error = SdkError::<Refusal, HttpResponse>::construction_failure("no region");
        assert_eq!(failure("sns:Publish", &error).kind, FailureKind::Invalid);
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(refusal(Some("X"), &"x".repeat(10_000), 400).message.len(), MESSAGE_CHARACTERS_MAX);
    }
}

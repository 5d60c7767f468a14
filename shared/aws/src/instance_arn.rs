//! What does the ARN of an RDS instance say?

use ports::{Answer, FailureKind};
use protocol::arn::Arn;

use crate::failure::ours;

/// Identifier and region of an instance, from its ARN. RDS keeps identifiers in lower case.
pub(crate) fn instance(action: &'static str, arn: &str) -> Answer<(String, String)> {
    Arn::parse(arn)
        .filter(|arn| arn.service == "rds" && !arn.region.is_empty())
        .and_then(|arn| Some((arn.resource.strip_prefix("db:")?.to_lowercase(), arn.region.to_owned())))
        .ok_or_else(|| {
            ours(
                FailureKind::Invalid,
                action,
                "not_an_instance",
                format!("{arn} is not the ARN of an RDS instance"),
            )
        })
}

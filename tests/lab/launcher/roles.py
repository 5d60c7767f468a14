"""What may a role do that a service takes on to deliver something?"""

from __future__ import annotations

from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn


def may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the role's policies allow a call; a role that doesn't exist may do nothing."""
    try:
        role, resource = parse_arn(role_arn), parse_arn(resource_arn)
    except ArnParseError:
        return False
    policies = iam_evaluator._gather_role_policies(role.resource.rpartition("/")[2], role.account_id)
    context = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=role.account_id,
        action=action,
        resource_arn=resource_arn,
        region=resource.region,
    )
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")

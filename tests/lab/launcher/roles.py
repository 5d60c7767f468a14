"""Who may take a role that a service takes on to deliver something, and what may it do then?"""

from __future__ import annotations

import json

from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import iam


def trusts(role_arn: str, service: str, source_arn: str) -> bool:
    """Whether the role's trust policy lets the service take it on behalf of the source."""
    try:
        spec, source = parse_arn(role_arn), parse_arn(source_arn)
    except ArnParseError:
        return False
    role = iam._roles.get_scoped(spec.account_id, None, spec.resource.rpartition("/")[2])
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=source.region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": source.account_id},
    )
    # A trust policy names no resource: it is the role's own.
    policy = json.loads((role or {}).get("AssumeRolePolicyDocument") or "{}")
    statements = policy.get("Statement", [])
    policy["Statement"] = [
        {**statement, "Resource": "*"}
        for statement in (statements if isinstance(statements, list) else [statements])
    ]
    answer = iam_evaluator.evaluate_resource_policy(policy, context, service=service)
    return bool(answer.decision == "Allow")


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

"""What does IAM's simulation say of each resource that it is asked about?

The emulator answers for the first one only, and knows no context. Here the keys of the services count that are given.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny"}


def install() -> None:
    """Replaces the emulator's answer."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _simulate


def _simulate(params: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """SimulatePrincipalPolicy for a role, with every action and every resource that is named."""
    source = iam._p(params, "PolicySourceArn")
    account, name = get_account_id(), source.rpartition("/")[2]
    if ":role/" not in source or iam._roles.get(name) is None:
        return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.", ns="iam")
    policies = iam_evaluator._gather_role_policies(name, account)
    actions = _members(params, "ActionNames")
    resources = _members(params, "ResourceArns") or ["*"]
    given = _context(params)
    region = given.pop("aws:RequestedRegion", None) or get_region()
    context = {key.lower(): value for key, value in given.items()}
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{_decide(source, account, action, resource, region, policies, context)}</EvalDecision>"
        "<MatchedStatements/><MissingContextValues/></member>"
        for action in actions
        for resource in resources
    )
    body = (
        f"<SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>"
        "<IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>"
    )
    return iam._xml(200, "SimulatePrincipalPolicyResponse", body, ns="iam")


def _decide(
    source: str,
    account: str,
    action: str,
    resource: str,
    region: str,
    policies: Any,
    service_context: dict[str, str],
) -> str:
    context = iam_evaluator.EvalContext(
        principal_arn=source,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context=service_context,
    )
    return _DECISIONS.get(iam_evaluator.evaluate(context, policies).decision, "implicitDeny")


def _members(params: dict[str, Any], name: str) -> list[str]:
    found, number = [], 1
    while value := iam._p(params, f"{name}.member.{number}"):
        found.append(value)
        number += 1
    return found


def _context(params: dict[str, Any]) -> dict[str, str]:
    found, number = {}, 1
    while key := iam._p(params, f"ContextEntries.member.{number}.ContextKeyName"):
        found[key] = iam._p(params, f"ContextEntries.member.{number}.ContextKeyValues.member.1")
        number += 1
    return found

"""Which calls does IAM check that the emulator would let pass, or check on the wrong resource?"""

from __future__ import annotations

import contextvars
import json
import re
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.services import autoscaling, dynamodb, iam, rds

from . import globalaccelerator

_OPERATION_PATH = re.compile(r"/operation/([A-Za-z]+)$")

_ON_CONCURRENCY = {"GET": "lambda:GetFunctionConcurrency", "DELETE": "lambda:DeleteFunctionConcurrency"}

_SESSION_ARN = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")

# The resources beyond the first that the request under way names.
_further_resources: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar(
    "further_resources", default=()
)


def install() -> None:
    """Registers the checks with the emulator, which looks these functions up at each request."""
    extract_action, extract_resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
    tag_context, enforce = iam_actions.request_tag_context, iam_evaluator.enforce

    def action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, params: Any
    ) -> str | None:
        operation = _OPERATION_PATH.search(path) if service == "monitoring" else None
        if operation:  # smithy rpc-v2-cbor: the Rust SDK's CloudWatch client
            return f"cloudwatch:{operation.group(1)}"
        found = extract_action(service, method, path, headers, body, params)
        # The emulator takes every call on a function's reserved concurrency for the one that sets it.
        if found == "lambda:PutFunctionConcurrency":
            return _ON_CONCURRENCY.get(method, found)
        # One permission covers both calls on AWS.
        return "sns:Publish" if found == "sns:PublishBatch" else found

    def resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        params: Any,
        region: str,
        account: str,
    ) -> str:
        found = _resources(service, path, headers, body, params, region, account)
        if not found:
            found = [extract_resource(service, method, path, headers, body, params, region, account)]
        _further_resources.set(tuple(found[1:]))
        return found[0]

    def context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        keys = tag_context(service, iam_action, body, params)
        if iam_action == "cloudwatch:PutMetricData":
            namespace = _first(params, "Namespace") or (_json(body) or _cbor(body)).get("Namespace")
            if namespace:
                keys["cloudwatch:namespace"] = namespace
        if service == "rds" and (name := _first(params, "DBSnapshotIdentifier")):
            for tag in (rds._snapshots.get(name) or {}).get("TagList", []):
                keys[f"aws:ResourceTag/{tag['Key']}"] = tag["Value"]
        if iam_action == "dynamodb:PutItem":
            document = _json(body)
            key = (dynamodb._tables.get(document.get("TableName")) or {}).get("pk_name", "")
            keys["dynamodb:leadingkeys"] = [str(v) for v in document.get("Item", {}).get(key, {}).values()]
        if service == "autoscaling":
            group = autoscaling._asgs.get(_first(params, "AutoScalingGroupName")) or {}
            for tag in group.get("Tags", []):
                keys[f"aws:ResourceTag/{tag['Key']}"] = keys[f"autoscaling:ResourceTag/{tag['Key']}"] = tag[
                    "Value"
                ]
        return keys

    def enforce_all(
        access_key: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        denied = enforce(access_key, iam_action, service, region, resource_arn, service_context)
        further, _ = _further_resources.get(), _further_resources.set(())
        for arn in further:
            denied = denied or enforce(access_key, iam_action, service, region, arn, service_context)
        return denied

    resolve_key = iam_evaluator._resolve_condition_key

    def condition_key(key: str, evaluation: Any) -> Any:
        # The local world speaks plain HTTP where AWS speaks TLS: what it stands for is TLS.
        if key.lower() == "aws:securetransport":
            return "true"
        # A delivery of a service calls as the service; every other call has an identity.
        if key.lower() == "aws:principalisawsservice":
            return "true" if evaluation.principal_type == "Service" else "false"
        value = resolve_key(key, evaluation)
        return role_arn(value) if key.lower() == "aws:principalarn" else value

    iam_evaluator._resolve_condition_key = condition_key
    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource
    iam_actions.request_tag_context, iam_evaluator.enforce = context, enforce_all


def role_arn(principal: str) -> str:
    """The ARN that `aws:PrincipalArn` has on AWS: of a session's role, not of the session."""
    session = _SESSION_ARN.match(principal or "")
    if not session:
        return principal
    account, name = session.groups()
    role = iam._roles.get(name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _resources(
    service: str, path: str, headers: dict[str, str], body: bytes, params: Any, region: str, account: str
) -> list[str]:
    """The resources a request names where the emulator misreads them; empty to keep its reading."""
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    if service == "globalaccelerator":
        return [globalaccelerator.resource_arn(_json(body))]
    if service == "monitoring" and _OPERATION_PATH.search(path):
        name = _cbor(body).get("AlarmName")
        return [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"] if name else ["*"]
    if service == "ssm" and target in ("GetParameters", "DeleteParameters"):
        names = [str(name) for name in _json(body).get("Names") or []]
        return [f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}" for name in names]
    if service == "ssm" and target == "GetParametersByPath":
        wanted = str(_json(body).get("Path", "/")).strip("/")
        return [f"arn:aws:ssm:{region}:{account}:parameter/{wanted}"]
    if service == "elasticloadbalancing" and _first(params, "Action").startswith("Describe"):
        return ["*"]  # AWS knows no resources for these calls
    if service == "iam" and _first(params, "Action") == "SimulatePrincipalPolicy":
        return [_first(params, "PolicySourceArn")]
    if service == "rds" and "Snapshot" in _first(params, "Action"):
        return _snapshot_resources(params, region, account)
    if service == "rds" and "Cluster" in _first(params, "Action"):
        return _cluster_resources(params, region, account)
    if service == "rds" and (group := _group_resource(params, region, account)):
        return [group]
    if service == "rds" and (named := _first(params, "ResourceName")):  # tags, of whatever has an ARN
        return [named]
    if service == "rds":
        name = _first(params, "DBInstanceIdentifier")
        if not name and _first(params, "Action") == "DescribeDBInstances":
            return [f"arn:aws:rds:{region}:{account}:db:*"]
        return [name] if name.startswith("arn:") else []
    if service == "autoscaling" and _first(params, "Action").startswith("Describe"):
        return ["*"]  # nor for these
    if service == "autoscaling":
        group = autoscaling._asgs.get(_first(params, "AutoScalingGroupName"))
        return [group["AutoScalingGroupARN"]] if group and get_region() == region else []
    return []


def _snapshot_resources(params: Any, region: str, account: str) -> list[str]:
    """What of an instance, a snapshot and its copy a call names (service authorization reference)."""
    prefix, found = f"arn:aws:rds:{region}:{account}", []
    for field, kind in (
        ("DBInstanceIdentifier", "db"),
        ("DBSnapshotIdentifier", "snapshot"),
        ("SourceDBSnapshotIdentifier", "snapshot"),
        ("TargetDBSnapshotIdentifier", "snapshot"),
        ("DBClusterIdentifier", "cluster"),
        ("DBClusterSnapshotIdentifier", "cluster-snapshot"),
        ("SourceDBClusterSnapshotIdentifier", "cluster-snapshot"),
        ("TargetDBClusterSnapshotIdentifier", "cluster-snapshot"),
    ):
        if name := _first(params, field):
            found.append(name if name.startswith("arn:") else f"{prefix}:{kind}:{name}")
    return found or [f"{prefix}:{'cluster-' if 'Cluster' in _first(params, 'Action') else ''}snapshot:*"]


def _group_resource(params: Any, region: str, account: str) -> str:
    """The parameter group or option group that a description names; empty where it names none."""
    kinds = {
        "DescribeDBParameters": ("pg", "DBParameterGroupName"),
        "DescribeOptionGroups": ("og", "OptionGroupName"),
    }
    kind, field = kinds.get(_first(params, "Action"), ("", ""))
    name = _first(params, field) if kind else ""
    return f"arn:aws:rds:{region}:{account}:{kind}:{name}" if name else ""


def _cluster_resources(params: Any, region: str, account: str) -> list[str]:
    """What of a global database and a cluster a call names; empty to keep the emulator's reading."""
    action, found = _first(params, "Action"), []
    if "GlobalCluster" in action and (name := _first(params, "GlobalClusterIdentifier")):
        found.append(f"arn:aws:rds::{account}:global-cluster:{name}")
        if target := _first(params, "TargetDbClusterIdentifier"):
            found.append(target)
    elif action in ("DescribeDBClusters", "ModifyDBCluster") and (
        name := _first(params, "DBClusterIdentifier")
    ):
        found.append(name if name.startswith("arn:") else f"arn:aws:rds:{region}:{account}:cluster:{name}")
    return found


def _first(params: Any, name: str) -> str:
    value = params.get(name, "")
    return str(value[0] if value else "") if isinstance(value, list) else str(value)


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _cbor(body: bytes) -> dict[str, Any]:
    import cbor2

    try:
        document = cbor2.loads(body) if body else {}
    except Exception:
        return {}
    return document if isinstance(document, dict) else {}

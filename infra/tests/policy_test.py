"""May anybody do more than they must, and can anything be lost unseen? Rules on what Terraform plans.

Reads a plan as JSON and applies every rule below to it. Without arguments the plans are those of the module's own
tests (`terraform test`, provider mocked, offline), in which every value is known. A plan of a real stack works too;
what is known only after apply is not judged there.

Usage: python3 infra/tests/policy_test.py [PLAN.json ...]      (from `terraform show -json plan.tfplan`)
Exit code: 0, or 1 with one line per violation.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MODULE = Path(__file__).resolve().parents[1] / "modules" / "orchestrator"
PARTS = ("guard", "topics")

# Every action a role may have. A new one needs a line, and so a second look. What destroys is in DESTROYS as well.
ACTIONS = {
    "cloudwatch:PutMetricData",
    "events:PutEvents",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "lambda:InvokeFunction",
    "rds:AddTagsToResource",
    "rds:CopyDBClusterSnapshot",
    "rds:CopyDBSnapshot",
    "rds:CreateDBClusterSnapshot",
    "rds:CreateDBSnapshot",
    "rds:DeleteDBClusterSnapshot",
    "rds:DeleteDBSnapshot",
    "rds:DescribeDBClusterSnapshots",
    "rds:DescribeDBSnapshots",
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:DescribeParameters",
    "ssm:GetParameterHistory",
    "ssm:LabelParameterVersion",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
    "acm:DescribeCertificate",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeScheduledActions",
    "autoscaling:UpdateAutoScalingGroup",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricStatistics",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "ec2:DescribeAddresses",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeSnapshots",
    "ec2:DescribeSubnets",
    "ec2:GetEbsDefaultKmsKeyId",
    "ec2:GetEbsEncryptionByDefault",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "globalaccelerator:DescribeEndpointGroup",
    "globalaccelerator:ListCrossAccountResources",
    "globalaccelerator:ListEndpointGroups",
    "globalaccelerator:UpdateEndpointGroup",
    "iam:SimulatePrincipalPolicy",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GetKeyPolicy",
    "kms:ListGrants",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionConfiguration",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBParameters",
    "rds:DescribeGlobalClusters",
    "rds:DescribeOptionGroups",
    "rds:FailoverGlobalCluster",
    "rds:ModifyDBCluster",
    "rds:ModifyDBInstance",
    "rds:PromoteReadReplica",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
    "sns:GetTopicAttributes",
    "sns:Publish",
    "sqs:GetQueueAttributes",
    "sqs:SendMessage",
    "ssm:GetParameters",
    "sts:AssumeRole",
}

# What destroys, and the tag of the functions' own making that it must be bound to.
DESTROYS = {
    "rds:DeleteDBClusterSnapshot": "aws:ResourceTag/pilotlight:plan",
    "rds:DeleteDBSnapshot": "aws:ResourceTag/pilotlight:plan",
    "ssm:DeleteParameter": "aws:ResourceTag/pilotlight:copied-by",
}

# Actions that may stand on the resource "*", each with its reason. They must be bound to the plan's regions.
ON_EVERYTHING = {
    "ssm:DescribeParameters": "a listing is authorised against everything",
    "autoscaling:DescribeAutoScalingGroups": "the action has no resource types",
    "autoscaling:DescribeScalingActivities": "the action has no resource types",
    "cloudwatch:DescribeAlarms": "composite alarms are shown to nobody whose permission is narrower",
    "cloudwatch:GetMetricStatistics": "the action has no resource types",
    "cloudwatch:PutMetricData": "the action has no resource types; it must be bound to a namespace",
    "autoscaling:DescribeScheduledActions": "the action has no resource types",
    "ec2:DescribeAddresses": "the action has no resource types",
    "ec2:DescribeImages": "the action has no resource types",
    "ec2:DescribeInstances": "the action has no resource types",
    "ec2:DescribeInstanceTypeOfferings": "the action has no resource types",
    "ec2:DescribeInstanceTypes": "the action has no resource types",
    "ec2:DescribeInternetGateways": "the action has no resource types",
    "ec2:DescribeLaunchTemplateVersions": "the action has no resource types",
    "ec2:DescribeSnapshots": "the action has no resource types",
    "ec2:DescribeSubnets": "the action has no resource types",
    "ec2:GetEbsDefaultKmsKeyId": "the action has no resource types",
    "ec2:GetEbsEncryptionByDefault": "the action has no resource types",
    "elasticloadbalancing:DescribeListenerCertificates": "the action has no resource types",
    "elasticloadbalancing:DescribeListeners": "the action has no resource types",
    "elasticloadbalancing:DescribeLoadBalancers": "the action has no resource types",
    "elasticloadbalancing:DescribeTargetGroups": "the action has no resource types",
    "elasticloadbalancing:DescribeTargetHealth": "the action has no resource types",
    "globalaccelerator:ListCrossAccountResources": "the action has no resource types",
    "servicequotas:GetAWSDefaultServiceQuota": "the action has no resource types",
    "servicequotas:GetServiceQuota": "the action has no resource types",
}

# Wildcards inside ARNs, each with the actions it may stand for, and its reason.
WILDCARDS = [
    (
        r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:(db|snapshot|cluster|cluster-snapshot):\*",
        {"rds:DescribeDBClusterSnapshots", "rds:DescribeDBSnapshots"},
        "RDS authorises a listing against all of them; it only reads",
    ),
    (
        r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:(cluster-)?snapshot:pilotlight-[a-z0-9-]+-\*",
        {
            "rds:AddTagsToResource", "rds:CopyDBClusterSnapshot", "rds:CopyDBSnapshot", "rds:CreateDBClusterSnapshot",
            "rds:CreateDBSnapshot", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot",
        },
        "the plan's own snapshots have names of the functions' making",
    ),
    (
        r"arn:[^:*]+:ssm:[a-z0-9-]+:\d{12}:parameter(/[^/*?]+)+/\*",
        {
            "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:LabelParameterVersion",
            "ssm:ListTagsForResource", "ssm:PutParameter",
        },
        "what is below a path that the plan names",
    ),
    (
        r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:db:\*",
        {"rds:DescribeDBInstances"},
        "RDS authorises a description of several instances against all of them; it only reads",
    ),
    (
        r"arn:[^:*]+:kms:[a-z0-9-]+:\d{12}:key/\*",
        {"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"},
        "the keys of replicas and of volumes are not in the plan; their state and whom they admit is all that is read",
    ),
    (
        r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:(pg|og):\*",
        {"rds:DescribeDBParameters", "rds:DescribeOptionGroups"},
        "which groups an instance has is not in the plan; it only reads",
    ),
    (r"arn:[^:*]+:acm:[a-z0-9-]+:\d{12}:certificate/\*", {"acm:DescribeCertificate"}, "which certificates a listener has is not in the plan; it only reads"),
    (r"arn:[^:*]+:ssm:[a-z0-9-]+::parameter/aws/service/\*", {"ssm:GetParameters"}, "AWS's own public parameters name images"),
    (r"arn:[^:*]+:logs:[^:*]+:\d{12}:log-group:/aws/lambda/[^:*?]+:\*", {"logs:CreateLogStream", "logs:PutLogEvents"}, "the streams of the function's own log group"),
    (r"arn:[^:*]+:ssm:[^:*]+:\d{12}:parameter/pilotlight/[^/*?]+/plan/\*", {"ssm:GetParameters"}, "the numbered parts of one plan"),
    (
        r"arn:[^:*]+:autoscaling:[^:*]+:\d{12}:autoScalingGroup:\*:autoScalingGroupName/[^*?]+",
        {"autoscaling:UpdateAutoScalingGroup"},
        "AWS makes up the id at creation; the name is unique",
    ),
]

STEPS = {"confirm", "fence", "open", "promote", "quarantine", "restore", "scale", "unfence", "verify"}

# The scheduled functions keep what they found beside the journal's log, and never write into it.
SCHEDULED = {"readiness-checker", "snapshot-scheduler", "ssm-replicator"}

Resource = dict[str, Any]
Plan = dict[str, Any]
Rule = Callable[[Plan], Iterator[str]]


def resources(plan: Plan, kind: str) -> list[Resource]:
    """The resources of one type that exist once the plan is applied."""
    return [r for r in plan["resource_changes"] if r["type"] == kind and r["mode"] == "managed" and r["change"]["after"]]


def value(resource: Resource, name: str) -> Any:
    return resource["change"]["after"].get(name)


def unknown(resource: Resource, name: str) -> bool:
    """Whether the value is known only after apply."""
    return _any_true((resource["change"].get("after_unknown") or {}).get(name))


def _any_true(item: Any) -> bool:
    """Whether a tree of lists and objects holds a `true`."""
    if isinstance(item, dict):
        item = list(item.values())
    return any(_any_true(i) for i in item) if isinstance(item, list) else item is True


def statements(resource: Resource, name: str) -> list[dict[str, Any]]:
    """The statements of a policy document; empty if it isn't known yet."""
    return json.loads(value(resource, name))["Statement"] if value(resource, name) else []


def allowing(policy: Resource) -> list[dict[str, Any]]:
    """The statements of a role's policy that allow something."""
    return [s for s in statements(policy, "policy") if s["Effect"] == "Allow"]


def listed(item: Any) -> list[Any]:
    return item if isinstance(item, list) else [item]


def region(arn: str) -> str:
    return arn.split(":")[3]


# --- The rules ------------------------------------------------------------------------------------------------


def roles_hold_listed_actions_only(plan: Plan) -> Iterator[str]:
    for policy in resources(plan, "aws_iam_role_policy"):
        for statement in allowing(policy):
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{policy['address']}: {statement.get('Sid')} allows all but something"
            for action in listed(statement.get("Action", [])):
                if action not in ACTIONS:
                    yield f"{policy['address']}: {statement.get('Sid')} allows {action}, which is not on the list"
                tag = DESTROYS.get(action)
                if tag and tag not in statement.get("Condition", {}).get("StringEquals", {}):
                    yield f"{policy['address']}: {statement.get('Sid')} allows {action} without {tag}"


def roles_name_exact_resources(plan: Plan) -> Iterator[str]:
    for policy in resources(plan, "aws_iam_role_policy"):
        for statement in allowing(policy):
            where = f"{policy['address']}: {statement.get('Sid')}"
            for resource in listed(statement.get("Resource", [])):
                if resource == "*":
                    loose = [a for a in listed(statement.get("Action", [])) if a not in ON_EVERYTHING]
                    if loose:
                        yield f"{where} allows {', '.join(loose)} on every resource"
                    if not statement.get("Condition", {}).get("StringEquals", {}).get("aws:RequestedRegion"):
                        yield f"{where} stands on every resource of every region"
                elif re.search(r"[*?]", resource) and not any(
                    re.fullmatch(pattern, resource) and set(listed(statement.get("Action", []))) <= actions for pattern, actions, _reason in WILDCARDS
                ):
                    yield f"{where} has a wildcard in {resource}"


def metrics_go_to_one_namespace(plan: Plan) -> Iterator[str]:
    for policy in resources(plan, "aws_iam_role_policy"):
        for statement in statements(policy, "policy"):
            namespace = statement.get("Condition", {}).get("StringEquals", {}).get("cloudwatch:namespace")
            if "cloudwatch:PutMetricData" in listed(statement.get("Action", [])) and not namespace:
                yield f"{policy['address']}: {statement.get('Sid')} may write the metrics of every namespace"


def roles_are_for_their_services_alone(plan: Plan) -> Iterator[str]:
    """Lambda's for functions; EventBridge's and its scheduler's only for the account's own rules and schedules."""
    for role in resources(plan, "aws_iam_role"):
        for statement in statements(role, "assume_role_policy"):
            service = statement["Principal"].get("Service")
            condition = {k for test in statement.get("Condition", {}).values() for k in test}
            bound = {"aws:SourceAccount", "aws:SourceArn"} <= condition
            if service != "lambda.amazonaws.com" and not (service in ("events.amazonaws.com", "scheduler.amazonaws.com") and bound):
                yield f"{role['address']}: may be assumed by {statement['Principal']}"
        for managed in value(role, "managed_policy_arns") or []:
            yield f"{role['address']}: carries the managed policy {managed}"
    for kind in ("aws_iam_role_policy_attachment", "aws_iam_policy_attachment"):
        for attachment in resources(plan, kind):
            yield f"{attachment['address']}: attaches a managed policy, which these rules don't see"


def the_scheduler_takes_its_role_for_a_group(plan: Plan) -> Iterator[str]:
    """EventBridge Scheduler sends the ARN of the schedule's group as the source: a role that asks for a schedule's own is never taken."""
    groups = {value(g, "name") for g in resources(plan, "aws_scheduler_schedule_group")}
    for role in resources(plan, "aws_iam_role"):
        for statement in statements(role, "assume_role_policy"):
            if statement["Principal"].get("Service") != "scheduler.amazonaws.com":
                continue
            sources = [arn for test in statement.get("Condition", {}).values() for arn in listed(test.get("aws:SourceArn", []))]
            for arn in sources:
                exact = re.fullmatch(r"arn:[^:*]+:scheduler:[a-z0-9-]+:\d{12}:schedule-group/([^*?/]+)", arn)
                if not exact or exact[1] not in groups:
                    yield f"{role['address']}: is taken for {arn}, which isn't a group of this plan's schedules"
    for schedule in resources(plan, "aws_scheduler_schedule"):
        if value(schedule, "group_name") not in groups:
            yield f"{schedule['address']}: lies in the group {value(schedule, 'group_name')}, which isn't the plan's own"


def own_snapshots_alone_are_tagged_and_none_is_shared(plan: Plan) -> Iterator[str]:
    """Denials, so that no other policy of the role can allow it one day."""
    for policy in resources(plan, "aws_iam_role_policy"):
        found = statements(policy, "policy")
        deletes = {"rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot"}
        if not any(deletes & set(listed(s.get("Action", []))) for s in found):
            continue
        denied = {(a, "NotResource" in s) for s in found if s["Effect"] == "Deny" for a in listed(s["Action"])}
        for action in {("rds:AddTagsToResource", True), ("rds:ModifyDBClusterSnapshotAttribute", False), ("rds:ModifyDBSnapshotAttribute", False)} - denied:
            yield f"{policy['address']}: {action[0]} is not denied"


def permissions_name_one_source_of_a_known_account(plan: Plan) -> Iterator[str]:
    """The ARNs of topics, rules and alarms hold the account, so an exact source_arn binds the account as well.

    `source_account` in addition is asked for only where AWS documents that the service sends it. Where it doesn't,
    the condition would never hold, and nothing would be invoked.
    """
    for permission in resources(plan, "aws_lambda_permission"):
        where, source = permission["address"], value(permission, "source_arn")
        if unknown(permission, "source_arn"):
            continue
        if not source:
            yield f"{where}: names no source_arn"
        elif not re.fullmatch(r"arn:[^:*]+:(sns|events|cloudwatch):[a-z0-9-]+:\d{12}:[^*?]+", source):
            yield f"{where}: source_arn {source} isn't one topic, rule or alarm of one account"
        if value(permission, "principal") == "lambda.alarms.cloudwatch.amazonaws.com" and not value(permission, "source_account"):
            yield f"{where}: names no source_account"
        if not re.fullmatch(r"(sns|sns\.[a-z0-9-]+|events|lambda\.alarms\.cloudwatch)\.amazonaws\.com", value(permission, "principal") or ""):
            yield f"{where}: lets {value(permission, 'principal')} invoke"
        if value(permission, "action") != "lambda:InvokeFunction":
            yield f"{where}: allows {value(permission, 'action')}"


def what_is_wired_may_invoke(plan: Plan) -> Iterator[str]:
    admitted = {
        (value(p, "function_name"), value(p, "source_arn")) for p in resources(plan, "aws_lambda_permission") if not unknown(p, "source_arn")
    }
    sources = [
        (s["address"], value(s, "endpoint"), value(s, "topic_arn"))
        for s in resources(plan, "aws_sns_topic_subscription")
        if value(s, "protocol") == "lambda"
    ]
    for target in resources(plan, "aws_cloudwatch_event_target"):
        arn = value(target, "arn")
        if arn and ":lambda:" not in arn:
            yield from _what_is_no_function_may_be_reached(plan, target, arn)
            continue
        bus = value(target, "event_bus_name")
        named = f"{bus}/{value(target, 'rule')}" if bus and bus != "default" else value(target, "rule")
        rule = f"{arn.rsplit(':', 2)[0].replace(':lambda:', ':events:').removesuffix(':function')}:rule/{named}" if arn else None
        sources.append((target["address"], arn, rule))
    for where, function, source in sources:
        if function and source and (function.rsplit(":", 1)[1], source) not in admitted:
            yield f"{where}: {source} has no permission to invoke {function}"


def _what_is_no_function_may_be_reached(plan: Plan, target: Resource, arn: str) -> Iterator[str]:
    """A bus is reached by a role. A topic is not reached: its policy has conditions, and then AWS refuses what EventBridge delivers."""
    if ":event-bus/" not in arn:
        yield f"{target['address']}: EventBridge does not reach {arn}, whose policy has conditions"
    elif not value(target, "role_arn") and not unknown(target, "role_arn"):
        yield f"{target['address']}: has no role to send to {arn}"


def no_topic_waits_for_eventbridge(plan: Plan) -> Iterator[str]:
    """A policy of a topic with a condition for EventBridge loses every event without a word (AWS: resource-based policies, SNS)."""
    for policy in resources(plan, "aws_sns_topic_policy"):
        for statement in statements(policy, "policy"):
            services = statement["Principal"].get("Service", []) if isinstance(statement["Principal"], dict) else []
            if statement["Effect"] == "Allow" and "events.amazonaws.com" in listed(services):
                yield f"{policy['address']}: {statement.get('Sid')} admits EventBridge, which a topic with conditions refuses"


def what_a_bus_is_sent_is_heard_there(plan: Plan) -> Iterator[str]:
    """What a rule sends to the bus of another region, a rule of the same pattern there hands to a function."""
    patterns = {r["address"]: value(r, "event_pattern") for r in resources(plan, "aws_cloudwatch_event_rule") if not unknown(r, "event_pattern")}
    sent, heard = {}, set()
    for target in resources(plan, "aws_cloudwatch_event_target"):
        pattern = patterns.get(target["address"].replace("aws_cloudwatch_event_target", "aws_cloudwatch_event_rule"))
        if pattern and ":event-bus/" in (value(target, "arn") or ""):
            sent[target["address"]] = pattern
        elif pattern:
            heard.add(pattern)
    for address, pattern in sent.items():
        if pattern not in heard:
            yield f"{address}: sends to another region's bus what no rule hears there"


def signals_and_notices_come_from_whom_is_meant(plan: Plan) -> Iterator[str]:
    """An identity policy is enough within an account: so whoever has an identity is denied, but the functions where they tell people."""
    roles = {value(r, "name") for r in resources(plan, "aws_iam_role")}
    for policy in resources(plan, "aws_sns_topic_policy"):
        if not statements(policy, "policy") or policy["address"].endswith("aws_sns_topic_policy.commands"):
            continue
        fences = [
            s["Condition"]
            for s in statements(policy, "policy")
            if s["Effect"] == "Deny" and s["Principal"] == "*" and s["Condition"].get("Bool") == {"aws:PrincipalIsAWSService": "false"}
        ]
        if not fences:
            yield f"{policy['address']}: whoever may publish by an identity policy may speak here"
        for condition in fences:
            others = {operator: keys for operator, keys in condition.items() if operator != "Bool"}
            spared = listed(others.get("ArnNotEquals", {}).get("aws:PrincipalArn", []))
            is_notices = "aws_sns_topic_policy.notices" in policy["address"]
            if set(others) - {"ArnNotEquals"} or (others and not is_notices) or {arn.rsplit("/", 1)[1] for arn in spared} - roles:
                yield f"{policy['address']}: spares others than the functions from its denial"


def signals_come_from_the_alarms_of_their_side(plan: Plan) -> Iterator[str]:
    """A signals topic takes the alarms of its own region, of the account that the plan names for that side."""
    owners = {side["region"]: side["account"] for side in _document(plan).get("sides", {}).values()}
    for policy in resources(plan, "aws_sns_topic_policy") if owners else []:
        for statement in statements(policy, "policy"):
            if statement.get("Sid") != "AlarmsOfThisRegionAndAccount" or "Condition" not in statement:
                continue
            here = region(statement["Resource"])
            wanted = f"arn:aws:cloudwatch:{here}:{owners.get(here)}:alarm:*"
            if statement["Condition"]["ArnLike"]["aws:SourceArn"] != wanted:
                yield f"{policy['address']}: admits other alarms than {wanted}"


def keys_are_of_their_region(plan: Plan) -> Iterator[str]:
    """A topic or queue can be encrypted with a key of its own region only, and where one region's things have a key all of them have."""
    keys: dict[str, set[str | None]] = {}
    for kind in ("aws_sns_topic", "aws_sqs_queue"):
        for resource in resources(plan, kind):
            arn, key = value(resource, "arn"), value(resource, "kms_master_key_id")
            if arn and not unknown(resource, "kms_master_key_id"):
                keys.setdefault(region(arn), set()).add(key)
                if key and region(key) != region(arn):
                    yield f"{resource['address']}: is encrypted with a key of {region(key)}"
    for where, found in keys.items():
        if len(found) > 1:
            yield f"{where}: some topics and queues are encrypted with another key than the others, or with none"


def each_role_writes_its_own_part_of_the_journal(plan: Plan) -> Iterator[str]:
    """A put can replace an item, so the log is the steps' functions' alone, and what lies beside it the scheduled ones'."""
    for policy in resources(plan, "aws_iam_role_policy"):
        function = re.search(r'common\["([a-z-]+)"\]', policy["address"])
        if not function or function[1] == "alarm-handler":
            continue
        for statement in allowing(policy):
            if "dynamodb:PutItem" not in listed(statement["Action"]):
                continue
            condition = statement.get("Condition", {})
            keys = listed(condition.get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys", []))
            if not keys or condition.get("Null", {}).get("dynamodb:LeadingKeys") != "false":
                yield f"{policy['address']}: {statement.get('Sid')} may write every partition of the journal"
            for key in keys:
                if ("#" in key) != (function[1] in SCHEDULED):
                    yield f"{policy['address']}: {statement.get('Sid')} may write the partition {key}"


def the_other_guard_is_heard_by_its_word_alone(plan: Plan) -> Iterator[str]:
    """Of another table than its own a guard reads one item, by one role: what the other guard says of itself, and nothing of its journal."""
    own = own_tables(plan)
    for policy in resources(plan, "aws_iam_role_policy"):
        for statement in allowing(policy):
            where = f"{policy['address']}: {statement.get('Sid')}"
            actions = {a for a in listed(statement.get("Action", [])) if a.startswith("dynamodb:")}
            for table in set(listed(statement.get("Resource", []))) - own if actions else set():
                word = f"{table.rsplit('/', 1)[1].removesuffix('-journal')}#word"
                condition = statement.get("Condition", {})
                if 'steps["alarm-handler"]' not in policy["address"]:
                    yield f"{where} reaches {table}, and only alarm-handler hears another guard"
                for action in sorted(actions - {"dynamodb:GetItem"}):
                    yield f"{where} allows {action} on {table}, another guard's table"
                if condition.get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys") != [word] or condition.get("Null") != {"dynamodb:LeadingKeys": "false"}:
                    yield f"{where} reads more of {table} than {word}"


def own_tables(plan: Plan) -> set[str]:
    """Where a guard keeps its journal: what its alarm-handler writes."""
    return {
        arn
        for policy in resources(plan, "aws_iam_role_policy") if policy["address"].endswith('aws_iam_role_policy.common["alarm-handler"]')
        for statement in allowing(policy) if statement.get("Sid") == "WriteJournal"
        for arn in listed(statement["Resource"])
    }


def subscriptions_have_dead_letter_queues(plan: Plan) -> Iterator[str]:
    for subscription in resources(plan, "aws_sns_topic_subscription"):
        if unknown(subscription, "redrive_policy"):
            continue
        queue = json.loads(value(subscription, "redrive_policy") or "{}").get("deadLetterTargetArn")
        if not queue:
            yield f"{subscription['address']}: has no dead-letter queue"
        elif value(subscription, "topic_arn") and region(queue) != region(value(subscription, "topic_arn")):
            yield f"{subscription['address']}: its dead-letter queue {queue} lies in another region than its topic"


def rules_have_dead_letter_queues(plan: Plan) -> Iterator[str]:
    for target in resources(plan, "aws_cloudwatch_event_target"):
        if not value(target, "dead_letter_config"):
            yield f"{target['address']}: has no dead-letter queue"


def failed_invocations_reach_a_queue(plan: Plan) -> Iterator[str]:
    kept = {
        value(c, "function_name")
        for c in resources(plan, "aws_lambda_function_event_invoke_config")
        if any(d.get("on_failure") for d in value(c, "destination_config") or [])
    }
    for function in resources(plan, "aws_lambda_function"):
        if value(function, "function_name") not in kept and not value(function, "dead_letter_config"):
            yield f"{function['address']}: an invocation that fails is lost"


def queues_have_alarms_that_speak(plan: Plan) -> Iterator[str]:
    watched = {
        (value(a, "dimensions") or {}).get("QueueName")
        for a in resources(plan, "aws_cloudwatch_metric_alarm")
        if value(a, "metric_name") == "ApproximateNumberOfMessagesVisible" and value(a, "threshold") == 0 and value(a, "comparison_operator") == "GreaterThanThreshold"
    }
    for queue in resources(plan, "aws_sqs_queue"):
        if value(queue, "name") not in watched:
            yield f"{queue['address']}: nobody is told when something lies in it"
    for alarm in resources(plan, "aws_cloudwatch_metric_alarm"):
        if not value(alarm, "alarm_actions") and not unknown(alarm, "alarm_actions"):
            yield f"{alarm['address']}: tells nobody"


def silence_raises_an_alarm(plan: Plan) -> Iterator[str]:
    watched = {
        (value(a, "dimensions") or {}).get("FunctionName")
        for a in resources(plan, "aws_cloudwatch_metric_alarm")
        if value(a, "metric_name") == "Invocations" and value(a, "treat_missing_data") == "breaching" and value(a, "comparison_operator") == "LessThanThreshold"
    }
    ticked = {
        value(t, "arn").rsplit(":", 1)[1] for t in resources(plan, "aws_cloudwatch_event_target") if value(t, "input") and value(t, "arn")
    }
    for name in sorted(ticked - watched):
        yield f"{name}: is invoked every minute, and nobody is told when that ends"


def unreadiness_raises_an_alarm(plan: Plan) -> Iterator[str]:
    """The figure, and its absence too: nobody looked is as bad as not ready."""
    watched = {
        (value(a, "dimensions") or {}).get("Plan")
        for a in resources(plan, "aws_cloudwatch_metric_alarm")
        if (value(a, "namespace"), value(a, "metric_name")) == ("Pilotlight", "UnreadyChecks")
        and value(a, "treat_missing_data") == "breaching"
        and (value(a, "comparison_operator"), value(a, "threshold")) == ("GreaterThanThreshold", 0)
    }
    # A table of the journal says which plan there is.
    for table in resources(plan, "aws_dynamodb_table"):
        name = (value(table, "name") or "").removesuffix("-journal")
        if name not in watched:
            yield f"{table['address']}: nobody is told when the plan {name} is not ready, or when nobody looks"


def who_is_needed_raises_an_alarm(plan: Plan) -> Iterator[str]:
    """From the first figure on; and without data it stays as it is, because whoever was needed still is."""
    watched = {
        (value(a, "dimensions") or {}).get("Plan")
        for a in resources(plan, "aws_cloudwatch_metric_alarm")
        if (value(a, "namespace"), value(a, "metric_name")) == ("Pilotlight", "Attention")
        and value(a, "treat_missing_data") == "ignore"
        and (value(a, "comparison_operator"), value(a, "threshold")) == ("GreaterThanOrEqualToThreshold", 1)
    }
    for table in resources(plan, "aws_dynamodb_table"):
        name = (value(table, "name") or "").removesuffix("-journal")
        if name not in watched:
            yield f"{table['address']}: no alarm says that the plan {name} needs a person"


def topics_and_queues_take_tls_only(plan: Plan) -> Iterator[str]:
    for kind in ("aws_sns_topic_policy", "aws_sqs_queue_policy"):
        for policy in resources(plan, kind):
            found = statements(policy, "policy")
            tls = [s for s in found if s["Effect"] == "Deny" and s["Principal"] == "*" and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]
            if found and not tls:
                yield f"{policy['address']}: takes messages without TLS"
    for topics, policies in (("aws_sns_topic", "aws_sns_topic_policy"), ("aws_sqs_queue", "aws_sqs_queue_policy")):
        if len(resources(plan, topics)) != len(resources(plan, policies)):
            yield f"{topics}: {len(resources(plan, topics))} of them, but {len(resources(plan, policies))} policies"


def topics_and_queues_admit_nobody_unconditionally(plan: Plan) -> Iterator[str]:
    for kind in ("aws_sns_topic_policy", "aws_sqs_queue_policy"):
        for policy in resources(plan, kind):
            for statement in statements(policy, "policy"):
                if statement["Effect"] != "Allow":
                    continue
                if statement["Principal"] == "*" or "*" in listed(statement["Principal"].get("AWS", [])):
                    yield f"{policy['address']}: {statement.get('Sid')} admits everybody"
                condition = {k.lower() for test in statement.get("Condition", {}).values() for k in test}
                if not condition & {"aws:sourcearn", "aws:principalarn"}:
                    yield f"{policy['address']}: {statement.get('Sid')} doesn't say for which source"
                if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"} and "aws:sourceaccount" not in condition:
                    yield f"{policy['address']}: {statement.get('Sid')} admits alarms of any account"


def buses_admit_one_role_of_one_account(plan: Plan) -> Iterator[str]:
    for policy in resources(plan, "aws_cloudwatch_event_bus_policy"):
        for statement in statements(policy, "policy"):
            role = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn", "")
            if not isinstance(role, str) or not re.fullmatch(r"arn:[^:*]+:iam::\d{12}:role/[^*?]+", role):
                yield f"{policy['address']}: {statement.get('Sid')} admits more than one role"
            elif statement["Principal"] != {"AWS": f"{role.split(':role/')[0]}:root"} or statement["Action"] != "events:PutEvents":
                yield f"{policy['address']}: {statement.get('Sid')} admits another account than the role's, or to more than sending"


def roles_of_another_account_are_taken_by_name(plan: Plan) -> Iterator[str]:
    own = {arn.split(":")[4] for f in resources(plan, "aws_lambda_function") if (arn := value(f, "role")) and not unknown(f, "role")}
    for policy in resources(plan, "aws_iam_role_policy"):
        for statement in allowing(policy):
            if "sts:AssumeRole" not in listed(statement.get("Action", [])):
                continue
            for resource in listed(statement["Resource"]):
                if not re.fullmatch(r"arn:[^:*]+:iam::\d{12}:role/[^*?]+-primary-region", resource) or resource.split(":")[4] in own:
                    yield f"{policy['address']}: {statement.get('Sid')} may take the role {resource}"


def the_witness_is_asked_on_its_own_side_by_two(plan: Plan) -> Iterator[str]:
    """Who may invoke a function: the tick and the readiness pass the witness of their own region, if the plan has one; and nobody else's."""
    for policy in resources(plan, "aws_iam_role_policy"):
        function = re.search(r'steps\["([a-z-]+)"\]', policy["address"])
        if not function or unknown(policy, "policy"):
            continue
        invoked = {arn for s in allowing(policy) if "lambda:InvokeFunction" in listed(s["Action"]) for arn in listed(s["Resource"])}
        own = [arn for f in resources(plan, "aws_lambda_function") if (arn := value(f, "arn")) and arn.endswith(f"-{function[1]}")]
        witness = _witness_of(plan, region(own[0])) if own else None
        wanted = {witness} if witness and function[1] in ("alarm-handler", "readiness-checker") else set()
        if function[1] == "alarm-handler":
            wanted |= {arn for f in resources(plan, "aws_lambda_function") if (arn := value(f, "arn")) and arn.endswith("-readiness-checker")}
        for arn in invoked ^ wanted if own else set():
            yield f"{policy['address']}: {'may' if arn in invoked else 'may not'} invoke {arn}"


def _witness_of(plan: Plan, where: str) -> str | None:
    """The witness that the plan document names in a region."""
    found = [side for name, side in _document(plan).get("witness", {}).get("sides", {}).items() if _document(plan)["sides"][name]["region"] == where]
    return found[0]["function"] if found else None


def _document(plan: Plan) -> dict[str, Any]:
    """The plan document, its parts joined; empty if it isn't known yet."""
    parts = sorted(resources(plan, "aws_ssm_parameter"), key=lambda p: str(value(p, "name")))
    text = "".join(value(p, "insecure_value") or "" for p in parts if re.search(r"/plan/\d+$", value(p, "name") or ""))
    return json.loads(text) if text else {}


def commands_come_from_functions_alone(plan: Plan) -> Iterator[str]:
    roles = {value(r, "name") for r in resources(plan, "aws_iam_role")}
    for policy in resources(plan, "aws_sns_topic_policy"):
        if not policy["address"].endswith("aws_sns_topic_policy.commands"):
            continue
        fences = [
            s["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
            for s in statements(policy, "policy")
            if s["Effect"] == "Deny" and s["Principal"] == "*" and "ArnNotEquals" in s.get("Condition", {})
        ]
        if not any({arn.rsplit("/", 1)[1] for arn in fence} <= roles for fence in fences):
            yield f"{policy['address']}: others than the functions may publish commands"


def each_step_is_heard_once(plan: Plan) -> Iterator[str]:
    heard: list[str] = []
    for subscription in resources(plan, "aws_sns_topic_subscription"):
        if value(subscription, "filter_policy"):
            heard += json.loads(value(subscription, "filter_policy")).get("step", [])
    for step in sorted(STEPS | set(heard)):
        if heard.count(step) != 1 or step not in STEPS:
            yield f"step {step}: heard by {heard.count(step)} functions"


def the_journal_is_kept(plan: Plan) -> Iterator[str]:
    for table in resources(plan, "aws_dynamodb_table"):
        if not any(p.get("enabled") for p in value(table, "point_in_time_recovery") or []):
            yield f"{table['address']}: has no point-in-time recovery"
        if any(t.get("enabled") for t in value(table, "ttl") or []):
            yield f"{table['address']}: forgets records after a time"


def logs_end_and_are_json(plan: Plan) -> Iterator[str]:
    groups = {value(g, "name") for g in resources(plan, "aws_cloudwatch_log_group") if value(g, "retention_in_days")}
    for function in resources(plan, "aws_lambda_function"):
        logging = (value(function, "logging_config") or [{}])[0]
        if logging.get("log_format") != "JSON" or logging.get("log_group") not in groups:
            yield f"{function['address']}: its logs aren't JSON, or are kept for ever"


# --- Two guards -----------------------------------------------------------------------------------------------


def two_guards_share_no_name(plan: Plan) -> Iterator[str]:
    """A role's name is the account's, and both guards have rules in either region. Everything else of a guard lies where the other has none."""
    for kind in ("aws_iam_role", "aws_cloudwatch_event_rule"):
        names = [{value(r, "name"): r["address"] for r in resources(part, kind)} for part in guards(plan).values()]
        for name in sorted(set.intersection(*({n for n in found if n} for found in names)) if len(names) > 1 else ()):
            yield f"{' and '.join(sorted(found[name] for found in names))}: are both called {name}"


def two_guards_hear_each_other(plan: Plan) -> Iterator[str]:
    """Each asks for the word in the table that the other one writes. A guard that is alone asks for none."""
    own = {name: own_tables(part) for name, part in guards(plan).items()}
    for name, part in guards(plan).items():
        asked = {
            arn
            for policy in resources(part, "aws_iam_role_policy") for statement in allowing(policy) if statement.get("Sid") == "HearTheOtherGuard"
            for arn in listed(statement["Resource"])
        }
        others = set().union(*(tables for other, tables in own.items() if other != name))
        known = all(not unknown(p, "policy") for p in resources(part, "aws_iam_role_policy"))
        if known and asked != others:
            yield f"{name}: hears {sorted(asked)}, and the other guard's word is in {sorted(others)}"


# Each guard is held to these with the topics of its own region, as if it were alone.
RULES: list[Rule] = [
    roles_hold_listed_actions_only,
    roles_name_exact_resources,
    metrics_go_to_one_namespace,
    roles_are_for_their_services_alone,
    the_scheduler_takes_its_role_for_a_group,
    own_snapshots_alone_are_tagged_and_none_is_shared,
    permissions_name_one_source_of_a_known_account,
    what_is_wired_may_invoke,
    subscriptions_have_dead_letter_queues,
    rules_have_dead_letter_queues,
    failed_invocations_reach_a_queue,
    queues_have_alarms_that_speak,
    silence_raises_an_alarm,
    unreadiness_raises_an_alarm,
    who_is_needed_raises_an_alarm,
    topics_and_queues_take_tls_only,
    topics_and_queues_admit_nobody_unconditionally,
    buses_admit_one_role_of_one_account,
    roles_of_another_account_are_taken_by_name,
    the_witness_is_asked_on_its_own_side_by_two,
    commands_come_from_functions_alone,
    signals_and_notices_come_from_whom_is_meant,
    signals_come_from_the_alarms_of_their_side,
    keys_are_of_their_region,
    no_topic_waits_for_eventbridge,
    what_a_bus_is_sent_is_heard_there,
    each_role_writes_its_own_part_of_the_journal,
    the_other_guard_is_heard_by_its_word_alone,
    each_step_is_heard_once,
    the_journal_is_kept,
    logs_end_and_are_json,
]

# What the guards of a plan are held to together.
RULES_OF_ALL: list[Rule] = [two_guards_share_no_name, two_guards_hear_each_other]

# --- Where plans come from ------------------------------------------------------------------------------------


def only_the_orchestrator(plan: Plan) -> Plan:
    """The module's part of a whole stack's plan; a plan of the module itself as it is."""
    changes = plan["resource_changes"]
    journals = [r["address"] for r in changes if r["address"].endswith("aws_dynamodb_table.journal")]
    prefixes = {re.sub(r"(module\.guard_[a-z]+(\[0\])?\.)?aws_dynamodb_table\.journal$", "", address) for address in journals}
    return {"resource_changes": [r for r in changes if any(r["address"].startswith(p) for p in prefixes)]}


def guards(plan: Plan) -> dict[str, Plan]:
    """The part of each guard, by its module's name: what it consists of, and the topics of its region. One that is alone has those of both."""
    names = sorted({found[1] for r in plan["resource_changes"] if (found := re.search(r"\bmodule\.guard_([a-z]+)(?:\[0\])?\.", r["address"]))})
    if len(names) < 2:
        return {"the guard": plan}
    parts = {}
    for name in names:
        strange = re.compile(rf"\bmodule\.(?:guard|topics)_(?!{name}\b)[a-z]+(?:\[0\])?\.")
        parts[f"guard_{name}"] = {"resource_changes": [r for r in plan["resource_changes"] if not strange.search(r["address"])]}
    return parts


def copied(home: Path, *ignored: str) -> Path:
    """The module in another folder, with the modules that it is made of beside it."""
    for module in (MODULE, *(MODULE.parent / part for part in PARTS)):
        shutil.copytree(module, home / module.name, ignore=shutil.ignore_patterns(*ignored))
    return home / MODULE.name


def plans_of_the_modules_tests() -> dict[str, Plan]:
    """The plans of the module's wiring tests, by the test's name."""
    with tempfile.TemporaryDirectory() as directory:
        copy = copied(Path(directory), ".terraform*")
        subprocess.run(["terraform", "init", "-input=false", "-no-color"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(
            ["terraform", "test", "-json", "-verbose", "-filter=tests/wiring.tftest.hcl"], cwd=copy, capture_output=True, text=True, check=False
        )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    # Each plan comes with the provider's whole schema, fifteen megabytes; the rules look at the resources.
    found = ((e["@testrun"], e["test_plan"].get("resource_changes")) for e in events if e["type"] == "test_plan")
    plans = {name: {"resource_changes": resources} for name, resources in found if resources}
    if not plans:
        raise SystemExit(f"terraform test gave no plan:\n{done.stdout}{done.stderr}")
    return plans


def violations(plan: Plan) -> list[str]:
    """Every violation of every rule. A plan without functions is one: there is nothing it could have been checked on."""
    part = only_the_orchestrator(plan)
    found = []
    for name, guard in guards(part).items():
        functions = len(resources(guard, "aws_lambda_function"))
        if not 5 <= functions <= 7:
            return [f"{name}: the plan holds {functions} functions of the orchestrator instead of 5 to 7"]
        found += [line for rule in RULES for line in rule(guard)]
    return found + [line for rule in RULES_OF_ALL for line in rule(part)]


def main(arguments: list[str]) -> int:
    plans = {path: json.loads(Path(path).read_text()) for path in arguments} or plans_of_the_modules_tests()
    count = 0
    for name, plan in plans.items():
        for line in violations(plan):
            print(f"{name}: {line}")
            count += 1
    print(f"{len(plans)} plans, {len(RULES) + len(RULES_OF_ALL)} rules, {count} violations", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

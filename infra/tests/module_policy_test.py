"""May anybody do more than they must, is anything public or in the clear, and would Terraform undo a failover?

Reads what the modules' and the examples' own tests plan (provider mocked, offline, every value known) and the source
itself, and applies every rule below. The orchestrator has stricter rules of its own (policy_test.py).

Usage: python3 infra/tests/module_policy_test.py
INFRA_PLANS may name a folder with plans that infra/tests/run.py has recorded; without it the tests are run.
Exit code: 0, or 1 with one line per violation.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1]
OWN_RULES = {"orchestrator", "guard", "topics"}

# Actions that may stand on the resource "*", each with its reason. They must be bound to regions or to a namespace.
ON_EVERYTHING = {
    "autoscaling:DescribeAutoScalingGroups": "the action has no resource types",
    "autoscaling:DescribeInstanceRefreshes": "the action has no resource types",
    "autoscaling:DescribeScalingActivities": "the action has no resource types",
    "autoscaling:DescribeScheduledActions": "the action has no resource types",
    "cloudwatch:DescribeAlarms": "Grafana asks for all alarms at once",
    "cloudwatch:GetMetricData": "metrics have no resource types",
    "cloudwatch:GetMetricStatistics": "metrics have no resource types",
    "cloudwatch:ListMetrics": "metrics have no resource types",
    "cloudwatch:PutMetricData": "metrics have no resource types; the namespace is the bound",
    "ec2:DescribeAddresses": "the action has no resource types",
    "ec2:DescribeImages": "the action has no resource types",
    "ec2:DescribeInstances": "the action has no resource types",
    "ec2:DescribeInstanceTypeOfferings": "the action has no resource types",
    "ec2:DescribeInstanceTypes": "the action has no resource types",
    "ec2:DescribeInternetGateways": "the action has no resource types",
    "ec2:DescribeLaunchTemplateVersions": "the action has no resource types",
    "ec2:DescribeNetworkInterfaces": "the action has no resource types",
    "ec2:DescribeRegions": "the action has no resource types",
    "ec2:DescribeSnapshots": "the action has no resource types",
    "ec2:DescribeSubnets": "the action has no resource types",
    "ec2:GetEbsDefaultKmsKeyId": "the action has no resource types",
    "ec2:GetEbsEncryptionByDefault": "the action has no resource types",
    "ecr:GetAuthorizationToken": "the action has no resource types",
    "elasticloadbalancing:DescribeListenerCertificates": "the action has no resource types",
    "elasticloadbalancing:DescribeListeners": "the action has no resource types",
    "elasticloadbalancing:DescribeLoadBalancers": "the action has no resource types",
    "elasticloadbalancing:DescribeTargetGroups": "the action has no resource types",
    "elasticloadbalancing:DescribeTargetHealth": "the action has no resource types",
    "globalaccelerator:ListCrossAccountResources": "the action has no resource types",
    "servicequotas:GetAWSDefaultServiceQuota": "the action has no resource types",
    "servicequotas:GetServiceQuota": "the action has no resource types",
    "ssm:DescribeParameters": "a listing is authorised against everything",
    "ssm:UpdateInstanceInformation": "an agent registers before its instance is known",
    "ssmmessages:CreateControlChannel": "message channels have no resource types",
    "ssmmessages:CreateDataChannel": "message channels have no resource types",
    "ssmmessages:OpenControlChannel": "message channels have no resource types",
    "ssmmessages:OpenDataChannel": "message channels have no resource types",
}

# Wildcards inside ARNs, each with its reason.
WILDCARDS = [
    (r"arn:[^:*]+:logs:[^:*]+:\d{12}:log-group:[^:*?]+:(\*|log-stream:\*)", "the streams of one log group"),
    (r"arn:[^:*]+:s3:::[a-z0-9.-]+/\*", "the objects of one bucket"),
    (r"arn:[^:*]+:ssm:[^:*]+:\d{12}:parameter/[^*?]+/\*", "the parameters under one path"),
    (r"arn:[^:*]+:autoscaling:[^:*]+:\d{12}:autoScalingGroup:\*:autoScalingGroupName/[^*?]+", "AWS makes up the id; the name is unique"),
    (r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:db:\*", "RDS authorises a description of several instances against all of them"),
]

# Wildcards for a few actions only, each with these and its reason.
WILDCARDS_FOR = [
    (r"arn:[^:*]+:ssm:[^:*]+::parameter/aws/service/\*", {"ssm:GetParameters"}, "AWS's own public parameters: the ids of its images"),
    (r"arn:[^:*]+:acm:[a-z0-9-]+:\d{12}:certificate/\*", {"acm:DescribeCertificate"}, "whatever certificate a listener has today"),
    (r"arn:[^:*]+:kms:[a-z0-9-]+:\d{12}:key/\*", {"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"}, "whatever key a replica or a volume has; its state and whom it admits are read"),
    (r"arn:[^:*]+:rds:[a-z0-9-]+:\d{12}:(pg|og):\*", {"rds:DescribeDBParameters", "rds:DescribeOptionGroups"}, "whatever groups an instance has; it only reads"),
    (
        r"arn:[^:*]+:ec2:[a-z0-9-]+:\d{12}:network-interface/\*",
        {"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"},
        "EC2 makes up the id; Lambda makes the interfaces of a function in a VPC with the function's role",
    ),
]

# What Lambda does with a function's role for its network interfaces.
INTERFACE_ACTIONS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}

# AWS's own policies that may be attached, with the reason: EKS asks for them.
MANAGED = {"AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEBSCSIDriverPolicy"}

# Who may use a key without naming a source: those that deliver to encrypted topics and queues. EventBridge sends no source there, and
# whose messages are taken the topics' and queues' own policies say. CloudWatch Logs is bound by what it encrypts.
KEYS_FOR = {"cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"}

# What a failover changes, and so what Terraform must leave alone, by resource type.
LEFT_ALONE = {
    "aws_autoscaling_group": {"min_size", "desired_capacity", "max_size"},
    "aws_globalaccelerator_endpoint_group": {"endpoint_configuration"},
    "aws_rds_cluster": {"global_cluster_identifier", "replication_source_identifier", "vpc_security_group_ids"},
}

RESOURCE_POLICIES = {"aws_sns_topic_policy": "policy", "aws_sqs_queue_policy": "policy", "aws_s3_bucket_policy": "policy", "aws_kms_key": "policy"}
PRIVATE_PORTS_OPEN_TO_ALL = {80, 443}

Resource = dict[str, Any]
Plans = dict[str, list[Resource]]


def may_be_wide(resource: str, actions: set[str]) -> bool:
    """Whether a wildcard inside an ARN is one of those that have a reason."""
    return any(re.fullmatch(pattern, resource) for pattern, _reason in WILDCARDS) or any(
        re.fullmatch(pattern, resource) and actions <= allowed for pattern, allowed, _reason in WILDCARDS_FOR
    )


def listed(item: Any) -> list[Any]:
    return item if isinstance(item, list) else [item]


def of(resources: list[Resource], *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and planned values of the resources of some types."""
    for r in resources:
        if r["type"] in kinds and r["mode"] == "managed" and r["change"]["after"] is not None:
            yield r["address"], r["change"]["after"]


def statements(values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return json.loads(values[name])["Statement"] if values.get(name) else []


# --- Rules on what is planned ---------------------------------------------------------------------------------


def roles_hold_no_more_than_they_must(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_iam_role_policy", "aws_iam_policy"):
        for s in statements(values, "policy"):
            where, actions = f"{address}: {s.get('Sid')}", listed(s.get("Action", []))
            if s["Effect"] == "Deny":
                continue
            if "NotAction" in s or "NotResource" in s:
                yield f"{where} allows all but something"
            for action in actions:
                if "*" in action:
                    yield f"{where} allows {action}"
            for resource in listed(s.get("Resource", [])):
                if resource == "*":
                    loose = [a for a in actions if a not in ON_EVERYTHING]
                    if loose:
                        yield f"{where} allows {', '.join(loose)} on every resource"
                    bound = s.get("Condition", {}).get("StringEquals", {})
                    if not bound.get("aws:RequestedRegion") and not bound.get("cloudwatch:namespace"):
                        yield f"{where} stands on every resource of every region"
                elif re.search(r"[*?]", resource) and not may_be_wide(resource, set(actions)):
                    yield f"{where} has a wildcard in {resource}"


def what_lambda_needs_is_denied_to_the_functions_code(resources: list[Resource]) -> Iterator[str]:
    """Lambda makes the interfaces of a function in a VPC with the function's role; the function itself makes none."""
    for address, values in of(resources, "aws_iam_role_policy", "aws_iam_policy"):
        found = statements(values, "policy")
        allowed = {a for s in found if s["Effect"] == "Allow" for a in listed(s.get("Action", [])) if a in INTERFACE_ACTIONS}
        denied = {a for s in found if is_for_a_functions_code(s) for a in listed(s.get("Action", []))}
        if "ec2:CreateNetworkInterface" in allowed and allowed - denied:
            yield f"{address}: the function's own code may use {', '.join(sorted(allowed - denied))}"


def is_for_a_functions_code(statement: dict[str, Any]) -> bool:
    """Whether it denies everything of its kind to the code of one function, named by its exact ARN."""
    condition = statement.get("Condition", {})
    arns = listed(condition.get("ArnEquals", {}).get("lambda:SourceFunctionArn", []))
    exact = bool(arns) and all(re.fullmatch(r"arn:[^:*]+:lambda:[a-z0-9-]+:\d{12}:function:[^:*?]+", arn) for arn in arns)
    return statement["Effect"] == "Deny" and statement.get("Resource") == "*" and list(condition) == ["ArnEquals"] and exact


def is_another_accounts_role(name: str, statement: dict[str, Any]) -> bool:
    """The one role that is for another account: a role of it by its exact ARN, and only with the external id."""
    roles = listed(statement["Principal"]["AWS"])
    exact = all(re.fullmatch(r"arn:[^:*]+:iam::\d{12}:role/[^*?]+", role) for role in roles)
    return name.endswith("-primary-region") and exact and bool(statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId"))


def roles_are_for_named_services(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_iam_role"):
        for s in statements(values, "assume_role_policy"):
            kinds = set(s["Principal"]) if isinstance(s["Principal"], dict) else {"*"}
            if kinds == {"AWS"} and is_another_accounts_role(values.get("name") or "", s):
                continue
            if not kinds <= {"Service", "Federated"}:
                yield f"{address}: may be assumed by {s['Principal']}"
            if "Federated" in kinds and not any(k.endswith(":sub") and "*" not in str(v) for k, v in s.get("Condition", {}).get("StringEquals", {}).items()):
                yield f"{address}: may be assumed with anybody's token of {s['Principal']['Federated']}"
        for arn in values.get("managed_policy_arns") or []:
            yield f"{address}: carries the managed policy {arn}"
    for address, values in of(resources, "aws_iam_role_policy_attachment", "aws_iam_policy_attachment"):
        if (values.get("policy_arn") or "").rsplit("/", 1)[-1] not in MANAGED:
            yield f"{address}: attaches {values.get('policy_arn')}, which these rules don't see"


def a_boundary_bounds_every_role(resources: list[Resource]) -> Iterator[str]:
    """Where an account demands a boundary, one role without it stops the whole apply."""
    roles = list(of(resources, "aws_iam_role"))
    if any(values.get("permissions_boundary") for _, values in roles):
        yield from (f"{address} has no boundary, others beside it do" for address, values in roles if not values.get("permissions_boundary"))


def resource_policies_admit_whom_they_name(resources: list[Resource]) -> Iterator[str]:
    for kind, attribute in RESOURCE_POLICIES.items():
        for address, values in of(resources, kind):
            found = statements(values, attribute)
            if kind != "aws_kms_key" and found and not any(
                s["Effect"] == "Deny" and s["Principal"] == "*" and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for s in found
            ):
                yield f"{address}: answers without TLS"
            for s in found:
                if s["Effect"] != "Allow":
                    continue
                principal = s["Principal"]
                if principal == "*" or "*" in listed(principal.get("AWS", [])):
                    yield f"{address}: {s.get('Sid')} admits everybody"
                condition = {k.lower() for test in s.get("Condition", {}).values() for k in test}
                named = principal if isinstance(principal, dict) else {}
                services = set(listed(named.get("Service", []))) - (KEYS_FOR if kind == "aws_kms_key" else set())
                if services and not condition & {"aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:aws:logs:arn"}:
                    yield f"{address}: {s.get('Sid')} doesn't say for which source"
                if "AWS" in named and not all(re.fullmatch(r"arn:[^:]+:iam::\d{12}:.+", p) for p in listed(named["AWS"])):
                    yield f"{address}: {s.get('Sid')} admits {named['AWS']}"


def topics_queues_and_buckets_have_policies(resources: list[Resource]) -> Iterator[str]:
    for kind in ("aws_sns_topic", "aws_sqs_queue", "aws_s3_bucket"):
        things, policies = len(list(of(resources, kind))), len(list(of(resources, f"{kind}_policy")))
        if things > policies:
            yield f"{kind}: {things} of them, but {policies} policies"


def buckets_are_private_and_versioned(resources: list[Resource]) -> Iterator[str]:
    buckets = list(of(resources, "aws_s3_bucket"))
    for address, values in buckets:
        if values.get("force_destroy"):
            yield f"{address}: is destroyed with what is in it"
    closed = [v for _a, v in of(resources, "aws_s3_bucket_public_access_block") if all(v.get(k) for k in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"))]
    versioned = [v for _a, v in of(resources, "aws_s3_bucket_versioning") if v["versioning_configuration"][0]["status"] == "Enabled"]
    encrypted = list(of(resources, "aws_s3_bucket_server_side_encryption_configuration"))
    for what, have in (("public access block", closed), ("versioning", versioned), ("encryption", encrypted)):
        if len(have) < len(buckets):
            yield f"aws_s3_bucket: {len(buckets)} of them, but {len(have)} with {what}"


def databases_are_private_encrypted_and_kept(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_db_instance", "aws_rds_cluster", "aws_rds_cluster_instance"):
        if values.get("publicly_accessible"):
            yield f"{address}: has a public address"
        if "aws_rds_cluster_instance" in address:
            continue
        if not values.get("storage_encrypted"):
            yield f"{address}: isn't encrypted"
        if values.get("deletion_protection") and values.get("skip_final_snapshot"):
            yield f"{address}: leaves no final snapshot"
        if not values.get("deletion_protection") and not values.get("skip_final_snapshot"):
            yield f"{address}: isn't protected against deletion"
    for address, values in of(resources, "aws_db_parameter_group", "aws_rds_cluster_parameter_group"):
        settings = {p["name"]: str(p["value"]).lower() for p in values.get("parameter") or []}
        if not {settings.get("rds.force_ssl"), settings.get("require_secure_transport")} & {"1", "on"}:
            yield f"{address}: connections without TLS are taken"


def secrets_are_not_in_the_plan(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_ssm_parameter"):
        if values.get("type") == "SecureString" and (values.get("value") or values.get("insecure_value")):
            yield f"{address}: its value stands in plan and state"
    for address, values in of(resources, "aws_db_instance", "aws_rds_cluster"):
        if "module.database" in address and (values.get("password") or values.get("master_password")):
            yield f"{address}: its password stands in plan and state"


def security_groups_open_to_all_only_the_web(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_vpc_security_group_ingress_rule"):
        if values.get("cidr_ipv4") == "0.0.0.0/0" and not (values.get("from_port") == values.get("to_port") and values.get("from_port") in PRIVATE_PORTS_OPEN_TO_ALL):
            yield f"{address}: port {values.get('from_port')} is open to everybody"
    for address, values in of(resources, "aws_security_group"):
        if "quarantine" in address and (values.get("ingress") or values.get("egress")):
            yield f"{address}: the quarantine lets something through"


def recovery_endpoints_are_closed(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_globalaccelerator_endpoint_group"):
        for endpoint in values.get("endpoint_configuration") or []:
            if "recovery" in address and endpoint.get("weight") != 0:
                yield f"{address}: the side that waits has weight {endpoint.get('weight')}"


def servers_guard_their_role_and_disk(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_launch_template"):
        if [m.get("http_tokens") for m in values.get("metadata_options") or []] != ["required"]:
            yield f"{address}: gives its role to whoever can make it fetch a URL"
        for device in values.get("block_device_mappings") or []:
            if str((device.get("ebs") or [{}])[0].get("encrypted")).lower() != "true":
                yield f"{address}: a disk isn't encrypted"


def start_up_scripts_are_scripts(resources: list[Resource]) -> Iterator[str]:
    for address, values in of(resources, "aws_launch_template"):
        if not values.get("user_data"):
            continue
        script = base64.b64decode(values["user_data"]).decode()
        read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        if read.returncode:
            yield f"{address}: bash can't read the start-up script: {read.stderr.strip()}"
        for name, part in re.findall(r"^cat > (\S+) <<'START'\n(.*?)^START$", script, re.MULTILINE | re.DOTALL):
            if subprocess.run(["bash", "-n"], input=part, text=True, capture_output=True, check=False).returncode:
                yield f"{address}: bash can't read {name}"
        writer = re.search(r"<<'PYTHON'\n(.*?)^PYTHON$", script, re.MULTILINE | re.DOTALL)
        wanted = re.search(r"environment.py '([^']*)'", script)
        if writer and wanted and json.loads(wanted[1]):
            yield from _environment_lines(address, writer[1], json.loads(wanted[1]))


def _environment_lines(address: str, program: str, wanted: dict[str, str]) -> Iterator[str]:
    """Runs the part that writes the containers' environment, with an `aws` that answers from a list."""
    value = "it's \"a\" $ecret # = \\n"
    with tempfile.TemporaryDirectory() as home:
        fake = Path(home) / "aws"
        fake.write_text(
            f"#!{sys.executable}\nimport json, sys\npath = sys.argv[sys.argv.index('--path') + 1]\n"
            f"print(json.dumps({{'Parameters': [{{'Name': path + '/sub/some-name', 'Value': {value!r}}}]}}))\n"
        )
        fake.chmod(0o755)
        (Path(home) / "environment.py").write_text(program)
        environment = {"PATH": f"{home}:{os.environ['PATH']}"}
        ran = subprocess.run([sys.executable, f"{home}/environment.py", json.dumps(wanted)], capture_output=True, text=True, env=environment, check=False)
        lines = sorted(f"{prefix}SUB_SOME_NAME={value}" for prefix in wanted)
        if sorted(ran.stdout.splitlines()) != lines:
            yield f"{address}: the environment is {ran.stdout!r} instead of {lines}: {ran.stderr.strip()}"
        fake.write_text(f"#!{sys.executable}\nprint('{{\"Parameters\": []}}')\n")
        empty = subprocess.run([sys.executable, f"{home}/environment.py", json.dumps(wanted)], capture_output=True, text=True, env=environment, check=False)
        if empty.returncode == 0 or "no parameter under" not in empty.stderr:
            yield f"{address}: starts without its parameters"


PLAN_RULES = [
    roles_hold_no_more_than_they_must,
    what_lambda_needs_is_denied_to_the_functions_code,
    roles_are_for_named_services,
    a_boundary_bounds_every_role,
    resource_policies_admit_whom_they_name,
    topics_queues_and_buckets_have_policies,
    buckets_are_private_and_versioned,
    databases_are_private_encrypted_and_kept,
    secrets_are_not_in_the_plan,
    security_groups_open_to_all_only_the_web,
    recovery_endpoints_are_closed,
    servers_guard_their_role_and_disk,
    start_up_scripts_are_scripts,
]

# --- Rules on the source --------------------------------------------------------------------------------------

_RESOURCE = re.compile(r'^resource "(?P<type>[a-z0-9_]+)" "(?P<name>[a-z0-9_]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r'^variable "(?P<name>[a-z0-9_]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)


def ignored(body: str) -> set[str]:
    match = re.search(r"ignore_changes\s*=\s*\[(?P<names>[^\]]*(?:\[[0-9]+\][^\]]*)*)\]", body)
    return {name.strip() for name in match["names"].split(",")} if match else set()


def terraform_leaves_failovers_alone(where: str, source: str) -> Iterator[str]:
    for r in _RESOURCE.finditer(source):
        missing = LEFT_ALONE.get(r["type"], set()) - ignored(r["body"])
        # A fleet that no failover touches (the pilot-light example's primary) has its desired size moved by policies only.
        if r["type"] == "aws_autoscaling_group" and "primary" in r["name"]:
            missing -= {"min_size", "max_size"}
        if r["type"] == "aws_db_instance":
            missing = ({"replicate_source_db"} if "replicate_source_db" in r["body"] else {"vpc_security_group_ids"}) - ignored(r["body"])
        if missing:
            yield f"{where}: {r['type']}.{r['name']} doesn't ignore {', '.join(sorted(missing))}: the next apply would undo a failover"


def roles_can_be_bounded(where: str, source: str) -> Iterator[str]:
    for r in _RESOURCE.finditer(source):
        if r["type"] == "aws_iam_role" and not re.search(r"^  permissions_boundary\s+= var\.permissions_boundary_arn$", r["body"], re.MULTILINE):
            yield f"{where}: aws_iam_role.{r['name']} can't be bounded"


_MODULE = re.compile(r'^module "(?P<name>[a-z0-9_]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)


def examples_hand_the_boundary_on(where: str, source: str) -> Iterator[str]:
    """An example that takes a boundary hands it to every module that makes roles."""
    folder = (INFRA / where).parent
    if not any('variable "permissions_boundary_arn"' in text for text in [source, *(path.read_text() for path in folder.glob("*.tf"))]):
        return
    for m in _MODULE.finditer(source):
        found = re.search(r'^  source\s+= "(.*/modules/[a-z0-9-]+)"$', m["body"], re.MULTILINE)
        takes = found and 'variable "permissions_boundary_arn"' in (folder / found[1] / "variables.tf").resolve().read_text()
        if takes and not re.search(r"^  permissions_boundary_arn\s+= var\.", m["body"], re.MULTILINE):
            yield f"{where}: module.{m['name']} makes roles without the boundary"


def alarms_tell_somebody(where: str, source: str) -> Iterator[str]:
    for r in _RESOURCE.finditer(source):
        # The gate of Route 53 is an alarm in form only.
        if r["type"] == "aws_cloudwatch_metric_alarm" and r["name"] != "closed" and not ("alarm_actions" in r["body"] and "ok_actions" in r["body"]):
            yield f"{where}: aws_cloudwatch_metric_alarm.{r['name']} tells nobody"


_ROLE_TOPIC = re.compile(r"\btopic_arn\s*=\s*(module\.\w+\.(?:signals|commands|notices)_topic_arns?\b)")


def roles_publish_to_topics_that_take_them(where: str, source: str) -> Iterator[str]:
    """A module that is given one topic publishes to it by a role. The orchestrator's topics refuse every role but its functions'."""
    for m in _ROLE_TOPIC.finditer(source):
        yield f"{where}: {m[1]} refuses every role but the orchestrator's own"


SOURCE_RULES = [terraform_leaves_failovers_alone, roles_can_be_bounded, alarms_tell_somebody]
EXAMPLE_RULES = [terraform_leaves_failovers_alone, alarms_tell_somebody, examples_hand_the_boundary_on, roles_publish_to_topics_that_take_them]


def modules_name_their_provider(module: Path) -> Iterator[str]:
    versions = (module / "versions.tf").read_text()
    if not re.search(r'version\s+= ">= 5\.100, < 7"', versions):
        yield f"{label(module)}: versions.tf doesn't take the provider from 5.100 to below 7"
    if "provider   = aws.primary" in (main := (module / "main.tf").read_text()) and "configuration_aliases" not in versions:
        yield f"{label(module)}: works in two regions, but versions.tf doesn't ask for two providers ({len(main)} characters)"


def every_rule_of_a_variable_is_broken_once(module: Path) -> Iterator[str]:
    tests = "".join(path.read_text() for path in sorted(module.glob("tests/*.tftest.hcl")))
    expected = [name for group in re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL) for name in re.findall(r"var\.([a-z0-9_]+)", group)]
    for v in _VARIABLE.finditer((module / "variables.tf").read_text()):
        rules = v["body"].count("\n  validation {\n")
        if expected.count(v["name"]) < rules:
            yield f"{label(module)}: variable {v['name']} has {rules} rules, but only {expected.count(v['name'])} cases that break one"


def preconditions_are_broken_once(module: Path) -> Iterator[str]:
    tests = "".join(path.read_text() for path in sorted(module.glob("tests/*.tftest.hcl")))
    for path in sorted(module.glob("*.tf")):
        for r in _RESOURCE.finditer(path.read_text()):
            if "precondition {" in r["body"] and f"{r['type']}.{r['name']}" not in "".join(re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL)):
                yield f"{label(module)}: no case breaks the precondition of {r['type']}.{r['name']}"


MODULE_RULES = [modules_name_their_provider, every_rule_of_a_variable_is_broken_once, preconditions_are_broken_once]

# --- Where plans come from ------------------------------------------------------------------------------------


def plans(recorded: Path | None) -> Plans:
    """The resources each test plans, by module (or example) and test."""
    with tempfile.TemporaryDirectory(prefix="infra-") as home:
        folder = recorded or record_all(Path(home))
        return {f"{path.stem.replace('.', '/')}: {run}": plan for path in sorted(folder.glob("*.json")) for run, plan in json.loads(path.read_text()).items()}


def record_all(home: Path) -> Path:
    copy, folder = home / "infra", home / "plans"
    folder.mkdir()
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "lab_override.tf"))
    for tested in tested_folders(copy):
        subprocess.run(["terraform", "init", "-input=false", "-no-color", "-backend=false"], cwd=tested, check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["terraform", "test", "-json", "-verbose"], cwd=tested, capture_output=True, text=True, check=False)
        record(done.stdout, tested, folder)
    return folder


def tested_folders(infra: Path) -> list[Path]:
    """Modules, child modules and examples with tests of their own, but those with stricter rules."""
    found = {path.parents[1] for depth in ("*/*", "*/*/*") for path in infra.glob(f"{depth}/tests/*.tftest.hcl")}
    return sorted(path for path in found if label(path).split("/")[0] not in OWN_RULES)


def label(folder: Path) -> str:
    """What a module, a child module or an example is called: network, storage/region."""
    above = [at for at, part in enumerate(folder.parts) if part in ("modules", "examples")]
    return "/".join(folder.parts[above[-1] + 1 :]) if above else folder.name


def modules(infra: Path) -> list[Path]:
    """Every module and child module, but those with stricter rules."""
    found = {path.parent for depth in ("*", "*/*") for path in infra.glob(f"modules/{depth}/versions.tf")}
    return sorted(path for path in found if label(path).split("/")[0] not in OWN_RULES)


def record(output: str, tested: Path, folder: Path) -> None:
    """Keeps what the tests of `terraform test -json -verbose` plan, but of those that are meant to be refused.

    Each plan comes with the provider's whole schema, some ten megabytes, so a line is read from the resources on only.
    """
    refused = {
        run["name"]
        for path in tested.glob("tests/*.tftest.hcl")
        for run in re.finditer(r'^run "(?P<name>[^"]+)" \{\n(?P<body>.*?)^\}\n', path.read_text(), re.MULTILINE | re.DOTALL)
        if "expect_failures" in run["body"]
    }
    found, mark = {}, '"resource_changes":'
    for line in output.splitlines():
        if not line.endswith('"type":"test_plan"}'):
            continue
        name = re.search(r'"@testrun":"([^"]+)"', line)
        if name and name[1] not in refused and mark in line:
            found[name[1]] = json.JSONDecoder().raw_decode(line, line.index(mark) + len(mark))[0]
    (folder / f"{label(tested).replace('/', '.')}.json").write_text(json.dumps(found))


def violations(found: Plans) -> list[str]:
    lines = [f"{name}: {line}" for name, resources in found.items() for rule in PLAN_RULES for line in rule(resources)]
    checked = modules(INFRA)
    examples = [path for path in sorted(INFRA.glob("examples/**/*.tf")) if ".terraform" not in path.parts]
    for path in [*examples, *(path for module in checked for path in sorted(module.glob("*.tf")))]:
        rules = SOURCE_RULES if label(path.parent) in map(label, checked) else EXAMPLE_RULES
        lines += [line for rule in rules for line in rule(str(path.relative_to(INFRA)), path.read_text())]
    lines += [line for module in checked for rule in MODULE_RULES for line in rule(module)]
    planned = {name.split(":")[0] for name, resources in found.items() if resources}
    lines += [f"{label(module)}: its tests plan nothing that could be looked at" for module in checked if label(module) not in planned]
    return list(dict.fromkeys(lines))


def main() -> int:
    recorded = os.environ.get("INFRA_PLANS")
    found = plans(Path(recorded) if recorded else None)
    lines = violations(found)
    for line in lines:
        print(line)
    print(f"{len(found)} plans, {len(PLAN_RULES) + len(SOURCE_RULES) + len(MODULE_RULES)} rules, {len(lines)} violations", file=sys.stderr)
    return 1 if lines or not found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Can module_policy_test.py and module_readme_test.py fail? Each rule is shown something that breaks it.

Usage: python3 infra/tests/module_policy_negative_test.py
Exit code: 0, or 1 with one line per rule that noticed nothing.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import module_policy_test as policy
import module_readme_test as readme


def resource(kind: str, label: str = "this", **values: Any) -> dict[str, Any]:
    return {"address": f"module.database.{kind}.{label}", "type": kind, "mode": "managed", "change": {"after": values}}


def role(**statement: Any) -> dict[str, Any]:
    return resource("aws_iam_role_policy", policy=json.dumps({"Statement": [{"Sid": "S", "Effect": "Allow", **statement}]}))


def interfaces(function_arn: str, denied: list[str] | None = None) -> dict[str, Any]:
    actions = ["ec2:CreateNetworkInterface", "ec2:DescribeSubnets"]
    deny = {"Effect": "Deny", "Action": denied or actions, "Resource": "*", "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}}}
    return resource("aws_iam_role_policy", policy=json.dumps({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}, deny]}))


def trust(**statement: Any) -> dict[str, Any]:
    return resource("aws_iam_role", assume_role_policy=json.dumps({"Statement": [{"Effect": "Allow", **statement}]}))


def trusting(principal: str, external_id: str | None = None) -> str:
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, **condition}]})


def topic(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("aws_sns_topic_policy", policy=json.dumps({"Statement": list(statements)}))


def key(*services: str) -> dict[str, Any]:
    statement = {"Sid": "Messages", "Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "kms:Decrypt", "Resource": "*"}
    return resource("aws_kms_key", policy=json.dumps({"Statement": [statement]}))


TLS = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
SCRIPT = "#!/bin/bash\ncat > /etc/a/environment.py <<'PYTHON'\nprint('A=1')\nPYTHON\npython3 /etc/a/environment.py '{\"A_\":\"/a\"}'\n"

# Resources, the rule that must notice, and words of the line it must say.
PLANNED: list[tuple[str, Callable[[list[dict[str, Any]]], Any], list[dict[str, Any]]]] = [
    ("allows s3:*", policy.roles_hold_no_more_than_they_must, [role(Action="s3:*", Resource="arn:aws:s3:::a")]),
    ("allows all but something", policy.roles_hold_no_more_than_they_must, [role(NotAction="iam:*", Resource="arn:aws:s3:::a")]),
    ("rds:DeleteDBInstance on every resource", policy.roles_hold_no_more_than_they_must, [role(Action=["rds:DeleteDBInstance"], Resource="*")]),
    ("of every region", policy.roles_hold_no_more_than_they_must, [role(Action=["cloudwatch:GetMetricData"], Resource="*")]),
    ("has a wildcard in", policy.roles_hold_no_more_than_they_must, [role(Action=["sqs:SendMessage"], Resource="arn:aws:sqs:eu-south-1:123456789012:*")]),
    ("has a wildcard in", policy.roles_hold_no_more_than_they_must, [role(Action=["ec2:AttachNetworkInterface"], Resource="arn:aws:ec2:eu-south-1:123456789012:network-interface/*")]),
    ("may use ec2:CreateNetworkInterface", policy.what_lambda_needs_is_denied_to_the_functions_code, [role(Action=["ec2:CreateNetworkInterface"], Resource="arn:aws:ec2:eu-south-1:123456789012:subnet/subnet-0")]),
    ("may use ec2:DescribeSubnets", policy.what_lambda_needs_is_denied_to_the_functions_code, [interfaces("arn:aws:lambda:eu-south-1:123456789012:function:a", denied=["ec2:CreateNetworkInterface"])]),
    ("may use ec2:CreateNetworkInterface", policy.what_lambda_needs_is_denied_to_the_functions_code, [interfaces("arn:aws:lambda:eu-south-1:123456789012:function:*")]),
    ("may be assumed by", policy.roles_are_for_named_services, [trust(Principal={"AWS": "*"})]),
    ("may be assumed by", policy.roles_are_for_named_services, [resource("aws_iam_role", name="shop-primary-region", assume_role_policy=trusting("arn:aws:iam::123456789012:role/a"))]),
    ("may be assumed by", policy.roles_are_for_named_services, [resource("aws_iam_role", name="shop-primary-region", assume_role_policy=trusting("arn:aws:iam::123456789012:root", "id"))]),
    ("may be assumed by", policy.roles_are_for_named_services, [resource("aws_iam_role", name="shop-other", assume_role_policy=trusting("arn:aws:iam::123456789012:role/a", "id"))]),
    ("has no boundary", policy.a_boundary_bounds_every_role, [resource("aws_iam_role", permissions_boundary="arn:a"), resource("aws_iam_role", "other", permissions_boundary=None)]),
    ("anybody's token", policy.roles_are_for_named_services, [trust(Principal={"Federated": "arn:p"}, Condition={"StringEquals": {"p:sub": "repo:a/*"}})]),
    ("attaches arn:aws:iam::aws:policy/AdministratorAccess", policy.roles_are_for_named_services, [resource("aws_iam_role_policy_attachment", policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")]),
    ("answers without TLS", policy.resource_policies_admit_whom_they_name, [topic({"Effect": "Deny", "Principal": "*", "Action": "sns:Publish"})]),
    ("admits everybody", policy.resource_policies_admit_whom_they_name, [topic(TLS, {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"})]),
    ("Messages doesn't say for which source", policy.resource_policies_admit_whom_they_name, [key("lambda.amazonaws.com")]),
    ("Messages doesn't say for which source", policy.resource_policies_admit_whom_they_name, [key("sns.amazonaws.com", "logs.eu-south-1.amazonaws.com")]),
    ("admits 123", policy.resource_policies_admit_whom_they_name, [resource("aws_kms_key", policy=json.dumps({"Statement": [{"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": "123"}, "Action": "kms:Decrypt", "Resource": "*"}]}))]),
    ("doesn't say for which source", policy.resource_policies_admit_whom_they_name, [topic(TLS, {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish"})]),
    ("admits 123", policy.resource_policies_admit_whom_they_name, [topic(TLS, {"Effect": "Allow", "Principal": {"AWS": "123"}, "Action": "sns:Publish"})]),
    ("1 of them, but 0 policies", policy.topics_queues_and_buckets_have_policies, [resource("aws_sqs_queue")]),
    ("is destroyed with what is in it", policy.buckets_are_private_and_versioned, [resource("aws_s3_bucket", force_destroy=True)]),
    ("0 with public access block", policy.buckets_are_private_and_versioned, [resource("aws_s3_bucket"), resource("aws_s3_bucket_public_access_block", block_public_acls=True)]),
    ("0 with versioning", policy.buckets_are_private_and_versioned, [resource("aws_s3_bucket"), resource("aws_s3_bucket_versioning", versioning_configuration=[{"status": "Suspended"}])]),
    ("has a public address", policy.databases_are_private_encrypted_and_kept, [resource("aws_db_instance", publicly_accessible=True)]),
    ("isn't encrypted", policy.databases_are_private_encrypted_and_kept, [resource("aws_rds_cluster", storage_encrypted=False)]),
    ("leaves no final snapshot", policy.databases_are_private_encrypted_and_kept, [resource("aws_db_instance", deletion_protection=True, skip_final_snapshot=True)]),
    ("isn't protected", policy.databases_are_private_encrypted_and_kept, [resource("aws_db_instance", deletion_protection=False, skip_final_snapshot=False)]),
    ("connections without TLS", policy.databases_are_private_encrypted_and_kept, [resource("aws_db_parameter_group", parameter=[{"name": "rds.force_ssl", "value": "0"}])]),
    ("its value stands in plan", policy.secrets_are_not_in_the_plan, [resource("aws_ssm_parameter", type="SecureString", value="x")]),
    ("its password stands in plan", policy.secrets_are_not_in_the_plan, [resource("aws_db_instance", password="x")]),
    ("port 22 is open", policy.security_groups_open_to_all_only_the_web, [resource("aws_vpc_security_group_ingress_rule", cidr_ipv4="0.0.0.0/0", from_port=22, to_port=22)]),
    ("the quarantine lets something through", policy.security_groups_open_to_all_only_the_web, [resource("aws_security_group", "quarantine", egress=[{"from_port": 0}])]),
    ("has weight 128", policy.recovery_endpoints_are_closed, [resource("aws_globalaccelerator_endpoint_group", "recovery", endpoint_configuration=[{"weight": 128}])]),
    ("gives its role", policy.servers_guard_their_role_and_disk, [resource("aws_launch_template", metadata_options=[{"http_tokens": "optional"}])]),
    ("a disk isn't encrypted", policy.servers_guard_their_role_and_disk, [resource("aws_launch_template", metadata_options=[{"http_tokens": "required"}], block_device_mappings=[{"ebs": [{"encrypted": "false"}]}])]),
    ("bash can't read", policy.start_up_scripts_are_scripts, [resource("aws_launch_template", user_data=base64.b64encode(b"if true; then\n").decode())]),
    ("the environment is", policy.start_up_scripts_are_scripts, [resource("aws_launch_template", user_data=base64.b64encode(SCRIPT.encode()).decode())]),
    ("starts without its parameters", policy.start_up_scripts_are_scripts, [resource("aws_launch_template", user_data=base64.b64encode(SCRIPT.encode()).decode())]),
]

# A source, the rule that must notice, and words of the line it must say.
WRITTEN: list[tuple[str, Callable[[str, str], Any], str]] = [
    ("doesn't ignore max_size", policy.terraform_leaves_failovers_alone, 'resource "aws_autoscaling_group" "recovery" {\n  lifecycle {\n    ignore_changes = [min_size, desired_capacity]\n  }\n}\n'),
    ("doesn't ignore desired_capacity", policy.terraform_leaves_failovers_alone, 'resource "aws_autoscaling_group" "primary" {\n}\n'),
    ("doesn't ignore endpoint_configuration", policy.terraform_leaves_failovers_alone, 'resource "aws_globalaccelerator_endpoint_group" "a" {\n}\n'),
    ("doesn't ignore replicate_source_db", policy.terraform_leaves_failovers_alone, 'resource "aws_db_instance" "a" {\n  replicate_source_db = "b"\n}\n'),
    ("doesn't ignore vpc_security_group_ids", policy.terraform_leaves_failovers_alone, 'resource "aws_db_instance" "a" {\n}\n'),
    ("doesn't ignore global_cluster_identifier", policy.terraform_leaves_failovers_alone, 'resource "aws_rds_cluster" "a" {\n}\n'),
    ("can't be bounded", policy.roles_can_be_bounded, 'resource "aws_iam_role" "a" {\n  name = "a"\n}\n'),
    ("without the boundary", policy.examples_hand_the_boundary_on, 'variable "permissions_boundary_arn" {\n}\nmodule "a" {\n  source = "./modules/network"\n}\n'),
    ("refuses every role but", policy.roles_publish_to_topics_that_take_them, 'module "cluster" {\n  alerts = { topic_arn = module.pilotlight.notices_topic_arns.primary }\n}\n'),
    ("tells nobody", policy.alarms_tell_somebody, 'resource "aws_cloudwatch_metric_alarm" "a" {\n  alarm_actions = []\n}\n'),
]


def change(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Replaces a text of a file of a module's copy; the text must be there."""

    def apply(module: Path) -> None:
        text = (module / name).read_text()
        if old not in text:
            raise SystemExit(f"{module.name}/{name} holds no {old!r}")
        (module / name).write_text(text.replace(old, new))

    return apply


# What is done to a copy of the module `network`, and words of the line that must be said.
MODULE: list[tuple[str, Callable[[Path], Any], Callable[[Path], None]]] = [
    ("from 5.100 to below 7", policy.modules_name_their_provider, change("versions.tf", ">= 5.100, < 7", ">= 4")),
    ("cases that break one", policy.every_rule_of_a_variable_is_broken_once, change("tests/network.tftest.hcl", "expect_failures = [var.zone_count]", "expect_failures = []")),
    ("no case breaks the precondition", policy.preconditions_are_broken_once, change("tests/network.tftest.hcl", "[aws_vpc.this]", "[]")),
    ("has no description", lambda module: readme.violations(module, False), change("variables.tf", 'description = "The ', 'summary = "The ')),
    ("isn't as variables.tf", lambda module: readme.violations(module, False), change("variables.tf", "default     = 8080", "default     = 8081")),
    ("doesn't say in its first line", lambda module: readme.violations(module, False), change("main.tf", "# The network", "\n# The network")),
    ("versions.tf is missing", lambda module: readme.violations(module, False), lambda module: (module / "versions.tf").unlink()),
    ("declares a variable", lambda module: readme.violations(module, False), change("main.tf", "data \"aws_region\" \"here\" {}\n", 'output "a" {\n}\n')),
]


def main() -> int:
    lines = [f"no rule noticed: {words}" for words, rule, resources in PLANNED if not any(words in line for line in rule(resources))]
    lines += [f"no rule noticed: {words}" for words, rule, source in WRITTEN if not any(words in line for line in rule("a.tf", source))]
    for words, rule, break_it in MODULE:
        with tempfile.TemporaryDirectory() as home:
            module = Path(home) / "network"
            shutil.copytree(policy.INFRA / "modules" / "network", module, ignore=shutil.ignore_patterns(".terraform*"))
            if already := list(rule(module)):
                lines.append(f"the good module is refused: {already}")
            break_it(module)
            if not any(words in line for line in rule(module)):
                lines.append(f"no rule noticed: {words}")
    used = {rule for _w, rule, _r in PLANNED} | {rule for _w, rule, _s in WRITTEN} | {rule for _w, rule, _c in MODULE}
    lines += [f"no case breaks {rule.__name__}" for rule in [*policy.PLAN_RULES, *policy.SOURCE_RULES, *policy.EXAMPLE_RULES, *policy.MODULE_RULES] if rule not in used]
    for line in lines:
        print(line)
    count = len(PLANNED) + len(WRITTEN) + len(MODULE)
    print(f"{count - len(lines)} passed, {len(lines)} failed")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

"""Can policy_test.py and validation_messages_test.py fail? Each rule is shown a plan that breaks it.

Usage: python3 infra/tests/policy_negative_test.py
Exit code: 0, or 1 with one line per rule that noticed nothing.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from typing import Any

import policy_test as checker
import validation_messages_test as messages

Plan = dict[str, Any]


def after(plan: Plan, kind: str, part: str = "") -> dict[str, Any]:
    """The planned values of the first resource of a type whose address holds the text."""
    return next(r for r in checker.resources(plan, kind) if part in r["address"])["change"]["after"]


def edit(kind: str, part: str, attribute: str, change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Plan], None]:
    """Changes the statements of a policy."""

    def apply(plan: Plan) -> None:
        values = after(plan, kind, part)
        document = json.loads(values[attribute])
        change(document["Statement"])
        values[attribute] = json.dumps(document)

    return apply


def put(kind: str, part: str, attribute: str, value: Any) -> Callable[[Plan], None]:
    """Replaces one planned value."""
    return lambda plan: after(plan, kind, part).__setitem__(attribute, value)


def drop(kind: str, part: str = "") -> Callable[[Plan], None]:
    """Removes every resource of a type whose address holds the text."""

    def apply(plan: Plan) -> None:
        plan["resource_changes"] = [r for r in plan["resource_changes"] if not (r["type"] == kind and part in r["address"])]

    return apply


def take(found: list[dict[str, Any]], role: str) -> None:
    found.append({"Sid": "Take", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [role]})


def statement(found: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    return next(s for s in found if s.get("Sid") == sid)


ROLE, TOPIC, QUEUE = "aws_iam_role_policy", "aws_sns_topic_policy", "aws_sqs_queue_policy"
PERMISSION, SUBSCRIPTION, ALARM = "aws_lambda_permission", "aws_sns_topic_subscription", "aws_cloudwatch_metric_alarm"

# A change to a good plan, and words of the line it must cause.
BROKEN: list[tuple[str, Callable[[Plan], None]]] = [
    ("allows rds:*, which is not on the list", edit(ROLE, 'steps["promote', "policy", lambda s: statement(s, "Promote").update(Action=["rds:*"]))),
    ("allows rds:DeleteDBInstance", edit(ROLE, 'steps["promote', "policy", lambda s: statement(s, "Promote")["Action"].append("rds:DeleteDBInstance"))),
    ("allows all but something", edit(ROLE, "common", "policy", lambda s: s[0].update(NotAction=["iam:*"]))),
    ("rds:PromoteReadReplica on every resource", edit(ROLE, 'steps["promote', "policy", lambda s: statement(s, "Promote").update(Resource="*"))),
    ("of every region", edit(ROLE, 'steps["scale', "policy", lambda s: statement(s, "LookAtFleets").pop("Condition"))),
    ("has a wildcard in arn:aws:rds:us-west-1:123456789012:db:*", edit(ROLE, 'steps["promote', "policy", lambda s: statement(s, "Promote").update(Resource=["arn:aws:rds:us-west-1:123456789012:db:*"]))),
    ("has a wildcard in arn:aws:autoscaling", edit(ROLE, 'steps["scale', "policy", lambda s: statement(s, "Scale").update(Resource=["arn:aws:autoscaling:us-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/shop-*"]))),
    ("may write the metrics of every namespace", edit(ROLE, 'steps["alarm', "policy", lambda s: statement(s, "PutFigures")["Condition"]["StringEquals"].pop("cloudwatch:namespace"))),
    ("may be assumed by", edit("aws_iam_role", "", "assume_role_policy", lambda s: s[0].update(Principal={"AWS": "*"}))),
    ("carries the managed policy", put("aws_iam_role", "", "managed_policy_arns", ["arn:aws:iam::aws:policy/AdministratorAccess"])),
    ("names no source_arn", put(PERMISSION, "tick", "source_arn", None)),
    ("isn't one topic, rule or alarm of one account", put(PERMISSION, "tick", "source_arn", "arn:aws:events:us-west-1:123456789012:rule/*")),
    ("isn't one topic, rule or alarm of one account", put(PERMISSION, "tick", "source_arn", "arn:aws:s3:::bucket")),
    ("names no source_account", put(PERMISSION, "tick", "principal", "lambda.alarms.cloudwatch.amazonaws.com")),
    ("lets s3.amazonaws.com invoke", put(PERMISSION, "tick", "principal", "s3.amazonaws.com")),
    ("allows lambda:*", put(PERMISSION, "tick", "action", "lambda:*")),
    ("rule/shop-tick has no permission to invoke", drop(PERMISSION, "tick")),
    ("shop-commands has no permission to invoke", drop(PERMISSION, 'commands["scale-asg"]')),
    ("shop-signals has no permission to invoke", drop(PERMISSION, "signals_other")),
    ("has no dead-letter queue", put(SUBSCRIPTION, "signals_other", "redrive_policy", None)),
    ("module.topics_primary.aws_sns_topic_subscription.notices[\"oncall@example.com\"]: has no dead-letter queue", put(SUBSCRIPTION, "topics_primary.aws_sns_topic_subscription.notices", "redrive_policy", None)),
    ("lies in another region than its topic", put(SUBSCRIPTION, "signals_other", "redrive_policy", json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-west-1:123456789012:q"}))),
    ("aws_cloudwatch_event_target.tick: has no dead-letter queue", put("aws_cloudwatch_event_target", "tick", "dead_letter_config", [])),
    ("an invocation that fails is lost", drop("aws_lambda_function_event_invoke_config", "shift-traffic")),
    ("nobody is told when something lies in it", drop(ALARM, "signals_dead_letters")),
    ("tells nobody", put(ALARM, "detector_silent", "alarm_actions", [])),
    ("nobody is told when that ends", put(ALARM, "detector_silent", "treat_missing_data", "notBreaching")),
    ("or when nobody looks", put(ALARM, "unready", "treat_missing_data", "notBreaching")),
    ("is not ready, or when", put(ALARM, "unready", "threshold", 5)),
    ("needs a person", put(ALARM, "attention", "treat_missing_data", "notBreaching")),
    ("needs a person", put(ALARM, "attention", "threshold", 3)),
    ("aws_sns_topic_policy.commands: takes messages without TLS", edit(TOPIC, "commands", "policy", lambda s: s.remove(statement(s, "TlsOnly")))),
    ("aws_sqs_queue_policy.signals_other: takes messages without TLS", edit(QUEUE, "signals_other", "policy", lambda s: s.remove(statement(s, "TlsOnly")))),
    ("of them, but", drop(TOPIC, "topics_primary.aws_sns_topic_policy.notices")),
    ("admits everybody", edit(TOPIC, "topics_primary.aws_sns_topic_policy.signals", "policy", lambda s: statement(s, "AlarmsOfThisRegionAndAccount").update(Principal="*"))),
    ("doesn't say for which source", edit(QUEUE, "signals_other", "policy", lambda s: statement(s, "Subscriptions").pop("Condition"))),
    ("admits alarms of any account", edit(TOPIC, "topics_primary.aws_sns_topic_policy.signals", "policy", lambda s: statement(s, "AlarmsOfThisRegionAndAccount")["Condition"].pop("StringEquals"))),
    ("others than the functions may publish commands", edit(TOPIC, "commands", "policy", lambda s: s.remove(statement(s, "NobodyElsePublishes")))),
    ("others than the functions may publish commands", edit(TOPIC, "commands", "policy", lambda s: statement(s, "NobodyElsePublishes")["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].append("arn:aws:iam::123456789012:role/admin"))),
    ("step verify: heard by 0 functions", put(SUBSCRIPTION, 'commands["alarm-handler"]', "filter_policy", json.dumps({"step": ["confirm"]}))),
    ("step open: heard by 2 functions", put(SUBSCRIPTION, 'commands["alarm-handler"]', "filter_policy", json.dumps({"step": ["confirm", "verify", "open"]}))),
    ("has no point-in-time recovery", put("aws_dynamodb_table", "", "point_in_time_recovery", [])),
    ("forgets records after a time", put("aws_dynamodb_table", "", "ttl", [{"enabled": True, "attribute_name": "t"}])),
    ("its logs aren't JSON", put("aws_lambda_function", "", "logging_config", [{"log_format": "Text"}])),
    ("4 functions of the orchestrator instead of 5", lambda plan: [drop("aws_lambda_function", f'this["{f}"]')(plan) for f in ("scale-asg", "snapshot-scheduler", "ssm-replicator")]),
    ("allows rds:DeleteDBSnapshot without", edit(ROLE, 'steps["snapshot', "policy", lambda s: statement(s, "DeleteOwn").pop("Condition"))),
    ("allows ssm:DeleteParameter without", edit(ROLE, 'steps["ssm', "policy", lambda s: statement(s, "DeleteCopies").pop("Condition"))),
    ("has a wildcard in arn:aws:rds:us-west-1:123456789012:snapshot:*", edit(ROLE, 'steps["snapshot', "policy", lambda s: statement(s, "DeleteOwn").update(Resource=["arn:aws:rds:us-west-1:123456789012:snapshot:*"]))),
    ("has a wildcard in arn:aws:ssm:us-west-1:123456789012:parameter/*", edit(ROLE, 'steps["ssm', "policy", lambda s: statement(s, "CopyParameters").update(Resource=["arn:aws:ssm:us-west-1:123456789012:parameter/*"]))),
    ("rds:ModifyDBSnapshotAttribute is not denied", edit(ROLE, 'steps["snapshot', "policy", lambda s: s.remove(statement(s, "ShareNone")))),
    ("rds:ModifyDBClusterSnapshotAttribute is not denied", edit(ROLE, 'steps["snapshot', "policy", lambda s: statement(s, "ShareNone").update(Action=["rds:ModifyDBSnapshotAttribute"]))),
    ("rds:AddTagsToResource is not denied", edit(ROLE, 'steps["snapshot', "policy", lambda s: s.remove(statement(s, "TagNoOther")))),
    ("may be assumed by", edit("aws_iam_role", "scheduler", "assume_role_policy", lambda s: s[0].pop("Condition"))),
    ("is taken for arn:aws:scheduler:us-west-1:123456789012:schedule/default/shop-*", edit("aws_iam_role", "scheduler", "assume_role_policy", lambda s: s[0]["Condition"].update(ArnEquals={"aws:SourceArn": "arn:aws:scheduler:us-west-1:123456789012:schedule/default/shop-*"}))),
    ("is taken for arn:aws:scheduler:us-west-1:123456789012:schedule-group/*", edit("aws_iam_role", "scheduler", "assume_role_policy", lambda s: s[0]["Condition"].update(ArnEquals={"aws:SourceArn": "arn:aws:scheduler:us-west-1:123456789012:schedule-group/*"}))),
    ("lies in the group default", put("aws_scheduler_schedule", "snapshot", "group_name", "default")),
    # sns_policy_condition: what AWS documents of topics and EventBridge, and no emulator shows.
    ("admits EventBridge, which a topic with conditions refuses", edit(TOPIC, "topics_primary.aws_sns_topic_policy.signals", "policy", lambda s: s.append({**statement(s, "AlarmsOfThisRegionAndAccount"), "Sid": "Rules", "Principal": {"Service": "events.amazonaws.com"}, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-2:123456789012:rule/shop-*"}}}))),
    ("EventBridge does not reach arn:aws:sns:us-east-2:123456789012:shop-signals", put("aws_cloudwatch_event_target", "zone_failovers_other", "arn", "arn:aws:sns:us-east-2:123456789012:shop-signals")),
    ("what no rule hears there", drop("aws_cloudwatch_event_target", 'zone_failovers["')),
    ("what no rule hears there", put("aws_cloudwatch_event_rule", "alarms_other", "event_pattern", '{"source":["aws.cloudwatch"]}')),
    ("rule/shop-zone-failovers-0 has no permission to invoke", drop(PERMISSION, "zone_failovers")),
    ("rule/shop-alarms-0 has no permission to invoke", drop(PERMISSION, "alarms")),
    ("topics_primary.aws_sns_topic_policy.signals: whoever may publish by an identity policy", edit(TOPIC, "topics_primary.aws_sns_topic_policy.signals", "policy", lambda s: s.remove(statement(s, "NobodyElsePublishes")))),
    ("topics_recovery.aws_sns_topic_policy.signals: whoever may publish by an identity policy", edit(TOPIC, "topics_recovery.aws_sns_topic_policy.signals", "policy", lambda s: statement(s, "NobodyElsePublishes").update(Principal={"AWS": "arn:aws:iam::123456789012:root"}))),
    ("topics_primary.aws_sns_topic_policy.notices: whoever may publish by an identity policy", edit(TOPIC, "topics_primary.aws_sns_topic_policy.notices", "policy", lambda s: s.remove(statement(s, "NobodyElsePublishes")))),
    ("topics_recovery.aws_sns_topic_policy.signals: spares others than the functions", edit(TOPIC, "topics_recovery.aws_sns_topic_policy.signals", "policy", lambda s: statement(s, "NobodyElsePublishes")["Condition"].update(ArnNotEquals={"aws:PrincipalArn": "arn:aws:iam::123456789012:role/shop-alarm-handler"}))),
    ("topics_recovery.aws_sns_topic_policy.notices: spares others than the functions", edit(TOPIC, "topics_recovery.aws_sns_topic_policy.notices", "policy", lambda s: statement(s, "NobodyElsePublishes")["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].append("arn:aws:iam::123456789012:role/admin"))),
    ("may write every partition of the journal", edit(ROLE, 'common["ssm-replicator', "policy", lambda s: statement(s, "WriteJournal").pop("Condition"))),
    ("may write every partition of the journal", edit(ROLE, 'common["scale-asg', "policy", lambda s: statement(s, "WriteJournal")["Condition"].pop("Null"))),
    ("may write the partition shop", edit(ROLE, 'common["snapshot', "policy", lambda s: statement(s, "WriteJournal")["Condition"]["ForAllValues:StringEquals"].update({"dynamodb:LeadingKeys": ["shop#vitals", "shop"]}))),
    ("may write the partition shop#vitals", edit(ROLE, 'common["promote', "policy", lambda s: statement(s, "WriteJournal")["Condition"]["ForAllValues:StringEquals"].update({"dynamodb:LeadingKeys": ["shop#vitals"]}))),
    ("admits more than one role", edit("aws_cloudwatch_event_bus_policy", "", "policy", lambda s: s[0].pop("Condition"))),
    ("admits more than one role", edit("aws_cloudwatch_event_bus_policy", "", "policy", lambda s: s[0]["Condition"]["ArnEquals"].update({"aws:PrincipalArn": "arn:aws:iam::210987654321:role/*"}))),
    ("admits another account", edit("aws_cloudwatch_event_bus_policy", "", "policy", lambda s: s[0].update(Principal={"AWS": "*"}))),
    ("may take the role arn:aws:iam::123456789012:role/shop-primary-region", edit(ROLE, 'steps["ssm', "policy", lambda s: take(s, "arn:aws:iam::123456789012:role/shop-primary-region"))),
    ("may take the role arn:aws:iam::210987654321:role/*", edit(ROLE, 'steps["ssm', "policy", lambda s: take(s, "arn:aws:iam::210987654321:role/*"))),
    ("admits other alarms than arn:aws:cloudwatch:us-east-2:123456789012:alarm:*", edit(TOPIC, "topics_primary.aws_sns_topic_policy.signals", "policy", lambda s: statement(s, "AlarmsOfThisRegionAndAccount")["Condition"]["ArnLike"].update({"aws:SourceArn": "arn:aws:cloudwatch:us-west-1:123456789012:alarm:*"}))),
    ("is encrypted with a key of us-east-2", put("aws_sns_topic", "commands", "kms_master_key_id", "arn:aws:kms:us-east-2:123456789012:key/1")),
    ("us-west-1: some topics and queues are encrypted with another key", put("aws_sns_topic", "commands", "kms_master_key_id", "arn:aws:kms:us-west-1:123456789012:key/1")),
    ("may not invoke arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness", edit(ROLE, 'steps["readiness', "policy", lambda s: s.remove(statement(s, "AskTheWitness")))),
    ("may invoke arn:aws:lambda:us-east-2:123456789012:function:shop-database-witness", edit(ROLE, 'steps["alarm', "policy", lambda s: statement(s, "AskTheWitness")["Resource"].append("arn:aws:lambda:us-east-2:123456789012:function:shop-database-witness"))),
    ("may invoke arn:aws:lambda:us-west-1:123456789012:function:shop-other", edit(ROLE, 'steps["scale', "policy", lambda s: s.append({"Sid": "Ask", "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": ["arn:aws:lambda:us-west-1:123456789012:function:shop-other"]}))),
    ("has no role to send to", put("aws_cloudwatch_event_target", "parameters_other", "role_arn", None)),
    ("allows dynamodb:PutItem on arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal", edit(ROLE, 'guard_recovery.aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "HearTheOtherGuard")["Action"].append("dynamodb:PutItem"))),
    ("allows dynamodb:DescribeTable on arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal", edit(ROLE, 'guard_primary[0].aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "KnowOwnTable")["Resource"].append("arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal"))),
    ("than shop#word", edit(ROLE, 'guard_recovery.aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "HearTheOtherGuard").pop("Condition"))),
    ("reads more of arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal than shop#word", edit(ROLE, 'guard_primary[0].aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "HearTheOtherGuard")["Condition"].pop("Null"))),
    ("reads more of arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal than shop#word", edit(ROLE, 'guard_recovery.aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "HearTheOtherGuard")["Condition"]["ForAllValues:StringEquals"].update({"dynamodb:LeadingKeys": ["shop#word", "shop"]}))),
    ("only alarm-handler hears another guard", edit(ROLE, 'guard_primary[0].aws_iam_role_policy.common["scale', "policy", lambda s: statement(s, "ReadJournal")["Resource"].append("arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal"))),
    ("are both called shop-scale-asg", put("aws_iam_role", 'guard_primary[0].aws_iam_role.this["scale', "name", "shop-scale-asg")),
    ("are both called shop-tick", put("aws_cloudwatch_event_rule", "guard_primary[0].aws_cloudwatch_event_rule.tick", "name", "shop-tick")),
    ("guard_recovery: hears []", edit(ROLE, 'guard_recovery.aws_iam_role_policy.steps["alarm', "policy", lambda s: s.remove(statement(s, "HearTheOtherGuard")))),
    ("guard_primary: hears ['arn:aws:dynamodb:us-west-1:123456789012:table/shop-other']", edit(ROLE, 'guard_primary[0].aws_iam_role_policy.steps["alarm', "policy", lambda s: statement(s, "HearTheOtherGuard").update(Resource=["arn:aws:dynamodb:us-west-1:123456789012:table/shop-other"]))),
    # What one guard has makes up for nothing that the other one lacks.
    ("guard_primary[0].aws_lambda_function.this[\"scale-asg\"]: an invocation that fails is lost", drop("aws_lambda_function_event_invoke_config", 'guard_primary[0].aws_lambda_function_event_invoke_config.this["scale')),
    ("guard_primary: the plan holds 4 functions", drop("aws_lambda_function", 'guard_primary[0].aws_lambda_function.this["scale')),
    ("topics_primary.aws_sns_topic_policy.notices: spares others", edit(TOPIC, "topics_primary.aws_sns_topic_policy.notices", "policy", lambda s: statement(s, "NobodyElsePublishes")["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].append("arn:aws:iam::123456789012:role/shop-scale-asg"))),
]


OF_TWO_ACCOUNTS = {"admits more than one role", "admits another account"}
OF_TWO_GUARDS = {
    words for words, _ in BROKEN
    if "dynamodb:" in words or "#word" in words or "are both called" in words or "guard_primary" in words or "guard_recovery: hears" in words
    or words in ("only alarm-handler hears another guard", "topics_primary.aws_sns_topic_policy.notices: spares others")
}
OF_A_WITNESS = {words for words, _ in BROKEN if " invoke arn:aws:lambda:" in words}


def unnoticed_plans() -> list[str]:
    plans = checker.plans_of_the_modules_tests()
    good, two = plans["snapshots_and_parameters_have_their_functions_schedules_and_roles"], plans["a_plan_of_two_accounts_reaches_over_by_one_role_of_one_function"]
    witnessed = plans["a_witness_is_written_into_the_plan_and_asked_on_its_own_side"]
    both = plans["both_regions_have_a_guard"]
    lines = [f"the good plan is refused: {line}" for plan in (good, two, witnessed, both) for line in checker.violations(plan)]
    for words, break_it in BROKEN:
        broken = copy.deepcopy(two if words in OF_TWO_ACCOUNTS else both if words in OF_TWO_GUARDS else witnessed if words in OF_A_WITNESS else good)
        break_it(broken)
        if not any(words in line for line in checker.violations(broken)):
            lines.append(f"no rule noticed: {words}")
    exercised = {line for words, _ in BROKEN for line in [words]}
    if len(exercised) < len(checker.RULES) + len(checker.RULES_OF_ALL):
        lines.append(f"{len(checker.RULES) + len(checker.RULES_OF_ALL)} rules, but only {len(exercised)} ways to break them")
    return lines


def unnoticed_messages() -> list[str]:
    first, second = messages.Rule("mode", "mode: '${var.mode}' is neither."), messages.Rule("name", "name: too long.")
    case = messages.Case("an_unknown_mode_is_refused", "mode", "")

    def judged(*errors: str) -> list[str]:
        return messages.violations([first], [case], {case.name: messages.Heard(list(errors))})

    wrong = {
        "a case that nothing refuses": judged(),
        "a case refused in other words": judged("mode: 'auto' is wrong."),
        "a rule without a case": messages.violations([first, second], [case], {case.name: messages.Heard(["mode: 'auto' is neither."])}),
        "a case that breaks two rules": messages.violations(
            [first, second], [case], {case.name: messages.Heard(["mode: 'auto' is neither.", "name: too long."])}
        ),
    }
    whole = messages.Case("a_group_twice", "plan", "", "fleets[1].group: is used")
    wrong |= {
        "a rule of rules.tf that refuses nothing": messages.unsaid([whole], {whole.name: messages.Heard([])}),
        "one that says something else": messages.unsaid([whole], {whole.name: messages.Heard(["fleets[1].group: is odd"])}),
        "one that says more": messages.unsaid([whole], {whole.name: messages.Heard(["fleets[1].group: is used", "and more"])}),
    }
    lines = [f"validation_messages_test.py doesn't notice {what}" for what, found in wrong.items() if not found]
    return lines + [f"validation_messages_test.py refuses a good case: {line}" for line in judged("mode: 'auto' is neither.")]


def main() -> int:
    lines = unnoticed_plans() + unnoticed_messages()
    for line in lines:
        print(line)
    print(f"{len(BROKEN)} broken plans, {len(lines)} unnoticed", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

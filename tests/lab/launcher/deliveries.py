"""How do SNS and EventBridge hand an event to a function, and what becomes of one they can't hand over?"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, request_scope
from ministack.services import eventbridge, lambda_svc, sns

from . import roles, schedules
from .world import rfc3339

logger = logging.getLogger("lab.deliveries")


def install() -> None:
    """Makes both services invoke with Lambda's asynchronous retries, and only where permitted."""
    sns._deliver_to_lambda = _from_sns
    eventbridge._dispatch_to_lambda = _from_eventbridge
    invoke_target = eventbridge._invoke_target

    def invoke_if_permitted(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = str(target.get("Arn", ""))
        if ":scheduler:" in rule["Arn"] and not schedules.may_take_role(target, rule["Arn"]):
            # Not even a dead letter: it is the role that would send it.
            logger.warning("%s may not take the role %s", rule["Arn"], target.get("RoleArn"))
            return
        if ":lambda:" not in arn or _is_permitted(target, arn, rule["Arn"]):
            invoke_target(target, event, rule, view)
            return
        logger.warning("%s may not invoke %s: nothing allows it", rule["Arn"], arn)
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            shown = (view or eventbridge._pattern_event_view(event)).event_with_detail()
            eventbridge._dispatch_to_sqs(parse_arn(queue), json.dumps(shown))

    eventbridge._invoke_target = invoke_if_permitted


def _is_permitted(target: dict[str, Any], function_arn: str, source_arn: str) -> bool:
    """Whether a schedule may invoke, by its own role; or a rule, by the function's leave."""
    if parse_arn(source_arn).service == "scheduler":
        return roles.may(str(target.get("RoleArn", "")), "lambda:InvokeFunction", function_arn)
    return may_invoke(function_arn, "events.amazonaws.com", source_arn)


def may_invoke(function_arn: str, service: str, source_arn: str) -> bool:
    """Whether the function's resource policy lets the service invoke it on behalf of the source."""
    try:
        spec = parse_arn(function_arn)
    except ArnParseError:
        return False
    with request_scope(spec.account_id, spec.region):
        function, _config, _name = lambda_svc._get_func_record_for_ref(function_arn)
        if not function:
            return False
        policy = function.get("policy")
        if not policy:
            policy = (lambda_svc._get_base_func_record_for_ref(function_arn)[0] or {}).get("policy")
        context = EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="lambda:InvokeFunction",
            resource_arn=function_arn,
            region=spec.region,
            service_context={
                "aws:sourcearn": source_arn,
                "aws:sourceaccount": parse_arn(source_arn).account_id,
            },
        )
        return bool(evaluate_resource_policy(policy, context, service=service).decision == "Allow")


def _from_sns(
    endpoint: str,
    envelope: str,
    topic_arn: str,
    subscription_arn: str,
    message_id: str,
    message: str,
    attributes: dict[str, Any],
) -> None:
    """Delivers one notification.

    Without the function or its permission it goes to the dead letters of the subscription.
    """
    notification = json.loads(envelope) if envelope.startswith("{") else {}
    sent = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic_arn,
        "Subject": notification.get("Subject"),
        "Message": message,
        "Timestamp": rfc3339(time.time()),
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        # Lambda events write "Url" where other protocols write "URL".
        "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-lab.pem",
        "UnsubscribeUrl": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription_arn}",
        "MessageAttributes": {
            name: {
                "Type": attribute.get("DataType", "String"),
                "Value": attribute.get("StringValue", attribute.get("BinaryValue", "")),
            }
            for name, attribute in attributes.items()
        },
    }
    if not may_invoke(endpoint, "sns.amazonaws.com", topic_arn):
        logger.warning("SNS: %s doesn't exist or doesn't permit %s", endpoint, topic_arn)
        _to_dead_letters(topic_arn, subscription_arn, sent)
        return
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "EventSource": "aws:sns",
        "Sns": sent,
    }
    _invoke(endpoint, {"Records": [record]})


def _from_eventbridge(arn: str, payload: str) -> None:
    try:
        event = json.loads(payload)
    except ValueError:
        event = payload
    _invoke(arn, event)


def _invoke(function_arn: str, event: Any) -> None:
    spec = parse_arn(function_arn)
    with request_scope(spec.account_id, spec.region):
        record, config, name = lambda_svc._get_func_record_for_ref(function_arn)
        if not record or not config:
            logger.warning("function %s not found", name)
            return
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, config), event)


def _to_dead_letters(topic_arn: str, subscription_arn: str, notification: dict[str, Any]) -> None:
    subscription = sns._find_subscription(topic_arn, subscription_arn)
    redrive = json.loads((subscription or {}).get("attributes", {}).get("RedrivePolicy") or "{}")
    queue = redrive.get("deadLetterTargetArn")
    if queue:
        with request_scope(get_account_id(), parse_arn(queue).region):
            sns._deliver_to_sqs(
                queue, json.dumps(notification), False, notification["Message"], topic_arn=topic_arn
            )

"""When do EventBridge's scheduled rules fire, and the schedules of EventBridge Scheduler?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge, scheduler

from . import roles
from .settings import Settings


def install(settings: Settings) -> None:
    """Makes a minute of rate() last LAB_TICK_SECONDS, and looks at the role of each schedule that is written.

    The emulator looks at its rules every 10 s, too coarse for scaled ticks. cron() expressions name moments
    of the day and stay as they are.
    """
    parse = eventbridge._parse_rate_seconds

    def scaled_rate(expression: str) -> float | None:
        seconds = parse(expression)
        return None if seconds is None else seconds * settings.tick_seconds / 60

    eventbridge._parse_rate_seconds = scaled_rate
    eventbridge._SCHEDULER_TICK_INTERVAL = min(1.0, settings.tick_seconds / 20)
    scheduler._SCHEDULE_TICK_INTERVAL = min(1.0, settings.tick_seconds / 20)
    _refuse_roles_that_cannot_be_taken()


def _refuse_roles_that_cannot_be_taken() -> None:
    """Makes the scheduler look, as AWS does, whether it may take the role of a schedule that is written."""
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, _with_a_role_that_can_be_taken(getattr(scheduler, name)))


def _with_a_role_that_can_be_taken(write: Callable[..., Any]) -> Callable[..., Any]:
    def written(name: str, body: dict[str, Any]) -> Any:
        arn = scheduler._schedule_arn(body.get("GroupName", "default"), name)
        target = body.get("Target") or {}
        if target.get("RoleArn") and not may_take_role(target, arn):
            message = (
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            )
            return scheduler._error(400, "ValidationException", message)
        return write(name, body)

    return written


def may_take_role(target: dict[str, Any], schedule_arn: str) -> bool:
    """Whether the scheduler may take the role of a target. It names the schedule's group as the source."""
    head, _, names = schedule_arn.partition(":schedule/")
    group_arn = f"{head}:schedule-group/{names.partition('/')[0]}"
    return roles.trusts(str(target.get("RoleArn", "")), "scheduler.amazonaws.com", group_arn)


def set_due(region: str, name: str, *, is_due: bool) -> bool:
    """Lets the time of a schedule come at once, or begins its interval anew; False when there is none."""
    found = [
        key
        for key in list(scheduler._schedules._data)
        if key[1] == region and key[2].rpartition("/")[2] == name
    ]
    for key in found:
        scheduler._schedule_last_fired[key] = 0.0 if is_due else time.time()
    return bool(found)

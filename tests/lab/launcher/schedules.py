"""When do EventBridge's scheduled rules fire, and the schedules of EventBridge Scheduler?"""

from __future__ import annotations

import time

from ministack.services import eventbridge, scheduler

from .settings import Settings


def install(settings: Settings) -> None:
    """Makes a minute of a rate() expression last LAB_TICK_SECONDS.

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

"""When do EventBridge's scheduled rules fire?"""

from __future__ import annotations

from ministack.services import eventbridge

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

"""What happens by itself as time passes, and how often?"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

logger = logging.getLogger("lab.heartbeat")

BEAT_SECONDS = 0.05
"""The shortest interval; small against the shortest scaled duration that a test looks at."""


class Heartbeat:
    """Calls short functions at their intervals, on the server's event loop.

    The emulator's own handlers run on that loop too (those of RDS excepted), so the functions see no
    half-made change.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[float, Callable[[], None]]] = []

    def every(self, interval_seconds: float, action: Callable[[], None]) -> None:
        """Registers an action; one that raises is logged and called again at its next turn."""
        self._entries.append((max(interval_seconds, BEAT_SECONDS), action))

    async def run(self) -> None:
        """Beats until it is cancelled."""
        due = [time.monotonic() + interval for interval, _ in self._entries]
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            for index, (interval, action) in enumerate(self._entries):
                if now < due[index]:
                    continue
                due[index] = now + interval
                try:
                    action()
                except Exception:
                    logger.exception("%s failed", getattr(action, "__qualname__", action))

"""What happened in the local world that AWS would not tell: lost regions, refusals, timings, calls?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .settings import Settings


def rfc3339(epoch: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    at = datetime.fromtimestamp(epoch, tz=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass
class Timing:
    """How long the cloud took for one piece of work, as a client of it would have measured."""

    kind: str
    resource: str
    region: str
    started_at: float
    finished_at: float | None = None

    def document(self) -> dict[str, Any]:
        """The timing as the control API shows it."""
        finished = None if self.finished_at is None else rfc3339(self.finished_at)
        return {
            "kind": self.kind,
            "resource": self.resource,
            "name": self.resource.rpartition(":")[2].rpartition("/")[2],
            "region": self.region,
            "started_at": rfc3339(self.started_at),
            "finished_at": finished,
        }


@dataclass
class World:
    """The facts of the lab that the control API sets and reads. Safe to use from any thread."""

    settings: Settings
    lost_since: dict[str, float] = field(default_factory=dict)
    returned_at: dict[str, float] = field(default_factory=dict)
    refused_capacity: set[str] = field(default_factory=set)
    timings: list[Timing] = field(default_factory=list)
    promotions: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    target_checks: dict[str, str] = field(default_factory=dict)
    """What the health checks of real applications say, by instance id: `initial`, `healthy` or
    `unhealthy`."""
    on_loss: list[Callable[[str, bool], None]] = field(default_factory=list)
    """Called with a region that is lost, and whether everything in it is killed."""
    on_return: list[Callable[[str], None]] = field(default_factory=list)
    """Called with a region that is back."""

    def is_lost(self, region: str) -> bool:
        """Whether the region is lost right now."""
        return region in self.lost_since

    def set_lost(self, region: str, lost: bool, *, killed: bool = False) -> None:
        """Loses a region, or lets it return. Saying it twice changes nothing."""
        with self.lock:
            if lost:
                self.lost_since.setdefault(region, time.time())
                self.returned_at.pop(region, None)
            elif self.lost_since.pop(region, None) is not None:
                self.returned_at[region] = time.time()
        for notify_loss in self.on_loss if lost else ():
            notify_loss(region, killed)
        for notify_return in () if lost else self.on_return:
            notify_return(region)

    def begin(self, kind: str, resource: str, region: str) -> Timing:
        """Starts a timing, or returns the one of this resource that still runs."""
        with self.lock:
            for timing in self.timings:
                if (timing.kind, timing.resource) == (kind, resource) and timing.finished_at is None:
                    return timing
            timing = Timing(kind, resource, region, time.time())
            self.timings.append(timing)
            return timing

    def finish(self, kind: str, resource: str) -> None:
        """Ends the running timing of the resource, if there is one."""
        with self.lock:
            for timing in self.timings:
                if (timing.kind, timing.resource) == (kind, resource) and timing.finished_at is None:
                    timing.finished_at = time.time()

    def record_promotion(self, resource: str, error: str | None) -> None:
        """Keeps one PromoteReadReplica call, accepted or refused."""
        with self.lock:
            self.promotions.append(
                {"resource": resource, "at": rfc3339(time.time()), "accepted": error is None, "error": error}
            )

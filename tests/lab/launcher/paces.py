"""How is one replica made to lag? What its source sends of its log arrives later, and all else at once.

A wire that delayed every byte would let both ends give up on each other long before the lag is worth a test.
So the wire reads the messages of the replication protocol, and holds back those that carry log (XLogData).
Both ends go on to hear each other's keepalives, as they do of a replica that lags on RDS.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from dataclasses import dataclass

from .doors import Stream

HELD_BYTES_MAX = 64 * 1024 * 1024
"""How much a wire holds back before it stops reading: more log than a test writes."""

MESSAGE_BYTES_MAX = 16 * 1024 * 1024

LOOK_SECONDS = 0.05

_COPY_DATA, _LOG = b"d", b"w"


@dataclass(frozen=True)
class Pace:
    """How much later log arrives, or how much of it arrives in a second."""

    seconds: float = 0.0
    bytes_per_second: float | None = None

    def document(self) -> dict[str, float]:
        """The pace as the control API takes and shows it."""
        if self.bytes_per_second is not None:
            return {"bytes_per_second": self.bytes_per_second}
        return {"seconds": self.seconds}


class PacedLog:
    """One direction of a replication: from the source to its replica."""

    def __init__(self, source: Stream, sink: Stream) -> None:
        self._source, self._sink = source, sink
        self._loop = asyncio.get_running_loop()
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._sent_at, self._sent_bytes = 0.0, 0
        self._changed = asyncio.Event()
        self._sends = asyncio.Lock()
        self.pace: Pace | None = None

    async def carry(self) -> None:
        """Carries it to its end. What was held back then has no one who waits for it."""
        async with asyncio.TaskGroup() as both:
            sender = both.create_task(self._send_held())
            await self._receive()
            await self._until_held_is_at_most(0)
            sender.cancel()
        with contextlib.suppress(OSError):
            await self._sink.finish()

    async def _receive(self) -> None:
        buffer = bytearray()
        while data := await self._source.receive():
            buffer += data
            while (message := _take_message(buffer)) is not None:
                await self._pass(message)

    async def _pass(self, message: bytes) -> None:
        is_log = message[:1] == _COPY_DATA and message[5:6] == _LOG
        if is_log and (self.pace is not None or self._held):
            await self._until_held_is_at_most(HELD_BYTES_MAX - len(message))
            self._held.append((self._loop.time(), message))
            self._held_bytes += len(message)
            self._changed.set()
            return
        if message[:1] != _COPY_DATA:
            await self._until_held_is_at_most(0)  # the end of the stream comes after the stream
        await self._send(message)

    async def _send(self, message: bytes) -> None:
        async with self._sends:
            await self._sink.send(message)

    async def _send_held(self) -> None:
        while True:
            while not self._held:
                self._changed.clear()
                await self._changed.wait()
            while (wait := self._due() - self._loop.time()) > 0:
                await asyncio.sleep(min(wait, LOOK_SECONDS))  # the pace may change meanwhile
            _arrived, message = self._held[0]
            await self._send(message)
            self._held.popleft()
            self._held_bytes -= len(message)
            self._sent_at, self._sent_bytes = self._loop.time(), len(message)
            self._changed.set()

    def _due(self) -> float:
        """When the first of what is held back may go on."""
        if self.pace is None:
            return 0.0
        if self.pace.bytes_per_second is None:
            return self._held[0][0] + self.pace.seconds
        return self._sent_at + self._sent_bytes / self.pace.bytes_per_second

    async def _until_held_is_at_most(self, size: int) -> None:
        while self._held_bytes > max(0, size):
            await asyncio.sleep(LOOK_SECONDS)


def _take_message(buffer: bytearray) -> bytes | None:
    """Takes the first whole message off the buffer: its type, its length and its body."""
    if len(buffer) < 5:
        return None
    size = 1 + struct.unpack_from("!i", buffer, 1)[0]
    if not 5 <= size <= MESSAGE_BYTES_MAX:
        raise ConnectionAbortedError("this is not PostgreSQL's protocol")
    if len(buffer) < size:
        return None
    message = bytes(buffer[:size])
    del buffer[:size]
    return message

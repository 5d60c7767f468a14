"""How does TCP get from one place of the world to another? By a wire, which falls silent with its ends.

A wire listens where its clients connect and carries their connections to one port. What it does to them is
what a network does: it never refuses and never resets by itself.

- silent: nothing passes, in connections that stand and for new ones. Their packets are lost: a connect goes
  unanswered until its caller gives up, and so does everything that is sent.
- closed: new connects go unanswered, connections that stand go on. So do AWS's security groups.
- slow: each connection carries so many bytes a second in each direction, and the rest waits at its sender.

When a wire carries again, connections that stood go on with all that was sent meanwhile, as TCP's
retransmissions would bring it, and an end learns that the other has given up. Unlike real TCP, no connection
dies of a long silence alone. A connect that began in the silence is answered when the kernel tries it again,
after up to as long as it has waited already.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import struct

CHUNK_BYTES = 64 * 1024
BACKLOG = 128

PLUGS_MAX = 8
"""How many connects fill the queue of a listener that accepts none. Linux takes one more than it was told
to."""

ADDRESSES_MAX = 250

SLOW_PIECE_SECONDS = 0.1
"""How long a slow wire is busy with one piece."""

_RESET = struct.pack("ii", 1, 0)


class Addresses:
    """Addresses of this machine alone (127.0.0.0/8 is all its own): one for each wire, so that each has the
    port it wants."""

    def __init__(self) -> None:
        self._network = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}"
        self._given = 0

    def listen(self, port: int) -> socket.socket:
        """A listener on a fresh address. Where somebody has the port on all addresses, on another port."""
        for wanted in (port, port, port, 0):
            self._given = self._given % ADDRESSES_MAX + 1
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((f"{self._network}.{self._given}", wanted))
                listener.listen(BACKLOG)
            except OSError as problem:
                listener.close()
                if problem.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
            else:
                return listener
        raise OSError(errno.EADDRINUSE, f"no address of {self._network}.0 is free for port {port}")


class Wire:
    """One way from a place to a port. Only for the event loop that made it."""

    def __init__(self, listener: socket.socket, target: int | None) -> None:
        self.target = target
        """The port on 127.0.0.1 that it leads to; None where nobody answers any more."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._carries = asyncio.Event()
        self._carries.set()
        self._is_closed = False
        self._bytes_per_second: float | None = None
        self._plugs: list[socket.socket] = []
        self._plug_ports: set[int] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._accept)

    @property
    def address(self) -> tuple[str, int]:
        """Where its clients connect."""
        host, port = self._listener.getsockname()
        return host, port

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._connections)

    def set_state(self, *, silent: bool, closed: bool, bytes_per_second: float | None) -> None:
        """Whether anything passes, whether new connections do, and how much each direction carries."""
        self._bytes_per_second = bytes_per_second
        if silent:
            self._carries.clear()
        else:
            self._carries.set()
        self._is_closed = closed
        if (silent or closed) != bool(self._plugs):
            (self._plug if silent or closed else self._unplug)()

    def _plug(self) -> None:
        """Fills the listener's queue, so that the kernel drops the first packet of every further connect."""
        self._loop.remove_reader(self._listener)
        self._listener.listen(0)
        for _ in range(PLUGS_MAX):
            plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self._plugs.append(plug)
            with contextlib.suppress(BlockingIOError):
                plug.connect(self.address)
            try:
                plug.getpeername()
            except OSError:
                return  # this one got no answer, nor will another
            self._plug_ports.add(plug.getsockname()[1])

    def _unplug(self) -> None:
        for plug in self._plugs:
            plug.close()
        self._plugs.clear()
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            client, (_host, port) = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if port in self._plug_ports:
            self._plug_ports.discard(port)
            client.close()
            return
        client.setblocking(False)
        task = self._loop.create_task(self._connect(client))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connect(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            if self.target is None:
                raise ConnectionRefusedError
            await self._loop.sock_connect(server, ("127.0.0.1", self.target))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(client, server))
                both.create_task(self._carry(server, client))
        except* OSError:
            # One end is gone without a word, or nobody answered at the target: the other learns it the same
            # way.
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        finally:
            client.close()
            server.close()

    async def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Carries one direction to its end."""
        while True:
            await self._carries.wait()
            rate = self._bytes_per_second
            # In small pieces: who listens at the other end hears something all the time.
            size = CHUNK_BYTES if rate is None else max(1, min(CHUNK_BYTES, int(rate * SLOW_PIECE_SECONDS)))
            try:
                data = await self._loop.sock_recv(source, size)
            except OSError:
                await self._carries.wait()
                raise
            if rate is not None:
                await asyncio.sleep(len(data) / rate)
            await self._carries.wait()  # what arrived as the silence began
            if not data:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(sink, data)

    async def end(self) -> None:
        """Takes the wire down with all its connections."""
        if not self._plugs:
            self._loop.remove_reader(self._listener)
        for plug in self._plugs:
            plug.close()
        self._listener.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

"""How does a client of PostgreSQL get from a wire into its server: over TLS, and with which kind of login?

The programs that the lab runs may be built without TLS and without PAM, so both are done here, as far as a
client can tell. The server decides who must log in how, by its `pg_hba.conf`: it knows a client over TLS by
the address that it comes from (`TLS_ADDRESS`), and asks only roles that log in by IAM for a password in clear
text. Their token goes to whoever knows access keys and policies; if it is good, the door leads into the server
by a socket in a folder that nobody else reaches.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

CHUNK_BYTES = 64 * 1024

TLS_ADDRESS = "127.0.0.2"
"""From where a server is reached for a client over TLS; for any other, from 127.0.0.1."""

LOGIN_SECONDS = 60.0
"""How long a client may take to log in: PostgreSQL's `authentication_timeout`."""

STARTUP_BYTES_MAX = 10_000
TOKEN_BYTES_MAX = 64 * 1024
"""What PostgreSQL reads of a start-up packet, and of a password."""

_TLS_WANTED, _GSS_WANTED, _CANCEL = 80877103, 80877104, 80877102
_CLEAR_TEXT = b"R" + struct.pack("!ii", 8, 3)
"""AuthenticationCleartextPassword, whole."""


class Stream(Protocol):
    """One end of a connection. Both methods raise OSError when it is gone."""

    async def receive(self, size: int = CHUNK_BYTES) -> bytes:
        """What has arrived, at most so much; nothing when the other side has said its last."""

    async def send(self, data: bytes) -> None:
        """Sends all of it."""

    async def finish(self) -> None:
        """Says that nothing more will be sent."""


class Plain:
    """A connected socket, on a wire that may be silent."""

    def __init__(self, end: socket.socket, carries: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = end
        self._carries = carries

    async def receive(self, size: int = CHUNK_BYTES) -> bytes:
        """What has arrived while the wire carries. In the silence not even an error does."""
        await self._carries.wait()
        try:
            data = await self._loop.sock_recv(self._end, size)
        except OSError:
            await self._carries.wait()
            raise
        await self._carries.wait()  # what arrived as the silence began
        return data

    async def send(self, data: bytes) -> None:
        """Sends all of it, once the wire carries."""
        await self._carries.wait()
        await self._loop.sock_sendall(self._end, data)

    async def finish(self) -> None:
        """Ends its direction."""
        await self._carries.wait()
        self._end.shutdown(socket.SHUT_WR)


class Tls:
    """The server's side of TLS over another stream."""

    def __init__(self, below: Stream, context: ssl.SSLContext) -> None:
        self._below = below
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._sends = asyncio.Lock()

    async def greet(self) -> None:
        """The handshake."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._read_below()
            except ssl.SSLError:
                await self._flush()  # the alert that says why
                raise
            else:
                return await self._flush()

    async def receive(self, size: int = CHUNK_BYTES) -> bytes:
        """What has arrived, in clear text."""
        while True:
            try:
                data = self._tls.read(size)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._read_below()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                return data

    async def send(self, data: bytes) -> None:
        """Sends all of it, encrypted."""
        self._tls.write(data)
        await self._flush()

    async def finish(self) -> None:
        """Says that nothing more will be sent, by TLS's own word and TCP's."""
        with contextlib.suppress(ssl.SSLError):  # the other side has not said so yet, or no longer can
            self._tls.unwrap()
        await self._flush()
        await self._below.finish()

    async def _flush(self) -> None:
        async with self._sends:
            if data := self._leaving.read():
                await self._below.send(data)

    async def _read_below(self) -> None:
        data = await self._below.receive()
        if data:
            self._arrived.write(data)
        else:
            self._arrived.write_eof()


@dataclass(frozen=True)
class Login:
    """A token that somebody shows for a role."""

    user: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Door:
    """What the door of a database has: its certificate, the way in behind it, and who judges tokens."""

    context: ssl.SSLContext
    inside: str
    """The server's own socket."""
    judge: Callable[[Login], Awaitable[bool]]


Connect = Callable[[str | None], Awaitable[Stream]]
"""Connects to the server: from an address, or with None by its own socket."""


async def enter(client: Stream, door: Door, connect: Connect) -> tuple[Stream, Stream] | None:
    """Leads a client in: what to carry between from then on. None if it went, or was refused."""
    async with asyncio.timeout(LOGIN_SECONDS):
        is_encrypted = False
        while True:
            head = await _exactly(client, 8)
            if len(head) < 8:
                return None
            size, code = struct.unpack("!ii", head)
            if code == _GSS_WANTED or (code == _TLS_WANTED and is_encrypted):
                await client.send(b"N")
            elif code == _TLS_WANTED:
                await client.send(b"S")
                encrypted = Tls(client, door.context)
                await encrypted.greet()
                client, is_encrypted = encrypted, True
            else:
                break
        # What makes no sense is the server's to complain about.
        packet = head + (await _exactly(client, size - 8) if 8 < size <= STARTUP_BYTES_MAX else b"")
        server = await connect(TLS_ADDRESS if is_encrypted else "127.0.0.1")
        await server.send(packet)
        if code == _CANCEL or not is_encrypted:
            return client, server
        answer = await _exactly(server, len(_CLEAR_TEXT))
        if answer != _CLEAR_TEXT:
            await client.send(answer)
            return client, server
        await server.finish()
        return await _log_in(client, door, connect, packet)


async def _log_in(
    client: Stream, door: Door, connect: Connect, packet: bytes
) -> tuple[Stream, Stream] | None:
    """Asks for a token as PAM asks for a password."""
    await client.send(_CLEAR_TEXT)
    head = await _exactly(client, 5)
    if len(head) < 5 or head[:1] != b"p":
        return None
    size = struct.unpack("!i", head[1:])[0] - 4
    if not 0 < size <= TOKEN_BYTES_MAX:
        return None
    token = (await _exactly(client, size)).rstrip(b"\0").decode(errors="replace")
    user = _user(packet)
    if not await door.judge(Login(user, token)):
        await client.send(_refusal(f'PAM authentication failed for user "{user}"'))
        await client.finish()
        return None
    server = await connect(None)
    await server.send(packet)
    return client, server


def _user(packet: bytes) -> str:
    """The role that a start-up packet names."""
    words = packet[8:].split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=False))
    return named.get(b"user", b"").decode(errors="replace")


def _refusal(message: str) -> bytes:
    """An ErrorResponse with PostgreSQL's code for PAM: invalid_authorization_specification."""
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", "28000"), ("M", message))
    body = b"".join(f"{kind}{text}".encode() + b"\0" for kind, text in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


async def _exactly(stream: Stream, size: int) -> bytes:
    """So many bytes and not one more; fewer if the other side ends before."""
    data = b""
    while len(data) < size:
        more = await stream.receive(size - len(data))
        if not more:
            break
        data += more
    return data

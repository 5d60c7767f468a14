"""The application of the lab's fleets: it takes numbered orders and writes them into its region's database.

    POST /orders {"number": N}   201 once it is committed, 200 with "already" if it was before
    GET /orders/count            how many the database holds
    GET /health                  200 while the database answers, also while it is read-only

A program of its own, one process for each instance. Its settings come from the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pg8000.exceptions
import pg8000.native

BODY_BYTES_MAX = 4096
SESSIONS_MAX = 16

DATABASE_SECONDS = 5.0
"""How long an order waits for the database before its answer is an error."""

HEALTH_SECONDS = 2.0

_TABLE = """
CREATE TABLE IF NOT EXISTS orders (
    number bigint PRIMARY KEY,
    region text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
_TAKE = (
    "INSERT INTO orders (number, region) VALUES (:number, :region) ON CONFLICT DO NOTHING RETURNING number"
)

_UNDEFINED_TABLE, _READ_ONLY = "42P01", "25006"

_LOST = (OSError, pg8000.exceptions.InterfaceError)
"""The session is gone, or the database doesn't answer."""


class Refused(Exception):
    """The database has refused: nothing was written."""


class Unknown(Exception):
    """No answer from the database: the order may have been written or not."""


class Orders:
    """The orders in the database, over a few sessions that are kept open."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.region = environment["REGION"]
        self._settings = {
            "host": environment["DATABASE_HOST"],
            "port": int(environment["DATABASE_PORT"]),
            "database": environment["DATABASE_NAME"],
            "user": environment["DATABASE_USER"],
            "password": environment["DATABASE_PASSWORD"],
        }
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue(SESSIONS_MAX)

    def _session(self, seconds: float) -> Any:
        return pg8000.native.Connection(**self._settings, timeout=seconds, application_name="orders")

    def _run(self, statement: str, **values: Any) -> Any:
        """Runs one statement, a transaction of its own."""
        while True:
            try:
                session, is_fresh = self._idle.get_nowait(), False
            except queue.Empty:
                session, is_fresh = self._connected(), True
            try:
                rows = session.run(statement, **values)
            except pg8000.exceptions.DatabaseError as problem:
                self._put_back(session)
                raise Refused(problem) from None
            except _LOST as problem:
                with contextlib.suppress(*_LOST):
                    session.close()
                if is_fresh or isinstance(problem, TimeoutError):
                    raise Unknown(str(problem)) from None
                continue  # it was lost while it was idle, as in a reboot: every order may be sent twice
            self._put_back(session)
            return rows

    def _connected(self) -> Any:
        try:
            return self._session(DATABASE_SECONDS)
        except (*_LOST, pg8000.exceptions.DatabaseError) as problem:
            raise Refused(problem) from None

    def _put_back(self, session: Any) -> None:
        try:
            self._idle.put_nowait(session)
        except queue.Full:
            with contextlib.suppress(*_LOST):
                session.close()

    def take(self, number: int) -> bool:
        """Writes an order; False if it was there already. What it returns is committed."""
        try:
            return bool(self._run(_TAKE, number=number, region=self.region))
        except Refused as refusal:
            if _code(refusal) != _UNDEFINED_TABLE:
                raise
        self._run(_TABLE)
        return bool(self._run(_TAKE, number=number, region=self.region))

    def count(self) -> int:
        """How many orders there are."""
        try:
            return int(self._run("SELECT count(*) FROM orders")[0][0])
        except Refused as refusal:
            if _code(refusal) == _UNDEFINED_TABLE:
                return 0
            raise

    def is_writable(self) -> bool:
        """Whether the database takes writes; raises when it doesn't answer."""
        with contextlib.closing(self._session(HEALTH_SECONDS)) as session:
            return not session.run("SELECT pg_is_in_recovery()")[0][0]


def _code(refusal: Refused) -> str:
    """The SQLSTATE of a refusal by the server; empty when there was no server."""
    details = refusal.args[0].args
    return str(details[0].get("C", "")) if details and isinstance(details[0], dict) else ""


class Handler(BaseHTTPRequestHandler):
    """One connection of a user, or of a health check."""

    protocol_version = "HTTP/1.1"
    orders: Orders

    def do_GET(self) -> None:
        """/health and /orders/count."""
        if self.path == "/health":
            self._health()
        elif self.path == "/orders/count":
            self._answer_of(lambda: (200, {"count": self.orders.count()}))
        else:
            self._answer(404, {"error": "nothing here"})

    def do_POST(self) -> None:
        """/orders."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return self._answer(413, {"error": f"a body of at most {BODY_BYTES_MAX} bytes, with its length"})
        body = self.rfile.read(int(length))
        if self.path != "/orders":
            return self._answer(404, {"error": "nothing here"})
        try:
            number = json.loads(body)["number"]
        except (ValueError, TypeError, KeyError):
            number = None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
            return self._answer(400, {"error": 'the body must be {"number": N}, N from 0 to 2^63 - 1'})
        return self._answer_of(lambda: self._take(number))

    def _take(self, number: int) -> tuple[int, dict[str, Any]]:
        answer = {"number": number, "region": self.orders.region}
        return (201, answer) if self.orders.take(number) else (200, {**answer, "already": True})

    def _answer_of(self, work: Any) -> None:
        try:
            status, document = work()
        except Refused as refusal:
            read_only = _code(refusal) == _READ_ONLY
            status, document = 503, {"error": "the database is read-only" if read_only else str(refusal)}
        except Unknown as problem:
            status, document = 504, {"error": f"the database did not answer: {problem}", "outcome": "unknown"}
        self._answer(status, document)

    def _health(self) -> None:
        try:
            kind = "writable" if self.orders.is_writable() else "read-only"
            self._answer(200, {"database": kind, "region": self.orders.region})
        except (*_LOST, pg8000.exceptions.DatabaseError) as problem:
            self._answer(503, {"error": f"the database does not answer: {problem}"})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        payload = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the ledger outside knows what was answered."""


class Server(ThreadingHTTPServer):
    """Takes many connections at a time."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A user who has hung up is no error; anything else is logged."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serves until SIGTERM; orders that are at work are finished."""
    Handler.orders = Orders(dict(os.environ))
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()

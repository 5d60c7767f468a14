"""How does one PostgreSQL server come to be, run and end? With RDS's roles, slots and hot standbys."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pg8000.native

from .doors import TLS_ADDRESS
from .free_ports import free_port
from .rack_client import Rack
from .settings import RealDatabases, Settings, shifted_clock

logger = logging.getLogger("lab.postgres")

ADMIN, REPLICATION = "rdsadmin", "rdsrepladmin"
"""RDS's own roles, whose passwords nobody else knows."""

PATIENCE_SECONDS = 60.0
"""Longer than a start, a copy or a promotion takes on a busy machine; it only ends a wait for what never
comes."""

STOP_SECONDS = 10.0
"""After which a server that doesn't end is killed."""

PORTS = range(10_000, 20_000)

# fsync is off because no server outlives its machine here: what a process has written stays written when
# SIGKILL ends it.
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 16MB
min_wal_size = 8MB
max_wal_size = 64MB
fsync = off
ssl = off
wal_level = replica
max_wal_senders = 20
max_replication_slots = 20
hot_standby = on
wal_retrieve_retry_interval = 500ms
log_line_prefix = '%m [%p] '
"""

# As RDS has them: roles of rds_iam log in by a token and over TLS alone, all others by password. Clients over
# TLS come from an address of their own, because the wire has taken TLS off them (`doors`). PAM asks for a
# password in clear text; nobody else is asked for one. By the server's own socket only the wire comes, with
# whoever has shown a good token. The master user is a member of rds_iam so that he can grant it, and still a
# user with a password.
_ACCESS = """
local all +rds_superuser reject
local all +rds_iam trust
host replication {replication} 127.0.0.1/32 scram-sha-256
host all {admin} 127.0.0.1/32 scram-sha-256
host all +rds_superuser {tls}/32 scram-sha-256
{plain}host all +rds_superuser 127.0.0.1/32 scram-sha-256
host all +rds_iam {tls}/32 password
{plain}host all +rds_iam 127.0.0.1/32 reject
host all all {tls}/32 scram-sha-256
{plain}host all all 127.0.0.1/32 scram-sha-256
"""

SOCKET_PATH_MAX = 107
"""How long the path of a socket may be on Linux."""


# RDS's own replication goes over a way of its own, on which the wire reads along.
_UNENCRYPTED = {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}


class ServerError(RuntimeError):
    """A server could not be made or did not do what it must; the message says which and why."""


class Machine:
    """Where the servers of one launcher run: the programs, the folder of their data, and as whom."""

    def __init__(self, rack: Rack, settings: Settings, databases: RealDatabases) -> None:
        self.rack = rack
        self.user = databases.user
        self.home = _home(settings.state_dir, self.user)
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True, mode=0o711)
        rack.ask("owns", folder=str(self.home))
        for folder in ("servers", "snapshots", "saved"):
            (self.home / folder).mkdir(mode=0o711)
            self.give(self.home / folder)
        self.sockets = self._sockets()
        self.programs = self._reachable(databases.programs)
        self._template = None if databases.templates is None else databases.templates / self._kind()
        self._blank: Path | None = None
        self.admin_password, self.replication_password = self._passwords()
        self.receiver_seconds = max(3.0, settings.scaled(30.0))
        """How long either end of a replication waits for the other; 30 s on RDS, and not so short that it
        errs here."""
        self._lock = threading.Lock()

    def _sockets(self) -> Path:
        """The folder of the servers' own sockets, which only the servers' user and root enter."""
        folder = self.home / "sockets"
        if len(str(folder / ".s.PGSQL.00000")) > SOCKET_PATH_MAX:
            folder = Path("/tmp") / f"lab-{_mark(str(self.home))}-sockets"
            shutil.rmtree(folder, ignore_errors=True)
            self.rack.ask("owns", folder=str(folder))
        folder.mkdir(mode=0o700)
        self.give(folder)
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """What a program sees: nothing of the launcher's but its clock."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(self.home),
            **shifted_clock(os.environ),
        }

    def _reachable(self, programs: Path) -> Path:
        """The programs where the servers' user reaches them: there, or a copy in the home."""
        if self.user is None or _can_reach(programs, self.user):
            return programs
        copy = self.home / "programs" / "package" / programs.parent.name
        shutil.copytree(programs.parent, copy, symlinks=True)
        # The libraries of a wheel lie beside its package, and are found from there.
        for libraries in programs.parent.parent.parent.glob("*.libs"):
            shutil.copytree(libraries, self.home / "programs" / libraries.name, symlinks=True)
        for folder in (self.home / "programs", copy.parent):
            folder.chmod(0o755)
        return copy / programs.name

    def run(self, program: str, *arguments: str, secret: str = "") -> None:
        """Runs one of PostgreSQL's programs to its end; `secret` is a password for the server that it
        connects to."""
        whom: dict[str, Any] = {}
        if self.user is not None:
            whom = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        try:
            subprocess.run(
                [str(self.programs / program), *arguments],
                env={**self.environment, **_UNENCRYPTED, **({"PGPASSWORD": secret} if secret else {})},
                cwd="/",
                check=True,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE_SECONDS,
                **whom,
            )
        except subprocess.CalledProcessError as failure:
            raise ServerError(f"{program} failed: {failure.stderr.strip()[-500:]}") from None
        except subprocess.TimeoutExpired:
            raise ServerError(f"{program} did not end within {PATIENCE_SECONDS:.0f} s") from None

    def blank(self) -> Path:
        """The data of a server before anybody's own, made once and copied for each: a second instead of
        three."""
        with self._lock:
            if self._blank is None:
                blank = Server(self, "blank")
                blank.create_blank()
                self._blank = blank.folder
                self._keep_template()
            return self._blank

    def _kind(self) -> str:
        """What tells a template from one that would not do: programs, user, and what is made of them."""
        uid = os.getuid() if self.user is None else self.user.pw_uid
        made_by = Path(__file__).read_text(encoding="utf-8")
        return _mark(f"{self.programs} {uid} {made_by}")

    def _passwords(self) -> list[str]:
        """Those of a template that is there, which the blank is from then on; or new ones."""
        if self._template is not None:
            with contextlib.suppress(OSError, ValueError):
                kept = json.loads((self._template / "passwords").read_text(encoding="ascii"))
                self._blank = self._template / "data"
                return list(kept)
        return [secrets.token_hex(16), secrets.token_hex(16)]

    def _keep_template(self) -> None:
        """Keeps the blank for the launchers to come, unless another one was quicker."""
        if self._template is None or self._blank is None:
            return
        self._template.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{self._template.name}-", dir=self._template.parent))
        self.copy(self._blank, draft / "data")
        (draft / "passwords").touch(mode=0o600)
        passwords = [self.admin_password, self.replication_password]
        (draft / "passwords").write_text(json.dumps(passwords), encoding="ascii")
        try:
            draft.rename(self._template)
        except OSError:
            shutil.rmtree(draft)

    def give(self, path: Path) -> None:
        """Makes a file or an empty folder the servers' own."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def copy(self, source: Path, target: Path) -> None:
        """Copies a data folder of a server that is down, or a base backup, with owners and times."""
        subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True, cwd="/")


def _home(state_dir: str, user: pwd.struct_passwd | None) -> Path:
    """The folder of all data: below the state, or in /tmp where the servers' user doesn't reach that."""
    inside = Path(state_dir) / "postgres"
    if user is None or _can_reach(Path(state_dir), user):
        return inside
    # Not the launcher's own folder for temporary files, which lies below its state.
    return Path("/tmp") / f"lab-{_mark(state_dir)}"


def _mark(text: str) -> str:
    """A name in /tmp, the same each time, so that the next start finds what a crash has left."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _can_reach(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether a user may pass through a folder and everything above it."""
    for folder in (path.resolve(), *path.resolve().parents):
        found = folder.stat()
        if found.st_uid == user.pw_uid:
            allowed = found.st_mode & stat.S_IXUSR
        elif found.st_gid == user.pw_gid:
            allowed = found.st_mode & stat.S_IXGRP
        else:
            allowed = found.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


class Server:
    """One server: a data folder and, while it runs, a process. Its methods may be called from any thread."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.port = free_port(PORTS)
        self.pid: int | None = None
        self.is_off = False
        """Whether its machine has lost its power: nothing starts it until it is back."""
        self.outages = 0
        """How often it has lost it."""
        self.forces_tls = False
        """Whether nobody logs in without TLS."""
        self._lock = threading.RLock()

    @property
    def folder(self) -> Path:
        """Its data."""
        return self.machine.home / "servers" / self.name

    # ---- making ----

    def create(self, user: str, password: str, database: str) -> None:
        """Makes a server with the master user and the database that were asked for, and starts it."""
        self.machine.copy(self.machine.blank(), self.folder)
        self.configure()
        self.start()
        name, secret = pg8000.native.identifier(user), pg8000.native.literal(password)
        with self.connect() as admin:
            # As on RDS, the master user is no superuser.
            admin.run(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser PASSWORD {secret}")
            if database and database != "postgres":
                admin.run(f"CREATE DATABASE {pg8000.native.identifier(database)} OWNER {name}")
        self.write()

    def create_blank(self) -> None:
        """Makes a server as RDS has it before anybody's own data, and leaves it down."""
        password_file = self.machine.home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.machine.admin_password, encoding="ascii")
        self.machine.give(password_file)
        self.machine.run(
            "initdb",
            f"--pgdata={self.folder}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--wal-segsize=1",
            "--no-sync",
        )
        password_file.unlink()
        self.configure()
        self.start()
        replication = pg8000.native.literal(self.machine.replication_password)
        with self.connect() as admin:
            for statement in (
                "CREATE ROLE rds_superuser NOLOGIN",
                "GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION",
                "CREATE ROLE rds_iam NOLOGIN",
                "GRANT rds_iam TO rds_superuser WITH ADMIN OPTION",
                f"CREATE ROLE {REPLICATION} LOGIN REPLICATION PASSWORD {replication}",
                f"CREATE SCHEMA {ADMIN}",
                f"CREATE TABLE {ADMIN}.rds_heartbeat2 (id integer PRIMARY KEY, value bigint)",
            ):
                admin.run(statement)
        self.stop()

    def clone(self, source: tuple[str, int], slot: str) -> None:
        """Makes a standby: a base backup from there, which makes the slot, and streaming from then on."""
        self.back_up(source, self.folder, slot)
        self.follow(source, slot)
        self.start()

    def back_up(self, source: tuple[str, int], folder: Path, slot: str | None = None) -> None:
        """Takes a base backup of a server into a folder; it holds at least what was committed before."""
        host, port = source
        with_slot = () if slot is None else ("--create-slot", f"--slot={slot}")
        self.machine.run(
            "pg_basebackup",
            f"--host={host}",
            f"--port={port}",
            f"--username={REPLICATION}",
            f"--pgdata={folder}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            *with_slot,
            secret=self.machine.replication_password,
        )

    def restore(self, backup: Path) -> None:
        """Makes a server of its own from a base backup, and starts it."""
        self.machine.copy(backup, self.folder)
        (self.folder / "standby.signal").unlink(missing_ok=True)  # from the backup of a standby
        self.configure()
        self.start()

    def follow(self, source: tuple[str, int], slot: str) -> None:
        """Makes the server, which is down, a standby of another at its next start."""
        host, port = source
        conninfo = (
            f"host={host} port={port} user={REPLICATION} password={self.machine.replication_password} "
            f"application_name={self.name} sslmode=disable gssencmode=disable"
        )
        self.configure(f"primary_conninfo = '{conninfo}'\nprimary_slot_name = '{slot}'\n")
        signal_file = self.folder / "standby.signal"
        signal_file.touch(mode=0o600)
        self.machine.give(signal_file)

    def configure(self, more: str = "") -> None:
        """Writes the server's whole configuration, in place of any other."""
        waits = int(self.machine.receiver_seconds * 1000)
        configuration = (
            f"{_CONFIGURATION.format(sockets=self.machine.sockets)}port = {self.port}\n"
            f"wal_sender_timeout = {waits}ms\nwal_receiver_timeout = {waits}ms\n{more}"
        )
        files = {
            "postgresql.conf": configuration,
            "postgresql.auto.conf": "",
            "pg_hba.conf": self._access(),
        }
        for name, text in files.items():
            path = self.folder / name
            path.write_text(text, encoding="utf-8")
            self.machine.give(path)

    def _access(self) -> str:
        plain = "#" if self.forces_tls else ""
        return _ACCESS.format(admin=ADMIN, replication=REPLICATION, tls=TLS_ADDRESS, plain=plain)

    def reload_access(self) -> None:
        """Lets logins follow `forces_tls`; who is in stays."""
        (self.folder / "pg_hba.conf").write_text(self._access(), encoding="utf-8")
        if self.pid is not None:
            self.machine.rack.ask("signal", pid=self.pid, number=int(signal.SIGHUP))

    @property
    def inside(self) -> str:
        """Its own socket."""
        return str(self.machine.sockets / f".s.PGSQL.{self.port}")

    # ---- running ----

    def start(self) -> None:
        """Starts it and waits until it answers; a standby answers once it is consistent."""
        with self._lock:
            if self.is_off or self.is_running():
                return
            (self.folder / "pg_hba.conf").write_text(self._access(), encoding="utf-8")
            user = self.machine.user
            self.pid = self.machine.rack.start(
                self.name,
                [str(self.machine.programs / "postgres"), "-D", str(self.folder)],
                self.machine.environment,
                signal.SIGQUIT,
                None if user is None else user.pw_uid,
                None if user is None else user.pw_gid,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self.connect():
                    return
            except (OSError, pg8000.exceptions.Error) as problem:
                if self.is_off:
                    return
                if not self.is_running() or time.monotonic() >= deadline:
                    log = self.machine.rack.log_dir / f"{self.name}.log"
                    raise ServerError(f"server {self.name} does not start ({problem}); see {log}") from None
            time.sleep(0.02)

    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.pid is not None and self.machine.rack.is_running(self.pid)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ends it: SIGINT ends sessions and sends the rest to standbys, SIGQUIT drops everything at once."""
        pid = self.pid
        if pid is None:
            return
        self.machine.rack.ask("signal", pid=pid, number=int(number))
        # Its senders wait for standbys that may be out of reach for good.
        deadline = time.monotonic() + STOP_SECONDS
        while self.machine.rack.is_running(pid):
            if time.monotonic() >= deadline:
                self.machine.rack.ask("kill", pids=[pid])
            time.sleep(0.01)

    def power_off(self) -> None:
        """SIGKILL to it and all its processes at one stroke; it stays off until `power_on`."""
        with self._lock:
            self.is_off = True
            self.outages += 1
            if self.pid is not None:
                self.machine.rack.ask("kill", pids=[self.pid])

    def power_on(self, outage: int) -> None:
        """Its machine is back from that outage, unless there was another since: what was written is
        recovered."""
        with self._lock:
            if self.outages != outage:
                return
            self.is_off = False
        self.start()

    def restart(self) -> None:
        """Reboots it."""
        self.stop()
        self.start()

    def promote(self) -> None:
        """Ends its recovery: it applies what it has received and takes writes."""
        with self.connect() as admin:
            if not admin.run(f"SELECT pg_promote(true, {PATIENCE_SECONDS:.0f})")[0][0]:
                raise ServerError(f"server {self.name} was not promoted within {PATIENCE_SECONDS:.0f} s")

    def remove(self) -> None:
        """Ends it and deletes its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- asking ----

    def connect(self, database: str = "postgres") -> contextlib.closing[Any]:
        """A session as RDS's own administrator, beside the wires, closed in the end."""
        return contextlib.closing(self.session(database))

    def session(self, database: str = "postgres") -> Any:
        """The same for whoever keeps it open."""
        return pg8000.native.Connection(
            ADMIN,
            host="127.0.0.1",
            port=self.port,
            database=database,
            password=self.machine.admin_password,
            timeout=PATIENCE_SECONDS,
            application_name="rds",
        )

    def write(self) -> None:
        """Writes what RDS itself writes into every database that takes writes."""
        with self.connect() as admin:
            admin.run(
                f"INSERT INTO {ADMIN}.rds_heartbeat2 VALUES (1, :now) "
                "ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                now=int(time.time() * 1000),
            )

"""Which settings does the launcher take, and from which environment variables?"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .postgres_programs import REMEDY, missing

ACCOUNT_ID = "123456789012"
"""The account every caller without an account of its own works in."""

PROMOTION_SECONDS = 240.0
"""How long PromoteReadReplica takes on AWS for a small database; scaled by LAB_SCALE."""

FIRST_BACKUP_SECONDS = 60.0
"""How long the backup of a small database takes that begins with its promotion; scaled by LAB_SCALE."""

GLOBAL_FAILOVER_SECONDS = 120.0
"""How long FailoverGlobalCluster takes on AWS, which says minutes; scaled by LAB_SCALE."""

RESYNCHRONISATION_SECONDS = 600.0
"""How long after its region's return AWS makes an old primary cluster a follower; scaled by LAB_SCALE."""

SNAPSHOT_SECONDS = 300.0
"""How long a snapshot of a small database takes on AWS; scaled by LAB_SNAPSHOT_SCALE."""

SNAPSHOT_COPY_SECONDS = 900.0
"""How long its copy to another region takes on AWS; scaled by LAB_SNAPSHOT_SCALE."""

LAUNCH_SECONDS = 60.0
"""From Pending to InService for one instance on AWS; scaled by LAB_SCALE."""

WARM_UP_SECONDS = 40.0
"""From InService to a healthy target on AWS; scaled by LAB_SCALE."""

REPLICATION_BREAK_SECONDS = 30.0
"""How long a replica takes to notice that its source is gone; scaled by LAB_SCALE."""

TERMINATE_SECONDS = 10.0
"""From Terminating to gone for one instance; scaled by LAB_SCALE."""

SETTLE_SECONDS = 10.0
"""How long targets take to pass their health checks again when a region returns; scaled by LAB_SCALE."""


class SettingsError(ValueError):
    """A setting that can't be used; the message names the variable and its value."""


@dataclass(frozen=True)
class RealDatabases:
    """Where PostgreSQL is, and which instances it stands behind."""

    programs: Path
    identifiers: tuple[str, ...]
    """Patterns of instance identifiers, as a shell has them."""
    user: pwd.struct_passwd | None
    """As whom the servers run when the launcher is root; PostgreSQL refuses root. None: as the launcher
    itself."""
    templates: Path | None = None
    """Where an empty server is kept for the launchers to come; None: nowhere."""


@dataclass(frozen=True)
class Settings:
    """The launcher's settings, all from LAB_* variables."""

    port: int
    endpoint_url: str
    scale: float
    snapshot_scale: float
    site_ports: Mapping[str, int]
    tick_seconds: float
    state_dir: str
    accelerator_port: int | None
    parent_pid: int | None
    log_level: str
    databases: RealDatabases | None = None
    """None: databases hold no data."""
    application: bool = False
    """Whether a process stands for each instance of an Auto Scaling group."""
    metric_delay_seconds: float | None = None
    """How long after the end of its minute CloudWatch shows a metric of a real database; None: each sample at
    once."""

    def scaled(self, seconds: float) -> float:
        """A duration of the real world as it passes in the lab."""
        return seconds * self.scale

    def site_address(self, region: str) -> str | None:
        """The address that stands for every load balancer of the region, if the lab runs a site there."""
        port = self.site_ports.get(region)
        return None if port is None else f"127.0.0.1:{port}"

    @staticmethod
    def from_env(env: Mapping[str, str]) -> Settings:
        """Reads the settings; raises SettingsError on a value that can't be used."""
        port = _number(env, "LAB_PORT", None, minimum=1)
        state_dir = env.get("LAB_STATE_DIR", "")
        if not state_dir:
            raise SettingsError("LAB_STATE_DIR is not set: the launcher keeps its temporary files there")
        scale = _number(env, "LAB_SCALE", "1", minimum=0)
        accelerator_port = env.get("LAB_ACCELERATOR_PORT")
        parent_pid = env.get("LAB_PARENT_PID")
        return Settings(
            port=int(port),
            endpoint_url=env.get("LAB_ENDPOINT_URL") or f"http://127.0.0.1:{int(port)}",
            scale=scale,
            snapshot_scale=_number(env, "LAB_SNAPSHOT_SCALE", str(scale), minimum=0),
            site_ports=_site_ports(env.get("LAB_SITE_PORTS", "")),
            tick_seconds=_number(env, "LAB_TICK_SECONDS", "60", minimum=0.1),
            state_dir=os.path.abspath(state_dir),
            accelerator_port=int(_number(env, "LAB_ACCELERATOR_PORT", None, minimum=1))
            if accelerator_port
            else None,
            parent_pid=int(_number(env, "LAB_PARENT_PID", None, minimum=2)) if parent_pid else None,
            log_level=env.get("LAB_LOG_LEVEL", "INFO").upper(),
            databases=_databases(env),
            application=_application(env),
            metric_delay_seconds=_number(env, "LAB_METRIC_DELAY_SECONDS", None, minimum=0)
            if env.get("LAB_METRIC_DELAY_SECONDS")
            else None,
        )


def _number(env: Mapping[str, str], name: str, default: str | None, *, minimum: float) -> float:
    text = env.get(name) or default
    if text is None:
        raise SettingsError(f"{name} is not set")
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name}={text!r} is not a number") from None
    if not minimum <= value < float("inf"):
        raise SettingsError(f"{name}={text!r} must be {minimum:g} or more")
    return value


def _databases(env: Mapping[str, str]) -> RealDatabases | None:
    folder = env.get("LAB_POSTGRES", "")
    if not folder:
        return None
    if absent := missing(Path(folder)):
        raise SettingsError(f"LAB_POSTGRES={folder!r} has no {', '.join(absent)}: {REMEDY}")
    patterns = tuple(filter(None, (part.strip() for part in env.get("LAB_REAL_DATABASES", "*").split(","))))
    user = None
    if os.getuid() == 0:
        name = env.get("LAB_POSTGRES_USER") or "nobody"
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            raise SettingsError(f"LAB_POSTGRES_USER={name!r} is no user of this machine") from None
        if user.pw_uid == 0:
            raise SettingsError(f"LAB_POSTGRES_USER={name!r} is root, as whom PostgreSQL does not run")
    templates = env.get("LAB_POSTGRES_TEMPLATES")
    return RealDatabases(
        Path(folder).resolve(), patterns, user, Path(templates).resolve() if templates else None
    )


def _application(env: Mapping[str, str]) -> bool:
    text = env.get("LAB_APPLICATION") or "0"
    if text not in ("0", "1"):
        raise SettingsError(f"LAB_APPLICATION={text!r} must be 0 or 1")
    if text == "1" and not env.get("LAB_POSTGRES"):
        raise SettingsError("LAB_APPLICATION=1 needs databases that hold data: set LAB_POSTGRES")
    return text == "1"


def _site_ports(text: str) -> dict[str, int]:
    """Parses "us-east-2=18081,us-west-1=18082"."""
    ports: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        region, separator, port = part.partition("=")
        if not separator or not region or not port.isdigit():
            raise SettingsError(f"LAB_SITE_PORTS has {part!r}, expected region=port")
        ports[region] = int(port)
    return ports


# What carries a clock that the tests shift (tests/clock.py).
_CLOCK = ("LD_PRELOAD", "LAB_CLOCK_OFFSET_SECONDS")


def shifted_clock(env: Mapping[str, str]) -> dict[str, str]:
    """What hands the date of this process on, if it is another one than the machine's."""
    return {name: env[name] for name in _CLOCK if name in env}


def server_environment(settings: Settings, path: str) -> dict[str, str]:
    """The whole environment the emulator runs with: nothing of the caller's but PATH."""
    tmp = os.path.join(settings.state_dir, "tmp")
    return {
        "PATH": path,
        "HOME": settings.state_dir,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "LOG_LEVEL": settings.log_level,
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "STATE_DIR": os.path.join(settings.state_dir, "state"),
        "S3_DATA_DIR": os.path.join(settings.state_dir, "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No docker here: an absent socket keeps the emulator from looking for a daemon.
        "DOCKER_HOST": f"unix://{settings.state_dir}/no-docker.sock",
        # Asynchronous invocations are retried after 1 and 2 minutes on AWS.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": f"{settings.scaled(60):.3f}",
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": f"{settings.scaled(120):.3f}",
        "AWS_ENDPOINT_URL": settings.endpoint_url,
    }

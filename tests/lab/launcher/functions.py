"""Where do the Lambda functions run, what do they see, and how do they end?"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_region, new_uuid
from ministack.services import lambda_svc, sts

from .settings import ACCOUNT_ID, Settings, shifted_clock

_ending = threading.Event()

# Lambda renews the session of a function's role before it ends; here one is good for longer than any world lives.
SESSION_SECONDS = 30 * 24 * 3600


def install(settings: Settings) -> None:
    """Gives each function the environment Lambda gives it, and nothing of the server's."""
    lambda_svc._provided_worker_env = lambda config, code_dir, port: _environment(
        settings, config, code_dir, port
    )
    spawn = lambda_runtime.ProvidedWorker._spawn

    def spawn_unless_ending(worker: Any, init_timeout: float | None = None) -> None:
        if _ending.is_set():
            raise RuntimeError("the lab is ending")
        spawn(worker, init_timeout)

    lambda_runtime.ProvidedWorker._spawn = spawn_unless_ending


def _environment(settings: Settings, config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    """The environment of a function's process (Lambda developer guide, defined runtime variables)."""
    name = config.get("FunctionName", "unknown")
    variables = lambda_svc._runtime_env_vars(config)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **{key: _in_a_layer(config, value) for key, value in variables.items()},
        **_session(config),
        **_logging(config, name),
        "AWS_REGION": get_region(),
        "AWS_DEFAULT_REGION": get_region(),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'provided.al2023')}",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "LAMBDA_TASK_ROOT": code_dir,
        "_HANDLER": config.get("Handler", "bootstrap"),
        # The one thing AWS doesn't give: it leads the SDK to the lab instead of the internet.
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        # And the date, where a test runs under another one.
        **shifted_clock(os.environ),
    }


def _session(config: dict[str, Any]) -> dict[str, str]:
    """A session of the function's role. It has an end, as every session of STS: without one a database takes no token of it."""
    session = lambda_runtime.execution_credentials(config)
    known = sts._sessions.get(session["AWS_ACCESS_KEY_ID"])
    if known is not None:
        known["Expiration"] = time.time() + SESSION_SECONDS
    return session


def _in_a_layer(config: dict[str, Any], value: str) -> str:
    """A path below /opt, where Lambda unpacks the layers of a function: here each layer has a folder of its own, and the last that has
    the file counts, as the last unpacked does there."""
    if not value.startswith("/opt/"):
        return value
    for layer in reversed(config.get("Layers") or []):
        packed = lambda_svc._resolve_layer_zip(layer)
        if packed is None:
            continue
        path = Path(lambda_svc._docker_extracted_dir(packed, "layer")) / value.removeprefix("/opt/")
        if path.exists():
            return str(path)
    return value


def _logging(config: dict[str, Any], name: str) -> dict[str, str]:
    settings = config.get("LoggingConfig") or {}
    variables = {
        "AWS_LAMBDA_LOG_GROUP_NAME": settings.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": new_uuid(),
        "AWS_LAMBDA_LOG_FORMAT": settings.get("LogFormat") or "Text",
    }
    if settings.get("ApplicationLogLevel"):
        variables["AWS_LAMBDA_LOG_LEVEL"] = settings["ApplicationLogLevel"]
    return variables


def control_documents() -> list[dict[str, Any]]:
    """The functions as the control API shows them: as whom they call, and the ids of their live processes."""
    with lambda_runtime._lock:
        pools = {key: list(workers) for key, workers in lambda_runtime._workers.items()}
    alive: dict[tuple[str, str], list[int]] = {}
    for key, workers in sorted(pools.items()):
        _account, region, name, _qualifier = key.split(":")
        processes = [worker._proc for worker in workers]
        pids = [process.pid for process in processes if process and process.poll() is None]
        alive.setdefault((region, name), []).extend(pids)
    documents = []
    for (_account, region, name), record in sorted(lambda_svc._functions.all_items()):
        key_id = _session(record["config"])["AWS_ACCESS_KEY_ID"]
        pids = alive.get((region, name), [])
        documents.append({"name": name, "region": region, "access_key_id": key_id, "pids": pids})
    return documents


def credentials(region: str, name: str) -> dict[str, str] | None:
    """A session of a function's role, as its process gets it; None for a function that isn't there."""
    record = lambda_svc._functions.get_scoped(ACCOUNT_ID, region, name)
    return _session(record["config"]) if record else None


def end_all() -> None:
    """Ends every function process, asked first and killed after two seconds, and lets no new one start."""
    _ending.set()
    lambda_runtime.reset()
    # A process whose start was under way at the first pass is in its pool by now.
    lambda_runtime.reset()

"""How does the local AWS world start, and how does it end?"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from .settings import Settings, SettingsError, server_environment, shifted_clock

if TYPE_CHECKING:
    from .assembly import Assembly
    from .rack_client import Rack

PARENT_WATCH_SECONDS = 0.5
GRACE_SECONDS = 1.0
# Longer than any client keeps a connection that it does not use (the SDKs of Go and Rust: 90 s). Whoever closes it second may send a
# request into the closing, which takes effect here, and whose answer is lost.
KEEP_ALIVE_SECONDS = 600


def main() -> None:
    """Starts the world with the LAB_* settings and serves until it is told to end."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as problem:
        sys.exit(f"launcher: {problem}")
    environment = server_environment(settings, os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"))
    environment |= shifted_clock(os.environ)
    for directory in (environment["TMPDIR"], environment["STATE_DIR"], environment["S3_DATA_DIR"]):
        os.makedirs(directory, exist_ok=True)
    # The emulator reads its settings when it is imported, so its environment is set before that.
    os.environ.clear()
    os.environ.update(environment)
    code, world = 1, None
    try:
        from .assembly import assemble

        world = assemble(settings)
        asyncio.run(_serve(settings, world))
        code = 0 if world.is_whole else 1
    except Exception:
        logging.getLogger("lab").exception("the world ended by itself")
    finally:
        from . import functions

        functions.end_all()
        if world is not None:
            world.end()
        logging.shutdown()
        # Handler threads may still wait for functions that are gone; nothing of theirs is worth waiting for.
        os._exit(code)


async def _serve(settings: Settings, world: Assembly) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ending.set)

    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = GRACE_SECONDS
    config.shutdown_timeout = GRACE_SECONDS
    config.loglevel = settings.log_level

    tasks = [asyncio.create_task(world.heartbeat.run())]
    if settings.parent_pid is not None:
        tasks.append(asyncio.create_task(_watch_parent(settings.parent_pid, ending)))
    if world.databases is not None:
        tasks.append(asyncio.create_task(_watch_rack(world.databases.rack, ending)))
    try:
        application: Any = world.application
        await serve(application, config, shutdown_trigger=_waiter(ending))
    finally:
        for task in tasks:
            task.cancel()


def _waiter(event: asyncio.Event) -> Any:
    async def wait() -> None:
        await event.wait()

    return wait


async def _watch_parent(pid: int, ending: asyncio.Event) -> None:
    """Ends the world when the process it was started for is gone."""
    own_parent = os.getppid() == pid
    while True:
        await asyncio.sleep(PARENT_WATCH_SECONDS)
        if (own_parent and os.getppid() != pid) or not _is_alive(pid):
            logging.getLogger("lab").warning("process %d is gone: ending", pid)
            ending.set()
            return


async def _watch_rack(rack: Rack, ending: asyncio.Event) -> None:
    """Ends the world when the process that holds its servers is gone, and every server with it."""
    while rack.is_there:
        await asyncio.sleep(PARENT_WATCH_SECONDS)
    logging.getLogger("lab").error("the rack is gone, see %s: ending", rack.log_dir / "rack.log")
    ending.set()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()

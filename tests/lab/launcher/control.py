"""What does the control API under /_lab answer?"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from . import ageing, functions, globalaccelerator, inventory, rds, schedules, snapshots, target_health
from .applications import Applications
from .databases import Databases
from .paces import Pace
from .saved_worlds import SavedWorlds, SavingError
from .world import World

PREFIX = "/_lab/"
BODY_BYTES_MAX = 64 * 1024

FIGURE_MAX = 1e9
"""No lag lasts so many seconds, and no replication sends so many bytes in one."""

Asgi = Callable[
    [dict[str, Any], Callable[[], Awaitable[Any]], Callable[[dict[str, Any]], Awaitable[None]]],
    Awaitable[None],
]


class BadRequest(ValueError):
    """A request the control API can't use; the message says why."""


@dataclass(frozen=True)
class Extras:
    """What a world has beyond the emulator's memory; None where no setting asks for it."""

    saved: SavedWorlds
    databases: Databases | None
    applications: Applications | None


def with_control(app: Asgi, world: World, extras: Extras) -> Asgi:
    """The emulator's application with the control API in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await app(scope, receive, send)
            return
        try:
            body = await _body(receive)
            path = scope["path"][len(PREFIX) :].split("/")
            if path in (["save"], ["reset"]) and scope["method"] == "POST":
                # On the loop: nobody sees a world that is half of one and half of another.
                document = getattr(extras.saved, path[0])(str(body.get("name", "")))
                status = 200
            else:
                status, document = answer(world, extras, scope["method"], path, body)
        except (BadRequest, SavingError) as problem:
            status, document = 400, {"error": str(problem)}
        payload = json.dumps(document).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    return serve


async def _body(receive: Any) -> dict[str, Any]:
    data, more = b"", True
    while more:
        message = await receive()
        data += message.get("body", b"")
        more = message.get("more_body", False)
        if len(data) > BODY_BYTES_MAX:
            raise BadRequest("the body is too long")
    try:
        document = json.loads(data) if data else {}
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(document, dict):
        raise BadRequest("the body is not a JSON object")
    return document


def answer(
    world: World, extras: Extras, method: str, path: list[str], body: dict[str, Any]
) -> tuple[int, Any]:
    """The status and document for one request; `path` is what follows /_lab/."""
    match method, path:
        case "GET", ["health"]:
            return 200, {"ok": True}
        case "GET", ["regions"]:
            return 200, [{"region": region, "lost": True} for region in sorted(world.lost_since)]
        case "PUT", ["regions", region]:
            how = body.get("how", "cut")
            if how not in ("cut", "killed"):
                raise BadRequest("how must be cut or killed")
            world.set_lost(region, _flag(body, "lost"), killed=how == "killed")
            return 200, {"region": region, "lost": world.is_lost(region)}
        case "PUT", ["capacity", group]:
            available = _flag(body, "available")
            (world.refused_capacity.discard if available else world.refused_capacity.add)(group)
            return 200, {"group": group, "available": available}
        case "PUT", ["databases", region, name]:
            disturbance = rds.Disturbance(**_only(body, rds.Disturbance.FIELDS))
            if problem := disturbance.problem():
                raise BadRequest(problem)
            found = rds.disturb(region, name, disturbance)
            return (200, {"name": name, **body}) if found else (404, {"error": f"no database {name}"})
        case "PUT", ["databases", region, name, "lag"]:
            return _lag(extras, region, name, _pace(body))
        case "DELETE", ["databases", region, name, "lag"]:
            return _lag(extras, region, name, None)
        case "PUT", ["snapshots"]:
            seconds = body.get("older_by_seconds")
            if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
                raise BadRequest("older_by_seconds must be a whole number of seconds, 0 or more")
            instance = body.get("instance")
            if not isinstance(instance, str | None):
                raise BadRequest("instance must be a string")
            return 200, {"aged": ageing.make_older(seconds, instance)}
        case "PUT", ["snapshots", region, name]:
            if body != {"status": "failed"}:
                raise BadRequest('only {"status": "failed"} can be given')
            found = snapshots.fail(region, name)
            return (200, {"name": name, **body}) if found else (404, {"error": f"{name} is not under way"})
        case "PUT", ["schedules", region, name]:
            found = schedules.set_due(region, name, is_due=_flag(body, "due"))
            return (200, {"name": name, **body}) if found else (404, {"error": f"no schedule {name}"})
        case "GET", ["databases"]:
            return 200, extras.databases.documents() if extras.databases else []
        case "GET", ["databases", region, name, "from", origin]:
            address = extras.databases and extras.databases.address_from(origin, region, name)
            return (200, {"address": address}) if address else (404, {"error": f"{name} has no data"})
        case "GET", ["applications"]:
            return 200, extras.applications.documents() if extras.applications else []
        case "GET", ["accelerators"]:
            return 200, globalaccelerator.control_documents(world)
        case "GET", ["load-balancers"]:
            return 200, target_health.control_documents(world, world.settings)
        case "GET", ["timings"]:
            return 200, [timing.document() for timing in world.timings]
        case "GET", ["promotions"]:
            return 200, list(world.promotions)
        case "GET", ["inventory"]:
            return 200, inventory.document()
        case "GET", ["functions"]:
            return 200, functions.control_documents()
        case "GET", ["functions", region, name, "credentials"]:
            credentials = functions.credentials(region, name)
            return (200, credentials) if credentials else (404, {"error": f"no function {name} in {region}"})
    return 404, {"error": f"nothing at {method} {PREFIX}{'/'.join(path)}"}


def _lag(extras: Extras, region: str, name: str, pace: Pace | None) -> tuple[int, Any]:
    """Slows the replication to a replica, or ends that."""
    if extras.databases is None or not extras.databases.set_pace(region, name, pace):
        return 404, {"error": f"{name} is no replica that holds data"}
    return 200, {"name": name, "lag": None if pace is None else pace.document()}


def _pace(body: dict[str, Any]) -> Pace:
    """How slow: one figure, a number of seconds or of bytes."""
    figures = {"seconds": (int, float), "bytes_per_second": (int, float)}
    if len(_only(body, figures)) != 1:
        raise BadRequest("either seconds or bytes_per_second must be given")
    name, figure = next(iter(body.items()))
    if not 0 < figure < FIGURE_MAX:
        raise BadRequest(f"{name} must be more than 0 and less than {FIGURE_MAX:.0f}")
    return Pace(**body)


def _only(body: dict[str, Any], fields: dict[str, tuple[type, ...]]) -> dict[str, Any]:
    """The body, which must hold nothing but these fields, each of one of its types."""
    for name, value in body.items():
        kinds = fields.get(name)
        if kinds is None:
            raise BadRequest(f"{name} is not known; there are {', '.join(fields)}")
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise BadRequest(f"{name} must be {' or '.join(kind.__name__ for kind in kinds)}")
    return body


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false")
    return value

"""How does the whole world go back to how it was? Its memory by one copy of all stores, its databases by
their folders.

A run against a stack leaves a promoted replica and a scaled fleet behind, and another apply takes minutes. So
the state is saved once and brought back in seconds. Saving restarts the real databases; going back kills
them.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import ec2

from . import alarm_notices, attachments, database_metrics, globalaccelerator
from .database_copies import Copies
from .databases import Databases
from .rds import _lock
from .world import World

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

# State that lies beside the scoped stores. What isn't here goes on as it is: sessions of STS, by which
# functions and people call; when a schedule last fired; connections and caches.
_PLAIN = (
    (ec2, "_default_initialized_scopes"),
    (alarm_notices, "_last_states"),
    (attachments, "attachments"),
    (database_metrics, "waiting"),
    (globalaccelerator, "accelerators"),
    (globalaccelerator, "listeners"),
    (globalaccelerator, "endpoint_groups"),
    (globalaccelerator, "tags"),
)

# Nothing of these can be copied, nor needs to be: locks, keys, code.
_AS_IT_IS = (FunctionType, BuiltinFunctionType, MethodType, ModuleType)
_MODULES_AS_THEY_ARE = ("_thread", "threading", "asyncio", "_asyncio", "concurrent", "cryptography", "socket")


class SavingError(ValueError):
    """A world that can't be saved or brought back; the message says why."""


@dataclass(frozen=True)
class Saved:
    """One saved world."""

    memory: bytes
    as_they_are: list[Any]
    """What the memory refers to and isn't copied."""
    facts: dict[str, Any]
    """Of the launcher's own `World`."""
    databases: Copies | None
    saved_at: float


class SavedWorlds:
    """The saved worlds by name; kept as long as the launcher runs."""

    def __init__(self, world: World, databases: Databases | None) -> None:
        self._world = world
        self._databases = databases
        self._saved: dict[str, Saved] = {}
        self.on_reset: list[Callable[[], None]] = []
        """Called before a world is brought back; what runs in this one has to end."""

    def save(self, name: str) -> dict[str, Any]:
        """Keeps the world as it is now under a name, in place of another of that name."""
        if not NAME.fullmatch(name):
            raise SavingError(
                "name must be lower-case letters, digits and hyphens, a letter first, at most 40"
            )
        if self._world.lost_since:
            raise SavingError(f"{', '.join(sorted(self._world.lost_since))} is lost: bring it back first")
        if self._databases is not None and self._databases.paces:
            raise SavingError("a replica is made to lag, so it lacks some of its source: end that first")
        began = time.monotonic()
        if (old := self._saved.pop(name, None)) and old.databases:
            old.databases.remove()
        databases = None if self._databases is None else Copies.take(self._databases, name)
        with _lock:
            memory, as_they_are = _dump()
        facts = {
            "timings": list(self._world.timings),
            "promotions": list(self._world.promotions),
            "refused_capacity": set(self._world.refused_capacity),
        }
        self._saved[name] = Saved(memory, as_they_are, facts, databases, time.time())
        return {"name": name, "seconds": round(time.monotonic() - began, 3), "bytes": len(memory)}

    def reset(self, name: str) -> dict[str, Any]:
        """Brings a saved world back."""
        saved = self._saved.get(name)
        if saved is None:
            known = ", ".join(sorted(self._saved)) or "nothing"
            raise SavingError(f"there is no saved world {name}; saved: {known}")
        began = time.monotonic()
        for end in self.on_reset:
            end()
        # A function that is at work would go on writing into the world that comes.
        lambda_runtime.reset()
        for region in list(self._world.lost_since):
            self._world.set_lost(region, False)
        with _lock:
            _load(saved)
        if self._world.settings.metric_delay_seconds is not None:
            database_metrics.move_on(time.time() - saved.saved_at)
        self._world.returned_at.clear()
        self._world.timings[:] = saved.facts["timings"]
        self._world.promotions[:] = saved.facts["promotions"]
        self._world.refused_capacity = set(saved.facts["refused_capacity"])
        if self._databases is not None and saved.databases is not None:
            saved.databases.bring_back(self._databases)
        return {"name": name, "seconds": round(time.monotonic() - began, 3)}


# ---- memory ---------------------------------------------------------------------------------------


def _stores() -> Iterator[tuple[str, Any]]:
    """Every store of every service, by a name of its own."""
    for module_name, module in sorted(sys.modules.items()):
        if module_name.startswith("ministack.services.") and module is not None:
            for name, store in sorted(vars(module).items()):
                # A store may be imported elsewhere under its name; it is one all the same.
                if isinstance(store, AccountRegionScopedDict | AccountScopedDict):
                    yield f"{module_name}.{name}", store._data
    for module, name in _PLAIN:
        yield f"{module.__name__}.{name}", getattr(module, name)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.as_they_are: list[Any] = []

    def persistent_id(self, value: Any) -> int | None:
        """Leaves what can't be copied where it is."""
        kind = type(value)
        if kind in _AS_IT_IS or kind.__module__.partition(".")[0] in _MODULES_AS_THEY_ARE:
            self.as_they_are.append(value)
            return len(self.as_they_are) - 1
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, saved: Saved) -> None:
        super().__init__(io.BytesIO(saved.memory))
        self._as_they_are = saved.as_they_are

    def persistent_load(self, number: int) -> Any:
        """What was left where it is."""
        return self._as_they_are[number]


def _dump() -> tuple[bytes, list[Any]]:
    # All stores at once: what two of them share is shared again afterwards.
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(dict(_stores()))
    return file.getvalue(), pickler.as_they_are


def _load(saved: Saved) -> None:
    memory = _Unpickler(saved).load()
    for name, store in _stores():
        # One of a service that nobody had called by then was empty.
        kept = memory.get(name)
        store.clear()
        if kept:
            store.update(kept)

"""Which port is free for a server of our own?"""

from __future__ import annotations

import random
import socket


def free_port(ports: range) -> int:
    """A free port of these on 127.0.0.1. They lie below those that the system gives to connections of its own."""
    for port in random.sample(ports, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on 127.0.0.1")

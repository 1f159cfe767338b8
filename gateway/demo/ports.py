"""Ports for programs that are started a moment later."""

from __future__ import annotations

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Nobody is given one of these by the kernel (RFC 6335 leaves 49152 up, Linux 32768 up, to it), so none is lost between
looking and starting to a connection that somebody else opens."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses."""
    while True:
        port = random.choice(_BELOW_EPHEMERAL)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port

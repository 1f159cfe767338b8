"""Tells systemd that the unit is alive, so that one that is stuck is started anew: sd_notify(3), by a socket."""

from __future__ import annotations

import contextlib
import os
import socket

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


class Watchdog:
    """Whoever started us listens at NOTIFY_SOCKET; started by anybody else, it says nothing."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )

    def tell(self, what: str) -> None:
        if self._address:
            with contextlib.suppress(
                OSError
            ):  # a service manager that is away is no reason to stop measuring
                self._socket.sendto(what.encode(), self._address)

"""A wire that can be cut: passes TCP connections on to a port of 127.0.0.1 until it is told not to."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on a free port of 127.0.0.1 (`port`) and passes everything on, both ways, to `target_port`.

    `cut()` drops what is connected and refuses what comes; `mend()` lets connections through again.
    """

    def __init__(self, target_port: int):
        self._target = target_port
        self._whole = True
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """No byte passes from now on."""
        self._whole = False
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _close(end)

    def mend(self) -> None:
        """Connections may pass again."""
        self._whole = True

    def close(self) -> None:
        """The wire is gone."""
        self.cut()
        _close(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._whole:
                    self._join(near)
                else:
                    _close(near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _close(near)
            return
        with self._lock:
            self._open |= {near, far}
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while received := one.recv(65536):
                other.sendall(received)
        for end in (one, other):
            _close(end)
            with self._lock:
                self._open.discard(end)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

"""A real Mosquitto on a free port of 127.0.0.1, with the accounts of the field and nothing kept on disk.

Each unit may publish its own records and status; only the gateway may publish acknowledgements and the time.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from gateway.demo import broker
from gateway.demo.broker import GATEWAY
from gateway.demo.ports import free_port
from tests.support.tools import tool

PASSWORD = "only-for-tests-0123"


class Broker:
    """A broker for `units` of one clinic; accounts are GATEWAY and each unit, all with PASSWORD."""

    def __init__(self, folder: Path, clinic: str, units: Iterable[str]):
        self.port = free_port()
        self._folder = folder
        self._clinic = clinic
        self._passwords = dict.fromkeys((GATEWAY, *units), PASSWORD)
        self.start()

    @property
    def config(self) -> str:
        """The [mqtt] table of a gateway that uses it."""
        return f'[mqtt]\nport = {self.port}\nuser = "{GATEWAY}"\npassword = "{PASSWORD}"\n'

    def start(self, settings: str = "") -> None:
        """Starts it, with more lines of configuration, and waits until it listens."""
        path = os.pathsep.join(str(tool(each).parent) for each in ("mosquitto", "mosquitto_passwd"))
        known = (self._folder, self.port, self._clinic, self._passwords)
        self._process = broker.start(*known, path, settings).process
        wait_for_port(self.port)

    def allow(self, acl: str) -> None:
        """These lines of an access list hold as well, until it is started again."""
        with (self._folder / "acl").open("a") as file:
            file.write(acl)
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """It is gone at once, with all it had queued and retained."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ends it in good order."""
        self._process.terminate()
        self._process.wait(timeout=10)


def wait_for_port(port: int, within_s: float = 20) -> None:
    """Until something listens there."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)

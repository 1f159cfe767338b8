"""A real Mosquitto on a free port of 127.0.0.1, with the accounts of the field and nothing kept on disk.

Each unit may publish its own records and status; only the gateway may publish acknowledgements and the time.
"""

from __future__ import annotations

import getpass
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from tests.support.tools import tool

GATEWAY = "gateway"
PASSWORD = "only-for-tests-0123"

_SETTINGS = """
listener {port} 127.0.0.1
user {user}
persistence false
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
max_queued_messages 0
set_tcp_nodelay true
log_type warning
log_type error
"""
_ACL = """
user {gateway}
topic readwrite ww/1/{clinic}/#

pattern write ww/1/{clinic}/%u/record
pattern write ww/1/{clinic}/%u/status
pattern read ww/1/{clinic}/%u/ack
pattern read ww/1/{clinic}/time
"""


class Broker:
    """A broker for `units` of one clinic; accounts are GATEWAY and each unit, all with PASSWORD."""

    def __init__(self, folder: Path, clinic: str, units: Iterable[str]):
        folder.mkdir(parents=True)
        self.port = free_port()
        self._log = folder / "broker.log"
        users = "".join(f"{user}:{PASSWORD}\n" for user in (GATEWAY, *units))
        _private(folder / "passwords", users)
        _private(folder / "acl", _ACL.format(gateway=GATEWAY, clinic=clinic))
        subprocess.run([tool("mosquitto_passwd"), "-U", folder / "passwords"], check=True)
        settings = _SETTINGS.format(port=self.port, folder=folder, user=getpass.getuser())
        self._settings = _private(folder / "mosquitto.conf", settings)
        self.start()

    @property
    def config(self) -> str:
        """The [mqtt] table of a gateway that uses it."""
        return f'[mqtt]\nport = {self.port}\nuser = "{GATEWAY}"\npassword = "{PASSWORD}"\n'

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [tool("mosquitto"), "-c", self._settings], stdout=log, stderr=log
            )
        wait_for_port(self.port)

    def kill(self) -> None:
        """It is gone at once, with all it had queued and retained."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ends it in good order."""
        self._process.terminate()
        self._process.wait(timeout=10)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


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


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path

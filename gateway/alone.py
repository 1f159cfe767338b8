"""One `serve` per ledger: a second would take the first one's place at the broker, and so on for ever.

The lock is the kernel's and ends with the process, however that ends; the file only says where it serves, and by which key
it says to those who may read the ledger's folder, and to nobody else, what is wrong with it.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SurroundingsError

HEALTH = "/status.json"  # below the address served: how that process is
_FILE = "serve.lock"


@dataclass(frozen=True, slots=True)
class Served:
    """Where a `serve` runs, empty while it starts, and the key that it made up for itself."""

    address: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What is sent to it by whoever read this here."""
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def alone(folder: Path) -> Iterator[Callable[[str], Served]]:
    """Holds the lock of a ledger folder; yields a function that writes down the address served, with a new key.

    SurroundingsError where another process holds it.
    """
    path = folder / _FILE
    path.touch(mode=0o600)
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SurroundingsError(
                f"{folder} 已有一个 serve 在运行：请先停掉它",
                f"a serve runs on {folder} already: stop it first",
            ) from None
        path.chmod(0o600)
        file.truncate(0)

        def serve_at(address: str) -> Served:
            served = Served(address, secrets.token_urlsafe(24))
            file.write(f"{served.address}\n{served.key}\n")
            file.flush()
            return served

        yield serve_at


def served_at(folder: Path) -> Served | None:
    """The `serve` that runs on a ledger folder; None where none runs."""
    try:
        with (folder / _FILE).open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                address, _, key = file.read().partition("\n")
                return Served(address, key.strip())
    except FileNotFoundError:
        pass
    return None

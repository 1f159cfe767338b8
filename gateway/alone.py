"""One `serve` per ledger: a second would take the first one's place at the broker, and so on for ever.

The lock is the kernel's and ends with the process, however that ends; the file only says where it serves.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import SurroundingsError

HEALTH = "/status.json"  # below the address served: how that process is
_FILE = "serve.lock"


@contextmanager
def alone(folder: Path) -> Iterator[Callable[[str], None]]:
    """Holds the lock of a ledger folder; yields a function that writes down the address served.

    SurroundingsError where another process holds it.
    """
    with (folder / _FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SurroundingsError(
                f"{folder} 已有一个 serve 在运行：请先停掉它",
                f"a serve runs on {folder} already: stop it first",
            ) from None
        file.truncate(0)

        def serve_at(address: str) -> None:
            file.write(address)
            file.flush()

        yield serve_at


def served_at(folder: Path) -> str | None:
    """The address of the `serve` that runs on a ledger folder; empty while it starts; None where none runs."""
    try:
        with (folder / _FILE).open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read()
    except FileNotFoundError:
        pass
    return None

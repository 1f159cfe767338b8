"""Files that were sent and shown, and wait for a person to say that they are to be imported: a few, for some minutes, in
memory alone. Nothing of them is left when the program ends."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from threading import Lock

KEPT_MS = 30 * 60_000
MOST_BYTES = 120 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """A bill file as it was sent, and how it is to be read. `mapping` is the text of a mapping file, or empty."""

    body: bytes
    name: str
    form: str
    source: str
    mapping: str

    @property
    def sha256(self) -> str:
        """Of the file's bytes, hex."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def key(self) -> str:
        """Of the bytes and all that decides how they are read, hex."""
        said = json.dumps([self.sha256, self.name, self.form, self.source, self.mapping])
        return hashlib.sha256(said.encode()).hexdigest()


class Spool:
    """For each person the file that was sent last. Threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._kept: dict[str, tuple[int, str, Sent]] = {}

    def put(self, person: str, sent: Sent, now_ms: int) -> str:
        """Keeps it in the place of the person's earlier one; the oldest of others make room. Its key."""
        with self._lock:
            self._kept.pop(person, None)
            self._forget(now_ms, self._most_bytes - len(sent.body))
            self._kept[person] = now_ms, sent.key, sent
        return sent.key

    def get(self, person: str, key: str, now_ms: int) -> Sent | None:
        """What that person sent, if it is exactly that."""
        with self._lock:
            self._forget(now_ms, self._most_bytes)
            _, kept, sent = self._kept.get(person, (0, "", None))
            return sent if kept == key else None

    def drop(self, person: str) -> None:
        """It was imported, or is not wanted."""
        with self._lock:
            self._kept.pop(person, None)

    def _forget(self, now_ms: int, room: int) -> None:
        """What is too old, and of the rest the oldest until it fits."""
        held = 0
        for person, (at_ms, _, sent) in sorted(self._kept.items(), key=lambda each: -each[1][0]):
            held += len(sent.body)
            if held > room or abs(now_ms - at_ms) > KEPT_MS:
                del self._kept[person]

"""The ZIP itself: the same members give the same bytes, and each is hashed as it is written.

This file does not know what is in a pack.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from gateway.ledger.trail import canonical

FORMAT = "wattwitness-pack/1"
MANIFEST, UNLISTED = "manifest.json", ("sheet.pdf",)

_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can tell
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the pack, by its name in it: how many bytes it has, and their SHA-256."""

    path: str
    bytes: int
    sha256: str


class Archive:
    """A pack while it is written. What goes in is written at once, so a month of records needs no more memory than a day."""

    def __init__(self, out: IO[bytes]):
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self.members: list[Member] = []

    def add(self, path: str, parts: Iterable[bytes]) -> Member:
        """Writes a member in parts, and lists it."""
        member = self._write(path, parts)
        self.members.append(member)
        return member

    def close_with_manifest(self) -> Member:
        """Writes the manifest of all that was added; what comes after it is not listed."""
        listed = sorted(self.members, key=lambda member: member.path)
        files = [{"path": each.path, "bytes": each.bytes, "sha256": each.sha256} for each in listed]
        text = canonical({"format": FORMAT, "files": files, "unlisted": list(UNLISTED)})
        return self._write(MANIFEST, [f"{text}\n".encode()])

    def add_unlisted(self, path: str, body: bytes) -> None:
        """Writes what names the manifest's hash, and so cannot be in it."""
        if path not in UNLISTED:
            raise ValueError(f"{path} is not among {UNLISTED}")
        self._write(path, [body])

    def close(self) -> None:
        """Ends the ZIP."""
        self._zip.close()

    def abandon(self) -> None:
        """Writes nothing more: what there is of it will be thrown away."""
        self._zip.fp = None

    def _write(self, path: str, parts: Iterable[bytes]) -> Member:
        about = zipfile.ZipInfo(path, _TIME)
        about.compress_type, about.create_system, about.external_attr = (
            zipfile.ZIP_DEFLATED,
            _UNIX,
            _PLAIN_FILE,
        )
        about._compresslevel = _LEVEL  # type: ignore[attr-defined]
        digest, size = hashlib.sha256(), 0
        with self._zip.open(about, "w") as member:
            for part in parts:
                member.write(part)
                digest.update(part)
                size += len(part)
        return Member(path, size, digest.hexdigest())

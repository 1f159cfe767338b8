"""Persons, without their names: what a bill calls a patient becomes a keyed hash whose key never leaves the clinic.

The same person has the same hash in one ledger folder and another one in every other.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from gateway.errors import SurroundingsError, UsageError

FILE = "patient.key"
_KEY_BYTES = 32


class Patients:
    """Hashes the names by which bills call patients (HMAC-SHA256, hex)."""

    def __init__(self, key: bytes):
        self._key = key
        self._known: dict[str, str] = {"": ""}

    def hashed(self, patient: str) -> str:
        """64 hex digits for a patient, nothing for none."""
        known = self._known.get(patient)
        if known is None:
            known = self._known[patient] = hmac.digest(self._key, patient.encode(), "sha256").hex()
        return known


def open_patients(folder: Path) -> Patients:
    """With the key of this ledger folder, which is made on first use and readable by its owner alone.

    UsageError where the key file is damaged, SurroundingsError where it cannot be read or made.
    """
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise SurroundingsError(f"不能读写 {path}:{error}", f"cannot read or make {path}: {error}") from error
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UsageError(
            f"{path} 已损坏:请从备份恢复,否则同一患者前后对不上",
            f"{path} is damaged: restore it from a backup, or patients will not match those before",
        )
    return Patients(key)


def _make(path: Path) -> None:
    """Whole or not at all, and never over a key that is there: two programs may come here at once."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_KEY_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()

"""Persons, without their names: what a bill calls a patient becomes a keyed hash whose key never leaves the clinic.

The same person has the same hash in one ledger folder and another one in every other.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from gateway.keyfile import open_key

FILE = "patient.key"


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
    return Patients(open_key(folder, FILE, "同一患者前后对不上", "patients will not match those before"))

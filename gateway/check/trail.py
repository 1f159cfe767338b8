"""The trail of what people did, recomputed: every entry follows from the one before it, and none is missing between.

Written anew from what the trail promises, not from the program that writes it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from gateway.check.faults import Fault

_NOTHING = "0" * 64


def examine_trail(db: sqlite3.Connection) -> Iterator[Fault]:
    """A fault for each entry whose number or hash does not follow. A trail cut off at its end looks whole: only who kept
    a later head (the district, a closing) can tell."""
    before, number = _NOTHING, 0
    for row in db.execute("SELECT entry, at_ms, who, act, subject, body, hash FROM trail ORDER BY entry"):
        number += 1
        if row[0] != number or _hash(before, row) != row[6]:
            yield Fault("trail", f"trail:{row[0]}")
        before, number = row[6], row[0]


def _hash(before: str, row: sqlite3.Row) -> str | None:
    """None where the body is not the one way of writing what it says."""
    try:
        body = json.loads(row[5])
    except ValueError:
        return None
    names = ("entry", "at_ms", "who", "act", "subject")
    entry = dict(zip(names, row, strict=False)) | {"body": body}
    if _plain(body) != row[5]:
        return None
    return hashlib.sha256(f"{before}\n{_plain(entry)}".encode()).hexdigest()


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

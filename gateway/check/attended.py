"""What people recorded of treatments, and which visits tags stand for, read anew for `check`.

An entry stands from when it was entered until another one that replaces it was.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NAME = "attended"
"""Where a unit's name would stand, in what rests on an entry."""

_ENDED, _UNDONE = ("done", "stopped"), ("undone",)
_ENTRIES = """SELECT a.*, (SELECT b.entered_ms FROM attended b WHERE b.replaces = a.entry) AS until_ms FROM attended a"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A treatment that was recorded with its times."""

    key: str
    clinic: str
    visit: str
    item: int
    began_ms: int
    ended_ms: int
    entered_ms: int
    until_ms: int | None


def read(db: sqlite3.Connection) -> Iterator[Recorded]:
    """Every entry that ever stood, with its times."""
    for row in db.execute(_ENTRIES):
        if row["outcome"] in _ENDED and row["ended_ms"] is not None:
            named = (f"{NAME}:{row['entry']}", row["clinic"], row["visit"], row["item"])
            yield Recorded(
                *named, *(row[name] for name in ("began_ms", "ended_ms", "entered_ms", "until_ms"))
            )


Stood = Mapping[tuple[str, int], list[tuple[int, int | None]]]
"""(visit, item) -> from when until when an entry stood."""


def recorded(db: sqlite3.Connection) -> Stood:
    """What was recorded as done or stopped."""
    return _stood(db, _ENDED)


def undone(db: sqlite3.Connection) -> Stood:
    """What was recorded as not done."""
    return _stood(db, _UNDONE)


def _stood(db: sqlite3.Connection, outcomes: tuple[str, ...]) -> Stood:
    found: dict[tuple[str, int], list[tuple[int, int | None]]] = defaultdict(list)
    for row in db.execute(_ENTRIES):
        if row["outcome"] in outcomes:
            found[row["visit"], row["item"]].append((row["entered_ms"], row["until_ms"]))
    return found


def visits(db: sqlite3.Connection) -> Mapping[str, str]:
    """Tag -> the visit that it stands for."""
    return {row["tag"]: row["visit"] for row in db.execute("SELECT tag, visit FROM visit_tags")}

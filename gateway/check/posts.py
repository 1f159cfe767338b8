"""Entries that units made by reading tags at posts, made again from the stored readings.

An entry is held against the readings that were here when it was entered. Of what is meant by a reading it checks that it is
an item no meter sees, that the visit was charged, and which the post names, if it names one.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.check import attended
from gateway.check.faults import Fault
from gateway.check.reread import Chains, Holdings, shift_of

_AGAIN_MS, _MARGIN_MS = 60_000, 15 * 60_000
_MADE = """SELECT a.* FROM attended a WHERE a.scan LIKE a.entered_by || ':%' AND a.outcome IN ('running', 'done')
  AND NOT EXISTS (SELECT 1 FROM attended b WHERE b.replaces = a.entry)"""
_PLACES = """SELECT unit, p.from_ms, p.until_ms, load, room, clinic FROM placements p JOIN devices USING (device)
  WHERE load = 'post' OR load GLOB 'post[1-9]*'"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A tag that was read at a post; `came_ms` when its record came."""

    us: int
    at_ms: int
    tag: str
    day: str
    room: str
    clinic: str
    load: str
    came_ms: int


def examine_posts(
    db: sqlite3.Connection, chains: Chains, held: Holdings, since_ms: int = 0
) -> Iterator[Fault]:
    """A fault for each entry in force of a unit, of what began since then, that its readings do not bear out."""
    readings = {unit: list(_readings(db, unit, chains, held)) for (unit,) in _units(db)}
    visits, longest = attended.visits(db), _longest(db, held)
    for row in db.execute(f"{_MADE} AND a.began_ms >= ?", [since_ms]).fetchall():
        if not _is_borne_out(db, row, readings.get(row["entered_by"], []), visits, longest, held):
            yield Fault("post", f"attended:{row['entry']}")


def _units(db: sqlite3.Connection) -> list[sqlite3.Row]:
    return db.execute(f"SELECT DISTINCT unit FROM ({_PLACES}) ORDER BY unit").fetchall()


def _readings(db: sqlite3.Connection, unit: str, chains: Chains, held: Holdings) -> Iterator[Reading]:
    """The tags that the unit read at posts, on the true clock, in order of time."""
    places = db.execute(f"SELECT * FROM ({_PLACES}) WHERE unit = ? ORDER BY from_ms", [unit]).fetchall()
    came = dict(
        db.execute("SELECT us, received_ms FROM records WHERE unit = ? AND chained = 1", [unit]).fetchall()
    )
    found = []
    for us, record in chains.get(unit, {}).items():
        shift_ms = shift_of(record, chains[unit]) if record.kind == "TAG" else None
        at_ms = record.at_ms + (shift_ms or 0)
        for _, from_ms, until_ms, load, room, clinic in places if shift_ms is not None else ():
            if from_ms <= at_ms and (until_ms is None or at_ms < until_ms):
                about = (record.tags[0], held.day(at_ms), room, clinic, load, came[us])
                found.append(Reading(us, at_ms, *about))
    yield from sorted(found, key=lambda each: (each.at_ms, each.us))


def _longest(db: sqlite3.Connection, held: Holdings) -> Mapping[str, int]:
    """Key of a reading -> how long what an entry says began with it may run; "" -> how long what no entry names may."""
    longest: dict[str, int] = defaultdict(int)
    for row in db.execute("SELECT * FROM attended WHERE scan <> '' ORDER BY entry"):
        is_forgotten = row["ended_ms"] is not None and row["scan"].startswith(f"{row['entered_by']}:")
        longest[row["scan"]] = _runs_ms(held, row["item"])
        if row["outcome"] == "withdrawn" and not is_forgotten:
            del longest[row["scan"]]
    longest[""] = max(
        (_runs_ms(held, number) for number in held.items if held.items[number].load == f"item{number}"),
        default=0,
    )
    return longest


def _runs_ms(held: Holdings, item: int) -> int:
    return (held.items[item].longest_s * 1000 if item in held.items else 0) + _MARGIN_MS


def _is_borne_out(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    readings: list[Reading],
    visits: Mapping[str, str],
    longest: Mapping[str, int],
    held: Holdings,
) -> bool:
    unit, _, us = row["scan"].rpartition(":")
    begin = next((each for each in readings if str(each.us) == us), None)
    if begin is None or visits.get(begin.tag) != row["visit"] or not _is_meant(db, row, begin, held):
        return False
    there = (begin.at_ms, begin.room, begin.clinic)
    if there != (row["began_ms"], row["room"], row["clinic"]) or row["how"] != "scanned":
        return False
    here = [
        each
        for each in readings
        if (each.tag, each.day) == (begin.tag, begin.day) and each.came_ms <= row["entered_ms"]
    ]
    ends = _paired(unit, here, longest)
    return begin.us in ends and (row["outcome"] == "running" or ends[begin.us] == row["ended_ms"])


def _is_meant(db: sqlite3.Connection, row: sqlite3.Row, begin: Reading, held: Holdings) -> bool:
    """Whether the item is one that only records show, that the post does not exclude, and that the visit was charged."""
    charged = "SELECT 1 FROM bill_lines WHERE clinic = ? AND visit = ? AND item = ? LIMIT 1"
    asked = [row["clinic"], row["visit"], row["item"]]
    is_attended = row["item"] in held.items and held.items[row["item"]].load == f"item{row['item']}"
    is_named = begin.load in ("post", f"post{row['item']}")
    return is_attended and is_named and db.execute(charged, asked).fetchone() is not None


def _paired(unit: str, here: list[Reading], longest: Mapping[str, int]) -> dict[int, int | None]:
    """us of each beginning -> when it ended, of one tag's readings at one unit on one day."""
    ends: dict[int, int | None] = {}
    counted_ms = began_us = began_ms = 0
    for each in here:
        if ends and each.at_ms - counted_ms < _AGAIN_MS:
            continue
        runs_ms = longest.get(f"{unit}:{began_us}", longest[""])
        if ends and ends[began_us] is None and each.at_ms - began_ms <= runs_ms:
            ends[began_us] = each.at_ms
        else:
            began_us, began_ms = each.us, each.at_ms
            ends[began_us] = None
        counted_ms = each.at_ms
    return ends

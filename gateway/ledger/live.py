"""What units said last, and what a person was charged lately: read while a clinic works, so by index and not far back."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlite_utils import Database

from gateway.ledger.bills import BillLine, Teller

_BACK = 200  # records of one unit: more than a day of heartbeats


@dataclass(frozen=True, slots=True)
class Place:
    """A unit that is in use, and the device on which it is."""

    unit: str
    device: str
    load: str
    room: str
    bed: str
    stations: int
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Said:
    """One record of a chain, without what it says of energy. `line` is the record itself."""

    kind: str
    at_ms: int
    received_ms: int
    line: str


def places(db: Database, clinic: str) -> list[Place]:
    """The units on devices now, by room and bed. `heard_ms` is 0 for one that never spoke."""
    rows = db.execute(
        """SELECT p.unit, device, load, room, bed, stations, coalesce(h.heard_ms, 0)
           FROM placements p JOIN devices d USING (device) LEFT JOIN heads h USING (unit)
           WHERE d.clinic = ? AND p.until_ms IS NULL AND d.until_ms IS NULL ORDER BY room, bed, device""",
        [clinic],
    )
    return [Place(*row) for row in rows]


def said_last(db: Database, unit: str) -> list[Said]:
    """The newest records of a unit's chain, newest first."""
    rows = db.execute(
        "SELECT kind, at_ms, received_ms, line FROM records WHERE unit = ? AND chained = 1 ORDER BY us DESC LIMIT ?",
        [unit, _BACK],
    )
    return [Said(*row) for row in rows]


def charged_to(db: Database, teller: Teller, patient: str, from_ms: int, until_ms: int) -> list[BillLine]:
    """What one person was charged in [from, until) and not refunded, by time; of nobody, nothing."""
    names = ", ".join(each.name for each in fields(BillLine))
    rows = db.execute(
        f"""SELECT {names} FROM bill_lines WHERE clinic = ? AND source = ? AND patient = ? AND patient <> ''
              AND charged_ms >= ? AND charged_ms < ? AND reversed_by IS NULL AND count NOT LIKE '-%'
            ORDER BY charged_ms, line""",
        [teller.clinic, teller.source, patient, from_ms, until_ms],
    )
    return [BillLine(*row) for row in rows]

"""What units said last, and what a person was charged lately: read while a clinic works, so by index and not far back."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sqlite_utils import Database

from gateway.ledger.bills import BillLine, Teller

TELLING = ("BOOT", "OPEN", "SESSION", "GAP", "FAULT")
"""Kinds that say what load and meter do; the ledger has an index of them, however many heartbeats lie between."""

_BACK = 60  # faults that may be told after what tells of the load


@dataclass(frozen=True, slots=True)
class Place:
    """A unit that is in use, and the device on which it is; no `unit` where the device has none. `missing` records are
    known to be there, because later ones came; `is_blind` devices can run unseen."""

    unit: str
    device: str
    load: str
    room: str
    bed: str
    stations: int
    heard_ms: int
    is_blind: bool = False
    is_forked: bool = False
    missing: int = 0


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
        """SELECT p.unit, device, load, room, bed, stations, coalesce(h.heard_ms, 0), d.blind, h.forked_us IS NOT NULL,
             coalesce((SELECT max(us) - h.us - count(DISTINCT us) FROM records
                       WHERE unit = h.unit AND chained = 0 AND us > h.us), 0)
           FROM placements p JOIN devices d USING (device) LEFT JOIN heads h USING (unit)
           WHERE d.clinic = ? AND p.until_ms IS NULL AND d.until_ms IS NULL ORDER BY room, bed, device""",
        [clinic],
    ).fetchall()
    return [
        replace(Place(*row[:7]), is_blind=bool(row[7]), is_forked=bool(row[8]), missing=row[9])
        for row in rows
    ]


def bare(db: Database, clinic: str) -> list[Place]:
    """The devices of the inventory that have no unit now, by room and bed."""
    rows = db.execute(
        """SELECT '', device, load, room, bed, stations, 0, 1 FROM devices d
           WHERE clinic = ? AND until_ms IS NULL
             AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.device = d.device AND p.until_ms IS NULL)
           ORDER BY room, bed, device""",
        [clinic],
    )
    return [Place(*row) for row in rows]


def said_last(db: Database, unit: str, by_ms: int = 1 << 62) -> list[Said]:
    """Of a unit's chain, newest first: its last record, and the last of those that tell more than that it lives; only what had
    been received by `by_ms`."""
    rows = db.execute(
        f"""SELECT kind, at_ms, received_ms, line FROM (
              SELECT * FROM (SELECT us, kind, at_ms, received_ms, line FROM records WHERE unit = :unit AND chained = 1
                               AND received_ms <= :by_ms ORDER BY us DESC LIMIT 1)
              UNION
              SELECT * FROM (SELECT us, kind, at_ms, received_ms, line FROM records
                             WHERE unit = :unit AND chained = 1 AND kind IN {TELLING}
                               AND received_ms <= :by_ms ORDER BY us DESC LIMIT {_BACK}))
            ORDER BY us DESC""",
        {"unit": unit, "by_ms": by_ms},
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

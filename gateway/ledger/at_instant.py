"""What the ledger knew at an instant: which units were on which devices, and what each had said last by then."""

from __future__ import annotations

from sqlite_utils import Database

from gateway.ledger.live import Place, Said

_BACK = 200  # records of one unit: more than a day of heartbeats


def places(db: Database, clinic: str, at_ms: int) -> list[Place]:
    """The units on devices at an instant, by room and bed. When they were heard is left to what they said: `heard_ms` is 0."""
    rows = db.execute(
        """SELECT p.unit, device, load, room, bed, stations, 0
           FROM placements p JOIN devices d USING (device)
           WHERE d.clinic = :clinic AND p.from_ms <= :at_ms AND coalesce(p.until_ms, :at_ms + 1) > :at_ms
             AND d.from_ms <= :at_ms AND coalesce(d.until_ms, :at_ms + 1) > :at_ms
           ORDER BY room, bed, device""",
        {"clinic": clinic, "at_ms": at_ms},
    )
    return [Place(*row) for row in rows.fetchall()]


def said_last(db: Database, unit: str, at_ms: int) -> list[Said]:
    """The newest records of a unit's chain that had been received by then, newest first."""
    rows = db.execute(
        "SELECT kind, at_ms, received_ms, line FROM records WHERE unit = ? AND chained = 1 AND received_ms <= ?"
        " ORDER BY us DESC LIMIT ?",
        [unit, at_ms, _BACK],
    )
    return [Said(*row) for row in rows.fetchall()]

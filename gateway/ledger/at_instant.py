"""Which units were on which devices at an instant; what each had said last by then is told by live.py."""

from __future__ import annotations

from sqlite_utils import Database

from gateway.ledger.live import Place


def places(db: Database, clinic: str, at_ms: int) -> list[Place]:
    """The units on devices at an instant, by room and bed. When they were heard is left to what they said: `heard_ms` is 0.
    A fork counts at every instant: none of its branches supports anything."""
    rows = db.execute(
        """SELECT p.unit, device, load, room, bed, stations, 0, 0, h.forked_us IS NOT NULL
           FROM placements p JOIN devices d USING (device) LEFT JOIN heads h USING (unit)
           WHERE d.clinic = :clinic AND p.from_ms <= :at_ms AND coalesce(p.until_ms, :at_ms + 1) > :at_ms
             AND d.from_ms <= :at_ms AND coalesce(d.until_ms, :at_ms + 1) > :at_ms
           ORDER BY room, bed, device""",
        {"clinic": clinic, "at_ms": at_ms},
    )
    return [Place(*row) for row in rows.fetchall()]

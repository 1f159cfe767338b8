"""What a reconciliation reads of records and findings."""

from __future__ import annotations

from sqlite_utils import Database


def chained_between(db: Database, unit: str, from_ms: int, until_ms: int) -> list[str]:
    """The exact lines of the unit's chained records made in [from_ms, until_ms) by its own clock, in order of `us`.

    The stretch is widened to whole: records whose clock was not set lie between others by `us`, not by instant.
    """
    rows = db.execute(
        """SELECT line FROM records WHERE unit = :unit AND chained = 1 AND us BETWEEN
             (SELECT min(us) FROM records WHERE unit = :unit AND chained = 1 AND at_ms >= :from_ms AND at_ms < :until_ms)
             AND
             (SELECT max(us) FROM records WHERE unit = :unit AND chained = 1 AND at_ms >= :from_ms AND at_ms < :until_ms)
           ORDER BY us""",
        {"unit": unit, "from_ms": from_ms, "until_ms": until_ms},
    )
    return [line for (line,) in rows]


def findings_between(db: Database, from_ms: int, until_ms: int) -> list[dict[str, object]]:
    """Findings about records made in [from_ms, until_ms), and those without a stored record found in it."""
    return list(
        db.query(
            """SELECT f.code, f.unit, f.us, f.zh, f.en FROM findings f
               WHERE coalesce(
                 (SELECT min(r.at_ms) FROM records r WHERE r.unit = f.unit AND r.us = f.us), f.found_ms
               ) BETWEEN :from_ms AND :until_ms - 1
               ORDER BY f.unit, f.us, f.finding""",
            {"from_ms": from_ms, "until_ms": until_ms},
        )
    )

"""Which records of a clinic's units are here: from which number to which, and when each unit was heard last."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Holding:
    """The least and the most `US` that is stored of a unit, in its chain or not; `heard_ms` is 0 for one without a head."""

    unit: str
    least_us: int
    most_us: int
    heard_ms: int


def holdings(db: Database, clinic: str) -> dict[str, Holding]:
    """Of each unit of a clinic that has any record here."""
    of_unit = "FROM records WHERE unit = u.unit"
    rows = db.execute(
        f"""SELECT u.unit, (SELECT min(us) {of_unit}) AS least_us, (SELECT max(us) {of_unit}), coalesce(h.heard_ms, 0)
            FROM units u LEFT JOIN heads h USING (unit) WHERE u.clinic = ? AND least_us IS NOT NULL ORDER BY u.unit""",
        [clinic],
    )
    return {unit: Holding(unit, *rest) for unit, *rest in rows.fetchall()}

"""Which reconciliations are kept: of which days, over whose lines."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Run:
    """A reconciliation that was kept. Days are local, as YYYY-MM-DD, both included."""

    run: int
    clinic: str
    source: str
    from_day: str
    to_day: str


def newest_runs(db: Database) -> list[Run]:
    """Of each period, clinic and source the reconciliation made last."""
    rows = db.execute(
        "SELECT max(run), clinic, source, from_day, to_day FROM runs GROUP BY from_day, to_day, clinic, source ORDER BY 1"
    )
    return [Run(*row) for row in rows.fetchall()]

"""Which reconciliations are kept: of which days, over whose lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def own_rules(db: Database, runs: Iterable[int]) -> list[str]:
    """The SHA-256 of each rules.toml of its own by which one of these runs looked for leads."""
    rows = db.execute(
        "SELECT DISTINCT rules FROM runs WHERE run IN (SELECT value FROM json_each(?)) AND rules != '' ORDER BY 1",
        [json.dumps(list(runs))],
    )
    return [sha256 for (sha256,) in rows.fetchall()]

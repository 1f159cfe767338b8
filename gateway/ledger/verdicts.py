"""What was found each time a period was reconciled. A run never touches the runs before it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.ledger.bills import Teller
from gateway.ledger.database import transaction

Row = dict[str, Any]


def save(
    db: Database,
    teller: Teller,
    period: tuple[date, date],
    made_ms: int,
    verdicts: Iterable[Row],
    coverage: Iterable[Row],
    leads: Iterable[Row],
) -> int:
    """Keep one run over a teller's lines, whole or not at all; its number. Rows are those of the tables, without `run`."""
    with transaction(db):
        day, last = (each.isoformat() for each in period)
        whose = {"clinic": teller.clinic, "source": teller.source}
        db.table("runs").insert({"from_day": day, "to_day": last, "made_ms": made_ms, **whose})
        run = int(db.execute("SELECT max(run) FROM runs").fetchone()[0])
        for table, rows in (("verdicts", verdicts), ("coverage", coverage), ("leads", leads)):
            db.table(table).insert_all({"run": run, **row} for row in rows)
    return run


def newest_leads(db: Database, from_day: str, to_day: str, clinic: str | None = None) -> list[Row]:
    """The leads of each day in the period, as the newest run over each source's lines that covers the day found them;
    of one clinic, or of all. What both sources led to is told once."""
    rows = db.query(
        """SELECT leads.body, clinic, source FROM leads JOIN runs USING (run)
           WHERE leads.day BETWEEN :from_day AND :to_day AND clinic = coalesce(:clinic, clinic)
             AND run = (SELECT max(r.run) FROM runs r WHERE leads.day BETWEEN r.from_day AND r.to_day
                        AND r.clinic = runs.clinic AND r.source = runs.source)
           GROUP BY clinic, lead ORDER BY leads.day, clinic, leads.rowid""",
        {"from_day": from_day, "to_day": to_day, "clinic": clinic},
    )
    return [_told(row) for row in rows]


def lead(db: Database, name: str) -> Row | None:
    """The lead of that name as the newest run found it, or None."""
    rows = db.query(
        "SELECT leads.body, clinic, source FROM leads JOIN runs USING (run) WHERE lead = ? ORDER BY run DESC LIMIT 1",
        [name],
    )
    return next((_told(row) for row in rows), None)


def _told(row: Row) -> Row:
    return {**json.loads(row["body"]), "clinic": row["clinic"], "source": row["source"]}

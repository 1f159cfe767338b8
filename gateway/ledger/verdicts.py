"""What was found each time a period was reconciled. A run never touches the runs before it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.ledger.database import transaction

Row = dict[str, Any]


def save(
    db: Database,
    period: tuple[date, date],
    made_ms: int,
    verdicts: Iterable[Row],
    coverage: Iterable[Row],
    leads: Iterable[Row],
) -> int:
    """Keep one run, whole or not at all; its number. Rows are those of the tables, without `run`."""
    with transaction(db):
        day, last = (each.isoformat() for each in period)
        db.table("runs").insert({"from_day": day, "to_day": last, "made_ms": made_ms})
        run = int(db.execute("SELECT max(run) FROM runs").fetchone()[0])
        for table, rows in (("verdicts", verdicts), ("coverage", coverage), ("leads", leads)):
            db.table(table).insert_all({"run": run, **row} for row in rows)
    return run


def newest_leads(db: Database, from_day: str, to_day: str) -> list[Row]:
    """The leads of each day in the period, as the newest run that covers the day found them."""
    rows = db.query(
        """SELECT leads.body FROM leads JOIN runs USING (run)
           WHERE leads.day BETWEEN :from_day AND :to_day
             AND run = (SELECT max(run) FROM runs WHERE leads.day BETWEEN from_day AND to_day)
           ORDER BY leads.day, leads.rowid""",
        {"from_day": from_day, "to_day": to_day},
    )
    return [json.loads(row["body"]) for row in rows]


def lead(db: Database, name: str) -> Row | None:
    """The lead of that name as the newest run found it, or None."""
    rows = list(db.query("SELECT body FROM leads WHERE lead = ? ORDER BY run DESC LIMIT 1", [name]))
    return json.loads(rows[0]["body"]) if rows else None

"""What was found each time a period was reconciled. A run never touches the runs before it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
    rules: str = "",
) -> int:
    """As `keep`, in a transaction of its own."""
    with transaction(db):
        return keep(db, teller, period, made_ms, verdicts, coverage, leads, rules)


def keep(
    db: Database,
    teller: Teller,
    period: tuple[date, date],
    made_ms: int,
    verdicts: Iterable[Row],
    coverage: Iterable[Row],
    leads: Iterable[Row],
    rules: str = "",
) -> int:
    """Keep one run over a teller's lines, inside the caller's transaction; its number. Rows are those of the tables,
    without `run`. `rules` is the SHA-256 of the rules of leads that were not those shipped."""
    day, last = (each.isoformat() for each in period)
    row = [day, last, made_ms, teller.clinic, teller.source, rules]
    sql = "INSERT INTO runs (from_day, to_day, made_ms, clinic, source, rules) VALUES (?, ?, ?, ?, ?, ?) RETURNING run"
    run = int(db.execute(sql, row).fetchone()[0])
    for table, rows in (("verdicts", verdicts), ("coverage", coverage), ("leads", leads)):
        _insert(db, table, run, list(rows))
    return run


def _insert(db: Database, table: str, run: int, rows: Sequence[Row]) -> None:
    if rows:
        names = list(rows[0])
        columns = ", ".join(f'"{name}"' for name in names)
        sql = f"INSERT INTO {table} (run, {columns}) VALUES (?{', ?' * len(names)})"
        db.conn.executemany(sql, ((run, *(row[name] for name in names)) for row in rows))


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

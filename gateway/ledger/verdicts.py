"""What was found each time a period was reconciled. A run never touches the runs before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
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
        db.conn.executemany(sql, ((run, *values) for values in map(itemgetter(*names), rows)))

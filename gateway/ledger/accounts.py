"""What sources told of a clinic in all: of which time their files speak, what settlements came to, control totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from gateway.ledger.bills import Teller


@dataclass(frozen=True, slots=True)
class FileSpan:
    """When the first and the last of what a file tells was charged, and when it came."""

    first_ms: int
    last_ms: int
    imported_ms: int


def file_spans(db: Database, teller: Teller) -> list[FileSpan]:
    """Of each file with lines, in the order in which they came."""
    rows = db.execute(
        "SELECT first_ms, last_ms, imported_ms FROM bill_files"
        " WHERE clinic = ? AND source = ? AND first_ms IS NOT NULL ORDER BY file",
        [teller.clinic, teller.source],
    )
    return [FileSpan(*row) for row in rows]


def keep_settlements(db: Database, clinic: str, file: int, told: Iterable[tuple[str, str, int]]) -> None:
    """What settlements came to by an account: (visit, settlement, fen), negative where one takes another back. Told again it
    counts once."""
    db.conn.executemany(
        "INSERT OR REPLACE INTO settlements (clinic, visit, settlement, refund, amount_fen, file) VALUES (?, ?, ?, ?, ?, ?)",
        ((clinic, visit, settlement, int(fen < 0), fen, file) for visit, settlement, fen in told),
    )


def settled_fen(db: Database, clinic: str) -> dict[str, int]:
    """Visit -> what its settlements came to by accounts, refunds taken off."""
    rows = db.execute(
        "SELECT visit, sum(amount_fen) FROM settlements WHERE clinic = ? GROUP BY visit", [clinic]
    )
    return dict(rows.fetchall())


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """What a source told of a clinic: how many files and lines, what those in force that an insurer pays (or of which that
    is not told) cost and what the others, and when the first and the last were charged."""

    clinic: str
    source: str
    files: int
    lines: int
    in_force: int
    insured_fen: int
    self_paid_fen: int
    items: int
    first_ms: int | None
    last_ms: int | None


def totals(
    db: Database, clinic: str | None = None, from_ms: int = 0, until_ms: int = 1 << 62
) -> list[SourceTotal]:
    """The control totals of each source over what was charged in [from_ms, until_ms); `files` counts all that it sent,
    `items` its lines in force that are items of the catalogue."""
    live = "b.reversed_by IS NULL AND b.count NOT LIKE '-%'"
    rows = db.execute(
        f"""SELECT f.clinic, f.source, f.files, count(CASE WHEN b.count NOT LIKE '-%' THEN 1 END),
              count(CASE WHEN {live} THEN 1 END),
              coalesce(sum(CASE WHEN {live} AND coalesce(b.insured, 1) = 1 THEN b.amount_fen END), 0),
              coalesce(sum(CASE WHEN {live} AND b.insured = 0 THEN b.amount_fen END), 0),
              count(CASE WHEN {live} AND b.item IS NOT NULL THEN 1 END), min(b.charged_ms), max(b.charged_ms)
            FROM (SELECT clinic, source, count(*) AS files FROM bill_files GROUP BY clinic, source) f
            LEFT JOIN bill_lines b ON b.clinic = f.clinic AND b.source = f.source
              AND b.charged_ms >= :from_ms AND b.charged_ms < :until_ms
            WHERE :clinic IS NULL OR f.clinic = :clinic
            GROUP BY f.clinic, f.source, f.files ORDER BY f.clinic, f.source""",
        {"clinic": clinic, "from_ms": from_ms, "until_ms": until_ms},
    )
    return [SourceTotal(*row) for row in rows]

"""How far our records have gone to the district; at a district, how far each clinic's have come.

`destination` is the district's address, or `from:<clinic>` at a district.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Up to which position the other side holds our records, its last checkpoint, how many it keeps refused."""

    position: int = 0
    heard_ms: int = 0
    checkpoint: str | None = None
    refused: int = 0


def forwarded(db: Database, destination: str) -> Forwarded:
    """What is known of a destination; all zero before anything was heard from it."""
    row = db.execute(
        "SELECT position, heard_ms, checkpoint, refused FROM forwards WHERE destination = ?", [destination]
    ).fetchone()
    return Forwarded(*row) if row else Forwarded()


def all_forwarded(db: Database) -> dict[str, Forwarded]:
    """Every destination that was ever heard from."""
    rows = db.execute("SELECT destination, position, heard_ms, checkpoint, refused FROM forwards").fetchall()
    return {destination: Forwarded(*rest) for destination, *rest in rows}


def keep(db: Database, destination: str, now: Forwarded) -> None:
    """What a destination has said last."""
    db.execute(
        "INSERT OR REPLACE INTO forwards (destination, position, heard_ms, checkpoint, refused) VALUES (?, ?, ?, ?, ?)",
        [destination, now.position, now.heard_ms, now.checkpoint, now.refused],
    )


def after(db: Database, position: int, most: int) -> list[tuple[int, str]]:
    """(position, line) of the records that follow a position, in order."""
    rows = db.execute(
        "SELECT position, line FROM records WHERE position > ? ORDER BY position LIMIT ?", [position, most]
    )
    return rows.fetchall()


def last_position(db: Database) -> int:
    """The position of the newest record; 0 in an empty ledger."""
    return db.execute("SELECT coalesce(max(position), 0) FROM records").fetchone()[0]


def waiting(db: Database, position: int) -> int:
    """How many records follow a position."""
    return db.execute("SELECT count(*) FROM records WHERE position > ?", [position]).fetchone()[0]


def checkpoint(db: Database) -> str | None:
    """The newest checkpoint that a district told us."""
    row = db.execute(
        "SELECT checkpoint FROM forwards WHERE checkpoint IS NOT NULL ORDER BY heard_ms DESC LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def quarantined_of(db: Database, clinic: str) -> int:
    """How much of what a clinic brought is in quarantine."""
    return db.execute("SELECT count(*) FROM quarantine WHERE clinic = ?", [clinic]).fetchone()[0]

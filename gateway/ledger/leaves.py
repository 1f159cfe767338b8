"""The leaves of a district's log: the digest of every record it admitted, in the order of admission."""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database


def append_all(db: Database, digests: Iterable[str], published_ms: int) -> None:
    """The next leaves."""
    rows = ((digest, published_ms) for digest in digests)
    db.conn.executemany("INSERT INTO leaves (digest, published_ms) VALUES (?, ?)", rows)


def after(db: Database, size: int) -> list[str]:
    """The digests that follow the first `size`."""
    rows = db.execute("SELECT digest FROM leaves WHERE leaf > ? ORDER BY leaf", [size])
    return [row[0] for row in rows.fetchall()]

"""The leaves of a district's log: the digest of every record it admitted, in the order of admission."""

from __future__ import annotations

from sqlite_utils import Database


def append(db: Database, digest: str, published_ms: int) -> None:
    """The next leaf."""
    db.execute("INSERT INTO leaves (digest, published_ms) VALUES (?, ?)", [digest, published_ms])


def after(db: Database, size: int) -> list[str]:
    """The digests that follow the first `size`."""
    rows = db.execute("SELECT digest FROM leaves WHERE leaf > ? ORDER BY leaf", [size])
    return [row[0] for row in rows.fetchall()]

"""Who did what: a list that only grows, each entry chained to the one before it by SHA-256.

What was said or decided by people stands here once and for ever. An entry's hash covers the hash before it and its own
canonical JSON, so whoever kept a later hash sees whether something was changed, put between or taken out. What is cut
off at the end shows only to those who kept the head: the district does, and so does every closing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlite_utils import Database

ORIGIN = "0" * 64
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `entry` counts 1, 2, 3 ...; `subject` is what it is about, like `lead:3f0c9a1b2d4e`; `body` is JSON."""

    entry: int
    at_ms: int
    who: str
    act: str
    subject: str
    body: Body
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The trail's end: how many entries there are, and the hash of the last (64 zeros before the first)."""

    entry: int
    hash: str


def note(db: Database, at_ms: int, who: str, act: str, subject: str, body: Body) -> int:
    """Adds an entry, inside the caller's transaction: the act and its trace are durable together. Its number."""
    if not db.conn.in_transaction:
        raise RuntimeError(f"{act} of {subject}: an act is noted in the transaction that does it")
    last = head(db)
    said = {"entry": last.entry + 1, "at_ms": at_ms, "who": who, "act": act, "subject": subject, "body": body}
    row = [*list(said.values())[:-1], canonical(body), digest(last.hash, said)]
    db.execute(
        "INSERT INTO trail (entry, at_ms, who, act, subject, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)", row
    )
    return last.entry + 1


def entries(db: Database, *, after: int = 0, subject: str | None = None) -> list[Entry]:
    """The entries after number `after`, oldest first; of one subject where it is named."""
    rows = db.query(
        "SELECT * FROM trail WHERE entry > :after AND (:subject IS NULL OR subject = :subject) ORDER BY entry",
        {"after": after, "subject": subject},
    )
    return [Entry(**{**row, "body": json.loads(row["body"])}) for row in rows]


def newest(
    db: Database, most: int, *, before: int | None = None, who: str = "", act: str = "", subject: str = ""
) -> list[Entry]:
    """At most so many entries, newest first, before number `before`; only those by, of and about what is named."""
    rows = db.query(
        """SELECT * FROM trail WHERE (:before IS NULL OR entry < :before) AND (:who = '' OR who = :who)
             AND (:act = '' OR act = :act) AND (:subject = '' OR subject = :subject) ORDER BY entry DESC LIMIT :most""",
        {"before": before, "who": who, "act": act, "subject": subject, "most": most},
    )
    return [Entry(**{**row, "body": json.loads(row["body"])}) for row in rows]


def acts(db: Database) -> list[str]:
    """The kinds of acts that there are."""
    return [act for (act,) in db.execute("SELECT DISTINCT act FROM trail ORDER BY act").fetchall()]


def head(db: Database) -> Head:
    """Where the trail ends now."""
    row = db.execute("SELECT entry, hash FROM trail ORDER BY entry DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, ORIGIN)


def keep_head(db: Database, clinic: str, told: Head, heard_ms: int) -> None:
    """At a district: where a clinic's trail ends, where that is news; inside the caller's transaction."""
    before = heads(db, clinic)
    if told != (before[-1][0] if before else Head(0, ORIGIN)):
        row = [clinic, told.entry, told.hash, heard_ms]
        db.execute("INSERT INTO trail_heads (clinic, entry, hash, heard_ms) VALUES (?, ?, ?, ?)", row)


def heads(db: Database, clinic: str) -> list[tuple[Head, int]]:
    """Every head that a clinic told a district, with when it did, in the order of telling."""
    rows = db.execute(
        "SELECT entry, hash, heard_ms FROM trail_heads WHERE clinic = ? ORDER BY told", [clinic]
    )
    return [(Head(entry, told), heard_ms) for entry, told, heard_ms in rows.fetchall()]


def contradicted(told: list[Head], entries: list[Entry]) -> list[Head]:
    """Those heads that were told and are not in this trail: it was cut, or written anew."""
    here = {0: ORIGIN} | {each.entry: each.hash for each in entries}
    return [each for each in told if here.get(each.entry) != each.hash]


def contradictory(told: list[Head]) -> bool:
    """Whether one history cannot have had all these heads, in the order of telling: it grew shorter, or an entry was
    another one before."""
    numbers = [each.entry for each in told]
    return numbers != sorted(numbers) or len(set(numbers)) < len(numbers)


def document(entry: Entry) -> Body:
    """All of an entry but its hash: what the hash is of."""
    said = asdict(entry)
    del said["hash"]
    return said


def digest(before: str, said: Body) -> str:
    """SHA-256, hex, of the hash before, a line feed and the entry's canonical JSON."""
    return hashlib.sha256(f"{before}\n{canonical(said)}".encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON in one way only: names in order, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

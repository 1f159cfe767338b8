"""Records, the heads of their chains, what was refused, and what was found. The callers decide; this file keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from protocol.chain import ORIGIN, Head
from protocol.record import Record

CHAINED, ASIDE, BRANCH = 1, 0, 2  # in the chain; something between is missing; second side of a fork


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain needs to know of a stored record."""

    position: int
    us: int
    digest: str
    up: str
    chained: int


@dataclass(slots=True)
class Chain:
    """A unit's head, from which record on it is forked, and whether records wait aside.

    `begun`: the unit is known to have nothing older to send than what is stored.
    """

    head: Head | None = None
    forked_us: int | None = None
    waiting: bool = False
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What was refused, as it came."""

    body: bytes
    reason: str
    why: str
    clinic: str
    unit: str | None
    us: int | None


def heads(db: Database) -> dict[str, Head]:
    """The head of every unit that has one."""
    rows = db.execute("SELECT unit, us, digest, first_us, first_up FROM heads").fetchall()
    return {unit: Head(*ends) for unit, *ends in rows}


def begun_heads(db: Database) -> dict[str, Head]:
    """The heads that can be acknowledged: of units that have nothing older to send."""
    rows = db.execute("SELECT unit, us, digest, first_us, first_up FROM heads WHERE begun").fetchall()
    return {unit: Head(*ends) for unit, *ends in rows}


def heard(db: Database) -> dict[str, int]:
    """Unit -> when it was heard last (ms)."""
    return dict(db.execute("SELECT unit, heard_ms FROM heads").fetchall())


def chain(db: Database, unit: str) -> Chain:
    """How a unit's chain stands."""
    sql = "SELECT us, digest, first_us, first_up, forked_us, begun FROM heads WHERE unit = ?"
    row = db.execute(sql, [unit]).fetchone()
    if row is None:
        return Chain()
    return Chain(Head(*row[:4]), row[4], first_aside(db, unit) is not None, bool(row[5]))


def first_aside(db: Database, unit: str, above_us: int = 0) -> int | None:
    """The lowest sequence number above another that waits aside."""
    sql = "SELECT min(us) FROM records INDEXED BY records_aside WHERE unit = ? AND chained = 0 AND us > ?"
    return db.execute(sql, [unit, above_us]).fetchone()[0]


def keep_chain(db: Database, unit: str, chain: Chain, heard_ms: int) -> None:
    """Writes what `chain` read and the caller changed, and when the unit was heard."""
    if chain.head is not None:
        head = chain.head
        ends = (head.us, head.digest, head.first_us, head.first_up)
        db.execute(
            "INSERT OR REPLACE INTO heads (unit, us, digest, first_us, first_up, forked_us, begun, heard_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [unit, *ends, chain.forked_us, chain.begun, heard_ms],
        )


def receipt(db: Database, unit: str, digest: str) -> tuple[int, int, int] | None:
    """(position, received_ms, chained) of a record that is stored, in the chain or not."""
    return db.execute(
        "SELECT position, received_ms, chained FROM records WHERE unit = ? AND digest = ?", [unit, digest]
    ).fetchone()


def links(db: Database, unit: str, us: int) -> list[Link]:
    """Every record stored under a sequence number, first come first."""
    rows = db.execute(
        "SELECT position, us, digest, up, chained FROM records WHERE unit = ? AND us = ? ORDER BY position",
        [unit, us],
    )
    return [Link(*row) for row in rows.fetchall()]


Row = tuple[int | str, ...]


def next_position(db: Database) -> int:
    """The position of the next record, which holds until the transaction ends."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return found[0] + 1 if found else 1


def row(
    position: int,
    clinic: str,
    record: Record,
    line: str,
    received_ms: int,
    source: str,
    chained: int,
    vouched: bool,
) -> Row:
    """A record as the table has it."""
    place = (clinic, record.unit, record.us, record.digest, record.up, record.kind, record.boot)
    came = (received_ms, source, chained, int(vouched))
    return (position, *place, record.um_ms, record.at_ms, line, *came, record.flag)


def insert_all(db: Database, rows: Sequence[Row]) -> None:
    """Keeps records."""
    db.conn.executemany(
        "INSERT INTO records (position, clinic, unit, us, digest, up, kind, boot, um_ms, at_ms, line, received_ms,"
        " source, chained, vouched, flag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def vouched(db: Database, most: int) -> list[tuple[int, str, str]]:
    """(position, clinic, line) of records whose own seal is still to be looked at, oldest first."""
    sql = "SELECT position, clinic, line FROM records WHERE vouched = 1 ORDER BY position LIMIT ?"
    return db.execute(sql, [most]).fetchall()


def seals_seen(db: Database, positions: Iterable[int]) -> None:
    """Their own seals were looked at."""
    db.conn.executemany("UPDATE records SET vouched = 0 WHERE position = ?", ((each,) for each in positions))


def place_of(db: Database, position: int) -> tuple[str, int, int]:
    """(unit, us, chained) of a stored record."""
    return db.execute("SELECT unit, us, chained FROM records WHERE position = ?", [position]).fetchone()


def take_out(db: Database, position: int) -> None:
    """A record is no longer among them."""
    db.execute("DELETE FROM records WHERE position = ?", [position])


def set_aside_above(db: Database, unit: str, us: int) -> None:
    """What stood in the chain above a number waits aside."""
    db.execute("UPDATE records SET chained = 0 WHERE unit = ? AND us > ? AND chained = 1", [unit, us])


def open_ends(db: Database) -> dict[str, str]:
    """unit -> digest of its head, or of what the first record follows, where nothing waits aside to be joined."""
    rows = db.execute(
        "SELECT u.unit, coalesce(h.digest, ?) FROM units u LEFT JOIN heads h USING (unit)"
        " WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.unit = u.unit AND r.chained = 0)",
        [ORIGIN],
    )
    return dict(rows.fetchall())


def set_chained(db: Database, position: int, chained: int) -> None:
    """A record that waited aside has found its place."""
    db.execute("UPDATE records SET chained = ? WHERE position = ?", [chained, position])


def line_at(db: Database, position: int) -> tuple[str, str]:
    """(clinic, exact line) of a stored record."""
    return db.execute("SELECT clinic, line FROM records WHERE position = ?", [position]).fetchone()


def lines(db: Database, unit: str) -> Iterator[str]:
    """The exact lines of a unit's chain, in order."""
    rows = db.execute("SELECT line FROM records WHERE unit = ? AND chained = 1 ORDER BY us", [unit])
    return (row[0] for row in rows)


def last_boot(db: Database, unit: str) -> str | None:
    """The exact line of the last BOOT in a unit's chain."""
    found = db.execute(
        "SELECT line FROM records WHERE unit = ? AND chained = 1 AND kind = 'BOOT' ORDER BY us DESC LIMIT 1",
        [unit],
    ).fetchone()
    return found and found[0]


def last_us(db: Database, unit: str) -> int:
    """The highest sequence number stored of a unit, in its chain or not; 0 where there is none."""
    return db.execute("SELECT coalesce(max(us), 0) FROM records WHERE unit = ?", [unit]).fetchone()[0]


def missing(db: Database, unit: str) -> list[tuple[int, int]]:
    """(first, last) sequence numbers of each hole between a unit's stored records."""
    rows = db.execute(
        "SELECT us + 1, later - 1 FROM (SELECT us, LEAD(us) OVER (ORDER BY us) AS later FROM records WHERE unit = ?)"
        " WHERE later > us + 1",
        [unit],
    )
    return [(first, last) for first, last in rows.fetchall()]


def note_skip(db: Database, unit: str, to_us: int, by: str, why: str, at_ms: int) -> None:
    """Keeps who passed the gap before `to_us`, and why."""
    db.execute(
        "INSERT OR REPLACE INTO skips (unit, to_us, by, why, at_ms) VALUES (?, ?, ?, ?, ?)",
        [unit, to_us, by, why, at_ms],
    )


def quarantine(db: Database, refused: Quarantined, source: str, received_ms: int) -> str:
    """Keeps what was refused, the same bytes once with a count; returns their SHA-256, hex."""
    sha256 = hashlib.sha256(refused.body).hexdigest()
    known = (refused.clinic, refused.unit, refused.us, refused.reason, refused.why)
    db.execute(
        "INSERT INTO quarantine (sha256, received_ms, times, source, clinic, unit, us, reason, why, body)"
        " VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET times = times + 1",
        [sha256, received_ms, source, *known, refused.body],
    )
    return sha256


def quarantined(db: Database, unit: str, reason: str) -> list[tuple[str, int, str, str, bytes]]:
    """(sha256, received_ms, source, clinic, body) of what was refused of a unit for a reason, first come first."""
    return db.execute(
        "SELECT sha256, received_ms, source, clinic, body FROM quarantine WHERE unit = ? AND reason = ?"
        " ORDER BY received_ms, us",
        [unit, reason],
    ).fetchall()


def release(db: Database, sha256: str) -> None:
    """What was in quarantine has been judged anew and is kept elsewhere."""
    db.execute("DELETE FROM quarantine WHERE sha256 = ?", [sha256])


def quarantine_counts(db: Database) -> list[dict]:
    """How many of each reason and unit are in quarantine."""
    return list(
        db.query(
            "SELECT clinic, unit, reason, count(*) AS bodies, sum(times) AS times, max(received_ms) AS last_ms"
            " FROM quarantine GROUP BY clinic, unit, reason ORDER BY clinic, unit, reason"
        )
    )


def note_finding(
    db: Database, name: str, code: str, unit: str, us: int | None, said: tuple[str, str], at_ms: int
) -> None:
    """Keeps a finding, the same `name` once. `said` is (Chinese, English)."""
    db.execute(
        "INSERT OR IGNORE INTO findings (finding, code, unit, us, found_ms, zh, en) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [name, code, unit, us, at_ms, *said],
    )


def drop_findings(db: Database, code: str, unit: str, still: Collection[str] = ()) -> None:
    """Removes findings of a code and unit that hold no longer: all but those named."""
    span = (f"{code}:{unit}:", f"{code}:{unit};")  # names begin so; `;` comes next after `:`
    names = db.execute("SELECT finding FROM findings WHERE finding >= ? AND finding < ?", span).fetchall()
    for (name,) in names:
        if name not in still:
            db.execute("DELETE FROM findings WHERE finding = ?", [name])


def has_finding(db: Database, code: str, unit: str) -> bool:
    """Whether a finding of that code stands for the unit."""
    span = (f"{code}:{unit}:", f"{code}:{unit};")
    sql = "SELECT 1 FROM findings WHERE finding >= ? AND finding < ? LIMIT 1"
    return db.execute(sql, span).fetchone() is not None


def findings(db: Database) -> list[dict]:
    """Every finding that stands, oldest first."""
    return list(db.query("SELECT code, unit, us, found_ms, zh, en FROM findings ORDER BY found_ms, finding"))


def positions(db: Database) -> list[dict]:
    """Per unit: how many records, from which to which, how many aside or on a branch, and when it was last heard."""
    of_unit = "FROM records WHERE unit = u.unit"
    return list(
        db.query(
            f"SELECT u.unit, u.clinic, u.retired_ms, (SELECT count(*) {of_unit}) AS records,"
            f" (SELECT min(us) {of_unit}) AS first_us, (SELECT max(us) {of_unit}) AS last_us,"
            f" (SELECT count(*) {of_unit} AND chained = 0) AS aside, (SELECT count(*) {of_unit} AND chained = 2) AS branch,"
            " h.us AS head_us, h.digest AS head, h.forked_us, h.heard_ms"
            " FROM units u LEFT JOIN heads h USING (unit) ORDER BY u.clinic, u.unit"
        )
    )

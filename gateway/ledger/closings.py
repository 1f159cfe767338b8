"""Days and months that were closed: what they rested on, by hash, and what has come since. SQL alone, no judgement."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from gateway.ledger.bills import Teller
from gateway.ledger.reviews import ACROSS_DAYS
from gateway.ledger.trail import canonical

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Closing:
    """One closing. `day` is YYYY-MM-DD, or YYYY-MM of a month; `number` counts the closings of that day; `run` holds the
    verdicts that are frozen. `sha256` is of `body`; `position`, `file` and `amendment` are the last that were there."""

    clinic: str
    source: str
    day: str
    number: int
    run: int | None
    at_ms: int
    by: str
    body: Row
    sha256: str
    position: int
    file: int
    amendment: int


@dataclass(frozen=True, slots=True)
class Since:
    """What came after a day was closed: records of its time, bill lines of its charges, amendments of the inventory."""

    records: int
    lines: int
    amendments: int

    def __bool__(self) -> bool:
        return bool(self.records or self.lines or self.amendments)


_COLUMNS = "clinic, source, day, number, run, at_ms, by, body, sha256, position, file, amendment"


def newest(db: Database, teller: Teller, first: str, last: str) -> dict[str, Closing]:
    """Day -> its last closing, of the days (or months) from `first` to `last`."""
    rows = db.query(
        f"""SELECT {_COLUMNS}, max(number) FROM closings WHERE clinic = ? AND source = ? AND day BETWEEN ? AND ?
            AND length(day) = ? GROUP BY day ORDER BY day""",
        [teller.clinic, teller.source, first, last, len(first)],
    )
    return {row["day"]: _closing(row) for row in rows}


def of_day(db: Database, teller: Teller, day: str) -> list[Closing]:
    """Every closing of a day or month, oldest first."""
    rows = db.query(
        f"SELECT {_COLUMNS} FROM closings WHERE clinic = ? AND source = ? AND day = ? ORDER BY number",
        [teller.clinic, teller.source, day],
    )
    return [_closing(row) for row in rows]


def _closing(row: Row) -> Closing:
    kept = {name.strip(): row[name.strip()] for name in _COLUMNS.split(",")}
    return Closing(**{**kept, "body": json.loads(row["body"])})


def add(
    db: Database, teller: Teller, day: str, number: int, run: int | None, at_ms: int, by: str, body: Row
) -> Closing:
    """Keeps a closing, inside the caller's transaction."""
    text = canonical(body)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    ends = db.execute(
        """SELECT coalesce((SELECT max(position) FROM records), 0), coalesce((SELECT max(file) FROM bill_files), 0),
           coalesce((SELECT max(amendment) FROM amendments), 0)"""
    ).fetchone()
    row = [teller.clinic, teller.source, day, number, run, at_ms, by, text, sha256, *ends]
    db.execute(f"INSERT INTO closings ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
    return Closing(teller.clinic, teller.source, day, number, run, at_ms, by, body, sha256, *ends)


_OF_RUN = (
    "SELECT from_day, to_day, made_ms, clinic, source, rules FROM runs WHERE run = ?",
    """SELECT source, line, "index", item, code, day, amount_fen, body FROM verdicts WHERE run = ?
       ORDER BY source, line, "index" """,
    "SELECT day, device, unit, open_s, watched_s, dark FROM coverage WHERE run = ? ORDER BY day, device",
    "SELECT lead, rule, day, amount_fen, body FROM leads WHERE run = ? ORDER BY lead",
)


def run_sha256(db: Database, run: int) -> str:
    """The SHA-256 of all that a run said: a closing that holds it freezes the run."""
    digest = hashlib.sha256()
    for sql in _OF_RUN:
        for row in db.execute(sql, [run]):
            digest.update(f"{canonical(row)}\n".encode())
    return digest.hexdigest()


def since(db: Database, closing: Closing, whole: tuple[int, int], opening: tuple[int, int]) -> Since:
    """What has come for the day [from, until) `whole`, open in `opening`, since it was closed."""
    asked: Row = {"clinic": closing.clinic, "source": closing.source, "from": whole[0], "until": whole[1]}
    asked |= {"opens": opening[0], "closes": opening[1], "position": closing.position, "file": closing.file}
    asked["amendment"] = closing.amendment
    found = db.execute(_SINCE, asked).fetchone()
    return Since(*found)


_SINCE = """
  SELECT (
    SELECT count(*) FROM units u CROSS JOIN records r ON r.unit = u.unit AND r.at_ms >= :from AND r.at_ms < :until
      WHERE u.clinic = :clinic AND r.position > :position AND r.chained = 1
        AND (r.at_ms >= :opens AND r.at_ms < :closes OR r.kind = 'SESSION')
  ), (
    SELECT count(*) FROM bill_lines b LEFT JOIN bill_reversals r
        ON r.clinic = b.clinic AND r.source = b.source AND r.line = b.line AND r.reversed_by = b.reversed_by
      WHERE b.clinic = :clinic AND b.source = :source AND charged_ms >= :from AND charged_ms < :until
        AND max(b.file, coalesce(r.file, 0)) > :file
  ), (
    SELECT count(*) FROM amendments JOIN devices USING (device) WHERE clinic = :clinic AND amendment > :amendment
  )
"""


def digests(db: Database, clinic: str, first_ms: int, until_ms: int) -> list[tuple[str, int, str, str, int]]:
    """(unit, us, digest, kind, at_ms) of the clinic's chained records made in [first, until), by unit and us."""
    return db.execute(
        """SELECT r.unit, r.us, r.digest, r.kind, r.at_ms
           FROM units u CROSS JOIN records r ON r.unit = u.unit AND r.at_ms >= ? AND r.at_ms < ?
           WHERE u.clinic = ? AND r.chained = 1 ORDER BY r.unit, r.us""",
        [first_ms, until_ms, clinic],
    ).fetchall()


def verdicts(db: Database, run: int, day: str) -> dict[tuple[str, int], str]:
    """(line, index) -> verdict of the treatments charged on the day, as the run said."""
    rows = db.execute('SELECT line, "index", code FROM verdicts WHERE run = ? AND day = ?', [run, day])
    return {(line, index): code for line, index, code in rows}


def leads(db: Database, run: int, day: str) -> set[str]:
    """The names of the leads that the run found of the day, but for those that many days together lead to."""
    sql = f"SELECT lead FROM leads WHERE run = ? AND day = ? AND rule NOT IN {ACROSS_DAYS}"
    return {name for (name,) in db.execute(sql, [run, day])}


# --- what figures are summed from ---------------------------------------------------------------------------------


def runs_of_days(db: Database, teller: Teller, first: str, last: str) -> list[tuple[int, str, str]]:
    """(run, first day, last day) of every run that touches the days [first, last], newest first."""
    return db.execute(
        """SELECT run, from_day, to_day FROM runs WHERE clinic = ? AND source = ? AND from_day <= ? AND to_day >= ?
           ORDER BY run DESC""",
        [teller.clinic, teller.source, last, first],
    ).fetchall()


def treatments(db: Database, teller: Teller, run: int, day: str) -> list[Row]:
    """What a run said of each treatment charged on a day, with the line's room and staff, and how the
    visit was known where a person recorded it (`how`). `among` is JSON."""
    return list(
        db.query(
            """SELECT v.day, v.line, v.item, v.code, v.amount_fen, json_extract(v.body, '$.fit') AS fit,
                 json_extract(v.body, '$.grade') AS grade, json_extract(v.body, '$.among') AS among, b.room, b.staff,
                 coalesce(a.how, '') AS how
               FROM verdicts v JOIN bill_lines b ON b.clinic = ? AND b.source = v.source AND b.line = v.line
               LEFT JOIN attended a ON a.entry = CASE WHEN json_extract(v.body, '$.records[0]') LIKE 'attended:%'
                 THEN CAST(substr(json_extract(v.body, '$.records[0]'), 10) AS INTEGER) END
               WHERE v.run = ? AND v.day = ? ORDER BY v.line, v."index" """,
            [teller.clinic, run, day],
        )
    )


def coverage(db: Database, run: int, day: str) -> list[Row]:
    """How long each device was to be watched on the day and was, with where it stands."""
    return list(
        db.query(
            """SELECT c.day, c.device, c.open_s, c.watched_s, d.room, d.load FROM coverage c JOIN devices d USING (device)
               WHERE c.run = ? AND c.day = ? ORDER BY c.device""",
            [run, day],
        )
    )

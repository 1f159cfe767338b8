"""What was charged, as the ledger keeps it: whole files, and the lines that they told. SQL alone, no judgement.

A line belongs to the clinic that charged it and to the source that told it, `clinic` or `platform`. A refund is kept
as a line of its own: its count is negative, it holds no treatments, and `reversed_by` names the line that it takes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from sqlite_utils import Database

SOURCES = ("clinic", "platform")
IMPORTED = "bills.import"
"""What the trail calls it that a person imported a file."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Whose bills, and who told them: one of SOURCES."""

    clinic: str
    source: str


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class BillLine:
    """One charged line. `treatments` and `amount_fen` are what partial refunds left of it; of a line that
    `reversed_by` names as taken back they are what was charged. `item` is None, and `treatments` 0, where the line
    is no item of the catalogue. `count` is the decimal text as charged. `row` is that of the file which told it last.
    `insured` is 1 where an insurer pays, 0 where the patient does, None where the file does not tell."""

    source: str
    line: str
    row: int
    visit: str
    patient: str
    item: int | None
    code: str
    name: str
    count: str
    treatments: int
    amount_fen: int
    charged_ms: int
    performed_ms: int | None
    room: str
    staff: str
    settlement: str
    reversed_by: str | None
    insured: int | None = None


@dataclass(slots=True)
class Entry:
    """One row of the table, but for its teller. `file` is 0 until the file that tells it is stored; `count` is the
    decimal text as charged, `own_code` the clinic's own code where the line has another one too."""

    line: str
    file: int
    row: int
    visit: str
    patient: str
    item: int | None
    code: str
    name: str
    count: str
    treatments: int
    amount_fen: int
    charged_ms: int
    performed_ms: int | None
    room: str
    staff: str
    settlement: str
    reversed_by: str | None
    own_code: str = ""
    insured: int | None = None

    @property
    def is_refund(self) -> bool:
        """Whether it takes another line back instead of charging something."""
        return self.count.startswith("-")


@dataclass(frozen=True, slots=True)
class BillFile:
    """A file as it came: `body` is every byte of it; `first_ms` and `last_ms` when the first and the last of what it tells
    was charged, None where it tells no line."""

    sha256: str
    clinic: str
    source: str
    name: str
    format: str
    imported_ms: int
    body: bytes
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def teller(self) -> Teller:
        """Whose bills it holds, and who told them."""
        return Teller(self.clinic, self.source)


_COLUMNS = tuple(each.name for each in fields(Entry))
_READ = tuple(each.name for each in fields(BillLine))


def known_file(db: Database, sha256: str, teller: Teller) -> int | None:
    """The number of the file with these bytes from this teller, if it is in the ledger."""
    found = db.execute(
        "SELECT file FROM bill_files WHERE sha256 = ? AND clinic = ? AND source = ?",
        [sha256, teller.clinic, teller.source],
    ).fetchone()
    return found[0] if found else None


def entries_of_visits(db: Database, teller: Teller, visits: Iterable[str]) -> list[Entry]:
    """All lines of these visits, refunds included, in the order in which they were first told."""
    columns = ", ".join(f"b.{each}" for each in _COLUMNS)
    rows = db.execute(
        f"""SELECT {columns} FROM json_each(?) AS v CROSS JOIN bill_lines AS b
            WHERE b.clinic = ? AND b.source = ? AND b.line >= v.value || '/' AND b.line < v.value || '0' AND b.visit = v.value
            ORDER BY b.rowid""",
        [json.dumps(sorted(set(visits)), ensure_ascii=False), teller.clinic, teller.source],
    )
    return [Entry(*row) for row in rows]


def store(db: Database, file: BillFile, new: Sequence[Entry], changed: Sequence[Entry]) -> int:
    """Keep the file, if its bytes are not kept already, the lines that it adds and those that it changes.

    Gives the file's number. To be called inside a transaction: all of it stands afterwards, or nothing.
    """
    number, teller = known_file(db, file.sha256, file.teller), (file.clinic, file.source)
    if number is None:
        number = _insert_file(db, file)
    for entry in (*new, *changed):
        entry.file = entry.file or number
    names = ", ".join(_COLUMNS)
    marks = ", ".join("?" * len(_COLUMNS))
    db.conn.executemany(
        f"INSERT INTO bill_lines (clinic, source, {names}) VALUES (?, ?, {marks})",
        ((*teller, *_values(each)) for each in new),
    )
    settings = ", ".join(f"{each} = ?" for each in _COLUMNS)
    db.conn.executemany(
        f"UPDATE bill_lines SET {settings} WHERE clinic = ? AND source = ? AND line = ?",
        ((*_values(each), *teller, each.line) for each in changed),
    )
    db.conn.executemany(
        "INSERT OR IGNORE INTO bill_reversals VALUES (?, ?, ?, ?, ?)",
        ((*teller, each.line, each.reversed_by, number) for each in (*new, *changed) if each.reversed_by),
    )
    return number


def _insert_file(db: Database, file: BillFile) -> int:
    names = [each.name for each in fields(BillFile)]
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO bill_files ({', '.join(names)}) VALUES ({marks}) RETURNING file"
    return db.execute(sql, [getattr(file, name) for name in names]).fetchone()[0]


def _values(entry: Entry) -> tuple[object, ...]:
    return tuple(getattr(entry, name) for name in _COLUMNS)


def lines_charged(db: Database, teller: Teller, from_ms: int, until_ms: int) -> list[BillLine]:
    """What was charged in [from, until), reversed or not, by time and line. Refunds are in the lines that they touch."""
    rows = db.execute(
        f"""SELECT {", ".join(_READ)} FROM bill_lines
            WHERE clinic = ? AND source = ? AND charged_ms >= ? AND charged_ms < ? AND count NOT LIKE '-%'
            ORDER BY charged_ms, line""",
        [teller.clinic, teller.source, from_ms, until_ms],
    )
    return [BillLine(*row) for row in rows]


def sources(db: Database, clinic: str) -> list[str]:
    """Which sources have told lines of a clinic."""
    return [source for source in SOURCES if _has_lines(db, Teller(clinic, source))]


def usual_source(db: Database, clinic: str) -> str:
    """Whose lines count where nobody says: the clinic's own, or the platform's where it has told none."""
    return next(iter(sources(db, clinic)), SOURCES[0])


def _has_lines(db: Database, teller: Teller) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM bill_lines WHERE clinic = ? AND source = ?)"
    return db.execute(sql, [teller.clinic, teller.source]).fetchone()[0] == 1


def file_body(db: Database, sha256: str) -> bytes | None:
    """Every byte of a kept file."""
    found = db.execute(
        "SELECT body FROM bill_files WHERE sha256 = ? ORDER BY file LIMIT 1", [sha256]
    ).fetchone()
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in the ledger, without its bytes. `lines`: those in the book that it told first."""

    sha256: str
    source: str
    name: str
    format: str
    imported_ms: int
    size: int
    first_ms: int | None
    last_ms: int | None
    lines: int


def files(db: Database, clinic: str, most: int) -> list[KeptFile]:
    """The files of a clinic that were imported last, newest first."""
    rows = db.execute(
        """SELECT sha256, source, name, format, imported_ms, length(body), first_ms, last_ms,
             (SELECT count(*) FROM bill_lines b WHERE b.clinic = f.clinic AND b.source = f.source
                AND b.charged_ms BETWEEN f.first_ms AND f.last_ms AND b.file = f.file)
           FROM bill_files f WHERE clinic = ? ORDER BY file DESC LIMIT ?""",
        [clinic, most],
    )
    return [KeptFile(*row) for row in rows.fetchall()]

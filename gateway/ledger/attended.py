"""What people recorded of treatments, and which visit a tag stands for. Append only: an entry that ends or corrects
another one stands beside it and names it. SQL alone, no judgement.

A record of a treatment is a thread of entries; the entry that no other replaces is in force. Entries are numbered
1, 2, 3 ... without holes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from sqlite_utils import Database

RUNNING, DONE, STOPPED, UNDONE, WITHDRAWN = "running", "done", "stopped", "undone", "withdrawn"
OUTCOMES = (RUNNING, DONE, STOPPED, UNDONE, WITHDRAWN)
"""It goes on; done; the patient stopped it; not done, to be refunded; entered by mistake."""
SCANNED, MANUAL = "scanned", "manual"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `line` is the bill line where it was known, else empty; `began_ms` when the treatment began, or of one
    that was not done when that was said; `ended_ms` None while it runs, and where it was not done. `reason` is why it
    was stopped or not done, `why` why the entry came later or corrects another one. `acupoints`, `cups` and `body_part`
    only where the catalogue asks for them. `how` says how the visit was known, `scan` names the unit's record of it.
    `later`: not entered at the time of what it tells. `thread` is the thread's first entry, `replaces` the one before."""

    entry: int
    thread: int
    replaces: int | None
    clinic: str
    visit: str
    item: int
    line: str
    room: str
    practitioner: str
    outcome: str
    began_ms: int
    ended_ms: int | None
    reason: str
    acupoints: int | None
    cups: int | None
    body_part: str
    how: str
    scan: str
    later: int
    why: str
    entered_ms: int
    entered_by: str

    @property
    def key(self) -> str:
        """By which verdicts name it."""
        return f"attended:{self.entry}"

    def told(self) -> dict[str, object]:
        """All of it, as the trail keeps it."""
        return asdict(self)


_NAMES = tuple(each.name for each in fields(Entry))
_COLUMNS = ", ".join(f"a.{name}" for name in _NAMES)
_IN_FORCE = "NOT EXISTS (SELECT 1 FROM attended AS b WHERE b.replaces = a.entry)"


def next_entry(db: Database) -> int:
    """The number that an entry added in this transaction has."""
    return int(db.execute("SELECT coalesce(max(entry), 0) + 1 FROM attended").fetchone()[0])


def add(db: Database, entry: Entry) -> None:
    """Keeps an entry. sqlite3.IntegrityError where another one has replaced the same."""
    marks = ", ".join("?" * len(_NAMES))
    values = [getattr(entry, name) for name in _NAMES]
    db.execute(f"INSERT INTO attended ({', '.join(_NAMES)}) VALUES ({marks})", values)


def entry(db: Database, number: int) -> Entry | None:
    """The entry of that number, in force or not."""
    return next(iter(_entries(db, "a.entry = ?", [number])), None)


def is_in_force(db: Database, number: int) -> bool:
    """Whether nobody has replaced it."""
    return bool(_entries(db, f"a.entry = ? AND {_IN_FORCE}", [number]))


def thread(db: Database, number: int) -> list[Entry]:
    """All entries of a thread, oldest first."""
    return _entries(db, "a.thread = ?", [number])


def between(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[Entry]:
    """The entries in force of what began in [from_ms, until_ms), by time."""
    where = f"a.clinic = ? AND a.began_ms >= ? AND a.began_ms < ? AND {_IN_FORCE}"
    return _entries(db, where, [clinic, from_ms, until_ms])


def of_visits(db: Database, clinic: str, visits: Iterable[str]) -> list[Entry]:
    """The entries in force of these visits, by time."""
    where = f"a.clinic = ? AND a.visit IN (SELECT value FROM json_each(?)) AND {_IN_FORCE}"
    return _entries(db, where, [clinic, _list(visits)])


def running(db: Database, clinic: str) -> list[Entry]:
    """What has begun and not been ended, on whichever day."""
    return _entries(db, f"a.clinic = ? AND a.outcome = 'running' AND {_IN_FORCE}", [clinic])


def _entries(db: Database, where: str, asked: Sequence[object]) -> list[Entry]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM attended AS a WHERE {where} ORDER BY a.began_ms, a.entry", asked
    )
    return [Entry(*row) for row in rows]


def _list(texts: Iterable[str]) -> str:
    return json.dumps(sorted(set(texts)), ensure_ascii=False)


# --- tags -------------------------------------------------------------------------------------------------------------


def keep_tag(db: Database, clinic: str, tag: str, visit: str, at_ms: int, by: str) -> None:
    """A tag stands for a visit from now on. sqlite3.IntegrityError where it stands for one already."""
    values = [clinic, tag, visit, at_ms, by]
    db.execute("INSERT INTO visit_tags (clinic, tag, visit, at_ms, by) VALUES (?, ?, ?, ?, ?)", values)


def visit_of(db: Database, clinic: str, tag: str) -> str | None:
    """The visit that a tag stands for."""
    return visits_of(db, clinic, [tag]).get(tag)


def visits_of(db: Database, clinic: str, tags: Iterable[str]) -> Mapping[str, str]:
    """Tag -> the visit that it stands for, of those that are known."""
    rows = db.execute(
        "SELECT tag, visit FROM visit_tags WHERE clinic = ? AND tag IN (SELECT value FROM json_each(?))",
        [clinic, _list(tags)],
    )
    return dict(rows.fetchall())


def scans(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[tuple[str, int, int, str]]:
    """(unit, us, at_ms, exact line) of the tags that this clinic's units read in [from_ms, until_ms), by time."""
    rows = db.execute(
        """SELECT r.unit, r.us, r.at_ms, r.line FROM units u JOIN records r USING (unit)
           WHERE u.clinic = ? AND r.kind = 'TAG' AND r.chained = 1 AND r.at_ms >= ? AND r.at_ms < ?
           ORDER BY r.at_ms, r.unit, r.us""",
        [clinic, from_ms, until_ms],
    )
    return rows.fetchall()


def scans_of(db: Database, unit: str, from_ms: int, until_ms: int) -> list[tuple[int, str, str]]:
    """(us, boot, exact line) of the tags that a unit read in [from_ms, until_ms), and of all those that it read at a time
    which was not synchronised, whenever that was; in order of its chain."""
    rows = db.execute(
        """SELECT us, boot, line FROM records WHERE unit = ? AND kind = 'TAG' AND chained = 1
           AND (at_ms >= ? AND at_ms < ? OR instr(line, ' S"') = 0) ORDER BY us""",
        [unit, from_ms, until_ms],
    )
    return rows.fetchall()


def lines_of_boot(db: Database, unit: str, boot: str) -> list[str]:
    """The exact lines that a unit wrote in one boot, in order of its chain."""
    rows = db.execute(
        "SELECT line FROM records WHERE unit = ? AND boot = ? AND chained = 1 ORDER BY us", [unit, boot]
    )
    return [line for (line,) in rows]


def begun_at_posts(db: Database, clinic: str, units: Iterable[str], from_ms: int) -> dict[str, int]:
    """Key of the reading that began it -> the thread, of the treatments that these units recorded to begin at `from_ms` or
    later."""
    rows = db.execute(
        """SELECT scan, thread FROM attended WHERE clinic = ? AND began_ms >= ? AND entry = thread
           AND entered_by IN (SELECT value FROM json_each(?)) AND scan LIKE entered_by || ':%'""",
        [clinic, from_ms, _list(units)],
    )
    return dict(rows.fetchall())


def in_force(db: Database, clinic: str, threads: Iterable[int]) -> list[Entry]:
    """The entries in force of these threads."""
    where = f"a.clinic = ? AND a.thread IN (SELECT value FROM json_each(?)) AND {_IN_FORCE}"
    return _entries(db, where, [clinic, json.dumps(sorted(threads))])

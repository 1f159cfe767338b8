"""The catalogue as a ledger has it, put together anew for `check`: the facts as shipped, and every change that two persons made
until some instant, laid over the versions of its days.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

from gateway.check.faults import Fault

FILE = Path(__file__).parents[1] / "audit" / "catalogue.toml"  # facts, no decisions
TOLERANCE_S = 60
FIRST, LAST = date.min, date.max

_NEEDED = ("zh", "en", "per", "min_minutes", "max_minutes")
_CHANGES = """SELECT proposal, p.by, p.body, a.by FROM catalogue_proposals p LEFT JOIN catalogue_approvals a USING (proposal)"""
_APPROVED = """SELECT p.body FROM catalogue_approvals a JOIN catalogue_proposals p USING (proposal)
  WHERE a.at_ms <= ? ORDER BY a.edition"""


@dataclass(frozen=True, slots=True)
class Item:
    """What a version lays down of an item."""

    load: str
    least_s: int
    longest_s: int
    per: str
    valid_days: int
    day_max: int
    course_max: int
    course_days: int

    def days(self, treatments: int) -> int:
        """In how many days from its charge a line of so many treatments can have been done."""
        if not self.day_max or treatments <= self.day_max:
            return self.valid_days
        return self.course_days if self.per == "次" and treatments <= self.course_max else 1


@dataclass(frozen=True, slots=True)
class _Version:
    first: date
    last: date
    table: Mapping[str, Any]


class Catalogue(Mapping[int, Item]):
    """As a mapping: number -> the version that stands last."""

    def __init__(self, versions: Mapping[int, list[_Version]]):
        self._versions = {
            number: sorted(each, key=lambda one: one.first) for number, each in versions.items() if each
        }

    def __getitem__(self, number: int) -> Item:
        return _item(self._versions[number][-1].table)

    def __iter__(self) -> Iterator[int]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    def on(self, number: int, day: str) -> Item | None:
        """The version of an item in force on a local date; None where there is none."""
        asked = date.fromisoformat(day)
        there = (each for each in self._versions.get(number, ()) if each.first <= asked <= each.last)
        return next((_item(each.table) for each in there), None)

    def told(self) -> set[tuple[Any, ...]]:
        """Every version, as `told` says one."""
        return {
            (number, each.first, each.last, _item(each.table))
            for number, group in self._versions.items()
            for each in group
        }

    def least_s(self, load: str) -> set[int]:
        """What the versions of a class's items take at least, whenever."""
        made = [_item(each.table) for group in self._versions.values() for each in group]
        return {item.least_s for item in made if item.load == load}


def read(db: sqlite3.Connection, at_ms: int = 1 << 62) -> Catalogue:
    """The catalogue that counted at an instant; by default, as it counts now."""
    versions: dict[int, list[_Version]] = defaultdict(list)
    for table in tomllib.loads(FILE.read_text("utf-8"))["items"]:
        versions[table["number"]].append(_version(table))
    for (body,) in db.execute(_APPROVED, [at_ms]).fetchall():
        for change in tomllib.loads(body.removeprefix("\ufeff"))["items"]:
            versions[change["number"]] = list(_laid(versions[change["number"]], _version(change)))
    return Catalogue(versions)


def told(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """A version that a pack tells: number, first and last day, and what it lays down."""
    first, last = row["valid_from"], row["valid_to"]
    days = (date.fromisoformat(first) if first else FIRST, date.fromisoformat(last) if last else LAST)
    return row["number"], *days, _item({name: value for name, value in row.items() if value is not None})


def changed_since(db: sqlite3.Connection, at_ms: int) -> bool:
    """Whether a change was made after an instant."""
    row = db.execute("SELECT EXISTS (SELECT 1 FROM catalogue_approvals WHERE at_ms > ?)", [at_ms]).fetchone()
    return bool(row[0])


def changes(db: sqlite3.Connection) -> int:
    """How many changes count."""
    return int(db.execute("SELECT count(*) FROM catalogue_approvals").fetchone()[0])


def assigned_ms(db: sqlite3.Connection) -> dict[str, int]:
    """Clinic -> when a change of the catalogue or of its own codes could have given its lines other items last."""
    latest = db.execute("SELECT coalesce(max(at_ms), 0) FROM catalogue_approvals").fetchone()[0]
    rows = db.execute(
        """SELECT clinic, max(at_ms) FROM (SELECT clinic, at_ms FROM own_codes
             UNION ALL SELECT DISTINCT clinic, 0 FROM bill_files) GROUP BY clinic"""
    )
    return {clinic: max(at_ms, latest) for clinic, at_ms in rows.fetchall()}


def examine_catalogue(db: sqlite3.Connection) -> Iterator[Fault]:
    """A fault for each change that one person made alone, that the trail does not know so, or that cannot be laid; and for
    each code that a clinic mapped without a trace."""
    noted: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    rows = db.execute("SELECT act, subject, who, body FROM trail WHERE act LIKE 'catalogue_%'")
    for act, subject, who, body in rows.fetchall():
        noted[act, subject].append((who, json.loads(body)))
    for number, by, body, second in db.execute(_CHANGES).fetchall():
        subject = f"proposal:{number}"
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        proposed = (by, sha256) in [
            (who, said.get("sha256")) for who, said in noted["catalogue_propose", subject]
        ]
        approved = second is None or second in [who for who, _ in noted["catalogue_approve", subject]]
        if not (proposed and approved) or (second is not None and _alike(by) == _alike(second)):
            yield Fault("catalogue", subject)
    for clinic, code, item, from_day, by in db.execute(
        "SELECT clinic, code, item, from_day, by FROM own_codes"
    ).fetchall():
        said = (by, code, item, from_day or None)
        traces = noted["catalogue_map", f"clinic:{clinic}"]
        if said not in [(who, each["code"], each["item"], each["from"]) for who, each in traces]:
            yield Fault("catalogue", f"{clinic} {code}")


def _alike(name: str) -> str:
    return "".join(normalize("NFKC", name).casefold().split())


def _version(table: Mapping[str, Any]) -> _Version:
    return _Version(table.get("valid_from", FIRST), table.get("valid_to", LAST), table)


def _laid(held: list[_Version], change: _Version) -> Iterator[_Version]:
    """What a change leaves of the versions, what it makes of them, and the item on the days on which it was not there."""
    one_day, begins = timedelta(days=1), change.first
    withdrawn = change.table.get("withdrawn", False)
    complete = not withdrawn and (not held or all(name in change.table for name in _NEEDED))
    for each in sorted(held, key=lambda version: version.first):
        first, last = max(each.first, change.first), min(each.last, change.last)
        if first > last:
            yield each
            continue
        if each.first < first:
            yield _Version(each.first, first - one_day, each.table)
        if not withdrawn:
            yield _Version(first, last, {**each.table, **change.table})
        if last < each.last:
            yield _Version(last + one_day, each.last, each.table)
        if complete and begins < first:
            yield _Version(begins, first - one_day, change.table)
        begins = last + one_day if last < LAST else LAST
        complete = complete and last < change.last
    if complete:
        yield _Version(begins, change.last, change.table)


def _item(table: Mapping[str, Any]) -> Item:
    return Item(
        load=table.get("device_class", f"item{table['number']}"),
        least_s=table["min_minutes"] * 60 - TOLERANCE_S,
        longest_s=table["max_minutes"] * 60,
        per=table["per"],
        valid_days=table.get("valid_days") or 1,
        day_max=table.get("day_max", 0),
        course_max=table.get("course_max", 0),
        course_days=table.get("course_days") or 1,
    )

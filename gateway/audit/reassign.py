"""Gives lines the items that they mean, when what codes and names mean has changed.

A line follows what gave it its item: it changes where the same codes and name meant that item before and mean another, or
none, now. A line without item gets the one that is known now. What has its item for any other reason (a mapping file, more
codes than are kept) stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal

from sqlite_utils import Database

from gateway.audit.catalogue import Found, Item
from gateway.audit.meaning import Meaning, treatments, unfit
from gateway.audit.standing import Standing
from gateway.instants import local_day, midnight_ms
from gateway.ledger import bills
from gateway.ledger import catalogue as ledger
from gateway.ledger.bills import Entry, Teller
from gateway.ledger.catalogue import Called


@dataclass(slots=True)
class Reassigned:
    """What became of the lines charged: how many were `given` an item, `moved` to another one, `taken` theirs or
    `counted` anew; `kept` are those without item whose count the item cannot have."""

    given: int = 0
    moved: int = 0
    taken: int = 0
    counted: int = 0
    kept: list[str] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines changed."""
        return self.given + self.moved + self.taken + self.counted

    def add(self, other: Reassigned) -> None:
        """Adds what happened elsewhere."""
        self.given += other.given
        self.moved += other.moved
        self.taken += other.taken
        self.counted += other.counted
        self.kept += other.kept


@dataclass(frozen=True, slots=True)
class _Part:
    """The lines of one name charged in [from, until), and the item that they mean now."""

    called: Called
    from_ms: int
    until_ms: int
    item: int | None


def reassign(db: Database, clinic: str, zone: tzinfo, before: Meaning, after: Meaning) -> Reassigned:
    """Goes through a clinic's lines, inside the caller's transaction; what became of them."""
    done = Reassigned()
    for called in ledger.called(db, clinic):
        for part in _parts(called, zone, before, after):
            _assign(db, part, zone, after, done)
    return done


def _parts(called: Called, zone: tzinfo, before: Meaning, after: Meaning) -> Iterator[_Part]:
    for first, last_ms in _stretches(called, zone, [*before.firsts, *after.firsts]):
        was, becomes = (meant(called, each, first).item for each in (before, after))
        number = called.item
        if number is None or (was is not None and was.number == number):
            number = becomes.number if becomes else None
        counted = _per(before.item(called.item, first)), _per(after.item(number, first))
        if number != called.item or counted[0] != counted[1]:
            yield _Part(called, max(called.first_ms, midnight_ms(first, zone)), last_ms, number)


def _per(item: Item | None) -> str | None:
    return item.per if item else None


def _stretches(called: Called, zone: tzinfo, firsts: Sequence[date]) -> Iterator[tuple[date, int]]:
    """The first day of each stretch without a change in which such lines were charged, and where it ends."""
    first, last = local_day(called.first_ms, zone), local_day(called.last_ms, zone)
    inside = sorted({each for each in firsts if first < each <= last})
    ends = [*(midnight_ms(each, zone) for each in inside), called.last_ms + 1]
    yield from zip([first, *inside], ends, strict=True)


def meant(called: Called, meaning: Meaning, day: date) -> Found:
    """What lines called so mean on a day, by what the ledger keeps of their codes and name."""
    own_codes = (called.own_code,) if called.own_code else ()
    codes = (called.code,) if called.code and called.code != called.own_code else ()
    return meaning.find(codes, own_codes, (called.name,) if called.name else (), day)


def _assign(db: Database, part: _Part, zone: tzinfo, after: Meaning, done: Reassigned) -> None:
    said = ledger.visits_of(db, part.called, part.from_ms, part.until_ms)
    teller = Teller(part.called.clinic, part.called.source)

    def count_of(entry: Entry, count: Decimal) -> int:
        return treatments(after.item(entry.item, local_day(entry.charged_ms, zone)), count)

    book = Standing(bills.entries_of_visits(db, teller, {visit for visit, _ in said}), count_of)
    for _, line in said:
        entry = book.get(line)
        if entry is None:
            continue
        if unfit(after.item(part.item, local_day(entry.charged_ms, zone)), Decimal(entry.count)):
            done.kept.append(line)
            continue
        book.assign(entry, part.item)
        if not entry.is_refund:
            _count(done, part)
    changed = [(each.item, each.treatments, each.line) for each in book.changes().changed]
    ledger.assign(db, teller.clinic, teller.source, changed)


def _count(done: Reassigned, part: _Part) -> None:
    if part.called.item == part.item:
        done.counted += 1
    elif part.called.item is None:
        done.given += 1
    elif part.item is None:
        done.taken += 1
    else:
        done.moved += 1

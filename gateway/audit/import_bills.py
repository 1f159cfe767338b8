"""Bill files into the ledger: read, matched with the catalogue, posted against what is known, stored.

A file is taken whole or not at all, unless parts of it are expressly accepted; its bytes are kept as they came. The
same file again changes nothing. The clock is an argument.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, tzinfo
from decimal import Decimal

from sqlite_utils import Database

from gateway.audit import formats
from gateway.audit.catalogue import Catalogue, Found, Item
from gateway.audit.control import Control, control, told_twice
from gateway.audit.formats.mapped import Mapped
from gateway.audit.formats.statements import Charge, Contents, Refused, Total
from gateway.audit.formats.values import Instants
from gateway.audit.meaning import Meaning, treatments, unfit
from gateway.audit.patients import Patients
from gateway.audit.posting import Event, Posted, Posting, Told
from gateway.instants import local_day, midnight_ms
from gateway.ledger import accounts, bills, trail
from gateway.ledger import catalogue as codes
from gateway.ledger.accounts import SourceTotal
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import rehearsal, transaction

Progress = Callable[[str, str, int, int], None]
"""Told the stage (Chinese, English), and how many of how many lines it has done."""

_STEP = 20_000
_QUARTER_MS = 15 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Rules:
    """What an import goes by: the catalogue, the clinic's time zone and patients, and how its own tables and codes
    are to be read (None: not said)."""

    catalogue: Catalogue
    zone: tzinfo
    patients: Patients
    mapping: Mapped | None = None


@dataclass(slots=True)
class Unmapped:
    """What a bill calls something that is no item of the catalogue, or could be several (`candidates`)."""

    code: str
    name: str
    candidates: tuple[int, ...]
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file. Where nothing was stored (`file` None), `new`, `repeated` and `reversed` are 0. `control`
    is how the totals of a file of settlements compare with the lines in the book, `totals` what each source tells of
    the days of which the file speaks. Of a rehearsal `file` is the number that it would have, and `told` the lines as the
    file tells them."""

    sha256: str
    format: str
    lines: int
    file: int | None = None
    new: int = 0
    repeated: int = 0
    revived: int = 0
    mapped: int = 0
    reversed: int = 0
    reduced: int = 0
    refused: Sequence[Refused] = ()
    unmapped: Sequence[Unmapped] = ()
    notes: Sequence[tuple[str, str]] = ()
    control: Control | None = None
    totals: Sequence[SourceTotal] = ()
    told: Sequence[Entry] = ()


def import_bills(
    db: Database,
    rules: Rules,
    body: bytes,
    name: str,
    teller: Teller,
    now_ms: int,
    *,
    form: str = "auto",
    accept_partial: bool = False,
    by: str = "",
    rehearsed: bool = False,
    progress: Progress = lambda zh, en, done, total: None,
) -> Imported:
    """Takes the file `body` in. `refused` rows keep the whole file out, unless `accept_partial`. Of a person (`by`) it is
    noted in the trail; of what is only `rehearsed` nothing is kept, and `told` has what the file tells.

    UsageError where the file as a whole cannot be read, SurroundingsError where it cannot be stored; nothing was
    changed then.
    """
    with _uncollected():
        progress("读取", "reading", 0, 0)
        found, contents = formats.read(body, form, rules.mapping, Instants(rules.zone, now_ms))
        of_file = rules.mapping.items if rules.mapping else None
        meaning = Meaning(rules.catalogue, codes.own_codes(db, teller.clinic), of_file)
        clerk = _Clerk(rules, meaning, contents, progress)
        events = clerk.events()
        sha256, whose = hashlib.sha256(body).hexdigest(), (teller.clinic, teller.source)
        file = BillFile(sha256, *whose, name, found, now_ms, body, *_span(contents))
        progress("入账", "posting", 0, 0)
        if not rehearsed:
            with transaction(db):
                imported = _post(db, file, contents, clerk, events, accept_partial)
                if by and imported.file is not None:
                    trail.note(db, now_ms, by, bills.IMPORTED, f"bills:{sha256}", _note(file, imported))
            return imported
        told = [replace(event.entry) for event in events if isinstance(event, Told)]
        with rehearsal(db):
            return replace(_post(db, file, contents, clerk, events, accept_partial), told=told)


def _note(file: BillFile, imported: Imported) -> dict[str, object]:
    """What the trail keeps of an import."""
    return {
        "name": file.name,
        "source": file.source,
        "format": file.format,
        "bytes": len(file.body),
        "first_ms": file.first_ms,
        "last_ms": file.last_ms,
        "lines": imported.lines,
        "new": imported.new,
        "repeated": imported.repeated,
        "reversed": imported.reversed,
        "partly_reversed": imported.reduced,
        "refused": len(imported.refused),
        "settlements": imported.control.settlements if imported.control else 0,
    }


def _span(contents: Contents) -> tuple[int, int] | tuple[None, None]:
    """When the first and the last of what a file tells was charged."""
    charged = [each.charged_ms for each in contents.statements if isinstance(each, Charge)]
    return (min(charged), max(charged)) if charged else (None, None)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A file makes a million values and no cycles among them: looking for some would take a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _post(
    db: Database, file: BillFile, contents: Contents, clerk: _Clerk, events: list[Event], accept_partial: bool
) -> Imported:
    """Inside the caller's transaction: what the book knows, what the file changes in it, and both stored."""
    charges = sum(isinstance(event, Told) for event in events)
    known = bills.known_file(db, file.sha256, file.teller)
    posted = _posted(db, file.teller, contents, clerk, events, known is not None)
    refused = [*contents.refused, *clerk.refused, *posted.refused, *told_twice(contents.totals)]
    refused.sort(key=lambda each: each.row)
    unmapped = sorted(clerk.unmapped.values(), key=lambda each: (not each.candidates, -each.lines, each.code))
    notes = [*contents.notes, *posted.notes]
    taken = accept_partial and (posted.lines or posted.changes.changed or contents.totals)
    if refused and not taken:
        return Imported(file.sha256, file.format, charges, refused=refused, unmapped=unmapped, notes=notes)
    number = bills.store(db, file, posted.changes.new, posted.changes.changed)
    compared = _control(db, file.clinic, contents.totals) if contents.totals else None
    told = [(each.visit, each.settlement, each.amount_fen) for each in contents.totals]
    accounts.keep_settlements(db, file.clinic, number, told)
    sources = _totals(db, file, clerk.rules.zone)
    return Imported(
        sha256=file.sha256,
        format=file.format,
        file=number,
        lines=posted.lines,
        new=posted.fresh,
        repeated=posted.lines - posted.fresh,
        revived=posted.changes.revived,
        mapped=posted.mapped,
        reversed=posted.changes.reversed,
        reduced=posted.changes.reduced,
        refused=refused,
        unmapped=unmapped,
        notes=notes,
        control=compared,
        totals=sources,
    )


def _totals(db: Database, file: BillFile, zone: tzinfo) -> Sequence[SourceTotal]:
    """What each source tells of the days of which the file speaks."""
    if file.first_ms is None or file.last_ms is None:
        return ()
    first, last = (local_day(each, zone) for each in (file.first_ms, file.last_ms))
    return accounts.totals(
        db, file.clinic, midnight_ms(first, zone), midnight_ms(last + timedelta(days=1), zone)
    )


def _control(db: Database, clinic: str, totals: Sequence[Total]) -> Control:
    """Against every source that has lines at all."""
    visits = {each.visit for each in totals}
    told = {
        source: bills.entries_of_visits(db, Teller(clinic, source), visits)
        for source in bills.sources(db, clinic)
    }
    return control(totals, told)


def _posted(
    db: Database, teller: Teller, contents: Contents, clerk: _Clerk, events: list[Event], known: bool
) -> Posted:
    visits = {event.entry.visit if isinstance(event, Told) else event.visit for event in events}
    posting = Posting(bills.entries_of_visits(db, teller, visits), clerk.treatments, contents.columns)
    if contents.uploads:
        return posting.told_before(events) if known else posting.uploads(events)
    return posting.table([event for event in events if isinstance(event, Told)])


@dataclass(slots=True)
class _Clerk:
    """Turns charges into entries: which item, how many treatments, whose."""

    rules: Rules
    meaning: Meaning
    contents: Contents
    progress: Progress
    refused: list[Refused] = field(default_factory=list)
    unmapped: dict[tuple[str, str], Unmapped] = field(default_factory=dict)
    _found: dict[object, Found] = field(default_factory=dict)
    _days: dict[int, tuple[date, int]] = field(default_factory=dict)

    def events(self) -> list[Event]:
        events: list[Event] = []
        total = len(self.contents.statements)
        for done, said in enumerate(self.contents.statements, start=1):
            event = self._told(said) if isinstance(said, Charge) else said
            if isinstance(event, Refused):
                self.refused.append(event)
            else:
                events.append(event)
            if done % _STEP == 0 or done == total:
                self.progress("核对", "checking", done, total)
        return events

    def treatments(self, entry: Entry, count: Decimal) -> int:
        """For how many treatments so many of a line stand."""
        return treatments(self.meaning.item(entry.item, self._day(entry.charged_ms)[0]), count)

    def _told(self, charge: Charge) -> Told | Refused:
        item = self._item(charge).item
        why = unfit(item, charge.count)
        if why is not None:
            return Refused(charge.row, self.contents.columns.get("count", "count"), f"{charge.count:f}", *why)
        entry = self._entry(charge, item)
        return Told(entry, charge.refunds, voided=charge.count < 0 and charge.void is not None)

    def _item(self, charge: Charge) -> Found:
        day, stretch = self._day(charge.charged_ms)
        called = (charge.codes, charge.own_codes, charge.names)
        found = self._found.get((called, stretch))
        if found is None:
            found = self._found[called, stretch] = self.meaning.find(*called, day)
        if found.item is None:
            shown = (_first(*charge.codes, *charge.own_codes), _first(*charge.names))
            self.unmapped.setdefault(shown, Unmapped(*shown, found.candidates)).lines += 1
        return found

    def _day(self, at_ms: int) -> tuple[date, int]:
        """The local day, and the stretch without a change that holds it; zones begin their days on a quarter hour."""
        quarter = at_ms // _QUARTER_MS
        if quarter not in self._days:
            day = local_day(quarter * _QUARTER_MS, self.rules.zone)
            self._days[quarter] = day, self.meaning.stretch(day)
        return self._days[quarter]

    def _entry(self, charge: Charge, item: Item | None) -> Entry:
        return Entry(
            line=charge.line,
            file=0,
            row=charge.row,
            visit=charge.visit,
            patient=self.rules.patients.hashed(charge.patient),
            item=item.number if item else None,
            code=_first(*charge.codes, *charge.own_codes),
            name=_first(*charge.names),
            count=f"{charge.count.normalize():f}",
            treatments=treatments(item, charge.count),
            amount_fen=charge.amount_fen,
            charged_ms=charge.charged_ms,
            performed_ms=charge.performed_ms,
            room=charge.room,
            staff=charge.staff,
            settlement=charge.settlement,
            reversed_by=charge.void,
            own_code=_first(*charge.own_codes),
            insured=None if charge.insured is None else int(charge.insured),
        )


def _first(*texts: str) -> str:
    return texts[0] if texts else ""

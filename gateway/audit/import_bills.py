"""Bill files into the ledger: read, matched with the catalogue, posted against what is known, stored.

A file is taken whole or not at all, unless parts of it are expressly accepted; its bytes are kept as they came. The
same file again changes nothing. The clock is an argument.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal

from sqlite_utils import Database

from gateway.audit import formats
from gateway.audit.catalogue import Catalogue, Found
from gateway.audit.control import Control, control, told_twice
from gateway.audit.formats.mapped import Mapped
from gateway.audit.formats.statements import Charge, Contents, Refused, Total
from gateway.audit.formats.values import Instants
from gateway.audit.patients import Patients
from gateway.audit.posting import Event, Posted, Posting, Told
from gateway.ledger import bills
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import transaction

Progress = Callable[[str, str, int, int], None]
"""Told the stage (Chinese, English), and how many of how many lines it has done."""

MOST_TREATMENTS = 999
"""More in one line is a slip: no clinic day holds them."""

_STEP = 20_000


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
    is how the totals of a file of settlements compare with the lines in the book."""

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
    progress: Progress = lambda zh, en, done, total: None,
) -> Imported:
    """Takes the file `body` in. `refused` rows keep the whole file out, unless `accept_partial`.

    UsageError where the file as a whole cannot be read, SurroundingsError where it cannot be stored; nothing was
    changed then.
    """
    with _uncollected():
        progress("读取", "reading", 0, 0)
        found, contents = formats.read(body, form, rules.mapping, Instants(rules.zone, now_ms))
        clerk = _Clerk(rules, contents, progress)
        events = clerk.events()
        sha256, whose = hashlib.sha256(body).hexdigest(), (teller.clinic, teller.source)
        file = BillFile(sha256, *whose, name, found, now_ms, body)
        progress("入账", "posting", 0, 0)
        return _post(db, file, contents, clerk, events, accept_partial)


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
    """One transaction: what the book knows, what the file changes in it, and both stored."""
    charges = sum(isinstance(event, Told) for event in events)
    with transaction(db):
        known = bills.known_file(db, file.sha256, file.teller)
        posted = _posted(db, file.teller, contents, clerk, events, known is not None)
        refused = [*contents.refused, *clerk.refused, *posted.refused, *told_twice(contents.totals)]
        refused.sort(key=lambda each: each.row)
        unmapped = sorted(
            clerk.unmapped.values(), key=lambda each: (not each.candidates, -each.lines, each.code)
        )
        notes = [*contents.notes, *posted.notes]
        taken = accept_partial and (posted.lines or posted.changes.changed or contents.totals)
        if refused and not taken:
            return Imported(
                file.sha256, file.format, charges, refused=refused, unmapped=unmapped, notes=notes
            )
        number = bills.store(db, file, posted.changes.new, posted.changes.changed)
        compared = _control(db, file.clinic, contents.totals) if contents.totals else None
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
    contents: Contents
    progress: Progress
    refused: list[Refused] = field(default_factory=list)
    unmapped: dict[tuple[str, str], Unmapped] = field(default_factory=dict)
    _found: dict[object, Found] = field(default_factory=dict)

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

    def treatments(self, item: int | None, count: Decimal) -> int:
        """What a line of so many asks for: each 次 and 区 is a treatment, a line of 根 is one; without item none."""
        if item is None or count < 0:
            return 0
        return 1 if self.rules.catalogue.items[item].per == "根" else int(count)

    def _told(self, charge: Charge) -> Told | Refused:
        found = self._item(charge)
        number = found.item.number if found.item else None
        per = found.item.per if found.item else "根"
        if per != "根" and charge.count != int(charge.count):
            return self._refuse_count(
                charge, f"按{per}计价,数量应为整数", "charged per treatment: a whole number"
            )
        if per != "根" and abs(charge.count) > MOST_TREATMENTS:
            return self._refuse_count(
                charge, f"一行超过 {MOST_TREATMENTS} 次", f"above {MOST_TREATMENTS} treatments"
            )
        entry = self._entry(charge, number)
        return Told(entry, charge.refunds, voided=charge.count < 0 and charge.void is not None)

    def _refuse_count(self, charge: Charge, zh: str, en: str) -> Refused:
        return Refused(charge.row, self.contents.columns.get("count", "count"), f"{charge.count:f}", zh, en)

    def _item(self, charge: Charge) -> Found:
        clues = (charge.codes, charge.own_codes, charge.names)
        found = self._found.get(clues)
        if found is None:
            own = self.rules.mapping.items if self.rules.mapping else None
            found = self._found[clues] = self.rules.catalogue.find(*clues, own)
        if found.item is None:
            called = (_first(*charge.codes, *charge.own_codes), _first(*charge.names))
            self.unmapped.setdefault(called, Unmapped(*called, found.candidates)).lines += 1
        return found

    def _entry(self, charge: Charge, item: int | None) -> Entry:
        return Entry(
            line=charge.line,
            file=0,
            row=charge.row,
            visit=charge.visit,
            patient=self.rules.patients.hashed(charge.patient),
            item=item,
            code=_first(*charge.codes, *charge.own_codes),
            name=_first(*charge.names),
            count=f"{charge.count.normalize():f}",
            treatments=self.treatments(item, charge.count),
            amount_fen=charge.amount_fen,
            charged_ms=charge.charged_ms,
            performed_ms=charge.performed_ms,
            room=charge.room,
            staff=charge.staff,
            settlement=charge.settlement,
            reversed_by=charge.void,
        )


def _first(*texts: str) -> str:
    return texts[0] if texts else ""

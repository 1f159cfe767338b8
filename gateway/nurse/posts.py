"""Treatments that posts tell of, as entries: a token read at a post begins one, read there again it ends.

Entries follow the readings, bills and tags that the ledger holds. What comes later may show something else: then an entry
that replaces the one before says so, and both stay. What a person has corrected is left as that person said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from sqlite_utils import Database

from gateway import canonical
from gateway.audit import catalogue
from gateway.audit.boots import boots_of
from gateway.audit.editions import Editions
from gateway.audit.hours import Hours
from gateway.audit.posts import Known, Paid, Recorded, Scan, Stay, is_post, lasts_ms, named, stays
from gateway.audit.windows import longest_window_days, version, window
from gateway.ledger import attended, bills, records, trail, units
from gateway.ledger.attended import DONE, RUNNING, SCANNED, WITHDRAWN, Entry
from gateway.ledger.bills import BillLine, Teller
from gateway.ledger.database import transaction
from gateway.ledger.units import Device, Placement

LATER_MS = 15 * 60_000
"""An entry made so long after what it tells is one made later."""

LATE = "读标签的记录或收费后来才到 · the reading or the charge came later"
OTHER = "后来到的记录或收费表明不是这样 · what came later shows something else"
FORGOTTEN = "没有再读标签，到最长时间为止，不作依据 · the token was not read again: closed, and no evidence"

_SAME = ("visit", "item", "room", "outcome", "began_ms", "ended_ms")


def derive(db: Database, hours: Hours, first: date, last: date, now_ms: int) -> int:
    """Makes the entries that readings on the days [`first`, `last`] call for and that are not there yet; how many."""
    if not _changes(db, hours, first, last, now_ms):
        return 0
    with transaction(db):
        changes = _changes(db, hours, first, last, now_ms)
        for was, said in changes:
            _keep(db, was, said)
    return len(changes)


def unclear(db: Database, hours: Hours, day: date) -> list[Stay]:
    """What began on that day and of which nobody can say what it is: no item, or not even a visit. It waits for a person,
    for a bill, or for the desk to tell the tag."""
    read = _read(db, hours, day, day)
    return [each for each in read.stays if each.item is None and not read.is_told(each)]


# --- what is there, and what should be -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """The treatments of some days; `made`: key of a beginning -> the entry in force of what was made of it; `told`: the
    readings that entries of people name."""

    stays: Sequence[Stay]
    made: Mapping[str, Entry]
    told: frozenset[str]

    def is_told(self, stay: Stay) -> bool:
        """Whether a person has recorded it."""
        made = self.made.get(stay.begin.key)
        return not _is_units(made) if made else not self.told.isdisjoint(stay.keys)


def _is_units(entry: Entry) -> bool:
    """Whether the unit that read the tag made it, and nobody has touched it since."""
    return entry.scan.startswith(f"{entry.entered_by}:")


def _changes(
    db: Database, hours: Hours, first: date, last: date, now_ms: int
) -> list[tuple[Entry | None, Entry]]:
    """(the entry in force, if there is one, and what should be) of all that is not as the readings say."""
    read = _read(db, hours, first, last)
    meant = {each.begin.key: each for each in read.stays if each.item and not read.is_told(each)}
    found = []
    for stay in meant.values():
        was, said = read.made.get(stay.begin.key), _entry(stay, hours.config.clinic, now_ms)
        if was is None or _differ(was, said):
            found.append((was, _marked(was, said)))
    for key, was in read.made.items():
        is_here = first <= hours.day_of(was.began_ms) <= last
        if is_here and key not in meant and _is_units(was) and not _is_unmade(was):
            found.append((was, _not_so(was, now_ms)))
    return found


def _is_unmade(entry: Entry) -> bool:
    """Whether it says that what was told was not so. One that was forgotten was: it has the instant at which it was closed."""
    return entry.outcome == WITHDRAWN and entry.ended_ms is None


def _not_so(was: Entry, now_ms: int) -> Entry:
    return replace(was, outcome=WITHDRAWN, ended_ms=None, later=1, why=OTHER, entered_ms=now_ms)


def _differ(was: Entry, said: Entry) -> bool:
    return any(getattr(was, name) != getattr(said, name) for name in _SAME)


def _entry(stay: Stay, clinic: str, now_ms: int) -> Entry:
    """What should be in force of a treatment."""
    runs = stay.runs_at(now_ms)
    outcome = RUNNING if runs else DONE if stay.end else WITHDRAWN
    ended_ms = None if runs else stay.end.at_ms if stay.end else stay.closes_ms
    is_late = now_ms - (stay.end or stay.begin).at_ms > LATER_MS and outcome != WITHDRAWN
    return Entry(
        entry=0,
        thread=0,
        replaces=None,
        clinic=clinic,
        visit=stay.visit,
        item=stay.item.number if stay.item else 0,
        line=stay.line,
        room=stay.begin.room,
        practitioner=stay.staff,
        outcome=outcome,
        began_ms=stay.begin.at_ms,
        ended_ms=ended_ms,
        reason="",
        acupoints=None,
        cups=None,
        body_part="",
        how=SCANNED,
        scan=stay.begin.key,
        later=int(is_late),
        why=FORGOTTEN if outcome == WITHDRAWN else LATE if is_late else "",
        entered_ms=now_ms,
        entered_by=stay.begin.unit,
    )


def _marked(was: Entry | None, said: Entry) -> Entry:
    """As later where it follows what was later, or corrects more than that a treatment went on."""
    if was is None:
        return said
    went_on = was.outcome == RUNNING and not _differ(
        replace(was, outcome="", ended_ms=None), replace(said, outcome="", ended_ms=None)
    )
    corrects = "" if went_on or was.outcome == WITHDRAWN else OTHER
    later = int(bool(was.later or said.later or not went_on))
    return replace(said, later=later, why=said.why or corrects or (LATE if later else ""))


def _keep(db: Database, was: Entry | None, said: Entry) -> None:
    number = attended.next_entry(db)
    thread, replaces = (was.thread, was.entry) if was else (number, None)
    kept = replace(said, entry=number, thread=thread, replaces=replaces)
    attended.add(db, kept)
    act = {RUNNING: "begin", DONE: "end", WITHDRAWN: "withdraw"}[kept.outcome]
    trail.note(db, kept.entered_ms, kept.entered_by, f"attended {act}", f"attended:{thread}", kept.told())


# --- reading the ledger ----------------------------------------------------------------------------------------------


def _read(db: Database, hours: Hours, first: date, last: date) -> _Read:
    clinic = hours.config.clinic
    places = _posts(db, clinic)
    if not places:
        return _Read((), {}, frozenset())
    span = hours.calendar_day(first)[0], hours.calendar_day(last)[1]
    scans = [each for unit in places for each in _scans(db, hours, unit, places[unit], span)]
    visits = attended.visits_of(db, clinic, {each.tag for each in scans})
    items = catalogue.in_force(db).items
    earliest = first - timedelta(days=longest_window_days(items.all()))
    threads = attended.begun_at_posts(db, clinic, places, hours.calendar_day(earliest)[0])
    keys = {thread: key for key, thread in threads.items()}
    made = {keys[each.thread]: each for each in attended.in_force(db, clinic, keys)}
    people = [
        each
        for each in attended.of_visits(db, clinic, visits.values())
        if each.thread not in keys and each.outcome != WITHDRAWN
    ]
    known = Known(
        visits=visits,
        paid=_paid(db, hours, items, visits.values()),
        recorded=[
            *(Recorded(each.thread, each.visit, each.item) for each in people),
            *(Recorded(0, each.visit, each.item) for each in made.values() if _is_before(each, span[0])),
        ],
        threads=threads,
        held={key: _held(each, items) for key, each in made.items() if not _is_units(each)},
        rooms={each.room for each in units.devices(db, clinic).values()},
        longest_ms=max((lasts_ms(each) for each in items.all() if each.attended), default=0),
    )
    return _Read(stays(scans, known), made, frozenset(each.scan for each in people if each.scan))


def _is_before(entry: Entry, from_ms: int) -> bool:
    return entry.began_ms < from_ms and entry.outcome != WITHDRAWN


def _held(entry: Entry, items: Editions) -> tuple[str, catalogue.Item | None]:
    return entry.visit, None if entry.outcome == WITHDRAWN else items.get(entry.item)


def _posts(db: Database, clinic: str) -> dict[str, list[tuple[Placement, Device]]]:
    """Unit -> where it ever was a post."""
    devices = units.devices(db, clinic)
    found: dict[str, list[tuple[Placement, Device]]] = defaultdict(list)
    for each in units.placements(db, clinic):
        device = devices.get(each.device)
        if device is not None and is_post(device.load):
            found[each.unit].append((each, device))
    return dict(found)


def _scans(
    db: Database, hours: Hours, unit: str, places: Sequence[tuple[Placement, Device]], span: tuple[int, int]
) -> Iterator[Scan]:
    """What the unit read while it was a post, on the true clock; what nothing places is left out, as is all after a fork."""
    forked_us = records.chain(db, unit).forked_us
    boots: dict[str, dict[int, int | None]] = {}
    for us, boot, line in attended.scans_of(db, unit, *span):
        if forked_us is not None and us >= forked_us:
            return
        record = canonical.stored(line)
        at_ms: int | None = record.at_ms
        if record.flag != "S":
            if boot not in boots:
                boots[boot] = _made(db, unit, boot)
            at_ms = boots[boot].get(us)
        device = _device_at(places, at_ms) if at_ms is not None else None
        if at_ms is not None and device is not None and span[0] <= at_ms < span[1] and record.tags:
            day = hours.day_of(at_ms)
            yield Scan(unit, us, at_ms, day, record.tags[0], device.room, named(device.load))


def _made(db: Database, unit: str, boot: str) -> dict[int, int | None]:
    """us -> when it was made, of the records of one boot."""
    chain = [canonical.stored(line) for line in attended.lines_of_boot(db, unit, boot)]
    return {record.us: each.made(record) for each in boots_of(chain) for record in each.records}


def _device_at(places: Sequence[tuple[Placement, Device]], at_ms: int) -> Device | None:
    for placed, device in places:
        if placed.from_ms <= at_ms and (placed.until_ms is None or at_ms < placed.until_ms):
            return device
    return None


_READ = [each.name for each in fields(BillLine) if each.name != "source"]


def _paid(db: Database, hours: Hours, items: Editions, visits: Iterable[str]) -> dict[str, list[Paid]]:
    """The visits' lines, as the clinic's own bills tell them, else the platform's."""
    clinic = hours.config.clinic
    teller = Teller(clinic, bills.usual_source(db, clinic))
    told = bills.entries_of_visits(db, teller, visits)
    charged = {each.line: each.charged_ms for each in told}
    found: dict[str, list[Paid]] = defaultdict(list)
    for each in told:
        line = BillLine(source=teller.source, **{name: getattr(each, name) for name in _READ})
        item = None if each.is_refund or not each.treatments else version(line, items, hours)
        if item is not None:
            refunded_ms = charged.get(each.reversed_by, each.charged_ms) if each.reversed_by else None
            about = (each.line, each.visit, item, each.room, each.staff, each.treatments, each.charged_ms)
            found[each.visit].append(Paid(*about, window(line, item, hours), refunded_ms))
    return found


def days_now(hours: Hours, now_ms: int) -> tuple[date, date]:
    """The days on which something may still change by itself: yesterday and today."""
    today = hours.day_of(now_ms)
    return today - timedelta(days=1), today

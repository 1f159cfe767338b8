"""What waits to be done today, what runs, and what is done: paid bill lines beside what people recorded of them.

A line belongs to the list of every day on which it may be done. What was recorded of a visit and item counts for the
line that it names, else for the first of them that still waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.editions import Editions
from gateway.audit.hours import Hours
from gateway.audit.items import Item
from gateway.audit.live import Live, live
from gateway.audit.posts import Stay
from gateway.audit.windows import longest_window_days, version, window
from gateway.ledger import attended, bills
from gateway.ledger import live as units_now
from gateway.ledger.attended import RUNNING, SCANNED, WITHDRAWN, Entry
from gateway.ledger.bills import BillLine, Teller
from gateway.nurse import posts


@dataclass(slots=True)
class Task:
    """One paid line of today. `count` treatments of it were paid; `entries` are those in force that count for it, `lamps`
    what runs now in its room of the class of devices that shows it."""

    line: str
    visit: str
    item: Item
    room: str
    charged_ms: int
    count: int
    entries: list[Entry] = field(default_factory=list)
    lamps: Sequence[Live] = ()

    @property
    def running(self) -> list[Entry]:
        """Those begun and not ended."""
        return [each for each in self.entries if each.outcome == RUNNING]

    @property
    def left(self) -> int:
        """How many still wait."""
        return max(0, self.count - len(self.entries))


@dataclass(frozen=True, slots=True)
class Today:
    """The list: `tasks` by charge, `others` what was recorded today and counts for no paid line; `scanned` of `recorded`
    entries of today knew their visit by a token. `unclear` was read at posts today, and waits for a choice."""

    tasks: Sequence[Task]
    others: Sequence[Entry]
    scanned: int
    recorded: int
    unclear: Sequence[Stay] = ()

    @property
    def rooms(self) -> list[str]:
        """All rooms on the list."""
        return sorted({each.room for each in self.tasks} | {each.room for each in self.others})


def today(db: Database, hours: Hours, now_ms: int) -> Today:
    """The list of the day that holds `now_ms`."""
    items = catalogue.in_force(db).items
    clinic, day = hours.config.clinic, hours.day_of(now_ms)
    whole = hours.calendar_day(day)
    lines = _paid(db, hours, items, now_ms)
    recorded = attended.between(db, clinic, *whole)
    of_lines = attended.of_visits(db, clinic, {line.visit for line, _ in lines})
    known = {each.entry: each for each in (*recorded, *of_lines, *attended.running(db, clinic))}
    entries = [each for _, each in sorted(known.items()) if each.outcome != WITHDRAWN]
    tasks = [_task(line, item) for line, item in lines]
    rest = _given(tasks, entries)
    lamps = _lamps(db, clinic, now_ms)
    for task in tasks:
        task.lamps = lamps.get((task.item.device_class, task.room), ())
    counted = [each for each in recorded if each.outcome != WITHDRAWN]
    others = [each for each in rest if each.outcome == RUNNING or whole[0] <= each.began_ms < whole[1]]
    scanned = sum(each.how == SCANNED for each in counted)
    return Today(tasks, others, scanned, len(counted), posts.unclear(db, hours, day))


def _paid(db: Database, hours: Hours, items: Editions, now_ms: int) -> list[tuple[BillLine, Item]]:
    """The lines in force that may be done now, as the clinic's own bills tell them, else the platform's."""
    source = bills.usual_source(db, hours.config.clinic)
    day = hours.day_of(now_ms)
    first = hours.calendar_day(day - timedelta(days=longest_window_days(items.all())))[0]
    lines = bills.lines_charged(db, Teller(hours.config.clinic, source), first, hours.calendar_day(day)[1])
    return [
        (line, item)
        for line in lines
        if line.treatments and line.reversed_by is None and (item := version(line, items, hours))
        if _covers(line, item, hours, day)
    ]


def _covers(line: BillLine, item: Item, hours: Hours, day: date) -> bool:
    first, last = window(line, item, hours)
    return hours.day_of(first) <= day <= hours.day_of(last)


def _task(line: BillLine, item: Item) -> Task:
    return Task(line.line, line.visit, item, line.room, line.charged_ms, line.treatments)


def _given(tasks: Sequence[Task], entries: Iterable[Entry]) -> list[Entry]:
    """Gives each entry to its line; those for which there is none come back."""
    alike: dict[tuple[str, int], list[Task]] = defaultdict(list)
    for task in tasks:
        alike[task.visit, task.item.number].append(task)
    rest = []
    for entry in entries:
        fitting = [each for each in alike.get((entry.visit, entry.item), ()) if each.left]
        named = [each for each in fitting if each.line == entry.line]
        if fitting:
            (named or fitting)[0].entries.append(entry)
        else:
            rest.append(entry)
    return rest


def _lamps(db: Database, clinic: str, now_ms: int) -> Mapping[tuple[str, str], list[Live]]:
    """(class, room) -> the devices that are on now, as far as their units tell."""
    found: dict[tuple[str, str], list[Live]] = defaultdict(list)
    for place in units_now.places(db, clinic):
        state = live(place, units_now.said_last(db, place.unit), {}, now_ms)
        if state.state == "running":
            found[place.load, place.room].append(state)
    return found

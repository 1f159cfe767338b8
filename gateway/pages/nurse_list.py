"""What the nurse's list is filled with: cards made of today's tasks and of what people recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from gateway.audit.items import Item
from gateway.ledger.attended import RUNNING, Entry
from gateway.nurse.attend import asked_of
from gateway.nurse.waiting import Task, Today
from gateway.pages.words import speak


@dataclass(frozen=True, slots=True)
class Asked:
    """Who acts; and what every link and form brings back: in which room (empty: all), and the proof that a visit's token
    was read."""

    by: str = ""
    room: str = ""
    lang: str = "zh"
    seen: str = ""

    def query(self, **other: str) -> str:
        """`?room=...`, without what is empty."""
        lang = "" if self.lang == "zh" else self.lang
        said = {"room": self.room, "lang": lang, "seen": self.seen} | other
        told = {name: value for name, value in said.items() if value}
        return "?" + urlencode(told) if told else ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The same for a form."""
        said = {"room": self.room, "lang": self.lang, "seen": self.seen}
        return [(name, value) for name, value in said.items() if value]


@dataclass(frozen=True, slots=True)
class Card:
    """One treatment on the list: one that runs (`entry`), or the next of a line that waits. `known` are the treatments
    of its visit and item that are recorded, `minutes` those that it has run."""

    visit: str
    item: Item
    name: str
    line: str
    room: str
    facts: Sequence[str]
    known: int = 0
    entry: Entry | None = None
    minutes: int = 0
    least: int = 0
    asks: bool = False


@dataclass(slots=True)
class Cards:
    """The list, in words."""

    running: list[Card] = field(default_factory=list)
    waiting: list[Card] = field(default_factory=list)
    done: list[tuple[Entry, str, str]] = field(default_factory=list)


def cards(
    today: Today, items: dict[int, Item], asked: Asked, zone: tzinfo, now_ms: int, visit: str = ""
) -> Cards:
    """The cards of one room or of all; of one visit, where it is named, in whichever room."""
    made = _Made(asked, items, zone, now_ms)
    tasks = [each for each in today.tasks if _is_asked(each, asked, visit)]
    others = [each for each in today.others if _is_asked(each, asked, visit)]
    found = Cards()
    known = _known(today)
    for task in tasks:
        found.running += [made.running(each, task) for each in task.running]
        if task.left:
            found.waiting.append(made.waiting(task, known[task.visit, task.item.number]))
    found.running += [made.running(each, None) for each in others if each.outcome == RUNNING]
    ended = [each for task in tasks for each in task.entries] + others
    found.done = [made.done(each) for each in sorted(ended, key=_newest) if each.outcome != RUNNING]
    found.running.sort(key=lambda card: card.entry.began_ms if card.entry else 0)
    return found


def _is_asked(each: Task | Entry, asked: Asked, visit: str) -> bool:
    return each.visit == visit if visit else asked.room in ("", each.room)


def _newest(entry: Entry) -> int:
    return -entry.entry


def _known(today: Today) -> dict[tuple[str, int], int]:
    entries = [each for task in today.tasks for each in task.entries] + list(today.others)
    known = {(task.visit, task.item.number): 0 for task in today.tasks}
    for each in entries:
        known[each.visit, each.item] = known.get((each.visit, each.item), 0) + 1
    return known


class _Made:
    """Makes cards in the language of the page."""

    def __init__(self, asked: Asked, items: dict[int, Item], zone: tzinfo, now_ms: int):
        self._say, self._lang, self._items = speak(asked.lang), asked.lang, items
        self._zone, self._now_ms = zone, now_ms

    def running(self, entry: Entry, task: Task | None) -> Card:
        item = task.item if task else self._items[entry.item]
        minutes, least = (self._now_ms - entry.began_ms) // 60_000, item.min_minutes
        facts = [
            self._say("nurse.since", clock=clock(entry.began_ms, self._zone)),
            self._say("nurse.elapsed", minutes=minutes, least=least),
            entry.practitioner,
            self._say(f"attended.{entry.how}"),
        ]
        asks = bool(asked_of(item))
        facts += self._lamps(task)
        return Card(
            entry.visit,
            item,
            name(item, self._lang),
            entry.line,
            entry.room,
            facts,
            0,
            entry,
            minutes,
            least,
            asks,
        )

    def waiting(self, task: Task, known: int) -> Card:
        facts = [self._say("nurse.charged", clock=clock(task.charged_ms, self._zone))]
        if task.count > 1:
            facts.append(self._say("nurse.part", n=task.count - task.left + 1, count=task.count))
        facts += self._lamps(task)
        return Card(task.visit, task.item, name(task.item, self._lang), task.line, task.room, facts, known)

    def done(self, entry: Entry) -> tuple[Entry, str, str]:
        item = self._items.get(entry.item)
        return entry, name(item, self._lang) if item else str(entry.item), times(entry, self._zone)

    def _lamps(self, task: Task | None) -> list[str]:
        lamps: Iterable = task.lamps if task else ()
        return [self._say("nurse.lamp", device=each.place.device, minutes=each.minutes) for each in lamps]


def unclear(today: Today, asked: Asked, zone: tzinfo) -> list[tuple[str, str, str]]:
    """(time, room, visit) of what was read at posts of the room, or of all, and waits for a choice; the visit is empty where
    the tag is unknown."""
    begins = [(each.begin, each.visit) for each in today.unclear]
    here = [(begin, visit) for begin, visit in begins if asked.room in ("", begin.room)]
    return [(clock(begin.at_ms, zone), begin.room, visit) for begin, visit in here]


def name(item: Item, lang: str) -> str:
    """What an item is called."""
    return item.en if lang == "en" else item.zh


def clock(at_ms: int, zone: tzinfo) -> str:
    """HH:MM."""
    return f"{datetime.fromtimestamp(at_ms // 1000, zone):%H:%M}"


def times(entry: Entry, zone: tzinfo) -> str:
    """From when to when."""
    if entry.ended_ms is None:
        return clock(entry.began_ms, zone) if entry.outcome == RUNNING else "—"
    return f"{clock(entry.began_ms, zone)}–{clock(entry.ended_ms, zone)}"

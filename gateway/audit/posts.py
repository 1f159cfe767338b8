"""What readings of tags at posts say of treatments: a token read at a post begins one, read there again it ends.

A post is a unit with a reader in a room where no meter sees what is done: a device of the class `post`, or `post16`, which
names the item. This file does not know entries nor the ledger; the same readings, bills and tags say the same, in whichever
order they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.audit.items import Item
from gateway.audit.spans import Span

AGAIN_MS = 60_000
"""A token that is read again sooner counts once."""

MARGIN_MS = 15 * 60_000
"""How long beyond the longest time of its item a treatment may run, before its end counts as forgotten."""

_POST = "post"


def is_post(load: str) -> bool:
    """Whether devices of this class are posts."""
    return load == _POST or named(load) is not None


def named(load: str) -> int | None:
    """The item that a post of this class names; None where it names none, or is no post."""
    number = load.removeprefix(_POST)
    is_number = number != load and number.isascii() and number.isdigit() and not number.startswith("0")
    return int(number) if is_number else None


@dataclass(frozen=True, slots=True)
class Scan:
    """A tag that a unit read at a post, placed on the true clock; `day` is the clinic's, `item` what the post names."""

    unit: str
    us: int
    at_ms: int
    day: date
    tag: str
    room: str
    item: int | None

    @property
    def key(self) -> str:
        """The record, as `unit:us`."""
        return f"{self.unit}:{self.us}"


@dataclass(frozen=True, slots=True)
class Paid:
    """A bill line: `count` treatments that may begin in `window`, both instants included; `refunded_ms` when it was taken
    back."""

    line: str
    visit: str
    item: Item
    room: str
    staff: str
    count: int
    charged_ms: int
    window: Span
    refunded_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A treatment that a person recorded, and the number of its thread; or one of days before, whose thread is 0."""

    thread: int
    visit: str
    item: int


@dataclass(slots=True)
class Stay:
    """A treatment as a post saw it: from `begin` to `end`, None where the token was not read again. `item` is None where
    nobody can say which was meant, `visit` is empty where the tag is unknown. After `closes_ms` an end is no end."""

    begin: Scan
    visit: str
    item: Item | None
    line: str
    staff: str
    closes_ms: int
    end: Scan | None = None
    keys: list[str] = field(default_factory=list)

    def runs_at(self, at_ms: int) -> bool:
        """Whether it may still go on then."""
        return self.end is None and at_ms <= self.closes_ms

    def counts_at(self, at_ms: int) -> bool:
        """Whether it is done, or may be done yet: not forgotten."""
        return self.end is not None or self.runs_at(at_ms)


@dataclass(frozen=True, slots=True)
class Known:
    """What readings are understood by. `threads`: key of a beginning -> the thread that was made of it; `held`: of those that
    a person has corrected since -> visit and item, None where it was withdrawn; `longest_ms`: how long what nobody can name
    may run; `rooms`: those of the inventory. A bill often names a department instead, which says nothing of the room."""

    visits: Mapping[str, str]
    paid: Mapping[str, Sequence[Paid]]
    recorded: Sequence[Recorded]
    threads: Mapping[str, int]
    held: Mapping[str, tuple[str, Item | None]]
    longest_ms: int
    rooms: Collection[str] = ()


def stays(scans: Iterable[Scan], known: Known) -> list[Stay]:
    """The treatments that these readings tell of, in order of time. One ends at the post and on the day where it began."""
    found: list[Stay] = []
    last: dict[tuple[str, str, date], tuple[Stay, int]] = {}
    for scan in sorted(scans, key=lambda each: (each.at_ms, each.unit, each.us)):
        where = (scan.unit, scan.tag, scan.day)
        stay, counted_ms = last.get(where, (None, 0))
        if stay is not None and scan.at_ms - counted_ms < AGAIN_MS:
            stay.keys.append(scan.key)
            continue
        if stay is not None and stay.runs_at(scan.at_ms):
            stay.end = scan
            stay.keys.append(scan.key)
        else:
            stay = _begun(scan, known, found)
            found.append(stay)
        last[where] = stay, scan.at_ms
    return found


def _begun(scan: Scan, known: Known, before: Sequence[Stay]) -> Stay:
    visit, item = known.held.get(scan.key, (known.visits.get(scan.tag, ""), None))
    is_open = bool(visit) and scan.key not in known.held
    meant = _meant(scan, visit, known, before) if is_open else []
    item = meant[0].item if meant else item
    line, staff = (meant[0].line, meant[0].staff) if len(meant) == 1 else ("", "")
    closes_ms = scan.at_ms + (lasts_ms(item) if item else known.longest_ms)
    return Stay(scan, visit, item, line, staff, closes_ms, None, [scan.key])


def lasts_ms(item: Item) -> int:
    """How long after it began a treatment of the item is forgotten."""
    return item.max_minutes * 60_000 + MARGIN_MS


def _meant(scan: Scan, visit: str, known: Known, before: Sequence[Stay]) -> list[Paid]:
    """The lines of the one item that is meant; none where it is not sure which. What was charged when it began goes before
    what was charged only then, first come first."""
    could = [each for each in known.paid.get(visit, ()) if _may_be(each, scan, known.rooms)]
    taken = _taken(scan, visit, known, before)
    could = [each for each in could if taken.count(each.item.number) < _paid_times(each, could)]
    first_ms = min((each.charged_ms for each in could), default=0)
    could = [each for each in could if each.charged_ms <= max(scan.at_ms, first_ms)]
    return could if len({each.item.number for each in could}) == 1 else []


def _may_be(paid: Paid, scan: Scan, rooms: Collection[str]) -> bool:
    first_ms, last_ms = paid.window
    is_refunded = paid.refunded_ms is not None and paid.refunded_ms <= scan.at_ms
    is_here = paid.room == scan.room or paid.room not in rooms
    is_named = scan.item in (None, paid.item.number)
    is_then = first_ms <= scan.at_ms <= last_ms and not is_refunded
    return paid.item.attended and is_here and is_named and is_then


def _paid_times(paid: Paid, could: Collection[Paid]) -> int:
    return sum(each.count for each in could if each.item.number == paid.item.number)


def _taken(scan: Scan, visit: str, known: Known, before: Sequence[Stay]) -> list[int]:
    """The items of the visit that are done already, each as often as it is: at posts, and by what people recorded before
    this beginning was."""
    thread = known.threads.get(scan.key)
    here = [
        each.item.number
        for each in before
        if each.item and each.visit == visit and each.counts_at(scan.at_ms)
    ]
    people = [
        each.item
        for each in known.recorded
        if each.visit == visit and (thread is None or each.thread < thread)
    ]
    return here + people

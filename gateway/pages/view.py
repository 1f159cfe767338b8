"""What a day page shows, as values. Instants are milliseconds since 1970 UTC, spans half open, money in fen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, tzinfo

Span = tuple[int, int]

VERDICTS = ("supported", "short", "no_device_time", "unobserved", "not_metered", "reversed")
PENDING, AMONG = "pending", "among"
"""Not judged yet; and said of a line that shares its doubt with others, whatever the matching gave to it."""

WORST_FIRST = ("no_device_time", "short", "unobserved", PENDING, "supported", "reversed", "not_metered")


@dataclass(frozen=True, slots=True)
class Session:
    """One power-on period. `grade` is "A", "B", "C", or "" where it supports nothing; `end_code` "L", "P" or "A";
    `long_burn`: a treatment rests on it that it outlasted by far."""

    record: str
    start_ms: int
    end_ms: int
    active_s: int
    mean_mw: int
    interruptions: int
    end_code: str
    grade: str
    long_burn: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One row. `open_s` and `watched_s` are None until the day is reconciled; `dark` lies inside opening hours."""

    device: str
    units: tuple[str, ...]
    load: str
    room: str
    bed: str
    stations: int
    blind: bool
    sessions: tuple[Session, ...] = ()
    dark: tuple[Span, ...] = ()
    open_s: int | None = None
    watched_s: int | None = None

    @property
    def name(self) -> str:
        """What people call it: the unit on it, or the device itself where it has none."""
        return " → ".join(self.units) or self.device


@dataclass(frozen=True, slots=True)
class Treatment:
    """One billed performance and what was said of it. `active_s` are the seconds that were there, if any."""

    index: int
    code: str
    grade: str | None = None
    active_s: int | None = None
    required_s: int | None = None
    fit: str | None = None
    records: tuple[str, ...] = ()
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One bill line; `load` is the device class of its item, None where no device bears witness. `sets` are the
    numbers of the sets of more than one line that it belongs to."""

    line: str
    visit: str
    item: int
    name: str
    load: str | None
    charged_ms: int
    amount_fen: int
    treatments: tuple[Treatment, ...]
    sets: tuple[int, ...] = ()
    room: str = ""
    staff: str = ""
    source: str = "clinic"

    @property
    def shown(self) -> tuple[str, ...]:
        """The code that may be shown for each treatment: never one that singles out a line of a larger set."""
        return tuple(AMONG if self.sets else each.code for each in self.treatments)

    @property
    def worst(self) -> str:
        """The code of the line as a whole."""
        codes = set(self.shown)
        return next((code for code in WORST_FIRST if code in codes), AMONG)

    @property
    def parts(self) -> list[tuple[str, int]]:
        """(code, how many treatments)."""
        return in_order(self.shown)


@dataclass(frozen=True, slots=True)
class DoubtSet:
    """Lines among which so many treatments (`counts`: code, number) are in doubt; which ones cannot be told.
    `short_s` are the seconds that were there for those of them that were short."""

    number: int
    lines: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    short_s: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """A finding for a person to review; `treatments` and `capacity` only where its rule compares them."""

    lead: str
    rule: str
    amount_fen: int
    zh: str
    en: str
    lines: tuple[str, ...] = ()
    supplies: tuple[str, ...] = ()
    treatments: int | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking the records of a unit found."""

    code: str
    unit: str
    us: int | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DayView:
    """One clinic day, from midnight to midnight (`whole`). `opening` is None where the clinic was closed. `made_ms` is
    when it was reconciled, None if it was not; `outside` counts the bill lines that are no item of the catalogue. `is_part`:
    only some of the day's lines are in it, so that of members of sets nothing may be counted but that; `coverage` is then
    that of the whole day."""

    day: date
    clinic: str
    zone: tzinfo
    whole: Span
    opening: Span | None = None
    devices: tuple[Device, ...] = ()
    lines: tuple[Line, ...] = ()
    sets: tuple[DoubtSet, ...] = ()
    leads: tuple[Lead, ...] = ()
    findings: tuple[Finding, ...] = ()
    made_ms: int | None = None
    outside: int = 0
    is_part: bool = False
    coverage: tuple[int, int] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many treatments got each verdict, all six named; others only where there are such."""
        return {code: 0 for code in VERDICTS} | self.counts_of(self.lines)

    def counts_of(self, lines: Iterable[Line]) -> dict[str, int]:
        """How many treatments of these lines got each verdict, of those that occur. Of a part of the day members of sets
        count as such: else a part of one line would tell what was said of it."""
        if self.is_part:
            return dict(in_order(code for line in lines for code in line.shown))
        return dict(in_order(each.code for line in lines for each in line.treatments))

    @property
    def watched(self) -> tuple[int, int] | None:
        """(seconds watched, seconds to be watched) of all devices; None until the day is reconciled."""
        if self.coverage is not None:
            return self.coverage
        known = [(each.watched_s, each.open_s) for each in self.devices]
        pairs = [(watched, due) for watched, due in known if watched is not None and due is not None]
        return (sum(watched for watched, _ in pairs), sum(due for _, due in pairs)) if pairs else None

    def of_loads(self, is_meant: Callable[[str | None], bool]) -> DayView:
        """The day with only the devices and lines of some classes; whole sets stay whole, for a set is of one class."""
        lines = tuple(each for each in self.lines if is_meant(each.load))
        numbers = {number for each in lines for number in each.sets}
        return replace(
            self,
            devices=tuple(each for each in self.devices if is_meant(each.load)),
            lines=lines,
            sets=tuple(each for each in self.sets if each.number in numbers),
        )


def in_order(codes: Iterable[str]) -> list[tuple[str, int]]:
    """(code, how many) of those that occur, always in the same order."""
    found = Counter(codes)
    return [(code, found[code]) for code in (*VERDICTS, PENDING, AMONG) if found[code]]

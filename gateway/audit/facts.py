"""What the rules of leads look at: a period that was judged, as values. This file decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter
from typing import Any

from gateway.audit.coverage import Attested, Seen
from gateway.audit.editions import Editions
from gateway.audit.hours import QUARTER_MS, Hours
from gateway.audit.items import Item
from gateway.audit.match import Treatment
from gateway.audit.sources import Both
from gateway.audit.spans import Span
from gateway.audit.supplies import ATTENDED, Session
from gateway.audit.verdicts import Case, Judgement, Verdict
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device


@dataclass(frozen=True, slots=True)
class Finding:
    """What intake or the chain itself found of a unit's records; `code` as in `take-in --json`, `at_ms` when the record
    concerned was made, or else when it was found."""

    code: str
    unit: str
    us: int | None
    at_ms: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """How long a device could have been used on a day, how long it was watched, and the `dark` spans between."""

    device: Device
    unit: str | None
    day: date
    open_s: int
    watched_s: int
    dark: tuple[Span, ...]

    @property
    def name(self) -> str:
        """What should have watched: the unit, or the device that has none."""
        return self.unit or self.device.device


@dataclass(frozen=True, slots=True)
class Settled:
    """One device class judged: `item` is the catalogue number that stands for it."""

    load: str
    item: int
    case: Case
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Told:
    """What a person recorded of a treatment: that it was done, from when to when (`end_ms` None: not said), that it was
    not done ("undone"), or that the patient stopped it ("stopped"). `at_ms` is when it was recorded, `line` the bill
    line that it is about, "" where none is known; `later`: not recorded at the time, so its times are not exact."""

    key: str
    outcome: str
    line: str
    visit: str
    item: int
    staff: str
    at_ms: int
    start_ms: int | None = None
    end_ms: int | None = None
    later: bool = False

    @property
    def is_timed(self) -> bool:
        """Whether it was done from a known instant to a known instant."""
        return (
            self.outcome == "done"
            and self.start_ms is not None
            and self.end_ms is not None
            and not self.later
        )


class _Known(dict[int, Any]):
    """What holds for a quarter of an hour, found once: rules ask for days more often than for all else."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        self._find = find

    def __missing__(self, quarter: int) -> Any:
        self[quarter] = found = self._find(quarter)
        return found


def _second_of_day(at: datetime) -> int:
    return at.hour * 3600 + at.minute * 60


def doubted_sets_of(verdicts: Iterable[Verdict]) -> list[tuple[str, ...]]:
    """The sets in which these treatments are doubted, each once. All of a set hold the very same one: it may be large, and is
    told apart by what it is, not by what is in it."""
    return list({id(each.among): each.among for each in verdicts if each.among}.values())


@dataclass(frozen=True)
class Facts:
    """What the rules look at. `lines` are all that were matched, so also some charged before or after the period;
    `versions` has the item of each as it was in force on the day of its charge, where it was; `attested` is what each
    unit's chain says; `told` is what people recorded; `both` is what the clinic's own export and the platform tell of
    the period, where there are both."""

    from_day: date
    to_day: date
    now_ms: int
    hours: Hours
    items: Editions
    devices: Mapping[str, Device]
    settled: Sequence[Settled]
    coverage: Sequence[DeviceDay]
    findings: Sequence[Finding]
    lines: Sequence[BillLine]
    versions: Mapping[str, Item]
    attested: Mapping[str, Attested]
    told: Sequence[Told] = ()
    both: Both | None = None

    def day_of(self, at_ms: int) -> date:
        """The local day that holds the instant."""
        return self._days[at_ms // QUARTER_MS]

    def second_of_day(self, at_ms: int) -> float:
        """What the clock on the wall shows, in seconds."""
        quarter, ms = divmod(at_ms, QUARTER_MS)
        return self._clocks[quarter] + ms / 1000

    @cached_property
    def _days(self) -> Mapping[int, date]:
        hours = self.hours  # not the facts themselves: they would stand in a ring
        return _Known(lambda quarter: hours.day_of(quarter * QUARTER_MS))

    @cached_property
    def _clocks(self) -> Mapping[int, int]:
        hours = self.hours
        return _Known(lambda quarter: _second_of_day(hours.local(quarter * QUARTER_MS)))

    def day_in_period(self, at_ms: int) -> date | None:
        """The local day, if it is one that is reported."""
        day = self._days[at_ms // QUARTER_MS]
        return day if self.from_day <= day <= self.to_day else None

    def day_alone(self, treatment: Treatment) -> date | None:
        """The day of the period on which a treatment charged in it can only have begun; None where there is none."""
        days = self._days
        day: date = days[treatment.window_from_ms // QUARTER_MS]
        if days[treatment.window_until_ms // QUARTER_MS] != day or not self.from_day <= day <= self.to_day:
            return None
        return day if self.from_day <= days[treatment.charged_ms // QUARTER_MS] <= self.to_day else None

    def item(self, line: BillLine) -> Item:
        """The version of a line's item that was in force on the day of its charge. KeyError where there was none."""
        return self.versions[line.line]

    def is_course(self, line: BillLine) -> bool:
        """Whether it was paid at once for several days, as the catalogue allows."""
        item = self.item(line)
        return item.per == "次" and (item.day_max or 0) < line.treatments <= (item.course_max or 0)

    @cached_property
    def charged(self) -> Sequence[tuple[date, BillLine]]:
        """What was charged in the period and not taken back, with its day, in the order of charge."""
        dated = ((self.day_in_period(line.charged_ms), line) for line in self._in_force)
        return [(day, line) for day, line in dated if day is not None]

    @cached_property
    def charged_by_class(self) -> Mapping[str, Sequence[BillLine]]:
        """The lines of each class of devices that were not taken back, in the order of charge."""
        charged: dict[str, list[BillLine]] = {}
        for line in self._in_force:
            charged.setdefault(self.item(line).device_class, []).append(line)
        return charged

    @cached_property
    def metered(self) -> Mapping[str, Sequence[Session]]:
        """Class -> the sessions of its devices in order of time; what people recorded is none."""
        return {
            settled.load: sorted(
                (each for each in settled.case.sessions if each.unit != ATTENDED),
                key=attrgetter("start_ms", "unit", "us"),
            )
            for settled in self.settled
        }

    @cached_property
    def measured(self) -> Mapping[str, Mapping[int, Seen]]:
        """Unit -> record -> the session as the unit saw it, with what its meter told."""
        return {
            unit: {seen.us: seen for seen in attested.sessions} for unit, attested in self.attested.items()
        }

    def with_doubt(self, lines: Iterable[str]) -> set[str]:
        """The lines, and all that share a doubt about device time with one of them: none of those is named alone."""
        named = set(lines)
        places = {place for line in named for place in self._sets_of_line.get(line, ())}
        return named.union(*(self._sets[place] for place in places))

    @cached_property
    def _sets(self) -> Sequence[tuple[str, ...]]:
        return doubted_sets_of(each for settled in self.settled for each in settled.judgement.verdicts)

    @cached_property
    def _sets_of_line(self) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for place, among in enumerate(self._sets):
            for line in among:
                found.setdefault(line, []).append(place)
        return found

    @cached_property
    def _in_force(self) -> Sequence[BillLine]:
        standing = [line for line in self.lines if line.treatments > 0 and line.reversed_by is None]
        known = [line for line in standing if line.line in self.versions]
        return sorted(known, key=attrgetter("charged_ms", "line"))

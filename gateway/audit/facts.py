"""What the rules of leads look at: a period that was judged, as values. This file decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.audit.catalogue import Item
from gateway.audit.hours import Hours
from gateway.audit.spans import Span
from gateway.audit.verdicts import Case, Judgement
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
class Facts:
    """What the rules look at."""

    from_day: date
    to_day: date
    now_ms: int
    hours: Hours
    items: Mapping[int, Item]
    devices: Mapping[str, Device]
    settled: Sequence[Settled]
    coverage: Sequence[DeviceDay]
    findings: Sequence[Finding]
    lines: Sequence[BillLine]

    def day_in_period(self, at_ms: int) -> date | None:
        """The local day, if it is one that is reported."""
        day = self.hours.day_of(at_ms)
        return day if self.from_day <= day <= self.to_day else None

"""A clinic made of values: devices, what their units attest, and bill lines. Nothing is read, nothing is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from gateway.audit import catalogue, leads
from gateway.audit.coverage import Attested, Seen
from gateway.audit.editions import Editions
from gateway.audit.facts import Finding
from gateway.audit.hours import Hours
from gateway.audit.reconcile import Period, Reconciliation, reconcile
from gateway.audit.spans import Span
from gateway.config import Config
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device, Placement

MONDAY = date(2026, 3, 2)
CONFIG = Config("C001", "示范诊所", opens="08:00", closes="20:00")
MIDNIGHT_MS = 1_772_380_800_000  # when MONDAY begins in Shanghai
DAY_MS = 86_400_000
TDP, STIM, ACUPUNCTURE = 31, 23, 16


def at(clock: str, day: int = 0) -> int:
    """Milliseconds since 1970 UTC of HH:MM or HH:MM:SS on Monday, or so many days later."""
    hours, minutes, seconds = [*map(int, clock.split(":")), 0][:3]
    return MIDNIGHT_MS + day * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000


def open_hours(day: int = 0) -> Span:
    return at("08:00", day), at("20:00", day)


def on(us: int, start: str, minutes: float, *, day: int = 0, end: str = "L", plug: bool = False) -> Seen:
    """A session as a unit saw it."""
    start_ms, seconds = at(start, day), round(minutes * 60)
    power = (240_000, 250_000, 260_000)
    return Seen(us, start_ms, start_ms + seconds * 1000, seconds, power, 0, end, plug)


def line(
    name: str,
    charged: str = "10:00",
    *,
    day: int = 0,
    count: int = 1,
    item: int | None = TDP,
    fen: int = 1200,
    performed_ms: int | None = None,
    reversed_by: str | None = None,
    source: str = "clinic",
) -> BillLine:
    """A bill line of `count` treatments for `fen` each."""
    charged_ms = at(charged, day)
    about = ("V" + name, "P1", item, "code", "红外线治疗", str(count))
    staff = ("R1", "D01", "", reversed_by)
    return BillLine(source, name, 1, *about, count, fen * count, charged_ms, performed_ms, *staff)


class Clinic:
    """Devices and their units; `period` asks what a reconciliation of some days would rest on."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.config = config
        self.devices: list[Device] = []
        self.placements: list[Placement] = []
        self.attested: dict[str, Attested] = {}
        self.grades: dict[str, str] = {}
        self.findings: list[Finding] = []

    def device(
        self,
        name: str,
        *,
        load: str = "tdp",
        stations: int = 1,
        blind: bool = False,
        since: int = 0,
        until: int | None = None,
    ) -> Clinic:
        """A device of the inventory, without a unit."""
        self.devices.append(Device(name, "C001", load, "R1", "", stations, blind, since, until))
        return self

    def unit(
        self,
        name: str,
        *sessions: Seen,
        watched: Sequence[Span] | None = None,
        grade: str = "A",
        days: int = 1,
    ) -> Clinic:
        """A unit that watched in all opening hours of so many days, or as said."""
        spans = [open_hours(day) for day in range(days)] if watched is None else list(watched)
        self.attested[name] = Attested(spans, list(sessions))
        self.grades[name] = grade
        return self

    def place(self, unit: str, device: str, since: int = 0, until: int | None = None) -> Clinic:
        self.placements.append(Placement(unit, device, since, until))
        return self

    def lamp(
        self, unit: str, *sessions: Seen, load: str = "tdp", stations: int = 1, watched: Sequence[Span] | None = None,
        grade: str = "A", blind: bool = False, days: int = 1,
    ) -> Clinic:  # fmt: skip
        """A device `lamp of <unit>` with its unit, as both always were."""
        self.device(f"lamp of {unit}", load=load, stations=stations, blind=blind)
        return self.unit(unit, *sessions, watched=watched, grade=grade, days=days).place(
            unit, f"lamp of {unit}"
        )

    def period(
        self,
        *lines: BillLine,
        first: int = 0,
        last: int | None = None,
        now_ms: int | None = None,
        **items: object,
    ) -> Period:
        """Days `first` to `last` after Monday. `items` changes what the catalogue says of TDP."""
        until = first if last is None else last
        return Period(
            from_day=MONDAY + timedelta(days=first),
            to_day=MONDAY + timedelta(days=until),
            now_ms=at("23:59", until) if now_ms is None else now_ms,
            hours=Hours(self.config),
            items=catalogue_with(**items),
            tolerance_s=60,
            lines=sorted(lines, key=lambda each: (each.charged_ms, each.line)),
            devices=self.devices,
            placements=self.placements,
            attested=self.attested,
            grades=self.grades,
            findings=self.findings,
        )

    def settle(self, *lines: BillLine, **about: object) -> Reconciliation:
        """What the rules as shipped say of a period."""
        return reconcile(self.period(*lines, **about), leads.default_rules())  # type: ignore[arg-type]


def catalogue_with(**tdp: object) -> Editions:
    """The items as shipped, TDP with changes."""
    items = catalogue.read().items
    changed = replace(items[TDP], **tdp)  # type: ignore[arg-type]
    return Editions(changed if each.number == TDP else each for each in items.all())


def codes(found: Reconciliation) -> dict[str, str]:
    """`line#index` -> verdict."""
    return {f"{verdict.line}#{verdict.index}": verdict.code for verdict, _ in found.verdicts}


def rules_of(found: Reconciliation) -> list[str]:
    return [lead.rule for lead in found.leads]

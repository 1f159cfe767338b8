"""Bills against device time: what the units attest and the clinic charged becomes verdicts, coverage and leads.

Pure: what is known of a period goes in as values, what can be said of it comes out. The rules are arguments; the same
period gives the same answer to a clinic, a district and an inspector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.audit import leads
from gateway.audit.catalogue import Item
from gateway.audit.coverage import Attested
from gateway.audit.hours import Hours, days
from gateway.audit.leads import DeviceDay, Lead, Settled
from gateway.audit.match import Treatment
from gateway.audit.spans import Span, intersect, length_ms, subtract, union
from gateway.audit.supplies import Dark, Session
from gateway.audit.verdicts import Case, ItemRule, Verdict, judge
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device, Placement

PERFORMED_MS = 30 * 60 * 1000  # a line that says when it was performed has that instant, give or take half an hour


@dataclass(frozen=True, slots=True)
class Period:
    """All that a reconciliation of [`from_day`, `to_day`], both included, rests on.

    `lines` hold those charged in the period and all whose windows overlap theirs, directly or by chain; `attested` is
    what each unit's chain says, `grades` how far its key is vouched for; `findings` are those of intake.
    """

    from_day: date
    to_day: date
    hours: Hours
    items: Mapping[int, Item]
    tolerance_s: int
    lines: Sequence[BillLine]
    devices: Sequence[Device]
    placements: Sequence[Placement]
    attested: Mapping[str, Attested]
    grades: Mapping[str, str]
    findings: Sequence[leads.Finding] = ()


@dataclass(slots=True)
class Reconciliation:
    """What can be said of the period. `verdicts` pair each with its bill line, in the order of charge."""

    from_day: date
    to_day: date
    verdicts: list[tuple[Verdict, BillLine]] = field(default_factory=list)
    coverage: list[DeviceDay] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)


def window(line: BillLine, item: Item, hours: Hours) -> Span:
    """When a treatment of this line may have begun; both instants belong to it."""
    if line.performed_ms is not None:
        return line.performed_ms - PERFORMED_MS, line.performed_ms + PERFORMED_MS
    first = hours.day_of(line.charged_ms)
    last = first + timedelta(days=_valid_days(line, item) - 1)
    return hours.calendar_day(first)[0], hours.calendar_day(last)[1] - 1


def _valid_days(line: BillLine, item: Item) -> int:
    if item.day_max and item.course_max and item.course_days and item.day_max < line.treatments <= item.course_max:
        return item.course_days
    return item.valid_days or 1


def reach(lines: Iterable[BillLine], items: Mapping[int, Item], hours: Hours) -> Span | None:
    """From the first to the last instant of all the lines' windows; None without lines."""
    windows = [window(line, items[line.item], hours) for line in lines if line.item is not None]
    return (min(start for start, _ in windows), max(end for _, end in windows)) if windows else None


def longest_window_days(items: Iterable[Item]) -> int:
    """How many days a charge may lie before the last instant of its window."""
    return max((max(item.valid_days or 1, item.course_days or 1) for item in items), default=1)


def reconcile(period: Period, rules: leads.Rules) -> Reconciliation:
    """Every line of the period gets its verdicts; the devices their coverage; what a person should look at, a lead."""
    reported = Reconciliation(period.from_day, period.to_day)
    reported.coverage = _coverage(period)
    settled = [_settle(period, load, lines) for load, lines in sorted(_classes(period).items())]
    charged = {line.line: line for line in period.lines}
    for each in settled:
        reported.verdicts += [
            (verdict, charged[verdict.line])
            for verdict in each.judgement.verdicts
            if _in_period(period, charged[verdict.line].charged_ms)
        ]
    reported.verdicts.sort(key=lambda pair: (pair[1].charged_ms, pair[0].line, pair[0].index))
    reported.leads = leads.find(_facts(period, settled, reported.coverage), rules)
    return reported


def _classes(period: Period) -> dict[str, list[BillLine]]:
    """Device class -> its lines. A class without lines is judged too: its lamps may have burned unbilled."""
    classes: dict[str, list[BillLine]] = {device.load: [] for device in period.devices}
    for line in period.lines:
        if line.item is not None:
            classes.setdefault(period.items[line.item].device_class, []).append(line)
    return classes


def _settle(period: Period, load: str, lines: Sequence[BillLine]) -> Settled:
    rules = {
        number: ItemRule(item.min_minutes * 60 - period.tolerance_s, item.max_minutes * 60)
        for number, item in period.items.items()
        if item.device_class == load
    }
    devices = [device for device in period.devices if device.load == load]
    case = Case(
        required_s=min(rule.required_s for rule in rules.values()),
        items=rules,
        treatments=[each for line in lines for each in _treatments(line, period)],
        sessions=_sessions(period, devices),
        darks=_darks(period, devices),
        inventory=[(device.from_ms, device.until_ms) for device in devices],
        has_units=bool({each.device for each in period.placements} & {device.device for device in devices}),
    )
    return Settled(load, min(rules), case, judge(case))


def _treatments(line: BillLine, period: Period) -> list[Treatment]:
    """A line of n asks for n treatments; its amount is split by n, rounded down, the last taking the rest."""
    item = period.items[line.item or 0]
    start_ms, end_ms = window(line, item, period.hours)
    share = line.amount_fen // line.treatments
    amounts = [share] * (line.treatments - 1) + [line.amount_fen - share * (line.treatments - 1)]
    return [
        Treatment(line.line, index, item.number, start_ms, end_ms, line.charged_ms, fen, line.reversed_by is not None)
        for index, fen in enumerate(amounts, start=1)
    ]


def _sessions(period: Period, devices: Sequence[Device]) -> list[Session]:
    """The sessions seen on these devices: each belongs to the device its unit was on when it began."""
    known = {device.device: device for device in devices}
    sessions = []
    for placed in period.placements:
        device = known.get(placed.device)
        if device is None or placed.unit not in period.attested:
            continue
        for seen in period.attested[placed.unit].sessions:
            if placed.from_ms <= seen.start_ms and (placed.until_ms is None or seen.start_ms < placed.until_ms):
                grade = period.grades[placed.unit]
                stay = (device.device, seen.start_ms, seen.end_ms, seen.active_s, device.stations, grade, seen.end_code)
                sessions.append(Session(placed.unit, seen.us, *stay))
    return sessions


def _darks(period: Period, devices: Sequence[Device]) -> list[Dark]:
    span = reach(period.lines, period.items, period.hours)
    first, last = period.from_day, period.to_day
    if span is not None:
        first, last = min(first, period.hours.day_of(span[0])), max(last, period.hours.day_of(span[1]))
    opening = [hours for day in days(first, last) for hours in period.hours.opening(day)]
    return [
        Dark(device.device, start, end, device.stations, _unit_of(period, device, start))
        for device in devices
        for start, end in _unwatched(period, device, opening)
    ]


def _unwatched(period: Period, device: Device, opening: Sequence[Span]) -> list[Span]:
    there = _there(device, opening)
    return there if device.blind else subtract(there, _watched(period, device))


def _there(device: Device, opening: Sequence[Span]) -> list[Span]:
    """The opening hours in which the device was in the inventory."""
    until_ms = device.until_ms or max((end for _, end in opening), default=0)
    return intersect(opening, [(device.from_ms, until_ms)])


def _watched(period: Period, device: Device) -> list[Span]:
    spans: list[Span] = []
    for placed in period.placements:
        if placed.device == device.device and placed.unit in period.attested:
            watched = period.attested[placed.unit].watched
            until_ms = placed.until_ms or max((end for _, end in watched), default=0)
            spans += intersect(watched, [(placed.from_ms, until_ms)])
    return union(spans)


def _unit_of(period: Period, device: Device, at_ms: int) -> str | None:
    for placed in period.placements:
        if placed.device == device.device and placed.from_ms <= at_ms < (placed.until_ms or at_ms + 1):
            return placed.unit
    return None


def _coverage(period: Period) -> list[DeviceDay]:
    rows = []
    for day in days(period.from_day, period.to_day):
        for device in period.devices:
            opening = period.hours.opening(day)
            there = _there(device, opening)
            if there:
                dark = tuple(_unwatched(period, device, opening))
                open_ms = length_ms(there)
                unit = _unit_of(period, device, there[0][0])
                rows.append(DeviceDay(device, unit, day, open_ms // 1000, (open_ms - length_ms(dark)) // 1000, dark))
    return rows


def _in_period(period: Period, at_ms: int) -> bool:
    return period.from_day <= period.hours.day_of(at_ms) <= period.to_day


def _facts(period: Period, settled: Sequence[Settled], coverage: Sequence[DeviceDay]) -> leads.Facts:
    doubts = [
        leads.Finding(doubt.code, unit, doubt.us, doubt.zh, doubt.en)
        for unit, attested in sorted(period.attested.items())
        for doubt in attested.doubts
    ]
    findings = [*period.findings, *doubts]
    stretch = (period.from_day, period.to_day, period.hours)
    return leads.Facts(*stretch, period.items, settled, coverage, findings, period.lines)

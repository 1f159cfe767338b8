"""Bills against device time: what the units attest and the clinic charged becomes verdicts, coverage and leads.

Pure: what is known of a period goes in as values, what can be said of it comes out. The rules are arguments; the same
period gives the same answer to a clinic, a district and an inspector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from gateway.audit import attended, leads
from gateway.audit.catalogue import Item
from gateway.audit.coverage import Attested, Seen
from gateway.audit.editions import Editions
from gateway.audit.facts import DeviceDay, Facts, Finding, Settled
from gateway.audit.hours import Hours, days
from gateway.audit.leads import Lead
from gateway.audit.match import Treatment
from gateway.audit.sources import Both
from gateway.audit.spans import FOREVER, Span, intersect, length_ms, subtract, union, whole_seconds
from gateway.audit.supplies import Dark, Session
from gateway.audit.tags import Contradicted
from gateway.audit.verdicts import Case, ItemRule, Verdict
from gateway.audit.windows import Wanted, Windows
from gateway.ledger.attended import Entry
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device, Placement

_Watched = Mapping[str, Sequence[Span]]


@dataclass(frozen=True)
class Period:
    """All that a reconciliation of [`from_day`, `to_day`], both included, rests on.

    `lines` hold those charged in the period and all whose windows overlap theirs, directly or by chain; `attested` is
    what each unit's chain says, `grades` how far its key is vouched for; `findings` are those of intake. What comes
    after `now_ms` nobody can have watched yet. `entries` are what people recorded of these lines' visits and in the
    period; `visits` those that tags of `attested` stand for; `both` what the clinic's own export and the platform
    tell of the period, where there are both.
    """

    from_day: date
    to_day: date
    now_ms: int
    hours: Hours
    items: Editions
    tolerance_s: int
    lines: Sequence[BillLine]
    devices: Sequence[Device]
    placements: Sequence[Placement]
    attested: Mapping[str, Attested]
    grades: Mapping[str, str]
    findings: Sequence[Finding] = ()
    entries: Sequence[Entry] = ()
    visits: Mapping[str, str] = field(default_factory=dict)
    both: Both | None = None

    @cached_property
    def windows(self) -> Windows:
        """What each bill line wants."""
        return Windows(self.items, self.hours)

    @cached_property
    def wanted(self) -> Sequence[tuple[BillLine, Wanted]]:
        """The lines of items that were in force, and what they want."""
        wanted = ((line, self.windows.of(line)) for line in self.lines)
        return [(line, each) for line, each in wanted if each is not None]

    @cached_property
    def there(self) -> Sequence[Item]:
        """All versions of items that were in force on some day of the period."""
        return self.items.between(self.from_day, self.to_day)

    @cached_property
    def opening(self) -> Sequence[Span]:
        """The opening hours of the period and of all days that the lines' windows reach."""
        first, last = self.from_day, self.to_day
        if self.wanted:
            windows = {wanted.window for _, wanted in self.wanted}
            first = min(first, self.hours.day_of(min(start for start, _ in windows)))
            last = max(last, self.hours.day_of(max(end for _, end in windows)))
        return [hours for day in days(first, last) for hours in self.hours.opening(day)]


@dataclass(slots=True)
class Reconciliation:
    """What can be said of the period. `verdicts` pair each with its bill line, in the order of charge."""

    from_day: date
    to_day: date
    verdicts: list[tuple[Verdict, BillLine]] = field(default_factory=list)
    coverage: list[DeviceDay] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)


def reconcile(period: Period, rules: leads.Rules) -> Reconciliation:
    """Every line of the period gets its verdicts; the devices their coverage; what a person should look at, a lead."""
    watched = {device.device: _watched(period, device) for device in period.devices}
    reported = Reconciliation(period.from_day, period.to_day)
    reported.coverage = _coverage(period, watched)
    settled = _classes_judged(period, watched)
    charged = {line.line: line for line in period.lines if _in_period(period, line.charged_ms)}
    reported.verdicts = [
        (verdict, line)
        for each in settled
        for verdict in each.judgement.verdicts
        if (line := charged.get(verdict.line)) is not None
    ]
    reported.verdicts.sort(key=lambda pair: (pair[1].charged_ms, pair[0].line, pair[0].index))
    reported.leads = leads.find(_facts(period, settled, reported.coverage), rules)
    return reported


def classes_judged(period: Period) -> list[Settled]:
    """Each class of devices with its verdicts, and nothing kept: what could be said if the period ended now."""
    return _classes_judged(period, {device.device: _watched(period, device) for device in period.devices})


def _classes_judged(period: Period, watched: _Watched) -> list[Settled]:
    return [_settle(period, load, billed, watched) for load, billed in sorted(_classes(period).items())]


_Billed = Sequence[tuple[BillLine, Wanted]]
"""The lines of one class, and what they want."""


def _classes(period: Period) -> dict[str, list[tuple[BillLine, Wanted]]]:
    """Device class -> its lines. A class without lines is judged too: its lamps may have burned unbilled. One that shows
    no item of the catalogue is not."""
    known = {item.device_class for item in period.there}
    classes: dict[str, list[tuple[BillLine, Wanted]]] = {
        device.load: [] for device in period.devices if device.load in known
    }
    for line, wanted in period.wanted:
        classes.setdefault(wanted.item.device_class, []).append((line, wanted))
    return classes


def _settle(period: Period, load: str, billed: _Billed, watched: _Watched) -> Settled:
    there = [item for item in period.there if item.device_class == load]
    versions = {id(wanted.item): wanted.item for _, wanted in billed}
    counts = {item.number: item for item in (*versions.values(), *there)}
    rules = {number: _rule(item, period) for number, item in counts.items()}
    devices = [device for device in period.devices if device.load == load]
    case = Case(
        required_s=min(_rule(item, period).required_s for item in (*versions.values(), *there)),
        items=rules,
        amended=_amended(period, billed, counts),
        treatments=_treatments(billed),
        sessions=[*_sessions(period, devices), *attended.sessions(period.entries, rules)],
        darks=_darks(period, devices, watched),
        inventory=[(device.from_ms, device.until_ms) for device in devices],
        attended=attended.lines_recorded(period.entries, (line for line, _ in billed)),
    )
    placed = [each.from_ms for each in period.placements if each.device in {one.device for one in devices}]
    entries = period.entries
    undone = attended.awaiting_refund(entries, case.treatments, _refunded(billed)) if entries else {}
    judgement = attended.judge_class(case, undone, min(placed, default=FOREVER))
    return Settled(load, min(rules), case, judgement)


def _rule(item: Item, period: Period) -> ItemRule:
    return ItemRule(item.min_minutes * 60 - period.tolerance_s, item.max_minutes * 60)


def _amended(period: Period, billed: _Billed, counts: Mapping[int, Item]) -> dict[str, ItemRule]:
    """Line -> its rule, where that is other than what `counts` of its item: the version at the end of the period, or of one
    that was not there then some line's."""
    others = [(line, wanted.item) for line, wanted in billed if wanted.item is not counts[wanted.item.number]]
    rules = {line.line: (_rule(item, period), _rule(counts[item.number], period)) for line, item in others}
    return {line: rule for line, (rule, usual) in rules.items() if rule != usual}


def _refunded(billed: _Billed) -> dict[str, int]:
    """Line -> how many of its treatments were taken back, wholly or in part."""
    return {
        line.line: wanted.paid - (line.treatments if line.reversed_by is None else 0)
        for line, wanted in billed
    }


def _treatments(billed: _Billed) -> list[Treatment]:
    """A line of n asks for n treatments; its amount is split by n, rounded down, the last taking the rest."""
    asked = []
    for line, wanted in billed:
        first_ms, last_ms = wanted.window
        count, is_reversed = line.treatments, line.reversed_by is not None
        share = line.amount_fen // max(count, 1)
        for index in range(1, count + 1):
            fen = share if index < count else line.amount_fen - share * (count - 1)
            about = (line.line, index, wanted.item.number, first_ms, last_ms, line.charged_ms, fen)
            asked.append(Treatment(*about, is_reversed, line.visit))
    return asked


def _sessions(period: Period, devices: Sequence[Device]) -> list[Session]:
    """The sessions seen on these devices: each belongs to the device its unit was on when it began."""
    known = {device.device: device for device in devices}
    return [
        _session(placed.unit, known[placed.device], seen, period)
        for placed in period.placements
        if placed.device in known and placed.unit in period.attested
        for seen in period.attested[placed.unit].sessions
        if placed.from_ms <= seen.start_ms < _end(placed.until_ms)
    ]


def _session(unit: str, device: Device, seen: Seen, period: Period) -> Session:
    """What an off-the-shelf plug measured is of grade B, whoever vouches for the key."""
    grade = "B" if seen.plug else period.grades[unit]
    times = (seen.start_ms, seen.end_ms, seen.active_s)
    visits = _visits(period, seen.tags) if seen.tags else ()
    return Session(unit, seen.us, device.device, *times, device.stations, grade, seen.end_code, visits)


def _visits(period: Period, tags: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({period.visits[tag] for tag in tags if tag in period.visits}))


def _darks(period: Period, devices: Sequence[Device], watched: _Watched) -> list[Dark]:
    return [
        Dark(device.device, start, end, device.stations, _unit_in(period, device, (start, start + 1)))
        for device in devices
        for start, end in _unwatched(device, period.opening, watched)
    ]


def _unwatched(device: Device, opening: Sequence[Span], watched: _Watched) -> list[Span]:
    """Dark times, in whole seconds so that what is printed of them is exact. What may run unseen is dark throughout."""
    there = _there(device, opening)
    if device.blind:
        return there
    return intersect(there, whole_seconds(subtract(there, watched[device.device])))


def _there(device: Device, opening: Sequence[Span]) -> list[Span]:
    """The opening hours in which the device was in the inventory."""
    return intersect(opening, [(device.from_ms, _end(device.until_ms))])


def _watched(period: Period, device: Device) -> list[Span]:
    """When a unit that was on the device watched."""
    return union(
        each
        for placed in period.placements
        if placed.device == device.device and placed.unit in period.attested
        for each in intersect(period.attested[placed.unit].watched, [(placed.from_ms, _end(placed.until_ms))])
    )


def _end(until_ms: int | None) -> int:
    return FOREVER if until_ms is None else until_ms


def _unit_in(period: Period, device: Device, span: Span) -> str | None:
    """The first unit that was on the device in the span."""
    placed = [
        (each.from_ms, each.unit)
        for each in period.placements
        if each.device == device.device and each.from_ms < span[1] and span[0] < _end(each.until_ms)
    ]
    return min(placed)[1] if placed else None


def _coverage(period: Period, watched: _Watched) -> list[DeviceDay]:
    openings = [(day, period.hours.opening(day)) for day in days(period.from_day, period.to_day)]
    return [
        _device_day(period, device, day, there, watched)
        for day, opening in openings
        for device in period.devices
        if (there := _there(device, opening))
    ]


def _device_day(
    period: Period, device: Device, day: date, there: Sequence[Span], watched: _Watched
) -> DeviceDay:
    dark = tuple(_unwatched(device, there, watched))
    open_ms = length_ms(there)
    unit = _unit_in(period, device, (there[0][0], there[-1][1]))
    return DeviceDay(device, unit, day, open_ms // 1000, (open_ms - length_ms(dark)) // 1000, dark)


def _in_period(period: Period, at_ms: int) -> bool:
    return period.from_day <= period.hours.day_of(at_ms) <= period.to_day


def _facts(period: Period, settled: Sequence[Settled], coverage: Sequence[DeviceDay]) -> Facts:
    doubts = [
        Finding(doubt.code, unit, doubt.us, doubt.at_ms, doubt.zh, doubt.en)
        for unit, attested in sorted(period.attested.items())
        for doubt in attested.doubts
    ]
    doubts += [_contradiction(each) for one in settled for each in one.judgement.contradicted]
    return Facts(
        from_day=period.from_day,
        to_day=period.to_day,
        now_ms=period.now_ms,
        hours=period.hours,
        items=period.items,
        devices={device.device: device for device in period.devices},
        settled=settled,
        coverage=coverage,
        findings=[each for each in (*period.findings, *doubts) if _in_period(period, each.at_ms)],
        lines=period.lines,
        told=attended.told(period.entries),
        versions={line.line: wanted.item for line, wanted in period.wanted},
        attested=period.attested,
        both=period.both,
    )


def _contradiction(found: Contradicted) -> Finding:
    session, visit = found.session, found.visit
    zh, en = "该就诊没有能与它相配的收费", "which has no charge that it could be"
    if found.too_short:
        zh = f"通电 {session.active_s} 秒，不够该就诊所收的任何一次治疗"
        en = f"and with {session.active_s} s is too short for any treatment that it was charged"
    return Finding(
        "tag_contradicted",
        session.unit,
        session.us,
        session.start_ms,
        f"记录 {session.us} 带有就诊 {visit} 的标签，{zh}",
        f"record {session.us} carries the tag of visit {visit}, {en}",
    )

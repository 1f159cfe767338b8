"""When charges come and devices run, and when nobody watches: burst, clockwork, dark."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate

from gateway.audit.facts import DeviceDay, Facts, Settled
from gateway.audit.rules import ordinary
from gateway.audit.rules.found import (
    Figures,
    Found,
    billed,
    item_of,
    place,
    seen,
)
from gateway.audit.spans import Span
from gateway.audit.supplies import Session
from gateway.audit.verdicts import SHORT_S
from gateway.ledger.bills import BillLine


def burst(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Many lines of a class charged in a short time, with no device running near it, and more of them than the day's ordinary
    device time leaves after all other charges. Charging a morning's treatments together at noon is none."""
    for settled in facts.settled:
        crowds = _alone(facts, settled, rule)
        if not crowds:
            continue
        left = _Left(facts, settled, rule)
        for charged in crowds:
            span = _span(charged)
            day = facts.day_in_period(span[0])
            if day is None:
                continue
            treatments = sum(line.treatments for line in charged)
            free = max(0, left.on(day) + treatments)
            if free < treatments * rule["covered_share"]:
                yield Found(
                    identity=(facts.hours.config.clinic, settled.load, charged[0].line),
                    day=day,
                    item=settled.item,
                    treatments=treatments,
                    capacity=free,
                    lines={line.line for line in charged},
                    amount_fen=sum(line.amount_fen for line in charged),
                    said={
                        "records": len(charged),
                        "free": free,
                        "near": rule["near_s"] // 60,
                        **_from_to(facts, span),
                    },
                    witness=[billed(line) for line in charged],
                )


def _from_to(facts: Facts, span: Span) -> dict[str, object]:
    first, last = (f"{facts.hours.local(each):%H:%M}" for each in span)
    return {"from": first, "until": last}


def _alone(facts: Facts, settled: Settled, rule: Figures) -> Sequence[Sequence[BillLine]]:
    """The crowds of a class's lines with no device running near, or unwatched."""
    lines = facts.charged_by_class.get(settled.load, ())
    if len(lines) < rule["least_lines"] or not ordinary.devices_of(facts, settled):
        return []
    crowds = list(_crowds(lines, rule["least_lines"], rule["within_s"] * 1000))
    if not crowds:
        return []
    near = _Near(facts, settled)
    return [each for each in crowds if not near.is_any(_span(each), rule["near_s"] * 1000)]


def _span(lines: Sequence[BillLine]) -> Span:
    return lines[0].charged_ms, lines[-1].charged_ms


def _crowds(lines: Sequence[BillLine], least: int, within_ms: int) -> Iterator[Sequence[BillLine]]:
    """Runs of at least so many lines, in order of charge, within so long; none shares a line with another."""
    first = 0
    while first + least <= len(lines):
        until_ms = lines[first].charged_ms + within_ms
        if lines[first + least - 1].charged_ms > until_ms:
            first += 1
            continue
        last = bisect_right(lines, until_ms, key=lambda each: each.charged_ms)
        yield lines[first:last]
        first = last


class _Near:
    """Whether a device of the class ran, or was not watched, near an instant."""

    def __init__(self, facts: Facts, settled: Settled) -> None:
        spans = [
            (each.start_ms, each.end_ms) for each in facts.metered[settled.load] if each.active_s >= SHORT_S
        ]
        spans += [(each.from_ms, each.until_ms) for each in settled.case.darks]
        spans.sort()
        self._starts = [start for start, _ in spans]
        self._latest = list(accumulate((end for _, end in spans), max))

    def is_any(self, span: Span, near_ms: int) -> bool:
        begun = bisect_right(self._starts, span[1] + near_ms)
        return begun > 0 and self._latest[begun - 1] >= span[0] - near_ms


class _Left:
    """What the ordinary and the unwatched device time of a day leaves after all that was charged on it; below zero where it
    does not suffice."""

    def __init__(self, facts: Facts, settled: Settled, rule: Figures) -> None:
        self._ran = ordinary.sessions_by_day(facts, settled, ordinary.long_s(facts, settled, rule))
        self._dark = ordinary.dark_by_day(facts, settled)
        asked = (each for each in settled.case.treatments if not each.reversed)
        self._asked = Counter(facts.day_alone(each) for each in asked)

    def on(self, day: date) -> int:
        ran = self._ran.get(day, ordinary.Day())
        return ran.ordinary + ran.within + self._dark.get(day, 0) - self._asked[day]


def clockwork(facts: Facts, rule: Figures) -> Iterator[Found]:
    """A device that goes on at the same second, for as long, on several days: hands do not, a time switch does."""
    for settled in facts.settled:
        by_device: dict[str, list[Session]] = defaultdict(list)
        for session in facts.metered[settled.load]:
            if facts.day_in_period(session.start_ms):
                by_device[session.device].append(session)
        for device, sessions in by_device.items():
            for alike in _alike(facts, sessions, rule):
                yield _switched(facts, settled, device, alike, rule["within_s"])


def _switched(facts: Facts, settled: Settled, device: str, alike: list[Session], within_s: int) -> Found:
    first = min(alike, key=lambda each: each.start_ms)
    runs = {facts.day_of(each.start_ms) for each in alike}
    spoken = {
        "at": f"{facts.hours.local(first.start_ms):%H:%M:%S}",
        "minutes": round(first.active_s / 60),
        "days": len(runs),
        "within": within_s,
    }
    return Found(
        identity=(device, first.key),
        day=min(runs),
        item=settled.item,
        capacity=sum(each.active_s // settled.case.required_s * each.stations for each in alike),
        supplies={each.key for each in alike},
        said=place(facts.devices[device]) | spoken,
        witness=[seen(each) for each in sorted(alike, key=lambda each: each.start_ms)],
    )


def _alike(facts: Facts, sessions: list[Session], rule: Figures) -> Iterator[list[Session]]:
    """Groups of sessions that began within `within_s` of each other by the clock on the wall and were on as long, to
    `length_s`, on at least `least_days` days; no session stands in two."""
    by_clock = sorted((facts.second_of_day(each.start_ms), each.key, each) for each in sessions)
    clocks = [clock for clock, _, _ in by_clock]
    taken: set[str] = set()
    for position, (clock, key, first) in enumerate(by_clock):
        last = bisect_right(clocks, clock + rule["within_s"])
        if last - position < rule["least_days"]:
            continue
        alike = [
            each
            for _, _, each in by_clock[position:last]
            if abs(each.active_s - first.active_s) <= rule["length_s"] and each.key not in taken
        ]
        enough = len({facts.day_of(each.start_ms) for each in alike}) >= rule["least_days"]
        if key not in taken and enough:
            taken.update(each.key for each in alike)
            yield alike


def dark(facts: Facts, rule: Figures) -> Iterator[Found]:
    """A device with a unit that nobody watched for long in opening hours, just when treatments were charged that it could show:
    treatments of the day need unwatched time to be explained, or far more were charged meanwhile than at other times.

    What is still to come is not watched either, but that is no finding; nor is a device that is known to be blind.
    """
    needed = _unobserved(facts)
    for each in facts.coverage:
        past = [(start, min(end, facts.now_ms)) for start, end in each.dark]
        spans = [span for span in past if span[1] - span[0] >= rule["least_s"] * 1000]
        if spans and each.unit and not each.device.blind:
            charged = facts.charged_by_class.get(each.device.load, ())
            lines = [line for span in spans for line in _in(charged, span)]
            treatments = sum(line.treatments for line in lines)
            unobserved = needed[each.day, each.device.load]
            crowd = treatments >= rule["least_crowd"] and treatments >= rule["times"] * _usual(
                facts, each, spans
            )
            if treatments >= rule["least_charged"] and (unobserved or crowd):
                yield _unwatched(facts, each, spans, lines, unobserved)


def _unwatched(
    facts: Facts, each: DeviceDay, spans: list[Span], lines: list[BillLine], unobserved: int
) -> Found:
    clock = ", ".join(f"{facts.hours.local(a):%H:%M}-{facts.hours.local(b):%H:%M}" for a, b in spans)
    spoken = {
        "spans": clock,
        "minutes": sum(end - start for start, end in spans) // 60000,
        "unobserved": unobserved,
    }
    return Found(
        identity=(each.day, each.device.device),
        day=each.day,
        item=item_of(facts, each.device.load),
        treatments=sum(line.treatments for line in lines),
        lines=facts.with_doubt(line.line for line in lines),
        dark={(each.name, start, end) for start, end in spans},
        amount_fen=sum(line.amount_fen for line in lines),
        said=place(each.device) | spoken,
        witness=[{"device": each.device.device, "from_ms": start, "until_ms": end} for start, end in spans],
    )


def _in(lines: Sequence[BillLine], span: Span) -> Sequence[BillLine]:
    first, last = (bisect_left(lines, edge, key=lambda each: each.charged_ms) for edge in span)
    return lines[first:last]


def _usual(facts: Facts, each: DeviceDay, spans: list[Span]) -> float:
    """How many treatments of the class would be charged in the spans if the day's were spread evenly over opening hours."""
    opening = facts.hours.opening(each.day)
    charged = facts.charged_by_class.get(each.device.load, ())
    in_day = sum(line.treatments for span in opening for line in _in(charged, span))
    open_ms = sum(end - start for start, end in opening)
    return in_day * sum(end - start for start, end in spans) / open_ms if open_ms else 0.0


def _unobserved(facts: Facts) -> Counter[tuple[date, str]]:
    """How many treatments of each day and class only unwatched time could explain."""
    return Counter(
        (facts.day_of(verdict.window_from_ms), settled.load)
        for settled in facts.settled
        for verdict in settled.judgement.verdicts
        if verdict.code == "unobserved"
    )

"""The rules by which leads are found. Each is a function from the facts of a period to what it found, and a table in
rules.toml with its figures and sentences.

A lead is a question to a person, never a violation, and none names one line of a larger doubted set alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.audit.facts import Facts
from gateway.audit.match import Treatment
from gateway.audit.spans import Span
from gateway.audit.verdicts import Remainder, Verdict
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device


@dataclass(slots=True)
class Found:
    """What a rule found: the facts of a lead, by which of them it is known again (`identity`), and what its sentence
    says besides."""

    identity: Iterable[object]
    day: date
    item: int | None
    treatments: int = 0
    capacity: int = 0
    lines: Iterable[str] = ()
    supplies: Iterable[str] = ()
    dark: Iterable[tuple[str, int, int]] = ()
    amount_fen: int = 0
    said: Mapping[str, object] = field(default_factory=dict)


def _capacity(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Found]:
    """A set of treatments and all that any of them could have used, which is too little (Hall's condition)."""
    for settled in facts.settled:
        for witness in settled.judgement.witnesses:
            charged = [facts.hours.day_of(each.charged_ms) for each in witness.treatments]
            days = [day for day in charged if facts.from_day <= day <= facts.to_day]
            if not days:
                continue
            over = len(witness.treatments) - witness.capacity
            lines = {each.line for each in witness.treatments}
            yield Found(
                identity=sorted(lines),
                day=min(days),
                item=min(each.item for each in witness.treatments),
                treatments=len(witness.treatments),
                capacity=witness.capacity,
                lines=lines,
                supplies={session.key for supply in witness.supplies for session in supply.sessions},
                dark={
                    (dark.name, dark.from_ms, dark.until_ms)
                    for supply in witness.supplies
                    for dark in supply.darks
                },
                amount_fen=_least_fen(witness.treatments, over),
                said={"day": _days(min(charged), max(charged)), "over": over},
            )


def _short(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Found]:
    """Treatments for which there was device time, but less than required; one lead for each class and day.

    Which line of a doubted set got the short time is chance: all of them are named, and the least they can have cost.
    """
    for settled in facts.settled:
        charged = {each.line: facts.day_in_period(each.charged_ms) for each in settled.case.treatments}
        by_day: dict[date, list[Verdict]] = defaultdict(list)
        for verdict in settled.judgement.verdicts:
            day = charged[verdict.line]
            if verdict.code == "short" and day:
                by_day[day].append(verdict)
        for day, verdicts in by_day.items():
            lines = {line for each in verdicts for line in each.among}
            doubted = [each for each in settled.case.treatments if each.line in lines]
            seconds = ", ".join(str(each.active_s) for each in verdicts)
            yield Found(
                identity=(settled.load, day, *sorted(lines)),
                day=day,
                item=min(each.item for each in verdicts),
                treatments=len(verdicts),
                lines=lines,
                supplies={record for each in verdicts for record in each.records},
                amount_fen=_least_fen(doubted, len(verdicts)),
                said={"seconds": seconds, "required_s": settled.case.required_s},
            )


def _unbilled(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Found]:
    """Device time for whole treatments that no charge asks for; one lead for each device and day.

    The stations of a device burn together: its time counts once, and only where no station of it was billed.
    """
    for settled in facts.settled:
        left: dict[tuple[date, str], list[Remainder]] = defaultdict(list)
        for remainder in settled.judgement.unused:
            day = facts.day_in_period(remainder.session.start_ms)
            if day and remainder.station == 0:
                left[day, remainder.session.device].append(remainder)
        for (day, device), remainders in left.items():
            yield Found(
                identity=(day, device),
                day=day,
                item=settled.item,
                capacity=sum(each.left_s // settled.case.required_s for each in remainders),
                supplies={each.session.key for each in remainders},
                said=_place(facts.devices[device]) | {"seconds": sum(each.left_s for each in remainders)},
            )


def _dark(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Found]:
    """A device that nobody watched for long in opening hours, just when treatments were charged that it could show.

    What is still to come is not watched either, but that is no finding.
    """
    sets, charged = _doubted_sets(facts), _charged_by_class(facts)
    for each in facts.coverage:
        past = [(start, min(end, facts.now_ms)) for start, end in each.dark]
        spans = [span for span in past if span[1] - span[0] >= rule["least_s"] * 1000]
        lines = [line for span in spans for line in _in(charged[each.device.load], span)]
        treatments = sum(line.treatments for line in lines)
        if spans and treatments >= rule["least_charged"]:
            clock = ", ".join(f"{facts.hours.local(a):%H:%M}-{facts.hours.local(b):%H:%M}" for a, b in spans)
            minutes = sum(end - start for start, end in spans) // 60000
            yield Found(
                identity=(each.day, each.device.device),
                day=each.day,
                item=_item_of(facts, each.device.load),
                treatments=treatments,
                lines={name for line in lines for name in sets.get(line.line, (line.line,))},
                dark={(each.name, start, end) for start, end in spans},
                amount_fen=sum(line.amount_fen for line in lines),
                said=_place(each.device) | {"spans": clock, "minutes": minutes},
            )


def _charged_by_class(facts: Facts) -> dict[str, list[BillLine]]:
    """The lines of each class of devices that were not taken back, in the order of charge."""
    charged: dict[str, list[BillLine]] = defaultdict(list)
    for line in sorted(facts.lines, key=lambda each: each.charged_ms):
        if line.item is not None and line.reversed_by is None:
            charged[facts.items[line.item].device_class].append(line)
    return charged


def _in(lines: Sequence[BillLine], span: Span) -> Sequence[BillLine]:
    first, last = (bisect_left(lines, edge, key=lambda each: each.charged_ms) for edge in span)
    return lines[first:last]


def _doubted_sets(facts: Facts) -> dict[str, set[str]]:
    """Line -> all the lines that share a doubt with it: none of them is named alone."""
    sets: dict[str, set[str]] = defaultdict(set)
    for settled in facts.settled:
        for verdict in settled.judgement.verdicts:
            for line in verdict.among:
                sets[line].update(verdict.among)
    return sets


def _chain(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Found]:
    """What was found of a unit's records: gaps, forks, refused seals, clocks that jumped; the same once a record."""
    loads = {each.unit: each.device.load for each in facts.coverage}
    named = {(each.code, each.unit, each.us): each for each in reversed(facts.findings)}
    for identity, finding in named.items():
        yield Found(
            identity=identity,
            day=facts.hours.day_of(finding.at_ms),
            item=_item_of(facts, loads.get(finding.unit)),
            supplies=() if finding.us is None else (f"{finding.unit}:{finding.us}",),
            said={"unit": finding.unit or "?", "why_zh": finding.zh, "why_en": finding.en},
        )


def _place(device: Device) -> dict[str, object]:
    return {"device": device.device, "room": device.room}


def _item_of(facts: Facts, load: str | None) -> int | None:
    return next((each.item for each in facts.settled if each.load == load), None)


def _least_fen(treatments: Iterable[Treatment], count: int) -> int:
    """What so many of them cost at least, whichever they were."""
    return sum(sorted(each.amount_fen for each in treatments)[:count])


def _days(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} - {last}"


RULES = {"capacity": _capacity, "short": _short, "unbilled": _unbilled, "dark": _dark, "chain": _chain}

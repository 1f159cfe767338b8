"""Leads (线索): findings for a person to review. None is a violation, and none names one line of a larger set alone.

Each rule is a function from the facts of a period to leads, and a table in rules.toml with its figures and sentences.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from gateway.audit.catalogue import Item
from gateway.audit.hours import Hours
from gateway.audit.spans import Span
from gateway.audit.verdicts import Case, Judgement, Verdict
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device

Rules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What intake or the chain itself found of a unit's records; `code` as in `take-in --json`."""

    code: str
    unit: str
    us: int | None
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
    hours: Hours
    items: Mapping[int, Item]
    settled: Sequence[Settled]
    coverage: Sequence[DeviceDay]
    findings: Sequence[Finding]
    lines: Sequence[BillLine]


@dataclass(frozen=True, slots=True)
class Lead:
    """A finding for a person. `lines` and `supplies` are what it rests on, `dark` the (unit or device, from, until)
    that were counted in favour of the clinic; `treatments` against `capacity` is its arithmetic."""

    name: str
    rule: str
    item: int
    day: date
    treatments: int
    capacity: int
    lines: tuple[str, ...]
    supplies: tuple[str, ...]
    dark: tuple[tuple[str, int, int], ...]
    amount_fen: int
    zh: str
    en: str


def default_rules() -> Rules:
    """The rules as shipped."""
    return tomllib.loads(resources.files("gateway.audit").joinpath("rules.toml").read_text("utf-8"))


def find(facts: Facts, rules: Rules) -> list[Lead]:
    """All leads of the period, in the order of rules.toml, then of day and name."""
    found: list[Lead] = []
    for rule, look in _RULES.items():
        if rules[rule]["enabled"]:
            found += sorted(look(facts, rules[rule]), key=lambda lead: (lead.day, lead.name))
    return found


def _capacity(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Lead]:
    """A set of treatments and all that any of them could have used, which is too little (Hall's condition)."""
    charged = {line.line: facts.hours.day_of(line.charged_ms) for line in facts.lines}
    for settled in facts.settled:
        for witness in settled.judgement.witnesses:
            first = min(charged[each.line] for each in witness.treatments)
            last = max(charged[each.line] for each in witness.treatments)
            if last < facts.from_day or first > facts.to_day:
                continue
            over = len(witness.treatments) - witness.capacity
            fen = sum(sorted(each.amount_fen for each in witness.treatments)[:over])
            sessions = {session.key for supply in witness.supplies for session in supply.sessions}
            dark = {(each.name, each.from_ms, each.until_ms) for supply in witness.supplies for each in supply.darks}
            said = {"day": _days(first, last), "over": over}
            yield _lead(
                "capacity", rule, facts, settled.item, first, len(witness.treatments), witness.capacity,
                {each.line for each in witness.treatments}, sessions, dark, fen, said,
            )  # fmt: skip


def _short(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Lead]:
    """Treatments for which there was device time, but less than required; one lead for each class and day."""
    charged = {line.line: facts.hours.day_of(line.charged_ms) for line in facts.lines}
    for settled in facts.settled:
        by_day: dict[date, list[Verdict]] = defaultdict(list)
        for verdict in settled.judgement.verdicts:
            if verdict.code == "short" and facts.from_day <= charged[verdict.line] <= facts.to_day:
                by_day[charged[verdict.line]].append(verdict)
        for day, verdicts in by_day.items():
            seconds = ", ".join(str(each.active_s) for each in verdicts)
            said = {"day": day, "seconds": seconds, "required_s": settled.case.required_s}
            lines = {line for each in verdicts for line in each.among}
            records = {record for each in verdicts for record in each.records}
            fen = sum(each.amount_fen for each in verdicts)
            yield _lead("short", rule, facts, settled.item, day, len(verdicts), 0, lines, records, (), fen, said)


def _unbilled(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Lead]:
    """Device time for whole treatments that no charge asks for; one lead for each device and day."""
    rooms = {each.device.device: each.device for each in facts.coverage}
    for settled in facts.settled:
        left: dict[tuple[date, str], list[Any]] = defaultdict(list)
        for remainder in settled.judgement.unused:
            day = facts.hours.day_of(remainder.session.start_ms)
            if facts.from_day <= day <= facts.to_day and remainder.session.device in rooms:
                left[day, remainder.session.device].append(remainder)
        for (day, device), remainders in left.items():
            whole = sum(each.left_s // settled.case.required_s for each in remainders)
            said = {"day": day, "seconds": sum(each.left_s for each in remainders)}
            said |= {"device": device, "room": rooms[device].room}
            records = {each.session.key for each in remainders}
            yield _lead("unbilled", rule, facts, settled.item, day, 0, whole, (), records, (), 0, said, device)


def _dark(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Lead]:
    """A device that nobody watched for long in opening hours, and what was charged meanwhile."""
    for each in facts.coverage:
        spans = [span for span in each.dark if span[1] - span[0] >= rule["least_s"] * 1000]
        if not spans:
            continue
        lines = [
            line
            for line in facts.lines
            if line.item is not None
            and facts.items[line.item].device_class == each.device.load
            and any(start <= line.charged_ms < end for start, end in spans)
        ]
        clock = ", ".join(f"{facts.hours.local(a):%H:%M}-{facts.hours.local(b):%H:%M}" for a, b in spans)
        minutes = sum(end - start for start, end in spans) // 60000
        said = {"day": each.day, "spans": clock, "minutes": minutes}
        said |= {"device": each.device.device, "room": each.device.room}
        count = sum(line.treatments for line in lines)
        fen = sum(line.amount_fen for line in lines)
        dark = {(each.unit or each.device.device, start, end) for start, end in spans}
        item = _item_of(facts, each.device.load)
        yield _lead(
            "dark", rule, facts, item, each.day, count, 0, {line.line for line in lines}, (), dark, fen, said,
            each.device.device,
        )  # fmt: skip


def _chain(facts: Facts, rule: Mapping[str, Any]) -> Iterator[Lead]:
    """What intake found of a unit's records: gaps, forks, refused seals, clocks that jumped."""
    loads = {each.unit: each.device.load for each in facts.coverage}
    for finding in facts.findings:
        said = {"day": facts.from_day, "unit": finding.unit}
        zh, en = rule["zh"].format(why=finding.zh, **said), rule["en"].format(why=finding.en, **said)
        supplies = () if finding.us is None else (f"{finding.unit}:{finding.us}",)
        name = _name("chain", finding.code, finding.unit, str(finding.us))
        item = _item_of(facts, loads.get(finding.unit, ""))
        yield Lead(name, "chain", item, facts.from_day, 0, 0, (), supplies, (), 0, zh, en)


_RULES = {"capacity": _capacity, "short": _short, "unbilled": _unbilled, "dark": _dark, "chain": _chain}


def _item_of(facts: Facts, load: str) -> int:
    return next((each.item for each in facts.settled if each.load == load), 0)


def _days(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} - {last}"


def _lead(
    rule: str,
    words: Mapping[str, Any],
    facts: Facts,
    item: int,
    day: date,
    treatments: int,
    capacity: int,
    lines: Iterable[str],
    supplies: Iterable[str],
    dark: Iterable[tuple[str, int, int]],
    amount_fen: int,
    said: Mapping[str, object],
    device: str = "",
) -> Lead:
    """`treatments` that ask, `capacity` that is there; where nobody asks the sentence counts the capacity."""
    figures = {"treatments": treatments or capacity, "capacity": capacity, "amount": yuan(amount_fen), **said}
    zh = words["zh"].format(item=facts.items[item].zh, **figures)
    en = words["en"].format(item=facts.items[item].en, **figures)
    rests_on = (tuple(sorted(lines)), tuple(sorted(supplies, key=_by_us)), tuple(sorted(dark)))
    name = _name(rule, str(item), str(day), device, *rests_on[0])
    return Lead(name, rule, item, day, treatments, capacity, *rests_on, amount_fen, zh, en)


def _by_us(key: str) -> tuple[str, int]:
    unit, _, us = key.rpartition(":")
    return unit, int(us)


def _name(*facts: str) -> str:
    """The same finding keeps its name when the period is reconciled again."""
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def yuan(fen: int) -> str:
    """An amount in fen as decimal text in yuan."""
    return f"{fen // 100}.{fen % 100:02d}"

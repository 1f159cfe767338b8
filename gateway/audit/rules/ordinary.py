"""How long a session ordinarily is, and what a class's sessions of a day carry when none simply burns.

A lamp serves the areas of one patient after the other, so a session may be a few treatments long without anybody having
let it burn. What is longer than that is long; what it carries beyond, somebody has to explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.audit.facts import Facts, Settled
from gateway.audit.items import Item
from gateway.audit.rules.found import Figures
from gateway.audit.supplies import Session


def longest_s(facts: Facts, settled: Settled) -> int:
    """The longest that a treatment of an item of the class takes."""
    return max(item.max_minutes for item in _items(facts, settled)) * 60


def long_s(facts: Facts, settled: Settled, rule: Figures) -> int:
    """From how many seconds on a session is long: `areas` treatments of an item billed by the area, one of any other, and
    `margin_s` more."""
    ordinary = (
        item.max_minutes * 60 * (rule["areas"] if item.per == "区" else 1) for item in _items(facts, settled)
    )
    return max(ordinary) + rule["margin_s"]


def _items(facts: Facts, settled: Settled) -> list[Item]:
    return [facts.items[number] for number in settled.case.items]


@dataclass(slots=True)
class Day:
    """The sessions of a class on one day, `long` ones apart, and how many treatments the others carry. Of a long one
    `within` counts what it carries until it is long."""

    ordinary: int = 0
    within: int = 0
    long: list[Session] = field(default_factory=list)


def sessions_by_day(facts: Facts, settled: Settled, longer_than_s: int) -> Mapping[date, Day]:
    """What ran on each day; a session that reaches into the next counts on both."""
    found: dict[date, Day] = defaultdict(Day)
    required_s = settled.case.required_s
    for session in facts.metered[settled.load]:
        first, last = facts.day_of(session.start_ms), facts.day_of(session.end_ms)
        for day in (first,) if first == last else (first, last):
            if session.active_s > longer_than_s:
                found[day].long.append(session)
                found[day].within += longer_than_s // required_s * session.stations
            else:
                found[day].ordinary += session.active_s // required_s * session.stations
    return found


def dark_by_day(facts: Facts, settled: Settled) -> Mapping[date, int]:
    """How many treatments the unwatched time of each day could carry."""
    carried: dict[date, int] = defaultdict(int)
    for dark in settled.case.darks:
        seconds = (dark.until_ms - dark.from_ms) // 1000
        carried[facts.day_of(dark.from_ms)] += -(-seconds // settled.case.required_s) * dark.stations
    return carried


def devices_of(facts: Facts, settled: Settled) -> Sequence[str]:
    """The names of the class's devices."""
    return [name for name, device in facts.devices.items() if device.load == settled.load]

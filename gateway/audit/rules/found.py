"""What a rule finds, as values: the facts of a lead. How they are said stands in rules.toml.

Two kinds of leads name lines. Those about device time (capacity, short, device_idle, long_burn, dark) name whole sets, because
which line of a set lacks its time nobody knows. Those about the bill itself (the others) name the lines that show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.audit.facts import Facts, Told
from gateway.audit.match import Treatment
from gateway.audit.spans import Span
from gateway.audit.supplies import Session
from gateway.ledger.bills import BillLine
from gateway.ledger.units import Device

Figures = Mapping[str, Any]
"""A rule's table of rules.toml."""

Row = Mapping[str, object]
"""One piece of evidence. Names that end in `_ms` are instants, milliseconds since 1970 UTC."""


@dataclass(slots=True)
class Found:
    """What a rule found: the facts of a lead, by which of them it is known again (`identity`), what its sentence says
    besides, and its `witness`: what a person needs to check it by hand."""

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
    parameters: Mapping[str, object] = field(default_factory=dict)
    witness: Sequence[Row] = ()


Rule = Callable[[Facts, Figures], Iterator[Found]]


def place(device: Device) -> dict[str, object]:
    """Where a device stands, for a sentence."""
    return {"device": device.device, "room": device.room}


def days(first: date, last: date) -> str:
    """A day, or from when to when."""
    return str(first) if first == last else f"{first} - {last}"


def item_of(facts: Facts, load: str | None) -> int | None:
    """The item that stands for a class of devices."""
    return next((each.item for each in facts.settled if each.load == load), None)


def least_fen(treatments: Iterable[Treatment], count: int) -> int:
    """What so many of them cost at least, whichever they were."""
    return sum(sorted(each.amount_fen for each in treatments)[:count])


def least_of_lines_fen(lines: Iterable[BillLine], count: int) -> int:
    """What so many treatments of these lines cost at least."""
    shares = sorted(
        share for line in lines for share in [line.amount_fen // line.treatments] * line.treatments
    )
    return sum(shares[:count])


def seen(session: Session) -> dict[str, object]:
    """A session as evidence."""
    return {
        "record": session.key,
        "from_ms": session.start_ms,
        "until_ms": session.end_ms,
        "active_s": session.active_s,
        "stations": session.stations,
    }


def billed(line: BillLine) -> dict[str, object]:
    """A bill line as evidence."""
    return {"line": line.line, "charged_ms": line.charged_ms, "treatments": line.treatments}


def entered(told: Told) -> dict[str, object]:
    """What a person recorded, as evidence."""
    return {
        "record": told.key,
        "line": told.line,
        "item": told.item,
        "from_ms": told.start_ms,
        "until_ms": told.end_ms,
    }


def hull(told: Sequence[Told]) -> Span:
    """From the first beginning to the last end of timed records."""
    return min(each.start_ms or 0 for each in told), max(each.end_ms or 0 for each in told)


def clock(facts: Facts, span: Span) -> dict[str, object]:
    """From when to when, as the clock on the wall shows it, for a sentence."""
    first, last = (f"{facts.hours.local(each):%H:%M}" for each in (span[0], span[1] - 1))
    return {"from": first, "until": last}

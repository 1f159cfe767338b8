"""Some of a day: the bill lines of an item, a room, a practitioner or a verdict, and the devices that they are about.

Coverage and the counts of the whole day are none of this file's: a filter hides lines, never what nobody watched. Nor does
one tell apart what belongs together: a set is asked for by what may be said of it, as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from gateway.pages.view import AMONG, PENDING, VERDICTS, DayView, Device, Line


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as an address carries it; empty: all."""

    item: str = ""
    room: str = ""
    staff: str = ""
    verdict: str = ""

    def told(self) -> dict[str, str]:
        """By name, what is asked for."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be asked for on a day: (value, name) of the items, then values; what is asked for is always among them."""

    items: tuple[tuple[str, str], ...]
    rooms: tuple[str, ...]
    staff: tuple[str, ...]
    verdicts: tuple[str, ...]


def asked(told: Mapping[str, str]) -> Asked:
    """What an address asks for. A verdict that there is not asks for nothing."""
    found = {each.name: told.get(each.name, "")[:80] for each in fields(Asked)}
    if found["verdict"] not in (*VERDICTS, PENDING, AMONG):
        found["verdict"] = ""
    return Asked(**found)


def choices(view: DayView, asked: Asked) -> Choices:
    """What occurs on the day."""
    items = {str(each.item): each.name for each in view.lines}
    if asked.item:
        items.setdefault(asked.item, "")
    codes = {code for each in view.lines for code in _codes(view, each)}
    rooms = {each.room for each in view.lines} | {each.room for each in view.devices} | {asked.room}
    staff = {each.staff for each in view.lines} | {asked.staff}
    return Choices(
        tuple(sorted(items.items(), key=lambda each: (len(each[0]), each[0]))),
        tuple(sorted(filter(None, rooms))),
        tuple(sorted(filter(None, staff))),
        tuple(code for code in (*VERDICTS, PENDING, AMONG) if code in codes or code == asked.verdict),
    )


def narrow(view: DayView, asked: Asked) -> DayView:
    """The day with only the lines that are asked for, and the devices of their classes; of a room, the devices there."""
    if not asked.told():
        return view
    lines = tuple(each for each in view.lines if _is_asked(view, each, asked))
    sets = tuple(each for each in view.sets if any(each.number in line.sets for line in lines))
    devices, is_part = _devices(view, lines, asked), len(lines) < len(view.lines)
    return replace(view, lines=lines, devices=devices, sets=sets, is_part=is_part, coverage=view.watched)


def _is_asked(view: DayView, line: Line, asked: Asked) -> bool:
    return (
        asked.item in ("", str(line.item))
        and asked.room in ("", line.room)
        and asked.staff in ("", line.staff)
        and (not asked.verdict or asked.verdict in _codes(view, line))
    )


def _codes(view: DayView, line: Line) -> set[str]:
    """By which verdicts a line can be asked for: a member of sets by that, and by what is in doubt among them."""
    doubts = {code for each in view.sets if each.number in line.sets for code, _ in each.counts}
    return {*line.shown, *doubts}


def _devices(view: DayView, lines: tuple[Line, ...], asked: Asked) -> tuple[Device, ...]:
    loads = {each.load for each in lines}
    there = tuple(each for each in view.devices if asked.room and each.room == asked.room)
    if asked.item or asked.staff or asked.verdict or not there:
        there = tuple(each for each in there or view.devices if each.load in loads)
    return there

"""Bill lines of two sources made into pairs, the nearest first. Pure.

Sources number the same line differently, so lines are paired by what they say: first under one name, then in one visit, in
one settlement. Where on a day the two share neither visits nor settlements, because they number these differently too, lines
of one patient and day that say the same are a pair, and then any of one day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from gateway.audit.formats.statements import BATCH
from gateway.audit.hours import Hours
from gateway.ledger.bills import BillLine

Key = Callable[[BillLine], object]


class Side:
    """The lines of one source that are in force, and which of them have no partner yet."""

    def __init__(self, lines: Iterable[BillLine], hours: Hours):
        self._open = {each.line: each for each in lines if each.reversed_by is None}
        self._day = {each.line: hours.day_of(each.charged_ms) for each in self._open.values()}
        self._alike: dict[object, list[BillLine]] = defaultdict(list)
        self._unplaced: set[str] = set()

    def day(self, line: BillLine) -> date:
        return self._day[line.line]

    def open(self) -> Iterable[BillLine]:
        return self._open.values()

    def left(self) -> list[BillLine]:
        """Those without partner that are items of the catalogue."""
        return [each for each in self._open.values() if each.item is not None and each.treatments > 0]

    def places(self) -> tuple[set[tuple[date, str]], set[tuple[date, str]]]:
        """The visits and the settlements of each day."""
        lines = self._open.values()
        settled = {(self.day(each), _settlement(each)) for each in lines if _settlement(each)}
        return {(self.day(each), each.visit) for each in lines}, settled

    def free(self, by_visit: set[date], by_settlement: set[date]) -> None:
        """On these days both sides number visits, or settlements, alike: there only lines of one of these can be a pair. What
        the patient paid alone is not looked for on the other side by its money."""
        self._unplaced = {
            each.line
            for each in self._open.values()
            if self.day(each) not in by_visit
            and not (_settlement(each) and self.day(each) in by_settlement)
            and each.insured != 0
        }

    def is_unplaced(self, line: BillLine) -> bool:
        return line.line in self._unplaced

    def close(self, line: BillLine) -> None:
        del self._open[line.line]

    def remember_alike(self) -> None:
        """From here on lines that say the same on one day may stand for each other."""
        for each in self.left():
            self._alike[_said_on(self.day(each), each)].append(each)

    def alike(self, line: BillLine) -> list[BillLine]:
        return self._alike[_said_on(self.day(line), line)]


def _said(line: BillLine) -> tuple[object, ...]:
    return line.item, line.treatments if line.item is not None else line.count, line.amount_fen


def _said_on(day: date, line: BillLine) -> tuple[object, ...]:
    return day, *_said(line)


def _settlement(line: BillLine) -> str:
    return "" if line.settlement.startswith(BATCH) else line.settlement


def pair_equals(ours: Side, theirs: Side) -> None:
    """Pairs what says the same, the nearest first; then what has an item on one side only, by its money."""
    _pair(ours, theirs, lambda side, each: (each.line, _said(each)))
    _pair(ours, theirs, lambda side, each: (each.visit, _said(each)))
    _pair(ours, theirs, lambda side, each: _settlement(each) and (_settlement(each), _said(each)))
    _pair(
        ours,
        theirs,
        lambda side, each: (
            side.is_unplaced(each) and each.patient and (each.patient, _said_on(side.day(each), each))
        ),
    )
    ours.remember_alike()
    theirs.remember_alike()
    _pair(ours, theirs, lambda side, each: side.is_unplaced(each) and _said_on(side.day(each), each))
    for place in (
        lambda side, each: each.visit,
        lambda side, each: _settlement(each),
        lambda side, each: side.is_unplaced(each) and side.day(each),
    ):
        for with_item, without in ((ours, theirs), (theirs, ours)):
            _pair_by_money(with_item, without, place)


def free_where_numbers_differ(ours: Side, theirs: Side) -> None:
    """Tells both sides on which days they number visits or settlements alike."""
    visits, settlements = (one & other for one, other in zip(ours.places(), theirs.places(), strict=True))
    for side in (ours, theirs):
        side.free({day for day, _ in visits}, {day for day, _ in settlements})


def _pair(ours: Side, theirs: Side, key: Callable[[Side, BillLine], object]) -> None:
    """Takes out as many of each key as both sides have; an empty key says nothing."""
    waiting: dict[object, list[BillLine]] = defaultdict(list)
    for each in theirs.open():
        if told := key(theirs, each):
            waiting[told].append(each)
    for each in list(ours.open()):
        told = key(ours, each)
        if told and waiting[told]:
            theirs.close(waiting[told].pop())
            ours.close(each)


def _pair_by_money(with_item: Side, without: Side, place: Callable[[Side, BillLine], object]) -> None:
    """Lines with an item on one side, and on the other lines at the same place for the same money that have none."""
    waiting: dict[object, list[BillLine]] = defaultdict(list)
    for each in without.open():
        if each.item is None and place(without, each):
            waiting[place(without, each), each.amount_fen].append(each)
    for each in with_item.left():
        where = place(with_item, each)
        if where and waiting[where, each.amount_fen]:
            without.close(waiting[where, each.amount_fen].pop())
            with_item.close(each)


def pair_others(ours: Side, theirs: Side) -> list[tuple[BillLine, BillLine]]:
    """Lines that are one, by name or by visit or settlement and item, and say another count, amount or item."""
    pairs: list[tuple[BillLine, BillLine]] = []
    keys: tuple[Key, ...] = (
        lambda each: each.line,
        lambda each: (each.visit, each.item),
        lambda each: _settlement(each) and (_settlement(each), each.item),
    )
    for key in keys:
        waiting: dict[object, list[BillLine]] = defaultdict(list)
        for each in theirs.left():
            if told := key(each):
                waiting[told].append(each)
        for each in ours.left():
            told = key(each)
            if told and waiting[told]:
                partner = waiting[told].pop(0)
                theirs.close(partner)
                ours.close(each)
                pairs.append((each, partner))
    return pairs

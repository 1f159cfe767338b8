"""When a treatment of a bill line may have begun, by the version of its item that was in force on the day of its charge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from gateway.audit.catalogue import Item
from gateway.audit.editions import Editions
from gateway.audit.hours import QUARTER_MS, Hours
from gateway.audit.meaning import treatments
from gateway.audit.spans import Span
from gateway.ledger.bills import BillLine

PERFORMED_MS = 30 * 60 * 1000  # when a line says that it was performed holds to within so much


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line wants: treatments of `item`, `paid` of them, that may have begun at or between both instants of
    `window`."""

    item: Item
    paid: int
    window: Span


class Windows:
    """What bill lines want. Lines of one day, item and count want the same, found once."""

    def __init__(self, items: Editions, hours: Hours) -> None:
        self._items, self._hours = items, hours
        self._days: dict[int, date] = {}
        self._found: dict[tuple[int | None, date, str], Wanted | None] = {}

    def of(self, line: BillLine) -> Wanted | None:
        """What the line wants; None where its item was not in force on the day of its charge."""
        quarter = line.charged_ms // QUARTER_MS
        day = self._days.get(quarter)
        if day is None:
            day = self._days[quarter] = self._hours.day_of(line.charged_ms)
        key = line.item, day, line.count
        try:
            wanted = self._found[key]
        except KeyError:
            wanted = self._found[key] = self._wanted(line)
        at_ms = line.performed_ms
        if wanted is None or at_ms is None:
            return wanted
        return Wanted(wanted.item, wanted.paid, (at_ms - PERFORMED_MS, at_ms + PERFORMED_MS))

    def reach(self, lines: Iterable[BillLine]) -> Span | None:
        """From the first to the last instant of all the lines' windows; None without lines of items."""
        windows = {wanted.window for line in lines if (wanted := self.of(line)) is not None}
        return (min(start for start, _ in windows), max(end for _, end in windows)) if windows else None

    def _wanted(self, line: BillLine) -> Wanted | None:
        item = version(line, self._items, self._hours)
        if item is None:
            return None
        return Wanted(item, _paid(line, item), _day_window(line, item, self._hours))


def version(line: BillLine, items: Editions, hours: Hours) -> Item | None:
    """The version of its item that was in force on the day of its charge; None where there was none."""
    if line.item is None or items.is_constant:
        return items.get(line.item or 0)
    return items.at(line.charged_ms, hours.zone).get(line.item)


def window(line: BillLine, item: Item, hours: Hours) -> Span:
    """When a treatment of this line may have begun; both instants belong to it."""
    if line.performed_ms is not None:
        return line.performed_ms - PERFORMED_MS, line.performed_ms + PERFORMED_MS
    return _day_window(line, item, hours)


def _day_window(line: BillLine, item: Item, hours: Hours) -> Span:
    first = hours.day_of(line.charged_ms)
    last = first + timedelta(days=_valid_days(line, item) - 1)
    return hours.calendar_day(first)[0], hours.calendar_day(last)[1] - 1


def _valid_days(line: BillLine, item: Item) -> int:
    """Several times paid at once may be a course, done on several days; any other excess stays in its day."""
    paid = _paid(line, item)  # a refund of some of them leaves a course a course
    if not item.day_max or paid <= item.day_max:
        return item.valid_days or 1
    is_course = item.per == "次" and paid <= (item.course_max or 0)
    return (item.course_days if is_course else None) or 1


def _paid(line: BillLine, item: Item) -> int:
    """For how many treatments a line was charged."""
    return treatments(item, Decimal(line.count))


def reach(lines: Iterable[BillLine], items: Editions, hours: Hours) -> Span | None:
    """From the first to the last instant of all the lines' windows; None without lines of items."""
    return Windows(items, hours).reach(lines)


def longest_window_days(items: Iterable[Item]) -> int:
    """How many days a charge may lie before the last instant of its window."""
    return max((max(item.valid_days or 1, item.course_days or 1) for item in items), default=1)

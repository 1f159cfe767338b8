"""What codes and names mean to one clinic on a day: the catalogue in force then, and what the clinic itself says of codes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from gateway.audit.catalogue import Catalogue, Found, Item
from gateway.audit.formats.values import code as plain_code
from gateway.ledger.catalogue import OwnCode

MOST_TREATMENTS = 999
"""More in one line is a slip: no clinic day holds them."""


class Meaning:
    """How the lines of a clinic are understood.

    `own` are what the clinic said of its codes, the oldest first; a later one counts from its day on. `of_file` says so
    for one file alone, and goes before them.
    """

    def __init__(
        self, catalogue: Catalogue, own: Sequence[OwnCode] = (), of_file: Mapping[str, int] | None = None
    ):
        self.catalogue = catalogue
        self._own = own
        self._of_file = of_file or {}
        own_firsts = {date.fromisoformat(each.from_day) for each in own if each.from_day}
        self._firsts = sorted({*catalogue.items.firsts, *own_firsts})
        self._own_items: dict[int, dict[str, int]] = {}

    def find(self, codes: Sequence[str], own_codes: Sequence[str], names: Sequence[str], day: date) -> Found:
        """The item that a line charged on a local day means."""
        return self.catalogue.find(codes, own_codes, names, self._own_on(day), day)

    def item(self, number: int | None, day: date) -> Item | None:
        """The version of an item in force on a day; None where there is none then."""
        return self.catalogue.on(day).get(number) if number is not None else None

    def stretch(self, day: date) -> int:
        """Which stretch of days without a change holds the day."""
        return bisect_right(self._firsts, day) - 1

    @property
    def firsts(self) -> Sequence[date]:
        """The days on which something changes, the beginning of all time included."""
        return self._firsts

    def _own_on(self, day: date) -> Mapping[str, int]:
        stretch = self.stretch(day)
        if stretch not in self._own_items:
            said = {each.code: each.item for each in self._own if each.from_day <= day.isoformat()}
            held = {code: item for code, item in said.items() if item is not None}
            self._own_items[stretch] = held | dict(self._of_file)
        return self._own_items[stretch]


def treatments(item: Item | None, count: Decimal) -> int:
    """For how many treatments so many of an item stand: each 次 and 区 is one, a line of 根 is one; without item none."""
    if item is None or count < 0:
        return 0
    return 1 if item.per == "根" else int(count)


def unfit(item: Item | None, count: Decimal) -> tuple[str, str] | None:
    """Why so many of an item cannot have been charged in one line, in Chinese and English; None where they can."""
    if item is None or item.per == "根":
        return None
    if count != int(count):
        return f"按{item.per}计价,数量应为整数", "charged per treatment: a whole number"
    if abs(count) > MOST_TREATMENTS:
        return f"一行超过 {MOST_TREATMENTS} 次", f"above {MOST_TREATMENTS} treatments"
    return None


def as_code(text: str) -> str:
    """A code as bills are read: full-width characters made ordinary; Unfit where a spreadsheet has damaged it."""
    return plain_code(text)

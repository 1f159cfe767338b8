"""Which version of each item counts on which day, and what a change makes of them. Pure.

An edition is the whole catalogue after some changes; a change lays fields over the versions of its days, and leaves the
days before and after as they were. This file does not know bills, nor who proposed what.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from functools import reduce
from itertools import pairwise
from typing import Any

from gateway.audit import items
from gateway.audit.items import Item
from gateway.errors import UsageError
from gateway.instants import midnight_ms

_DAY = timedelta(days=1)
Days = tuple[date, date]
"""First and last day, both included."""


class Editions(Mapping[int, Item]):
    """Every version of every item. As a mapping: number -> the newest version; `on(day)`: those in force that day.

    UsageError where two versions of an item hold on one day.
    """

    def __init__(self, versions: Iterable[Item]):
        self._versions: dict[int, tuple[Item, ...]] = _by_number(versions)
        everything = [each for group in self._versions.values() for each in group]
        ends = {each.last + _DAY for each in everything if each.last < date.max}
        self._firsts = sorted({date.min, *(each.first for each in everything), *ends})
        self._in_force = [
            {each.number: each for each in everything if each.first <= first <= each.last}
            for first in self._firsts
        ]

        self._edges: dict[tzinfo, list[int]] = {}

    def __getitem__(self, number: int) -> Item:
        return self._versions[number][-1]

    def __iter__(self) -> Iterator[int]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    def on(self, day: date) -> Mapping[int, Item]:
        """The items in force on a local day, by number."""
        return self._in_force[self.stretch(day)]

    def at(self, at_ms: int, zone: tzinfo) -> Mapping[int, Item]:
        """The items in force on the local day that holds an instant."""
        if zone not in self._edges:
            self._edges[zone] = [midnight_ms(each, zone) for each in self._firsts[1:]]
        return self._in_force[bisect_right(self._edges[zone], at_ms)]

    def stretch(self, day: date) -> int:
        """Which of the stretches of days without a change holds the day; they are numbered from 0."""
        return bisect_right(self._firsts, day) - 1

    @property
    def is_constant(self) -> bool:
        """Whether nothing ever changes, so that no day has to be asked for."""
        return len(self._firsts) == 1

    def between(self, first: date, last: date) -> list[Item]:
        """All versions in force on some day from `first` to `last`."""
        return [each for each in self.all() if each.first <= last and each.last >= first]

    def versions(self, number: int) -> tuple[Item, ...]:
        """The versions of an item, the oldest first; none of an unknown number."""
        return self._versions.get(number, ())

    def all(self) -> list[Item]:
        """Every version, by number and time."""
        return [each for number in sorted(self._versions) for each in self._versions[number]]

    @property
    def firsts(self) -> Sequence[date]:
        """The days on which something changes, the beginning of all time included."""
        return self._firsts


def _by_number(versions: Iterable[Item]) -> dict[int, tuple[Item, ...]]:
    found: dict[int, list[Item]] = defaultdict(list)
    for each in versions:
        found[each.number].append(each)
    for number, group in found.items():
        group.sort(key=lambda each: each.first)
        for one, other in pairwise(group):
            if one.last >= other.first:
                raise UsageError(
                    f"第 {number} 项在 {other.first} 有两个版本",
                    f"item {number} has two versions on {other.first}",
                )
    return {number: tuple(group) for number, group in found.items()}


# --- changes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What is laid over the versions of one item from `first` to `last`: the fields `given`, or with `withdrawn` that
    there is none."""

    number: int
    first: date
    last: date
    given: Mapping[str, Any]
    withdrawn: bool = False


def changes(text: str, where: str) -> list[Change]:
    """The changes that a TOML text proposes: `[[items]]`, each with `number`, what is other, and the days for which.

    UsageError names `where`, the item, the field, the rule and the value.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{where} 不是 TOML（{error}）：请改正", f"{where} is no TOML ({error}): correct it"
        ) from None
    tables = document.get("items")
    if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
        raise UsageError(
            f"{where} 没有 [[items]]：请写明改动的项目", f"{where} has no [[items]]: say which items change"
        )
    extra = sorted(document.keys() - {"items", "source"})
    if extra:
        raise UsageError(
            f"{where} 有多余的 {extra[0]}：只用 [[items]]", f"{where} has {extra[0]}: only [[items]] count"
        )
    return [_change(each, where) for each in tables]


def _change(table: Mapping[str, Any], where: str) -> Change:
    withdrawn = table.get("withdrawn", False)
    given = items.said({key: value for key, value in table.items() if key != "withdrawn"}, where)
    number = given["number"]
    first, last = given.pop("valid_from", None) or date.min, given.pop("valid_to", None) or date.max
    if type(withdrawn) is not bool or first > last or (withdrawn and len(given) > 1):
        raise UsageError(
            f"{where} 第 {number} 项：valid_from 不晚于 valid_to，withdrawn = true 时不写其他字段",
            f"{where}, item {number}: valid_from not after valid_to, and with withdrawn = true no other field",
        )
    if not withdrawn and len(given) == 1:
        raise UsageError(
            f"{where} 第 {number} 项没有写明改什么", f"{where}, item {number}: says nothing that is other"
        )
    return Change(number, first, last, given, withdrawn)


def lay(editions: Editions, over: Iterable[Change], where: str) -> Editions:
    """The versions with the changes laid over them, in their order."""
    return reduce(lambda held, change: _lay(held, change, where), over, editions)


def _lay(editions: Editions, change: Change, where: str) -> Editions:
    held = editions.versions(change.number)
    if change.withdrawn and not any(_common(each, change) for each in held):
        raise UsageError(
            f"{where} 第 {change.number} 项在这些日子不存在，不能撤销",
            f"{where}: there is no item {change.number} on these days to withdraw",
        )
    made = [part for each in held for part in _parts(each, change, where)]
    if not change.withdrawn:
        made += _new(held, change, where)
    rest = [each for each in editions.all() if each.number != change.number]
    return Editions([*rest, *_merged(sorted(made, key=lambda each: each.first))])


def _common(held: Item, change: Change) -> Days | None:
    first, last = max(held.first, change.first), min(held.last, change.last)
    return (first, last) if first <= last else None


def _parts(held: Item, change: Change, where: str) -> Iterator[Item]:
    """What becomes of one version: what lies before and after the change, and between the changed one."""
    common = _common(held, change)
    if common is None:
        yield held
        return
    if held.first < common[0]:
        yield _lasting(held, held.first, common[0] - _DAY)
    if not change.withdrawn:
        yield _lasting(items.changed(held, change.given, where), *common)
    if common[1] < held.last:
        yield _lasting(held, common[1] + _DAY, held.last)


def _new(held: Sequence[Item], change: Change, where: str) -> Iterator[Item]:
    """The item on the days on which it was not there: it takes all its fields to be new."""
    if held and not items.complete(change.given):
        return
    made, first = items.item(change.given, where), change.first
    for each in held:
        common = _common(each, change)
        if common is not None:
            if first < common[0]:
                yield _lasting(made, first, common[0] - _DAY)
            if common[1] >= change.last:
                return
            first = common[1] + _DAY
    yield _lasting(made, first, change.last)


def _lasting(held: Item, first: date, last: date) -> Item:
    return replace(
        held, valid_from=None if first == date.min else first, valid_to=None if last == date.max else last
    )


def _merged(versions: Iterable[Item]) -> list[Item]:
    """Versions that follow each other and are alike are one."""
    found: list[Item] = []
    for each in versions:
        before = found[-1] if found else None
        if before and before.last < each.first == before.last + _DAY and _alike(before, each):
            found[-1] = _lasting(before, before.first, each.last)
        else:
            found.append(each)
    return found


def _alike(one: Item, other: Item) -> bool:
    return replace(one, valid_from=None, valid_to=None) == replace(other, valid_from=None, valid_to=None)


# --- differences -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """What is other of an item from `first` to `last`: field -> (before, after); `before` or `after` None where the item is
    not there."""

    number: int
    first: date
    last: date
    before: Item | None
    after: Item | None
    fields: Mapping[str, tuple[object, object]]


def differences(before: Editions, after: Editions) -> list[Difference]:
    """What the second says otherwise than the first, by item and time."""
    return [
        each
        for number in sorted({*before, *after})
        for each in _differences(number, before.versions(number), after.versions(number))
    ]


def _differences(number: int, before: Sequence[Item], after: Sequence[Item]) -> Iterator[Difference]:
    edges = {date.min}
    for each in (*before, *after):
        edges |= {each.first} | ({each.last + _DAY} if each.last < date.max else set())
    firsts = sorted(edges)
    lasts = [*(each - _DAY for each in firsts[1:]), date.max]
    for first, last in zip(firsts, lasts, strict=True):
        one, other = _on(before, first), _on(after, first)
        fields = _fields(one, other)
        if fields or (one is None) != (other is None):
            yield Difference(number, first, last, one, other, fields)


def _on(versions: Sequence[Item], day: date) -> Item | None:
    return next((each for each in versions if each.first <= day <= each.last), None)


def _fields(one: Item | None, other: Item | None) -> dict[str, tuple[object, object]]:
    if one is None or other is None:
        return {}
    was, becomes = items.document(one), items.document(other)
    names = [name for name in was if name not in ("valid_from", "valid_to", "attended")]
    return {name: (was[name], becomes[name]) for name in names if was[name] != becomes[name]}

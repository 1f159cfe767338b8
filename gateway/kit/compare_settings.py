"""What a clinic can set by itself and what verdicts rest on: opening hours, the catalogue, the devices of its units. Pure.

Shorter hours hide dark time, shorter minutes and more stations make more treatments fit, and a device that nobody watches
explains everything. So each is held against what the district has; what makes nothing easier for the clinic is not named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.audit.spans import Span, intersect, length_ms, subtract
from gateway.kit.compare import Finding

_SENTENCES = {
    "hours_differ": (
        "开诊时间：区里是 {held}，包内是 {shown}，较短；其余时间没有算作应监测",
        "opening hours: {held} at the district, {shown} in the pack, which is less; the rest was not taken as to be watched",
    ),
    "closed_but_charged": (
        "包内称 {day} 休息，平台有 {count} 行收费",
        "the pack says that the clinic was closed on {day}; the platform has {count} lines charged then",
    ),
    "item_differs": (
        "第 {item} 项：包内目录与区里的不同（{fields}）",
        "item {item}: the pack's catalogue is not the district's ({fields})",
    ),
    "rules_differ": (
        "线索规则：包内用的与区里的不同（rules.toml）",
        "the rules of leads in the pack are not the district's (rules.toml)",
    ),
    "device_differs": (
        "单元 {unit} 所在的设备：区里登记为 {held}，包内是 {shown}",
        "the device of {unit} is {held} at the district, {shown} in the pack",
    ),
    "unit_displaced": (
        "单元 {unit}：区里登记它这段时间在设备上，包内有 {hours} 小时不在任何设备上，那台设备因此没有监测",
        "the district has {unit} on a device in this time; in the pack it was on none for {hours} hours, and so that device was"
        " not watched",
    ),
    "unseen_added": (
        "{load} 类中不受监测的设备：包内 {shown} 台，区里登记 {held} 台；多一台，什么都可能是它做的：请清点",
        "devices of the class {load} that nothing watches: {shown} in the pack, {held} at the district; one more explains"
        " anything, so count them",
    ),
}
CODES = tuple(_SENTENCES)
_HOUR_MS = 3_600_000
_LEAST_MS = 600_000  # clocks of two inventories may differ by a moment
_COUNT = (
    "per", "min_minutes", "max_minutes", "device_class", "day_max", "course_max", "course_days", "valid_days",
    "valid_from", "valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A device of the inventory from one instant to another: all of its time (`unit` empty), or while that unit was on it.
    `blind`: it is able to run unseen."""

    device: str
    unit: str
    load: str
    stations: int
    blind: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set: hours as HH:MM of local time in a zone, days on which the clinic is closed, the SHA-256 of its own rules of
    leads (empty: those shipped), the versions of each item as rows of catalogue.json, its units, and where they were."""

    opens: str
    closes: str
    timezone: str
    closed: frozenset[str]
    rules: str
    items: Sequence[Mapping[str, Any]]
    units: frozenset[str]
    places: Sequence[Place]

    def within(self, span: Span) -> Settings:
        """The same with the places alone that were there at some instant of [from, until), each with what lies in it."""
        cut = [(each, intersect([each.span], [span])) for each in self.places]
        return replace(self, places=[replace(each, span=parts[0]) for each, parts in cut if parts])

    def of_unit(self, unit: str) -> list[Place]:
        """Where a unit was."""
        return [each for each in self.places if each.unit == unit]

    def unseen(self) -> Counter[str]:
        """Class -> how many of its devices nothing watched: without any unit, or able to run unseen."""
        watched = {each.device for each in self.places if each.unit and not each.blind}
        return Counter(
            {each.device: each.load for each in self.places if each.device not in watched}.values()
        )


def compare_settings(
    held: Settings, shown: Settings, charged: Mapping[str, int], span: Span
) -> list[Finding]:
    """What the pack has otherwise than the district, of devices in [from, until). `charged` says of each day of the platform's
    how many lines it has."""
    return [
        *_hours(held, shown),
        *_closed(held, shown, charged),
        *([_said("rules_differ", "rules")] if held.rules != shown.rules else []),
        *_items(held, shown),
        *_devices(held.within(span), shown.within(span)),
        *_unseen(held.within(span), shown.within(span)),
    ]


def _hours(held: Settings, shown: Settings) -> Iterable[Finding]:
    if shown.opens > held.opens or shown.closes < held.closes or shown.timezone != held.timezone:
        values = (f"{each.opens}-{each.closes} ({each.timezone})" for each in (held, shown))
        yield _said("hours_differ", "hours", **dict(zip(("held", "shown"), values, strict=True)))


def _closed(held: Settings, shown: Settings, charged: Mapping[str, int]) -> Iterable[Finding]:
    for day in sorted(shown.closed - held.closed):
        if charged.get(day):
            yield _said("closed_but_charged", day, day=day, count=charged[day])


def _items(held: Settings, shown: Settings) -> Iterable[Finding]:
    ours, theirs = _versions(held), _versions(shown)
    for item in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(item, []), theirs.get(item, [])
        if one != other:
            fields = {
                name
                for mine, its in zip(one, other, strict=False)
                for name in _COUNT
                if mine[name] != its[name]
            }
            told = ", ".join(sorted(fields)) or "valid_from, valid_to"
            yield _said("item_differs", f"item:{item}", item=item, fields=told)


def _versions(told: Settings) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in told.items:
        found.setdefault(row["number"], []).append({name: row[name] for name in _COUNT})
    return found


def _devices(held: Settings, shown: Settings) -> Iterable[Finding]:
    """Of each unit that both know: another class, more stations, or that it was on no device for a time."""
    for unit in sorted((held.units & shown.units) - {""}):
        ours, theirs = held.of_unit(unit), shown.of_unit(unit)
        stations, loads = max((each.stations for each in ours), default=0), {each.load for each in ours}
        if ours and any(each.load not in loads or each.stations > stations for each in theirs):
            yield _said("device_differs", unit, unit=unit, held=_told(ours), shown=_told(theirs))
        lost_ms = length_ms(subtract((each.span for each in ours), (each.span for each in theirs)))
        if lost_ms >= _LEAST_MS:
            yield _said("unit_displaced", unit, unit=unit, hours=f"{lost_ms / _HOUR_MS:.1f}")


def _unseen(held: Settings, shown: Settings) -> Iterable[Finding]:
    ours, theirs = held.unseen(), shown.unseen()
    for load in sorted(each for each in theirs if theirs[each] > ours[each]):
        yield _said("unseen_added", load, load=load, held=ours[load], shown=theirs[load])


def _told(places: Iterable[Place]) -> str:
    return ", ".join(sorted({f"{each.load} ×{each.stations}" for each in places}))


def _said(code: str, where: str, **values: object) -> Finding:
    zh, en = _SENTENCES[code]
    return Finding(code, where, zh.format(**values), en.format(**values))

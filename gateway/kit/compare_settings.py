"""What a clinic can set by itself and what verdicts rest on: opening hours, the catalogue, the devices of its units. Pure.

Shorter hours hide dark time, shorter minutes and more stations make more treatments fit. So each is held against what the
district has; what makes nothing easier for the clinic is not named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
}
CODES = tuple(_SENTENCES)
_COUNT = (
    "per", "min_minutes", "max_minutes", "device_class", "day_max", "course_max", "course_days", "valid_days",
    "valid_from", "valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set: hours as HH:MM of local time, days on which the clinic is closed, the SHA-256 of its own rules of leads (empty:
    those shipped), the versions of each item as rows of catalogue.json, and of each unit the class and stations of its device."""

    opens: str
    closes: str
    closed: frozenset[str]
    rules: str
    items: Sequence[Mapping[str, Any]]
    devices: Mapping[str, tuple[str, int]]


def compare_settings(held: Settings, shown: Settings, charged: Mapping[str, int]) -> list[Finding]:
    """What the pack has otherwise than the district. `charged` says of each day of the platform's how many lines it has."""
    return [
        *_hours(held, shown),
        *_closed(held, shown, charged),
        *([_said("rules_differ", "rules")] if held.rules != shown.rules else []),
        *_items(held, shown),
        *_devices(held, shown),
    ]


def _hours(held: Settings, shown: Settings) -> Iterable[Finding]:
    if shown.opens > held.opens or shown.closes < held.closes:
        values = (f"{each.opens}-{each.closes}" for each in (held, shown))
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
    for unit in sorted(held.devices.keys() & shown.devices.keys()):
        (load, stations), (its_load, its_stations) = held.devices[unit], shown.devices[unit]
        if load != its_load or its_stations > stations:
            values = {"held": f"{load} ×{stations}", "shown": f"{its_load} ×{its_stations}"}
            yield _said("device_differs", unit, unit=unit, **values)


def _said(code: str, where: str, **values: object) -> Finding:
    zh, en = _SENTENCES[code]
    return Finding(code, where, zh.format(**values), en.format(**values))

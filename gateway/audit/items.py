"""One version of an item of the catalogue, and the reading of its fields from TOML, each by its rule. Pure.

This file does not know which version counts when: editions.py does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, NoReturn

from gateway.errors import UsageError
from gateway.fields import TEXT, Rule, refuse, text

PER = ("次", "区", "根")
"""What is counted: performances, areas (each of them a treatment), needles (the line is one treatment)."""

SYSTEMS = ("price_2001", "national_15")
STATUSES = ("official", "sourced", "verify")
LONGEST_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Code:
    """One code of an item. `system` is "price_2001" or "national_15"; `status` says how far it was verified."""

    code: str
    system: str
    status: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is from `valid_from` to `valid_to` (local days, both included; None: without end).

    Minutes are those of one treatment, ages are completed years; None where nothing is laid down or known. `names` are
    others by which bills call it. `visit_max` and `day_max` are treatments of one patient, `course_max` those of a
    course of `course_days`. `device_class` is the class of the device that shows it; an item that no meter sees is a
    class of its own (`item<number>`), and `attended`.
    """

    number: int
    zh: str
    en: str
    per: str
    min_minutes: int
    max_minutes: int
    min_acupoints: int | None = None
    min_cups: int | None = None
    note_zh: str = ""
    note_en: str = ""
    device_class: str = ""
    codes: tuple[Code, ...] = ()
    names: tuple[str, ...] = ()
    visit_max: int | None = None
    day_max: int | None = None
    course_max: int | None = None
    course_days: int | None = None
    valid_days: int | None = None
    min_age_years: int | None = None
    max_age_years: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def attended(self) -> bool:
        """Whether only a person's record can show it."""
        return self.device_class == f"item{self.number}"

    @property
    def first(self) -> date:
        """The first day on which it is in force."""
        return self.valid_from or date.min

    @property
    def last(self) -> date:
        """The last day on which it is in force."""
        return self.valid_to or date.max


def _note(value: Any) -> str:
    return value if isinstance(value, str) and (value.isprintable() or not value) else refuse()


def _between(least: int, most: int) -> Callable[[Any], int]:
    return lambda value: value if type(value) is int and least <= value <= most else refuse()


def _limit(most: int) -> Callable[[Any], int | None]:
    """A whole number; 0 takes the limit away."""
    return lambda value: (value or None) if type(value) is int and 0 <= value <= most else refuse()


def _day(value: Any) -> date:
    return value if type(value) is date else refuse()


def _names(value: Any) -> tuple[str, ...]:
    return tuple(text(each) for each in value) if isinstance(value, list) else refuse()


def _codes(value: Any) -> tuple[Code, ...]:
    return tuple(_code(each) for each in value) if isinstance(value, list) else refuse()


def _code(value: Any) -> Code:
    if not isinstance(value, dict) or value.keys() != {"code", "system", "status"}:
        refuse()
    if value["system"] not in SYSTEMS or value["status"] not in STATUSES:
        refuse()
    return Code(text(value["code"]), value["system"], value["status"])


def _count(most: int) -> Rule:
    return Rule(_limit(most), f"0 到 {most} 的整数，0 为不限", f"a whole number from 0 to {most}, 0 for none")


_MINUTES = Rule(  # less than two would leave nothing when the tolerance of one is taken off
    _between(2, LONGEST_DAY), "2 到 1440 的整数（分钟）", "a whole number of minutes, 2 to 1440"
)
_NOTE = Rule(_note, "文字", "a text")
_DATE = Rule(_day, "不带引号的日期，如 2026-07-01", "a date without quotes, like 2026-07-01")

_RULES: Mapping[str, Rule] = {
    "number": Rule(_between(1, 9999), "1 到 9999 的整数", "a whole number from 1 to 9999"),
    "zh": TEXT,
    "en": TEXT,
    "per": Rule(lambda value: value if value in PER else refuse(), "次、区、根之一", "one of 次 区 根"),
    "min_minutes": _MINUTES,
    "max_minutes": _MINUTES,
    "min_acupoints": _count(400),
    "min_cups": _count(100),
    "note_zh": _NOTE,
    "note_en": _NOTE,
    "device_class": TEXT,
    "codes": Rule(
        _codes,
        f"{{code, system, status}} 的列表，system 为 {'、'.join(SYSTEMS)}，status 为 {'、'.join(STATUSES)}",
        f"a list of {{code, system, status}}, system of {', '.join(SYSTEMS)}, status of {', '.join(STATUSES)}",
    ),
    "names": Rule(_names, "非空文字的列表", "a list of texts"),
    "visit_max": _count(999),
    "day_max": _count(999),
    "course_max": _count(999),
    "course_days": _count(366),
    "valid_days": _count(366),
    "min_age_years": _count(150),
    "max_age_years": _count(150),
    "valid_from": _DATE,
    "valid_to": _DATE,
}
_NEEDED = ("zh", "en", "per", "min_minutes", "max_minutes")


def said(table: Mapping[str, object], where: str) -> dict[str, Any]:
    """The fields that a TOML table gives, each read by its rule; UsageError names field, rule and value."""
    number = table.get("number", "?")
    if "number" not in table:
        _complain(where, number, "number", None, _RULES["number"])
    return {key: _read(where, number, key, value) for key, value in table.items()}


def _read(where: str, number: object, key: str, value: object) -> Any:
    if key not in _RULES:
        known = ", ".join((*_RULES, "withdrawn"))
        raise UsageError(
            f"{where} 第 {number} 项没有 {key}：可用的是 {known}",
            f"{where}, item {number}: unknown field {key}: there are {known}",
        )
    try:
        return _RULES[key].read(value)
    except (ValueError, TypeError):
        _complain(where, number, key, value, _RULES[key])


def complete(given: Mapping[str, Any]) -> bool:
    """Whether the fields are enough for an item that was not there before."""
    return all(name in given for name in _NEEDED)


def item(given: Mapping[str, Any], where: str) -> Item:
    """The item that complete fields make; UsageError where they contradict each other or some are missing."""
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        raise UsageError(
            f"{where} 第 {given['number']} 项当时不存在，需写明 {'、'.join(missing)}",
            f"{where}, item {given['number']}: new then, so say {', '.join(missing)} too",
        )
    return changed(Item(**given), {}, where)


def changed(held: Item, given: Mapping[str, Any], where: str) -> Item:
    """The item with some fields changed; UsageError where they contradict each other."""
    made = replace(held, **given)
    if not made.device_class:
        made = replace(made, device_class=f"item{made.number}")
    for name, zh, en, holds in (
        ("min_minutes", "不大于 max_minutes", "at most max_minutes", made.min_minutes <= made.max_minutes),
        ("valid_from", "不晚于 valid_to", "not after valid_to", made.first <= made.last),
        ("min_age_years", "不大于 max_age_years", "at most max_age_years", _ages(made)),
        (
            "course_max",
            "与 course_days、day_max 同时给出",
            "given with course_days and day_max",
            _course(made),
        ),
    ):
        if not holds:
            _complain(where, made.number, name, getattr(made, name), Rule(str, zh, en))
    return made


def _ages(made: Item) -> bool:
    return (made.min_age_years or 0) <= (made.max_age_years or 999)


def _course(made: Item) -> bool:
    return bool(made.course_max) == bool(made.course_days) and (not made.course_max or bool(made.day_max))


def document(each: Item) -> dict[str, Any]:
    """All that is laid down of an item, as JSON; null where nothing is."""
    values = {one.name: getattr(each, one.name) for one in fields(each)}
    codes = [{"code": one.code, "system": one.system, "status": one.status} for one in each.codes]
    days = {name: str(values[name]) if values[name] else None for name in ("valid_from", "valid_to")}
    return values | {"codes": codes, "names": list(each.names), "attended": each.attended} | days


def _complain(where: str, number: object, key: str, value: object, rule: Rule) -> NoReturn:
    told = value.isoformat() if isinstance(value, date | datetime) else repr(value)
    raise UsageError(
        f"{where} 第 {number} 项 {key} = {told} 不合规则：应为{rule.zh}",
        f"{where}, item {number}: {key} = {told} must be {rule.en}",
    )

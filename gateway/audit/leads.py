"""Leads (线索): findings for a person to review, each with its sentence, all that it rests on, and its arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.audit.facts import Facts
from gateway.audit.figures import Rules as Rules
from gateway.audit.figures import default_rules as default_rules
from gateway.audit.rules import RULES, Found
from gateway.money import yuan

_WORDS = ("enabled", "zh", "en")


class _Count(int):
    """A number that a sentence may follow with its noun: `{days:day|days}` is `1 day` or `2 days`."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        return f"{int(self)} {one if self == 1 else many}" if bar else super().__format__(spec)


@dataclass(frozen=True, slots=True)
class Lead:
    """A finding for a person. `lines` and `supplies` are what it rests on, `dark` the (unit or device, from, until)
    that were counted in favour of the clinic; `treatments` against `capacity` is its arithmetic. `item` is None where
    it is about no single item. `parameters` are the figures by which it was found, `witness` the evidence to check it by
    hand, in which names that end in `_ms` are instants."""

    name: str
    rule: str
    item: int | None
    day: date
    treatments: int
    capacity: int
    lines: tuple[str, ...]
    supplies: tuple[str, ...]
    dark: tuple[tuple[str, int, int], ...]
    amount_fen: int
    zh: str
    en: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    witness: Sequence[Mapping[str, object]] = ()


def find(facts: Facts, rules: Rules) -> list[Lead]:
    """All leads of the period, in the order of the rules, then of day and name."""
    found: list[Lead] = []
    for rule, look in RULES.items():
        if rules[rule]["enabled"]:
            leads = (_lead(rule, each, rules[rule], facts) for each in look(facts, rules[rule]))
            found += sorted(leads, key=lambda lead: (lead.day, lead.name))
    return found


def _lead(rule: str, found: Found, words: Mapping[str, Any], facts: Facts) -> Lead:
    """The lead with its name and sentences; where nobody asks for treatments the sentence counts the capacity."""
    figures: dict[str, object] = {
        "treatments": found.treatments or found.capacity,
        "capacity": found.capacity,
    }
    figures |= {"day": found.day, "amount": yuan(found.amount_fen), **found.said}
    figures = {key: _Count(value) if type(value) is int else value for key, value in figures.items()}
    item = facts.items[found.item] if found.item is not None else None
    return Lead(
        name=_name(rule, *found.identity),
        rule=rule,
        item=found.item,
        day=found.day,
        treatments=found.treatments,
        capacity=found.capacity,
        lines=tuple(sorted(found.lines)),
        supplies=tuple(sorted(found.supplies, key=_by_us)),
        dark=tuple(sorted(found.dark)),
        amount_fen=found.amount_fen,
        zh=words["zh"].format(item=item.zh if item else "-", **figures),
        en=words["en"].format(item=item.en if item else "-", **figures),
        parameters=_figures(words) | dict(found.parameters),
        witness=tuple(found.witness),
    )


def _figures(words: Mapping[str, Any]) -> dict[str, object]:
    """A rule's numbers; its tables are told where they matter, by what it found."""
    return {
        key: value for key, value in words.items() if key not in _WORDS and not isinstance(value, dict | list)
    }


def _by_us(key: str) -> tuple[str, int]:
    unit, _, us = key.rpartition(":")
    return unit, int(us)


def _name(*facts: object) -> str:
    """The same finding keeps its name when the period is reconciled again."""
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()[:12]

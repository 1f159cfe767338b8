"""Leads (线索): findings for a person to review, each with its sentence, all that it rests on, and its arithmetic."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from gateway.audit.facts import Facts
from gateway.audit.rules import RULES, Found

Rules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lead:
    """A finding for a person. `lines` and `supplies` are what it rests on, `dark` the (unit or device, from, until)
    that were counted in favour of the clinic; `treatments` against `capacity` is its arithmetic. `item` is None where
    it is about a unit that shows none."""

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


def default_rules() -> Rules:
    """The rules as shipped."""
    return tomllib.loads(resources.files("gateway.audit").joinpath("rules.toml").read_text("utf-8"))


def find(facts: Facts, rules: Rules) -> list[Lead]:
    """All leads of the period, in the order of rules.toml, then of day and name."""
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
    )


def _by_us(key: str) -> tuple[str, int]:
    unit, _, us = key.rpartition(":")
    return unit, int(us)


def _name(*facts: object) -> str:
    """The same finding keeps its name when the period is reconciled again."""
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()[:12]


def yuan(fen: int) -> str:
    """An amount in fen as decimal text in yuan."""
    return f"{fen // 100}.{fen % 100:02d}"

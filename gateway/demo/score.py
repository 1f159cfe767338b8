"""What was planted against what was found. Only the demo knows the truth, so only the demo can keep this score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.plan import Charge, Day

DOUBTED = ("short", "no_device_time")
NAMED = ("undeclared", "undone")  # rules whose leads name the very lines that say it


@dataclass(frozen=True, slots=True)
class Score:
    """`planted` false treatments on metered items; `found` of them proven without enough device time (a lower bound);
    `unwatched` more that only dark time could explain; `innocent` sets of lines that are doubted, or named by a lead of
    NAMED, without a single planted line. `left_out` and `owed`: how many lines were planted, and found by name."""

    planted: int
    found: int
    unwatched: int
    innocent: tuple[tuple[str, ...], ...]
    left_out: tuple[int, int]
    owed: tuple[int, int]

    @property
    def explained(self) -> int:
        """False treatments that device time of others covers: a lamp that burned for nobody."""
        return max(self.planted - self.found - self.unwatched, 0)


def score(
    day: Day, treatments: Sequence[Mapping[str, Any]], leads: Sequence[Mapping[str, Any]] = ()
) -> Score:
    """How far the verdicts and leads (as `reconcile --json` prints them) bring the planted lies to light."""
    false = {_line(charge): charge.false for charge in day.charges if charge.cheat}
    found = _bounded(_sets(treatments, DOUBTED), false)
    either = _bounded(_sets(treatments, (*DOUBTED, "unobserved")), false)
    left_out = {_line(charge) for charge in day.left_out}
    owed = {_line(each.charge) for each in day.owed}
    planted = false.keys() | left_out | owed
    named = [tuple(lead["lines"]) for lead in leads if lead["rule"] in NAMED]
    innocent = [lines for lines in (*_sets(treatments, DOUBTED), *named) if planted.isdisjoint(lines)]
    return Score(
        sum(false.values()),
        found,
        either - found,
        tuple(innocent),
        (len(left_out), len(left_out & _named(leads, "undeclared"))),
        (len(owed), len(owed & _named(leads, "undone"))),
    )


def _line(charge: Charge) -> str:
    return f"{charge.visit}/{charge.line}"


def _named(leads: Sequence[Mapping[str, Any]], rule: str) -> set[str]:
    return {line for lead in leads if lead["rule"] == rule for line in lead["lines"]}


def _sets(treatments: Sequence[Mapping[str, Any]], codes: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Each doubted set of lines, and how many treatments of it are in doubt."""
    sets: dict[tuple[str, ...], int] = {}
    for each in treatments:
        if each["verdict"] in codes:
            lines = tuple(each["among"]) or (each["line"],)
            sets[lines] = sets.get(lines, 0) + 1
    return sets


def _bounded(sets: Mapping[tuple[str, ...], int], false: Mapping[str, int]) -> int:
    """No set can bring to light more lies than were planted in it."""
    return sum(min(doubted, sum(false.get(line, 0) for line in lines)) for lines, doubted in sets.items())

"""What was planted against what was found. Only the demo knows the truth, so only the demo can keep this score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.plan import Day

DOUBTED = ("short", "no_device_time")


@dataclass(frozen=True, slots=True)
class Score:
    """`planted` false treatments on metered items; `found` of them proven without enough device time (a lower bound);
    `unwatched` more that only dark time could explain; `innocent` doubted sets without a single false line."""

    planted: int
    found: int
    unwatched: int
    innocent: tuple[tuple[str, ...], ...]

    @property
    def explained(self) -> int:
        """False treatments that device time of others covers: a lamp that burned for nobody."""
        return max(self.planted - self.found - self.unwatched, 0)


def score(day: Day, treatments: Sequence[Mapping[str, Any]]) -> Score:
    """How far the verdicts (as `reconcile --json` prints them) bring the planted lies to light."""
    false = {f"{charge.visit}/{charge.line}": charge.false for charge in day.charges if charge.cheat}
    found = _bounded(_sets(treatments, DOUBTED), false)
    either = _bounded(_sets(treatments, (*DOUBTED, "unobserved")), false)
    innocent = tuple(
        lines for lines in _sets(treatments, DOUBTED) if not any(line in false for line in lines)
    )
    return Score(sum(false.values()), found, either - found, innocent)


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

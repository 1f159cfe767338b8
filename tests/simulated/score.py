"""What was planted against what was found. Only the simulator knows the truth, so only it can keep this score."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulated.plan import PRICES_FEN, Charge, Month, local

Said = Mapping[str, Any]
"""What `reconcile --json` prints."""

PROVEN = ("short", "no_device_time")
POINTING = ("clockwork", "load", "long_burn", "overlong", "dark")
"""Leads that say of no line that it is false, but on which device and day false treatments were covered."""

FATES = ("proven", "unwatched", "named", "pointed", "nothing")


@dataclass
class Score:
    """`fates`: lie -> fate -> (treatments, fen); `leads`: rule -> how many; `honest`: rule -> how many of them hold
    nothing false; `honest_lines`: rule -> how many honest lines these name; `innocent`: doubted sets without a lie."""

    fates: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    leads: Counter[str] = field(default_factory=Counter)
    honest: Counter[str] = field(default_factory=Counter)
    honest_lines: Counter[str] = field(default_factory=Counter)
    innocent: int = 0
    treatments: Counter[str] = field(default_factory=Counter)
    watched: tuple[int, int] = (0, 0)


def score(month: Month, said: Said) -> Score:
    """How far the verdicts and leads bring the lies of a month to light."""
    false = {each.line: each for each in month.charges if each.lie}
    found = Score(leads=Counter(lead["rule"] for lead in said["leads"]))
    found.treatments = Counter(said["summary"])
    found.watched = tuple(sum(each[key] for each in said["coverage"]) for key in ("watched_s", "open_s"))
    lying = _lying_devices(month)
    for lead in said["leads"]:
        if not _is_true(lead, false, lying):
            found.honest[lead["rule"]] += 1
            found.honest_lines[lead["rule"]] += len(lead["lines"])
    found.innocent = sum(not any(line in false for line in lines) for lines, _ in _sets(said, PROVEN))
    for charge, fate in _fates(month, said):
        of_lie = found.fates.setdefault(charge.lie, dict.fromkeys(FATES, (0, 0)))
        count, fen = of_lie[fate]
        of_lie[fate] = (count + 1, fen + PRICES_FEN[charge.item])
    return found


def _is_true(lead: Said, false: Mapping[str, Charge], lying: set[tuple[str, str]]) -> bool:
    """Whether something false is in it: a line, or a device that somebody had on, or dark, for nobody on that day."""
    if any(line in false for line in lead["lines"]):
        return True
    units = {key.rpartition(":")[0] for key in lead["supplies"]} | {name for name, _, _ in lead["dark"]}
    days = {lead["day"]} | {row["from"][:10] for row in lead["witness"] if "from" in row}
    return any((unit.removeprefix("U-"), day) in lying for unit in units for day in days)


def _lying_devices(month: Month) -> set[tuple[str, str]]:
    """(device, day) on which it was on for nobody, on purpose."""
    return {(each.device, f"{local(each.from_ms):%Y-%m-%d}") for each in month.burns if each.lie}


def _fates(month: Month, said: Said) -> Iterator[tuple[Charge, str]]:
    """Each false treatment with the best that can be said of it. A set of which so many lack device time brings as many of
    its lies to light. Honest treatments lie in the dark too, so of a set that only dark could explain the lies get their
    share. Which lies of a set they are, nobody says: they are taken evenly from it."""
    charges = {each.line: each for each in month.charges if each.lie}
    waiting = Counter({line: each.false for line, each in charges.items()})
    counts = Counter(each["line"] for each in said["treatments"])
    for fate, codes in (("proven", PROVEN), ("unwatched", ("unobserved",))):
        for lines, count in _sets(said, codes):
            false = [line for line in lines for _ in range(waiting[line])]
            if fate == "unwatched":
                count = count * len(false) // sum(counts[line] for line in lines)
            for line in _evenly(false, count):
                waiting[line] -= 1
                yield charges[line], fate
    named, pointed = _named(said), _pointed(said)
    for line, charge in charges.items():
        place = charge.item, f"{local(charge.charged_ms):%Y-%m-%d}"
        fate = "named" if line in named else "pointed" if place in pointed else "nothing"
        yield from ((charge, fate) for _ in range(waiting[line]))


def _evenly(lines: Sequence[str], count: int) -> list[str]:
    """So many of them, at most all, from the first to the last."""
    count = min(count, len(lines))
    return [lines[place * len(lines) // count] for place in range(count)]


def _sets(said: Said, codes: Sequence[str]) -> list[tuple[tuple[str, ...], int]]:
    """Each doubted set of lines, and how many treatments of it are in doubt."""
    sets: dict[tuple[str, ...], int] = defaultdict(int)
    for each in said["treatments"]:
        if each["verdict"] in codes:
            sets[tuple(each["among"]) or (each["line"],)] += 1
    return sorted(sets.items())


BY_THE_BILL = (
    "burst",
    "quantity",
    "patient_overlap",
    "frequency",
    "staff_time",
    "identical",
    "undone",
    "simultaneous",
)


def _named(said: Said) -> set[str]:
    """The lines that leads about the bill itself name."""
    return {line for lead in said["leads"] if lead["rule"] in BY_THE_BILL for line in lead["lines"]}


def _pointed(said: Said) -> set[tuple[int, str]]:
    """(item, day) of device time that a lead calls into question."""
    found = set()
    for lead in said["leads"]:
        if lead["rule"] in POINTING:
            days = {lead["day"]} | {row["from"][:10] for row in lead["witness"] if "from" in row}
            found |= {(lead["item"], day) for day in days}
    return found

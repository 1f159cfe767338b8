"""Numbers for the person in charge: what a period came to, per day, week, clinic, room, item and practitioner, with the
coverage beside every figure.

Doubt belongs to sets. A group (a room, an item) is given the doubt of a set that lies wholly inside it; the lines of a
set that reaches beyond it are only counted as shared. Of a practitioner even less is said: sets of one, nothing else.
Which session a supported line rests on is chance among interchangeable lines, so long burns are summed for the clinic,
its days and items alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.audit.outcomes import Standing
from gateway.ledger.reviews import LeadFound
from gateway.money import yuan

DOUBTS = ("short", "no_device_time", "unobserved")
KINDS = ("clinic", "day", "week", "room", "item", "staff")


@dataclass(frozen=True, slots=True)
class Treated:
    """One treatment and what was said of it. `how` tells how the visit was known where a person recorded it."""

    day: str
    line: str
    item: int
    code: str
    amount_fen: int
    fit: str | None
    grade: str | None
    among: tuple[str, ...]
    room: str
    staff: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """How long a device of a class was to be watched on a day, and was."""

    day: str
    device: str
    load: str
    room: str
    open_s: int
    watched_s: int


@dataclass(slots=True)
class Sum:
    """The figures of one group. `treatments` are billed and not taken back; `judged` those of them of which
    something is said here; `shared` those that belong to a set reaching beyond the group. `long_burn` is None where it would
    be chance. `by_hand` rest on what a person entered, `manual` of these without a scanned token. `open_s` is 0 where no
    device could be watched. `leads` and `leads_fen` are of open leads that lie wholly inside the group."""

    kind: str
    name: str
    treatments: int = 0
    judged: int = 0
    supported: int = 0
    long_burn: int | None = 0
    short: int = 0
    no_device_time: int = 0
    unobserved: int = 0
    not_metered: int = 0
    reversed: int = 0
    shared: int = 0
    by_hand: int = 0
    manual: int = 0
    amount_fen: int = 0
    open_s: int = 0
    watched_s: int = 0
    leads: int = 0
    leads_fen: int = 0

    def document(self) -> dict[str, object]:
        """As `report --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__ if not name.endswith("_fen")} | {
            "amount": yuan(self.amount_fen),
            "leads_amount": yuan(self.leads_fen),
        }


@dataclass(frozen=True, slots=True)
class CameBack:
    """What was put right, and whether its rule found something of a later day (回头看)."""

    rule: str
    rectified: date
    rectification: str
    since: int


@dataclass(slots=True)
class Sums:
    """A period's figures by kind of group, and what was looked at again."""

    by_kind: Mapping[str, list[Sum]]
    came_back: list[CameBack] = field(default_factory=list)

    @property
    def whole(self) -> Sum:
        """The clinic's."""
        return self.by_kind["clinic"][0]


Leads = Sequence[tuple[LeadFound, Standing]]
_Key = Callable[[Treated], str]
_KEYS: Mapping[str, _Key] = {
    "clinic": lambda each: "",
    "day": lambda each: each.day,
    "week": lambda each: week(each.day),
    "room": lambda each: each.room,
    "item": lambda each: str(each.item),
    "staff": lambda each: each.staff,
}


def week(day: str) -> str:
    """The ISO week of a day, like 2026-W10."""
    year, number, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{number:02d}"


def summed(
    treated: Sequence[Treated],
    watched: Sequence[Watched],
    leads: Leads,
    classes: Mapping[int, str],
    days: Iterable[str],
) -> Sums:
    """The figures of the `days`. `classes` says which class of device shows an item."""
    names = {"clinic": [""], "day": list(days)}
    names["week"] = list(dict.fromkeys(map(week, names["day"])))
    sets = _sets(treated)
    by_kind = {}
    for kind in KINDS:
        groups: dict[str, list[Treated]] = {name: [] for name in names.get(kind, ())}
        for each in treated:
            groups.setdefault(_KEYS[kind](each), []).append(each)
        order = list(groups) if kind in names else sorted(groups, key=_in_order)
        by_kind[kind] = [_sum(kind, name, groups[name], sets) for name in order]
        for found in by_kind[kind]:
            _cover(found, groups[found.name], watched, classes)
            _charge_leads(found, {one.line for one in groups[found.name]}, leads)
    return Sums(by_kind)


def _in_order(name: str) -> tuple[int, str]:
    return int(name) if name.isdigit() else 0, name


def _sets(treated: Iterable[Treated]) -> Mapping[str, frozenset[str]]:
    """Line -> all lines with which it shares a doubt."""
    joined: dict[str, set[str]] = defaultdict(set)
    for among in {each.among for each in treated if len(each.among) > 1}:
        for line in among:
            joined[line].update(among)
    return {line: frozenset(lines) for line, lines in joined.items()}


def _sum(kind: str, name: str, treated: Sequence[Treated], sets: Mapping[str, frozenset[str]]) -> Sum:
    found = Sum(kind, name)
    inside = frozenset(each.line for each in treated)
    for each in treated:
        joined = sets.get(each.line, frozenset())
        counts_here = not joined or (kind != "staff" and joined <= inside) or kind == "clinic"
        _add(found, each, each.code if counts_here or each.code in ("reversed", "not_metered") else "shared")
    if kind in ("room", "staff"):
        found.long_burn = None
    return found


def _add(found: Sum, each: Treated, code: str) -> None:
    setattr(found, code, getattr(found, code) + 1)
    if code == "reversed":
        return
    found.treatments += 1
    found.amount_fen += each.amount_fen
    found.judged += code not in ("not_metered", "shared")
    found.by_hand += each.grade == "C"
    found.manual += each.grade == "C" and each.how == "manual"
    if code == "supported" and each.fit == "long_burn" and found.long_burn is not None:
        found.long_burn += 1


def _cover(
    found: Sum, treated: Sequence[Treated], watched: Sequence[Watched], classes: Mapping[int, str]
) -> None:
    """Coverage of the devices that could have shown the group's treatments; of the clinic, a day or a week, of all. A room
    that has devices of its own is covered by these."""
    there = [each for each in watched if _is_of(found, each)]
    if found.kind in ("room", "item", "staff"):
        loads = {classes.get(each.item, "") for each in treated}
        there = [each for each in there if each.load in loads]
    if found.kind == "room":
        there = [each for each in there if each.room == found.name] or there
    found.open_s = sum(each.open_s for each in there)
    found.watched_s = sum(each.watched_s for each in there)


def _is_of(found: Sum, each: Watched) -> bool:
    if found.kind == "day":
        return each.day == found.name
    return found.kind != "week" or week(each.day) == found.name


def _charge_leads(found: Sum, lines: set[str], leads: Leads) -> None:
    for lead, now in leads:
        if now.is_open and _lies_in(found, lead, lines):
            found.leads += 1
            found.leads_fen += lead.amount_fen


def _lies_in(found: Sum, lead: LeadFound, lines: set[str]) -> bool:
    told = lead.body["lines"]
    if found.kind == "clinic":
        return True
    if found.kind in ("day", "week"):
        return found.name == (lead.day if found.kind == "day" else week(lead.day))
    if found.kind == "item":
        return found.name == str(lead.body["item"])
    inside = bool(told) and set(told) <= lines
    return inside and (found.kind != "staff" or len(told) == 1)


def came_back(leads: Leads, righted: Mapping[str, tuple[date, str]]) -> list[CameBack]:
    """For each rule that was put right, how many of these leads are of a later day. `righted`: rule -> the last day on
    which it was, and how."""
    after = Counter(
        lead.rule
        for lead, _ in leads
        if lead.rule in righted and date.fromisoformat(lead.day) > righted[lead.rule][0]
    )
    return [CameBack(rule, day, text, after[rule]) for rule, (day, text) in sorted(righted.items())]

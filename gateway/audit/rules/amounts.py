"""How much was charged, how often, and how much alike: quantity, frequency, identical."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import median

from gateway.audit.catalogue import Item
from gateway.audit.facts import Facts
from gateway.audit.rules.found import Figures, Found, billed, least_of_lines_fen
from gateway.ledger.bills import BillLine

DEVIATIONS = 1.4826
"""A median absolute deviation times this is the standard deviation of a normal distribution."""


@dataclass(frozen=True, slots=True)
class _Excess:
    """What is more than allowed: of `limit` ("visit", "day", "course", "kinds", "family") so many of `allowed`."""

    limit: str
    whose: str
    day: date
    item: int
    count: int
    allowed: int
    lines: Sequence[BillLine]
    over: int


_LIMITS = {
    "visit": ("一次就诊内", "in one visit"),
    "day": ("一天内", "in one day"),
    "course": ("一个疗程内", "in one course"),
    "kinds": ("一次就诊内同一项目的不同名目", "names of one item in one visit"),
    "family": ("一次就诊内同类的不同项目", "different items of one kind in one visit"),
}


_Groups = Mapping[tuple[str, date, int], Sequence[BillLine]]
"""(visit or person, day, item) -> the lines."""


def quantity(facts: Facts, rule: Figures) -> Iterator[Found]:
    """More than the item allows per visit, day or course; one item under several names in a visit, or several items of a
    family of which one visit has few. What the catalogue leaves open is not limited."""
    visits: dict[tuple[str, date, int], list[BillLine]] = defaultdict(list)
    persons: dict[tuple[str, date, int], list[BillLine]] = defaultdict(list)
    for day, line in facts.charged:
        visits[line.visit, day, line.item or 0].append(line)
        persons[line.patient or line.visit, day, line.item or 0].append(line)
    beyond = (*_beyond_courses(facts), *_beyond(facts, "visit", visits), *_beyond(facts, "day", persons))
    for excess in (*beyond, *_names(facts, rule, visits), *_families(rule, visits)):
        yield _too_much(facts, excess)


def _too_much(facts: Facts, excess: _Excess) -> Found:
    zh, en = _LIMITS[excess.limit]
    return Found(
        identity=(facts.hours.config.clinic, excess.limit, excess.whose, excess.day, excess.item),
        day=excess.day,
        item=excess.item,
        treatments=excess.count,
        capacity=excess.allowed,
        lines={line.line for line in excess.lines},
        amount_fen=least_of_lines_fen(excess.lines, excess.over),
        said={"limit_zh": zh, "limit_en": en, "visit": excess.lines[0].visit},
        parameters={"limit": excess.limit, "allowed": excess.allowed},
        witness=[{**billed(line), "item": line.item, "name": line.name} for line in excess.lines],
    )


def _beyond_courses(facts: Facts) -> Iterator[_Excess]:
    """Lines of which each alone is more than a course."""
    for day, line in facts.charged:
        most = facts.item(line).course_max
        if most and line.treatments > most:
            count = line.treatments
            yield _Excess("course", line.line, day, line.item or 0, count, most, [line], count - most)


def _beyond(facts: Facts, limit: str, groups: _Groups) -> Iterator[_Excess]:
    """More than the item allows, courses left out: what is more than a course is told of its own line."""
    for (whose, day, number), lines in groups.items():
        item = facts.item(lines[0])
        allowed = item.visit_max if limit == "visit" else item.day_max
        if allowed:
            single = [line for line in lines if not _is_paid_ahead(line, facts.item(line))]
            count = sum(line.treatments for line in single)
            if count > allowed:
                yield _Excess(limit, whose, day, number, count, allowed, single, count - allowed)


def _is_paid_ahead(line: BillLine, item: Item) -> bool:
    """Whether a line alone is a course, paid at once for several days, or even more than one."""
    return item.per == "次" and bool(item.course_max) and line.treatments > (item.day_max or 0)


def _names(facts: Facts, rule: Figures, visits: _Groups) -> Iterator[_Excess]:
    """One item billed per 次, charged under several codes or names in one visit of a day."""
    most = rule["most_names"]
    for (visit, day, number), lines in visits.items():
        if len(lines) > most and facts.item(lines[0]).per == "次":
            kinds = len({(line.code, line.name) for line in lines})
            if kinds > most:
                yield _Excess("kinds", visit, day, number, kinds, most, lines, kinds - most)


def _families(rule: Figures, visits: _Groups) -> Iterator[_Excess]:
    """Several different items of a family in one visit of a day."""
    family = {item: name for name, items in rule["families"].items() for item in items}
    groups: dict[tuple[str, date, str], dict[int, Sequence[BillLine]]] = defaultdict(dict)
    for (visit, day, number), lines in visits.items():
        if number in family:
            groups[visit, day, family[number]][number] = lines
    most = rule["most_of_family"]
    for (visit, day, name), kinds in groups.items():
        if len(kinds) > most:
            lines = [line for each in kinds.values() for line in each]
            over = len(kinds) - most
            yield _Excess("family", f"{visit} {name}", day, min(kinds), len(kinds), most, lines, over)


def _person(line: BillLine) -> str:
    """Who was treated; the visit, where no person is told."""
    return line.patient or line.visit


def frequency(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Persons with far more visits than the rest: above the median by so many robust deviations (from the median absolute
    deviation, with a floor). Said only of a long enough period with enough persons."""
    by_person: dict[str, dict[str, BillLine]] = defaultdict(dict)
    lines: dict[str, list[BillLine]] = defaultdict(list)
    for _, line in facts.charged:
        if line.patient:
            by_person[line.patient].setdefault(line.visit, line)
            lines[line.patient].append(line)
    length = (facts.to_day - facts.from_day).days + 1
    if len(by_person) < rule["least_persons"] or length < rule["least_days"]:
        return
    counts = [len(visits) for visits in by_person.values()]
    middle = median(counts)
    spread = max(median(abs(each - middle) for each in counts), rule["floor"])
    limit = max(middle + rule["deviations"] * DEVIATIONS * spread, rule["least_visits"] - 1)
    for person, visits in by_person.items():
        if len(visits) > limit:
            yield Found(
                identity=(facts.hours.config.clinic, person, facts.from_day.strftime("%Y-%m")),
                day=min(facts.day_of(each.charged_ms) for each in visits.values()),
                item=None,
                treatments=len(visits),
                capacity=int(limit),
                lines={line.line for line in lines[person]},
                amount_fen=sum(line.amount_fen for line in lines[person]),
                said={
                    "person": person[:8],
                    "median": f"{middle:g}",
                    "persons": len(by_person),
                    "until": facts.to_day,
                },
                parameters={"median": middle, "spread": spread, "limit": int(limit)},
                witness=[{"visit": name, "charged_ms": each.charged_ms} for name, each in visits.items()],
            )


Bundle = tuple[tuple[int, int], ...]
"""The items of a visit and how many treatments of each."""


def identical(facts: Facts, rule: Figures) -> Iterator[Found]:
    """The same bundle of several items for many persons on one day, far more than that bundle has on the clinic's other
    days. A common prescription is common every day; so a clinic is compared with itself, and needs enough other days."""
    visits: dict[tuple[date, str], list[BillLine]] = defaultdict(list)
    for day, line in facts.charged:
        visits[day, line.visit].append(line)
    of_day: dict[Bundle, dict[date, dict[str, list[BillLine]]]] = defaultdict(lambda: defaultdict(dict))
    for (day, _), lines in visits.items():
        bundle = _bundle(lines)
        if len(bundle) >= rule["least_items"]:
            of_day[bundle][day][_person(lines[0])] = lines
    days = {day for day, _ in visits}
    if len(days) <= rule["least_other_days"]:
        return
    for bundle, by_day in of_day.items():
        total = sum(map(len, by_day.values()))
        for day, persons in by_day.items():
            usual = (total - len(persons)) / (len(days) - 1)
            limit = usual + rule["deviations"] * sqrt(usual + 1)
            if len(persons) >= rule["least_persons"] and len(persons) > limit:
                yield _copied(facts, day, bundle, persons, usual)


def _bundle(lines: Sequence[BillLine]) -> Bundle:
    counts = Counter[int]()
    for line in lines:
        counts[line.item or 0] += line.treatments
    return tuple(sorted(counts.items()))


def _copied(
    facts: Facts, day: date, bundle: Bundle, persons: dict[str, list[BillLine]], usual: float
) -> Found:
    lines = [line for each in persons.values() for line in each]
    zh = "、".join(f"{facts.items[item].zh}×{count}" for item, count in bundle)
    en = ", ".join(f"{facts.items[item].en} x{count}" for item, count in bundle)
    return Found(
        identity=(facts.hours.config.clinic, day, bundle),
        day=day,
        item=None,
        treatments=sum(count for _, count in bundle) * len(persons),
        lines={line.line for line in lines},
        amount_fen=sum(line.amount_fen for line in lines),
        said={"persons": len(persons), "bundle_zh": zh, "bundle_en": en, "usual": f"{usual:.1f}"},
        parameters={"usual": round(usual, 2)},
        witness=[
            {
                "visit": each[0].visit,
                "charged_ms": each[0].charged_ms,
                "staff": each[0].staff,
                "room": each[0].room,
            }
            for each in persons.values()
        ],
    )

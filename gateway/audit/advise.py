"""What can be said of charges before they are made (事前提醒): limits, double charges, age, device time left.

Pure. It advises and never forbids: a cashier goes on whatever it says, and what it does not know it does not say. A
charge may be paid before it is performed, so the rest of the day counts as time in which it still can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.audit.catalogue import Item
from gateway.audit.hours import Hours
from gateway.audit.reconcile import Period, classes_judged
from gateway.ledger.bills import BillLine

REASONS = (
    "visit_max",
    "day_max",
    "course_max",
    "age",
    "double_charge",
    "no_time_left",
    "no_device_time",
)

_MATCHED = ("supported", "unobserved")
_MANY = 400  # more treatments of one class than a day of one clinic holds


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that is about to be charged: `treatments` of an `item`, to somebody `age_years` old if that is said."""

    item: Item
    treatments: int
    charged_ms: int
    visit: str
    age_years: int | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to look at before charging; `reason` is one of REASONS."""

    reason: str
    zh: str
    en: str


def advise(asked: Sequence[Asked], charged: Sequence[BillLine], hours: Hours) -> list[list[Advice]]:
    """For each line what speaks against it. `charged` is what this person was charged so far, not refunded, as far back
    as courses go; lines asked earlier count for those after them."""
    return [
        [*_limits(each, [*_alike(charged, each), *_asked_before(asked[:place], each)], hours), *_age(each)]
        for place, each in enumerate(asked)
    ]


@dataclass(frozen=True, slots=True)
class _Use:
    visit: str
    charged_ms: int
    treatments: int


def _alike(charged: Sequence[BillLine], asked: Asked) -> list[_Use]:
    return [
        _Use(line.visit, line.charged_ms, line.treatments)
        for line in charged
        if line.item == asked.item.number
    ]


def _asked_before(asked: Sequence[Asked], this: Asked) -> list[_Use]:
    return [
        _Use(each.visit, each.charged_ms, each.treatments)
        for each in asked
        if each.item.number == this.item.number
    ]


def _limits(asked: Asked, before: Sequence[_Use], hours: Hours) -> Iterator[Advice]:
    item, day = asked.item, hours.day_of(asked.charged_ms)
    today = [each for each in before if hours.day_of(each.charged_ms) == day]
    visit = [each for each in before if each.visit == asked.visit]
    span_days = item.course_days or 1
    course = [each for each in before if 0 <= (day - hours.day_of(each.charged_ms)).days < span_days]
    is_course = item.per == "次" and item.day_max is not None and item.day_max < asked.treatments
    yield from _above(item.visit_max, "visit_max", "一次就诊", "in one visit", visit, asked)
    if not is_course:
        yield from _above(item.day_max, "day_max", "一天", "in one day", today, asked)
    yield from _above(
        item.course_max, "course_max", f"{span_days} 天内", f"in {span_days} days", course, asked
    )
    if any(each.visit != asked.visit for each in today) and item.day_max is None:
        yield Advice(
            "double_charge",
            f"{item.zh}：此人今天在另一次就诊中已收取",
            f"{item.en}: charged to this person today already, in another visit",
        )


def _above(
    most: int | None, reason: str, zh: str, en: str, uses: Sequence[_Use], asked: Asked
) -> Iterator[Advice]:
    used = sum(each.treatments for each in uses)
    if most is not None and used + asked.treatments > most:
        yield Advice(
            reason,
            f"{asked.item.zh}：{zh}至多 {most} 次，已有 {used} 次，再收 {asked.treatments} 次",
            f"{asked.item.en}: at most {most} {en}, there are {used}, and {asked.treatments} more are asked",
        )


def _age(asked: Asked) -> Iterator[Advice]:
    least, most, age = asked.item.min_age_years, asked.item.max_age_years, asked.age_years
    if age is None or ((least is None or age >= least) and (most is None or age <= most)):
        return
    bounds = f"{'' if least is None else least}-{'' if most is None else most}"
    yield Advice(
        "age",
        f"{asked.item.zh}：适用年龄 {bounds} 岁，此人 {age} 岁",
        f"{asked.item.en}: for ages {bounds}, this person is {age}",
    )


# --- device time --------------------------------------------------------------------------------------------------


def time_left(period: Period, loads: Sequence[str]) -> dict[str, int]:
    """Class -> how many more treatments of today its devices can still hold, the hours to come and all that nobody
    watched included. A class without devices in the inventory is not in it."""
    before = _matched(period)
    devices = {device.load for device in period.devices}
    probes = {load: _probe(period, load) for load in sorted(set(loads) & devices)}
    after = _matched(replace(period, lines=[*period.lines, *probes.values()]))
    return {load: after.get(load, 0) - before.get(load, 0) for load in probes}


def _probe(period: Period, load: str) -> BillLine:
    """More of a class than a day can hold, charged now."""
    there = period.items.on(period.hours.day_of(period.now_ms)).values()
    number = min(each.number for each in there if each.device_class == load)
    return proposed(f"{load}#", number, _MANY, period.now_ms)


def _matched(period: Period) -> dict[str, int]:
    return {
        each.load: sum(said.code in _MATCHED for said in each.judgement.verdicts)
        for each in classes_judged(period)
    }


def proposed(name: str, item: int, treatments: int, charged_ms: int) -> BillLine:
    """A line that nobody has charged yet. Its name has no `/`, so it is no bill's."""
    counted = (str(treatments), treatments, 0, charged_ms, None)
    return BillLine("", name, 0, "", "", item, "", "", *counted, "", "", "", None)


def without_time(asked: Sequence[Asked], left: Mapping[str, int]) -> list[list[Advice]]:
    """For each line whether the day can still hold it; lines asked earlier take their time first."""
    free = dict(left)
    return [list(_short_of(each, free)) for each in asked]


def _short_of(asked: Asked, free: dict[str, int]) -> Iterator[Advice]:
    load = asked.item.device_class
    if load not in free:
        return
    there, free[load] = free[load], max(0, free[load] - asked.treatments)
    if asked.treatments > there:
        yield Advice(
            "no_time_left",
            f"{asked.item.zh}：今天的设备时间最多还够 {there} 次，要收 {asked.treatments} 次",
            f"{asked.item.en}: today's device time holds at most {there} more, {asked.treatments} are asked",
        )


def not_yet_done(asked: Sequence[Asked], period: Period) -> list[list[Advice]]:
    """For each line whether device time for it has already been there (`settle_after_treatment`); the time to come does
    not count, what nobody watched does."""
    lines = [
        proposed(f"asked#{place}", each.item.number, each.treatments, each.charged_ms)
        for place, each in enumerate(asked)
    ]
    settled = classes_judged(replace(period, lines=[*period.lines, *lines]))
    said: dict[str, list[str]] = {}
    for judged in settled:
        for verdict in judged.judgement.verdicts:
            is_future = any(start >= period.now_ms for _, start, _ in verdict.dark)
            code = "to_come" if verdict.code == "unobserved" and is_future else verdict.code
            said.setdefault(verdict.line, []).append(code)
    return [
        list(_unperformed(each, said.get(line.line, []))) for each, line in zip(asked, lines, strict=True)
    ]


def _unperformed(asked: Asked, codes: Sequence[str]) -> Iterator[Advice]:
    missing = sum(code in ("short", "no_device_time", "to_come") for code in codes)
    if missing:
        yield Advice(
            "no_device_time",
            f"{asked.item.zh}：{asked.treatments} 次中有 {missing} 次还没有足够的设备时间",
            f"{asked.item.en}: {missing} of {asked.treatments} have no device time yet",
        )

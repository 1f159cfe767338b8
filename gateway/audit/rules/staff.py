"""More by one person's hands than there is time for: staff_time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from gateway.audit.facts import Facts, Told
from gateway.audit.rules.found import Figures, Found, billed, clock, entered, hull
from gateway.audit.spans import Span
from gateway.ledger.bills import BillLine


def staff_time(facts: Facts, rule: Figures) -> Iterator[Found]:
    """One practitioner, whose presence the treatments of a day need for longer than `day_s`, or those of a time without
    pause for longer than that time. An item needs as much as `presence_min` says; one that is not there needs none."""
    if len({line.staff for _, line in facts.charged if line.staff}) < rule["least_staff"]:
        return
    by_staff = _recorded_by(facts, rule)
    yield from _in_a_day(facts, rule, by_staff)
    yield from _without_pause(facts, rule, by_staff)


def _in_a_day(facts: Facts, rule: Figures, by_staff: Mapping[str, Sequence[Told]]) -> Iterator[Found]:
    """Who recorded a treatment counts, and where nobody did, under whose code it was charged."""
    performed_by = {each.line: each.staff for told in by_staff.values() for each in told}
    of_day: dict[tuple[str, date], list[BillLine]] = defaultdict(list)
    for day, line in facts.charged:
        staff = performed_by.get(line.line, line.staff)
        if staff and _presence_s(rule, line.item) and not facts.is_course(line):
            of_day[staff, day].append(line)
    for (staff, day), lines in of_day.items():
        needed_s = sum(_presence_s(rule, line.item) * line.treatments for line in lines)
        if needed_s > rule["day_s"]:
            rows = [billed(line) | {"presence_s": _presence_s(rule, line.item)} for line in lines]
            span = facts.hours.calendar_day(day)
            yield _too_busy(facts, staff, day, lines, needed_s, rule["day_s"], span, rows)


def _recorded_by(facts: Facts, rule: Figures) -> dict[str, list[Told]]:
    """What each practitioner recorded as done, with times, of items that need presence."""
    found: dict[str, list[Told]] = defaultdict(list)
    for told in facts.told:
        if told.is_timed and told.staff and _presence_s(rule, told.item):
            found[told.staff].append(told)
    return found


def _without_pause(facts: Facts, rule: Figures, by_staff: Mapping[str, Sequence[Told]]) -> Iterator[Found]:
    """Records of one practitioner that overlap one after the other: together they need more than the time from the first
    beginning to the last end."""
    charged = {line.line: line for _, line in facts.charged}
    for staff, all_told in by_staff.items():
        for run in _runs([each for each in all_told if each.line in charged]):
            span = hull(run)
            needed_s = sum(_presence_s(rule, each.item) for each in run)
            there_s = (span[1] - span[0]) // 1000 + rule["slack_s"]
            day = facts.day_in_period(span[0])
            if day and needed_s > there_s:
                lines = [charged[each.line] for each in run]
                rows = [{**entered(each), "presence_s": _presence_s(rule, each.item)} for each in run]
                yield _too_busy(facts, staff, day, lines, needed_s, there_s, span, rows)


def _runs(told: list[Told]) -> Iterator[list[Told]]:
    """Records of which each begins before those before it have ended."""
    run: list[Told] = []
    ended_ms = 0
    for each in sorted(told, key=lambda one: (one.start_ms or 0, one.key)):
        if run and (each.start_ms or 0) >= ended_ms:
            yield run
            run = []
        run.append(each)
        ended_ms = max(ended_ms, each.end_ms or 0)
    if run:
        yield run


def _presence_s(rule: Figures, item: int | None) -> int:
    return rule["presence_min"].get(str(item), 0) * 60


def _too_busy(
    facts: Facts,
    staff: str,
    day: date,
    lines: Sequence[BillLine],
    needed_s: int,
    there_s: int,
    span: Span,
    witness: Sequence[dict[str, object]],
) -> Found:
    whole_day = span == facts.hours.calendar_day(day)
    return Found(
        identity=(facts.hours.config.clinic, staff, day, whole_day or span[0]),
        day=day,
        item=None,
        treatments=sum(line.treatments for line in lines),
        lines={line.line for line in lines},
        amount_fen=sum(line.amount_fen for line in lines) * (needed_s - there_s) // needed_s,
        said={
            "staff": staff,
            "needed": needed_s // 60,
            "there": there_s // 60,
            **clock(facts, span),
        },
        parameters={"needed_s": needed_s, "there_s": there_s},
        witness=witness,
    )

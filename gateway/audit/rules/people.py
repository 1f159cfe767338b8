"""More at once than places or a person's body allow: simultaneous, patient_overlap.

What is known of times is little: a line may say when it was performed, a person may have recorded when a treatment began.
Both are bounds by sums, and count only what cannot be otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gateway.audit.facts import Facts, Told
from gateway.audit.rules.found import Figures, Found, billed, clock, entered, hull, least_of_lines_fen
from gateway.audit.spans import Span
from gateway.ledger.bills import BillLine

TOLERANCE_S = 60  # how much shorter than its shortest duration a treatment may be
PERFORMED_MS = 30 * 60 * 1000  # how far from what a line says it may have begun


@dataclass(frozen=True, slots=True)
class _Begun:
    """A treatment that began in [`from_ms`, `until_ms`], by a line or by a person's record."""

    from_ms: int
    until_ms: int
    line: BillLine
    record: str = ""

    def row(self) -> dict[str, object]:
        told = {"record": self.record} if self.record else {}
        return {
            "line": self.line.line,
            **told,
            "begun_after_ms": self.from_ms,
            "begun_before_ms": self.until_ms,
        }


def simultaneous(facts: Facts, rule: Figures) -> Iterator[Found]:
    """More treatments of a class must have begun within some time than its stations can begin in it: each station serves
    one patient, and the next after the required time. Whether it was watched does not matter."""
    for settled in facts.settled:
        begun = _begun(facts, settled.load, rule["record_s"] * 1000)
        devices = [each for each in facts.devices.values() if each.load == settled.load]
        required_ms = settled.case.required_s * 1000
        for crowd in _crowds(begun, rule["within_s"] * 1000) if devices else ():
            first_ms, last_ms = min(each.from_ms for each in crowd), max(each.until_ms for each in crowd)
            stations = sum(
                each.stations
                for each in devices
                if each.from_ms <= last_ms and (each.until_ms is None or each.until_ms > first_ms)
            )
            places = stations * ((last_ms - first_ms) // required_ms + 1)
            day = facts.day_in_period(crowd[0].line.charged_ms)
            if day and len(crowd) > places:
                lines = {each.line.line: each.line for each in crowd}
                yield Found(
                    identity=(
                        facts.hours.config.clinic,
                        settled.load,
                        day,
                        crowd[0].line.line,
                        crowd[0].record,
                    ),
                    day=day,
                    item=settled.item,
                    treatments=len(crowd),
                    capacity=places,
                    lines=lines,
                    amount_fen=least_of_lines_fen(lines.values(), len(crowd) - places),
                    said={"stations": stations, **clock(facts, (first_ms, last_ms))},
                    parameters={"required_s": settled.case.required_s},
                    witness=[each.row() for each in crowd],
                )


def _begun(facts: Facts, load: str, exact_ms: int) -> list[_Begun]:
    """The treatments of a class of which it is known when they began, in order of time. What a person recorded counts as
    exact to `exact_ms`; a line of n that says when it was performed says it of one."""
    known = {line.line: line for line in facts.charged_by_class.get(load, ())}
    recorded = [
        _Begun(told.start_ms - exact_ms, told.start_ms + exact_ms, known[told.line], told.key)
        for told in facts.told
        if told.is_timed and told.start_ms is not None and told.line in known
    ]
    lines = {each.line.line for each in recorded}
    performed = [
        _Begun(line.performed_ms - PERFORMED_MS, line.performed_ms + PERFORMED_MS, line)
        for line in known.values()
        if line.performed_ms is not None and line.line not in lines
    ]
    return sorted((*recorded, *performed), key=lambda each: (each.from_ms, each.until_ms, each.line.line))


def _crowds(begun: Sequence[_Begun], within_ms: int) -> Iterator[Sequence[_Begun]]:
    """Runs, in order of time, that began within so long of their first; none shares a treatment with another."""
    first = 0
    while first < len(begun):
        last = first
        while last < len(begun) and begun[last].from_ms <= begun[first].from_ms + within_ms:
            last += 1
        yield begun[first:last]
        first = last


def patient_overlap(facts: Facts, rule: Figures) -> Iterator[Found]:
    """One person, treatments that exclude each other (`exclude`: those that somebody's hands do), and too little time for them
    one after the other: between the first beginning and the last end of the records, around what lines say, or in a day."""
    groups = {item: group for group, items in rule["exclude"].items() for item in items}
    charged: dict[tuple[str, date, str], list[BillLine]] = defaultdict(list)
    for day, line in facts.charged:
        if line.item in groups:
            charged[line.patient or line.visit, day, groups[line.item]].append(line)
    by_line: dict[str, list[Told]] = defaultdict(list)
    for each in facts.told:
        if each.is_timed:
            by_line[each.line].append(each)
    for (person, day, _), lines in charged.items():
        asked = _Asked(person, day, lines)
        told = [each for line in lines for each in by_line.get(line.line, ())]
        yield from _by_records(facts, rule, asked, told)
        yield from _around_what_lines_say(facts, asked)
        yield from _in_a_day(facts, rule, asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one person was charged on a day that excludes each other."""

    person: str
    day: date
    lines: Sequence[BillLine]


def _by_records(facts: Facts, rule: Figures, asked: _Asked, told: Sequence[Told]) -> Iterator[Found]:
    """Two records, one after the other, between whose first beginning and last end there is not time for both."""
    charged = {line.line: line for line in asked.lines}
    for one, other in pairwise(sorted(told, key=lambda each: (each.start_ms or 0, each.key))):
        pair = [charged[one.line], charged[other.line]]
        needed_s, span = sum(_required_s(facts, line) for line in pair), hull([one, other])
        if one.line != other.line and (span[1] - span[0]) // 1000 + rule["slack_s"] < needed_s:
            rows = [entered(one), entered(other)]
            yield _clash(facts, asked, f"{one.key} {other.key}", pair, needed_s, span, rows)


def _around_what_lines_say(facts: Facts, asked: _Asked) -> Iterator[Found]:
    """All that was performed at known times took place from half an hour before the first to half an hour and a treatment
    after the last."""
    lines = [line for line in asked.lines if line.performed_ms is not None]
    if len(lines) > 1:
        needs = [_required_s(facts, line) for line in lines]
        instants = [line.performed_ms or 0 for line in lines]
        span = min(instants) - PERFORMED_MS, max(instants) + PERFORMED_MS + max(needs) * 1000
        if sum(needs) * 1000 > span[1] - span[0]:
            rows = [billed(line) for line in lines]
            yield _clash(facts, asked, "performed", lines, sum(needs), span, rows)


def _in_a_day(facts: Facts, rule: Figures, asked: _Asked) -> Iterator[Found]:
    """More hours of it than a day is good for; what was paid ahead for several days is left out."""
    lines = [line for line in asked.lines if not facts.is_course(line)]
    needed_s = sum(_required_s(facts, line) * line.treatments for line in lines)
    if needed_s > rule["day_s"]:
        first_ms, _ = facts.hours.calendar_day(asked.day)
        span = first_ms, first_ms + rule["day_s"] * 1000
        yield _clash(facts, asked, "day", lines, needed_s, span, [billed(line) for line in lines])


def _clash(
    facts: Facts,
    asked: _Asked,
    how: str,
    lines: Sequence[BillLine],
    needed_s: int,
    span: Span,
    witness: Sequence[dict[str, object]],
) -> Found:
    names = {line.item: facts.item(line) for line in lines}
    whole_day = {"from": "00:00", "until": "24:00"}
    return Found(
        identity=(facts.hours.config.clinic, asked.person, how, asked.day, lines[0].item),
        day=asked.day,
        item=min(line.item or 0 for line in lines),
        treatments=sum(line.treatments for line in lines),
        lines={line.line for line in lines},
        amount_fen=min(line.amount_fen for line in lines),
        said={
            "person": lines[0].patient[:8] or lines[0].visit,
            "needed": needed_s // 60,
            "there": (span[1] - span[0]) // 60000,
            "items_zh": "、".join(each.zh for each in names.values()),
            "items_en": ", ".join(each.en for each in names.values()),
            **(whole_day if how == "day" else clock(facts, span)),
        },
        witness=witness,
    )


def _required_s(facts: Facts, line: BillLine) -> int:
    """The least that a treatment of the line takes, as short as a tolerance makes it."""
    return facts.item(line).min_minutes * 60 - TOLERANCE_S

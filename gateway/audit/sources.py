"""What two sources tell of one clinic's charges, held against each other: the clinic's own export and the platform's extract.
Pure.

A line is missed on the other side only where the other side's files speak of its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from gateway.audit.hours import Hours
from gateway.audit.pairing import Side, free_where_numbers_differ, pair_equals, pair_others
from gateway.audit.spans import Span, union
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillLine

Kind = Literal["platform", "clinic", "other"]
"""Only the platform has it; only the clinic has it; both have it and say other things."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one source tells of some time: its lines, and of which spans its files speak."""

    source: str
    lines: Sequence[BillLine]
    covered: Sequence[Span]

    def covers(self, at_ms: int) -> bool:
        """Whether some file speaks of that instant."""
        return any(start <= at_ms < end for start, end in self.covered)


@dataclass(frozen=True, slots=True)
class Both:
    """What both sources tell of a clinic, and what settlements of visits came to by accounts (3202): visit -> fen."""

    clinic: Account
    platform: Account
    settled_fen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines of a day and item that the sources tell otherwise. Of `count` lines it is said; where lines that say the same
    are as many as stand in `lines`, nobody can tell which of them it is."""

    kind: Kind
    day: date
    item: int
    lines: tuple[BillLine, ...]
    count: int
    treatments: int
    fen: int


def covered(files: Iterable[FileSpan], hours: Hours) -> list[Span]:
    """Of which time files speak: from the day of their first charge to that of their last, which is whole only where the
    file came after it had ended."""
    spans = []
    for each in files:
        start, end = (
            hours.calendar_day(hours.day_of(each.first_ms))[0],
            hours.calendar_day(hours.day_of(each.last_ms))[1],
        )
        spans.append((start, end if each.imported_ms >= end else each.last_ms + 1))
    return union(spans)


def differences(both: Both, hours: Hours) -> list[Difference]:
    """What the sources tell otherwise, by day, item and kind. What the patient paid alone never reaches the platform: of
    the clinic's lines only those count of which the export says that an insurer pays."""
    ours, theirs = Side(both.clinic.lines, hours), Side(both.platform.lines, hours)
    free_where_numbers_differ(ours, theirs)
    pair_equals(ours, theirs)
    other = pair_others(ours, theirs)
    other = [
        each
        for each in other
        if each[0].insured != 0
        and both.platform.covers(each[0].charged_ms)
        and both.clinic.covers(each[1].charged_ms)
    ]
    only_ours = [each for each in ours.left() if each.insured == 1 and both.platform.covers(each.charged_ms)]
    only_theirs = [each for each in theirs.left() if both.clinic.covers(each.charged_ms)]
    return [
        *_missed("platform", theirs, only_theirs, hours),
        *_missed("clinic", ours, only_ours, hours),
        *_contradicted(other, hours),
    ]


# --- what is told ------------------------------------------------------------------------------------------------


def _missed(kind: Kind, side: Side, lines: Iterable[BillLine], hours: Hours) -> list[Difference]:
    grouped: dict[tuple[date, int], list[BillLine]] = defaultdict(list)
    for each in lines:
        grouped[hours.day_of(each.charged_ms), each.item or 0].append(each)
    found = []
    for (day, item), missing in sorted(grouped.items()):
        named = {one.line: one for each in missing for one in (each, *side.alike(each))}
        treatments, fen = sum(each.treatments for each in missing), sum(each.amount_fen for each in missing)
        lines_named = tuple(named[name] for name in sorted(named))
        found.append(Difference(kind, day, item, lines_named, len(missing), treatments, fen))
    return found


def _contradicted(pairs: Iterable[tuple[BillLine, BillLine]], hours: Hours) -> list[Difference]:
    grouped: dict[tuple[date, int], list[tuple[BillLine, BillLine]]] = defaultdict(list)
    for ours, theirs in pairs:
        grouped[hours.day_of(theirs.charged_ms), theirs.item or 0].append((ours, theirs))
    return [
        Difference(
            "other",
            day,
            item,
            tuple(each for pair in sorted(group, key=lambda pair: pair[1].line) for each in pair),
            len(group),
            sum(theirs.treatments for _, theirs in group),
            sum(abs(theirs.amount_fen - ours.amount_fen) for ours, theirs in group),
        )
        for (day, item), group in sorted(grouped.items())
    ]


def total_fen(account: Account, span: Span) -> int:
    """What the lines of a source that an insurer pays, or of which that is not told, came to in a span."""
    return sum(
        each.amount_fen
        for each in account.lines
        if span[0] <= each.charged_ms < span[1] and each.reversed_by is None and each.insured != 0
    )


def settled_fen(both: Both, span: Span) -> int | None:
    """What accounts (3202) say of the visits that were charged in a span; None where they say nothing of any."""
    visits = {
        each.visit
        for account in (both.clinic, both.platform)
        for each in account.lines
        if span[0] <= each.charged_ms < span[1]
    }
    told = [both.settled_fen[visit] for visit in visits if visit in both.settled_fen]
    return sum(told) if told else None

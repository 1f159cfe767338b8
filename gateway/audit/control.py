"""Control totals: what settlements came to as a file tells them, and what the lines of the book add up to. Pure.

A settlement and the one that takes it back are a pair and come to nothing. Where the book does not know which lines a
settlement holds, the visit is compared as a whole. Nothing here changes a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.audit.formats.statements import Refused, Total
from gateway.audit.standing import settlement_of
from gateway.ledger.bills import Entry


@dataclass(frozen=True, slots=True)
class Difference:
    """A settlement of which the file says one amount, and the lines in force another. `settlement` is empty where a
    visit was compared as a whole."""

    visit: str
    settlement: str
    told_fen: int
    lines_fen: int


@dataclass(slots=True)
class Compared:
    """How a source's lines compare: settlements or visits that agree, those that differ, those without any line."""

    source: str
    agree: int = 0
    differ: list[Difference] = field(default_factory=list)
    absent: list[Total] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Control:
    """What a file of settlements says: how many stand, how many were taken back, how many negative ones lack the one
    that they take back, the sum in fen, and how each source's lines compare."""

    settlements: int
    refunded: int
    unpaired: int
    amount_fen: int
    sources: Sequence[Compared]

    @property
    def found(self) -> bool:
        """Whether something differs or is missing."""
        return any(each.differ or each.absent for each in self.sources)


def control(totals: Sequence[Total], books: Mapping[str, Iterable[Entry]]) -> Control:
    """Compares the totals with the lines of their visits, `books` by source; a source is left out by its caller."""
    standing, refunded, unpaired = _paired(totals)
    return Control(
        settlements=len(standing),
        refunded=refunded,
        unpaired=len(unpaired),
        amount_fen=sum(each.amount_fen for each in totals),
        sources=[_compared(source, totals, standing, entries) for source, entries in books.items()],
    )


def told_twice(totals: Iterable[Total]) -> list[Refused]:
    """Settlements that a file tells twice with one sign: it was put together wrongly."""
    seen: set[tuple[str, str, bool]] = set()
    refused = []
    for each in totals:
        key = (each.visit, each.settlement, each.amount_fen < 0)
        if key in seen and each.amount_fen:
            refused.append(
                Refused(
                    each.row, "setl_id", each.settlement, "同一结算出现两次", "this settlement is told twice"
                )
            )
        seen.add(key)
    return refused


def _paired(totals: Sequence[Total]) -> tuple[list[Total], int, list[Total]]:
    """What stands, how many pairs there are, and what takes back something that is not in the file."""
    open_: dict[tuple[str, int], list[Total]] = defaultdict(list)
    for each in totals:
        if each.amount_fen >= 0:
            open_[each.visit, each.amount_fen].append(each)
    pairs, unpaired, gone = 0, [], set()
    for each in totals:
        if each.amount_fen < 0:
            candidates = open_[each.visit, -each.amount_fen]
            if candidates:
                original = min(candidates, key=lambda total: (total.settlement != each.settlement, total.row))
                candidates.remove(original)
                gone.add(original.row)
                pairs += 1
            else:
                unpaired.append(each)
    return [each for each in totals if each.amount_fen >= 0 and each.row not in gone], pairs, unpaired


def _compared(
    source: str, totals: Sequence[Total], standing: Sequence[Total], entries: Iterable[Entry]
) -> Compared:
    compared = Compared(source)
    lines: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in entries:
        if not entry.is_refund:
            lines[entry.visit][settlement_of(entry)] += 0 if entry.reversed_by else entry.amount_fen
    told: dict[str, dict[str, int]] = defaultdict(dict)
    for each in totals:
        if each.amount_fen >= 0:
            told[each.visit][each.settlement] = 0
    for each in standing:
        told[each.visit][each.settlement] = each.amount_fen
    by_name = {(each.visit, each.settlement): each for each in totals if each.amount_fen >= 0}
    for visit, settlements in told.items():
        _visit(compared, visit, settlements, lines.get(visit, {}), by_name)
    return compared


def _visit(
    compared: Compared,
    visit: str,
    told: Mapping[str, int],
    lines: Mapping[str, int],
    by_name: Mapping[tuple[str, str], Total],
) -> None:
    rest = []
    for settlement, told_fen in told.items():
        if settlement in lines:
            _compare(compared, Difference(visit, settlement, told_fen, lines[settlement]))
        elif told_fen:
            rest.append(settlement)
    if "" in lines:
        told_fen = sum(told[each] for each in rest)
        _compare(compared, Difference(visit, "", told_fen, lines[""]))
    else:
        compared.absent.extend(by_name[visit, each] for each in rest)


def _compare(compared: Compared, difference: Difference) -> None:
    if difference.told_fen == difference.lines_fen:
        compared.agree += 1
    else:
        compared.differ.append(difference)

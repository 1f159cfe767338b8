"""The lines of some visits as they stand while a file is posted, and what they were before. Pure.

This file keeps what a change must keep true: a line taken back wholly says what was charged, another what is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from gateway.audit.formats.statements import BATCH
from gateway.ledger.bills import Entry

_COLUMNS = tuple(each.name for each in fields(Entry))


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the lines: `new` ones, those that are other than before, and how many of the lines charged are
    `revived` (live again), `reversed` (taken back wholly) and `reduced` (in part)."""

    new: Sequence[Entry]
    changed: Sequence[Entry]
    revived: int
    reversed: int
    reduced: int


class Standing:
    """Lines by name, visit, number and amount. `treatments` says for how many treatments so many of a line stand."""

    def __init__(self, known: Iterable[Entry], treatments: Callable[[Entry, Decimal], int]):
        self._treatments = treatments
        self._entries: dict[str, Entry] = {}
        self._visits: dict[str, list[Entry]] = defaultdict(list)
        self._numbers: dict[str, list[Entry]] = defaultdict(list)
        self._amounts: dict[tuple[str, str, str, int], list[Entry]] = defaultdict(list)
        self._refunds: dict[str, list[Entry]] = defaultdict(list)
        self._before: dict[str, Entry] = {}
        self._new: set[str] = set()
        for entry in known:
            self._keep(entry)

    # --- asking ---

    def get(self, line: str) -> Entry | None:
        """The line or refund of that name."""
        return self._entries.get(line)

    def of_visit(self, visit: str) -> Sequence[Entry]:
        """What was charged in a visit, taken back or not."""
        return self._visits.get(visit, ())

    def of_number(self, number: str) -> Sequence[Entry]:
        """What was charged under `<visit>/<number>`, by whichever settlement."""
        return self._numbers.get(number, ())

    def opposites(self, refund: Entry) -> list[Entry]:
        """Lines of the refund's visit and code, exactly opposite, of another settlement, of which nothing is refunded."""
        exact = self._amounts.get((refund.visit, refund.code, refund.count[1:], -refund.amount_fen), ())
        return [
            each
            for each in exact
            if each.settlement != refund.settlement and not self._refunds.get(each.line)
        ]

    def charged_fen(self, entry: Entry) -> int:
        """What a line cost before refunds made it less."""
        return entry.amount_fen if entry.reversed_by else entry.amount_fen - self._refunded_fen(entry)

    def left(self, entry: Entry, refund: Entry) -> tuple[Decimal, int]:
        """The count and the fen that this refund, after those before it, leaves of a line."""
        count = self._count_left(entry) + Decimal(refund.count)
        return count, self.charged_fen(entry) + self._refunded_fen(entry) + refund.amount_fen

    def _count_left(self, entry: Entry) -> Decimal:
        return Decimal(entry.count) + sum(Decimal(each.count) for each in self._refunds.get(entry.line, ()))

    def _refunded_fen(self, entry: Entry) -> int:
        return sum(each.amount_fen for each in self._refunds.get(entry.line, ()))

    # --- changing ---

    def add(self, entry: Entry) -> None:
        """A line or refund that was not known."""
        self._keep(entry)
        self._new.add(entry.line)

    def drop(self, entry: Entry) -> None:
        """Takes a new line out again."""
        self._new.discard(entry.line)
        self._numbers[number_of(entry)].remove(self._entries.pop(entry.line))

    def replace(self, held: Entry, entry: Entry) -> None:
        """A line told anew, live again. Refunds of what it was before went with that."""
        self._touch(held)
        for refund in self._refunds.pop(held.line, ()):
            self._touch(refund).reversed_by = held.reversed_by
        for name in _COLUMNS:
            setattr(held, name, getattr(entry, name))

    def reverse(self, entry: Entry, by: str) -> None:
        """Takes a line back wholly."""
        charged_fen = self.charged_fen(entry)
        self._touch(entry).amount_fen = charged_fen
        entry.treatments = self._treatments(entry, Decimal(entry.count))
        entry.reversed_by = by

    def refund(self, entry: Entry, refund: Entry) -> None:
        """Takes a line back, wholly or in part, by a refund that leaves no less than nothing."""
        count, left_fen = self.left(entry, refund)
        refund.reversed_by = entry.line
        if count == 0:
            self.reverse(entry, refund.line)
        elif not entry.reversed_by:
            self._touch(entry).amount_fen = left_fen
            entry.treatments = self._treatments(entry, count)
        self.add(refund)

    def assign(self, entry: Entry, item: int | None) -> None:
        """Gives a line the item that it means, or none."""
        count = Decimal(entry.count) if entry.reversed_by else self._count_left(entry)
        self._touch(entry).item = item
        entry.treatments = self._treatments(entry, count)

    def learn(self, entry: Entry, told: Entry) -> None:
        """Fills in what was not told of a line before: its own code, and who pays."""
        own_code, insured = (
            entry.own_code or told.own_code,
            told.insured if entry.insured is None else entry.insured,
        )
        if (own_code, insured) != (entry.own_code, entry.insured):
            self._touch(entry).own_code, entry.insured = own_code, insured

    def settle(self, entry: Entry, settlement: str) -> None:
        """Says which settlement a line went into."""
        self._touch(entry).settlement = settlement

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.line] = entry
        if not entry.is_refund:
            self._visits[entry.visit].append(entry)
            self._numbers[number_of(entry)].append(entry)
            self._amounts[entry.visit, entry.code, entry.count, entry.amount_fen].append(entry)
        elif is_refunded(entry):
            self._refunds[entry.reversed_by or ""].append(entry)

    def _touch(self, entry: Entry) -> Entry:
        """The entry, about to be changed; what it was before is remembered."""
        if entry.line not in self._new and entry.line not in self._before:
            self._before[entry.line] = replace(entry)
        return entry

    # --- telling ---

    def changes(self) -> Changes:
        """What is other than at the beginning."""
        new = [entry for line, entry in self._entries.items() if line in self._new]
        pairs = [(before, self._entries[line]) for line, before in self._before.items()]
        charged = [(None, now) for now in new if not now.is_refund]
        compared = [*((before.reversed_by, now) for before, now in pairs if not now.is_refund), *charged]
        return Changes(
            new=new,
            changed=[now for before, now in pairs if now != before],
            revived=sum(bool(before and not now.reversed_by) for before, now in compared),
            reversed=sum(bool(now.reversed_by and not before) for before, now in compared),
            reduced=sum(self._newly_reduced(now) for _, now in compared if not now.reversed_by),
        )

    def _newly_reduced(self, entry: Entry) -> bool:
        return any(each.line in self._new for each in self._refunds.get(entry.line, ()))


def settlement_of(entry: Entry) -> str:
    """Who settled it, as far as that is known."""
    return "" if entry.settlement.startswith(BATCH) else entry.settlement


def number_of(entry: Entry) -> str:
    """`<visit>/<number>` of a line, without the settlement that tells it from others of that number."""
    return entry.line.removesuffix("@" + entry.settlement) if entry.settlement else entry.line


def is_refunded(entry: Entry) -> bool:
    """Taken back by a line, and not by a message or a mark: only lines have a `/` in their names."""
    return entry.reversed_by is not None and "/" in entry.reversed_by

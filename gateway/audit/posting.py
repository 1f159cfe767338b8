"""What a bill file changes in the book: lines that are new, known, taken back, live again. Pure.

This file does not know formats, files or SQL. Uploads are told in order, and a line that is uploaded again after it was
taken back is live again. The rows of a table are facts: their order says nothing, and what was taken back stays so.

A refund of less than its line leaves a line of fewer treatments and less money; it is matched with the line that it
names, or has the number of, else with one of the same visit and code, exactly opposite and of another settlement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.audit.catalogue import plain
from gateway.audit.formats.statements import BATCH, Refused, Settled, Withdrawal
from gateway.audit.standing import Changes, Standing, is_refunded, number_of, settlement_of
from gateway.ledger.bills import Entry

_SAID = ("visit", "patient", "code", "staff", "performed_ms")
"""Where two tellings of a line may differ only in that one of them is silent. Rooms have other names in other exports."""


@dataclass(slots=True)
class Told:
    """A charge or refund as an entry; `refunds` is the line that it names, `voided` that the row is not in force."""

    entry: Entry
    refunds: str | None = None
    voided: bool = False


Event = Told | Withdrawal | Settled


@dataclass(slots=True)
class Posted:
    """What a file changes: `lines` told, of them those `mapped` to an item at last, and what cannot be taken."""

    changes: Changes
    lines: int = 0
    mapped: int = 0
    refused: list[Refused] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def fresh(self) -> int:
        """Lines that the book did not have, or no longer had."""
        return len(self.changes.new) + self.changes.revived


class Posting:
    """A file's events, applied one by one to the book's lines of the visits that it speaks of.

    `known` are those lines; `treatments` says for how many treatments so many of a line stand; `columns` names the
    columns of `line` and `count` for refusals.
    """

    def __init__(
        self,
        known: Iterable[Entry],
        treatments: Callable[[Entry, Decimal], int],
        columns: Mapping[str, str],
    ):
        self._book = Standing(known, treatments)
        self._columns = columns
        self._lines = 0
        self._mapped = 0
        self._refused: list[Refused] = []
        self._notes: list[tuple[str, str]] = []

    def uploads(self, events: Iterable[Event]) -> Posted:
        """Uploads and messages, in their order."""
        for event in events:
            if isinstance(event, Withdrawal):
                self._withdraw(event)
            elif isinstance(event, Settled):
                self._settle(event)
            elif event.entry.is_refund:
                self._refund(event)
            else:
                self._charge(event, revive=True)
        return self._posted()

    def table(self, told: Sequence[Told]) -> Posted:
        """Rows in no order: first what was charged, then what was taken back."""
        again = []
        for each in told:
            if not each.entry.is_refund:
                if self._second_settlement(each.entry):
                    again.append(each.entry)
                self._charge(each, revive=False)
        for each in told:
            if each.entry.is_refund:
                self._refund(each)
        for entry in again:
            self._refuse_charged_twice(entry)
        return self._posted()

    def told_before(self, events: Iterable[Event]) -> Posted:
        """Uploads of a file that was posted already: they are past. Only its lines may get items that are known now."""
        for event in events:
            held = self._book.get(event.entry.line) if isinstance(event, Told) else None
            if held is not None and isinstance(event, Told):
                self._repeat(held, event.entry)
        return self._posted()

    def _posted(self) -> Posted:
        return Posted(self._book.changes(), self._lines, self._mapped, self._refused, self._notes)

    # --- charges ---

    def _charge(self, told: Told, revive: bool) -> None:
        entry, held = told.entry, self._book.get(told.entry.line)
        if held is None:
            self._book.add(entry)
            self._lines += 1
        elif revive and held.reversed_by and not (entry.reversed_by or is_refunded(held)):
            self._book.replace(held, entry)
            self._lines += 1
        elif not self._same(held, entry):
            self._refuse_other(held, entry)
        else:
            self._repeat(held, entry)
            if entry.reversed_by and not held.reversed_by:
                self._book.reverse(held, entry.reversed_by)

    def _repeat(self, held: Entry, entry: Entry) -> None:
        """Told again: nothing changes, but that a line which was no item gets the one that is known now, and what no file
        told before."""
        self._lines += 1
        self._book.learn(held, entry)
        if held.item is None and entry.item is not None:
            self._book.assign(held, entry.item)
            self._mapped += 1

    def _second_settlement(self, entry: Entry) -> bool:
        """Charged again under its old number, by another settlement: it gets a name of its own, and must be checked."""
        held = self._book.get(entry.line)
        if held is None or held.is_refund or not (settlement_of(held) and settlement_of(entry)):
            return False
        if held.settlement == entry.settlement:
            return False
        entry.line = f"{entry.line}@{entry.settlement}"
        return self._book.get(entry.line) is None

    def _refuse_charged_twice(self, entry: Entry) -> None:
        number = number_of(entry)
        live = [each.line for each in self._book.of_number(number) if not each.reversed_by]
        if entry.line in live and len(live) > 1:
            self._book.drop(entry)
            self._lines -= 1
            zh = f"同一行由两次结算收取且均未冲销:{', '.join(live)}"
            self._refuse(entry, "line", number, zh, "charged by two settlements, neither taken back")

    def _same(self, held: Entry, entry: Entry) -> bool:
        """Whether both say the same of a line; silence contradicts nothing, and settlements come later."""
        if held.is_refund != entry.is_refund or held.charged_ms != entry.charged_ms:
            return False
        if held.count != entry.count or self._book.charged_fen(held) != entry.amount_fen:
            return False
        pairs = [(getattr(held, each), getattr(entry, each)) for each in _SAID]
        if held.name != entry.name:
            pairs.append((plain(held.name), plain(entry.name)))
        return all(one == other or one in ("", None) or other in ("", None) for one, other in pairs)

    # --- refunds ---

    def _refund(self, told: Told) -> None:
        entry = told.entry
        number, entry.line = told.refunds or entry.line, self._refund_name(entry)
        held = self._book.get(entry.line)
        if held is not None and not self._same(held, entry):
            self._refuse_other(held, entry)
        elif held is not None:
            self._repeat(held, entry)
        elif told.voided:
            self._book.add(entry)
            self._lines += 1
        else:
            self._take_back(entry, number, named=told.refunds is not None)

    def _refund_name(self, entry: Entry) -> str:
        """Refunds may carry the number of what they take back: their settlement tells them apart."""
        settlement = settlement_of(entry)
        name = f"{entry.line}@{settlement}" if settlement else entry.line
        held = self._book.get(name)
        return name if held is None or held.is_refund else f"{name}@refund"

    def _take_back(self, entry: Entry, number: str, named: bool) -> None:
        found = self._book.of_number(number) or ([] if named else self._book.opposites(entry))
        open_ = [each for each in found if not is_refunded(each)]
        if not found:
            self._refuse(
                entry, "line", number, "负数行找不到原收费行", "a negative line without its original"
            )
        elif not open_:
            self._refuse(entry, "line", number, "原收费行已被冲销", "its line was already taken back")
        else:
            self._take_from(min(open_, key=_first), entry)

    def _take_from(self, original: Entry, entry: Entry) -> None:
        count, left_fen = self._book.left(original, entry)
        if count < 0 or left_fen < 0 or (count == 0 and left_fen):
            zh, en = f"与原收费行 {original.line} 的余额不符", f"does not fit what is left of {original.line}"
            self._refuse(entry, "count", entry.count, zh, en)
            return
        self._book.refund(original, entry)
        self._lines += 1

    # --- messages ---

    def _withdraw(self, event: Withdrawal) -> None:
        lines = [each for each in self._book.of_visit(event.visit) if not each.reversed_by]
        if event.settlement is None:
            batch = None if event.batch is None else BATCH + event.batch
            hit = [each for each in lines if not settlement_of(each) and batch in (None, each.settlement)]
        else:
            hit = [each for each in lines if each.settlement == event.settlement]
            hit = hit or self._unsettled(event, lines)
        for each in hit:
            self._book.reverse(each, event.by)

    def _unsettled(self, event: Withdrawal, lines: Sequence[Entry]) -> list[Entry]:
        """Nothing said which lines the cancelled settlement holds: those of the visit that no other is known to hold.

        That errs for the clinic, until what remains is uploaded again; and it is said. A cancellation that the book
        knows already takes back only what this file told before it.
        """
        again = any(each.reversed_by == event.by for each in self._book.of_visit(event.visit))
        hit = [each for each in lines if not settlement_of(each) and not (again and each.file)]
        if not hit and not again:
            zh = f"撤销的结算 {event.settlement}(就诊 {event.visit})没有已导入的收费行"
            self._notes.append((zh, f"no line is known of cancelled settlement {event.settlement}"))
        elif len({each.settlement for each in hit}) > 1:
            zh = f"结算 {event.settlement} 包含哪些批次未知,就诊 {event.visit} 的 {len(hit)} 行均按已冲销计"
            en = f"which batches settlement {event.settlement} held is unknown: {len(hit)} lines count as reversed"
            self._notes.append((zh, en))
        return hit

    def _settle(self, event: Settled) -> None:
        for each in self._book.of_visit(event.visit):
            if each.settlement == BATCH + event.batch and not each.reversed_by:
                self._book.settle(each, event.settlement)

    # --- refusals ---

    def _refuse_other(self, held: Entry, entry: Entry) -> None:
        zh, en = (f"第 {held.file} 号文件", f"file {held.file}") if held.file else ("本文件", "this file")
        zh, en = f"与{zh}第 {held.row} 行所述不同", f"differs from what row {held.row} of {en} said"
        self._refuse(entry, "line", entry.line, zh, en)

    def _refuse(self, entry: Entry, which: str, value: str, zh: str, en: str) -> None:
        self._refused.append(Refused(entry.row, self._columns.get(which, which), value, zh, en))


def _first(entry: Entry) -> tuple[bool, int, int, int]:
    """The order in which refunds take lines: those in force, then the oldest."""
    return entry.reversed_by is not None, entry.charged_ms, entry.file, entry.row

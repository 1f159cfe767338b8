"""What was understood of a bill file, before anything of it is kept: sums by item, days, first lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.control import Control
from gateway.audit.formats.statements import Refused
from gateway.audit.import_bills import Imported, Unmapped
from gateway.audit.items import Item
from gateway.ledger.bills import Entry


@dataclass(slots=True)
class Sum:
    """What a file tells of one item, or with None of all that is no item of the catalogue. Refunds count against it."""

    item: Item | None
    lines: int = 0
    refunds: int = 0
    treatments: int = 0
    amount_fen: int = 0


@dataclass(frozen=True, slots=True)
class Understood:
    """A file as it was understood. `lines`, `new`, `repeated`, `reversed` and `reduced` are what would become of it, its
    refused rows left out; `is_takeable` whether anything of it could be kept at all. `first` are its first lines."""

    sha256: str
    format: str
    lines: int
    new: int
    repeated: int
    reversed: int
    reduced: int
    is_takeable: bool
    from_ms: int | None
    to_ms: int | None
    amount_fen: int
    sums: Sequence[Sum]
    refused: Sequence[Refused]
    unmapped: Sequence[Unmapped]
    notes: Sequence[tuple[str, str]]
    control: Control | None
    first: Sequence[Entry]


def understood(found: Imported, items: Mapping[int, Item], most: int) -> Understood:
    """From a rehearsed import; the `most` first lines."""
    charged = [each.charged_ms for each in found.told]
    sums = _sums(found.told, items)
    return Understood(
        sha256=found.sha256,
        format=found.format,
        lines=found.lines,
        new=found.new,
        repeated=found.repeated,
        reversed=found.reversed,
        reduced=found.reduced,
        is_takeable=found.file is not None,
        from_ms=min(charged, default=None),
        to_ms=max(charged, default=None),
        amount_fen=sum(each.amount_fen for each in sums),
        sums=sums,
        refused=found.refused,
        unmapped=found.unmapped,
        notes=found.notes,
        control=found.control,
        first=found.told[:most],
    )


def _sums(told: Sequence[Entry], items: Mapping[int, Item]) -> list[Sum]:
    """By the number of the item, what is none of them at the end."""
    sums: dict[int | None, Sum] = {}
    for entry in told:
        found = sums.setdefault(entry.item, Sum(items.get(entry.item or 0)))
        found.lines += 1
        found.refunds += entry.is_refund
        found.treatments += entry.treatments
        found.amount_fen += entry.amount_fen
    return [each for _, each in sorted(sums.items(), key=lambda pair: (pair[0] is None, pair[0] or 0))]

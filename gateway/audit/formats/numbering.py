"""Lines of an export that numbers none: told apart among those alike, and refunds joined with what they take back.

The order of rows says nothing here: an export made on another day may hold them in another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.audit.formats.statements import Charge


def numbered(charges: Iterable[Charge]) -> list[Charge]:
    """Each line by its name and number among those of that name, charges and refunds apart, whatever the order of rows."""
    alike: dict[str, list[Charge]] = defaultdict(list)
    for each in charges:
        alike[f"{each.line}.R" if each.count < 0 else each.line].append(each)
    numbered = [
        replace(each, line=f"{name}.{number}")
        for name, group in alike.items()
        for number, each in enumerate(sorted(group, key=_content), start=1)
    ]
    return sorted(numbered, key=lambda each: each.row)


def _content(charge: Charge) -> tuple[object, ...]:
    return charge.charged_ms, charge.names, charge.codes, charge.count, charge.amount_fen, charge.row


def refunds_named(charges: Sequence[Charge]) -> list[Charge]:
    """Refunds with the line that they take back, where the file holds one exactly opposite; of several, the one with
    most of its name alike. Exports may leave both under one settlement, which then tells nothing."""
    open_: dict[tuple[object, ...], list[Charge]] = defaultdict(list)
    for each in charges:
        if each.count > 0:
            open_[_opposite(each, 1)].append(each)
    named = []
    for each in sorted(charges, key=lambda charge: charge.line):
        candidates = open_[_opposite(each, -1)] if each.count < 0 else []
        if candidates:
            original = min(candidates, key=lambda charge: (_differences(charge, each), charge.line))
            candidates.remove(original)
            each = replace(each, refunds=original.line)
        named.append(each)
    return sorted(named, key=lambda each: each.row)


def _opposite(charge: Charge, sign: int) -> tuple[object, ...]:
    return (
        charge.visit,
        charge.codes,
        charge.own_codes,
        charge.names,
        sign * charge.count,
        sign * charge.amount_fen,
    )


def _differences(charge: Charge, refund: Charge) -> int:
    """In how many parts of their names, settlement, prescription and day, two lines differ."""
    return sum(
        one != other for one, other in zip(charge.line.split("."), refund.line.split("."), strict=False)
    )

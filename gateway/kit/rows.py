"""Rows as a pack and a kit both have them (docs/pack-format.md), made values for comparing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from gateway.audit.posts import is_post
from gateway.audit.spans import Span, intersect
from gateway.errors import UsageError
from gateway.kit.compare_bills import Bills
from gateway.kit.compare_settings import Place, Settings
from gateway.kit.folder import Files
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillLine

Row = Mapping[str, Any]
BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, UsageError)
"""What comes of reading values of which nothing is known yet."""

_FOREVER_MS = 1 << 62
_LINE = tuple(each.name for each in fields(BillLine))


def rows(files: Files, path: str) -> list[Row]:
    """The objects of a JSON Lines file; one of BROKEN where it cannot be read."""
    found = [json.loads(line) for line in files[path].splitlines()]
    if not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{path}: not objects")
    return found


def bills(told: Iterable[Row], files: Iterable[Row], source: str) -> Bills:
    """One source's lines, and the files that told them."""
    kept = {row["file"]: row for row in files if row["source"] == source}
    lines = list(told)
    spans = [
        FileSpan(row["first_ms"], row["last_ms"], row["imported_ms"])
        for row in kept.values()
        if row["first_ms"] is not None
    ]
    return Bills(
        [BillLine(**{name: row[name] for name in _LINE}) for row in lines],
        spans,
        {row["line"]: kept[row["file"]]["sha256"] for row in lines if row["file"] in kept},
        frozenset(row["sha256"] for row in kept.values()),
    )


def settings(about: Row, inventory: Row, catalogue: Row) -> Settings:
    """Hours, items and devices."""
    return Settings(
        about["opens"],
        about["closes"],
        about["timezone"],
        frozenset(about["closed"]),
        about["rules"],
        catalogue["items"],
        frozenset(row["unit"] for row in inventory["units"]),
        list(_places(inventory)),
    )


def _places(inventory: Row) -> Iterator[Place]:
    """Every device, and every unit on one; places where tags are read are none."""
    devices = {row["device"]: row for row in inventory["devices"] if not is_post(row["load"])}
    for row in devices.values():
        yield _place(row, "", _span(row))
    for row in inventory["placements"]:
        device = devices.get(row["device"])
        if device is not None:
            for span in intersect([_span(device)], [_span(row)]):
                yield _place(device, row["unit"], span)


def _place(device: Row, unit: str, span: Span) -> Place:
    return Place(device["device"], unit, device["load"], device["stations"], device["blind"], span)


def _span(row: Row) -> Span:
    return row["from_ms"], _FOREVER_MS if row["until_ms"] is None else row["until_ms"]

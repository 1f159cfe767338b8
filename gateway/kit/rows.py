"""Rows as a pack and a kit both have them (docs/pack-format.md), made values for comparing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from gateway.errors import UsageError
from gateway.kit.compare_bills import Bills
from gateway.kit.compare_settings import Settings
from gateway.kit.folder import Files
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillLine

Row = Mapping[str, Any]
BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, UsageError)
"""What comes of reading values of which nothing is known yet."""

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
    devices = {row["device"]: (row["load"], row["stations"]) for row in inventory["devices"]}
    placed = sorted(inventory["placements"], key=lambda row: row["from_ms"])
    return Settings(
        about["opens"],
        about["closes"],
        frozenset(about["closed"]),
        about["rules"],
        catalogue["items"],
        {row["unit"]: devices[row["device"]] for row in placed},
    )

"""The sheet as CSV for other programs: every table under its name, UTF-8 with a mark, so that a spreadsheet reads it.

A cell that a spreadsheet would take for a formula is guarded: it begins with an apostrophe.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from gateway.audit.month import Figures
from gateway.report import sheets
from gateway.report.sheets import Both, Cell, Column

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # OWASP, CSV injection


def write(figures: Figures) -> bytes:
    """The report as CSV."""
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [[guarded(cell) for cell in row] for row in _rows(figures)]
    )
    return out.getvalue().encode("utf-8-sig")


def guarded(text: str) -> str:
    """The text, which no spreadsheet will compute."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(figures: Figures) -> Iterator[list[str]]:
    title = sheets.both("report.title")
    yield [title.zh, title.en]
    for name, value in sheets.about(figures):
        yield [name.zh, name.en, value]
    for name, value, _ in sheets.highlights(figures):
        yield [name.zh, name.en, value]
    for table in sheets.tables(figures):
        yield []
        yield [table.title.zh, table.title.en]
        yield [f"{each.name.zh} {each.name.en}" for each in table.columns]
        for row in table.rows:
            yield [_text(column, cell) for column, cell in zip(table.columns, row, strict=True)]


def _text(column: Column, cell: Cell) -> str:
    if isinstance(cell, Both):
        return cell.zh if cell.zh == cell.en else f"{cell.zh} {cell.en}"
    return sheets.shown(column, cell)

"""The sheet as a workbook (XLSX), one table a sheet, numbers as numbers; the same figures give the same bytes."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from gateway.audit.month import Figures
from gateway.report import sheets
from gateway.report.sheets import COUNT, MONEY, SHARE, Both, Cell, Table

_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"font_size": 14},
    "note": {"font_color": "#545c63", "italic": True},
    "head": {"bg_color": "#f1f2ef", "top": 1, "bottom": 1, "text_wrap": True, "valign": "bottom"},
    COUNT: {"num_format": "0", "valign": "top"},
    SHARE: {"num_format": "0.0%", "valign": "top"},
    MONEY: {"num_format": "#,##0.00", "valign": "top"},
    "words": {"text_wrap": True, "valign": "top"},
}
_OPTIONS = {
    "in_memory": True,
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write(figures: Figures) -> bytes:
    """The report as XLSX. Text is text: nothing in it is ever a formula or a link."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, _OPTIONS)
    last = datetime(figures.last.year, figures.last.month, figures.last.day)
    book.set_properties({"title": sheets.both("report.title").zh, "author": "WattWitness", "created": last})
    formats = {name: book.add_format({"font_size": 10, **about}) for name, about in _FORMATS.items()}
    _first(book, formats, figures)
    for table in sheets.tables(figures):
        _sheet(book, formats, table)
    book.close()
    return out.getvalue()


def _first(book: Any, formats: dict[str, Any], figures: Figures) -> None:
    """What it is about, the figures that come first, and lines to sign."""
    title = sheets.both("report.title")
    sheet = _page(book, sheets.both("figures").zh)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 64)
    rows: list[tuple[str, str, str]] = [(title.zh, title.en, "")]
    rows += [(_joined(name), value, "") for name, value in sheets.about(figures)]
    rows += [(_joined(name), value, _joined(why)) for name, value, why in sheets.highlights(figures)]
    rows += [(_joined(sheets.both("report.bound")), "", "")]
    rows += [(_joined(each), "____________________", "") for each in sheets.SIGNATURES]
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write_string(place, column, text, formats["title" if place == 0 else "words"])


def _sheet(book: Any, formats: dict[str, Any], table: Table) -> None:
    sheet = _page(book, table.title.zh)
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)
    for place, column in enumerate(table.columns):
        sheet.set_column(
            place, place, 60 if column.wide else 16 if column.kind in (COUNT, SHARE, MONEY) else 22
        )
    sheet.write_string(0, 0, _joined(table.title), formats["title"])
    sheet.write_string(1, 0, _joined(table.note) if table.note else "", formats["note"])
    for place, column in enumerate(table.columns):
        sheet.write_string(2, place, f"{column.name.zh}\n{column.name.en}", formats["head"])
    for number, row in enumerate(table.rows, start=3):
        for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            _write(sheet, number, place, cell, formats, column.kind)


def _page(book: Any, name: str) -> Any:
    sheet = book.add_worksheet(name.replace("／", " ").replace("：", " ")[:31])
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&F&R&P / &N")
    return sheet


def _write(sheet: Any, row: int, place: int, cell: Cell, formats: dict[str, Any], kind: str) -> None:
    if isinstance(cell, Both):
        sheet.write_string(row, place, _joined(cell), formats["words"])
    elif cell is None or (kind == SHARE and not cell[1]):
        sheet.write_string(row, place, "—", formats["words"])
    else:
        number = cell[0] / cell[1] if kind == SHARE else cell / 100 if kind == MONEY else cell
        sheet.write_number(row, place, number, formats[kind])


def _joined(text: Both) -> str:
    return text.zh if text.zh == text.en or not text.en else f"{text.zh}\n{text.en}"

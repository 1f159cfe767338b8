"""The sheet as PDF (PDF/A-3b), by Typst: the same figures give the same bytes. It needs a font with Chinese in it."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import typst

from gateway.audit.month import Figures
from gateway.errors import SurroundingsError
from gateway.report import sheets
from gateway.report.sheets import COUNT, MARK, MONEY, SHARE, Both, Cell, Column, Table

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Serif CJK SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "AR PL UMing CN",
    "Droid Sans Fallback",
    "PingFang SC",
    "Microsoft YaHei",
    "SimSun",
)
"""Families that Debian, Raspberry Pi OS, macOS and Windows have, the better ones first."""

_RIGHT = (COUNT, MONEY, SHARE)
Json = dict[str, Any]


def write(figures: Figures) -> bytes:
    """The report as PDF. SurroundingsError where this machine has no Chinese font: boxes would be no report."""
    return typeset(_document(figures))


def typeset(document: Json) -> bytes:
    """A document of the shape that sheet.typ draws, as PDF; `fonts` are added here. SurroundingsError as for `write`."""
    data = json.dumps(document | {"fonts": [chinese_font()]}, ensure_ascii=False)
    template = resources.files("gateway.report").joinpath("sheet.typ").read_bytes()
    return typst.compile(template, sys_inputs={"data": data}, pdf_standards=["a-3b"])


@lru_cache
def chinese_font() -> str:
    """The best of the known Chinese fonts that this machine has."""
    there = set(typst.Fonts(include_system_fonts=True).families())
    found = next((each for each in CHINESE_FONTS if each in there), None)
    if found is None:
        raise SurroundingsError(
            "本机没有中文字体，不能生成 PDF：请安装 fonts-noto-cjk 或 fonts-wqy-microhei，或改用 .xlsx",
            "this machine has no Chinese font, so no PDF: install fonts-noto-cjk or fonts-wqy-microhei, or write .xlsx",
        )
    return found


def _document(figures: Figures) -> Json:
    day = figures.last
    return {
        "date": [day.year, day.month, day.day],
        "title": in_both(sheets.both("report.title")),
        "about": [{"name": in_both(name), "value": value} for name, value in sheets.about(figures)],
        "figures": [
            {"name": in_both(name), "value": value, "why": in_both(why)}
            for name, value, why in sheets.highlights(figures)
        ],
        "bound": in_both(sheets.both("report.bound")),
        "tables": [table_of(each) for each in sheets.tables(figures)],
        "signatures": [in_both(each) for each in sheets.SIGNATURES],
        "footer": f"{figures.name} {figures.clinic} · {figures.first} – {figures.last}",
        "page": in_both(sheets.both("report.page", page="#", pages="%")),
    }


def table_of(table: Table) -> Json:
    """A table as sheet.typ draws it."""
    return {
        "title": in_both(table.title),
        "note": table.note and in_both(table.note),
        "columns": [
            in_both(each.name) | {"right": each.kind in _RIGHT, "wide": each.wide} for each in table.columns
        ],
        "rows": [
            [_cell(column, cell) for column, cell in zip(table.columns, row, strict=True)]
            for row in table.rows
        ],
    }


def _cell(column: Column, cell: Cell) -> Json:
    """Marks stand in one line: what both languages write alike is written once."""
    if not isinstance(cell, Both):
        return in_both(sheets.same(sheets.shown(column, cell)))
    if column.kind != MARK or cell.zh == cell.en:
        return in_both(cell)
    there = cell.zh.split()
    return in_both(sheets.same(" ".join([cell.zh, *(word for word in cell.en.split() if word not in there)])))


def in_both(text: Both) -> Json:
    """A text as sheet.typ sets it."""
    return {"zh": text.zh, "en": text.en}

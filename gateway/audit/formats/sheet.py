"""The cells of a workbook's sheets, as they are stored: text, numbers, dates. What they mean is not known here.

Source: ECMA-376 (SpreadsheetML). The reader lays a sheet out as a full rectangle; how far its cells reach is looked at
first, because one cell in the last corner would make that rectangle larger than any memory.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NoReturn

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from gateway.audit.formats.archive import Archive
from gateway.audit.formats.statements import UnreadableFile

Cell = int | float | str | bool | time | date | datetime | timedelta
Rows = list[list[Cell]]

MOST_ROWS, LAST_COLUMN = 199_999, "AZ"

_FAR_AWAY = re.compile(
    rb"""\sr\s*=\s*["'](?:(?:[A-Za-z]{3,}|[B-Zb-z][A-Za-z])\d|[A-Za-z]*(?:[2-9]\d{5}|\d{7,})\b)"""
)
_OVERLAP = 64  # a reference may lie across two pieces


def sheets(body: bytes, archive: Archive) -> Iterator[tuple[str, Rows]]:
    """Name and rows of each worksheet with cells; the first row is the sheet's row 1.

    UnreadableFile where the workbook is broken or too large.
    """
    _refuse_far_cells(archive)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(body)) as workbook:
            for each in workbook.sheets_metadata:
                if each.typ == SheetTypeEnum.WorkSheet:
                    rows = workbook.get_sheet_by_name(each.name).to_python(skip_empty_area=False)
                    if rows:
                        yield each.name, rows
    except CalamineError as error:
        _refuse_workbook(error)


def _refuse_far_cells(archive: Archive) -> None:
    for name in archive.names:
        if name != "xl/sharedStrings.xml":  # a sheet may be any other part
            before = b""
            for piece in archive.chunks(name):
                if _FAR_AWAY.search(before + piece):
                    _refuse_size(name)
                before = piece[-_OVERLAP:]


def _refuse_size(name: str) -> NoReturn:
    raise UnreadableFile(
        f"工作表 {name} 超过 {MOST_ROWS} 行或 {LAST_COLUMN} 列(空的带格式单元格也算):请按月分开导出,或把数据复制到新表",
        f"sheet {name} reaches beyond row {MOST_ROWS} or column {LAST_COLUMN}, empty formatted cells included: "
        "export it by month, or copy the rows to a new sheet",
    )


def _refuse_workbook(error: Exception) -> NoReturn:
    raise UnreadableFile(
        f"XLSX 文件已损坏({error}):请重新导出", f"a broken XLSX file ({error}): export it again"
    ) from None

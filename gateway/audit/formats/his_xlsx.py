"""What hospital systems export as a table of 35 Chinese columns, with titles above the header as they like: as a workbook,
and as a web page or a text that is only called `.xls`.

No column numbers the lines: `序号` counts the rows of one export. A line is named by what does not change once it is
settled, and by a number among those that are alike; docs/decisions/0007 says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from unicodedata import normalize

from gateway.audit.formats import table, values
from gateway.audit.formats.line import Layout, LineReader
from gateway.audit.formats.numbering import numbered, refunds_named
from gateway.audit.formats.sheet import Cell, Rows
from gateway.audit.formats.statements import Charge, Contents, Refused, UnreadableFile
from gateway.audit.formats.values import Instants, Unfit

COLUMNS = (
    "序号", "机构编码", "机构名称", "险种类别", "身份证号", "人员姓名", "门诊号", "处方号", "处方组号", "项目代码",
    "项目名称", "国标代码", "国标名称", "商品名", "规格", "产地厂家", "用法", "剂量", "剂量单位", "频次", "天数",
    "收费项目类别", "收费项目等级", "数量", "数量单位", "单价", "金额", "限价", "自付比例", "全自费金额",
    "超限价金额", "先行自付金额", "费用发生日期", "费用科室名称", "结算流水号",
)  # fmt: skip

LINE = "结算流水号+处方号+项目"
"""The column that no export has: what names a line."""

LAYOUT: Layout = {
    "line": (LINE,),
    "visit": ("门诊号",),
    "code": ("国标代码",),
    "own_code": ("项目代码",),
    "name": ("项目名称", "国标名称"),
    "count": ("数量",),
    "amount": ("金额",),
    "price": ("单价",),
    "charged_at": ("费用发生日期",),
    "room": ("费用科室名称",),
    "patient": ("身份证号",),
    "settlement": ("结算流水号",),
    "institution": ("机构编码",),
    "insurance": ("险种类别",),
}

_KNOWN = frozenset(COLUMNS)
_USED = {each for columns in LAYOUT.values() for each in columns} - {LINE} | {"处方号", "人员姓名"}
_NAMES = ("门诊号", "处方号", "结算流水号", "身份证号")
_CHARGED = "费用发生日期"
_PRIVATE = ("身份证号", "人员姓名")
_HEADER_WITHIN, _HEADER_COLUMNS = 30, 6
_SUMS = ("合计", "总计", "小计")
_ERRORS = frozenset({"#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"})
_DATE = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?", re.ASCII
)
_AS_TEXT = re.compile(r'^="(.*)"$', re.S)
_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number


class Found(NamedTuple):
    """A sheet whose header we know: its name, rows, the header's names, and the index of the first row after it."""

    name: str
    rows: Rows
    columns: Sequence[str]
    first: int


def read(sheets: Iterable[tuple[str, Rows]], instants: Instants) -> Contents:
    """What the rows of a workbook, a web page's table or a text say; UnreadableFile where no sheet is such an export, or
    more than one is."""
    found = _sheet(sheets)
    present = {*found.columns, LINE}
    layout = {field: tuple(each for each in columns if each in present) for field, columns in LAYOUT.items()}
    table.refuse_header([each for each in found.columns if each in _KNOWN], LAYOUT, layout)
    reader = LineReader(layout, instants, uploads=False)
    contents = Contents(uploads=False, columns={field: reader.column(field) for field in layout})
    charges: list[Charge] = []
    rows = _Rows(found)
    for number, cells in rows.cells():
        said = cells if isinstance(cells, Refused) else reader.read(number, cells)
        if isinstance(said, Charge):
            charges.append(said)
        else:
            contents.refused.append(_without_names(said))
    contents.statements.extend(refunds_named(numbered(charges)))
    contents.refused.extend(rows.wrong_total(charges) if not contents.refused else ())
    if rows.dated_only:
        zh = f"{rows.dated_only} 行只有日期没有时刻,按当日 0 时计"
        contents.notes.append((zh, f"{rows.dated_only} rows have a date without time: counted as midnight"))
    return contents


# --- the sheet and its header ------------------------------------------------------------------------------------


def text_sheet(text: str) -> list[tuple[str, Rows]]:
    """The export as a text with tabs, commas or semicolons, whatever its name; none where no line has its header.

    UnreadableFile where quotes do not close.
    """
    delimiter = _delimiter(text)
    if delimiter is None:
        return []
    return [("", [[_shown(cell) for cell in row] for _, row in table.rows(text, delimiter, '"')])]


def fits(text: str) -> bool:
    """Whether some line at the beginning has the header."""
    return _delimiter(text) is not None


def _delimiter(text: str) -> str | None:
    for line in text.split("\n", _HEADER_WITHIN)[:_HEADER_WITHIN]:
        for delimiter in ("\t", ",", ";"):
            names = {_plain(cell.strip().strip('"')) for cell in line.split(delimiter)}
            if len(_KNOWN & names) >= _HEADER_COLUMNS:
                return delimiter
    return None


def _shown(cell: str) -> Cell:
    """What a spreadsheet would show of a cell: `="0031"` is the text 0031."""
    return _AS_TEXT.sub(r"\1", cell) if cell.startswith("=") else cell


def _sheet(sheets: Iterable[tuple[str, Rows]]) -> Found:
    found = [each for name, rows in sheets if (each := _headed(name, rows))]
    if len(found) == 1:
        return found[0]
    if found:
        names = "、".join(each.name for each in found)
        raise UnreadableFile(
            f"有多张工作表像是费用明细({names}):请每个文件只留一张",
            f"more than one sheet looks like an export ({names}): keep one sheet per file",
        )
    raise UnreadableFile(
        "文件中找不到费用明细的表头(门诊号、项目名称、数量、金额、费用发生日期……):"
        "请导出 35 列明细;其他表格请另存为 CSV,用 --mapping 说明各列",
        "no sheet has the header of the 35 columns: export that, or save another table as CSV for --mapping",
    )


def _headed(name: str, rows: Rows) -> Found | None:
    """The row that holds most of the known columns; where cells were merged, the names stand in two rows."""
    best: tuple[int, list[str], int] = (0, [], 0)
    for index, row in enumerate(rows[:_HEADER_WITHIN]):
        below = [_plain(cell) for cell in rows[index + 1]] if index + 1 < len(rows) else []
        below += [""] * (len(row) - len(below))
        names = [under if under in _KNOWN else _plain(cell) for cell, under in zip(row, below, strict=False)]
        known = len(_KNOWN & set(names))
        if known > max(best[0], _HEADER_COLUMNS - 1):  # the first: printed pages repeat it
            best = (known, names, index + (2 if _KNOWN & set(below) else 1))
    return Found(name, rows, best[1], best[2]) if best[0] else None


def _plain(cell: Cell) -> str:
    """A name in the header: without blanks, and without `(元)` behind it."""
    return re.sub(r"\s+|\([^()]*\)$", "", normalize("NFKC", str(cell)))


# --- the rows ----------------------------------------------------------------------------------------------------


class _Rows:
    """The rows after the header, their cells as text and exact numbers. Sums are taken out, and kept."""

    def __init__(self, found: Found):
        self._found = found
        self._places = [(index, name) for index, name in enumerate(found.columns) if name in _USED]
        self._total: tuple[int, int] | None = None
        self.dated_only = 0

    def cells(self) -> Iterable[tuple[int, dict[str, object] | Refused]]:
        """The number of each row, as the spreadsheet counts it, and what it holds."""
        for index, row in enumerate(self._found.rows[self._found.first :], start=self._found.first):
            raw = {name: row[place] for place, name in self._places if place < len(row)}
            if not any(str(each).strip() for each in raw.values()) and not _label(row):
                continue
            if _label(row) and not str(raw.get("门诊号", "")).strip():
                self._keep_total(index + 1, _label(row), raw)
            elif raw.get("门诊号") != "门诊号":  # a header again, at the top of a printed page
                yield index + 1, self._row(index + 1, raw)

    def wrong_total(self, charges: Sequence[Charge]) -> list[Refused]:
        """That the export's own total is another than that of its rows: something is missing."""
        fen = sum(each.amount_fen for each in charges)
        if self._total is None or self._total[1] == fen:
            return []
        row, told = self._total
        zh = f"合计与各行之和 {Decimal(fen) / 100:.2f} 不符:文件不完整,请重新导出"
        en = f"the rows add up to {Decimal(fen) / 100:.2f}: incomplete, export it again"
        return [Refused(row, "金额", f"{Decimal(told) / 100:.2f}", zh, en)]

    def _keep_total(self, row: int, label: str, raw: dict[str, Cell]) -> None:
        if label.startswith("小计"):
            return
        try:
            self._total = row, values.fen(_number(raw.get("金额", "")))
        except Unfit:
            return  # a label alone, or words beside it

    def _row(self, row: int, raw: dict[str, Cell]) -> dict[str, object] | Refused:
        cells: dict[str, object] = dict(raw)
        for name, cell in raw.items():
            if type(cell) is str and name != _CHARGED and "#" not in cell:
                continue  # most cells: text, as it stands
            try:
                cells[name] = self._cell(name, cell)
            except Unfit as unfit:
                return Refused(row, name, str(cell)[:100], unfit.zh, unfit.en)
        cells[LINE] = _base(cells)
        if "*" in str(cells.get("身份证号", "")):  # masked: the same for many, so told apart by the name
            cells["身份证号"] = f"{cells['身份证号']} {cells.get('人员姓名', '')}"
        return cells

    def _cell(self, name: str, cell: Cell) -> object:
        if isinstance(cell, str) and cell.strip() in _ERRORS:
            raise Unfit(
                "是公式错误:请在表格中改正后重新导出", "an error of a formula: correct it and export again"
            )
        if name == _CHARGED:
            return self._instant(cell)
        if name in _NAMES:
            return _name(cell)
        return _number(cell)

    def _instant(self, cell: Cell) -> object:
        if isinstance(cell, datetime):
            return str((cell + timedelta(milliseconds=500)).replace(microsecond=0))
        if isinstance(cell, date):
            self.dated_only += 1
            return f"{cell} 00:00:00"
        if not isinstance(cell, str):
            raise Unfit("应为日期:请以文本或日期格式导出", "must be a date: export it as text or as a date")
        parts = _DATE.fullmatch(values.plain(cell))
        if parts is None:
            return cell  # for the reader to refuse
        year, month, day, hour, minute, second = parts.groups("0")
        self.dated_only += parts[4] is None
        return f"{year}-{int(month):02d}-{int(day):02d} {int(hour):02d}:{minute:>02s}:{second:>02s}"


def _label(row: Sequence[Cell]) -> str:
    first = next((str(cell).strip() for cell in row if str(cell).strip()), "")
    return first if first.replace(" ", "").startswith(_SUMS) else ""


def _number(cell: Cell) -> object:
    """Numbers as the decimal that the spreadsheet shows: the shortest that is stored so. How exact one has to be, its
    column says."""
    if isinstance(cell, float):
        return Decimal(repr(cell)) if not cell.is_integer() else Decimal(int(cell))
    return cell


def _name(cell: Cell) -> object:
    """A number that a spreadsheet made of a name, where it has lost no digit."""
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if not float(cell).is_integer() or abs(cell) >= _EXACT:
            raise Unfit(
                "长编号被写成数字,末位已丢失:请以文本导出",
                "a long number lost its last digits: export as text",
            )
        return str(int(cell))
    return cell


def _without_names(refused: Refused) -> Refused:
    if refused.column not in _PRIVATE:
        return refused
    return Refused(refused.row, refused.column, "", refused.zh, refused.en)


# --- what a line is called ---------------------------------------------------------------------------------------


def _base(cells: dict[str, object]) -> str:
    """Settlement, prescription, item and day: what does not change once a line is settled."""
    item = next(
        (text for name in ("项目代码", "国标代码", "项目名称") if (text := _text(cells.get(name)))), "0"
    )
    parts = (
        _text(cells.get("结算流水号")),
        _text(cells.get("处方号")),
        item,
        _text(cells.get("费用发生日期"))[:10],
    )
    return ".".join(part.replace("/", "-") or "0" for part in parts)


def _text(value: object) -> str:
    told = "" if value is None else str(value)
    return told.strip() if told.isascii() else normalize("NFKC", told).strip()

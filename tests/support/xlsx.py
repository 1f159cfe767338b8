"""Small spreadsheets as hospital systems write them: the parts of ECMA-376 that a reader needs, and no more."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from gateway.audit.formats.his_xlsx import COLUMNS
from tests.support.bills import TDP

Cell = str | int | float | bool | datetime | None

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_FORMATS = (
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
)


def workbook(*sheets: Sequence[Sequence[Cell]]) -> bytes:
    """The sheets, each a list of rows from row 1, as an XLSX."""
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _links(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": _book(len(sheets)),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">{_FORMATS}</styleSheet>',
        "xl/_rels/workbook.xml.rels": _links(
            *((f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)),
            ("rId0", "styles", "styles.xml"),
        ),
    }
    for number, rows in enumerate(sheets, start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = sheet_xml(rows)
    return zipped(parts)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """These parts as a ZIP."""
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def sheet_xml(rows: Sequence[Sequence[Cell]]) -> str:
    """One sheet's part."""
    told = "".join(
        f'<row r="{number}">{"".join(_cell(number, at, each) for at, each in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{told}</sheetData></worksheet>'


def _cell(row: int, at: int, value: Cell) -> str:
    where = f"{chr(65 + at) if at < 26 else 'A' + chr(65 + at - 26)}{row}"
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        days = value - datetime(1899, 12, 30)
        style = 1 if value.hour or value.minute or value.second else 2
        return f'<c r="{where}" s="{style}"><v>{days.total_seconds() / 86400!r}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{where}"><v>{value!r}</v></c>'
    return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def _book(count: int) -> str:
    sheets = "".join(f'<sheet name="明细{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, count + 1))
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{sheets}</sheets></workbook>'


def _links(*links: tuple[str, str, str]) -> str:
    told = "".join(
        f'<Relationship Id="{name}" Type="{_LINKS}/{kind}" Target="{where}"/>' for name, kind, where in links
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{told}</Relationships>'


def _content_types(count: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in range(1, count + 1)
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{sheets}</Types>'
    )


# --- the export of 35 columns --------------------------------------------------------------------------------


def his(visit: Cell = "M1", **other: Cell) -> dict[str, Cell]:
    """One row: a TDP treatment of one area for 12 yuan. `other` columns win."""
    return {
        "序号": "1",
        "机构编码": "H0001",
        "机构名称": "示范诊所",
        "险种类别": "职工医保",
        "身份证号": "ID-0001",
        "人员姓名": "P0001",
        "门诊号": visit,
        "处方号": "RX1",
        "项目代码": "OWN31",
        "项目名称": "红外线治疗（TDP）",
        "国标代码": TDP,
        "国标名称": "红外线治疗",
        "数量": "1",
        "单价": "12.00",
        "金额": "12.00",
        "费用发生日期": "2026-03-02 09:15:00",
        "费用科室名称": "中医科",
        "结算流水号": "S1",
    } | other


def back(visit: Cell = "M1", **other: Cell) -> dict[str, Cell]:
    """One negative row that takes a treatment back, settled by S2."""
    return his(visit, **({"数量": "-1", "金额": "-12.00", "结算流水号": "S2"} | other))


def rows_of(*rows: dict[str, Cell], columns: Sequence[str] = COLUMNS) -> list[list[Cell]]:
    """The header and the rows."""
    return [list(columns), *([row.get(name) for name in columns] for row in rows)]


def export(*rows: dict[str, Cell]) -> bytes:
    """The rows as a file, with two titles above the header."""
    return workbook([["门诊收费明细"], ["2026-03-01 至 2026-03-31"], *rows_of(*rows)])

"""A bill file of any format becomes statements: what was charged, taken back, settled, and what cannot be read."""

from __future__ import annotations

from typing import NoReturn

from gateway.audit.formats import archive, f2204, f3202, fee_list, his_xlsx, mapped, sheet, web_table
from gateway.audit.formats.archive import Archive
from gateway.audit.formats.mapped import Mapped
from gateway.audit.formats.statements import Contents, UnreadableFile
from gateway.audit.formats.text import decode
from gateway.audit.formats.values import Instants
from gateway.errors import UsageError

FORMATS = ("auto", "2204", "fee-list", "his-xlsx", "3202", "mapped")
_ZIPPED = ("his-xlsx", "3202")


def read(body: bytes, form: str, mapping: Mapped | None, instants: Instants) -> tuple[str, Contents]:
    """The format of the file (asked for as `form`, or found out for "auto") and all that it says.

    UsageError where the format needs a mapping; UnreadableFile where the file is not in it.
    """
    if body.startswith(archive.MARKS) and form in ("auto", *_ZIPPED):
        return _zipped(body, form, mapping, instants)
    text = decode(body, mapping.encoding if mapping else None)
    if form == "3202":
        _refuse_text()
    if form == "his-xlsx" or web_table.fits(text):
        return _as_his(text, form, instants)
    found = _found(text, mapping) if form == "auto" else form
    if found == "2204":
        return found, f2204.read(text, instants)
    if found == "his-xlsx":
        return _as_his(text, found, instants)
    if found == "fee-list":
        return found, fee_list.read(text, instants)
    if mapping is None or not mapping.layout:
        raise UsageError(
            "格式 mapped 需要 --mapping 对照文件,其中有 [columns](--example-mapping 给出样例)",
            "format mapped needs --mapping FILE.toml with [columns] (see --example-mapping)",
        )
    return found, mapped.read(text, mapping, instants)


def _zipped(body: bytes, form: str, mapping: Mapped | None, instants: Instants) -> tuple[str, Contents]:
    opened = Archive(body)
    found = "his-xlsx" if opened.is_workbook else "3202"
    if form not in ("auto", found):
        raise UnreadableFile(
            f"文件是 {found},不是 {form}:请改用 --format {found}",
            f"the file is {found}, not {form}: say --format {found}",
        )
    if found == "3202":
        return found, f3202.read(opened)
    if form == "auto" and mapping is not None and mapping.layout:
        raise UsageError(
            "对照文件的 [columns] 只用于文本表格:请把 XLSX 另存为 CSV,或用 --format his-xlsx",
            "[columns] of a mapping are for text tables: save the XLSX as CSV, or say --format his-xlsx",
        )
    return found, his_xlsx.read(sheet.sheets(body, opened), instants)


def _refuse_text() -> NoReturn:
    raise UnreadableFile(
        "文件不是 ZIP,是文本:请另存为 ZIP,或改用 --format auto",
        "the file is text and not a ZIP: save it as one, or say --format auto",
    )


def _as_his(text: str, form: str, instants: Instants) -> tuple[str, Contents]:
    """The 35 columns in a web page or a text that is only called a spreadsheet."""
    if form not in ("auto", "his-xlsx"):
        raise UnreadableFile(
            f"文件其实是网页表格,不是 {form}:HIS 明细请用 --format his-xlsx,其他表格请另存为 CSV",
            f"it is really a web page's table and not {form}: --format his-xlsx, or save another table as CSV",
        )
    return "his-xlsx", his_xlsx.read(
        web_table.sheets(text) if web_table.fits(text) else his_xlsx.text_sheet(text), instants
    )


def _found(text: str, mapping: Mapped | None) -> str:
    if text.lstrip()[:1] in ("{", "["):
        return "2204"
    if mapping is not None and mapping.layout:
        return "mapped"
    if fee_list.fits(text):
        return "fee-list"
    if his_xlsx.fits(text):
        return "his-xlsx"
    raise UnreadableFile(
        "认不出文件的格式:请用 --mapping 说明各列(--example-mapping 给出样例)",
        "this is no format that we know: say by --mapping what its columns mean (see --example-mapping)",
    )

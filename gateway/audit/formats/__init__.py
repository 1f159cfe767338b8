"""A bill file of any format becomes statements: what was charged, taken back, settled, and what cannot be read."""

from __future__ import annotations

from typing import NoReturn

from gateway.audit.formats import archive, f2204, f3202, fee_list, his_xlsx, mapped
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
    if form in _ZIPPED:
        _refuse_text(form)
    found = _found(text, mapping) if form == "auto" else form
    if found == "2204":
        return found, f2204.read(text, instants)
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
    return found, his_xlsx.read(body, opened, instants)


def _refuse_text(form: str) -> NoReturn:
    what_zh, what_en = ("XLSX", "an XLSX") if form == "his-xlsx" else ("ZIP", "a ZIP")
    raise UnreadableFile(
        f"文件不是 {what_zh},是文本:请另存为 {what_zh},或改用 --format auto",
        f"the file is text and not {what_en}: save it as one, or say --format auto",
    )


def _found(text: str, mapping: Mapped | None) -> str:
    if text.lstrip()[:1] in ("{", "["):
        return "2204"
    if mapping is not None and mapping.layout:
        return "mapped"
    if fee_list.fits(text):
        return "fee-list"
    raise UnreadableFile(
        "认不出文件的格式:请用 --mapping 说明各列(--example-mapping 给出样例)",
        "this is no format that we know: say by --mapping what its columns mean (see --example-mapping)",
    )

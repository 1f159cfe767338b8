"""A bill file of any format becomes statements: what was charged, taken back, settled, and what cannot be read."""

from __future__ import annotations

from gateway.audit.formats import f2204, fee_list, mapped
from gateway.audit.formats.mapped import Mapped
from gateway.audit.formats.statements import Contents, UnreadableFile
from gateway.audit.formats.text import decode
from gateway.audit.formats.values import Instants
from gateway.errors import UsageError

FORMATS = ("auto", "2204", "fee-list", "his-xlsx", "3202", "mapped")
LATER = ("his-xlsx", "3202")


def read(body: bytes, form: str, mapping: Mapped | None, instants: Instants) -> tuple[str, Contents]:
    """The format of the file (asked for as `form`, or found out for "auto") and all that it says.

    UsageError where the format is not in this version or needs a mapping; UnreadableFile where the file is not in it.
    """
    if form in LATER:
        zh, en = (
            f"本版本不能读 {form}:请导出 2204、费用清单或 CSV",
            f"{form} is not in this version: export 2204 or CSV",
        )
        raise UsageError(zh, en)
    text = decode(body, mapping.encoding if mapping else None)
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

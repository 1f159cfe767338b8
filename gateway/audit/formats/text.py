"""From a file's bytes to its text. The encoding is proved, not guessed: a mark, strict UTF-8, or strict GB18030."""

from __future__ import annotations

import codecs

from gateway.audit.formats.statements import UnreadableFile

ENCODINGS = {"utf-8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
"""What a mapping file may name, and how it is read."""

_SAVE_ZH = "请另存为 UTF-8 或 GB18030 的 CSV(或 2204 JSON)"
_SAVE_EN = "save it as CSV in UTF-8 or GB18030 (or as 2204 JSON)"
_XLSX_ZH = "请用表格软件打开,另存为不带密码的 .xlsx(HIS 明细)或 CSV"
_XLSX_EN = "open it in a spreadsheet and save it as .xlsx without password (HIS export) or as CSV"
_ZIP_ZH = f"HIS 明细用 --format his-xlsx,对明细账用 --format 3202;其他表格{_SAVE_ZH}"
_ZIP_EN = f"--format his-xlsx or 3202 reads such a file; any other table: {_SAVE_EN}"
_FOREIGN = (
    (b"PK\x03\x04", "XLSX 或 ZIP", "an XLSX or ZIP file", _ZIP_ZH, _ZIP_EN),
    (
        b"\xd0\xcf\x11\xe0",
        "旧版 XLS,或有密码的 XLSX",
        "an old XLS, or an XLSX with a password",
        _XLSX_ZH,
        _XLSX_EN,
    ),
    (b"%PDF", "PDF", "a PDF file", _SAVE_ZH, _SAVE_EN),
    (codecs.BOM_UTF16_LE, "UTF-16", "UTF-16", _SAVE_ZH, _SAVE_EN),
    (codecs.BOM_UTF16_BE, "UTF-16", "UTF-16", _SAVE_ZH, _SAVE_EN),
)
_MARKUP = (b"<?xml", b"<!doctype", b"<html", b"<script")


def decode(body: bytes, encoding: str | None = None) -> str:
    """The text of `body`; UnreadableFile where it is no text, or in no encoding that we read, naming the line."""
    _refuse_foreign(body)
    names = ("utf-8-sig", "gb18030") if encoding is None else (ENCODINGS[encoding],)
    if body.startswith(codecs.BOM_UTF8):
        names = ("utf-8-sig",)
    furthest = 0
    for name in names:
        try:
            return _text(body.decode(name))
        except UnicodeDecodeError as error:
            furthest = max(furthest, error.start)
    line = body.count(b"\n", 0, furthest) + 1
    asked_zh, asked_en = (encoding, encoding) if encoding else ("UTF-8 或 GB18030", "UTF-8 or GB18030")
    raise UnreadableFile(
        f"第 {line} 行不是 {asked_zh} 编码:{_SAVE_ZH}", f"line {line} is not in {asked_en}: {_SAVE_EN}"
    )


def _text(decoded: str) -> str:
    at = decoded.find("\0")
    if at >= 0:
        line = decoded.count("\n", 0, at) + 1
        raise UnreadableFile(
            f"第 {line} 行含空字符,不是文本:{_SAVE_ZH}", f"line {line} holds NUL, no text: {_SAVE_EN}"
        )
    return decoded.removeprefix("\ufeff")


def _refuse_foreign(body: bytes) -> None:
    for mark, zh, en, do_zh, do_en in _FOREIGN:
        if body.startswith(mark):
            raise UnreadableFile(f"文件是 {zh},不是文本:{do_zh}", f"it is {en}, no text: {do_en}")
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith(_MARKUP) and b"<table" not in body.lower():
        raise UnreadableFile(
            f"文件其实是网页或 XML,没有表格:{_XLSX_ZH}", f"it is really markup without a table: {_XLSX_EN}"
        )
    if not body.strip():
        raise UnreadableFile("文件是空的:请重新导出", "the file is empty: export it again")

"""Any other table, by a mapping file (TOML) in which a clinic says once what its columns mean."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from unicodedata import normalize

from gateway.audit.formats import table
from gateway.audit.formats.line import FIELDS, Layout
from gateway.audit.formats.statements import Contents
from gateway.audit.formats.text import ENCODINGS
from gateway.audit.formats.values import Instants
from gateway.errors import UsageError

EXAMPLE = """\
# 字段对照 · what the columns of a clinic's own table mean
[file]
encoding = "gb18030"      # utf-8 或 gb18030;不写则自动判断 · left out: proved from the file
delimiter = ","           # "\\t" 为制表符 · a tab
quote = '"'
header_row = 1            # 表头在第几行 · the header's row

[columns]                 # 我们的字段 = 表中的列 · our field = the table's column (a list: the first not empty)
line = "流水号"           # 一次就诊内唯一 · unique within a visit
visit = "门诊号"
code = "国标编码"         # 15 位国家编码或收费编码 · national or price code
own_code = "项目代码"     # 本机构编码 · the clinic's own code
name = "项目名称"
count = "数量"
amount = "金额"
charged_at = "收费时间"
# performed_at = "执行时间"
room = "执行科室"
staff = "执行人工号"      # 工号,不要姓名 · a staff code, never a name
patient = "人员编号"      # 只保存带密钥的摘要 · kept as a keyed hash only
settlement = "结算号"
reversal_of = "原流水号"  # 退费行所冲的行 · the line that a negative row takes back
# insurance = "险种"      # 自费、职工医保…… · who pays: 自费 is the patient

[times]                   # 不写则为 yyyy-MM-dd HH:mm:ss · left out: that format
charged_at = "%Y/%m/%d %H:%M"

[constants]               # 表中没有的,每行相同 · the same in every row
# room = "理疗室"

[items]                   # 本机构编码 = 目录序号 · own code = number in the catalogue
"LL-001" = 31
"""

_FILE_KEYS = ("encoding", "delimiter", "quote", "header_row")
_SECTIONS = ("file", "columns", "times", "constants", "items")
_TIMES = ("charged_at", "performed_at")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A checked mapping. `layout` is empty where the file only maps the clinic's own codes (`items`)."""

    layout: Layout = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str = ","
    quote: str = '"'
    header_row: int = 1


def mapping(text: str, where: str, numbers: frozenset[int]) -> Mapped:
    """The mapping that TOML `text` writes; `numbers` are those of the catalogue.

    UsageError names `where`, the field, the rule and the value.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{where} 不是 TOML({error}):请改正", f"{where} is no TOML ({error}): correct it"
        ) from None
    _Check(where, "").known(document, _SECTIONS)
    sections = {name: _Check(where, name).section(document) for name in _SECTIONS}
    layout, constants = _layout(where, sections)
    return Mapped(
        layout=layout,
        constants=constants,
        forms=_forms(where, sections["times"]),
        items=_items(where, sections["items"], numbers),
        **_file(where, sections["file"]),
    )


def read(text: str, mapped: Mapped, instants: Instants) -> Contents:
    """What the table's rows say."""
    return table.read(
        text,
        mapped.layout,
        instants,
        delimiter=mapped.delimiter,
        quote=mapped.quote,
        header_row=mapped.header_row,
        constants=mapped.constants,
        forms=mapped.forms,
    )


# --- checks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Check:
    where: str
    section_name: str

    def section(self, document: Mapping[str, Any]) -> dict[str, Any]:
        found = document.get(self.section_name, {})
        if not isinstance(found, dict):
            self.refuse("", found, "应为一个 [表]", "must be a [table]")
        return found

    def known(self, table_: Mapping[str, Any], names: tuple[str, ...]) -> None:
        for key in table_:
            if key not in names:
                self.refuse(
                    key,
                    table_[key],
                    f"没有此项,可用:{', '.join(names)}",
                    f"unknown; there are {', '.join(names)}",
                )

    def refuse(self, key: str, value: object, zh: str, en: str) -> NoReturn:
        name = ".".join(filter(None, (self.section_name, key)))
        raise UsageError(
            f"{self.where} 中 {name} = {value!r}:{zh}", f"{self.where}: {name} = {value!r}: {en}"
        )


def _layout(where: str, sections: Mapping[str, dict[str, Any]]) -> tuple[Layout, dict[str, str]]:
    """The columns of each field. A constant is a column of its own that no table has."""
    layout: dict[str, tuple[str, ...]] = {}
    constants: dict[str, str] = {}
    check = _Check(where, "columns")
    check.known(sections["columns"], FIELDS)
    for key, value in sections["columns"].items():
        columns = value if isinstance(value, list) else [value]
        if not columns or not all(isinstance(each, str) and each.strip() for each in columns):
            check.refuse(key, value, "应为列名或列名的列表", "must be a column or a list of columns")
        layout[key] = tuple(_plain(each) for each in columns)
    check = _Check(where, "constants")
    check.known(sections["constants"], FIELDS)
    for key, value in sections["constants"].items():
        if not isinstance(value, (str, int)) or isinstance(value, bool) or key in layout:
            check.refuse(
                key, value, "应为文字,且不在 [columns] 中", "must be a text, and not in [columns] too"
            )
        constants[f"constants.{key}"] = str(value)
        layout[key] = (f"constants.{key}",)
    return layout, constants


def _forms(where: str, times: Mapping[str, Any]) -> dict[str, str]:
    check = _Check(where, "times")
    check.known(times, _TIMES)
    for key, value in times.items():
        if not isinstance(value, str) or "%" not in value:
            check.refuse(
                key, value, "应为 %Y-%m-%d %H:%M:%S 一类的格式", "must be a format like %Y-%m-%d %H:%M:%S"
            )
    return dict(times)


def _items(where: str, items: Mapping[str, Any], numbers: frozenset[int]) -> dict[str, int]:
    check = _Check(where, "items")
    for key, value in items.items():
        if type(value) is not int or value not in numbers:
            check.refuse(key, value, "应为目录序号", "must be a number of the catalogue")
    return {_plain(key): value for key, value in items.items()}


def _plain(name: str) -> str:
    return normalize("NFKC", name).strip()


def _file(where: str, given: Mapping[str, Any]) -> dict[str, Any]:
    check = _Check(where, "file")
    check.known(given, _FILE_KEYS)
    for key, value in given.items():
        if key == "encoding" and value not in ENCODINGS:
            check.refuse(key, value, f"应为 {', '.join(ENCODINGS)}", f"must be one of {', '.join(ENCODINGS)}")
        if key in ("delimiter", "quote") and not (
            isinstance(value, str) and len(value) == 1 and value not in "\r\n"
        ):
            check.refuse(key, value, "应为一个字符", "must be one character")
        if key == "header_row" and (type(value) is not int or not 1 <= value <= 1000):
            check.refuse(key, value, "应为 1 到 1000", "must be from 1 to 1000")
    return dict(given)

"""The detailed account between clinic and insurer (医药机构费用结算对明细账), a text in a ZIP: a row is a settlement, not a line.

Rows are separated by line ends, cells by tabs, `null` is nothing, and there is no header: what a clinic sends up has 7
columns, the result that comes back has 10. A cancelled settlement is there twice, once positive and once negative.
Source: message 3202 of 国家医保信息平台接口规范 with 9101 and 9102, as hospital systems that are public write and read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from gateway.audit.formats import values
from gateway.audit.formats.archive import Archive
from gateway.audit.formats.statements import Contents, Refused, Total, UnreadableFile
from gateway.audit.formats.text import decode
from gateway.audit.formats.values import Unfit

SENT = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
RESULT = (
    "psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo", "medfee_sumamt",
    "fund_pay_sumamt", "acct_pay",
)  # fmt: skip

_NEEDED = ("setl_id", "mdtrt_id", "medfee_sumamt")


def read(archive: Archive) -> Contents:
    """The totals of its settlements; UnreadableFile where the ZIP holds no such text, or several."""
    rows = list(_rows(_text(archive)))
    names, first = _columns(rows)
    contents = Contents(uploads=False, columns={name: name for name in names})
    silent = 0
    for number, cells in rows[first:]:
        said = _said(number, names, cells)
        if isinstance(said, Refused):
            contents.refused.append(said)
        elif said is None:
            silent += 1
        else:
            contents.totals.append(said)
    if silent:
        zh = f"{silent} 行没有医疗费总额,不参加核对"
        contents.notes.append((zh, f"{silent} rows tell no amount: not compared"))
    return contents


def _text(archive: Archive) -> str:
    names = [name for name in archive.names if name.lower().endswith(".txt")]
    if len(names) != 1 or len(archive.names) != 1:
        raise UnreadableFile(
            "ZIP 中应只有一个 .txt 明细文件(3202):请每个 ZIP 只放一个",
            "a 3202 ZIP holds one .txt and nothing else: put each into a ZIP of its own",
        )
    return decode(archive.read(names[0]), "utf-8")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, [cell.strip() for cell in line.removesuffix("\r").split("\t")]


def _columns(rows: Sequence[tuple[int, list[str]]]) -> tuple[Sequence[str], int]:
    """The names of the columns and the index of the first row: by a header, else by their number alone."""
    if not rows:
        _refuse("没有明细行", "holds no rows")
    cells = rows[0][1]
    if set(_NEEDED) <= set(cells):
        if len(set(cells)) != len(cells):
            _refuse("表头中有重复的列", "its header names a column twice")
        return cells, 1
    for known in (SENT, RESULT):
        if len(cells) == len(known):
            return known, 0
    _refuse(
        f"首行有 {len(cells)} 列,应为上传的 {len(SENT)} 列或结果的 {len(RESULT)} 列",
        f"its first row has {len(cells)} columns, not the {len(SENT)} sent up nor the {len(RESULT)} of a result",
    )


def _said(number: int, names: Sequence[str], cells: Sequence[str]) -> Total | Refused | None:
    """The row's total; None where it tells no amount, as results do of what the insurer does not have."""
    if len(cells) != len(names):
        zh, en = (
            f"有 {len(cells)} 格,首行有 {len(names)} 格",
            f"{len(cells)} cells, the first row has {len(names)}",
        )
        return Refused(number, "", str(len(cells)), zh, en)
    row = dict(zip(names, cells, strict=True))
    column = "refd_setl_flag"
    try:
        values.flag(row.get(column, ""), live="0", void="1")
        told = {}
        for column in ("mdtrt_id", "setl_id"):
            told[column] = values.identifier(row[column])
        column = "medfee_sumamt"
        return _total(number, told, row)
    except Unfit as unfit:
        return Refused(number, column, row[column][:100], unfit.zh, unfit.en)


def _total(number: int, told: Mapping[str, str], row: Mapping[str, str]) -> Total | None:
    amount = values.text(row["medfee_sumamt"])
    if not amount and "stmt_rslt" in row:
        return None
    return Total(number, told["mdtrt_id"], told["setl_id"], values.fen(amount))


def _refuse(zh: str, en: str) -> NoReturn:
    raise UnreadableFile(f"不是 3202 明细:{zh}。请重新导出", f"no 3202 account: {en}; export it again")

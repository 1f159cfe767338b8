"""Interface messages as a hospital system sends them to the insurer, kept as JSON: one, a list, or one after the other.

2204 uploads the lines of outpatient charges, 2205 deletes unsettled ones, 2207 settles, 2208 cancels a settlement.
Messages of other kinds, and those that were answered with an error (`infcode`), say nothing here.
Source: 国家医保信息平台接口规范, messages 2204, 2205, 2207, 2208.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from gateway.audit.formats import values
from gateway.audit.formats.line import Layout, LineReader
from gateway.audit.formats.statements import Contents, Refused, Settled, Statement, UnreadableFile, Withdrawal
from gateway.audit.formats.values import Instants, Unfit

LAYOUT: Layout = {
    "line": ("feedetl_sn",),
    "visit": ("mdtrt_id",),
    "code": ("med_list_codg", "hilist_code"),
    "own_code": ("medins_list_codg",),
    "name": ("medins_list_name", "hilist_name"),
    "count": ("cnt",),
    "amount": ("det_item_fee_sumamt",),
    "price": ("pric",),
    "charged_at": ("fee_ocur_time",),
    "room": ("acord_dept_name", "acord_dept_codg", "bilg_dept_name", "bilg_dept_codg"),
    "staff": ("orders_dr_code", "acord_dr_codg", "bilg_dr_codg"),
    "patient": ("psn_no",),
    "settlement": ("setl_id",),
    "batch": ("chrg_bchno",),
    "reversal_of": ("init_feedetl_sn",),
    "valid": ("vali_flag",),
    "refunded": ("refd_setl_flag",),
    "institution": ("fixmedins_code",),
}

ALL_BATCHES = "0000"

Json = dict[str, Any]


def read(text: str, instants: Instants) -> Contents:
    """What the messages say; UnreadableFile where the text is no such JSON."""
    reading = _Messages(instants)
    for message in _messages(text):
        reading.take(message)
    if not reading.rows:
        _unreadable("没有 2204 费用明细(feedetail)", "no 2204 lines (feedetail)")
    return reading.contents()


class _Messages:
    """Takes messages in their order and numbers what they say, lines and other messages alike, from 1."""

    def __init__(self, instants: Instants) -> None:
        self._lines = LineReader(LAYOUT, instants, uploads=True, insured=True)
        self._said = Contents(uploads=True)
        self._skipped = 0
        self.rows = 0

    def contents(self) -> Contents:
        if self._skipped:
            zh, en = (
                f"{self._skipped} 条其他或失败的报文未计入",
                f"{self._skipped} other or failed messages were left out",
            )
            self._said.notes.append((zh, en))
        self._said.columns = {field: self._lines.column(field) for field in LAYOUT}
        return self._said

    def take(self, message: Json) -> None:
        content = message.get("input", message)
        kind = str(message.get("infno") or ("2204" if _is_upload(content) else ""))
        known: dict[str, Callable[[Json, Json], None]] = {
            "2204": self._upload,
            "2205": self._each(_deletion),
            "2207": self._each(_settlement),
            "2208": self._each(_cancellation),
        }
        if (
            kind not in known
            or _failed(message)
            or (kind == "2207" and not _settlement_named(message, content))
        ):
            self._skipped += 1
        elif not isinstance(content, dict):
            self._refuse("input", content, "应为对象", "must be an object")
        else:
            known[kind](message, content)

    def _upload(self, message: Json, content: Json) -> None:
        lines = content.get("feedetail")
        if lines is None and "feedetl_sn" in content:
            lines = content
        if not isinstance(lines, (list, dict)) or not lines:
            self._refuse("feedetail", lines, "没有费用明细", "holds no lines")
            return
        institution = message.get("fixmedins_code")
        for line in lines if isinstance(lines, list) else [lines]:
            if isinstance(line, dict):
                self._say(self._lines.read(self._next(), {"fixmedins_code": institution, **line}))
            else:
                self._refuse("feedetail", line, "应为对象", "must be an object")

    def _each(self, read: Callable[[int, Json, Json], Statement | Refused]) -> Callable[[Json, Json], None]:
        def take(message: Json, content: Json) -> None:
            data = content.get("data", content)
            for each in data if isinstance(data, list) else [data]:
                if isinstance(each, dict):
                    self._say(_checked(read, self._next(), each, message))
                else:
                    self._refuse("data", each, "应为对象", "must be an object")

        return take

    def _next(self) -> int:
        self.rows += 1
        return self.rows

    def _say(self, said: Statement | Refused) -> None:
        if isinstance(said, Refused):
            self._said.refused.append(said)
        else:
            self._said.statements.append(said)

    def _refuse(self, column: str, value: object, zh: str, en: str) -> None:
        self._say(Refused(self._next(), column, str(value or "")[:100], zh, en))


def _failed(message: Json) -> bool:
    return str(message.get("infcode") or "0") != "0"


def _is_upload(content: object) -> bool:
    return isinstance(content, dict) and ("feedetail" in content or "feedetl_sn" in content)


# --- the messages beside 2204 ------------------------------------------------------------------------------------


class _Field(Unfit):
    """An unfit value, with the field that it stood in."""

    def __init__(self, field: str, value: object, unfit: Unfit):
        super().__init__(unfit.zh, unfit.en)
        self.field = field
        self.value = str(value or "")[:100]


def _checked(
    read: Callable[[int, Json, Json], Statement | Refused], row: int, data: Json, message: Json
) -> Statement | Refused:
    try:
        return read(row, data, message)
    except _Field as unfit:
        return Refused(row, unfit.field, unfit.value, unfit.zh, unfit.en)


def _name(data: Mapping[str, object], field: str) -> str:
    try:
        return values.identifier(data.get(field))
    except Unfit as unfit:
        raise _Field(field, data.get(field), unfit) from None


def _deletion(row: int, data: Json, message: Json) -> Withdrawal:
    visit, batch = _name(data, "mdtrt_id"), _name(data, "chrg_bchno")
    return Withdrawal(row, visit, None if batch == ALL_BATCHES else batch, None, f"2205 {batch}")


def _cancellation(row: int, data: Json, message: Json) -> Withdrawal:
    settlement = _name(data, "setl_id")
    return Withdrawal(row, _name(data, "mdtrt_id"), None, settlement, f"2208 {settlement}")


def _settlement(row: int, data: Json, message: Json) -> Settled:
    told = {**data, **_answer(message)}
    return Settled(row, _name(told, "mdtrt_id"), _name(told, "chrg_bchno"), _name(told, "setl_id"))


def _answer(message: Json) -> Json:
    """What was answered, where the log keeps it beside the request: it alone names the settlement."""
    answer = message.get("output")
    information = answer.get("setlinfo") if isinstance(answer, dict) else None
    return {"setl_id": information.get("setl_id")} if isinstance(information, dict) else {}


def _settlement_named(message: Json, content: object) -> bool:
    data = content.get("data", content) if isinstance(content, dict) else None
    return bool(_answer(message).get("setl_id") or (isinstance(data, dict) and data.get("setl_id")))


# --- JSON --------------------------------------------------------------------------------------------------------


def _messages(text: str) -> Iterator[Json]:
    for document in _documents(text):
        for message in document if isinstance(document, list) else [document]:
            if not isinstance(message, dict):
                _unreadable("报文应为 JSON 对象", "a message must be a JSON object")
            yield message


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents of a text, one after the other: on one line each, over many lines, or a single one."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_object)
    at = _past_blanks(text, 0)
    while at < len(text):
        try:
            document, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            _unreadable(
                f"第 {error.lineno} 行不是 JSON({error.msg})", f"line {error.lineno} is no JSON ({error.msg})"
            )
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            _unreadable(
                f"第 {line} 行起不是可读的 JSON({error})", f"no readable JSON from line {line} on ({error})"
            )
        yield document
        at = _past_blanks(text, end)


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _object(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)}: twice in one object")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name}: no number")


def _unreadable(zh: str, en: str) -> NoReturn:
    raise UnreadableFile(f"{zh}:请重新导出 2204 报文", f"{en}: export the 2204 messages again")

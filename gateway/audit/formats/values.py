"""What one cell may hold, read exactly or not at all.

Codes are text: a code that a spreadsheet turned into a number is refused, never restored. Numbers are Decimal, money
is whole fen. Full-width digits and brackets are accepted in codes and numbers.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from unicodedata import normalize

NOTHING = frozenset({"", "null", "NULL", "\\N"})
"""How exports write that a cell is empty."""

DAY_MS = 24 * 60 * 60 * 1000

_SELF_PAID = ("自费", "非医保", "未参保", "无医保", "全额现金")
_INSURED = ("医保", "医疗保险", "职保", "居保", "职工", "居民", "新农合", "公费", "离休", "生育保险")
_INSURED_CODES = frozenset(
    {"310", "320", "330", "340", "350", "360", "370", "380", "390", "391", "392", "410", "510"}
)
"""险种类型 (insutype) of 国家医保信息平台接口规范."""

_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d+\.\d+[eE]\d+")
_FLOAT = re.compile(r"\d{5,}\.0+")
_AS_TEXT = re.compile(r'="(.*)"', re.S)
_NUMBER = re.compile(r"([+-]?)(\d+)?(?:\.(\d*))?", re.ASCII)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(\.\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = 946_684_800_000  # the year 2000: a charge before it is a slip


class Unfit(ValueError):
    """A value that cannot stand; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str):
        super().__init__(zh, en)
        self.zh = zh
        self.en = en


_NUMBER_NOT_TEXT = Unfit("编码被写成数字,前导零可能已丢失:请以文本导出", "a code as a number: export as text")


def text(value: object) -> str:
    """A cell's text as it stands, without blanks around it; empty for what exports write for nothing."""
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped.isascii():
            _refuse_broken(stripped)
        return "" if stripped in NOTHING else stripped
    if value is None:
        return ""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    raise Unfit("应为文字或数字", "must be a text or a number")


def _refuse_broken(told: str) -> None:
    """JSON can write half a character (`\\ud800`), which no file can hold."""
    try:
        told.encode()
    except UnicodeEncodeError:
        raise Unfit("含残缺字符", "holds half a character") from None


def plain(value: object) -> str:
    """A cell's text with full-width characters made ordinary."""
    told = text(value)
    return told if told.isascii() else normalize("NFKC", told).strip()


def code(value: object) -> str:
    """A code, or nothing. Unfit where a spreadsheet has damaged it."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        raise _NUMBER_NOT_TEXT
    told = plain(value)
    if told.startswith("="):
        told = _AS_TEXT.sub(r"\1", told)
    _refuse_damaged(told)
    return told


def national_code(value: object) -> str:
    """A national or price code, or nothing. Service codes have 15 digits and begin with 00: 13 or 14 lost them."""
    told = code(value)
    if len(told) in (13, 14) and told.isdigit():
        raise Unfit("应为 15 位,前导零已丢失:请以文本导出", "15 digits, leading zeros lost: export as text")
    return told


def _refuse_damaged(told: str) -> None:
    if _SCIENTIFIC.fullmatch(told) or _FLOAT.fullmatch(told):
        raise Unfit(
            "被表格软件改成了数字,无法还原:请以文本导出",
            "turned into a number by a spreadsheet: export as text",
        )


def identifier(value: object) -> str:
    """The name of a visit or a line: not empty, undamaged, without `/`, which joins the two."""
    told = plain(value)
    if not told:
        raise Unfit("不能为空", "must not be empty")
    _refuse_damaged(told)
    if "/" in told or len(told) > 100 or not told.isprintable():
        raise Unfit("应为不含 / 的短编号", "must be a short name without /")
    return told


def number(value: object, whole: int, places: int) -> Decimal:
    """A decimal number with at most so many whole digits and decimal places; zeros at the end do not count."""
    told = plain(value)
    parts = _NUMBER.fullmatch(told)
    if not told:
        raise Unfit("不能为空", "must not be empty")
    if parts is None or not (parts[2] or parts[3]):
        raise Unfit("不是数字", "is no number")
    if len((parts[3] or "").rstrip("0")) > places:
        raise Unfit(f"小数超过 {places} 位", f"more than {places} decimals")
    if len((parts[2] or "").lstrip("0")) > whole or len(told) > 40:
        raise Unfit("数值过大", "is too large")
    return Decimal(told)


def count(value: object) -> Decimal:
    """How many were charged (N16,4); not zero."""
    told = number(value, 12, 4)
    if not told:
        raise Unfit("数量不能为 0", "must not be zero")
    return told


def fen(value: object) -> int:
    """An amount in yuan (N16,2) as whole fen."""
    return int(number(value, 14, 2) * 100)


def flag(value: object, live: str, void: str) -> bool:
    """Whether a mark says `void`; nothing counts as `live`."""
    told = plain(value)
    if told not in ("", live, void):
        raise Unfit(f"应为 {live} 或 {void}", f"must be {live} or {void}")
    return told == void


def insured(value: object) -> bool | None:
    """Whether an insurer pays, by what an export calls the kind of insurance; None where that is none we know."""
    told = plain(value)
    if any(each in told for each in _SELF_PAID):
        return False
    return True if told in _INSURED_CODES or any(each in told for each in _INSURED) else None


class Instants:
    """Reads the clinic's local times. What lies more than 24 hours after now is refused: nobody charges ahead."""

    def __init__(self, zone: tzinfo, now_ms: int):
        self._zone = zone
        self._latest_ms = now_ms + DAY_MS

    def read(self, value: object, form: str | None = None) -> int:
        """Milliseconds since 1970 UTC of `yyyy-MM-dd HH:mm:ss`, or of what `form` (strptime) describes.

        Fractions of a second are dropped; a zone that `form` reads overrides the clinic's.
        """
        told = plain(value)
        if not told:
            raise Unfit("不能为空", "must not be empty")
        at = _local(told) if form is None else _formed(told, form)
        at_ms = (at.replace(tzinfo=at.tzinfo or self._zone) - _EPOCH) // timedelta(milliseconds=1)
        if at_ms > self._latest_ms:
            raise Unfit("时间在未来", "lies in the future")
        if at_ms < _EARLIEST_MS:
            raise Unfit("时间早于 2000 年", "lies before the year 2000")
        return at_ms


def _local(told: str) -> datetime:
    parts = _INSTANT.fullmatch(told)
    try:
        if parts is not None:
            return datetime.fromisoformat(parts[1])
    except ValueError:
        pass
    raise Unfit("时间应为 yyyy-MM-dd HH:mm:ss", "must be yyyy-MM-dd HH:mm:ss")


def _formed(told: str, form: str) -> datetime:
    try:
        return datetime.strptime(told, form).replace(microsecond=0)
    except ValueError:
        raise Unfit(f"时间不合格式 {form}", f"does not fit the format {form}") from None

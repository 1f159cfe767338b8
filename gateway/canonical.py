"""Records in the form in which units write them, read by one pattern; every other text by protocol.record.

A ledger is read far more often than units write: a month of a clinic is 50,000 records, nearly all of them ALIVE, OPEN and
SESSION. The patterns below take nothing that `record.parse` would refuse, and of what they take they say the same; what
they do not take is left to it, and so are all refusals.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from protocol import p256, record, seal, strictjson
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.record import Reading, Record

_TEXT = r'"[^"\\|\x00-\x1f\x7f-\U0010ffff]{1,64}"'
_NAME = _TEXT.replace('"[', '"([').replace('}"', '})"')
_WHOLE = r"(0|[1-9][0-9]{0,14})"
_DAY, _CLOCK = r"([0-9]{4}-[01][0-9]-[0-3][0-9])", r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]),([0-9]{3})"
_TM = rf"{_DAY}T{_CLOCK}\+0800 ([SIUR])"
_REGISTER = (
    r'"RV":(0|[1-9][0-9]{0,7})\.([0-9]{6}),"RI":"01-00:01\.08\.00\*FF","RU":"kWh","RT":"AC","EF":"","ST":"G"'
)


def _pattern(letter: str, kinds: str, middle: str, end: str) -> re.Pattern[str]:
    identity = rf'"GI":{_TEXT},"GS":{_NAME},"GV":{_TEXT},"PG":"({letter}[1-9][0-9]{{0,14}})","MV":{_NAME}'
    meter = rf'"MM":{_TEXT},"MS":{_TEXT},"MF":{_TEXT}'
    place = (
        rf'"UV":1,"UK":"({kinds})","UB":"([0-9a-f]{{16}})","US":([1-9][0-9]{{0,14}}),"UP":"([0-9a-f]{{64}})",'
        rf'"UM":{_WHOLE}(?:,"UC":"((?:0|[1-9][0-9]{{0,14}}):[0-9a-f]{{16}})")?'
    )
    return re.compile(rf'\{{"FV":"1\.0",{identity},{meter},{middle},{place}{end}\}}')


_FISCAL = _pattern("F", "ALIVE|OPEN", rf'"RD":\[\{{"TM":"{_TM}",{_REGISTER}\}}\]', "")
_SESSION = _pattern(
    "T",
    "SESSION",
    r'"IS":false,"IL":"NONE","IF":\[\],"IT":"NONE",'
    rf'"RD":\[\{{"TM":"{_TM}","TX":"B",{_REGISTER}\}},\{{"TM":"{_TM}","TX":"([LPA])",{_REGISTER}\}}\]',
    rf',"UA":{_WHOLE},"UW":\[{_WHOLE},{_WHOLE},{_WHOLE}\],"UI":{_WHOLE}',
)

_LINE = re.compile(r'OCMF\|([^|]*)\|\{"SA":"ECDSA-secp256r1-SHA256","SD":"([0-9a-f]{16,144})"\}')
_HALF_N = p256.N // 2

_days: dict[str, int] = {}
_MOST_DAYS = 20_000


class _Canonical(Record):
    """A record that a pattern took."""

    def __init__(self, payload: str) -> None:  # its place and readings are set by who matched it
        self.payload = payload
        self.digest = sha256(payload.encode()).hexdigest()
        self.active_s = self.interruptions = 0
        self.power_mw = self.alive_ms = self.alive_flag = self.gap_ms = self.gap_flag = None
        self.cause = self.step_ms = None
        self.tags = []

    @property
    def document(self) -> Any:  # type: ignore[override]
        """All members, for the few who ask."""
        return strictjson.read(self.payload)


def parse(payload: str) -> Record:
    """What `protocol.record.parse` says of the payload, its RecordError included."""
    return _taken(payload) or record.parse(payload)


def stored(line: str) -> Record:
    """The record in a line that was verified before it was stored."""
    return parse(line.split("|", 2)[1])


def read(line: bytes) -> Record | None:
    """The record in a line as units write it, whatever its signature; None where it is in any other form."""
    try:
        found = _LINE.fullmatch(line.decode("ascii"))
    except ValueError:
        return None
    return None if found is None else _taken(found[1])


def sealed(line: bytes) -> tuple[Record, bytes] | None:
    """The record in a line and its signature (DER, low s, not yet verified); None where the line is not in the form in which
    units write ALIVE, OPEN and SESSION: `protocol.seal` then has to say what it is."""
    try:
        found = _LINE.fullmatch(line.decode("ascii"))
        if found is None:
            return None
        signature = bytes.fromhex(found[2])
        _, s = seal.undo_der(signature)
    except (ValueError, RecordError):
        return None
    read = _taken(found[1]) if s <= _HALF_N else None
    return None if read is None else (read, signature)


def _taken(payload: str) -> Record | None:
    """The record, if a pattern takes it."""
    found = _FISCAL.fullmatch(payload)
    if found is not None:
        return _fiscal(payload, found.groups())
    found = _SESSION.fullmatch(payload)
    return None if found is None else _session(payload, found.groups())


def _fiscal(payload: str, said: tuple[str, ...]) -> Record | None:
    unit, pagination, maker, day, hour, minute, second, ms, flag, kwh, mwh, *place = said
    midnight_ms = _midnight(day)
    made = None if midnight_ms is None else _placed(payload, unit, pagination, maker, place)
    if made is not None and midnight_ms is not None:
        at_ms = midnight_ms + _in_day(hour, minute, second, ms)
        made.readings = [Reading(at_ms, flag, int(kwh + mwh))]
    return made


def _session(payload: str, said: tuple[str, ...]) -> Record | None:
    unit, pagination, maker, *rest = said
    begin, end, ended, (kwh, mwh) = rest[0:8], rest[8:14], rest[14], rest[15:17]
    first_ms, last_ms = _midnight(begin[0]), _midnight(end[0])
    if first_ms is None or last_ms is None:
        return None
    made = _placed(payload, unit, pagination, maker, rest[17:23])
    if made is not None:
        began = Reading(first_ms + _in_day(*begin[1:5]), begin[5], int(begin[6] + begin[7]), record.BEGIN)
        made.readings = [began, Reading(last_ms + _in_day(*end[1:5]), end[5], int(kwh + mwh), ended)]
        made.active_s, *power, made.interruptions = map(int, rest[23:])
        made.power_mw = power
    return made


def _placed(payload: str, unit: str, pagination: str, maker: str, place: list[str]) -> _Canonical | None:
    kind, boot, us, up, um, checkpoint = place
    if (us == "1") != (up == ORIGIN):
        return None
    made = _Canonical(payload)
    made.unit, made.pagination, made.maker, made.kind, made.boot = unit, pagination, maker, kind, boot
    made.us, made.up, made.um_ms, made.checkpoint = int(us), up, int(um), checkpoint
    return made


def _in_day(hour: str, minute: str, second: str, ms: str) -> int:
    """Milliseconds since midnight."""
    return ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 1000 + int(ms)


def _midnight(day: str) -> int | None:
    """Milliseconds since 1970 UTC; None where `record.read_instant` has something to say against the day."""
    found = _days.get(day)
    if found is None:
        if len(_days) >= _MOST_DAYS:
            _days.clear()
        try:
            found = _days[day] = record.read_instant(f"{day}T00:00:00,000+0800 S")[0]
        except RecordError:
            return None
    return found

"""Records in the form in which units write them, read by one pattern; every other text by protocol.record.

A ledger is read far more often than units write: a month of a clinic is 50,000 records, nearly all of them ALIVE, OPEN and
SESSION. The patterns below take nothing that `record.parse` would refuse, and of what they take they say the same; what
they do not take is left to it, and so are all refusals.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from protocol import p256, record, seal, strictjson
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.record import Reading, Record

_TEXT = r'"[ !#-\[\]-{}~]{1,64}"'  # printable ASCII without " \ |
_NAME = _TEXT.replace('"[', '"([').replace('}"', '})"')
_WHOLE = r"(0|[1-9][0-9]{0,14})"
_DAY, _CLOCK = r"([0-9]{4}-[01][0-9]-[0-3][0-9])", r"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]),([0-9]{3})"
_TM = rf"{_DAY}T{_CLOCK}\+0800 ([SIUR])"
_REGISTER = r'"RV":((?:0|[1-9][0-9]{0,7})\.[0-9]{6}),"RI":"01-00:01\.08\.00\*FF","RU":"kWh","RT":"AC","EF":"","ST":"G"'


def _pattern(letter: str, kinds: str, middle: str, end: str) -> re.Pattern[str]:
    identity = rf'"GI":{_TEXT},"GS":{_NAME},"GV":{_TEXT},"PG":"({letter}[1-9][0-9]{{0,14}})","MV":{_NAME}'
    meter = rf'"MM":{_TEXT},"MS":{_TEXT},"MF":{_TEXT}'
    place = (
        rf'"UV":1,"UK":"({kinds})","UB":"([0-9a-f]{{16}})","US":([1-9][0-9]{{0,14}}),"UP":"([0-9a-f]{{64}})",'
        rf'"UM":{_WHOLE}(?:,"UC":"((?:0|[1-9][0-9]{{0,14}}):[0-9a-f]{{16}})")?'
    )
    return re.compile(rf'\{{"FV":"1\.0",{identity},{meter},{middle},{place}{end}\}}')


def _line(payload: re.Pattern[str]) -> re.Pattern[str]:
    """A whole line of such a payload: its groups, and last the signature in hex."""
    return re.compile(
        rf'OCMF\|{payload.pattern}\|\{{"SA":"ECDSA-secp256r1-SHA256","SD":"([0-9a-f]{{16,144}})"\}}'
    )


_FISCAL = _pattern("F", "ALIVE|OPEN", rf'"RD":\[\{{"TM":"{_TM}",{_REGISTER}\}}\]', "")
_SESSION = _pattern(
    "T",
    "SESSION",
    r'"IS":false,"IL":"NONE","IF":\[\],"IT":"NONE",'
    rf'"RD":\[\{{"TM":"{_TM}","TX":"B",{_REGISTER}\}},\{{"TM":"{_TM}","TX":"([LPA])",{_REGISTER}\}}\]',
    rf',"UA":{_WHOLE},"UW":\[{_WHOLE},{_WHOLE},{_WHOLE}\],"UI":{_WHOLE}'
    r'(?:,"UT":\[((?:"[0-9a-f]{64}",)*"[0-9a-f]{64}")?\])?',
)

_OPENS = "OCMF|"
_FISCAL_LINE, _SESSION_LINE = _line(_FISCAL), _line(_SESSION)
_HALF_N = p256.N // 2
_TAG = re.compile("[0-9a-f]{64}")

_days: dict[str, int] = {}
_MOST_DAYS = 20_000


class _Canonical(Record):
    """A record that a pattern took. Its digest, its register and its readings are made when they are asked for."""

    at_ms = 0
    flag = ""
    active_s = interruptions = 0
    power_mw: Any = None
    alive_ms = alive_flag = gap_ms = gap_flag = cause = step_ms = None
    _begin: Reading | None = None
    _ended: str | None = None
    _tags = ""
    _said: tuple[str, ...] = ()
    line = ""

    def __init__(self) -> None:  # all is set by who matched it
        pass

    def __getattr__(self, name: str) -> Any:
        if name == "payload":
            self.payload = self.line[len(_OPENS) : self.line.rfind("|")]
            return self.payload
        if name == "digest":
            self.digest = sha256(self.payload.encode()).hexdigest()
            return self.digest
        if name == "readings":
            last = Reading(self.at_ms, self.flag, self.register_mwh, self._ended)
            self.readings = [last] if self._begin is None else [self._begin, last]
            return self.readings
        if name in _PLACE:
            self._place()
            return self.__dict__[name]
        raise AttributeError(name)

    def _place(self) -> None:
        _, self.pagination, self.maker, *_ = said = self._said
        self.kind, self.boot, self.um_ms, self.checkpoint = said[8], said[9], int(said[12]), said[13]

    @property
    def register_mwh(self) -> int:
        """The register at the last instant."""
        return _mwh(self._said[7])

    @property
    def signature(self) -> str:
        """That of the line, in hex, not looked at."""
        return self._said[14]

    @property
    def tags(self) -> list[str]:  # type: ignore[override]
        """Those that were read at a session."""
        return _TAG.findall(self._tags)

    @property
    def document(self) -> Any:  # type: ignore[override]
        """All members, for the few who ask."""
        return strictjson.read(self.payload)


_PLACE = ("pagination", "maker", "kind", "boot", "um_ms", "checkpoint")


class _Clocks(dict[str, int]):
    """HH:MM:SS -> milliseconds since midnight."""

    def __missing__(self, clock: str) -> int:
        hour, minute, second = map(int, clock.split(":"))
        self[clock] = ms = ((hour * 60 + minute) * 60 + second) * 1000
        return ms


_clocks = _Clocks()


def parse(payload: str) -> Record:
    """What `protocol.record.parse` says of the payload, its RecordError included."""
    return _taken(payload) or record.parse(payload)


def stored(line: str) -> Record:
    """The record in a line that was verified before it was stored: nobody need ask again whether two readers could see two."""
    payload = line.split("|", 2)[1]
    return _taken(payload) or Record(payload, json.loads(payload, parse_float=strictjson.Decimal))


def read(line: bytes) -> Record | None:
    """The record in a line as units write it, whatever its signature; None where it is in any other form. `line` of the
    record is its text."""
    try:
        text = line.decode("ascii")
    except ValueError:
        return None
    found = _FISCAL_LINE.fullmatch(text)
    if found is not None:
        made = _fiscal(found.groups())
    else:
        found = _SESSION_LINE.fullmatch(text)
        made = None if found is None else _session(found.groups())
    if made is not None:
        made.line = text
        made.digest = sha256(line[len(_OPENS) : text.rfind("|")]).hexdigest()
    return made


def sealed(line: bytes) -> tuple[Record, bytes] | None:
    """The record in a line and its signature (DER, low s, not yet verified); None where the line is not in the form in which
    units write ALIVE, OPEN and SESSION: `protocol.seal` then has to say what it is."""
    made = read(line)
    if made is None:
        return None
    try:
        signature = bytes.fromhex(made.signature)  # type: ignore[attr-defined]
        _, s = seal.undo_der(signature)
    except (ValueError, RecordError):
        return None
    return (made, signature) if s <= _HALF_N else None


def _taken(payload: str) -> Record | None:
    """The record, if a pattern takes it."""
    found = _FISCAL.fullmatch(payload)
    if found is not None:
        made = _fiscal(found.groups())
    else:
        found = _SESSION.fullmatch(payload)
        made = None if found is None else _session(found.groups())
    if made is not None:
        made.payload = payload
    return made


def _fiscal(said: tuple[str, ...]) -> _Canonical | None:
    day, us, up = said[3], said[10], said[11]
    midnight_ms = _days.get(day) or _midnight(day)
    if midnight_ms is None or (us == "1") != (up == ORIGIN):
        return None
    made = _Canonical()
    made.unit, made.us, made.up, made._said = said[0], int(us), up, said
    made.at_ms, made.flag = midnight_ms + _clocks[said[4]] + int(said[5]), said[6]
    return made


def _session(said: tuple[str, ...]) -> _Canonical | None:
    began = _began(*said[3:8])
    made = None if began is None else _fiscal((*said[:3], *said[8:12], *said[13:20], *said[26:]))
    if made is not None:
        made._begin, made._ended = began, said[12]
        active, *power, interruptions = map(int, said[20:25])
        made.active_s, made.power_mw, made.interruptions = active, power, interruptions
        made._tags = said[25] or ""
    return made


def _began(day: str, clock: str, ms: str, flag: str, kwh: str) -> Reading | None:
    midnight_ms = _midnight(day)
    if midnight_ms is None:
        return None
    return Reading(midnight_ms + _clocks[clock] + int(ms), flag, _mwh(kwh), record.BEGIN)


def _mwh(kwh: str) -> int:
    return int(kwh.replace(".", ""))


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

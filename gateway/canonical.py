"""Records in the form in which units write them, read by one pattern; every other text by protocol.record.

A ledger is read far more often than units write: a month of a clinic is 50,000 records, nearly all of them ALIVE, OPEN and
SESSION. The patterns below take nothing that `record.parse` would refuse, and of what they take they say the same; what
they do not take is left to it, and so are all refusals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar

from protocol import p256, record, seal, strictjson
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.record import Reading, Record

_TEXT = r'"[ !#-\[\]-{}~]{1,64}"'  # printable ASCII without " \ |
_NAME = _TEXT.replace('"[', '"([').replace('}"', '})"')
_NUMBER = "(?:0|[1-9][0-9]{0,14})"
_WHOLE = f"({_NUMBER})"
_DAY, _CLOCK = r"([0-9]{4}-[01][0-9]-[0-3][0-9])", r"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]),([0-9]{3})"
_TM = rf"{_DAY}T{_CLOCK}\+0800 ([SIUR])"
_KWH = r"(?:0|[1-9][0-9]{0,7})\.[0-9]{6}"
_METER = r'"RI":"01-00:01\.08\.00\*FF","RU":"kWh","RT":"AC","EF":"","ST":"G"'


def _pattern(letter: str, maker: str, kinds: str, middle: str, end: str) -> str:
    """Of a payload. Its groups: the unit, those of `maker` and `middle`, kind, boot, `US`, `UP` (64 characters without a quote),
    `UM`, those of `end`."""
    identity = rf'"GI":{_TEXT},"GS":{_NAME},"GV":{_TEXT},"PG":"{letter}[1-9][0-9]{{0,14}}","MV":{maker}'
    meter = rf'"MM":{_TEXT},"MS":{_TEXT},"MF":{_TEXT}'
    place = (
        rf'"UV":1,"UK":"({kinds})","UB":"([0-9a-f]{{16}})","US":([1-9][0-9]{{0,14}}),"UP":"([^"]{{64}})",'
        rf'"UM":{_WHOLE}(?:,"UC":"{_NUMBER}:[0-9a-f]{{16}}")?'
    )
    return rf'\{{"FV":"1\.0",{identity},{meter},{middle},{place}{end}\}}'


def _line(payload: str) -> str:
    """Of a whole line with such a payload: its groups, and last what stands for the signature, any text without a quote."""
    return rf'OCMF\|{payload}\|\{{"SA":"ECDSA-secp256r1-SHA256","SD":"([^"]{{16,144}})"\}}'


_FISCAL = _pattern("F", _TEXT, "ALIVE|OPEN", rf'"RD":\[\{{"TM":"{_TM}","RV":{_KWH},{_METER}\}}\]', "")
_SESSION = _pattern(
    "T",
    _NAME,
    "SESSION",
    r'"IS":false,"IL":"NONE","IF":\[\],"IT":"NONE",'
    rf'"RD":\[\{{"TM":"{_TM}","TX":"B","RV":({_KWH}),{_METER}\}},'
    rf'\{{"TM":"{_TM}","TX":"([LPA])","RV":({_KWH}),{_METER}\}}\]',
    rf',"UA":{_WHOLE},"UW":\[{_WHOLE},{_WHOLE},{_WHOLE}\],"UI":{_WHOLE}'
    r'(?:,"UT":\[((?:"[0-9a-f]{64}",)*"[0-9a-f]{64}")?\])?',
)
_OF_LOAD = (*range(2, 8), *range(11, 14), *range(19, 25))
"""Those groups of a SESSION that tell more than its place and when it was made."""
_fiscal_payload, _session_payload = re.compile(_FISCAL).fullmatch, re.compile(_SESSION).fullmatch
_fiscal_line, _session_line = re.compile(_line(_FISCAL)).fullmatch, re.compile(_line(_SESSION)).fullmatch

_OPENS = "OCMF|"
_HALF_N = p256.N // 2
_TAG = re.compile("[0-9a-f]{64}")

_days: dict[str, int] = {}
_MOST_DAYS = 20_000


class _Canonical(Record):
    """A record that a pattern took. What few ask for is found when it is asked for."""

    at_ms = 0
    flag = ""
    active_s = interruptions = 0
    power_mw: Any = None
    alive_ms = alive_flag = gap_ms = gap_flag = cause = step_ms = None
    line = ""

    def __init__(
        self, unit: str, at_ms: int, flag: str, kind: str, boot: str, us: int, up: str, um_ms: int
    ) -> None:
        self.unit, self.kind, self.boot = unit, kind, boot
        self.at_ms, self.flag, self.us, self.up, self.um_ms = at_ms, flag, us, up, um_ms

    @cached_property
    def payload(self) -> str:  # type: ignore[override]
        """Its exact text."""
        return self.line[len(_OPENS) : self.line.rfind("|")]

    @cached_property
    def digest(self) -> str:  # type: ignore[override]
        """By which the next record names it."""
        return sha256(self.payload.encode()).hexdigest()

    @cached_property
    def readings(self) -> list[Reading]:  # type: ignore[override]
        """One; those of a SESSION are read with it."""
        return [Reading(self.at_ms, self.flag, self.register_mwh)]

    @cached_property
    def maker(self) -> str:  # type: ignore[override]
        """Who made the meter."""
        return self._text("MV")

    @cached_property
    def tags(self) -> list[str]:  # type: ignore[override]
        """Those that were read at a session."""
        return []

    @property
    def register_mwh(self) -> int:
        """The register at the last instant."""
        return int(self.payload.rpartition('"RV":')[2].partition(",")[0].replace(".", ""))

    @property
    def pagination(self) -> str:  # type: ignore[override]
        """Its number of its kind."""
        return self._text("PG")

    @property
    def checkpoint(self) -> str | None:
        """The district's last that the unit saw."""
        return self._text("UC") or None

    def _text(self, member: str) -> str:
        """What stands there, or nothing: no text that a pattern takes holds quotes."""
        return self.payload.partition(f'"{member}":"')[2].partition('"')[0]

    @property
    def document(self) -> Any:  # type: ignore[override]
        """All members, for the few who ask."""
        return strictjson.read(self.payload)


@dataclass(slots=True)  # not frozen: made by the thousand
class Session:
    """A stored SESSION: its place in the chain, and what it says of meter and load."""

    us: int
    boot: str
    um_ms: int
    maker: str
    readings: tuple[Reading, Reading]
    active_s: int
    power_mw: tuple[int, int, int]
    interruptions: int
    tags: Sequence[str]
    kind: ClassVar[str] = record.SESSION

    @property
    def at_ms(self) -> int:
        """The instant of its last reading, as the unit's clock had it."""
        return self.readings[1].at_ms

    @property
    def flag(self) -> str:
        """Clock flag of that instant."""
        return self.readings[1].flag


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


def session(line: str, us: int, boot: str, um_ms: int, at_ms: int) -> Session | None:
    """The SESSION in a line that was verified before it was stored, filed so; None where it is in any other form."""
    found = _session_payload(line, len(_OPENS), line.index("|", len(_OPENS)))
    if found is None:
        return None
    maker, day, clock, ms, began_flag, had_kwh, flag, code, kwh, active, *power, interruptions, tags = (
        found.group(*_OF_LOAD)
    )
    midnight_ms = _days.get(day) or _midnight(day)
    if midnight_ms is None:
        return None
    start_ms = midnight_ms + _clocks[clock] + int(ms)
    begin = Reading(start_ms, began_flag, int(had_kwh.replace(".", "")), record.BEGIN)
    readings = begin, Reading(at_ms, flag, int(kwh.replace(".", "")), code)
    low, mean, high = power
    counted = int(active), (int(low), int(mean), int(high)), int(interruptions)
    return Session(us, boot, um_ms, maker, readings, *counted, _TAG.findall(tags) if tags else ())


def read(line: bytes) -> Record | None:
    """The record in a line as units write it, whatever its signature; None where it is in any other form. `line` of the
    record is its text."""
    return _read(line, ORIGIN)


def chained(lines: Iterable[bytes]) -> Iterator[list[Record | None]]:
    """`read` of each, in their order, together where each is the next of its unit after the one before."""
    run: list[Record | None] = []
    unit, us, digest = "", 0, ORIGIN
    for line in lines:
        one = _read(line, digest)
        if one is None or one.up != digest or one.us != us or one.unit != unit:
            if run:
                yield run
            run = []
        run.append(one)
        if one is None:
            us = 0
        else:
            unit, us, digest = one.unit, one.us + 1, one.digest
    if run:
        yield run


def sealed(line: bytes) -> tuple[Record, bytes] | None:
    """The record in a line and its signature (DER, low s, not yet verified); None where the line is not in the form in which
    units write ALIVE, OPEN and SESSION: `protocol.seal` then has to say what it is."""
    made = _read(line, ORIGIN)
    if made is None:
        return None
    signature = bytes.fromhex(made.line.rpartition('"SD":"')[2].removesuffix('"}'))
    try:
        _, s = seal.undo_der(signature)
    except (ValueError, RecordError):
        return None
    return (made, signature) if s <= _HALF_N else None


def _read(line: bytes, digest: str) -> _Canonical | None:
    """The record in a line. `digest`: that of the record before it."""
    try:
        text = str(line, "ascii")
    except ValueError:
        return None
    found, make = _fiscal_line(text), _fiscal
    if found is None:
        found, make = _session_line(text), _session
    if found is None:
        return None
    said = found.groups()
    made = make(said, digest)
    if made is None or not _is_hex(said[-1]):
        return None
    made.line = text
    made.digest = sha256(line[len(_OPENS) : line.rfind(b"|")]).hexdigest()
    return made


def _taken(payload: str) -> Record | None:
    """The record, if a pattern takes it."""
    found, make = _fiscal_payload(payload), _fiscal
    if found is None:
        found, make = _session_payload(payload), _session
    made = None if found is None else make(found.groups(), ORIGIN)
    if made is not None:
        made.payload = payload
    return made


def _fiscal(said: Sequence[str], digest: str) -> _Canonical | None:
    """`digest`: one in hex, which `UP` need not be read to be if it is that."""
    unit, day, clock, ms, flag, kind, boot, us, up, um_ms, *_ = said
    midnight_ms = _days.get(day) or _midnight(day)
    if midnight_ms is None or not _is_placed(us, up, digest):
        return None
    at_ms = midnight_ms + _clocks[clock] + int(ms)
    return _Canonical(unit, at_ms, flag, kind, boot, int(us), up, int(um_ms))


def _session(said: Sequence[str], digest: str) -> _Canonical | None:
    unit, maker, began_day, began, began_ms, began_flag, had_kwh, day, clock, ms, flag, code, kwh, *rest = (
        said
    )
    kind, boot, us, up, um_ms, active, low, mean, high, interruptions, tags, *_ = rest
    start_ms, end_ms = _days.get(began_day) or _midnight(began_day), _days.get(day) or _midnight(day)
    if start_ms is None or end_ms is None or not _is_placed(us, up, digest):
        return None
    start_ms += _clocks[began] + int(began_ms)
    end_ms += _clocks[clock] + int(ms)
    made = _Canonical(unit, end_ms, flag, kind, boot, int(us), up, int(um_ms))
    begin = Reading(start_ms, began_flag, int(had_kwh.replace(".", "")), record.BEGIN)
    made.readings = [begin, Reading(end_ms, flag, int(kwh.replace(".", "")), code)]
    made.active_s, made.interruptions = int(active), int(interruptions)
    made.power_mw = [int(low), int(mean), int(high)]
    made.maker, made.tags = maker, _TAG.findall(tags) if tags else []
    return made


def _is_placed(us: str, up: str, digest: str) -> bool:
    """Whether `UP` is a digest, of zeros in a first record alone."""
    return (us == "1") == (up == ORIGIN) and (up == digest or _is_hex(up))


def _is_hex(text: str) -> bool:
    """Whether whole bytes are written so, in small letters. (A pattern would look at each letter by itself.)"""
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


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

"""What a unit says: kinds and fields of a record, payload text out, fields in.

A payload is the middle part of an OCMF document (Open Charge Metering Format 1.0, S.A.F.E. e.V.) with the vendor
fields of our profile; FORMAT.md tells it in prose. The exact text is kept: who verifies must hash what came, not
what they would have written. This file does not know signatures, files, clocks or what a treatment is.
"""

import binascii
import hashlib

from protocol import strictjson
from protocol.chain import ORIGIN
from protocol.errors import EmitError, RecordError
from protocol.topics import is_checkpoint

PRODUCT = "WattWitness"
PROFILE = 1
REGISTER = "01-00:01.08.00*FF"  # OBIS: active energy, import, total
PLUG = "plug"  # meter maker of an off-the-shelf plug, whose readings reach the agent unsealed

BOOT, ALIVE, OPEN, SESSION = "BOOT", "ALIVE", "OPEN", "SESSION"
GAP_OF_READINGS, FAULT, CLOCK, TAG = "GAP", "FAULT", "CLOCK", "TAG"
CAUSES = ("METER_SILENT", "CASE_OPEN", "LOAD_MISMATCH", "STORAGE", "ACK_MISMATCH")

SYNCHRONISED, INFORMATIVE, NEVER_SET, RELATIVE = "S", "I", "U", "R"
BEGIN = "B"
LOAD_OFF, POWER_FAILED, ABORTED = "L", "P", "A"  # how a session ended

_FISCAL = (BOOT, ALIVE, OPEN, GAP_OF_READINGS, FAULT, CLOCK, TAG)  # one reading each, and no TX
_ENDS = (LOAD_OFF, POWER_FAILED, ABORTED)
_FLAGS = (SYNCHRONISED, INFORMATIVE, NEVER_SET, RELATIVE)
_FIELDS = ("UV", "UK", "UB", "US", "UP", "UM", "UC", "UA", "UW", "UI", "UT", "UL", "UG", "UR")
_FIGURES = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 23))  # of a TM, year to ms
_ZONE = "+0800"
_ZONE_MS = 8 * 3600 * 1000
_DAY_MS = 86400000
_LATEST_MS = 253402300800000 - _ZONE_MS  # year 10000 has no TM
_MOST = 9007199254740991  # above 2**53 - 1 JSON readers disagree about a whole number (RFC 8259, 6)


def instant(at_ms: int, flag: str) -> str:
    """TM text, `YYYY-MM-DDTHH:MM:SS,mmm+0800 F`, of `at_ms` (milliseconds since 1970 UTC)."""
    if flag not in _FLAGS or not 0 <= at_ms < _LATEST_MS:
        raise EmitError("no instant has %r and flag %r" % (at_ms, flag))
    days, ms = divmod(at_ms + _ZONE_MS, _DAY_MS)
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    year, month, day = _civil(days)
    date = (year, month, day, minutes // 60, minutes % 60, seconds, ms, _ZONE, flag)
    return "%04d-%02d-%02dT%02d:%02d:%02d,%03d%s %s" % date


def read_instant(text) -> tuple:
    """(at_ms, flag) of a TM text; RecordError("malformed") for any other form, `Z` and `+08:00` among them."""
    if not isinstance(text, str) or len(text) != 30 or text[23:29] != _ZONE + " " or text[29] not in _FLAGS:
        raise RecordError("malformed", "%r is no instant of this profile" % (text,))
    year, month, day, hour, minute, second, ms = [_number(text[start:end]) for start, end in _FIGURES]
    in_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms
    days = _days(year, month, day) if 1 <= month <= 12 else 0
    if _civil(days) != (year, month, day) or in_day >= _DAY_MS or minute > 59 or second > 59:
        raise RecordError("malformed", "%r is on no clock" % text)
    at_ms = days * _DAY_MS + in_day - _ZONE_MS
    if at_ms < 0 or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] != "--T::,":
        raise RecordError("malformed", "%r is no instant of this profile" % text)
    return at_ms, text[29]


def _number(digits: str) -> int:
    for c in digits:
        if c not in "0123456789":
            raise RecordError("malformed", "%r is no number" % digits)
    return int(digits)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a Gregorian date (H. Hinnant, chrono-Compatible Low-Level Date Algorithms)."""
    year -= month <= 2
    era, of_era = year // 400, year % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _civil(days: int) -> tuple:
    """(year, month, day) of days since 1970-01-01 (same source)."""
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


class Identity:
    """Who speaks: the unit, its firmware, and the meter it reads."""

    def __init__(self, unit: str, version: str, maker: str, model: str, serial: str, meter_version: str):
        self.unit = unit
        self.version = version
        self.maker = maker
        self.model = model
        self.serial = serial
        self.meter_version = meter_version


class Reading:
    """One reading inside a record. `register_mwh` is None where the record carries no register (FAULT)."""

    def __init__(self, at_ms: int, flag: str, register_mwh: int | None, tx: str | None = None):
        self.at_ms = at_ms
        self.flag = flag
        self.register_mwh = register_mwh
        self.tx = tx


def render(identity: Identity, kind: str, count: int, readings, fields: dict, product: str = PRODUCT) -> str:
    """Payload text of one record.

    `count` is the pagination of its kind (T for SESSION, F for all others); `fields` holds the vendor fields but
    `UV` and `UK`, ready to print: ints, ASCII strings, lists of either. Raises EmitError for what no record may say.
    """
    session = kind == SESSION
    parts = [
        '"FV":"1.0"',
        _member("GI", product),
        _member("GS", identity.unit),
        _member("GV", identity.version),
        _member("PG", ("T%d" if session else "F%d") % count),
        _member("MV", identity.maker),
        _member("MM", identity.model),
        _member("MS", identity.serial),
        _member("MF", identity.meter_version),
    ]
    if session:
        parts.append('"IS":false,"IL":"NONE","IF":[],"IT":"NONE"')
    parts.append('"RD":[%s]' % ",".join([_reading(each) for each in readings]))
    said = dict(fields)
    said["UV"], said["UK"] = PROFILE, kind
    for name in said:
        if name not in _FIELDS:
            raise EmitError("no field %s in this profile" % name)
    parts.extend([_member(name, said[name]) for name in _FIELDS if name in said])
    return "{%s}" % ",".join(parts)


def _member(name: str, value) -> str:
    return '"%s":%s' % (name, _text(value))


def _text(value) -> str:
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join([_text(each) for each in value])
    if type(value) is int and -_MOST <= value <= _MOST:
        return "%d" % value
    if isinstance(value, str):
        return '"%s"' % "".join([_char(c) for c in value])
    raise EmitError("a record cannot say %r" % (value,))


def _char(c: str) -> str:
    if c in '"\\':
        return "\\" + c
    code = ord(c)
    if 0xD800 <= code < 0xE000:
        raise EmitError("a record cannot say half a character")
    if c == "|" or code < 0x20 or 0x7E < code < 0x10000:
        return "\\u%04x" % code
    if code < 0x7F:
        return c
    code -= 0x10000
    return "\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))


def _reading(reading: Reading) -> str:
    when = _member("TM", instant(reading.at_ms, reading.flag))
    if reading.register_mwh is None:
        return '{%s,"EF":"Et","ST":"D"}' % when
    if not 0 <= reading.register_mwh <= _MOST:
        raise EmitError("no register has %d mWh" % reading.register_mwh)
    tx = "" if reading.tx is None else '"TX":"%s",' % reading.tx
    register = "%d.%06d" % divmod(reading.register_mwh, 1000000)
    return '{%s,%s"RV":%s,"RI":"%s","RU":"kWh","RT":"AC","EF":"","ST":"G"}' % (when, tx, register, REGISTER)


class Record:
    """A payload that was read: its exact text, its digest, and what it says.

    `us`, `up`, `boot`, `um_ms`: place in the chain. `checkpoint`: the district's last that the unit saw, or None.
    `kind` may be one we do not know; it then supports nothing. SESSION: `active_s`, `power_mw` (min, mean, max),
    `interruptions`, `tags`. BOOT: `alive_ms` and `alive_flag` of the last instant proven alive, or None; `cause`.
    GAP: `gap_ms` (from, until) and `gap_flag`. FAULT: `cause`. CLOCK: `step_ms`.
    """

    def __init__(self, payload: str, document: dict):
        self.payload = payload
        self.digest = str(binascii.hexlify(hashlib.sha256(payload.encode()).digest()), "ascii")
        self.document = document
        self.unit = _string(document, "GS", 64)
        self.maker = _string(document, "MV", 64)
        self.pagination = _string(document, "PG", 24)
        self.kind = _string(document, "UK", 24)
        self.boot = _hex(document, "UB", 16)
        self.us = _whole(document, "US")
        self.up = _hex(document, "UP", 64)
        self.um_ms = _whole(document, "UM")
        self.checkpoint = _checkpoint(document)
        self.readings = _readings(document)
        self._place()
        self._kind_fields()

    @property
    def at_ms(self) -> int:
        """The instant of the record's last reading, as the unit's clock had it."""
        return self.readings[-1].at_ms

    @property
    def flag(self) -> str:
        """Clock flag of that instant."""
        return self.readings[-1].flag

    @property
    def register_mwh(self):
        """The register at that instant; None in a FAULT."""
        return self.readings[-1].register_mwh

    def _place(self):
        document = self.document
        if document.get("FV") != "1.0" or document.get("UV") != PROFILE:
            raise RecordError("malformed", "FV must be 1.0 and UV %d" % PROFILE)
        if self.us < 1 or (self.us == 1) != (self.up == ORIGIN):
            raise RecordError("malformed", "US counts from 1, and only US 1 has an UP of zeros")
        counter = "T" if self.kind == SESSION else "F"
        if self.pagination[:1] != counter or _number(self.pagination[1:] or "0") < 1:
            raise RecordError("malformed", "PG %s does not fit kind %s" % (self.pagination, self.kind))

    def _kind_fields(self):
        document = self.document
        self.active_s = self.interruptions = 0
        self.power_mw = self.alive_ms = self.alive_flag = self.gap_ms = self.gap_flag = None
        self.cause = self.step_ms = None
        self.tags = _tags(document)
        if self.kind in _FISCAL and (len(self.readings) != 1 or self.readings[0].tx is not None):
            raise RecordError("malformed", "a %s has one reading, and no TX" % self.kind)
        if self.kind == SESSION:
            self._session()
        elif self.kind == BOOT:
            self.cause = _string(document, "UR", 64)
            if "UL" in document:
                self.alive_ms, self.alive_flag = read_instant(document["UL"])
        elif self.kind == FAULT:
            self.cause = _string(document, "UR", 64)
        elif self.kind == GAP_OF_READINGS:
            self.gap_ms, self.gap_flag = _span(document)
        elif self.kind == CLOCK:
            self.step_ms = document.get("UR")
            if type(self.step_ms) is not int or not -_MOST <= self.step_ms <= _MOST:
                raise RecordError("malformed", "the UR of a CLOCK is its step in ms")

    def _session(self):
        document = self.document
        self.active_s = _whole(document, "UA")
        self.interruptions = _whole(document, "UI")
        self.power_mw = document.get("UW")
        if not isinstance(self.power_mw, list) or [_is_whole(each) for each in self.power_mw] != [True] * 3:
            raise RecordError("malformed", "UW is [min, mean, max] in milliwatts")
        codes = [each.tx for each in self.readings]
        if len(codes) != 2 or codes[0] != BEGIN or codes[1] not in _ENDS:
            raise RecordError("malformed", "a SESSION has a reading B and one of L, P, A")


def parse(payload: str) -> Record:
    """The record that `payload` writes; RecordError("malformed", why) where it is none of this profile.

    Unknown kinds and unknown members are read and kept. No number becomes a float.
    """
    try:
        document = strictjson.read(payload)
    except ValueError as error:
        raise RecordError("malformed", str(error))
    if not isinstance(document, dict) or "|" in payload:
        raise RecordError("malformed", "a payload is one JSON object without '|'")
    return Record(payload, document)


def _string(document: dict, name: str, longest: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise RecordError("malformed", "%s must be 1 to %d characters" % (name, longest))
    return value


def _whole(document: dict, name: str) -> int:
    value = document.get(name, -1)
    if not _is_whole(value):
        raise RecordError("malformed", "%s must be a whole number below 2**53" % name)
    return value


def _is_whole(value) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _hex(document: dict, name: str, length: int) -> str:
    value = _string(document, name, length)
    if not _is_hex(value, length):
        raise RecordError("malformed", "%s must be %d lower-case hex digits" % (name, length))
    return value


def _is_hex(value, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and all(c in "0123456789abcdef" for c in value)


def _checkpoint(document: dict):
    checkpoint = document.get("UC")
    if "UC" in document and not is_checkpoint(checkpoint):
        raise RecordError("malformed", "UC is <size>:<16 hex>")
    return checkpoint


def _tags(document: dict) -> list:
    tags = document.get("UT", [])
    if not isinstance(tags, list) or not all(_is_hex(each, 64) for each in tags):
        raise RecordError("malformed", "UT is a list of 64 hex digits each")
    return tags


def _span(document: dict) -> tuple:
    span = document.get("UG")
    if not isinstance(span, list) or len(span) != 2:
        raise RecordError("malformed", "UG is [from, until]")
    (start_ms, flag), (end_ms, _) = read_instant(span[0]), read_instant(span[1])
    return (start_ms, end_ms), flag


def _readings(document: dict) -> list:
    rows = document.get("RD")
    if not isinstance(rows, list) or [type(row) for row in rows] not in ([dict], [dict, dict]):
        raise RecordError("malformed", "RD holds one reading, or two in a SESSION")
    return [_read_reading(row) for row in rows]


def _read_reading(row: dict) -> Reading:
    at_ms, flag = read_instant(row.get("TM"))
    if "RV" not in row:
        return Reading(at_ms, flag, None, row.get("TX"))
    if row.get("RI") != REGISTER or row.get("RU") != "kWh":
        raise RecordError("malformed", "a register is %s in kWh" % REGISTER)
    return Reading(at_ms, flag, _milliwatthours(row["RV"]), row.get("TX"))


def _milliwatthours(value) -> int:
    if isinstance(value, strictjson.Decimal):
        whole, fraction = value.text.split(".")
        if len(fraction) == 6 and whole[0] != "-" and int(whole + fraction) <= _MOST:
            return int(whole + fraction)
    raise RecordError("malformed", "RV must be kWh below 2**53 mWh, with exactly six decimals")

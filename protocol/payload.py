"""What a unit says: kinds and fields of a record, payload text out. All that a unit has to load; record.py reads it.

A payload is the middle part of an OCMF document (Open Charge Metering Format 1.0, S.A.F.E. e.V.) with the vendor
fields of our profile; FORMAT.md tells it in prose. This file does not know signatures, files, clocks or what a
treatment is.
"""

from protocol.errors import EmitError, RecordError

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

_FLAGS = (SYNCHRONISED, INFORMATIVE, NEVER_SET, RELATIVE)
FIELDS = ("UV", "UK", "UB", "US", "UP", "UM", "UC", "UA", "UW", "UI", "UT", "UL", "UG", "UR")
_FIGURES = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 23))  # of a TM, year to ms
_ZONE = "+0800"
_ZONE_MS = 8 * 3600 * 1000
_DAY_MS = 86400000
_LATEST_MS = 253402300800000 - _ZONE_MS  # year 10000 has no TM
MOST = 9007199254740991  # above 2**53 - 1 JSON readers disagree about a whole number (RFC 8259, 6)


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
    year, month, day, hour, minute, second, ms = [whole_number(text[start:end]) for start, end in _FIGURES]
    in_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms
    days = _days(year, month, day) if 1 <= month <= 12 else 0
    if _civil(days) != (year, month, day) or in_day >= _DAY_MS or minute > 59 or second > 59:
        raise RecordError("malformed", "%r is on no clock" % text)
    at_ms = days * _DAY_MS + in_day - _ZONE_MS
    if at_ms < 0 or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] != "--T::,":
        raise RecordError("malformed", "%r is no instant of this profile" % text)
    return at_ms, text[29]


def whole_number(digits: str) -> int:
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
        if name not in FIELDS:
            raise EmitError("no field %s in this profile" % name)
    parts.extend([_member(name, said[name]) for name in FIELDS if name in said])
    return "{%s}" % ",".join(parts)


def _member(name: str, value) -> str:
    return '"%s":%s' % (name, _text(value))


def _text(value) -> str:
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join([_text(each) for each in value])
    if type(value) is int and -MOST <= value <= MOST:
        return "%d" % value
    if isinstance(value, str):
        return '"%s"' % (value if _is_plain(value) else "".join([_char(c) for c in value]))
    raise EmitError("a record cannot say %r" % (value,))


def _is_plain(value: str) -> bool:
    """Whether it is printed as it stands. Looked at as octets: a board would keep every single character for ever."""
    try:
        raw = value.encode()
    except UnicodeError:
        return False
    if b'"' in raw or b"\\" in raw or b"|" in raw:
        return False
    return not raw or (min(raw) >= 0x20 and max(raw) <= 0x7E)


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
    if not 0 <= reading.register_mwh <= MOST:
        raise EmitError("no register has %d mWh" % reading.register_mwh)
    tx = "" if reading.tx is None else '"TX":"%s",' % reading.tx
    register = "%d.%06d" % divmod(reading.register_mwh, 1000000)
    return '{%s,%s"RV":%s,"RI":"%s","RU":"kWh","RT":"AC","EF":"","ST":"G"}' % (when, tx, register, REGISTER)

"""What a unit said: payload text in, fields out. payload.py writes it; all of that is known here by its name too.

The exact text is kept: who verifies must hash what came, not what they would have written. This file does not know
signatures, files, clocks or what a treatment is.
"""

import binascii
import hashlib

from protocol import strictjson
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.payload import (  # noqa: F401
    ABORTED,
    ALIVE,
    BEGIN,
    BOOT,
    CAUSES,
    CLOCK,
    FAULT,
    FIELDS,
    GAP_OF_READINGS,
    INFORMATIVE,
    LOAD_OFF,
    MOST,
    NEVER_SET,
    OPEN,
    PLUG,
    POWER_FAILED,
    PRODUCT,
    PROFILE,
    REGISTER,
    RELATIVE,
    SESSION,
    SYNCHRONISED,
    TAG,
    Identity,
    Reading,
    instant,
    read_instant,
    render,
    whole_number,
)
from protocol.topics import is_checkpoint

_FISCAL = (BOOT, ALIVE, OPEN, GAP_OF_READINGS, FAULT, CLOCK, TAG)  # one reading each, and no TX
_ENDS = (LOAD_OFF, POWER_FAILED, ABORTED)


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
        if self.pagination[:1] != counter or whole_number(self.pagination[1:] or "0") < 1:
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
            if type(self.step_ms) is not int or not -MOST <= self.step_ms <= MOST:
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
    return type(value) is int and 0 <= value <= MOST


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
        if len(fraction) == 6 and whole[0] != "-" and int(whole + fraction) <= MOST:
            return int(whole + fraction)
    raise RecordError("malformed", "RV must be kWh below 2**53 mWh, with exactly six decimals")

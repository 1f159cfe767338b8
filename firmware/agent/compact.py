"""A record line in an eighth of its length: what it says as numbers, its signature as octets, nothing twice.

A page is a run of records of one boot. What its records share is said once; number and `UP` of each follow from the
one before. A line is packed only if it comes back byte for byte, so that a record once emitted is never emitted
differently; any other has to be kept as it is. This file does not know files or flash.
"""

import binascii
import json

from firmware.agent import memory
from firmware.agent.octets import Octets, number, signed, text
from firmware.agent.register import PER_MWH
from protocol import payload as record
from protocol import sealing as seal
from protocol.errors import WitnessError

_KINDS = (
    record.BOOT,
    record.ALIVE,
    record.OPEN,
    record.SESSION,
    record.GAP_OF_READINGS,
    record.FAULT,
    record.CLOCK,
    record.TAG,
)
_FLAGS = "SIUR"
_ENDS = "LPA"
_SAME_CHECKPOINT = 32
_PRESENT = ("UC", "UA", "UW", "UI", "UT", "UL", "UG", "UR")  # a bit for each


class Said:
    """A record that was unpacked: its `line`, its payload's `digest`, and what a memory needs of it."""

    def __init__(self, line: str, payload: str, kind: str, count: int, readings: list, fields: dict):
        self.line, self.digest = line, seal.digest(payload)
        self.kind, self.count, self.readings, self.fields = kind, count, readings, fields


def frame_of(line: str):
    """(identity, boot) of a record line: the text that names unit, firmware and meter, and the 16 digits of its boot.

    None where the line has another form than ours.
    """
    start, boot = line.find('"PG":"'), line.find('"UB":"')
    after = line.find('",', start + 6) + 2
    end = min([at for at in (line.find('"RD":', after), line.find('"IS":', after)) if at >= 0] + [len(line)])
    if not (0 < start < after < end <= boot):
        return None
    return line[5:start] + line[after : end - 1] + "}", line[boot + 6 : boot + 22]


class Page:
    """Packs and unpacks one record after another. `us` and `digest` are the last one's, then and now."""

    def __init__(self, identity: str, boot: str, us: int, digest: str):
        self.identity, self.boot, self.us, self.digest = identity, boot, us, digest
        self._checkpoint = None
        fields = json.loads(identity)
        self._product = fields["GI"]
        self._who = record.Identity(*[fields[each] for each in ("GS", "GV", "MV", "MM", "MS", "MF")])

    def pack(self, line: str):
        """The octets of the page's next record, None where it does not come back from them. The page goes on."""
        before = self._checkpoint
        try:
            raw, self._checkpoint = self._packed(line, before)
            after, self._checkpoint = self._checkpoint, before
            said = self._unpacked(Octets(raw))
            self._checkpoint = after
        except (ValueError, IndexError, WitnessError):
            said = None
        if said is None or said.line != line:
            self._checkpoint = before
            return None
        self.us, self.digest = self.us + 1, said.digest
        return raw

    def unpack(self, octets: Octets) -> Said:
        """The page's next record; ValueError, IndexError or EmitError for octets that hold none."""
        said = self._unpacked(octets)
        self.us, self.digest = self.us + 1, said.digest
        self._checkpoint = said.fields.get("UC", self._checkpoint)
        return said

    def skip(self, digest: str):
        """The next record was kept as it is."""
        self.us, self.digest = self.us + 1, digest

    # --- to octets --------------------------------------------------------------------------------------------------

    def _packed(self, line: str, checkpoint):
        _, payload, section = line.split("|")
        kind = _quoted(payload, "UK")
        rows = [_read_row(row) for row in _after(payload, "RD").split("]", 1)[0].split("},{")]
        present = [each for each in _PRESENT if '"%s":' % each in payload]
        said = _quoted(payload, "UC") if "UC" in present else checkpoint
        same = said == checkpoint
        head = _KINDS.index(kind) | _FLAGS.index(rows[0][1]) << 3 | (_SAME_CHECKPOINT if same else 0)
        raw = bytes((head, sum([1 << at for at, each in enumerate(_PRESENT) if each in present])))
        raw += number(int(_quoted(payload, "PG")[1:])) + _pack_rows(rows) + number(_whole(payload, "UM"))
        for each in present:
            if each != "UC":
                raw += _pack_field(each, payload, kind)
            elif not same:
                raw += memory.pack_checkpoint(said)
        return raw + _pack_signature(section), said

    # --- from octets ------------------------------------------------------------------------------------------------

    def _unpacked(self, octets: Octets) -> Said:
        head, mask = octets.take(2)
        kind = _KINDS[head & 7]
        count = octets.number()
        readings = _unpack_rows(octets, _FLAGS[head >> 3 & 3], kind == record.SESSION)
        fields = {"UB": self.boot, "US": self.us + 1, "UP": self.digest, "UM": octets.number()}
        for at, each in enumerate(_PRESENT):
            if mask >> at & 1:
                same = each == "UC" and head & _SAME_CHECKPOINT
                fields[each] = self._checkpoint if same else _unpack_field(each, octets, kind)
        r, s = [int.from_bytes(octets.take(32), "big") for _ in range(2)]
        payload = record.render(self._who, kind, count, readings, fields, self._product)
        return Said(seal.join(payload, r, s), payload, kind, count, readings, fields)


def know(known: memory.Memory, us: int, said: Said):
    """Bring `known` up to record `us`, where the record is all that is left of what the agent knew then.

    The session that was open stays as it was; the register may lack less than a milliwatt-hour.
    """
    known.us, known.digest = us, said.digest
    reading = said.readings[-1]
    flag = record.INFORMATIVE if reading.flag == record.RELATIVE else reading.flag
    known.alive = (max(reading.at_ms, known.alive[0] if known.alive else 0), flag)
    if said.kind == record.SESSION:
        known.t = said.count
    else:
        known.f = said.count
    if reading.register_mwh is not None:
        known.energy = max(known.energy, reading.register_mwh * PER_MWH)
    known.checkpoint = said.fields.get("UC", known.checkpoint)


def _after(payload: str, name: str) -> str:
    return payload.split('"%s":' % name, 1)[1]


def _quoted(payload: str, name: str) -> str:
    return _after(payload, name).split('"', 2)[1]


def _whole(payload: str, name: str) -> int:
    return int(_after(payload, name).split(",", 1)[0].rstrip("}"))


def _read_row(row: str):
    at_ms, flag = record.read_instant(_quoted(row, "TM"))
    register = _after(row, "RV").split(",", 1)[0].replace(".", "") if '"RV":' in row else None
    return at_ms, flag, register, _quoted(row, "TX") if '"TX":' in row else None


def _pack_rows(rows: list) -> bytes:
    at_ms, _, register, _ = rows[0]
    raw = number(at_ms) + number(0 if register is None else int(register) + 1)
    if len(rows) == 1:
        return raw
    end_ms, flag, end_register, tx = rows[1]
    codes = _FLAGS.index(flag) | _ENDS.index(tx) << 2
    return raw + bytes((codes,)) + signed(end_ms - at_ms) + signed(int(end_register) - int(register))


def _unpack_rows(octets: Octets, flag: str, session: bool) -> list:
    at_ms, register = octets.number(), octets.number() - 1
    if not session:
        return [record.Reading(at_ms, flag, None if register < 0 else register)]
    codes = octets.take(1)[0]
    end_ms, end_register = at_ms + octets.signed(), register + octets.signed()
    return [
        record.Reading(at_ms, flag, register, record.BEGIN),
        record.Reading(end_ms, _FLAGS[codes & 3], end_register, _ENDS[codes >> 2]),
    ]


def _pack_field(name: str, payload: str, kind: str) -> bytes:
    if name in ("UA", "UI"):
        return number(_whole(payload, name))
    if name == "UL":
        return _pack_instant(_quoted(payload, name))
    if name == "UR":
        return signed(_whole(payload, name)) if kind == record.CLOCK else text(_quoted(payload, name))
    listed = _after(payload, name)[1:].split("]", 1)[0].split('","' if name != "UW" else ",")
    listed = [each.strip('"') for each in listed]
    if name == "UW":
        return b"".join([number(int(each)) for each in listed])
    if name == "UG":
        return b"".join([_pack_instant(each) for each in listed])
    return number(len(listed)) + b"".join([binascii.unhexlify(each) for each in listed])


def _unpack_field(name: str, octets: Octets, kind: str):
    if name == "UC":
        return memory.unpack_checkpoint(octets)
    if name in ("UA", "UI"):
        return octets.number()
    if name == "UL":
        return _unpack_instant(octets)
    if name == "UR":
        return octets.signed() if kind == record.CLOCK else octets.text()
    if name == "UW":
        return [octets.number() for _ in range(3)]
    if name == "UG":
        return [_unpack_instant(octets) for _ in range(2)]
    return [octets.hex(32) for _ in range(octets.number())]


def _pack_instant(said: str) -> bytes:
    at_ms, flag = record.read_instant(said)
    return number(at_ms) + bytes((_FLAGS.index(flag),))


def _unpack_instant(octets: Octets) -> str:
    return record.instant(octets.number(), _FLAGS[octets.take(1)[0]])


def _pack_signature(section: str) -> bytes:
    r, s = seal.undo_der(binascii.unhexlify(_quoted(section, "SD")))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")

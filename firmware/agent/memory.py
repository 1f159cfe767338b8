"""What an agent wakes up with, as text or octets: counters, register, and the session that was open.

The text is one line without blanks:

    at_ms,flag,us,t,f,energy,checkpoint|-[,flag,begin_ms,end_ms,active_s,begin_mwh,end_mwh,low,mean,high,interruptions,
    tags|-]

It is kept beside every record and once a minute between them, so that a power cut costs a minute at most. Instants in
it are milliseconds since 1970, by the clock of then. This file does not know how either is kept.
"""

import binascii

from firmware.agent.octets import Octets, number

ZEROS = "0" * 64
_FLAGS = "SIUR"
_COUNTS = 7
_OPEN = 18


class OpenSession:
    """A session as its last checkpoint had it: what a SESSION record needs, in the record's own measures.

    Instants are milliseconds since 1970, by a clock whose flag was `flag`.
    """

    def __init__(self, flag, begin_ms, end_ms, active_s, begin_mwh, end_mwh, power_mw, interruptions, tags):
        self.flag = flag
        self.begin_ms, self.end_ms, self.active_s = begin_ms, end_ms, active_s
        self.begin_mwh, self.end_mwh, self.power_mw = begin_mwh, end_mwh, power_mw
        self.interruptions, self.tags = interruptions, tags

    def numbers(self) -> list:
        first = [self.begin_ms, self.end_ms, self.active_s, self.begin_mwh, self.end_mwh]
        return first + list(self.power_mw) + [self.interruptions]


class Memory:
    """`us`, `t`, `f`: the last given of each counter. `energy`: of the register. `checkpoint`: last district's, or None.
    `alive`: (at_ms, flag) of the last instant that is proven, None before the first boot. `session`: an OpenSession
    or None. `digest`: of the last record's payload. `acked`: acknowledged up to here. `first`: the oldest record kept."""

    def __init__(self):
        self.us = self.t = self.f = self.energy = self.acked = 0
        self.first = 1
        self.checkpoint: str | None = None
        self.alive: tuple | None = None
        self.session: OpenSession | None = None
        self.digest = ZEROS


def write(memory: Memory) -> str:
    """The text of `memory`, but for `digest`, `acked` and `first`, which the journal keeps by itself."""
    at_ms, flag = memory.alive or (0, "U")
    parts = [str(at_ms), flag] + [str(each) for each in (memory.us, memory.t, memory.f, memory.energy)]
    parts.append(memory.checkpoint or "-")
    if memory.session is not None:
        parts.append(memory.session.flag)
        parts.extend([str(each) for each in memory.session.numbers()])
        parts.append("+".join(memory.session.tags) or "-")
    return ",".join(parts)


def read(line: str) -> Memory:
    """The memory that `line` writes; ValueError for any other text."""
    parts = line.split(",")
    if len(parts) not in (_COUNTS, _OPEN):
        raise ValueError("no memory: " + line)
    memory = Memory()
    memory.alive = (int(parts[0]), parts[1])
    memory.us, memory.t, memory.f, memory.energy = [int(each) for each in parts[2:6]]
    memory.checkpoint = None if parts[6] == "-" else parts[6]
    if len(parts) == _OPEN:
        n = [int(each) for each in parts[8:17]]
        tags = [] if parts[17] == "-" else parts[17].split("+")
        memory.session = OpenSession(parts[7], n[0], n[1], n[2], n[3], n[4], tuple(n[5:8]), n[8], tags)
    return memory


def pack(memory: Memory) -> bytes:
    """All of `memory` but `first` as octets: under 128 of them unless a session has tags."""
    at_ms, flag = memory.alive or (0, "U")
    raw = number(memory.us) + number(memory.acked) + binascii.unhexlify(memory.digest)
    raw += bytes((_FLAGS.index(flag),))
    raw += b"".join([number(each) for each in (at_ms, memory.t, memory.f, memory.energy)])
    raw += pack_checkpoint(memory.checkpoint)
    return raw + (b"\x00" if memory.session is None else pack_session(memory.session))


def pack_session(session: OpenSession) -> bytes:
    """All of an open session as octets."""
    raw = bytes((1 + _FLAGS.index(session.flag),))
    raw += b"".join([number(each) for each in session.numbers()]) + number(len(session.tags))
    return raw + b"".join([binascii.unhexlify(each) for each in session.tags])


def unpack(octets: Octets) -> Memory:
    """The memory that `pack` wrote; ValueError or IndexError for any other octets."""
    memory = Memory()
    memory.us, memory.acked, memory.digest = octets.number(), octets.number(), octets.hex(32)
    flag = _FLAGS[octets.take(1)[0]]
    at_ms, memory.t, memory.f, memory.energy = [octets.number() for _ in range(4)]
    memory.alive = (at_ms, flag) if memory.us else None
    memory.checkpoint = unpack_checkpoint(octets)
    memory.session = unpack_session(octets)
    return memory


def unpack_session(octets: Octets) -> OpenSession | None:
    """The session that `pack_session` wrote; None for one octet that is zero."""
    flag_at = octets.take(1)[0]
    if flag_at == 0:
        return None
    n = [octets.number() for _ in range(9)]
    tags = [octets.hex(32) for _ in range(octets.number())]
    return OpenSession(_FLAGS[flag_at - 1], n[0], n[1], n[2], n[3], n[4], tuple(n[5:8]), n[8], tags)


def pack_checkpoint(checkpoint) -> bytes:
    """A district's checkpoint, `<size>:<16 hex>` or None, as octets."""
    if checkpoint is None:
        return b"\x00"
    size, root = checkpoint.split(":")
    return number(len(size)) + number(int(size)) + binascii.unhexlify(root)


def unpack_checkpoint(octets: Octets) -> str | None:
    """The checkpoint that `pack_checkpoint` wrote."""
    length = octets.number()
    if length == 0:
        return None
    size = "0" * length + str(octets.number())
    return size[-length:] + ":" + octets.hex(8)

"""The unit's journal as text: what is appended, and what can be read again after any accident.

    <CRC-32 of the rest, 8 hex digits> <kind> <text>\\n

    R <memory> <record line>     a record, and what the agent knew when it was given
    C <memory> <digest>          what the agent knows, and the last record's digest; follows every R, and once a minute
    A <us>                       acknowledged up to here

So what the next record needs stands twice: one damaged byte may cost a record, but never lets a number be given again.
A line that is not whole or whose CRC is wrong is passed over; the next line is found by its newline. This file does
not know files or flash: it gives and takes bytes.
"""

import binascii

from firmware.agent import memory
from protocol.sealing import digest_of

RECORD, CHECKPOINT, ACKNOWLEDGED = "R", "C", "A"


def entry(kind: str, text: str) -> bytes:
    """One line of the journal."""
    body = ("%s %s" % (kind, text)).encode()
    return b"%08x %s\n" % (binascii.crc32(body), body)


def record(memory_text: str, line: str, digest: str) -> bytes:
    """The two lines that keep a record, to be written in one."""
    return entry(RECORD, memory_text + " " + line) + checkpoint(memory_text, digest)


def checkpoint(memory_text: str, digest: str) -> bytes:
    """The line that keeps what the agent knows."""
    return entry(CHECKPOINT, memory_text + " " + digest)


def acknowledged(us: int) -> bytes:
    """The line that notes an acknowledgement."""
    return entry(ACKNOWLEDGED, str(us))


def entries(segment: bytes):
    """(offset, kind, text) of every line in `segment`, in order; (offset, None, its length) where it is not whole."""
    start = 0
    while start < len(segment):
        end = segment.find(b"\n", start)
        end = len(segment) if end < 0 else end
        kind, text = _read(segment[start:end])
        yield start, kind, text
        start = end + 1


def _read(raw: bytes):
    if len(raw) > 11 and raw[:9] == b"%08x " % binascii.crc32(raw[9:]):
        return chr(raw[9]), raw[11:].decode()
    return None, len(raw)


def line_of(text: str) -> str:
    """The record line inside an R entry's text."""
    return text.split(" ", 1)[1]


def us_of(text: str) -> int:
    """The record number inside an R entry's text."""
    return int(text.split(",", 3)[2])


class Recovery:
    """Reads a journal's segments, oldest first, and says what an agent wakes up with.

    `memory` is that; `lost` counts the bytes of lines that could not be read.
    """

    def __init__(self):
        self.memory = memory.Memory()
        self.lost = 0
        self._first = None
        self._acked = 0

    def read(self, segment: bytes):
        """Take in one segment, whatever bytes it holds; yields (us, offset, line) of each record in it."""
        for offset, kind, text in entries(segment):
            if kind is None:
                self.lost += text
            elif kind == ACKNOWLEDGED:
                self._acked = int(text)
            elif kind == CHECKPOINT:
                self._know(text)
            elif kind == RECORD:
                yield self._record(text), offset, line_of(text)
        self.memory.first = self.memory.us + 1 if self._first is None else self._first
        self.memory.acked = max(self._acked, self.memory.first - 1)

    def _record(self, text: str) -> int:
        us = us_of(text)
        if self._first is None:
            self._first = us
        if us >= self.memory.us:
            self._know(text.split(" ", 1)[0] + " " + digest_of(line_of(text)))
        return us

    def _know(self, text: str):
        known, digest = text.split(" ", 1)
        self.memory = memory.read(known)
        self.memory.digest = digest


def recover(segments) -> memory.Memory:
    """The memory that a journal's segments (bytes, oldest first) leave."""
    recovery = Recovery()
    for segment in segments:
        for _ in recovery.read(segment):
            pass
    return recovery.memory

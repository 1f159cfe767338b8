"""A journal's records as entries that stand behind each other in a segment, for a unit with little flash.

    <tag> <length, 2 octets> <body> <CRC-32 of all that, 4 octets>

    I <identity text>                                 first in every segment: who speaks in all of it
    P <number, 4 octets> <digest, 32> <boot, 8>       a page begins: the record before it, the boot of those in it
    R <digest, 2> <octets of compact.Page> <memory>   a record; one that would be said differently now is not read
    L <number, 4> <memory> <record line>              a record that has another form than ours, as it is

The memory behind a record is what the agent knew then. Most of it the record says itself; what remains is the session
that was open: none, the one from before, that one with the tag of this record, or another. Only the first record of a
segment is followed by all that the agent knew, so that a segment can be read without those before it.

One damaged octet costs a page. This file does not know files or flash.
"""

import binascii

from firmware.agent import compact, memory
from firmware.agent.octets import Octets
from protocol.errors import WitnessError
from protocol.sealing import digest_of

IDENTITY, PAGE, RECORD, LINE = b"I", b"P", b"R", b"L"
TAGS = (IDENTITY, PAGE, RECORD, LINE)
PAGE_HEAD = b"P\x00\x2c"  # tag and length
OVERHEAD = 7

_PAGE_SIZE = 1024
_NONE, _BEFORE, _ALL, _ANOTHER, _TAGGED = 0, 1, 2, 3, 4


def entry(tag: bytes, body: bytes) -> bytes:
    """One entry of a segment."""
    raw = tag + len(body).to_bytes(2, "big") + body
    return raw + binascii.crc32(raw).to_bytes(4, "big")


class Writer:
    """Makes entries for one segment after another; starts inside the one whose identity entry says `identity`."""

    def __init__(self, identity: str | None):
        self._identity = identity
        self._page: compact.Page | None = None
        self._left = 0
        self._session: tuple | None = None

    def fits(self, line: str) -> bool:
        """Whether the segment is that of who says this line."""
        frame = compact.frame_of(line)
        return frame is None or frame[0] == self._identity

    def begin(self, line: str) -> bytes:
        """The beginning of a segment whose first record is this line."""
        frame = compact.frame_of(line)
        self._identity, self._page, self._session = frame and frame[0], None, ()
        return b"" if frame is None else entry(IDENTITY, frame[0].encode())

    def add(self, before: tuple, line: str, known: memory.Memory) -> bytes:
        """The entries of a record. `before`: (number, digest) of the one before it; `known`: what the agent knew then."""
        page = self._open_page(before, line)
        packed = None if self._page is None else self._page.pack(line)
        told = bytes((_ALL,)) + memory.pack(known) if packed is None else self._tell(known, line)
        self._session = session_of(known)
        if packed is not None:
            raw = page + entry(RECORD, _seen(known.digest) + packed + told)
        else:
            raw, self._page = entry(LINE, known.us.to_bytes(4, "big") + told + line.encode()), None
        self._left -= len(raw)
        return raw

    def noted(self, known: memory.Memory):
        """`known` is durable elsewhere: the session in it need not be told again."""
        self._session = session_of(known)

    def _open_page(self, before: tuple, line: str) -> bytes:
        us, digest = before
        frame = compact.frame_of(line)
        page = self._page
        if frame is None or frame[0] != self._identity:
            self._page = None
            return b""
        if page is not None and page.boot == frame[1] and page.us == us and self._left > 0:
            return b""
        try:
            raw = entry(PAGE, us.to_bytes(4, "big") + binascii.unhexlify(digest + frame[1]))
            self._page, self._left = compact.Page(frame[0], frame[1], us, digest), _PAGE_SIZE
        except (ValueError, KeyError):
            self._page, raw = None, b""
        return raw

    def _tell(self, known: memory.Memory, line: str) -> bytes:
        before, now = self._session, session_of(known)
        if before == ():
            return bytes((_ALL,)) + memory.pack(known)
        if now is None or known.session is None:
            return bytes((_NONE,))
        if now == before:
            return bytes((_BEFORE,))
        if before and now == (before[0], before[1] + now[1][-1:]) and '"UT":["%s"]' % now[1][-1] in line:
            return bytes((_TAGGED,))
        return bytes((_ANOTHER,)) + memory.pack_session(known.session)


class Kept:
    """A record that was read: number, line, digest of its payload; `told`: all the agent knew then, where that was kept.

    `said` is None where the record was kept as it is.
    """

    def __init__(self, us: int, line: str, digest: str, said, octets: Octets):
        self.us, self.line, self.digest, self.said = us, line, digest, said
        self._code = octets.take(1)[0]
        self.told = memory.unpack(octets) if self._code == _ALL else None
        self._session = memory.unpack_session(octets) if self._code == _ANOTHER else None

    def follow(self, known: memory.Memory) -> memory.Memory:
        """What the agent knew after this record, which comes after what `known` knows."""
        if self.told is not None:
            return self.told
        compact.know(known, self.us, self.said)
        if self._code == _TAGGED and known.session is not None:
            known.session.tags = known.session.tags + self.said.fields["UT"]
        elif self._code != _BEFORE:
            known.session = self._session
        return known


def read(entries, lose=None):
    """The Kept of (tag, body) entries, in order. `lose(1)` hears of each that would be said differently now."""
    identity = page = None
    for tag, body in entries:
        if tag == IDENTITY:
            identity = body.decode()
        elif tag == PAGE:
            page = _page(identity, body)
        elif tag == LINE:
            page = None
            yield _as_it_is(body)
        elif tag == RECORD and page is not None:
            kept, page = _unpacked(page, body)
            if kept is not None:
                yield kept
            elif lose is not None:
                lose(1)
        else:
            page = None


def _page(identity, body: bytes):
    if identity is None:
        return None
    digest, boot = str(binascii.hexlify(body[4:36]), "ascii"), str(binascii.hexlify(body[36:]), "ascii")
    return compact.Page(identity, boot, int.from_bytes(body[:4], "big"), digest)


def _unpacked(page: compact.Page, body: bytes):
    octets = Octets(body, 2)
    try:
        said = page.unpack(octets)
        if _seen(said.digest) != body[:2]:
            return None, None
        return Kept(page.us, said.line, said.digest, said, octets), page
    except (ValueError, IndexError, WitnessError):
        return None, None


def _seen(digest: str) -> bytes:
    return binascii.unhexlify(digest[:4])


def _as_it_is(body: bytes) -> Kept:
    octets = Octets(body, 4)
    octets.take(1)
    told = memory.unpack(octets)
    line = body[octets.at :].decode()
    return Kept(told.us, line, digest_of(line), None, Octets(body, 4))


def session_of(known: memory.Memory):
    """What tells one open session from another; None where none is open."""
    session = known.session
    return None if session is None else (session.begin_ms, tuple(session.tags))

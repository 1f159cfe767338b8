"""The address of a name, asked of the network's own name server: one UDP question (RFC 1035) that nothing waits for.

The board's own look-up would stop the whole unit for seconds. A name that ends in `.local` is asked by multicast DNS
(RFC 6762), for a gateway that has no name server behind it.
"""

import asyncio
import os
import socket

from micropython import const

_MDNS = "224.0.0.251"
_PORT = const(53)
_MDNS_PORT = const(5353)
_LOOK_MS = const(50)
_LOOKS = const(60)
_ADDRESS = const(1)
_INTERNET = const(1)
_POINTER = const(0xC0)


def is_address(host: str) -> bool:
    """Whether it is an IPv4 address, four numbers."""
    parts = host.split(".")
    return len(parts) == 4 and all(_is_octet(each) for each in parts)


async def address(host: str, server: str, port: int = _PORT) -> str:
    """The IPv4 address of `host`; OSError where nobody knows it within 3 s. `server` is the name server's address."""
    if is_address(host):
        return host
    if host.endswith(".local"):
        server, port = _MDNS, _MDNS_PORT
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        wire.setblocking(False)
        mark = os.urandom(2)
        wire.sendto(question(mark, host), socket.getaddrinfo(server, port)[0][-1])
        for _ in range(_LOOKS):
            await asyncio.sleep_ms(_LOOK_MS)
            found = _heard(wire, mark)
            if found is not None:
                return found
    finally:
        wire.close()
    raise OSError("no address of %s" % host)


def question(mark: bytes, host: str) -> bytes:
    """A query for the address of `host` with the identifier `mark`, recursion desired."""
    labels = b"".join([bytes((len(each),)) + each.encode() for each in host.split(".")])
    return mark + b"\x01\x00\x00\x01" + bytes(6) + labels + b"\x00\x00\x01\x00\x01"


def answer(said: bytes, mark: bytes):
    """The first address in an answer to `mark`; None if there is none or it is no answer to that."""
    try:
        if said[:2] != mark or not said[2] & 0x80 or said[3] & 15:
            return None
        at = 12
        for _ in range(_word(said, 4)):
            at = _after_name(said, at) + 4
        for _ in range(_word(said, 6)):
            at = _after_name(said, at)
            size = _word(said, at + 8)
            if _word(said, at) == _ADDRESS and _word(said, at + 2) & 0x7FFF == _INTERNET and size == 4:
                return ".".join([str(said[at + 10 + each]) for each in range(4)])
            at += 10 + size
    except IndexError:
        pass
    return None


def _heard(wire, mark: bytes):
    try:
        return answer(wire.recv(512), mark)
    except OSError:
        return None


def _after_name(said: bytes, at: int) -> int:
    while said[at]:
        if said[at] >= _POINTER:
            return at + 2
        at += 1 + said[at]
    return at + 1


def _word(said: bytes, at: int) -> int:
    return said[at] << 8 | said[at + 1]


def _is_octet(text: str) -> bool:
    return 0 < len(text) < 4 and all(c in "0123456789" for c in text) and int(text) < 256

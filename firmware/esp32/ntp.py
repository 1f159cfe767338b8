"""Asking a time server: one UDP question (RFC 5905, client mode), never waited for.

Nobody signs the answer: what is believed of it is not decided here.
"""

import asyncio
import os
import socket

from micropython import const

_PORT = const(123)
_FROM_1900_S = const(2208988800)  # to 1970
_TURN_S = const(1 << 32)  # the seconds wrap in 2036
_FROM_S = const(1704067200)  # 2024: what is earlier is of the next turn
_LOOK_MS = const(20)
_LOOKS = const(100)


async def ask(host: str, mono_ms, port: int = _PORT):
    """Milliseconds since 1970 UTC by the server at `host` (IPv4 address), at the instant of return; None if it is silent.

    `mono_ms` is a function. Half of the way there and back is added; an answer that names another question is none.
    """
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        wire.setblocking(False)
        mark = os.urandom(8)  # as our transmit time, which the server sends back (RFC 5905, "origin")
        asked_ms = mono_ms()
        wire.sendto(b"\x23" + bytes(39) + mark, socket.getaddrinfo(host, port)[0][-1])
        for _ in range(_LOOKS):
            await asyncio.sleep_ms(_LOOK_MS)
            answer = _answer(wire, mark)
            if answer is not None:
                return answer + (mono_ms() - asked_ms) // 2
    finally:
        wire.close()
    return None


def _answer(wire, mark: bytes):
    try:
        said = wire.recv(64)
    except OSError:
        return None
    # mode 4; a leap indicator of 3 or a stratum of 0 or 16 is a server that does not know the time
    if len(said) < 48 or said[0] & 7 != 4 or said[0] >> 6 == 3 or not 0 < said[1] < 16 or said[24:32] != mark:
        return None
    at_s = int.from_bytes(said[40:44], "big") - _FROM_1900_S
    while at_s < _FROM_S:
        at_s += _TURN_S
    return at_s * 1000 + (int.from_bytes(said[44:48], "big") * 1000 >> 32)

"""The unit's MQTT, byte by byte, on a stream that behaves as MicroPython's does."""

from __future__ import annotations

import pytest

from tests.support.both import run_micropython

SCRIPT = """
import asyncio
from firmware.esp32.mqtt import Connection, MqttError

class Stream:
    '''As MicroPython's Stream: what is written while another task drains is lost.'''
    def __init__(self, said):
        self.said, self.sent, self.out = said, b"", b""
    async def readexactly(self, size):
        await asyncio.sleep_ms(0)
        if len(self.said) < size: raise EOFError
        part, self.said = self.said[:size], self.said[size:]
        return part
    def write(self, data): self.out += bytes(data)
    async def drain(self):
        out = self.out
        for at in range(len(out)):
            await asyncio.sleep_ms(0)
            self.sent += out[at:at + 1]
        self.out = b""

async def test():
%s
try: asyncio.run(test())
except (MqttError, EOFError) as why: print(type(why).__name__, why)
"""


def does(body: str) -> str:
    return run_micropython(SCRIPT % "".join(f"    {line}\n" for line in body.splitlines())).strip()


def hears(said: bytes) -> str:
    return does(f"stream = Stream({said!r})\nprint(await Connection(stream).hear())\nprint(stream.sent)")


OPEN = "print(await connection.open('ww-C1-U1', {user!r}, 'secret', 60, ('ww/1/C1/U1/status', b'offline')))"


def test_it_greets_with_a_will_and_an_account():
    sent = does(
        "stream = Stream(b'\\x20\\x02\\x00\\x00')\nconnection = Connection(stream)\n"
        + OPEN.format(user="U1")
        + "\nprint(stream.sent)"
    )
    assert sent.splitlines()[1] == repr(
        b"\x10<\x00\x04MQTT\x04\xee\x00<\x00\x08ww-C1-U1\x00\x11ww/1/C1/U1/status\x00\x07offline\x00\x02U1\x00\x06secret"
    )


@pytest.mark.parametrize(
    "said, why",
    (
        (b"\x20\x02\x00\x05", "the broker refused us: not authorised"),
        (b"\x20\x02\x00\x63", "the broker refused us: 99"),
        (b"\x30\x02\x00\x00", "no CONNACK"),
        (b"", "EOFError"),
    ),
)
def test_a_greeting_that_is_refused_says_why(said: bytes, why: str):
    assert why in does(f"connection = Connection(Stream({said!r}))\n" + OPEN.format(user=""))


def test_two_tasks_that_publish_at_once_do_not_tear_each_others_packets():
    sent = does(
        "stream = Stream(b'')\nconnection = Connection(stream)\n"
        "await asyncio.gather(*[connection.publish('t', [each * 9, b'!']) for each in (b'a', b'b', b'c')])\n"
        "print(stream.sent, connection.waits)"
    )
    packets = [
        b"2\x0f\x00\x01t\x00" + bytes((at + 1,)) + each * 9 + b"!"
        for at, each in enumerate((b"a", b"b", b"c"))
    ]
    assert sent == f"{b''.join(packets)!r} 3"


def test_packet_identifiers_wrap_and_are_never_zero():
    sent = does(
        "connection = Connection(Stream(b''))\nconnection._last_id = 65534\n"
        "for _ in range(3): await connection.publish('t', [b''], True)\nprint(connection._stream.sent)"
    )
    assert sent == repr(
        b"".join(b"3\x05\x00\x01t" + each for each in (b"\xff\xff", b"\x00\x01", b"\x00\x02"))
    )


def test_what_is_published_to_it_is_acknowledged_to_the_broker():
    assert hears(b"\x33\x07\x00\x03a/b\x12\x34") == "('a/b', b'', True)\n" + repr(b"@\x02\x124")
    assert hears(b"\x30\x06\x00\x03a/bx") == "('a/b', b'x', False)\n" + repr(b"")


def test_a_packet_of_the_greatest_length_that_is_heard():
    assert hears(b"\x30\x80\x08\x00\x01a" + b"x" * 1021).startswith("('a', b'xxx")


@pytest.mark.parametrize(
    "said, why",
    (
        (b"\x30\x81\x08" + bytes(1100), "a packet of 1025 bytes"),
        (b"\x30\xff\xff\xff\xff\x01", "a length of more than four bytes"),
        (b"\x34\x05\x00\x01a\x00\x01", "a PUBLISH that nobody asked for"),
        (b"\x32\x03\x00\x01a", "a PUBLISH that nobody asked for"),
        (b"\x30\x04\x00\x09ab", "a PUBLISH that nobody asked for"),
        (b"\x30\x04\x00\x02\xff\xfe", "a topic that is no UTF-8"),
        (b"\x10\x00", "packet 1 is not for a client"),
        (b"\x90\x03\x00\x01\x80", "the broker refused a subscription"),
        (b"\x30\x09\x00", "EOFError"),
    ),
)
def test_what_is_no_mqtt_for_us_ends_the_connection(said: bytes, why: str):
    assert why in hears(said)

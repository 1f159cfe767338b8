"""MQTT 3.1.1 (OASIS, 2014) as far as a unit needs it: one connection, QoS 1, a last will, on an asyncio stream.

Packet identifiers wrap. Nothing is sent twice here, and a PUBACK means no more than that the broker took it: what is
kept and sent again the agent decides by the gateway's acknowledgement. A packet longer than 1024 bytes ends the
connection, so nobody fills a unit's heap. This file does not know topics, records or TLS.
"""

import asyncio

from micropython import const

from protocol.errors import WitnessError

_LONGEST = const(1024)  # bytes of one packet that is heard: an acknowledgement has 100
_SEGMENT = const(1024)  # bytes that go out together: small pieces wait for each other's receipts (Nagle)
_CONNECT = const(1)
_CONNACK = const(2)
_PUBLISH = const(3)
_PUBACK = const(4)
_SUBSCRIBE = const(8)
_SUBACK = const(9)
_PINGREQ = const(12)
_PINGRESP = const(13)
_REFUSALS = {1: "version", 2: "client id", 3: "unavailable", 4: "user or password", 5: "not authorised"}


class MqttError(WitnessError):
    """What the other side said is no MQTT that we understand, or a refusal."""


class Connection:
    """A client's end of `stream`, which must have `readexactly(n)`, `write(data)` and `drain()` as asyncio's has.

    `waits` counts what the broker has not answered yet: publishes, subscriptions, pings. `heard` counts its packets.
    """

    def __init__(self, stream):
        self._stream = stream
        self._lock = asyncio.Lock()  # a Stream loses what is written while another drains it
        self._last_id = 0
        self.waits = self.heard = 0

    async def open(self, client: str, user: str, password: str, keepalive_s: int, will):
        """CONNECT with a clean session, and wait for the answer. `will` is (topic, payload), retained, QoS 1."""
        flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session; a will, its QoS 1, retained
        fields = [_field(client.encode()), _field(will[0].encode()), _field(will[1])]
        if user:
            flags |= 0xC0
            fields += [_field(user.encode()), _field(password.encode())]
        head = _field(b"MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big")
        await self._send(_CONNECT << 4, [head] + fields)
        kind, _, body = await self._packet()
        if kind != _CONNACK or len(body) != 2:
            raise MqttError("no CONNACK")
        if body[1] != 0:
            raise MqttError("the broker refused us: %s" % _REFUSALS.get(body[1], body[1]))

    async def subscribe(self, topics):
        """Ask for `topics` at QoS 1; a refusal is an MqttError of `hear`."""
        body = [self._next_id()]
        for topic in topics:
            body += [_field(topic.encode()), b"\x01"]
        self.waits += 1
        await self._send(_SUBSCRIBE << 4 | 2, body)

    async def publish(self, topic: str, payload, retained: bool = False):
        """Send at QoS 1; `payload` is a list of bytes, sent one after another."""
        self.waits += 1
        await self._send(
            _PUBLISH << 4 | 2 | retained, [_field(topic.encode()), self._next_id()] + list(payload)
        )

    async def ping(self):
        self.waits += 1
        await self._send(_PINGREQ << 4, [])

    async def hear(self):
        """(topic, payload, retained) of what is published to us; None for anything else. One packet at a time."""
        kind, flags, body = await self._packet()
        if kind == _PUBLISH:
            return await self._published(flags, body)
        if kind not in (_PUBACK, _SUBACK, _PINGRESP):
            raise MqttError("packet %d is not for a client" % kind)
        if kind == _SUBACK and 0x80 in body[2:]:
            raise MqttError("the broker refused a subscription")
        self.waits = max(0, self.waits - 1)
        return None

    async def _published(self, flags: int, body):
        after = 2 + int.from_bytes(body[:2], "big")
        quality = flags >> 1 & 3
        start = after + (2 if quality else 0)
        if quality > 1 or start > len(body):
            raise MqttError("a PUBLISH that nobody asked for")
        try:
            topic = str(body[2:after], "utf-8")
        except UnicodeError:
            raise MqttError("a topic that is no UTF-8")
        if quality:
            await self._send(_PUBACK << 4, [body[after:start]])
        return topic, bytes(body[start:]), bool(flags & 1)

    async def _packet(self):
        """(kind, flags, body) of the next packet; MqttError if it is too long."""
        first = (await self._stream.readexactly(1))[0]
        length = shift = 0
        while True:
            more = (await self._stream.readexactly(1))[0]
            length |= (more & 0x7F) << shift
            shift += 7
            if not more & 0x80:
                break
            if shift > 21:
                raise MqttError("a length of more than four bytes")
        if length > _LONGEST:
            raise MqttError("a packet of %d bytes" % length)
        self.heard += 1
        return first >> 4, first & 15, (await self._stream.readexactly(length)) if length else b""

    async def _send(self, first: int, parts):
        length = sum([len(each) for each in parts])
        head = bytearray([first])
        while True:
            head.append(length & 0x7F | (0x80 if length > 0x7F else 0))
            length >>= 7
            if not length:
                break
        async with self._lock:
            for each in parts:
                head += each
                if len(head) >= _SEGMENT:
                    self._stream.write(head)
                    await self._stream.drain()
                    head = bytearray()
            self._stream.write(head)
            await self._stream.drain()

    def _next_id(self) -> bytes:
        self._last_id = self._last_id % 65535 + 1
        return self._last_id.to_bytes(2, "big")


def _field(octets: bytes) -> bytes:
    return len(octets).to_bytes(2, "big") + octets

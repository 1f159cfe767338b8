"""The way to the gateway: Wi-Fi, broker, topics. It is lost and found again without end, and nothing waits for it.

A broker's receipt is no acknowledgement: this file never says that anything was delivered.
"""

import asyncio

from micropython import const

from firmware.esp32.mqtt import Connection, MqttError
from protocol import topics
from protocol.errors import WitnessError

_BREAKS = (OSError, EOFError, ValueError, MemoryError, asyncio.TimeoutError, WitnessError)
ONLINE, OFFLINE = b"online", b"offline"
_PATIENCE_MS = const(20000)  # for a connection, with TLS on a slow board
_BEAT_MS = const(5000)
_LEAST_MS = const(1000)  # between two attempts
_MOST_MS = const(60000)
_MOST_WAITS = const(8)  # messages that a broker may leave unanswered before we wait for it


class Link:
    """One unit's way. `mqtt` is that table of the settings; `unit` has what is heard and told, see unit.py.

    `open_stream(host, port)` is awaited for a stream; `find(host)` for the address of a name.
    """

    def __init__(self, clinic: str, unit_name: str, mqtt: dict, wifi, open_stream, find):
        self._client = "ww-%s-%s" % (clinic, unit_name)
        self._record, self._status, self._ack = [
            topics.topic(clinic, unit_name, each) for each in ("record", "status", "ack")
        ]
        self._time = topics.time_topic(clinic)
        self._mqtt, self._wifi, self._open, self._find = mqtt, wifi, open_stream, find
        self._outbox: list = []
        self._more, self._down = asyncio.Event(), asyncio.Event()
        self._why = None
        self._lasts = False  # a way that broke within seconds is tried again later and later
        self.connection = self.update = None  # an Update, where this unit takes a program over the air

    def send(self, from_us: int, until_us: int):
        """Publish these kept records when there is a way. Older numbers again means: from there anew."""
        if self._outbox and from_us <= self._outbox[-1][0]:
            self._outbox = []
        self._outbox.append((from_us, until_us))
        self._more.set()

    async def ask(self, topic: str):
        """Have the broker send what it retained there; OSError without a way."""
        if self.connection is None:
            raise OSError("no way")
        await asyncio.wait_for_ms(self.connection.subscribe([topic]), _PATIENCE_MS)

    async def tell(self, text: str):
        """Tell it in the status, as far as there is a way."""
        if self.connection is not None:
            await asyncio.wait_for_ms(
                self.connection.publish(self._status, [ONLINE + b", ", text.encode()], True), _PATIENCE_MS
            )

    async def run(self, unit):
        """Keep the way open, for ever."""
        pause_ms = _LEAST_MS
        while True:
            self._why, self._lasts = None, False
            try:
                await self._wifi.join()
                address = await self._find(self._mqtt["host"])
                stream = await asyncio.wait_for_ms(self._open(address, self._mqtt["port"]), _PATIENCE_MS)
                try:
                    await asyncio.wait_for_ms(self._greet(stream), _PATIENCE_MS)
                    await self._converse(unit)
                finally:
                    self.connection = None
                    await _close(stream)
            except _BREAKS as why:
                self._why = why
            self._outbox = []
            unit.hear_link(False, "%s %s" % (type(self._why).__name__, self._why))
            pause_ms = _LEAST_MS if self._lasts else min(2 * pause_ms, _MOST_MS)
            await asyncio.sleep_ms(pause_ms)

    async def _greet(self, stream):
        connection, mqtt = Connection(stream), self._mqtt
        will = (self._status, OFFLINE)
        await connection.open(self._client, mqtt["user"], mqtt["password"], mqtt["keepalive_s"], will)
        self.connection = connection

    async def _converse(self, unit):
        connection = self.connection
        self._down.clear()
        tasks = [
            asyncio.create_task(self._until_down(each))
            for each in (self._hear_all(connection, unit), self._send_all(connection, unit))
        ]
        try:
            await asyncio.wait_for_ms(self._announce(connection), _PATIENCE_MS)
            unit.hear_link(True, "linked")
            await self._beat(connection)
        finally:
            for each in tasks:
                each.cancel()

    async def _announce(self, connection):
        await connection.subscribe(
            [self._ack, self._time] + ([self.update.topic] if self.update is not None else [])
        )
        await connection.publish(self._status, [ONLINE], True)

    async def _beat(self, connection):
        """Ping when it is quiet; end when one of the tasks has ended, or nothing was heard for long."""
        quiet_ms, most_ms = 0, self._mqtt["keepalive_s"] * 1000
        pinged, heard = False, connection.heard
        while self._why is None:
            try:
                await asyncio.wait_for_ms(self._down.wait(), _BEAT_MS)
            except asyncio.TimeoutError:
                self._lasts = True
            if not self._wifi.is_up():
                raise OSError("the Wi-Fi is gone")
            quiet_ms = 0 if connection.heard != heard else quiet_ms + _BEAT_MS
            pinged, heard = pinged and quiet_ms > 0, connection.heard
            if quiet_ms * 2 >= 3 * most_ms:
                raise MqttError("the broker is silent")
            if quiet_ms * 2 >= most_ms and not pinged:
                pinged = True
                await asyncio.wait_for_ms(connection.ping(), _PATIENCE_MS)

    async def _until_down(self, work):
        try:
            await work
        except _BREAKS as why:
            self._why = why
        self._down.set()

    async def _hear_all(self, connection, unit):
        while True:
            heard = await connection.hear()
            if heard is None:
                continue
            topic, payload, retained = heard
            if topic == self._ack and payload:
                unit.hear_ack(payload)
            elif topic == self._time:
                if payload and not retained:  # a retained time is an old one
                    unit.hear_time(payload)
            elif self.update is not None and payload:
                self.update.hear(topic, payload)

    async def _send_all(self, connection, unit):
        while True:
            while self._outbox:
                from_us, until_us = self._outbox.pop(0)
                await self._publish(connection, unit, from_us, until_us)
            self._more.clear()
            await self._more.wait()

    async def _publish(self, connection, unit, from_us: int, until_us: int):
        lines: list = []
        for line in unit.lines(from_us, until_us):
            lines.append(line)
            await asyncio.sleep_ms(0)
        if lines:
            await asyncio.wait_for_ms(connection.publish(self._record, _joined(lines)), _PATIENCE_MS)
        while connection.waits > _MOST_WAITS:
            await asyncio.sleep_ms(_LEAST_MS)


def _joined(lines: list) -> list:
    parts = [lines[0]]
    for line in lines[1:]:
        parts += [b"\n", line]
    return parts


async def _close(stream):
    try:
        stream.close()
        await stream.wait_closed()
    except OSError:
        pass

"""First stage: what units publish comes in from the broker, in order, into a bounded queue.

A message's PUBACK goes back only when `done` says so, after it was stored: until then the broker holds it for us,
also while this program is dead. This file does not know records, and no ledger.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.config import Mqtt
from gateway.intake.verify import Arrival
from protocol import topics

LONGEST_MESSAGE = 1 << 20  # bytes
MOST_LINES = 5_000  # in one message
_QUEUE = 1_000  # messages that wait to be stored; a full queue stops the reading, so the broker waits too
_LINES = 500  # per transaction


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a unit: on its topic `record`, or what the broker retained on its topic `ack`.

    `again`: the broker gives us once more what it gave us before; the unit sent it once.
    """

    unit: str
    what: str
    payload: bytes
    mid: int = 0
    again: bool = False

    def arrivals(self, clinic: str) -> list[Arrival]:
        """Its lines. A message too large to be of a unit is one arrival, which will be refused."""
        lines = topics.unbatch(self.payload) if len(self.payload) <= LONGEST_MESSAGE else [self.payload]
        if len(lines) > MOST_LINES:
            lines = [self.payload]
        return [Arrival(line, clinic, self.unit) for line in lines]


@dataclass(frozen=True, slots=True)
class Linked:
    """The broker took us in, and has told everything that it retained."""


class Receiver:
    """The gateway's connection to the broker. It connects and reconnects by itself, from `start` to `stop`."""

    def __init__(self, settings: Mqtt, clinic: str, trouble: Callable[[str, str], None]):
        self._clinic = clinic
        self._trouble = trouble
        self._waiting: queue.Queue[Message | Linked] = queue.Queue(_QUEUE)
        self._linked: dict[str, bool] = {}
        self._stopping = threading.Event()
        self._client = self._make(settings)
        self._records_mid: int | None = None
        self._client.connect_async(settings.host, settings.port, keepalive=60)

    def start(self) -> None:
        """Connect, in a thread of its own."""
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect. What was received and not stored, the broker and the units still have."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def is_linked(self) -> bool:
        """Whether the broker answers."""
        return self._client.is_connected()

    def linked(self) -> dict[str, bool] | None:
        """Of each unit that told it, whether it has a connection to the broker; None while we have none. It may be late: a
        broker says of a unit that vanished that it is offline when its patience ends."""
        return dict(self._linked) if self.is_linked() else None

    def take(self, wait_s: float) -> list[Message | Linked]:
        """What has come, in order, enough for one transaction; empty after `wait_s` seconds without anything."""
        try:
            taken = [self._waiting.get(timeout=wait_s)]
        except queue.Empty:
            return []
        lines = _count(taken[0])
        while lines < _LINES:
            try:
                taken.append(self._waiting.get_nowait())
            except queue.Empty:
                break
            lines += _count(taken[-1])
        return taken

    def done(self, messages: Iterable[Message]) -> None:
        """These are stored: the broker need not keep them for us any longer."""
        for message in messages:
            if message.mid:
                self._client.ack(message.mid, 1)

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Publish with QoS 1 if connected; lost otherwise, and told again when connected."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=1, retain=retain)

    def forget_acks(self) -> None:
        """What the broker retained as acknowledged was looked at: no need to hear our own any longer."""
        self._client.unsubscribe(self._all("ack"))

    # --- in paho's thread ---

    def _make(self, settings: Mqtt) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"ww-{self._clinic}-gateway",
            clean_session=False,
            manual_ack=True,
        )
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        if settings.tls:
            client.tls_set(settings.ca or None)
        client.reconnect_delay_set(1, 30)
        client.on_socket_open = _answer_at_once
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._trouble(
                f"消息代理拒绝连接（{reason}）：请检查 [mqtt]",
                f"the broker refused us ({reason}): check [mqtt]",
            )
            return
        client.subscribe(self._all("status"), qos=0)
        # With QoS 0 every retained acknowledgement has come before the second SUBACK does.
        client.subscribe(self._all("ack"), qos=0)
        self._records_mid = client.subscribe(self._all("record"), qos=1)[1]

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, reasons: Any, _properties: Any) -> None:
        if mid != self._records_mid:
            return
        if any(reason.is_failure for reason in reasons):
            self._trouble(
                "消息代理不许订阅记录：请检查 ACL",
                "the broker forbids to subscribe to records: check its ACL",
            )
        else:
            self._trouble("", "")
            self._wait_for_room(Linked())

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._trouble("连不上消息代理，不断重试", "no broker answers; trying again and again")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._linked.clear()
        if not self._stopping.is_set():
            self._trouble(
                f"与消息代理断开（{reason}），不断重试", f"lost the broker ({reason}); trying again and again"
            )

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        mid = message.mid if message.qos else 0
        read = topics.read_topic(message.topic)
        if read is None or read[0] != self._clinic or not message.payload:
            client.ack(mid, message.qos)
        elif read[2] == "status":
            self._linked[read[1]] = message.payload.startswith(b"online")
            client.ack(mid, message.qos)
        elif read[2] == "record" or message.retain:
            self._wait_for_room(Message(read[1], read[2], bytes(message.payload), mid, message.dup))

    def _wait_for_room(self, what: Message | Linked) -> None:
        while not self._stopping.is_set():
            try:
                self._waiting.put(what, timeout=0.5)
                return
            except queue.Full:
                continue

    def _all(self, what: str) -> str:
        """The topics of all units of the clinic."""
        return "/".join(("ww", topics.VERSION, self._clinic, "+", what))


def _count(what: Message | Linked) -> int:
    return what.payload.count(b"\n") + 1 if isinstance(what, Message) else 0


def _answer_at_once(_client: Any, _data: Any, sock: Any) -> None:
    """Without this, small messages wait 40 ms for others to join them."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

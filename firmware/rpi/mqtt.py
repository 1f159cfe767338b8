"""The way to the gateway: paho-mqtt, which reconnects by itself. What arrives goes into a queue, in order.

A broker's receipt is no acknowledgement: this file never says that anything was delivered.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho

from firmware.rpi.errors import UsageError
from firmware.rpi.settings import MqttSettings
from protocol import topics

LONGEST = 65536  # bytes of one message


@dataclass(frozen=True)
class Message:
    """Something published to us."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True)
class LinkUp:
    """The broker took us in; subscriptions are on their way."""


@dataclass(frozen=True)
class LinkDown:
    """The way is broken. `why` is for a log."""

    why: str


class Link:
    """One unit's connection. `heard` holds LinkUp, LinkDown and Message."""

    def __init__(
        self, settings: MqttSettings, clinic: str, unit: str, more_topics: Iterable[str] = ()
    ) -> None:
        self.heard: queue.SimpleQueue[Message | LinkUp | LinkDown] = queue.SimpleQueue()
        self.ack_topic, self.time_topic = topics.topic(clinic, unit, "ack"), topics.time_topic(clinic)
        self._record_topic = topics.topic(clinic, unit, "record")
        self._status_topic = topics.topic(clinic, unit, "status")
        self._subscriptions = [(each, 1) for each in (self.ack_topic, self.time_topic, *more_topics)]
        self._client = self._make(settings, f"ww-{clinic}-{unit}")
        self._client.connect_async(settings.host, settings.port, keepalive=30)

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        """Say offline, and go. What was not acknowledged stays in the journal."""
        with contextlib.suppress(RuntimeError, ValueError):  # not connected: the will says the same
            self._client.publish(self._status_topic, b"offline", 1, True).wait_for_publish(1)
        self._client.disconnect()
        self._client.loop_stop()

    def publish_records(self, lines: Iterable[bytes]) -> None:
        """Publish record lines in order, in messages of at most 64 KiB."""
        batch: list[bytes] = []
        for line in lines:
            if batch and sum(map(len, batch)) + len(batch) + len(line) > LONGEST:
                self.publish(self._record_topic, topics.batch(batch))
                batch = []
            batch.append(line)
        if batch:
            self.publish(self._record_topic, topics.batch(batch))

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    # --- in paho's thread -------------------------------------------------------------------------------------------

    def _make(self, settings: MqttSettings, client_id: str) -> paho.Client:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        client.will_set(self._status_topic, b"offline", 1, True)
        if settings.user is not None:
            client.username_pw_set(settings.user, settings.password)
        if settings.ca is not None:
            _secure(client, settings)
        client.reconnect_delay_set(settings.reconnect_least_ms / 1000, settings.reconnect_most_ms / 1000)  # type: ignore[arg-type]
        client.on_socket_open = _answer_at_once
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self.heard.put(LinkDown(f"the broker refused us: {reason}"))
            return
        client.subscribe(self._subscriptions)
        client.publish(self._status_topic, b"online", 1, True)
        self.heard.put(LinkUp())

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.heard.put(LinkDown(str(reason)))

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self.heard.put(LinkDown("no broker answers"))

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.heard.put(Message(message.topic, bytes(message.payload), message.retain))


def _answer_at_once(_client: Any, _data: Any, handle: Any) -> None:
    """Without this, small messages wait 43 ms for others to join them (Nagle)."""
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _secure(client: paho.Client, settings: MqttSettings) -> None:
    """TLS by the clinic's authority and no other; UsageError where a file of it cannot be used."""
    ca, cert, key = (
        None if each is None else str(each) for each in (settings.ca, settings.cert, settings.key)
    )
    try:
        client.tls_set(ca, cert, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        named = ", ".join(each for each in (ca, cert, key) if each is not None)
        en = f"mqtt.ca, cert, key: TLS cannot be set up from {named} ({error}): put PEM files there"
        raise UsageError(
            f"mqtt.ca、cert、key：{named} 不能用于 TLS（{error}），请放入 PEM 文件", en
        ) from error

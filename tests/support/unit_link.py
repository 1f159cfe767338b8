"""A unit's end of the MQTT link, moved by hand: publishes what the test says, remembers what it hears."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from protocol import topics
from tests.support.broker import PASSWORD
from tests.support.ledgers import CLINIC
from tests.support.programs import eventually


class UnitLink:
    """The account of one unit at a broker of tests."""

    def __init__(self, port: int, unit: str, name: str = "test"):
        self.unit = unit
        self.acks: list[tuple[int, str]] = []
        self.times: list[tuple[int, str | None]] = []
        linked = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-{unit}")
        self._client.username_pw_set(unit, PASSWORD)
        self._client.max_inflight_messages_set(1000)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: linked.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(topics.topic(CLINIC, unit, "ack"), 1), (topics.time_topic(CLINIC), 1)])
        assert linked.wait(10)

    def send(self, lines: Iterable[bytes], unit: str | None = None) -> None:
        """Publishes one message with these lines, and waits for the broker's receipt."""
        self.send_raw(topics.topic(CLINIC, unit or self.unit, "record"), topics.batch(list(lines)))

    def send_raw(self, topic: str, payload: bytes) -> None:
        """Publishes any message."""
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def forge(self, topic: str, payload: bytes) -> None:
        """Publishes what the broker should deny; Mosquitto may drop the connection for it."""
        self._client.publish(topic, payload, qos=0, retain=True)

    def hears_ack(self, us: int, within_s: float = 20) -> str:
        """Waits until record `us` is the last acknowledged; returns the digest that was named."""
        return eventually(
            lambda: self.acks[-1][1] if self.acks and self.acks[-1][0] == us else None, within_s
        )

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            self.acks.append(topics.read_ack(bytes(message.payload)))
        else:
            self.times.append(topics.read_time(bytes(message.payload)))

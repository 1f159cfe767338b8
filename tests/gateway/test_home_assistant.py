"""What Home Assistant hears of a clinic's units, from a real gateway behind a real Mosquitto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from gateway.clock import real_ms
from gateway.demo.broker import GATEWAY
from tests.support.broker import PASSWORD, Broker
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import ended, eventually, serve
from tests.support.unit_link import UnitLink


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", CLINIC, ["U1", "U2"])
    broker.allow(f"user {GATEWAY}\ntopic read homeassistant/#\n")
    yield broker
    broker.stop()


@pytest.fixture
def heard(broker: Broker) -> Iterator[dict[str, Any]]:
    """What is retained under Home Assistant's topics and the units' live ones: topic -> JSON."""
    found: dict[str, Any] = {}

    def keep(_: object, __: object, message: paho.MQTTMessage) -> None:
        found[message.topic] = json.loads(message.payload)

    def ask(*_: object) -> None:
        client.subscribe([("homeassistant/#", 1), (f"ww/1/{CLINIC}/+/live", 1)])

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(GATEWAY, PASSWORD)
    client.on_message = keep
    client.on_connect = ask
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield found
    client.disconnect()
    client.loop_stop()


def test_it_is_told_of_each_unit_and_never_that_what_nobody_watched_is_off(tmp_path, broker, heard):
    now = Writer("U1")
    now.at_ms = real_ms() - 60_000
    book = in_folder(tmp_path / "clinic", now, Writer("U2"), extra=f"{broker.config}[home_assistant]\n")
    program, _ = serve(book.folder)
    link = UnitLink(broker.port, "U1")
    with ended(program):
        silent = eventually(lambda: heard.get(f"ww/1/{CLINIC}/U2/live"))
        assert silent == {"state": "never", "known": "offline", "minutes": 0}
        now.boot()
        now.open()
        link.send(now.lines)
        eventually(lambda: heard[f"ww/1/{CLINIC}/U1/live"]["state"] == "running")
        told = heard[f"homeassistant/binary_sensor/ww_{CLINIC}_U1_running/config"]
        assert told["state_topic"] == told["availability_topic"] == f"ww/1/{CLINIC}/U1/live"
        assert told["device"]["identifiers"] == [f"ww_{CLINIC}_U1"]
        assert heard[f"homeassistant/sensor/ww_{CLINIC}_U2_minutes/config"]["unit_of_measurement"] == "min"
    link.close()

"""A unit as a process with a meter on a wire: pymodbus as its PZEM, an adapter that goes away, a plug of each kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from tests.firmware.parts import Gateway, UnitProcess
from tests.hardware.drivers.rtu import Cable, rtu_slave
from tests.support.broker import PASSWORD, Broker
from tests.support.ledgers import CLINIC
from tests.support.programs import eventually

QUICK = "[profile]\ndebounce_s = 0\nsilence_s = 5\non_mw = 10000\noff_mw = 5000\nleast_mw = 0\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path / "broker", CLINIC, ["U1", "plug"])
    yield one
    one.kill()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    one = Gateway(broker.port)
    yield one
    one.stop()


@pytest.fixture
def make(tmp_path: Path, broker: Broker) -> Iterator[Callable[..., UnitProcess]]:
    made: list[UnitProcess] = []

    def one(port: str) -> UnitProcess:
        made.append(UnitProcess(tmp_path / "u1", broker.port, clock="", port=QUICK + "[port]\n" + port))
        return made[-1]

    yield one
    for each in made:
        each.kill()


def pzem(tmp_path: Path, cable: Cable) -> str:
    """The port's settings; the device is a link, as those of /dev/serial/by-id are."""
    link = tmp_path / "meter"
    link.unlink(missing_ok=True)
    link.symlink_to(cable.near)
    return f'kind = "pzem004t_v3"\ndevice = "{link}"\nserial = "0042"\nevery_ms = 250\n'


def test_a_meter_on_a_wire_makes_a_session_and_is_named_in_it(tmp_path, make, gateway):
    with rtu_slave(1) as cable:
        unit = make(pzem(tmp_path, cable))
        unit.start()
        eventually(lambda: "OPEN" in gateway.kinds())
        unit.stop()
    said = gateway.records()[-1]
    assert (said.maker, said.document["MM"], said.document["MS"]) == ("Peacefair", "PZEM-004T", "0042")
    assert {each.kind for each in gateway.records()} <= {"BOOT", "OPEN", "ALIVE"} and gateway.odd == []


def test_an_adapter_that_is_pulled_is_silence_and_is_read_again_when_it_is_back(tmp_path, make, gateway):
    with rtu_slave(1) as cable:
        unit = make(pzem(tmp_path, cable))
        unit.start()
        eventually(lambda: "OPEN" in gateway.kinds())
        (tmp_path / "meter").unlink()  # the link goes with its device, whose number may soon be another's
    eventually(lambda: "METER_SILENT" in gateway.kinds())
    with rtu_slave(1) as cable:
        pzem(tmp_path, cable)
        eventually(lambda: gateway.kinds().count("OPEN") == 2)
        unit.stop()
    kinds = gateway.kinds()
    assert [each for each in kinds if each != "ALIVE"] == [
        "BOOT",
        "OPEN",
        "SESSION",
        "METER_SILENT",
        "GAP",
        "OPEN",
    ]
    session = next(each for each in gateway.records() if each.kind == "SESSION")
    assert session.readings[1].tx == "A" and gateway.odd == []


def test_an_adapter_that_is_not_there_at_boot_is_told_and_read_when_it_comes(tmp_path, make, gateway):
    unit = make(f'kind = "pzem004t_v3"\ndevice = "{tmp_path / "meter"}"\nevery_ms = 250\n')
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    with rtu_slave(1) as cable:
        pzem(tmp_path, cable)
        eventually(lambda: "OPEN" in gateway.kinds())
        _, said = unit.stop()
    assert "is not there: plug it in, or correct the path" in said


def test_a_bus_that_is_not_there_is_one_line_and_exit_2(make, tmp_path):
    unit = make(f'kind = "ina226"\ndevice = "{tmp_path / "i2c-1"}"\n')
    unit.start()
    code, said = unit.ended()
    assert (code, said.count("\n")) == (2, 1) and "i2c-1: is not there" in said


SAYS: dict[str, tuple[str, str, str, Callable[[int], Any]]] = {
    "shelly_gen2": (
        'topic = "lamp"\npoll_s = 1\n',
        "lamp/rpc",
        "lamp/wattwitness/rpc",
        lambda watts: {"result": {"id": 0, "apower": watts, "voltage": 230.0, "current": watts / 230}},
    ),
    "zigbee2mqtt": (
        'topic = "lamp"\npoll_s = 1\n',
        "zigbee2mqtt/lamp/get",
        "zigbee2mqtt/lamp",
        lambda watts: {"power": watts, "voltage": 230, "current": round(watts / 230, 2), "energy": 17.5},
    ),
    "esphome": ('topic = "lamp"\n', "", "lamp/sensor/power/state", lambda watts: watts),
}


def listener(port: int, heard: list[str]) -> paho.Client:
    """Somebody with the plug's account who hears on which topics others speak."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="plug")
    client.username_pw_set("plug", PASSWORD)
    client.on_connect = lambda client, *_: client.subscribe("#", 1)
    client.on_message = lambda _client, _data, message: heard.append(message.topic)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


@pytest.mark.parametrize("kind", SAYS)
def test_a_shop_plug_of_each_kind_is_asked_read_and_named(kind, make, broker, gateway):
    options, question, answer, document = SAYS[kind]
    broker.allow(
        "user U1\ntopic readwrite lamp/#\ntopic readwrite zigbee2mqtt/#\nuser plug\ntopic readwrite #\n"
    )
    asked: list[str] = []
    client = listener(broker.port, asked)
    unit = make(f'kind = "{kind}"\n{options}')
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())

    def say() -> bool:
        client.publish(answer, json.dumps(document(250)), 1)
        return "OPEN" in gateway.kinds()

    eventually(say)
    eventually(lambda: not question or question in asked)
    unit.stop()
    client.disconnect()
    client.loop_stop()
    said = gateway.records()[-1]
    assert (said.maker, said.document["MM"], said.document["MS"]) == ("plug", kind, "lamp")

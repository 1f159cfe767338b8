"""What Shelly, zigbee2mqtt and ESPHome plugs say, and what of it counts. Tasmota has a file of its own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers import esphome, shelly_gen2, tasmota, zigbee2mqtt
from tests.support.both import on_both

STATUS, DELTA = "lamp/status/switch:0", "lamp/events/rpc"
PLUG = "zigbee2mqtt/lamp"
SENSOR = "lamp/sensor/power/state"

# How each plug writes its power, as a number in the words of JSON.
WRITTEN: list[tuple[ModuleType, str, str]] = [
    (tasmota, "tele/lamp/SENSOR", '{"ENERGY":{"Power":%s}}'),
    (shelly_gen2, STATUS, '{"id":0,"apower":%s,"voltage":230.0}'),
    (zigbee2mqtt, PLUG, '{"linkquality":76,"power":%s}'),
    (esphome, SENSOR, "%s"),
]


def shelly(**fields: object) -> bytes:
    status = {"id": 0, "apower": 250.1, "voltage": 230.0, "current": 1.1, "aenergy": {"total": 913.252}}
    return json.dumps(status | fields).encode()


def zigbee(**fields: object) -> bytes:
    return json.dumps({"power": 250, "voltage": 230, "current": 1.1, "energy": 17.56} | fields).encode()


def notify(method: str = "NotifyStatus", **switch: object) -> bytes:
    return json.dumps({"method": method, "params": {"ts": 1.5, "switch:0": {"id": 0, **switch}}}).encode()


def recorded(path: Path, driver: ModuleType) -> list[str]:
    """What each recorded message gives: its reading, or why there is none."""
    said = []
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            topic, payload = line.split("\t")
            try:
                said.append(str(tuple(driver.decode(topic, payload.encode(), False))))
            except driver.NoReading as why:
                said.append(str(why))
    return said


# --- recorded messages ---

SAID = {
    "shelly_gen2": [
        "(25700, 913252, None)",
        "(10700, 46791262, None)",
        "it tells no power",
        "shellyplug/online tells no power",
        "shellyplug/online tells no power",
    ],
    "zigbee2mqtt": [
        "false zero: 60 mA and 0 W",
        "(0, 31020000, None, '2025-10-15T19:10:57+02:00')",
        "zigbee2mqtt/bridge/state tells no power",
    ],
    "esphome": ["(250100, None, None)", "tdplamp/status tells no power"],
}


@pytest.mark.parametrize("driver", [shelly_gen2, zigbee2mqtt, esphome], ids=SAID)
def test_recorded_messages_give_their_power_or_say_why_not(driver, shared: Path):
    name = driver.__name__.rpartition(".")[2]
    assert recorded(shared / "plugs" / f"{name}.tsv", driver) == SAID[name]


# --- what is so of every plug ---


@pytest.mark.parametrize("driver, topic, written", WRITTEN)
def test_a_retained_message_is_no_reading_because_nobody_knows_how_old_it_is(driver, topic, written):
    with pytest.raises(driver.NoReading, match="retained"):
        driver.decode(topic, (written % "1").encode(), True)


@pytest.mark.parametrize("driver, topic, written", WRITTEN)
@given(st.decimals(0, 20000, places=3))
def test_every_plugs_decimals_are_read_from_their_digits_alike(driver, topic, written, power_w):
    reading = driver.decode(topic, (written % format(power_w, "f")).encode(), False)
    assert reading.power_mw == int(power_w * 1000)


@pytest.mark.parametrize("driver, topic, written", WRITTEN)
@pytest.mark.parametrize(
    "number", ["null", "1e3", '"1"', "[1]", "true", "-30", "nan", "NaN", "", "-", "1.2.3", "²"]
)
def test_what_is_no_plain_number_is_no_reading(driver, topic, written, number):
    with pytest.raises(driver.NoReading):
        driver.decode(topic, (written % number).encode(), False)


@pytest.mark.parametrize("driver, topic, written", WRITTEN[1:])
def test_more_power_than_a_plug_carries_is_no_reading_and_noise_below_zero_is_none(driver, topic, written):
    assert driver.decode(topic, (written % "-0.4").encode(), False).power_mw == 0
    for number in ("25001", "9" * 39, "-1.0"):
        with pytest.raises(driver.NoReading, match="power is"):
            driver.decode(topic, (written % number).encode(), False)


@pytest.mark.parametrize("driver, topic, written", WRITTEN[1:])
@given(data=st.binary(max_size=60))
def test_no_bytes_break_a_driver(driver, topic, written, data):
    with contextlib.suppress(driver.NoReading):
        assert 0 <= driver.decode(topic, data, False).power_mw <= 25_000_000


@pytest.mark.parametrize("driver, topic, written", WRITTEN[1:])
@pytest.mark.parametrize(
    "payload", [b"[" * 4000, b'{"a":' * 800, b"1" * 5000, b"", b"\xff\xfe", b"[1]", b"{}"]
)
def test_a_hostile_payload_is_no_reading(driver, topic, written, payload):
    with pytest.raises(driver.NoReading):
        driver.decode(topic, payload, False)


@given(st.data())
def test_a_payload_with_any_byte_lost_never_makes_up_power(data):
    """Power may lose a digit, which no plug's message guards against; but nothing breaks, and half a message is none."""
    for driver, topic, payload in ((shelly_gen2, STATUS, shelly()), (zigbee2mqtt, PLUG, zigbee())):
        at = data.draw(st.integers(0, len(payload) - 1))
        with contextlib.suppress(driver.NoReading):
            driver.decode(topic, payload[:at] + payload[at + 1 :], False)
        with pytest.raises(driver.NoReading):
            driver.decode(topic, payload[:at], False)


# --- Shelly ---


def test_a_counter_that_went_down_is_no_fault_of_the_reading():
    assert shelly_gen2.decode(STATUS, shelly(), False) == (250_100, 913_252, None)
    assert shelly_gen2.decode(STATUS, shelly(aenergy={"total": 0}), False).total_mwh == 0
    assert zigbee2mqtt.decode(PLUG, zigbee(energy=0.01), False).total_mwh == 10_000


def test_a_change_counts_when_power_is_among_it_and_only_then():
    assert shelly_gen2.decode(DELTA, notify(apower=31.5), False) == (31_500, None, None)
    assert shelly_gen2.decode(DELTA, notify("NotifyFullStatus", apower=0, current=0), False).power_mw == 0
    for switch in ({"output": True}, {"aenergy": {"total": 5}}, {"apower": None}):
        with pytest.raises(shelly_gen2.NoReading, match="no power"):
            shelly_gen2.decode(DELTA, notify(**switch), False)


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        (DELTA, notify("NotifyEvent", apower=1), "NotifyEvent tells no power"),
        (DELTA, b'{"method":"NotifyStatus","params":{"sys":{}}}', "no switch:0"),
        (DELTA, b'{"method":"NotifyStatus","params":{"switch:0":5}}', "no switch:0"),
        (DELTA, notify(apower=1)[:-2] + b',"switch:0":{"id":0,"apower":9}}}', "no single switch:0"),
        (STATUS, shelly(id=1), "switch 1"),
        ("lamp/status/switch:1", shelly(id=1), "switch:1 tells no power"),
        ("lamp/online", b"true", "online tells no power"),
        ("lamp/wattwitness/rpc", b'{"error":{"code":404}}', "no switch:0"),
        (STATUS, b'{"id":0,"apower":1,"apower":2}', "twice"),
        (STATUS, shelly(apower=0, current=0.188), "false zero: 188 mA and 0 W"),
        (STATUS, shelly(apower=-0.5, current=0.188), "false zero: 188 mA and 0 W"),
        (STATUS, shelly(apower=100, current=0.1), "power 100000 mW above apparent power 23000 mW"),
    ],
)
def test_what_a_shelly_says_that_is_no_reading(topic, payload, why):
    with pytest.raises(shelly_gen2.NoReading, match=why):
        shelly_gen2.decode(topic, payload, False)


def test_a_shelly_is_asked_without_switching_and_its_answer_is_a_reading():
    topic, question = shelly_gen2.poll("room/lamp", 2)
    assert topic == "room/lamp/rpc"
    asked = json.loads(question)
    assert asked["method"] == "Switch.GetStatus" and asked["params"] == {"id": 2}
    answered = shelly_gen2.topics("room/lamp", 2)[2]
    assert answered == asked["src"] + "/rpc"
    body = json.dumps({"id": 1, "src": "x{", "result": json.loads(shelly(id=2, note='{"}\\'))}).encode()
    assert shelly_gen2.decode(answered, body, False, channel=2).power_mw == 250_100


def test_power_of_another_switch_in_the_same_message_is_not_taken():
    payload = (
        b'{"method":"NotifyStatus","params":{"switch:1":{"id":1,"apower":9},"switch:0":{"id":0,"apower":7}}}'
    )
    assert shelly_gen2.decode(DELTA, payload, False).power_mw == 7_000
    assert shelly_gen2.decode(DELTA, payload, False, channel=1).power_mw == 9_000


# --- zigbee2mqtt ---


def test_a_message_of_a_plug_that_was_not_heard_anew_is_stale():
    first = zigbee2mqtt.decode(PLUG, zigbee(last_seen="2026-03-02T08:00:00+08:00"), False)
    assert first.seen == "2026-03-02T08:00:00+08:00"
    with pytest.raises(zigbee2mqtt.NoReading, match="stale"):
        zigbee2mqtt.decode(PLUG, zigbee(last_seen=first.seen, linkquality=3), False, first.seen)
    assert (
        zigbee2mqtt.decode(PLUG, zigbee(last_seen=1772409600000), False, first.seen).seen == "1772409600000"
    )
    assert zigbee2mqtt.decode(PLUG, zigbee(), False).seen is None


def test_power_far_above_apparent_power_is_a_doubt_because_reports_come_apart():
    assert zigbee2mqtt.decode(PLUG, zigbee(), False).doubt is None
    assert zigbee2mqtt.decode(PLUG, zigbee(current=1.09), False).doubt is None
    reading = zigbee2mqtt.decode(PLUG, zigbee(current=0), False)
    assert reading.power_mw == 250_000 and "above apparent power" in reading.doubt


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        (PLUG, zigbee(power=0, current=0.06), "false zero: 60 mA and 0 W"),
        (PLUG, b'{"state":"ON"}', "no power"),
        (PLUG, zigbee(power=None), "no power"),
        (PLUG, b"5", "no whole object"),
        (PLUG + "/availability", zigbee(), "availability tells no power"),
        (PLUG + "/get", b'{"power":""}', "get tells no power"),
        ("zigbee2mqtt/bridge/state", b"online", "bridge/state tells no power"),
    ],
)
def test_what_zigbee2mqtt_says_that_is_no_reading(topic, payload, why):
    with pytest.raises(zigbee2mqtt.NoReading, match=why):
        zigbee2mqtt.decode(topic, payload, False)


def test_a_zigbee_plug_is_asked_without_switching():
    assert zigbee2mqtt.poll("room 1/lamp") == ("zigbee2mqtt/room 1/lamp/get", b'{"power":""}')
    assert zigbee2mqtt.topics("room 1/lamp", "z") == ["z/room 1/lamp"]


# --- ESPHome ---


def test_an_esphome_sensor_is_named_by_its_configuration():
    assert esphome.topics("lamp") == [SENSOR]
    assert (
        esphome.decode(esphome.topics("room/lamp", "watt")[0], b" 250.10\n", False, "watt").power_mw
        == 250_100
    )
    for topic in ("lamp/sensor/energy/state", "lamp/status", "lamp/sensor/power/command"):
        with pytest.raises(esphome.NoReading, match="tells no power"):
            esphome.decode(topic, b"1", False)


# --- both interpreters ---


def test_every_plug_message_decodes_alike_under_both_interpreters():
    messages = [("esphome", SENSOR, each) for each in (b"250.1", b"nan", b"-0.4", b"\xff", b"1e3", b"--1")]
    messages += [("shelly_gen2", STATUS, each) for each in (shelly(), shelly(apower=0), b"[1]", b"")]
    messages += [
        ("shelly_gen2", DELTA, each) for each in (notify(apower=31.5), notify(output=True), b"{}", b"5")
    ]
    messages += [("zigbee2mqtt", PLUG, each) for each in (zigbee(), zigbee(current=0), zigbee(power=0), b"5")]
    messages += [("zigbee2mqtt", PLUG, zigbee(last_seen="x")), ("zigbee2mqtt", PLUG, zigbee(last_seen=5))]
    script = (
        "from hardware.drivers import esphome, shelly_gen2, zigbee2mqtt\n"
        "drivers = {'esphome': esphome, 'shelly_gen2': shelly_gen2, 'zigbee2mqtt': zigbee2mqtt}\n"
        f"for name, topic, payload in {messages!r}:\n"
        "    try: print(drivers[name].decode(topic, payload, False))\n"
        "    except drivers[name].NoReading as why: print(why)\n"
    )
    assert on_both(script).count("PlugReading(") == 8


def test_half_a_message_is_no_reading_under_micropython_either_though_its_json_would_take_it():
    script = (
        "from hardware.drivers import shelly_gen2, zigbee2mqtt\n"
        f"for driver, topic, whole in ((shelly_gen2, {STATUS!r}, {shelly()!r}), (zigbee2mqtt, {PLUG!r}, {zigbee()!r})):\n"
        "    for size in range(len(whole)):\n"
        "        try: print(driver.decode(topic, whole[:size], False))\n"
        "        except driver.NoReading: pass\n"
        "    print(driver.decode(topic, whole, False).power_mw)\n"
    )
    assert on_both(script).split() == ["250100", "250000"]

"""Shop plugs of every kind as one port: how they are asked, what of their messages is a reading, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hardware.ports.plug import Plug, PlugPort, esphome_plug, shelly_plug, tasmota_plug, zigbee_plug

PLUGS = {
    "tasmota": tasmota_plug("tasmota_5014E2"),
    "shelly_gen2": shelly_plug("shellyplug"),
    "zigbee2mqtt": zigbee_plug("tdp-01"),
    "esphome": esphome_plug("tdplamp"),
}


class Desk:
    """A port, what it asked and what it told."""

    def __init__(self, plug: Plug, poll_s: int = 10) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.told: list[str] = []
        self.port = PlugPort(plug, poll_s, lambda *each: self.asked.append(each), self.told.append)

    def hear(self, topic: str, second: int, said: object, retained: bool = False) -> list[tuple[int, int]]:
        self.port.hear(topic, json.dumps(said).encode(), retained, second * 1000)
        return self.port.take(second * 1000)


@pytest.mark.parametrize("kind", PLUGS)
def test_recorded_messages_through_the_port_give_only_readings_or_a_note(kind, shared: Path):
    desk = Desk(PLUGS[kind])
    lines = (shared / "plugs" / f"{kind}.tsv").read_text("utf-8").splitlines()
    for second, line in enumerate(each for each in lines if not each.startswith("#")):
        topic, payload = line.split("\t")
        desk.port.hear(topic, payload.encode(), False, second * 1000)
    assert desk.told and all(0 <= power_mw <= 250_100 for _, power_mw in desk.port.take(10**6))


def test_each_is_asked_at_its_pace_on_its_own_topic_and_nothing_is_ever_switched():
    asked = {}
    for kind, plug in PLUGS.items():
        desk = Desk(plug)
        for second in range(25):
            desk.port.take(second * 1000)
        asked[kind] = desk.asked
    assert {kind: len(each) for kind, each in asked.items()} == {
        "tasmota": 3, "shelly_gen2": 3, "zigbee2mqtt": 3, "esphome": 0,
    }  # fmt: skip
    assert {topic for each in asked.values() for topic, _ in each} == {
        "cmnd/tasmota_5014E2/STATUS", "shellyplug/rpc", "zigbee2mqtt/tdp-01/get",
    }  # fmt: skip
    said = b"".join(payload for each in asked.values() for _, payload in each)
    assert not any(
        word in said.lower() for word in (b"switch.set", b"toggle", b"power1", b'"on"', b'"off"', b"state")
    )


def test_a_shelly_that_says_only_what_changed_is_no_reading_and_zero_is_not_made_of_it():
    desk = Desk(shelly_plug("lamp"))
    changed = {"method": "NotifyStatus", "params": {"switch:0": {"id": 0, "aenergy": {"total": 12.5}}}}
    assert desk.hear("lamp/events/rpc", 1, changed) == []
    whole = {"id": 0, "apower": 250.5, "voltage": 230.0, "current": 1.1, "aenergy": {"total": 12.5}}
    assert desk.hear("lamp/status/switch:0", 2, whole) == [(2000, 250_500)]


def test_another_switch_of_the_same_shelly_is_no_reading():
    desk = Desk(shelly_plug("lamp", 1))
    assert desk.port._plug.topics[0] == "lamp/status/switch:1"
    assert desk.hear("lamp/status/switch:1", 1, {"id": 0, "apower": 250}) == []
    assert desk.hear("lamp/status/switch:1", 2, {"id": 1, "apower": 250}) == [(2000, 250_000)]


def test_a_zigbee_plug_that_sticks_is_stale_from_the_second_time_on():
    desk = Desk(zigbee_plug("lamp"))
    said = {"power": 250, "last_seen": "2026-03-02T08:00:00+08:00"}
    assert desk.hear("zigbee2mqtt/lamp", 1, said) == [(1000, 250_000)]
    assert desk.hear("zigbee2mqtt/lamp", 2, said) == [] and "stale" in desk.told[-1]
    assert desk.hear("zigbee2mqtt/lamp", 3, {**said, "last_seen": "2026-03-02T08:00:10+08:00"}) == [
        (3000, 250_000)
    ]


def test_two_zigbee_plugs_do_not_share_what_they_remember():
    said = {"power": 250, "last_seen": 1}
    for name in ("one", "two"):
        assert len(Desk(zigbee_plug(name)).hear(f"zigbee2mqtt/{name}", 1, said)) == 1


@pytest.mark.parametrize("kind", PLUGS)
def test_a_last_will_and_a_retained_message_never_switch_a_device_on_or_off(kind):
    desk = Desk(PLUGS[kind])
    for topic in (*PLUGS[kind].topics, "tele/x/LWT", "x/online", "zigbee2mqtt/x/availability", "x/status"):
        for said in ("offline", "Online", "true", {"state": "offline"}):
            assert desk.hear(topic, 1, said) == []
            assert (
                desk.hear(topic, 1, {"ENERGY": {"Power": 250}, "id": 0, "apower": 250, "power": 250}, True)
                == []
            )


@pytest.mark.parametrize("step_wh, ahead_wh", [(1, 0), (10, 0), (10, 9)])
def test_a_counter_with_coarse_steps_is_not_taken_for_a_contradiction(step_wh, ahead_wh):
    """zigbee counters step by 10 Wh: their stretch is ten steps."""
    desk = Desk(zigbee_plug("lamp"))
    for minute in range(600):
        counted_wh = (250 * minute // 60 + ahead_wh) // step_wh * step_wh
        desk.hear("zigbee2mqtt/lamp", minute * 60, {"power": 250, "energy": counted_wh / 1000})
    assert desk.told == []


def test_a_zigbee_plug_whose_counter_stands_still_is_told():
    desk = Desk(zigbee_plug("lamp"))
    for minute in range(60):
        desk.hear("zigbee2mqtt/lamp", minute * 60, {"power": 250, "energy": 1.5})
    assert any("power and energy counter disagree" in each for each in desk.told)

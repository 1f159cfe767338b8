"""What a Tasmota plug says, and what of it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hardware.drivers import tasmota
from hardware.drivers.tasmota import NoReading, PlugReading, decode
from hardware.ports.plug import PlugPort, tasmota_plug

SENSOR = "tele/plug/SENSOR"


def energy(**fields: object) -> bytes:
    return json.dumps(
        {"Time": "2026-03-02T08:00:00", "ENERGY": {"Total": 1.5, "Power": 250, **fields}}
    ).encode()


def test_recorded_messages_give_their_power_or_say_why_not(shared: Path):
    said: list[PlugReading | str] = []
    for line in (shared / "plugs" / "tasmota.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            topic, payload = line.split("\t")
            try:
                said.append(decode(topic, payload.encode(), False))
            except NoReading as why:
                said.append(str(why))
    assert said == [
        PlugReading(22_000, 3_000, None),
        PlugReading(0, 14_834_000, None),
        PlugReading(26_000, 1_512_000, "power 26000 mW above apparent power 25000 mW"),
        "STATE tells no power",
        "LWT tells no power",
        "LWT tells no power",
    ]


def test_a_retained_message_is_no_reading_because_nobody_knows_how_old_it_is():
    with pytest.raises(NoReading, match="retained"):
        decode(SENSOR, energy(), True)


def test_decimals_are_read_from_their_digits():
    assert decode(SENSOR, energy(Power=3.14159, Total=0.001), False) == PlugReading(3_141, 1_000, None)


def test_power_far_above_apparent_power_is_no_reading():
    assert decode(SENSOR, energy(Power=250, ApparentPower=249), False).doubt is not None
    with pytest.raises(NoReading, match="power 250000 mW above apparent power 100000 mW"):
        decode(SENSOR, energy(Power=250, ApparentPower=100), False)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "no whole object"),
        (b"[" * 4000, "no JSON"),
        (b"[" * 5000, "5000 bytes are too many"),
        (b"{}", "no ENERGY"),
        (b'{"ENERGY": 3}', "ENERGY is no object"),
        (b'{"ENERGY": {}}', "it tells no power"),
        (b'{"ENERGY": {"Power": -3}}', "power is -3000 mW"),
        (b'{"ENERGY": {"Power": [1, 2]}}', "Power is \\[1"),
        (b'{"ENERGY": {"Power": 1e3}}', "Power is 1e3"),
        (b'{"ENERGY": {"Power": null}}', "it tells no power"),
        (b'{"ENERGY": {"Power":1, "Power":2}}', "Power stands there twice"),
    ],
)
def test_what_cannot_be_read_is_no_reading_and_says_why(payload, why):
    with pytest.raises(NoReading, match=why):
        decode(SENSOR, payload, False)


def test_a_question_to_the_plug_switches_nothing():
    assert tasmota.poll("plug") == ("cmnd/plug/STATUS", b"8")


class Plug:
    """A port with its messages and its log."""

    def __init__(self, poll_s: int = 10) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        ask = self.asked.append
        self.port = PlugPort(tasmota_plug("plug"), poll_s, lambda topic, _: ask(topic), self.told.append)

    def say(self, second: int, retained: bool = False, **fields: object) -> None:
        self.port.hear(SENSOR, energy(**fields), retained, second * 1000)


def test_a_plug_is_asked_every_ten_seconds_and_stamped_when_it_answers():
    plug = Plug()
    for second in range(25):
        assert plug.port.take(second * 1000) == []
    assert len(plug.asked) == 3
    plug.say(25)
    assert plug.port.take(26_000) == [(25_000, 250_000)]
    assert plug.port.take(27_000) == []


def test_a_plug_that_reports_by_itself_need_not_be_asked():
    plug = Plug(poll_s=0)
    plug.port.take(100_000)
    assert plug.asked == []


def test_what_is_no_reading_is_told_once_until_it_is_over():
    plug = Plug()
    for second in range(5):
        plug.say(second, retained=True)
    plug.say(6)
    plug.say(7, retained=True)
    assert len(plug.told) == 2 and len(plug.port.take(9_000)) == 1


def test_a_plug_whose_power_sticks_while_its_counter_stands_still_is_told():
    plug = Plug()
    for minute in range(60):
        plug.say(minute * 60, Power=250, Total=1.5)
    assert any("power and energy counter disagree" in each for each in plug.told)


def test_a_plug_whose_counter_follows_its_power_or_is_reset_is_not():
    plug = Plug()
    for minute in range(120):
        plug.say(minute * 60, Power=250, Total=round(minute % 70 * 250 / 60000, 3))
    assert plug.told == []

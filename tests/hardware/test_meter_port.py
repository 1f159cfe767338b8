"""A meter as a port: asked at a steady pace, never waited for, and silence is no reading."""

from __future__ import annotations

from collections import namedtuple

import pytest

from hardware.drivers.pzem004t_v3 import Pzem004tV3
from hardware.drivers.reading import NoReading
from hardware.ports.meter import MeterPort
from tests.hardware.drivers.wire import ANSWER
from tests.support.both import on_both

Reading = namedtuple("Reading", ("power_mw",))


class Meter:
    """Answers each question `late` turns of listening after it, with `power_mw`; None never answers."""

    def __init__(self, late: int | None = 1) -> None:
        self.late, self.power_mw, self.heard = late, 0, 0
        self.asked = 0
        self.why: str | None = None
        self.broken = False
        self._turns: int | None = None

    def ask(self) -> None:
        if self.broken:
            raise OSError("gone")
        self.asked += 1
        self._turns = self.late
        self._said = self.power_mw

    def answer(self, timeout_ms: int) -> Reading | None:
        assert timeout_ms == 0, "whoever may not wait does not wait"
        if self.broken:
            raise OSError("gone")
        if self._turns is None:
            return None
        self._turns -= 1
        if self._turns >= 0:
            return None
        self._turns = None
        if self.why is not None:
            raise NoReading(self.why)
        return Reading(self._said)


def played(port: MeterPort, from_ms: int, until_ms: int, every_ms: int = 250) -> list[tuple[int, int]]:
    return [each for mono_ms in range(from_ms, until_ms, every_ms) for each in port.take(mono_ms)]


def test_an_answer_belongs_to_the_instant_at_which_it_was_asked_for():
    meter = Meter(late=2)
    port = MeterPort(meter, 1000)
    found = []
    for mono_ms in range(0, 4000, 250):
        meter.power_mw = mono_ms  # what it measures when it is asked
        found += port.take(mono_ms)
    assert found == [(0, 0), (1000, 1000), (2000, 2000), (3000, 3000)]


def test_a_chip_that_answers_at_once_is_read_at_once():
    assert played(MeterPort(Meter(late=0), 1000), 0, 2001) == [(0, 0), (1000, 0), (2000, 0)]


def test_while_a_meter_is_silent_there_is_no_reading_and_it_is_told_once():
    told: list[str] = []
    meter = Meter(late=None)
    port = MeterPort(meter, 1000, told.append)
    assert played(port, 0, 20_000) == []
    assert port.silent == 9 and told == ["silent: no mains at the meter, or a cut wire"]
    meter.late = 1
    assert len(played(port, 20_000, 23_000)) >= 2
    meter.late = None
    played(port, 23_000, 30_000)
    assert len(told) == 2


def test_an_answer_that_comes_after_the_next_question_was_due_is_still_that_of_its_own():
    meter = Meter(late=6)
    port = MeterPort(meter, 1000)
    assert played(port, 0, 3001) == [(0, 0), (1500, 0)]
    assert meter.asked == 3 and port.silent == 0


def test_no_reading_is_given_twice_however_often_one_asks():
    port = MeterPort(Meter(late=1), 1000)
    given = [port.take(mono_ms) for mono_ms in (0, 100, 100, 100, 200, 900)]
    assert given == [[], [(0, 0)], [], [], [], []]


def test_what_counts_for_nothing_is_counted_and_told_once_per_kind():
    told: list[str] = []
    meter = Meter(late=0)
    port = MeterPort(meter, 1000, told.append)
    for second in range(10):
        meter.why = f"voltage_mv is {second}, not from 80000 to 260000"
        assert port.take(second * 1000) == []
    meter.why = "frequency is not measured"
    port.take(10_000)
    assert port.refused == 11 and port.silent == 0
    assert told == [
        "no reading: voltage_mv is 0, not from 80000 to 260000",
        "no reading: frequency is not measured",
    ]


def test_half_an_answer_is_told_as_what_it_is():
    told: list[str] = []
    meter = Meter(late=None)
    meter.heard = 11
    port = MeterPort(meter, 1000, told.append)
    played(port, 0, 5000)
    assert port.refused == 2 and port.silent == 0
    assert told == ["no reading: 11 bytes and no whole answer among them"]


def test_a_wire_that_is_gone_is_silence_until_it_is_back():
    meter = Meter(late=1)
    port = MeterPort(meter, 1000)
    played(port, 0, 2000)
    meter.broken = True
    assert played(port, 2000, 10_000) == []
    meter.broken = False
    assert played(port, 10_000, 14_000) != []
    assert port.silent == 4


def test_after_a_stop_of_the_program_one_question_is_asked_and_not_all_that_were_missed():
    meter = Meter(late=1)
    port = MeterPort(meter, 1000)
    played(port, 0, 1000)
    assert played(port, 3_600_300, 3_602_000) == [(3_600_300, 0), (3_601_050, 0)]
    assert meter.asked == 3


def test_a_pace_of_nothing_is_refused():
    with pytest.raises(ValueError, match="every_ms must be at least 1, but is 0"):
        MeterPort(Meter(), 0)


def test_a_meter_on_a_wire_is_read_alike_under_both_interpreters():
    """The answer comes in pieces, late, broken, and not at all."""
    script = f"""
from hardware.drivers.pzem004t_v3 import Pzem004tV3
from hardware.ports.meter import MeterPort
class Wire:
    waiting, asked = b"", 0
    def write(self, data): self.asked += 1
    def read(self, size, timeout_ms):
        given, self.waiting = self.waiting[:size], self.waiting[size:]
        return given
wire, answer = Wire(), {ANSWER!r}
port = MeterPort({Pzem004tV3.__name__}(wire), 1000, print)
heard = {{1: answer[:9], 2: answer[9:], 9: answer, 18: answer[:-1] + b"x", 30: b"xx" + answer + answer}}
for turn in range(40):
    wire.waiting += heard.get(turn, b"")
    for each in port.take(turn * 250): print(turn, each)
print(wire.asked, port.silent, port.refused)
"""
    assert on_both(script).splitlines() == [
        "2 (0, 24400)",
        "9 (1000, 24400)",
        "silent: no mains at the meter, or a cut wire",
        "no reading: 25 bytes and no whole answer among them",
        "30 (6250, 24400)",
        "silent: no mains at the meter, or a cut wire",
        "7 2 1",
    ]

"""The PZEM's driver and a Modbus slave that we did not write, over ptys: from CPython and from MicroPython."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware.drivers.pzem004t_v3 import Pzem004tV3, Reading
from hardware.drivers.reading import NoReading
from hardware.ports.meter import MeterPort
from hardware.ports.rpi import SerialPort
from tests.hardware.drivers.rtu import rtu_slave
from tests.hardware.drivers.wire import MICROPYTHON_WIRE
from tests.support.both import run_micropython
from tests.support.programs import eventually

READING = Reading(24_400, 225_700, 108, 38_000, 50_000, 1_000, False)
NO_READING = "no whole answer among them"

WAYS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "as it is": (lambda said: said, str(READING)),
    "a wrong CRC": (lambda said: said[:-1] + bytes((said[-1] ^ 1,)), NO_READING),
    "a wrong byte": (lambda said: said[:5] + bytes((said[5] ^ 0x40,)) + said[6:], NO_READING),
    "half a frame": (lambda said: said[:11], NO_READING),
    "silence": (lambda said: b"", "None"),
    "noise before": (lambda said: b"\x00\xff\x01\x04" + said, str(READING)),
    "noise after": (lambda said: said + b"\x01\x04\x14", str(READING)),
    "twice": (lambda said: said + said, str(READING)),
}
WAIT_MS = 1500  # longer than a busy machine's slave takes


def said_by(meter: Pzem004tV3) -> str:
    try:
        return str(meter.read(WAIT_MS))
    except NoReading as why:
        return str(why)


@pytest.mark.parametrize("way", WAYS)
def test_over_pyserial_an_answer_counts_only_if_it_came_whole(way):
    tamper, expected = WAYS[way]
    with rtu_slave(1) as cable:
        cable.tamper = tamper
        port = SerialPort(cable.near, 9600)
        assert said_by(Pzem004tV3(port)).endswith(expected)
        port.close()


@pytest.mark.parametrize("way", WAYS)
def test_over_micropython_an_answer_counts_only_if_it_came_whole(way):
    tamper, expected = WAYS[way]
    script = MICROPYTHON_WIRE + (
        "import sys\n"
        "from hardware.drivers import pzem004t_v3 as pzem\n"
        f"try: print(pzem.Pzem004tV3(Wire(sys.argv[1])).read({WAIT_MS}))\n"
        "except pzem.NoReading as why: print(why)\n"
    )
    with rtu_slave(1) as cable:
        cable.tamper = tamper
        assert run_micropython(script, cable.near).strip().endswith(expected)


def test_each_meter_on_a_wire_answers_for_itself_and_an_absent_one_is_silent():
    with rtu_slave(1, 7) as cable:
        port = SerialPort(cable.near, 9600)
        assert said_by(Pzem004tV3(port, 7)) == str(READING)
        assert said_by(Pzem004tV3(port, 9)) == "None"
        assert said_by(Pzem004tV3(port, 1)) == str(READING)
        port.close()


def test_micropython_hears_the_slave_through_a_port_that_never_waits():
    script = MICROPYTHON_WIRE + (
        "import sys, time\n"
        "from hardware.drivers.pzem004t_v3 import Pzem004tV3\n"
        "from hardware.ports.meter import MeterPort\n"
        "port, start, heard = MeterPort(Pzem004tV3(Wire(sys.argv[1])), 200), time.ticks_ms(), []\n"
        "while len(heard) < 3 and time.ticks_diff(time.ticks_ms(), start) < 60000:\n"
        "    heard += port.take(time.ticks_diff(time.ticks_ms(), start))\n"
        "print([power_mw for _, power_mw in heard], heard == sorted(heard))\n"
    )
    with rtu_slave(1) as cable:
        assert run_micropython(script, cable.near) == "[24400, 24400, 24400] True\n"


def test_a_port_that_never_waits_hears_the_slave_and_its_return_after_silence():
    with rtu_slave(1) as cable:
        port = SerialPort(cable.near, 9600)
        meter = MeterPort(Pzem004tV3(port), 200)
        turns = iter(range(0, 10**9, 20))
        assert eventually(lambda: meter.take(next(turns)))[0][1] == 24_400
        cable.tamper = lambda said: b""
        silent = meter.silent
        eventually(lambda: meter.take(next(turns)) == [] and meter.silent > silent + 1)
        cable.tamper = lambda said: said
        assert eventually(lambda: meter.take(next(turns)))[0][1] == 24_400
        port.close()

"""A Raspberry Pi's serial ports and I2C: what is gone is silent, nothing waits, and what cannot be opened is told."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.drivers.ina226 import Ina226
from hardware.drivers.reading import NoReading
from hardware.ports import PortError
from hardware.ports.meter import MeterPort
from hardware.ports.rpi import I2cPort, SerialPort, i2c_bus
from tests.hardware.drivers.test_ina226 import Chip


class Adapter:
    """A serial adapter under a steady name, as in /dev/serial/by-id, that can be pulled and plugged in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "adapter"
        self.plug_in()

    def plug_in(self) -> None:
        self.wire, self._device = os.openpty()
        tty.setraw(self._device)
        self.path.symlink_to(os.ttyname(self._device))

    def pull(self) -> None:
        self.path.unlink()
        os.close(self.wire)
        os.close(self._device)


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    one = Adapter(tmp_path)
    yield one
    one.pull()


@pytest.fixture
def port(adapter: Adapter) -> Iterator[SerialPort]:
    one = SerialPort(adapter.path, 9600)
    one.open()
    yield one
    one.close()


def test_bytes_go_out_and_come_in(adapter, port):
    port.write(b"\x01\x04")
    assert os.read(adapter.wire, 10) == b"\x01\x04"
    os.write(adapter.wire, b"\x05\x06\x07")
    assert port.read(2, 5000) == b"\x05\x06"
    assert port.read(9, 50) == b"\x07"


def test_silence_is_no_bytes_and_a_timeout_of_nothing_never_waits(port):
    assert port.read(25, 0) == b"" and port.read(25, 10) == b""
    assert port.is_open


def test_an_adapter_that_is_pulled_is_silent_and_is_opened_anew_when_it_is_back(adapter, port):
    adapter.pull()
    assert port.read(25, 0) == b"" and not port.is_open
    port.write(b"lost")
    assert port.read(25, 1000) == b"" and not port.is_open
    adapter.plug_in()
    port.write(b"\x01")
    assert os.read(adapter.wire, 10) == b"\x01" and port.is_open


def test_a_wire_that_takes_nothing_more_does_not_stop_the_program(adapter, port):
    os.write(adapter.wire, b"kept")
    for _ in range(5000):
        port.write(bytes(8))
    assert port.read(9, 0) == b"kept"


def test_two_programs_do_not_share_a_wire(adapter, port):
    second = SerialPort(adapter.path, 9600)
    with pytest.raises(PortError, match="is used by another program: stop that first"):
        second.open()
    second.write(b"x")
    assert not second.is_open and second.read(1, 0) == b""


def test_what_cannot_be_opened_says_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for name, said in (("nothing", "is not there: plug it in"), ("file", "cannot be opened")):
        for opened in (
            SerialPort(tmp_path / name, 9600).open,
            lambda name=name: i2c_bus(tmp_path / name, 0x40),
        ):
            with pytest.raises(PortError, match=f"{name}: {said}"):
                opened()


# --- I2C ---


class Wire:
    """The chip of test_ina226.py as the kernel's I2C device shows it: bytes, high byte first, a register pointer."""

    def __init__(self, chip: Chip) -> None:
        self.chip, self.pointer, self.halves = chip, 0, False

    def write(self, data: bytes) -> int:
        if not self.chip.present:
            raise OSError(121)
        self.pointer = data[0]
        if len(data) == 3:
            self.chip.write(data[0], data[1] << 8 | data[2])
        return len(data)

    def read(self, size: int) -> bytes:
        word = self.chip.read(self.pointer)
        return bytes((word >> 8, word & 0xFF))[: 1 if self.halves else size]


def test_an_ina226_is_read_through_bytes_on_the_bus():
    chip = Chip(current_ma=300, voltage_mv=9000)
    meter = Ina226(I2cPort(Wire(chip)))
    with pytest.raises(NoReading, match="not set up"):
        meter.read()
    reading = meter.read()
    assert reading is not None and (reading.voltage_mv, reading.current_ma) == (9000, 300)
    assert abs(reading.power_mw - 2700) <= 3 and chip.registers[0] == 0x4727


def test_a_chip_that_does_not_answer_or_half_answers_is_silent():
    chip = Chip()
    wire = Wire(chip)
    meter = Ina226(I2cPort(wire))
    wire.halves = True
    assert meter.read() is None
    wire.halves, chip.present = False, False
    assert meter.read() is None


def test_a_chip_as_a_port_is_set_up_read_and_set_up_anew_after_its_supply_dipped():
    chip = Chip()
    told: list[str] = []
    port = MeterPort(Ina226(I2cPort(Wire(chip))), 1000, told.append)
    found = [port.take(second * 1000) for second in range(4)]
    assert [len(each) for each in found] == [0, 1, 1, 1] and found[1][0][0] == 1000
    chip.lose_power()
    assert [len(port.take(second * 1000)) for second in range(4, 7)] == [0, 1, 1]
    chip.present = False
    for second in range(7, 13):
        assert port.take(second * 1000) == []
    assert port.silent == 2 and told[-1].startswith("silent")

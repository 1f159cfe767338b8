"""What an INA226 holds in its registers, and what of it counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers.ina226 import Ina226, NoReading, Reading, calibration, decode
from tests.support.both import on_both

WORD = st.integers(0, 0xFFFF)


class Chip:
    """An INA226 on 100 milliohms as its data sheet tells it: nothing is worked out before it is calibrated."""

    def __init__(self, current_ma: int = 300, voltage_mv: int = 9000) -> None:
        self.current_ma, self.voltage_mv = current_ma, voltage_mv
        self.flags, self.present = 0x0008, True
        self.fails_at: int | None = None  # the register at which its supply dips
        self.lose_power()

    def lose_power(self) -> None:
        self.registers = {0: 0x4127, 5: 0, 0xFE: 0x5449}

    def read(self, register: int) -> int:
        if not self.present:
            raise OSError(19)
        if register == self.fails_at:
            self.lose_power()
        shunt, bus = self.current_ma * 40, self.voltage_mv * 4 // 5  # 0.1 mV a milliampere, in 2.5 uV
        current = shunt * self.registers[5] // 2048
        worked_out = {1: shunt & 0xFFFF, 2: bus, 3: abs(current) * bus // 20000, 4: current & 0xFFFF}
        return {**self.registers, **worked_out, 6: self.flags}[register]

    def write(self, register: int, value: int) -> None:
        self.registers[register] = value


def ready(chip: Chip) -> Ina226:
    meter = Ina226(chip)
    with pytest.raises(NoReading, match="not set up"):
        meter.read()
    return meter


def test_the_calibration_is_that_of_the_data_sheet():
    assert calibration(2_000, 1_000) == 2_560  # its own example: 2 milliohms, 1 mA a step
    assert calibration(100_000, 50) == 1_024
    for shunt_uohm, step_ua in ((1, 1), (100_000_000, 100_000)):
        with pytest.raises(ValueError, match="no calibration"):
            calibration(shunt_uohm, step_ua)


def test_the_data_sheets_example_reads_as_the_data_sheet_says():
    """2 milliohms, 1 mA a step: 0x2570 on the bus, 0x1F40 on the shunt, 0x2710 is 10 A, 0x12B8 is 119.82 W."""
    assert decode(8_000, 9_584, 4_792, 10_000, step_ua=1_000) == Reading(119_800, 11_980, 10_000)


def test_an_adapters_lead_is_read_once_the_chip_is_set_up():
    chip = Chip()
    meter = ready(chip)
    assert meter.read() == Reading(2_700, 9_000, 300)
    assert chip.registers[0] == 0x4727
    chip.current_ma = 0
    assert meter.read() == Reading(0, 9_000, 0)


def test_a_chip_that_lost_power_says_zero_watts_and_is_not_believed():
    chip = Chip()
    meter = ready(chip)
    chip.lose_power()
    assert chip.read(3) == 0
    with pytest.raises(NoReading, match="not set up"):
        meter.read()
    assert meter.read().power_mw == 2_700


def test_a_chip_that_loses_power_while_it_is_read_is_not_believed():
    chip = Chip()
    meter = ready(chip)
    chip.fails_at = 2
    with pytest.raises(NoReading, match="lost its calibration"):
        meter.read()


def test_silence_is_none_and_never_zero_watts():
    chip = Chip()
    meter = ready(chip)
    chip.present = False
    assert meter.read() is None


def test_another_chip_is_not_set_up():
    chip = Chip()
    chip.registers[0xFE] = 0
    with pytest.raises(NoReading, match="no INA226"):
        Ina226(chip).read()
    assert chip.registers[5] == 0


@pytest.mark.parametrize("flags, why", [(0, "nothing new"), (0x000C, "overflowed")])
def test_what_was_read_before_or_overflowed_is_no_reading(flags, why):
    chip = Chip()
    meter = ready(chip)
    chip.flags = flags
    with pytest.raises(NoReading, match=why):
        meter.read()


@pytest.mark.parametrize(
    ("registers", "why"),
    [
        ((0x7FFF, 7_200, 5_000, 100), "beyond 81.9 mV"),
        ((0x8000, 7_200, 5_000, 100), "beyond 81.9 mV"),
        ((100, 0xFFFF, 0, 0), "bus voltage is 65535"),
        ((0xFF00, 7_200, 0, 0), "backwards"),
        ((12_000, 7_200, 0, 6_000), "not current times voltage"),
        ((12_000, 7_200, 2_160, 0), "not current times voltage"),
    ],
)
def test_values_that_cannot_be_are_no_reading(registers, why):
    shunt, bus, power, current = registers
    with pytest.raises(NoReading, match=why):
        decode(shunt, bus, power, current, 50)


def test_the_amplifiers_offset_is_zero_watts():
    assert decode(0xFFFD, 7_200, 0, 0xFFFE, step_ua=50) == Reading(0, 9_000, 0)


@given(WORD, WORD, WORD, WORD)
def test_whatever_the_registers_hold_power_is_current_times_voltage_or_no_reading(shunt, bus, power, current):
    with contextlib.suppress(NoReading):
        reading = decode(shunt, bus, power, current, step_ua=50)
        product_mw = reading.current_ma * reading.voltage_mv // 1000
        assert reading.power_mw >= 0 and abs(reading.power_mw - product_mw) <= 60 + reading.power_mw // 5


def test_registers_decode_alike_under_both_interpreters():
    registers = [
        (8_000, 9_584, 4_792, 10_000),
        (0xFFFD, 7_200, 0, 0xFFFE),
        (0xFF00, 7_200, 0, 0),
        (40, 4, 0, 20),
    ]
    script = (
        "from hardware.drivers import ina226\n"
        f"for registers in {registers!r}:\n"
        "    try: print(ina226.decode(*registers, 1000))\n"
        "    except ina226.NoReading as why: print(why)\n"
    )
    assert on_both(script).count("Reading(") == 3

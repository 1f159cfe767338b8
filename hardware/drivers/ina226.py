"""The INA226 on the DC lead of an adapter: shunt and bus voltage, current and power in 16-bit registers over I2C.

Source: "INA226 36V, 16-Bit, Ultra-Precise I2C Output Current, Voltage, and Power Monitor", SBOS547B (Texas
Instruments): register map, calibration 0.00512 / (current step * shunt), power step = 25 current steps. A chip whose
supply dipped has forgotten its calibration and then says 0 A and 0 W: so it is read back around every reading.

A port that is handed in must have `read(register: int) -> int` and `write(register: int, value: int)` of 16-bit
values, high byte first on the wire, and raise OSError when the chip does not answer.
"""

from collections import namedtuple

from hardware.drivers.reading import NoReading

# Milliwatts, millivolts, milliamperes.
Reading = namedtuple("Reading", ("power_mw", "voltage_mv", "current_ma"))

CONFIGURATION, SHUNT, BUS, POWER, CURRENT, CALIBRATION, FLAGS, MAKER = 0, 1, 2, 3, 4, 5, 6, 0xFE
SETTINGS = 0x4727  # continuous, shunt and bus of 1.1 ms each, mean of 64: a new value every 141 ms
MAKER_TI = 0x5449
_READY, _OVERFLOW = 0x0008, 0x0004
_MOST_BUS = 28800  # 36 V in steps of 1.25 mV
_OFFSET = 4  # steps of 2.5 uV that the shunt amplifier may be off


def calibration(shunt_uohm: int, step_ua: int) -> int:
    """The calibration register for a shunt in microohms and a current step in microamperes; ValueError if none fits."""
    value = 5120000000 // (shunt_uohm * step_ua)
    if not 1 <= value <= 0x7FFF:
        raise ValueError("no calibration for a shunt of %d uOhm and %d uA a step" % (shunt_uohm, step_ua))
    return value


def decode(shunt: int, bus: int, power: int, current: int, step_ua: int) -> Reading:
    """The reading in registers 1 to 4, as unsigned 16-bit numbers; NoReading says why there is none."""
    shunt, current = _signed(shunt), _signed(current)
    if abs(shunt) >= 0x7FFF:
        raise NoReading("the shunt is beyond 81.9 mV: too large a current for it")
    if bus > _MOST_BUS:
        raise NoReading("bus voltage is %d, at most %d steps of 1.25 mV" % (bus, _MOST_BUS))
    if shunt < -_OFFSET:
        raise NoReading("current flows backwards: the shunt is wired the wrong way round")
    if shunt <= 0:
        return Reading(0, bus * 5 // 4, 0)
    if abs(current * bus // 20000 - power) > 2 + power // 10:
        raise NoReading("power is not current times voltage: read while it changed")
    return Reading(power * 25 * step_ua // 1000, bus * 5 // 4, current * step_ua // 1000)


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word


class Ina226:
    """The chip behind an open port. 100 mOhm and 50 uA a step: up to 0.8 A, 1.25 mW a step of power."""

    heard = 0  # bytes that are no whole answer: registers come whole or not at all

    def __init__(self, port, shunt_uohm: int = 100000, step_ua: int = 50) -> None:
        self._port, self._step_ua = port, step_ua
        self._calibration = calibration(shunt_uohm, step_ua)

    def ask(self) -> None:
        """Nothing: it measures all the time. With `answer` it has the face of a meter that has to be asked."""

    def answer(self, timeout_ms: int):
        """As `read`, whatever the timeout."""
        return self.read()

    def read(self):
        """A Reading; None when the chip is silent; NoReading when what it says does not count.

        It never waits. The first reading after the chip lost power does not count: it is only then set up.
        """
        try:
            self._set_up_if_needed()
            flags = self._port.read(FLAGS)
            shunt, bus, power, current = (self._port.read(each) for each in (SHUNT, BUS, POWER, CURRENT))
            kept = self._port.read(CALIBRATION) == self._calibration
        except OSError:
            return None
        if not kept:
            raise NoReading("it lost its calibration while it was read")
        if flags & _OVERFLOW:
            raise NoReading("its arithmetic overflowed")
        if not flags & _READY:
            raise NoReading("nothing new was measured since the last time")
        return decode(shunt, bus, power, current, self._step_ua)

    def _set_up_if_needed(self) -> None:
        if self._port.read(CALIBRATION) == self._calibration:
            return
        if self._port.read(MAKER) != MAKER_TI:
            raise NoReading("this is no INA226")
        self._port.write(CONFIGURATION, SETTINGS)
        self._port.write(CALIBRATION, self._calibration)
        raise NoReading("it was not set up: its first measurement is under way")

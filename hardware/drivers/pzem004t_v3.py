"""The PZEM-004T v3 mains meter: Modbus RTU, 9600 8N1, function 4, ten input registers.

Source: "PZEM-004T V3.0 User Manual" (Peacefair): registers, measuring ranges, exception answers; CRC-16 and frames as
in "MODBUS over Serial Line" V1.02. The meter is fed by the mains that it measures: its silence is no mains, or a cut
wire, and never 0 W. It starts at 10 mA (10 A shunt) or 20 mA (100 A clamp). This file does not know who opens a port.

What a port must have stands in serial_meter.py.
"""

from collections import namedtuple

from hardware.drivers.reading import NoReading
from hardware.drivers.serial_meter import SerialMeter

# Milliwatts, millivolts, milliamperes, milliwatt-hours (the meter's own counter: it can be reset), millihertz,
# thousandths; `alarm` is the meter's own threshold, which we do not set.
Reading = namedtuple(
    "Reading",
    ("power_mw", "voltage_mv", "current_ma", "energy_mwh", "frequency_mhz", "factor_permille", "alarm"),
)

READ, REGISTERS = 0x04, 10
ANSWER_BYTES, EXCEPTION_BYTES = 5 + 2 * REGISTERS, 5
EXCEPTIONS = {1: "illegal function", 2: "illegal address", 3: "illegal data", 4: "slave error"}

# The manual's measuring ranges, least and most; the current's and power's are those of the 100 A clamp.
_RANGES = (
    ("voltage_mv", 80000, 260000),
    ("current_ma", 0, 100000),
    ("power_mw", 0, 23000000),
    ("energy_mwh", 0, 9999999000),
    ("frequency_mhz", 45000, 65000),
    ("factor_permille", 0, 1000),
)


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS; it goes onto the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _sealed(body: bytes) -> bytes:
    crc = crc16(body)
    return body + bytes((crc & 0xFF, crc >> 8))


def request(address: int) -> bytes:
    """The question for all ten registers. 1 to 247: at 0xF8, the general address, every meter on a wire would answer."""
    if not 1 <= address <= 247:
        raise ValueError("a meter's address is from 1 to 247, but is %r" % address)
    return _sealed(bytes((address, READ, 0, 0, 0, REGISTERS)))


def decode(frame: bytes, address: int) -> Reading:
    """The reading in one whole answer of the meter at `address`; NoReading says why there is none."""
    if len(frame) < EXCEPTION_BYTES or _sealed(frame[:-2]) != frame:
        raise NoReading("%d bytes whose CRC is wrong" % len(frame))
    if frame[0] != address:
        raise NoReading("address %d answered, asked was %d" % (frame[0], address))
    if frame[1] == READ | 0x80 and len(frame) == EXCEPTION_BYTES:
        raise NoReading("exception %d, %s" % (frame[2], EXCEPTIONS.get(frame[2], "unknown")))
    if len(frame) != ANSWER_BYTES or frame[1] != READ or frame[2] != 2 * REGISTERS:
        raise NoReading("no answer to what was asked")
    return _plausible(_scaled([frame[at] << 8 | frame[at + 1] for at in range(3, ANSWER_BYTES - 2, 2)]))


def find(heard: bytes, address: int):
    """The first whole answer or exception of `address` with its CRC right in what was heard; None if there is none."""
    for at in range(len(heard) - EXCEPTION_BYTES + 1):
        size = 0
        if heard[at] == address and heard[at + 1] == READ and heard[at + 2] == 2 * REGISTERS:
            size = ANSWER_BYTES
        elif heard[at] == address and heard[at + 1] == READ | 0x80:
            size = EXCEPTION_BYTES
        frame = heard[at : at + size]
        if size and len(frame) == size and _sealed(frame[:-2]) == frame:
            return frame
    return None


def _scaled(words) -> Reading:
    """Of numbers in two registers the low word comes first."""
    if words[9] not in (0, 0xFFFF):
        raise NoReading("alarm is %d" % words[9])
    return Reading(
        power_mw=(words[4] << 16 | words[3]) * 100,
        voltage_mv=words[0] * 100,
        current_ma=words[2] << 16 | words[1],
        energy_mwh=(words[6] << 16 | words[5]) * 1000,
        frequency_mhz=words[7] * 100,
        factor_permille=words[8] * 10,
        alarm=words[9] == 0xFFFF,
    )


def _plausible(reading: Reading) -> Reading:
    for name, least, most in _RANGES:
        value = getattr(reading, name)
        if not least <= value <= most:
            raise NoReading("%s is %d, not from %d to %d" % (name, value, least, most))
    # Each is rounded by itself, and each is true to half a percent.
    apparent_mw = (reading.voltage_mv + 100) * (reading.current_ma + 1) // 1000
    if reading.power_mw > apparent_mw * 102 // 100 + 100:
        raise NoReading("power %d mW above apparent power %d mW" % (reading.power_mw, apparent_mw))
    return reading


class Pzem004tV3(SerialMeter):
    """The meter at `address` on an open port."""

    def __init__(self, port, address: int = 1) -> None:
        super().__init__(port, request(address), ANSWER_BYTES, self._reading)
        self._address = address

    def _reading(self, heard: bytes):
        frame = find(heard, self._address)
        return None if frame is None else decode(frame, self._address)

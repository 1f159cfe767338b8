"""The BL0942 meter chip over UART (4800 8N1, or 9600 with SCLK_BPS high): one packet with all that it measures.

Source: "BL0942 Calibration-free Metering IC" data sheet V1.06 (Shanghai Belling): packet and checksum, the formulas of
I_RMS, V_RMS, WATT and CF_CNT, and its reference divider (five times 390 kOhm over 510 Ohm). With a shunt of 10 mOhm
the chip sees from 0.1 W up to 3 A, where its input (42 mV peak) clips. IT STANDS AT MAINS POTENTIAL: only through an
isolator does its UART reach a board. It is fed by the mains that it measures, so silence is no mains and never 0 W.

What a port must have stands in serial_meter.py.
"""

from collections import namedtuple

from hardware.drivers.reading import NoReading
from hardware.drivers.serial_meter import SerialMeter

# Milliwatts, millivolts, milliamperes, milliwatt-hours (counted since the chip has power; it wraps), millihertz.
Reading = namedtuple("Reading", ("power_mw", "voltage_mv", "current_ma", "energy_mwh", "frequency_mhz"))

READ, PACKET, HEADER, PACKET_BYTES = 0x58, 0xAA, 0x55, 23
SHUNT_UOHM = 10000  # 10 milliohms

_REFERENCE_MV = 1218
_LOW_OHM, _DIVIDER_OHM = 510, 510 + 5 * 390000
_PER_CURRENT, _PER_VOLTAGE, _PER_POWER = 305978, 73989, 3537  # counts, of the data sheet's formulas
_MOST_SHUNT_UV = 30000  # above it the input clips
_BACKWARDS_MW = -500  # noise around zero may be negative by less


def request(address: int) -> bytes:
    """The question for the whole packet. `address` is what pins A2 and A1 say, 0 to 3; 0 on the small package."""
    if not 0 <= address <= 3:
        raise ValueError("a chip's address is from 0 to 3, but is %r" % address)
    return bytes((READ | address, PACKET))


def checksum(body: bytes, address: int) -> int:
    """The inverted low byte of the sum of the read command and all bytes before the checksum."""
    return (READ + address + sum(body)) & 0xFF ^ 0xFF


def decode(packet: bytes, address: int = 0, shunt_uohm: int = SHUNT_UOHM) -> Reading:
    """The reading in one whole packet; NoReading says why there is none. `shunt_uohm` also takes up calibration."""
    if len(packet) != PACKET_BYTES or packet[0] != HEADER or checksum(packet[:-1], address) != packet[-1]:
        raise NoReading("%d bytes that are no packet with its checksum right" % len(packet))
    current, voltage, watt, pulses = (_number(packet, at) for at in (1, 4, 10, 13))
    period_us = packet[16] | packet[17] << 8
    if not period_us:
        raise NoReading("frequency is not measured")
    reading = Reading(
        power_mw=_power_mw(watt - (1 << 24) if watt >> 23 else watt, shunt_uohm),
        voltage_mv=voltage * _REFERENCE_MV * _DIVIDER_OHM // (1000 * _PER_VOLTAGE * _LOW_OHM),
        current_ma=current * _REFERENCE_MV * 1000 // (_PER_CURRENT * shunt_uohm),
        energy_mwh=_energy_mwh(pulses, shunt_uohm),
        frequency_mhz=1000000000 // period_us,
    )
    return _plausible(reading, shunt_uohm)


def find(heard: bytes, address: int, shunt_uohm: int):
    """The first Reading in what was heard; None without a packet, NoReading if every packet in it does not count.

    A header may stand in noise and the checksum is only eight bits, so a packet that does not count is passed over
    while another may follow.
    """
    why = None
    for at in range(len(heard) - PACKET_BYTES + 1):
        packet = heard[at : at + PACKET_BYTES]
        if packet[0] == HEADER and checksum(packet[:-1], address) == packet[-1]:
            try:
                return decode(packet, address, shunt_uohm)
            except NoReading as error:
                why = error
    if why is not None:
        raise why
    return None


def _number(packet: bytes, at: int) -> int:
    return packet[at] | packet[at + 1] << 8 | packet[at + 2] << 16


def _scale(shunt_uohm: int):
    """Milliwatts per count of WATT, as numerator and denominator."""
    return _REFERENCE_MV * _REFERENCE_MV * _DIVIDER_OHM, 1000 * _PER_POWER * _LOW_OHM * shunt_uohm


def _power_mw(watt: int, shunt_uohm: int) -> int:
    over, under = _scale(shunt_uohm)
    power_mw = abs(watt) * over // under
    if watt < 0 and -power_mw < _BACKWARDS_MW:
        raise NoReading("power is -%d mW: the shunt is wired backwards" % power_mw)
    return power_mw if watt > 0 else 0


def _energy_mwh(pulses: int, shunt_uohm: int) -> int:
    """A pulse of CF is 1638.4 * 256 counts of WATT for a second."""
    over, under = _scale(shunt_uohm)
    return pulses * 4194304 * over // (under * 36000)


def _plausible(reading: Reading, shunt_uohm: int) -> Reading:
    ranges = (
        ("voltage_mv", 80000, 265000),
        ("current_ma", 0, _MOST_SHUNT_UV * 1000 // shunt_uohm),
        ("frequency_mhz", 45000, 65000),
    )
    for name, least, most in ranges:
        value = getattr(reading, name)
        if not least <= value <= most:
            raise NoReading("%s is %d, not from %d to %d" % (name, value, least, most))
    # The three are averaged apart, so a little above is the instant of switching.
    apparent_mw = reading.voltage_mv * (reading.current_ma + 1) // 1000
    if reading.power_mw > apparent_mw * 110 // 100 + 2000:
        raise NoReading("power %d mW above apparent power %d mW" % (reading.power_mw, apparent_mw))
    return reading


class Bl0942(SerialMeter):
    """The chip at `address` on an open port. `shunt_uohm` also takes up calibration."""

    def __init__(self, port, address: int = 0, shunt_uohm: int = SHUNT_UOHM) -> None:
        super().__init__(port, request(address), PACKET_BYTES, self._reading)
        self._address, self._shunt_uohm = address, shunt_uohm

    def _reading(self, heard: bytes):
        return find(heard, self._address, self._shunt_uohm)

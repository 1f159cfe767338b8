"""What a BL0942 says in its packet, and what of it counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers.bl0942 import Bl0942, NoReading, Reading, checksum, decode, find, request
from tests.hardware.drivers.wire import MICROPYTHON_WIRE, ScriptedWire, SerialWire, slave
from tests.support.both import on_both, run_micropython

# Counts for 230 V, 0.5 A and 115 W with 10 milliohms, from the data sheet's formulas with a pocket calculator:
# 305978 * 5 mV / 1.218 V, 73989 * 60.1381 mV / 1.218 V, 3537 * 5 mV * 60.1381 mV / 1.218 V squared.
CURRENT, VOLTAGE, WATT, PERIOD = 1_256_068, 3_653_169, 716_902, 20_000
LAMP = (114_999, 229_999, 500, 18_688, 50_000)


def packet(
    current: int = CURRENT,
    voltage: int = VOLTAGE,
    watt: int = WATT,
    pulses: int = 1000,
    period: int = PERIOD,
    address: int = 0,
) -> bytes:
    words = (current, voltage, 0, watt & 0xFFFFFF, pulses)
    body = b"\x55" + b"".join(each.to_bytes(3, "little") for each in words)
    body += period.to_bytes(2, "little") + bytes(4)
    return body + bytes((0xFF - (0x58 + address + sum(body)) % 256,))


def read(*answers: bytes, stale: bytes = b"") -> Reading | None:
    return Bl0942(ScriptedWire(*answers, stale=stale)).read()


def test_counts_become_volts_amperes_and_watts_as_the_data_sheet_says():
    for value, expected in zip(decode(packet()), LAMP, strict=True):
        assert abs(value - expected) <= 2


def test_a_stimulator_of_three_watts_is_seen():
    assert 2_990 < decode(packet(current=32_757, watt=18_702)).power_mw < 3_010


def test_a_larger_shunt_or_a_calibrated_one_scales_current_and_power():
    assert decode(packet(), shunt_uohm=20_000).power_mw in (57_499, 57_500)
    assert decode(packet(), shunt_uohm=10_100).current_ma == 495


def test_the_question_carries_the_chips_address_and_so_does_the_checksum():
    assert request(0) == b"\x58\xaa" and request(3) == b"\x5b\xaa"
    with pytest.raises(ValueError, match="from 0 to 3"):
        request(4)
    assert decode(packet(address=2), address=2).frequency_mhz == 50_000
    with pytest.raises(NoReading, match="checksum"):
        decode(packet(address=2), address=1)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"voltage": 1_000_000}, "voltage_mv is 62959"),
        ({"voltage": 0xFFFFFF}, "voltage_mv is"),
        ({"current": 0xFFFFFF}, "current_ma is 6678"),
        ({"period": 0}, "frequency is not measured"),
        ({"period": 1}, "frequency_mhz is 1000000000"),
        ({"watt": -WATT}, "power is -.* wired backwards"),
        ({"watt": WATT * 2}, "above apparent power"),
        ({"current": 0}, "above apparent power"),
    ],
)
def test_values_that_cannot_be_are_no_reading(changed, why):
    with pytest.raises(NoReading, match=why):
        decode(packet(**changed))


def test_noise_around_zero_is_zero_watts():
    assert decode(packet(current=5_000, watt=-2_000)).power_mw == 0
    assert decode(packet(current=0, watt=0)).power_mw == 0


def test_silence_is_none_and_never_zero_watts():
    assert read() is None


@pytest.mark.parametrize("size", range(1, 23))
def test_half_a_packet_is_no_reading(size):
    with pytest.raises(NoReading, match=f"{size} bytes and no whole answer"):
        read(packet()[:size])


def test_an_answer_that_came_too_late_is_not_taken_for_the_next():
    half = packet(watt=WATT // 2)
    assert read(half, stale=packet()) == decode(half)
    assert read(stale=packet()) is None


def test_who_may_not_wait_gathers_a_packet_in_pieces():
    wire = ScriptedWire(packet()[:9])
    chip = Bl0942(wire)
    chip.ask()
    assert chip.answer(0) is None
    wire._waiting = packet()[9:]
    assert chip.answer(0) == decode(packet())


@given(st.integers(0, 22), st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(at, by):
    whole = packet()
    with pytest.raises(NoReading):
        decode(whole[:at] + bytes((whole[at] ^ by,)) + whole[at + 1 :])


@given(st.binary(min_size=22, max_size=22))
def test_any_bytes_are_refused_unless_their_checksum_holds(data):
    body = b"\x55" + data[1:]
    with pytest.raises(NoReading):
        decode(body + bytes((checksum(body, 0) ^ 1,)))
    with contextlib.suppress(NoReading):
        reading = decode(body + bytes((checksum(body, 0),)))
        assert reading.power_mw >= 0 and 80_000 <= reading.voltage_mv <= 265_000


@given(st.binary(max_size=45), st.binary(max_size=20))
def test_noise_before_and_after_a_packet_is_passed_over(before, after):
    """Eight bits of checksum: noise could by chance hold a whole packet, of a mains voltage and frequency too."""
    assert read(before + packet() + after) == decode(packet())


def test_a_header_in_the_noise_does_not_hide_the_packet():
    assert find(b"\x55\x55" + packet() + b"\x55", 0, 10_000) == decode(packet())


def test_a_packet_whose_checksum_holds_by_chance_does_not_hide_the_one_that_follows():
    assert find(packet(voltage=0) + packet(), 0, 10_000) == decode(packet())
    assert read(packet(voltage=0) + packet()) == decode(packet())
    with pytest.raises(NoReading, match="voltage_mv is 0"):
        read(packet(voltage=0))


# --- a real wire, and both interpreters ---

SAYINGS: tuple[list[bytes], ...] = (
    [packet()],
    [b"\x55\x00", packet()],
    [packet()[:12]],
    [packet()[:-1] + b"\x00"],
    [],
    [packet()],
)
LONG_MS, SHORT_MS = 5000, 500  # whole answers end the waiting, so it may be long; the others are waited out
WAITS_MS = [LONG_MS, SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, LONG_MS]
HEARD = [
    str(decode(packet())),
    str(decode(packet())),
    "12 bytes and no whole answer among them",
    "23 bytes and no whole answer among them",
    "None",
    str(decode(packet())),
]


def test_over_pyserial_and_a_pty_each_answer_is_what_it_is():
    said = []
    with slave(b"\x58\xaa", lambda n: list(SAYINGS[n])) as path:
        wire = SerialWire(path)
        chip = Bl0942(wire)
        for wait_ms in WAITS_MS:
            try:
                said.append(str(chip.read(wait_ms)))
            except NoReading as why:
                said.append(str(why))
        wire.close()
    assert said == HEARD


def test_micropython_hears_the_same_over_the_pty():
    script = MICROPYTHON_WIRE + (
        "import sys\n"
        "from hardware.drivers import bl0942\n"
        "chip = bl0942.Bl0942(Wire(sys.argv[1]))\n"
        f"for wait_ms in {WAITS_MS}:\n"
        "    try: print(chip.read(wait_ms))\n"
        "    except bl0942.NoReading as why: print(why)\n"
    )
    with slave(b"\x58\xaa", lambda n: list(SAYINGS[n])) as path:
        assert run_micropython(script, path).splitlines() == HEARD


def test_packets_decode_alike_under_both_interpreters():
    packets = [packet(), packet(watt=-2_000, current=5_000), packet(watt=-WATT), packet(pulses=0xFFFFFF), b""]
    packets += [packet()[:at] + b"\x99" + packet()[at + 1 :] for at in range(23)]
    script = (
        "from hardware.drivers import bl0942\n"
        f"for packet in {packets!r}:\n"
        "    try: print(bl0942.decode(packet))\n"
        "    except bl0942.NoReading as why: print(why)\n"
    )
    assert on_both(script).count("Reading(") == 3

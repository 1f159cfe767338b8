"""What a PZEM-004T v3 says on its wire, and what of it counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers.pzem004t_v3 import NoReading, Pzem004tV3, Reading, crc16, decode, request
from tests.hardware.drivers.wire import ANSWER, MICROPYTHON_WIRE, REQUEST, ScriptedWire, SerialWire, slave
from tests.support.both import on_both, run_micropython

READING = Reading(24_400, 225_700, 108, 38_000, 50_000, 1_000, False)
EXCEPTION = bytes.fromhex("018402C2C1")
WORDS = {
    "voltage": 2257,
    "current": 108,
    "current_high": 0,
    "power": 244,
    "power_high": 0,
    "energy": 38,
    "energy_high": 0,
    "frequency": 500,
    "factor": 100,
    "alarm": 0,
}


def sealed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def frame(address: int = 1, **changed: int) -> bytes:
    """An answer with the registers of the recorded one, but for what is changed."""
    words = (WORDS | changed).values()
    return sealed(bytes((address, 4, 20)) + b"".join(each.to_bytes(2, "big") for each in words))


def read(*answers: bytes, stale: bytes = b"") -> Reading | None:
    return Pzem004tV3(ScriptedWire(*answers, stale=stale)).read()


def test_a_recorded_frame_gives_its_reading():
    assert decode(ANSWER, 1) == READING
    assert frame() == ANSWER


def test_the_crc_is_that_of_the_standard():
    assert crc16(b"123456789") == 0x4B37
    assert crc16(b"") == 0xFFFF


def test_the_question_is_that_of_the_manual_and_its_address_is_checked():
    assert request(1) == REQUEST
    assert request(247)[0] == 247
    for address in (0, -1, 0xF8, 256):
        with pytest.raises(ValueError, match="from 1 to 247"):
            request(address)


def test_numbers_in_two_registers_come_low_word_first():
    reading = decode(frame(current=0x86A0 - 1, current_high=1, power=0xFFFF, power_high=2), 1)
    assert reading.current_ma == 99_999 and reading.power_mw == 19_660_700
    assert decode(frame(energy=0x967F, energy_high=0x98), 1).energy_mwh == 9_999_999_000


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"voltage": 799}, "voltage_mv is 79900"),
        ({"voltage": 2601}, "voltage_mv is 260100"),
        ({"current": 0x86A1, "current_high": 1}, "current_ma is 100001"),
        ({"power_high": 4}, "power_mw is 26238800"),
        ({"energy_high": 0x99}, "energy_mwh is 10027046000"),
        ({"frequency": 0}, "frequency_mhz is 0"),
        ({"factor": 101}, "factor_permille is 1010"),
        ({"alarm": 3}, "alarm is 3"),
        ({"power": 260}, "power 26000 mW above apparent power"),
    ],
)
def test_values_that_such_a_meter_cannot_measure_are_no_reading(changed, why):
    with pytest.raises(NoReading, match=why):
        decode(frame(**changed), 1)


def test_a_lamp_that_is_off_reads_zero_watts_and_the_alarm_is_told():
    assert decode(frame(current=0, power=0, factor=0), 1).power_mw == 0
    assert decode(frame(alarm=0xFFFF), 1).alarm is True


@pytest.mark.parametrize("number, name", [(1, "illegal function"), (4, "slave error"), (9, "unknown")])
def test_an_exception_of_the_meter_is_no_reading_and_says_which(number, name):
    with pytest.raises(NoReading, match=f"exception {number}, {name}"):
        read(sealed(bytes((1, 0x84, number))))


def test_another_address_than_the_one_asked_is_refused():
    with pytest.raises(NoReading, match="address 2 answered, asked was 1"):
        decode(frame(address=2), 1)
    with pytest.raises(NoReading, match="25 bytes and no whole answer"):
        read(frame(address=2))


def test_silence_is_none_and_never_zero_watts():
    assert read() is None
    assert read(b"") is None


@pytest.mark.parametrize("size", range(1, 25))
def test_half_a_frame_is_no_reading(size):
    with pytest.raises(NoReading, match=f"{size} bytes and no whole answer"):
        read(ANSWER[:size])


def test_an_answer_that_came_too_late_is_not_taken_for_the_next():
    assert read(frame(power=200), stale=frame(power=100)) == READING._replace(power_mw=20_000)
    assert read(stale=frame(power=100)) is None


def test_who_may_not_wait_gathers_an_answer_in_pieces():
    wire = ScriptedWire(ANSWER[:3])
    meter = Pzem004tV3(wire)
    meter.ask()
    assert meter.answer(0) is None
    wire._waiting = ANSWER[3:20]
    assert meter.answer(0) is None
    wire._waiting = ANSWER[20:]
    assert meter.answer(0) == READING
    assert wire.asked == [REQUEST]


def test_noise_without_end_ends_the_reading():
    with pytest.raises(NoReading, match="no whole answer"):
        read(b"\x01\x04" * 5000)


@given(st.integers(0, 24), st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(at, by):
    broken = ANSWER[:at] + bytes((ANSWER[at] ^ by,)) + ANSWER[at + 1 :]
    with pytest.raises(NoReading):
        decode(broken, 1)
    with pytest.raises(NoReading):
        read(broken)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_unless_their_crc_holds(data):
    try:
        decode(data, 1)
    except NoReading:
        return
    assert crc16(data[:-2]).to_bytes(2, "little") == data[-2:]


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_noise_before_and_after_a_frame_is_passed_over(before, after):
    """`before` could by chance hold an exception with its CRC right; that is 1 in 2**32."""
    assert read(before + ANSWER + after) == READING


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_whatever_lies_on_the_wire_no_power_is_made_up(answers):
    with contextlib.suppress(NoReading):
        assert read(*answers) is None


# --- a real wire ---

NOISE = b"\x00\xff\x01\x04"
SAYINGS: tuple[list[bytes], ...] = (
    [ANSWER],
    [NOISE, ANSWER],
    [ANSWER[:7], ANSWER[7:]],
    [ANSWER[:11]],
    [ANSWER[:-1] + b"\x00"],
    [],
    [EXCEPTION],
    [frame(address=2)],
    [frame(power=243)],
)
LONG_MS, SHORT_MS = 5000, 500  # whole answers end the waiting, so it may be long; the others are waited out
WAITS_MS = [LONG_MS, SHORT_MS, LONG_MS, SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, LONG_MS]
PART = "no whole answer among them"
HEARD = [
    str(READING),
    str(READING),
    str(READING),
    f"11 bytes and {PART}",
    f"25 bytes and {PART}",
    "None",
    "exception 2, illegal address",
    f"25 bytes and {PART}",
    str(READING._replace(power_mw=24_300)),
]


def test_over_pyserial_and_a_pty_each_answer_is_what_it_is():
    with slave(REQUEST, lambda n: list(SAYINGS[n])) as path:
        wire = SerialWire(path)
        meter = Pzem004tV3(wire)
        said = [said_by(meter, wait_ms) for wait_ms in WAITS_MS]
        wire.close()
    assert said == HEARD


def said_by(meter: Pzem004tV3, wait_ms: int) -> str:
    try:
        return str(meter.read(wait_ms))
    except NoReading as why:
        return str(why)


def test_micropython_hears_the_same_over_the_pty():
    script = MICROPYTHON_WIRE + (
        "import sys\n"
        "from hardware.drivers import pzem004t_v3 as pzem\n"
        "meter = pzem.Pzem004tV3(Wire(sys.argv[1]))\n"
        f"for wait_ms in {WAITS_MS}:\n"
        "    try: print(meter.read(wait_ms))\n"
        "    except pzem.NoReading as why: print(why)\n"
    )
    with slave(REQUEST, lambda n: list(SAYINGS[n])) as path:
        assert run_micropython(script, path).splitlines() == HEARD


def test_frames_decode_alike_under_both_interpreters():
    frames = [ANSWER, frame(energy=0x967F, energy_high=0x98), frame(voltage=1), EXCEPTION, ANSWER[:9], b""]
    frames += [ANSWER[:at] + bytes((ANSWER[at] ^ 0x10,)) + ANSWER[at + 1 :] for at in range(25)]
    script = (
        "from hardware.drivers import pzem004t_v3 as pzem\n"
        f"for frame in {frames!r}:\n"
        "    try: print(pzem.decode(frame, 1), pzem.find(b'\\x01' + frame, 1))\n"
        "    except pzem.NoReading as why: print(why)\n"
    )
    assert on_both(script).count("Reading(") == 2

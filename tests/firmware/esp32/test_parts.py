"""The parts of the program on a board, each alone, under real MicroPython and from its source."""

from __future__ import annotations

import ast
import os
import re
import struct
from pathlib import Path

import pytest

from protocol import p256
from tests.firmware.esp32.udp import Server, time_answer
from tests.support.both import run_cpython, run_micropython

# --- the key -------------------------------------------------------------------------------------------------

PUBLIC = "from firmware.esp32 import identity; print(identity.public_hex({!r}))"


def test_a_unit_makes_its_key_once_and_tells_only_the_public_half(tmp_path: Path):
    told = run_micropython(PUBLIC.format(str(tmp_path))).strip()
    secret = (tmp_path / "key.bin").read_bytes()
    assert told == p256.spki(p256.public_key(secret)).hex() and len(secret) == 32
    assert run_micropython(PUBLIC.format(str(tmp_path))).strip() == told, "the second time it is the same"
    assert secret.hex() not in told and os.listdir(tmp_path) == ["key.bin"]


def test_two_units_make_two_keys(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert len({run_micropython(PUBLIC.format(str(tmp_path / name))) for name in ("one", "two")}) == 2


@pytest.mark.parametrize("octets", (b"", bytes(32), b"\xff" * 32, bytes(31)))
def test_a_key_that_is_damaged_is_never_replaced(tmp_path: Path, octets: bytes):
    (tmp_path / "key.bin").write_bytes(octets)
    with pytest.raises(AssertionError, match="IdentityError"):
        run_micropython(PUBLIC.format(str(tmp_path)))
    assert (tmp_path / "key.bin").read_bytes() == octets


def test_half_a_key_that_a_power_cut_left_is_no_key(tmp_path: Path):
    (tmp_path / "key.new").write_bytes(b"\x01" * 9)
    assert len(run_micropython(PUBLIC.format(str(tmp_path))).strip()) == 182


# --- time ----------------------------------------------------------------------------------------------------

CLOCK = """
from firmware.esp32.clock import Clock
class Time:
    now, start = 0, %d
    def ticks_ms(self): return (self.start + self.now) %% (1 << 30)
    def ticks_diff(self, a, b): return ((a - b + (1 << 29)) %% (1 << 30)) - (1 << 29)
    def time_ns(self): return (%d + self.now) * 1000000
    def gmtime(self, at): return (%d,) + (1, 1, 0, 0, 0)
class Rtc:
    def datetime(self, fields): print("set", fields)
time = Time()
clock = Clock(time, Rtc())
"""


def test_milliseconds_go_on_where_the_boards_counter_wraps():
    script = CLOCK % ((1 << 30) - 5000, 0, 1970) + (
        "for _ in range(40):\n    time.now += 86400000 * 5\n    assert clock.mono_ms() == time.now\nprint(time.now)\n"
    )
    assert run_micropython(script).strip() == str(86_400_000 * 200)


@pytest.mark.parametrize(
    "epoch, shows_ms", ((1970, 1_772_409_600_000), (2000, 1_772_409_600_000 - 946_684_800_000))
)
def test_a_board_that_counts_from_2000_means_the_same_instant(epoch: int, shows_ms: int):
    assert run_micropython(CLOCK % (0, shows_ms, epoch) + "print(clock.at_ms())").strip() == "1772409600000"


@pytest.mark.parametrize("epoch", (1970, 2000))
def test_a_calendar_that_was_never_set_shows_nothing(epoch: int):
    assert run_micropython(CLOCK % (0, 5000, epoch) + "print(clock.at_ms())").strip() == "None"


NTP = """
import asyncio, sys, time
from firmware.esp32 import ntp
async def ask():
    asked = [ntp.ask("127.0.0.1", time.ticks_ms, int(port)) for port in sys.argv[-1].split(",")]
    print(await asyncio.gather(*asked))
asyncio.run(ask())
"""


def asked(script: str, answers: list, *arguments: str) -> list:
    """What the script found of servers that answer so, all at once."""
    servers = [Server(answer) for answer in answers]
    try:
        ports = ",".join(str(each.port) for each in servers)
        return list(ast.literal_eval(run_micropython(script, *arguments, ports)))
    finally:
        for each in servers:
            each.close()


def test_a_time_server_is_understood_before_and_after_its_seconds_wrap():
    instants = (1_772_409_600, 2_100_000_000)
    answers = [lambda question, at_s=at_s: time_answer(question, at_s + 2_208_988_800) for at_s in instants]
    for said_ms, at_s in zip(asked(NTP, answers), instants, strict=True):
        assert 0 <= said_ms - at_s * 1000 - 500 < 2000


def test_what_is_no_answer_of_a_time_server_is_none():
    """Silence, too short, to another's question, a refusal, no source, not synchronised, an echo."""
    answers = [
        lambda question: None,
        lambda question: b"\x24" * 20,
        lambda question: time_answer(question, 1, mark=bytes(8)),
        lambda question: time_answer(question, 1, stratum=0),
        lambda question: time_answer(question, 1, stratum=16),
        lambda question: time_answer(question, 1, first=0xE4),
        lambda question: question,
    ]
    assert asked(NTP, answers) == [None] * len(answers)


# --- names ---------------------------------------------------------------------------------------------------

NAME = """
import asyncio, sys
from firmware.esp32 import names
async def find(port):
    try: return await names.address(sys.argv[-2], "127.0.0.1", int(port))
    except OSError as why: return str(why)
async def ask(): print(await asyncio.gather(*[find(port) for port in sys.argv[-1].split(",")]))
asyncio.run(ask())
"""


def name_answer(question: bytes, flags: bytes = b"\x81\x80") -> bytes:
    alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 4) + b"\x02gw\x00"
    address = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes((192, 168, 8, 1))
    return question[:2] + flags + b"\x00\x01\x00\x02\x00\x00\x00\x00" + question[12:] + alias + address


def test_a_name_is_asked_of_the_name_server_and_an_address_is_not():
    assert asked(NAME, [name_answer], "gateway.clinic") == ["192.168.8.1"]
    assert asked(NAME, [lambda question: None], "10.0.0.7") == ["10.0.0.7"]


def test_what_is_no_answer_of_a_name_server_is_no_address():
    """No such name, another's answer, cut short, an echo."""
    answers = [
        lambda question: name_answer(question, b"\x81\x83"),
        lambda question: b"xx" + name_answer(question)[2:],
        lambda question: name_answer(question)[:30],
        lambda question: question,
    ]
    assert asked(NAME, answers, "gateway.clinic") == ["no address of gateway.clinic"] * len(answers)


# --- the light -----------------------------------------------------------------------------------------------


def test_the_vocabulary_in_the_readme_is_the_table_of_the_program():
    signs = run_cpython("from firmware.agent.panel import SIGNS; print(SIGNS)")
    readme = (Path(__file__).parents[3] / "firmware/esp32/README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([A-Z]+)` \|", readme, re.M)) == set(re.findall(r"'([A-Z]+)':", signs))


# --- how often a unit looks ----------------------------------------------------------------------------------

LOOKS = """
from firmware.esp32.unit import Unit
class Hands:
    reader = None
unit = object.__new__(Unit)
unit._every_ms, unit._heard_ms, unit._hands = 1000, 5000, Hands()
print(unit._pause_ms(5300))
Hands.reader = "fitted"
print(unit._pause_ms(5300))
"""


def test_a_unit_rests_until_the_next_question_unless_a_reader_may_speak():
    assert run_micropython(LOOKS) == "700\n40\n"

"""Readers of printed codes and cards: what of their bytes is a text, and that it is told once."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers import gm65, pn532
from hardware.drivers.reader import AGAIN_MS, Sight, text_of
from hardware.ports.rpi import SerialPort
from tests.hardware.drivers.wire import MICROPYTHON_WIRE
from tests.support.both import on_both, run_micropython
from tests.support.programs import eventually

TOKEN = "V8qXz1kRt0aLw5Pn"


class Wire:
    """What lies on it is given; what is written is kept."""

    def __init__(self) -> None:
        self.waiting, self.written = b"", b""

    def read(self, size: int, timeout_ms: int) -> bytes:
        given, self.waiting = self.waiting[:size], self.waiting[size:]
        return given

    def write(self, data: bytes) -> None:
        self.written += data


# --- in sight ---


def test_what_is_read_over_and_over_is_told_once_until_it_was_gone_for_a_while():
    sight, told = Sight(), []
    for mono_ms in [*range(0, 9001, 1500), 9000 + AGAIN_MS, 9100 + AGAIN_MS]:
        told += [(mono_ms, each) for each in sight.new(mono_ms, ["A"])]
    assert told == [(0, "A"), (9000 + AGAIN_MS, "A")]


def test_two_texts_in_turn_are_both_told():
    sight = Sight()
    assert sight.new(0, ["A"]) + sight.new(10, ["B"]) + sight.new(20, ["A", "A"]) == ["A", "B", "A"]


@pytest.mark.parametrize("raw", [b"", b"a b", b"a\x00b", b"a\x7f", b"\xe5\xbc\xa0", b"x" * 129])
def test_what_is_not_printable_ascii_is_no_text(raw):
    assert text_of(raw) is None


# --- codes ---


def lines(*heard: tuple[int, bytes]) -> list[str]:
    reader = gm65.Lines()
    return [text for mono_ms, data in heard for text in reader.feed(data, mono_ms)]


def test_a_code_is_a_line():
    assert lines((0, TOKEN.encode() + b"\r")) == [TOKEN]
    assert lines((0, b"AB\r\nCD\n\r\n")) == ["AB", "CD"]


def test_a_code_may_come_in_pieces():
    assert lines((0, b"V8qX"), (100, b"z1kR"), (200, b"t0\r")) == ["V8qXz1kRt0"]


def test_half_a_code_is_not_joined_to_the_next():
    assert lines((0, b"V8qX"), (1000, b""), (1100, b"FULL\r")) == ["FULL"]


def test_a_code_whose_second_half_is_looked_at_late_is_not_cut_in_two():
    assert lines((0, b"V8qX"), (0, b""), (1000, b"z1kR\r"), (1000, b"")) == ["V8qXz1kR"]


def test_noise_in_a_line_spoils_that_line_and_no_other():
    assert lines((0, b"\xff\x00AB\rCD\r")) == ["CD"]
    assert lines((0, b"x" * 500 + b"\rCD\r")) == ["CD"]


@given(st.lists(st.tuples(st.integers(0, 700), st.binary(max_size=40)), max_size=20))
def test_whatever_comes_each_text_stood_between_two_ends_of_line(pieces):
    at_ms, heard = 0, []
    for pause_ms, data in pieces:
        at_ms += pause_ms
        heard.append((at_ms, data))
    whole = b"".join(data for _, data in heard).replace(b"\n", b"\r").split(b"\r")
    for text in lines(*heard):
        assert any(each.endswith(text.encode()) for each in whole)


def test_a_code_held_before_the_reader_is_one_token():
    wire = Wire()
    reader, told = gm65.Reader(wire), []
    for mono_ms in range(0, 3000, 300):
        wire.waiting = TOKEN.encode() + b"\r"
        told += reader.take(mono_ms)
    assert told == [TOKEN]


# --- cards ---


def message(text: bytes, status: int = 2, head: bytes = b"\xd1\x01") -> bytes:
    """An NFC Forum message with one Text record, in its TLV, after a lock-control TLV as new cards have it."""
    record = head + bytes((len(text) + 3,)) + b"T" + bytes((status,)) + b"en" + text
    return b"\x01\x03\xa0\x0c\x34\x03" + bytes((len(record),)) + record + b"\xfe"


def memory(text: bytes, **more: int | bytes) -> bytes:
    return message(text, **more).ljust(144, b"\x00")  # type: ignore[arg-type]


def test_the_text_on_a_card_is_found():
    assert pn532.text_on(memory(TOKEN.encode())) == (TOKEN, False)
    assert pn532.text_on(memory(b"x" * 128)) == ("x" * 128, False)


@pytest.mark.parametrize(
    "said",
    [
        bytes(144),
        b"\xfe" + bytes(143),
        memory(TOKEN.encode(), status=0x82),  # UTF-16
        memory(TOKEN.encode(), head=b"\xd2\x01"),  # not a well-known type
        memory(b"\xe5\xbc\xa0"),
        b"\x03\xff\x01\x00" + bytes(140),  # a message of three-byte length
    ],
)
def test_a_card_without_a_plain_text_has_no_token(said):
    assert pn532.text_on(said)[0] is None


def test_more_of_the_memory_is_asked_for_until_the_message_is_whole():
    said = memory(TOKEN.encode())
    assert [pn532.text_on(said[:size])[1] for size in (0, 16, 32, 48)] == [True, True, False, False]


@given(st.binary(max_size=144))
def test_any_memory_gives_a_printable_text_or_none(said):
    text, _ = pn532.text_on(said)
    assert text is None or text_of(text.encode()) == text


ANSWER = pn532.frame(b"\xd5\x4b\x00")
ACK = b"\x00\x00\xff\x00\xff\x00"


def test_a_frame_is_that_of_the_manual():
    """UM0701-02, 6.2.1: GetFirmwareVersion."""
    assert pn532.frame(b"\xd4\x02") == bytes.fromhex("0000FF02FED4022A00")
    assert pn532.find(ACK + ANSWER) == (b"\xd5\x4b\x00", b"\x00")


@given(st.binary(max_size=30), st.integers(0, 12))
def test_noise_and_halves_give_no_frame_and_hide_none(noise, size):
    quiet = noise.replace(b"\xff", b"\xfe")
    assert pn532.find(quiet + ACK + ANSWER)[0] == b"\xd5\x4b\x00"
    body, rest = pn532.find(quiet + ANSWER[: min(size, len(ANSWER) - 2)])
    assert body is None
    assert pn532.find(rest + ANSWER[min(size, len(ANSWER) - 2) :])[0] == b"\xd5\x4b\x00"


@given(st.integers(3, 8), st.integers(1, 255))
def test_no_byte_of_a_frame_can_be_changed_unseen(at, by):
    broken = ANSWER[:at] + bytes((ANSWER[at] ^ by,)) + ANSWER[at + 1 :]
    body, _ = pn532.find(broken)
    assert body is None


class Card:
    """A PN532 with a card before it or none, as bytes; written from the manual. It needs waking, and setting up."""

    def __init__(self) -> None:
        self.memory: bytes | None = None
        self.awake = self.set_up = False
        self.unanswered = 0  # so many commands are lost
        self.status = 0  # of what is read from a card
        self.before: dict[int, bytes] = {}  # what comes before the answer to a command
        self.commands: list[int] = []
        self._heard = b""

    def power_cut(self) -> None:
        self.awake = self.set_up = False

    def hear(self, data: bytes) -> bytes:
        self.awake = self.awake or b"\x55\x55" in data
        self._heard += data if self.awake else b""
        at = self._heard.find(b"\x00\x00\xff")
        if at < 0 or len(self._heard) < at + 7 + self._heard[at + 3]:
            return b""
        command = self._heard[at + 6 : at + 5 + self._heard[at + 3]]
        self._heard = b""
        self.commands.append(command[0])
        if self.unanswered:
            self.unanswered -= 1
            return ACK
        said = self._do(command[0], command[1:])
        ahead = self.before.get(command[0], b"")
        return b"" if said is None else ahead + ACK + pn532.frame(bytes((0xD5, command[0] + 1)) + said)

    def _do(self, code: int, operands: bytes) -> bytes | None:
        if code == 0x14:
            self.set_up = True
            return b""
        if not self.set_up:
            return None
        if code == 0x4A:
            return b"\x00" if self.memory is None else bytes.fromhex("0101004400070411223344556680")[:14]
        if code == 0x40:
            assert operands[:2] == b"\x01\x30"
            start = (operands[2] - 4) * 4
            return b"\x01" if self.memory is None else bytes((self.status,)) + self.memory[start : start + 16]
        return b""


class CardWire(Wire):
    """A wire with that reader at its end."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    def write(self, data: bytes) -> None:
        self.waiting += self.card.hear(data)


def told(reader: pn532.Reader, from_ms: int, until_ms: int) -> list[str]:
    return [text for mono_ms in range(from_ms, until_ms, 50) for text in reader.take(mono_ms)]


def test_a_card_that_is_held_there_is_one_token_and_again_when_it_comes_back():
    card = Card()
    reader = pn532.Reader(CardWire(card))
    assert told(reader, 0, 2000) == []
    card.memory = memory(TOKEN.encode())
    assert told(reader, 2000, 8000) == [TOKEN]
    card.memory = None
    assert told(reader, 8000, 14_000) == []
    card.memory = memory(TOKEN.encode())
    assert told(reader, 14_000, 16_000) == [TOKEN]


def test_a_card_that_is_held_there_is_one_token_for_whoever_looks_once_a_second():
    card = Card()
    reader = pn532.Reader(CardWire(card))
    card.memory = memory(TOKEN.encode())
    assert [text for mono_ms in range(0, 60_000, 1000) for text in reader.take(mono_ms)] == [TOKEN]


def test_a_reader_that_lost_power_or_an_answer_is_set_up_anew():
    card = Card()
    reader = pn532.Reader(CardWire(card))
    card.memory = memory(TOKEN.encode())
    card.unanswered = 3
    assert told(reader, 0, 4000) == [TOKEN]
    card.memory = None
    told(reader, 4000, 6000)
    card.power_cut()
    card.memory = memory(b"another-V8qXz1kR")
    assert told(reader, 6000, 9000) == ["another-V8qXz1kR"]


def test_a_silent_or_noisy_wire_gives_no_token():
    wire = Wire()
    reader = pn532.Reader(wire)
    for mono_ms in range(0, 10_000, 50):
        wire.waiting += bytes((mono_ms % 251,)) * 7
        assert reader.take(mono_ms) == []


def test_a_card_taken_away_while_it_is_read_is_no_token():
    card = Card()
    reader = pn532.Reader(CardWire(card))
    card.memory = memory(TOKEN.encode())
    mono_ms = 0
    while 0x40 not in card.commands:
        assert reader.take(mono_ms) == []
        mono_ms += 50
    card.memory = None
    assert told(reader, mono_ms, mono_ms + 3000) == []


def test_pages_of_a_card_that_was_not_read_right_are_no_token():
    card = Card()
    reader = pn532.Reader(CardWire(card))
    card.memory, card.status = memory(TOKEN.encode()), 0x13
    assert told(reader, 0, 3000) == []
    card.status = 0
    assert told(reader, 3000, 5000) == [TOKEN]


def test_an_answer_to_another_question_is_not_taken_for_the_pages():
    card = Card()
    wire = CardWire(card)
    reader = pn532.Reader(wire)
    card.memory = bytes(144)
    stray = pn532.frame(b"\xd5\x4b\x00" + message(b"short")[5:21].ljust(16, b"\x00"))
    card.before = {0x40: stray}
    assert told(reader, 0, 3000) == [] and 0x40 in card.commands


# --- on a real wire, and under both interpreters ---


@contextmanager
def cards(card: Card) -> Iterator[str]:
    """The path of a pty with that reader behind it."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def serve() -> None:
        while data := os.read(ours, 256):
            if b"BYE" in data:
                break
            os.write(ours, card.hear(data))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.write(theirs, b"BYE")
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_over_a_pty_a_card_is_read_by_pyserial():
    card = Card()
    card.memory = memory(TOKEN.encode())
    with cards(card) as path:
        port = SerialPort(path, pn532.BAUD)
        reader, start_s = pn532.Reader(port), time.monotonic()
        read: list[str] = []

        def look() -> list[str]:
            read.extend(reader.take(round((time.monotonic() - start_s) * 1000)))
            return read

        eventually(look)
        port.close()
    assert read == [TOKEN]


def test_micropython_reads_a_code_over_a_pty_and_passes_noise_over():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.write(ours, b"\xffnoise\r" + TOKEN.encode() + b"\r" + b"half")
    script = MICROPYTHON_WIRE + (
        "import sys\nfrom hardware.drivers import gm65\nprint(gm65.Reader(Wire(sys.argv[1])).take(0))\n"
    )
    assert run_micropython(script, os.ttyname(theirs)) == f"['{TOKEN}']\n"
    os.close(ours)
    os.close(theirs)


def test_micropython_reads_a_card_over_a_pty():
    card = Card()
    card.memory = memory(TOKEN.encode())
    script = MICROPYTHON_WIRE + (
        "import sys, time\n"
        "from hardware.drivers import pn532\n"
        "reader, start, said = pn532.Reader(Wire(sys.argv[1])), time.ticks_ms(), []\n"
        "while not said and time.ticks_diff(time.ticks_ms(), start) < 60000:\n"
        "    said = reader.take(time.ticks_diff(time.ticks_ms(), start))\n"
        "print(said)\n"
    )
    with cards(card) as path:
        assert run_micropython(script, path) == f"['{TOKEN}']\n"


def test_codes_and_cards_are_read_alike_under_both_interpreters():
    said = [memory(TOKEN.encode()), memory(b"\xff"), bytes(144), memory(b"x" * 60)[:30]]
    heard = [b"V8qX", b"z1kR\r", b"\xffAB\r", b"x" * 200 + b"\r", b"CD\r\n"]
    script = (
        "from hardware.drivers import gm65, pn532\n"
        f"for each in {said!r}: print(pn532.text_on(each))\n"
        "reader = gm65.Lines()\n"
        f"for n, each in enumerate({heard!r}): print(reader.feed(each, n * 100))\n"
        f"print(pn532.find({(b'noise' + ACK + ANSWER)!r}), pn532.frame(b'\\xd4\\x02'))\n"
    )
    assert on_both(script).splitlines()[:1] == [f"('{TOKEN}', False)"]

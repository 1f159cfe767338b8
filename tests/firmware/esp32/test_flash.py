"""The journal in flash, as its unit sees it: what is kept stays kept, and no number is given twice.

It needs nothing but `os` and `open`, so most of it is shown in a folder; what littlefs does to it, in the files beside.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from firmware.agent import memory
from firmware.esp32 import place
from firmware.esp32.flash import JournalFlash
from protocol import seal
from protocol.payload import ALIVE, Identity, Reading, render

LIMIT = 64 * 1024
WHO = Identity("U1", "0.1.0", "bench", "flash", "1", "1")
START_MS = 1_772_409_600_000


class Apart:
    """A value outside the file system."""

    def __init__(self, octets: bytes | None = b"") -> None:
        self.octets = octets

    def read(self) -> bytes | None:
        return self.octets

    def write(self, octets: bytes) -> None:
        self.octets = octets


class Unit:
    """Says one ALIVE after another into a journal; `said` are the lines, by number."""

    def __init__(self, folder: Path, apart: Apart | None = None, limit: int = LIMIT) -> None:
        self.folder, self.apart, self.limit = folder, apart, limit
        self.said: dict[int, str] = {}
        self.wake()

    def wake(self) -> JournalFlash:
        self.files = JournalFlash(str(self.folder / "journal"), self.limit, self.apart)
        self.us, self.digest = self.files.memory.us, self.files.memory.digest
        return self.files

    def note(self) -> str:
        known = memory.Memory()
        known.us = known.f = self.us
        known.alive = (START_MS + self.us, "S")
        return memory.write(known)

    def say(self, count: int = 1, version: str = "0.1.0") -> None:
        WHO.version = version
        for _ in range(count):
            self.us += 1
            fields = {"UB": "ab" * 8, "US": self.us, "UP": self.digest, "UM": self.us}
            payload = render(WHO, ALIVE, self.us, [Reading(START_MS + self.us, "S", self.us)], fields)
            self.digest, self.said[self.us] = seal.digest(payload), seal.join(payload, self.us, 3)
            self.files.keep(self.us, self.note(), self.said[self.us])
        self.files.sync()

    def lines(self) -> list[str]:
        return [line.decode() for line in self.files.lines(self.files.first, self.us)]

    @property
    def segments(self) -> list[Path]:
        return sorted((self.folder / "journal" / "log").iterdir())


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path, Apart())


def damage(path: Path, at: int, octet: int = 0x55) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= octet
    path.write_bytes(raw)


# --- keeping --------------------------------------------------------------------------------------------------------


def test_what_was_kept_is_there_after_a_restart_and_goes_on(unit: Unit):
    unit.say(100)
    unit.files.acknowledge(60)
    unit.say(1)
    woken = unit.wake().memory
    assert (woken.us, woken.f, woken.acked, woken.first, woken.digest) == (101, 101, 60, 1, unit.digest)
    unit.say(50)
    assert unit.lines() == [unit.said[us] for us in range(1, 152)]
    assert not unit.files.damaged and not unit.files.full and len(unit.segments) > 1


def test_any_run_of_records_is_read_alike(unit: Unit):
    unit.say(120)
    for start in range(1, 121, 7):
        for end in (start, start + 1, start + 30):
            read = [line.decode() for line in unit.files.lines(start, end)]
            assert read == [unit.said[us] for us in range(start, min(end, 120) + 1)]
        assert unit.files.digest(start) == seal.digest(unit.said[start].split("|")[1])
    assert unit.files.digest(121) is None and unit.files.digest(0) is None


def test_a_checkpoint_is_what_the_agent_wakes_up_with(unit: Unit):
    unit.say(3)
    known = memory.read(unit.note())
    known.alive = (START_MS + 99_000, "S")
    unit.files.checkpoint(memory.write(known))
    assert unit.files.unsynced > 0
    unit.files.close()
    assert unit.files.unsynced == 0
    assert unit.wake().memory.alive == (START_MS + 99_000, "S")


def test_each_new_version_begins_a_segment_and_older_records_still_say_the_older_one(unit: Unit):
    unit.say(5)
    unit.say(5, version="0.2.0")
    unit.wake()
    unit.say(5, version="0.2.0")
    assert len(unit.segments) == 2
    assert unit.lines() == [unit.said[us] for us in range(1, 16)]
    assert '"GV":"0.1.0"' in unit.lines()[4] and '"GV":"0.2.0"' in unit.lines()[5]


def test_a_record_of_another_form_is_kept_as_it_is(unit: Unit):
    unit.say(2)
    unit.files.keep(3, "1,S,3,0,3,0,-", 'OCMF|{"US":3}|{"SD":"00"}')
    unit.files.sync()
    assert list(unit.files.lines(3, 3)) == [b'OCMF|{"US":3}|{"SD":"00"}']
    assert unit.wake().memory.us == 3
    assert list(unit.files.lines(1, 3))[2] == b'OCMF|{"US":3}|{"SD":"00"}'


def test_a_record_takes_about_a_hundred_octets(unit: Unit):
    unit.say(400)
    assert sum(each.stat().st_size for each in unit.segments) < 400 * 110


# --- full flash -----------------------------------------------------------------------------------------------------


def test_nothing_is_forgotten_while_there_is_room_and_then_the_oldest_that_are_acknowledged(unit: Unit):
    unit.say(200)
    unit.files.acknowledge(200)
    unit.say(100)
    assert unit.files.first == 1
    while unit.files.first == 1:
        unit.say(10)
        unit.files.acknowledge(unit.us - 5)
    assert not unit.files.full and unit.files.first < 60
    assert unit.lines() == [unit.said[us] for us in range(unit.files.first, unit.us + 1)]
    assert sum(each.stat().st_size for each in unit.segments) <= LIMIT


def test_what_nobody_acknowledged_is_never_forgotten_the_journal_is_full_instead(unit: Unit):
    while not unit.files.full:
        unit.say(1)
    unit.say(3)  # the last words
    assert unit.files.first == 1 and not unit.files.free()
    assert unit.lines() == [unit.said[us] for us in range(1, unit.us + 1)]
    assert unit.wake().full
    unit.files.acknowledge(unit.us - 3)
    assert unit.files.free() and unit.files.first > 1
    unit.say(1)
    assert not unit.files.full


# --- never the same number twice ------------------------------------------------------------------------------------


def test_a_lost_journal_goes_on_from_the_head_that_stands_apart_and_is_full_once_so_that_it_is_told(
    unit: Unit,
):
    unit.say(70)
    shutil.rmtree(unit.folder / "journal")
    files = unit.wake()
    assert (files.memory.us, files.memory.digest, files.first) == (70, unit.digest, 71)
    assert (files.damaged, files.full) == (True, False)
    unit.say(1)
    assert [files.full, files.free(), files.full] == [True, True, False]
    assert unit.lines() == [unit.said[71]]


def test_a_journal_and_a_head_that_are_both_lost_leave_the_unit_silent_for_ever(unit: Unit):
    unit.say(5)
    for path in [unit.folder / "journal" / "state", *unit.segments]:
        path.write_bytes(b"")
    unit.apart = Apart(b"")
    files = unit.wake()
    assert files.full and not files.free() and files.memory.us == 0
    assert unit.wake().full


@pytest.mark.parametrize("octets, is_new", ((b"", True), (None, False), (b"W1 damaged", False)))
def test_a_head_apart_that_cannot_be_read_is_not_taken_for_a_new_units(tmp_path: Path, octets, is_new: bool):
    assert Unit(tmp_path, Apart(octets)).files.full != is_new


def test_without_state_and_head_apart_a_sound_journal_goes_on_alone(unit: Unit):
    unit.say(90)
    (unit.folder / "journal" / "state").unlink()
    unit.apart = Apart(b"")
    files = unit.wake()
    assert (files.memory.us, files.memory.f, files.memory.digest) == (90, 90, unit.digest)
    unit.say(1)
    assert unit.lines() == [unit.said[us] for us in range(1, 92)]


def test_without_state_and_head_apart_a_damaged_journal_is_not_gone_on_with(unit: Unit):
    unit.say(90)
    (unit.folder / "journal" / "state").unlink()
    damage(unit.segments[-1], -2)
    unit.apart = Apart(b"")
    assert unit.wake().full and not unit.files.free()


def test_a_state_that_fell_back_is_put_right_by_the_segments_and_by_the_head_apart(unit: Unit):
    unit.say(20)
    older = (unit.folder / "journal" / "state").read_bytes()
    unit.say(60)
    (unit.folder / "journal" / "state").write_bytes(older)
    assert unit.wake().memory.us == 80
    (unit.folder / "journal" / "state").write_bytes(older)
    for path in unit.segments:
        path.unlink()
    assert unit.wake().memory.us == 80 and unit.files.damaged


def test_every_single_octet_of_the_last_segment_may_break_and_no_number_is_given_twice(unit: Unit):
    unit.say(30)
    sound, path = unit.segments[-1].read_bytes(), unit.segments[-1]
    for at in range(0, len(sound), 5):
        path.write_bytes(sound)
        damage(path, at)
        assert unit.wake().memory.us == 30
        kept = [int(line.split('"US":')[1].split(",")[0]) for line in unit.lines()]
        assert unit.lines() == [unit.said[us] for us in kept]
        assert unit.files.damaged and unit.files.lost > 0
        for each in unit.segments[1:]:
            each.unlink()


def test_one_damaged_octet_costs_a_page_and_what_was_said_since_is_read(unit: Unit):
    unit.say(60)
    damage(unit.segments[0], 1500)
    found = [unit.wake().damaged]
    lost = 60 - len(unit.lines())
    assert 1 <= lost <= 12 and [*found, unit.files.damaged] == [False, True]
    unit.say(1)
    assert unit.files.full and unit.files.free()


def test_a_journal_folder_that_breaks_is_left_and_the_next_one_goes_on(unit: Unit):
    unit.say(20)
    shutil.rmtree(unit.folder / "journal" / "log")
    (unit.folder / "journal" / "log").write_text("no folder any more")
    files = unit.wake()
    assert files.memory.us == 20 and files.damaged
    unit.say(5)
    assert (unit.folder / "journal-2" / "log").is_dir()
    assert unit.wake().memory.us == 25 and unit.lines() == [unit.said[us] for us in range(21, 26)]


def test_when_no_folder_can_be_used_it_says_so(tmp_path: Path):
    for number in range(1, place.FOLDERS + 1):
        (tmp_path / ("journal" if number == 1 else f"journal-{number}")).write_text("")
    files = JournalFlash(str(tmp_path / "journal"), LIMIT, Apart())
    assert files.full and not files.free()

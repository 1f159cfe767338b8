"""A flash that breaks, or has no room left: the unit goes on, says so, and never gives a number twice."""

from __future__ import annotations

from tests.support.both import run_micropython

PLAY = "from tests.firmware.esp32 import flash_damage; flash_damage.%s"


def test_whatever_block_breaks_and_however_the_unit_boots_goes_on_and_tells_what_it_noticed():
    printed = run_micropython(PLAY % "survive(seed=1, flips=12)", heapsize="4m")
    counts = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in printed.splitlines()}
    assert set(counts) == {"MOUNTED", "MOUNTED STORAGE", "LOST STORAGE"}
    assert sum(counts.values()) > 150 and min(counts.values()) >= 2
    print(counts)


def test_with_the_flash_full_of_other_things_the_last_words_fit_and_a_gap_follows_when_there_is_room():
    kinds = run_micropython(PLAY % "full()", heapsize="2m").split()
    assert kinds[:3] == ["SESSION", "FAULT", "BOOT"]


def test_what_cannot_be_kept_does_not_leave_and_is_kept_when_there_is_room():
    assert run_micropython(PLAY % "starved()", heapsize="2m").startswith("kept ")


def test_where_other_things_keep_the_room_what_is_acknowledged_goes_and_the_unit_speaks_again():
    assert run_micropython(PLAY % "crowded()", heapsize="2m") == "goes on True\n"

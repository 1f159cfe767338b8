"""What a unit says while its meter does not."""

from __future__ import annotations

from itertools import pairwise

from firmware.agent.events import StorageFreed, StorageFull
from tests.firmware.agent.rig import Rig


def test_a_silent_meter_ends_the_session_at_its_last_reading_and_then_is_a_fault():
    rig = Rig().boot().watch(250, 100).wait(200)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "METER_SILENT"]
    assert rig.sessions() == [(0, 99, 99, "A")]
    assert rig.of("FAULT")[0].um_ms == (99 + 120) * 1000


def test_alive_goes_on_while_the_meter_is_silent():
    rig = Rig().boot().watch(2, 10).wait(4000)
    assert [each.um_ms // 1000 for each in rig.of("ALIVE")] == [729 + 600 * n for n in range(6)]
    assert rig.kinds() == ["BOOT", "METER_SILENT"]


def test_the_gap_is_told_when_a_reading_comes_and_what_is_on_then_is_a_new_session():
    rig = Rig().boot().watch(250, 100).wait(200).watch(250, 50).watch(2, 70)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "METER_SILENT", "GAP", "OPEN", "SESSION"]
    assert rig.gaps() == [(99, 300)]
    assert rig.sessions() == [(0, 99, 99, "A"), (300, 349, 49, "L")]


def test_a_reading_just_in_time_keeps_the_session_open():
    rig = Rig().boot().watch(250, 100).wait(118).watch(250, 10).watch(2, 70)
    assert rig.sessions() == [(0, 227, 227, "L")]


def test_no_energy_is_made_up_for_a_silence():
    loud, silent = Rig().boot().watch(250, 1000), Rig().boot().watch(250, 100).wait(800).watch(250, 100)
    assert loud.of("ALIVE")[0].register_mwh > 40_000
    assert silent.watch(2, 70).records[-1].register_mwh < 14_000


def test_a_meter_that_never_says_anything_is_silent_since_the_boot():
    rig = Rig().boot().wait(130).watch(2, 5)
    assert rig.kinds() == ["BOOT", "METER_SILENT", "GAP"]
    assert rig.gaps() == [(0, 130)]


def test_a_session_that_had_just_fallen_is_closed_by_the_silence_where_it_was_last_on():
    assert Rig().boot().watch(250, 100).watch(2, 10).wait(200).sessions() == [(0, 99, 99, "A")]


def test_silence_during_the_debounce_time_leaves_no_session():
    rig = Rig().boot().watch(2, 10).watch(250, 2).wait(200)
    assert rig.kinds() == ["BOOT", "METER_SILENT"]


def test_fourteen_hours_without_a_reading_are_one_gap():
    rig = Rig().boot().watch(11, 10).wait(52_820).watch(11, 10)
    assert rig.kinds() == ["BOOT", "METER_SILENT", "GAP"]
    assert max(later.um_ms - earlier.um_ms for earlier, later in pairwise(rig.records)) <= 600_000


def full(rig: Rig) -> Rig:
    return rig.feed(StorageFull(rig.mono_ms))


def freed(rig: Rig) -> Rig:
    return rig.feed(StorageFreed(rig.mono_ms))


def test_a_full_storage_is_told_once_then_nothing_is_said_then_a_gap_over_that_time():
    rig = full(Rig().boot().watch(250, 100))
    full(rig).watch(250, 2000).watch(2, 100).wait(300).watch(250, 100)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "STORAGE"]
    freed(rig).watch(250, 60).watch(2, 70)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "STORAGE", "GAP", "OPEN", "SESSION"]
    assert rig.gaps() == [(99, 2600)]
    assert rig.sessions() == [(0, 99, 99, "A"), (2600, 2659, 59, "L")]


def test_a_full_storage_keeps_nothing_not_even_checkpoints():
    rig = full(Rig().boot().watch(2, 100))
    kept = len(rig.journal)
    rig.watch(250, 3000)
    assert len(rig.journal) == kept


def test_a_unit_that_boots_without_room_says_so_when_there_is_some():
    rig = Rig().boot().watch(2, 100).cut(60)
    rig.boot(room=False).watch(250, 500)
    assert rig.kinds() == ["BOOT"]
    freed(rig).watch(250, 60).watch(2, 70)
    assert rig.kinds() == ["BOOT", "BOOT", "OPEN", "SESSION"]
    assert rig.of("BOOT")[1].um_ms == 500_000
    assert rig.sessions() == [(660, 719, 59, "L")]


def test_a_silent_meter_and_a_full_storage_make_one_gap():
    rig = full(Rig().boot().watch(2, 100).wait(200)).wait(300)
    freed(rig).wait(1000).watch(2, 10)
    assert rig.kinds() == ["BOOT", "METER_SILENT", "STORAGE", "GAP"]
    assert rig.gaps() == [(99, 1600)]


def test_a_clock_is_not_set_while_nothing_can_be_said_of_it():
    rig = full(Rig().boot(synchronised=False).watch(2, 10)).time(off_ms=50_000)
    freed(rig).watch(2, 10)
    assert rig.kinds() == ["BOOT", "STORAGE", "GAP"]
    rig.time(off_ms=50_000)
    assert rig.of("CLOCK")[0].step_ms == 50_000

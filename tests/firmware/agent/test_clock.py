"""What time a unit says it is, and how far that can be believed."""

from __future__ import annotations

from firmware.agent.clock import HOLDOVER_MS
from protocol.record import read_instant
from tests.firmware.agent.rig import START_MS, Rig


def flags(rig: Rig) -> str:
    return "".join(each.flag for each in rig.records)


def test_a_clock_that_was_never_set_counts_from_1970_and_says_so():
    rig = Rig().boot(at_ms=None).watch(2, 700)
    assert [(each.at_ms, each.flag) for each in rig.records] == [(0, "U"), (600_000, "U")]


def test_the_first_time_heard_is_a_step_that_a_record_tells():
    rig = Rig().boot(at_ms=None).watch(2, 100).time()
    said = rig.of("CLOCK")[0]
    assert (said.step_ms, said.at_ms, said.flag) == (START_MS, START_MS + 100_000, "S")
    assert rig.records[0].at_ms + START_MS == START_MS


def test_a_clock_two_seconds_off_is_left_alone():
    for off_ms in (-2000, -1, 0, 1, 2000):
        rig = Rig().boot().watch(2, 100).time(off_ms).watch(2, 600)
        assert rig.kinds() == ["BOOT"]
        assert rig.records[-1].at_ms == START_MS + rig.records[-1].um_ms


def test_a_clock_more_than_two_seconds_off_steps_and_is_never_slewed():
    rig = Rig().boot().watch(2, 100).time(-2001).watch(2, 700)
    assert rig.kinds() == ["BOOT", "CLOCK"]
    assert rig.of("CLOCK")[0].step_ms == -2001
    assert rig.records[-1].at_ms == START_MS + rig.records[-1].um_ms - 2001


def test_small_errors_do_not_add_up_unseen():
    rig = Rig().boot()
    for minute in range(1, 6):
        rig.watch(2, 60).time(minute * 700)
    assert [each.step_ms for each in rig.of("CLOCK")] == [2100]


def test_both_instants_of_a_session_come_from_one_offset():
    rig = Rig().boot(at_ms=None).watch(250, 600).time().watch(250, 600).watch(2, 70)
    assert rig.sessions() == [(0, 1199, 1199, "L")]
    assert [each.flag for each in rig.of("SESSION")[0].readings] == ["S", "S"]


def test_a_clock_without_anybody_to_vouch_for_it_informs_and_measures_durations():
    rig = Rig().boot(synchronised=False).watch(250, 100).watch(2, 70)
    assert flags(rig) == "IIR"
    assert [each.flag for each in rig.of("SESSION")[0].readings] == ["I", "R"]


def test_a_session_on_a_clock_that_was_never_set_says_so_at_both_ends():
    rig = Rig().boot(at_ms=None).watch(250, 100).watch(2, 70)
    assert [each.flag for each in rig.of("SESSION")[0].readings] == ["U", "U"]


def test_a_clock_that_was_right_at_the_boot_before_only_informs_until_it_is_heard_again():
    rig = Rig().boot().watch(2, 110).cut(3600).boot(at_ms=None).watch(2, 650)
    assert flags(rig) == "SII"
    assert rig.records[1].at_ms == rig.records[1].alive_ms == START_MS + 100_000
    assert rig.records[1].alive_flag == "S"


def test_a_clock_that_was_never_right_stays_unset_after_a_boot():
    rig = Rig().boot(at_ms=None).watch(2, 110).cut(3600).boot(at_ms=None)
    assert flags(rig) == "UU"
    assert rig.records[1].at_ms == 100_000


def test_time_that_nobody_vouches_for_is_believed_only_by_a_clock_that_was_never_set():
    assert Rig().boot(at_ms=None).time(synchronised=False).kinds() == ["BOOT", "CLOCK"]
    assert Rig().boot(synchronised=False).time(90_000, synchronised=False).kinds() == ["BOOT"]
    assert Rig().boot().time(90_000, synchronised=False).kinds() == ["BOOT"]


def test_a_machine_whose_clock_fell_back_goes_on_from_where_it_is_known_to_have_been():
    rig = Rig().boot().watch(2, 110).cut(10).boot(at_ms=START_MS - 86_400_000, synchronised=False)
    assert (rig.records[1].at_ms, rig.records[1].flag) == (START_MS + 100_000, "I")


def test_an_informative_clock_that_is_found_right_becomes_synchronised_without_a_step():
    rig = Rig().boot(synchronised=False).watch(2, 100).time().watch(2, 600)
    assert rig.kinds() == ["BOOT"] and flags(rig) == "IS"


def test_a_day_without_hearing_the_time_makes_a_clock_informative():
    rig = Rig().boot().watch(2, HOLDOVER_MS // 1000 - 600, every_s=60)
    assert rig.records[-1].flag == "S"
    rig.watch(2, 1300, every_s=60)
    assert rig.records[-1].flag == "I"
    assert rig.time().watch(2, 700, every_s=60).records[-1].flag == "S"


def test_a_boot_whose_time_is_known_begins_with_it_and_needs_no_step():
    rig = Rig().boot().watch(2, 10).cut(500_000).boot()
    assert rig.kinds() == ["BOOT", "BOOT"]
    assert rig.records[1].at_ms == START_MS + 500_010 * 1000


def test_a_cut_session_keeps_the_instants_and_the_flag_of_its_own_boot():
    rig = Rig().boot(synchronised=False).watch(250, 150).cut(50).boot()
    assert [each.flag for each in rig.of("SESSION")[0].readings] == ["I", "R"]
    assert rig.sessions() == [(0, 103, 103, "P")]


def test_impossible_times_are_refused():
    rig = Rig().boot(at_ms=1 << 60).watch(2, 10)
    rig.time(off_ms=1 << 60).time(off_ms=-START_MS)
    assert rig.notes == ["TIME_REFUSED"] * 3 and rig.kinds() == ["BOOT"]


def test_the_districts_checkpoint_is_copied_from_when_it_is_heard_and_survives_a_boot():
    rig = Rig().boot().time(checkpoint="8:00112233aabbccdd").watch(2, 610)
    assert [each.checkpoint for each in rig.records] == [None, "8:00112233aabbccdd"]
    rig.time(checkpoint="9:ffffffffffffffff").watch(2, 60).cut().boot()
    assert rig.records[-1].checkpoint == "9:ffffffffffffffff"


def test_a_gap_is_told_by_one_offset_though_the_clock_stepped_in_it():
    rig = Rig().boot(at_ms=None).watch(2, 100).wait(200).time().watch(2, 5)
    assert rig.kinds() == ["BOOT", "METER_SILENT", "CLOCK", "GAP"]
    span = [read_instant(each) for each in rig.records[-1].document["UG"]]
    assert span == [(START_MS + 99_000, "S"), (START_MS + 300_000, "S")]

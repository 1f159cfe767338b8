"""What counts as a session, and what its record says of it."""

from __future__ import annotations

from typing import Any

from firmware.agent.events import CaseOpened, Finished, Tagged
from tests.firmware.agent.rig import START_MS, Rig


def lamp(**profile: int) -> Rig:
    return Rig(profile).boot()


def test_a_session_begins_and_ends_at_readings_and_is_told_when_no_interruption_can_still_be_merged():
    rig = lamp().watch(2, 300).watch(250, 1260).watch(2, 120)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION"]
    assert rig.sessions() == [(300, 1559, 1259, "L")]
    assert rig.of("SESSION")[0].um_ms == 1620_000


def test_open_is_said_as_soon_as_the_debounce_time_is_over():
    rig = lamp().watch(2, 10).watch(250, 4)
    assert [(each.kind, each.um_ms) for each in rig.records] == [("BOOT", 0), ("OPEN", 13_000)]


def test_an_inrush_shorter_than_the_debounce_time_is_no_session():
    rig = lamp().watch(2, 10).watch(900, 3).watch(2, 200)
    assert rig.kinds() == ["BOOT"]


def test_the_debounce_time_does_not_shorten_a_session():
    assert lamp(debounce_s=30).watch(2, 5).watch(250, 100).watch(2, 70).sessions() == [(5, 104, 99, "L")]


def test_without_debounce_one_reading_is_a_session_of_no_length():
    rig = lamp(debounce_s=0).watch(2, 5).watch(250, 1).watch(2, 70)
    assert rig.sessions() == [(5, 5, 0, "L")]
    assert rig.powers_mw() == [(250_000, 250_000, 250_000)]


def test_between_the_thresholds_a_load_stays_what_it_was():
    never_on = lamp().watch(30, 200)
    assert never_on.sessions() == [] and never_on.kinds() == ["BOOT"]
    still_on = lamp().watch(50, 60).watch(30, 200).watch(2, 70)
    assert still_on.sessions() == [(0, 259, 259, "L")]


def test_a_load_exactly_at_a_threshold_is_on():
    assert lamp().watch(40, 10).watch(25, 10).watch(24.999, 70).sessions() == [(0, 19, 19, "L")]


def test_an_interruption_that_is_merged_is_counted_and_not_active():
    rig = lamp().watch(250, 600).watch(2, 59).watch(250, 601).watch(2, 70)
    assert rig.sessions() == [(0, 1259, 599 + 600, "L")]
    assert rig.of("SESSION")[0].interruptions == 1


def test_a_pause_longer_than_merging_allows_ends_the_session():
    rig = lamp().watch(250, 600).watch(2, 60).watch(250, 600).watch(2, 70)
    assert rig.sessions() == [(0, 599, 599, "L"), (660, 1259, 599, "L")]
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "OPEN", "SESSION"]


def test_a_spike_inside_a_pause_does_not_make_it_shorter():
    rig = lamp().watch(250, 100).watch(2, 40).watch(900, 2).watch(2, 40).watch(250, 100).watch(2, 70)
    assert rig.sessions() == [(0, 99, 99, "L"), (182, 281, 99, "L")]


def test_pauses_that_the_profile_declares_as_cycling_count_as_on():
    rig = lamp(thermostat_s=31, merge_s=0).watch(250, 60)
    for _ in range(5):
        rig.watch(2, 30).watch(250, 90)
    rig.watch(2, 70)
    assert rig.sessions() == [(0, 659, 659, "L")]
    assert rig.of("SESSION")[0].interruptions == 0
    assert (rig.powers_mw()[0][0], rig.powers_mw()[0][2]) == (2_000, 250_000)


def test_a_load_may_cycle_and_be_interrupted_besides():
    rig = (
        lamp(thermostat_s=10, merge_s=60)
        .watch(250, 60)
        .watch(2, 9)
        .watch(250, 60)
        .watch(2, 40)
        .watch(250, 60)
    )
    rig.watch(2, 70)
    assert rig.sessions() == [(0, 228, 60 + 9 + 59 + 59, "L")]
    assert rig.of("SESSION")[0].interruptions == 1


def test_the_mean_power_is_weighted_by_time_and_leaves_interruptions_out():
    rig = lamp(debounce_s=0).watch(300, 10, every_s=10).watch(100, 90, every_s=90).watch(100, 1).watch(2, 50)
    rig.watch(100, 100).watch(2, 70)
    mean_mw = (200_000 * 10 + 100_000 * 90 + 100_000 * 99) // (10 + 90 + 99)
    assert rig.powers_mw() == [(100_000, mean_mw, 300_000)]


def test_the_register_integrates_power_and_prints_milliwatt_hours():
    rig = lamp().watch(0, 10).watch(360, 3601).watch(0, 70)
    begin, end = rig.of("SESSION")[0].readings
    assert end.register_mwh - begin.register_mwh == 360_000
    assert '"RV":0.360050,' in rig.of("SESSION")[0].payload


def test_readings_that_come_seldom_make_the_same_session():
    rig = lamp().watch(2, 300, every_s=10).watch(250, 1260, every_s=10).watch(2, 120, every_s=10)
    assert rig.sessions() == [(300, 1550, 1250, "L")]


def test_several_readings_of_one_instant_are_taken_as_they_come():
    rig = lamp().watch(2, 10)
    for watts in (250, 2, 250, 250):
        rig.read(watts)
    rig.wait(1).watch(250, 100).read(250).read(2).wait(1).watch(2, 70)
    assert rig.sessions() == [(10, 111, 101, "L")]
    assert rig.notes == []


def test_a_reading_that_goes_back_in_time_is_refused():
    rig = lamp().watch(2, 100)
    rig.now_s -= 50
    rig.watch(250, 20)
    rig.now_s += 50
    assert set(rig.notes) == {"READING_REFUSED"} and rig.kinds() == ["BOOT"]


def test_a_power_that_cannot_be_is_refused_and_counts_as_no_reading():
    rig = lamp().watch(250, 100)
    for _ in range(130):
        rig.read(-1).read(26_000).wait(1)
    assert set(rig.notes) == {"READING_REFUSED"}
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "METER_SILENT"]


def test_a_load_of_another_kind_than_declared_is_told_after_its_session():
    rig = lamp(least_mw=100_000, most_mw=400_000).watch(900, 60).watch(2, 70)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "LOAD_MISMATCH"]
    assert lamp(least_mw=100_000, most_mw=400_000).watch(250, 60).watch(2, 70).kinds() == [
        "BOOT",
        "OPEN",
        "SESSION",
    ]


def test_alive_is_said_whenever_ten_minutes_passed_without_a_record():
    rig = lamp().watch(2, 700).watch(250, 4).watch(250, 700)
    assert [(each.kind, each.um_ms // 1000) for each in rig.records] == [
        ("BOOT", 0), ("ALIVE", 600), ("OPEN", 703), ("ALIVE", 1303),
    ]  # fmt: skip


def test_records_of_treatments_and_all_others_are_counted_apart_without_a_gap():
    rig = lamp()
    for _ in range(3):
        rig.watch(250, 30).watch(2, 700)
    assert [each.pagination for each in rig.of("SESSION")] == ["T1", "T2", "T3"]
    others = [each.pagination for each in rig.records if each.kind != "SESSION"]
    assert others == [f"F{number}" for number in range(1, len(others) + 1)]
    assert [each.us for each in rig.records] == list(range(1, len(rig.records) + 1))


def test_a_tag_is_told_at_once_and_again_in_the_session_that_is_open():
    rig = Rig(stations=2).boot().watch(2, 5)
    for number, tag in enumerate(("a" * 64, "b" * 64, "b" * 64, "c" * 64)):
        if number == 1:
            rig.watch(250, 10)
        rig.feed(_tagged(rig, tag))
    rig.watch(250, 10).watch(2, 70)
    assert [each.tags for each in rig.of("TAG")] == [["a" * 64], ["b" * 64], ["b" * 64], ["c" * 64]]
    assert rig.of("SESSION")[0].tags == ["b" * 64, "c" * 64]


def test_what_is_no_tag_is_refused():
    rig = Rig().boot()
    rig.feed(_tagged(rig, "110101199003070000"))
    assert rig.notes == ["TAG_REFUSED"] and rig.kinds() == ["BOOT"]


def test_an_opened_case_is_a_fault():
    rig = Rig().boot()
    rig.feed(CaseOpened(rig.mono_ms))
    assert rig.kinds() == ["BOOT", "CASE_OPEN"]
    assert rig.records[-1].register_mwh is None


def test_the_end_of_a_recording_closes_an_open_session_at_its_last_reading():
    rig = lamp().watch(250, 100)
    rig.feed(Finished(rig.mono_ms))
    assert rig.sessions() == [(0, 99, 99, "A")]
    assert rig.of("SESSION")[0].at_ms == START_MS + 99_000


def _tagged(rig: Rig, tag: str) -> Any:
    return Tagged(rig.mono_ms, tag)

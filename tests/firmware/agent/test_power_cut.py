"""What a power cut costs, and what the next boot says."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware.agent import journal
from firmware.agent.events import Stopping, Tagged
from protocol.chain import NEXT, judge, lengthen
from protocol.record import Record
from tests.firmware.agent.rig import START_MS, Rig


def chain_holds(records: list[Record]) -> bool:
    """Whether every record is NEXT to those before it, from 1."""
    head = None
    for each in records:
        if judge(head, each) != NEXT:
            return False
        head = lengthen(head, each)
    return records[0].us == 1


def test_the_first_boot_knows_no_earlier_instant():
    assert Rig().boot().records[0].alive_ms is None


def test_the_next_boot_tells_the_last_instant_that_the_journal_proves():
    rig = Rig().boot().watch(2, 119).cut(3600).boot()
    assert rig.records[-1].alive_ms == START_MS + 100_000
    assert chain_holds(rig.records)


def test_a_session_that_was_cut_is_told_after_the_boot_as_its_checkpoint_had_it():
    rig = Rig().boot().watch(250, 1000).watch(240, 29).cut(120).boot().watch(2, 10)
    assert rig.kinds() == ["BOOT", "OPEN", "BOOT", "SESSION"]
    begin_s, end_s, active_s, code = rig.sessions()[0]
    assert (begin_s, active_s, code) == (0, end_s, "P")
    assert 1029 - end_s <= 60
    assert rig.of("SESSION")[0].boot == rig.of("BOOT")[1].boot


def test_a_cut_costs_a_minute_at_most_whenever_it_comes():
    for second in range(4, 400, 7):
        rig = Rig().boot().watch(250, second).cut(10).boot()
        assert second - rig.sessions()[0][1] <= 60, second


def test_a_cut_costs_a_minute_at_most_with_a_meter_that_answers_every_ten_seconds():
    for second in range(11, 400, 13):
        rig = Rig().boot().watch(250, second, every_s=10).cut(10).boot()
        assert second - rig.sessions()[0][1] <= 60, second


def test_a_cut_session_and_the_one_after_it_are_two():
    rig = Rig().boot().watch(250, 900).cut(120).boot().watch(250, 180).watch(2, 70)
    assert rig.kinds() == ["BOOT", "OPEN", "BOOT", "SESSION", "OPEN", "SESSION"]
    assert rig.sessions()[1] == (1020, 1199, 179, "L")


def test_a_cut_session_is_told_once_however_often_the_mains_fail():
    rig = Rig().boot().watch(250, 900).cut(10).boot().cut(10).boot().cut(10).boot().watch(2, 100)
    assert rig.kinds() == ["BOOT", "OPEN", "BOOT", "SESSION", "BOOT", "BOOT"]


def test_a_cut_right_after_the_boot_record_does_not_lose_the_session():
    rig = Rig().boot().watch(250, 900).cut(10)
    before = len(rig.journal)
    rig.boot()
    after_boot = rig.journal.index(b"\n", rig.journal.index(b"\n", before) + 1) + 1
    rig.journal, rig.records = rig.journal[:after_boot], rig.records[:-1]
    rig.cut(10).boot()
    assert rig.kinds() == ["BOOT", "OPEN", "BOOT", "BOOT", "SESSION"]
    assert chain_holds(rig.records) and rig.sessions()[0][3] == "P"


def test_a_session_that_ended_before_the_cut_is_not_told_again():
    rig = Rig().boot().watch(250, 100).watch(2, 62).cut(10).boot().watch(2, 10)
    assert rig.kinds() == ["BOOT", "OPEN", "SESSION", "BOOT"]


def test_a_cut_session_keeps_its_tags_interruptions_and_power():
    rig = Rig(stations=2).boot().watch(250, 100).watch(2, 20)
    rig.feed(Tagged(rig.mono_ms, "a" * 64)).watch(230, 100).cut(5).boot()
    said = rig.of("SESSION")[0]
    assert said.tags == ["a" * 64] and said.interruptions == 1
    assert (rig.powers_mw()[0][0], rig.powers_mw()[0][2]) == (230_000, 250_000)
    assert said.readings[1].register_mwh > said.readings[0].register_mwh


def test_counters_register_and_checkpoint_of_the_district_survive_a_cut():
    rig = Rig().boot().time(checkpoint="17:0123456789abcdef").watch(250, 700).cut(10).boot().watch(2, 700)
    assert chain_holds(rig.records)
    assert [each.pagination for each in rig.records] == ["F1", "F2", "F3", "F4", "T1", "F5"]
    registers = [each.register_mwh for each in rig.records if each.kind != "SESSION"]
    assert registers == sorted(registers) and registers[-1] > 40_000
    assert {each.checkpoint for each in rig.records[1:]} == {"17:0123456789abcdef"}


def test_a_program_that_is_asked_to_end_says_nothing_and_forgets_nothing():
    rig = Rig().boot().watch(250, 333)
    said = len(rig.records)
    rig.feed(Stopping(rig.mono_ms))
    assert len(rig.records) == said
    assert rig.cut(5).boot().sessions() == [(0, 332, 332, "P")]


@given(
    st.lists(st.tuples(st.sampled_from((2, 30, 250)), st.integers(1, 400), st.booleans()), max_size=12),
    st.data(),
)
def test_whatever_the_load_does_and_wherever_the_journal_is_cut_the_chain_goes_on_without_a_fork(days, data):
    rig = Rig().boot()
    for watts, seconds, cut in days:
        rig.watch(watts, seconds, every_s=7)
        if cut:
            keep = _cut_somewhere(rig, data)
            rig.records = [each for each in rig.records if each.us <= keep]
            rig.cut(30).boot()
    assert chain_holds(rig.records)
    assert [each.us for each in rig.records] == list(range(1, len(rig.records) + 1))
    spans = sorted((begin, end) for begin, end, _, _ in rig.sessions())
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def _cut_somewhere(rig: Rig, data: st.DataObject) -> int:
    """Tear the journal's last lines off at any byte; returns the last record that is still whole."""
    torn = data.draw(st.integers(0, min(3000, len(rig.journal))))
    rig.journal = rig.journal[: len(rig.journal) - torn]
    if rig.journal and not rig.journal.endswith(b"\n"):
        rig.journal += b"\n"
    return journal.recover([rig.journal]).us

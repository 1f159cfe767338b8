"""What holds for any load: hypothesis looks for a day that breaks it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware.agent import events
from protocol.record import Record
from tests.firmware.agent.rig import Rig
from tests.firmware.agent.test_power_cut import chain_holds

WATTS = st.one_of(st.sampled_from((0, 2, 24.999, 25, 39.999, 40, 250)), st.floats(0, 24_000))
PAUSES_S = st.one_of(st.integers(0, 12), st.integers(0, 200))
PROFILES = st.fixed_dictionaries(
    {
        "debounce_s": st.sampled_from((0, 3, 30)),
        "merge_s": st.sampled_from((0, 10, 60)),
        "thermostat_s": st.sampled_from((0, 20, 300)),
        "silence_s": st.sampled_from((5, 120)),
    }
)


@given(PROFILES, st.lists(st.tuples(PAUSES_S, WATTS), max_size=80))
def test_whatever_the_load_does_the_records_make_sense(profile, readings):
    rig = Rig(profile).boot()
    for pause_s, watts in readings:
        rig.wait(pause_s).read(watts)
    rig.feed(events.Finished(rig.mono_ms))
    assert chain_holds(rig.records)
    for said in rig.of("SESSION"):
        _makes_sense(said)
    _do_not_overlap(rig)
    registers = [each.register_mwh for each in rig.records if each.kind not in ("SESSION", "FAULT")]
    assert registers == sorted(registers)


def _makes_sense(said: Record) -> None:
    begin, end = said.readings
    span_ms = end.at_ms - begin.at_ms
    assert span_ms >= 0 and 0 <= said.active_s <= span_ms // 1000 + 1
    assert end.register_mwh >= begin.register_mwh
    low, mean, high = said.power_mw or (0, 0, 0)
    assert low <= mean <= high
    counted_mwh, meant_mwh = end.register_mwh - begin.register_mwh, mean * said.active_s // 3600
    assert counted_mwh + 1 >= meant_mwh  # what interruptions drew comes on top


def _do_not_overlap(rig: Rig) -> None:
    spans = sorted([(begin, end) for begin, end, _, _ in rig.sessions()])
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    for from_s, until_s in rig.gaps():
        assert all(end <= from_s or begin >= until_s for begin, end in spans)


@given(PROFILES, st.lists(st.tuples(st.integers(1, 30), WATTS), min_size=1, max_size=60))
def test_the_same_readings_make_the_same_bytes(profile, readings):
    said = []
    for _ in range(2):
        rig = Rig(profile).boot()
        for pause_s, watts in readings:
            rig.wait(pause_s).read(watts)
        said.append([each.payload for each in rig.records])
    assert said[0] == said[1]


@given(st.lists(st.tuples(st.integers(1, 30), WATTS), max_size=60), st.data())
def test_readings_that_are_refused_change_nothing(readings, data):
    plain, disturbed = Rig().boot(), Rig().boot()
    for pause_s, watts in readings:
        plain.wait(pause_s).read(watts)
        disturbed.wait(pause_s).read(watts)
        if data.draw(st.booleans()):
            disturbed.read(-1).read(25_001)
    assert [each.payload for each in plain.records] == [each.payload for each in disturbed.records]

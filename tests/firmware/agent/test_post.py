"""A unit without a meter: it reads tags where no meter sees what is done, and never says of one that it is silent."""

from __future__ import annotations

import pytest

from firmware.agent.config import Config, ConfigError
from firmware.agent.events import CaseOpened, StorageFreed, StorageFull, Tagged
from tests.firmware.agent.rig import LAMP, METER, Rig

NAMED = {"unit": "U1", "version": "0.1.0"}
TAG = "ab" * 32


def post() -> Rig:
    rig = Rig()
    rig.config = Config(NAMED)
    return rig.boot()


def test_it_tells_tags_and_that_it_is_alive_and_nothing_of_a_meter():
    rig = post().wait(3600)
    rig.feed(Tagged(rig.mono_ms, TAG))
    rig.wait(3600)
    assert rig.kinds() == ["BOOT", "TAG"]
    alive = [each.um_ms // 600_000 for each in rig.of("ALIVE")]
    assert alive == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11], "the tag took the place of the sixth"
    assert rig.of("TAG")[0].tags == [TAG]
    assert {each.register_mwh for each in rig.records if each.kind != "FAULT"} == {0}
    assert {each.maker for each in rig.records} == {"none"}


def test_an_opened_case_and_a_full_storage_are_told_as_by_any_unit():
    rig = post().wait(100)
    rig.feed(CaseOpened(rig.mono_ms))
    rig.feed(StorageFull(rig.mono_ms))
    rig.wait(500)
    rig.feed(StorageFreed(rig.mono_ms))
    assert rig.kinds() == ["BOOT", "CASE_OPEN", "STORAGE", "GAP"]
    assert rig.gaps() == [(100, 600)]
    assert rig.wait(700).kinds()[4:] == []


def test_a_cut_costs_it_nothing_that_was_told():
    rig = post().wait(100)
    rig.feed(Tagged(rig.mono_ms, TAG))
    rig.cut(60).boot().wait(700)
    assert rig.kinds() == ["BOOT", "TAG", "BOOT"]


@pytest.mark.parametrize("half", ({"meter": METER}, {"profile": LAMP}))
def test_half_a_meter_is_none(half):
    with pytest.raises(ConfigError, match="must be a table"):
        Config(NAMED | half)

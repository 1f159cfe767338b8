"""What readings at posts are taken to mean: whichever they are, pairs that can be, and nothing from a reading alone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import catalogue
from gateway.audit.posts import AGAIN_MS, Known, Paid, Recorded, Scan, is_post, lasts_ms, named, stays

ITEMS = catalogue.read().items
MINUTE_MS, DAY_MS = 60_000, 86_400_000


@pytest.mark.parametrize("load, item", [("post", None), ("post16", 16), ("post4", 4)])
def test_a_post_may_name_its_item(load, item):
    assert is_post(load) and named(load) == item


@pytest.mark.parametrize("load", ["tdp", "item16", "post0", "post016", "posts", "post_16", "apost"])
def test_no_other_class_is_a_post(load):
    assert not is_post(load) and named(load) is None


def scan(us: int, at_ms: int, unit: str = "P1", tag: str = "a", item: int | None = None) -> Scan:
    return Scan(unit, us, at_ms, date.fromordinal(738_000 + at_ms // DAY_MS), tag, "R1", item)


def paid(item: int, charged_ms: int = 0, **other: object) -> Paid:
    about = {"room": "", "staff": "D01", "count": 1, "window": (0, DAY_MS - 1)} | other
    return Paid(line=f"V1/{item}", visit="V1", item=ITEMS[item], charged_ms=charged_ms, **about)  # type: ignore[arg-type]


def known(*lines: Paid, recorded: tuple[Recorded, ...] = ()) -> Known:
    return Known({"a": "V1"}, {"V1": lines}, recorded, {}, {}, 75 * MINUTE_MS, {"R1", "R2"})


def meant(*lines: Paid, at_ms: int = 60 * MINUTE_MS, item: int | None = None) -> int | None:
    found = stays([scan(1, at_ms, item=item)], known(*lines))[0].item
    return found.number if found else None


def test_the_only_item_that_is_paid_and_that_no_meter_sees_is_meant():
    assert meant(paid(4)) == 4
    assert meant(paid(4), paid(31), paid(23)) == 4
    assert meant(paid(31)) is None
    assert meant() is None


def test_of_several_only_a_post_that_names_one_decides():
    assert meant(paid(4), paid(16)) is None
    assert meant(paid(4), paid(16), item=16) == 16
    assert meant(paid(4), item=16) is None
    assert meant(paid(4), paid(16, charged_ms=61 * MINUTE_MS), item=16) == 16


def test_what_was_charged_before_it_began_goes_before_what_was_charged_then():
    assert meant(paid(4), paid(16, charged_ms=61 * MINUTE_MS)) == 4
    assert meant(paid(4, charged_ms=70 * MINUTE_MS), paid(16, charged_ms=61 * MINUTE_MS)) == 16


def test_a_line_of_another_room_or_day_or_one_refunded_before_is_not_meant():
    assert meant(paid(4, room="R2")) is None
    assert meant(paid(4, room="中医科")) == meant(paid(4, room="R1")) == 4
    assert meant(paid(4, window=(DAY_MS, 2 * DAY_MS))) is None
    assert meant(paid(4, refunded_ms=59 * MINUTE_MS)) is None
    assert meant(paid(4, refunded_ms=61 * MINUTE_MS)) == 4


def test_what_people_recorded_is_done_already():
    found = stays([scan(1, MINUTE_MS)], known(paid(4), paid(16), recorded=(Recorded(1, "V1", 4),)))
    assert [each.item and each.item.number for each in found] == [16]


READINGS = st.lists(
    st.tuples(st.sampled_from(["P1", "P2"]), st.sampled_from("ab"), st.integers(0, 3 * DAY_MS // 2)),
    max_size=12,
)


@given(READINGS)
def test_every_reading_belongs_to_one_treatment_that_could_be(readings):
    scans = [scan(us, at_ms, unit, tag) for us, (unit, tag, at_ms) in enumerate(readings, start=1)]
    found = stays(scans, known(paid(4, count=9), paid(16, count=9, charged_ms=DAY_MS)))
    assert sorted(key for each in found for key in each.keys) == sorted(each.key for each in scans)
    for each in found:
        assert each.begin.key == each.keys[0]
        assert each.closes_ms - each.begin.at_ms == (lasts_ms(each.item) if each.item else 75 * MINUTE_MS)
        if each.end is not None:
            assert each.end.at_ms - each.begin.at_ms >= AGAIN_MS and each.end.at_ms <= each.closes_ms
            assert (each.end.unit, each.end.tag, each.end.day) == (
                each.begin.unit,
                each.begin.tag,
                each.begin.day,
            )


@given(READINGS, st.randoms())
def test_the_order_of_readings_is_nothing(readings, random):
    scans = [scan(us, at_ms, unit, tag) for us, (unit, tag, at_ms) in enumerate(readings, start=1)]
    lines = known(paid(4, count=2), paid(16, charged_ms=DAY_MS // 4))
    straight = stays(scans, lines)
    random.shuffle(scans)
    assert stays(scans, lines) == straight

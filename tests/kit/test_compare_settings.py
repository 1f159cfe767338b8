"""What a clinic can set by itself, held against the district's: what makes it easier for the clinic is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.kit.compare_settings import CODES, Place, Settings, compare_settings

ITEM = {
    "number": 31, "per": "区", "min_minutes": 20, "max_minutes": 30, "device_class": "tdp", "day_max": None,
    "course_max": None, "course_days": None, "valid_days": None, "valid_from": None, "valid_to": None, "en": "TDP",
}  # fmt: skip
DAY = (0, 86_400_000)
HOUR_MS = 3_600_000


def device(name, stations=1, load="tdp", blind=False, span=DAY):
    return Place(name, "", load, stations, blind, span)


def lamp(unit="U1", stations=1, load="tdp", blind=False, span=DAY, name="lamp"):
    """A device that was there all day, and the unit on it in a span."""
    return [device(name, stations, load, blind), Place(name, unit, load, stations, blind, span)]


HELD = Settings(
    "08:00", "20:00", "Asia/Shanghai", frozenset(["2026-03-08"]), "", [ITEM], frozenset(["U1"]), lamp()
)


def look(held=HELD, charged=None, **other):
    return compare_settings(held, replace(HELD, **other), charged or {}, DAY)


def named(charged=None, **other):
    return [(each.code, each.where) for each in look(HELD, charged, **other)]


def test_the_same_settings_are_in_order():
    assert named() == []


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({"opens": "08:30"}, [("hours_differ", "hours")]),
        ({"closes": "19:59"}, [("hours_differ", "hours")]),
        ({"opens": "07:00", "closes": "21:00"}, []),
        ({"opens": "07:00", "closes": "12:00"}, [("hours_differ", "hours")]),
    ],
)
def test_shorter_hours_are_named_and_longer_ones_are_not(hours, expected):
    assert named(**hours) == expected


def test_a_day_said_to_be_closed_is_named_only_if_the_platform_was_charged_then():
    closed = frozenset(["2026-03-08", "2026-03-09", "2026-03-10"])
    assert named({"2026-03-08": 3, "2026-03-10": 2}, closed=closed) == [("closed_but_charged", "2026-03-10")]


def test_an_item_of_other_minutes_is_named_with_what_differs():
    (said,) = look(items=[ITEM | {"min_minutes": 5, "day_max": 9}])
    assert (said.code, said.where) == ("item_differs", "item:31") and "day_max, min_minutes" in said.zh


def test_an_item_or_a_version_that_only_one_has_is_named():
    assert named(items=[]) == [("item_differs", "item:31")]
    assert named(items=[ITEM, ITEM | {"number": 99}]) == [("item_differs", "item:99")]
    assert named(items=[ITEM, ITEM | {"valid_from": "2026-03-01"}]) == [("item_differs", "item:31")]


def test_other_rules_of_leads_are_named():
    assert named(rules="ab" * 32) == [("rules_differ", "rules")]


def test_what_an_item_is_called_does_not_count():
    assert named(items=[ITEM | {"en": "lamp"}]) == []


def test_another_zone_moves_the_hours_and_is_named():
    assert named(timezone="Asia/Tokyo") == [("hours_differ", "hours")]


def test_another_class_or_more_stations_are_named_and_fewer_are_not():
    assert named(places=lamp(load="stim")) == [("device_differs", "U1")]
    assert named(places=lamp(stations=2)) == [("device_differs", "U1")]
    assert look(replace(HELD, places=lamp(stations=3))) == []


def test_stations_that_a_unit_had_only_for_some_hours_of_the_time_are_named_too():
    noon = 12 * HOUR_MS
    moved = [*lamp(stations=9, span=(0, noon), name="big"), *lamp(span=(noon, DAY[1]))]
    assert named(places=moved) == [("device_differs", "U1")]
    long_ago = [*lamp(stations=9, span=(-noon, 0), name="big"), *lamp()]
    assert ("device_differs", "U1") not in named(places=long_ago)


def test_a_unit_of_which_the_district_knows_no_device_is_not_compared():
    assert named(units=frozenset(["U1", "U2"]), places=[*lamp(), *lamp("U2", stations=9, name="other")]) == []


def test_a_unit_that_was_taken_off_its_device_is_named_with_the_hours():
    (said,) = look(places=lamp(span=(6 * HOUR_MS, DAY[1])))
    assert (said.code, said.where) == ("unit_displaced", "U1") and "6.0" in said.zh and "6.0" in said.en
    assert named(places=lamp(span=(60_000, DAY[1]))) == []
    assert named(places=[device("lamp")]) == [("unit_displaced", "U1"), ("unseen_added", "tdp")]


def test_a_unit_that_the_pack_hides_is_named_elsewhere():
    assert named(units=frozenset(), places=[]) == []


def test_devices_that_nothing_watches_are_counted_by_class():
    assert named(places=[*lamp(), device("dry")]) == [("unseen_added", "tdp")]
    assert named(places=lamp(blind=True)) == [("unseen_added", "tdp")]
    assert named(places=[*lamp(), device("sold", span=(-HOUR_MS, 0))]) == []
    assert look(replace(HELD, places=[*lamp(), device("its")]), places=[*lamp(), device("dry")]) == []


def test_every_code_is_met_here():
    assert set(CODES) == {
        "hours_differ",
        "closed_but_charged",
        "rules_differ",
        "item_differs",
        "device_differs",
        "unit_displaced",
        "unseen_added",
    }

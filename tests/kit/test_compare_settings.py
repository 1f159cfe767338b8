"""What a clinic can set by itself, held against the district's: what makes it easier for the clinic is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.kit.compare_settings import CODES, Settings, compare_settings

ITEM = {
    "number": 31, "per": "区", "min_minutes": 20, "max_minutes": 30, "device_class": "tdp", "day_max": None,
    "course_max": None, "course_days": None, "valid_days": None, "valid_from": None, "valid_to": None, "en": "TDP",
}  # fmt: skip
HELD = Settings("08:00", "20:00", frozenset(["2026-03-08"]), "", [ITEM], {"U1": ("tdp", 1)})


def named(charged=None, **other):
    return [(each.code, each.where) for each in compare_settings(HELD, replace(HELD, **other), charged or {})]


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
    (said,) = compare_settings(HELD, replace(HELD, items=[ITEM | {"min_minutes": 5, "day_max": 9}]), {})
    assert (said.code, said.where) == ("item_differs", "item:31") and "day_max, min_minutes" in said.zh


def test_an_item_or_a_version_that_only_one_has_is_named():
    assert named(items=[]) == [("item_differs", "item:31")]
    assert named(items=[ITEM, ITEM | {"number": 99}]) == [("item_differs", "item:99")]
    assert named(items=[ITEM, ITEM | {"valid_from": "2026-03-01"}]) == [("item_differs", "item:31")]


def test_other_rules_of_leads_are_named():
    assert named(rules="ab" * 32) == [("rules_differ", "rules")]


def test_what_an_item_is_called_does_not_count():
    assert named(items=[ITEM | {"en": "lamp"}]) == []


def test_another_class_or_more_stations_are_named_and_fewer_are_not():
    assert named(devices={"U1": ("stim", 1)}) == [("device_differs", "U1")]
    assert named(devices={"U1": ("tdp", 2)}) == [("device_differs", "U1")]
    assert named(devices={"U2": ("tdp", 9)}) == []
    fewer = compare_settings(replace(HELD, devices={"U1": ("tdp", 3)}), HELD, {})
    assert fewer == []


def test_every_code_is_met_here():
    assert set(CODES) == {
        "hours_differ",
        "closed_but_charged",
        "rules_differ",
        "item_differs",
        "device_differs",
    }

"""A day by item, room, practitioner, verdict: what is hidden, and what never is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pages import day
from gateway.pages.narrow import Asked, asked, choices, narrow
from gateway.pages.view import AMONG, PENDING, VERDICTS
from tests.pages.clinic_day import DAY
from tests.pages.views import views
from tests.support.found import found

ADDRESS = f"/day/{DAY}"
DOUBTS = ("short", "no_device_time", "unobserved")


@pytest.fixture(scope="module")
def view(small_day):
    with small_day.ledger() as db:
        return day.day_view(db, small_day.config, DAY)


def rows(page: str) -> list[str]:
    """The bill lines that a page lists."""
    return re.findall(r'<th scope="row" class="ref"><a href="/line/[^"]+">([^<]+)</a>', page)


@given(views(), st.sampled_from([*VERDICTS, PENDING, AMONG]))
def test_no_filter_tells_one_line_of_a_set_from_another(view, code):
    shown = narrow(view, Asked(verdict=code))
    members = [each for each in view.lines if each.sets]
    assert {each in shown.lines for each in members} in ({True}, {False}, set())
    if shown.is_part:
        alone = [each for each in shown.lines if not each.sets]
        doubts = sum(each.code in DOUBTS for line in alone for each in line.treatments)
        assert sum(shown.counts.get(each, 0) for each in DOUBTS) == doubts


@given(views())
def test_nothing_asked_is_the_whole_day_and_what_occurs_can_be_asked_for(view):
    assert narrow(view, Asked()) is view
    offered = choices(view, Asked())
    for code in offered.verdicts:
        assert narrow(view, Asked(verdict=code)).lines
    for item, _ in offered.items:
        assert {str(each.item) for each in narrow(view, Asked(item=item)).lines} == {item}


def test_filters_join_and_lines_and_picture_follow_both(view):
    shown = narrow(view, Asked(item="31", staff="D02"))
    assert shown.lines and {(each.item, each.staff) for each in shown.lines} == {(31, "D02")}
    assert {each.load for each in shown.devices} == {"tdp"}


def test_of_a_room_its_own_devices_are_shown_and_of_a_department_those_of_its_charges(view):
    assert {each.room for each in narrow(view, Asked(room="理疗二室")).devices} == {"理疗二室"}
    nobody = narrow(view, Asked(room="没有这个房间"))
    assert nobody.lines == () and nobody.devices == ()


def test_what_an_address_asks_for_is_read_and_nonsense_asks_for_nothing():
    assert asked({"verdict": "guilty", "item": "31", "more": "x"}) == Asked(item="31")
    assert asked({"room": "x" * 500}).room == "x" * 80


def test_the_day_goes_on_saying_its_coverage_and_its_whole_counts(manager):
    whole = manager.get(ADDRESS).text
    figures = re.findall(r'class="figure">([^<]+)<', whole)
    part = manager.get(f"{ADDRESS}?staff=D02&verdict=short").text
    assert re.findall(r'class="figure">([^<]+)<', part) == figures
    assert 0 < len(rows(part)) < len(rows(whole))
    assert f"显示 {len(rows(part))}/{len(rows(whole))} 条收费行" in part


def test_a_filter_says_how_much_unwatched_time_it_hides(manager):
    page = manager.get(f"{ADDRESS}?item=23").text
    assert "未显示的设备中有 1 台当日有未监测时段，共 46 分" in page


def test_no_page_of_one_practitioner_counts_what_only_a_set_can_be_told(manager, view):
    for staff in {each.staff for each in view.lines}:
        page = manager.get(f"{ADDRESS}?staff={staff}").text
        picture = found(r'<div class="strips".*?</figure>', page, 0)
        lines = [each for each in view.lines if each.staff == staff and not each.sets]
        for code, label in (("no_device_time", "无设备时间"), ("unobserved", "待核")):
            alone = sum(each.code == code for line in lines for each in line.treatments)
            assert re.findall(rf">{label} (\d+)</text>", picture) == ([str(alone)] if alone else [])


def test_other_days_and_the_other_language_keep_the_filter(manager):
    page = manager.get(f"{ADDRESS}?item=31&lang=en").text
    assert 'href="/day/2026-03-03?item=31&amp;lang=en"' in page
    assert f'href="{ADDRESS}?item=31"' in page
    assert f'href="{ADDRESS}?lang=en">Show all' in page
    assert '<option value="31" selected' in page


def test_a_filter_that_nothing_fits_says_so_and_keeps_what_was_asked(manager):
    page = manager.get(f"{ADDRESS}?staff=Z99").text
    assert "没有符合筛选条件的收费行" in page and "<option selected>Z99</option>" in page


def test_what_was_put_into_a_filter_is_shown_as_text(manager):
    page = manager.get(f"{ADDRESS}?staff=<script>alert(1)</script>").text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_the_picture_alone_follows_the_address_too(manager):
    whole, part = (manager.get(f"{ADDRESS}.svg{query}").text for query in ("", "?item=23"))
    assert "红外线治疗灯" in whole and "红外线治疗灯" not in part and "电针仪" in part
    assert "监测时间 99.2%" in whole and "监测时间 99.2%" in part

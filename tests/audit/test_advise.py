"""What is said of charges before they are made: limits of the catalogue, ages, double charges."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import catalogue
from gateway.audit.advise import Asked, advise, without_time
from gateway.audit.hours import Hours
from gateway.audit.items import Item
from gateway.ledger.bills import BillLine
from tests.audit.clinic import CONFIG, TDP, at, line

HOURS = Hours(CONFIG)
PLAIN = replace(catalogue.read().items[TDP], visit_max=None, day_max=None, course_max=None, course_days=None)
COURSE = replace(PLAIN, per="次", day_max=1, course_max=10, course_days=10)


def asked(
    item: Item, treatments: int = 1, *, visit: str = "V9", day: int = 0, age: int | None = None
) -> Asked:
    return Asked(item, treatments, at("10:00", day), visit, age)


def before(count: int, *, visit: str = "V9", day: int = 0) -> BillLine:
    return replace(line("1", "09:00", day=day, count=count), visit=visit)


def reasons(lines: list[Asked], charged: list[BillLine] | None = None) -> list[list[str]]:
    return [[each.reason for each in found] for found in advise(lines, charged or [], HOURS)]


def test_without_limits_nothing_is_said():
    assert reasons([asked(PLAIN, 99)]) == [[]]


@pytest.mark.parametrize(
    ("there", "more", "said"), [(0, 2, []), (1, 1, []), (1, 2, ["visit_max"]), (2, 1, ["visit_max"])]
)
def test_a_visit_holds_so_many_and_no_more(there, more, said):
    item = replace(PLAIN, visit_max=2)
    charged = [before(there)] if there else []
    assert reasons([asked(item, more)], charged) == [said]
    assert reasons([asked(item, more)], [before(9, visit="V1", day=-1)]) == [[]]


def test_a_day_holds_so_many_over_all_visits():
    item = replace(PLAIN, day_max=2)
    assert reasons([asked(item, 1)], [before(2, visit="V1")]) == [["day_max"]]
    assert reasons([asked(item, 2)], [before(2, day=-1)]) == [[]]


def test_lines_of_one_question_count_for_those_after_them():
    item = replace(PLAIN, visit_max=2)
    assert reasons([asked(item, 2), asked(item, 1)]) == [[], ["visit_max"]]


def test_a_course_is_held_to_its_own_limit_and_not_to_that_of_a_day():
    assert reasons([asked(COURSE, 10)]) == [[]]
    assert reasons([asked(COURSE, 11)]) == [["course_max"]]
    assert reasons([asked(COURSE, 3)], [before(8, day=-9, visit="V1")]) == [["course_max"]]
    assert reasons([asked(COURSE, 3)], [before(8, day=-10, visit="V1")]) == [[]]


@pytest.mark.parametrize(("age", "said"), [(None, []), (5, []), (6, ["age"]), (0, [])])
def test_an_item_for_children_is_held_against_the_age_that_is_said(age, said):
    assert reasons([asked(replace(PLAIN, max_age_years=5), age=age)]) == [said]


def test_what_is_said_names_the_figures_in_both_languages():
    (found,) = advise([asked(replace(PLAIN, day_max=2), 2)], [before(1)], HOURS)
    assert "一天至多 2 次，已有 1 次，再收 2 次" in found[0].zh
    assert "at most 2 in one day, there are 1, and 2 more are asked" in found[0].en


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(0, 30))
def test_lines_take_the_time_left_in_their_order_and_none_of_it_twice(counts: list[int], left: int):
    found = without_time([asked(PLAIN, count) for count in counts], {"tdp": left})
    held = sum(count for count, said in zip(counts, found, strict=True) if not said)
    assert held <= left
    assert all(found[place] for place in range(len(counts)) if sum(counts[: place + 1]) > left)

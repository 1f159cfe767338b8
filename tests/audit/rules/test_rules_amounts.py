"""quantity, frequency and identical: how much, how often and how much alike was charged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.audit.clinic import TDP, Clinic
from tests.audit.rules.asked import CUPS, HEADACHE, MOXA, STIFF_NECK, TUINA, bill, leads_of, the_lead

CLINIC = Clinic()


# --- quantity ---------------------------------------------------------------------------------------------------


def test_more_areas_in_a_day_than_the_item_allows_are_a_lead_with_the_cheapest_beyond():
    lines = [bill("a", count=3, visit="V1"), bill("b", "15:00", count=1, fen=900, visit="V2")]
    lead = the_lead(CLINIC, "quantity", *lines, day_max=3)
    assert (lead.treatments, lead.capacity, lead.lines, lead.amount_fen) == (4, 3, ("a", "b"), 900)
    assert "in one day" in lead.en and "一天内" in lead.zh


def test_as_many_as_allowed_are_none_nor_are_those_of_another_person_or_day():
    assert leads_of(CLINIC, "quantity", bill("a", count=3), day_max=3) == []
    lines = [bill("a", count=3), bill("b", patient="P2"), bill("c", day=1)]
    assert leads_of(CLINIC, "quantity", *lines, last=1, day_max=3) == []


def test_a_limit_of_the_visit_counts_in_the_visit_alone():
    lines = [bill("a", count=2, visit="V1"), bill("b", count=2, visit="V2")]
    assert leads_of(CLINIC, "quantity", *lines, visit_max=2) == []
    lead = the_lead(CLINIC, "quantity", bill("a", count=3, visit="V1"), visit_max=2)
    assert "in one visit" in lead.en and lead.parameters["limit"] == "visit"


def test_a_course_paid_at_once_is_none_and_more_than_a_course_is():
    about: dict[str, Any] = {"per": "次", "day_max": 1, "course_max": 10, "course_days": 14}
    assert leads_of(CLINIC, "quantity", bill("a", count=10), **about) == []
    lead = the_lead(CLINIC, "quantity", bill("a", count=12), **about)
    assert (lead.treatments, lead.capacity, lead.amount_fen) == (12, 10, 2400)


def test_two_lines_that_are_each_more_than_a_course_are_two_leads_with_names_of_their_own():
    about: dict[str, Any] = {"per": "次", "day_max": 1, "course_max": 10, "course_days": 14}
    found = leads_of(CLINIC, "quantity", bill("a", count=12), bill("b", count=12), **about)
    assert len({lead.name for lead in found}) == 2


def test_what_was_refunded_is_not_too_much():
    lines = [bill("a", count=3), bill("b", count=2, reversed_by="R1")]
    assert leads_of(CLINIC, "quantity", *lines, day_max=3) == []


def test_where_the_catalogue_lays_nothing_down_nothing_is_too_much():
    assert leads_of(CLINIC, "quantity", bill("a", count=30)) == []


def test_one_item_per_performance_under_two_names_in_a_visit_is_a_lead():
    lines = [
        bill("a", item=MOXA, visit="V1", code="x1", name="隔姜灸"),
        bill("b", item=MOXA, visit="V1", code="x2", name="隔盐灸"),
    ]
    lead = the_lead(CLINIC, "quantity", *lines)
    assert (lead.treatments, lead.capacity, lead.parameters["limit"]) == (2, 1, "kinds")
    assert [row["name"] for row in lead.witness] == ["隔姜灸", "隔盐灸"]


def test_two_names_on_two_visits_are_none_nor_is_one_name_twice():
    lines = [bill("a", item=MOXA, visit="V1", name="隔姜灸"), bill("b", item=MOXA, visit="V2", name="隔盐灸")]
    assert leads_of(CLINIC, "quantity", *lines) == []
    assert leads_of(CLINIC, "quantity", *(bill(name, item=MOXA, visit="V1") for name in "ab")) == []


def test_three_tuina_items_in_a_visit_are_a_lead_and_two_are_none():
    lines = [bill(str(item), item=item, visit="V1") for item in (TUINA, HEADACHE, STIFF_NECK)]
    lead = the_lead(CLINIC, "quantity", *lines)
    assert (lead.treatments, lead.capacity, lead.parameters["limit"]) == (3, 2, "family")
    assert leads_of(CLINIC, "quantity", *lines[:2]) == []


# --- frequency --------------------------------------------------------------------------------------------------


def visits(person: str, days: range, twice: bool = False):
    return [
        bill(f"{person}{day}{part}", clock, day=day, patient=person, visit=f"{person}{day}{part}")
        for day in days
        for part, clock in (("a", "09:00"), ("b", "15:00"))[: 1 + twice]
    ]


@pytest.fixture
def others():
    """Thirty persons who come two to six times in three weeks."""
    return [each for number in range(30) for each in visits(f"P{number}", range(2 + number % 5))]


def test_a_person_who_comes_far_more_often_than_all_others_is_a_lead(others):
    lead = the_lead(CLINIC, "frequency", *others, *visits("Q" * 64, range(20), twice=True), last=20)
    assert lead.treatments == 40 and len(lead.lines) == 40 and len(lead.witness) == 40
    assert lead.parameters["median"] == 4 and "Q" * 9 not in lead.zh and "QQQQQQQQ" in lead.zh


def test_a_course_of_ten_treatments_is_not_far_above(others):
    assert leads_of(CLINIC, "frequency", *others, *visits("Q", range(10)), last=20) == []


def test_among_few_persons_or_in_few_days_nobody_stands_out(others):
    frequent = visits("Q", range(12), twice=True)
    assert leads_of(CLINIC, "frequency", *others[:40], *frequent, last=20) == []
    assert leads_of(CLINIC, "frequency", *others, *frequent, last=12) == []


def test_who_is_not_told_is_nobody(others):
    unknown = [bill(f"x{number}", day=number % 20, patient="") for number in range(60)]
    assert leads_of(CLINIC, "frequency", *others, *unknown, last=20) == []


# --- identical --------------------------------------------------------------------------------------------------

BUNDLE = (TUINA, CUPS, TDP)


def bundles(day: int, count: int, items: tuple[int, ...] = BUNDLE, prefix: str = ""):
    return [
        bill(
            f"{prefix}{day}-{person}-{item}",
            day=day,
            item=item,
            patient=f"{prefix}P{person}",
            visit=f"{prefix}{day}-{person}",
        )
        for person in range(count)
        for item in items
    ]


def test_a_bundle_that_many_persons_have_on_one_day_and_hardly_anybody_on_others_is_a_lead():
    lines = [each for day in range(7) for each in bundles(day, 12 if day == 3 else 1)]
    lead = the_lead(CLINIC, "identical", *lines, last=6)
    assert (lead.treatments, len(lead.lines), lead.amount_fen) == (36, 36, 36 * 1200)
    assert "12" in lead.en and "1.0" in lead.en and "红外线" in lead.zh
    assert len(lead.witness) == 12


def test_a_common_prescription_is_common_every_day():
    lines = [each for day in range(7) for each in bundles(day, 12 + day % 3)]
    assert leads_of(CLINIC, "identical", *lines, last=6) == []


def test_two_items_are_no_bundle_and_a_day_alone_cannot_be_compared():
    lines = [each for day in range(7) for each in bundles(day, 12 if day == 3 else 1, BUNDLE[:2])]
    assert leads_of(CLINIC, "identical", *lines, last=6) == []
    assert leads_of(CLINIC, "identical", *bundles(0, 30)) == []


def test_other_counts_make_another_bundle():
    twelve = bundles(3, 12)
    twice = [replace(each, line=each.line + "x") for each in twelve[:18]]
    lines = [each for other in (0, 1, 2, 4, 5, 6) for each in bundles(other, 1)]
    assert leads_of(CLINIC, "identical", *lines, *twelve, *twice, last=6) == []
    assert len(leads_of(CLINIC, "identical", *lines, *twelve, last=6)) == 1

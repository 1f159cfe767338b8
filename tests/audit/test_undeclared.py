"""The clinic's own export against the platform's extract: what one has and the other lacks, or tells otherwise, is a lead."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import leads
from gateway.audit.hours import Hours
from gateway.audit.reconcile import reconcile
from gateway.audit.sources import Account, Both, Difference, covered, differences
from gateway.audit.spans import FOREVER
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillLine
from tests.audit.clinic import CONFIG, MONDAY, STIM, TDP, Clinic, at
from tests.audit.clinic import line as bill

HOURS = Hours(CONFIG)
ALWAYS = [(0, FOREVER)]


def own(
    name: str, charged: str = "10:00", *, visit: str = "", settlement: str = "", **about: Any
) -> BillLine:
    """A line of the clinic's own export, insured unless said otherwise. `name` is `<visit>/<number>` or a number."""
    insured, patient = about.pop("insured", 1), about.pop("patient", "P1")
    made = bill(name, charged, **{"source": "clinic", **about})
    visit = visit or name.partition("/")[0]
    return replace(made, visit=visit, settlement=settlement, insured=insured, patient=patient)


def theirs(name: str, charged: str = "10:00", **about: Any) -> BillLine:
    return own(name, charged, source="platform", **about)


def told(
    clinic: Sequence[BillLine],
    platform: Sequence[BillLine],
    *,
    ours: Any = ALWAYS,
    other: Any = ALWAYS,
) -> list[Difference]:
    return differences(Both(Account("clinic", clinic, ours), Account("platform", platform, other)), HOURS)


def short(found: Sequence[Difference]) -> list[tuple[str, int, list[str], int, int]]:
    return [
        (each.kind, each.item, [line.line for line in each.lines], each.count, each.fen) for each in found
    ]


# --- what is alike -----------------------------------------------------------------------------------------------


def test_two_sources_that_say_the_same_differ_in_nothing() -> None:
    assert told([own("V1/1"), own("V1/2", item=STIM)], [theirs("V1/1"), theirs("V1/2", item=STIM)]) == []


def test_lines_are_the_same_under_other_numbers_of_their_visit() -> None:
    assert told([own("V1/1"), own("V1/2", item=STIM)], [theirs("V1/2"), theirs("V1/1", item=STIM)]) == []


def test_lines_of_another_numbering_are_the_same_by_their_settlement() -> None:
    assert told([own("M1/S1.1", settlement="S1")], [theirs("V9/1", settlement="S1", patient="P2")]) == []


def test_where_visits_and_settlements_are_numbered_otherwise_the_same_on_one_day_is_the_same() -> None:
    assert told([own("M1/1", "09:00")], [theirs("V9/1", "18:00", patient="P2")]) == []
    assert len(told([own("M1/1", day=1)], [theirs("V9/1")])) == 2


def test_a_line_that_one_source_took_back_is_no_line_of_it() -> None:
    back = {"reversed_by": "2208 S1"}
    assert told([own("V1/1", **back)], [theirs("V1/1", **back)]) == []
    assert short(told([own("V1/1", **back)], [theirs("V1/1")])) == [("platform", TDP, ["V1/1"], 1, 1200)]


def test_a_code_that_is_mapped_on_one_side_only_is_the_same_line_by_its_money() -> None:
    assert told([own("V1/1", item=None)], [theirs("V1/7")]) == []
    assert told([own("V1/1")], [theirs("V1/7", item=None)]) == []


def test_lines_that_are_no_item_on_either_side_are_not_looked_at() -> None:
    assert told([own("V1/1", item=None)], [theirs("V1/2", item=None, fen=999)]) == []


# --- what differs ------------------------------------------------------------------------------------------------


def test_an_insured_line_that_the_clinics_own_export_left_out_is_told() -> None:
    (found,) = told([own("V1/1")], [theirs("V1/1"), theirs("V1/2", item=STIM, count=2)])
    assert (found.kind, found.item, found.count, found.treatments, found.fen) == (
        "platform",
        STIM,
        1,
        2,
        2400,
    )
    assert found.day == MONDAY


def test_an_insured_line_that_the_platform_lacks_is_told() -> None:
    (found,) = told([own("V1/1"), own("V2/1", item=STIM)], [theirs("V1/1")])
    assert (found.kind, [line.line for line in found.lines], found.fen) == ("clinic", ["V2/1"], 1200)


@pytest.mark.parametrize("insured", [0, None])
def test_what_the_patient_paid_alone_never_reaches_the_platform_and_what_is_not_told_is_not_guessed(
    insured: int | None,
) -> None:
    assert told([own("V1/1"), own("V2/1", insured=insured)], [theirs("V1/1")]) == []


def test_a_self_paid_line_does_not_stand_for_an_insured_one_of_the_same_money() -> None:
    found = told([own("M1/1", insured=0)], [theirs("V9/1", patient="P2")])
    assert short(found) == [("platform", TDP, ["V9/1"], 1, 1200)]


def test_a_line_of_another_visit_does_not_stand_for_the_missing_one_where_both_number_visits_alike() -> None:
    found = told([own("V1/1"), own("V1/2")], [theirs("V1/1"), theirs("V7/1")])
    assert {each.kind for each in found} == {"platform", "clinic"}


@pytest.mark.parametrize(
    ("about", "fen"),
    [({"count": 2}, 1200), ({"fen": 1500}, 300), ({"item": STIM}, 0)],
    ids=["count", "amount", "item"],
)
def test_a_line_that_both_have_with_another_count_amount_or_item_is_told_with_both(
    about: dict[str, Any], fen: int
) -> None:
    (found,) = told([own("V1/1")], [theirs("V1/1", **about)])
    assert (found.kind, found.count, found.fen) == ("other", 1, fen)
    assert [each.source for each in found.lines] == ["clinic", "platform"]


def test_of_several_alike_all_are_named_because_nobody_can_tell_which_is_missing() -> None:
    found = told([own("M1/1"), own("M2/1")], [theirs(f"V{n}/1", patient=f"P{n}") for n in (6, 7, 8)])
    assert short(found) == [("platform", TDP, ["V6/1", "V7/1", "V8/1"], 1, 1200)]


# --- which days are covered --------------------------------------------------------------------------------------


def span(first: int, last: int, imported: int) -> FileSpan:
    return FileSpan(first, last, imported)


def test_a_file_speaks_of_all_days_from_its_first_to_its_last_charge() -> None:
    files = [span(at("10:00"), at("09:00", 2), at("08:00", 5))]
    assert covered(files, HOURS) == [(at("00:00"), at("00:00", 3))]


def test_a_file_that_came_on_its_last_day_speaks_of_it_up_to_its_last_charge() -> None:
    files = [span(at("08:30"), at("12:00"), at("12:05"))]
    assert covered(files, HOURS) == [(at("00:00"), at("12:00") + 1)]


def test_what_was_charged_after_the_other_sides_export_is_not_missing_there() -> None:
    half = covered([span(at("08:30"), at("12:00"), at("12:05"))], HOURS)
    late = [theirs("V1/1", "11:00"), theirs("V2/1", "15:00")]
    assert told([own("V1/1", "11:00")], late, ours=half) == []
    assert len(told([own("V1/1", "11:00")], late)) == 1


def test_days_of_which_only_one_side_speaks_are_not_compared() -> None:
    monday = covered([span(at("09:00"), at("18:00"), at("09:00", 3))], HOURS)
    assert told([own("V1/1")], [theirs("V1/1"), theirs("V2/1", day=1)], ours=monday) == []
    assert told([own("V1/1"), own("V2/1", day=1)], [theirs("V1/1")], other=monday) == []


# --- the lead ----------------------------------------------------------------------------------------------------


def test_the_lead_says_what_how_much_and_both_control_totals() -> None:
    both = Both(
        Account("clinic", [own("V1/1"), own("V2/1", item=None, fen=500, insured=0)], ALWAYS),
        Account("platform", [theirs("V1/1"), theirs("V3/1", item=STIM)], ALWAYS),
        {"V1": 1200, "V3": 1300},
    )
    clinic = Clinic()
    period = replace(clinic.period(), both=both)
    (lead,) = reconcile(period, leads.default_rules()).leads
    assert (lead.rule, lead.item, lead.day, lead.lines, lead.amount_fen) == (
        "undeclared",
        STIM,
        MONDAY,
        ("V3/1",),
        1200,
    )
    assert "the platform has, the clinic's own export does not" in lead.en
    assert "the clinic's own 12.00 yuan, the platform 24.00, the account 25.00" in lead.en
    assert "平台有、诊所自报没有" in lead.zh and "对账 25.00 元" in lead.zh
    assert lead.parameters == {"least_fen": 0, "kind": "platform"}
    assert lead.witness[-1] == {"clinic": "12.00", "platform": "24.00", "account": "25.00"}


def test_a_source_alone_is_no_lead() -> None:
    assert Clinic().settle().leads == []


# --- any lines ---------------------------------------------------------------------------------------------------

LINE = st.tuples(st.sampled_from("123"), st.sampled_from([TDP, STIM]), st.integers(1, 2), st.integers(0, 1))


def lines_of(drawn: Sequence[tuple[str, int, int, int]], source: str, prefix: str = "V") -> list[BillLine]:
    return [
        own(f"{prefix}{visit}/{number}", item=item, count=count, day=day, source=source)
        for number, (visit, item, count, day) in enumerate(drawn)
    ]


@given(st.lists(LINE, max_size=12), st.randoms(), st.sampled_from(["V", "M"]))
def test_the_same_lines_in_any_order_and_under_any_numbers_differ_in_nothing(
    drawn: list[tuple[str, int, int, int]], chance: random.Random, prefix: str
) -> None:
    ours = lines_of(drawn, "clinic")
    shuffled = list(drawn)
    chance.shuffle(shuffled)
    assert told(ours, lines_of(shuffled, "platform", prefix)) == []


@given(st.lists(LINE, max_size=10), st.lists(LINE, max_size=10))
def test_what_is_told_makes_up_the_difference_of_the_sums(
    one: list[tuple[str, int, int, int]], other: list[tuple[str, int, int, int]]
) -> None:
    ours, others = lines_of(one, "clinic"), lines_of(other, "platform")
    found = told(ours, others)
    more = sum(each.fen for each in found if each.kind == "platform")
    less = sum(each.fen for each in found if each.kind == "clinic")
    pairs = [each.lines for each in found if each.kind == "other"]
    moved = sum(
        line.amount_fen * (1 if line.source == "platform" else -1) for lines in pairs for line in lines
    )
    assert (
        sum(each.amount_fen for each in others) - sum(each.amount_fen for each in ours) == more - less + moved
    )


def test_days_are_the_clinics_own() -> None:
    found = told(
        [], [theirs("V1/1", "00:00"), theirs("V2/1", "23:59", item=STIM), theirs("V3/1", "00:00", day=1)]
    )
    assert [(each.day, each.item) for each in found] == [
        (MONDAY, STIM),
        (MONDAY, TDP),
        (date(2026, 3, 3), TDP),
    ]

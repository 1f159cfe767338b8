"""Bills against device time, told as days of a small clinic."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import catalogue, leads
from gateway.audit.editions import Editions
from gateway.audit.hours import Hours
from gateway.audit.reconcile import reconcile
from gateway.audit.spans import subtract
from gateway.audit.windows import reach, window
from tests.audit.clinic import (
    ACUPUNCTURE,
    CONFIG,
    DAY_MS,
    MIDNIGHT_MS,
    STIM,
    TDP,
    Clinic,
    at,
    catalogue_with,
    codes,
    line,
    on,
    open_hours,
    rules_of,
)

pytestmark = pytest.mark.pure

HOURS = Hours(CONFIG)


def window_days(count: int = 1, **tdp: object) -> int:
    """How many days the window of a line of so many treatments has."""
    start_ms, end_ms = window(line("1", count=count), catalogue_with(**tdp)[TDP], HOURS)
    assert start_ms == MIDNIGHT_MS
    return (end_ms + 1 - start_ms) // DAY_MS


# --- windows ------------------------------------------------------------------------------------------------------


def test_a_window_is_the_whole_local_day_of_the_charge():
    for clock in ("00:00", "10:00", "23:59:59"):
        assert window(line("1", clock), catalogue_with()[TDP], HOURS) == (
            MIDNIGHT_MS,
            MIDNIGHT_MS + DAY_MS - 1,
        )


def test_a_line_that_says_when_it_was_performed_has_that_instant_give_or_take_half_an_hour():
    performed = line("1", "10:00", performed_ms=at("15:00", 3))
    assert window(performed, catalogue_with()[TDP], HOURS) == (at("14:30", 3), at("15:30", 3))


def test_valid_days_count_from_the_day_of_the_charge():
    assert window_days(valid_days=3) == 3


@pytest.mark.parametrize(("count", "days"), [(1, 1), (2, 1), (3, 10), (7, 10), (8, 1)])
def test_more_than_a_day_allows_is_a_course_up_to_its_maximum_and_any_other_excess_stays_in_its_day(
    count, days
):
    assert window_days(count, per="次", day_max=2, course_max=7, course_days=10) == days


def test_areas_are_no_course_and_a_course_without_days_is_one_day():
    assert window_days(3, per="区", day_max=2, course_max=7, course_days=10) == 1
    assert window_days(3, per="次", day_max=2, course_max=7) == 1


def test_what_exceeds_a_day_stays_in_it_even_where_fewer_would_be_valid_longer():
    assert window_days(2, day_max=2, valid_days=5) == 5
    assert window_days(3, day_max=2, valid_days=5) == 1


def test_lines_reach_from_the_first_window_to_the_last():
    lines = [line("1", day=2), line("2", performed_ms=at("09:00")), line("3", item=None)]
    assert reach(lines, catalogue_with(), HOURS) == (at("08:30"), at("00:00", 3) - 1)
    assert reach([line("3", item=None)], catalogue_with(), HOURS) is None


# --- treatments and money -----------------------------------------------------------------------------------------


def test_a_line_of_several_is_so_many_treatments_and_its_last_takes_the_rest_of_the_money():
    found = Clinic().lamp("U1", on(1, "09:00", 60)).settle(replace(line("1", count=3), amount_fen=1000))
    assert [(verdict.index, verdict.amount_fen) for verdict, _ in found.verdicts] == [
        (1, 333),
        (2, 333),
        (3, 334),
    ]


def test_a_line_without_treatments_asks_for_nothing():
    assert Clinic().lamp("U1").settle(replace(line("1"), treatments=0)).verdicts == []


def test_a_reversed_line_is_said_to_be_and_takes_no_device_time():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20))
    found = clinic.settle(line("1", count=2, reversed_by="R"), line("2"))
    assert codes(found) == {"1#1": "reversed", "1#2": "reversed", "2#1": "supported"}
    assert found.leads == []


def test_a_line_that_is_no_item_of_the_catalogue_is_not_judged():
    assert Clinic().lamp("U1").settle(line("1", item=None)).verdicts == []


def test_lines_are_reported_in_the_order_in_which_they_were_charged():
    found = (
        Clinic()
        .lamp("U1", on(1, "09:00", 60))
        .settle(line("b", "11:00"), line("a", "11:00"), line("c", "08:00"))
    )
    assert [verdict.line for verdict, _ in found.verdicts] == ["c", "a", "b"]


# --- devices and units --------------------------------------------------------------------------------------------


def test_an_item_without_a_device_of_its_class_is_not_metered():
    found = (
        Clinic()
        .lamp("U1", on(1, "09:00", 20))
        .settle(line("1"), line("2", item=ACUPUNCTURE), line("3", item=STIM))
    )
    assert codes(found) == {"1#1": "supported", "2#1": "not_metered", "3#1": "not_metered"}


def test_a_class_is_matched_with_its_shortest_item_whether_that_is_charged_or_not():
    shipped = catalogue.read().items
    shorter = replace(shipped[TDP], number=98, min_minutes=10, codes=(), names=())
    items = Editions([*shipped.all(), shorter])
    clinic = Clinic().lamp("U1", on(1, "09:00", 12))
    for other in ([], [line("2", item=98)], [line("2", item=98, reversed_by="9")]):
        period = replace(clinic.period(line("1"), *other), items=items)
        found = [each for each, _ in reconcile(period, leads.default_rules()).verdicts]
        assert {each.required_s for each in found} == {540}
        assert (found[0].code, found[0].item_required_s) == ("supported", 1140)


def test_a_class_of_devices_without_a_line_is_judged_too():
    found = Clinic().lamp("U1", on(1, "09:00", 20)).settle()
    assert (found.verdicts, rules_of(found)) == ([], ["unbilled"])


def test_a_class_of_which_the_catalogue_knows_no_item_disturbs_nobody():
    found = Clinic().lamp("U1", load="sauna", watched=[]).lamp("U2", on(1, "09:00", 20)).settle(line("1"))
    assert codes(found) == {"1#1": "supported"}
    assert [(row.unit, row.watched_s) for row in found.coverage] == [("U1", 0), ("U2", 43_200)]
    assert found.leads == []


def test_a_device_counts_from_the_instant_it_was_added():
    clinic = Clinic().device("lamp", since=at("12:00")).unit("U1", watched=[(at("13:00"), at("20:00"))])
    found = clinic.place("U1", "lamp", at("12:00")).settle(line("1"))
    assert [(row.open_s, row.watched_s) for row in found.coverage] == [(8 * 3600, 7 * 3600)]
    assert [row.dark for row in found.coverage] == [((at("12:00"), at("13:00")),)]
    assert codes(found) == {"1#1": "unobserved"}


def test_a_device_that_was_retired_is_no_longer_dark():
    clinic = Clinic().device("lamp", until=at("12:00")).unit("U1", watched=[(at("08:00"), at("12:00"))])
    found = clinic.place("U1", "lamp", 0, at("12:00")).settle(line("1"), line("2", day=1), last=1)
    assert [(row.open_s, row.watched_s) for row in found.coverage] == [(4 * 3600, 4 * 3600)]
    assert codes(found) == {"1#1": "no_device_time", "2#1": "not_metered"}


def test_a_device_that_loses_its_unit_at_noon_is_dark_from_then_on():
    clinic = Clinic().device("lamp").unit("U1").place("U1", "lamp", 0, at("12:00"))
    row = clinic.settle().coverage[0]
    assert (row.unit, row.watched_s, row.dark) == ("U1", 4 * 3600, ((at("12:00"), at("20:00")),))


def test_a_session_belongs_to_the_device_on_which_its_unit_was_when_it_began():
    clinic = Clinic().device("one").device("two", stations=3).unit("U1", on(1, "11:50", 40)).unit("U2")
    clinic.place("U1", "one", 0, at("12:00")).place("U1", "two", at("12:00"))
    clinic.place("U2", "two", 0, at("12:00")).place("U2", "one", at("12:00"))
    found = clinic.settle(line("1", count=3))
    assert sorted(codes(found).values()) == ["no_device_time", "supported", "supported"]


def test_what_is_watched_after_a_move_is_watched_of_the_new_device():
    clinic = Clinic().device("one").device("two").unit("U1")
    clinic.place("U1", "one", 0, at("12:00")).place("U1", "two", at("12:00"))
    rows = clinic.settle().coverage
    assert [(row.device.device, row.unit, row.watched_s) for row in rows] == [
        ("one", "U1", 4 * 3600),
        ("two", "U1", 8 * 3600),
    ]
    assert [row.dark for row in rows] == [((at("12:00"), at("20:00")),), ((at("08:00"), at("12:00")),)]


def test_two_units_on_one_device_watch_together():
    clinic = Clinic().device("lamp").unit("U1", watched=[(at("08:00"), at("13:00"))])
    clinic.unit("U2", watched=[(at("12:00"), at("20:00"))]).place("U1", "lamp").place("U2", "lamp")
    assert clinic.settle().coverage[0].watched_s == 12 * 3600


def test_a_device_without_a_unit_is_dark_in_all_opening_hours():
    found = Clinic().device("lamp", blind=True).settle(line("1"))
    assert codes(found) == {"1#1": "unobserved"}
    assert found.verdicts[0][0].dark == (("lamp", *open_hours()),)


def test_a_blind_device_with_a_unit_is_dark_and_its_sessions_support_all_the_same():
    found = Clinic().lamp("U1", on(1, "09:00", 20), blind=True).settle(line("1"), line("2"))
    assert sorted(codes(found).values()) == ["supported", "unobserved"]
    assert found.coverage[0].watched_s == 0


def test_a_unit_that_is_nowhere_supports_nothing():
    found = Clinic().device("lamp").unit("U1", on(1, "09:00", 20)).settle(line("1"))
    assert codes(found) == {"1#1": "unobserved"}


# --- hours --------------------------------------------------------------------------------------------------------


def test_a_closed_day_has_no_dark_time_but_its_sessions_support():
    closed = replace(CONFIG, closed=(date(2026, 3, 2),))
    clinic = Clinic(closed).lamp("U1", on(1, "09:00", 20), watched=[])
    found = clinic.settle(line("1"), line("2"))
    assert sorted(codes(found).values()) == ["no_device_time", "supported"]
    assert found.coverage == []


def test_a_clinic_open_around_the_clock_is_dark_around_the_clock():
    always = replace(CONFIG, opens="00:00", closes="24:00")
    row = Clinic(always).lamp("U1", watched=[]).settle(line("1")).coverage[0]
    assert (row.open_s, row.watched_s, row.dark) == (86_400, 0, ((at("00:00"), at("00:00", 1)),))


def test_before_a_unit_first_spoke_and_after_it_last_did_it_is_dark_the_future_included():
    found = Clinic().lamp("U1", watched=[(at("09:00"), at("10:00"))]).settle(line("1"), now_ms=at("10:00"))
    assert found.coverage[0].dark == ((at("08:00"), at("09:00")), (at("10:00"), at("20:00")))
    assert codes(found) == {"1#1": "unobserved"}


def test_dark_time_is_told_in_whole_seconds_that_hold_all_of_it():
    spans = [(at("08:00"), at("10:00") + 1), (at("10:30") - 1, at("20:00"))]
    row = Clinic().lamp("U1", watched=spans).settle().coverage[0]
    assert row.dark == ((at("10:00"), at("10:30")),)
    assert row.watched_s == 43_200 - 1800


# --- grades -------------------------------------------------------------------------------------------------------


def test_a_treatment_has_the_grade_of_the_unit_whose_session_supports_it():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20)).lamp("U2", on(1, "09:00", 20), grade="B")
    found = clinic.settle(line("1"), line("2"))
    assert sorted(str(verdict.grade) for verdict, _ in found.verdicts) == ["A", "B"]


def test_what_a_shop_plug_measured_is_never_above_grade_b_whoever_vouches_for_its_key():
    found = Clinic().lamp("U1", on(1, "09:00", 20, plug=True), grade="A").settle(line("1"))
    assert found.verdicts[0][0].grade == "B"


# --- days beside one another --------------------------------------------------------------------------------------


def test_only_lines_charged_in_the_period_are_reported():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), on(2, "09:00", 20, day=1), days=2)
    found = clinic.settle(line("1"), line("2", day=1), first=1)
    assert codes(found) == {"2#1": "supported"}


def test_reconciling_one_day_neither_steals_from_a_course_nor_forgets_it():
    about = {"per": "次", "day_max": 1, "course_max": 3, "course_days": 3}
    clinic = Clinic().lamp("U1", *(on(day + 1, "09:00", 20, day=day) for day in range(3)), days=3)
    course = line("course", count=3)
    assert set(codes(clinic.settle(course, last=2, **about)).values()) == {"supported"}
    found = clinic.settle(course, line("other", day=1), first=1, **about)
    assert codes(found) == {"other#1": "supported"}
    found = clinic.settle(course, line("other", day=1), first=0, **about)
    assert sorted(codes(found).values()) == ["no_device_time", "supported", "supported"]


def test_a_line_performed_on_another_day_is_matched_with_the_sessions_of_that_day():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20, day=2), days=3)
    performed = line("1", performed_ms=at("09:10", 2))
    assert codes(clinic.settle(performed)) == {"1#1": "supported"}
    assert codes(clinic.settle(line("1"))) == {"1#1": "no_device_time"}


# --- whatever the day ---------------------------------------------------------------------------------------------

LINES = st.lists(
    st.tuples(
        st.sampled_from(["08:10", "09:00", "12:00", "19:50"]),
        st.integers(0, 2),
        st.integers(1, 3),
        st.sampled_from([TDP, TDP, STIM, ACUPUNCTURE]),
        st.sampled_from([None, None, None, "R"]),
    ),
    max_size=12,
)
LAMPS = st.lists(
    st.tuples(
        st.sampled_from(["tdp", "tdp", "stim"]),
        st.integers(1, 2),
        st.sampled_from(["A", "B"]),
        st.lists(
            st.tuples(
                st.integers(8, 18),
                st.integers(0, 2),
                st.sampled_from([5, 19, 20, 45, 130]),
                st.sampled_from("LPA"),
            ),
            max_size=4,
            unique_by=lambda each: each[:2],
        ),
        st.lists(st.tuples(st.integers(8, 20), st.integers(8, 20), st.integers(0, 2)), max_size=2),
    ),
    max_size=4,
)


def clinic_of(lamps: list) -> Clinic:
    clinic = Clinic()
    for number, (load, stations, grade, sessions, gaps) in enumerate(lamps):
        seen = [
            on(us, f"{hour:02d}:00", minutes, day=day, end=end)
            for us, (hour, day, minutes, end) in enumerate(sessions, start=1)
        ]
        watched = [span for day in range(3) for span in watched_but(day, gaps)]
        clinic.lamp(f"U{number}", *seen, load=load, stations=stations, grade=grade, watched=watched)
    return clinic


def watched_but(day: int, gaps: list) -> list[tuple[int, int]]:
    dark = [
        (at(f"{start:02d}:00", when), at(f"{end:02d}:00", when)) for start, end, when in gaps if when == day
    ]
    return subtract([open_hours(day)], dark)


def lines_of(charges: list) -> list:
    return [
        line(f"{number:02d}", clock, day=day, count=count, item=item, reversed_by=reversed_by)
        for number, (clock, day, count, item, reversed_by) in enumerate(charges)
    ]


@given(LAMPS, LINES)
@settings(max_examples=150)
def test_every_treatment_charged_in_the_period_gets_exactly_one_verdict(lamps, charges):
    found = clinic_of(lamps).settle(*lines_of(charges), last=2)
    assert len(codes(found)) == len(found.verdicts) == sum(count for _, _, count, _, _ in charges)
    assert sum(verdict.amount_fen for verdict, _ in found.verdicts) == sum(1200 * each[2] for each in charges)


@given(LAMPS, LINES, st.randoms())
@settings(max_examples=100)
def test_the_order_of_what_is_known_changes_nothing(lamps, charges, chance):
    clinic, lines = clinic_of(lamps), lines_of(charges)
    found = clinic.settle(*lines, last=2)
    for each in (clinic.devices, clinic.placements):
        chance.shuffle(each)
    again = clinic.settle(*lines, last=2)
    assert again.verdicts == found.verdicts
    assert again.leads == found.leads


@given(LAMPS, LINES)
@settings(max_examples=100)
def test_days_without_lines_that_reach_over_midnight_may_be_reconciled_one_by_one(lamps, charges):
    clinic, lines = clinic_of(lamps), lines_of(charges)
    together = clinic.settle(*lines, last=2)
    for day in range(3):
        midnight, next_ = at("00:00", day), at("00:00", day + 1)
        alone = clinic.settle(*(each for each in lines if midnight <= each.charged_ms < next_), first=day)
        counted = [said.code for said, charged in together.verdicts if midnight <= charged.charged_ms < next_]
        assert sorted(counted) == sorted(codes(alone).values())


@given(LAMPS, LINES)
@settings(max_examples=100)
def test_watched_and_dark_make_up_the_opening_hours(lamps, charges):
    for row in clinic_of(lamps).settle(*lines_of(charges), last=2).coverage:
        assert row.open_s - row.watched_s == sum(end - start for start, end in row.dark) // 1000

"""Local days and opening hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.hours import Hours, days
from gateway.config import Config

pytestmark = pytest.mark.pure

CLINIC = Config("C001", "示范诊所")
HOURS = Hours(CLINIC)
MONDAY = date(2026, 3, 2)
MIDNIGHT_MS = 1_772_380_800_000  # 2026-03-02 00:00 in Shanghai
HOUR_MS = 3_600_000


def test_a_calendar_day_begins_at_local_midnight_and_ends_where_the_next_begins():
    assert HOURS.calendar_day(MONDAY) == (MIDNIGHT_MS, MIDNIGHT_MS + 24 * HOUR_MS)
    assert HOURS.calendar_day(date(2026, 3, 3))[0] == HOURS.calendar_day(MONDAY)[1]


@given(st.integers(0, 4_000_000_000_000))
def test_every_instant_lies_in_its_own_day(at_ms):
    start, end = HOURS.calendar_day(HOURS.day_of(at_ms))
    assert start <= at_ms < end


def test_the_last_millisecond_of_a_day_still_belongs_to_it():
    assert HOURS.day_of(MIDNIGHT_MS - 1) == date(2026, 3, 1)
    assert HOURS.day_of(MIDNIGHT_MS) == MONDAY


def test_opening_hours_are_those_of_the_configuration():
    assert HOURS.opening(MONDAY) == [(MIDNIGHT_MS + 8 * HOUR_MS, MIDNIGHT_MS + 20 * HOUR_MS)]


def test_a_clinic_that_closes_at_24_00_is_open_until_the_next_day_begins():
    always = Hours(replace(CLINIC, opens="00:00", closes="24:00"))
    assert always.opening(MONDAY) == [always.calendar_day(MONDAY)]


def test_a_closed_day_has_no_opening_hours_and_is_a_calendar_day_still():
    shut = Hours(replace(CLINIC, closed=(MONDAY,)))
    assert shut.opening(MONDAY) == []
    assert shut.calendar_day(MONDAY) == HOURS.calendar_day(MONDAY)


def test_days_run_from_the_first_to_the_last_both_included():
    assert list(days(date(2026, 2, 28), MONDAY)) == [date(2026, 2, 28), date(2026, 3, 1), MONDAY]
    assert list(days(MONDAY, MONDAY)) == [MONDAY]

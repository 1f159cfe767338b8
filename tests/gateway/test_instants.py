"""Instants as people and scripts write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.instants import iso

pytestmark = pytest.mark.pure

ZONES = ("Asia/Shanghai", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Africa/Monrovia", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plainly(at_ms: int, zone: str) -> str:
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


@given(st.integers(-(1 << 41), 1 << 42), st.sampled_from(ZONES))
def test_every_instant_is_written_as_the_calendar_has_it(at_ms: int, zone: str):
    assert iso(at_ms, ZoneInfo(zone)) == plainly(at_ms, zone)


@pytest.mark.parametrize("second", range(-90, 91, 15))
def test_so_are_those_around_the_instant_when_a_zone_left_the_seconds_of_its_own_noon(second: int):
    """Liberia's clocks were 44 minutes and 30 seconds behind until 7 January 1972."""
    at_ms = round(datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC).timestamp() + second) * 1000
    assert iso(at_ms, ZoneInfo("Africa/Monrovia")) == plainly(at_ms, "Africa/Monrovia")

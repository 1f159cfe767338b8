"""What waits now: treatments charged today that no device time has borne out yet."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.audit.live import waiting
from gateway.audit.reconcile import classes_judged
from tests.audit.clinic import Clinic, at, line, on, open_hours

pytestmark = pytest.mark.pure


def test_only_what_was_charged_today_waits_and_a_course_of_before_does_not():
    course: dict[str, Any] = {"per": "次", "day_max": 1, "course_max": 10, "course_days": 10}
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), watched=[(open_hours()[0], at("12:00"))])
    lines = [line("1"), line("2"), line("3", reversed_by="9"), line("old", day=-1, count=5)]
    settled = classes_judged(clinic.period(*lines, now_ms=at("12:00"), **course))
    assert waiting(settled, {"1", "2", "3"}) == {"tdp": (1, 1140)}
    assert waiting(settled, {"1", "2", "3", "old"}) == {"tdp": (6, 1140)}

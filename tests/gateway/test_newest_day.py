"""Which day a page shows where today has not been reconciled: the latest of which any run knows something."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger import days, verdicts
from gateway.ledger.bills import Teller
from tests.support.ledgers import in_memory

FIRST = date(2026, 3, 2)
RUNS = st.lists(
    st.tuples(
        st.sampled_from(["C001", "C002"]), st.integers(0, 9), st.integers(0, 5), st.sets(st.integers(0, 5))
    ),
    max_size=6,
)


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


@given(RUNS)
@settings(max_examples=100, deadline=None)
def test_it_is_the_latest_day_that_any_run_of_the_clinic_tells_of(runs):
    """A run of some days may tell of few of them: on the others the clinic was closed and charged nothing."""
    db = in_memory()
    told: list[str] = []
    for clinic, first, more, numbers in runs:
        known = [day_of(first + number).isoformat() for number in sorted(numbers) if number <= more]
        rows = [
            {"day": each, "device": "L1", "unit": "U1", "open_s": 1, "watched_s": 1, "dark": "[]"}
            for each in known
        ]
        verdicts.save(db, Teller(clinic, "clinic"), (day_of(first), day_of(first + more)), 0, [], rows, [])
        told += known if clinic == "C001" else []
    assert days.newest_reconciled_day(db, "C001") == max(told, default=None)

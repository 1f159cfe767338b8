"""Record numbers as runs, held against plain sets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.runs import runs, without

NUMBERS = st.sets(st.integers(1, 30))


def numbers(found):
    return {each for first, last in found for each in range(first, last + 1)}


@given(NUMBERS)
def test_runs_hold_the_numbers_and_are_as_long_as_they_can_be(told):
    found = runs(told)
    assert numbers(found) == told
    assert all(later > last + 1 for (_, last), (later, _) in pairwise(found))


@given(NUMBERS, NUMBERS)
def test_runs_without_others_are_the_difference(these, those):
    found = without(runs(these), runs(those))
    assert numbers(found) == these - those
    assert found == runs(these - those)

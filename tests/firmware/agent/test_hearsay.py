"""Which told times a clock believes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from firmware.agent.hearsay import AGAIN_MS, PAUSE_MS, Hearsay

AT = 1_772_409_600_000


def tells(hearsay: Hearsay, mono_ms: int, off_ms: int, is_right: bool = True) -> bool:
    """Somebody tells a time that is `off_ms` away from what the clock shows."""
    return hearsay.believes(mono_ms, AT + mono_ms + off_ms, AT + mono_ms, is_right)


def test_a_clock_that_is_not_right_believes_at_once():
    assert tells(Hearsay(), 0, 86_400_000, is_right=False)


def test_a_clock_that_is_right_believes_what_it_shows_anyway():
    assert all(tells(Hearsay(), 0, off_ms) for off_ms in (-2000, 0, 2000))


def test_a_jump_counts_when_it_is_told_again_the_same_a_while_later():
    hearsay = Hearsay()
    assert not tells(hearsay, 0, 60_000)
    assert not tells(hearsay, AGAIN_MS - 1, 60_000), "the same breath"
    assert tells(hearsay, AGAIN_MS, 61_000)


def test_a_jump_that_is_taken_back_is_forgotten():
    hearsay = Hearsay()
    assert not tells(hearsay, 0, 60_000)
    assert tells(hearsay, 1000, 0)
    assert not tells(hearsay, AGAIN_MS, 60_000)


def test_after_a_jump_there_is_none_for_an_hour():
    hearsay = Hearsay()
    tells(hearsay, 0, 60_000)
    assert tells(hearsay, AGAIN_MS, 60_000)
    assert not tells(hearsay, 2 * AGAIN_MS, -60_000)
    assert not tells(hearsay, 3 * AGAIN_MS, -60_000)
    assert not tells(hearsay, AGAIN_MS + PAUSE_MS - 1, -60_000)
    assert tells(hearsay, AGAIN_MS + PAUSE_MS, -60_000)


@given(st.lists(st.tuples(st.integers(1, 120_000), st.integers(-10_000_000, 10_000_000)), max_size=60))
def test_whoever_tells_whatever_moves_a_right_clock_once_an_hour_at_most(told):
    hearsay, mono_ms, moved = Hearsay(), 0, []
    for pause_ms, off_ms in told:
        mono_ms += pause_ms
        if tells(hearsay, mono_ms, off_ms) and abs(off_ms) > 2000:
            moved.append(mono_ms)
    assert all(later - earlier >= PAUSE_MS for earlier, later in itertools.pairwise(moved))

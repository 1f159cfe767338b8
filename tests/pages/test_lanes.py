"""What would overlap on a row stands in lanes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.lanes import lanes

_spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair))), max_size=30
).map(sorted)


@given(_spans)
def test_no_two_spans_of_one_lane_overlap(spans):
    places, _ = lanes(spans)
    taken: dict[int, int] = {}
    for (start, end), lane in zip(spans, places, strict=True):
        assert start >= taken.get(lane, 0)
        taken[lane] = max(end, start + 1)


@given(_spans)
def test_there_are_as_many_lanes_as_spans_at_the_busiest_instant(spans):
    _, count = lanes(spans)
    wide = [(start, max(end, start + 1)) for start, end in spans]
    assert count == max((sum(a <= at < b for a, b in wide) for at, _ in wide), default=0)


def test_what_follows_without_overlap_stays_in_one_lane():
    assert lanes([(0, 5), (5, 9), (9, 12)]) == ([0, 0, 0], 1)

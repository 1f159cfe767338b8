"""Sets of instants, compared with plain sets of whole numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.spans import FOREVER, Span, intersect, length_ms, subtract, union, whole_seconds

pytestmark = pytest.mark.pure

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def instants(spans: list[Span]) -> set[int]:
    return {instant for start, end in spans for instant in range(start, end)}


def is_tidy(spans: list[Span]) -> bool:
    flat = [edge for span in spans for edge in span]
    return flat == sorted(set(flat))


@given(SPANS)
def test_a_union_holds_the_same_instants_in_order_and_nothing_touches(spans):
    assert instants(union(spans)) == instants(spans)
    assert is_tidy(union(spans))


@given(SPANS, SPANS)
def test_an_intersection_holds_what_is_in_both(spans, others):
    assert instants(intersect(spans, others)) == instants(spans) & instants(others)
    assert is_tidy(intersect(spans, others))


@given(SPANS, SPANS)
def test_a_difference_holds_what_is_in_the_first_alone(spans, away):
    assert instants(subtract(spans, away)) == instants(spans) - instants(away)
    assert is_tidy(subtract(spans, away))


@given(SPANS)
def test_the_length_of_a_union_counts_each_instant_once(spans):
    assert length_ms(union(spans)) == len(instants(spans))


def test_what_does_not_end_can_be_cut():
    assert subtract([(0, FOREVER)], [(5, 7)]) == [(0, 5), (7, FOREVER)]
    assert intersect([(3, FOREVER)], [(0, 5)]) == [(3, 5)]


def test_reversed_and_empty_spans_hold_nothing():
    assert union([(5, 5), (9, 3)]) == []
    assert subtract([(0, 10)], [(7, 2)]) == [(0, 10)]


@given(st.lists(st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000)), max_size=5))
def test_whole_seconds_hold_everything_and_at_most_a_second_more_on_either_side(spans):
    widened = whole_seconds(spans)
    assert all(edge % 1000 == 0 for span in widened for edge in span)
    assert subtract(spans, widened) == []
    assert length_ms(subtract(widened, spans)) < 2000 * max(len(spans), 1)

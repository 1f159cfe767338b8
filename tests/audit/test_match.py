"""The matching, told as stories and compared with brute force on thousands of small cases."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.match import (
    Matching,
    Slot,
    Treatment,
    doubted_sets,
    extend,
    hall_witnesses,
    maximum,
    stages,
)
from gateway.audit.supplies import Supply
from tests.audit import brute
from tests.audit.brute import supply, treatment

pytestmark = pytest.mark.pure

seeds = st.integers(0, 2**32 - 1)


def matched(treatments: list[Treatment], supplies: list[Supply]) -> int:
    return len(maximum(treatments, supplies))


def doubts(treatments: list[Treatment], supplies: list[Supply]) -> dict[tuple[str, int], tuple[str, ...]]:
    return doubted_sets(hall_witnesses(treatments, supplies, maximum(treatments, supplies)))


def test_two_treatments_cannot_share_one_slot() -> None:
    assert matched([treatment(0, 0, 9), treatment(1, 0, 9)], [supply(0, 2, 3, 1)]) == 1


def test_a_supply_of_two_carries_two() -> None:
    assert matched([treatment(0, 0, 9), treatment(1, 0, 9)], [supply(0, 2, 3, 2)]) == 2


def test_a_short_window_is_served_before_a_long_one_that_could_go_elsewhere() -> None:
    course, visit = treatment(0, 0, 99), treatment(1, 10, 12)
    assert matched([course, visit], [supply(0, 11, 11, 1), supply(1, 50, 60, 1)]) == 2


def test_a_short_session_inside_a_long_one_is_used_by_who_can_use_nothing_else() -> None:
    inner, outer = supply(0, 10, 10, 1), supply(1, 0, 30, 1)
    assert matched([treatment(0, 10, 10), treatment(1, 25, 30)], [outer, inner]) == 2


def test_windows_and_sessions_that_meet_in_one_instant_are_compatible() -> None:
    assert matched([treatment(0, 0, 5)], [supply(0, 5, 9, 1)]) == 1
    assert matched([treatment(0, 0, 5)], [supply(0, 6, 9, 1)]) == 0


def test_a_supply_without_room_or_shorter_than_a_treatment_carries_nothing() -> None:
    assert matched([treatment(0, 0, 9)], [supply(0, 2, 3, 0), supply(1, 5, 4, 1)]) == 0


def test_nothing_is_matched_to_nothing() -> None:
    assert maximum([], [supply(0, 0, 1, 1)]) == {}
    assert maximum([treatment(0, 0, 1)], []) == {}
    assert hall_witnesses([], [], {}) == []


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="L7#1"):
        treatment(7, 5, 4)


def test_an_approved_unit_is_used_before_one_that_only_the_clinic_enrolled() -> None:
    approved, enrolled = supply(0, 0, 9, 1, "A"), supply(1, 0, 9, 1, "B")
    matching = stages([treatment(0, 0, 9)], [[approved], [enrolled], []], [])
    assert [matching.supplies[at].grade for at, _ in matching.slots.values()] == ["A"]


def test_a_treatment_moves_to_a_lower_grade_rather_than_that_another_finds_nothing() -> None:
    approved, enrolled = supply(0, 0, 9, 1, "A"), supply(1, 8, 9, 1, "B")
    wide, narrow = treatment(0, 0, 9), treatment(1, 0, 1)
    matching = stages([wide, narrow], [[approved], [enrolled], []], [])
    assert sorted(matching.supplies[at].grade or "" for at, _ in matching.slots.values()) == ["A", "B"]


def test_dark_time_is_asked_last() -> None:
    session, dark = supply(0, 0, 9, 1, "C"), supply(1, 0, 9, 5, None)
    matching = stages([treatment(0, 0, 9), treatment(1, 0, 9)], [[], [], [session]], [dark])
    assert len(matching.watched_slots) == 1
    assert len(matching.slots) == 2


def test_who_found_a_place_keeps_a_place_when_more_supplies_come() -> None:
    smaller: dict[int, Slot] = {0: (0, 0)}
    larger: dict[int, Slot] = {1: (0, 0), 0: (1, 0)}
    assert extend(smaller, larger) == {0: (1, 0), 1: (0, 0)}


def test_a_larger_matching_that_forgot_somebody_does_not_drive_him_out() -> None:
    smaller: dict[int, Slot] = {0: (0, 0)}
    larger: dict[int, Slot] = {1: (0, 0), 2: (1, 0)}
    assert extend(smaller, larger) == {0: (0, 0), 2: (1, 0)}


def test_three_equal_lines_on_two_slots_doubt_all_three_and_none_alone() -> None:
    treatments = [treatment(position, 0, 9) for position in range(3)]
    assert set(doubts(treatments, [supply(0, 0, 9, 2)]).values()) == {("L0", "L1", "L2")}


def test_two_left_over_beside_one_matched_are_one_set_not_two_pairs() -> None:
    treatments = [treatment(position, 0, 9) for position in range(3)]
    among = doubts(treatments, [supply(0, 0, 9, 1)])
    assert among == dict.fromkeys([("L0", 1), ("L1", 1), ("L2", 1)], ("L0", "L1", "L2"))


def test_lines_that_no_supply_meets_share_their_doubt_with_nobody() -> None:
    treatments = [treatment(0, 0, 9), treatment(1, 0, 9)]
    assert doubts(treatments, []) == {("L0", 1): ("L0",), ("L1", 1): ("L1",)}
    (witness,) = hall_witnesses(treatments, [], {})
    assert (len(witness.treatments), witness.supplies, witness.capacity) == (2, (), 0)


def test_a_line_that_has_its_own_device_time_is_not_drawn_into_the_doubt() -> None:
    treatments = [treatment(0, 0, 2), treatment(1, 0, 2), treatment(2, 1, 9)]
    among = doubts(treatments, [supply(0, 0, 2, 1), supply(1, 5, 5, 1)])
    assert set(among) == {("L0", 1), ("L1", 1)}


def test_a_doubt_goes_along_a_chain_of_sessions_that_others_could_have_used() -> None:
    treatments = [treatment(0, 0, 2), treatment(1, 0, 12), treatment(2, 10, 12), treatment(3, 10, 22)]
    supplies = [supply(0, 0, 2, 1), supply(1, 10, 12, 1), supply(2, 30, 40, 4)]
    assert set(doubts(treatments, supplies).values()) == {("L0", "L1", "L2", "L3")}


def test_two_doubts_of_one_day_that_share_no_supply_are_two_witnesses() -> None:
    treatments = [treatment(position, first, first + 1) for position, first in enumerate([0, 0, 8, 8])]
    supplies = [supply(0, 0, 0, 1), supply(1, 8, 8, 1)]
    witnesses = hall_witnesses(treatments, supplies, maximum(treatments, supplies))
    assert [[each.line for each in witness.treatments] for witness in witnesses] == [
        ["L0", "L1"],
        ["L2", "L3"],
    ]


def check_maximum(treatments: list[Treatment], supplies: list[Supply]) -> None:
    found = maximum(treatments, supplies)
    assert brute.is_matching(treatments, supplies, found)
    assert len(found) == brute.largest(treatments, supplies)


def check_stages(treatments: list[Treatment], graded: list[list[Supply]], extra: list[Supply]) -> None:
    before = Matching((), {}, 0)
    tiers = [*graded, extra]
    for count in range(1, 5):
        supplies = [each for tier in tiers[:count] for each in tier]
        after = stages(treatments, tiers[: min(count, 3)], tiers[3] if count == 4 else [])
        assert list(after.supplies) == supplies
        assert brute.is_matching(treatments, supplies, after.slots)
        assert len(after.slots) == brute.largest(treatments, supplies)
        assert before.slots.keys() <= after.slots.keys()
        assert set(before.slots.values()) <= set(after.slots.values())
        before = after


def check_doubts(treatments: list[Treatment], supplies: list[Supply]) -> None:
    slots = maximum(treatments, supplies)
    families = brute.left_over_sets(treatments, supplies)
    among = doubted_sets(hall_witnesses(treatments, supplies, slots))
    ever_left_over = set().union(*families)
    assert among.keys() == {(treatments[at].line, treatments[at].index) for at in ever_left_over}
    for at in ever_left_over:
        joined = brute.exchangeable(at, families)
        lines = among[treatments[at].line, treatments[at].index]
        assert lines == tuple(sorted({treatments[other].line for other in joined}))


def check_witnesses(treatments: list[Treatment], supplies: list[Supply]) -> None:
    slots = maximum(treatments, supplies)
    witnesses = hall_witnesses(treatments, supplies, slots)
    lacking = sum(len(witness.treatments) - witness.capacity for witness in witnesses)
    assert lacking == len(treatments) - len(slots)
    for witness in witnesses:
        could_use = [
            each
            for each in supplies
            if each.capacity and any(brute.compatible(one, each) for one in witness.treatments)
        ]
        assert list(witness.supplies) == could_use
        assert witness.capacity == sum(each.capacity for each in could_use) < len(witness.treatments)
        for at, each in enumerate(supplies):
            if each in witness.supplies:
                users = [treatments[position] for position, slot in slots.items() if slot[0] == at]
                assert len(users) == each.capacity
                assert all(user in witness.treatments for user in users)


def unique(treatments: list[Treatment]) -> list[Treatment]:
    """Each with an index of its own in its line."""
    return [
        Treatment(each.line, at, 31, each.window_from_ms, each.window_until_ms, each.charged_ms, 1200)
        for at, each in enumerate(treatments, start=1)
    ]


def test_every_stage_is_a_maximum_and_loses_nothing() -> None:
    for seed in range(4000):
        with brute.named(seed):
            treatments, graded, extra = brute.scene(Random(seed))
            check_maximum(treatments, [each for tier in (*graded, extra) for each in tier])
            check_stages(treatments, graded, extra)


def test_larger_cases_agree_with_augmenting_paths_too() -> None:
    for seed in range(80):
        with brute.named(seed):
            treatments, graded, extra = brute.scene(Random(seed), most=60, span=80, longest=60)
            supplies = [each for tier in (*graded, extra) for each in tier]
            check_maximum(treatments, supplies)
            check_stages(treatments, graded, extra)
            check_witnesses(treatments, supplies)


def test_a_doubted_set_holds_exactly_those_who_can_change_places() -> None:
    for seed in range(3000):
        with brute.named(seed):
            treatments, graded, extra = brute.scene(Random(seed), most=5, span=10, longest=6)
            check_doubts(unique(treatments), [each for tier in (*graded, extra) for each in tier])


def test_a_witness_shows_all_that_could_have_been_used_and_that_it_is_too_little() -> None:
    for seed in range(4000):
        with brute.named(seed):
            treatments, graded, extra = brute.scene(Random(seed), most=9, span=14)
            check_witnesses(treatments, [each for tier in (*graded, extra) for each in tier])


@settings(max_examples=150, deadline=None)
@given(seed=seeds, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_neither_counts_nor_sets(seed: int, shuffle: Random) -> None:
    treatments, graded, extra = brute.scene(Random(seed), most=12)
    treatments, supplies = unique(treatments), [each for tier in (*graded, extra) for each in tier]
    mixed, shelved = shuffle.sample(treatments, len(treatments)), shuffle.sample(supplies, len(supplies))
    assert matched(mixed, shelved) == matched(treatments, supplies)
    assert doubts(mixed, shelved) == doubts(treatments, supplies)


intervals = st.tuples(st.integers(0, 20), st.integers(0, 8))


@settings(max_examples=200, deadline=None)
@given(
    windows=st.lists(intervals, max_size=9),
    begins=st.lists(st.tuples(intervals, st.integers(0, 3)), max_size=9),
)
def test_no_matching_is_larger(
    windows: list[tuple[int, int]], begins: list[tuple[tuple[int, int], int]]
) -> None:
    treatments = [treatment(at, first, first + length) for at, (first, length) in enumerate(windows)]
    supplies = [supply(at, first, first + more, room) for at, ((first, more), room) in enumerate(begins)]
    check_maximum(treatments, supplies)
    check_witnesses(treatments, supplies)

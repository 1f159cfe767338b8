"""Two sessions of one unit at one time cannot both supply: they are one, and no second counts twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.coverage import Attested, Seen, attest
from gateway.audit.overlaps import without_overlaps
from gateway.audit.supplies import Session, session_supplies
from tests.audit.clinic import MIDNIGHT_MS, on
from tests.audit.scribe import Scribe


def one(*seen: Seen) -> Attested:
    return without_overlaps(Attested([], list(seen)))


def minutes(seen: Seen) -> tuple[int, float, float, float]:
    start, end = seen.start_ms - MIDNIGHT_MS, seen.end_ms - MIDNIGHT_MS
    return seen.us, start / 60_000, end / 60_000, seen.active_s / 60


def test_sessions_that_follow_each_other_stay_as_they_are() -> None:
    apart = [on(3, "09:00", 30), on(5, "09:30", 30), on(8, "11:00", 20)]
    found = one(*apart)
    assert (found.sessions, found.doubts) == (apart, [])


def test_an_overlap_of_two_minutes_is_the_clocks_doing_and_both_count_whole() -> None:
    near = [on(3, "09:00", 30), on(5, "09:28", 30)]
    assert one(*near).sessions == near
    assert len(one(on(3, "09:00", 30), on(5, "09:27:59", 30)).sessions) == 1


def test_an_overlap_is_one_session_over_both_on_for_both_but_never_longer_than_it_lasted() -> None:
    (found,) = one(on(3, "09:00", 30), on(5, "09:20", 30)).sessions
    assert minutes(found) == (3, 540, 590, 50)
    (inside,) = one(on(3, "09:00", 30), on(5, "09:05", 20)).sessions
    assert minutes(inside) == (3, 540, 570, 30)
    (pauses,) = one(
        replace(on(3, "09:00", 30), active_s=300), replace(on(5, "09:20", 30), active_s=360)
    ).sessions
    assert minutes(pauses) == (3, 540, 590, 11)


def test_a_moment_seen_inside_a_long_session_hides_no_overlap_behind_it() -> None:
    found = one(on(3, "09:00", 60), on(5, "09:10", 1), on(7, "09:20", 60)).sessions
    assert [minutes(each) for each in found] == [(3, 540, 620, 80), (5, 550, 551, 1)]


def test_it_goes_by_the_number_of_its_first_record_and_ends_as_its_last_second_did() -> None:
    (found,) = one(
        replace(on(9, "09:00", 30), tags=("a",)), replace(on(5, "09:20", 30, end="P"), tags=("b",))
    ).sessions
    assert (found.us, found.end_code, found.tags) == (5, "P", ("a", "b"))


def test_a_person_is_told_of_each_record_that_went_into_another() -> None:
    found = one(on(3, "09:00", 30), on(5, "09:20", 30), on(7, "09:40", 30))
    assert [(each.code, each.us, each.at_ms) for each in found.doubts] == [
        ("clock", 5, on(5, "09:20", 30).start_ms),
        ("clock", 7, on(7, "09:40", 30).start_ms),
    ]
    assert "records 3 and 5 overlap by 600 s" in found.doubts[0].en
    assert "记录 3 与 5 的通电重叠 600 秒" in found.doubts[0].zh


SESSIONS = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90), st.integers(1, 90)), max_size=8)


@given(SESSIONS, st.sampled_from([600, 1140, 1800]))
def test_however_they_lie_no_second_counts_twice_and_none_is_lost(
    drawn: list[tuple[int, int, int]], required_s: int
) -> None:
    seen = []
    for us, (start, lasted, active) in enumerate(drawn, start=1):
        begin_ms = MIDNIGHT_MS + start * 60_000
        each = on(us, "00:00", lasted)
        seen.append(
            replace(
                each, start_ms=begin_ms, end_ms=begin_ms + lasted * 60_000, active_s=min(active, lasted) * 60
            )
        )
    found = one(*seen).sessions
    in_time = sorted(found, key=lambda each: each.start_ms)
    for before, after in combinations(in_time, 2):
        assert min(before.end_ms, after.end_ms) - after.start_ms <= 120_000
    assert all(each.active_s * 1000 <= each.end_ms - each.start_ms for each in found)
    assert sum(each.active_s for each in found) <= sum(each.active_s for each in seen)
    covered = {minute for each in seen for minute in range(each.start_ms // 60_000, each.end_ms // 60_000)}
    held = {minute for each in found for minute in range(each.start_ms // 60_000, each.end_ms // 60_000)}
    assert held == covered
    capacity = sum(each.capacity for each in session_supplies([_session(each) for each in found], required_s))
    assert capacity <= sum(each.active_s for each in seen) // required_s


def _session(seen: Seen) -> Session:
    return Session("U1", seen.us, "lamp", seen.start_ms, seen.end_ms, seen.active_s, 1, "A", seen.end_code)


@given(st.lists(st.tuples(st.integers(0, 1800), st.integers(60, 3600), st.booleans()), max_size=8))
def test_an_honest_unit_with_a_good_clock_never_overlaps(drawn: list[tuple[int, int, bool]]) -> None:
    told = Scribe().boot()
    for pause, lasted, dies in drawn:
        told.wait(pause).open().wait(lasted).session(lasted)
        if dies:
            told.wait(5).boot()
    attested = attest(told.records)
    assert without_overlaps(attested).sessions == attested.sessions
    assert without_overlaps(attested).doubts == attested.doubts

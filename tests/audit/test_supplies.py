"""What sessions and dark time can have carried, told as stories and compared with plain closure."""

from __future__ import annotations

from random import Random

import pytest

from gateway.audit.supplies import Dark, Session, Supply, extra_supplies, session_supplies
from tests.audit import brute

pytestmark = pytest.mark.pure

TDP_S = 1140


def session(
    start_s: int,
    end_s: int,
    code: str = "L",
    *,
    us: int = 1,
    stations: int = 1,
    active_s: int | None = None,
    device: str = "lamp",
) -> Session:
    active = end_s - start_s if active_s is None else active_s
    return Session("U1", us, device, start_s * 1000, end_s * 1000, active, stations, "A", code)


def dark(from_s: int, until_s: int, *, stations: int = 1, device: str = "lamp") -> Dark:
    return Dark(device, from_s * 1000, until_s * 1000, stations, "U1")


def one_of(session: Session, required_s: int = TDP_S) -> Supply:
    (supply,) = session_supplies([session], required_s)
    return supply


def extras(sessions: list[Session], darks: list[Dark]) -> list[tuple[int, int]]:
    """(capacity, sessions joined) of each extra supply."""
    return [(each.capacity, len(each.sessions)) for each in extra_supplies(sessions, darks, TDP_S)]


def test_forty_minutes_of_a_lamp_hold_two_treatments() -> None:
    assert one_of(session(0, 2400)).capacity == 2


def test_a_lamp_of_two_heads_holds_two_at_once() -> None:
    assert one_of(session(0, 1200, stations=2)).capacity == 2


def test_a_minute_less_than_the_shortest_time_is_tolerated_and_a_second_more_is_not() -> None:
    assert one_of(session(0, 1140)).capacity == 1
    assert one_of(session(0, 1139)).capacity == 0


def test_active_seconds_count_not_the_span() -> None:
    assert one_of(session(0, 2400, active_s=1139)).capacity == 0


def test_a_treatment_begins_no_later_than_it_still_fits() -> None:
    supply = one_of(session(100, 2500))
    assert (supply.begins_from_ms, supply.begins_until_ms) == (100_000, (2500 - 1140) * 1000)


def test_a_session_lends_its_record_as_key_and_its_grade() -> None:
    assert (one_of(session(0, 1200, us=3)).key, one_of(session(0, 1200)).grade) == ("U1:3", "A")


def test_a_session_that_counts_a_second_more_than_it_spans_fits_nobody() -> None:
    assert not one_of(session(0, 1139, active_s=1140)).is_usable


def test_fifteen_minutes_on_two_without_mains_and_three_on_can_have_been_one_treatment() -> None:
    (supply,) = extra_supplies([session(0, 900, "P"), session(1020, 1200, us=2)], [dark(900, 1020)], TDP_S)
    assert (supply.capacity, supply.grade, [each.key for each in supply.sessions]) == (
        1,
        None,
        ["U1:1", "U1:2"],
    )
    assert (supply.begins_from_ms, supply.begins_until_ms) == (0, 60_000)
    assert (supply.key, supply.darks) == ("lamp:dark:1", (dark(900, 1020),))


def test_the_same_pause_while_watched_joins_nothing() -> None:
    assert extras([session(0, 900), session(1020, 1200, us=2)], []) == []


def test_dark_time_alone_carries_what_fits_in_it() -> None:
    assert extras([], [dark(0, 3600)]) == [(3, 0)]
    assert extras([], [dark(0, 1139)]) == []


def test_what_sessions_carry_by_themselves_is_not_counted_again() -> None:
    assert extras([session(0, 2400)], [dark(2400, 3600)]) == [(1, 1)]


def test_a_start_or_end_two_seconds_from_the_dark_touches_it_and_three_seconds_do_not() -> None:
    assert extras([session(0, 900)], [dark(902, 1200)]) == [(1, 1)]
    assert extras([session(0, 900)], [dark(903, 1200)]) == []
    assert extras([session(302, 1200)], [dark(0, 300)]) == [(1, 1)]
    assert extras([session(303, 1203)], [dark(0, 300)]) == []


def test_a_session_broken_off_touches_the_dark_next_to_it() -> None:
    for code in "PA":
        assert extras([session(0, 900, code)], [dark(960, 1260)]) == [(1, 1)]


def test_a_session_broken_off_does_not_reach_over_eleven_minutes() -> None:
    assert extras([session(0, 900, "A")], [dark(900 + 660, 1900)]) == [(1, 1)]
    assert extras([session(0, 900, "A")], [dark(900 + 661, 1900)]) == []


def test_a_session_broken_off_does_not_reach_over_a_later_session() -> None:
    assert extras([session(0, 900, "A"), session(910, 920, us=2)], [dark(960, 1260)]) == []


def test_a_session_broken_off_touches_only_the_first_dark_after_it() -> None:
    assert extras([session(0, 900, "P")], [dark(900, 905), dark(1000, 1400)]) == []


def test_a_session_broken_off_does_not_touch_the_dark_before_it() -> None:
    assert extras([session(400, 1300, "P")], [dark(0, 390)]) == []


def test_the_dark_of_another_device_joins_nothing() -> None:
    assert extras([session(0, 900, "P")], [dark(900, 1020, device="other")]) == []


def test_a_chain_of_cuts_is_one_joined_span() -> None:
    sessions = [session(at, at + 200, "P", us=at) for at in range(0, 1500, 250)]
    darks = [dark(at + 200, at + 250) for at in range(0, 1500, 250)]
    assert extras(sessions, darks) == [(1, 6)]


def test_dark_intervals_side_by_side_are_one_and_seconds_in_two_of_them_count_once() -> None:
    assert extras([], [dark(0, 600), dark(600, 1140)]) == [(1, 0)]
    assert extras([], [dark(0, 700), dark(100, 1000)]) == []


def test_a_blind_device_with_a_plug_that_saw_one_session_is_dark_all_day() -> None:
    assert extras([session(3600, 4800)], [dark(0, 43200)]) == [(38 - 1, 1)]


def test_stations_that_were_corrected_in_between_count_for_the_clinic() -> None:
    assert extras([session(0, 900, stations=2)], [dark(900, 1200)]) == [(2, 1)]


def test_dark_groups_of_a_device_are_numbered_in_the_order_of_time() -> None:
    found = extra_supplies([], [dark(9000, 11000), dark(0, 2000), dark(0, 2000, device="box")], TDP_S)
    assert [(each.key, each.begins_from_ms) for each in found] == [
        ("box:dark:1", 0),
        ("lamp:dark:1", 0),
        ("lamp:dark:2", 9_000_000),
    ]


def a_day(random: Random) -> tuple[list[Session], list[Dark]]:
    """Sessions and dark intervals of two devices, thrown down anyhow."""
    sessions = []
    for us in range(random.randint(0, 6)):
        start = random.randint(0, 2400)
        length = random.choice([0, 1, 20, 90, 300])
        on = max(0, length - random.choice([0, 0, 5]))
        stations, device = random.choice([1, 1, 2]), random.choice(["lamp", "box"])
        code = random.choice("LPA")
        sessions.append(
            session(start, start + length, code, us=us, stations=stations, active_s=on, device=device)
        )
    darks = []
    for _ in range(random.randint(0, 5)):
        begin = random.choice([random.randint(0, 2400), *(each.end_ms // 1000 for each in sessions)])
        begin = max(0, begin + random.choice([0, 0, 1, 2, 3, 4, 200, 659, 661]))
        device = random.choice(["lamp", "box"])
        darks.append(dark(begin, begin + random.choice([1, 2, 30, 400]), device=device))
    return sessions, darks


def test_joining_agrees_with_plain_closure_over_everything_that_touches() -> None:
    for seed in range(3000):
        with brute.named(seed):
            random = Random(seed)
            sessions, darks = a_day(random)
            found = extra_supplies(random.sample(sessions, len(sessions)), darks, 30)
            assert sorted((as_span(each) for each in found), key=str) == brute.joined_spans(
                sessions, darks, 30
            )


def as_span(supply: Supply) -> tuple[int, int, int, frozenset[str]]:
    keys = frozenset(session.key for session in supply.sessions)
    return supply.begins_from_ms, supply.begins_until_ms + 30_000, supply.capacity, keys

"""The case's switch and a button: what a contact says once it holds still."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers.contact import CASE_MS, QUIET_MS, CaseSwitch, Contact
from tests.support.both import on_both


def openings(levels: list[tuple[int, bool]]) -> list[int]:
    """When the case was opened, of (mono_ms, closed)."""
    switch = CaseSwitch()
    return [mono_ms for mono_ms, closed in levels if switch.feed(mono_ms, closed)]


def steady(from_ms: int, until_ms: int, closed: bool) -> list[tuple[int, bool]]:
    return [(mono_ms, closed) for mono_ms in range(from_ms, until_ms, 50)]


def test_opening_the_case_is_told_once_however_long_it_stays_open():
    assert openings(steady(0, 5000, True) + steady(5000, 60_000, False)) == [5200]


def test_a_wire_that_is_cut_tells_the_same_as_an_open_case():
    """The switch is closed while the case is, and the pin is pulled up: no wire, no ground."""
    assert openings(steady(0, 1000, True) + steady(1000, 2000, False)) == [1200]


def test_a_case_that_is_open_at_boot_was_opened_while_nobody_looked():
    assert openings(steady(0, 1000, False)) == [200]


def test_a_case_that_stays_closed_says_nothing():
    assert openings(steady(0, 100_000, True)) == []


def test_bouncing_is_no_opening():
    bounces = [(1000 + n * 20, n % 2 == 0) for n in range(200)]
    assert openings([*steady(0, 1000, True), *bounces, *steady(5000, 6000, True)]) == []


def test_a_loose_wire_fills_no_journal():
    loose = [each for n in range(200) for each in steady(n * 1000, n * 1000 + 1000, n % 2 == 0)]
    assert openings(loose) == [1200, 61_200, 121_200, 181_200]


def test_a_button_that_is_held_is_one_press():
    button = Contact(30)
    said = [button.feed(mono_ms, 100 <= mono_ms < 900) for mono_ms in range(0, 1200, 10)]
    assert [(index * 10, each) for index, each in enumerate(said) if each is not None] == [
        (30, False),
        (130, True),
        (930, False),
    ]


@given(st.lists(st.tuples(st.integers(0, 40 * CASE_MS), st.booleans()), max_size=60))
def test_between_two_openings_lies_a_minute_and_a_closed_case(pauses):
    at_ms, levels = 0, []
    for pause_ms, closed in pauses:
        at_ms += pause_ms
        levels.append((at_ms, closed))
    found = openings(levels)
    for earlier, later in pairwise(found):
        assert later - earlier >= QUIET_MS
        assert any(closed for mono_ms, closed in levels if earlier < mono_ms < later)


def test_contacts_are_judged_alike_under_both_interpreters():
    script = (
        "from hardware.drivers.contact import CaseSwitch, Contact\n"
        "case, button = CaseSwitch(), Contact(30)\n"
        "for n in range(400):\n"
        "    level = (n * n * 7919 >> 6) % 5 > 1\n"
        "    print(case.feed(n * 90, level), button.feed(n * 17, not level))\n"
    )
    assert on_both(script).count("True") > 3

"""What a pack shows against what the district held: each difference is named, and what is in order accuses nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.compare import CODES, Held, HeldUnit, Shown, ShownUnit, compare, finding
from gateway.kit.onsite import trails_of
from gateway.kit.runs import runs, without
from gateway.ledger.trail import ORIGIN, Entry, Head

KEY, OTHER_KEY = "aa", "bb"
BEGINS_MS, HEARD_MS, MADE_MS = 10_000, 50_000, 90_000


def chain(first, last, branch="a"):
    return {us: f"{branch}{us}" for us in range(first, last + 1)}


def held_unit(last=9, **other):
    return HeldUnit(**({"key": KEY, "approved_ms": 1, "retired_ms": None, "us": last, "digest": f"a{last}",
                        "held": [(1, last)]} | other))  # fmt: skip


def shown_unit(first=3, last=9, **other):
    received = {us: us * 1000 for us in range(first, last + 1)}
    return ShownUnit(**({"key": KEY, "approved_ms": 1, "chain": chain(first, last), "received_ms": received,
                         "first_ms": BEGINS_MS - 1} | other))  # fmt: skip


def compared(held, shown, heard_ms=HEARD_MS, made_ms=MADE_MS, trail=((), ()), by_cable=None):
    trails = trails_of(*map(list, trail))
    found = compare(Held(held, heard_ms), Shown(shown, BEGINS_MS, made_ms), trails, str, by_cable)
    return [(each.code, each.is_note) for each in found], found


def codes(*given, **named):
    return [code for code, _ in compared(*given, **named)[0]]


def test_a_pack_that_shows_all_that_is_held_is_in_order():
    assert codes({"U1": held_unit()}, {"U1": shown_unit()}) == []


def test_what_is_older_than_the_period_may_be_left_out():
    assert codes({"U1": held_unit()}, {"U1": shown_unit(first=8)}) == []


def test_a_beginning_that_was_cut_out_of_the_period_is_withheld():
    _, found = compared({"U1": held_unit()}, {"U1": shown_unit(first=5, first_ms=BEGINS_MS + 1)})
    assert [(each.code, "1-4" in each.en) for each in found] == [("withheld", True)]


def test_a_tail_that_is_not_shown_is_withheld_from_number_to_number():
    _, (found,) = compared({"U1": held_unit(9)}, {"U1": shown_unit(last=6)})
    assert found.code == "withheld" and "7-9" in found.en and "7-9" in found.zh and "U1" in found.zh


def test_a_hole_in_the_middle_is_withheld_and_what_is_kept_aside_is_shown():
    there = {us: digest for us, digest in chain(3, 9).items() if us not in (5, 6)}
    _, (found,) = compared({"U1": held_unit()}, {"U1": shown_unit(chain=there, aside=frozenset([6]))})
    assert found.code == "withheld" and " 5 " in found.en


def test_of_what_the_district_lacks_itself_nothing_is_withheld():
    there = {us: digest for us, digest in chain(3, 9).items() if us != 5}
    assert codes({"U1": held_unit(held=[(1, 4), (6, 9)])}, {"U1": shown_unit(chain=there)}) == []


def test_a_chain_with_another_record_at_the_districts_head_was_written_anew():
    _, found = compared({"U1": held_unit()}, {"U1": shown_unit(chain=chain(3, 12, "b"))})
    assert [(each.code, each.where) for each in found] == [("head_contradicted", "U1:9")]


def test_another_key_is_named_and_a_vouching_that_the_district_never_gave():
    assert codes({"U1": held_unit()}, {"U1": shown_unit(key=OTHER_KEY)}) == ["key_differs"]
    assert codes({"U1": held_unit(approved_ms=None)}, {"U1": shown_unit()}) == ["approval_untrue"]
    assert codes({}, {"U9": shown_unit()}) == ["approval_untrue"]


def test_the_same_key_in_other_letters_is_the_same_key():
    assert codes({"U1": held_unit(key="AA")}, {"U1": shown_unit()}) == []


def test_a_unit_that_is_left_out_is_hidden_if_it_ever_spoke_and_is_not_retired():
    assert compared({"U1": held_unit()}, {})[0] == [("unit_hidden", False)]
    assert compared({"U1": HeldUnit(KEY, 1, None)}, {})[0] == [("unit_silent", True)]
    assert codes({"U1": held_unit(retired_ms=BEGINS_MS - 1)}, {}) == []
    assert codes({"U1": held_unit(retired_ms=BEGINS_MS)}, {}) == ["unit_hidden"]


def test_a_unit_that_only_the_clinic_enrolled_is_a_note():
    assert compared({}, {"U9": shown_unit(approved_ms=None)})[0] == [("unit_unknown", True)]


def test_a_fork_that_the_pack_does_not_tell_of_is_named():
    assert codes({"U1": held_unit(forked_us=7)}, {"U1": shown_unit()}) == ["fork_hidden"]
    assert codes({"U1": held_unit(forked_us=7)}, {"U1": shown_unit(forked_us=7)}) == []


# --- what was not sent yet ---


def test_records_that_came_after_the_line_was_last_up_are_a_note_and_no_finding():
    late = shown_unit(last=12, received_ms={us: HEARD_MS + us for us in range(3, 13)})
    found, (note,) = compared({"U1": held_unit()}, {"U1": late})
    assert found == [("not_yet_sent", True)] and "10-12" in note.zh and str(HEARD_MS) in note.zh


def test_records_that_were_there_when_the_line_was_up_are_a_note_that_says_so():
    assert compared({"U1": held_unit()}, {"U1": shown_unit(last=12)})[0] == [("sent_in_part", True)]


def test_records_that_others_overtook_on_the_way_to_the_district_were_held_back():
    """U1's 10 to 12 came to the gateway before U2's last record, which the district has."""
    two = {"U1": held_unit(9), "U2": held_unit(20)}
    shown = {"U1": shown_unit(last=12), "U2": shown_unit(last=20)}
    found, (said,) = compared(two, shown)
    assert found == [("held_back", False)] and "10-12" in said.en and "U2" in said.en


def test_records_that_came_after_all_that_was_sent_were_not_held_back():
    two = {"U1": held_unit(9), "U2": held_unit(9)}
    assert compared(two, {"U1": shown_unit(last=12), "U2": shown_unit(last=9)})[0] == [("sent_in_part", True)]


def test_a_gateway_that_was_never_heard_leaves_only_notes():
    found, _ = compared({"U1": HeldUnit(KEY, 1, None)}, {"U1": shown_unit()}, heard_ms=0)
    assert found == [("not_yet_sent", True)]


# --- a pack that is older than the kit ---


def test_a_pack_that_was_made_before_the_gateway_was_last_heard_has_to_be_made_again():
    told = [Head(5, "e5")]
    found = codes(
        {"U1": held_unit(9)}, {"U1": shown_unit(last=6)}, made_ms=HEARD_MS - 1, trail=(told, entries(3))
    )
    assert found == ["pack_older"]


def test_a_hole_in_an_older_pack_is_still_withheld():
    there = {us: digest for us, digest in chain(3, 6).items() if us != 4}
    found = codes({"U1": held_unit(9)}, {"U1": shown_unit(chain=there)}, made_ms=HEARD_MS - 1)
    assert found == ["pack_older", "withheld"]


# --- by cable ---


def test_what_the_unit_holds_beyond_the_pack_is_named_and_what_it_contradicts():
    shown = {"U1": shown_unit()}
    assert codes({"U1": held_unit()}, shown, by_cable={"U1": chain(1, 9)}) == []
    assert codes({"U1": held_unit()}, shown, by_cable={"U1": chain(8, 11)}) == ["cable_withheld"]
    hole = {"U1": shown_unit(chain={us: digest for us, digest in chain(3, 9).items() if us != 5})}
    assert codes({"U1": HeldUnit(KEY, 1, None)}, hole, by_cable={"U1": chain(4, 6)})[0] == "cable_withheld"
    assert codes({"U1": held_unit()}, shown, by_cable={"U1": chain(5, 9, "b")}) == ["cable_contradicts"]
    assert codes({}, {}, by_cable={"U1": chain(1, 2)}) == ["cable_withheld"]


# --- the trail ---


def entries(count, branch="e"):
    return [Entry(number, 0, "D01", "act", "s", {}, f"{branch}{number}") for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("told", "trail", "expected"),
    [
        ([], [], []),
        ([Head(0, ORIGIN)], entries(2), []),
        ([Head(2, "e2"), Head(3, "e3")], entries(5), []),
        ([Head(3, "e3")], entries(2), ["trail_contradicted"]),
        ([Head(2, "e2")], entries(5, "f"), ["trail_contradicted"]),
        ([Head(3, "e3"), Head(2, "e2")], entries(5), ["trail_rewritten"]),
    ],
)
def test_every_end_of_the_trail_that_was_told_must_stand_in_it(told, trail, expected):
    assert codes({}, {}, trail=(told, trail)) == expected


# --- whatever is taken away ---


@given(st.integers(1, 25), st.integers(1, 25), st.sets(st.integers(1, 25)))
def test_exactly_the_records_that_are_missing_are_named(last, first, gone):
    """Of a unit of which the district holds 1 to `last`, the pack shows `first` to `last` without some."""
    there = {us: digest for us, digest in chain(first, last).items() if us not in gone}
    _, found = compared({"U1": held_unit(last)}, {"U1": shown_unit(chain=there, received_ms={})})
    lacking = without([(min(there, default=1), last)], runs(there))
    named = [each for each in found if each.code == "withheld"]
    assert len(named) == (1 if lacking else 0)
    if lacking:
        told = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in lacking)
        assert f"records {told} of" in named[0].en


def test_that_nothing_could_be_compared_is_a_finding_with_its_reason():
    said = finding("not_compared", "pack", zh="缺页", en="a page is missing")
    assert not said.is_note and "缺页" in said.zh and "a page is missing" in said.en


def test_of_very_many_holes_the_first_are_told_and_how_many_there_are():
    there = {us: digest for us, digest in chain(2, 200).items() if us % 2 == 0}
    _, (said, *_) = compared({"U1": held_unit(200)}, {"U1": shown_unit(chain=there, received_ms={})})
    assert said.code == "withheld" and "3, 5, 7" in said.en and "… 199 (99)" in said.en and len(said.en) < 250


def test_every_code_has_a_test_of_its_own():
    text = Path(__file__).read_text("utf-8")
    assert [code for code in CODES if f'"{code}"' not in text] == []

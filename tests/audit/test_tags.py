"""Tags in the matching, told as stories and held against brute force: they choose among equally good stories and never
make a step's maximum smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import tags
from gateway.audit.match import Treatment, stages
from gateway.audit.supplies import Session, Supply, extra_supplies, session_supplies
from gateway.audit.verdicts import Case, Judgement, judge
from tests.audit import brute
from tests.audit.test_verdicts import (
    REQUIRED_S,
    a_scene,
    an_honest_day,
    at,
    case,
    dark,
    line,
    on,
    said,
)

pytestmark = pytest.mark.pure

VISITS = ("", "V1", "V2", "V3")


def of(visit: str, treatments: list[Treatment]) -> list[Treatment]:
    return [replace(each, visit=visit) for each in treatments]


def read_at(session: Session, *visits: str) -> Session:
    return replace(session, visits=visits)


def rests_on(judgement: Judgement) -> dict[str, tuple[str, ...]]:
    return {f"{each.line}#{each.index}": each.records for each in judgement.verdicts}


def contradictions(judgement: Judgement) -> list[tuple[str, str, bool]]:
    return [(each.session.key, each.visit, each.too_short) for each in judgement.contradicted]


# --- stories ------------------------------------------------------------------------------------------------------


def test_a_treatment_rests_on_the_session_at_which_its_visit_was_read() -> None:
    lines = of("V1", line("L1", "8:00")) + of("V2", line("L2", "9:00"))
    sessions = [read_at(on("9:00", 20), "V2"), read_at(on("10:00", 20, us=2), "V1")]
    found = judge(case(lines, sessions))
    assert rests_on(found) == {"L1#1": ("U1:2",), "L2#1": ("U1:1",)}
    assert [each.tagged for each in found.verdicts] == [True, True]


def test_a_treatment_whose_visit_was_read_nowhere_is_supported_as_before_and_not_said_to_be_tagged() -> None:
    lines = of("V1", line("L1", "8:00")) + of("V2", line("L2", "9:00"))
    found = judge(case(lines, [read_at(on("9:00", 20), "V2"), on("10:00", 20, us=2)]))
    assert rests_on(found)["L1#1"] == ("U1:2",)
    assert [each.tagged for each in found.verdicts] == [False, True]


def test_of_two_charges_for_one_session_the_one_that_was_read_there_is_out_of_doubt() -> None:
    lines = of("V1", line("L1", "8:00")) + of("V2", line("L2", "9:00"))
    found = judge(case(lines, [read_at(on("9:00", 20), "V2")]))
    assert said(found) == {"L1#1": "no_device_time", "L2#1": "supported"}
    assert found.verdicts[0].among == ("L1",)


def test_the_witness_of_missing_device_time_trusts_no_tag() -> None:
    lines = of("V1", line("L1", "8:00")) + of("V2", line("L2", "9:00"))
    tagged = judge(case(lines, [read_at(on("9:00", 20), "V2")]))
    plain = judge(case(lines, [on("9:00", 20)]))
    (witness,) = tagged.witnesses
    assert {each.line for each in witness.treatments} == {"L1", "L2"}
    assert [(len(each.treatments), each.capacity) for each in plain.witnesses] == [(2, 1)]


def test_a_tag_gives_way_where_another_treatment_would_find_nothing() -> None:
    """L1 could be done on either day, L2 on Monday alone: that the tag of L1 was read on Monday would leave L2 without."""
    course = replace(line("L1", "8:00")[0], visit="V1", window_until_ms=2 * at("24:00") - 1)
    lines = [course, *of("V2", line("L2", "9:00"))]
    found = judge(case(lines, [read_at(on("9:00", 20), "V1"), on("9:00", 20, us=2, day=1)]))
    assert rests_on(found) == {"L1#1": ("U1:2",), "L2#1": ("U1:1",)}
    assert not any(each.tagged for each in found.verdicts)
    assert found.contradicted == ()


def test_a_tag_that_gives_way_takes_no_other_tag_with_it() -> None:
    course = replace(line("L1", "8:00")[0], visit="V1", window_until_ms=2 * at("24:00") - 1)
    lines = [course, *of("V2", line("L2", "9:00")), *of("V3", line("L3", "9:30"))]
    sessions = [
        read_at(on("9:00", 20), "V1"),
        on("9:00", 20, us=2, day=1),
        read_at(on("11:00", 20, us=3), "V3"),
    ]
    found = judge(case(lines, sessions))
    assert {each.line for each in found.verdicts if each.tagged} == {"L3"}
    assert set(said(found).values()) == {"supported"}


def test_a_tag_read_by_a_shop_plug_does_not_take_a_treatment_from_an_approved_unit() -> None:
    lines = of("V1", line("L1"))
    found = judge(case(lines, [on("9:00", 20), read_at(on("10:00", 20, us=2, unit="U2", grade="B"), "V1")]))
    assert (found.verdicts[0].grade, found.verdicts[0].tagged) == ("A", False)


def test_two_heads_of_a_lamp_keep_a_visit_each() -> None:
    lines = of("V1", line("L1", "8:00")) + of("V2", line("L2", "9:00")) + of("V3", line("L3", "7:00"))
    found = judge(case(lines, [read_at(on("9:00", 20, stations=2), "V1", "V2")]))
    assert said(found) == {"L1#1": "supported", "L2#1": "supported", "L3#1": "no_device_time"}


def test_a_tag_at_a_session_too_short_for_its_treatment_is_contradicted() -> None:
    found = judge(case(of("V1", line("L1")), [read_at(on("9:00", 13), "V1"), on("10:00", 20, us=2)]))
    assert contradictions(found) == [("U1:1", "V1", True)]


def test_a_short_session_beside_one_that_fits_is_a_lamp_that_was_moved_and_no_contradiction() -> None:
    sessions = [read_at(on("9:00", 3), "V1"), read_at(on("9:10", 20, us=2), "V1")]
    assert judge(case(of("V1", line("L1")), sessions)).contradicted == ()


def test_a_tag_of_a_visit_that_was_charged_nothing_of_the_class_is_contradicted() -> None:
    found = judge(case(of("V1", line("L1")), [read_at(on("9:00", 20), "V1", "V9")]))
    assert contradictions(found) == [("U1:1", "V9", False)]


def test_a_tag_on_a_day_on_which_the_visit_can_not_have_begun_is_contradicted() -> None:
    sessions = [read_at(on("9:00", 20), "V1"), read_at(on("9:00", 20, us=2, day=1), "V1")]
    assert contradictions(judge(case(of("V1", line("L1")), sessions))) == [("U1:2", "V1", False)]


def test_a_tag_of_a_refunded_charge_is_not_contradicted() -> None:
    refunded = [replace(each, reversed=True) for each in of("V1", line("L1"))]
    assert judge(case(refunded, [read_at(on("9:00", 5), "V1")])).contradicted != ()
    assert judge(case(refunded, [read_at(on("9:00", 20), "V1")])).contradicted == ()


def test_a_tag_at_a_session_cut_by_a_power_failure_is_borne_out_by_the_dark_that_follows() -> None:
    cut = read_at(on("9:00", 15, code="P"), "V1")
    found = judge(case(of("V1", line("L1")), [cut], [dark("9:15", "9:25")]))
    assert (found.verdicts[0].code, found.contradicted) == ("unobserved", ())


# --- against brute force ------------------------------------------------------------------------------------------


def a_tagged_scene(random: Random, most: int = 6) -> Case:
    """A class on a small scale in which visits are read at sessions, rightly and wrongly."""
    scene = a_scene(random, most)
    return replace(
        scene,
        treatments=[replace(each, visit=random.choice(VISITS)) for each in scene.treatments],
        sessions=[replace(each, visits=some(random)) for each in scene.sessions],
    )


def some(random: Random) -> tuple[str, ...]:
    return tuple(random.sample(VISITS[1:], random.choice([0, 1, 1, 2])))


def untagged(scene: Case) -> Case:
    return replace(scene, sessions=[replace(each, visits=()) for each in scene.sessions])


Tiers = list[list[Supply]]


def spread(scene: Case) -> tuple[list[Treatment], Tiers]:
    """What is matched, in order, and the supplies grade by grade with the extra ones last."""
    treatments = sorted(
        (each for each in scene.treatments if not each.reversed),
        key=lambda each: (each.charged_ms, each.line, each.index),
    )
    sessions = sorted(scene.sessions, key=lambda each: (each.start_ms, each.end_ms, each.unit, each.us))
    graded = [session_supplies([s for s in sessions if s.grade == grade], REQUIRED_S) for grade in "ABC"]
    return treatments, [*graded, extra_supplies(sessions, scene.darks, REQUIRED_S)]


def kept(treatments: list[Treatment], tiers: Tiers) -> tags.Kept:
    return tags.keep(treatments, tiers[:-1], tiers[-1], stages(treatments, tiers[:-1], tiers[-1]))


def rest(
    treatments: Sequence[Treatment], supplies: Sequence[Supply], pins: dict[int, int]
) -> tuple[list[Treatment], list[Supply]]:
    """What is left to match when some treatments have their supply."""
    used = list(pins.values())
    free = [each for at, each in enumerate(treatments) if at not in pins]
    return free, [replace(each, capacity=each.capacity - used.count(at)) for at, each in enumerate(supplies)]


def free_of_cost(treatments: list[Treatment], tiers: Tiers, pins: dict[int, int]) -> bool:
    """Whether each step is as large as without any pin, by augmenting paths."""
    supplies = [each for tier in tiers for each in tier]
    free, left = rest(treatments, supplies, pins)
    return all(
        brute.largest(free, left[:end]) + sum(at < end for at in pins.values())
        == brute.largest(treatments, supplies[:end])
        for end in accumulate(map(len, tiers))
    )


def by_definition(treatments: list[Treatment], supplies: list[Supply]) -> set[tuple[int, int]]:
    return {
        (position, place)
        for position, treatment in enumerate(treatments)
        for place, supply in enumerate(supplies)
        if not supply.darks
        and supply.capacity
        and treatment.visit in supply.sessions[0].visits
        and brute.compatible(treatment, supply)
    }


def test_tagged_pairs_are_those_of_the_definition_and_the_first_are_as_many_as_can_be_kept_together() -> None:
    for seed in range(2000):
        with brute.named(seed):
            treatments, tiers = spread(a_tagged_scene(Random(seed), most=9))
            supplies = [each for tier in tiers for each in tier]
            pairs = tags.tagged_pairs(treatments, supplies)
            assert len(set(pairs)) == len(pairs) and set(pairs) == by_definition(treatments, supplies)
            alone = [
                replace(each, capacity=each.capacity if not each.darks else 0, key=str(at))
                for at, each in enumerate(supplies)
            ]
            assert len(
                tags._in_turn(pairs, [each.capacity for each in alone], lambda _: True)
            ) == most_tagged(treatments, alone)


def most_tagged(treatments: list[Treatment], supplies: list[Supply]) -> int:
    """The largest matching of treatments to sessions at which their visit was read: a choice for each, all tried."""
    best = 0

    def choose(position: int, left: list[int], count: int) -> None:
        nonlocal best
        best = max(best, count)
        if position == len(treatments) or count + len(treatments) - position <= best:
            return
        for place, supply in enumerate(supplies):
            treatment = treatments[position]
            if (
                left[place]
                and treatment.visit in supply.sessions[0].visits
                and brute.compatible(treatment, supply)
            ):
                choose(position + 1, [room - (at == place) for at, room in enumerate(left)], count + 1)
        choose(position + 1, left, count)

    choose(0, [0 if each.darks else each.capacity for each in supplies], 0)
    return best


def test_tags_are_kept_one_by_one_as_long_as_they_cost_nothing() -> None:
    given_way = 0
    for seed in range(2500):
        with brute.named(seed):
            treatments, tiers = spread(a_tagged_scene(Random(seed), most=8))
            supplies = [each for tier in tiers for each in tier]
            pairs = tags.tagged_pairs(treatments, supplies)
            plain: dict[int, int] = {}
            for position, place in pairs:
                room = supplies[place].capacity > list(plain.values()).count(place)
                more = plain | {position: place}
                if position not in plain and room and free_of_cost(treatments, tiers, more):
                    plain = more
            found = kept(treatments, tiers)
            assert dict(found.pins) == plain
            given_way += len({position for position, _ in pairs}) - len(plain)
    assert given_way > 50


def test_what_keeps_tags_is_a_matching_of_every_steps_maximum() -> None:
    for seed in range(2500):
        with brute.named(seed):
            treatments, tiers = spread(a_tagged_scene(Random(seed), most=9))
            found = kept(treatments, tiers)
            supplies = list(found.matching.supplies)
            assert brute.is_matching(treatments, supplies, found.matching.slots)
            assert all(found.matching.slots[position][0] == place for position, place in found.pins.items())
            for end in accumulate(map(len, tiers)):
                used = sum(place < end for place, _ in found.matching.slots.values())
                assert used == brute.largest(treatments, supplies[:end])


def test_doubt_is_said_of_those_who_can_change_places_when_tags_are_kept() -> None:
    for seed in range(2000):
        with brute.named(seed):
            scene = a_tagged_scene(Random(seed), most=5)
            treatments, tiers = spread(scene)
            supplies = [each for tier in tiers for each in tier]
            pins = dict(kept(treatments, tiers).pins)
            free, left = rest(treatments, supplies, pins)
            watched = sum(map(len, tiers[:-1]))
            everything, unwatched = (
                brute.left_over_sets(free, left),
                brute.left_over_sets(free, left[:watched]),
            )
            places = {(each.line, each.index): place for place, each in enumerate(free)}
            for verdict in judge(scene).verdicts:
                place = places.get((verdict.line, verdict.index), -1)
                joined: set[int] = set()
                if verdict.code in ("short", "no_device_time", "unobserved"):
                    joined |= doubted(place, everything)
                if verdict.code == "unobserved":
                    joined |= doubted(place, unwatched)
                assert verdict.among == tuple(sorted({free[each].line for each in joined}))


def doubted(place: int, families: set[frozenset[int]]) -> set[int]:
    return brute.exchangeable(place, families) if place in set().union(*families) else set()


def test_witnesses_are_the_same_whatever_the_tags_say_and_hold_every_smaller_doubt() -> None:
    smaller = 0
    for seed in range(2000):
        with brute.named(seed):
            scene = a_tagged_scene(Random(seed), most=9)
            found, plain = judge(scene), judge(untagged(scene))
            assert [shape(each.treatments, each.capacity) for each in found.witnesses] == [
                shape(each.treatments, each.capacity) for each in plain.witnesses
            ]
            sets = [{each.line for each in witness.treatments} for witness in plain.witnesses]
            for verdict in found.verdicts:
                if verdict.code in ("short", "no_device_time"):
                    assert any(set(verdict.among) <= each for each in sets)
            smaller += sum(len(each.among) for each in found.verdicts) < sum(
                len(each.among) for each in plain.verdicts
            )
    assert smaller > 50


def shape(treatments: Sequence[Treatment], capacity: int) -> tuple[list[tuple[str, int]], int]:
    return sorted((each.line, each.index) for each in treatments), capacity


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing_with_tags(seed: int, shuffle: Random) -> None:
    scene = a_tagged_scene(Random(seed), most=12)
    mixed = replace(
        scene,
        treatments=shuffle.sample(scene.treatments, len(scene.treatments)),
        sessions=[
            replace(each, visits=tuple(shuffle.sample(each.visits, len(each.visits))))
            for each in shuffle.sample(scene.sessions, len(scene.sessions))
        ],
    )
    assert judge(mixed).verdicts == judge(scene).verdicts


def test_an_honest_clinic_whose_tags_are_right_keeps_every_one_of_them() -> None:
    for seed in range(1000):
        with brute.named(seed):
            day = with_true_tags(an_honest_day(Random(seed)))
            found = judge(day)
            assert {each.code for each in found.verdicts} <= {"supported"}
            assert all(each.tagged for each in found.verdicts) and found.contradicted == ()


def with_true_tags(day: Case) -> Case:
    """The day as if everything had been seen, each treatment read at the session in which it was performed."""
    lamps: dict[str, list[list[int]]] = {}
    for each in [
        *day.sessions,
        *(Session("", 0, d.device, d.from_ms, d.until_ms, 0, 2, "A", "L") for d in day.darks),
    ]:
        lamps.setdefault(each.device, []).append([each.start_ms, each.end_ms])
    sessions: list[Session] = []
    for device, spans in sorted(lamps.items()):
        for start, end in joined(sorted(spans)):
            us, seconds = len(sessions), (end - start) // 1000
            sessions.append(Session(f"U{us}", us, device, start, end, seconds, 2, "A", "L"))
    treatments, room = [], {each.key: each.active_s // REQUIRED_S * 2 for each in sessions}
    read: dict[str, list[str]] = {}
    for number, treatment in enumerate(sorted(day.treatments, key=lambda each: each.charged_ms)):
        held = [
            each
            for each in sessions
            if room[each.key] and each.start_ms <= treatment.charged_ms <= each.end_ms - REQUIRED_S * 1000
        ]
        if held:
            key = held[0].key
            room[key] -= 1
            treatments.append(replace(treatment, visit=f"V{number}", line=f"L{number}"))
            read.setdefault(key, []).append(f"V{number}")
    tagged = [replace(each, visits=tuple(read.get(each.key, ()))) for each in sessions]
    return replace(day, treatments=treatments, sessions=tagged, darks=[])


def joined(spans: list[list[int]]) -> list[list[int]]:
    found: list[list[int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found

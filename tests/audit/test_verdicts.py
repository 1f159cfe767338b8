"""What is said of treatments, told as stories of a day with TDP lamps and compared with brute force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.match import Treatment
from gateway.audit.supplies import Dark, Session, extra_supplies, session_supplies
from gateway.audit.verdicts import CODES, Case, ItemRule, Judgement, Verdict, judge
from tests.audit import brute

pytestmark = pytest.mark.pure

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
TDP = {31: ItemRule(1140, 1800), 33: ItemRule(1740, 2400)}


def at(clock: str, day: int = 0) -> int:
    hours, minutes = clock.split(":")
    return day * DAY + (int(hours) * 60 + int(minutes)) * MINUTE


def line(
    name: str, charged: str = "10:00", *, day: int = 0, count: int = 1, item: int = 31
) -> list[Treatment]:
    """A bill line of `count` treatments, done at any time of its day."""
    window = day * DAY, (day + 1) * DAY - 1
    charged_ms = at(charged, day)
    return [Treatment(name, index, item, *window, charged_ms, 1200) for index in range(1, count + 1)]


def on(
    start: str,
    minutes: int,
    *,
    us: int = 1,
    day: int = 0,
    unit: str = "U1",
    stations: int = 1,
    grade: str = "A",
    code: str = "L",
) -> Session:
    start_ms = at(start, day)
    lamp = f"lamp of {unit}"
    return Session(unit, us, lamp, start_ms, start_ms + minutes * MINUTE, minutes * 60, stations, grade, code)


def dark(start: str, end: str, *, unit: str | None = "U1", lamp: str = "lamp of U1") -> Dark:
    return Dark(lamp, at(start), at(end), 1, unit)


def case(
    treatments: Sequence[Treatment], sessions: Sequence[Session] = (), darks: Sequence[Dark] = ()
) -> Case:
    return Case(1140, TDP, treatments, sessions, darks, [(0, None)])


def said(judgement: Judgement) -> dict[str, str]:
    return {f"{each.line}#{each.index}": each.code for each in judgement.verdicts}


def only(judgement: Judgement) -> Verdict:
    (verdict,) = judgement.verdicts
    return verdict


def test_twenty_minutes_under_a_lamp_support_a_treatment() -> None:
    assert only(judge(case(line("L1"), [on("9:00", 20)]))) == Verdict(
        "L1", 1, 31, "supported", "A", 1200, 1140, 1140, "ordinary", ("U1:1",), (), (), 0, DAY - 1, 1200
    )


def test_a_lamp_that_was_never_on_while_watched_supports_nothing() -> None:
    verdict = only(judge(case(line("L1"))))
    assert (verdict.code, verdict.grade, verdict.active_s, verdict.records) == (
        "no_device_time",
        None,
        None,
        (),
    )
    assert verdict.among == ("L1",)


def test_the_lamp_of_another_day_does_not_help() -> None:
    assert only(judge(case(line("L1"), [on("9:00", 20, day=1)]))).code == "no_device_time"


def test_two_patients_on_one_lamp_in_twenty_minutes_doubt_both_and_name_neither_alone() -> None:
    judgement = judge(case(line("L1") + line("L2"), [on("9:00", 20)]))
    assert Counter(said(judgement).values()) == {"supported": 1, "no_device_time": 1}
    (doubted,) = [each for each in judgement.verdicts if each.code == "no_device_time"]
    assert doubted.among == ("L1", "L2")


def test_a_lamp_that_burned_forty_minutes_carried_two() -> None:
    judgement = judge(case(line("L1") + line("L2"), [on("9:00", 40)]))
    assert set(said(judgement).values()) == {"supported"}


def test_a_lamp_of_two_heads_carries_two_patients_at_once() -> None:
    judgement = judge(case(line("L1") + line("L2"), [on("9:00", 20, stations=2)]))
    assert set(said(judgement).values()) == {"supported"}


def test_a_line_of_three_areas_asks_for_three_treatments() -> None:
    judgement = judge(case(line("L1", count=3), [on("9:00", 40)]))
    assert Counter(said(judgement).values()) == {"supported": 2, "no_device_time": 1}
    assert [each.among for each in judgement.verdicts if each.code != "supported"] == [("L1",)]


def test_a_course_takes_the_day_that_visits_leave_to_it() -> None:
    course = Treatment("course", 1, 31, 0, 10 * DAY - 1, at("8:00"), 1200)
    visits = [treatment for day in range(4) for treatment in line(f"visit {day}", day=day)]
    sessions = [on("9:00", 20, us=day, day=day) for day in (0, 1, 2, 3, 7)]
    assert set(said(judge(case([course, *visits], sessions))).values()) == {"supported"}


def test_a_treatment_charged_by_the_item_own_time_is_shown_both_times() -> None:
    verdict = only(judge(case(line("L1", item=33), [on("9:00", 20)])))
    assert (verdict.code, verdict.required_s, verdict.item_required_s) == ("supported", 1140, 1740)


def test_fifteen_minutes_two_without_mains_and_three_are_unobserved_and_not_doubted() -> None:
    sessions = [on("9:00", 15, code="P"), on("9:17", 3, us=2)]
    verdict = only(judge(case(line("L1"), sessions, [dark("9:15", "9:17")])))
    assert (verdict.code, verdict.grade, verdict.records) == ("unobserved", None, ("U1:1", "U1:2"))
    assert verdict.dark == (("U1", at("9:15"), at("9:17")),)
    assert verdict.among == ("L1",)


def test_a_box_without_a_unit_is_named_where_it_could_explain() -> None:
    verdict = only(judge(case(line("L1"), [], [dark("8:00", "20:00", unit=None, lamp="box 1")])))
    assert (verdict.code, verdict.records, verdict.dark[0][0]) == ("unobserved", (), "box 1")


def test_dark_time_that_is_too_short_explains_nothing() -> None:
    assert only(judge(case(line("L1"), [], [dark("9:00", "9:18")]))).code == "no_device_time"


def test_who_rests_on_dark_time_is_not_told_from_who_could_have_used_the_lamp() -> None:
    judgement = judge(case(line("L1") + line("L2"), [on("9:00", 20)], [dark("15:00", "15:30")]))
    assert Counter(said(judgement).values()) == {"supported": 1, "unobserved": 1}
    (verdict,) = [each for each in judgement.verdicts if each.code == "unobserved"]
    assert verdict.among == ("L1", "L2")
    assert judgement.witnesses == ()


def test_two_lines_with_only_dark_time_for_one_doubt_each_other() -> None:
    judgement = judge(case(line("L1") + line("L2"), [], [dark("15:00", "15:30")]))
    assert [each.code for each in judgement.verdicts] == ["unobserved", "no_device_time"]
    assert [each.among for each in judgement.verdicts] == [("L1", "L2"), ("L1", "L2")]


def test_a_treatment_cut_short_shows_the_seconds_that_were_there() -> None:
    verdict = only(judge(case(line("L1"), [on("9:00", 8)])))
    assert (verdict.code, verdict.active_s, verdict.records, verdict.grade) == ("short", 480, ("U1:1",), "A")
    assert verdict.among == ("L1",)


def test_less_than_a_minute_is_not_even_short() -> None:
    burst = replace(on("9:00", 1), end_ms=at("9:00") + 59_000, active_s=59)
    assert only(judge(case(line("L1"), [burst]))).code == "no_device_time"
    assert only(judge(case(line("L1"), [on("9:00", 1)]))).code == "short"


def test_each_left_over_is_used_once_and_the_largest_first() -> None:
    judgement = judge(case(line("L1", "9:00") + line("L2", "8:00"), [on("9:00", 5), on("10:00", 12, us=2)]))
    assert [(each.line, each.active_s) for each in judgement.verdicts] == [("L2", 720), ("L1", 300)]
    judgement = judge(case(line("L1", count=3), [on("9:00", 5), on("10:00", 12, us=2)]))
    assert [each.code for each in judgement.verdicts] == ["short", "short", "no_device_time"]


def test_of_two_equal_left_overs_the_first_is_given() -> None:
    verdict = only(judge(case(line("L1"), [on("10:00", 12, us=2), on("9:00", 12)])))
    assert verdict.records == ("U1:1",)


def test_what_was_given_to_a_visit_is_not_given_to_a_course_again() -> None:
    course = Treatment("course", 1, 31, 0, 10 * DAY - 1, at("12:00"), 1200)
    judgement = judge(case([*line("visit"), course], [on("9:00", 12)]))
    assert said(judgement) == {"visit#1": "short", "course#1": "no_device_time"}


def test_half_a_treatment_that_a_patient_left_of_a_lamp_is_short_and_less_is_nothing() -> None:
    both = line("L1") + line("L2")
    seconds = [each.active_s for each in judge(case(both, [on("9:00", 29)])).verdicts]
    assert seconds == [29 * 60, 29 * 60 - 1140]
    assert said(judge(case(both, [on("9:00", 28)])))["L2#1"] == "no_device_time"


def test_each_head_of_a_lamp_is_short_for_one_patient() -> None:
    judgement = judge(case(line("L1", count=3), [on("9:00", 10, stations=2)]))
    assert [each.active_s for each in judgement.verdicts] == [600, 600, None]


def test_only_the_seconds_inside_the_window_are_there() -> None:
    midnight = on("23:50", 25, day=-1)
    judgement = judge(case(line("L1"), [midnight]))
    assert (only(judgement).active_s, judgement.unused) == (15 * 60, ())


def test_a_lamp_that_simply_burned_is_told_from_one_that_was_used() -> None:
    fits = {minutes: only(judge(case(line("L1"), [on("9:00", minutes)]))).fit for minutes in (20, 45, 46)}
    assert fits == {20: "ordinary", 45: "ordinary", 46: "long_burn"}
    two = judge(case(line("L1", count=2), [on("9:00", 75)]))
    assert [each.fit for each in two.verdicts] == ["ordinary", "ordinary"]


def test_an_item_without_a_longest_time_is_always_ordinary() -> None:
    endless = replace(case(line("L1"), [on("8:00", 600)]), items={31: ItemRule(1140, None)})
    assert only(judge(endless)).fit == "ordinary"


def test_what_nobody_used_is_listed_where_a_whole_treatment_would_have_fitted() -> None:
    judgement = judge(case(line("L1"), [on("9:00", 60), on("12:00", 18, us=2), on("13:00", 19, us=3)]))
    unused = [(each.session.us, each.station, each.used, each.left_s) for each in judgement.unused]
    assert unused == [(1, 0, 1, 2460), (3, 0, 0, 1140)]


def test_the_heads_of_a_lamp_are_filled_one_after_the_other() -> None:
    judgement = judge(case(line("L1", count=3), [on("9:00", 45, stations=3)]))
    assert [(each.station, each.used, each.left_s) for each in judgement.unused] == [
        (1, 1, 1560),
        (2, 0, 2700),
    ]


def test_a_refund_is_said_so_and_takes_no_device_time() -> None:
    refunded = [replace(each, reversed=True) for each in line("L1", "8:00")]
    judgement = judge(case(refunded + line("L2"), [on("9:00", 20)]))
    assert said(judgement) == {"L1#1": "reversed", "L2#1": "supported"}


def test_a_class_without_a_device_in_the_window_is_not_metered() -> None:
    later = replace(case(line("L1") + line("L2", day=1), [on("9:00", 20, day=1)]), inventory=[(DAY, None)])
    assert said(judge(later)) == {"L1#1": "not_metered", "L2#1": "supported"}
    gone = replace(later, inventory=[(-DAY, 0)])
    assert set(said(judge(gone)).values()) == {"not_metered"}


def test_a_line_that_a_person_attended_is_matched_to_what_was_written_down() -> None:
    written = on("9:00", 20, unit="book", grade="C")
    attended = replace(case(line("L1") + line("L2"), [written]), inventory=[], attended=frozenset({"L1"}))
    judgement = judge(attended)
    assert said(judgement) == {"L1#1": "supported", "L2#1": "not_metered"}
    assert judgement.verdicts[0].grade == "C"


def test_a_capacity_witness_names_the_treatments_the_lamps_and_the_dark() -> None:
    judgement = judge(case(line("L1", count=4), [on("9:00", 20)], [dark("15:00", "15:20")]))
    (witness,) = judgement.witnesses
    assert (len(witness.treatments), witness.capacity) == (4, 2)
    assert [each.key for each in witness.supplies] == ["U1:1", "lamp of U1:dark:1"]


def test_an_empty_day_has_no_verdicts() -> None:
    judgement = judge(case([], [on("9:00", 20)]))
    assert (judgement.verdicts, judgement.witnesses, len(judgement.unused)) == ((), (), 1)


def test_a_treatment_that_takes_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="required_s"):
        replace(case([]), required_s=0)


REQUIRED_S = 3


def a_scene(random: Random, most: int = 5) -> Case:
    """A class on a small scale (a treatment takes 3 s), with everything that can happen to it."""
    return Case(
        REQUIRED_S,
        {31: ItemRule(3, 5), 33: ItemRule(4, None)},
        [a_treatment(random, position) for position in range(random.randint(0, most))],
        [a_session(random, us) for us in range(random.randint(0, 4))],
        [a_dark(random) for _ in range(random.choice([0, 0, 1, 2]))],
        [(0, None)],
    )


def a_treatment(random: Random, position: int) -> Treatment:
    first = random.randint(0, 20) * 1000
    name = f"L{random.randint(0, position)}"
    item, charged_ms = random.choice([31, 31, 33]), random.randint(0, 3)
    last = first + random.choice([0, 2, 6, 20]) * 1000
    return Treatment(name, position, item, first, last, charged_ms, 100, random.random() < 0.1)


def a_session(random: Random, us: int) -> Session:
    start = random.randint(0, 24) * 1000
    length = random.choice([1, 2, 3, 4, 7])
    active_s = max(0, length - random.choice([0, 0, 1]))
    grade, code = random.choice("AAABC"), random.choice("LPA")
    return Session(
        "U",
        us,
        random.choice("xy"),
        start,
        start + length * 1000,
        active_s,
        random.choice([1, 1, 2]),
        grade,
        code,
    )


def a_dark(random: Random) -> Dark:
    begin = random.randint(0, 24) * 1000
    return Dark(random.choice("xy"), begin, begin + random.choice([1, 3, 4, 7]) * 1000, 1, None)


def spread(scene: Case) -> tuple[list[Treatment], list, list[int]]:
    """Treatments in order, supplies by grade with the extra ones last, and where each grade ends."""
    treatments = [each for each in scene.treatments if not each.reversed]
    treatments.sort(key=lambda each: (each.charged_ms, each.line, each.index))
    sessions = sorted(scene.sessions, key=lambda each: each.grade)
    supplies = session_supplies(sessions, REQUIRED_S) + extra_supplies(sessions, scene.darks, REQUIRED_S)
    grades = [sum(each.grade == grade for each in sessions) for grade in "ABC"]
    return treatments, supplies, list(accumulate(grades))


def test_counts_are_the_best_that_brute_force_finds_grade_by_grade() -> None:
    for seed in range(3000):
        with brute.named(seed):
            scene = a_scene(Random(seed), most=9)
            treatments, supplies, ends = spread(scene)
            best = [brute.largest(treatments, supplies[:end]) for end in (*ends, len(supplies))]
            verdicts = judge(scene).verdicts
            grades = [each.grade for each in verdicts if each.code == "supported"]
            codes = Counter(each.code for each in verdicts)
            found = list(accumulate([*(grades.count(grade) for grade in "ABC"), codes["unobserved"]]))
            assert found == best
            assert codes["short"] + codes["no_device_time"] == len(treatments) - best[-1]
            assert codes["reversed"] == len(scene.treatments) - len(treatments)


def test_doubted_sets_hold_exactly_those_who_can_change_places() -> None:
    for seed in range(2000):
        with brute.named(seed):
            scene = a_scene(Random(seed))
            treatments, supplies, ends = spread(scene)
            left_over = brute.left_over_sets(treatments, supplies)
            unwatched = brute.left_over_sets(treatments, supplies[: ends[-1]])
            places = {(each.line, each.index): place for place, each in enumerate(treatments)}
            for verdict in judge(scene).verdicts:
                place = places.get((verdict.line, verdict.index), -1)
                joined: set[int] = set()
                if verdict.code in ("short", "no_device_time", "unobserved"):
                    joined |= in_doubt(place, left_over)
                if verdict.code == "unobserved":
                    joined |= in_doubt(place, unwatched)
                assert verdict.among == tuple(sorted({treatments[each].line for each in joined}))


def in_doubt(place: int, families: set[frozenset[int]]) -> set[int]:
    return brute.exchangeable(place, families) if place in set().union(*families) else set()


def test_who_stands_alone_is_so_in_every_best_story() -> None:
    """A line that is named alone is unsupported, or left over, in whichever way the rest is told."""
    for seed in range(1500):
        with brute.named(seed):
            scene = a_scene(Random(seed))
            treatments, supplies, ends = spread(scene)
            stories = brute.best_orders(treatments, supplies, ends)
            for verdict in judge(scene).verdicts:
                if len(verdict.among) != 1:
                    continue
                own = [place for place, each in enumerate(treatments) if each.line == verdict.line]
                limit = ends[-1] if verdict.code == "unobserved" else len(supplies)
                for story in stories:
                    assert any(
                        supply is None or supply >= limit for supply in (story[place] for place in own)
                    )


def test_whoever_could_be_unsupported_stands_in_some_doubted_set() -> None:
    for seed in range(1500):
        with brute.named(seed):
            scene = a_scene(Random(seed))
            treatments, supplies, ends = spread(scene)
            named = {line for verdict in judge(scene).verdicts for line in verdict.among}
            for story in brute.best_orders(treatments, supplies, ends):
                for treatment, supply in zip(treatments, story, strict=True):
                    assert treatment.line in named or (supply is not None and supply < ends[-1])


def test_short_times_are_what_a_plain_reading_of_the_rule_gives() -> None:
    for seed in range(2000):
        with brute.named(seed):
            scene = slowed(a_scene(Random(seed), most=9))
            verdicts = judge(scene).verdicts
            used = Counter(each.records[0] for each in verdicts if each.code == "supported")
            left_over = [each for each in verdicts if each.code in ("short", "no_device_time")]
            windows = [(each.window_from_ms, each.window_until_ms) for each in left_over]
            expected = brute.short_times(windows, scene.sessions, used, scene.required_s)
            assert [
                (each.records[0], each.active_s) if each.records else None for each in left_over
            ] == expected
            assert all(60 <= (each.active_s or 0) < scene.required_s for each in left_over if each.records)


def slowed(scene: Case) -> Case:
    """The same, a minute for each second."""
    treatments = [
        replace(each, window_from_ms=each.window_from_ms * 60, window_until_ms=each.window_until_ms * 60)
        for each in scene.treatments
    ]
    sessions = [
        replace(each, start_ms=each.start_ms * 60, end_ms=each.end_ms * 60, active_s=each.active_s * 60)
        for each in scene.sessions
    ]
    darks = [replace(each, from_ms=each.from_ms * 60, until_ms=each.until_ms * 60) for each in scene.darks]
    return replace(scene, required_s=REQUIRED_S * 60, treatments=treatments, sessions=sessions, darks=darks)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(seed: int, shuffle: Random) -> None:
    scene = a_scene(Random(seed), most=12)
    mixed = replace(
        scene,
        treatments=shuffle.sample(scene.treatments, len(scene.treatments)),
        sessions=shuffle.sample(scene.sessions, len(scene.sessions)),
        darks=shuffle.sample(scene.darks, len(scene.darks)),
    )
    assert judge(mixed) == judge(scene)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), names=st.randoms(use_true_random=False))
def test_other_names_for_the_lines_change_no_count_and_no_set(seed: int, names: Random) -> None:
    scene = a_scene(Random(seed), most=10)
    other = {f"L{number}": f"L{name}" for number, name in enumerate(names.sample(range(10), 10))}
    renamed = replace(scene, treatments=[replace(each, line=other[each.line]) for each in scene.treatments])
    before, after = judge(scene), judge(renamed)
    for codes in (["supported"], ["unobserved"], ["short", "no_device_time"]):
        assert sum(each.code in codes for each in before.verdicts) == sum(
            each.code in codes for each in after.verdicts
        )
    assert doubted(before, other) == doubted(after, {name: name for name in other.values()})


def doubted(judgement: Judgement, names: dict[str, str]) -> set[str]:
    return {names[treatment.line] for witness in judgement.witnesses for treatment in witness.treatments}


def an_honest_day(random: Random) -> Case:
    """Lamps on and off, and treatments really done on them and charged; some of it seen by nobody."""
    treatments: list[Treatment] = []
    sessions: list[Session] = []
    darks: list[Dark] = []
    for lamp in range(random.randint(1, 3)):
        unseen = hidden(random)
        darks += [Dark(f"lamp {lamp}", first * 1000, last * 1000, 2, f"U{lamp}") for first, last in unseen]
        for start, end in burning(random):
            for _ in range(random.choice([1, 2])):
                treatments += performed(random, start, end, len(treatments))
            sessions += seen(lamp, start, end, unseen, len(sessions))
    return Case(REQUIRED_S, {31: ItemRule(REQUIRED_S, 5)}, treatments, sessions, darks, [(0, None)])


def hidden(random: Random) -> list[tuple[int, int]]:
    cuts = sorted(random.sample(range(0, 200, 4), 2 * random.randint(0, 4)))
    return list(zip(cuts[::2], cuts[1::2], strict=True))


def burning(random: Random) -> list[tuple[int, int]]:
    cuts = sorted(random.sample(range(200), 2 * random.randint(1, 6)))
    return list(zip(cuts[::2], cuts[1::2], strict=True))


def performed(random: Random, start: int, end: int, count: int) -> list[Treatment]:
    """One station's treatments, one after the other, each begun somewhere in its window."""
    done: list[Treatment] = []
    while (start := start + random.choice([0, 0, 0, 1, 5])) + REQUIRED_S <= end:
        first, last = start - random.choice([3, 20, 200]), start + random.choice([3, 20, 200])
        number = count + len(done)
        done.append(Treatment(f"L{number}", 1, 31, first * 1000, last * 1000, start * 1000, 100))
        start += REQUIRED_S
    return done


def seen(lamp: int, start: int, end: int, unseen: list[tuple[int, int]], us: int) -> list[Session]:
    """The parts of a power-on period that the unit watched."""
    parts, begin = [], start
    for first, last in [*unseen, (end, end)]:
        if begin < min(first, end):
            parts.append((begin, min(first, end)))
        begin = max(begin, last)
    return [
        Session(
            f"U{lamp}",
            us + number,
            f"lamp {lamp}",
            a * 1000,
            b * 1000,
            b - a,
            2,
            "A",
            "A" if b < end else "L",
        )
        for number, (a, b) in enumerate(parts)
    ]


def test_a_clinic_that_did_all_it_charged_is_never_doubted() -> None:
    for seed in range(2000):
        with brute.named(seed):
            codes = Counter(each.code for each in judge(an_honest_day(Random(seed))).verdicts)
            assert not codes["short"] and not codes["no_device_time"]


def test_every_verdict_has_a_known_code() -> None:
    found = {each.code for seed in range(300) for each in judge(a_scene(Random(seed))).verdicts}
    assert found <= set(CODES)

"""A month of 100 busy clinics: 780,000 treatments, 8 lamps and 4 stimulators each, matched; for one in thirty there was no
device time.

Beside it scipy's Hopcroft-Karp on the same cases, its graph built too, and what is usually done: an as-of join that
takes any session for good that overlaps a charge, and each charge taking the nearest session that is left. Nobody searches
for cyclic garbage meanwhile, as nobody does while a period is judged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from random import Random

import numpy
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from gateway.audit.match import Treatment, maximum
from gateway.audit.supplies import Session, Supply, session_supplies
from gateway.uncollected import uncollected
from tests.bench.figures import Figure, alternating, seconds

DAYS, _REQUIRED_S = 30, 1140
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
CLASSES = {"tdp": (31, 8, 180), "stim": (23, 4, 80)}  # item, devices, treatments a day

Case = tuple[list[Treatment], list[Supply]]


def figures(scale: float) -> list[Figure]:
    clinics = max(round(100 * scale), 1)
    cases = [_case(Random(clinic), load) for clinic in range(clinics) for load in CLASSES]
    treatments = sum(len(each) for each, _ in cases)
    ours: list[int] = []
    theirs: list[int] = []

    def match() -> float:
        ours.clear()
        return seconds(lambda: ours.extend(len(maximum(*case)) for case in cases))

    def scipy() -> float:
        theirs.clear()
        return seconds(lambda: theirs.extend(_hopcroft_karp(*case) for case in cases))

    with uncollected():
        ours_s, scipy_s = alternating(3, match, scipy)
    assert ours == theirs, "the two do not match equally many"
    unsupported = treatments - sum(ours)
    found, doubted = (sum(each(*case) for case in cases) for each in (_as_of, _nearest_unused))
    return [
        Figure(
            "matching", f"匹配 {treatments} 次治疗", f"matching {treatments} treatments", ours_s, "s", scipy_s, "scipy",
            "< 1 x, equal counts", ours_s < scipy_s,
        ),
        Figure("unsupported", "其中无设备时间", "of them without device time", unsupported, "treatments"),
        Figure("as_of", "as-of 连接找到", "found by an as-of join", found, "treatments", unsupported, "of them"),
        Figure(
            "nearest", "最近未用法误疑", "falsely doubted by nearest-unused", doubted - unsupported, "treatments"
        ),
    ]  # fmt: skip


def _case(chance: Random, load: str) -> Case:
    item, devices, per_day = CLASSES[load]
    sessions = [
        each for day in range(DAYS) for device in range(devices) for each in burned(chance, load, device, day)
    ]
    sessions.sort(key=lambda each: (each.start_ms, each.end_ms, each.unit, each.us))
    return charged(chance, item, per_day), session_supplies(sessions, _REQUIRED_S)


def charged(chance: Random, item: int, per_day: int) -> list[Treatment]:
    """Most lines may have been done at any time of their day, some say when, a few are courses of ten days."""
    made = []
    for day in range(DAYS):
        midnight_ms = day * DAY_MS
        for number in range(per_day):
            charged_ms = midnight_ms + chance.randrange(8 * HOUR_MS, 18 * HOUR_MS)
            window = (midnight_ms, midnight_ms + DAY_MS - 1)
            if chance.random() < 0.2:
                window = (charged_ms - 30 * MINUTE_MS, charged_ms + 30 * MINUTE_MS)
            elif chance.random() < 0.05:
                window = (midnight_ms, midnight_ms + 10 * DAY_MS - 1)
            made.append(Treatment(f"{day}/{number}", 1, item, *window, charged_ms, 1200))
    return sorted(made, key=lambda each: (each.charged_ms, each.line))


def burned(chance: Random, load: str, device: int, day: int) -> list[Session]:
    made: list[Session] = []
    at_ms = day * DAY_MS + 8 * HOUR_MS
    while True:
        at_ms += chance.randrange(1, 8) * MINUTE_MS
        minutes = chance.choice((12, 20, 20, 21, 21, 22, 25, 45))
        end_ms = at_ms + minutes * MINUTE_MS
        if end_ms > day * DAY_MS + 18 * HOUR_MS:
            return made
        about = (f"{load}{device}", len(made) + day * 1000, f"{load}{device}")
        made.append(Session(*about, at_ms, end_ms, minutes * 60, 1, "A", "L"))
        at_ms = end_ms


def _hopcroft_karp(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many scipy matches: one column for each slot, edges by bisection over sorted slots."""
    slots = sorted(
        (each.begins_from_ms, each.begins_until_ms)
        for each in supplies
        if each.is_usable
        for _ in range(each.capacity)
    )
    firsts = [first for first, _ in slots]
    lasts = numpy.array([last for _, last in slots])
    pointers, columns = [0], []
    for treatment in treatments:
        until = bisect_left(firsts, treatment.window_until_ms + 1)
        near = numpy.nonzero(lasts[:until] >= treatment.window_from_ms)[0]
        columns.append(near)
        pointers.append(pointers[-1] + len(near))
    indices = numpy.concatenate(columns)
    shape = (len(treatments), len(slots))
    graph = csr_matrix((numpy.ones(len(indices), numpy.int8), indices, pointers), shape)
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _as_of(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many have no session at all that could have held them, whoever else used it."""
    slots = sorted((each.begins_from_ms, each.begins_until_ms) for each in supplies if each.is_usable)
    firsts, latest = [first for first, _ in slots], list(accumulate((last for _, last in slots), max))
    return sum(not _reaches(latest, bisect_left(firsts, one.window_until_ms + 1), one) for one in treatments)


def _reaches(latest: Sequence[int], until: int, one: Treatment) -> bool:
    return until > 0 and latest[until - 1] >= one.window_from_ms


def _nearest_unused(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many find nothing left when each charge in turn takes the nearest session of its window."""
    slots = sorted(
        (each.begins_from_ms, each.begins_until_ms)
        for each in supplies
        if each.is_usable
        for _ in range(each.capacity)
    )
    doubted = 0
    for one in treatments:
        at = bisect_left(slots, (one.charged_ms, 0))
        near = sorted(
            range(max(0, at - 40), min(len(slots), at + 40)), key=lambda n: abs(slots[n][0] - one.charged_ms)
        )
        fits = (n for n in near if slots[n][0] <= one.window_until_ms and slots[n][1] >= one.window_from_ms)
        taken = next(fits, None)
        if taken is None:
            doubted += 1
        else:
            del slots[taken]
    return doubted

"""The matching against a solver that we did not write (Hopcroft and Karp, of scipy), on days of every shape, with and
without tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from random import Random

import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from gateway.audit import tags
from gateway.audit.match import Treatment, largest, maximum, stages
from gateway.audit.supplies import Supply
from tests.audit import brute
from tests.audit.brute import supply, treatment

pytestmark = pytest.mark.pure

DAY_S = 43_200


def solved(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many can be matched, by the solver: a column for each station of each supply."""
    columns = [each for each in supplies for _ in range(each.capacity)]
    edges = [
        (row, column)
        for row, one in enumerate(treatments)
        for column, each in enumerate(columns)
        if brute.compatible(one, each)
    ]
    if not edges:
        return 0
    rows, places = zip(*edges, strict=True)
    graph = coo_array(([1] * len(edges), (rows, places)), shape=(len(treatments), len(columns)))
    return int((maximum_bipartite_matching(graph.tocsr(), perm_type="column") >= 0).sum())


Shape = tuple[list[Treatment], list[Supply]]


def whole_days(random: Random) -> Shape:
    """Windows of one to seven days, as courses have."""
    treatments = []
    for position in range(90):
        first = random.randrange(7) * 86_400
        treatments.append(treatment(position, first, first + random.choice([1, 1, 3, 7]) * 86_400 - 1))
    starts = [random.randrange(7) * 86_400 + random.randrange(DAY_S) for _ in range(60)]
    return treatments, [
        supply(at, each, each + 1200, random.choice([1, 1, 2])) for at, each in enumerate(starts)
    ]


def nested(random: Random) -> Shape:
    """Each window and session inside another."""
    middle = DAY_S // 2
    treatments = [treatment(at, middle - at * 40, middle + at * random.choice([10, 40])) for at in range(80)]
    return treatments, [supply(at, middle - at * 70, middle + at * 60, 1) for at in range(50)]


def performed(random: Random) -> Shape:
    """Windows of an hour around when it was done, sessions that only some of them meet."""
    treatments = [
        treatment(at, start, start + 3600) for at in range(120) for start in [random.randrange(DAY_S)]
    ]
    return treatments, [
        supply(at, start, start + random.choice([0, 60, 600]), 1)
        for at in range(100)
        for start in [random.randrange(DAY_S)]
    ]


def many_units_and_stations(random: Random) -> Shape:
    """Forty lamps of up to four heads, one window for all."""
    treatments = [treatment(at, 0, DAY_S) for at in range(150)]
    starts = [random.randrange(DAY_S + 3600) for _ in range(40)]
    return treatments, [supply(at, each, each + 300, random.randrange(5)) for at, each in enumerate(starts)]


def no_bills(random: Random) -> Shape:
    return [], performed(random)[1]


def no_sessions(random: Random) -> Shape:
    return performed(random)[0], []


SHAPES = (whole_days, nested, performed, many_units_and_stations, no_bills, no_sessions)


def graded(random: Random, supplies: Sequence[Supply]) -> list[list[Supply]]:
    """The same in tiers: three grades, and extra ones."""
    tiers: list[list[Supply]] = [[], [], [], []]
    for each in supplies:
        tier = random.choice([0, 0, 0, 1, 2, 3])
        tiers[tier].append(replace(each, grade=(*"ABC", None)[tier]))
    return tiers


@pytest.mark.parametrize("shape", SHAPES)
def test_as_many_are_matched_as_the_solver_finds(shape) -> None:
    for seed in range(12):
        with brute.named(seed):
            treatments, supplies = shape(Random(seed))
            found = maximum(treatments, supplies)
            assert brute.is_matching(treatments, supplies, found)
            assert len(found) == largest(treatments, supplies) == solved(treatments, supplies)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_step_is_as_large_as_the_solver_finds_also_when_tags_are_kept(shape) -> None:
    for seed in range(6):
        with brute.named(seed):
            random = Random(seed)
            treatments, supplies = shape(random)
            tiers = graded(random, supplies)
            tiers = [[with_tags(random, each, len(treatments)) for each in tier] for tier in tiers]
            visiting = [replace(each, visit=f"V{at}") for at, each in enumerate(treatments)]
            plain = stages(visiting, tiers[:3], tiers[3])
            kept = tags.keep(visiting, tiers[:3], tiers[3], plain)
            assert brute.is_matching(visiting, kept.matching.supplies, kept.matching.slots)
            for end in accumulate(map(len, tiers)):
                used = sum(place < end for place, _ in kept.matching.slots.values())
                assert used == solved(visiting, kept.matching.supplies[:end])


def with_tags(random: Random, each: Supply, visits: int) -> Supply:
    """Half of the sessions read a visit, rightly or wrongly."""
    read = tuple(f"V{random.randrange(visits or 1)}" for _ in range(random.choice([0, 1])))
    return replace(each, sessions=(replace(each.sessions[0], visits=read),))

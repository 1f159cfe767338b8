"""Step 1 of the matching: a treatment whose visit was read at a session, by its tag, keeps that session, wherever no
other treatment loses anything by it. And what a tag says that no bill bears out.

A tag may be read in the wrong place, so it never makes the maximum of any step smaller: it only chooses among equally
good stories. This file does not know tokens nor keys; sessions come with the visits that their tags stand for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from gateway.audit.match import Matching, Treatment, largest, stages
from gateway.audit.supplies import Session, Supply

Pins = dict[int, int]
"""Position of a treatment -> position of the supply that it keeps."""

Pair = tuple[int, int]
"""Positions of a treatment and of a supply at which its visit was read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A matching of every step's maximum that keeps what it can of the tags: `matching` is of all, `rest` of the treatments
    without a pin and the room that pins left."""

    matching: Matching
    pins: Mapping[int, int]
    rest: Matching


def keep(
    treatments: Sequence[Treatment],
    graded: Sequence[Sequence[Supply]],
    extra: Sequence[Supply],
    unpinned: Matching,
) -> Kept:
    """`unpinned`, what `stages` made of the same without tags, changed to agree with as many tags as cost nothing.

    All tagged pairs are tried at once. Where that makes the maximum of any step smaller they are kept one by one, in
    the order of the treatments, each as long as it costs nothing.
    """
    pairs = tagged_pairs(treatments, unpinned.supplies)
    if not pairs:
        return Kept(unpinned, {}, unpinned)
    ends = list(accumulate(map(len, (*graded, extra))))
    maxima = {end: sum(supply < end for supply, _ in unpinned.slots.values()) for end in ends}

    def costs_nothing(pins: Pins) -> bool:
        free, supplies = _without(pins, treatments, unpinned.supplies)
        return all(
            sum(place < end for place in pins.values()) + largest(free, supplies[:end]) == most
            for end, most in maxima.items()
        )

    pins = _in_turn(pairs, [each.capacity for each in unpinned.supplies], costs_nothing)
    return _kept(treatments, ends, unpinned, pins)


def tagged_pairs(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> list[Pair]:
    """Every treatment with every session at which its visit was read and that it fits: first as many as can be kept
    together, then the others; each in the order of treatments and supplies."""
    read: dict[str, list[int]] = defaultdict(list)
    for place, supply in enumerate(supplies):
        if not supply.darks and supply.capacity > 0:
            for visit in supply.sessions[0].visits:
                read[visit].append(place)
    choices = {
        position: fitting
        for position, each in enumerate(treatments if read else ())
        if (fitting := [place for place in read.get(each.visit, ()) if _fits(each, supplies[place])])
    }
    most = _most(choices, supplies)
    others = ((position, place) for position, places in choices.items() for place in places)
    return [*sorted(most.items()), *(pair for pair in others if most.get(pair[0]) != pair[1])]


def _fits(treatment: Treatment, supply: Supply) -> bool:
    first, last = treatment.window
    return max(supply.begins_from_ms, first) <= min(supply.begins_until_ms, last)


def _most(choices: Mapping[int, Sequence[int]], supplies: Sequence[Supply]) -> Pins:
    """As many pairs as can be kept together, by augmenting paths: few sessions know of a visit."""
    pins: Pins = {}
    holders: dict[int, list[int]] = defaultdict(list)
    for position in choices:
        came = _path(position, choices, holders, supplies)
        place: int | None = next(
            (each for each in came if len(holders[each]) < supplies[each].capacity), None
        )
        while place is not None:
            mover = came[place]
            holders[place].append(mover)
            before = pins.get(mover)
            pins[mover] = place
            if before is not None:
                holders[before].remove(mover)
            place = before
    return pins


def _path(
    position: int,
    choices: Mapping[int, Sequence[int]],
    holders: Mapping[int, list[int]],
    supplies: Sequence[Supply],
) -> dict[int, int]:
    """Supply -> who would move there, as far as changing places leads from a treatment, up to one with room."""
    came: dict[int, int] = {}
    movers = [position]
    for mover in movers:  # grows while it is walked
        for place in choices[mover]:
            if place not in came:
                came[place] = mover
                if len(holders[place]) < supplies[place].capacity:
                    return came
                movers += holders[place]
    return came


def _in_turn(pairs: Sequence[Pair], room: Sequence[int], costs_nothing: Callable[[Pins], bool]) -> Pins:
    """Each pair in its turn, if its treatment is free, its supply has room, and it costs nothing beside those before it.

    Many are tried at once: fewer pins never cost more, so where all of them cost nothing, each in its turn does not.
    """
    pins: Pins = {}
    at, step = 0, len(pairs)
    while at < len(pairs):
        more = _with(pins, pairs[at : at + step], room)
        if len(more) == len(pins) or costs_nothing(more):
            pins, at, step = more, at + step, step * 2
        elif step > 1:
            step //= 2
        else:
            at += 1
    return pins


def _with(pins: Pins, pairs: Sequence[Pair], room: Sequence[int]) -> Pins:
    more, used = dict(pins), Counter(pins.values())
    for position, place in pairs:
        if position not in more and used[place] < room[place]:
            more[position] = place
            used[place] += 1
    return more


def _without(
    pins: Pins, treatments: Sequence[Treatment], supplies: Sequence[Supply]
) -> tuple[list[Treatment], list[Supply]]:
    """The treatments without a pin, and the supplies with the room that pins leave."""
    used = Counter(pins.values())
    free = [each for position, each in enumerate(treatments) if position not in pins]
    left = [_shrunk(each, used[place]) if place in used else each for place, each in enumerate(supplies)]
    return free, left


def _shrunk(each: Supply, used: int) -> Supply:
    """With less room; written out, since `replace` takes longer than all the rest of the matching."""
    begins = (each.begins_from_ms, each.begins_until_ms)
    return Supply(each.key, each.grade, *begins, each.capacity - used, each.sessions, each.darks)


def _kept(treatments: Sequence[Treatment], ends: Sequence[int], unpinned: Matching, pins: Pins) -> Kept:
    free, left = _without(pins, treatments, unpinned.supplies)
    tiers = [left[first:end] for first, end in pairwise((0, *ends))]
    rest = stages(free, tiers[:-1], tiers[-1])
    positions = [position for position in range(len(treatments)) if position not in pins]
    all_slots = {positions[at]: slot for at, slot in rest.slots.items()}
    taken = Counter({place: left[place].capacity for place in pins.values()})
    for position, place in sorted(pins.items()):
        all_slots[position] = (place, taken[place])
        taken[place] += 1
    return Kept(Matching(unpinned.supplies, all_slots, unpinned.watched), pins, rest)


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A session at which a visit was read that has no treatment it could be. `too_short`: there is one at that time,
    but it takes longer."""

    session: Session
    visit: str
    too_short: bool


def contradicted(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> Iterator[Contradicted]:
    """Tags that no treatment of one class bears out, refunded ones included; `supplies` are all of the class, joined
    dark time too. A visit that fits somewhere may have other, shorter sessions beside it: a lamp is moved."""
    read = [
        (supply, session, visit)
        for supply in supplies
        for session in supply.sessions
        for visit in session.visits
        if session.grade != "C"
    ]
    asked: dict[str, list[Treatment]] = defaultdict(list)
    for treatment in treatments if read else ():
        asked[treatment.visit].append(treatment)
    fitting = {
        visit
        for supply, _, visit in read
        if supply.capacity > 0 and any(_fits(each, supply) for each in asked.get(visit, ()))
    }
    for supply, session, visit in read:
        overlaps = any(_overlaps(each, session) for each in asked.get(visit, ()))
        if not supply.darks and not (overlaps and visit in fitting):
            yield Contradicted(session, visit, overlaps)


def _overlaps(treatment: Treatment, session: Session) -> bool:
    first, last = treatment.window
    return session.start_ms <= last and first <= session.end_ms

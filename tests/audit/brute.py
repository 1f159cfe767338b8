"""The slow, plain way to every answer of the matching, straight from the sentences of the design.

Nothing here shares code with what it checks, except the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, product
from random import Random

from gateway.audit.match import Slot, Treatment
from gateway.audit.supplies import Dark, Session, Supply


def compatible(treatment: Treatment, supply: Supply) -> bool:
    """max(span.start, window.from) <= min(span.end - required_s, window.until)."""
    begin = max(supply.begins_from_ms, treatment.window_from_ms)
    return begin <= min(supply.begins_until_ms, treatment.window_until_ms)


def largest(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """The size of a maximum matching, by Kuhn's augmenting paths."""
    users: list[list[int]] = [[] for _ in supplies]

    def placed(treatment: int, seen: set[int]) -> bool:
        for at, supply in enumerate(supplies):
            if at in seen or not compatible(treatments[treatment], supply):
                continue
            seen.add(at)
            if len(users[at]) < supply.capacity:
                users[at].append(treatment)
                return True
            for place, other in enumerate(users[at]):
                if placed(other, seen):
                    users[at][place] = treatment
                    return True
        return False

    return sum(placed(treatment, set()) for treatment in range(len(treatments)))


def is_matching(treatments: Sequence[Treatment], supplies: Sequence[Supply], slots: dict[int, Slot]) -> bool:
    """Every slot exists, is used once, and fits."""
    return len(set(slots.values())) == len(slots) and all(
        0 <= which < supplies[at].capacity and compatible(treatments[position], supplies[at])
        for position, (at, which) in slots.items()
    )


def assignments(
    treatments: Sequence[Treatment], supplies: Sequence[Supply]
) -> Iterator[tuple[int | None, ...]]:
    """Every maximum matching, as the supply of each treatment or None."""
    size = largest(treatments, supplies)
    choices = [
        [None, *(at for at, supply in enumerate(supplies) if compatible(treatment, supply))]
        for treatment in treatments
    ]
    for assignment in product(*choices):
        used = [at for at in assignment if at is not None]
        if len(used) == size and all(used.count(at) <= supplies[at].capacity for at in set(used)):
            yield assignment


def left_over_sets(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> set[frozenset[int]]:
    """Who is left over by some maximum matching, all together."""
    return {
        frozenset(position for position, at in enumerate(assignment) if at is None)
        for assignment in assignments(treatments, supplies)
    }


def exchangeable(treatment: int, families: set[frozenset[int]]) -> set[int]:
    """The treatment and all that can change places with it: in some maximum, they left over in its stead."""
    others = {
        other
        for family in families
        if treatment in family
        for other in frozenset().union(*families) - family
        if (family - {treatment}) | {other} in families
    }
    return {treatment} | others


def best_orders(
    treatments: Sequence[Treatment], supplies: Sequence[Supply], ends: Sequence[int]
) -> list[tuple[int | None, ...]]:
    """The maximum matchings that use the most of the first `ends[0]` supplies, then of `ends[1]`, ..."""
    everything = list(assignments(treatments, supplies))
    counts = [
        tuple(sum(at is not None and at < end for at in assignment) for end in ends)
        for assignment in everything
    ]
    return [assignment for assignment, count in zip(everything, counts, strict=True) if count == max(counts)]


def joined_spans(
    sessions: Sequence[Session], darks: Sequence[Dark], required_s: int
) -> list[tuple[int, int, int, frozenset[str]]]:
    """(span from, span until, extra capacity, sessions) of every joined group with room, by closure."""
    things: list[Session | Dark] = [*darks, *sessions]
    groups = [{at} for at in range(len(things))]
    for one, other in combinations(range(len(things)), 2):
        if _touch(things[one], things[other], sessions, darks):
            group = next(each for each in groups if one in each)
            second = next(each for each in groups if other in each)
            if group is not second:
                groups.remove(second)
                group |= second
    found = [_extra([things[at] for at in group], required_s) for group in groups]
    return sorted((each for each in found if each[2] > 0 and each[1] - each[0] >= required_s * 1000), key=str)


def _touch(
    one: Session | Dark, other: Session | Dark, sessions: Sequence[Session], darks: Sequence[Dark]
) -> bool:
    if one.device != other.device:
        return False
    if isinstance(one, Dark) and isinstance(other, Dark):
        return max(one.from_ms, other.from_ms) - min(one.until_ms, other.until_ms) <= 2000
    if isinstance(one, Session) or isinstance(other, Dark):
        return False
    beside = any(one.from_ms - 2000 <= at <= one.until_ms + 2000 for at in (other.start_ms, other.end_ms))
    return beside or _next_to(one, other, sessions, darks)


def _next_to(dark: Dark, session: Session, sessions: Sequence[Session], darks: Sequence[Dark]) -> bool:
    if session.end_code not in "PA" or not 0 < dark.from_ms - session.end_ms <= 660_000:
        return False
    other_darks = [other for other in darks if other.device == dark.device and other is not dark]
    nearer = any(
        other.from_ms < dark.from_ms and session.end_ms <= other.until_ms + 2000 for other in other_darks
    )
    others = [other for other in sessions if other.device == dark.device]
    return not nearer and not any(session.end_ms < other.start_ms < dark.from_ms for other in others)


def _extra(group: Iterable[Session | Dark], required_s: int) -> tuple[int, int, int, frozenset[str]]:
    sessions = [each for each in group if isinstance(each, Session)]
    darks = [each for each in group if isinstance(each, Dark)]
    if not darks:
        return 0, 0, 0, frozenset()
    instants = {at for dark in darks for at in range(dark.from_ms, dark.until_ms, 1000)}
    seconds = len(instants) + sum(session.active_s for session in sessions)
    own = sum(session.active_s // required_s for session in sessions)
    stations = max(each.stations for each in group)
    begin = min([dark.from_ms for dark in darks] + [session.start_ms for session in sessions])
    end = max([dark.until_ms for dark in darks] + [session.end_ms for session in sessions])
    names = frozenset(session.key for session in sessions)
    return begin, end, (seconds // required_s - own) * stations, names


def short_times(
    windows: Sequence[tuple[int, int]], sessions: Sequence[Session], used: dict[str, int], required_s: int
) -> list[tuple[str, int] | None]:
    """(record, seconds) for each left-over treatment's window in its turn, or None: step 4, read plainly."""
    heads = []
    for session in sorted(sessions, key=lambda each: (each.start_ms, each.end_ms, each.us)):
        waiting = used.get(session.key, 0)
        for _ in range(session.stations):
            served = min(waiting, session.active_s // required_s)
            waiting -= served
            heads.append((session, served > 0, session.active_s - served * required_s))
    found: list[tuple[str, int] | None] = []
    for first, last in windows:
        best = None
        for head in heads:
            session, was_used, left = head
            inside = (min(session.end_ms, last) - max(session.start_ms, first)) // 1000
            seconds = min(left, inside)
            enough = seconds >= required_s / 2 if was_used else seconds >= 60
            if enough and (best is None or seconds > best[0]):
                best = seconds, head
        if best:
            heads.remove(best[1])
        found.append((best[1][0].key, best[0]) if best else None)
    return found


@contextmanager
def named(seed: int) -> Iterator[None]:
    """A failed check says which case it was."""
    try:
        yield
    except AssertionError as failure:
        failure.add_note(f"seed {seed}")
        raise


def treatment(position: int, first: int, last: int, line: str | None = None) -> Treatment:
    """A treatment that may have begun in seconds `first` to `last`."""
    return Treatment(line or f"L{position}", 1, 31, first * 1000, last * 1000, position * 1000, 1200)


def supply(position: int, first: int, last: int, capacity: int, grade: str | None = "A") -> Supply:
    """A supply whose treatments begin in seconds `first` to `last`."""
    session = Session("U", position, "D", first * 1000, last * 1000, capacity, 1, grade or "A", "L")
    return Supply(f"U:{position}", grade, first * 1000, last * 1000, capacity, (session,))


def scene(
    random: Random, most: int = 7, span: int = 24, longest: int = 12
) -> tuple[list[Treatment], list[list[Supply]], list[Supply]]:
    """Treatments, supplies of three grades and extra ones: nested, equal, long, empty, without capacity."""
    treatments = []
    for position in range(random.randint(0, most)):
        first = random.randint(0, span)
        line = f"L{random.randint(0, position)}" if random.random() < 0.2 else f"L{position}"
        treatments.append(treatment(position, first, first + random.choice([0, 1, 3, longest]), line))
    if treatments and random.random() < 0.5:
        treatments += [
            _again(random.choice(treatments), position) for position in range(20, 20 + random.randint(0, 2))
        ]
    tiers: list[list[Supply]] = [[], [], [], []]
    for position in range(random.randint(0, most)):
        first = random.randint(0, span)
        last = first + random.choice([-1, 0, 0, 1, 2, 5, longest])
        tier = random.randrange(4)
        grade = (*"ABC", None)[tier]
        tiers[tier].append(supply(position, first, last, random.choice([0, 1, 1, 1, 2, 3]), grade))
    return treatments, tiers[:3], tiers[3]


def _again(model: Treatment, position: int) -> Treatment:
    return treatment(position, model.window_from_ms // 1000, model.window_until_ms // 1000)

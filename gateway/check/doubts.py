"""Who can change places with whom, when treatments that a tag has given a place stay there; told anew for `check`.

From those left over one walks to everything that they could have used, to those who use it, and so on. What hangs
together is one doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.check.said import LEFT_OVER, Json


@dataclass(frozen=True, slots=True)
class Place:
    """Something that treatments could have used: whether one `meets` it, and who of them has it. `room` is what tags
    have left of it."""

    meets: Callable[[Json], bool]
    users: Sequence[Json]
    room: int


def doubts(verdicts: Sequence[Json], places: Iterable[Place]) -> Mapping[tuple[str, int], list[str]]:
    """(line, index) of each that is left over -> the lines that share its doubt."""
    open_ = [each for each in places if each.room > 0]
    free = {_name(each): each for each in verdicts if not each.get("tagged", False)}
    reached = [each for each in free.values() if each["verdict"] in LEFT_OVER]
    left_over, known, met = list(reached), {_name(each) for each in reached}, []
    for said in reached:  # grows while it is walked
        here = [place for place in open_ if place.meets(said)]
        open_ = [place for place in open_ if place not in here]
        met += here
        beside = {_name(user): user for place in here for user in place.users if _name(user) in free}
        reached += [user for name, user in beside.items() if name not in known]
        known |= beside.keys()
    return {_name(each): _together(each, reached, met) for each in left_over}


def _together(said: Json, reached: Sequence[Json], met: Sequence[Place]) -> list[str]:
    """The lines of all that hang together with one by what they could have used; its own where there is nothing."""
    group, apart, places = [said], [each for each in reached if each is not said], list(met)
    for one in group:  # grows while it is walked
        shared = [place for place in places if place.meets(one)]
        places = [place for place in places if place not in shared]
        more = [each for each in apart if any(place.meets(each) for place in shared)]
        group += more
        apart = [each for each in apart if each not in more]
    return sorted({each["line"] for each in group})


def _name(said: Json) -> tuple[str, int]:
    return said["line"], said["index"]

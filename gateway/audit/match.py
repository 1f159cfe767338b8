"""The exact maximum matching of treatments to supplies, and what it proves about those left over.

This file knows intervals and counts. It does not know what a lamp is, nor what will be said of a line.

A treatment can use a supply when its window and the interval in which the supply's treatments begin
overlap. In such a graph it is optimal to take the earliest-ending interval of either side and to pair it
with the earliest-ending overlapping one of the other: whoever else could have used either partner can use
the other. Equal windows are one, and so are supplies that meet the same windows: a month of day windows is
a case of 30 x 30. A matching is extended without loss as Mendelsohn and Dulmage (1958) do it; the witnesses
are Hall's (1935).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate, chain, islice

from gateway.audit.spans import FOREVER
from gateway.audit.supplies import Supply

Slot = tuple[int, int]
"""The position of a supply and which of its treatments, from 0."""

Window = tuple[int, int]


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Treatment:
    """One billed performance of an item, the `index`-th of its `line`. It may have begun in
    [`window_from_ms`, `window_until_ms`], both included; `visit` is whose it is, empty where that is not told.
    ValueError: the window ends before it begins."""

    line: str
    index: int
    item: int
    window_from_ms: int
    window_until_ms: int
    charged_ms: int
    amount_fen: int
    reversed: bool = False
    visit: str = ""
    window: Window = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.window = self.window_from_ms, self.window_until_ms
        if self.window_until_ms < self.window_from_ms:
            raise ValueError(f"treatment {self.line}#{self.index}: its window ends before it begins")


@dataclass(frozen=True, slots=True)
class Alike:
    """Treatments and supplies by what they can be paired with: `windows` has the positions of those treatments that share one;
    `shelves` those of supplies that meet the same windows, by how many windows end before them and begin in time."""

    treatments: Sequence[Treatment]
    supplies: Sequence[Supply]
    windows: dict[Window, list[int]] = field(default_factory=dict)
    shelves: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def begins(self, shelf: Sequence[int]) -> Window:
        """When treatments on a shelf begin, by its first supply."""
        first = self.supplies[shelf[0]]
        return first.begins_from_ms, first.begins_until_ms

    def first(self, count: int) -> Alike:
        """The same with the first `count` supplies alone."""
        shelves = {key: shelf[: bisect_left(shelf, count)] for key, shelf in self.shelves.items()}
        shelves = {key: shelf for key, shelf in shelves.items() if shelf}
        return Alike(self.treatments, self.supplies, self.windows, shelves)

    def parts(self) -> list[Alike]:
        """Its parts, in order of time, such that nothing of one overlaps anything of another."""
        latest, starts = -FOREVER, []
        for first, last in sorted([*self.windows, *map(self.begins, self.shelves.values())]):
            if first > latest:
                starts.append(first)
            latest = max(latest, last)
        parts = [Alike(self.treatments, self.supplies) for _ in starts]
        for window, positions in self.windows.items():
            parts[bisect_right(starts, window[0]) - 1].windows[window] = positions
        for key, shelf in self.shelves.items():
            parts[bisect_right(starts, self.begins(shelf)[0]) - 1].shelves[key] = shelf
        return [part for part in parts if part.windows]


def _alike(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> Alike:
    windows: dict[Window, list[int]] = defaultdict(list)
    for position, treatment in enumerate(treatments):
        windows[treatment.window].append(position)
    froms, untils = sorted({first for first, _ in windows}), sorted({last for _, last in windows})
    shelves: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, supply in enumerate(supplies):
        begin, end = supply.begins_from_ms, supply.begins_until_ms
        if supply.capacity > 0 and begin <= end:
            shelves[bisect_left(untils, begin), bisect_right(froms, end)].append(position)
    return Alike(treatments, supplies, windows, shelves)


@dataclass(frozen=True, slots=True)
class Matching:
    """Who uses what: `slots` maps positions of treatments to slots of `supplies`, of which the first
    `watched` are sessions and the rest extra capacity. `parts` are what it was found among."""

    supplies: tuple[Supply, ...]
    slots: dict[int, Slot]
    watched: int
    parts: Sequence[Alike] = ()

    @property
    def watched_slots(self) -> dict[int, Slot]:
        return {position: slot for position, slot in self.slots.items() if slot[0] < self.watched}


@dataclass(frozen=True, slots=True)
class Witness:
    """Hall's condition broken: `supplies` are all that any of the `treatments` could have used, and their
    `capacity` is smaller than the number of treatments."""

    treatments: tuple[Treatment, ...]
    supplies: tuple[Supply, ...]
    capacity: int


def maximum(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> dict[int, Slot]:
    """A largest matching, as treatment position -> slot. O(n log n). Equals are served in their order."""
    return _maximum(_alike(treatments, supplies))


def _maximum(alike: Alike) -> dict[int, Slot]:
    supplies = alike.supplies
    waiting = [iter(positions) for positions in alike.windows.values()]
    free = [
        ((position, which) for position in positions for which in range(supplies[position].capacity))
        for positions in alike.shelves.values()
    ]
    matching: dict[int, Slot] = {}
    for window, shelf, count in _pairs(*_sides(alike)):
        matching.update(zip(islice(waiting[window], count), islice(free[shelf], count), strict=True))
    return matching


def largest(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many treatments a largest matching holds."""
    return sum(count for *_, count in _pairs(*_sides(_alike(treatments, supplies))))


def extend(smaller: Mapping[int, Slot], larger: Mapping[int, Slot]) -> dict[int, Slot]:
    """A matching as large as `larger`, in which each treatment and slot of `smaller` is still used. Linear.

    Where the two differ they form paths and cycles. Only a path that begins at a treatment and ends at a
    slot, both without partner in `smaller`, makes it larger, and turning it over loses nobody.
    """
    extended = dict(smaller)
    holder = {slot: position for position, slot in smaller.items()}
    for position in larger:
        if position not in smaller:
            extended.update(_augmenting_path(position, larger, holder))
    return extended


def stages(
    treatments: Sequence[Treatment], graded: Sequence[Sequence[Supply]], extra: Sequence[Supply]
) -> Matching:
    """A maximum matching to the first grade, extended without loss to each further one, last to `extra`."""
    ends = sorted({*accumulate(map(len, (*graded, extra)))})
    supplies = tuple(chain(*graded, extra))
    parts = _alike(treatments, supplies).parts()
    slots: dict[int, Slot] = {}
    for part in parts:
        slots |= _staged(part, ends)
    return Matching(supplies, slots, ends[-1] - len(extra), parts)


def _staged(alike: Alike, ends: Iterable[int]) -> dict[int, Slot]:
    """The stages of one part; a tier that puts nothing on its shelves changes nothing."""
    asked, there = sum(map(len, alike.windows.values())), 0
    slots: dict[int, Slot] = {}
    for end in ends:
        tier = alike.first(end)
        before, there = there, sum(map(len, tier.shelves.values()))
        if before < there and len(slots) < asked:
            larger = _maximum(tier)
            slots = extend(slots, larger) if slots else larger
    return slots


def hall_witnesses(
    treatments: Sequence[Treatment], supplies: Sequence[Supply], slots: Mapping[int, Slot]
) -> list[Witness]:
    """Why a **maximum** matching leaves treatments over: a witness for each set that they could come from.

    They do not depend on which maximum it is. Together they hold every treatment that some maximum leaves
    over; those that alternating paths join, and so can take each other's place, stand in the same one.
    Treatments that no supply meets stand with their window.
    """
    return witnesses_of([_alike(treatments, supplies)], slots)


def witnesses_of(parts: Iterable[Alike], slots: Mapping[int, Slot]) -> list[Witness]:
    """`hall_witnesses` of parts that are told apart already."""
    return [each for part in parts for each in _witnesses(part, slots)]


def _witnesses(part: Alike, slots: Mapping[int, Slot]) -> list[Witness]:
    treatments, supplies, windows = part.treatments, part.supplies, part.windows
    left_over = {window for window, positions in windows.items() if any(at not in slots for at in positions)}
    if not left_over:
        return []
    shelves = list(part.shelves.values())
    begins = [part.begins(shelf) for shelf in shelves]
    doubted, met = _alternating(left_over, begins, _users(windows, shelves, slots))
    return [
        _witness(
            [treatments[at] for at in sorted(at for window in joined for at in windows[window])],
            [supplies[at] for at in sorted(at for shelf in used for at in shelves[shelf])],
        )
        for joined, used in _components(doubted, {shelf: begins[shelf] for shelf in met})
    ]


def _witness(treatments: Iterable[Treatment], supplies: Sequence[Supply]) -> Witness:
    return Witness(tuple(treatments), tuple(supplies), sum(supply.capacity for supply in supplies))


def doubted_sets(witnesses: Iterable[Witness]) -> dict[tuple[str, int], tuple[str, ...]]:
    """(line, index) -> the lines, sorted, that alternating paths join to it, its own included.

    A treatment that no supply meets shares its doubt with nobody: it stands alone."""
    among: dict[tuple[str, int], tuple[str, ...]] = {}
    for witness in witnesses:
        lines = tuple(sorted({treatment.line for treatment in witness.treatments}))
        for treatment in witness.treatments:
            among[treatment.line, treatment.index] = lines if witness.supplies else (treatment.line,)
    return among


_Span = tuple[int, int, int]
"""First and last instant of an interval, and how many of it there are."""


def _sides(alike: Alike) -> tuple[list[_Span], list[_Span]]:
    supplies = alike.supplies
    return (
        [(first, last, len(positions)) for (first, last), positions in alike.windows.items()],
        [
            (*alike.begins(positions), sum([supplies[at].capacity for at in positions]))
            for positions in alike.shelves.values()
        ],
    )


def _pairs(*sides: list[_Span]) -> Iterator[tuple[int, int, int]]:
    """The greedy pairing of two lists of intervals: (place on the first, place on the second, count)."""
    left = [[count for _, _, count in side] for side in sides]
    coming = [sorted(((span[0], place) for place, span in enumerate(side)), reverse=True) for side in sides]
    begun: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    ends = [(span[1], which, place) for which, side in enumerate(sides) for place, span in enumerate(side)]
    for end, which, place in sorted(ends):
        count = left[which][place]
        if not count:
            continue
        left[which][place] = 0  # whatever begins later begins after its end
        other = 1 - which
        waiting, near, there, room = coming[other], begun[other], sides[other], left[other]
        while waiting and waiting[-1][0] <= end:
            partner = waiting.pop()[1]
            heappush(near, (there[partner][1], partner))
        while count and near:
            partner = near[0][1]
            taken = min(count, room[partner])
            if taken:
                yield (partner, place, taken) if which else (place, partner, taken)
                count -= taken
                room[partner] -= taken
            if not room[partner]:
                heappop(near)


def _augmenting_path(
    position: int, larger: Mapping[int, Slot], holder: Mapping[Slot, int]
) -> list[tuple[int, Slot]]:
    path = []
    while position in larger:
        slot = larger[position]
        path.append((position, slot))
        if slot not in holder:
            return path
        position = holder[slot]
    return []


def _users(
    windows: Mapping[Window, Sequence[int]], shelves: Sequence[Sequence[int]], slots: Mapping[int, Slot]
) -> list[set[Window]]:
    """The windows of those who use each shelf."""
    users: list[set[Window]] = [set() for _ in shelves]
    user_set = {supply: users[place] for place, shelf in enumerate(shelves) for supply in shelf}
    for window, positions in windows.items():
        for position in positions:
            if position in slots:
                user_set[slots[position][0]].add(window)
    return users


def _alternating(
    left_over: set[Window], begins: Sequence[Window], users: Sequence[set[Window]]
) -> tuple[list[Window], list[int]]:
    """The windows and shelves that alternating paths from the windows left over reach."""
    far, reached = _Far(dict(enumerate(begins))), set(left_over)
    frontier, met = list(left_over), []
    while frontier:
        for shelf in far.take(frontier.pop()):
            met.append(shelf)
            frontier += users[shelf] - reached
            reached |= users[shelf]
    return sorted(reached), met


def _components(
    windows: Sequence[Window], begins: Mapping[int, Window]
) -> list[tuple[list[Window], list[int]]]:
    """The windows and shelves that hang together by overlaps of one with the other, by first window.

    In the order of their first instants, each joins all of the other kind that have not ended; of these only the one that
    ends last can meet another, since they are one from then on."""
    spans = sorted([*((window, 0, 0) for window in windows), *((begins[each], 1, each) for each in begins)])
    leader = list(range(len(spans)))
    lasting: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for place, ((first, last), kind, _) in enumerate(spans):
        met = [each for each in lasting[1 - kind] if each[0] >= first]
        for _, other in met:
            leader[_leader(leader, other)] = _leader(leader, place)
        lasting[1 - kind][:] = [max(met)] if met else []
        lasting[kind].append((last, place))
    found: dict[int, tuple[list[Window], list[int]]] = defaultdict(lambda: ([], []))
    for place, (window, kind, shelf) in enumerate(spans):
        joined, used = found[_leader(leader, place)]
        if kind:
            used.append(shelf)
        else:
            joined.append(window)
    return sorted(found.values())


def _leader(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = place = leader[leader[place]]
    return place


class _Far:
    """Intervals by name that no path has reached yet, taken out by overlap in O(log n) each.

    A tree: leaves stand in the order of first instants, a node knows the latest last instant below it."""

    def __init__(self, spans: Mapping[int, Window]) -> None:
        self._leaves = sorted((first, name) for name, (first, _) in spans.items())
        self._width = 1 << max(0, len(spans) - 1).bit_length()
        self._latest = [_GONE] * (2 * self._width)
        for leaf, (_, name) in enumerate(self._leaves, start=self._width):
            self._latest[leaf] = spans[name][1]
        for node in range(self._width - 1, 0, -1):
            self._latest[node] = max(self._latest[2 * node], self._latest[2 * node + 1])

    def take(self, span: Window) -> Iterator[int]:
        """Yield, and forget, the names of all that overlap the span."""
        first, last = span
        latest, width = self._latest, self._width
        while latest[1] >= first:
            leaf = 1
            while leaf < width:
                leaf *= 2
                if latest[leaf] < first:
                    leaf += 1
            begin, name = self._leaves[leaf - width]
            if begin > last:
                return
            self._forget(leaf)
            yield name

    def _forget(self, node: int) -> None:
        latest = self._latest
        latest[node] = _GONE
        while node := node // 2:
            one, other = latest[2 * node], latest[2 * node + 1]
            most = one if one > other else other
            if latest[node] == most:
                return
            latest[node] = most


_GONE = -(1 << 63)

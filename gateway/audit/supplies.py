"""What could have carried a treatment: sessions, and the unwatched time beside them.

This file does not know bills. It turns what the units saw, and what they did not see, into supplies: an
interval in which a treatment could have begun, and how many it could have carried. Whole milliseconds and
seconds only. Terms and formulas: "From sessions and bills to verdicts", section Terms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

TOUCH_MS = 2_000
"""A session whose start or end lies this near to dark time touches it."""

NEXT_TO_MS = 660_000
"""How long after the end of a session broken off (`P`, `A`) the dark that it touches may begin: 11 minutes,
the longest that two records of one boot may be apart for the time between them to count as watched."""


ATTENDED = "attended"
"""Where a unit's name stands, in what rests on a record that a person made. No unit may have this name."""


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Session:
    """One power-on period of a device, or an attended record (grade "C", no device, `unit` ATTENDED). `grade` is
    "A", "B" or "C", `end_code` "L", "P" or "A"; `active_s` are the seconds that the load was on between
    `start_ms` and `end_ms`; `visits` those whose tags were read at it; `key` the record that it rests on, as `unit:us`, of
    an attended record `attended:entry`."""

    unit: str
    us: int
    device: str
    start_ms: int
    end_ms: int
    active_s: int
    stations: int
    grade: str
    end_code: str
    visits: tuple[str, ...] = ()
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.key = f"{self.unit}:{self.us}"


@dataclass(frozen=True, slots=True)
class Dark:
    """Opening hours in which nobody watched a device; `unit` is the one it had, if any."""

    device: str
    from_ms: int
    until_ms: int
    stations: int
    unit: str | None

    @property
    def name(self) -> str:
        """What was not watching: the unit, or the device that has none."""
        return self.unit or self.device


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Supply:
    """Device time for `capacity` treatments, each begun in [`begins_from_ms`, `begins_until_ms`], both
    included (until before from: none fits). `grade` is None for extra capacity, which only dark time could
    have given; `sessions` and `darks` are all that it rests on."""

    key: str
    grade: str | None
    begins_from_ms: int
    begins_until_ms: int
    capacity: int
    sessions: tuple[Session, ...]
    darks: tuple[Dark, ...] = ()

    @property
    def is_usable(self) -> bool:
        return self.capacity > 0 and self.begins_from_ms <= self.begins_until_ms


def session_supplies(sessions: Iterable[Session], required_s: int) -> list[Supply]:
    """One supply for each session, in their order; one too short for a treatment has the capacity 0."""
    return [
        Supply(
            session.key,
            session.grade,
            session.start_ms,
            session.end_ms - required_s * 1000,
            session.active_s // required_s * session.stations,
            (session,),
        )
        for session in sessions
    ]


def extra_supplies(sessions: Iterable[Session], darks: Iterable[Dark], required_s: int) -> list[Supply]:
    """What dark time could have carried, alone or joined with the sessions that touch it, beyond their own.

    A session touches dark time of its device when its start or end lies within 2 s of it. One that ended
    `P` or `A`, with no dark where it ended, touches the dark next to it: the first to begin after its end,
    at most 11 minutes later, unless another session of the device began in between (then the device had
    been seen again). Dark intervals within 2 s of one another are one. Sessions are joined through dark time
    only, never directly. Where the stations of what is joined differ (they were corrected in between) the
    most are taken: we err for the clinic.
    """
    by_device: dict[str, tuple[list[Session], list[Dark]]] = defaultdict(lambda: ([], []))
    for dark in darks:
        by_device[dark.device][1].append(dark)
    for session in sessions:
        if session.device in by_device:
            by_device[session.device][0].append(session)
    return [
        supply
        for device, (watched, unwatched) in sorted(by_device.items())
        for supply in _of_device(device, watched, unwatched, required_s)
    ]


@dataclass(slots=True)
class _Run:
    """Dark intervals of one device without a pause of more than 2 s; time in two of them counts once."""

    from_ms: int
    until_ms: int
    dark_ms: int
    darks: list[Dark]

    def add(self, dark: Dark) -> None:
        self.dark_ms += max(0, dark.until_ms - max(dark.from_ms, self.until_ms))
        self.until_ms = max(self.until_ms, dark.until_ms)
        self.darks.append(dark)


def _runs(darks: Iterable[Dark]) -> list[_Run]:
    runs: list[_Run] = []
    for dark in sorted(darks, key=lambda each: (each.from_ms, each.until_ms, each.name, each.stations)):
        if not runs or dark.from_ms > runs[-1].until_ms + TOUCH_MS:
            runs.append(_Run(dark.from_ms, dark.from_ms, 0, []))
        runs[-1].add(dark)
    return runs


def _of_device(device: str, sessions: list[Session], darks: list[Dark], required_s: int) -> Iterator[Supply]:
    groups = _join(sessions, _runs(darks))
    for number, (joined, runs) in enumerate(groups, start=1):
        supply = _extra(f"{device}:dark:{number}", joined, runs, required_s)
        if supply.is_usable:
            yield supply


def _join(sessions: list[Session], runs: list[_Run]) -> list[tuple[list[Session], list[_Run]]]:
    """The groups of touching sessions and runs, in the order of their first run."""
    touched = _touches(sessions, runs)
    leader = list(range(len(runs)))

    def find(position: int) -> int:
        while leader[position] != position:
            leader[position] = position = leader[leader[position]]
        return position

    for _, met in touched:
        for position in met[1:]:
            one, other = find(met[0]), find(position)
            leader[max(one, other)] = min(one, other)
    groups: dict[int, tuple[list[Session], list[_Run]]] = defaultdict(lambda: ([], []))
    for position, run in enumerate(runs):
        groups[find(position)][1].append(run)
    for session, met in touched:
        groups[find(met[0])][0].append(session)
    return list(groups.values())


def _touches(sessions: list[Session], runs: list[_Run]) -> list[tuple[Session, list[int]]]:
    """Those of the sessions that touch runs, in order of time, and the positions of these."""
    froms, untils = [run.from_ms for run in runs], [run.until_ms for run in runs]
    starts = sorted([session.start_ms for session in sessions])

    def is_far(session: Session) -> bool:
        """Whether all runs end long before it, or begin long after."""
        ended = bisect_left(untils, session.start_ms - TOUCH_MS)
        return ended == len(runs) or froms[ended] > session.end_ms + NEXT_TO_MS

    def near(at_ms: int) -> range:
        return range(bisect_left(untils, at_ms - TOUCH_MS), bisect_right(froms, at_ms + TOUCH_MS))

    def after(session: Session) -> Sequence[int]:
        if session.end_code == "L" or near(session.end_ms):
            return near(session.end_ms)
        run = bisect_left(froms, session.end_ms)
        if run == len(runs) or froms[run] - session.end_ms > NEXT_TO_MS:
            return ()
        seen_again = bisect_right(starts, session.end_ms) < bisect_left(starts, froms[run])
        return () if seen_again else (run,)

    some = [session for session in sessions if not is_far(session)]
    some.sort(key=attrgetter("start_ms", "end_ms", "unit", "us"))
    touched = ((each, sorted({*near(each.start_ms), *after(each)})) for each in some)
    return [(session, met) for session, met in touched if met]


def _extra(key: str, sessions: list[Session], runs: list[_Run], required_s: int) -> Supply:
    on_ms = sum(session.active_s for session in sessions) * 1000 + sum(run.dark_ms for run in runs)
    own = sum(session.active_s // required_s for session in sessions)
    darks = tuple(dark for run in runs for dark in run.darks)
    stations = max([session.stations for session in sessions] + [dark.stations for dark in darks])
    begin_ms = min([runs[0].from_ms] + [session.start_ms for session in sessions])
    end_ms = max([runs[-1].until_ms] + [session.end_ms for session in sessions])
    capacity = (on_ms // (required_s * 1000) - own) * stations
    return Supply(key, None, begin_ms, end_ms - required_s * 1000, capacity, tuple(sessions), darks)

"""What can be said of each treatment of one class of devices: the matching in "From sessions and bills to
verdicts", put into words.

This file does not know where its arguments come from nor where its verdicts go, and it accuses nobody. It
judges in the order of charge time, line and index, so the order of its input changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import attrgetter

from gateway.audit import tags
from gateway.audit.match import Matching, Treatment, Window, Witness, doubted_sets, stages, witnesses_of
from gateway.audit.supplies import Dark, Session, Supply, extra_supplies, session_supplies
from gateway.audit.tags import Contradicted, Kept

CODES = ("supported", "short", "no_device_time", "unobserved", "not_metered", "reversed")

GRADES = ("A", "B", "C")

SHORT_S = 60
"""A station that nobody used counts as short time from this many seconds in the window."""

LONG_BURN_S = 900
"""How much longer than its treatments could take a session may be on before they rest on a long burn."""


@dataclass(frozen=True, slots=True)
class ItemRule:
    """What one treatment of an item takes at least, tolerance taken off, and at most, if laid down."""

    required_s: int
    longest_s: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is judged together: one class of devices of one clinic, over windows that hang together.

    `required_s` is the shortest that any item of the class takes, billed or not; `items` knows every item of the
    class, `amended` the lines that go by another version of theirs.
    `inventory` lists the intervals [from, until), until None for still there, in which the class had a
    device; `attended` the lines for which a person recorded the treatment.
    """

    required_s: int
    items: Mapping[int, ItemRule]
    treatments: Sequence[Treatment]
    sessions: Sequence[Session]
    darks: Sequence[Dark]
    inventory: Sequence[tuple[int, int | None]]
    attended: frozenset[str] = frozenset()
    amended: Mapping[str, ItemRule] = field(default_factory=dict)

    def rule(self, treatment: Treatment) -> ItemRule:
        """What the version of its item says that was in force on the day of its charge."""
        return self.amended.get(treatment.line) or self.items[treatment.item]

    def had_device(self, window: Window) -> bool:
        """Whether the class had a device at some instant of the window, both ends included."""
        first, last = window
        return any(begin <= last and (end is None or end > first) for begin, end in self.inventory)

    def __post_init__(self) -> None:
        if self.required_s < 1:
            raise ValueError(f"required_s is {self.required_s}: a treatment takes at least one second")


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Verdict:
    """What can be said of one treatment. `code` is one of CODES; `grade`, `active_s` (of `short` the
    seconds that were there) and `records` name what it rests on; `fit` is "ordinary" or "long_burn" for
    `supported`, `tagged` whether its visit was read there. `dark` holds the unwatched (unit or device, from_ms,
    until_ms) that could explain an `unobserved` one, `among` the lines of its doubt, its own included."""

    line: str
    index: int
    item: int
    code: str
    grade: str | None
    active_s: int | None
    required_s: int
    item_required_s: int
    fit: str | None
    records: tuple[str, ...]
    dark: tuple[tuple[str, int, int], ...]
    among: tuple[str, ...]
    window_from_ms: int
    window_until_ms: int
    amount_fen: int
    tagged: bool = False


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Remainder:
    """The seconds that the `used` treatments matched to one station of a session left of it."""

    session: Session
    station: int
    used: int
    left_s: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdicts` in the order of charge time, line, index; `unused` the remainders in which a whole
    treatment would have fitted, by start; `witnesses` why some treatments have no device time, whatever one
    may suppose, tags included; `contradicted` the tags that no treatment bears out."""

    verdicts: tuple[Verdict, ...]
    unused: tuple[Remainder, ...]
    witnesses: tuple[Witness, ...]
    contradicted: tuple[Contradicted, ...] = ()


def judge(case: Case) -> Judgement:
    """Every treatment of the case gets exactly one verdict."""
    treatments = sorted(case.treatments, key=attrgetter("charged_ms", "line", "index"))
    had_device = {window: case.had_device(window) for window in {each.window for each in treatments}}
    beside = {
        at: code
        for at, treatment in enumerate(treatments)
        if (code := _beside(case, treatment, had_device[treatment.window]))
    }
    matched = [treatment for at, treatment in enumerate(treatments) if at not in beside]
    graded, extra = _supplies(case)
    unpinned = stages(matched, graded, extra)
    witnesses = witnesses_of(unpinned.parts, unpinned.slots)
    said = _Said(case, matched, tags.keep(matched, graded, extra, unpinned), witnesses)
    found = iter(said.verdicts())
    verdicts = tuple(
        _verdict(case, treatment, beside[at]) if at in beside else next(found)
        for at, treatment in enumerate(treatments)
    )
    contradicted = tuple(tags.contradicted(treatments, unpinned.supplies))
    return Judgement(verdicts, said.remainders.unused(), tuple(witnesses), contradicted)


def _beside(case: Case, treatment: Treatment, had_device: bool) -> str | None:
    """The code of a treatment that is not matched at all."""
    if treatment.reversed:
        return "reversed"
    return None if had_device or treatment.line in case.attended else "not_metered"


def _supplies(case: Case) -> tuple[list[list[Supply]], list[Supply]]:
    sessions = sorted(case.sessions, key=_by_start)
    graded: dict[str, list[Supply]] = {grade: [] for grade in GRADES}
    for session, supply in zip(sessions, session_supplies(sessions, case.required_s), strict=True):
        graded[session.grade].append(supply)
    return list(graded.values()), extra_supplies(sessions, case.darks, case.required_s)


_by_start = attrgetter("start_ms", "end_ms", "unit", "us")


def _verdict(
    case: Case,
    treatment: Treatment,
    code: str,
    *,
    session: Session | None = None,
    active_s: int | None = None,
    fit: str | None = None,
    extra: Supply | None = None,
    among: tuple[str, ...] = (),
    tagged: bool = False,
) -> Verdict:
    return Verdict(
        treatment.line,
        treatment.index,
        treatment.item,
        code,
        session.grade if session else None,
        active_s,
        case.required_s,
        case.rule(treatment).required_s,
        fit,
        (session.key,) if session else tuple(each.key for each in extra.sessions) if extra else (),
        tuple((dark.name, dark.from_ms, dark.until_ms) for dark in extra.darks) if extra else (),
        among,
        treatment.window_from_ms,
        treatment.window_until_ms,
        treatment.amount_fen,
        tagged,
    )


class _Said:
    """The verdicts of the treatments that were matched or left over, in their order."""

    def __init__(
        self, case: Case, treatments: Sequence[Treatment], kept: Kept, witnesses: Sequence[Witness]
    ) -> None:
        matching = kept.matching
        watched = matching.supplies[: matching.watched]
        self._case, self._treatments, self._matching, self._pins = case, treatments, matching, kept.pins
        self._users = Counter(supply for supply, _ in matching.slots.values())
        used = [(supply.sessions[0], self._users[at]) for at, supply in enumerate(watched)]
        self.remainders = _Remainders(used, case.required_s)
        if kept.pins:
            witnesses = witnesses_of(kept.rest.parts, kept.rest.slots)
        self._left_over = doubted_sets(witnesses)
        self._unwatched = doubted_sets(_unwatched(kept.rest))
        self._either: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}

    def verdicts(self) -> list[Verdict]:
        return [self._of(at, treatment) for at, treatment in enumerate(self._treatments)]

    def _of(self, at: int, treatment: Treatment) -> Verdict:
        slot = self._matching.slots.get(at)
        if slot is None:
            return self._without(treatment)
        place = slot[0]
        supply = self._matching.supplies[place]
        if place < self._matching.watched:
            return self._supported(treatment, supply.sessions[0], self._users[place], at in self._pins)
        return _verdict(self._case, treatment, "unobserved", extra=supply, among=self._among(treatment))

    def _supported(self, treatment: Treatment, session: Session, users: int, tagged: bool) -> Verdict:
        longest_s = self._case.rule(treatment).longest_s
        burns = longest_s is not None and session.active_s > users * longest_s + LONG_BURN_S
        fit = "long_burn" if burns else "ordinary"
        seconds = session.active_s
        return _verdict(
            self._case, treatment, "supported", session=session, active_s=seconds, fit=fit, tagged=tagged
        )

    def _without(self, treatment: Treatment) -> Verdict:
        found = self.remainders.take_largest(treatment.window)
        session, seconds = found or (None, None)
        code = "short" if found else "no_device_time"
        among = self._left_over[treatment.line, treatment.index]
        return _verdict(self._case, treatment, code, session=session, active_s=seconds, among=among)

    def _among(self, treatment: Treatment) -> tuple[str, ...]:
        """Who else could rest on the dark time of an unobserved one, or be left over while it does."""
        key = treatment.line, treatment.index
        doubts = self._unwatched[key], self._left_over.get(key, ())
        if doubts not in self._either:
            self._either[doubts] = tuple(sorted({*doubts[0], *doubts[1]}))
        return self._either[doubts]


def _unwatched(rest: Matching) -> list[Witness]:
    """What cannot be done without dark time, by those whom no tag has given a place; of parts where some rest on it."""
    watched, slots = rest.watched, rest.slots
    unobserved = {position for position, (place, _) in slots.items() if place >= watched}
    parts = [part for part in rest.parts if not unobserved.isdisjoint(chain(*part.windows.values()))]
    return witnesses_of([part.first(watched) for part in parts], rest.watched_slots) if parts else []


class _Remainders:
    """What the matching left of each station of each session, taken largest first by treatments left over.

    Stations are filled one after the other, so that the last ones stay whole."""

    def __init__(self, used: Iterable[tuple[Session, int]], required_s: int) -> None:
        self._required_s = required_s
        some = [(session, left) for session, count in used if (left := self._stations(session, count))]
        some.sort(key=lambda each: _by_start(each[0]))
        self._all = [left for _, stations in some for left in stations]
        self._starts = [left.session.start_ms for left in self._all]
        self._latest_ends = list(accumulate((left.session.end_ms for left in self._all), max))
        self._taken: set[int] = set()
        self._offers: dict[Window, list[tuple[int, int]]] = {}

    def take_largest(self, window: Window) -> tuple[Session, int] | None:
        """The session and seconds of the largest left in the window, of equals the first; given once."""
        if window not in self._offers:
            self._offers[window] = sorted(self._in(window), key=lambda offer: (offer[0], -offer[1]))
        offers = self._offers[window]
        while offers:
            seconds, place = offers.pop()
            if place not in self._taken:
                self._taken.add(place)
                return self._all[place].session, seconds
        return None

    def unused(self) -> tuple[Remainder, ...]:
        """Those of devices that nobody took and that would have held a treatment."""
        return tuple(
            left
            for place, left in enumerate(self._all)
            if left.left_s >= self._required_s and place not in self._taken and left.session.grade != "C"
        )

    def _stations(self, session: Session, used: int) -> list[Remainder]:
        """Those of its stations that can be short time in some window, or unused."""
        required_s, seconds = self._required_s, session.active_s
        each, found = seconds // required_s, []
        for station in range(session.stations):
            here = each if each < used else used
            used -= here
            left_s = seconds - here * required_s
            if left_s >= required_s or self._is_short_time(left_s, here):
                found.append(Remainder(session, station, here, left_s))
        return found

    def _is_short_time(self, seconds: int, used: int) -> bool:
        return seconds * 2 >= self._required_s if used else seconds >= SHORT_S

    def _in(self, window: Window) -> list[tuple[int, int]]:
        """(seconds, place) of every remainder that counts as short time in the window."""
        first, last = window
        offers = []
        for place in range(bisect_left(self._latest_ends, first), bisect_right(self._starts, last)):
            left = self._all[place]
            inside_ms = min(left.session.end_ms, last) - max(left.session.start_ms, first)
            seconds = min(left.left_s, inside_ms // 1000)
            if self._is_short_time(seconds, left.used):
                offers.append((seconds, place))
        return offers

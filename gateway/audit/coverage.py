"""What a unit's chain attests: when it watched, and which sessions it saw.

Between two consecutive records of one boot the unit attests that it watched, except for the gaps it confesses
(protocol/FORMAT.md, "Coverage" and "Clock"). All else is dark: never taken as off. This file does not know
devices, opening hours or bills.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from gateway.audit.spans import Span, subtract
from protocol import record as words
from protocol.record import Record

PAUSE_MS = 11 * 60 * 1000  # the longest pause between two records that still attests what lies between
STEP_MS = 120 * 1000  # a larger step between two synchronised states puts the time concerned in doubt
DRIFT_MS = 2 * 1000  # instants of one boot that leave its monotonic clock by more were moved without a CLOCK


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as a unit saw it, placed on the true clock. `us` is its record."""

    us: int
    start_ms: int
    end_ms: int
    active_s: int
    power_mw: tuple[int, int, int]
    interruptions: int
    end_code: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a unit's chain that a person should look at; `code` is a finding code of `take-in`."""

    code: str
    us: int
    zh: str
    en: str


@dataclass(slots=True)
class Attested:
    """What one unit's chain says. Spans are (from, until) in milliseconds since 1970 UTC."""

    watched: list[Span] = field(default_factory=list)
    sessions: list[Seen] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def attest(chain: Sequence[Record], forked_us: int | None = None) -> Attested:
    """What the chained records of one unit, in order of `us`, attest. From a fork on they support nothing."""
    found = Attested()
    watched: list[Span] = []
    dark: list[Span] = []
    for run in _runs([each for each in chain if forked_us is None or each.us < forked_us]):
        clock = _Clock(run)
        watched += _between(run, clock)
        dark += _gaps(run, clock) + _silences(run, clock) + _undecided(run, clock)
        for doubt, span in _clock_doubts(run, clock):
            found.doubts.append(doubt)
            dark.append(span)
        _sessions(run, clock, found)
    found.watched = subtract(watched, dark)
    return found


def _runs(chain: Sequence[Record]) -> Iterator[list[Record]]:
    """The stretches in which no sequence number is missing (one, unless a person passed a gap)."""
    for _, run in groupby(enumerate(chain), lambda pair: pair[1].us - pair[0]):
        yield [each for _, each in run]


class _Clock:
    """True instants of one run: what a boot said unsynchronised is placed by the CLOCKs that follow in it."""

    def __init__(self, run: Sequence[Record]):
        self._shifts: dict[int, int | None] = {}
        self._stamps: dict[int, int | None] = {}
        for _, boot in groupby(run, lambda each: each.boot):
            records = list(boot)
            self._place(records)
            self._stamp(records)

    def _place(self, boot: list[Record]) -> None:
        shift: int | None = None
        for record in reversed(boot):
            if record.flag == words.SYNCHRONISED and not _of_another_boot(record):
                shift = 0
            self._shifts[record.us] = shift
            if record.kind == words.CLOCK and shift is not None:
                shift += record.step_ms or 0

    def _stamp(self, boot: list[Record]) -> None:
        """A SESSION's readings are older than the record: it is stamped by its neighbour's distance to UM."""
        offset = next((self._offset(each) for each in boot if each.kind != words.SESSION), None)
        for record in boot:
            if record.kind != words.SESSION:
                offset = self._offset(record)
            self._stamps[record.us] = None if offset is None else record.um_ms + offset

    def _offset(self, record: Record) -> int | None:
        at_ms = self.place(record.at_ms, record.flag, record)
        return None if at_ms is None else at_ms - record.um_ms

    def place(self, at_ms: int, flag: str | None, record: Record) -> int | None:
        """The true instant of what `record` says, or None where nothing places it."""
        if flag == words.SYNCHRONISED:
            return at_ms
        shift = self._shifts[record.us]
        return None if shift is None or _of_another_boot(record) else at_ms + shift

    def made(self, record: Record) -> int | None:
        """The true instant at which the record was made."""
        return self._stamps[record.us]


def _of_another_boot(record: Record) -> bool:
    """A session closed after a power failure speaks in the clock of the boot that died."""
    return record.kind == words.SESSION and record.readings[-1].tx == words.POWER_FAILED


def _between(run: Sequence[Record], clock: _Clock) -> list[Span]:
    """From record to record of one boot, and from its last to the instant that the next boot proves."""
    spans = []
    for earlier, later in pairwise(run):
        start, end = clock.made(earlier), clock.made(later)
        if later.boot != earlier.boot:
            proven = later.kind == words.BOOT and later.alive_flag == words.SYNCHRONISED
            end = later.alive_ms if proven else None
        elif not 0 <= later.um_ms - earlier.um_ms <= PAUSE_MS:
            continue
        if start is not None and end is not None:
            spans.append((start, end))
    return spans


def _gaps(run: Sequence[Record], clock: _Clock) -> list[Span]:
    spans = []
    for record in run:
        if record.kind == words.GAP_OF_READINGS and record.gap_ms:
            start, end = (clock.place(each, record.gap_flag, record) for each in record.gap_ms)
            if start is not None and end is not None:
                spans.append((start, end))
    return spans


def _silences(run: Sequence[Record], clock: _Clock) -> list[Span]:
    """A meter that fell silent and never came back in its boot: dark from the last that is known of it."""
    spans = []
    for position, record in enumerate(run):
        if record.kind == words.FAULT and record.cause == "METER_SILENT":
            rest = _rest_of_boot(run, position)
            if not any(each.kind == words.GAP_OF_READINGS for each in rest):
                spans += _dark(run, clock, position - 1, position + len(rest))
    return spans


def _undecided(run: Sequence[Record], clock: _Clock) -> list[Span]:
    """An OPEN whose SESSION is not here: what the load did from then on is not known yet."""
    for position in range(len(run) - 1, -1, -1):
        if run[position].kind == words.SESSION:
            return []
        if run[position].kind == words.OPEN:
            return _dark(run, clock, position - 1, len(run) - 1)
    return []


def _rest_of_boot(run: Sequence[Record], position: int) -> list[Record]:
    rest = run[position + 1 :]
    for count, each in enumerate(rest):
        if each.boot != run[position].boot:
            return list(rest[:count])
    return list(rest)


def _dark(run: Sequence[Record], clock: _Clock, first: int, last: int) -> list[Span]:
    """From one record of the run to another, and on to what the next boot proves."""
    start, end = clock.made(run[max(first, 0)]), clock.made(run[last])
    if first >= 0 and run[first].kind == words.SESSION:
        start = clock.place(run[first].at_ms, run[first].flag, run[first])
    if last + 1 < len(run) and run[last + 1].kind == words.BOOT:
        end = run[last + 1].alive_ms or end
    return [] if start is None or end is None else [(start, end)]


def _clock_doubts(run: Sequence[Record], clock: _Clock) -> Iterator[tuple[Doubt, Span]]:
    for earlier, later in pairwise(run):
        start, end = clock.made(earlier), clock.made(later)
        if earlier.boot != later.boot or start is None or end is None:
            continue
        strayed = abs((end - start) - (later.um_ms - earlier.um_ms))
        synchronised = earlier.flag == words.SYNCHRONISED == later.flag
        allowed = STEP_MS if later.kind == words.CLOCK and synchronised else DRIFT_MS
        if strayed > allowed:
            span = (min(start, end), max(start, end, start + later.um_ms - earlier.um_ms))
            yield _step(later, strayed), span


def _step(record: Record, strayed_ms: int) -> Doubt:
    seconds = strayed_ms // 1000
    return Doubt(
        "clock",
        record.us,
        f"单元时钟在记录 {record.us} 处跳动 {seconds} 秒，相关时段按未监测处理",
        f"the clock moved by {seconds} s at record {record.us}; the time concerned counts as unwatched",
    )


def _sessions(run: Sequence[Record], clock: _Clock, found: Attested) -> None:
    for record in run:
        if record.kind != words.SESSION:
            continue
        begin, end = record.readings
        start_ms = clock.place(begin.at_ms, begin.flag, record)
        end_ms = clock.place(end.at_ms, end.flag, record)
        if not _sensible(record):
            found.doubts.append(_senseless(record))
        elif start_ms is not None and end_ms is not None and record.power_mw:
            low, mean, high = record.power_mw
            power = (low, mean, high)
            code = end.tx or words.ABORTED
            seen = Seen(record.us, start_ms, end_ms, record.active_s, power, record.interruptions, code)
            found.sessions.append(seen)


def _sensible(record: Record) -> bool:
    begin, end = record.readings
    registers_run = (begin.register_mwh or 0) <= (end.register_mwh or 0)
    lasted_ms = end.at_ms - begin.at_ms
    return registers_run and lasted_ms >= 0 and record.active_s * 1000 <= lasted_ms + 1000


def _senseless(record: Record) -> Doubt:
    return Doubt(
        "malformed",
        record.us,
        f"记录 {record.us} 的时长或电量自相矛盾，不作为依据",
        f"seconds or energy of record {record.us} contradict each other; it supports nothing",
    )

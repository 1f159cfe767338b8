"""What a unit's chain attests: when it watched, and which sessions it saw.

Between two consecutive records of one boot the unit attests that it watched, except for the gaps it confesses
(protocol/FORMAT.md, "Coverage" and "Clock"). All else is dark: never taken as off. This file does not know
devices, opening hours or bills.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.audit.boots import Boot, Said, boots_of, span
from gateway.audit.spans import FOREVER, Span, subtract
from gateway.canonical import Session
from protocol import record as words
from protocol.record import Record

STEP_MS = 120 * 1000  # a larger step between two synchronised states puts the time concerned in doubt
DRIFT_MS = 2 * 1000  # instants of one boot that leave its monotonic clock by more were moved without a CLOCK
SILENCE_MS = 600 * 1000  # the longest that a load profile may wait before it calls its meter silent

TELLING = (words.OPEN, words.SESSION, words.GAP_OF_READINGS)  # what only a reading makes a unit say
UNREAD = ("METER_SILENT", "STORAGE")  # faults after which a boot watches again only from its next GAP on


SaidSession = Record | Session


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made by the thousand
class Seen:
    """A session as a unit saw it, placed on the true clock. `us` is its record; `plug` whether the power was that of an
    off-the-shelf plug; `tags` those that were read at it; `energy_mwh` what the register counted, None where it stood."""

    us: int
    start_ms: int
    end_ms: int
    active_s: int
    power_mw: tuple[int, int, int]
    interruptions: int
    end_code: str
    plug: bool = False
    tags: tuple[str, ...] = ()
    energy_mwh: int | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a unit's chain that a person should look at; `code` is a finding code of `take-in`, `at_ms` when it
    happened."""

    code: str
    us: int
    at_ms: int
    zh: str
    en: str


@dataclass(slots=True)
class Attested:
    """What one unit's chain says. Spans are (from, until) in milliseconds since 1970 UTC."""

    watched: list[Span] = field(default_factory=list)
    sessions: list[Seen] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def attest(chain: Sequence[Said], forked_us: int | None = None, beside: Sequence[Record] = ()) -> Attested:
    """What the chained records of one unit, in order of `us`, attest. From a fork on they support nothing.

    Of a part of a chain, `beside` are the nearest records on either side that tell of load or meter (before it also a
    BOOT or an UNREAD fault): where the part itself is silent, they say what was so all the while.
    """
    boots = _boots(chain, forked_us)
    around = sorted([*boots, *_boots(beside, forked_us)], key=lambda boot: boot.records[0].us)
    found = Attested()
    dark: list[Span] = []
    for boot in around:
        sensible: list[SaidSession] = []
        senseless: list[SaidSession] = []
        for each in boot.of_kind(words.SESSION):
            (sensible if _is_sensible(each) else senseless).append(each)
        found.sessions += _sessions(boot, sensible)
        for doubt, concerned in (*_steps(boot), *_senseless(boot, senseless)):
            found.doubts.append(doubt)
            dark.append(concerned)
        dark += _gaps(boot)
    dark += [*_silences(boots, around), *_unknown(boots, around), *_unended(boots, around, found.sessions)]
    found.watched = subtract([each for boot in boots for each in boot.attested()], dark)
    for boot in around:
        boot.let_go()
    return found


def _boots(chain: Sequence[Said], forked_us: int | None) -> list[Boot]:
    return boots_of(chain if forked_us is None else [each for each in chain if each.us < forked_us])


def _gaps(boot: Boot) -> Iterator[Span]:
    for record in boot.of_kind(words.GAP_OF_READINGS):
        if record.gap_ms:
            yield from span(*(boot.place(each, record.gap_flag, record) for each in record.gap_ms))


def _silences(boots: Sequence[Boot], around: Sequence[Boot]) -> Iterator[Span]:
    """Readings that stopped: dark to the GAP that tells of it, or, if none came, from the last reading that there can have
    been to the end of the boot."""
    for boot in around:
        for record in boot.of_kind(words.FAULT):
            if record.cause in UNREAD:
                gap = next(
                    (each for each in _all(around, words.GAP_OF_READINGS) if _tells_of(each, record)), None
                )
                if gap is None:
                    yield from span(_last_reading(boot, record), boot.made(record))
                yield from _rest(boots, record, record.us, gap.us if gap else None)


def _tells_of(gap: Record, fault: Record) -> bool:
    """Whether it is a GAP that had begun, by the clock of their boot, when the FAULT was told."""
    if gap.boot != fault.boot or gap.us < fault.us or not gap.gap_ms:
        return False
    return gap.um_ms - (gap.gap_ms[1] - gap.gap_ms[0]) <= fault.um_ms


def _last_reading(boot: Boot, fault: Record) -> int | None:
    """The latest instant before a FAULT of which it is known that the silence had not begun yet."""
    fault_ms = boot.made(fault)
    if fault_ms is None:
        return None
    known = [fault_ms - SILENCE_MS]
    for record in boot.of_kind(words.BOOT, *TELLING):
        at_ms = _placed(boot, record)[1] if record.kind == words.SESSION else boot.made(record)
        if at_ms is not None and record.us < fault.us:
            known.append(at_ms)
    return max(known)


def _unended(boots: Sequence[Boot], around: Sequence[Boot], sessions: Sequence[Seen]) -> Iterator[Span]:
    """An OPEN whose SESSION is not here, or makes no sense: what the load did from then on in its boot is not known."""
    began = {each.us: each.start_ms for each in sessions}
    next_us: int | None = None
    for boot in reversed(around):
        for turn in reversed(boot.of_kind(words.OPEN, words.SESSION)):
            if turn.kind == words.OPEN:
                opened_ms = boot.made(turn)
                latest_ms = FOREVER if opened_ms is None else opened_ms + STEP_MS
                if next_us not in began or began[next_us] > latest_ms:
                    yield from _rest(boots, turn, turn.us - 1, next_us)
            next_us = turn.us


def _unknown(boots: Sequence[Boot], around: Sequence[Boot]) -> Iterator[Span]:
    """After a gap that was passed nobody knows whether the load was on and the meter spoke, unless the boot tells later:
    had the meter been silent, a GAP would come first, and had the load been on, its SESSION. So it is where a chain begins
    in the middle."""
    for boot in boots:
        first = boot.records[0]
        is_known = boot.before is not None or first.kind == words.BOOT
        if boot is boots[0]:
            is_known = is_known or around[0] is not boot
        if not is_known and not any(_follows(each, first) for each in _all(around, *TELLING)):
            yield from boot.between(first.us)


def _follows(record: Said, first: Said) -> bool:
    return record.boot == first.boot and record.us >= first.us


def _all(boots: Sequence[Boot], *kinds: str) -> Iterator[Any]:
    return (record for boot in boots for record in boot.of_kind(*kinds))


def _rest(boots: Sequence[Boot], record: Said, first_us: int, last_us: int | None = None) -> Iterator[Span]:
    """When the boot of `record` was alive from its record `first_us` on, to `last_us` or to its end."""
    for boot in boots:
        if boot.records[0].boot == record.boot:
            yield from boot.between(first_us, last_us)


def _steps(boot: Boot) -> Iterator[tuple[Doubt, Span]]:
    """Instants that left the monotonic clock: the offset changes by a CLOCK alone, and by little once it was good."""
    for earlier, later in boot.moved:
        start_ms, end_ms = boot.made(earlier), boot.made(later)
        if start_ms is None or end_ms is None:
            continue
        lasted_ms = later.um_ms - earlier.um_ms
        strayed_ms = abs((end_ms - start_ms) - lasted_ms)
        told = later.kind == words.CLOCK or later.flag != earlier.flag
        if strayed_ms > (STEP_MS if told else DRIFT_MS):
            concerned = (min(start_ms, end_ms), max(start_ms, end_ms, start_ms + lasted_ms))
            yield _step(later, concerned[0], strayed_ms), concerned


def _step(record: Said, at_ms: int, strayed_ms: int) -> Doubt:
    seconds = strayed_ms // 1000
    return Doubt(
        "clock",
        record.us,
        at_ms,
        f"单元时钟在记录 {record.us} 处跳动 {seconds} 秒，相关时段按未监测处理",
        f"the clock moved by {seconds} s at record {record.us}; the time concerned counts as unwatched",
    )


def _placed(boot: Boot, session: SaidSession) -> tuple[int | None, int | None]:
    """Begin and end of a SESSION on the true clock. One that a power failure ended is placed by the boot that died, which
    is the one before if that has its OPEN."""
    begin, end = session.readings
    if end.tx != words.POWER_FAILED:
        return boot.place(begin.at_ms, begin.flag, session), boot.place(end.at_ms, end.flag, session)
    died = boot.before
    if died is not None and any(each.kind == words.OPEN for each in died.records):
        return died.place(begin.at_ms, begin.flag), died.place(end.at_ms, end.flag)
    return (begin.at_ms, end.at_ms) if begin.flag == end.flag == words.SYNCHRONISED else (None, None)


def _sessions(boot: Boot, told: Iterable[SaidSession]) -> Iterator[Seen]:
    for record in told:
        if not record.power_mw:
            continue
        start_ms, end_ms = _placed(boot, record)
        if start_ms is not None and end_ms is not None:
            low, mean, high = record.power_mw
            code = record.readings[-1].tx or words.ABORTED
            yield Seen(
                record.us,
                start_ms,
                end_ms,
                record.active_s,
                (low, mean, high),
                record.interruptions,
                code,
                record.maker == words.PLUG,
                tuple(record.tags),
                _energy(record),
            )


def _energy(record: SaidSession) -> int | None:
    begin, end = record.readings
    return (end.register_mwh or 0) - (begin.register_mwh or 0) or None


def _is_sensible(record: SaidSession) -> bool:
    begin, end = record.readings
    registers_run = (begin.register_mwh or 0) <= (end.register_mwh or 0)
    lasted_ms = end.at_ms - begin.at_ms
    return registers_run and lasted_ms >= 0 and record.active_s * 1000 <= lasted_ms + 1000


def _senseless(boot: Boot, told: Iterable[SaidSession]) -> Iterator[tuple[Doubt, Span]]:
    """A SESSION that contradicts itself supports nothing, and what it would have told is not known."""
    for record in told:
        made_ms = boot.made(record)
        instants = [each for each in (*_placed(boot, record), made_ms) if each is not None]
        if instants:
            yield _contradiction(record, max(instants)), (min(instants), max(instants))


def _contradiction(record: SaidSession, at_ms: int) -> Doubt:
    return Doubt(
        "malformed",
        record.us,
        at_ms,
        f"记录 {record.us} 的时长或电量自相矛盾，不作为依据",
        f"seconds or energy of record {record.us} contradict each other; it supports nothing",
    )

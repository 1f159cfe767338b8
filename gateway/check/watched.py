"""When units watched, told anew for `check` from their chains alone: protocol/FORMAT.md, "Clock" and "Coverage".

Between two records of one boot the unit watched, but for what it confesses or contradicts. All else is dark.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from protocol.record import Record

Span = tuple[int, int]

PAUSE_MS = 660_000
STEP_MS, DRIFT_MS, SILENCE_MS = 120_000, 2_000, 600_000
_TELLING = ("OPEN", "SESSION", "GAP")
_UNREAD = ("METER_SILENT", "STORAGE")


@dataclass
class Boot:
    """The records from one BOOT to the next, as far as none is missing; `before` and `after` are its neighbours, if none is
    missing between. `shift` and `made` are by place in `records`; None: nothing places it."""

    records: list[Record]
    before: Boot | None = None
    after: Boot | None = None
    shift: list[int | None] = field(default_factory=list)
    made: list[int | None] = field(default_factory=list)

    def placed(self, at_ms: int, flag: str | None, place: int) -> int | None:
        """The true instant of what the record at a place says."""
        shift = 0 if flag == "S" else self.shift[place]
        return None if shift is None else at_ms + shift

    @property
    def alive_ms(self) -> int | None:
        """Until when it surely lived: its last record, or what the BOOT after it proves."""
        last_ms = self.made[-1]
        if self.after is None or last_ms is None:
            return last_ms
        proof = self.after.records[0]
        if proof.kind != "BOOT" or proof.alive_ms is None or self.after.made[0] is None:
            return last_ms
        proven_ms = self.placed(proof.alive_ms, proof.alive_flag, -1)
        is_near = proven_ms is not None and last_ms < proven_ms <= last_ms + PAUSE_MS
        return proven_ms if is_near else last_ms

    def until(self, place: int, last_us: int | None = None) -> Iterator[Span]:
        """From a record on to the record `last_us`, or to its end where that is not in this boot."""
        start_ms, end_ms = self.made[place], self.alive_ms
        if last_us is not None and last_us <= self.records[-1].us:
            end_ms = self.made[last_us - self.records[0].us]
        if start_ms is not None and end_ms is not None:
            yield start_ms, end_ms


def watched(chain: Mapping[int, Record], forked_us: int | None) -> list[Span]:
    """The spans in which a unit watched, sorted and apart. What follows a fork attests nothing."""
    boots = _boots([chain[us] for us in sorted(chain) if forked_us is None or us < forked_us])
    dark = [span for boot in boots for span in (*_gaps(boot), *_strayed(boot), *_senseless(boot))]
    dark += [*_silences(boots), *_unended(boots), *_untold(boots)]
    return without([span for boot in boots for span in _attested(boot)], dark)


# --- boots ------------------------------------------------------------------------------------------------------------


def _boots(records: Sequence[Record]) -> list[Boot]:
    boots: list[Boot] = []
    for each in records:
        last = boots[-1].records[-1] if boots else None
        if last is not None and last.boot == each.boot and last.us + 1 == each.us:
            boots[-1].records.append(each)
            continue
        boots.append(Boot([each]))
        if last is not None and last.us + 1 == each.us:
            boots[-1].before, boots[-2].after = boots[-2], boots[-1]
    for boot in boots:
        _shift(boot)
        _make(boot)
    return boots


def _is_set(record: Record) -> bool:
    return record.flag == "S" and not _is_of_the_dead(record)


def _is_of_the_dead(record: Record) -> bool:
    return record.kind == "SESSION" and record.readings[-1].tx == "P"


def _shift(boot: Boot) -> None:
    """Backwards: what comes before a CLOCK is off by its step as well, up to what is set."""
    clocks = [place for place, each in enumerate(boot.records) if each.kind == "CLOCK"]
    since = boot.records[clocks[-1] if clocks else 0 :]
    shift = 0 if any(map(_is_set, since)) else None
    boot.shift = [None] * len(boot.records)
    for place in reversed(range(len(boot.records))):
        each = boot.records[place]
        shift = 0 if _is_set(each) else shift
        boot.shift[place] = shift
        if each.kind == "CLOCK" and shift is not None:
            shift += each.step_ms or 0


def _make(boot: Boot) -> None:
    """When each record was made; a SESSION tells of earlier, so it is dated by the clock of a record beside it."""
    ahead: list[int | None] = []
    for place, each in enumerate(boot.records):
        if each.kind != "SESSION":
            at_ms = boot.placed(each.at_ms, each.flag, place)
            ahead.append(None if at_ms is None else at_ms - each.um_ms)
        else:
            ahead.append(ahead[-1] if ahead else _first_offset(boot))
    boot.made = [
        None if offset is None else each.um_ms + offset
        for each, offset in zip(boot.records, ahead, strict=True)
    ]


def _first_offset(boot: Boot) -> int | None:
    for place, each in enumerate(boot.records):
        if each.kind != "SESSION":
            at_ms = boot.placed(each.at_ms, each.flag, place)
            return None if at_ms is None else at_ms - each.um_ms
    return None


# --- what was attested, and what was not -----------------------------------------------------------------------------


def _attested(boot: Boot) -> Iterator[Span]:
    for place, (one, other) in enumerate(pairwise(boot.records)):
        start_ms, end_ms = boot.made[place], boot.made[place + 1]
        if start_ms is not None and end_ms is not None and 0 <= other.um_ms - one.um_ms <= PAUSE_MS:
            yield start_ms, end_ms
    if boot.made[-1] is not None and boot.alive_ms is not None:
        yield boot.made[-1], boot.alive_ms


def _gaps(boot: Boot) -> Iterator[Span]:
    for place, each in enumerate(boot.records):
        if each.kind == "GAP" and each.gap_ms:
            start_ms, end_ms = (boot.placed(at_ms, each.gap_flag, place) for at_ms in each.gap_ms)
            if start_ms is not None and end_ms is not None:
                yield start_ms, end_ms


def _silences(boots: Sequence[Boot]) -> Iterator[Span]:
    """From where readings stopped to the GAP that tells of it; without one, to the end of the boot."""
    parts: dict[str, list[Boot]] = {}
    for boot in boots:
        parts.setdefault(boot.records[0].boot, []).append(boot)
    for boot in boots:
        same = parts[boot.records[0].boot]
        for place, each in enumerate(boot.records):
            if each.kind == "FAULT" and each.cause in _UNREAD:
                gap = next((one for part in same for one in part.records if _confesses(one, each)), None)
                yield from _rest(same, each.us, gap.us if gap else None)
                if gap is None:
                    yield from _since_reading(boot, place)


def _confesses(gap: Record, fault: Record) -> bool:
    if gap.kind != "GAP" or not gap.gap_ms or gap.us < fault.us:
        return False
    return gap.um_ms - (gap.gap_ms[1] - gap.gap_ms[0]) <= fault.um_ms


def _since_reading(boot: Boot, place: int) -> Iterator[Span]:
    fault_ms = boot.made[place]
    if fault_ms is None:
        return
    read_ms = [fault_ms - SILENCE_MS]
    for earlier, each in enumerate(boot.records[:place]):
        at_ms = _ends(boot, earlier)[1] if each.kind == "SESSION" else boot.made[earlier]
        if at_ms is not None and each.kind in ("BOOT", *_TELLING):
            read_ms.append(at_ms)
    yield max(read_ms), fault_ms


def _rest(parts: Iterable[Boot], first_us: int, last_us: int | None) -> Iterator[Span]:
    """From a number on to another one, in all parts of one boot."""
    for boot in parts:
        place = max(first_us - boot.records[0].us, 0)
        if place < len(boot.records) and (last_us is None or boot.records[place].us <= last_us):
            yield from boot.until(place, last_us)


def _unended(boots: Sequence[Boot]) -> Iterator[Span]:
    """What the load did after an OPEN whose SESSION is not here, or begins elsewhere, is not known."""
    turns = [
        (boot, place, each)
        for boot in boots
        for place, each in enumerate(boot.records)
        if each.kind in ("OPEN", "SESSION")
    ]
    for at, (boot, place, each) in enumerate(turns):
        if each.kind == "OPEN":
            following = turns[at + 1] if at + 1 < len(turns) else None
            if following is None or not _is_ended(boot.made[place], following):
                same = [one for one in boots if one.records[0].boot == each.boot]
                yield from _rest(same, each.us - 1, following[2].us if following else None)


def _is_ended(opened_ms: int | None, following: tuple[Boot, int, Record]) -> bool:
    boot, place, session = following
    if session.kind != "SESSION" or not _is_sensible(session) or not session.power_mw:
        return False
    start_ms, end_ms = _ends(boot, place)
    if start_ms is None or end_ms is None:
        return False
    return opened_ms is None or start_ms <= opened_ms + STEP_MS


def _untold(boots: Sequence[Boot]) -> Iterator[Span]:
    """After a hole nobody knows what the load did, unless the boot tells later."""
    told = {each.boot: each.us for boot in boots for each in boot.records if each.kind in _TELLING}
    for boot in boots:
        first = boot.records[0]
        if first.kind != "BOOT" and boot.before is None and told.get(first.boot, -1) < first.us:
            yield from boot.until(0)


def _strayed(boot: Boot) -> Iterator[Span]:
    """Where instants leave the monotonic clock."""
    places = [place for place, each in enumerate(boot.records) if each.kind != "SESSION"]
    for one, other in pairwise(places):
        earlier, later = boot.records[one], boot.records[other]
        start_ms, end_ms = boot.made[one], boot.made[other]
        if start_ms is None or end_ms is None:
            continue
        due_ms = start_ms + later.um_ms - earlier.um_ms
        is_told = later.kind == "CLOCK" or later.flag != earlier.flag
        if abs(end_ms - due_ms) > (STEP_MS if is_told else DRIFT_MS):
            yield min(start_ms, end_ms), max(start_ms, end_ms, due_ms)


def _senseless(boot: Boot) -> Iterator[Span]:
    for place, each in enumerate(boot.records):
        if each.kind == "SESSION" and not _is_sensible(each):
            known = [at_ms for at_ms in (*_ends(boot, place), boot.made[place]) if at_ms is not None]
            if known:
                yield min(known), max(known)


def _ends(boot: Boot, place: int) -> tuple[int | None, int | None]:
    """Begin and end of a SESSION on the true clock."""
    session = boot.records[place]
    begin, end = session.readings
    died = boot.before
    if not _is_of_the_dead(session):
        return boot.placed(begin.at_ms, begin.flag, place), boot.placed(end.at_ms, end.flag, place)
    if died is not None and any(each.kind == "OPEN" for each in died.records):
        return died.placed(begin.at_ms, begin.flag, -1), died.placed(end.at_ms, end.flag, -1)
    return (begin.at_ms, end.at_ms) if begin.flag == end.flag == "S" else (None, None)


def _is_sensible(session: Record) -> bool:
    begin, end = session.readings
    lasted_ms = end.at_ms - begin.at_ms
    runs = (begin.register_mwh or 0) <= (end.register_mwh or 0)
    return runs and lasted_ms >= 0 and session.active_s * 1000 <= lasted_ms + 1000


# --- spans -----------------------------------------------------------------------------------------------------------


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same instants, sorted and apart."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def within(spans: Sequence[Span], start_ms: int, end_ms: int) -> list[Span]:
    """What of sorted spans lies between two instants."""
    first = max(bisect_left(spans, (start_ms, start_ms)) - 1, 0)
    found = []
    for start, end in spans[first:]:
        if start >= end_ms:
            break
        if max(start, start_ms) < min(end, end_ms):
            found.append((max(start, start_ms), min(end, end_ms)))
    return found


def without(spans: Iterable[Span], away: Iterable[Span]) -> list[Span]:
    """The instants of `spans` that are in none of `away`."""
    found, cuts = [], joined(away)
    for start, end in joined(spans):
        at_ms = start
        for gone in within(cuts, start, end):
            if at_ms < gone[0]:
                found.append((at_ms, gone[0]))
            at_ms = gone[1]
        if at_ms < end:
            found.append((at_ms, end))
    return found

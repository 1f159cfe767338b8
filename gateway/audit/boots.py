"""One boot of a unit on the true clock: when each of its records was made, and what it attests to have watched.

A unit measures time by a monotonic clock that begins with a boot, and says it by an offset that only CLOCK records
change. This file knows no devices, and not what a record tells of a load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from gateway.audit.spans import Span
from gateway.canonical import Session
from protocol import record as words
from protocol.record import Record

PAUSE_MS = 11 * 60 * 1000  # the longest pause between two records that still attests what lies between


class Heartbeat:
    """A record of which place, time and clock are all that is asked; or the last of several quiet ones on end, of which
    `first_us` is the first, and before and between which the unit watched."""

    __slots__ = ("at_ms", "boot", "first_us", "flag", "kind", "um_ms", "us")

    def __init__(self, us: int, kind: str, boot: str, um_ms: int, at_ms: int, flag: str) -> None:
        self.us = self.first_us = us
        self.kind, self.boot, self.um_ms, self.at_ms, self.flag = kind, boot, um_ms, at_ms, flag


Said = Record | Session | Heartbeat


class Boot:
    """What a unit wrote from one boot to the next without a hole, on the true clock."""

    def __init__(self, records: list[Said], before: Boot | None) -> None:
        self.records = records
        self.before = before
        self.after: Boot | None = None
        if before is not None:
            before.after = self
        self.moved: list[tuple[Said, Said]] = []  # between which two records its clock left the monotonic one
        self._telling = [each for each in records if each.kind != words.ALIVE]
        self._instants = self._stamp()

    def let_go(self) -> None:
        """Knows its neighbours no longer: what stands in a ring is not forgotten by itself."""
        self.before = self.after = None

    def of_kind(self, *kinds: str) -> list[Any]:
        """Its records of these kinds, none of them ALIVE, in their order."""
        return [each for each in self._telling if each.kind in kinds]

    @cached_property
    def _shifts(self) -> dict[int, int | None]:
        """What was said unsynchronised is placed by the CLOCKs that follow, if the boot ever reached `S`."""
        shifts: dict[int, int | None] = {}
        last_step = max((at for at, each in enumerate(self.records) if each.kind == words.CLOCK), default=0)
        shift = 0 if any(map(_is_synchronised, self.records[last_step:])) else None
        for record in reversed(self.records):
            if _is_synchronised(record):
                shift = 0
            shifts[record.us] = shift
            if isinstance(record, Record) and record.kind == words.CLOCK and shift is not None:
                shift += record.step_ms or 0
        return shifts

    def _stamp(self) -> list[int | None]:
        """When each record was made. A SESSION's readings are older than it: its neighbour's distance to UM stamps it."""
        instants: list[int | None] = []
        earlier = next((each for each in self.records if each.kind != words.SESSION), None)
        offset = None if earlier is None else self._offset(earlier)
        for record in self.records:
            um_ms = record.um_ms
            if record.kind != words.SESSION:
                is_placed = record.flag == words.SYNCHRONISED
                before, offset = offset, record.at_ms - um_ms if is_placed else self._offset(record)
                if offset != before and earlier is not None:
                    self.moved.append((earlier, record))
                earlier = record
            instants.append(None if offset is None else um_ms + offset)
        return instants

    @cached_property
    def _stamps(self) -> dict[int, int | None]:
        return {each.us: made_ms for each, made_ms in zip(self.records, self._instants, strict=True)}

    def _offset(self, record: Said) -> int | None:
        at_ms = self.place(record.at_ms, record.flag, record)
        return None if at_ms is None else at_ms - record.um_ms

    def place(self, at_ms: int, flag: str | None, record: Said | None = None) -> int | None:
        """The true instant of what `record` says, or None where nothing places it; without a record, of what was said
        after the last one."""
        if flag == words.SYNCHRONISED:
            return at_ms
        shift = self._shifts[(record or self.records[-1]).us]
        return None if shift is None else at_ms + shift

    def made(self, record: Said) -> int | None:
        """The true instant at which the record was made."""
        if record.flag == words.SYNCHRONISED and record.kind != words.SESSION:
            return record.at_ms
        return self._stamps[record.us]

    @property
    def alive_ms(self) -> int | None:
        """The last instant at which it was surely alive: its last record's, or a later one that the next boot proves.

        A next boot that never reaches `S` proves nothing.
        """
        last_ms, proven_ms = self.made(self.records[-1]), self._proven_ms()
        if last_ms is None or proven_ms is None or not last_ms < proven_ms <= last_ms + PAUSE_MS:
            return last_ms
        return proven_ms

    def _proven_ms(self) -> int | None:
        if self.after is None:
            return None
        proof = self.after.records[0]
        if (
            not isinstance(proof, Record)
            or proof.kind != words.BOOT
            or proof.alive_ms is None
            or self.after.made(proof) is None
        ):
            return None
        return self.place(proof.alive_ms, proof.alive_flag)

    def attested(self) -> Iterator[Span]:
        """From record to record, those that touch as one, and from the last to the instant that the next boot proves."""
        first_ms = earlier_ms = self._instants[0]
        um_ms = self.records[0].um_ms
        for record, later_ms in zip(self.records[1:], self._instants[1:], strict=True):
            lasted_ms, um_ms = record.um_ms - um_ms, record.um_ms
            is_watched = 0 <= lasted_ms <= PAUSE_MS or _is_run(record)
            if not is_watched or earlier_ms is None or later_ms is None or later_ms < earlier_ms:
                yield from span(first_ms, earlier_ms)
                first_ms = later_ms
            earlier_ms = later_ms
        yield from span(first_ms, earlier_ms)
        yield from span(earlier_ms, self.alive_ms)

    def between(self, first_us: int, last_us: int | None = None) -> Iterator[Span]:
        """When it was alive from its first record in [first, last] to its last, or to its end if it ended before `last`."""
        part = [
            each for each in self.records if first_us <= each.us and (last_us is None or each.us <= last_us)
        ]
        if part:
            ended = last_us is None or self.records[-1].us < last_us
            yield from span(self.made(part[0]), self.alive_ms if ended else self.made(part[-1]))


def boots_of(chain: Iterable[Said]) -> list[Boot]:
    """The boots of a chain, cut where a sequence number is missing (only where a person passed a gap)."""
    boots: list[Boot] = []
    records: list[Said] = []
    before: Boot | None = None
    name, next_us = "", 0
    for each in chain:
        first_us = each.first_us if isinstance(each, Heartbeat) else each.us
        if records and (each.boot != name or first_us != next_us):
            boots.append(Boot(records, before))
            before = boots[-1] if first_us == next_us else None
            records = []
        records.append(each)
        name, next_us = each.boot, each.us + 1
    return [*boots, Boot(records, before)] if records else boots


def _is_run(record: Said) -> bool:
    """Whether it stands for several, since the one before which the unit watched."""
    return isinstance(record, Heartbeat) and record.first_us < record.us


def is_of_another_boot(record: Said) -> bool:
    """A session closed after a power failure speaks in the clock of the boot that died."""
    if isinstance(record, Heartbeat) or record.kind != words.SESSION:
        return False
    return record.readings[-1].tx == words.POWER_FAILED


def _is_synchronised(record: Said) -> bool:
    return record.flag == words.SYNCHRONISED and not is_of_another_boot(record)


def span(start_ms: int | None, end_ms: int | None) -> Iterator[Span]:
    """From one instant to another, if both are known."""
    if start_ms is not None and end_ms is not None:
        yield start_ms, end_ms

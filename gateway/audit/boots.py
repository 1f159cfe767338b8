"""One boot of a unit on the true clock: when each of its records was made, and what it attests to have watched.

A unit measures time by a monotonic clock that begins with a boot, and says it by an offset that only CLOCK records
change. This file knows no devices, and not what a record tells of a load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from gateway.audit.spans import Span
from protocol import record as words
from protocol.record import Record

PAUSE_MS = 11 * 60 * 1000  # the longest pause between two records that still attests what lies between


class Boot:
    """What a unit wrote from one boot to the next without a hole, on the true clock."""

    def __init__(self, records: list[Record], before: Boot | None) -> None:
        self.records = records
        self.before = before
        self.after: Boot | None = None
        if before is not None:
            before.after = self
        self._shifts: dict[int, int | None] = {}
        self._stamps: dict[int, int | None] = {}
        self._shift()
        self._stamp()

    def _shift(self) -> None:
        """What was said unsynchronised is placed by the CLOCKs that follow, if the boot ever reached `S`."""
        last_step = max((at for at, each in enumerate(self.records) if each.kind == words.CLOCK), default=0)
        shift = 0 if any(map(_is_synchronised, self.records[last_step:])) else None
        for record in reversed(self.records):
            if _is_synchronised(record):
                shift = 0
            self._shifts[record.us] = shift
            if record.kind == words.CLOCK and shift is not None:
                shift += record.step_ms or 0

    def _stamp(self) -> None:
        """A SESSION's readings are older than the record: it is stamped by its neighbour's distance to UM."""
        offset = next((self._offset(each) for each in self.records if each.kind != words.SESSION), None)
        for record in self.records:
            if record.kind != words.SESSION:
                offset = self._offset(record)
            self._stamps[record.us] = None if offset is None else record.um_ms + offset

    def _offset(self, record: Record) -> int | None:
        at_ms = self.place(record.at_ms, record.flag, record)
        return None if at_ms is None else at_ms - record.um_ms

    def place(self, at_ms: int, flag: str | None, record: Record | None = None) -> int | None:
        """The true instant of what `record` says, or None where nothing places it; without a record, of what was said
        after the last one."""
        if flag == words.SYNCHRONISED:
            return at_ms
        shift = self._shifts[(record or self.records[-1]).us]
        return None if shift is None else at_ms + shift

    def made(self, record: Record) -> int | None:
        """The true instant at which the record was made."""
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
        if proof.kind != words.BOOT or proof.alive_ms is None or self.after.made(proof) is None:
            return None
        return self.place(proof.alive_ms, proof.alive_flag)

    def attested(self) -> Iterator[Span]:
        """From record to record, and from the last to the instant that the next boot proves."""
        instants = [self.made(each) for each in self.records]
        pauses = [0 <= later.um_ms - earlier.um_ms <= PAUSE_MS for earlier, later in pairwise(self.records)]
        for attests, (start_ms, end_ms) in zip(pauses, pairwise(instants), strict=True):
            if attests and start_ms is not None and end_ms is not None:
                yield start_ms, end_ms
        if instants[-1] is not None and self.alive_ms is not None:
            yield instants[-1], self.alive_ms

    def between(self, first_us: int, last_us: int | None = None) -> Iterator[Span]:
        """When it was alive from its first record in [first, last] to its last, or to its end if it ended before `last`."""
        part = [
            each for each in self.records if first_us <= each.us and (last_us is None or each.us <= last_us)
        ]
        if part:
            ended = last_us is None or self.records[-1].us < last_us
            yield from span(self.made(part[0]), self.alive_ms if ended else self.made(part[-1]))


def boots_of(chain: Iterable[Record]) -> list[Boot]:
    """The boots of a chain, cut where a sequence number is missing (only where a person passed a gap)."""
    boots: list[Boot] = []
    for _, run in groupby(enumerate(chain), lambda pair: pair[1].us - pair[0]):
        before: Boot | None = None
        for _, records in groupby((each for _, each in run), lambda each: each.boot):
            before = Boot(list(records), before)
            boots.append(before)
    return boots


def is_of_another_boot(record: Record) -> bool:
    """A session closed after a power failure speaks in the clock of the boot that died."""
    return record.kind == words.SESSION and record.readings[-1].tx == words.POWER_FAILED


def _is_synchronised(record: Record) -> bool:
    return record.flag == words.SYNCHRONISED and not is_of_another_boot(record)


def span(start_ms: int | None, end_ms: int | None) -> Iterator[Span]:
    """From one instant to another, if both are known."""
    if start_ms is not None and end_ms is not None:
        yield start_ms, end_ms

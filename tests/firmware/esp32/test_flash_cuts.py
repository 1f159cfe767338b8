"""The power fails at every single program and erase operation, in every way of tearing it, on MicroPython's littlefs.

A story of an hour and a half is played in which the journal grows, rotates, wakes up, is full, is freed and forgets. At
each operation the flash is copied, the operation left torn on the copy, and a unit boots from it. Every way is tried where
WATTWITNESS_CUTS is `all`; else two or three of the five at each operation, in turn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from protocol.chain import NEXT, Head, judge, lengthen
from protocol.record import OPEN, SESSION, Record, parse
from protocol.seal import split
from tests.support.both import run_micropython

SHARES = 2
PLAY = "from tests.firmware.esp32.flash_cuts import Cutter; Cutter(%d, %d, %s).run()"


class Cuts:
    """What the unit printed: `story`, the records that left, by number; `cuts`, (operation, way, left, records after)."""

    def __init__(self, printed: list[str]) -> None:
        self.story: dict[int, Record] = {}
        self.cuts: list[tuple[str, int, list[Record]]] = []
        self.operations, self.sessions = 0, 0
        for each in printed:
            for line in each.splitlines():
                self._read(*line.split(" ", 1))

    def _read(self, what: str, said: str) -> None:
        if what == "LINE":
            record = parse(split(said)[0])
            assert self.story.setdefault(record.us, record).digest == record.digest
        elif what == "CUT":
            name, left = said.rsplit(" ", 1)
            self.cuts.append((name, int(left), []))
        elif what == "NEW":
            self.cuts[-1][2].append(parse(split(said)[0]))
        else:
            counts = said.split()
            self.operations, self.sessions = int(counts[0]), self.sessions + int(counts[4])

    def chains(self) -> Iterator[tuple[str, Head | None, list[Record], list[Record]]]:
        """(cut, head of what had left, what had left, what came after) of each cut."""
        heads: dict[int, Head | None] = {0: None}
        for us in sorted(self.story):
            assert judge(heads[us - 1], self.story[us]) == NEXT
            heads[us] = lengthen(heads[us - 1], self.story[us])
        full = next(us for us, each in self.story.items() if each.cause == "STORAGE")
        for name, left, after in self.cuts:
            if not after:  # a unit whose flash is full says nothing
                assert abs(left - full) <= 2, name
                continue
            yield name, heads[left], [self.story[us] for us in range(1, left + 1)], after


@pytest.fixture(scope="module")
def cuts() -> Cuts:
    every_way = os.environ.get("WATTWITNESS_CUTS") == "all"
    scripts = [PLAY % (share, SHARES, every_way) for share in range(SHARES)]
    with ThreadPoolExecutor(SHARES) as together:
        return Cuts(list(together.map(lambda script: run_micropython(script, heapsize="4m"), scripts)))


def test_at_every_operation_the_unit_boots_and_its_chain_goes_on_from_what_had_left(cuts: Cuts):
    for name, head, _, after in cuts.chains():
        assert after, name
        for record in after:
            assert judge(head, record) == NEXT, (name, record.us)
            head = lengthen(head, record)
    assert len({name.split()[0] for name, _, _ in cuts.cuts}) == cuts.operations > 600
    print(f"\n{cuts.operations} operations, {len(cuts.cuts)} cuts, {cuts.sessions} of them in a session")


def test_every_session_that_was_opened_is_told_after_the_cut_and_says_that_the_power_failed(cuts: Cuts):
    powered_off = 0
    for name, _, before, after in cuts.chains():
        kinds = [each.kind for each in [*before, *after]]
        assert kinds.count(OPEN) == kinds.count(SESSION), name
        powered_off += any(each.kind == SESSION and each.readings[1].tx == "P" for each in after)
    assert powered_off > 100 and cuts.sessions > 100


def test_a_cut_is_never_taken_for_damage(cuts: Cuts):
    full = next(us for us, each in cuts.story.items() if each.cause == "STORAGE")
    for name, head, _, after in cuts.chains():
        if head is None or head.us < full - 4:  # from there on the next boot may fill it
            assert "STORAGE" not in [each.cause for each in after], name

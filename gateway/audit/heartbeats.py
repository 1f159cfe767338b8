"""What a unit's chain says of watching, with quiet heartbeats told together: nearly all that a unit writes is that all is well.

A heartbeat is quiet where it says nothing that the record before it did not let expect: it is of the same boot, comes no
later than an attested pause, and its synchronised clock stands where the monotonic one says. Between quiet heartbeats the
unit watched, and of several on end only the last one's time matters. This file does not know what was watched.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway import canonical
from gateway.audit.boots import PAUSE_MS, Heartbeat, Said
from gateway.ledger.periods import Told
from protocol import record as words

PLAIN = (words.ALIVE, words.OPEN, words.TAG)
"""Kinds of which place, time and clock are all that coverage asks."""


def told_together(told: Iterable[Told], forked_us: int | None = None) -> list[Said]:
    """The records of a chain before its fork, in their order, quiet heartbeats on end as one."""
    said: list[Said] = []
    run: Heartbeat | None = None  # the last record, where it is a quiet heartbeat that the next may join
    before_us, before_um_ms, before_boot, offset_ms = -1, 0, "", None
    for us, kind, boot, um_ms, at_ms, flag, line in told:
        if forked_us is not None and us >= forked_us:
            break
        is_quiet = (
            line is None
            and at_ms - um_ms == offset_ms
            and kind == words.ALIVE
            and flag == words.SYNCHRONISED
            and us == before_us + 1
            and boot == before_boot
            and 0 <= um_ms - before_um_ms <= PAUSE_MS
        )
        before_us, before_um_ms, before_boot = us, um_ms, boot
        if is_quiet and run is not None:
            run.us, run.um_ms, run.at_ms = us, um_ms, at_ms
            continue
        if line is not None:
            said.append(canonical.stored(line))
            run, offset_ms = None, None
            continue
        each = Heartbeat(us, kind, boot, um_ms, at_ms, flag)
        said.append(each)
        run = each if is_quiet else None
        offset_ms = at_ms - um_ms if flag == words.SYNCHRONISED else None
    return said

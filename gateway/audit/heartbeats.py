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
"""Kinds of which place, time and clock are all that coverage asks; heartbeats first."""

_LINE, _NEVER = "OCMF|", 1 << 62


def told_together(told: Iterable[Told], forked_us: int | None = None) -> list[Said]:
    """The records of a chain before its fork, in their order, quiet heartbeats on end as one."""
    said: list[Said] = []
    run: Heartbeat | None = None  # the last record, where it is a quiet heartbeat that the next may join
    before_us, before_um_ms, before_boot, offset_ms = -1, 0, "", None
    until_us = _NEVER if forked_us is None else forked_us
    for us, boot, um_ms, at_ms, more in told:
        if us >= until_us:
            break
        is_quiet = (
            more is None
            and at_ms - um_ms == offset_ms
            and us == before_us + 1
            and boot == before_boot
            and 0 <= um_ms - before_um_ms <= PAUSE_MS
        )
        before_us, before_um_ms, before_boot = us, um_ms, boot
        if is_quiet:
            if run is None:
                run = Heartbeat(us, words.ALIVE, boot, um_ms, at_ms, words.SYNCHRONISED)
                said.append(run)
            else:
                run.us, run.um_ms, run.at_ms = us, um_ms, at_ms
            continue
        run = None
        if more is None:
            kind, flag = words.ALIVE, words.SYNCHRONISED
        elif more.startswith(_LINE):
            said.append(canonical.session(more, us, boot, um_ms, at_ms) or canonical.stored(more))
            offset_ms = None
            continue
        else:
            kind, _, flag = more.partition(" ")
        said.append(Heartbeat(us, kind, boot, um_ms, at_ms, flag))
        offset_ms = at_ms - um_ms if flag == words.SYNCHRONISED else None
    return said

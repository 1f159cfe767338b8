"""First stage of forwarding: which records the district does not hold yet, and what its answer changes here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlite_utils import Database

from gateway.ledger import outbox, units
from gateway.ledger.database import transaction
from gateway.ledger.outbox import Forwarded

if TYPE_CHECKING:  # only a shape: who sends nothing starts without the libraries of the network
    from gateway.forward.send import Answer

_RECORDS = 200  # in one request
_BYTES = 2 << 20  # in one request, if one record is not longer alone


def next_batch(db: Database, destination: str) -> tuple[int, list[tuple[int, str]]]:
    """(after, [(position, line), ...]): what follows the last position that the district holds."""
    after = outbox.forwarded(db, destination).position
    batch: list[tuple[int, str]] = []
    size = 0
    for position, line in outbox.after(db, after, _RECORDS):
        size += len(line)
        if batch and size > _BYTES:
            break
        batch.append((position, line))
    return after, batch


def settle(db: Database, destination: str, after: int, last: int, answer: Answer, now_ms: int) -> bool:
    """Takes note of the district's answer to records `after` to `last`; whether there is more to send.

    A district that holds less than it did, restored from a backup, gets everything from there again.
    """
    position = last if answer.held >= last else min(answer.held, after)
    with transaction(db):
        outbox.keep(db, destination, Forwarded(position, now_ms, answer.checkpoint, answer.refused))
        for unit in units.units(db).values():
            if answer.approved.get(unit.unit) == key_sha256(unit.key_hex):
                units.approve(db, unit.unit, now_ms)
    return position < outbox.last_position(db)


def key_sha256(key_hex: str) -> str:
    """By which gateway and district know that they mean the same key."""
    return hashlib.sha256(bytes.fromhex(key_hex)).hexdigest()

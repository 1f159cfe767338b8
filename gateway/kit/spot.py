"""Reads from the ledger what a spot check goes round with."""

from __future__ import annotations

from sqlite_utils import Database

from gateway.audit.live import live
from gateway.audit.spot_check import SpotCheck, spot_check
from gateway.ledger import at_instant, units
from gateway.ledger import live as ledger


def gather(db: Database, clinic: str, at_ms: int) -> SpotCheck:
    """The round through a clinic, as the ledger knew it at an instant."""
    devices = [each for each in units.devices(db).values() if each.clinic == clinic]
    places = at_instant.places(db, clinic, at_ms)
    said = [live(each, ledger.said_last(db, each.unit, at_ms), {}, at_ms) for each in places]
    return spot_check(devices, said, at_ms)

"""What a pack rests on: fresh reconciliations of its days, the span of time that they reach over, and who is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any

from sqlite_utils import Database

from gateway.audit import catalogue, judged, windows
from gateway.audit.catalogue import Catalogue
from gateway.audit.figures import Chosen
from gateway.audit.gather import MARGIN_MS, TOLERANCE_S
from gateway.audit.hours import Hours
from gateway.audit.judged import Judged
from gateway.audit.spans import Span
from gateway.config import Config
from gateway.ledger import bills, packing, trail, units
from gateway.ledger.trail import Head
from gateway.ledger.units import Device, Placement, Unit
from gateway.pack.archive import FORMAT

Row = dict[str, Any]
Tell = Callable[[str, str], None]
"""Tells people what is being done, in Chinese and in English."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be packed: days `first` to `last`, of the clinic of `config`, from the ledger of `ledger` (its own, or its
    district's). `rules` is the text of the ledger's own rules.toml, None where it has none. With `bill_files` the files
    themselves are in it, and they name patients."""

    config: Config
    ledger: str
    first: date
    last: date
    sources: Sequence[str]
    chosen: Chosen
    rules: bytes | None
    now_ms: int
    bill_files: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a pack says but its rows, which are read when they are written. `evidence` is the span from the first instant
    of all windows to the last; `heads` are the ends of the units' chains, `begins` the first record of each in the pack."""

    asked: Asked
    judged: Mapping[str, Judged]
    evidence: Span
    catalogue: Catalogue
    trail: Head
    units: Sequence[Unit]
    devices: Sequence[Device]
    placements: Sequence[Placement]
    heads: Mapping[str, Row]
    begins: Mapping[str, int]

    @property
    def visits(self) -> set[str]:
        """Whose charges were matched."""
        return {line.visit for each in self.judged.values() for line in each.period.lines}

    def document(self) -> Row:
        """As pack.json says it."""
        asked, config = self.asked, self.asked.config
        return {
            "format": FORMAT,
            "clinic": config.clinic,
            "name": config.name,
            "role": config.role,
            "ledger": asked.ledger,
            "from": asked.first.isoformat(),
            "to": asked.last.isoformat(),
            "evidence": list(self.evidence),
            "timezone": config.timezone,
            "opens": config.opens,
            "closes": config.closes,
            "closed": [day.isoformat() for day in sorted(config.closed)],
            "tolerance_s": TOLERANCE_S,
            "made_ms": asked.now_ms,
            "version": version("wattwitness"),
            "sources": list(self.judged),
            "rules": asked.chosen.sha256,
            "trail": {"entry": self.trail.entry, "hash": self.trail.hash},
            "bill_files": asked.bill_files,
        }


def gather(db: Database, asked: Asked, tell: Tell) -> Contents:
    """Reconciles the days with the bills of each source and finds out what else they rest on. Inside one snapshot."""
    found: dict[str, Judged] = {}
    for source in asked.sources:
        tell(f"核对 {source}", f"reconciling {source}")
        found[source] = judged.judge(
            db, asked.config, asked.chosen, asked.first, asked.last, source, asked.now_ms
        )
    clinic, evidence = asked.config.clinic, _evidence(asked, found)
    owned = [each for each in units.units(db).values() if each.clinic == clinic]
    names = {each.unit for each in owned}
    first = {each.unit: packing.begins(db, each.unit, evidence[0] - MARGIN_MS) for each in owned}
    return Contents(
        asked,
        found,
        evidence,
        catalogue.in_force(db),
        trail.head(db),
        owned,
        [each for each in units.devices(db).values() if each.clinic == clinic],
        [each for each in units.placements(db) if each.unit in names],
        {head["unit"]: head for head in packing.heads(db, clinic)},
        {unit: us for unit, us in first.items() if us is not None},
    )


def _evidence(asked: Asked, found: Mapping[str, Judged]) -> Span:
    """From the first instant to the last of the period and of all windows, both included."""
    hours = Hours(asked.config)
    spans = [(hours.calendar_day(asked.first)[0], hours.calendar_day(asked.last)[1] - 1)]
    for each in found.values():
        reached = windows.reach(each.period.lines, each.period.items, hours)
        spans += [reached] if reached else []
    return min(start for start, _ in spans), max(end for _, end in spans)


def sources_of(db: Database, clinic: str, asked: str | None) -> list[str]:
    """Whose bills to reconcile: the one that was asked for, or all that told lines; the clinic's where nobody did."""
    return [asked] if asked else bills.sources(db, clinic) or [bills.SOURCES[0]]

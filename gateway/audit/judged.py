"""Some days, reconciled, but not kept yet: to be kept, closed or compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlite_utils import Database

from gateway.audit import catalogue, document
from gateway.audit.figures import Chosen
from gateway.audit.gather import gather
from gateway.audit.hours import Hours
from gateway.audit.reconcile import Period, Reconciliation, reconcile
from gateway.config import Config
from gateway.ledger import verdicts
from gateway.ledger.bills import Teller
from gateway.uncollected import uncollected

Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """What the days of `period` came to. How that is written is made when it is asked for, and only once."""

    teller: Teller
    period: Period
    chosen: Chosen
    found: Reconciliation

    @cached_property
    def said(self) -> Row:
        """What `reconcile --json` prints."""
        with uncollected():
            return document.document(self.found, self.period.hours)

    @cached_property
    def summary(self) -> dict[str, int]:
        """How many treatments got each verdict."""
        return document.summary(self.found)

    @cached_property
    def verdicts(self) -> list[Row]:
        """The verdicts as the ledger keeps them."""
        with uncollected():
            return [document.row(verdict, line, self.period.hours) for verdict, line in self.found.verdicts]

    @cached_property
    def coverage(self) -> list[Row]:
        """The devices' days as the ledger keeps them."""
        return [document.coverage_row(each) for each in self.found.coverage]

    @cached_property
    def leads(self) -> list[Row]:
        """The leads as the ledger keeps them."""
        return [document.lead_row(each, self.period.hours) for each in self.found.leads]

    def write(self) -> None:
        """Makes the rows of the ledger now."""
        _ = self.verdicts, self.coverage, self.leads


def judge(
    db: Database, config: Config, chosen: Chosen, first: date, last: date, source: str, now_ms: int
) -> Judged:
    """Reconciles the days [`first`, `last`] of the configured clinic with the bills of one source, keeping nothing."""
    with uncollected():
        items = catalogue.in_force(db).items
        period = gather(db, Hours(config), items, first, last, source, now_ms)
        return Judged(Teller(config.clinic, source), period, chosen, reconcile(period, chosen.rules))


def keep(db: Database, judged: Judged) -> int:
    """Keeps it as a run, inside the caller's transaction; its number."""
    period = judged.period
    return verdicts.keep(
        db,
        judged.teller,
        (period.from_day, period.to_day),
        period.now_ms,
        judged.verdicts,
        judged.coverage,
        judged.leads,
        judged.chosen.sha256,
    )

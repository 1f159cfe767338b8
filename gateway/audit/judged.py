"""Some days, reconciled and written as the ledger keeps them, but not kept yet: to be kept, closed or compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class Judged:
    """What the days of `period` came to. `said` is what `reconcile --json` prints; the rows are those of the ledger."""

    teller: Teller
    period: Period
    chosen: Chosen
    said: Row
    verdicts: list[Row]
    coverage: list[Row]
    leads: list[Row]

    @property
    def codes(self) -> Mapping[tuple[str, int], str]:
        """(line, index) -> verdict."""
        return {(row["line"], row["index"]): row["code"] for row in self.verdicts}


def judge(
    db: Database, config: Config, chosen: Chosen, first: date, last: date, source: str, now_ms: int
) -> Judged:
    """Reconciles the days [`first`, `last`] of the configured clinic with the bills of one source, keeping nothing."""
    with uncollected():
        period, found = reconciled(db, config, chosen, first, last, source, now_ms)
        hours = period.hours
        said = document.document(found, hours)
        told = zip(found.verdicts, said["treatments"], strict=True)
        return Judged(
            Teller(config.clinic, source),
            period,
            chosen,
            said,
            [document.row(verdict, line, body, hours) for (verdict, line), body in told],
            [document.coverage_row(each) for each in found.coverage],
            [document.lead_row(lead, body) for lead, body in zip(found.leads, said["leads"], strict=True)],
        )


def reconciled(
    db: Database, config: Config, chosen: Chosen, first: date, last: date, source: str, now_ms: int
) -> tuple[Period, Reconciliation]:
    """What `judge` rests on, before it is written as the ledger keeps it."""
    period = gather(db, Hours(config), catalogue.in_force(db).items, first, last, source, now_ms)
    return period, reconcile(period, chosen.rules)


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

"""Reads from the ledger what the figures of a month, or of any days, are summed from, and which of its days are closed.

A day's figures are those of its last closing; where it is not closed, those of the newest run over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from sqlite_utils import Database

from gateway.audit import catalogue, review, sums
from gateway.audit.hours import Hours, days
from gateway.audit.outcomes import Standing
from gateway.audit.sums import Sums, Treated, Watched
from gateway.config import Config
from gateway.instants import local_day
from gateway.ledger import closings, kept_runs, reviews
from gateway.ledger.bills import Teller
from gateway.ledger.closings import Closing, Since
from gateway.ledger.reviews import LeadFound

MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class DayState:
    """One day: the `run` that its figures are of (None: never reconciled), its last closing, what has come since, and
    whether a newer run said something else (`differs`)."""

    day: date
    run: int | None
    closing: Closing | None
    since: Since | None
    differs: bool

    @property
    def state(self) -> str:
        """not_reconciled, not_closed, closed or reopened."""
        if self.run is None:
            return "not_reconciled"
        if self.closing is None:
            return "not_closed"
        return "reopened" if self.since or self.differs else "closed"


@dataclass(frozen=True, slots=True)
class Figures:
    """A clinic's days [`first`, `last`] as the person in charge sees them. `month` is the closing of the whole month,
    where the days are one and it was closed. `own_rules` are the hashes of the files by which leads were looked for otherwise
    than by the rules as shipped."""

    clinic: str
    name: str
    source: str
    first: date
    last: date
    days: Sequence[DayState]
    sums: Sums
    leads: Sequence[tuple[LeadFound, Standing]]
    items: Mapping[int, tuple[str, str]]
    month: Closing | None
    zone: tzinfo
    own_rules: Sequence[str] = ()


def figures(db: Database, config: Config, source: str, first: date, last: date, now_ms: int) -> Figures:
    """The figures of a clinic's days, of one source of its bills."""
    teller = Teller(config.clinic, source)
    found = states(db, config, teller, first, last)
    today = local_day(now_ms, config.zone)
    leads = review.listed(db, str(first), str(last), config.clinic, today)
    ours = [(lead, now) for lead, now in leads if lead.source in ("", source)]
    items = catalogue.in_force(db).items
    summed = sums.summed(
        [each for state in found if state.run for each in _treated(db, teller, state.run, state.day)],
        [each for state in found if state.run for each in _watched(db, state.run, state.day)],
        ours,
        {number: item.device_class for number, item in items.items()},
        [str(state.day) for state in found],
    )
    summed.came_back = sums.came_back(ours, _righted(db, config, last))
    names = {number: (item.zh, item.en) for number, item in items.items()}
    month = f"{first:%Y-%m}"
    is_month = month_days(month) == (first, last)
    closed = closings.newest(db, teller, month, month).get(month) if is_month else None
    whose = (config.clinic, config.name, source, first, last)
    rules = kept_runs.own_rules(db, [state.run for state in found if state.run])
    return Figures(*whose, found, summed, ours, names, closed, config.zone, rules)


def states(db: Database, config: Config, teller: Teller, first: date, last: date) -> list[DayState]:
    """Whether each of these days is reconciled and closed, and what has come since."""
    closed = closings.newest(db, teller, str(first), str(last))
    runs = closings.runs_of_days(db, teller, str(first), str(last))
    hours = Hours(config)
    return [_state(db, hours, day, closed.get(str(day)), runs) for day in days(first, last)]


def _state(
    db: Database, hours: Hours, day: date, closing: Closing | None, runs: Sequence[tuple[int, str, str]]
) -> DayState:
    newest = next((run for run, begin, end in runs if begin <= str(day) <= end), None)
    if closing is None or closing.run is None:
        return DayState(day, newest, None, None, False)
    whole = hours.calendar_day(day)
    since = closings.since(db, closing, whole, next(iter(hours.opening(day)), (whole[0], whole[0])))
    text = str(day)
    differs = (
        newest is not None
        and newest > closing.run
        and (
            closings.verdicts(db, newest, text) != closings.verdicts(db, closing.run, text)
            or closings.leads(db, newest, text) != closings.leads(db, closing.run, text)
        )
    )
    return DayState(day, closing.run, closing, since, differs)


def _treated(db: Database, teller: Teller, run: int, day: date) -> list[Treated]:
    rows = closings.treatments(db, teller, run, str(day))
    return [Treated(**{**row, "among": tuple(json.loads(row["among"] or "[]"))}) for row in rows]


def _watched(db: Database, run: int, day: date) -> list[Watched]:
    return [Watched(**row) for row in closings.coverage(db, run, str(day))]


def _righted(db: Database, config: Config, last: date) -> dict[str, tuple[date, str]]:
    """Rule -> the last day, up to `last`, on which one of its leads was put right, and how."""
    righted: dict[str, tuple[date, str]] = {}
    for act in reviews.acts(db, config.clinic):
        day = local_day(act.at_ms, config.zone)
        if act.kind == "review" and act.body["rectification"] and day <= last:
            for lead in reviews.leads(db, clinic=config.clinic, lead=act.lead):
                told = (day, act.body["rectification"])
                righted[lead.rule] = max(righted.get(lead.rule, told), told)
    return righted


def month_days(text: str) -> tuple[date, date] | None:
    """The first and last day of the month that `text` writes as YYYY-MM; None for any other text."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    if f"{first:%Y-%m}" != text or not 1971 <= first.year <= 2999:
        return None
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first, date.fromordinal(following.toordinal() - 1)

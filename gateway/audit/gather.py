"""Reads from the ledger what a reconciliation of some days rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlite_utils import Database

from gateway.audit import leads
from gateway.audit.catalogue import Item
from gateway.audit.coverage import Attested, attest
from gateway.audit.hours import Hours
from gateway.audit.reconcile import Period, longest_window_days, reach
from gateway.audit.spans import Span
from gateway.ledger import bills, periods, records, units
from gateway.ledger.bills import BillLine
from protocol import record, seal

TOLERANCE_S = 60  # how much shorter than its shortest duration a treatment may be
MARGIN_MS = 24 * 3600 * 1000  # records this far outside still tell what was watched inside


def gather(db: Database, hours: Hours, items: Mapping[int, Item], first: date, last: date, source: str) -> Period:
    """The period [`first`, `last`] as values. `source` says whose bills: the clinic's own or the platform's."""
    lines = _lines(db, hours, items, first, last, source)
    span = reach(lines, items, hours) or _whole_days(hours, first, last)
    around = (min(span[0], _whole_days(hours, first, last)[0]), max(span[1], _whole_days(hours, first, last)[1]))
    known = units.units(db)
    return Period(
        first,
        last,
        hours,
        items,
        TOLERANCE_S,
        lines,
        list(units.devices(db).values()),
        units.placements(db),
        {unit: _attested(db, unit, around) for unit in known},
        {name: unit.grade for name, unit in known.items()},
        _findings(db, around),
    )


def _lines(
    db: Database, hours: Hours, items: Mapping[int, Item], first: date, last: date, source: str
) -> list[BillLine]:
    """The lines charged in the period, and all whose windows overlap theirs, directly or by chain."""
    longest = timedelta(days=longest_window_days(items.values()))
    span = _whole_days(hours, first, last)
    while True:
        earliest = hours.calendar_day(hours.day_of(span[0]) - longest)[0]
        charged = bills.lines_charged(db, source, earliest, span[1] + 1)
        lines = [line for line in charged if line.item is not None and _overlaps(line, items, hours, span)]
        wider = reach(lines, items, hours) or span
        wider = (min(span[0], wider[0]), max(span[1], wider[1]))
        if wider == span:
            return lines
        span = wider


def _overlaps(line: BillLine, items: Mapping[int, Item], hours: Hours, span: Span) -> bool:
    start, end = reach([line], items, hours) or span
    return start <= span[1] and end >= span[0]


def _whole_days(hours: Hours, first: date, last: date) -> Span:
    return hours.calendar_day(first)[0], hours.calendar_day(last)[1] - 1


def _attested(db: Database, unit: str, span: Span) -> Attested:
    lines = periods.chained_between(db, unit, span[0] - MARGIN_MS, span[1] + MARGIN_MS)
    chain = [record.parse(seal.split(line)[0]) for line in lines]
    return attest(chain, records.chain(db, unit).forked_us)


def _findings(db: Database, span: Span) -> list[leads.Finding]:
    return [leads.Finding(**row) for row in periods.findings_between(db, *span)]

"""Reads from the ledger what a reconciliation of some days rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from operator import attrgetter

from sqlite_utils import Database

from gateway import canonical
from gateway.audit import coverage, heartbeats
from gateway.audit.coverage import Attested, attest
from gateway.audit.editions import Editions
from gateway.audit.facts import Finding
from gateway.audit.hours import Hours
from gateway.audit.overlaps import without_overlaps
from gateway.audit.posts import is_post
from gateway.audit.reconcile import Period
from gateway.audit.sources import Account, Both, covered
from gateway.audit.spans import Span, intersect
from gateway.audit.windows import PERFORMED_MS, Windows, longest_window_days
from gateway.ledger import accounts, attended, bills, periods, records, units
from gateway.ledger.attended import Entry
from gateway.ledger.bills import BillLine, Teller

TOLERANCE_S = 60  # how much shorter than its shortest duration a treatment may be
MARGIN_MS = 24 * 3600 * 1000  # records this far outside still tell what was watched inside


def gather(
    db: Database, hours: Hours, items: Editions, first: date, last: date, source: str, now_ms: int
) -> Period:
    """The period [`first`, `last`] as values. `source` says whose bills: the clinic's own or the platform's."""
    whole = hours.calendar_day(first)[0], hours.calendar_day(last)[1] - 1
    clinic = hours.config.clinic
    windows, longest = Windows(items, hours), timedelta(days=longest_window_days(items.all()))
    lines, around = _lines(db, hours, windows, longest, whole, Teller(clinic, source))
    known, devices = units.units(db, clinic), units.devices(db, clinic)
    seen = {name: _attested(db, name, around) for name in known}
    posts = {name for name, device in devices.items() if is_post(device.load)}
    return Period(
        from_day=first,
        to_day=last,
        now_ms=now_ms,
        hours=hours,
        items=items,
        tolerance_s=TOLERANCE_S,
        lines=lines,
        devices=[device for name, device in devices.items() if name not in posts],
        placements=[placed for placed in units.placements(db, clinic) if placed.device not in posts],
        attested=seen,
        grades={name: unit.grade for name, unit in known.items()},
        findings=_findings(db, clinic, whole),
        entries=_entries(db, clinic, lines, whole),
        visits=attended.visits_of(db, clinic, _tags(seen)),
        both=_both(db, hours, whole),
    )


def _both(db: Database, hours: Hours, whole: Span) -> Both | None:
    """What both sources tell of the period; None where one of them tells nothing of it at all."""
    tellers = [Teller(hours.config.clinic, source) for source in bills.SOURCES]
    spans = [_covered(db, hours, whole, teller) for teller in tellers]
    if not all(spans):
        return None
    clinic, platform = (
        Account(teller.source, bills.lines_charged(db, teller, whole[0], whole[1] + 1), told)
        for teller, told in zip(tellers, spans, strict=True)
    )
    return Both(clinic, platform, accounts.settled_fen(db, hours.config.clinic))


def _covered(db: Database, hours: Hours, whole: Span, teller: Teller) -> list[Span]:
    return intersect(covered(accounts.file_spans(db, teller), hours), [(whole[0], whole[1] + 1)])


def _entries(db: Database, clinic: str, lines: list[BillLine], whole: Span) -> list[Entry]:
    """What people recorded of the lines' visits, and in the period."""
    of_lines = attended.of_visits(db, clinic, (line.visit for line in lines))
    in_period = attended.between(db, clinic, whole[0], whole[1] + 1)
    found = {each.entry: each for each in (*of_lines, *in_period)}
    return sorted(found.values(), key=lambda each: each.entry)


def _tags(seen: Mapping[str, Attested]) -> set[str]:
    return {tag for attested in seen.values() for session in attested.sessions for tag in session.tags}


def _lines(
    db: Database, hours: Hours, windows: Windows, longest: timedelta, whole: Span, teller: Teller
) -> tuple[list[BillLine], Span]:
    """The lines charged in the period, and all others whose windows overlap theirs, directly or by chain; and the time of
    the period and all their windows. `longest`: the time from a charge to the end of its window at most."""
    charged = bills.lines_charged(db, teller, whole[0], whole[1] + 1)
    lines = {each.line: each for each in charged if windows.of(each) is not None}
    span = _hull(whole, windows.reach(lines.values()))
    while True:
        earliest = hours.calendar_day(hours.day_of(span[0]) - longest)[0]
        others = [
            *bills.lines_charged(db, teller, earliest, whole[0]),
            *bills.lines_charged(db, teller, whole[1] + 1, span[1] + 1),
            *periods.lines_performed(db, teller, (span[0] - PERFORMED_MS, span[1] + PERFORMED_MS), whole),
        ]
        beside = [each for each in others if each.line not in lines and _competes(each, windows, span)]
        lines |= {each.line: each for each in beside}
        wider = _hull(span, windows.reach(beside))
        if wider == span:
            return sorted(lines.values(), key=attrgetter("charged_ms", "line")), span
        span = wider


def _competes(line: BillLine, windows: Windows, span: Span) -> bool:
    """Whether a line could use device time of the span."""
    wanted = windows.of(line) if line.reversed_by is None else None
    return wanted is not None and wanted.window[0] <= span[1] and wanted.window[1] >= span[0]


def _hull(span: Span, other: Span | None) -> Span:
    return (min(span[0], other[0]), max(span[1], other[1])) if other else span


def _attested(db: Database, unit: str, span: Span) -> Attested:
    asked = (span[0] - MARGIN_MS, span[1] + MARGIN_MS, coverage.TELLING, coverage.UNREAD, heartbeats.PLAIN)
    stretch = periods.stretch(db, unit, *asked)
    forked_us = records.chain(db, unit).forked_us
    beside = [canonical.stored(line) for line in stretch.beside]
    return without_overlaps(attest(heartbeats.told_together(stretch.told, forked_us), forked_us, beside))


def _findings(db: Database, clinic: str, whole: Span) -> list[Finding]:
    rows = periods.findings_between(db, clinic, whole[0], whole[1] + 1)
    return [Finding(*(row[name] for name in ("code", "unit", "us", "at_ms", "zh", "en"))) for row in rows]

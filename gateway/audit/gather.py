"""Reads from the ledger what a reconciliation of some days rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlite_utils import Database

from gateway import canonical
from gateway.audit import coverage
from gateway.audit.coverage import Attested, attest
from gateway.audit.editions import Editions
from gateway.audit.facts import Finding
from gateway.audit.hours import Hours
from gateway.audit.overlaps import without_overlaps
from gateway.audit.posts import is_post
from gateway.audit.reconcile import PERFORMED_MS, Period, longest_window_days, reach, version
from gateway.audit.sources import Account, Both, covered
from gateway.audit.spans import Span, intersect
from gateway.ledger import accounts, attended, bills, periods, records, units
from gateway.ledger.attended import Entry
from gateway.ledger.bills import BillLine, Teller
from protocol.record import Record

TOLERANCE_S = 60  # how much shorter than its shortest duration a treatment may be
MARGIN_MS = 24 * 3600 * 1000  # records this far outside still tell what was watched inside


def gather(
    db: Database, hours: Hours, items: Editions, first: date, last: date, source: str, now_ms: int
) -> Period:
    """The period [`first`, `last`] as values. `source` says whose bills: the clinic's own or the platform's."""
    whole = hours.calendar_day(first)[0], hours.calendar_day(last)[1] - 1
    clinic = hours.config.clinic
    lines = _lines(db, hours, items, whole, Teller(clinic, source))
    known = {name: unit for name, unit in units.units(db).items() if unit.clinic == clinic}
    around = _hull(whole, reach(lines, items, hours))
    seen = {name: _attested(db, name, around) for name in known}
    posts = {name for name, device in units.devices(db).items() if is_post(device.load)}
    return Period(
        from_day=first,
        to_day=last,
        now_ms=now_ms,
        hours=hours,
        items=items,
        tolerance_s=TOLERANCE_S,
        lines=lines,
        devices=[
            device
            for device in units.devices(db).values()
            if device.clinic == clinic and device.device not in posts
        ],
        placements=[
            placed for placed in units.placements(db) if placed.unit in known and placed.device not in posts
        ],
        attested=seen,
        grades={name: unit.grade for name, unit in known.items()},
        findings=_findings(db, clinic, whole),
        entries=_entries(db, clinic, lines, whole),
        visits=attended.visits_of(db, clinic, _tags(seen)),
        both=_both(db, hours, whole),
    )


def _both(db: Database, hours: Hours, whole: Span) -> Both | None:
    """What both sources tell of the period; None where one of them tells nothing of the clinic at all."""
    clinic, platform = (_account(db, hours, whole, source) for source in bills.SOURCES)
    if not clinic.covered or not platform.covered:
        return None
    return Both(clinic, platform, accounts.settled_fen(db, hours.config.clinic))


def _account(db: Database, hours: Hours, whole: Span, source: str) -> Account:
    teller = Teller(hours.config.clinic, source)
    spans = intersect(covered(accounts.file_spans(db, teller), hours), [(whole[0], whole[1] + 1)])
    return Account(source, bills.lines_charged(db, teller, whole[0], whole[1] + 1) if spans else (), spans)


def _entries(db: Database, clinic: str, lines: list[BillLine], whole: Span) -> list[Entry]:
    """What people recorded of the lines' visits, and in the period."""
    of_lines = attended.of_visits(db, clinic, (line.visit for line in lines))
    in_period = attended.between(db, clinic, whole[0], whole[1] + 1)
    found = {each.entry: each for each in (*of_lines, *in_period)}
    return sorted(found.values(), key=lambda each: each.entry)


def _tags(seen: Mapping[str, Attested]) -> set[str]:
    return {tag for attested in seen.values() for session in attested.sessions for tag in session.tags}


def _lines(db: Database, hours: Hours, items: Editions, whole: Span, teller: Teller) -> list[BillLine]:
    """The lines charged in the period, and all others whose windows overlap theirs, directly or by chain."""
    charged = [
        line
        for line in bills.lines_charged(db, teller, whole[0], whole[1] + 1)
        if version(line, items, hours) is not None
    ]
    longest = timedelta(days=longest_window_days(items.all()))
    span = _hull(whole, reach(charged, items, hours))
    while True:
        earliest = hours.calendar_day(hours.day_of(span[0]) - longest)[0]
        others = [
            *bills.lines_charged(db, teller, earliest, span[1] + 1),
            *periods.lines_performed(db, teller, span[0] - PERFORMED_MS, span[1] + PERFORMED_MS + 1),
        ]
        beside = (each for each in others if _competes(each, items, hours, span))
        lines = {each.line: each for each in (*charged, *beside)}
        wider = _hull(span, reach(lines.values(), items, hours))
        if wider == span:
            return sorted(lines.values(), key=lambda each: (each.charged_ms, each.line))
        span = wider


def _competes(line: BillLine, items: Editions, hours: Hours, span: Span) -> bool:
    """Whether a line could use device time of the span."""
    window = reach([line], items, hours) if line.reversed_by is None else None
    return window is not None and window[0] <= span[1] and window[1] >= span[0]


def _hull(span: Span, other: Span | None) -> Span:
    return (min(span[0], other[0]), max(span[1], other[1])) if other else span


def _attested(db: Database, unit: str, span: Span) -> Attested:
    asked = (span[0] - MARGIN_MS, span[1] + MARGIN_MS, coverage.TELLING, coverage.UNREAD)
    stretch = periods.stretch(db, unit, *asked)
    chain, beside = _parsed(stretch.lines), _parsed(stretch.beside)
    return without_overlaps(attest(chain, records.chain(db, unit).forked_us, beside))


def _parsed(lines: list[str]) -> list[Record]:
    return [canonical.stored(line) for line in lines]


def _findings(db: Database, clinic: str, whole: Span) -> list[Finding]:
    rows = periods.findings_between(db, clinic, whole[0], whole[1] + 1)
    return [Finding(*(row[name] for name in ("code", "unit", "us", "at_ms", "zh", "en"))) for row in rows]

"""Sessions as the page shows them, read from the exact lines that units signed. Nothing is verified or judged here."""

from __future__ import annotations

from collections.abc import Mapping

from sqlite_utils import Database

from gateway import canonical
from gateway.ledger import days
from gateway.ledger.days import Row
from gateway.pages.view import Session, Span
from protocol import record
from protocol.record import Record

Relied = Mapping[str, tuple[str, bool]]
"""Record -> (grade, whether a treatment on it was found to be a long burn), where a verdict rests on it."""


def sessions_of(db: Database, clinic: str, whole: Span, relied_on: Relied) -> list[tuple[str, Session]]:
    """(unit, session) of each session that reaches into the day, by time."""
    found = []
    for row in days.session_records(db, clinic, *whole):
        said = canonical.stored(row["line"])
        shift_ms = _shift_ms(db, row, said)
        start_ms, end_ms = (each.at_ms + (shift_ms or 0) for each in said.readings)
        if start_ms <= end_ms and start_ms < whole[1] and end_ms >= whole[0]:
            name = f"{row['unit']}:{row['us']}"
            grade, long_burn = relied_on.get(name) or (_grade(row, shift_ms), False)
            found.append((row["unit"], _session(name, said, (start_ms, end_ms), grade, long_burn)))
    return sorted(found, key=lambda pair: (pair[1].start_ms, pair[1].end_ms, pair[1].record))


def _session(name: str, said: Record, span: Span, grade: str, long_burn: bool) -> Session:
    return Session(
        record=name,
        start_ms=span[0],
        end_ms=span[1],
        active_s=said.active_s,
        mean_mw=said.power_mw[1] if said.power_mw else 0,
        interruptions=said.interruptions,
        end_code=said.readings[-1].tx or record.ABORTED,
        grade=grade,
        long_burn=long_burn,
    )


def _shift_ms(db: Database, row: Row, said: Record) -> int | None:
    """How far the clock that it speaks in was off, as the CLOCKs after it say; None where nobody knows."""
    if all(each.flag == record.SYNCHRONISED for each in said.readings):
        return 0
    if said.readings[-1].tx == record.POWER_FAILED:  # it speaks in the clock of the boot that died
        return None
    steps = [
        canonical.stored(line).step_ms or 0
        for line in days.later_clocks(db, row["unit"], row["boot"], row["us"])
    ]
    return sum(steps) if steps else None


def _grade(row: Row, shift_ms: int | None) -> str:
    if not row["joined"] or shift_ms is None:
        return ""
    return "A" if row["approved"] else "B"

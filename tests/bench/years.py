"""Two years behind a clinic day: rows of records, bill lines and verdicts as they stand in a ledger, but for their seals, which
no page looks at. A real chain of so many would take an hour to sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlite_utils import Database

from gateway.ledger import bills, records, units, verdicts
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import transaction
from gateway.ledger.days import bill_lines
from gateway.ledger.records import Row
from protocol import record
from protocol.record import Record, parse
from tests.support.ledgers import CLINIC

DAY_MS, MINUTE_MS = 86_400_000, 60_000
_EVERY_MS, _SESSION_MS = 10 * MINUTE_MS, 30 * MINUTE_MS
_OPENS_MS, _CLOSES_MS = 8 * 3600 * 1000, 18 * 3600 * 1000


def add_days(db: Database, first: date, midnight_ms: int, days: int) -> int:
    """After the chains that are there, so many days from `midnight_ms` (the beginning of `first`) on: a heartbeat every ten
    minutes, a session every half an hour of ten; each day with the bill lines and verdicts of the newest run. How many records."""
    position = records.next_position(db)
    for unit in sorted(units.units(db)):
        rows = list(_rows(db, unit, position, midnight_ms, days))
        with transaction(db):
            records.insert_all(db, rows)
        position += len(rows)
    _bills(db, midnight_ms, days)
    _runs(db, first, days)
    return position


def _rows(db: Database, unit: str, position: int, midnight_ms: int, days: int) -> Iterator[Row]:
    told = {each.kind: each for each in map(_parsed, records.lines(db, unit))}
    templates = {kind: _Template(told[kind]) for kind in (record.ALIVE, record.OPEN, record.SESSION)}
    us = records.last_us(db, unit)
    for at_ms, kind in _says(midnight_ms, days):
        us += 1
        yield templates[kind].row(position, us, at_ms)
        position += 1


def _parsed(line: str) -> Record:
    return parse(line.split("|")[1])


def _says(midnight_ms: int, days: int) -> Iterator[tuple[int, str]]:
    for day in range(days):
        for in_day_ms in range(0, DAY_MS, _EVERY_MS):
            at_ms = midnight_ms + day * DAY_MS + in_day_ms
            yield at_ms, record.ALIVE
            if _OPENS_MS <= in_day_ms < _CLOSES_MS and in_day_ms % _SESSION_MS == 0:
                yield at_ms + 2 * MINUTE_MS, record.OPEN
            elif _OPENS_MS <= in_day_ms < _CLOSES_MS and in_day_ms % _SESSION_MS == 2 * _EVERY_MS:
                yield at_ms + 3 * MINUTE_MS, record.SESSION


class _Template:
    """Records like one that is there, later: other numbers and instants in the same text."""

    def __init__(self, like: Record) -> None:
        self._like = like
        text = f'OCMF|{like.payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{"30" * 70}"}}'.replace("%", "%%")
        text = text.replace(f'"US":{like.us},', '"US":%(us)d,').replace(f'"UM":{like.um_ms}', '"UM":%(um)d')
        for place, each in enumerate(like.readings):
            text = text.replace(record.instant(each.at_ms, each.flag), f"%(tm{place})s", 1)
        self._text = text

    def row(self, position: int, us: int, at_ms: int) -> Row:
        like, ago_ms = self._like, self._like.readings[-1].at_ms - self._like.readings[0].at_ms
        um_ms = like.um_ms + at_ms - like.at_ms
        instants = {"tm0": record.instant(at_ms - ago_ms, like.flag), "tm1": record.instant(at_ms, like.flag)}
        line = self._text % {"us": us, "um": um_ms, **instants}
        place = (CLINIC, like.unit, us, f"{us:064x}", like.up, like.kind, like.boot)
        return (position, *place, um_ms, at_ms, line, at_ms, "bench", 1, 0, like.flag)


def _bills(db: Database, midnight_ms: int, days: int) -> None:
    told = bill_lines(db, CLINIC, midnight_ms - DAY_MS, midnight_ms)
    for day in range(1, days + 1):
        entries = [_entry(each, day) for each in told]
        with transaction(db):
            bills.store(db, BillFile(f"day {day}", CLINIC, "clinic", "", "2204", 0, b""), entries, [])


def _entry(like: dict[str, Any], day: int) -> Entry:
    about = (f"{day}-{like['line']}", 0, 1, f"{day}-{like['visit']}", "", like["item"], "", like["name"], "1")
    charged_ms = like["charged_ms"] + day * DAY_MS
    rest = (charged_ms, None, like["room"], like["staff"], "", None)
    return Entry(*about, like["treatments"], like["amount_fen"], *rest)


def _runs(db: Database, first: date, days: int) -> None:
    """Runs like the newest one, a day later each."""
    run = 1
    kept = {
        table: [dict(row) for row in db.query(f"SELECT * FROM {table} WHERE run = ?", [run])]
        for table in ("verdicts", "coverage")
    }
    for number in range(days):
        day = first + timedelta(days=number)
        said = [{**row, "line": f"{number + 1}-{row['line']}"} for row in kept["verdicts"]]
        verdict_rows, coverage_rows = (_of(day, rows) for rows in (said, kept["coverage"]))
        verdicts.save(db, Teller(CLINIC, "clinic"), (day, day), 0, verdict_rows, coverage_rows, ())


def _of(day: date, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name != "run"} | {"day": day.isoformat()}
        for row in rows
    ]

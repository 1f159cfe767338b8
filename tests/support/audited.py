"""A clinic's days in a real ledger: lamps that burn, treatments that are charged, days that are reconciled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway import __main__ as program
from gateway import pipeline
from gateway.audit import catalogue, import_bills
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book
from gateway.ledger.bills import Teller
from tests.support.bills import as_json, detail, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in

MONDAY = date(2026, 3, 2)
MINUTE_MS, DAY_MS = 60_000, 86_400_000
EVENING_MS = START_MS + 13 * 3_600_000

Run = Callable[..., tuple[int, Any, str]]


def lamp_day(writer: Writer, *sessions: int, days: int = 0) -> Writer:
    """Twelve hours from eight o'clock, `days` after Monday: ten quiet minutes before each session, then heartbeats."""
    writer.at_ms = START_MS + days * DAY_MS
    ends_ms = writer.at_ms + 12 * 3_600_000
    writer.boot()
    for minutes in sessions:
        writer.alive()
        writer.open()
        begin_ms = writer.at_ms
        for _ in range((minutes - 1) // 10):
            writer.alive()
        until_ms, writer.at_ms = begin_ms + minutes * MINUTE_MS, begin_ms
        writer.session(minutes)
        assert writer.at_ms == until_ms
    while writer.at_ms < ends_ms:
        writer.alive()
    return writer


def charge(
    db: Database, book: Book, *messages: dict[str, Any], source: str = "clinic", now_ms: int = EVENING_MS
) -> None:
    """These 2204 messages into the ledger; bare lines are one upload."""
    told = [upload(*messages)] if "infno" not in messages[0] else list(messages)
    rules = Rules(catalogue.read(), book.config.zone, Patients(b"audited" * 8))
    teller = Teller(book.config.clinic, source)
    file = f"bills-{now_ms}.json"
    assert not import_bills.import_bills(db, rules, as_json(*told), file, teller, now_ms, form="2204").refused


def settle(
    db: Database, book: Book, first: date = MONDAY, last: date | None = None, now_ms: int = EVENING_MS
) -> Any:
    """What `reconcile --json` would print."""
    return pipeline.settle(db, book.config, first, last or first, "clinic", now_ms).said


def one_too_many(folder: Path) -> Book:
    """A clinic of one lamp that burned for three treatments on Monday; four were charged: one lead, of a set of four."""
    writer = lamp_day(Writer("U1"), 20, 45)
    book = in_folder(folder, writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, *(detail(str(number)) for number in range(1, 5)))
        settle(db, book)
    return book


def runner(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a ledger folder: (exit code, its JSON or text, what it said to people)."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["--dir", str(folder), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run

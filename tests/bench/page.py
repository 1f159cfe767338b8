"""The day page of a clinic of 40 units and 600 lines, from the real server, while two years of records, bills and verdicts lie
in the ledger with it."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import httpx

from gateway.bootstrap import Book
from gateway.instants import midnight_ms
from gateway.pages.guard import COOKIE
from tests.bench.figures import Figure, percentile, seconds
from tests.bench.years import add_days
from tests.pages.clinic_day import DAY, LARGE, SMALL, clinic_day
from tests.support.programs import ended, serve
from tests.support.signed_in import account

_CACHE_KIB = 400_000


def figures(scale: float) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clinic"
        book = clinic_day(folder, LARGE if scale >= 0.1 else SMALL)
        records = _two_years(book, round(730 * scale))
        times = _served(book)
    value = percentile(times, 0.5)
    units, lines = (40, 600) if scale >= 0.1 else (8, 79)
    return [
        Figure(
            "page", f"日页（{units} 台、{lines} 行、账本 {records} 条记录）", f"day page, {units} units, {lines} lines",
            value, "ms", target="median < 100 ms", met=value < 100,
            shown=f"{value:.0f} (p95 {percentile(times, 0.95):.0f})",
        )
    ]  # fmt: skip


def _two_years(book: Book, days: int) -> int:
    with book.ledger() as db:
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        first = DAY + timedelta(days=1)
        return add_days(db, first, midnight_ms(first, book.config.zone), days)


def _served(book: Book, times: int = 41) -> list[float]:
    """Milliseconds from asking for the page to having all of it, after one that nobody counts."""
    token = account(book.folder, "D01", "manager")
    program, address = serve(book.folder)
    with ended(program), httpx.Client(cookies={COOKIE: token}) as client:
        page = f"{address}/day/{DAY}"
        assert client.get(page).status_code == 200
        return [seconds(lambda: client.get(page).content) * 1000 for _ in range(times)]

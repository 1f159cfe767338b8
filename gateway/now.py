"""What all devices of the clinic do now: read from the ledger once for everybody who looks, and only when it changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from threading import Lock

from sqlite_utils import Database

from gateway import clock
from gateway.audit import catalogue, precheck
from gateway.audit.hours import Hours
from gateway.audit.live import Seen
from gateway.audit.precheck import Waits
from gateway.bootstrap import Book
from gateway.ledger import database

Linked = Callable[[], Mapping[str, bool] | None]

_WAITS_MS = (
    10_000  # on the machine's clock, before what waits is counted anew: it takes a reconciliation of the day
)
_MINUTE_MS = 60_000


class Now:
    """The clinic of `book` as it is. `linked` tells of units whether they have a connection."""

    def __init__(self, book: Book, linked: Linked = lambda: None):
        self._book = book
        self._hours = Hours(book.config)
        self._linked = linked
        self._lock = Lock()
        self._db: Database | None = None
        self._version = -1
        self._seen: Seen | None = None
        self._waits: Waits = {}
        self._waits_of: tuple[int, date] | None = None
        self._waits_ms = 0

    def look(self) -> Seen:
        """What is so now. SurroundingsError or sqlite3.Error where the ledger cannot be read."""
        with self._lock:
            try:
                return self._look(self._ledger())
            except sqlite3.Error:
                self._db = None
                raise

    def _ledger(self) -> Database:
        """One connection, kept: only then can it be told that another one changed something."""
        if self._db is None:
            self._db, self._version, self._waits_of = self._book.ledger(), -1, None
        return self._db

    def _look(self, db: Database) -> Seen:
        now_ms, linked = self._book.clock.now_ms(), self._linked()
        version = database.version(db)
        waits_changed = self._count_waits(db, version, now_ms)
        before = self._seen
        is_old = before is None or before.at_ms // _MINUTE_MS != now_ms // _MINUTE_MS
        if before is None or is_old or waits_changed or version != self._version:
            units = precheck.devices_now(db, self._book.config.clinic, self._waits, now_ms)
            before = Seen(now_ms, tuple(units), linked)
        self._version = version
        self._seen = replace(before, at_ms=now_ms, linked=linked)
        return self._seen

    def _count_waits(self, db: Database, version: int, now_ms: int) -> bool:
        """Whether it was counted anew."""
        wanted = (version, self._hours.day_of(now_ms))
        real_ms = clock.real_ms()
        if wanted == self._waits_of or (self._waits_of and abs(real_ms - self._waits_ms) < _WAITS_MS):
            return False
        self._waits = precheck.waits_now(db, self._hours, catalogue.in_force(db), now_ms)
        self._waits_of, self._waits_ms = wanted, real_ms
        return True

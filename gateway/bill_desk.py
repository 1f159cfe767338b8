"""What is done with bill files that are sent to the pages: shown, imported, reconciled; all of it noted in the trail."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from threading import Lock
from typing import Any

from sqlite_utils import Database

from gateway import pipeline
from gateway.audit import catalogue, figures, formats, import_bills
from gateway.audit.formats import mapped
from gateway.audit.import_bills import Imported, Rules
from gateway.audit.patients import open_patients
from gateway.audit.understood import Understood, understood
from gateway.audit.verdicts import CODES
from gateway.bootstrap import Book
from gateway.errors import UsageError
from gateway.ledger import trail
from gateway.ledger.bills import SOURCES, Teller
from gateway.ledger.database import transaction
from gateway.pages.bills import BillDesk
from gateway.pages.bills_spool import Sent

_FIRST = 12  # lines that are shown as they were understood


def bill_desk(book: Book) -> BillDesk:
    """The desk of a clinic's book. One file is worked on at a time: a large one needs much memory."""
    at_work = _AtWork(book)
    return BillDesk(mapped.EXAMPLE, at_work.read, at_work.store, at_work.reconcile, at_work.refused)


class _AtWork:
    def __init__(self, book: Book):
        self._book = book
        self._one = Lock()

    def read(self, sent: Sent, by: str) -> Understood:
        """What the file says; nothing of it is kept. UsageError where it cannot be read."""
        with self._one, self._book.ledger() as db:
            found = self._take(db, sent, by, accept_partial=True, rehearsed=True)
            said = understood(found, catalogue.in_force(db).items, _FIRST)
            body = {"lines": said.lines, "refused": len(said.refused), "source": sent.source}
            self._note(db, by, "bills.preview", f"bills:{sent.sha256}", body | _named(sent))
        return said

    def store(self, sent: Sent, accept_partial: bool, by: str) -> int:
        """Imports it, whole or, where that is accepted, what can be taken of it. How many refused rows kept it out."""
        with self._one, self._book.ledger() as db:
            found = self._take(db, sent, by, accept_partial=accept_partial)
            if found.file is not None:
                return 0
            why = {"why": f"{len(found.refused)} rows refused"}
            self._note(db, by, "bills.refused", f"bills:{sent.sha256}", why | _named(sent))
            return len(found.refused)

    def reconcile(self, first: date, last: date, source: str, by: str) -> dict[str, Any]:
        """Reconciles the days, month by month, and returns how often each verdict was found, and how many leads."""
        rules, counts, leads = figures.read(self._book.folder), Counter[str](), 0
        with self._one, self._book.ledger() as db:
            for start, end in _months(first, last):
                judged = pipeline.settle(
                    db, self._book.config, start, end, source, self._book.clock.now_ms(), rules
                )
                counts.update(judged.summary)
                leads += len(judged.found.leads)
            said = {"summary": {code: counts[code] for code in CODES}, "leads": leads, "source": source}
            self._note(db, by, "reconcile", f"days:{first}..{last}", said)
        return said

    def refused(self, subject: str, body: dict[str, Any], by: str) -> None:
        """Notes that something which was sent was not taken."""
        with self._book.ledger() as db:
            self._note(db, by, "bills.refused", subject, body)

    def _take(
        self, db: Database, sent: Sent, by: str, *, accept_partial: bool, rehearsed: bool = False
    ) -> Imported:
        if sent.form not in formats.FORMATS or sent.source not in SOURCES:
            raise UsageError(
                "请用本页的表单选择格式和来源", "choose format and source by the form of this page"
            )
        book, items = self._book, catalogue.in_force(db)
        mapping = (
            mapped.mapping(sent.mapping, "mapping.toml", frozenset(items.items)) if sent.mapping else None
        )
        rules = Rules(items, book.config.zone, open_patients(book.folder), mapping)
        teller, now_ms = Teller(book.config.clinic, sent.source), book.clock.now_ms()
        return import_bills.import_bills(
            db,
            rules,
            sent.body,
            sent.name,
            teller,
            now_ms,
            form=sent.form,
            accept_partial=accept_partial,
            by=by,
            rehearsed=rehearsed,
        )

    def _note(self, db: Database, by: str, act: str, subject: str, body: dict[str, Any]) -> None:
        with transaction(db):
            trail.note(db, self._book.clock.now_ms(), by, act, subject, body)


def _named(sent: Sent) -> dict[str, Any]:
    return {"name": sent.name, "bytes": len(sent.body)}


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """The days in pieces that end with their months: what a reconciliation looks at grows with its days."""
    pieces = []
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        pieces.append((first, min(last, following - timedelta(days=1))))
        first = following
    return pieces

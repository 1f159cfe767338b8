"""Bill files in the browser: sent, shown as they were understood, imported when a person says so, reconciled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlite_utils import Database

from gateway.audit.understood import Understood
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import GatewayError, UsageError
from gateway.instants import read_day
from gateway.ledger.bills import SOURCES
from gateway.pages import bills_upload
from gateway.pages.bills_spool import KEPT_MS, Sent, Spool
from gateway.pages.bills_upload import MOST_MB, TooLarge
from gateway.pages.bills_view import FORMATS, Receipt, files, preview, receipt
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Text = Annotated[str, Form()]

MOST_DAYS = 400
_LISTED = 60


@dataclass(frozen=True, slots=True)
class BillDesk:
    """What is done with files; each is told by whom. `read` shows, `store` imports (whether in part)
    and gives how many refused rows kept the file out (0: it is imported), `reconcile` takes the
    first and the last day and whose bills, `refused` notes a subject and what was said of it. `example` is a mapping file."""

    example: str
    read: Callable[[Sent, str], Understood]
    store: Callable[[Sent, bool, str], int]
    reconcile: Callable[[date, date, str, str], Mapping[str, Any]]
    refused: Callable[[str, dict[str, Any], str], None]


@dataclass(frozen=True, slots=True)
class _Office:
    """Where the forms are answered."""

    open_ledger: OpenLedger
    config: Config
    clock: Clock
    desk: BillDesk
    spool: Spool

    def form(self, request: Request, refused: str = "", status: int = 200) -> Response:
        """The first page: the form, what became of the file just imported, and the files that are in the ledger."""
        lang, done = language(request), request.query_params.get("done", "")[:64]
        with closing(self.open_ledger()) as db:
            listed = files(db, self.config, lang, _LISTED)
            found: Receipt | None = receipt(db, self.config, lang, done) if done else None
        values = {
            "files": listed,
            "receipt": found,
            "most_mb": MOST_MB,
            "formats": FORMATS,
            "sources": SOURCES,
        }
        return _page("bills.html", request, "bills.title", status, refused=refused, **values)

    def refuse(self, request: Request, error: GatewayError, body: dict[str, Any], subject: str) -> Response:
        """The form again, with what was wrong, which is in the trail then."""
        self.desk.refused(subject, body | {"why": error.en[:500]}, person_of(request).name)
        said = error.en if language(request) == "en" else error.zh
        return self.form(request, said, 413 if isinstance(error, TooLarge) else 409)


def routes(open_ledger: OpenLedger, config: Config, clock: Clock, desk: BillDesk) -> APIRouter:
    """`/bills`, and what its forms lead to."""
    router, office = APIRouter(), _Office(open_ledger, config, clock, desk, Spool())

    @router.get("/bills")
    def form(request: Request) -> Response:
        return office.form(request)

    @router.post("/bills")
    async def send(request: Request) -> Response:
        try:
            sent = await bills_upload.sent(request)
        except UsageError as error:
            body = {"bytes": request.headers.get("content-length", "?")[:20]}
            return await run_in_threadpool(office.refuse, request, error, body, "bills:")
        return await run_in_threadpool(_preview, office, request, sent)

    @router.get("/bills/mapping.toml")
    def example() -> Response:
        headers = {"Content-Disposition": 'attachment; filename="mapping.toml"'}
        return Response(desk.example, media_type="application/toml", headers=headers)

    @router.post("/bills/import")
    def take(request: Request, key: Text = "", sha256: Text = "", partial: Text = "") -> Response:
        return _import(office, request, key, sha256, partial == "yes")

    @router.post("/bills/reconcile")
    def reconcile(
        request: Request, first: Text = "", last: Text = "", source: Text = "", done: Text = ""
    ) -> Response:
        try:
            desk.reconcile(*_days(first, last), _source(source), person_of(request).name)
        except UsageError as error:
            return office.refuse(request, error, {}, "reconcile:")
        return _to_receipt(request, done)

    return router


def _preview(office: _Office, request: Request, sent: Sent) -> Response:
    who, lang = person_of(request).name, language(request)
    try:
        found = office.desk.read(sent, who)
    except UsageError as error:
        about = {"name": sent.name, "bytes": len(sent.body)}
        return office.refuse(request, error, about, f"bills:{sent.sha256}")
    key = office.spool.put(who, sent, office.clock.now_ms())
    shown = preview(found, sent, office.config, lang)
    values = {"shown": shown, "key": key, "kept": KEPT_MS // 60_000}
    return _page("bills_preview.html", request, "bills.preview_title", 200, **values)


def _import(office: _Office, request: Request, key: str, sha256: str, partial: bool) -> Response:
    """Exactly the bytes that were shown; a second tap finds them imported."""
    who, say, lang = person_of(request).name, speak(language(request)), language(request)
    sent = office.spool.get(who, key[:64], office.clock.now_ms())
    if sent is None:
        with closing(office.open_ledger()) as db:
            is_known = receipt(db, office.config, lang, sha256[:64]) is not None
        if is_known:
            return _to_receipt(request, sha256)
        return office.form(request, say("bills.gone", minutes=KEPT_MS // 60_000), 409)
    try:
        refused = office.desk.store(sent, partial, who)
    except UsageError as error:
        return office.refuse(request, error, {"name": sent.name}, f"bills:{sent.sha256}")
    if refused:
        return office.form(request, say("bills.not_stored", count=refused), 409)
    office.spool.drop(who)
    return _to_receipt(request, sent.sha256)


def _to_receipt(request: Request, sha256: str) -> Response:
    return RedirectResponse("/bills" + query(language(request), done=sha256[:64]), 303)


def _days(first: str, last: str) -> tuple[date, date]:
    start, end = read_day(first), read_day(last)
    if not 0 <= (end - start).days < MOST_DAYS:
        raise UsageError(
            f"请核对 {MOST_DAYS} 天以内的一段时间", f"reconcile at most {MOST_DAYS} days, the first one first"
        )
    return start, end


def _source(told: str) -> str:
    if told not in SOURCES:
        raise UsageError("请用本页的表单选择来源", "choose the source by the form of this page")
    return told


def _page(template: str, request: Request, title: str, status: int, **values: object) -> Response:
    lang = language(request)
    other = query("zh" if lang == "en" else "en")
    return rendered(template, lang, status, title=speak(lang)(title), here=query(lang), other=other, **values)

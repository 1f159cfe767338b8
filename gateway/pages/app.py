"""The pages as a web application, with nothing from elsewhere."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlite_utils import Database

from gateway.access.places import DISPLAY, NURSE
from gateway.clock import Clock
from gateway.config import DISTRICT, Config
from gateway.errors import GatewayError
from gateway.ledger import database
from gateway.pages import day, day_page, district_page, lead_page, month_page, sign_in, timeline
from gateway.pages.rendered import HEADERS, language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Overview = Callable[[Database, tzinfo], Mapping[str, Any]]

_FIRST = {DISPLAY: "/board", NURSE: "/nurse"}
"""Where somebody begins; all others at the newest day."""

_log = logging.getLogger(__name__)


def create_app(
    open_ledger: OpenLedger, config: Config, clock: Clock, overview: Overview | None = None
) -> FastAPI:
    """The pages of a clinic, or of a district where the configuration says so.

    `open_ledger()` gives a new connection, which is closed after each request. A district's `overview` is asked for
    what it holds of each clinic.
    """
    app = FastAPI(title="WattWitness", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.include_router(_common(open_ledger))
    app.include_router(sign_in.routes(open_ledger, config, clock))
    app.include_router(month_page.routes(open_ledger, config, clock))
    app.include_router(lead_page.routes(open_ledger, config, clock))
    if config.role == DISTRICT:
        app.include_router(_district(open_ledger, config, overview))
    else:
        app.include_router(_clinic(open_ledger, config, clock))
    _errors(app)
    app.middleware("http")(_with_headers)
    return app


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():  # but where an address says otherwise of itself
        response.headers.setdefault(name, value)
    return response


def _common(open_ledger: OpenLedger) -> APIRouter:
    routes = APIRouter()

    @routes.get("/healthz")
    def healthz() -> Response:
        with closing(open_ledger()) as ledger:
            database.version(ledger)
        return JSONResponse({"ledger": "ok"})

    return routes


def _clinic(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    def home(request: Request) -> Response:
        role = person_of(request).role
        if role in _FIRST:
            return RedirectResponse(_FIRST[role] + query(language(request)), 302)
        with closing(open_ledger()) as ledger:
            shown = day.day_to_show(ledger, config, clock.now_ms())
        return RedirectResponse(f"/day/{shown}{query(language(request))}", 302)

    @routes.get("/day/{text}.svg")
    def picture(request: Request, text: str) -> Response:
        with closing(open_ledger()) as ledger:
            view = day.day_view(ledger, config, _date(request, text))
        return Response(_bytes(timeline.svg(view, language(request))), media_type="image/svg+xml")

    @routes.get("/day/{text}")
    def page(request: Request, text: str) -> Response:
        with closing(open_ledger()) as ledger:
            view, lang = day.day_view(ledger, config, _date(request, text)), language(request)
            closed = month_page.closed(ledger, config, view.day, lang)
        texts = day_page.texts(view, lang, config.timezone)
        return rendered("day.html", lang, query=query(lang), closed=closed, **texts)

    return routes


def _district(open_ledger: OpenLedger, config: Config, overview: Overview | None) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    def home(request: Request) -> Response:
        with closing(open_ledger()) as ledger:
            found = overview(ledger, config.zone) if overview else {"clinics": []}
        lang = language(request)
        return rendered("district.html", lang, **district_page.texts(config.name, lang, found))

    return routes


def _bytes(text: str) -> bytes:
    """Lone surrogates, which JSON can write and UTF-8 cannot, become question marks."""
    return text.encode("utf-8", "replace")


def _date(request: Request, text: str) -> date:
    """The date that `text` writes as YYYY-MM-DD; HTTP 404 for any other, and for years that no clinic bills in."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text or not 1971 <= found.year <= 2999:
        raise HTTPException(404, speak(language(request))("bad_date", text=text[:40]))
    return found


# --- what goes wrong -----------------------------------------------------------------------------------------------


def _errors(app: FastAPI) -> None:
    @app.exception_handler(403)
    @app.exception_handler(404)
    @app.exception_handler(405)
    def not_found(request: Request, error: HTTPException) -> Response:
        lang = language(request)
        say = speak(lang)
        spoken = isinstance(error, HTTPException) and error.detail != "Not Found"
        message = error.detail if spoken else say("not_found")
        title = say("nurse.refused" if error.status_code == 403 else "not_found_title")
        return rendered("error.html", lang, error.status_code, title=title, message=message)

    @app.exception_handler(GatewayError)
    @app.exception_handler(sqlite3.Error)
    def failed(request: Request, error: Exception) -> Response:
        _log.error("reading the ledger failed", exc_info=error)
        lang = language(request)
        say = speak(lang)
        return rendered("error.html", lang, 503, title=say("failed_title"), message=say("failed"))

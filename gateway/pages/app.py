"""The pages as a web application, with nothing from elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlite_utils import Database

from gateway.access.places import DISPLAY, INSPECTOR, NURSE
from gateway.clock import Clock
from gateway.config import DISTRICT, Config
from gateway.errors import GatewayError
from gateway.ledger import database
from gateway.pages import (
    day_page,
    district_page,
    draw_page,
    inspect_page,
    lead_page,
    line_page,
    month_page,
    people_page,
    record_page,
    sign_in,
    spot_page,
    trail_page,
)
from gateway.pages.headers import WithHeaders
from gateway.pages.period_asked import Misasked
from gateway.pages.refusals import refusal, unreadable
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Overview = Callable[[Database, tzinfo], Mapping[str, Any]]

_FIRST = {DISPLAY: "/board", NURSE: "/nurse", INSPECTOR: "/inspect"}
"""Where somebody begins at a clinic; all others at the newest day."""


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
    app.include_router(day_page.routes(open_ledger, config, clock))
    app.include_router(line_page.routes(open_ledger, config))
    app.include_router(record_page.routes(open_ledger, config))
    app.include_router(people_page.routes(open_ledger, config, clock))
    app.include_router(month_page.routes(open_ledger, config, clock))
    app.include_router(lead_page.routes(open_ledger, config, clock))
    for family in (inspect_page, trail_page, draw_page, spot_page):
        app.include_router(family.routes(open_ledger, config, clock))
    if config.role == DISTRICT:
        app.include_router(_district(open_ledger, config, overview))
    else:
        app.include_router(_clinic())
    _errors(app)
    app.add_middleware(WithHeaders)
    return app


def _common(open_ledger: OpenLedger) -> APIRouter:
    routes = APIRouter()

    @routes.get("/healthz")
    def healthz() -> Response:
        with closing(open_ledger()) as ledger:
            database.version(ledger)
        return JSONResponse({"ledger": "ok"})

    return routes


def _clinic() -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    def home(request: Request) -> Response:
        first = _FIRST.get(person_of(request).role, "/day")
        return RedirectResponse(first + query(language(request)), 302)

    return routes


def _district(open_ledger: OpenLedger, config: Config, overview: Overview | None) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    def home(request: Request) -> Response:
        with closing(open_ledger()) as ledger:
            found = overview(ledger, config.zone) if overview else {"clinics": []}
        lang = language(request)
        return rendered("district.html", lang, **district_page.texts(config, lang, found))

    return routes


# --- what goes wrong -----------------------------------------------------------------------------------------------


def _errors(app: FastAPI) -> None:
    @app.exception_handler(403)
    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(413)
    def not_found(request: Request, error: HTTPException) -> Response:
        lang = language(request)
        spoken = isinstance(error, HTTPException) and error.detail != "Not Found"
        return refusal(lang, error.status_code, error.detail if spoken else speak(lang)("not_found"))

    @app.exception_handler(Misasked)
    def misasked(request: Request, error: Misasked) -> Response:
        lang = language(request)
        return refusal(lang, 400, error.en if lang == "en" else error.zh)

    @app.exception_handler(GatewayError)
    @app.exception_handler(sqlite3.Error)
    def failed(request: Request, error: Exception) -> Response:
        return unreadable(request, error)

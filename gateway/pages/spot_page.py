"""The spot-check sheet as a page to print: what the ledger says of each device now, and blanks for what eyes see."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from fastapi import APIRouter, Request, Response
from sqlite_utils import Database

from gateway.audit.hours import Hours
from gateway.audit.spot_check import SpotCheck
from gateway.clock import Clock
from gateway.config import Config
from gateway.instants import iso
from gateway.kit import sheet, spot
from gateway.pages.rendered import language, query, rendered
from gateway.pages.whose import named, whose
from gateway.pages.words import speak
from gateway.report import sheets

OpenLedger = Callable[[], Database]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/spot-check` and `/spot-check.pdf`."""
    router = APIRouter()

    def check(request: Request) -> tuple[SpotCheck, Config]:
        of = whose(config, request)
        with closing(open_ledger()) as db:
            return spot.gather(db, of.clinic, clock.now_ms()), of

    @router.get("/spot-check")
    def page(request: Request) -> Response:
        (found, of), lang = check(request), language(request)
        clinic = named(config, of.clinic)
        return rendered(
            "spot_check.html",
            lang,
            title=speak(lang)("spot.title"),
            name=f"{of.name} {of.clinic}",
            at=iso(found.at_ms, of.zone).replace("T", " "),
            tables=sheet.tables(found, Hours(of)),
            shown=sheets.shown,
            is_text=lambda cell: isinstance(cell, sheets.Both),
            here=query(lang, clinic=clinic),
            other=query("zh" if lang == "en" else "en", clinic=clinic),
        )

    @router.get("/spot-check.pdf")
    def paper(request: Request) -> Response:
        found, of = check(request)
        said = {"Content-Disposition": f'attachment; filename="{of.clinic}-spot-check.pdf"'}
        return Response(sheet.write(found, of), media_type="application/pdf", headers=said)

    return router

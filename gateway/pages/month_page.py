"""The month as the person in charge sees it: coverage beside every figure, days that were closed and that changed since,
open leads, and what came back after it was put right. The same tables as on the sheets for the archive."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlite_utils import Database

from gateway.audit.month import DayState, Figures, figures, month_days, states
from gateway.clock import Clock
from gateway.config import Config
from gateway.instants import local_day
from gateway.ledger import bills
from gateway.ledger.bills import Teller
from gateway.pages.rendered import language, query, rendered
from gateway.pages.whose import whose
from gateway.pages.words import Say, speak
from gateway.report import sheets
from gateway.report.written import KINDS, written

OpenLedger = Callable[[], Database]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/month?of=YYYY-MM`, and the same as files."""
    router = APIRouter()

    def of(request: Request) -> Figures:
        clinic = whose(config, request)
        asked = request.query_params.get("of") or f"{local_day(clock.now_ms(), clinic.zone):%Y-%m}"
        span = month_days(asked)
        if span is None:
            raise HTTPException(404, speak(language(request))("bad_month", text=asked[:40]))
        with closing(open_ledger()) as db:
            source = request.query_params.get("source") or bills.usual_source(db, clinic.clinic)
            known = source if source in bills.SOURCES else "clinic"
            return figures(db, clinic, known, *span, clock.now_ms())

    @router.get("/month")
    def page(request: Request) -> Response:
        found, lang = of(request), language(request)
        texts = _texts(found, lang, request.query_params.get("clinic"))
        return rendered("month.html", lang, **texts)

    @router.get("/month.{kind}")
    def file(request: Request, kind: str) -> Response:
        if kind not in KINDS:
            raise HTTPException(404)
        found = of(request)
        name = f"{found.clinic}-{found.first:%Y-%m}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(written(found, kind), media_type=KINDS[kind], headers=headers)

    return router


def closed(db: Database, config: Config, day: date, lang: str) -> str:
    """Whether a day is closed, by whom and what has come since, for the day's own page; nothing where it is not."""
    source = bills.usual_source(db, config.clinic)
    (state,) = states(db, config, Teller(config.clinic, source), day, day)
    if state.closing is None:
        return ""
    say, since = speak(lang), _since(state, speak(lang))
    told = say(
        "day_closed", number=state.closing.number, by=state.closing.by, sha256=state.closing.sha256[:16]
    )
    return told + (say("day_since", since=since) if since else "")


def _texts(found: Figures, lang: str, clinic: str | None) -> dict[str, Any]:
    say = speak(lang)
    month = found.first
    before, after = month - timedelta(days=1), found.last + timedelta(days=1)
    return {
        "title": say(
            "month_title", clinic=found.name, year=month.year, month=say("months").split()[month.month - 1]
        ),
        "of": f"{month:%Y-%m}",
        "clinic": clinic,
        "query": query(lang, clinic=clinic),
        "before": query(lang, of=f"{before:%Y-%m}", clinic=clinic),
        "after": query(lang, of=f"{after:%Y-%m}", clinic=clinic),
        "other": query("zh" if lang == "en" else "en", of=f"{month:%Y-%m}", clinic=clinic),
        "files": [(kind, query(lang, of=f"{month:%Y-%m}", clinic=clinic)) for kind in KINDS],
        "highlights": [
            (name.in_(lang), value, why.in_(lang)) for name, value, why in sheets.highlights(found)
        ],
        "tables": sheets.tables(found),
        "shown": sheets.shown,
        "rules": [(name.in_(lang), value) for name, value in sheets.about(found)][-1]
        if found.own_rules
        else None,
        "empty": not any(each.run for each in found.days),
        "reopened": [(each.day, _since(each, say)) for each in found.days if each.state == "reopened"],
        "is_text": lambda cell: isinstance(cell, sheets.Both),
        "is_day": _is_day,
    }


def _since(state: DayState, say: Say) -> str:
    """What has come since a day was closed."""
    told = []
    if state.since is not None:
        counts = {
            "records": state.since.records,
            "lines": state.since.lines,
            "amendments": state.since.amendments,
        }
        told = [say(f"since.{name}", n=count) for name, count in counts.items() if count]
    return say("and").join([*told, *([say("since.differs")] if state.differs else [])])


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False

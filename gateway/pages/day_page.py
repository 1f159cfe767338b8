"""The day: its figures, its picture, and every bill line with what may be said of it. Of a line that is one of a set, only
that is said."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlite_utils import Database

from gateway.clock import Clock
from gateway.config import Config
from gateway.pages import day, month_page, timeline
from gateway.pages.addresses import Addresses
from gateway.pages.narrow import Asked, asked, choices, narrow
from gateway.pages.phrases import Phrases
from gateway.pages.rendered import language, query, rendered
from gateway.pages.view import PENDING, DayView, DoubtSet, Line, Session, Span
from gateway.pages.whose import named, whose
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]

MOST_SESSIONS = 2_000
"""More sessions than that are no day of a clinic, and not listed one by one."""


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/day/YYYY-MM-DD`, and its picture alone; `/day` leads to the newest."""
    router = APIRouter()

    @router.get("/day")
    def newest(request: Request) -> Response:
        clinic = whose(config, request)
        with closing(open_ledger()) as ledger:
            shown = day.day_to_show(ledger, clinic, clock.now_ms())
        to = Addresses(language(request), named(config, clinic.clinic))
        return RedirectResponse(to.day(shown), 302)

    @router.get("/day/{text}.svg")
    def picture(request: Request, text: str) -> Response:
        with closing(open_ledger()) as ledger:
            view = day.day_view(ledger, whose(config, request), _date(request, text))
        shown = narrow(view, asked(request.query_params))
        svg = timeline.svg(shown, language(request))
        return Response(svg.encode("utf-8", "replace"), media_type="image/svg+xml")

    @router.get("/day/{text}")
    def page(request: Request, text: str) -> Response:
        clinic, lang = whose(config, request), language(request)
        with closing(open_ledger()) as ledger:
            view = day.day_view(ledger, clinic, _date(request, text))
            closed = month_page.closed(ledger, clinic, view.day, lang)
        to = Addresses(lang, named(config, clinic.clinic))
        told = texts(view, to, clinic.timezone, asked(request.query_params))
        return rendered("day.html", lang, closed=closed, **told)

    return router


def _date(request: Request, text: str) -> date:
    """The date that `text` writes as YYYY-MM-DD; HTTP 404 for any other, and for years that no clinic bills in."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text or not 1971 <= found.year <= 2999:
        raise HTTPException(404, speak(language(request))("bad_date", text=text[:40]))
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One bill line, in words; `sets` are (number, how many lines) of those it belongs to, `records` the names of records
    with the addresses of their pages."""

    line: Line
    address: str
    sets: list[tuple[int, int]]
    charged: str
    verdict: str
    seconds: str
    records: list[tuple[str, str]]
    amount: str


def texts(view: DayView, to: Addresses, zone: str, asked: Asked) -> dict[str, Any]:
    """The template's values."""
    shown, lang = narrow(view, asked), to.lang
    phrases = Phrases(view, lang)
    told = asked.told()
    return {
        "title": phrases.say("day_title", clinic=view.clinic, date=phrases.date(view.day)),
        "before": view.day - timedelta(days=1),
        "after": view.day + timedelta(days=1),
        "view": view,
        "shown": shown,
        "phrases": phrases,
        "zone": zone,
        "to": to,
        "asked": asked,
        "told": told,
        "other": to.other(**told),
        "month": query(lang, clinic=to.clinic, of=f"{view.day:%Y-%m}"),
        "choices": choices(view, asked),
        "unseen": _unseen(phrases, shown),
        "gap": phrases.say("gap"),
        "coverage": _coverage(phrases),
        "counted": _counted(phrases),
        "described": timeline.described(shown, lang)[1],
        "strips": [(Markup(picture), Markup(rail)) for picture, rail in timeline.strips(shown, lang)],
        "rows": [_row(phrases, to, line) for line in shown.lines],
        "sessions": _sessions(shown),
        "spans": lambda spans: _spans(phrases, spans),
        "short": lambda each: _short(phrases, each),
        "rule": phrases.rule,
    }


def _unseen(phrases: Phrases, shown: DayView) -> str:
    """How much of the day a filter hides, with what nobody watched of it; nothing where it hides nothing."""
    view, say = phrases.view, phrases.say
    if len(shown.lines) == len(view.lines) and len(shown.devices) == len(view.devices):
        return ""
    told = say(
        "filter.shown",
        lines=len(shown.lines),
        all_lines=len(view.lines),
        devices=len(shown.devices),
        all_devices=len(view.devices),
    )
    names = {each.device for each in shown.devices}
    hidden = [each for each in view.devices if each.device not in names and each.dark]
    dark_s = sum(end - start for each in hidden for start, end in each.dark) // 1000
    if hidden:
        told += say("gap") + say("filter.dark", devices=len(hidden), duration=phrases.duration(dark_s))
    return told + say("gap") + say("filter.whole")


def _coverage(phrases: Phrases) -> str:
    view, say = phrases.view, phrases.say
    if view.watched is None:
        return say("closed") if view.made_ms is not None or view.opening is None else say("coverage_unknown")
    opens, closes = view.opening or view.whole
    watched, due = view.watched
    return say(
        "coverage_words",
        opens=phrases.clock(opens),
        closes=phrases.clock(closes),
        devices=len(view.devices),
        open=phrases.duration(due),
        watched=phrases.duration(watched),
    )


def _counted(phrases: Phrases) -> str:
    view, say = phrases.view, phrases.say
    said = [
        say(
            "summary_count",
            lines=len(view.lines),
            treatments=sum(len(each.treatments) for each in view.lines),
        )
    ]
    waiting = sum(line.treatments[0].code == PENDING for line in view.lines)
    if waiting and view.made_ms is not None:
        said.append(say("summary_pending", n=waiting))
    if view.outside:
        said.append(say("summary_outside", n=view.outside))
    return say("clause").join(said) + say("stop")


def _row(phrases: Phrases, to: Addresses, line: Line) -> Row:
    """A member of a set shows neither seconds nor records: they would single it out."""
    names = () if line.sets else dict.fromkeys(name for each in line.treatments for name in each.records)
    return Row(
        line,
        to.line(line.source, line.line),
        [(number, phrases.set_sizes[number]) for number in line.sets],
        phrases.clock(line.charged_ms),
        phrases.line_verdict(line),
        "" if line.sets else _seconds(phrases, line),
        [(name, to.record(name)) for name in names],
        phrases.yuan(line.amount_fen),
    )


def _seconds(phrases: Phrases, line: Line) -> str:
    there = [phrases.duration(each.active_s) for each in line.treatments if each.active_s is not None]
    required = next((each.required_s for each in line.treatments if each.required_s), None)
    if not there or required is None:
        return ""
    return f"{phrases.say('and').join(there)} / {phrases.duration(required)}"


def _short(phrases: Phrases, each: DoubtSet) -> str:
    seconds = phrases.say("and").join(phrases.duration(seconds) for seconds in each.short_s)
    return phrases.say("set_seconds", seconds=seconds)


def _spans(phrases: Phrases, spans: tuple[Span, ...]) -> str:
    return phrases.say("and").join(phrases.span(span) for span in spans)


def _sessions(view: DayView) -> list[Session]:
    found = [each for device in view.devices for each in device.sessions]
    return found if len(found) <= MOST_SESSIONS else []

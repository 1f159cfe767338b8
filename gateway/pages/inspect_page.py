"""Where an inspector begins: what was watched and what was not, before anything else; then the doors to all the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlite_utils import Database

from gateway.audit.month import Figures, figures
from gateway.audit.sums import Watched
from gateway.audit.watched import by_device
from gateway.clock import Clock
from gateway.config import Config
from gateway.instants import iso, local_day
from gateway.ledger import bills, closings, outbox, records, trail, units
from gateway.pages.period_asked import period_asked
from gateway.pages.phrases import Wording
from gateway.pages.rendered import language, query, rendered
from gateway.pages.whose import named, whose
from gateway.pages.words import knows, speak
from gateway.report import sheets

OpenLedger = Callable[[], Database]
_SHOWN = 200  # findings


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/inspect?from=&to=`; at a district with `clinic=`."""
    router = APIRouter()

    @router.get("/inspect")
    def page(request: Request) -> Response:
        of, lang = whose(config, request), language(request)
        first, last = period_asked(request.query_params, local_day(clock.now_ms(), of.zone))
        with closing(open_ledger()) as db:
            found = figures(db, of, bills.usual_source(db, of.clinic), first, last, clock.now_ms())
            values: dict[str, Any] = {
                **_coverage(db, found),
                **_unknown(db, of, lang),
                **_asked(config, of, found, lang),
            }
        title = speak(lang)("inspect.title", clinic=of.name)
        at = iso(clock.now_ms(), of.zone).replace("T", " ")
        return rendered("inspect.html", lang, title=title, found=found, at=at, **values)

    return router


def _coverage(db: Database, found: Figures) -> dict[str, object]:
    days = [
        Watched(**row)
        for state in found.days
        if state.run
        for row in closings.coverage(db, state.run, str(state.day))
    ]
    counted = Counter(state.state for state in found.days)
    return {
        "devices": by_device(days),
        "share": sheets.share,
        "highlights": sheets.highlights(found),
        "states": counted,
    }


def _unknown(db: Database, of: Config, lang: str) -> dict[str, object]:
    """What the records themselves leave open, and what the district does not hold yet."""
    ours = {name for name, unit in units.units(db).items() if unit.clinic == of.clinic}
    findings = [row for row in records.findings(db) if row["unit"] in ours]
    refused = [row for row in records.quarantine_counts(db) if row["unit"] is None or row["unit"] in ours]
    forward = outbox.forwarded(db, of.forward.url) if of.forward else None
    heard = {unit: ms for unit, ms in records.heard(db).items() if unit in ours}
    say = speak(lang)
    return {
        "findings": findings[:_SHOWN],
        "findings_count": len(findings),
        "code": lambda code: say(f"inspect.finding.{code}") if knows(f"inspect.finding.{code}") else code,
        "refused": refused,
        "waiting": outbox.waiting(db, forward.position) if forward else None,
        "heard": [(unit, iso(heard[unit], of.zone) if unit in heard else None) for unit in sorted(ours)],
        "trail_head": trail.head(db),
    }


def _asked(config: Config, of: Config, found: Figures, lang: str) -> dict[str, object]:
    clinic = named(config, of.clinic)
    span = {"from": found.first.isoformat(), "to": found.last.isoformat()}
    return {
        "clinic": clinic,
        "here": query(lang, clinic=clinic),
        "span": query(lang, clinic=clinic, **span),
        "month": query(lang, clinic=clinic, of=f"{found.last:%Y-%m}"),
        "other": query("zh" if lang == "en" else "en", clinic=clinic, **span),
        "words": Wording(lang, of.zone),
        "open_leads": _leads(found, Wording(lang, of.zone)),
    }


def _leads(found: Figures, words: Wording) -> list[tuple[str, str, str, str, str]]:
    """(id, rule, day, state, amount) of every lead of the period, the newest day first."""
    told = [
        (lead.lead, words.rule(lead.rule), lead.day, words.say(f"state.{now.state}"), words.yuan(lead.amount_fen))
        for lead, now in found.leads
    ]  # fmt: skip
    return sorted(told, key=lambda row: (row[2], row[0]), reverse=True)

"""One bill line and its evidence: what was charged, what was said of each treatment and why, the records that it rests on. A line
of a larger set is never spoken of alone: only the set is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request, Response
from sqlite_utils import Database

from gateway import canonical
from gateway.audit import catalogue
from gateway.audit.catalogue import Item
from gateway.config import Config
from gateway.instants import local_day
from gateway.ledger import attended, bills, evidence_of
from gateway.ledger.attended import Entry
from gateway.ledger.bills import Teller
from gateway.ledger.evidence_of import Row
from gateway.pages import day
from gateway.pages.addresses import ATTENDED, Addresses
from gateway.pages.line_words import Evidence, LineWords, Rested
from gateway.pages.record_page import grade, sealed
from gateway.pages.rendered import language, rendered
from gateway.pages.resting import Doubt, doubts
from gateway.pages.view import DayView
from gateway.pages.whose import named, whose
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]


@dataclass(frozen=True, slots=True)
class Found:
    """All that a line's page shows. `sets` are those that hold the line: where there are any, `evidence` is empty."""

    line: Row
    item: Item | None
    view: DayView
    made_ms: int | None
    evidence: list[Evidence]
    sets: list[Doubt]
    leads: list[Row]
    entries: list[Entry]


def routes(open_ledger: OpenLedger, config: Config) -> APIRouter:
    """`/line/LINE?source=clinic`; a line's name may hold slashes."""
    router = APIRouter()

    @router.get("/line/{line:path}")
    def page(request: Request, line: str) -> Response:
        clinic, lang = whose(config, request), language(request)
        with closing(open_ledger()) as db:
            source = request.query_params.get("source") or bills.usual_source(db, clinic.clinic)
            found = _found(db, clinic, source, line)
        if found is None:
            raise HTTPException(404, speak(lang)("line.none", name=line[:60]))
        words = LineWords(lang, clinic.zone, Addresses(lang, named(config, clinic.clinic)))
        texts = words.texts(found.line, found.item, found.view, found.evidence, found.sets, found.leads)
        return rendered("line.html", lang, found=found, zone=clinic.timezone, **texts)

    return router


def _found(db: Database, config: Config, source: str, name: str) -> Found | None:
    teller = Teller(config.clinic, source)
    line = evidence_of.bill_line(db, teller, name)
    if line is None:
        return None
    charged = local_day(line["charged_ms"], config.zone)
    run = evidence_of.newest_run(db, teller, str(charged))
    sets = doubts(source, evidence_of.sets(db, run["run"], source, name)) if run else []
    item = catalogue.in_force(db).on(charged).get(line["item"] or 0)
    told = [each for each in attended.of_visits(db, config.clinic, [line["visit"]]) if _is_of(each, line)]
    return Found(
        line,
        item,
        day.day_view(db, config, charged),
        run["made_ms"] if run else None,
        [] if sets or not run else _evidence(db, run["run"], line),
        sets,
        evidence_of.leads_naming(db, run["run"], name) if run else [],
        told,
    )


def _is_of(entry: Entry, line: Row) -> bool:
    """Whether a record that a person made is about this line: it names it, or no line and the same item of the visit."""
    return entry.line == line["line"] or (not entry.line and entry.item == line["item"])


def _evidence(db: Database, run: int, line: Row) -> list[Evidence]:
    rows = evidence_of.verdicts(db, run, line["source"], line["line"])
    return [_of_treatment(db, run, line, row) for row in rows]


def _of_treatment(db: Database, run: int, line: Row, row: Row) -> Evidence:
    said = evidence_of.said_of(row)
    names = [name for name in said["records"] if not name.startswith(f"{ATTENDED}:")]
    kept = evidence_of.sessions(db, names)
    signers = evidence_of.signers(db, {each.unit for each in kept})
    rested = []
    for each in kept:
        signer, session = signers[each.unit], canonical.stored(each.line)
        rested.append(
            Rested(
                f"{each.unit}:{each.us}",
                evidence_of.placed(db, each.unit, session.readings[0].at_ms),
                session,
                sealed(each.line, signer.key_hex),
                grade(signer),
                each.chained,
                evidence_of.uses(db, run, line["source"], f"{each.unit}:{each.us}"),
            )
        )
    return Evidence(row["index"], row["code"], said, rested)

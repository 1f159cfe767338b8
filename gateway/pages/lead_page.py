"""One lead: what it rests on, its witness, its whole history; and the forms by which the clinic answers and the district
decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlite_utils import Database
from starlette.datastructures import FormData, UploadFile

from gateway.access import places
from gateway.audit import outcomes, review
from gateway.audit.outcomes import Decided, Standing
from gateway.clock import Clock
from gateway.config import DISTRICT, Config
from gateway.errors import UsageError
from gateway.instants import local_day
from gateway.ledger import evidence_of, reviews
from gateway.ledger.reviews import LeadFound
from gateway.pages import day
from gateway.pages.addresses import Addresses
from gateway.pages.lead_view import LeadWords
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.view import DayView
from gateway.pages.whose import named
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
_MOST_FILES = 20
_ACTS = ("answer", "appeal", "review")


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/lead/ID`, its attachments, and what people enter."""

    router = APIRouter(prefix="/lead")
    desk = _Desk(open_ledger, config, clock)

    @router.get("/{name}")
    def show(request: Request, name: str) -> Response:
        return desk.show(request, name)

    @router.get("/{name}/file/{sha256}")
    def file(request: Request, name: str, sha256: str) -> Response:
        return desk.file(request, name, sha256)

    @router.post("/{name}/{kind}")
    async def act(request: Request, name: str, kind: str) -> Response:
        told_bytes = request.headers.get("content-length", "")
        too_large = not told_bytes.isdecimal() or int(told_bytes) > review.MOST_BYTES
        if kind not in _ACTS or too_large:
            say = speak(language(request))
            told = say("lead.too_large", mb=review.MOST_BYTES // 1024**2) if too_large else say("not_found")
            raise HTTPException(404, told)
        async with request.form(max_files=_MOST_FILES, max_part_size=review.MOST_BYTES) as form:
            sent = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
            files = [(each.filename or "", await each.read()) for each in sent]
            return await run_in_threadpool(desk.act, request, name, kind, form, files)

    return router


class _Desk:
    """What the page asks of the ledger, and does to it: one connection for each request."""

    def __init__(self, open_ledger: OpenLedger, config: Config, clock: Clock):
        self._open, self._config, self._clock = open_ledger, config, clock

    def show(self, request: Request, name: str, refusal: str = "", status: int = 200) -> Response:
        with closing(self._open()) as db:
            found = self._lead(db, request, name)
            today = local_day(self._clock.now_ms(), self._config.zone)
            now = review.standing_of(db, found, today)
            acts = reviews.acts(db, found.clinic, found.lead)
            view, there = self._day(db, found), self._there(db, found)
        lang = language(request)
        to = Addresses(lang, named(self._config, found.clinic), there)
        page = LeadWords(found, now, acts, self._config.zone, to)
        may = self._may(found, now, person_of(request).role)
        texts = page.texts(view) | {
            "zone": self._config.timezone,
            "refusal": refusal,
            "side": self._config.role,
            "may": may,
        }
        return rendered("lead.html", lang, status, page=page, **texts)

    def _day(self, db: Database, found: LeadFound) -> DayView | None:
        """The day of a lead; None where a district does not know the clinic's hours."""
        if self._config.role == DISTRICT and found.clinic not in self._config.clinics:
            return None
        return day.day_view(db, self._config.of_clinic(found.clinic), date.fromisoformat(found.day))

    def _there(self, db: Database, found: LeadFound) -> set[str]:
        """The bill lines and records of a lead that have their pages here: a district may only have been told of it."""
        if self._config.role == DISTRICT and found.clinic not in self._config.clinics:
            return set()
        lines = {each.line for each in reviews.lines_now(db, found, found.body["lines"])}
        return lines | evidence_of.held(db, found.body["supplies"])

    def _may(self, found: LeadFound, now: Standing, role: str) -> set[str]:
        """What somebody of that role may enter, as the lead stands."""
        is_district = self._config.role == DISTRICT
        says = "appeal" if now.state == "closed" else "answer"
        asked = {act: places.place("POST", f"/lead/{found.lead}/{act}") for act in (says, "review")}
        return {act for act, place in asked.items() if place and place.allows(role, is_district)}

    def file(self, request: Request, name: str, sha256: str) -> Response:
        with closing(self._open()) as db:
            found = self._lead(db, request, name)
            told = [
                each
                for act in reviews.acts(db, found.clinic, found.lead)
                for each in act.body.get("attachments", [])
                if each["sha256"] == sha256
            ]
            body = reviews.attachment(db, sha256) if told else None
        if body is None:
            raise HTTPException(404)
        saved = f"attachment; filename*=UTF-8''{quote(told[0]['name'], safe='')}"
        return Response(body, media_type="application/octet-stream", headers={"Content-Disposition": saved})

    def act(
        self, request: Request, name: str, kind: str, form: FormData, files: list[tuple[str, bytes]]
    ) -> Response:
        try:
            if len(dict(files)) < len(files):
                raise UsageError("两个附件同名：请改名", "two attachments have one name: rename one")
            with closing(self._open()) as db:
                found = self._lead(db, request, name)
                self._check_seen(db, found, form, request)
                self._enter(db, found, kind, form, dict(files), person_of(request).name)
        except UsageError as error:
            said = error.en if language(request) == "en" else error.zh
            return self.show(request, name, said, 409)
        return RedirectResponse(f"/lead/{found.lead}{_asked(request)}#history", 303)

    def _check_seen(self, db: Database, found: LeadFound, form: FormData, request: Request) -> None:
        """What is sent twice, or without having read the newest, is not entered."""
        if _text(form, "seen") != str(len(reviews.acts(db, found.clinic, found.lead))):
            raise UsageError(speak("zh")("lead.changed"), speak("en")("lead.changed"))

    def _enter(
        self, db: Database, found: LeadFound, kind: str, form: FormData, files: Mapping[str, bytes], by: str
    ) -> None:
        side, now_ms = self._config.role, self._clock.now_ms()
        if kind != "review":
            say = review.answer if kind == "answer" else review.appeal
            say(db, found, side, by, now_ms, _text(form, "text"), files)
            return
        outcome = _text(form, "outcome")
        if outcome not in outcomes.OUTCOMES:
            raise UsageError(f"没有这种结果：{outcome}", f"there is no outcome {outcome}")
        decided = Decided(
            outcome,
            _text(form, "why"),
            review.money(_text(form, "withheld") or None, "--withheld"),
            review.money(_text(form, "deducted") or None, "--deducted"),
            _text(form, "cause"),
            _text(form, "rectification"),
            review.due_day(_text(form, "due") or None),
        )
        review.decide(db, found, side, by, now_ms, decided)

    def _lead(self, db: Database, request: Request, name: str) -> LeadFound:
        clinic = request.query_params.get("clinic")
        found = reviews.leads(db, clinic=clinic, lead=name)
        say = speak(language(request))
        if not found:
            raise HTTPException(404, say("lead_none", name=name[:40]))
        if len(found) > 1:  # an act would fall on whichever came first
            whose = say("and").join(each.clinic for each in found)
            raise HTTPException(404, say("lead.of_several", name=name[:40], clinics=whose))
        return found[0]


def _asked(request: Request) -> str:
    return query(language(request), clinic=request.query_params.get("clinic"))


def _text(form: FormData, name: str) -> str:
    told = form.get(name)
    return told.strip() if isinstance(told, str) else ""

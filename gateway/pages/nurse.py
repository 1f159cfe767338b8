"""The nurse's list: what waits, runs and is done today, and the forms by which people record it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Any
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.hours import Hours
from gateway.audit.items import Item
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import UsageError
from gateway.ledger import attended
from gateway.ledger.attended import DONE, STOPPED, UNDONE
from gateway.nurse import attend, tokens, visits
from gateway.nurse.attend import Act, Changed, Details, Treated
from gateway.nurse.waiting import Today, today
from gateway.pages import nurse_list, record_sheet
from gateway.pages.nurse_list import Asked
from gateway.pages.rendered import person_of, rendered
from gateway.pages.words import LANGUAGES, speak

OpenLedger = Callable[[], Database]
Text = Annotated[str, Form()]


class Desk:
    """What the pages ask of the ledger, and do to it: one connection for each request."""

    def __init__(self, open_ledger: OpenLedger, config: Config, clock: Clock, tag_key: Callable[[], bytes]):
        self.config, self.hours, self._open, self._clock, self.tag_key = (
            config,
            Hours(config),
            open_ledger,
            clock,
            tag_key,
        )

    @property
    def now_ms(self) -> int:
        return self._clock.now_ms()

    def ledger(self) -> closing[Database]:
        return closing(self._open())

    def act(self, asked: Asked) -> Act:
        return Act(self.config.clinic, asked.by, self.now_ms)

    def items(self, db: Database) -> dict[int, Item]:
        """Every item as it is in force today; of one that is no longer, the newest version."""
        items = catalogue.in_force(db).items
        return dict(items) | dict(items.on(self.hours.day_of(self.now_ms)))

    def page(self, template: str, asked: Asked, status: int = 200, **values: object) -> Response:
        other = LANGUAGES[1 - LANGUAGES.index(asked.lang)]
        return rendered(
            template, asked.lang, status, asked=asked, other=other, clinic=self.config.name, **values
        )

    def refuse(self, asked: Asked, error: UsageError, status: int = 409) -> Response:
        """A page that says why nothing was entered."""
        said = error.en if asked.lang == "en" else error.zh
        return self.page(
            "nurse_refused.html", asked, status, title=speak(asked.lang)("nurse.refused"), message=said
        )


def asked_by(request: Request, room: str = "", lang: str = "zh", seen: str = "") -> Asked:
    """From an address."""
    shown = lang if lang in LANGUAGES else LANGUAGES[0]
    return Asked(person_of(request).name, room[:200], shown, seen[:200])


def asked_in(request: Request, room: Text = "", lang: Text = "zh", seen: Text = "") -> Asked:
    """From a form."""
    return asked_by(request, room, lang, seen)


Query = Annotated[Asked, Depends(asked_by)]
Posted = Annotated[Asked, Depends(asked_in)]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock, tag_key: Callable[[], bytes]) -> APIRouter:
    """All addresses of the nurse's desk."""
    desk = Desk(open_ledger, config, clock, tag_key)

    router = APIRouter(prefix="/nurse")
    _looking(router, desk)
    _forms(router, desk)
    _recording(router, desk)
    _tokens(router, desk)
    return router


# --- looking ----------------------------------------------------------------------------------------------------------


def _looking(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    def listing(asked: Query) -> Response:
        with desk.ledger() as db:
            found, items = today(db, desk.hours, desk.now_ms), desk.items(db)
        say = speak(asked.lang)
        title = say("nurse.title_room", room=asked.room) if asked.room else say("nurse.title")
        cards = nurse_list.cards(found, items, asked, desk.config.zone, desk.now_ms)
        unclear = nurse_list.unclear(found, asked, desk.config.zone)
        values = {"cards": cards, "items": items, "unclear": unclear, **_counts(found, say)}
        return desk.page("nurse.html", asked, title=title, **values)

    @router.get("/visit/{visit:path}")
    def one(asked: Query, visit: str) -> Response:
        with desk.ledger() as db:
            found, items = today(db, desk.hours, desk.now_ms), desk.items(db)
        say = speak(asked.lang)
        cards = nurse_list.cards(found, items, asked, desk.config.zone, desk.now_ms, visit)
        is_read = _was_read(desk, asked, visit)
        return desk.page(
            "nurse_visit.html",
            asked,
            title=say("nurse.visit", visit=visit),
            visit=visit,
            cards=cards,
            is_read=is_read,
            items=items,
        )

    @router.get("/sheet/{visit:path}")
    def paper(asked: Query, visit: str) -> Response:
        with desk.ledger() as db:
            entries = attended.of_visits(db, desk.config.clinic, [visit])
            threads = [attended.thread(db, each.thread) for each in entries]
            tasks = [each for each in today(db, desk.hours, desk.now_ms).tasks if each.visit == visit]
            items = desk.items(db)
        made = record_sheet.sheet(visit, threads, tasks, items, desk.config.zone, asked.lang)
        say = speak(asked.lang)
        printed = f"{desk.hours.local(desk.now_ms):%Y-%m-%d %H:%M}"
        return desk.page("record_sheet.html", asked, title=say("sheet.title"), sheet=made, printed=printed)


def _counts(found: Today, say: Callable[..., str]) -> dict[str, Any]:
    rate = say("nurse.scan_none")
    if found.recorded:
        share = say("percent", value=found.scanned * 100 // found.recorded)
        rate = say("nurse.scan_rate", share=share, scanned=found.scanned, recorded=found.recorded)
    return {"rooms": found.rooms, "rate": rate}


def _was_read(desk: Desk, asked: Asked, visit: str) -> bool:
    return bool(asked.seen) and tokens.proves(desk.tag_key(), visit, asked.seen, desk.now_ms, visits.SCAN_MS)


# --- forms that ask ---------------------------------------------------------------------------------------------------


def _forms(router: APIRouter, desk: Desk) -> None:
    @router.get("/end/{number}")
    def end_form(asked: Query, number: int) -> Response:
        return _ask_of(desk, asked, number, DONE)

    @router.get("/stop/{number}")
    def stop_form(asked: Query, number: int) -> Response:
        return _ask_of(desk, asked, number, STOPPED)

    @router.get("/undone")
    def undone_form(
        asked: Query, visit: str, item: int, line: str = "", where: str = "", known: int = 0
    ) -> Response:
        with desk.ledger() as db:
            item_ = desk.items(db).get(item)
        if item_ is None:
            return desk.refuse(asked, _no_item(item), 404)
        said = nurse_list.name(item_, asked.lang)
        hidden = {"visit": visit, "item": item, "line": line, "where": where, "known": known}
        title = speak(asked.lang)("nurse.undone_title", item=said)
        values: dict[str, Any] = {
            "action": "/nurse/undone",
            "hidden": hidden,
            "asks": (),
            "item": item_,
            "outcome": UNDONE,
        }
        return desk.page("nurse_ask.html", asked, title=title, visit=visit, **values)


def _ask_of(desk: Desk, asked: Asked, number: int, outcome: str) -> Response:
    """What is asked before a treatment that runs ends."""
    with desk.ledger() as db:
        entry, items = attended.entry(db, number), desk.items(db)
    if entry is None or entry.clinic != desk.config.clinic or entry.item not in items:
        return desk.refuse(asked, UsageError(f"没有登记 {number}", f"there is no entry {number}"), 404)
    item = items[entry.item]
    key = "nurse.asks" if outcome == DONE else "nurse.stop_title"
    title = speak(asked.lang)(key, item=nurse_list.name(item, asked.lang))
    hidden = {"entry": number, "outcome": outcome}
    values: dict[str, Any] = {
        "action": "/nurse/end",
        "hidden": hidden,
        "asks": attend.asked_of(item),
        "item": item,
        "outcome": outcome,
    }
    return desk.page("nurse_ask.html", asked, title=title, visit=entry.visit, **values)


def _no_item(number: int) -> UsageError:
    return UsageError(f"目录中没有第 {number} 项", f"the catalogue has no item {number}")


# --- recording --------------------------------------------------------------------------------------------------------


def _recording(router: APIRouter, desk: Desk) -> None:
    @router.post("/begin")
    def begin(
        asked: Posted, visit: Text = "", item: Text = "", line: Text = "", where: Text = "", known: Text = ""
    ) -> Response:
        def do(db: Database, act: Act) -> None:
            treated = _treated(desk, db, asked, visit, item, line, where)
            attend.begin(db, act, treated, _number(known))

        return _done(desk, asked, do, visit)

    @router.post("/undone")
    def undone(
        asked: Posted, visit: Text = "", item: Text = "", line: Text = "", where: Text = "", known: Text = "",
        reason: Text = "",
    ) -> Response:  # fmt: skip
        def do(db: Database, act: Act) -> None:
            treated = _treated(desk, db, asked, visit, item, line, where)
            attend.undone(db, act, treated, reason, _number(known))

        return _done(desk, asked, do)

    @router.post("/end")
    def end(
        asked: Posted, entry: Annotated[int, Form()], outcome: Text = DONE, reason: Text = "",
        acupoints: Text = "", cups: Text = "", body_part: Text = "",
    ) -> Response:  # fmt: skip
        def do(db: Database, act: Act) -> None:
            found = attended.entry(db, entry)
            item = desk.items(db)[found.item] if found else None
            if item is None:
                raise UsageError(f"没有登记 {entry}", f"there is no entry {entry}")
            details = Details(_number(acupoints), _number(cups), body_part)
            attend.end(db, act, entry, item, details, outcome, reason)

        return _done(desk, asked, do)

    @router.post("/withdraw")
    def withdraw(asked: Posted, entry: Annotated[int, Form()]) -> Response:
        why = " · ".join(speak(lang)("nurse.withdraw_why") for lang in LANGUAGES)
        return _done(desk, asked, lambda db, act: attend.withdraw(db, act, entry, why))


def _treated(desk: Desk, db: Database, asked: Asked, visit: str, item: str, line: str, where: str) -> Treated:
    items, number = desk.items(db), _number(item)
    if number not in items:
        raise UsageError("请选取项目", "pick an item")
    treated = Treated(visit.strip(), items[number], line, where or asked.room, asked.by)
    return visits.identified(db, desk.act(asked), treated, _was_read(desk, asked, treated.visit))


def _number(text: str) -> int | None:
    """What was written as a count; UsageError where it is none."""
    kept = text.strip()
    if not kept:
        return None
    if not kept.isascii() or not kept.isdigit() or len(kept) > 3:
        raise UsageError(f"{kept[:20]!r} 不是数目", f"{kept[:20]!r} is no number")
    return int(kept)


def _done(desk: Desk, asked: Asked, do: Callable[[Database, Act], object], visit: str = "") -> Response:
    """Does it and shows the list, or the visit whose token was read: more of it may be begun. A second tap on the same
    button only shows it again."""
    try:
        with desk.ledger() as db:
            do(db, desk.act(asked))
    except Changed:
        pass
    except UsageError as error:
        return desk.refuse(asked, error)
    if visit and _was_read(desk, asked, visit):
        return RedirectResponse(f"/nurse/visit/{quote(visit, safe='')}{asked.query()}", 303)
    return RedirectResponse(f"/nurse{asked.query(seen='')}", 303)


# --- tokens -----------------------------------------------------------------------------------------------------------


def _tokens(router: APIRouter, desk: Desk) -> None:
    @router.post("/scan")
    def scan(asked: Posted, token: Text = "") -> Response:
        try:
            with desk.ledger() as db:
                visit = visits.visit_of(db, desk.config.clinic, desk.tag_key(), token)
        except UsageError as error:
            return desk.refuse(asked, error)
        seen = tokens.proof(desk.tag_key(), visit, desk.now_ms)
        return RedirectResponse(f"/nurse/visit/{quote(visit, safe='')}{asked.query(seen=seen)}", 303)

    @router.post("/token")
    def issue(asked: Posted, visit: Text = "", token: Text = "") -> Response:
        """A new token to be printed; or one that was read at the desk, which is not shown."""
        try:
            with desk.ledger() as db:
                if token.strip():
                    visits.bind_token(db, desk.act(asked), desk.tag_key(), token, visit)
                else:
                    shown = visits.issue_token(db, desk.act(asked), desk.tag_key(), visit)
        except UsageError as error:
            return desk.refuse(asked, error)
        made, picture = ("", "") if token.strip() else (shown, _qr(shown))
        title = speak(asked.lang)("nurse.token_title")
        return desk.page(
            "nurse_token.html", asked, title=title, visit=visit.strip(), token=made, picture=Markup(picture)
        )


def _qr(text: str) -> str:
    """The code as a drawing."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(scale=6, border=4, omitsize=True)

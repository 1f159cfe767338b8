"""Who looked at what and changed what: the trail, newest first, with the head that proves that nothing was taken out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from sqlite_utils import Database

from gateway.clock import Clock
from gateway.config import Config
from gateway.instants import iso
from gateway.ledger import trail
from gateway.ledger.trail import Entry
from gateway.pages.rendered import LOOKING, language, query, rendered
from gateway.pages.words import Say, knows, speak

OpenLedger = Callable[[], Database]
_PAGE = 100


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/trail?before=N&who=&act=&subject=`."""
    router = APIRouter()

    @router.get("/trail")
    def page(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "")[:200] for name in ("who", "act", "subject")}
        before = request.query_params.get("before", "")
        lang = language(request)
        with closing(open_ledger()) as db:
            last = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
            found = trail.newest(db, _PAGE, before=last, **asked)
            head, acts = trail.head(db), trail.acts(db)
        say = speak(lang)
        older = query(lang, before=str(found[-1].entry), **asked) if len(found) == _PAGE else ""
        return rendered(
            "trail.html",
            lang,
            title=say("trail.title", clinic=config.name),
            rows=[_row(each, config, lang, say) for each in found],
            head=head,
            asked=asked,
            acts=[(act, _act(act, say)) for act in acts],
            older=older,
            here=query(lang),
            other=query("zh" if lang == "en" else "en", **asked),
        )

    return router


def _row(each: Entry, config: Config, lang: str, say: Say) -> dict[str, str]:
    return {
        "entry": str(each.entry),
        "at": iso(each.at_ms, config.zone).replace("T", " "),
        "who": each.who,
        "act": _act(each.act, say),
        "subject": each.subject,
        "address": _address(each, lang),
        "body": json.dumps(each.body, ensure_ascii=False, sort_keys=True) if each.body else "",
        "hash": each.hash,
    }


def _act(act: str, say: Say) -> str:
    return say(f"trail.act.{act}") if knows(f"trail.act.{act}") else act


def _address(each: Entry, lang: str) -> str:
    """Where what it is about has its page; nothing where it has none, or none for who looks."""
    kind, _, name = each.subject.partition(":")
    if each.act == "look":
        looking, is_ours = LOOKING.get(), each.subject.startswith("/") and not each.subject.startswith("//")
        return each.subject if is_ours and looking and looking.may_see(each.subject.partition("?")[0]) else ""
    return f"/lead/{quote(name, safe='')}{query(lang)}" if kind == "lead" else ""

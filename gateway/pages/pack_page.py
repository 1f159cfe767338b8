"""An evidence pack made and carried away by browser."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse
from sqlite_utils import Database

from gateway.audit import figures
from gateway.clock import Clock
from gateway.config import Config
from gateway.instants import local_day
from gateway.pack import contents, writing
from gateway.pack.contents import Asked
from gateway.pages.period_asked import period_asked
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.whose import named, whose
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Text = Annotated[str, Form()]

_MADE = "pack-page-"  # what these packs are called while they are made
_PIECE = 256 * 1024


def routes(open_ledger: OpenLedger, config: Config, clock: Clock, folder: Path) -> APIRouter:
    """`/pack`: the form, and the ZIP. Bill files, which name patients, are packed at the command line alone."""
    router = APIRouter()

    @router.get("/pack")
    def page(request: Request) -> Response:
        of, lang = whose(config, request), language(request)
        first, last = period_asked(request.query_params, local_day(clock.now_ms(), of.zone))
        clinic = named(config, of.clinic)
        return rendered(
            "pack.html", lang, title=speak(lang)("inspect.pack_title", clinic=of.name), first=first, last=last,
            here=query(lang, clinic=clinic), other=query("zh" if lang == "en" else "en", clinic=clinic),
        )  # fmt: skip

    @router.post("/pack")
    def make(request: Request, from_day: Text = "", to_day: Text = "") -> Response:
        of = whose(config, request)
        first, last = period_asked({"from": from_day, "to": to_day}, local_day(clock.now_ms(), of.zone))
        chosen = figures.read(folder)
        rules = (folder / figures.FILE).read_bytes() if chosen.sha256 else None
        out = folder / f"{_MADE}{secrets.token_hex(8)}.zip"
        with closing(open_ledger()) as db:
            sources = contents.sources_of(db, of.clinic, None)
            asked = Asked(of, config.clinic, first, last, sources, chosen, rules, clock.now_ms(), False)
            writing.write(db, asked, out, lambda zh, en: None, person_of(request).name)
        return _carried_away(out, f"{of.clinic}-{first}-{last}.zip")

    return router


def sweep(folder: Path) -> None:
    """Removes packs that a killed program was making for a browser. Not while another makes one."""
    for each in (*folder.glob(f"{_MADE}*.zip"), *folder.glob(f".{_MADE}*.zip.*")):
        each.unlink(missing_ok=True)


def _carried_away(pack: Path, name: str) -> Response:
    """The file has no name any more while it is sent: however that ends, nothing of it stays."""
    sent = pack.open("rb")
    pack.unlink()
    said = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(os.fstat(sent.fileno()).st_size),
    }
    return StreamingResponse(_pieces(sent), media_type="application/zip", headers=said)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece

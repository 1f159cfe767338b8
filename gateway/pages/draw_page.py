"""The random draw on a page: whoever looks draws bill lines by a seed, and can tell others how to draw the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlite_utils import Database

from gateway.audit import draw
from gateway.audit.draw import STRATA, Drawn
from gateway.audit.hours import Hours
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import UsageError
from gateway.instants import iso, local_day
from gateway.kit import lots
from gateway.kit.lots import Draw, Lot
from gateway.ledger import bills
from gateway.ledger.bills import Teller
from gateway.pages.addresses import Addresses
from gateway.pages.period_asked import Misasked, period_asked
from gateway.pages.phrases import Wording
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.view import PENDING
from gateway.pages.whose import named, whose
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Text = Annotated[str, Form()]
MOST = 500


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/draw`: the form; with a seed, what it draws. `/draw.txt`: the names drawn from."""
    router, desk = APIRouter(), _Desk(open_ledger, config, clock)

    @router.get("/draw")
    def page(request: Request) -> Response:
        return desk.show(request, desk.asked(request, request.query_params))

    @router.post("/draw")
    def make(
        request: Request,
        from_day: Text = "",
        to_day: Text = "",
        n: Text = "20",
        per: Text = "",
        source: Text = "",
    ) -> Response:
        told = {"from": from_day, "to": to_day, "n": n, "per": per, "source": source}
        return desk.make(request, desk.asked(request, told))

    @router.get("/draw.txt")
    def names(request: Request) -> Response:
        return desk.names(desk.asked(request, request.query_params))

    return router


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be drawn: `n` of the lines that `source` told of a clinic's days, of each stratum where `per` names one."""

    of: Config
    clinic: str | None
    first: date
    last: date
    source: str
    n: int
    per: str | None
    seed: str

    @property
    def values(self) -> dict[str, str]:
        """As an address says it."""
        return {
            "from": str(self.first), "to": str(self.last), "n": str(self.n), "per": self.per or "",
            "source": self.source, "seed": self.seed,
        }  # fmt: skip

    def lot(self, db: Database) -> Lot:
        """What it is drawn from."""
        return lots.of_lines(
            db, Hours(self.of), Teller(self.of.clinic, self.source), self.first, self.last, self.per
        )


class _Desk:
    """What the page asks of the ledger, and does to it."""

    def __init__(self, open_ledger: OpenLedger, config: Config, clock: Clock):
        self._open, self._config, self._clock = open_ledger, config, clock

    def asked(self, request: Request, told: Mapping[str, str]) -> _Asked:
        """Misasked where that cannot be."""
        of = whose(self._config, request)
        first, last = period_asked(told, local_day(self._clock.now_ms(), of.zone))
        n, per, seed = _number(told.get("n", "20")), told.get("per"), told.get("seed", "")
        source = told.get("source")
        if source not in bills.SOURCES:
            with closing(self._open()) as db:
                source = bills.usual_source(db, of.clinic)
        clinic = named(self._config, of.clinic)
        return _Asked(
            of, clinic, first, last, source, n, per if per in STRATA else None, seed and _seed(seed)
        )

    def show(self, request: Request, asked: _Asked) -> Response:
        lang, found = language(request), None
        if asked.seed:
            drawn = self._draw(request, asked, asked.seed)
            found = _shown(drawn, asked, Wording(lang, asked.of.zone))
        title = speak(lang)("draw.title", clinic=asked.of.name)
        other = query("zh" if lang == "en" else "en", clinic=asked.clinic, **asked.values)
        names = "/draw.txt" + query(lang, clinic=asked.clinic, **asked.values)
        return rendered(
            "draw.html", lang, title=title, asked=asked.values, clinic=asked.clinic, found=found, strata=STRATA,
            sources=bills.SOURCES, here=query(lang, clinic=asked.clinic), names=names, other=other,
        )  # fmt: skip

    def make(self, request: Request, asked: _Asked) -> Response:
        """By a seed that nobody chose, which stands in the trail before anything is drawn."""
        made = self._draw(request, asked, None)
        told = asked.values | {"seed": made.seed}
        return RedirectResponse("/draw" + query(language(request), clinic=asked.clinic, **told), 303)

    def names(self, asked: _Asked) -> Response:
        with closing(self._open()) as db:
            lines = asked.lot(db).lines
        return PlainTextResponse("".join(f"{each}\n" for each in sorted(lines)))

    def _draw(self, request: Request, asked: _Asked, seed: str | None) -> Draw:
        by, now_ms = person_of(request).name, self._clock.now_ms()
        with closing(self._open()) as db:
            return lots.draw_lot(db, asked.lot(db), asked.n, seed, asked.per, by, now_ms)


def _shown(found: Draw, asked: _Asked, words: Wording) -> dict[str, object]:
    to = Addresses(words.lang, asked.clinic)
    return {
        "seed": found.seed,
        "given": found.entry.body["given"],
        "entry": found.entry.entry,
        "at": iso(found.entry.at_ms, asked.of.zone).replace("T", " "),
        "by": found.entry.who,
        "count": found.lot.population["count"],
        "sha256": found.lot.population["sha256"],
        "rows": [_row(found.lot, each, asked.per, words, to) for each in found.drawn],
        "command": _command(found.seed, found.lot.kind, found.n),
    }


def _row(lot: Lot, drawn: Drawn, per: str | None, words: Wording, to: Addresses) -> dict[str, object]:
    line = lot.lines[drawn.name]
    return {
        "name": drawn.name,
        "address": to.line(line.source, drawn.name),
        "rank": drawn.rank[:16],
        "said": _said(drawn.stratum, words) if per == "verdict" else "",
        "item": line.item,
        "text": line.name,
        "charged": words.instant(line.charged_ms),
        "room": line.room,
        "amount": words.yuan(line.amount_fen),
    }


def _said(stratum: str, words: Wording) -> str:
    """What was said of a line's treatments; what nobody has reconciled waits for it."""
    return words.say("and").join(words.verdict(code) for code in stratum.replace("-", PENDING).split("+"))


def _command(seed: str, kind: str, n: int) -> str:
    """A line of shell that draws the same from the list of names; of each group where there are groups, so many."""
    asked = f"printf '%s\\n%s\\n%s' {shlex.quote(seed)} {kind} \"$name\" | sha256sum | cut -c1-64"
    return f'while read -r name; do echo "$({asked}) $name"; done < draw.txt | sort | head -n {n}'


def _seed(asked: str) -> str:
    try:
        return draw.seed(asked)
    except UsageError as error:
        raise Misasked(error.zh.removeprefix("--"), error.en.removeprefix("--")) from None


def _number(asked: str) -> int:
    if asked.isascii() and asked.isdigit() and len(asked) < 6 and 1 <= int(asked) <= MOST:
        return int(asked)
    raise Misasked(f"抽取数应为 1 到 {MOST}", f"draw 1 to {MOST}")

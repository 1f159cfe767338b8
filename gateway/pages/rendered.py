"""A page of ours: rendered for who is looking, with the headers that let nothing come from elsewhere and forms go nowhere
but back to us."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.access import places
from gateway.ledger.people import Person
from gateway.pages.headers import HEADERS
from gateway.pages.words import LANGUAGES, TAGS, speak

_WAYS = {
    False: ("/board", "/nurse", "/day", "/month", "/bills", "/inspect", "/trail", "/people"),
    True: ("/", "/trail", "/people"),
}
"""Is it a district -> the first pages of each kind. What is of one clinic of a district is reached from `/`."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks at which page of ours, for what stands at the top of each."""

    person: Person
    is_district: bool
    path: str

    @property
    def ways(self) -> list[str]:
        """The pages that this person may go to."""
        return [way for way in _WAYS[self.is_district] if self.may_see(way)]

    def may_see(self, path: str) -> bool:
        """Whether this person may look there."""
        place = places.place("GET", path)
        return place is not None and place.allows(self.person.role, self.is_district)

    def may(self, path: str) -> bool:
        """Whether this person may send a form there."""
        place = places.place("POST", path)
        return place is not None and place.allows(self.person.role, self.is_district)

    def is_at(self, way: str) -> bool:
        """Whether this page is of that kind."""
        return self.path == way or (way != "/" and self.path.startswith(f"{way}/"))


LOOKING: ContextVar[Looking | None] = ContextVar("looking", default=None)

_templates = Environment(
    loader=PackageLoader("gateway.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.filters["part"] = partial(quote, safe="")


def rendered(template: str, lang: str, status: int = 200, **values: object) -> Response:
    """The page in that language. Half characters, which JSON can write and UTF-8 cannot, become question marks."""
    text = _templates.get_template(template).render(
        say=speak(lang), lang=lang, tag=TAGS[lang], looking=LOOKING.get(), **values
    )
    return HTMLResponse(text.encode("utf-8", "replace"), status, HEADERS)


def person_of(request: Request) -> Person:
    """Who is asking, as guard.py has found out."""
    return request.state.person


def language(request: Request) -> str:
    """The language that is asked for, Chinese unless it is one of ours."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def query(lang: str, **values: str | None) -> str:
    """What an address of ours ends with, so that the language is kept."""
    told = {name: value for name, value in values.items() if value}
    told |= {} if lang == LANGUAGES[0] else {"lang": lang}
    return "?" + urlencode(told) if told else ""

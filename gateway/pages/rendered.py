"""A page of ours that may hold forms: rendered, with the headers that let forms go nowhere but back to us."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.pages.words import LANGUAGES, TAGS, speak

POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # else browsers hide from our own forms where they come from
}
_templates = Environment(
    loader=PackageLoader("gateway.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def rendered(template: str, lang: str, status: int = 200, **values: object) -> Response:
    """The page in that language. Half characters, which JSON can write and UTF-8 cannot, become question marks."""
    text = _templates.get_template(template).render(say=speak(lang), lang=lang, tag=TAGS[lang], **values)
    return HTMLResponse(text.encode("utf-8", "replace"), status, POLICY)


def language(request: Request) -> str:
    """The language that is asked for, Chinese unless it is one of ours."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def query(lang: str, **values: str | None) -> str:
    """What an address of ours ends with, so that the language is kept."""
    told = {name: value for name, value in values.items() if value}
    told |= {} if lang == LANGUAGES[0] else {"lang": lang}
    return "?" + "&".join(f"{name}={value}" for name, value in told.items()) if told else ""

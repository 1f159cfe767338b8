"""What the district's template is filled with: its clinics, where each is inspected, and one row for each of their units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gateway.config import Config
from gateway.pages.rendered import query
from gateway.pages.words import Say, speak

_OF_CLINIC = ("inspect", "day", "month")

Row = tuple[str, int, str, str]
"""A unit, how many of its records are held, which are missing, and when it was heard last."""


def texts(config: Config, lang: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The template's values, of an overview as `GET /district/v1/overview` answers it, and of the clinics that are in the
    settings: only of those are hours known, and so days and months."""
    say = speak(lang)
    held = {clinic["clinic"]: clinic for clinic in found["clinics"]}
    return {
        "title": say("district_title", name=config.name),
        "other": query("zh" if lang == "en" else "en"),
        "heads": [say(f"district.{head}") for head in ("unit", "held", "missing", "last_heard")],
        "clinics": [_clinic(config, lang, held, name) for name in sorted({*held, *config.clinics})],
    }


def _clinic(config: Config, lang: str, held: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    clinic = held.get(name, {"units": [], "quarantined": 0})
    known = config.clinics.get(name)
    return {
        "clinic": name,
        "name": known.name if known else "",
        "ways": [(page, f"/{page}{query(lang, clinic=name)}") for page in _OF_CLINIC] if known else [],
        "quarantined": clinic["quarantined"],
        "rows": [_row(speak(lang), unit) for unit in clinic["units"]],
        "anchor": quote(name, safe=""),
    }


def _row(say: Say, unit: Mapping[str, Any]) -> Row:
    missing = say("and").join(_run(*each) for each in unit["missing"]) or say("none")
    if unit["never_heard"]:
        missing = say("district.never_heard")
    elif unit["forked"] is not None:
        missing += say("and") + say("district.forked", us=unit["forked"])
    return unit["unit"], unit["records"], missing, (unit["heard"] or "—")[:16].replace("T", " ")


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"

"""What the district's template is filled with: one row for each unit of each clinic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.pages.words import speak

Row = tuple[object, ...]


def texts(name: str, lang: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The template's values, of an overview as `GET /district/v1/overview` answers it."""
    say = speak(lang)
    heads = ("clinic", "unit", "held", "missing", "quarantined", "last_heard")
    return {
        "title": say("district_title", name=name),
        "heads": [say(f"district.{head}") for head in heads],
        "rows": [_row(clinic, unit, lang) for clinic in found["clinics"] for unit in clinic["units"]],
    }


def _row(clinic: Mapping[str, Any], unit: Mapping[str, Any], lang: str) -> Row:
    say = speak(lang)
    missing = say("and").join(_run(*each) for each in unit["missing"]) or say("none")
    if unit["never_heard"]:
        missing = say("district.never_heard")
    elif unit["forked"] is not None:
        missing += say("and") + say("district.forked", us=unit["forked"])
    heard = (unit["heard"] or "—")[:16].replace("T", " ")
    return clinic["clinic"], unit["unit"], unit["records"], missing, clinic["quarantined"], heard


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"

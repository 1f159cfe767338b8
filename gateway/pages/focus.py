"""A day of which only some is meant, as a picture: what a verdict or a lead rests on stands out, all else is faint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from markupsafe import Markup

from gateway.pages import timeline
from gateway.pages.sheet import Focus
from gateway.pages.view import DayView


def drawn(
    view: DayView, lang: str, focus: Focus, is_meant: Callable[[str | None], bool]
) -> list[tuple[Markup, Markup]]:
    """The picture of a day with only those classes of devices, in strips: each with the names of its rows."""
    part = view.of_loads(is_meant)
    return [(Markup(picture), Markup(rail)) for picture, rail in timeline.strips(part, lang, focus)]


def dark_span(told: Sequence[str]) -> tuple[str, int, int]:
    """(name, from_ms, until_ms) of unwatched time as `reconcile --json` prints it."""
    name, start, end = told
    return name, _ms(start), _ms(end)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)

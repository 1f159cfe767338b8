"""What the day's template is filled with: texts made of a DayView. Of a line that is one of a set, only that is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from gateway.pages import timeline, words
from gateway.pages.phrases import Phrases
from gateway.pages.view import PENDING, DayView, DoubtSet, Line, Session, Span

MOST_SESSIONS = 2_000
"""More sessions than that are no day of a clinic, and not listed one by one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One bill line, in words; `sets` are (number, how many lines) of those it belongs to."""

    line: Line
    sets: list[tuple[int, int]]
    charged: str
    verdict: str
    seconds: str
    records: str
    amount: str


def texts(view: DayView, lang: str, zone: str) -> dict[str, Any]:
    """The template's values."""
    phrases = Phrases(view, lang)
    picture, rail = timeline.with_rail(view, lang)
    return {
        "title": phrases.say("day_title", clinic=view.clinic, date=phrases.date(view.day)),
        "before": view.day - timedelta(days=1),
        "after": view.day + timedelta(days=1),
        "view": view,
        "phrases": phrases,
        "zone": zone,
        "gap": phrases.say("gap"),
        "coverage": _coverage(phrases),
        "counted": _counted(phrases),
        "picture": Markup(picture),
        "rail": Markup(rail),
        "rows": [_row(phrases, line) for line in view.lines],
        "sessions": _sessions(view),
        "spans": lambda spans: _spans(phrases, spans),
        "short": lambda each: _short(phrases, each),
        "rule": lambda rule: phrases.say(f"rule.{rule}") if words.knows(f"rule.{rule}") else rule,
    }


def _coverage(phrases: Phrases) -> str:
    view, say = phrases.view, phrases.say
    if view.watched is None:
        return say("closed") if view.made_ms is not None or view.opening is None else say("coverage_unknown")
    opens, closes = view.opening or view.whole
    watched, due = view.watched
    return say(
        "coverage_words",
        opens=phrases.clock(opens),
        closes=phrases.clock(closes),
        devices=len(view.devices),
        open=phrases.duration(due),
        watched=phrases.duration(watched),
    )


def _counted(phrases: Phrases) -> str:
    view, say = phrases.view, phrases.say
    said = [
        say(
            "summary_count",
            lines=len(view.lines),
            treatments=sum(len(each.treatments) for each in view.lines),
        )
    ]
    waiting = sum(line.treatments[0].code == PENDING for line in view.lines)
    if waiting and view.made_ms is not None:
        said.append(say("summary_pending", n=waiting))
    if view.outside:
        said.append(say("summary_outside", n=view.outside))
    return say("clause").join(said) + say("stop")


def _row(phrases: Phrases, line: Line) -> Row:
    return Row(
        line,
        [(number, phrases.set_sizes[number]) for number in line.sets],
        phrases.clock(line.charged_ms),
        phrases.line_verdict(line),
        "" if line.sets else _seconds(phrases, line),
        ""
        if line.sets
        else " ".join(dict.fromkeys(name for each in line.treatments for name in each.records)),
        phrases.yuan(line.amount_fen),
    )


def _seconds(phrases: Phrases, line: Line) -> str:
    there = [phrases.duration(each.active_s) for each in line.treatments if each.active_s is not None]
    required = next((each.required_s for each in line.treatments if each.required_s), None)
    if not there or required is None:
        return ""
    return f"{phrases.say('and').join(there)} / {phrases.duration(required)}"


def _short(phrases: Phrases, each: DoubtSet) -> str:
    seconds = phrases.say("and").join(phrases.duration(seconds) for seconds in each.short_s)
    return phrases.say("set_seconds", seconds=seconds)


def _spans(phrases: Phrases, spans: tuple[Span, ...]) -> str:
    return phrases.say("and").join(phrases.span(span) for span in spans)


def _sessions(view: DayView) -> list[Session]:
    found = [each for device in view.devices for each in device.sessions]
    return found if len(found) <= MOST_SESSIONS else []

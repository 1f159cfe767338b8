"""The day as a picture: sessions and unwatched time of each device, and below them what was charged.

A pure function of a DayView: the same day gives the same SVG text. It needs no script, style sheet or font file, so it
can stand in a page, in a file, or on paper. Coordinates are whole pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.pages import marks
from gateway.pages.charges import charges, tally
from gateway.pages.device_rows import BAR, device_row
from gateway.pages.ink import FONTS, INK, MUTED, PAPER, RULE, TINT, fit, label, plain, rect, width_of
from gateway.pages.phrases import Phrases
from gateway.pages.sheet import (
    COVERAGE,
    LEFT,
    RAIL_WIDTH,
    RIGHT,
    SESSIONS,
    WIDTH,
    Focus,
    Sheet,
    axis,
    grid,
    hours,
)
from gateway.pages.view import DayView, Device, Line
from gateway.pages.words import TAGS

_ROWS = 14
"""So many devices at most stand together without a place where paper may end."""


def svg(view: DayView, lang: str) -> str:
    """The picture, `WIDTH` pixels wide, with the day's name and counts above it: complete in itself."""
    sheet = _drawn(view, lang, None, heading=True)
    name, desc = described(view, lang)
    text = f"<title>{plain(name)}</title><desc>{plain(desc)}</desc>{marks.definitions()}"
    text += f'<rect width="{WIDTH}" height="{sheet.y}" fill="{PAPER}"/>'
    text += "".join("".join((*each.below, *each.parts)) for each in sheet.strips)
    return _svg(lang, WIDTH, (0, sheet.y), f'role="img" aria-label="{plain(name)}"', text)


def described(view: DayView, lang: str) -> tuple[str, str]:
    """What the picture is called, and what it shows, in words."""
    words = Phrases(view, lang)
    desc = words.say(
        "timeline_desc",
        devices=len(view.devices),
        sessions=sum(len(each.sessions) for each in view.devices),
        darks=sum(len(each.dark) for each in view.devices),
        lines=len(view.lines),
        counts=words.counts(view.counts.items()),
    )
    return f"{words.say('timeline')} · {view.clinic} · {words.date(view.day)}", desc


def strips(view: DayView, lang: str, focus: Focus | None = None) -> list[tuple[str, str]]:
    """The picture without heading in pieces that stand under one another, so that paper may end between two; each with the
    names of its rows alone, which lie over it and stay in sight while it scrolls under them."""
    sheet = _drawn(view, lang, focus, heading=False)
    hidden, found = 'aria-hidden="true"', []
    for place, each in enumerate(sheet.strips):
        text = "".join((marks.definitions() if place == 0 else "", *each.below, *each.parts))
        span = each.top, each.height
        found.append(
            (_svg(lang, WIDTH, span, hidden, text), _svg(lang, RAIL_WIDTH, span, hidden, "".join(each.names)))
        )
    return found


def _svg(lang: str, width: int, span: tuple[int, int], attributes: str, text: str) -> str:
    top, height = span
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top} {width} {height}" width="{width}" height="{height}"'
        f' {attributes} lang="{TAGS[lang]}" font-family="{FONTS}">{text}</svg>'
    )


def _drawn(view: DayView, lang: str, focus: Focus | None, heading: bool) -> Sheet:
    sheet = Sheet(view, Phrases(view, lang), axis(view), focus)
    if heading:
        _heading(sheet)
    loads = list(dict.fromkeys(each.load for each in view.devices))
    for load in loads:
        _block(sheet, load)
    _others(sheet, [each for each in view.lines if each.load not in loads])
    _legend(sheet)
    sheet.cut()
    return sheet


def _heading(sheet: Sheet) -> None:
    words, view = sheet.words, sheet.view
    sheet.parts.append(
        label(0, 20, fit(f"{view.clinic} · {words.date(view.day)}", WIDTH - 180, 18), 18, bold=True)
    )
    product = "以电为证 · WattWitness"
    sheet.parts.append(label(WIDTH - 4, 20, product, fill=MUTED, anchor="end"))
    sheet.parts.append(
        label(
            0,
            42,
            fit(f"{words.summary()}{words.say('gap')}{words.say('honesty')}", WIDTH, 13),
            13,
            fill=MUTED,
        )
    )
    sheet.y = 58


def _block(sheet: Sheet, load: str) -> None:
    devices = [each for each in sheet.view.devices if each.load == load]
    bills = [each for each in sheet.view.lines if each.load == load]
    _block_head(sheet, load, devices, bills)
    top = sheet.y
    for place, device in enumerate(devices):
        if place and place % _ROWS == 0:
            grid(sheet, top)
            sheet.cut()
            _columns(sheet)
            top = sheet.y
        device_row(sheet, device)
    if bills:
        charges(sheet, bills)
    grid(sheet, top)
    tally(sheet, bills)
    sheet.y += 8
    sheet.cut()


def _block_head(sheet: Sheet, load: str, devices: Sequence[Device], bills: Iterable[Line]) -> None:
    words, y = sheet.words, sheet.y + 20
    name = fit(words.load(load), 420, 14)
    count = words.say("devices_count", n=len(devices))
    stations = sum(each.stations for each in devices)
    if stations > len(devices):
        count += words.say("and") + words.say("stations_served", n=stations)
    sheet.parts.append(label(0, y, name, 14, bold=True))
    sheet.parts.append(label(width_of(name, 16) + 12, y, count, fill=MUTED))
    _scale_bar(sheet, y, [each.required_s for line in bills for each in line.treatments if each.required_s])
    sheet.y += 28
    _columns(sheet)


def _columns(sheet: Sheet) -> None:
    """The hours and the names of the columns, above the rows of each class."""
    for x, key in ((SESSIONS, "column.sessions"), (COVERAGE, "column.coverage")):
        sheet.parts.append(label(x, sheet.y + 12, sheet.words.say(key), 11, fill=MUTED, anchor="end"))
    hours(sheet, sheet.y + 12, sheet.y + 18)
    sheet.y += 19


def _scale_bar(sheet: Sheet, y: int, required: Sequence[int]) -> None:
    """How long one treatment must be, as long as it would be on this axis."""
    if not required:
        return
    first, last = sheet.axis
    length = min(required) * 1000 * (RIGHT - LEFT) // (last - first)
    text = sheet.words.say("required", duration=sheet.words.duration(min(required)))
    left = RIGHT - length
    path = f"M{left} {y - 9}V{y - 1}M{left} {y - 5}H{left + length}M{left + length} {y - 9}V{y - 1}"
    sheet.parts.append(f'<path d="{path}" stroke="{INK}" fill="none"/>')
    sheet.parts.append(label(left - 6, y - 1, text, 11, fill=MUTED, anchor="end"))


def _others(sheet: Sheet, bills: Sequence[Line]) -> None:
    if bills:
        sheet.parts.append(label(0, sheet.y + 20, sheet.words.say("others"), 14, bold=True))
        sheet.y += 28
        hours(sheet, sheet.y + 12, sheet.y + 18)
        sheet.y += 19
        top = sheet.y
        charges(sheet, bills)
        grid(sheet, top)
        tally(sheet, bills)
        sheet.y += 8
        sheet.cut()


def _legend(sheet: Sheet) -> None:
    """Keys to what occurs in this picture, and what the marks do not mean."""
    x, say = 0, sheet.words.say
    sheet.y += 10
    for sample, key in _samples(sheet.view, sheet.view.opening != sheet.axis):
        wide = 32 + width_of(say(key), 12) + 24
        if x + wide > WIDTH:
            x, sheet.y = 0, sheet.y + 20
        sheet.parts.append(f'<g transform="translate({x} {sheet.y})">{sample}{label(32, 0, say(key))}</g>')
        x += wide
    sheet.parts.append(label(0, sheet.y + 22, say("legend_note"), fill=MUTED))
    sheet.y += 32


def _samples(view: DayView, shows_closed: bool) -> Iterator[tuple[str, str]]:
    """(sample, key of its text) of each kind of thing that is in the picture."""
    sessions = [each for device in view.devices for each in device.sessions]
    occurring = {marks.kind(each) for each in sessions}
    for kind, fill in marks.KINDS.items():
        if kind in occurring:
            yield rect(0, -10, 26, BAR, "", fill), f"legend.{kind}"
    if any(each.end_code != "L" for each in sessions):
        yield rect(0, -10, 26, BAR, "", marks.KINDS["A"]) + marks.torn(26, -10, BAR), "legend.torn"
    if any(each.dark for each in view.devices):
        yield rect(0, -10, 26, BAR, "", marks.DARK), "legend.dark"
    if shows_closed:
        yield rect(0, -10, 26, BAR, "", f'fill="{TINT}" stroke="{RULE}"'), "legend.closed"
    if any(each.sets for each in view.lines):
        yield marks.mark("among", 12, -9, 10), "verdict.among"

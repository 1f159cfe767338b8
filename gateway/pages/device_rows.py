"""One row for each device: its name and place, when it was on, when nobody watched, and how much of the day was watched."""

from __future__ import annotations

from gateway.pages import marks
from gateway.pages.ink import MUTED, fit, label, line, rect
from gateway.pages.lanes import lanes
from gateway.pages.sheet import COVERAGE, LEFT, RAIL_WIDTH, SESSIONS, WIDTH, Sheet
from gateway.pages.view import Device, Session, Span

BAR, _LANE = 12, 15
"""How high a session's bar is, and how far apart two are that overlap."""


def device_row(sheet: Sheet, device: Device) -> None:
    words, top = sheet.words, sheet.y
    bars = sorted(device.sessions, key=lambda each: (each.start_ms, each.end_ms, each.record))
    spans = [(sheet.x(each.start_ms), sheet.x(each.end_ms)) for each in bars]
    places, count = lanes(spans)
    height = max(1, count) * _LANE + 9
    sheet.parts.append(line(0, top, WIDTH, top))
    sheet.cover(top, height)
    sheet.name(top + 16, device.name, bold=True)
    where = words.place(device.room, device.bed)
    if device.stations > 1:
        where += f" ×{device.stations}"
    if device.blind or not device.units:
        where += " " + words.say("blind")
    sheet.parts.append(
        label(RAIL_WIDTH + 4, top + 16, fit(where, LEFT - RAIL_WIDTH - 16, 11), 11, fill=MUTED)
    )
    _dark(sheet, device, height)
    for session, span, place in zip(bars, spans, places, strict=True):
        _session(sheet, session, span, top + 6 + place * _LANE)
    _figures(sheet, device)
    sheet.y += height


def _dark(sheet: Sheet, device: Device, height: int) -> None:
    for start, end in device.dark:
        left = sheet.x(start)
        title = f"{device.name} {sheet.words.say('dark')} {sheet.words.span((start, end))}"
        is_meant = sheet.focus is not None and sheet.focus.holds_dark(device, (start, end))
        fill = marks.DARK + (marks.MEANT if is_meant else sheet.faint(False))
        sheet.parts.append(rect(left, sheet.y + 1, sheet.x(end) - left, height - 1, title, fill))


def _session(sheet: Sheet, session: Session, span: Span, y: int) -> None:
    left, right = span
    is_meant = sheet.focus is not None and session.record in sheet.focus.records
    fill = marks.KINDS[marks.kind(session)] + sheet.faint(is_meant)
    sheet.parts.append(rect(left, y, right - left, BAR, sheet.words.session_title(session), fill))
    if session.end_code != "L" and right - left > 6:
        sheet.parts.append(marks.torn(right, y, BAR))


def _figures(sheet: Sheet, device: Device) -> None:
    y = sheet.y + 16
    sheet.parts.append(label(SESSIONS, y, str(len(device.sessions)), anchor="end", fill=MUTED))
    share = "—"
    if device.open_s is not None and device.watched_s is not None:
        share = sheet.words.share(device.watched_s, device.open_s)
    sheet.parts.append(label(COVERAGE, y, share, anchor="end"))

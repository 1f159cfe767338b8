"""The sheet that a day is drawn on: its columns, its axis of hours, how far down it is filled, and where it may be cut."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.pages.ink import HAIR, INK, MUTED, PAPER, RULE, TINT, fit, label, line, rect
from gateway.pages.phrases import Phrases
from gateway.pages.view import DayView, Device, Span

WIDTH = 1240
RAIL_WIDTH = 84
"""How wide the names of the rows are, which stay in sight on a narrow screen."""

LEFT, RIGHT = 208, 1100
"""Where the axis begins and ends."""

SESSIONS, COVERAGE = 1176, 1236
"""Where the columns of figures end."""

HOUR_MS = 3_600_000

FAINT = ' opacity="0.25"'
"""How the rest is drawn where only some of the day is meant."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What is meant of a day: sessions by their records, unwatched time (name of unit or device, from, until), bill lines."""

    records: frozenset[str] = frozenset()
    dark: tuple[tuple[str, int, int], ...] = ()
    lines: frozenset[str] = frozenset()

    def holds_dark(self, device: Device, span: Span) -> bool:
        """Whether unwatched time of the device is meant."""
        names = {device.device, *device.units}
        return any(name in names and start < span[1] and end > span[0] for name, start, end in self.dark)


@dataclass(frozen=True, slots=True)
class Strip:
    """The sheet from one cut to the next: as the fields of Sheet, which it was filled from."""

    top: int
    height: int
    below: list[str]
    parts: list[str]
    names: list[str]


@dataclass(slots=True)
class Sheet:
    """What has been drawn since the last cut, down to `y`: `below` lies under all `parts`; `names` is the rail's copy.
    With a `focus` all else is faint."""

    view: DayView
    words: Phrases
    axis: Span
    focus: Focus | None = None
    y: int = 0
    top: int = 0
    below: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    strips: list[Strip] = field(default_factory=list)

    def cut(self) -> None:
        """What follows may stand on another sheet of paper."""
        if self.y > self.top:
            self.strips.append(Strip(self.top, self.y - self.top, self.below, self.parts, self.names))
            self.top, self.below, self.parts, self.names = self.y, [], [], []

    def faint(self, is_meant: bool) -> str:
        """An attribute for what is not meant."""
        return FAINT if self.focus is not None and not is_meant else ""

    def x(self, at_ms: int) -> int:
        """Where an instant stands; what lies outside the axis stands at its end."""
        first, last = self.axis
        return LEFT + (min(max(at_ms, first), last) - first) * (RIGHT - LEFT) // (last - first)

    def name(
        self,
        y: int,
        text: str,
        size: int = 12,
        *,
        fill: str = INK,
        bold: bool = False,
        width: int = RAIL_WIDTH,
    ) -> None:
        """A row's name: in the picture as wide as `width`, on the rail as wide as that is."""
        for sheet, room in ((self.parts, width), (self.names, RAIL_WIDTH)):
            sheet.append(label(0, y, fit(text, room - 6, size), size, fill=fill, bold=bold))

    def cover(self, top: int, height: int) -> None:
        """What scrolls under the rail beside that row is not seen."""
        self.names.append(rect(0, top + 1, RAIL_WIDTH, height - 1, "", f'fill="{PAPER}"'))


def axis(view: DayView) -> Span:
    """Whole hours of the day that hold the opening hours, every session and every charge."""
    first, last = view.whole
    spans = [(each.start_ms, each.end_ms) for device in view.devices for each in device.sessions]
    spans += [(each.charged_ms, each.charged_ms) for each in view.lines]
    spans += [span for device in view.devices for span in device.dark] + (
        [view.opening] if view.opening else []
    )
    starts = [start for start, _ in spans] or [first + 8 * HOUR_MS]
    ends = [end for _, end in spans] or [first + 20 * HOUR_MS]
    begin = first + max(0, min(starts) - first) // HOUR_MS * HOUR_MS
    finish = first - (first - min(last, max(ends))) // HOUR_MS * HOUR_MS
    return (begin, finish) if begin + HOUR_MS <= finish else (first, last)


def hours(sheet: Sheet, y: int, rule_y: int) -> None:
    """The hours, every second one where there are many, along a rule that is thick while the clinic is open."""
    first, last = sheet.axis
    step = 1 if last - first <= 16 * HOUR_MS else 2
    for at_ms in range(first, last + 1, step * HOUR_MS):
        sheet.parts.append(
            label(sheet.x(at_ms), y, sheet.words.clock(at_ms), 11, fill=MUTED, anchor="middle")
        )
    sheet.parts.append(line(LEFT, rule_y, RIGHT, rule_y, RULE))
    if sheet.view.opening:
        opens, closes = sheet.view.opening
        sheet.parts.append(line(sheet.x(opens), rule_y, sheet.x(closes), rule_y, INK, 2))


def grid(sheet: Sheet, top: int) -> None:
    """Under all that has been drawn since `top`: a line for each hour, and a tint where the clinic is closed."""
    first, last = sheet.axis
    opens, closes = sheet.view.opening or (last, last)
    for start, end in ((first, opens), (closes, last)):
        if start < end:
            left = sheet.x(start)
            sheet.below.append(rect(left, top, sheet.x(end) - left, sheet.y - top, "", f'fill="{TINT}"'))
    path = "".join(f"M{sheet.x(at_ms)} {top}V{sheet.y}" for at_ms in range(first, last + 1, HOUR_MS))
    sheet.below.append(f'<path d="{path}" stroke="{HAIR}" fill="none"/>')

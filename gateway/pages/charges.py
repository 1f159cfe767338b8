"""What was charged, as marks below the devices: one for each treatment, at the time of its charge."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.pages import marks
from gateway.pages.ink import MUTED, RULE, fit, label, line, width_of
from gateway.pages.lanes import lanes
from gateway.pages.sheet import LEFT, RAIL_WIDTH, RIGHT, WIDTH, Sheet
from gateway.pages.view import Line

_DENSITIES = ((10, 12), (6, 7), (3, 4))
"""(size of a mark, distance between two)."""

_MOST_LANES = 18
_DOUBTS, _MOST_SHOWN = ("short", "no_device_time", "unobserved"), 12


def charges(sheet: Sheet, bills: Sequence[Line]) -> None:
    """One mark for each treatment, at the time of its charge, stacked where they would overlap."""
    words, top = sheet.words, sheet.y
    height = max(42, _stacked(sheet, bills))
    items = words.say("and").join(str(item) for item in sorted({each.item for each in bills}))
    times = words.say("times", n=sum(len(each.treatments) for each in bills))
    sheet.parts.append(line(0, top, WIDTH, top, RULE))
    sheet.cover(top, height)
    sheet.name(top + 20, words.say("charges"), bold=True)
    sheet.parts.append(label(RAIL_WIDTH + 4, top + 20, times, fill=MUTED))
    sheet.name(top + 36, words.say("item_numbers", items=items), 11, fill=MUTED, width=LEFT)
    sheet.y += height


def _stacked(sheet: Sheet, bills: Sequence[Line]) -> int:
    """Draws the marks; how high the stack is."""
    ordered = sorted(bills, key=lambda each: (each.charged_ms, each.line))
    shown = [(each, code, sheet.x(each.charged_ms)) for each in ordered for code in each.shown]
    size, pitch, places, count = _packed([x for _, _, x in shown])
    base = sheet.y + 8 + count * pitch
    titles = {id(each): sheet.words.line_title(each) for each in ordered}
    for (each, code, x), place in zip(shown, places, strict=True):
        y = base - (place + 1) * pitch
        rest = sheet.faint(sheet.focus is not None and each.line in sheet.focus.lines)
        sheet.parts.append(marks.mark(code, x - size // 2, y, size, titles[id(each)], rest))
    return count * pitch + 14


def _packed(xs: Sequence[int]) -> tuple[int, int, list[int], int]:
    """(size of a mark, distance between two, lane of each, number of lanes): the smaller the higher they pile up."""
    packings = [(size, pitch, *lanes((x, x + pitch) for x in xs)) for size, pitch in _DENSITIES]
    return next((each for each in packings if each[3] <= _MOST_LANES), packings[-1])


def tally(sheet: Sheet, bills: Sequence[Line]) -> None:
    """What was said of all of them together; then of each set."""
    if not bills:
        return
    sheet.y += 14
    x = LEFT
    for code, count in sheet.view.counts_of(bills).items():
        x = _counted(sheet, x, code, count)
    for each in sheet.view.sets:
        if any(each.number in bill.sets for bill in bills):
            sheet.y += 17
            text = fit(sheet.words.set_sentence(each), RIGHT - LEFT - 20, 12)
            sheet.parts.append(marks.mark("among", LEFT, sheet.y - 9, 10) + label(LEFT + 15, sheet.y, text))
    sheet.y += 8


def _counted(sheet: Sheet, x: int, code: str, count: int) -> int:
    """A verdict and its number, with a mark for each treatment in doubt while these are few; where the next begins."""
    shown = count if code in _DOUBTS and count <= _MOST_SHOWN else 1
    for place in range(shown):
        sheet.parts.append(marks.mark(code, x + 11 * place, sheet.y - 9, 10))
    text = f"{sheet.words.verdict(code)} {count}"
    sheet.parts.append(label(x + 11 * shown + 4, sheet.y, text))
    return x + 11 * shown + 4 + width_of(text, 12) + 22

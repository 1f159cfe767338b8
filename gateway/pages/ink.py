"""Ink: colours, text and shapes as SVG. All attributes are presentation attributes, so a picture needs no style sheet.

Colours keep WCAG AA contrast on white; nothing is told by colour alone.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

PAPER, TINT = "#ffffff", "#f1f2ef"
INK, MUTED, RULE, HAIR = "#1d2327", "#545c63", "#9aa1a6", "#dfe2e0"
DEEP, PALE = "#1f5673", "#d3e2ea"
OCHRE, GREEN, BROWN, RED, VIOLET = "#a8641a", "#1f6f5c", "#8a5a00", "#a31f34", "#4a3f73"
FONTS = "system-ui, sans-serif"

_NARROW = frozenset("fijlrtI .,:;!'|()[]-·")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """`text` as it may stand in XML and in quoted attributes; characters that XML 1.0 does not know become U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;", "'": "&#39;"})


def width_of(text: str, size: int) -> int:
    """About how many pixels `text` takes at that font size: a full square for Chinese, less for narrow letters."""
    return sum(100 if ord(each) > 0x2E7F else 36 if each in _NARROW else 63 for each in text) * size // 100


def fit(text: str, width: int, size: int) -> str:
    """`text`, cut short with an ellipsis where it would be wider than `width` pixels."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text, size) + size > width:
        text = text[:-1]
    return text + "…"


def label(
    x: int, y: int, text: str, size: int = 12, *, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    """A text that stands on the line `y`."""
    attributes = f'x="{x}" y="{y}" font-size="{size}" fill="{fill}"'
    attributes += "" if anchor == "start" else f' text-anchor="{anchor}"'
    attributes += ' font-weight="700"' if bold else ""
    return f"<text {attributes}>{plain(text)}</text>"


def rect(x: int, y: int, width: int, height: int, title: str = "", rest: str = "") -> str:
    """A rectangle of at least one pixel; `title` is its tooltip, `rest` further attributes as text."""
    box = (
        f'<rect x="{x}" y="{y}" width="{max(1, width)}" height="{max(1, height)}"{" " if rest else ""}{rest}'
    )
    return f"{box}><title>{plain(title)}</title></rect>" if title else f"{box}/>"


def line(x1: int, y1: int, x2: int, y2: int, stroke: str = HAIR, width: int = 1) -> str:
    """A straight line."""
    return f'<path d="M{x1} {y1}L{x2} {y2}" stroke="{stroke}" stroke-width="{width}" fill="none"/>'

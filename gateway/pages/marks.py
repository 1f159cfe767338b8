"""Marks: each verdict has a shape of its own, each kind of session and the dark a pattern, so that black and white does.

Shapes are drawn once (`definitions`) and used by name; ids begin with `ww-`.
"""

from __future__ import annotations

from gateway.pages.ink import BROWN, DEEP, GREEN, INK, MUTED, OCHRE, PALE, PAPER, RED, RULE, VIOLET, plain
from gateway.pages.view import Session

_SHAPES = {
    "supported": f'<circle cx="9" cy="9" r="7" fill="{GREEN}"/>',
    "short": f'<path d="M9 1L18 17H0z" fill="{BROWN}"/>',
    "no_device_time": f'<path d="M3 3L15 15M15 3L3 15" stroke="{RED}" stroke-width="4" stroke-linecap="round"/>',
    "unobserved": (
        f'<path d="M2 2H16V16H2zM2 9L9 2M2 16L16 2M9 16L16 9" fill="{PAPER}" stroke="{MUTED}" stroke-width="2"/>'
    ),
    "not_metered": f'<path d="M3 9H15" stroke="{MUTED}" stroke-width="3" stroke-linecap="round"/>',
    "reversed": (
        f'<circle cx="9" cy="9" r="6" fill="{PAPER}" stroke="{MUTED}" stroke-width="2"/>'
        f'<path d="M2 16L16 2" stroke="{MUTED}" stroke-width="2"/>'
    ),
    "pending": (
        f'<circle cx="9" cy="9" r="6" fill="{PAPER}" stroke="{MUTED}" stroke-width="2" stroke-dasharray="3 3"/>'
    ),
    "among": (
        f'<circle cx="9" cy="9" r="7" fill="{PAPER}" stroke="{VIOLET}" stroke-width="2"/>'
        f'<path d="M9 2A7 7 0 0 0 9 16z" fill="{VIOLET}"/>'
    ),
}

_PATTERNS = (
    '<pattern id="ww-dark" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="5" height="5" fill="#f3f3f1"/><rect width="1" height="5" fill="#7d8489"/></pattern>'
    '<pattern id="ww-b" width="4" height="3" patternUnits="userSpaceOnUse">'
    f'<rect width="4" height="3" fill="{PALE}"/><rect width="4" height="1" fill="{DEEP}"/></pattern>'
    '<pattern id="ww-burn" width="4" height="4" patternUnits="userSpaceOnUse">'
    f'<rect width="4" height="4" fill="{OCHRE}"/><rect width="1" height="4" fill="{PAPER}"/></pattern>'
)

KINDS = {
    "A": f'fill="{DEEP}"',
    "B": f'fill="url(#ww-b)" stroke="{DEEP}"',
    "burn": f'fill="url(#ww-burn)" stroke="{OCHRE}"',
    "aside": f'fill="{PAPER}" stroke="{RULE}" stroke-dasharray="3 2"',
}
"""Kind of session -> how its bar is filled."""

DARK = 'fill="url(#ww-dark)"'
MEANT = f' stroke="{INK}" stroke-width="1.5"'
"""Around unwatched time that is meant, where all else is faint."""


def definitions(codes: bool = True) -> str:
    """The patterns, and with `codes` the shapes of the verdicts."""
    shapes = "".join(
        f'<symbol id="ww-{code}" viewBox="0 0 18 18">{shape}</symbol>' for code, shape in _SHAPES.items()
    )
    return f"<defs>{_PATTERNS}{shapes if codes else ''}</defs>"


def mark(code: str, x: int, y: int, size: int, title: str = "", rest: str = "") -> str:
    """The verdict's shape in the square of `size` pixels at (x, y); `rest` are further attributes."""
    use = f'<use href="#ww-{code}" x="{x}" y="{y}" width="{size}" height="{size}"{rest}'
    return f"{use}><title>{plain(title)}</title></use>" if title else f"{use}/>"


def kind(session: Session) -> str:
    """The kind of its bar, a key of KINDS."""
    if not session.grade:
        return "aside"
    if session.long_burn:
        return "burn"
    return "A" if session.grade == "A" else "B"


def torn(x: int, y: int, height: int) -> str:
    """Teeth in the right end (x) of a bar: what was cut off rather than switched off."""
    third = max(1, height // 3)
    teeth = "".join(f"l-4 {third // 2 or 1}l4 {third - (third // 2 or 1)}" for _ in range(3))
    return f'<path d="M{x + 2} {y - 1}H{x}{teeth}V{y + height + 1}H{x + 2}z" fill="{PAPER}"/>'

"""Drawings that a person wires by, in a real Chromium: every word is on the paper, and no two words lie on each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firmware.rpi import label
from protocol import p256
from tests.support.browser import browser_page, shows_glyphs
from tests.support.tools import CHECKOUT

DRAWINGS = sorted((CHECKOUT / "hardware" / "wiring").glob("*.svg"))
KEY = p256.spki(p256.public_key(bytes(range(1, 33)))).hex()
_BOXES = """() => [...document.querySelectorAll("svg text")].map(text => {
  const box = text.getBBox();
  return [text.textContent, box.x, box.y, box.x + box.width, box.y + box.height];
})"""


def shown(drawing: str) -> list[tuple[str, float, float, float, float]]:
    """(text, left, top, right, bottom) of every text, in the drawing's own units."""
    with browser_page(1200, 1000) as page:
        page.set_content(f"<body style='margin:0'>{drawing}</body>")
        assert shows_glyphs(page, "市电低压灯")
        return [tuple(each) for each in page.evaluate(_BOXES)]


def overlaps(one: Any, other: Any) -> bool:
    """By more than the blank rim that a line of text has above and below."""
    across = min(one[3], other[3]) - max(one[1], other[1])
    down = min(one[4], other[4]) - max(one[2], other[2])
    return across > 2 and down > 6


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_every_word_of_a_wiring_drawing_can_be_read(path: Path):
    texts = shown(path.read_text("utf-8"))
    width, height = map(float, path.read_text("utf-8").split('viewBox="0 0 ')[1].split('"')[0].split())
    assert len(texts) > 60
    outside = [each for each in texts if each[1] < 0 or each[2] < 0 or each[3] > width or each[4] > height]
    assert outside == []
    crossed = [
        (one[0], two[0]) for at, one in enumerate(texts) for two in texts[at + 1 :] if overlaps(one, two)
    ]
    assert crossed == []


def test_every_word_of_a_label_can_be_read_even_with_the_longest_names():
    longest = "W" * 64
    texts = shown(label.svg("M" * 64, longest, "tdp", KEY))
    assert longest in [each[0] for each in texts] and all(each[3] <= 620 and each[4] <= 250 for each in texts)
    assert not [1 for at, one in enumerate(texts) for two in texts[at + 1 :] if overlaps(one, two)]


def test_words_on_each_other_would_be_seen():
    drawn = '<svg viewBox="0 0 200 50"><text x="5" y="20">first</text><text x="10" y="22">second</text></svg>'
    one, two = shown(drawn)
    assert overlaps(one, two) and not overlaps(one, (*two[:2], 100, two[3], 120))

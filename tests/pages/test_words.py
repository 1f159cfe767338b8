"""The texts of the pages, in both languages."""

from __future__ import annotations

from collections import Counter
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from gateway.audit.leads import default_rules
from gateway.audit.verdicts import CODES
from gateway.pages import words
from gateway.pages.ink import BROWN, DEEP, GREEN, INK, MUTED, OCHRE, PAPER, RED, TINT, VIOLET
from gateway.pages.view import AMONG, PENDING, VERDICTS


def test_both_languages_have_every_text():
    families = {path.name for path in words.LOCALE.glob("*/LC_MESSAGES/*.po")}
    for family in families:
        chinese, english = _texts("zh_CN", family), _texts("en", family)
        assert [*chinese] == [*english], family
        assert all(chinese.values()) and all(english.values()), family


def test_both_languages_speak_of_the_same_things():
    for path in words.LOCALE.glob("zh_CN/LC_MESSAGES/*.po"):
        english = _texts("en", path.name)
        for key, chinese in _texts("zh_CN", path.name).items():
            assert _fields(chinese) == _fields(english[key]), key


def test_no_text_is_defined_twice():
    told = Counter(key for path in words.LOCALE.glob("en/*/*.po") for key in _texts("en", path.name))
    assert [key for key, times in told.items() if times > 1] == []


def _texts(tag: str, family: str) -> dict[str, str]:
    with (words.LOCALE / tag / "LC_MESSAGES" / family).open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file, abort_invalid=True) if each.id}


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_every_verdict_has_a_name_and_a_meaning():
    assert VERDICTS == CODES
    for code in (*VERDICTS, PENDING):
        assert words.knows(f"verdict.{code}")
        assert words.knows(f"meaning.{code}")
    assert words.knows(f"verdict.{AMONG}")


def test_every_rule_of_leads_has_a_name():
    assert [rule for rule in default_rules() if not words.knows(f"rule.{rule}")] == []


def test_an_unknown_language_is_chinese():
    assert words.speak("fr")("product") == "以电为证"


@pytest.mark.parametrize("paper", [PAPER, TINT])
@pytest.mark.parametrize("ink", [INK, MUTED, DEEP, OCHRE, GREEN, BROWN, RED, VIOLET])
def test_every_ink_can_be_read_on_every_paper(ink, paper):
    """WCAG 2.2: 4.5 : 1 for text, 3 : 1 for the ochre, which only fills bars."""
    assert _contrast(ink, paper) >= (3 if ink == OCHRE else 4.5)


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""How a value that a person wrote in TOML is checked: a rule reads it, and says in words what it must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Rule:
    """How a value is read (ValueError or TypeError if it breaks the rule), and the rule in words."""

    read: Callable[[Any], Any]
    zh: str
    en: str


def refuse() -> NoReturn:
    """What a rule does with a value that breaks it."""
    raise ValueError


def text(value: Any) -> str:
    """A printable text with something in it."""
    return value if isinstance(value, str) and value.strip() and value.isprintable() else refuse()


TEXT = Rule(text, "非空文字", "a text that is not empty")

"""Who acts: names of people as they are kept, and the rule that some acts take two of them (双人核对)."""

from __future__ import annotations

import unicodedata

from gateway.errors import UsageError

CONSOLE, HIS, GATEWAY = "console", "his", "gateway"
"""Who stands in the trail where nobody has signed in: whoever sits at the gateway, the HIS by its key, the program itself."""

_LONGEST = 64


def person(name: str, option: str = "--by") -> str:
    """The name as it is kept; UsageError for an empty, overlong or unprintable one."""
    kept = name.strip()
    if not kept or len(kept) > _LONGEST or not kept.isprintable():
        raise UsageError(
            f"{option} 需要写明是谁：1 到 {_LONGEST} 个可见字符，如 D01",
            f"{option} says who it is: 1 to {_LONGEST} visible characters, like D01",
        )
    return kept


def whoever(by: str) -> str:
    """As `person`; CONSOLE where nobody is named."""
    return person(by) if by.strip() else CONSOLE


def two_persons(by: str, second: str) -> tuple[str, str]:
    """The two names as they are kept; UsageError unless both are given and differ in more than case or width."""
    one, other = by.strip(), second.strip()
    if not one or not other or alike(one) == alike(other):
        raise UsageError(
            "此操作需要两个不同的人：--by 和 --and", "this takes two different persons: --by and --and"
        )
    return person(one), person(other, "--and")


def reason(text: str, option: str = "--why") -> str:
    """What is said or why something is done, as it is kept; UsageError where nothing is said, or half a character."""
    kept = text.strip()
    if not kept or not is_text(kept):
        raise UsageError(f"{option} 需要写明内容", f"{option} says what or why: it is empty, or no text")
    return kept


def is_text(told: str) -> bool:
    """Whether a file can hold it: half characters cannot be written."""
    try:
        told.encode()
    except UnicodeEncodeError:
        return False
    return True


def alike(name: str) -> str:
    """Two that are one here are told apart by no reader: `D01`, `d01`, full-width `Ｄ０１`."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())

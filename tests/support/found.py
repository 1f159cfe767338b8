"""What a pattern finds in a text, or the test fails saying so."""

from __future__ import annotations

import re


def found(pattern: str, text: str, group: int = 1) -> str:
    """That group of the first match; 0 is all of it. A dot stands for line feeds too."""
    match = re.search(pattern, text, re.S)
    assert match is not None, f"no {pattern} in {text[:2000]}"
    return str(match[group])
